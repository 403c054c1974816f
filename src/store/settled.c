#include "store/settled.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cond.h"
#include "store/db.h"
#include "store/spool.h"

#define RETRY_US INT64_C(1000000)

struct settled {
	struct db *db;
	struct log *log;
	pthread_t thread;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t wake;
	struct settled_ids list;
	bool stop;
};

bool
settled_note(struct settled *s, int64_t id)
{
	bool room;

	if (s == NULL)
		return false;
	pthread_mutex_lock(&s->mutex);
	room = s->list.n < SETTLED_MAX;
	if (room)
		s->list.ids[s->list.n++] = id;
	if (s->list.n == 1)
		pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->mutex);
	return room;
}

void
settled_list(struct settled *s, struct settled_ids *out)
{
	out->n = 0;
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->mutex);
	*out = s->list;
	pthread_mutex_unlock(&s->mutex);
}

enum status
settled_remove(struct db *db, const struct settled_ids *ids)
{
	enum status st = ST_OK;
	size_t i;

	for (i = 0; i < ids->n && st == ST_OK; i++)
		st = spool_remove(db, ids->ids[i]);
	return st;
}

static bool
holds(const struct settled_ids *ids, int64_t id)
{
	size_t i;

	for (i = 0; i < ids->n; i++)
		if (ids->ids[i] == id)
			return true;
	return false;
}

/* Several may have removed the same ones. */
static void
forget(struct settled_ids *list, const struct settled_ids *gone)
{
	size_t i, kept = 0;

	for (i = 0; i < list->n; i++)
		if (!holds(gone, list->ids[i]))
			list->ids[kept++] = list->ids[i];
	list->n = kept;
}

void
settled_forget(struct settled *s, const struct settled_ids *gone)
{
	if (s == NULL || gone->n == 0)
		return;
	pthread_mutex_lock(&s->mutex);
	forget(&s->list, gone);
	pthread_mutex_unlock(&s->mutex);
}

/* --- the thread ------------------------------------------------------------ */

static enum status
remove_job(struct db *db, void *arg)
{
	return settled_remove(db, arg);
}

/* The database does not take it: not at once again. The mutex is held. */
static void
pause_after(struct settled *s, enum status st)
{
	int64_t until_us = clock_mono_us() + RETRY_US;

	log_error(s->log, "the spool could not be updated",
	    LOG_STR("error", status_text(st)),
	    LOG_INT("sent", (int64_t)s->list.n));
	while (!s->stop && cond_wait(&s->wake, &s->mutex, until_us))
		;
}

static void *
run(void *arg)
{
	struct settled *s = arg;
	struct settled_ids ids;
	enum status st = ST_OK;

	pthread_mutex_lock(&s->mutex);
	for (;;) {
		while (s->list.n == 0 && !s->stop)
			pthread_cond_wait(&s->wake, &s->mutex);
		if (s->list.n == 0 || (s->stop && st != ST_OK))
			break;
		ids = s->list;
		pthread_mutex_unlock(&s->mutex);
		st = db_write_reserved(s->db, remove_job, &ids);
		pthread_mutex_lock(&s->mutex);
		if (st == ST_OK)
			forget(&s->list, &ids);
		else
			pause_after(s, st);
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

enum status
settled_open(struct settled **out, struct db *db, struct log *log)
{
	struct settled *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (s == NULL || cond_init(&s->mutex, &s->wake) != ST_OK) {
		free(s);
		return ST_NOMEM;
	}
	s->db = db;
	s->log = log;
	if (pthread_create(&s->thread, NULL, run, s) == 0) {
		*out = s;
		return ST_OK;
	}
	cond_release(&s->mutex, &s->wake);
	free(s);
	return ST_NOMEM;
}

void
settled_close(struct settled *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->mutex);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->mutex);
	pthread_join(s->thread, NULL);
	cond_release(&s->mutex, &s->wake);
	free(s);
}
