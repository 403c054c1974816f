#include "sqs/sqs_parking.h"

#include <stddef.h>

#include "base/quit.h"
#include "serve/exchange.h"
#include "serve/serve.h"
#include "sqs/sqs_call.h"

#define POLL_US INT64_C(100000)
#define STACK ((size_t)512 << 10)

/* With lock held. */
static void
put(struct parking *p, struct sqs_call *c)
{
	c->next = NULL;
	if (p->first == NULL)
		p->last = &p->first;
	*p->last = c;
	p->last = &c->next;
}

/* All that are there; NULL at the end. */
static struct sqs_call *
take_all(struct parking *p)
{
	struct sqs_call *all;

	pthread_mutex_lock(&p->lock);
	while (p->first == NULL && !p->ending)
		pthread_cond_wait(&p->more, &p->lock);
	all = p->first;
	p->first = NULL;
	pthread_mutex_unlock(&p->lock);
	return all;
}

/* Each that is answered is gone; the others go on waiting, in their order. */
static void
look(struct parking *p, struct sqs_call *c)
{
	struct sqs_call *next;

	for (; c != NULL; c = next) {
		next = c->next;
		if (sqs_receive_look(c)) {
			app_resume(c->x);
			continue;
		}
		pthread_mutex_lock(&p->lock);
		put(p, c);
		pthread_mutex_unlock(&p->lock);
	}
}

static void *
parking_main(void *arg)
{
	struct parking *p = arg;
	struct sqs_call *all;

	while ((all = take_all(p)) != NULL) {
		quit_sleep(NULL, POLL_US);
		look(p, all);
	}
	return NULL;
}

/* With lock held. */
static bool
start(struct parking *p)
{
	pthread_attr_t attr;

	if (p->started)
		return true;
	if (pthread_attr_init(&attr) != 0)
		return false;
	p->started = pthread_attr_setstacksize(&attr, STACK) == 0 &&
	    pthread_create(&p->thread, &attr, parking_main, p) == 0;
	pthread_attr_destroy(&attr);
	return p->started;
}

void
parking_add(struct exchange *x)
{
	struct parking *p = x->app->parking;
	struct sqs_call *c = x->kept;
	bool parked;

	pthread_mutex_lock(&p->lock);
	if ((parked = start(p))) {
		put(p, c);
		pthread_cond_signal(&p->more);
	}
	pthread_mutex_unlock(&p->lock);
	if (parked)
		return;
	/* Nobody would look for it: there is nothing now. */
	buf_puts(c->out, "{}");
	sqs_call_answer(c, true);
	app_resume(x);
}

void
parking_end(struct parking *p)
{
	pthread_mutex_lock(&p->lock);
	p->ending = true;
	pthread_cond_signal(&p->more);
	pthread_mutex_unlock(&p->lock);
	if (p->started)
		pthread_join(p->thread, NULL);
}
