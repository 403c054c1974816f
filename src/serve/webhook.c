#include "serve/webhook.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "config/config.h"
#include "serve/exchange.h"
#include "serve/metrics.h"
#include "store/counter.h"

#define WARN_EVERY_US INT64_C(3600000000)

/* In the words of the warning, and where they belong. */
static const struct {
	const char *what, *route;
} kinds[WEBHOOK_N] = {
	[WEBHOOK_MESSAGE] = { "inbound messages", "/whatsapp" },
	[WEBHOOK_MESSAGE_STATUS] = { "status callbacks of messages",
	    "/whatsapp/status" },
	[WEBHOOK_CALL] = { "calls", "/handle-incoming-call/{template}" },
	[WEBHOOK_CALL_STATUS] = { "status callbacks of calls", "/call-status" },
};

static bool
form_has(const struct exchange *x, const char *name)
{
	const struct kv_pair *p = kv_find(&x->form, name, NULL);

	return p != NULL && p->value_len > 0;
}

/*
 * Nothing stands between URL and form in what is signed, so a status callback
 * could be posted to /whatsapp again under its own signature, with the rest of
 * its URL as the beginning of a name: "/statusAccountSid". Is this one such?
 */
static bool
form_continues_url(const struct exchange *x)
{
	static const char status[] = "/whatsapp/status";
	const char *tail = exchange_tail(x);

	if (tail == NULL || !str_starts(status, tail))
		return false;
	for (size_t i = 0; i < x->form.n; i++)
		if (str_starts(x->form.pairs[i].name, status + strlen(tail)))
			return true;
	return false;
}

/*
 * A callback of another kind, cut elsewhere under the same signature, may have
 * lost the name of its status, but has no text.
 */
static bool
has_text(const struct exchange *x)
{
	return form_has(x, "From") &&
	    (kv_find(&x->form, "Body", NULL) != NULL ||
		form_has(x, "NumMedia"));
}

/* Text with a status that is not known: the URL tells more than the word. */
static bool
may_be_inbound(const struct exchange *x, const char *name, const char *status)
{
	if (strcmp(status, "received") == 0 || strcmp(status, "receiving") == 0)
		return true;
	return strcmp(name, "SmsStatus") == 0 &&
	    strcmp(metrics_message_status(status), "other") == 0 &&
	    x->route->webhook == WEBHOOK_MESSAGE && has_text(x);
}

/* Is one of these a status that only outbound messages have? */
static bool
has_outbound_status(const struct exchange *x)
{
	static const char *const names[] = { "MessageStatus", "SmsStatus" };
	const char *status;

	for (size_t i = 0; i < 2; i++) {
		/* Which of two it is nobody can say: it is refused there. */
		if (kv_get(&x->form, names[i], &status) == ST_MALFORMED)
			return true;
		if (!str_empty(status))
			return !may_be_inbound(x, names[i], status);
	}
	return false;
}

/* Event Streams' events, whose URL is not one of a number's. */
static bool
is_array(const struct exchange *x)
{
	const char *body = buf_str(&x->request->body);

	return x->is_json && body[strspn(body, " \t\r\n")] == '[';
}

static enum webhook_kind
kind_of(const struct exchange *x)
{
	enum webhook_kind own = x->route->webhook;
	bool call = form_has(x, "CallSid");

	if (x->is_json)
		return WEBHOOK_MESSAGE;
	if (call && (own == WEBHOOK_CALL || own == WEBHOOK_CALL_STATUS))
		return own;
	if (has_outbound_status(x))
		return WEBHOOK_MESSAGE_STATUS;
	/* Of Conversations. */
	if (form_has(x, "EventType") && form_has(x, "ConversationSid"))
		return WEBHOOK_MESSAGE;
	if (has_text(x))
		return WEBHOOK_MESSAGE;
	if (call)
		return form_has(x, "CallbackSource") ||
			form_has(x, "SequenceNumber") ||
			!form_has(x, "CallStatus")
		    ? WEBHOOK_CALL_STATUS
		    : WEBHOOK_CALL;
	return own; /* which knows best what is missing */
}

static void
warn_of_url(const struct exchange *x, enum webhook_kind kind)
{
	const char *origin = x->app->config->server.public_url;
	struct buf text = BUF_INIT;

	buf_printf(&text, "%s come to %s", kinds[kind].what, x->route->pattern);
	if (counter_due(x->app->db, "warned", buf_str(&text), clock_us(),
		WARN_EVERY_US) == ST_OK &&
	    buf_printf(&text, "; in Twilio's console set their URL to %s%s",
		origin, kinds[kind].route) == ST_OK)
		log_warn(
		    x->app->log, buf_str(&text), LOG_STR("request_id", x->id));
	buf_release(&text);
}

route_fn *
webhook_handler(struct exchange *x)
{
	const struct route *r = x->route;
	enum webhook_kind kind;

	if (r->webhook == WEBHOOK_NONE)
		return r->handler;
	if (r->webhook == WEBHOOK_MESSAGE && form_continues_url(x)) {
		exchange_error(x, 400, "A parameter's name continues the URL");
		return NULL;
	}
	kind = kind_of(x);
	if (kind == r->webhook)
		return r->handler;
	if (!is_array(x))
		warn_of_url(x, kind);
	return x->app->webhooks[kind];
}
