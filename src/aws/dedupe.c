#include "aws/dedupe.h"

#include "aws/client.h"
#include "aws/dynamodb_item.h"
#include "codec/json.h"

/* {"TableName":"…","NAME":{"message_sid":{"S":"…"} */
static void
begin(struct buf *body, const struct dedupe *d, const char *name)
{
	buf_puts(body, "{\"TableName\":");
	json_put_text(body, d->table);
	buf_printf(body, ",\"%s\":{\"message_sid\":", name);
	item_put_text(body, d->key);
}

/* The whole item; sent: with sent_at. */
static void
begin_item(struct buf *body, const struct dedupe *d, bool sent)
{
	begin(body, d, "Item");
	buf_puts(body, ",\"claimed_by\":");
	item_put_text(body, d->owner);
	buf_printf(
	    body, ",\"claimed_at\":{\"N\":\"%lld\"}", (long long)d->now_s);
	if (sent)
		buf_printf(
		    body, ",\"sent_at\":{\"N\":\"%lld\"}", (long long)d->now_s);
	buf_printf(body, ",\"expires_at\":{\"N\":\"%lld\"}}",
	    (long long)(d->now_s + d->keep_s));
}

/* ST_EXISTS: the condition does not hold. */
static enum status
call(struct aws_client *client, const char *operation, struct buf *body,
    struct aws_reply *reply)
{
	const struct aws_call c = {
		.service = AWS_DYNAMODB, .operation = operation, .body = body
	};
	struct aws_reply none = { .body = NULL };
	enum status st = body->err;

	if (st == ST_OK)
		st = aws_call(client, &c, reply == NULL ? &none : reply);
	if (st == ST_NOTFOUND) /* it is the table that is not there */
		st = ST_CONFIG;
	aws_reply_release(&none);
	buf_release(body);
	return st;
}

/* A claim that is not to be had. ST_EXISTS: sent; ST_BUSY: not yet, or it went
 * just now. */
static enum status
look(struct aws_client *client, const struct dedupe *d)
{
	struct buf body = BUF_INIT;
	struct aws_reply reply = { .body = NULL };
	const struct json *item = NULL, *at;
	enum status st;

	begin(&body, d, "Key");
	buf_puts(&body, "},\"ConsistentRead\":true}");
	st = call(client, "GetItem", &body, &reply);
	if (st == ST_OK &&
	    (reply.body == NULL ||
		json_member(reply.body, "Item", &item) != ST_OK))
		st = ST_BUSY;
	if (st == ST_OK)
		st = json_member(item, "sent_at", &at) == ST_OK ||
			json_member(item, "claimed_at", &at) != ST_OK
		    ? ST_EXISTS
		    : ST_BUSY;
	aws_reply_release(&reply);
	return st;
}

enum status
dedupe_claim(struct aws_client *client, const struct dedupe *d)
{
	struct buf body = BUF_INIT;
	enum status st;

	begin_item(&body, d, false);
	/* One from the future was made by a clock that was wrong. */
	buf_printf(&body,
	    ",\"ConditionExpression\":\"attribute_not_exists(message_sid)"
	    " OR expires_at < :now OR (attribute_not_exists(sent_at) AND"
	    " (claimed_by = :owner OR claimed_at < :old"
	    " OR claimed_at > :ahead))\","
	    "\"ExpressionAttributeValues\":{\":now\":{\"N\":\"%lld\"},"
	    "\":old\":{\"N\":\"%lld\"},\":ahead\":{\"N\":\"%lld\"},"
	    "\":owner\":",
	    (long long)d->now_s, (long long)(d->now_s - DEDUPE_UNSENT_S),
	    (long long)(d->now_s + DEDUPE_UNSENT_S));
	item_put_text(&body, d->owner);
	buf_puts(&body, "}}");
	st = call(client, "PutItem", &body, NULL);
	return st == ST_EXISTS ? look(client, d) : st;
}

enum status
dedupe_sent(struct aws_client *client, const struct dedupe *d)
{
	struct buf body = BUF_INIT;

	begin_item(&body, d, true);
	buf_putc(&body, '}');
	return call(client, "PutItem", &body, NULL);
}

enum status
dedupe_release(struct aws_client *client, const struct dedupe *d)
{
	struct buf body = BUF_INIT;
	enum status st;

	begin(&body, d, "Key");
	buf_puts(&body,
	    "},\"ConditionExpression\":\"claimed_by = :owner\","
	    "\"ExpressionAttributeValues\":{\":owner\":");
	item_put_text(&body, d->owner);
	buf_puts(&body, "}}");
	st = call(client, "DeleteItem", &body, NULL);
	return st == ST_EXISTS ? ST_OK : st;
}
