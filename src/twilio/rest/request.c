#include "twilio/rest/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/kv.h"
#include "base/str.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "http/client.h"
#include "http/reply.h"
#include "twilio/rest/account.h"

/* What Twilio asks of clients that retry. */
#define DELAY_MS 100
#define DELAY_MAX_MS 3000

#define CONNECT_MS 5000
#define MS INT64_C(1000)

static const char scheme[] = "Basic ";

#define CODE_MAX 999999
#define RETRY_AFTER_MAX 86400

/* A longer message is no message of Twilio's; it is not shown, because a cut
 * one might end within a secret. */
#define MESSAGE_MAX 1024

/* --- why it did not work, in words ---------------------------------------- */

void
failure_reset(struct rest_failure *f)
{
	*f = (struct rest_failure){ .retry_after_s = -1 };
}

void
failure_say(struct rest_failure *f, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(f->text, sizeof(f->text), format, ap);
	va_end(ap);
}

enum status
rest_check(const struct rest_account *a, struct rest_failure *f)
{
	const char *lacks = rest_account_lacks(a);

	failure_reset(f);
	if (lacks == NULL)
		return ST_OK;
	failure_say(f, "%s", lacks);
	return ST_CONFIG;
}

/* --- what Twilio says ---------------------------------------------------- */

static void
hide(char *text, const char *secret)
{
	size_t n = secret == NULL ? 0 : strlen(secret);
	char *at = text;

	while (n > 0 && (at = strstr(at, secret)) != NULL) {
		*at++ = '*';
		memmove(at, at + n - 1, strlen(at + n - 1) + 1);
	}
}

/* A query has numbers of callers in it. A question mark in a sentence has
 * nothing right behind it. */
static void
cut_queries(char *text)
{
	char *at = text;
	size_t n;

	while ((at = strchr(at, '?')) != NULL) {
		n = strcspn(++at, " \"'");
		memmove(at, at + n, strlen(at + n) + 1);
	}
}

