#include "aws/client.h"

#include <stdlib.h>
#include <string.h>

#include "aws/client_impl.h"
#include "aws/credentials.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/crc32.h"
#include "codec/json.h"
#include "codec/moment.h"
#include "codec/sigv4.h"
#include "codec/url.h"
#include "http/client.h"

/* AWS takes signatures of 5 minutes; less is no skew worth a correction. */
#define SKEW_MIN_US INT64_C(240000000)

#define CONNECT_MS 2000

/* A page of DynamoDB has 1 MB of items, more as JSON. */
#define BODY_MAX ((size_t)8 << 20)

#define TRACE_MAX 256

struct aws_client {
	struct aws *aws;
	struct http_client *http;
	int64_t deadline_us;
	const char *trace, *traceparent;
	struct buf error;
};

/* One call on its way. */
struct op {
	struct aws_client *client;
	const struct aws_call *call;
	const struct aws_service_info *service;
	const char *region;
	struct buf url, host, path; /* where it goes */
	int64_t start_us, deadline_us;
	int tries; /* made; corrections of clock and keys do not count */
	int paid; /* tokens for the last retry */
	bool corrected, renewed;
	struct aws_keys keys;
};

/* What came of one attempt. */
struct attempt {
	enum status status;
	struct aws_error error; /* what a refusal means; unless ST_OK */
	int http; /* 0: no answer */
	char code[AWS_CODE_MAX]; /* of a refusal, or "" */
	char request_id[AWS_CODE_MAX]; /* what to name to AWS's support */
	int64_t asked_ms; /* to wait so long before the next; 0: nothing */
	int64_t date_us; /* the service's clock; 0: not told */
	struct json *body; /* of the answer, success or not; NULL: none */
};

/* --- clients ----------------------------------------------------------------- */

enum status
aws_client_open(struct aws_client **out, struct aws *a, struct buf *why)
{
	struct aws_client *c = calloc(1, sizeof(*c));
	enum status st;

	*out = NULL;
	if (c == NULL)
		return ST_NOMEM;
	c->aws = a;
	if ((st = http_client_open(&c->http, a->http, why)) != ST_OK) {
		free(c);
		return st;
	}
	*out = c;
	return ST_OK;
}

void
aws_client_close(struct aws_client *c)
{
	if (c == NULL)
		return;
	http_client_close(c->http);
	buf_release(&c->error);
	free(c);
}

void
aws_client_begin(struct aws_client *c, int64_t deadline_us, const char *trace,
    const char *traceparent)
{
	c->deadline_us = deadline_us;
	c->trace = trace;
	c->traceparent = traceparent;
}

const char *
aws_client_error(const struct aws_client *c)
{
	return buf_str(&c->error);
}

void
aws_client_say(struct aws_client *c, enum aws_service service,
    const char *operation, const char *what, ...)
{
	va_list ap;

	buf_reset(&c->error);
	buf_printf(
	    &c->error, "%s %s: ", aws_services[service].title, operation);
	va_start(ap, what);
	buf_vprintf(&c->error, what, ap);
	va_end(ap);
}

struct log *
aws_client_log(const struct aws_client *c)
{
	return c->aws->log;
}

static int64_t
op_left_us(const struct op *op)
{
	return op->deadline_us - clock_mono_us();
}

/* --- where it goes --------------------------------------------------------- */

/* As it will stand in the Host header: without the scheme's own port. */
static void
put_host_header(struct buf *out, const struct url *url)
{
	const char *usual = url_default_port(&url->scheme);

	buf_put(out, url->host.data, url->host.len);
	if (url->port.len > 0 && !url_part_is(&url->port, usual)) {
		buf_putc(out, ':');
		buf_put(out, url->port.data, url->port.len);
	}
}

/* To an endpoint with its path, or only to the origin of an address. */
static enum status
op_set_address(struct op *op, const char *address, bool whole)
{
	struct url url;

	if (url_split(address, strlen(address), &url) != ST_OK ||
	    url_default_port(&url.scheme) == NULL)
		return ST_MALFORMED;
	put_host_header(&op->host, &url);
	if (whole)
		buf_put(&op->path, url.path.data, url.path.len);
	if (op->path.len == 0)
		buf_putc(&op->path, '/');
	buf_put(&op->url, url.scheme.data, url.scheme.len);
	buf_printf(&op->url, "://%s%s", buf_str(&op->host), buf_str(&op->path));
	return op->host.err != ST_OK ? op->host.err
	    : op->path.err != ST_OK  ? op->path.err
				     : op->url.err;
}

