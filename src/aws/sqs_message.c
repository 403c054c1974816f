#include "aws/sqs_message.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "aws/sqs.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/crypt.h"
#include "codec/json.h"
#include "codec/xml.h"

#define NAME_MAX_LEN 128 /* of a group or deduplication id */
#define REASON_MAX 1024
#define TRACE_MAX 256

enum status
sqs_check_body(const char *body, size_t len, const char **why)
{
	size_t at = 0;
	bool legal = true;

	*why = "";
	if (body == NULL || len == 0) {
		*why = "the message is empty, which SQS does not take";
		return ST_MALFORMED;
	}
	if (len > SQS_BODY_MAX) {
		*why = "the message is longer than 1048576 bytes, all that "
		       "SQS takes";
		return ST_TOOBIG;
	}
	while (at < len && legal)
		at += xml_step(body + at, len - at, &legal);
	if (!legal) {
		*why = "the message has a character that XML forbids, or is "
		       "not UTF-8; SQS takes neither";
		return ST_MALFORMED;
	}
	return ST_OK;
}

/* --- sending --------------------------------------------------------------- */

/*
 * A group's or deduplication id is up to 128 printable ASCII characters. Of
 * anything else its digest stands for it: the same for the same.
 */
static enum status
put_name(struct buf *out, const char *name)
{
	const struct crypt_piece piece = { name, strlen(name) };
	char hex[CRYPT_SHA256_HEX_MAX];
	enum status st;
	size_t i = 0;

	while (i < piece.len && isgraph((unsigned char)name[i]) &&
	    isascii((unsigned char)name[i]))
		i++;
	if (i == piece.len && i <= NAME_MAX_LEN)
		return json_put_text(out, name);
	if ((st = crypt_sha256_hex(&piece, 1, hex)) != ST_OK)
		return st;
	return json_put_text(out, hex);
}

static enum status
put_fifo(struct buf *out, const struct queue_message *m)
{
	char unique[STR_UUID_MAX];
	enum status st = str_uuid(unique);

	if (st != ST_OK)
		return st;
	buf_puts(out, ",\"MessageGroupId\":");
	st = put_name(out,
	    !str_empty(m->group)        ? m->group
		: !str_empty(m->dedupe) ? m->dedupe
					: unique);
	if (st != ST_OK)
		return st;
	buf_puts(out, ",\"MessageDeduplicationId\":");
	return put_name(out, str_empty(m->dedupe) ? unique : m->dedupe);
}

static enum status
put_embedded(struct buf *out, const struct queue_message *m)
{
	enum status st = ST_OK;

	if (!str_empty(m->group)) {
		buf_puts(out, ",\"MessageGroupId\":");
		st = put_name(out, m->group);
	}
	if (st == ST_OK && !str_empty(m->dedupe)) {
		buf_puts(out, ",\"MessageDeduplicationId\":");
		st = put_name(out, m->dedupe);
	}
	return st;
}

static bool
is_hex(const char *s, size_t n)
{
	return strspn(s, "0123456789abcdefABCDEF") >= n;
}

/*
 * "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=…": SQS refuses a message
 * with any other, and this one comes from outside.
 */
static bool
is_trace(const char *s)
{
	const char *root;

	if (str_empty(s) || strlen(s) > TRACE_MAX ||
	    (root = strstr(s, "Root=1-")) == NULL)
		return false;
	root += strlen("Root=1-");
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("-=;", *s) == NULL)
			return false;
	return is_hex(root, 8) && root[8] == '-' && is_hex(root + 9, 24) &&
	    (root[33] == '\0' || root[33] == ';');
}

static void
put_attribute(
    struct buf *out, const char *list, const char *name, const char *value)
{
	buf_printf(out,
	    ",\"%s\":{\"%s\":{\"DataType\":\"String\","
	    "\"StringValue\":",
	    list, name);
	json_put_text(out, value);
	buf_puts(out, "}}");
}

enum status
sqs_put_message(struct buf *out, enum sqs_kind kind,
    const struct queue_message *m, const char *reason)
{
	int delay_s =
	    m->delay_s > SQS_DELAY_MAX_S ? SQS_DELAY_MAX_S : (int)m->delay_s;
	enum status st = ST_OK;
	const char *why;

	buf_puts(out, ",\"MessageBody\":");
	json_put_string(out, m->body, m->len);
	if (kind == SQS_FIFO)
		st = put_fifo(out, m);
	else
		buf_printf(out, ",\"DelaySeconds\":%d", delay_s);
	if (kind == SQS_EMBEDDED)
		st = put_embedded(out, m);
	if (st != ST_OK)
		return st;
	if (is_trace(m->trace))
		put_attribute(
		    out, "MessageSystemAttributes", "AWSTraceHeader", m->trace);
	if (!str_empty(reason) && strlen(reason) <= REASON_MAX &&
	    sqs_check_body(reason, strlen(reason), &why) == ST_OK)
		put_attribute(out, "MessageAttributes", "Reason", reason);
	return out->err;
}

/* --- receiving -------------------------------------------------------------- */

bool
sqs_digest_fits(
    const struct json *of, const char *member, const char *body, size_t len)
{
	char ours[CRYPT_MD5_HEX_MAX];
	const char *theirs;

	return json_member_text(of, member, &theirs) != ST_OK ||
	    crypt_md5_hex(body, len, ours) != ST_OK ||
	    strcmp(ours, theirs) == 0;
}

int64_t
sqs_number(const struct json *of, const char *name)
{
	const char *text;
	uint64_t n;

	if (json_member_text(of, name, &text) != ST_OK ||
	    str_u64(text, INT64_MAX / 1000, &n) != ST_OK)
		return 0;
	return (int64_t)n;
}

/* {"Reason":{"StringValue":"…"}}, or NULL. */
static const char *
find_reason(const struct json *message)
{
	const struct json *list, *reason;
	const char *text;

	if (json_member(message, "MessageAttributes", &list) != ST_OK ||
	    json_member(list, "Reason", &reason) != ST_OK ||
	    json_member_text(reason, "StringValue", &text) != ST_OK)
		return NULL;
	return text;
}

static void
read_system(
    const struct json *message, struct queue_item *item, const char **group)
{
	const struct json *list;

	*group = NULL;
	if (json_member(message, "Attributes", &list) != ST_OK)
		return;
	item->attempts = sqs_number(list, "ApproximateReceiveCount");
	item->created_us = sqs_number(list, "SentTimestamp") * 1000;
	(void)json_member_text(list, "MessageGroupId", group);
}

enum status
sqs_read_message(const struct json *message, const char *queue,
    int64_t visibility_s, struct queue_item *item, const char **group)
{
	const char *id, *receipt, *body;

	*item = (struct queue_item){ .state = QUEUE_TAKEN };
	if (json_member_text(message, "MessageId", &id) != ST_OK ||
	    json_member_text(message, "ReceiptHandle", &receipt) != ST_OK ||
	    json_member_text(message, "Body", &body) != ST_OK ||
	    !sqs_digest_fits(message, "MD5OfBody", body, strlen(body)))
		return ST_CORRUPT;
	read_system(message, item, group);
	item->len = strlen(body);
	item->available_us = clock_us() + visibility_s * 1000000;
	if (str_dup(id, &item->id) != ST_OK ||
	    str_dup(receipt, &item->receipt) != ST_OK ||
	    str_dup(body, &item->body) != ST_OK ||
	    str_dup(queue, &item->queue) != ST_OK ||
	    str_dup(find_reason(message), &item->reason) != ST_OK) {
		queue_item_release(item);
		return ST_NOMEM;
	}
	return ST_OK;
}
