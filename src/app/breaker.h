/*
 * A circuit breaker for each role of queue: after some failures in a row it
 * opens, and for a while nobody waits for that queue's time-outs.
 */
#ifndef APP_BREAKER_H
#define APP_BREAKER_H

#include <stdbool.h>

#include "base/status.h"

struct breakers;

enum status breakers_open(struct breakers **);
void breakers_close(struct breakers *); /* NULL is taken */

/* May this role be tried now? */
bool breaker_lets(struct breakers *, const char *role);

/* How a try went. True: the role had failed so often that it was not tried
 * for a while, and works again. */
bool breaker_note(struct breakers *, const char *role, bool good);

#endif
