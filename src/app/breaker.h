/*
 * A circuit breaker for each role of queue: after some failures in a row it
 * opens, and for a while nobody waits for that queue's time-outs. Then one
 * after another may try, until one succeeds.
 */
#ifndef APP_BREAKER_H
#define APP_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct breakers; /* safe from several threads */

enum status breakers_open(struct breakers **);
void breakers_close(struct breakers *); /* NULL is allowed */

/* 0: the role is to be tried now, and breaker_note told how that went. Else
 * for how long not, in microseconds. */
int64_t breaker_try(struct breakers *, const char *role);

/* Does it look as if it could be tried? */
bool breaker_lets(struct breakers *, const char *role);

/* How a try went. True: the role was not tried for a while, and works again. */
bool breaker_note(struct breakers *, const char *role, bool good);

#endif
