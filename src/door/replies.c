#include "door/replies.h"

#include "base/clock.h"
#include "base/cond.h"
#include "reply/reply.h"
#include "serve/app.h"
#include "site/snapshot.h"

/* Other processes store replies, too. */
#define LOOK_US INT64_C(1000000)

/* True: there may be more to do. */
static bool
work(struct replies *r)
{
	struct app *app = app_slot_get(r->slot);
	int64_t due_us;
	bool more = app->db != NULL && reply_work(app, &due_us);

	app_slot_put(r->slot, app);
	return more;
}

static void *
replies_main(void *arg)
{
	struct replies *r = arg;
	bool more = false;

	pthread_mutex_lock(&r->lock);
	while (!r->ending) {
		if (!more)
			cond_wait(
			    &r->wake, &r->lock, clock_mono_us() + LOOK_US);
		if (r->ending)
			break;
		pthread_mutex_unlock(&r->lock);
		more = work(r);
		pthread_mutex_lock(&r->lock);
	}
	r->running = false;
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

enum status
replies_start(struct replies *r, struct app_slot *slot)
{
	*r = (struct replies){ .slot = slot };
	if (cond_init(&r->lock, &r->wake) != ST_OK)
		return ST_NOMEM;
	r->running = true;
	if (pthread_create(&r->thread, NULL, replies_main, r) == 0)
		return ST_OK;
	r->running = false;
	cond_release(&r->lock, &r->wake);
	return ST_NOMEM;
}

void
replies_stop(struct replies *r)
{
	pthread_mutex_lock(&r->lock);
	r->ending = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

bool
replies_running(struct replies *r)
{
	bool running;

	pthread_mutex_lock(&r->lock);
	running = r->running;
	pthread_mutex_unlock(&r->lock);
	return running;
}

void
replies_end(struct replies *r)
{
	if (replies_running(r)) {
		pthread_detach(r->thread);
		return;
	}
	pthread_join(r->thread, NULL);
	cond_release(&r->lock, &r->wake);
}

void
replies_close(struct replies *r)
{
	replies_stop(r);
	pthread_join(r->thread, NULL);
	cond_release(&r->lock, &r->wake);
}
