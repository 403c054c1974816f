/* One request to its reply: what all doors have in common. */
#ifndef DOOR_ANSWER_H
#define DOOR_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "http/request.h"
#include "http/response.h"
#include "serve/app.h"

/* A worker's memory for replies; the zero value is fine. */
struct answer {
	struct response response;
	struct buf text; /* the reply in CGI's form, without a large body */
	bool apart; /* the body is large and stays in the response */
	char id[STR_UUID_MAX]; /* X-Request-Id of answer_error */
};

void answer_release(struct answer *);

/* The reply is written: give back what a large one took. */
void answer_trim(struct answer *);

/*
 * Read the body, serve, and build the reply. The body is always read to its
 * end (or its bound), because a server in front may read nothing before it has
 * written everything.
 */
void answer_make(struct answer *, const struct app *, char *const *envp,
    const struct body_source *);

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
