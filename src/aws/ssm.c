#include "aws/ssm.h"

#include <stdlib.h>
#include <string.h>

#include "aws/client.h"
#include "base/str.h"
#include "codec/json.h"

/* Has one before it the same name? SSM refuses to be asked twice. */
static bool
is_repeated(const struct ssm_value *values, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (strcmp(values[j].name, values[i].name) == 0)
			return true;
	return false;
}

/* Is this text one of the pieces put together? Without them it is not. */
static bool
is_joined(const char *text, const char *a, const char *b)
{
	size_t n;

	if (a == NULL)
		return false;
	n = strlen(a);
	return strncmp(text, a, n) == 0 && strcmp(text + n, b) == 0;
}

/* Parameters are told by name, what was asked for ":LABEL" apart from it. */
static bool
is_answer(const struct json *parameter, const char *asked)
{
	const char *name, *arn, *selector;

	(void)json_member_text(parameter, "Name", &name);
	(void)json_member_text(parameter, "ARN", &arn);
	(void)json_member_text(parameter, "Selector", &selector);
	if (selector == NULL)
		selector = "";
	return is_joined(asked, name, selector) ||
	    is_joined(asked, arn, selector);
}

static enum status
take_parameter(const struct json *parameter, struct ssm_value *values, size_t n)
{
	const char *text;
	size_t i;

	if (json_member_text(parameter, "Value", &text) != ST_OK)
		return ST_CORRUPT;
	for (i = 0; i < n; i++) {
		if (values[i].value != NULL ||
		    !is_answer(parameter, values[i].name))
			continue;
		if (str_dup(text, &values[i].value) != ST_OK)
			return ST_NOMEM;
		values[i].status = ST_OK;
	}
	return ST_OK;
}

static enum status
ask(struct aws_client *client, const struct buf *body, struct ssm_value *values,
    size_t n)
{
	const struct aws_call call = {
		.service = AWS_SSM, .operation = "GetParameters", .body = body
	};
	struct aws_reply reply;
	const struct json *list, *p;
	enum status st = aws_call(client, &call, &reply);

	if (st == ST_OK &&
	    (reply.body == NULL ||
		json_member(reply.body, "Parameters", &list) != ST_OK))
		st = ST_CORRUPT;
	/* InvalidParameters names the others: they stay ST_NOTFOUND. */
	if (st == ST_OK)
		for (p = json_first(list); p != NULL && st == ST_OK;
		     p = json_next(p))
			st = take_parameter(p, values, n);
	aws_reply_release(&reply);
	return st;
}

/* Names from *at on, until there are enough or no more. */
static size_t
put_names(
    struct buf *body, const struct ssm_value *values, size_t n, size_t *at)
{
	size_t count = 0;

	for (; *at < n && count < SSM_BATCH; (*at)++) {
		if (is_repeated(values, *at))
			continue;
		if (count++ > 0)
			buf_putc(body, ',');
		json_put_text(body, values[*at].name);
	}
	return count;
}

enum status
ssm_get(struct aws_client *client, struct ssm_value *values, size_t n)
{
	struct buf body = BUF_INIT;
	enum status st = ST_OK;
	size_t i, at = 0;

	for (i = 0; i < n; i++) {
		values[i].value = NULL;
		values[i].status = ST_NOTFOUND;
	}
	while (st == ST_OK && at < n) {
		buf_reset(&body);
		buf_puts(&body, "{\"Names\":[");
		if (put_names(&body, values, n, &at) == 0)
			break;
		st = buf_puts(&body, "],\"WithDecryption\":true}");
		if (st == ST_OK)
			st = ask(client, &body, values, n);
	}
	if (st != ST_OK)
		ssm_release(values, n);
	buf_release(&body);
	return st;
}

void
ssm_release(struct ssm_value *values, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		str_wipe(&values[i].value);
}
