#include "store/registry.h"

#include <string.h>

#include "base/str.h"
#include "store/sqlite_queue.h"
#include "store/sqlite_store.h"

#define QUEUE_NAME_CHARS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
#define QUEUE_NAME_MAX 80

typedef enum status open_store_fn(
    const char *rest, struct db *, struct store **, struct buf *why);
typedef enum status open_queue_fn(const char *url, const char *rest,
    struct db *, struct queue **, struct buf *why);

static enum status
open_sqlite_store(
    const char *rest, struct db *db, struct store **out, struct buf *why)
{
	if (*rest != '\0') {
		buf_printf(why,
		    "\"sqlite:\" takes no name here, but \"%s\" "
		    "was given; the file is store.path",
		    rest);
		return ST_CONFIG;
	}
	return sqlite_store_open(db, out);
}

static enum status
open_sqlite_queue(const char *url, const char *rest, struct db *db,
    struct queue **out, struct buf *why)
{
	size_t n = strlen(rest);

	if (n == 0 || n > QUEUE_NAME_MAX ||
	    strspn(rest, QUEUE_NAME_CHARS) != n) {
		buf_printf(why,
		    "a queue's name is 1 to %d of A-Z a-z 0-9 _ . -, as in "
		    "\"sqlite:ai\"",
		    QUEUE_NAME_MAX);
		return ST_CONFIG;
	}
	return sqlite_queue_open(db, url, rest, out);
}

/* The back ends. */
static const struct {
	const char *scheme; /* with its colon */
	const char *example;
	bool local;
	open_store_fn *open;
} stores[] = {
	{ "sqlite:", "sqlite:", true, open_sqlite_store },
};

static const struct {
	const char *scheme;
	const char *example;
	bool local;
	open_queue_fn *open;
} queues[] = {
	{ "sqlite:", "sqlite:NAME", true, open_sqlite_queue },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum status
store_open(const char *url, struct db *db, struct store **out, bool *local,
    struct buf *why)
{
	size_t i;

	*out = NULL;
	for (i = 0; i < COUNT(stores); i++) {
		if (!str_starts(url, stores[i].scheme))
			continue;
		*local = stores[i].local;
		return stores[i].open(
		    url + strlen(stores[i].scheme), db, out, why);
	}
	buf_printf(why, "\"%s\" is no store of conversations; there is", url);
	for (i = 0; i < COUNT(stores); i++)
		buf_printf(
		    why, "%s \"%s\"", i == 0 ? "" : ",", stores[i].example);
	return ST_CONFIG;
}

enum status
queue_open(const char *url, struct db *db, struct queue **out, bool *local,
    struct buf *why)
{
	size_t i;

	*out = NULL;
	for (i = 0; i < COUNT(queues); i++) {
		if (!str_starts(url, queues[i].scheme))
			continue;
		*local = queues[i].local;
		return queues[i].open(
		    url, url + strlen(queues[i].scheme), db, out, why);
	}
	buf_printf(why, "\"%s\" is no queue; there is", url);
	for (i = 0; i < COUNT(queues); i++)
		buf_printf(
		    why, "%s \"%s\"", i == 0 ? "" : ",", queues[i].example);
	return ST_CONFIG;
}
