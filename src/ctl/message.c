/* switchhook message: what Twilio posts, made up; and where it went. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "base/clock.h"
#include "base/str.h"
#include "config/config.h"
#include "ctl/ctl.h"
#include "ctl/message_form.h"
#include "ctl/row.h"
#include "ctl/webhook.h"
#include "store/db.h"
#include "store/message.h"

/* --- where it went --------------------------------------------------------- */

/* What the message log knows of a sid; strings are copies. */
struct trace {
	const char *sid;
	bool inbound; /* a repeat adds nothing */
	bool known;
	char *route, *conversation_id;
};

static void
trace_release(struct trace *t)
{
	free(t->route);
	free(t->conversation_id);
	t->route = t->conversation_id = NULL;
	t->known = false;
}

static enum status
keep_record(const struct message_record *r, void *arg)
{
	struct trace *t = arg;
	enum status e;

	trace_release(t);
	t->known = true;
	e = str_dup(r->route, &t->route);
	return e == ST_OK ? str_dup(r->conversation_id, &t->conversation_id)
			  : e;
}

static enum status
no_event(const struct message_event *e, void *arg)
{
	(void)e;
	(void)arg;
	return ST_OK;
}

static enum status
trace_job(struct db *db, void *arg)
{
	struct trace *t = arg;

	return message_show(db, t->sid, keep_record, no_event, t);
}

/* --- sending --------------------------------------------------------------- */

static enum status
put_result(const struct ctl *ctl, const struct trace *t, bool repeat,
    const struct webhook_answer *a)
{
	struct rows rows = { ctl, 0 };
	bool good = a->code >= 200 && a->code < 300;
	struct cell cells[] = {
		cell_text("message_sid", t->sid, 0),
		cell_text("url", buf_str(&a->url), 0),
		cell_int("status", a->code, 0),
		cell_optional(cell_text("route", t->route, 0)),
		cell_optional(
		    cell_text("conversation_id", t->conversation_id, 0)),
		cell_optional(cell_text("note",
		    repeat ? "this MessageSid came before: nothing was added"
			   : NULL,
		    0)),
		cell_optional(
		    cell_text("answer", good ? NULL : buf_str(&a->body), 0)),
	};

	return rows_block(&rows, cells, CTL_COUNT(cells));
}

static int
finish(const struct ctl *ctl, const struct trace *t, bool repeat,
    const struct webhook_answer *a)
{
	enum status e = put_result(ctl, t, repeat, a);

	if (e != ST_OK)
		return ctl_fail(ctl, e, "message");
	return a->code >= 200 && a->code < 300 ? CTL_DONE : CTL_NO;
}

static int
send_here(const struct ctl *ctl, const struct webhook *w, struct trace *t)
{
	struct webhook_answer answer = { 0 };
	struct app *app = NULL;
	bool repeat;
	int code = ctl_app(ctl, &app);

	if (code != CTL_DONE)
		return code;
	(void)db_read(app->db, trace_job, t);
	repeat = t->inbound && t->known;
	code = webhook_answer_here(ctl, app, w, &answer);
	if (code == CTL_DONE) {
		(void)db_read(app->db, trace_job, t);
		code = finish(ctl, t, repeat, &answer);
	}
	webhook_answer_release(&answer);
	app_close(app);
	return code;
}

/*
 * If the server runs on this machine from the same configuration, its message
 * log tells where the message went. A database that is not there is not made.
 */
static void
look_up(const struct ctl *ctl, const struct config *c, struct trace *t)
{
	struct ctl_session s = { 0 };

	if (access(c->store.path, R_OK | W_OK) == 0 &&
	    ctl_open(ctl, &s) == CTL_DONE)
		(void)db_read(s.db, trace_job, t);
	ctl_close(&s);
}

static int
send_away(const struct ctl *ctl, const struct config *c, const char *url,
    const struct webhook *w, struct trace *t)
{
	struct webhook_answer answer = { 0 };
	bool repeat;
	int code;

	look_up(ctl, c, t);
	repeat = t->inbound && t->known;
	code = webhook_post(ctl, c, url, w, &answer);
	if (code == CTL_DONE) {
		look_up(ctl, c, t);
		code = finish(ctl, t, repeat, &answer);
	}
	webhook_answer_release(&answer);
	return code;
}

