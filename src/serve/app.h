/*
 * struct app: what requests are served with, for those who serve them. It is
 * made by src/site (site/snapshot.h), and does not change once made; a reload,
 * or a secret that has changed, makes another.
 */
#ifndef SERVE_APP_H
#define SERVE_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/route.h"

struct aws;
struct config;
struct console;
struct db;
struct freshness;
struct health;
struct http_library;
struct limit;
struct parking;
struct log;
struct metrics;
struct outbox;
struct ports_pool;
struct refresh;
struct refusals;
struct spans;
struct templates;

/* The current token; the one before it, as Secrets Manager has it; the one
 * that was replaced last; auth_token_previous. */
#define SECRETS_TOKENS_MAX 4

/* So many settings are secrets. */
#define SECRETS_N 4

/*
 * The secrets that requests are checked with, and that Twilio's API is asked
 * with: one state of them, made by site/secrets.h.
 */
struct secrets {
	const char *tokens[SECRETS_TOKENS_MAX + 1]; /* to check signatures
	                       with, the current one first; NULL-ended */
	const char *admin_token; /* "": none */
	const char *api_secret; /* of twilio.api_key; "": none */

	/* What these are made of, for src/site. */
	struct secret {
		const char *reference; /* the configuration's; NULL: it stays */
		char *value; /* never NULL */
		char *previous; /* as the service has it; NULL: none */
	} each[SECRETS_N];
	char *replaced; /* the token before this one, until then; or NULL */
	int64_t replaced_until_us;
};

struct app {
	char *broken; /* what is wrong with the configuration: nothing but
	                 /health and /ready is answered; NULL: nothing */
	struct config *config;
	const struct route *routes; /* the table of site/routes.h */
	size_t routes_n;
	route_fn *const *webhooks; /* the handler of each kind of webhook */
	struct log *log;
	struct db *db;
	struct aws *aws; /* NULL unless something of it is used */
	struct ports_pool *ports;
	struct outbox *outbox; /* of messages to other queues */
	struct templates *templates;
	struct console *console; /* NULL: it is opened for each request */
	struct spans *spans; /* NULL: none are sent */
	struct refresh *refresh; /* of the secrets; NULL: they stay */
	struct freshness *freshness; /* the same */
	struct http_library *twilio; /* to ask it with */
	struct limit *limit; /* of those that wait for Twilio; not its own */
	struct refusals *refusals; /* signatures that did not fit; the same */
	struct limit *receiving; /* of those that wait for a message; as well */
	struct parking *parking; /* where these wait (sqs/sqs_parking.h) */
	struct metrics *metrics;
	struct health *health;

	/* Each snapshot's own; what is above may be another's. */
	struct secrets *secrets; /* to check requests with */
	struct app *owner; /* of what is above; NULL: it is this one's */
	int sharers; /* others that use it; of the thread that closes */
	int refs; /* guarded by the slot's mutex, as the next */
	struct app *next; /* of those in use, or of those that are not */
};

#endif
