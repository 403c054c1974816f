/*
 * One request, its reply, and what is known about both, and the steps between
 * them that app_serve takes in this order: parse, guard, body policy, handler,
 * and what the handler leaves to the store. A step that answers itself (with
 * an error) returns false.
 */
#ifndef SERVE_EXCHANGE_H
#define SERVE_EXCHANGE_H

#include <stdbool.h>

#include "base/kv.h"
#include "base/log.h"
#include "base/status.h"
#include "base/str.h"
#include "db/db.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"
#include "serve/app.h"
#include "serve/spans.h"
#include "twilio/signature.h"

struct exchange;

/* What a handler that left its reply to the store does with the result. */
typedef void exchange_stored(struct exchange *, enum status);

/* What one request carries from guard to log line. */
struct exchange {
	/* The door's. */
	const struct app *app;
	struct request *request;
	struct response *response;
	/* The reply is made, and everything but that and the request is over.
	 * NULL: app_serve waits for the store. */
	void (*served)(struct exchange *);

	const struct route *route;
	struct route_args path; /* {template}, {target}, {call_sid}, … */
	char id[STR_UUID_MAX]; /* X-Request-Id */
	struct kv query; /* parsed query */
	struct kv form; /* parsed form; of a GET webhook: its query */
	bool is_form; /* the POST body is one (or there is none) */
	bool is_json; /* the POST body is application/json */
	bool malformed; /* a bad percent-escape in form or query */
	bool too_large; /* its body, or its number of parameters: not parsed */
	char message_sid[64]; /* for the log line; "" if there is none */
	char call_sid[64]; /* the same */
	char region[65]; /* of a GUARD_ACCESS_KEY request: as it was signed */
	const char *opt_out; /* static: OptOutType, for the log */
	const char *outcome; /* static: which way it went, for the log */
	char *conversation_id; /* owned; for the log line */
	const char *agent; /* who asks: a name of [agents], AGENT_ADMIN, an
	                    * access key's ID; NULL: nobody has to say */
	const char *signature; /* static: the verdict's name */
	unsigned char digest[SIGNATURE_DIGEST_SIZE]; /* of what was signed */
	int64_t began_us; /* monotonic */
	struct spans_request span;

	/* What a handler keeps until the reply is made; and what it has left
	 * to the store: fn is NULL if nothing. */
	void *kept;
	void (*kept_release)(void *);
	struct db_job_entry job;
	exchange_stored *stored;
	/* Or to another thread, which makes the reply and calls app_resume;
	 * set only if there is served. */
	void (*park)(struct exchange *);
};

/* Parse query and form. ST_OK or ST_NOMEM; what is malformed or too large is
 * marked. */
enum status exchange_parse(struct exchange *);
void exchange_release(struct exchange *);

/*
 * Memory, zeroed, that lasts until the reply is made, when release gets it
 * (NULL: there is nothing in it to release). One of it for a request. NULL if
 * it answered.
 */
void *exchange_keep(
    struct exchange *, size_t size, void (*release)(void *kept));

/*
 * The last thing that a handler does: leave it to the store to run a job, with
 * what was kept, and to stored to make the reply of its result. No thread waits
 * meanwhile. stored runs where the job was committed, and must not ask the
 * database, nor anything else that can take long.
 */
void exchange_store(struct exchange *, db_job *, exchange_stored *);

/* Enforce the route's guard column. */
bool guard_pass(struct exchange *);

/*
 * The URL that Twilio called: server.public_url + REQUEST_URI below
 * server.base_path, or, without public_url, built from the request
 * (X-Forwarded-* only from server.trusted_proxies).
 */
enum status exchange_url(const struct exchange *, struct buf *out);

/*
 * The same under voice.webhook_api_url, which is where Twilio posts to when it
 * follows an action URL of ours. ST_NOTFOUND: it is not set, or there is no
 * such URL.
 */
enum status exchange_voice_url(const struct exchange *, struct buf *out);

/* The URL as the request's own headers have it, X-Forwarded-* whoever sent
 * them: good enough to try a signature with, and for nothing else. */
enum status exchange_own_url(const struct exchange *, struct buf *out);

/*
 * REQUEST_URI from the route on ("/transfer-call?attempt=2"), or NULL if it
 * does not have the route as it stands.
 */
const char *exchange_tail(const struct exchange *);

/*
 * What stands before the route in the URL that this request came to, without a
 * "/" at its end: public_url, perhaps with a folder that is not said to be
 * base_path. The URLs that we make begin so.
 */
enum status exchange_base(const struct exchange *, struct buf *out);

/* Answer with an error; the message goes to the client as it stands. */
void exchange_error(struct exchange *, int code, const char *message);

/* Answer 204: nothing was recorded of it; outcome says why in the log. */
void exchange_ignore(struct exchange *, const char *outcome);

/* Answer 204 to what is recorded, now or before (ST_EXISTS), or that it cannot
 * be: for exchange_store. */
void exchange_recorded(struct exchange *, enum status);

/* Answer with TwiML that says nothing. */
void exchange_empty_twiml(struct exchange *);

/*
 * Give the reply that was built, if it is a 200, an ETag of its body; a GET
 * that has named it (If-None-Match) gets 304 in its place, without the body.
 */
void exchange_etag(struct exchange *);

/* Answer 413. */
void exchange_too_large(struct exchange *);

/* Answer 500, or 503 with Retry-After where a later try may pass. */
void exchange_fail(struct exchange *, enum status);

/*
 * A parameter that the handler acts on: from the form, or the query of a GET.
 * False if it answered 400: it occurs twice or holds a NUL. *value is NULL if
 * it is absent.
 */
bool exchange_param(struct exchange *, const char *name, const char **value);

#endif
