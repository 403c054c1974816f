#include "message/ports.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "aws/client.h"
#include "base/clock.h"
#include "base/str.h"
#include "config/config.h"
#include "message/backends.h"
#include "store/queue.h"
#include "store/store.h"

#define DYNAMODB "dynamodb:"

struct ports_pool {
	struct ports_source source;
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

size_t
ports_role(const char *role)
{
	static const char *const roles[PORTS_ROLES - 1] = { ROLE_AI, ROLE_HUMAN,
		ROLE_UNROUTED, ROLE_DIGITS, ROLE_UNDECIDED };
	size_t i = 0;

	while (i < PORTS_ROLES - 1 && !str_eq(role, roles[i]))
		i++;
	return i;
}

const char *
ports_url(const struct config *c, const char *role)
{
	const char *const urls[PORTS_ROLES] = { c->whatsapp.ai_queue,
		c->whatsapp.human_queue, PORTS_UNROUTED,
		c->voice.digits_queue };

	return urls[ports_role(role)];
}

const char *
ports_each(const struct config *c, size_t i, const char **role)
{
	const struct {
		const char *role, *url;
	} all[] = {
		{ ROLE_AI, c->whatsapp.ai_queue },
		{ ROLE_HUMAN, c->whatsapp.human_queue },
		{ ROLE_UNROUTED, PORTS_UNROUTED },
		{ ROLE_DIGITS, c->voice.digits_queue },
		{ ROLE_UNDELIVERABLE, PORTS_UNDELIVERABLE },
	};

	if (i >= sizeof(all) / sizeof(all[0]))
		return NULL;
	*role = all[i].role;
	return all[i].url;
}

struct queue *
ports_queue(const struct ports *p, const char *role)
{
	struct queue *const queues[PORTS_ROLES] = { p->ai, p->human,
		p->unrouted, p->digits };

	return queues[ports_role(role)];
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
		if (list[i].queue != NULL && *list[i].queue != NULL)
			(*list[i].queue)->ops->close(*list[i].queue);
	if (p->conversations != NULL)
		p->conversations->ops->close(p->conversations);
	aws_client_close(p->aws);
	free(p);
}

static enum status
port_open(struct ports *p, const struct port *port, struct buf *errors)
{
	struct backends b = { p->config, p->db, p->aws };
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

/* The table's name in whatsapp.dedupe, or NULL. */
static const char *
dedupe_table(const struct config *c)
{
	return str_starts(c->whatsapp.dedupe, DYNAMODB)
	    ? c->whatsapp.dedupe + strlen(DYNAMODB)
	    : NULL;
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

/* All of the configuration, with a client where one is needed and to be had. */
static enum status
ports_open(
    struct ports **out, const struct ports_source *source, struct buf *errors)
{
	struct ports *p = calloc(1, sizeof(*p));
	struct port list[PORTS_N];
	struct buf why = BUF_INIT;
	enum status st = p == NULL ? ST_NOMEM : ST_OK, opened;
	size_t i;

	*out = NULL;
	if (p == NULL)
		return ST_NOMEM;
	p->config = source->config;
	p->db = source->db;
	p->log = source->log;
	p->dedupe = dedupe_table(p->config);
	p->local = !ports_remote(p->config);
	if (!p->local && source->aws != NULL)
		st = aws_client_open(&p->aws, source->aws, &why);
	if (st != ST_OK)
		buf_printf(errors, "%s\n", buf_str(&why));
	list_ports(p->config, p, list);
	for (i = 0; i < PORTS_N && (st == ST_OK || st == ST_CONFIG); i++) {
		opened = port_open(p, &list[i], errors);
		st = opened == ST_OK ? st : opened;
	}
	buf_release(&why);
	if (st == ST_OK)
		*out = p;
	else
		ports_free(p);
	return st;
}

enum status
ports_check(const struct config *c, struct buf *errors)
{
	const struct ports_source source = { .config = c };
	struct ports *p;
	enum status st = ports_open(&p, &source, errors);

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
	pool->source = *source;
	pthread_mutex_init(&pool->mutex, NULL);
	st = ports_open(&pool->idle, source, errors);
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
		ports_open(&p, &pool->source, &errors);
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
ports_why(const struct ports *p, enum status st)
{
	const char *error = p->aws == NULL ? "" : aws_client_error(p->aws);

	return *error == '\0' ? status_text(st) : error;
}
