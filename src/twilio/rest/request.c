#include "twilio/rest/request.h"

#include <string.h>

#include "base/backoff.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/kv.h"
#include "base/str.h"
#include "codec/base64.h"
#include "http/client.h"
#include "http/reply.h"
#include "twilio/rest/calls.h"
#include "twilio/rest/failure.h"

/* What Twilio asks of clients that retry. */
#define DELAY_MS 100
#define DELAY_MAX_MS 3000

#define CONNECT_MS 5000
#define MS INT64_C(1000)

static const char scheme[] = "Basic ";

/* --- trying again --------------------------------------------------------- */

/* A GET does nothing, so that also what was broken off may be repeated. */
static bool
may_repeat(enum status st)
{
	return st == ST_BUSY || st == ST_UNAVAILABLE || st == ST_IO;
}

/* --- one try ------------------------------------------------------------- */

/* No answer came: whose failure is that? What is wrong with TLS or its
 * certificates is an operator's to mend, and no other try helps. */
static enum status
no_answer(enum status st)
{
	if (st == ST_DENIED || st == ST_CONFIG)
		return ST_UNAVAILABLE;
	return st == ST_UNSUPPORTED ? ST_MALFORMED : st;
}

static enum status
try_once(struct http_client *client, const struct http_call *call,
    const struct failure_secrets *secrets, struct http_reply *reply,
    struct calls_failure *f, bool *again)
{
	enum status st = http_client_send(client, call, reply);

	if (st != ST_OK) {
		failure_reset(f);
		failure_say(f, "no answer of Twilio's from %s",
		    http_client_error(client));
		*again = may_repeat(st);
		return no_answer(st);
	}
	st = failure_judge(f, reply, secrets);
	*again = may_repeat(st);
	if (st != ST_OK)
		http_reply_release(reply);
	return st;
}

/* Each try has what is left of the time. */
static enum status
try_all(struct http_client *client, struct http_call *call, long total_ms,
    const struct failure_secrets *secrets, struct http_reply *reply,
    struct calls_failure *f)
{
	int64_t deadline_us = clock_mono_us() + total_ms * MS, left_ms;
	enum status st;
	int tried = 0;
	bool again;

	do {
		left_ms = (deadline_us - clock_mono_us()) / MS;
		call->total_ms = left_ms > 0 ? (long)left_ms : 1;
		call->connect_ms =
		    call->total_ms < CONNECT_MS ? call->total_ms : CONNECT_MS;
		st = try_once(client, call, secrets, reply, f, &again);
	} while (again && ++tried < REST_TRIES &&
	    http_client_wait(client,
		backoff_delay(DELAY_MS * MS, tried - 1, DELAY_MAX_MS * MS, 100),
		deadline_us));
	return st;
}

/* --- the request --------------------------------------------------------- */

/* "Basic ", and user and secret in base64. */
static enum status
put_credentials(struct buf *out, const struct calls_account *a)
{
	struct buf pair = BUF_INIT;
	enum status st;

	/* At once: a buf that grows leaves its old memory as it is. */
	if ((st = buf_reserve(
		 &pair, strlen(a->user) + strlen(a->secret) + 1)) != ST_OK)
		goto out;
	buf_printf(&pair, "%s:", a->user);
	buf_puts(&pair, a->secret);
	if ((st = buf_reserve(out, sizeof(scheme) + BASE64_LEN(pair.len))) !=
	    ST_OK)
		goto out;
	buf_puts(out, scheme);
	st = base64_put(out, pair.data, pair.len);
out:
	buf_wipe(&pair);
	return st;
}

enum status
rest_get(struct http_client *client, const struct calls_account *a,
    const struct rest_request *r, struct http_reply *reply,
    struct calls_failure *f)
{
	struct buf url = BUF_INIT, authorization = BUF_INIT;
	struct kv headers = KV_INIT;
	struct http_call call = {
		.method = "GET", .headers = &headers, .max_body = r->max_body
	};
	struct failure_secrets secrets = { .secret = a->secret };
	enum status st;

	*reply = (struct http_reply){ 0 };
	buf_puts(&url, a->api_url);
	if ((st = buf_puts(&url, r->uri)) != ST_OK ||
	    (st = put_credentials(&authorization, a)) != ST_OK ||
	    (st = kv_put(&headers, "Authorization", buf_str(&authorization))) !=
		ST_OK ||
	    (st = kv_put(&headers, "Accept", "application/json")) != ST_OK) {
		failure_say(f, "%s", status_text(st));
		goto out;
	}
	call.url = buf_str(&url);
	secrets.credentials = buf_str(&authorization) + sizeof(scheme) - 1;
	st = try_all(client, &call, r->total_ms, &secrets, reply, f);
out:
	kv_release(&headers);
	buf_wipe(&authorization);
	buf_release(&url);
	return st;
}
