/*
 * An application for the doors' tests, in place of the real one: what it
 * answers is known, and it can be slow. Linked before the library, so the
 * real app_* are not taken.
 *
 *	/echo        200 with the body, its status and the query
 *	/slow        sleeps 300 ms first
 *	/parked      nobody waits: another thread has the reply after 300 ms
 *	/large       200 and more than a socket takes
 *	/parked-large  both
 *	/reloads     200 with how often app_open was called
 *	/broken      a reply whose buf has failed
 */
#ifndef T_DOOR_APP_H
#define T_DOOR_APP_H

#include "site/snapshot.h"

/* The least that a large reply has. */
#define DOOR_APP_LARGE ((size_t)8 << 20)

/* A snapshot as app_open gives it. Ends the program if it cannot. */
struct app *door_app_new(void);

#endif
