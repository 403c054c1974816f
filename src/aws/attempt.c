#include "aws/attempt.h"

#include <stdlib.h>
#include <string.h>

#include "aws/credentials.h"
#include "base/str.h"
#include "codec/crc32.h"
#include "codec/json.h"
#include "codec/moment.h"
#include "codec/sigv4.h"
#include "codec/url.h"
#include "http/client.h"

/* A page of DynamoDB has 1 MB of items, more as JSON. */
#define BODY_MAX ((size_t)8 << 20)

#define TRACE_MAX 256

/* --- where -------------------------------------------------------------- */

/* As it will stand in the Host header: without the scheme's own port. */
static void
put_host(struct buf *out, const struct url *url)
{
	const char *usual = url_default_port(&url->scheme);

	buf_put(out, url->host.data, url->host.len);
	if (url->port.len > 0 && !url_part_is(&url->port, usual)) {
		buf_putc(out, ':');
		buf_put(out, url->port.data, url->port.len);
	}
}

enum status
aws_target_set(struct aws_target *t, const char *address, bool whole)
{
	struct url url;

	if (url_split(address, strlen(address), &url) != ST_OK ||
	    url_default_port(&url.scheme) == NULL)
		return ST_MALFORMED;
	put_host(&t->host, &url);
	if (whole)
		buf_put(&t->path, url.path.data, url.path.len);
	if (t->path.len == 0)
		buf_putc(&t->path, '/');
	buf_put(&t->url, url.scheme.data, url.scheme.len);
	buf_puts(&t->url, "://");
	buf_puts(&t->url, buf_str(&t->host));
	buf_puts(&t->url, buf_str(&t->path));
	return t->host.err != ST_OK ? t->host.err
	    : t->path.err != ST_OK  ? t->path.err
				    : t->url.err;
}

void
aws_target_release(struct aws_target *t)
{
	buf_release(&t->url);
	buf_release(&t->host);
	buf_release(&t->path);
}

/* --- the request --------------------------------------------------------- */

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
put_headers(const struct attempt_request *r, const struct aws_keys *keys,
    const char *target, const char *date, struct kv *headers,
    struct buf *authorization)
{
	/* Ascending, as they are signed. */
	const char *const list[][2] = {
		{ "content-type", r->service->content_type },
		{ "host", buf_str(&r->target->host) },
		{ "x-amz-date", date },
		{ "x-amz-security-token", keys->session_token },
		{ "x-amz-target", target },
	};
	const struct sigv4_request to_sign = { .method = "POST",
		.path = buf_str(&r->target->path),
		.headers = headers,
		.body = r->body->data,
		.body_len = r->body->len,
		.date = date,
		.region = r->region,
		.service = r->service->id };
	enum status st = ST_OK;
	size_t i;

	for (i = 0; st == ST_OK && i < sizeof(list) / sizeof(list[0]); i++)
		if (!str_empty(list[i][1]))
			st = kv_put(headers, list[i][0], list[i][1]);
	if (st == ST_OK)
		st = sigv4_authorization(
		    &to_sign, keys->access_key_id, keys->secret, authorization);
	if (st == ST_OK)
		st = kv_put(headers, "authorization", authorization->data);
	if (st == ST_OK)
		st = add_trace(headers, "x-amzn-trace-id", r->trace);
	if (st == ST_OK)
		st = add_trace(headers, "traceparent", r->traceparent);
	return st;
}

/* --- the answer ---------------------------------------------------------- */

/* DynamoDB sends the CRC-32 of the body, in decimal. */
static bool
damaged(const struct http_reply *reply)
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
read_headers(const struct http_reply *reply, struct attempt *a)
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

/* An answer that cannot be the service's: something between us garbled it. */
static void
set_garbled(struct attempt *a)
{
	a->status = ST_CORRUPT;
	a->error = (struct aws_error){ "", AWS_TRANSIENT, ST_CORRUPT, false };
}

static void
judge(const struct http_reply *reply, struct attempt *a)
{
	const struct buf *body = &reply->body;
	enum status parsed = ST_OK;

	read_headers(reply, a);
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
	} else if (damaged(reply) || parsed != ST_OK ||
	    (a->body != NULL && json_kind(a->body) != JSON_OBJECT)) {
		set_garbled(a);
	} else {
		a->status = ST_OK;
	}
}

/* No answer came. */
static struct aws_error
no_answer(enum status st)
{
	struct aws_error e = { "", AWS_FATAL, st, false };

	if (st == ST_UNAVAILABLE || st == ST_TIMEOUT || st == ST_IO)
		e.class = AWS_TRANSIENT;
	return e;
}

void
attempt_make(struct http_client *client, const struct attempt_request *r,
    const struct aws_keys *keys, struct attempt *out)
{
	struct kv headers = KV_INIT;
	struct buf target = BUF_INIT, authorization = BUF_INIT;
	struct http_reply reply = { 0 };
	struct http_call call = { .method = "POST",
		.url = buf_str(&r->target->url),
		.headers = &headers,
		.body = buf_str(r->body),
		.body_len = r->body->len,
		.connect_ms = r->connect_ms,
		.total_ms = r->total_ms,
		.max_body = BODY_MAX };
	char date[MOMENT_BASIC_MAX];
	enum status st;

	*out = (struct attempt){ .status = ST_IO };
	moment_basic(r->time_us, date);
	buf_puts(&target, r->service->target);
	buf_putc(&target, '.');
	if ((st = buf_puts(&target, r->operation)) != ST_OK ||
	    (st = put_headers(r, keys, target.data, date, &headers,
		 &authorization)) != ST_OK ||
	    (st = http_client_send(client, &call, &reply)) != ST_OK) {
		out->status = st;
		out->error = no_answer(st);
	} else {
		judge(&reply, out);
	}
	buf_wipe(&reply.body);
	http_reply_release(&reply);
	kv_release(&headers);
	buf_release(&target);
	buf_release(&authorization);
}
