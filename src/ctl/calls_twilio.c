/* Calls as Twilio's API tells of them. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/json.h"
#include "codec/moment.h"
#include "config/config.h"
#include "config/env.h"
#include "ctl/calls.h"
#include "http/client.h"
#include "twilio/rest/calls.h"

#define SECOND_US INT64_C(1000000)

/* Direction is ours to filter, so its pages are larger than what is wanted. */
#define SPARE 4

/* Members of a call that are shown; it has some twenty. */
#define MEMBERS_MAX 64

struct twilio {
	const struct ctl *ctl;
	struct config *config;
	struct http_library *library;
	struct http_client *client;
	struct calls_account account;
};

/* --- the way there ------------------------------------------------------- */

/* Whom to ask and as whom. CTL_DONE, or told on err. */
static int
find_account(struct twilio *t)
{
	const struct config *c = t->config;
	bool has_key = *c->twilio.api_key != '\0';

	t->account = (struct calls_account){
		.api_url = c->twilio.api_url,
		.account_sid = c->twilio.account_sid,
		.user = has_key ? c->twilio.api_key : c->twilio.account_sid,
		.secret = has_key ? c->twilio.api_secret : c->twilio.auth_token,
	};
	if (*t->account.account_sid == '\0')
		return ctl_say(t->ctl, CTL_CONFIG,
		    "Twilio cannot be asked: set twilio.account_sid");
	if (*t->account.secret == '\0')
		return ctl_say(t->ctl, CTL_CONFIG,
		    "Twilio cannot be asked: set %s",
		    has_key ? "twilio.api_secret"
			    : "twilio.auth_token, or twilio.api_key and "
			      "twilio.api_secret");
	return CTL_DONE;
}

static int
open_twilio(const struct ctl *ctl, struct twilio *t)
{
	struct http_library_options way = { 0 };
	struct buf why = BUF_INIT;
	enum status e;
	int code;

	*t = (struct twilio){ .ctl = ctl };
	if ((code = ctl_config(ctl, &t->config)) != CTL_DONE ||
	    (code = find_account(t)) != CTL_DONE)
		return code;
	way.proxy = t->config->aws.proxy;
	way.ca_bundle = env_get(ctl->envp, "AWS_CA_BUNDLE");
	e = http_library_open(&t->library, &way);
	if (e == ST_OK)
		e = http_client_open(&t->client, t->library, &why);
	if (e != ST_OK)
		code = ctl_say(ctl, CTL_FAILED, "%s",
		    why.len > 0 ? buf_str(&why) : status_text(e));
	buf_release(&why);
	return code;
}

static void
close_twilio(struct twilio *t)
{
	http_client_close(t->client);
	http_library_close(t->library);
	config_free(t->config);
}

/* A call that is not there is an answer; all else is the world's failure. */
static int
tell(const struct ctl *ctl, enum status e, const struct calls_failure *f)
{
	return ctl_say(ctl, e == ST_NOTFOUND ? CTL_NO : CTL_FAILED, "%s",
	    *f->text != '\0' ? f->text : status_text(e));
}

/* --- list ---------------------------------------------------------------- */

#define TEXT_MAX 256
#define TEXTS_N 8

enum { SID, STATUS, DIRECTION, FROM, TO, START, END, DURATION };
static const char *const names[TEXTS_N] = { "sid", "status", "direction",
	"from", "to", "start_time", "end_time", "duration" };

static int64_t
moment_or_none(const char *text)
{
	int64_t us;

	return moment_parse_mail(text, &us) == ST_OK ? us : 0;
}

static enum status
put_item(struct rows *rows, char texts[static TEXTS_N][TEXT_MAX])
{
	uint64_t seconds;
	const struct calls_listed listed = {
		.sid = texts[SID],
		.status = texts[STATUS],
		.direction = texts[DIRECTION],
		.from = texts[FROM],
		.to = texts[TO],
		.start_us = moment_or_none(texts[START]),
		.end_us = moment_or_none(texts[END]),
		.duration_s =
		    str_u64(texts[DURATION], INT64_MAX, &seconds) == ST_OK
		    ? (int64_t)seconds
		    : -1,
	};

	return calls_put(rows, &listed);
}

