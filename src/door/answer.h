/* One request to its reply: what all doors have in common. */
#ifndef DOOR_ANSWER_H
#define DOOR_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "http/request.h"
#include "http/response.h"
#include "serve/exchange.h"

/* One request, and memory for its reply, which the next may use again; the zero
 * value is fine. */
struct answer {
	struct exchange exchange; /* first: the one is found by the other */
	struct request request;
	struct response response;
	struct buf text; /* the reply in CGI's form, without a large body */
	bool apart; /* the body is large and stays in the response */
	char id[STR_UUID_MAX]; /* X-Request-Id of answer_error */
	/* The reply is there. NULL: answer_make waits for it. */
	void (*made)(struct answer *);
};

void answer_release(struct answer *);

/* The reply is written: give back what a large one took. */
void answer_trim(struct answer *);

/*
 * Read the body, serve, and build the reply; then made is called, before this
 * returns or later, by another thread: the answer is not the caller's any more.
 * What the variables are in lasts until then. The body is always read to its
 * end (or its bound), because a server in front may read nothing before it has
 * written everything.
 */
void answer_make(struct answer *, const struct app *, char *const *envp,
    const struct body_source *);

/* Without memory for more: 503. */
void answer_refuse(struct answer *, const struct app *);

/* A reply without an application, in the form of every other error. */
void answer_error(struct answer *, int code, const char *message);

/*
 * The reply; there always is one: without memory for it a fixed 503. Valid
 * until the answer changes.
 */
const char *answer_text(const struct answer *, size_t *len);

/* What follows it: a body so large that it is not copied. *len is 0 if there
 * is nothing. */
const char *answer_rest(const struct answer *, size_t *len);

#endif
