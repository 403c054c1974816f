/* Calls as Twilio's API reports them. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/json.h"
#include "codec/moment.h"
#include "config/config.h"
#include "config/env.h"
#include "ctl/calls.h"
#include "http/client.h"
#include "twilio/rest/walk.h"

/* Members of a call that are shown; it has some twenty. */
#define MEMBERS_MAX 64

struct twilio {
	struct ctl *ctl;
	struct http_library *library;
	struct http_client *client;
	struct rest_account account;
};

/* --- the way there ------------------------------------------------------- */

static int
open_twilio(struct ctl *ctl, struct twilio *t)
{
	struct http_library_options way = { 0 };
	struct buf why = BUF_INIT;
	const char *lacks;
	enum status st;
	int code;

	*t = (struct twilio){ .ctl = ctl };
	if ((code = ctl_config(ctl)) != CTL_DONE)
		return code;
	t->account = rest_account(ctl->config, ctl->config->twilio.auth_token,
	    ctl->config->twilio.api_secret);
	if ((lacks = rest_account_lacks(&t->account)) != NULL)
		return ctl_say(ctl, CTL_CONFIG, "%s", lacks);
	way.proxy = ctl->config->aws.proxy;
	way.ca_bundle = env_get(ctl->envp, "AWS_CA_BUNDLE");
	st = http_library_open(&t->library, &way);
	if (st == ST_OK)
		st = http_client_open(&t->client, t->library, &why);
	if (st != ST_OK)
		code = ctl_say(ctl, CTL_FAILED, "%s",
		    why.len > 0 ? buf_str(&why) : status_text(st));
	buf_release(&why);
	return code;
}

static void
close_twilio(struct twilio *t)
{
	http_client_close(t->client);
	http_library_close(t->library);
}

/* A call that is not there is an answer; all else is the world's failure. */
static int
tell(const struct ctl *ctl, enum status st, const struct rest_failure *f)
{
	return ctl_say(ctl, st == ST_NOTFOUND ? CTL_NO : CTL_FAILED, "%s",
	    *f->text != '\0' ? f->text : status_text(st));
}

/* --- list ---------------------------------------------------------------- */

/* A member's text; NULL: it is null, absent, or no text. */
static const char *
call_text(const struct json *call, const char *name)
{
	const char *text;

	return json_member_text(call, name, &text) == ST_OK ? text : NULL;
}

static int64_t
call_time(const struct json *call, const char *name)
{
	const char *text = call_text(call, name);
	int64_t us;

	return text != NULL && moment_parse_mail(text, &us) == ST_OK ? us : 0;
}

static enum status
list_take(struct calls_walk *w, struct rest_page *page, size_t i)
{
	const struct json *call;
	enum status st = rest_page_item(page, i, &call);
	struct calls_listed listed;
	uint64_t seconds;

	if (st != ST_OK)
		return st;
	listed = (struct calls_listed){
		.sid = call_text(call, "sid"),
		.status = call_text(call, "status"),
		.direction = call_text(call, "direction"),
		.from = call_text(call, "from"),
		.to = call_text(call, "to"),
		.start_us = call_time(call, "start_time"),
		.end_us = call_time(call, "end_time"),
		.duration_s = str_u64(call_text(call, "duration"), INT64_MAX,
				  &seconds) == ST_OK
		    ? (int64_t)seconds
		    : -1,
	};
	return calls_put(w->arg, &listed);
}

int
calls_twilio_list(struct ctl *ctl, const struct calls_wanted *wanted)
{
	struct twilio t;
	struct calls_walk w = { .account = &t.account,
		.filter = { wanted->start_us, wanted->end_us, wanted->status,
		    wanted->direction, wanted->from, wanted->to,
		    wanted->parent_sid },
		.limit = (size_t)wanted->limit,
		.take = list_take,
		.arg = ctl };
	int code = open_twilio(ctl, &t);
	enum status st = ST_OK;

	w.client = t.client;
	while (code == CTL_DONE && st == ST_OK && w.n < w.limit && !w.over)
		st = calls_walk_page(&w);
	if (st != ST_OK)
		code = tell(ctl, st, &w.why);
	calls_walk_release(&w);
	close_twilio(&t);
	return code;
}

/* --- show ---------------------------------------------------------------- */

/* The call's own members; what it has further is under other addresses. */
static enum status
put_members(struct ctl *ctl, const struct json *call)
{
	struct cell cells[MEMBERS_MAX];
	const struct json *v;
	const char *text;
	size_t n = 0;

	for (v = json_first(call); v != NULL && n < MEMBERS_MAX;
	     v = json_next(v)) {
		text = NULL;
		if (json_kind(v) != JSON_NULL && json_text(v, &text) != ST_OK)
			continue;
		cells[n++] = cell_text(json_name(v), text, 0);
	}
	return row_block(ctl, cells, n);
}

/* In one line: no string of JSON has a line's end in it. */
static enum status
put_line(struct ctl *ctl, struct buf *call)
{
	size_t i;

	for (i = 0; i < call->len; i++)
		if (strchr("\r\n", call->data[i]) != NULL)
			call->data[i] = ' ';
	buf_putc(call, '\n');
	if (call->err != ST_OK)
		return call->err;
	return fwrite(call->data, 1, call->len, ctl->out) == call->len ? ST_OK
								       : ST_IO;
}

static enum status
put_call(struct ctl *ctl, struct buf *text)
{
	struct json *call = NULL;
	enum status st;

	if (ctl->json)
		return put_line(ctl, text);
	st = json_parse(text->data, text->len, &call);
	if (st == ST_OK)
		st = put_members(ctl, call);
	json_free(call);
	return st;
}

int
calls_twilio_show(struct ctl *ctl, const char *sid)
{
	struct rest_failure why = { .retry_after_s = -1 };
	struct buf call = BUF_INIT;
	struct twilio t;
	enum status st;
	int code = open_twilio(ctl, &t);

	if (code == CTL_DONE) {
		st = calls_fetch(t.client, &t.account, sid, &call, &why);
		if (st != ST_OK)
			code = tell(ctl, st, &why);
		else
			code = ctl_end(ctl, put_call(ctl, &call), "%s", sid);
	}
	buf_release(&call);
	close_twilio(&t);
	return code;
}
