/*
 * An ordered list of (name, value) pairs with their lengths: form and query
 * parameters. Names may repeat; values may hold any byte, NUL too, and both
 * are also NUL-terminated. The zero value (KV_INIT) is the empty list.
 */
#ifndef BASE_KV_H
#define BASE_KV_H

#include <stddef.h>

#include "base/status.h"

struct kv_pair {
	const char *name;
	const char *value;
	size_t name_len;
	size_t value_len;
};

struct kv {
	struct kv_pair *pairs;
	size_t n;
	size_t cap;
	char *mem; /* what the pairs point into, if the list owns it */
};

#define KV_INIT \
	{ \
		NULL, 0, 0, NULL \
	}

void kv_release(struct kv *);

/* Append a pair that points to the caller's memory. ST_OK or ST_NOMEM. */
enum status kv_add(struct kv *, const char *name, size_t name_len,
    const char *value, size_t value_len);

/* The same of strings: a header to send. */
enum status kv_put(struct kv *, const char *name, const char *value);

/* The first pair of that name, or NULL; *count gets how many there are. */
const struct kv_pair *kv_find(
    const struct kv *, const char *name, size_t *count);

/*
 * The value of a parameter that the program acts on: it may occur once only
 * and hold no NUL. ST_OK, ST_NOTFOUND (*value is then NULL), or ST_MALFORMED.
 */
enum status kv_get(const struct kv *, const char *name, const char **value);

#endif
