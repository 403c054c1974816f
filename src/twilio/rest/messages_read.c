#include "twilio/rest/messages_read.h"

#include <string.h>

#include "base/str.h"
#include "codec/json.h"
#include "codec/moment.h"

#define SECOND_US INT64_C(1000000)

/* A number or null; in some answers text. */
static int
read_error_code(const struct json *message)
{
	const char *text;
	int64_t code = 0;
	uint64_t read;

	if (json_member_int(message, "error_code", &code) == ST_OK)
		return code > 0 && code <= INT32_MAX ? (int)code : 0;
	if (json_member_text(message, "error_code", &text) == ST_OK &&
	    str_u64(text, INT32_MAX, &read) == ST_OK)
		return (int)read;
	return 0;
}

/* One word of small letters, "in-progress" or "partially_delivered"; else none:
 * it is kept, compared and shown. */
static void
read_status(const struct json *message, char status[static MESSAGES_STATUS_MAX])
{
	const char *text;

	*status = '\0';
	if (json_member_text(message, "status", &text) == ST_OK &&
	    strlen(text) < MESSAGES_STATUS_MAX &&
	    text[strspn(text, "abcdefghijklmnopqrstuvwxyz-_")] == '\0')
		memcpy(status, text, strlen(text) + 1);
}

static bool
read_sid(const struct json *message, char sid[static MESSAGES_SID_MAX])
{
	const char *text;

	*sid = '\0';
	if (json_member_text(message, "sid", &text) != ST_OK ||
	    !str_is_message_sid(text))
		return false;
	memcpy(sid, text, MESSAGES_SID_MAX);
	return true;
}

enum status
messages_read_created(const struct buf *body, struct messages_result *out)
{
	struct json *message;
	enum status st = json_parse(buf_str(body), body->len, &message);

	if (st == ST_OK && read_sid(message, out->sid)) {
		read_status(message, out->status);
		out->error_code = read_error_code(message);
		out->outcome = MESSAGES_CREATED;
	} else if (st != ST_NOMEM) {
		st = ST_MALFORMED;
	}
	json_free(message);
	return st;
}

/* --- a page ------------------------------------------------------------------ */

static bool
member_is(const struct json *message, const char *name, const char *text)
{
	const char *its;

	return json_member_text(message, name, &its) == ST_OK
	    ? strcmp(its, text) == 0
	    : *text == '\0';
}

static bool
is_there(const struct messages_list *list, const char *sid)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i].sid, sid) == 0)
			return true;
	return false;
}

static bool
fits(const struct messages_query *q, const struct json *message)
{
	return member_is(message, "to", q->to) &&
	    (str_empty(q->from) || member_is(message, "from", q->from)) &&
	    member_is(message, "body", q->body == NULL ? "" : q->body);
}

static enum status
take(const struct messages_query *q, const struct json *message,
    struct messages_list *list)
{
	struct messages_found found = { .error_code = 0 };
	const char *date;

	if (json_kind(message) != JSON_OBJECT || !fits(q, message))
		return ST_OK;
	if (!read_sid(message, found.sid) ||
	    json_member_text(message, "date_created", &date) != ST_OK ||
	    moment_parse_mail(date, &found.created_us) != ST_OK)
		return ST_MALFORMED;
	if (found.created_us / SECOND_US < q->since_us / SECOND_US ||
	    is_there(list, found.sid))
		return ST_OK;
	if (list->n == MESSAGES_FOUND_MAX) {
		list->more = true;
		return ST_OK;
	}
	read_status(message, found.status);
	found.error_code = read_error_code(message);
	list->items[list->n++] = found;
	return ST_OK;
}

enum status
messages_read_page(const struct messages_query *q, struct rest_page *page,
    struct messages_list *list)
{
	const struct json *message;
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < page->n; i++) {
		st = rest_page_item(page, i, &message);
		if (st == ST_OK)
			st = take(q, message, list);
	}
	return st == ST_OK || st == ST_NOMEM ? st : ST_MALFORMED;
}