static enum status
op_find_address(struct op *op)
{
	const struct aws *a = op->client->aws;
	enum aws_service service = op->call->service;
	struct buf own = BUF_INIT;
	enum status st;

	if (a->endpoints[service] != NULL)
		return op_set_address(op, a->endpoints[service], true);
	if (op->call->origin != NULL)
		return op_set_address(op, op->call->origin, op->call->whole);
	st = aws_endpoint_put(&own, service, op->region);
	if (st == ST_OK)
		st = op_set_address(op, own.data, true);
	buf_release(&own);
	return st;
}

/* Where, in which region, until when. */
static enum status
op_start(struct op *op)
{
	const struct aws_client *client = op->client;
	enum status st;

	op->service = &aws_services[op->call->service];
	op->start_us = clock_mono_us();
	op->deadline_us = client->deadline_us != 0 ? client->deadline_us
						   : op->start_us + AWS_CALL_US;
	op->region = str_empty(op->call->region) ? client->aws->region
						 : op->call->region;
	if (!aws_region_valid(op->region)) {
		aws_client_say(op->client, op->call->service,
		    op->call->operation,
		    str_empty(op->region)
			? "no AWS region: set aws.region, or AWS_REGION"
			: "that is no AWS region");
		return ST_CONFIG;
	}
	if ((st = op_find_address(op)) == ST_MALFORMED) {
		aws_client_say(op->client, op->call->service,
		    op->call->operation,
		    "the address to call is no URL: correct the queue's URL "
		    "or AWS_ENDPOINT_URL");
		st = ST_CONFIG;
	}
	return st;
}

/* --- the answer ------------------------------------------------------------- */

/* DynamoDB sends the CRC-32 of the body, in decimal. */
static bool
reply_is_damaged(const struct http_reply *reply)
{
	const char *text = http_reply_header(reply, "x-amz-crc32");
	uint64_t crc;

	if (text == NULL)
		return false;
	return str_u64(text, UINT32_MAX, &crc) != ST_OK ||
	    crc != crc32_of(reply->body.data, reply->body.len);
}

static void
copy_word(const char *from, char out[static AWS_CODE_MAX])
{
	size_t n = from == NULL
	    ? 0
	    : strspn(from,
		  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		  "0123456789-");

	if (n >= AWS_CODE_MAX)
		n = AWS_CODE_MAX - 1;
	if (n > 0)
		memcpy(out, from, n);
	out[n] = '\0';
}

static void
attempt_read_headers(const struct http_reply *reply, struct attempt *a)
{
	const char *date = http_reply_header(reply, "Date");
	uint64_t ms;

	a->http = reply->code;
	copy_word(http_reply_header(reply, "x-amzn-RequestId"), a->request_id);
	if (date == NULL || moment_parse_mail(date, &a->date_us) != ST_OK)
		a->date_us = 0;
	if (str_u64(http_reply_header(reply, "x-amz-retry-after"), 3600000,
		&ms) == ST_OK)
		a->asked_ms = (int64_t)ms;
}

static void
attempt_judge(const struct http_reply *reply, struct attempt *a)
{
	const struct buf *body = &reply->body;
	enum status parsed = ST_OK;

	attempt_read_headers(reply, a);
	if (body->len > 0)
		parsed = json_parse(body->data, body->len, &a->body);
	if (parsed == ST_NOMEM) {
		a->status = ST_NOMEM;
		return;
	}
	if (reply->code != 200) {
		aws_error_code(reply, a->body, a->code);
		a->error = aws_error_find(a->code, reply->code);
		a->status = a->error.status;
	} else if (reply_is_damaged(reply) || parsed != ST_OK ||
	    (a->body != NULL && json_kind(a->body) != JSON_OBJECT)) {
		/* Something between us and the service garbled it. */
		a->status = ST_CORRUPT;
		a->error =
		    (struct aws_error){ "", AWS_TRANSIENT, ST_CORRUPT, false };
	} else {
		a->status = ST_OK;
	}
}

/* No answer came. */
static void
attempt_fail(struct attempt *a, enum status st)
{
	a->status = st;
	a->error = (struct aws_error){ "",
		http_may_pass(st, 0) ? AWS_TRANSIENT : AWS_FATAL, st, false };
}

/* --- one attempt ------------------------------------------------------------ */

/* Callers of ours chose its bytes: what is odd is not passed on. */
static enum status
add_trace(struct kv *headers, const char *name, const char *value)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_=;:.,";

	if (str_empty(value) || strlen(value) > TRACE_MAX ||
	    value[strspn(value, allowed)] != '\0')
		return ST_OK;
	return kv_put(headers, name, value);
}

/*
 * The headers and, of those that nobody on the way changes, the signature.
 * date and authorization have to live as long as headers.
 */
