#include "aws/dedupe.h"

#include "aws/client.h"
#include "aws/dynamodb_item.h"
#include "codec/json.h"

/* {"TableName":"…","NAME":{"message_sid":{"S":"…"} */
static void
begin(struct buf *body, const char *table, const char *name, const char *sid)
{
	buf_puts(body, "{\"TableName\":");
	json_put_text(body, table);
	buf_printf(body, ",\"%s\":{\"message_sid\":", name);
	item_put_text(body, sid);
}

/* ,"ConditionExpression":"… it is mine"} */
static void
end(struct buf *body, const char *condition, const char *owner)
{
	buf_printf(body,
	    ",\"ConditionExpression\":\"%sclaimed_by = :owner\","
	    "\"ExpressionAttributeValues\":{\":owner\":",
	    condition);
	item_put_text(body, owner);
	buf_puts(body, "}}");
}

/* ST_EXISTS: the condition does not hold. */
static enum status
call(struct aws_client *client, const char *operation, struct buf *body)
{
	const struct aws_call c = {
		.service = AWS_DYNAMODB, .operation = operation, .body = body
	};
	struct aws_reply reply = { .body = NULL };
	enum status st = body->err;

	if (st == ST_OK)
		st = aws_call(client, &c, &reply);
	if (st == ST_NOTFOUND) /* it is the table that is not there */
		st = ST_CONFIG;
	aws_reply_release(&reply);
	buf_release(body);
	return st;
}

enum status
dedupe_claim(struct aws_client *client, const char *table, const char *sid,
    const char *owner, int64_t now_s)
{
	struct buf body = BUF_INIT;

	begin(&body, table, "Item", sid);
	buf_puts(&body, ",\"claimed_by\":");
	item_put_text(&body, owner);
	buf_printf(&body, ",\"expires_at\":{\"N\":\"%lld\"}}",
	    (long long)(now_s + DEDUPE_KEEP_S));
	end(&body, "attribute_not_exists(message_sid) OR ", owner);
	return call(client, "PutItem", &body);
}

enum status
dedupe_release(struct aws_client *client, const char *table, const char *sid,
    const char *owner)
{
	struct buf body = BUF_INIT;
	enum status st;

	begin(&body, table, "Key", sid);
	buf_putc(&body, '}');
	end(&body, "", owner);
	st = call(client, "DeleteItem", &body);
	return st == ST_EXISTS ? ST_OK : st;
}