struct listing {
	const struct calls_wanted *wanted;
	struct rows rows;
	int64_t left;
};

static enum status
take_item(struct listing *l, struct calls_page *page, size_t item)
{
	char texts[TEXTS_N][TEXT_MAX];
	enum status e;
	int i;

	for (i = 0; i < TEXTS_N; i++) {
		e = calls_page_text(page, item, names[i], texts[i], TEXT_MAX);
		if (e == ST_NOTFOUND)
			texts[i][0] = '\0';
		else if (e != ST_OK)
			return e;
	}
	if (l->wanted->direction != NULL &&
	    strcmp(texts[DIRECTION], l->wanted->direction) != 0)
		return ST_OK;
	l->left--;
	return put_item(&l->rows, texts);
}

/* From page to page until there are enough. */
static int
walk(struct twilio *t, struct listing *l, const struct calls_query *q)
{
	struct calls_page page = CALLS_PAGE_INIT;
	struct calls_failure why = { .retry_after_s = -1 };
	char *next = NULL;
	enum status e;
	size_t i;
	bool more;

	do {
		e = calls_list(t->client, &t->account, q, next, &page, &why);
		for (i = 0; e == ST_OK && i < page.n && l->left > 0; i++)
			e = take_item(l, &page, i);
		free(next);
		next = page.next_uri;
		page.next_uri = NULL;
		more = e == ST_OK && next != NULL && l->left > 0;
		calls_page_release(&page);
		page = (struct calls_page)CALLS_PAGE_INIT;
	} while (more);
	free(next);
	return e == ST_OK ? CTL_DONE : tell(t->ctl, e, &why);
}

static int
page_size(const struct calls_wanted *w)
{
	int64_t n = w->direction == NULL ? w->limit : w->limit * SPARE;

	return n > CALLS_PAGE_MAX ? CALLS_PAGE_MAX : (int)n;
}

int
calls_twilio_list(const struct ctl *ctl, const struct calls_wanted *w)
{
	struct calls_query q = { .status = w->status,
		.page_size = page_size(w) };
	struct listing l = { w, { ctl, 0 }, w->limit };
	char from[MOMENT_ISO_MAX], before[MOMENT_ISO_MAX];
	struct twilio t;
	int code;

	/* Its filter has whole seconds: on or after, and before. */
	if (w->start_us != INT64_MIN) {
		moment_iso(w->start_us + SECOND_US - 1, from);
		q.start_from = from;
	}
	if (w->end_us != INT64_MAX) {
		moment_iso(w->end_us + SECOND_US, before);
		q.start_before = before;
	}
	code = open_twilio(ctl, &t);
	if (code == CTL_DONE)
		code = walk(&t, &l, &q);
	close_twilio(&t);
	return code;
}

/* --- show ---------------------------------------------------------------- */

/* The call's own members; what it has further is under other addresses. */
static enum status
put_members(const struct ctl *ctl, const struct json *call)
{
	struct cell cells[MEMBERS_MAX];
	struct rows rows = { ctl, 0 };
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
	return rows_block(&rows, cells, n);
}

/* In one line: no string of JSON has a line's end in it. */
static enum status
put_line(const struct ctl *ctl, struct buf *call)
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
put_call(const struct ctl *ctl, struct buf *text)
{
	struct json *call = NULL;
	enum status e;

	if (ctl->json)
		return put_line(ctl, text);
	e = json_parse(text->data, text->len, &call);
	if (e == ST_OK)
		e = put_members(ctl, call);
	json_free(call);
	return e;
}

int
calls_twilio_show(const struct ctl *ctl, const char *sid)
{
	struct calls_failure why = { .retry_after_s = -1 };
	struct buf call = BUF_INIT;
	struct twilio t;
	enum status e;
	int code = open_twilio(ctl, &t);

	if (code == CTL_DONE) {
		e = calls_fetch(t.client, &t.account, sid, &call, &why);
		if (e != ST_OK)
			code = tell(ctl, e, &why);
		else if ((e = put_call(ctl, &call)) != ST_OK)
			code = ctl_fail(ctl, e, "%s", sid);
	}
	buf_release(&call);
	close_twilio(&t);
	return code;
}