static enum status
op_put_headers(const struct op *op, const char *target, const char *date,
    struct kv *headers, struct buf *authorization)
{
	/* Ascending, as they are signed. */
	const char *const list[][2] = {
		{ "content-type", op->service->content_type },
		{ "host", buf_str(&op->host) },
		{ "x-amz-date", date },
		{ "x-amz-security-token", op->keys.session_token },
		{ "x-amz-target", target },
	};
	const struct sigv4_request to_sign = { .method = "POST",
		.path = buf_str(&op->path),
		.headers = headers,
		.body = op->call->body->data,
		.body_len = op->call->body->len,
		.date = date,
		.region = op->region,
		.service = op->service->id };
	enum status st = ST_OK;
	size_t i;

	for (i = 0; st == ST_OK && i < sizeof(list) / sizeof(list[0]); i++)
		if (!str_empty(list[i][1]))
			st = kv_put(headers, list[i][0], list[i][1]);
	if (st == ST_OK)
		st = sigv4_authorization(&to_sign, op->keys.access_key_id,
		    op->keys.secret, authorization);
	if (st == ST_OK)
		st = kv_put(headers, "authorization", authorization->data);
	if (st == ST_OK)
		st = add_trace(headers, "x-amzn-trace-id", op->client->trace);
	if (st == ST_OK)
		st = add_trace(headers, "traceparent", op->client->traceparent);
	return st;
}

/* Sign and send, now; the time is the services'. */
static void
op_send(const struct op *op, long total_ms, struct attempt *out)
{
	int64_t now_us = clock_us() + atomic_load(&op->client->aws->skew_us);
	struct kv headers = KV_INIT;
	struct buf target = BUF_INIT, authorization = BUF_INIT;
	struct http_reply reply = { 0 };
	const struct http_call call = { .method = "POST",
		.url = buf_str(&op->url),
		.headers = &headers,
		.body = buf_str(op->call->body),
		.body_len = op->call->body->len,
		.connect_ms = total_ms < CONNECT_MS ? total_ms : CONNECT_MS,
		.total_ms = total_ms,
		.max_body = BODY_MAX };
	char date[MOMENT_BASIC_MAX];
	enum status st;

	moment_basic(now_us, date);
	if ((st = buf_printf(&target, "%s.%s", op->service->target,
		 op->call->operation)) != ST_OK ||
	    (st = op_put_headers(
		 op, target.data, date, &headers, &authorization)) != ST_OK ||
	    (st = http_client_send(op->client->http, &call, &reply)) != ST_OK)
		attempt_fail(out, st);
	else
		attempt_judge(&reply, out);
	buf_wipe(&reply.body);
	http_reply_release(&reply);
	kv_release(&headers);
	buf_release(&target);
	buf_release(&authorization);
}

/*
 * A try that may be followed by another has three fifths of the time: a server
 * that hangs must not use up all of it.
 */
static void
op_try(struct op *op, struct attempt *out)
{
	long left_ms = (long)(op_left_us(op) / 1000);

	*out = (struct attempt){ .status = ST_TIMEOUT };
	if (++op->tries < op->service->attempts)
		left_ms = (left_ms * 3 + 4) / 5;
	if (left_ms > 0)
		op_send(op, left_ms, out);
}

/* --- whether to go on -------------------------------------------------------- */

/* The service's Date is far from what we signed with: go by it from now on. */
static bool
op_correct_clock(struct op *op, const struct attempt *a)
{
	_Atomic int64_t *skew_us = &op->client->aws->skew_us;
	int64_t now = clock_us(), off;

	if (op->corrected || a->date_us == 0)
		return false;
	off = a->date_us - (now + atomic_load(skew_us));
	if (off > -SKEW_MIN_US && off < SKEW_MIN_US)
		return false;
	op->corrected = true;
	atomic_store(skew_us, a->date_us - now);
	log_warn(op->client->aws->log, "this machine's clock is wrong",
	    LOG_INT("behind_s", (a->date_us - now) / 1000000));
	return true;
}

static bool
op_renew_keys(struct op *op)
{
	if (op->renewed)
		return false;
	op->renewed = true;
	aws_credentials_reject(op->client->aws->credentials, &op->keys);
	return true;
}

static bool
op_retry_later(struct op *op, const struct attempt *a)
{
	struct retry_bucket *bucket =
	    &op->client->aws->buckets[op->call->service];
	bool throttled = a->error.class == AWS_THROTTLED;
	int cost = throttled ? RETRY_COST_THROTTLED : RETRY_COST;
	int base_ms = throttled ? RETRY_THROTTLED_MS : op->service->base_ms;

	if (op->tries >= op->service->attempts || !retry_take(bucket, cost))
		return false;
	op->paid = cost;
	return http_client_wait(op->client->http,
	    retry_delay_us(base_ms, op->tries - 1, a->asked_ms),
	    op->deadline_us);
}

