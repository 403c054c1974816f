/*
 * An application for the doors' tests, in place of the real one: what it
 * answers is known, and it can be slow. Linked before the library, so the
 * real app_* are not taken.
 *
 *	/echo        200 with the body, its status and the query
 *	/slow        sleeps 300 ms first
 *	/reloads     200 with how often app_open was called
 *	/broken      a reply whose buf has failed
 */
#ifndef T_DOOR_APP_H
#define T_DOOR_APP_H

#include "site/snapshot.h"

/* A snapshot as app_open gives it. Ends the program if it cannot. */
struct app *door_app_new(void);

#endif
