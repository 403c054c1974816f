/*
 * Where requests wait for a message to come: a thread looks for all of them ten
 * times a second, and no worker waits. It is started with the first of them.
 */
#ifndef SQS_SQS_PARKING_H
#define SQS_SQS_PARKING_H

#include <pthread.h>
#include <stdbool.h>

struct exchange;
struct sqs_call;

struct parking {
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t more;
	struct sqs_call *first, **last;
	pthread_t thread;
	bool started, ending;
};

#define PARKING_INIT \
	{ \
		.lock = PTHREAD_MUTEX_INITIALIZER, \
		.more = PTHREAD_COND_INITIALIZER \
	}

/* For struct exchange: one that has an app->parking. */
void parking_add(struct exchange *);

/* After the last of them was answered: the thread ends. */
void parking_end(struct parking *);

#endif
