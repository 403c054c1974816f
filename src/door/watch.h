/*
 * A limit on how long a worker may be reading from one connection. The time-
 * out of the socket starts anew with every byte, so a peer that trickles would
 * hold a worker for ever; the watch shuts its sending side at the limit.
 */
#ifndef DOOR_WATCH_H
#define DOOR_WATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct watch {
	pthread_mutex_t lock; /* guards the rest */
	int fd; /* -1: nothing to watch */
	int64_t until_us;
	bool cut;
};

void watch_init(struct watch *);
void watch_destroy(struct watch *);

/* From now until watch_end fd is read from, and stays open. */
void watch_begin(struct watch *, int fd, int64_t until_us);

/* True if the connection was cut meanwhile. */
bool watch_end(struct watch *);

/* Cut it if it is later than its limit. The reply can still be written. */
void watch_check(struct watch *, int64_t now_us);

#endif
