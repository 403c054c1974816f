#include "aws/dynamodb_item.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "codec/moment.h"

#define NONE ((size_t)-1)

/*
 * The attributes, by the names that the queue's messages have too. A text is
 * of type S, a number is taken as its digits; NULL, "" and absent mean that
 * there is none. Beside them: created_at, an S with the time in UTC as
 * "2026-11-21T18:50:00.123456", on reading also any other ISO 8601 form or
 * the time since 1970 in seconds, milli- or microseconds (N, or S of digits);
 * and handoff_to_human and opted_out, see read_flag; opted_out may be absent.
 */
static const struct {
	const char *name;
	const char *other; /* read where the first is absent; or NULL */
	size_t offset; /* of the string in struct conversation */
	size_t change; /* and in struct conversation_change, or NONE */
	bool required;
} texts[] = {
	{ ITEM_ID, "id", offsetof(struct conversation, id), NONE, true },
	{ ITEM_TEL, NULL, offsetof(struct conversation, tel),
	    offsetof(struct conversation_change, tel), true },
	{ "thread_id", NULL, offsetof(struct conversation, thread_id),
	    offsetof(struct conversation_change, thread_id), false },
	{ "company_id", NULL, offsetof(struct conversation, company_id),
	    offsetof(struct conversation_change, company_id), false },
	{ "project_id", NULL, offsetof(struct conversation, project_id),
	    offsetof(struct conversation_change, project_id), false },
};
#define TEXTS (sizeof(texts) / sizeof(texts[0]))

/* Since 1970, a number under these bounds counts seconds, milliseconds. */
#define SECONDS_BELOW 1e11
#define MILLISECONDS_BELOW 1e14

/* --- writing ------------------------------------------------------------- */

enum status
item_put_text(struct buf *out, const char *text)
{
	buf_puts(out, "{\"S\":");
	json_put_text(out, text);
	return buf_putc(out, '}');
}

enum status
item_put_time(struct buf *out, int64_t us)
{
	char iso[CLOCK_ISO_MAX];

	clock_iso(us, iso);
	return item_put_text(out, iso);
}

static void
put_name(struct buf *out, const char *name)
{
	json_put_text(out, name);
	buf_putc(out, ':');
}

enum status
item_put(struct buf *out, const struct conversation *c)
{
	size_t i;

	buf_putc(out, '{');
	for (i = 0; i < TEXTS; i++) {
		const char *text =
		    *(char *const *)((const char *)c + texts[i].offset);

		if (str_empty(text))
			continue;
		put_name(out, texts[i].name);
		item_put_text(out, text);
		buf_putc(out, ',');
	}
	put_name(out, ITEM_HANDOFF);
	buf_puts(out, c->handoff ? "{\"BOOL\":true}," : "{\"BOOL\":false},");
	if (c->opted_out)
		buf_puts(out, "\"" ITEM_OPTED_OUT "\":{\"BOOL\":true},");
	put_name(out, ITEM_CREATED);
	item_put_time(out, c->created_us);
	return buf_putc(out, '}');
}

/* What a text is to become: NULL if it stays. */
static const char *
new_text(const struct conversation_change *to, size_t i)
{
	return texts[i].change == NONE
	    ? NULL
	    : *(const char *const *)((const char *)to + texts[i].change);
}

/* Another flag to be set; NULL: it stays. */
static void
put_flag(struct buf *set, struct buf *values, const char *name, const bool *on)
{
	if (on == NULL)
		return;
	buf_printf(
	    set, "%s%s = :%s", set->len == 0 ? "SET " : ", ", name, name);
	buf_printf(values, "%s\":%s\":{\"BOOL\":%s}",
	    values->len == 0 ? "" : ",", name, *on ? "true" : "false");
}

/* An expression has one clause of each kind, and no list of values may be
 * empty. */
enum status
item_put_change(struct buf *out, const struct conversation_change *to)
{
	struct buf set = BUF_INIT, removed = BUF_INIT, values = BUF_INIT;
	size_t i;

	for (i = 0; i < TEXTS; i++) {
		const char *text = new_text(to, i);

		if (text == NULL)
			continue;
		if (*text == '\0') {
			buf_printf(&removed, "%s%s",
			    removed.len == 0 ? " REMOVE " : ", ",
			    texts[i].name);
			continue;
		}
		buf_printf(&set, "%s%s = :t%zu", set.len == 0 ? "SET " : ", ",
		    texts[i].name, i);
		buf_printf(
		    &values, "%s\":t%zu\":", values.len == 0 ? "" : ",", i);
		item_put_text(&values, text);
	}
	put_flag(&set, &values, ITEM_HANDOFF, to->handoff);
	put_flag(&set, &values, ITEM_OPTED_OUT, to->opted_out);
	if (set.len + removed.len > 0)
		buf_printf(out, ",\"UpdateExpression\":\"%s%s\"", buf_str(&set),
		    buf_str(&removed));
	if (values.len > 0)
		buf_printf(out, ",\"ExpressionAttributeValues\":{%s}",
		    buf_str(&values));
	if (out->err == ST_OK && set.err + removed.err + values.err != ST_OK)
		out->err = ST_NOMEM;
	buf_release(&set);
	buf_release(&removed);
	buf_release(&values);
	return out->err;
}

