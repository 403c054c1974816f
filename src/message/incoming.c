#include "message/incoming.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "codec/json.h"
#include "message/envelope.h"
#include "serve/exchange.h"
#include "serve/metrics.h"

#define INBOUND_EVENT "com.twilio.messaging.inbound-message.received"

void
incoming_release(struct incoming_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		buf_release(&l->each[i].message);
		said_release(&l->each[i].said);
		json_free(l->each[i].json);
	}
	free(l->each);
	*l = (struct incoming_list){ 0 };
}

/* Room for one more; NULL if there is no memory. */
static struct incoming *
list_add(struct incoming_list *l)
{
	struct incoming *each;

	/* Doubled at each power of two. */
	if ((l->n & (l->n - 1)) == 0) {
		each = reallocarray(
		    l->each, l->n == 0 ? 1 : 2 * l->n, sizeof(*each));
		if (each == NULL)
			return NULL;
		l->each = each;
	}
	l->each[l->n] = (struct incoming){ 0 };
	return &l->each[l->n++];
}

/* --- forms ----------------------------------------------------------------- */

/*
 * Without a sender: a message of which something is missing, or a callback
 * about something else. Twilio reports a 400 to the owner of the account, so
 * only the first gets one.
 */
static void
refuse_nameless(struct exchange *x, const struct incoming *m)
{
	if (x->form.n == 0 || m->from != NULL || m->sid != NULL ||
	    kv_find(&x->form, "Body", NULL) != NULL)
		exchange_error(x, 400, "From is missing");
	else
		exchange_ignore(x, "not a message");
}

/* "+14155550100" or "whatsapp:+1…", and not the name that a chat's user has. */
static bool
is_address(const char *author)
{
	return !str_empty(author) &&
	    (*author == '+' || (*author != ':' && strchr(author, ':') != NULL));
}

/*
 * A Conversations webhook. What our own side wrote through the API comes back
 * as one too: to take it would be a loop.
 */
static bool
take_conversations(struct exchange *x, const char *event, struct incoming *m)
{
	const char *source;

	if (!exchange_param(x, "Source", &source) ||
	    !exchange_param(x, "Author", &m->from))
		return false;
	if (strcmp(event, "onMessageAdded") == 0 && is_address(m->from) &&
	    (source == NULL || strcasecmp(source, "API") != 0))
		return true;
	exchange_ignore(x, "not a message from outside");
	return false;
}

/* Older names of the SID are Twilio's own aliases. */
static bool
take_form(struct exchange *x, struct incoming *m)
{
	const char *event;
	enum status st;

	if (!exchange_param(x, "From", &m->from) ||
	    !exchange_param(x, "EventType", &event) ||
	    !exchange_param(x, "OptOutType", &m->opt_out) ||
	    !exchange_param(x, "ExternalUserId", &m->user_id) ||
	    !exchange_param(x, "MessageSid", &m->sid) ||
	    (m->sid == NULL && !exchange_param(x, "SmsMessageSid", &m->sid)) ||
	    (m->sid == NULL && !exchange_param(x, "SmsSid", &m->sid)))
		return false;
	if (str_empty(m->from) && !str_empty(event)) {
		if (!take_conversations(x, event, m))
			return false;
	} else if (str_empty(m->from)) {
		refuse_nameless(x, m);
		return false;
	}
	st = said_of_form(&x->form, &m->said);
	if (st == ST_OK)
		st = envelope_put_form(&x->form, &m->message);
	if (st != ST_OK)
		exchange_fail(x, st);
	return st == ST_OK;
}

/* --- JSON ------------------------------------------------------------------ */

/* A member that is absent leaves *out NULL. */
static enum status
optional_text(const struct json *v, const char *name, const char **out)
{
	enum status st = json_member_text(v, name, out);

	return st == ST_NOTFOUND ? ST_OK : st;
}

/* What it helps to know is no reason to refuse a message. */
static void
take_user_id(struct incoming *m, const struct json *v, const char *name)
{
	if (json_member_text(v, name, &m->user_id) != ST_OK)
		m->user_id = NULL;
}

/* Of a message that was sent: to route it would answer our own number. */
static bool
is_status(const struct json *v)
{
	static const char *const names[] = { "MessageStatus", "SmsStatus" };
	const char *status;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_member_text(v, names[i], &status) == ST_OK &&
		    *status != '\0')
			return strcmp(status, "received") != 0 &&
			    strcmp(status, "receiving") != 0 &&
			    (i == 0 ||
				strcmp(metrics_message_status(status),
				    "other") != 0);
	return false;
}

