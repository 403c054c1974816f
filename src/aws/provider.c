#include "aws/provider.h"

#include <string.h>

#include "aws/retry.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/crypt.h"
#include "codec/json.h"
#include "codec/moment.h"
#include "http/client.h"

#define BODY_MAX ((size_t)64 << 10)
#define RETRY_BASE_MS 100

enum status
provider_json(const struct buf *body, struct aws_keys *keys)
{
	const char *code, *id, *secret, *token = NULL, *expiration;
	struct json *root = NULL;
	int64_t expires_us = 0;
	enum status st = json_parse(buf_str(body), body->len, &root);

	if (st != ST_OK)
		return st == ST_NOMEM ? st : ST_MALFORMED;
	st = ST_MALFORMED;
	/* {"Code": "Success", …}; without Code it is as good. */
	if (json_member_text(root, "Code", &code) == ST_OK &&
	    strcmp(code, "Success") != 0) {
		st = ST_DENIED;
		goto out;
	}
	if (json_member_text(root, "AccessKeyId", &id) != ST_OK ||
	    json_member_text(root, "SecretAccessKey", &secret) != ST_OK ||
	    str_empty(id) || str_empty(secret))
		goto out;
	/* Without an expiry they are taken for permanent, as by botocore. */
	(void)json_member_text(root, "Token", &token);
	if (json_member_text(root, "Expiration", &expiration) == ST_OK &&
	    moment_parse(expiration, MOMENT_STAMP, &expires_us) != ST_OK)
		goto out;
	st = aws_keys_set(keys, id, secret, token, expires_us);
out:
	json_free(root);
	return st;
}

void
provider_reply_wipe(struct http_reply *reply)
{
	buf_wipe(&reply->body);
	http_reply_release(reply);
}

/* One try. */
static enum status
send_once(const struct provider_context *c, struct http_call *call,
    long each_ms, struct http_reply *reply)
{
	int64_t left_ms = (c->deadline_us - clock_mono_us()) / 1000;

	*reply = (struct http_reply){ 0 };
	call->total_ms = 0;
	if (left_ms <= 0)
		return ST_TIMEOUT;
	call->total_ms = left_ms < each_ms ? (long)left_ms : each_ms;
	call->connect_ms = call->total_ms;
	call->max_body = BODY_MAX;
	return http_client_send(c->client, call, reply);
}

enum status
provider_send(const struct provider_context *c, struct http_call *call,
    long each_ms, int tries, struct http_reply *reply, struct buf *why)
{
	enum status st;
	int i;

	for (i = 0;; i++) {
		st = send_once(c, call, each_ms, reply);
		if (i + 1 >= tries || !http_may_pass(st, reply->code) ||
		    !http_client_wait(c->client,
			retry_delay_us(RETRY_BASE_MS, i, 0), c->deadline_us))
			break;
		provider_reply_wipe(reply);
	}
	if (st == ST_TIMEOUT && call->total_ms == 0)
		buf_puts(why, "no time was left to ask for keys");
	else if (st != ST_OK)
		buf_puts(why, http_client_error(c->client));
	return st;
}

enum status
provider_refused(
    const char *url, const struct http_reply *reply, struct buf *why)
{
	http_put_origin(why, url);
	buf_printf(why, "HTTP status %d", reply->code);
	return http_may_pass(ST_OK, reply->code) ? ST_UNAVAILABLE : ST_DENIED;
}

enum status
provider_read(const char *url, const struct http_reply *reply,
    struct aws_keys *keys, struct buf *why)
{
	enum status st = provider_json(&reply->body, keys);

	if (st == ST_MALFORMED || st == ST_DENIED)
		http_put_origin(why, url);
	if (st == ST_MALFORMED)
		buf_puts(why, "the answer has no keys in it");
	else if (st == ST_DENIED)
		buf_puts(why, "the role cannot be assumed");
	return st;
}
