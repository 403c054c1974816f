#include "message/backends.h"

#include <string.h>

#include "aws/dynamodb.h"
#include "aws/sqs.h"
#include "base/str.h"
#include "config/config.h"
#include "store/sqlite_queue.h"
#include "store/sqlite_store.h"

/* Seconds that a consumer's receive waits for a message to come. */
#define RECEIVE_WAIT_S 1

#define QUEUE_NAME_CHARS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"

static enum status
open_sqlite_store(const struct backends *b, const char *url, struct store **out,
    struct buf *why)
{
	const char *rest = url + strlen("sqlite:");

	if (*rest == '\0')
		return sqlite_store_open(b->db, out);
	buf_printf(why,
	    "\"sqlite:\" takes no name here, but \"%s\" was given; the file "
	    "is store.path",
	    rest);
	return ST_CONFIG;
}

bool
backend_queue_name(const char *name, size_t n)
{
	return n > 0 && n <= BACKEND_QUEUE_NAME_MAX &&
	    strspn(name, QUEUE_NAME_CHARS) >= n;
}

static enum status
open_sqlite_queue(const struct backends *b, const char *url, struct queue **out,
    struct buf *why)
{
	const char *name = url + strlen("sqlite:");
	size_t n = strlen(name);

	if (backend_queue_name(name, n))
		return sqlite_queue_open(b->db, url, name, out);
	buf_printf(why,
	    "a queue's name is 1 to %d of A-Z a-z 0-9 _ . -, as in "
	    "\"sqlite:ai\"",
	    BACKEND_QUEUE_NAME_MAX);
	return ST_CONFIG;
}

static enum status
open_dynamodb(const struct backends *b, const char *url, struct store **out,
    struct buf *why)
{
	struct dynamodb_options o = { url + strlen("dynamodb:"),
		b->config->whatsapp.conversations_index };

	return dynamodb_open(b->aws, &o, out, why);
}

static enum status
open_sqs(const struct backends *b, const char *url, struct queue **out,
    struct buf *why)
{
	struct sqs_options o = { url, RECEIVE_WAIT_S };

	return sqs_open(b->aws, &o, out, why);
}

struct backend {
	const char *scheme;
	bool remote;
	const char *store_example, *queue_example; /* NULL: not as that */
	enum status (*store)(const struct backends *, const char *url,
	    struct store **, struct buf *why);
	enum status (*queue)(const struct backends *, const char *url,
	    struct queue **, struct buf *why);
};

static const struct backend backends[] = {
	{ "sqlite:", false, "sqlite:", "sqlite:NAME", open_sqlite_store,
	    open_sqlite_queue },
	{ "dynamodb:", true, "dynamodb:TABLE", NULL, open_dynamodb, NULL },
	{ "https:", true, NULL, "the https: address of an SQS queue", NULL,
	    open_sqs },
	{ "http:", true, NULL, NULL, NULL, open_sqs },
};

#define BACKENDS_N (sizeof(backends) / sizeof(backends[0]))

static const struct backend *
backend_find(const char *url)
{
	size_t i;

	for (i = 0; i < BACKENDS_N; i++)
		if (str_starts(url, backends[i].scheme))
			return &backends[i];
	return NULL;
}

bool
backend_is_remote(const char *url)
{
	const struct backend *b = backend_find(url);

	return b != NULL && b->remote;
}

/* "is not a WHAT; write A, or B". Not what it is: GET /ready shows this. */
static enum status
backend_unknown(const char *what, bool queue, struct buf *why)
{
	const char *example, *between = "; write ";
	size_t i;

	buf_printf(why, "is not a %s", what);
	for (i = 0; i < BACKENDS_N; i++) {
		example = queue ? backends[i].queue_example
				: backends[i].store_example;
		if (example == NULL)
			continue;
		buf_printf(why, "%s%s", between, example);
		between = ", or ";
	}
	return ST_CONFIG;
}

enum status
backend_store(const struct backends *b, const char *url, struct store **out,
    struct buf *why)
{
	const struct backend *backend = backend_find(url);

	*out = NULL;
	if (backend == NULL || backend->store == NULL)
		return backend_unknown("store of conversations", false, why);
	return backend->store(b, url, out, why);
}

enum status
backend_queue(const struct backends *b, const char *url, struct queue **out,
    struct buf *why)
{
	const struct backend *backend = backend_find(url);

	*out = NULL;
	if (backend == NULL || backend->queue == NULL)
		return backend_unknown("queue", true, why);
	return backend->queue(b, url, out, why);
}