static void
make_safe(char *text, const struct rest_private *private)
{
	const char *const *other = private->others;
	unsigned char *c;

	hide(text, private->sent);
	hide(text, private->secret);
	for (; other != NULL && *other != NULL; other++)
		hide(text, *other);
	cut_queries(text);
	for (c = (unsigned char *)text; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/* The error object, if there is one. */
static void
read_error(const struct buf *body, struct rest_failure *f,
    char message[static MESSAGE_MAX])
{
	struct json *error = NULL;
	const char *text;
	int64_t code;

	*message = '\0';
	if (json_parse(buf_str(body), body->len, &error) != ST_OK)
		return;
	if (json_member_int(error, "code", &code) == ST_OK && code >= 0 &&
	    code <= CODE_MAX)
		f->code = (int)code;
	if (json_member_text(error, "message", &text) == ST_OK &&
	    strlen(text) < MESSAGE_MAX)
		memcpy(message, text, strlen(text) + 1);
	json_free(error);
}

/* --- what it means ------------------------------------------------------- */

static enum status
answer_status(const struct rest_failure *f)
{
	if (f->http == 200)
		return ST_OK;
	/* Any server says 404 when it is asked for the wrong address. */
	if (f->http == 404)
		return f->code != 0 ? ST_NOTFOUND : ST_MALFORMED;
	if (f->http == 429)
		return ST_BUSY;
	if (f->http >= 400 && f->http < 500)
		return ST_DENIED;
	return f->http >= 500 && f->http < 600 ? ST_UNAVAILABLE : ST_MALFORMED;
}

static const char *
answer_advice(const struct rest_failure *f, enum status st)
{
	if (f->http == 401)
		return "; check twilio.account_sid with auth_token, or api_key "
		       "with api_secret";
	if (st == ST_MALFORMED)
		return "; is twilio.api_url right?";
	return "";
}

enum status
failure_judge(struct rest_failure *f, const struct http_reply *reply,
    const struct rest_private *private)
{
	char message[MESSAGE_MAX], code[24] = "";
	enum status st;
	uint64_t s;

	failure_reset(f);
	f->http = reply->code;
	if (reply->code == 200)
		return ST_OK;
	if (str_u64(http_reply_header(reply, "Retry-After"), RETRY_AFTER_MAX,
		&s) == ST_OK)
		f->retry_after_s = (int)s;
	read_error(&reply->body, f, message);
	make_safe(message, private);
	st = answer_status(f);
	if (f->code != 0)
		snprintf(code, sizeof(code), ", code %d", f->code);
	/* The message last: it is what may be cut. */
	failure_say(f, "Twilio answers HTTP %d%s%s%s%s", f->http, code,
	    answer_advice(f, st), *message == '\0' ? "" : ": ", message);
	return st;
}

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
tell_no_answer(
    enum status st, const struct http_client *client, struct rest_failure *f)
{
	failure_reset(f);
	failure_say(
	    f, "no answer of Twilio's from %s", http_client_error(client));
	return no_answer(st);
}

static enum status
try_once(struct http_client *client, const struct http_call *call,
    const struct rest_private *private, struct http_reply *reply,
    struct rest_failure *f, bool *again)
{
	enum status st = http_client_send(client, call, reply);

	if (st != ST_OK) {
		*again = may_repeat(st);
		return tell_no_answer(st, client, f);
	}
	st = failure_judge(f, reply, private);
	*again = may_repeat(st);
	if (st != ST_OK)
		http_reply_release(reply);
	return st;
}

static void
set_times(struct http_call *call, long total_ms)
{
	call->total_ms = total_ms;
	call->connect_ms = total_ms < CONNECT_MS ? total_ms : CONNECT_MS;
}

/* Each try has what is left of the time. */
static enum status
try_all(struct http_client *client, struct http_call *call, long total_ms,
    const struct rest_private *private, struct http_reply *reply,
    struct rest_failure *f)
{
	int64_t deadline_us = clock_mono_us() + total_ms * MS, left_ms;
	enum status st;
	int tried = 0;
	bool again;

	do {
		left_ms = (deadline_us - clock_mono_us()) / MS;
		set_times(call, left_ms > 0 ? (long)left_ms : 1);
		st = try_once(client, call, private, reply, f, &again);
	} while (again && ++tried < REST_TRIES &&
	    http_client_wait(client,
		backoff_delay(DELAY_MS * MS, tried - 1, DELAY_MAX_MS * MS, 100),
		deadline_us));
	return st;
}

/* --- the request --------------------------------------------------------- */

/* "Basic ", and user and secret in base64. */
static enum status
put_credentials(struct buf *out, const struct rest_account *a)
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

/* A request, ready to be sent, and what it is made of. */
struct prepared {
	struct http_call call;
	struct buf url, authorization;
	struct kv headers;
	struct rest_private private;
};

static enum status
prepare(struct prepared *p, const char *method, const struct rest_account *a,
    const struct rest_request *r, struct rest_failure *f)
{
	enum status st;

	*p = (struct prepared){ .call = { .method = method,
				    .headers = &p->headers,
				    .max_body = r->max_body },
		.private = { .secret = a->secret, .others = r->hidden } };
	buf_puts(&p->url, a->api_url);
	if ((st = buf_puts(&p->url, r->uri)) != ST_OK ||
	    (st = put_credentials(&p->authorization, a)) != ST_OK ||
	    (st = kv_put(&p->headers, "Authorization",
		 buf_str(&p->authorization))) != ST_OK ||
	    (st = kv_put(&p->headers, "Accept", "application/json")) != ST_OK) {
		failure_say(f, "%s", status_text(st));
		return st;
	}
	p->call.url = buf_str(&p->url);
	p->private.sent = buf_str(&p->authorization) + sizeof(scheme) - 1;
	return ST_OK;
}

static void
prepared_release(struct prepared *p)
{
	kv_release(&p->headers);
	buf_wipe(&p->authorization);
	buf_release(&p->url);
}

enum status
rest_get(struct http_client *client, const struct rest_account *a,
    const struct rest_request *r, struct http_reply *reply,
    struct rest_failure *f)
{
	struct prepared p;
	enum status st = prepare(&p, "GET", a, r, f);

	*reply = (struct http_reply){ 0 };
	if (st == ST_OK)
		st =
		    try_all(client, &p.call, r->total_ms, &p.private, reply, f);
	prepared_release(&p);
	return st;
}

static enum status
post_once(struct http_client *client, const struct http_call *call,
    const struct rest_private *private, struct http_reply *reply, bool *sent,
    struct rest_failure *f)
{
	enum status st = http_client_send(client, call, reply);

	*sent = http_client_sent(client);
	if (st != ST_OK)
		return tell_no_answer(st, client, f);
	if (reply->code >= 200 && reply->code < 300) {
		failure_reset(f);
		f->http = reply->code;
		return ST_OK;
	}
	st = failure_judge(f, reply, private);
	http_reply_release(reply);
	return st;
}

enum status
rest_post(struct http_client *client, const struct rest_account *a,
    const struct rest_request *r, struct http_reply *reply, bool *sent,
    struct rest_failure *f)
{
	struct prepared p;
	enum status st = prepare(&p, "POST", a, r, f);

	*reply = (struct http_reply){ 0 };
	*sent = false;
	if (st == ST_OK &&
	    (st = kv_put(&p.headers, "Content-Type",
		 "application/x-www-form-urlencoded")) != ST_OK)
		failure_say(f, "%s", status_text(st));
	if (st == ST_OK) {
		p.call.body = r->form;
		p.call.body_len = strlen(r->form);
		p.call.once = true;
		set_times(&p.call, r->total_ms);
		st = post_once(client, &p.call, &p.private, reply, sent, f);
	}
	prepared_release(&p);
	return st;
}
