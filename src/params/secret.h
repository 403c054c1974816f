/*
 * One secret that requests are checked with, and the state that all of them
 * make. For src/params/secrets.c.
 */
#ifndef PARAMS_SECRET_H
#define PARAMS_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "params/secrets.h"

struct config;
struct fetch;
struct option;
struct secret_state;

/* Its texts are its own until they are in a state, and that state's then. */
struct secret {
	const struct option *option;
	const struct secret_state *home; /* NULL: they are in none yet */
	const char *reference; /* the configuration's; NULL: it stays */
	bool missing;
	char *value; /* never NULL */
	char *previous; /* as the service has it; NULL: none */
	char *replaced; /* the one before this, until then; NULL: none */
	int64_t replaced_until_us;
};

/* They are always these, in this order. */
#define SECRETS_N 4

/* As the configuration has it; take: and no longer has it. ST_OK or ST_NOMEM. */
enum status secret_open(
    struct secret *, const struct config *, size_t i, bool take);
/* Wipes what is its own. */
void secret_close(struct secret *);

/*
 * Is the fetch's value one to go on with? If not, its status and why tell.
 */
bool secret_accepts(const struct secret *, struct fetch *);

/*
 * Take the fetch's value; the old one counts until that time if the option
 * rotates. *changed is set if the value is another.
 * True if anything is other than it was.
 */
bool secret_take(
    struct secret *, struct fetch *, int64_t until_us, bool *changed);

/* What this one's predecessor had, if both are the same reference: a value
 * that is another now counts until that time. ST_OK or ST_NOMEM. */
enum status secret_inherit(
    struct secret *, const struct secret_state *, int64_t until_us);

/* Wipe what was replaced, if its time is over. True if so. */
bool secret_forget(struct secret *, int64_t now_us);

/* A state, with its texts behind it in the same memory. */
struct secret_state {
	struct secret_set base;
	int refs; /* the owner's */
	size_t size;
	struct secret secrets[SECRETS_N]; /* that it was made of */
	char text[];
};

/*
 * What these make; missing says that something else is. With one reference;
 * NULL: no memory. The secrets' texts move into it, so that there is one copy
 * of each: it must outlive them, or what they make next.
 */
struct secret_state *secret_state_new(
    struct secret secrets[SECRETS_N], bool missing);
void secret_state_free(struct secret_state *); /* wipes; NULL is allowed */

#endif