/* What both commands have: parameters of one's own, and where to send to. */
struct sending {
	const char *sid, *url;
	struct kv params;
};

static int
dispatch(const struct ctl *ctl, const struct config *c, struct webhook *w,
    const struct sending *s)
{
	struct trace t = { .sid = s->sid,
		.inbound = str_eq(w->path, "/whatsapp") };
	const char *bad = NULL;
	enum status e = webhook_override(w, &s->params, &bad);
	int code;

	if (e == ST_MALFORMED)
		return ctl_say(
		    ctl, CTL_USAGE, "--param: NAME=VALUE, not %s", bad);
	if (e != ST_OK)
		return ctl_fail(ctl, e, "message");
	/* An overridden SID is the one that counts. */
	if (kv_get(&w->form, "MessageSid", &t.sid) != ST_OK)
		t.sid = s->sid;
	code =
	    s->url ? send_away(ctl, c, s->url, w, &t) : send_here(ctl, w, &t);
	trace_release(&t);
	return code;
}

static int
send_message(
    const struct ctl *ctl, struct message_form *m, const struct sending *s)
{
	struct webhook w = { .path = "/whatsapp" };
	struct config *c = NULL;
	enum status e;
	int code = ctl_config(ctl, &c);

	if (code != CTL_DONE)
		return code;
	m->account_sid = c->twilio.account_sid;
	e = message_form_fill(&w, m);
	code =
	    e == ST_OK ? dispatch(ctl, c, &w, s) : ctl_fail(ctl, e, "message");
	webhook_release(&w);
	config_free(c);
	return code;
}

#define MALFORMED_SID \
	"--sid: a MessageSid is SM, MM or IM and 32 hexadecimal digits; what " \
	"is not counts as none (--param sends it all the same)"

int
ctl_message(const struct ctl *ctl, int argc, char **argv)
{
	struct message_form m = { .body = "", .profile = "Test" };
	struct sending s = { 0 };
	char sid[WEBHOOK_SID_MAX];
	const struct ctl_option opts[] = {
		ctl_needed("from", "ADDRESS", &m.from,
		    "the sender, whatsapp:+14155550100 or, SMS, +1…"),
		ctl_text("body", "TEXT", &m.body, "what is said"),
		ctl_text("to", "ADDRESS", &m.to, "your number at Twilio"),
		ctl_text("sid", "SID", &s.sid,
		    "MessageSid, to repeat a message (new)"),
		ctl_list("media", "URL", &m.media, "a medium; up to 10 times"),
		ctl_text("profile", "NAME", &m.profile,
		    "the sender's name in WhatsApp"),
		ctl_list("param", "NAME=VALUE", &s.params,
		    "any parameter, in place of the usual one"),
		ctl_text("url", "URL", &s.url,
		    "the server, http://host:port, or the whole address"),
	};
	const struct ctl_syntax syntax = { "message", "",
		"Send a message as Twilio would, signed with "
		"twilio.auth_token: "
		"to a server (--url),\nor, without one, answered in this "
		"process by the same code. Tells where it went.",
		0, 0, opts, CTL_COUNT(opts) };
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		goto out;
	/* Twilio's own example numbers: they belong to nobody. */
	if (!m.to)
		m.to = message_is_whatsapp(m.from) ? "whatsapp:+14155238886"
						   : "+15005550006";
	code = CTL_USAGE;
	if (m.media.n > 10)
		ctl_say(ctl, CTL_USAGE, "--media: 10 at most");
	else if (s.sid && !str_is_message_sid(s.sid))
		ctl_say(ctl, CTL_USAGE, MALFORMED_SID);
	else if (!s.sid && webhook_sid(m.media.n ? "MM" : "SM", sid) != ST_OK)
		code = ctl_say(ctl, CTL_FAILED, "no randomness for a SID");
	else
		code = CTL_DONE;
	if (!s.sid)
		s.sid = sid;
	m.sid = s.sid;
	if (code == CTL_DONE)
		code = send_message(ctl, &m, &s);
out:
	kv_release(&m.media);
	kv_release(&s.params);
	return code;
}