/* ST_NOTFOUND: it is no message. */
static enum status
take_object(struct incoming *m)
{
	enum status st = optional_text(m->json, "From", &m->from);

	if (is_status(m->json))
		return ST_NOTFOUND;
	take_user_id(m, m->json, "ExternalUserId");
	if (st == ST_OK)
		st = optional_text(m->json, "OptOutType", &m->opt_out);
	return st == ST_OK ? optional_text(m->json, "MessageSid", &m->sid) : st;
}

/* ST_NOTFOUND: an event of another kind. */
static enum status
take_event(struct incoming *m)
{
	const struct json *data;
	const char *version, *type;
	enum status st = json_member_text(m->json, "specversion", &version);

	if (st == ST_OK)
		st = json_member_text(m->json, "type", &type);
	if (st != ST_OK)
		return st == ST_NOTFOUND ? ST_MALFORMED : st;
	if (strcmp(type, INBOUND_EVENT) != 0)
		return ST_NOTFOUND;
	if (json_member(m->json, "data", &data) != ST_OK ||
	    json_kind(data) != JSON_OBJECT)
		return ST_MALFORMED;
	take_user_id(m, data, "externalUserId");
	st = optional_text(data, "from", &m->from);
	if (st == ST_OK)
		st = optional_text(data, "optOutType", &m->opt_out);
	return st == ST_OK ? optional_text(data, "messageSid", &m->sid) : st;
}

/* One JSON value of the body. */
static enum status
take_value(struct incoming_list *l, const char *text, size_t len)
{
	struct incoming *m = list_add(l);
	enum status st;

	if (m == NULL)
		return ST_NOMEM;
	if ((st = json_parse(text, len, &m->json)) == ST_OK)
		st = l->is_events ? take_event(m) : take_object(m);
	if (st == ST_OK)
		st = said_of_json(m->json, l->is_events, &m->said);
	if (st == ST_OK)
		return json_put_value(&m->message, text, len);
	if (st == ST_NOTFOUND) {
		json_free(m->json);
		l->n--;
		st = ST_OK;
	}
	return st;
}

/* Each item of an array that json_check has passed. */
static enum status
take_array(struct incoming_list *l, const char *text, size_t len)
{
	static const char between[] = " \t\r\n,";
	const char *end = text + len;
	enum status st = ST_OK;
	size_t used;

	text = strchr(text, '[') + 1;
	for (; st == ST_OK; text += used) {
		while (text < end && strchr(between, *text) != NULL)
			text++;
		if (text == end || *text == ']')
			break;
		st = json_check_first(
		    text, (size_t)(end - text), JSON_DEPTH_MAX, &used);
		if (st == ST_OK)
			st = take_value(l, text, used);
	}
	return st;
}

static bool
take_json(struct exchange *x, struct incoming_list *l)
{
	const struct buf *body = &x->request->body;
	const char *text = buf_str(body);
	enum status st = json_check(text, body->len, JSON_DEPTH_MAX);

	if (st == ST_OK && text[strspn(text, " \t\r\n")] == '[') {
		l->is_events = true;
		st = take_array(l, text, body->len);
	} else if (st == ST_OK) {
		st = take_value(l, text, body->len);
	}
	if (st == ST_NOMEM)
		exchange_fail(x, st);
	else if (st != ST_OK)
		exchange_error(x, 400,
		    l->is_events ? "Not an array of CloudEvents"
				 : "Malformed JSON");
	for (size_t i = 0; st == ST_OK && i < l->n; i++)
		if (str_empty(l->each[i].from)) {
			exchange_error(x, 400, "From is missing");
			st = ST_MALFORMED;
		}
	if (st == ST_OK && l->n == 0)
		exchange_ignore(x, "no inbound message in it");
	return st == ST_OK && l->n > 0;
}

bool
incoming_take(struct exchange *x, struct incoming_list *l)
{
	struct incoming *m;

	*l = (struct incoming_list){ 0 };
	if (x->is_json)
		return take_json(x, l);
	if ((m = list_add(l)) == NULL) {
		exchange_fail(x, ST_NOMEM);
		return false;
	}
	return take_form(x, m);
}