/* After an attempt that failed: is there to be another? */
static bool
op_goes_on(struct op *op, const struct attempt *a)
{
	bool again = false;

	switch (a->error.class) {
	case AWS_FATAL:
		break;
	case AWS_TRANSIENT:
	case AWS_THROTTLED:
		return op_retry_later(op, a);
	case AWS_EXPIRED:
		again = op_renew_keys(op);
		break;
	case AWS_UNSIGNED:
		again = op_correct_clock(op, a);
		break;
	}
	if (again)
		op->tries--; /* it was no fault of the service */
	return again;
}

static void
op_put_outcome(struct op *op, const struct attempt *a)
{
	struct buf *out = &op->client->error;

	buf_reset(out);
	buf_printf(out, "%s %s: ", op->service->title, op->call->operation);
	if (a->http == 0 && http_client_error(op->client->http)[0] != '\0' &&
	    op_left_us(op) > 0)
		buf_puts(out, http_client_error(op->client->http));
	else if (a->code[0] != '\0')
		buf_printf(out, "%s (HTTP %d)", a->code, a->http);
	else if (a->status == ST_CORRUPT)
		buf_puts(out, "the answer is damaged");
	else if (a->http != 0)
		buf_printf(out, "HTTP %d", a->http);
	else
		buf_puts(out, status_text(a->status));
	if (op->tries > 1)
		buf_printf(out, ", after %d tries", op->tries);
	if (a->error.quotable)
		aws_error_put_message(out, a->body);
}

static void
op_log_outcome(const struct op *op, const struct attempt *a)
{
	int64_t ms = (clock_mono_us() - op->start_us) / 1000;
	struct log *log = op->client->aws->log;
	const char *code = a->code[0] != '\0' ? a->code : NULL;
	/* That something is there already, or not, is an answer. */
	bool fault = a->status != ST_OK && a->status != ST_EXISTS &&
	    a->status != ST_NOTFOUND;

	log_event(log, fault ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG,
	    fault ? "aws call failed" : "aws call",
	    LOG_FIELDS(LOG_STR("service", op->service->id),
		LOG_STR("operation", op->call->operation),
		LOG_STR("code", code), LOG_INT("http", a->http),
		LOG_STR("status", status_text(a->status)),
		LOG_INT("tries", op->tries), LOG_INT("ms", ms),
		LOG_STR("aws_request_id",
		    a->request_id[0] != '\0' ? a->request_id : NULL)));
}

static enum status
op_get_keys(struct op *op)
{
	struct aws_client *client = op->client;
	struct buf why = BUF_INIT;
	enum status st;

	aws_keys_release(&op->keys);
	st = aws_credentials_get(client->aws->credentials, client->http,
	    op->deadline_us, &op->keys, &why);
	if (st != ST_OK)
		aws_client_say(client, op->call->service, op->call->operation,
		    "%s", why.len > 0 ? why.data : status_text(st));
	buf_release(&why);
	return st;
}

/* Attempts until one is the last. */
static enum status
op_run(struct op *op, struct aws_reply *reply)
{
	struct retry_bucket *bucket =
	    &op->client->aws->buckets[op->call->service];
	struct attempt a;
	enum status st;

	for (;;) {
		if ((st = op_get_keys(op)) != ST_OK)
			return st;
		op_try(op, &a);
		if (a.status == ST_OK || !op_goes_on(op, &a))
			break;
		json_free(a.body);
	}
	if (a.status == ST_OK)
		retry_give(bucket, op->paid > 0 ? op->paid : RETRY_REWARD);
	else
		op_put_outcome(op, &a);
	op_log_outcome(op, &a);
	reply->body = a.body;
	memcpy(reply->code, a.code, sizeof(reply->code));
	return a.status;
}

enum status
aws_call(struct aws_client *client, const struct aws_call *call,
    struct aws_reply *reply)
{
	struct op op = { .client = client, .call = call };
	enum status st;

	*reply = (struct aws_reply){ 0 };
	buf_reset(&client->error);
	if ((st = op_start(&op)) == ST_OK)
		st = op_run(&op, reply);
	if (st != ST_OK && client->error.len == 0)
		aws_client_say(client, call->service, call->operation, "%s",
		    status_text(st));
	aws_watch_tell(&client->aws->watch, call->service, st);
	aws_keys_release(&op.keys);
	buf_release(&op.url);
	buf_release(&op.host);
	buf_release(&op.path);
	return st;
}

void
aws_reply_release(struct aws_reply *reply)
{
	json_free(reply->body);
	*reply = (struct aws_reply){ 0 };
}
