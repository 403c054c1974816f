/*
 * The thread that sends replies which were not sent at once, and looks for
 * those that are unknown (reply/reply.h). It may wait for Twilio, and so is
 * none that anybody else waits for.
 */
#ifndef DOOR_REPLIES_H
#define DOOR_REPLIES_H

#include <pthread.h>
#include <stdbool.h>

#include "base/status.h"

struct app_slot;

struct replies {
	struct app_slot *slot;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t wake;
	bool ending, running;
};

/* ST_OK, ST_NOMEM. */
enum status replies_start(struct replies *, struct app_slot *);

/* Tell it to end; does it still run? */
void replies_stop(struct replies *);
bool replies_running(struct replies *);

/* It has ended; or let it go if it still runs. */
void replies_end(struct replies *);

/* Tell it to end, and wait for that. */
void replies_close(struct replies *);

#endif
