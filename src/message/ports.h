/*
 * The stores and queues that requests use. A set of handles serves one request
 * at a time: remote back ends have a connection in them. A snapshot keeps the
 * sets that are idle and opens another when all are taken.
 */
#ifndef MESSAGE_PORTS_H
#define MESSAGE_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "store/spool.h"

struct aws;
struct aws_client;
struct config;
struct db;
struct log;
struct queue;
struct store;

/* Where a message waits whose sender has no conversation (hold). */
#define PORTS_UNROUTED "sqlite:unrouted"

/* The dead letters among what was to go elsewhere: no queue will take them. */
#define PORTS_UNDELIVERABLE "sqlite:undeliverable"

/* What one request's calls to remote back ends may take in all: Twilio waits
 * 15 s for an answer. */
#define PORTS_DEADLINE_US INT64_C(5000000)

struct ports {
	const struct config *config;
	struct db *db;
	struct log *log;
	struct store *conversations;
	struct queue *ai, *human, *unrouted, *digits, *undeliverable;
	struct aws_client *aws; /* NULL if all are local */
	const char *dedupe; /* the table of claims, or NULL */
	char installation[SPOOL_INSTALLATION_MAX]; /* who claims; "": not
	                                              read yet */
	bool local; /* all are part of the embedded engine: one transaction */
	struct ports *next;
};

/* Roles of queues, as the spool has them. "": to be decided at delivery. */
#define ROLE_AI "ai"
#define ROLE_HUMAN "human"
#define ROLE_UNROUTED "unrouted"
#define ROLE_DIGITS "digits"
#define ROLE_UNDECIDED ""
#define ROLE_UNDELIVERABLE "undeliverable" /* nothing goes there by role */

/* A role as a number below PORTS_ROLES; all that are unknown are one. */
#define PORTS_ROLES 6
size_t ports_role(const char *role);

/* What the queue of a role is called: its URL, or NULL. */
const char *ports_url(const struct config *, const char *role);

/* The i-th queue that a configuration names: its URL, and its role. NULL: there
 * are no more. */
const char *ports_each(const struct config *, size_t i, const char **role);

/* The queue of a role, or NULL. */
struct queue *ports_queue(const struct ports *, const char *role);

/*
 * The calls from now on serve one request: they end in PORTS_DEADLINE_US, and
 * pass on the headers X-Amzn-Trace-Id and traceparent (NULL or "": none).
 */
void ports_begin(struct ports *, const char *trace, const char *traceparent);

/* A failure in words: the remote back end's own about its last, where it has
 * some. */
const char *ports_why(const struct ports *, enum status);

/* What sets are made of; all of it must outlive the pool and its sets. */
struct ports_source {
	const struct config *config;
	struct db *db;
	struct log *log;
	struct aws *aws; /* NULL unless ports_remote */
};

/* Does any store or queue of this configuration lie elsewhere? */
bool ports_remote(const struct config *);

/*
 * Are all of them names of what there is? Touches neither file nor network.
 * ST_OK; ST_CONFIG with lines in errors as of ports_pool_open; ST_NOMEM.
 */
enum status ports_check(const struct config *, struct buf *errors);

struct ports_pool;

/*
 * Open a first set, so that mistakes show at the start. ST_OK; ST_CONFIG with
 * a line in errors for each mistake, "FILE:LINE: section.key: what is wrong;
 * what to do"; ST_NOMEM, ST_IO, ST_UNAVAILABLE (no libcurl).
 */
enum status ports_pool_open(
    struct ports_pool **, const struct ports_source *, struct buf *errors);

/* After every set has come back. NULL is allowed. */
void ports_pool_close(struct ports_pool *);

/* From any thread. NULL: another set could not be opened. */
struct ports *ports_take(struct ports_pool *);
void ports_give(struct ports_pool *, struct ports *); /* NULL is allowed */

#endif
