/* switchhook message: what Twilio posts, made up; and where it went. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "config/config.h"
#include "ctl/ctl.h"
#include "ctl/message_form.h"
#include "ctl/row.h"
#include "ctl/webhook.h"
#include "db/db.h"
#include "serve/app.h"
#include "store/message.h"

/* --- where it went --------------------------------------------------------- */

/* What the message log knows of a sid; strings are copies. */
struct trace {
	const char *sid;
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
	enum status st;

	trace_release(t);
	t->known = true;
	st = str_dup(r->route, &t->route);
	return st == ST_OK ? str_dup(r->conversation_id, &t->conversation_id)
			   : st;
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

/*
 * If the server runs on this machine from the same configuration, its message
 * log tells where the message went. A database that is not there is not made.
 */
static void
trace_look_up(struct ctl *ctl, struct trace *t)
{
	struct db *db = NULL;

	if (ctl->app != NULL)
		db = ctl->app->db;
	else if (access(ctl->config->store.path, R_OK | W_OK) == 0 &&
	    ctl_open(ctl) == CTL_DONE)
		db = ctl->db;
	if (db != NULL)
		(void)db_read(db, trace_job, t);
}

/* --- sending --------------------------------------------------------------- */

static int
put_result(struct ctl *ctl, const struct trace *t, bool repeat,
    const struct webhook_answer *a)
{
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
	enum status st = row_block(ctl, cells, CTL_COUNT(cells));

	if (st != ST_OK)
		return ctl_end(ctl, st, "message");
	return good ? CTL_DONE : CTL_NO;
}

static int
send_and_trace(struct ctl *ctl, const struct webhook *w, const char *sid)
{
	/* An overridden SID is the one that counts. */
	const char *other = webhook_param(ctl, "MessageSid");
	struct trace t = { .sid = other != NULL ? other : sid };
	const char *url = ctl_text(ctl, "url");
	struct webhook_answer answer = { 0 };
	bool repeat;
	int code;

	trace_look_up(ctl, &t);
	/* A status that comes again is no repeat of the message. */
	repeat = t.known && str_eq(w->path, "/whatsapp");
	code = webhook_send(ctl, ctl->config, url, w, &answer);
	if (code == CTL_DONE) {
		trace_look_up(ctl, &t);
		code = put_result(ctl, &t, repeat, &answer);
	}
	webhook_answer_release(&answer);
	trace_release(&t);
	return code;
}

typedef enum status form_fn(
    const struct ctl *, struct webhook *, const char *sid);

/* Make it, with the operator's own parameters, and send it. */
static int
send_form(struct ctl *ctl, const char *path, form_fn *form, const char *sid)
{
	struct webhook w = { .path = path };
	int code = ctl_config(ctl);

	if (code == CTL_DONE)
		code = ctl_end(ctl, form(ctl, &w, sid), "message");
	if (code == CTL_DONE)
		code = webhook_params(ctl, &w.body);
	if (code == CTL_DONE && !ctl_flag(ctl, "url"))
		code = ctl_app(ctl);
	if (code == CTL_DONE)
		code = send_and_trace(ctl, &w, sid);
	webhook_release(&w);
	return code;
}

/* What --sid names, or a new one. CTL_DONE, or reported on err. */
static int
choose_sid(
    const struct ctl *ctl, char room[static WEBHOOK_SID_MAX], const char **sid)
{
	*sid = webhook_sid(ctl, message_media_n(ctl) > 0 ? "MM" : "SM", room);
	if (*sid == NULL)
		return CTL_FAILED;
	if (!str_is_message_sid(*sid))
		return ctl_say(ctl, CTL_USAGE,
		    "--sid: a MessageSid is SM, MM or IM and 32 hexadecimal "
		    "digits; what is not counts as none (--param sends it all "
		    "the same)");
	return CTL_DONE;
}

int
ctl_message(struct ctl *ctl)
{
	char room[WEBHOOK_SID_MAX];
	const char *sid;
	int code;

	if (message_media_n(ctl) > 10)
		return ctl_say(ctl, CTL_USAGE, "--media: 10 at most");
	code = choose_sid(ctl, room, &sid);
	return code == CTL_DONE ? send_form(ctl, "/whatsapp", message_form, sid)
				: code;
}

int
ctl_message_status(struct ctl *ctl)
{
	char room[WEBHOOK_SID_MAX];
	const char *sid;
	int code = choose_sid(ctl, room, &sid);

	return code == CTL_DONE
	    ? send_form(ctl, "/whatsapp/status", message_status_form, sid)
	    : code;
}

/* --- show ------------------------------------------------------------------ */

static enum status
put_event(struct ctl *ctl, const char *event, int64_t at_us, const char *route,
    const char *conversation_id, const char *error_code)
{
	struct cell cells[] = {
		cell_text("sid", ctl->operands[0], 34),
		cell_text("event", event, 11),
		cell_time("at", at_us),
		cell_text("route", route, 8),
		cell_text("conversation_id", conversation_id, 15),
		cell_text("error_code", error_code, 0),
	};

	return row_line(ctl, cells, CTL_COUNT(cells));
}

static enum status
show_record(const struct message_record *r, void *ctl)
{
	return put_event(
	    ctl, "received", r->at_us, r->route, r->conversation_id, NULL);
}

static enum status
show_event(const struct message_event *e, void *ctl)
{
	return put_event(ctl, e->status, e->at_us, NULL, NULL, e->error_code);
}

static enum status
show_job(struct db *db, void *arg)
{
	struct ctl *ctl = arg;
	enum status st =
	    message_show(db, ctl->operands[0], show_record, show_event, ctl);

	return st == ST_OK && ctl->rows_n == 0 ? ST_NOTFOUND : st;
}

int
ctl_message_show(struct ctl *ctl)
{
	int code = ctl_open(ctl);

	return code == CTL_DONE ? ctl_end(ctl, db_read(ctl->db, show_job, ctl),
				      "%s", ctl->operands[0])
				: code;
}
