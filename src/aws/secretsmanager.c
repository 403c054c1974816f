#include "aws/secretsmanager.h"

#include <string.h>

#include "aws/client.h"
#include "codec/base64.h"
#include "codec/json.h"

static enum status
put_binary(const char *text, struct buf *value)
{
	size_t len = strlen(text), n;
	enum status st = buf_reserve(value, len / 4 * 3 + 1);

	if (st != ST_OK)
		return st;
	if (base64_decode(text, len, (unsigned char *)value->data, &n) != ST_OK)
		return ST_CORRUPT;
	value->len = n;
	value->data[n] = '\0';
	return ST_OK;
}

static enum status
read_value(const struct json *answer, struct buf *value)
{
	const char *text;

	if (answer == NULL)
		return ST_CORRUPT;
	if (json_member_text(answer, "SecretString", &text) == ST_OK)
		return buf_put(value, text, strlen(text));
	if (json_member_text(answer, "SecretBinary", &text) == ST_OK)
		return put_binary(text, value);
	return ST_CORRUPT;
}

enum status
secretsmanager_get(struct aws_client *client, const char *region,
    const char *id, const char *stage, struct buf *value)
{
	struct buf body = BUF_INIT;
	const struct aws_call call = { .service = AWS_SECRETSMANAGER,
		.operation = "GetSecretValue",
		.region = region,
		.body = &body };
	struct aws_reply reply = { .body = NULL };
	enum status st;

	buf_puts(&body, "{\"SecretId\":");
	json_put_text(&body, id);
	buf_puts(&body, ",\"VersionStage\":");
	json_put_text(&body, stage);
	if ((st = buf_putc(&body, '}')) == ST_OK)
		st = aws_call(client, &call, &reply);
	if (st == ST_OK && (st = read_value(reply.body, value)) == ST_CORRUPT)
		aws_client_say(client, AWS_SECRETSMANAGER, call.operation,
		    "the answer has no value that can be read");
	aws_reply_release(&reply);
	buf_release(&body);
	return st;
}
