/* A source of values that tests fill, in place of AWS. */
#ifndef T_FAKE_SOURCE_H
#define T_FAKE_SOURCE_H

#include <pthread.h>
#include <stddef.h>

#include "site/source.h"

#define FAKE_MAX 32

struct fake_value {
	enum reference_kind kind;
	const char *name;
	bool previous;
	enum status status;
	const char *text; /* the value, or why there is none */
	size_t len; /* 0: that of the text */
};

struct fake {
	struct source source;
	pthread_mutex_t mutex; /* guards the rest */
	struct fake_value values[FAKE_MAX];
	size_t n;
	enum status outage; /* unless ST_OK: what all get */
	int fetches, items; /* asked so far */
	bool closed;
};

/* What it does not have is ST_NOTFOUND. The texts are the caller's. */
void fake_init(struct fake *);
void fake_destroy(struct fake *);

void fake_ssm(struct fake *, const char *name, const char *value);
void fake_secret(struct fake *, const char *id, const char *value);
void fake_previous(struct fake *, const char *id, const char *value);
void fake_put(struct fake *, const struct fake_value *);
void fake_outage(struct fake *, enum status);
int fake_fetches(struct fake *);

#endif
