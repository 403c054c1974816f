/*
 * The life of a request: route, guard, handler, reply, log line.
 *
 * struct app is a snapshot of everything a request needs: configuration,
 * store, queues. It does not change once made; a reload, or a secret that has
 * changed, makes another, and the old one goes when its last request has left
 * (struct app_slot).
 */
#ifndef APP_APP_H
#define APP_APP_H

#include <stdbool.h>
#include <stddef.h>

#include "app/ports.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/status.h"
#include "base/str.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"
#include "twilio/signature.h"

struct config;
struct db;
struct aws;
struct health;
struct http_library;
struct limit;
struct metrics;
struct outbox;
struct refresh;
struct secrets;
struct spans;
struct quit;
struct templates;

struct app {
	char *broken; /* what is wrong with the configuration: nothing but
	                 /health and /ready is answered; NULL: nothing */
	struct config *config;
	struct log *log;
	struct db *db;
	struct aws *aws; /* NULL unless something of it is used */
	struct ports_source source; /* what ports are made of */
	struct ports_pool *ports;
	struct outbox *outbox; /* of messages to other queues */
	struct templates *templates;
	struct spans *spans; /* NULL: none are sent */
	struct refresh *refresh; /* of the secrets; NULL: they stay */
	struct http_library *twilio; /* to ask it with */
	struct limit *limit; /* of those that wait for Twilio; not its own */
	struct metrics *metrics;
	struct health *health;

	/* Each snapshot's own; what is above may be another's. */
	struct secrets *secrets; /* to check requests with */
	struct app *owner; /* of what is above; NULL: it is this one's */
	int sharers; /* others that use it; of the thread that closes */
	int refs; /* guarded by the slot's mutex, as the next */
	struct app *retired; /* the next of those that nobody uses */
};

struct app_options {
	const char *config_file; /* the -c option, or NULL */
	char *const *envp; /* of the process, never of a request */
	bool threaded; /* a server: store and secrets get their threads */
	bool one_request; /* plain CGI: starts without a token too; what is
	                     signed is then 503 */
	struct quit *quit; /* set when the process stops; NULL, or must
	                      outlive the app */
	struct limit *limit; /* of requests that wait for Twilio, in the whole
	                        process; NULL, or must outlive the app */
	const struct app *before; /* a reload: what this is to replace. Settings
	               that cannot be fetched from AWS now are then a failure */
};

/*
 * Read the configuration and open everything. A store that cannot be opened
 * is no reason not to start (db_options.late); only a reload fails then, if
 * the store of what it is to replace is open. errors gets what to tell the
 * operator. ST_OK, ST_CONFIG, or what opening gave.
 */
enum status app_open(
    struct app **, const struct app_options *, struct buf *errors);
void app_close(struct app *);

/*
 * What goes on in place of an app that could not be opened, with what app_open
 * gave. ST_OK or ST_NOMEM.
 */
enum status app_open_broken(struct app **, const struct app_options *,
    const struct buf *errors, enum status);

/* Had it to start without a good configuration, or without settings that AWS
 * did not give? Another try to open may have them. */
bool app_is_incomplete(const struct app *);

/*
 * Secrets that are kept at AWS change while a snapshot serves. app_renew_due
 * says when to fetch them again; app_renew does so, within seconds, and where
 * some have changed makes a snapshot that has all else in common with this one:
 * *next, else NULL. It and app_close are for one thread, the keeper.
 * app_has_doubts is true once after requests began to be refused, which may
 * have made it due.
 */
bool app_renew_due(const struct app *);
void app_renew(struct app *, struct app **next);
bool app_has_doubts(const struct app *);

/* The present snapshot, shared by the workers. */
struct app_slot;
enum status app_slot_open(struct app_slot **, struct app *);
struct app *app_slot_get(struct app_slot *);
void app_slot_put(struct app_slot *, struct app *);
/* Take over next; the old one retires once its last request has left. */
void app_slot_replace(struct app_slot *, struct app *next);
/* Close those that have retired, which can take seconds: for a thread that
 * serves nobody. */
void app_slot_sweep(struct app_slot *);
void app_slot_close(struct app_slot *);

/* What one request carries from guard to log line. */
struct exchange {
	const struct app *app;
	struct request *request;
	struct response *response;
	const struct route *route;
	char arg[ROUTE_ARG_MAX]; /* {template}, {target}, {call_sid} */
	char id[STR_UUID_MAX]; /* X-Request-Id */
	struct kv query; /* parsed query */
	struct kv form; /* parsed form; of a GET webhook: its query */
	bool is_form; /* the POST body is one (or there is none) */
	bool is_json; /* the POST body is application/json */
	bool malformed; /* a bad percent-escape in form or query */
	bool too_large; /* its body, or its number of parameters: not parsed */
	char message_sid[64]; /* for the log line; "" if there is none */
	char call_sid[64]; /* the same */
	const char *outcome; /* static: which way it went, for the log */
	char *conversation_id; /* owned; for the log line */
	const char *signature; /* static: the verdict's name */
	unsigned char digest[SIGNATURE_DIGEST_SIZE]; /* of what was signed */
};

/*
 * Answer one request: the response is always filled, whatever fails.
 * response_reset is the caller's.
 */
void app_serve(const struct app *, struct request *, struct response *);

/* Count a request that the door answered by itself. */
void app_refused(const struct app *, int code);

extern const struct route app_routes[];
extern const size_t app_routes_n;

#endif