/* --- reading ------------------------------------------------------------- */

/*
 * An attribute's type, "S", and its value; NULL if it is absent, is NULL, or
 * is no attribute at all.
 */
static const char *
find(const struct json *item, const char *name, const struct json **value)
{
	const struct json *attribute;

	*value = NULL;
	if (json_member(item, name, &attribute) != ST_OK ||
	    json_kind(attribute) != JSON_OBJECT ||
	    (*value = json_first(attribute)) == NULL ||
	    json_name(*value) == NULL || strcmp(json_name(*value), "NULL") == 0)
		return NULL;
	return json_name(*value);
}

/* The text of an S or N, else NULL. */
static const char *
scalar(const struct json *item, const char *name)
{
	const struct json *value;
	const char *type = find(item, name, &value), *text;

	if (type == NULL ||
	    (strcmp(type, "S") != 0 && strcmp(type, "N") != 0) ||
	    json_text(value, &text) != ST_OK || *text == '\0')
		return NULL;
	return text;
}

static enum status
read_texts(const struct json *item, struct conversation *c, const char **wrong)
{
	size_t i;

	for (i = 0; i < TEXTS; i++) {
		const char *text = scalar(item, texts[i].name);

		if (text == NULL && texts[i].other != NULL)
			text = scalar(item, texts[i].other);
		if (text == NULL && texts[i].required) {
			*wrong = texts[i].name;
			return ST_CORRUPT;
		}
		if (str_dup(text, (char **)((char *)c + texts[i].offset)) !=
		    ST_OK)
			return ST_NOMEM;
	}
	return ST_OK;
}

static bool
read_number(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*out);
}

/* 0 if it cannot be read: the index has ordered by it already. */
static int64_t
read_time(const struct json *item)
{
	const char *text = scalar(item, ITEM_CREATED);
	int64_t us;
	double n;

	if (text == NULL)
		return 0;
	if (moment_parse(text, MOMENT_STAMP, &us) == ST_OK)
		return us;
	if (!read_number(text, &n) || n < 0 || n > 9e18)
		return 0;
	if (n < SECONDS_BELOW)
		return (int64_t)(n * 1e6);
	return (int64_t)(n < MILLISECONDS_BELOW ? n * 1e3 : n);
}

static enum status
read_words(const char *text, bool *on)
{
	static const struct {
		const char *word;
		bool on;
	} words[] = {
		{ "true", true },
		{ "1", true },
		{ "yes", true },
		{ "false", false },
		{ "0", false },
		{ "no", false },
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i].word) != 0)
			continue;
		*on = words[i].on;
		return ST_OK;
	}
	return ST_CORRUPT;
}

/*
 * Others write these flags too, each in their way. Any other value is an error and
 * not false: a bot that talks into a person's conversation is worse.
 */
static enum status
read_flag(const struct json *item, const char *name, bool *on)
{
	const struct json *value;
	const char *type, *text;
	double n;

	*on = false;
	if (json_member(item, name, &value) == ST_NOTFOUND)
		return ST_OK;
	if ((type = find(item, name, &value)) == NULL)
		return value != NULL ? ST_OK : ST_CORRUPT;
	if (strcmp(type, "BOOL") == 0)
		return json_bool(value, on) == ST_OK ? ST_OK : ST_CORRUPT;
	if (json_text(value, &text) != ST_OK)
		return ST_CORRUPT;
	if (strcmp(type, "S") == 0)
		return read_words(text, on);
	if (strcmp(type, "N") != 0 || !read_number(text, &n))
		return ST_CORRUPT;
	*on = n != 0;
	return ST_OK;
}

enum status
item_read(const struct json *item, struct conversation *out, const char **wrong)
{
	enum status st;

	*out = (struct conversation){ .created_us = 0 };
	*wrong = NULL;
	st = read_texts(item, out, wrong);
	if (st == ST_OK &&
	    (st = read_flag(item, ITEM_HANDOFF, &out->handoff)) != ST_OK)
		*wrong = ITEM_HANDOFF;
	/* Somebody else's attribute of that name stops no message. */
	if (read_flag(item, ITEM_OPTED_OUT, &out->opted_out) != ST_OK)
		out->opted_out = false;
	out->created_us = read_time(item);
	if (st != ST_OK)
		conversation_release(out);
	return st;
}
