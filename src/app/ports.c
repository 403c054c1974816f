#include "app/ports.h"

#include <pthread.h>
#include <stdlib.h>

#include "config/config.h"
#include "store/queue.h"
#include "store/registry.h"
#include "store/store.h"

struct ports_pool {
	const struct config *config;
	struct db *db;
	pthread_mutex_t mutex; /* guards idle */
	struct ports *idle;
};

/* What one open handle needs; says of a failure where it was set. */
struct opening {
	const struct config *config;
	struct db *db;
	struct ports *ports;
	struct buf *errors;
};

static enum status
opened(const struct opening *o, const char *section, const char *key,
    enum status st, bool local, struct buf *why)
{
	if (st != ST_OK) {
		config_where(o->config, section, key, o->errors);
		buf_printf(
		    o->errors, ": %s.%s: %s\n", section, key, buf_str(why));
	}
	o->ports->local = o->ports->local && local;
	buf_release(why);
	return st;
}

static enum status
open_queue(const struct opening *o, const char *section, const char *key,
    const char *url, struct queue **queue)
{
	struct buf why = BUF_INIT;
	bool local = false;
	enum status st;

	st = queue_open(url, o->db, queue, &local, &why);
	return opened(o, section, key, st, local, &why);
}

static enum status
open_conversations(const struct opening *o)
{
	struct buf why = BUF_INIT;
	bool local = false;
	enum status st;

	st = store_open(o->config->whatsapp.conversations, o->db,
	    &o->ports->conversations, &local, &why);
	return opened(o, "whatsapp", "conversations", st, local, &why);
}

static void
queue_close(struct queue *q)
{
	if (q != NULL)
		q->ops->close(q);
}

static void
ports_free(struct ports *p)
{
	if (p == NULL)
		return;
	queue_close(p->ai);
	queue_close(p->human);
	queue_close(p->unrouted);
	queue_close(p->digits);
	if (p->conversations != NULL)
		p->conversations->ops->close(p->conversations);
	free(p);
}

static enum status
ports_open(
    const struct ports_pool *pool, struct ports **out, struct buf *errors)
{
	const struct config *c = pool->config;
	struct ports *p = calloc(1, sizeof(*p));
	struct opening o = { c, pool->db, p, errors };
	enum status st = ST_NOMEM;
	size_t i;

	*out = NULL;
	if (p == NULL)
		return ST_NOMEM;
	const struct {
		const char *section, *key, *url;
		struct queue **queue;
	} queues[] = {
		{ "whatsapp", "ai_queue", c->whatsapp.ai_queue, &p->ai },
		{ "whatsapp", "human_queue", c->whatsapp.human_queue,
		    &p->human },
		{ "whatsapp", "unknown_sender", PORTS_UNROUTED, &p->unrouted },
		{ "voice", "digits_queue", c->voice.digits_queue, &p->digits },
	};
	p->local = true;
	st = open_conversations(&o);
	for (i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
		if (st == ST_OK)
			st = open_queue(&o, queues[i].section, queues[i].key,
			    queues[i].url, queues[i].queue);
	if (st == ST_OK)
		*out = p;
	else
		ports_free(p);
	return st;
}

enum status
ports_pool_open(struct ports_pool **out, const struct config *config,
    struct db *db, struct buf *errors)
{
	struct ports_pool *pool = calloc(1, sizeof(*pool));
	enum status st;

	*out = NULL;
	if (pool == NULL)
		return ST_NOMEM;
	pool->config = config;
	pool->db = db;
	pthread_mutex_init(&pool->mutex, NULL);
	st = ports_open(pool, &pool->idle, errors);
	if (st == ST_OK)
		*out = pool;
	else
		ports_pool_close(pool);
	return st;
}

void
ports_pool_close(struct ports_pool *pool)
{
	struct ports *p;

	if (pool == NULL)
		return;
	while ((p = pool->idle) != NULL) {
		pool->idle = p->next;
		ports_free(p);
	}
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}

struct ports *
ports_take(struct ports_pool *pool)
{
	struct buf errors = BUF_INIT;
	struct ports *p;

	pthread_mutex_lock(&pool->mutex);
	if ((p = pool->idle) != NULL)
		pool->idle = p->next;
	pthread_mutex_unlock(&pool->mutex);
	if (p == NULL)
		ports_open(pool, &p, &errors);
	buf_release(&errors);
	return p;
}

void
ports_give(struct ports_pool *pool, struct ports *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&pool->mutex);
	p->next = pool->idle;
	pool->idle = p;
	pthread_mutex_unlock(&pool->mutex);
}
