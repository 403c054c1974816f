#include "aws/client.h"

#include <stdlib.h>
#include <string.h>

#include "aws/attempt.h"
#include "aws/credentials.h"
#include "aws/shared.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "http/client.h"

/* AWS takes signatures of 5 minutes; less is no skew worth a correction. */
#define SKEW_MIN_US INT64_C(240000000)

#define CONNECT_MS 2000

struct aws_client {
	struct aws *aws;
	struct http_client *http;
	int64_t deadline_us;
	const char *trace, *traceparent;
	struct buf error;
};

/* One call on its way. */
struct course {
	struct aws_client *client;
	const struct aws_call *call;
	const struct aws_service_info *service;
	const char *region;
	struct aws_target target;
	int64_t start_us, deadline_us;
	int tries; /* made; corrections of clock and keys do not count */
	int paid; /* tokens for the last retry */
	bool corrected, renewed;
	struct aws_keys keys;
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

/* --- a call -------------------------------------------------------------------- */

static int64_t
left_us(const struct course *c)
{
	return c->deadline_us - clock_mono_us();
}

static enum status
find_target(struct course *c)
{
	const struct aws *a = c->client->aws;
	enum aws_service service = c->call->service;
	struct buf own = BUF_INIT;
	enum status st;

	if (a->endpoints[service] != NULL)
		return aws_target_set(&c->target, a->endpoints[service], true);
	if (c->call->origin != NULL)
		return aws_target_set(&c->target, c->call->origin, false);
	st = aws_endpoint_put(&own, service, c->region);
	if (st == ST_OK)
		st = aws_target_set(&c->target, own.data, true);
	buf_release(&own);
	return st;
}

static enum status
set_out(struct course *c)
{
	const struct aws_client *client = c->client;
	enum status st;

	c->service = &aws_services[c->call->service];
	c->start_us = clock_mono_us();
	c->deadline_us = client->deadline_us != 0 ? client->deadline_us
						  : c->start_us + AWS_CALL_US;
	c->region =
	    str_empty(c->call->region) ? client->aws->region : c->call->region;
	if (!aws_region_valid(c->region)) {
		aws_client_say(c->client, c->call->service, c->call->operation,
		    str_empty(c->region)
			? "no AWS region: set aws.region, or AWS_REGION"
			: "that is no AWS region");
		return ST_CONFIG;
	}
	if ((st = find_target(c)) == ST_MALFORMED) {
		aws_client_say(c->client, c->call->service, c->call->operation,
		    "the address to call is no URL: correct the queue's URL "
		    "or AWS_ENDPOINT_URL");
		st = ST_CONFIG;
	}
	return st;
}

/*
 * A try that may be followed by another has three fifths of the time: a server
 * that hangs must not use up all of it.
 */
static void
try_once(struct course *c, struct attempt *a)
{
	const struct aws_client *client = c->client;
	long left_ms = (long)(left_us(c) / 1000);
	struct attempt_request r = { .target = &c->target,
		.service = c->service,
		.operation = c->call->operation,
		.region = c->region,
		.body = c->call->body,
		.trace = client->trace,
		.traceparent = client->traceparent,
		.time_us = clock_us() + atomic_load(&client->aws->skew_us) };

	c->tries++;
	if (left_ms <= 0) {
		*a = (struct attempt){ .status = ST_TIMEOUT };
		return;
	}
	r.total_ms =
	    c->tries < c->service->attempts ? left_ms * 3 / 5 + 1 : left_ms;
	r.connect_ms = r.total_ms < CONNECT_MS ? r.total_ms : CONNECT_MS;
	attempt_make(client->http, &r, &c->keys, a);
}

/* The service's Date is far from what we signed with: go by it from now on. */
static bool
correct_clock(struct course *c, const struct attempt *a)
{
	_Atomic int64_t *skew_us = &c->client->aws->skew_us;
	int64_t now = clock_us(), off;

	if (c->corrected || a->date_us == 0)
		return false;
	off = a->date_us - (now + atomic_load(skew_us));
	if (off > -SKEW_MIN_US && off < SKEW_MIN_US)
		return false;
	c->corrected = true;
	atomic_store(skew_us, a->date_us - now);
	log_warn(c->client->aws->log, "this machine's clock is wrong",
	    LOG_INT("behind_s", (a->date_us - now) / 1000000));
	return true;
}

static bool
renew_keys(struct course *c)
{
	if (c->renewed)
		return false;
	c->renewed = true;
	aws_credentials_reject(c->client->aws->credentials, &c->keys);
	return true;
}

static bool
retry_later(struct course *c, const struct attempt *a)
{
	struct retry_bucket *bucket =
	    &c->client->aws->buckets[c->call->service];
	bool throttled = a->error.class == AWS_THROTTLED;
	int cost = throttled ? RETRY_COST_THROTTLED : RETRY_COST;
	int base_ms = throttled ? RETRY_THROTTLED_MS : c->service->base_ms;

	if (c->tries >= c->service->attempts || !retry_take(bucket, cost))
		return false;
	c->paid = cost;
	return http_client_wait(c->client->http,
	    retry_delay_us(base_ms, c->tries - 1, a->asked_ms), c->deadline_us);
}

/* After an attempt that failed: is there to be another? */
static bool
go_on(struct course *c, const struct attempt *a)
{
	bool again = false;

	switch (a->error.class) {
	case AWS_FATAL:
		break;
	case AWS_TRANSIENT:
	case AWS_THROTTLED:
		return retry_later(c, a);
	case AWS_EXPIRED:
		again = renew_keys(c);
		break;
	case AWS_UNSIGNED:
		again = correct_clock(c, a);
		break;
	}
	if (again)
		c->tries--; /* it was no fault of the service */
	return again;
}

static void
put_outcome(struct course *c, const struct attempt *a)
{
	struct buf *out = &c->client->error;

	buf_reset(out);
	buf_printf(out, "%s %s: ", c->service->title, c->call->operation);
	if (a->http == 0 && http_client_error(c->client->http)[0] != '\0' &&
	    left_us(c) > 0)
		buf_puts(out, http_client_error(c->client->http));
	else if (a->code[0] != '\0')
		buf_printf(out, "%s (HTTP %d)", a->code, a->http);
	else if (a->status == ST_CORRUPT)
		buf_puts(out, "the answer is damaged");
	else if (a->http != 0)
		buf_printf(out, "HTTP %d", a->http);
	else
		buf_puts(out, status_text(a->status));
	if (c->tries > 1)
		buf_printf(out, ", after %d tries", c->tries);
	if (a->error.quotable)
		aws_error_put_message(out, a->body);
}

static void
log_outcome(const struct course *c, const struct attempt *a)
{
	int64_t ms = (clock_mono_us() - c->start_us) / 1000;
	struct log *log = c->client->aws->log;
	const char *code = a->code[0] != '\0' ? a->code : NULL;
	/* That something is there already, or not, is an answer. */
	bool fault = a->status != ST_OK && a->status != ST_EXISTS &&
	    a->status != ST_NOTFOUND;

	log_event(log, fault ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG,
	    fault ? "aws call failed" : "aws call",
	    LOG_FIELDS(LOG_STR("service", c->service->id),
		LOG_STR("operation", c->call->operation), LOG_STR("code", code),
		LOG_INT("http", a->http),
		LOG_STR("status", status_text(a->status)),
		LOG_INT("tries", c->tries), LOG_INT("ms", ms),
		LOG_STR("aws_request_id",
		    a->request_id[0] != '\0' ? a->request_id : NULL)));
}

static enum status
get_keys(struct course *c)
{
	struct aws_client *client = c->client;
	struct buf why = BUF_INIT;
	enum status st;

	aws_keys_release(&c->keys);
	st = aws_credentials_get(client->aws->credentials, client->http,
	    c->deadline_us, &c->keys, &why);
	if (st != ST_OK)
		aws_client_say(client, c->call->service, c->call->operation,
		    "%s", why.len > 0 ? why.data : status_text(st));
	buf_release(&why);
	return st;
}

/* Attempts until one is the last. */
static enum status
run(struct course *c, struct aws_reply *reply)
{
	struct retry_bucket *bucket =
	    &c->client->aws->buckets[c->call->service];
	struct attempt a;
	enum status st;

	for (;;) {
		if ((st = get_keys(c)) != ST_OK)
			return st;
		try_once(c, &a);
		if (a.status == ST_OK || !go_on(c, &a))
			break;
		json_free(a.body);
	}
	if (a.status == ST_OK)
		retry_give(bucket, c->paid > 0 ? c->paid : RETRY_REWARD);
	else
		put_outcome(c, &a);
	log_outcome(c, &a);
	reply->body = a.body;
	memcpy(reply->code, a.code, sizeof(reply->code));
	return a.status;
}

enum status
aws_call(struct aws_client *client, const struct aws_call *call,
    struct aws_reply *reply)
{
	struct course c = { .client = client, .call = call };
	enum status st;

	*reply = (struct aws_reply){ 0 };
	buf_reset(&client->error);
	if ((st = set_out(&c)) == ST_OK)
		st = run(&c, reply);
	if (st != ST_OK && client->error.len == 0)
		aws_client_say(client, call->service, call->operation, "%s",
		    status_text(st));
	aws_watch_tell(&client->aws->watch, call->service, st);
	aws_keys_release(&c.keys);
	aws_target_release(&c.target);
	return st;
}

void
aws_reply_release(struct aws_reply *reply)
{
	json_free(reply->body);
	*reply = (struct aws_reply){ 0 };
}
