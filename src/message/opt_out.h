/*
 * OptOutType: a sender said STOP, which sets opted_out of their conversations,
 * or START, which clears it. Routing stays as it is.
 */
#ifndef MESSAGE_OPT_OUT_H
#define MESSAGE_OPT_OUT_H

#include "base/status.h"

struct conversation;
struct db;
struct json;
struct store;

/* "STOP" or "START", or NULL of any other. Static. */
const char *opt_out_kind(const char *type);

/* The same of a twilio_message. */
const char *opt_out_of(const struct json *twilio_message);

/*
 * All conversations of this one's sender, under each of their names, have it
 * noted. kind NULL changes nothing. Inside a job that changes an embedded store
 * it is part of it. ST_OK, or as the store.
 */
enum status opt_out_note(
    struct db *, struct store *, const struct conversation *, const char *kind);

#endif