/* --- status callbacks ------------------------------------------------------ */

static int
send_status(
    const struct ctl *ctl, struct status_form *f, const struct sending *s)
{
	struct webhook w = { .path = "/whatsapp/status" };
	struct config *c = NULL;
	enum status e;
	int code = ctl_config(ctl, &c);

	if (code != CTL_DONE)
		return code;
	f->account_sid = c->twilio.account_sid;
	f->sid = s->sid;
	e = status_form_fill(&w, f);
	code = e == ST_OK ? dispatch(ctl, c, &w, s)
			  : ctl_fail(ctl, e, "message status");
	webhook_release(&w);
	config_free(c);
	return code;
}

int
ctl_message_status(const struct ctl *ctl, int argc, char **argv)
{
	struct status_form f = { .from = "whatsapp:+14155238886",
		.to = "whatsapp:+14155550100" };
	struct sending s = { 0 };
	const struct ctl_option opts[] = {
		ctl_needed("sid", "SID", &s.sid, "MessageSid of what was sent"),
		ctl_needed("status", "STATUS", &f.status,
		    "queued, sent, delivered, read, undelivered, failed"),
		ctl_text("error", "CODE", &f.error_code, "ErrorCode"),
		ctl_text("from", "ADDRESS", &f.from, "your number at Twilio"),
		ctl_text("to", "ADDRESS", &f.to, "whom it was sent to"),
		ctl_list("param", "NAME=VALUE", &s.params,
		    "any parameter, in place of the usual one"),
		ctl_text("url", "URL", &s.url,
		    "the server, http://host:port, or the whole address"),
	};
	const struct ctl_syntax syntax = { "message status", "",
		"Send the status callback of an outbound message as Twilio "
		"would; see message.",
		0, 0, opts, CTL_COUNT(opts) };
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		;
	else if (!str_is_message_sid(s.sid))
		code = ctl_say(ctl, CTL_USAGE, MALFORMED_SID);
	else
		code = send_status(ctl, &f, &s);
	kv_release(&s.params);
	return code;
}

/* --- show ------------------------------------------------------------------ */

struct history {
	const char *sid;
	struct rows rows;
};

static enum status
put_event(struct history *h, const char *event, int64_t at_us,
    const char *route, const char *conversation_id, const char *error_code)
{
	struct cell cells[] = {
		cell_text("sid", h->sid, 34),
		cell_text("event", event, 11),
		cell_time("at", at_us),
		cell_text("route", route, 8),
		cell_text("conversation_id", conversation_id, 15),
		cell_text("error_code", error_code, 0),
	};

	return rows_line(&h->rows, cells, CTL_COUNT(cells));
}

static enum status
show_record(const struct message_record *r, void *arg)
{
	return put_event(
	    arg, "received", r->at_us, r->route, r->conversation_id, NULL);
}

static enum status
show_event(const struct message_event *e, void *arg)
{
	return put_event(arg, e->status, e->at_us, NULL, NULL, e->error_code);
}

static enum status
show_job(struct db *db, void *arg)
{
	struct history *h = arg;

	return message_show(db, h->sid, show_record, show_event, h);
}

int
ctl_message_show(const struct ctl *ctl, int argc, char **argv)
{
	const struct ctl_syntax syntax = { "message show", "SID",
		"Show where an inbound message went, or what became of an "
		"outbound one.",
		1, 1, NULL, 0 };
	struct history h = { .rows = { ctl, 0 } };
	struct ctl_session s;
	enum status e;
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		return code;
	h.sid = argv[1];
	code = ctl_open(ctl, &s);
	if (code == CTL_DONE) {
		e = db_read(s.db, show_job, &h);
		if (e == ST_OK && h.rows.n == 0)
			e = ST_NOTFOUND;
		if (e != ST_OK)
			code = ctl_fail(ctl, e, "%s", h.sid);
	}
	ctl_close(&s);
	return code;
}
