#include "app/ports.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/backends.h"
#include "app/outbox.h"
#include "aws/client.h"
#include "base/clock.h"
#include "base/str.h"
#include "config/config.h"
#include "store/queue.h"
#include "store/store.h"

#define DYNAMODB "dynamodb:"

struct ports_pool {
	const struct ports_source *source;
	bool remote; /* some URL is */
	pthread_mutex_t mutex; /* guards idle */
	struct ports *idle;
};

/* Where the URLs come from, and where the handles go. */
struct port {
	const char *section, *key;
	const char *url;
	struct queue **queue; /* NULL: it is the conversations */
};

#define PORTS_N 6

static void
list_ports(const struct config *c, struct ports *p, struct port list[PORTS_N])
{
	const struct port all[PORTS_N] = {
		{ "whatsapp", "conversations", c->whatsapp.conversations,
		    NULL },
		{ "whatsapp", "ai_queue", c->whatsapp.ai_queue, &p->ai },
		{ "whatsapp", "human_queue", c->whatsapp.human_queue,
		    &p->human },
		{ "whatsapp", "unknown_sender", PORTS_UNROUTED, &p->unrouted },
		{ "voice", "digits_queue", c->voice.digits_queue, &p->digits },
		{ "store", "spool", PORTS_UNDELIVERABLE, &p->undeliverable },
	};

	memcpy(list, all, sizeof(all));
}

struct queue *
ports_queue(const struct ports *p, const char *role)
{
	const struct {
		const char *role;
		struct queue *queue;
	} queues[] = {
		{ ROLE_AI, p->ai },
		{ ROLE_HUMAN, p->human },
		{ ROLE_UNROUTED, p->unrouted },
		{ ROLE_DIGITS, p->digits },
	};
	size_t i;

	for (i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
		if (str_eq(role, queues[i].role))
			return queues[i].queue;
	return NULL;
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
	struct port list[PORTS_N];
	size_t i;

	if (p == NULL)
		return;
	list_ports(p->config, p, list);
	for (i = 0; i < PORTS_N; i++)
		if (list[i].queue != NULL)
			queue_close(*list[i].queue);
	if (p->conversations != NULL)
		p->conversations->ops->close(p->conversations);
	aws_client_close(p->aws);
	free(p);
}

static enum status
open_port(
    struct ports *p, const struct port *port, struct db *db, struct buf *errors)
{
	struct backends b = { p->config, db, p->aws };
	struct buf why = BUF_INIT;
	enum status st;

	if (port->queue != NULL)
		st = backend_queue(&b, port->url, port->queue, &why);
	else
		st = backend_store(&b, port->url, &p->conversations, &why);
	if (st != ST_OK) {
		config_where(p->config, port->section, port->key, errors);
		buf_printf(errors, ": %s.%s: %s\n", port->section, port->key,
		    buf_str(&why));
	}
	buf_release(&why);
	return st;
}

static enum status
open_client(struct ports *p, struct aws *aws, struct buf *errors)
{
	struct buf why = BUF_INIT;
	enum status st;

	st = aws_client_open(&p->aws, aws, &why);
	if (st != ST_OK)
		buf_printf(errors, "%s\n", buf_str(&why));
	buf_release(&why);
	return st;
}

/* The table's name in whatsapp.dedupe, or NULL. */
static const char *
dedupe_table(const struct config *c)
{
	return str_starts(c->whatsapp.dedupe, DYNAMODB)
	    ? c->whatsapp.dedupe + strlen(DYNAMODB)
	    : NULL;
}

static enum status
ports_open(
    const struct ports_pool *pool, struct ports **out, struct buf *errors)
{
	struct ports *p = calloc(1, sizeof(*p));
	struct port list[PORTS_N];
	enum status st = ST_OK;
	size_t i;

	*out = NULL;
	if (p == NULL)
		return ST_NOMEM;
	p->config = pool->source->config;
	p->dedupe = dedupe_table(p->config);
	p->local = !pool->remote;
	list_ports(p->config, p, list);
	if (pool->remote)
		st = open_client(p, pool->source->aws, errors);
	for (i = 0; i < PORTS_N && st == ST_OK; i++)
		st = open_port(p, &list[i], pool->source->db, errors);
	if (st == ST_OK)
		*out = p;
	else
		ports_free(p);
	return st;
}

bool
ports_remote(const struct config *c)
{
	struct ports none;
	struct port list[PORTS_N];
	size_t i;

	if (dedupe_table(c) != NULL)
		return true;
	list_ports(c, &none, list);
	for (i = 0; i < PORTS_N; i++)
		if (backend_is_remote(list[i].url))
			return true;
	return false;
}

enum status
ports_check(const struct config *c, struct buf *errors)
{
	struct ports *p = calloc(1, sizeof(*p));
	struct port list[PORTS_N];
	enum status st = p == NULL ? ST_NOMEM : ST_OK, opened;
	size_t i;

	if (p == NULL)
		return st;
	p->config = c;
	list_ports(c, p, list);
	for (i = 0; i < PORTS_N && st != ST_NOMEM; i++) {
		opened = open_port(p, &list[i], NULL, errors);
		st = opened == ST_OK ? st : opened;
	}
	ports_free(p);
	return st;
}

enum status
ports_pool_open(struct ports_pool **out, const struct ports_source *source,
    struct buf *errors)
{
	struct ports_pool *pool = calloc(1, sizeof(*pool));
	enum status st;

	*out = NULL;
	if (pool == NULL)
		return ST_NOMEM;
	pool->source = source;
	pool->remote = ports_remote(source->config);
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

void
ports_begin(struct ports *p, const char *trace, const char *traceparent)
{
	if (p->aws != NULL)
		aws_client_begin(p->aws, clock_mono_us() + PORTS_DEADLINE_US,
		    trace, traceparent);
}

const char *
ports_error(const struct ports *p)
{
	return p->aws == NULL ? "" : aws_client_error(p->aws);
}
