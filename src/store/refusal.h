/*
 * Signatures that did not fit, on the embedded engine: the last ones, with the
 * reason that was found when they came, since nobody has such a request at hand
 * afterwards. They hold no body, no value of a parameter and no signature.
 */
#ifndef STORE_REFUSAL_H
#define STORE_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct db;

/* So many are kept, and so many of one cause: what anybody can send (no
 * signature, one of nobody's) does not take the place of all others. */
#define REFUSALS_KEPT 20
#define REFUSALS_OF_A_CAUSE 5

/* At most one is recorded in so long, by all processes. */
#define REFUSAL_SPAN_US INT64_C(1000000)

struct refusal {
	int64_t id; /* set when read; grows, and is never used again */
	int64_t at_us;
	bool passed; /* server.signature = report let it in */
	const char *request_id;
	const char *method;
	const char *route; /* its pattern */
	const char *url; /* that was signed over, with its values masked */
	const char *verdict; /* "missing", "wrong", …: signature_verdict_name */
	const char *cause; /* "header", "scheme", …: signature_explain's */
	const char *explanation; /* what differs, and what to do */
};

/* Record it, in a transaction of its own. ST_OK; ST_EXISTS: there was one within
 * the span; or what the store gave. */
enum status refusal_record(struct db *, const struct refusal *);

/* All of them, newest first, or one by its id or request_id (ST_NOTFOUND: there
 * is none). Strings live for the call. Not ST_OK ends the walk. */
typedef enum status refusal_fn(const struct refusal *, void *arg);
enum status refusal_list(struct db *, refusal_fn *, void *arg);
enum status refusal_find(struct db *, const char *id, refusal_fn *, void *arg);

#endif
