/* Do configuration and templates fit each other? For `switchhook check`. */
#ifndef VOICE_VOICE_CHECK_H
#define VOICE_VOICE_CHECK_H

#include "base/buf.h"
#include "base/status.h"

struct config;

/*
 * Lint every template, and what [menu] and [digits] reach. mistakes gets what
 * is wrong (a template that cannot be played at all), warnings what will be a
 * 404 until something is set, a line each: "where: what; what to do".
 * ST_OK, ST_CONFIG (there are mistakes), ST_NOMEM.
 */
enum status voice_check(
    const struct config *, struct buf *mistakes, struct buf *warnings);

#endif
