#include "message/envelope.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "codec/moment.h"
#include "message/said.h"
#include "store/store.h"

#define BEGINNING "{\"twilio_message\":"

void
envelope_channel(const char *from, char out[static ENVELOPE_CHANNEL_MAX])
{
	size_t n = strcspn(from, ":"), i;

	if (from[n] != ':' || n == 0 || n >= ENVELOPE_CHANNEL_MAX) {
		memcpy(out, "sms", sizeof("sms"));
		return;
	}
	for (i = 0; i < n; i++)
		out[i] = (char)tolower((unsigned char)from[i]);
	out[n] = '\0';
}

/* By name; equal names stay in the order they came in. */
static int
by_name(const void *a, const void *b)
{
	const struct kv_pair *x = *(const struct kv_pair *const *)a;
	const struct kv_pair *y = *(const struct kv_pair *const *)b;
	size_t n = x->name_len < y->name_len ? x->name_len : y->name_len;
	int c = memcmp(x->name, y->name, n);

	if (c != 0)
		return c;
	if (x->name_len != y->name_len)
		return x->name_len < y->name_len ? -1 : 1;
	return x < y ? -1 : x > y;
}

static bool
same_name(const struct kv_pair *a, const struct kv_pair *b)
{
	return a->name_len == b->name_len &&
	    memcmp(a->name, b->name, a->name_len) == 0;
}

enum status
envelope_put_form(const struct kv *form, struct buf *out)
{
	const struct kv_pair **sorted;
	size_t i;

	if ((sorted = calloc(form->n + 1, sizeof(*sorted))) == NULL)
		return out->err = ST_NOMEM;
	for (i = 0; i < form->n; i++)
		sorted[i] = &form->pairs[i];
	qsort(sorted, form->n, sizeof(*sorted), by_name);
	buf_putc(out, '{');
	for (i = 0; i < form->n; i++) {
		if (i > 0 && same_name(sorted[i - 1], sorted[i])) {
			buf_putc(out, ',');
		} else {
			buf_puts(out, i > 0 ? "]," : "");
			json_put_string(
			    out, sorted[i]->name, sorted[i]->name_len);
			buf_puts(out, ":[");
		}
		json_put_string(out, sorted[i]->value, sorted[i]->value_len);
	}
	buf_puts(out, form->n > 0 ? "]}" : "}");
	free(sorted);
	return out->err;
}

static void
put_member(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, ",\"%s\":", name);
	json_put_text(out, str_empty(value) ? NULL : value);
}

enum status
envelope_put(const struct buf *twilio_message,
    const struct conversation *conversation, int64_t received_us,
    const char *channel, struct buf *out)
{
	static const struct conversation nobody;
	const struct conversation *c =
	    conversation == NULL ? &nobody : conversation;
	char time[CLOCK_ISO_MAX];

	clock_iso(received_us, time);
	buf_puts(out, BEGINNING);
	buf_put(out, twilio_message->data, twilio_message->len);
	put_member(out, "conversation_id", c->id);
	put_member(out, "thread_id", c->thread_id);
	put_member(out, "company_id", c->company_id);
	put_member(out, "project_id", c->project_id);
	put_member(out, "timestamp", time);
	put_member(out, "channel", channel);
	return buf_putc(out, '}');
}

static void
read_message(const struct json *message, struct envelope *e)
{
	const struct json *data;

	e->parsed = message;
	e->is_event = json_member(message, "specversion", &data) == ST_OK &&
	    json_member(message, "data", &data) == ST_OK;
	if (e->is_event) {
		e->from = said_text(data, "from");
		e->sid = said_text(data, "messageSid");
		return;
	}
	if ((e->from = said_text(message, "From")) == NULL)
		e->from = said_text(message, "Author");
	if ((e->sid = said_text(message, "MessageSid")) == NULL &&
	    (e->sid = said_text(message, "SmsMessageSid")) == NULL)
		e->sid = said_text(message, "SmsSid");
}

enum status
envelope_read(const char *text, size_t len, struct envelope *e)
{
	const size_t front = sizeof(BEGINNING) - 1;
	const struct json *message;
	const char *time, *channel;
	enum status st;

	*e = (struct envelope){ 0 };
	if (len < front || memcmp(text, BEGINNING, front) != 0)
		return ST_MALFORMED;
	if ((st = json_parse(text, len, &e->json)) != ST_OK)
		return st;
	e->message = text + front;
	st = json_check_first(
	    e->message, len - front, JSON_DEPTH_MAX, &e->message_len);
	if (st != ST_OK ||
	    json_member(e->json, "twilio_message", &message) != ST_OK ||
	    json_kind(message) != JSON_OBJECT ||
	    json_member_text(e->json, "timestamp", &time) != ST_OK ||
	    moment_parse(time, MOMENT_STAMP, &e->received_us) != ST_OK ||
	    json_member_text(e->json, "channel", &channel) != ST_OK ||
	    strlen(channel) >= sizeof(e->channel))
		return ST_MALFORMED;
	memcpy(e->channel, channel, strlen(channel) + 1);
	if (json_member_text(e->json, "conversation_id", &e->conversation_id) !=
	    ST_OK)
		e->conversation_id = NULL;
	read_message(message, e);
	return ST_OK;
}

void
envelope_release(struct envelope *e)
{
	json_free(e->json);
	e->json = NULL;
}
