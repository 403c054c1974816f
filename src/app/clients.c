#include "app/clients.h"

#include <pthread.h>
#include <stdlib.h>

#include "http/client.h"

/* One that is idle. */
struct idle {
	struct http_client *client;
	struct idle *next;
};

struct clients {
	struct http_library *library;
	pthread_mutex_t mutex; /* guards idle */
	struct idle *idle;
};

enum status
clients_open(struct clients **out, const struct http_library_options *o)
{
	struct clients *c = calloc(1, sizeof(*c));
	enum status st;

	*out = NULL;
	if (c == NULL)
		return ST_NOMEM;
	if ((st = http_library_open(&c->library, o)) != ST_OK) {
		free(c);
		return st;
	}
	pthread_mutex_init(&c->mutex, NULL);
	*out = c;
	return ST_OK;
}

void
clients_close(struct clients *c)
{
	struct idle *i;

	if (c == NULL)
		return;
	while ((i = c->idle) != NULL) {
		c->idle = i->next;
		http_client_close(i->client);
		free(i);
	}
	http_library_close(c->library);
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

enum status
clients_take(struct clients *c, struct http_client **out, struct buf *why)
{
	struct idle *i;

	pthread_mutex_lock(&c->mutex);
	if ((i = c->idle) != NULL)
		c->idle = i->next;
	pthread_mutex_unlock(&c->mutex);
	if (i == NULL)
		return http_client_open(out, c->library, why);
	*out = i->client;
	free(i);
	return ST_OK;
}

void
clients_give(struct clients *c, struct http_client *client)
{
	struct idle *i = malloc(sizeof(*i));

	if (i == NULL) {
		http_client_close(client);
		return;
	}
	i->client = client;
	pthread_mutex_lock(&c->mutex);
	i->next = c->idle;
	c->idle = i;
	pthread_mutex_unlock(&c->mutex);
}
