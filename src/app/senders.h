/*
 * The threads behind requests that send what waits in the spool.
 */
#ifndef APP_SENDERS_H
#define APP_SENDERS_H

#include "base/status.h"

struct app;
struct senders;

/* The app outlives them. ST_OK, ST_NOMEM, ST_IO (no thread). */
enum status senders_start(struct senders **, const struct app *);

/* Lets them finish what they are at. NULL is allowed. */
void senders_stop(struct senders *);

#endif
