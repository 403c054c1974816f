/* Replies on their way to Twilio. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "codec/json.h"
#include "config/config.h"
#include "db/db.h"
#include "http/client.h"
#include "message/ports.h"
#include "reply/reply.h"
#include "serve/app.h"
#include "serve/freshness.h"
#include "serve/limit.h"
#include "store/reply.h"
#include "store/store.h"
#include "twilio/rest/messages.h"

#define SECOND_US INT64_C(1000000)

/* Whoever sends one is done, or dead, after this: a look-up in the store has
 * five seconds, Twilio ten (MESSAGES_CREATE_MS). */
#define SENDING_US (30 * SECOND_US)

/* Who comes to it later than this (the machine slept) does not send: by the end
 * of it others may hold it for unknown, and people send it again. */
#define SENDING_LATE_US (15 * SECOND_US)

/* A request does not wait longer for Twilio. */
#define REQUEST_MS 4500

/* What Twilio surely did not take is tried again: doubling, at most the
 * second. */
#define RETRY_S 2
#define RETRY_MAX_S 300

/* With credentials that Twilio does not take, or none at all. */
#define DENIED_US (60 * SECOND_US)

/* One that is unknown is looked for so long after it was tried. */
static const int64_t looks_us[] = { 20 * SECOND_US, 120 * SECOND_US,
	900 * SECOND_US, 3600 * SECOND_US };

#define LOOKS (sizeof(looks_us) / sizeof(looks_us[0]))

/* A reply that is ours to send: what reply_take passes lives for its call. */
struct sending {
	int64_t id;
	bool machine;
	int64_t attempt_us, attempts;
	char *conversation_id, *from, *to, *service_sid, *text, *media;
};

static void
sending_release(struct sending *s)
{
	free(s->conversation_id);
	free(s->from);
	free(s->to);
	free(s->service_sid);
	free(s->text);
	free(s->media);
	*s = (struct sending){ 0 };
}

static enum status
keep_row(const struct reply *r, void *arg)
{
	struct sending *s = arg;
	enum status st;

	sending_release(s); /* of a run before this one */
	s->id = r->id;
	s->machine = r->machine;
	s->attempt_us = r->attempt_us;
	s->attempts = r->attempts;
	if ((st = str_dup(r->conversation_id, &s->conversation_id)) == ST_OK &&
	    (st = str_dup(r->from, &s->from)) == ST_OK &&
	    (st = str_dup(r->to, &s->to)) == ST_OK &&
	    (st = str_dup(r->service_sid, &s->service_sid)) == ST_OK &&
	    (st = str_dup(r->text, &s->text)) == ST_OK)
		st = str_dup(r->media, &s->media);
	return st;
}

/* --- what came of it -------------------------------------------------------- */

struct settling {
	int64_t id;
	struct reply_outcome outcome;
};

static enum status
settle_job(struct db *db, void *arg)
{
	const struct settling *s = arg;

	return reply_settle(db, s->id, &s->outcome);
}

/* A status callback may have been quicker: then its word stands. If nothing can
 * be written, it counts as sending until that is overdue, and is unknown then:
 * looked for, and not sent again. */
static void
settle(const struct app *app, const struct sending *of,
    const struct reply_outcome *o)
{
	struct settling s = { of->id, *o };
	enum status st;

	s.outcome.attempt_us = of->attempt_us;
	st = db_write_reserved(app->db, settle_job, &s);
	if (st != ST_OK && st != ST_NOTFOUND)
		log_error(app->log, "what came of a reply cannot be recorded",
		    LOG_INT("reply", of->id), LOG_STR("state", o->state),
		    LOG_STR("reason", status_text(st)));
}

static void
settle_result(const struct app *app, const struct sending *s,
    const struct messages_result *r)
{
	struct reply_outcome o = { .state = REPLY_QUEUED };
	int64_t now = clock_us();
	int code = r->outcome == MESSAGES_CREATED ? r->error_code : r->why.code;
	char text[16];

	snprintf(text, sizeof(text), "%d", code);
	o.error_code = code != 0 ? text : NULL;
	switch (r->outcome) {
	case MESSAGES_CREATED:
		o.state = strcmp(r->status, "failed") == 0 ||
			strcmp(r->status, "undelivered") == 0
		    ? r->status
		    : REPLY_SENT;
		o.sid = r->sid;
		break;
	case MESSAGES_REFUSED:
		o.state = REPLY_REFUSED;
		o.error = messages_words(r);
		break;
	case MESSAGES_NOT_TAKEN:
		o.attempted = true;
		o.error = messages_words(r);
		o.due_us = now +
		    SECOND_US *
			backoff_delay(RETRY_S, s->attempts, RETRY_MAX_S, 50);
		if (r->why.retry_after_s > 0)
			o.due_us = now + SECOND_US * r->why.retry_after_s;
		break;
	case MESSAGES_DENIED:
		freshness_doubt(app->freshness);
		o.error = messages_words(r);
		o.due_us = now + DENIED_US;
		break;
	case MESSAGES_UNKNOWN:
		o.state = REPLY_UNKNOWN;
		o.error = r->why.text;
		o.due_us = now + looks_us[0];
		break;
	}
	settle(app, s, &o);
	if (r->outcome != MESSAGES_CREATED)
		log_warn(app->log, "a reply was not sent",
		    LOG_INT("reply", s->id), LOG_STR("state", o.state),
		    LOG_STR("conversation_id", s->conversation_id),
		    LOG_INT("http_status", r->why.http),
		    LOG_INT("code", r->why.code), LOG_STR("reason", o.error));
}

/* --- sending ---------------------------------------------------------------- */

/* Media as they are stored, as a list of URLs in the tree. */
static size_t
media_urls(const struct json *media, const char **urls)
{
	const struct json *v;
	size_t n = 0;

	for (v = json_first(media); v != NULL && n < MESSAGES_MEDIA_MAX;
	     v = json_next(v))
		if (json_member_text(v, "url", &urls[n]) == ST_OK)
			n++;
	return n;
}

/* Where Twilio tells what became of it; nowhere if that is not known. */
static enum status
put_callback(const struct app *app, int64_t id, struct buf *out)
{
	const char *url = app->config->server.public_url;

	if (*url == '\0')
		return ST_OK;
	return buf_printf(
	    out, "%s/whatsapp/status?reply=%lld", url, (long long)id);
}

/* May it still be said? NULL: yes. */
static const char *
forbidden(const struct conversation *c, const struct sending *s)
{
	if (c->opted_out)
		return "this person has opted out (STOP) since it was written";
	if (s->machine && c->handoff)
		return "people took the conversation over since it was written";
	return NULL;
}

/* ST_OK: it may; ST_DENIED: it is refused; else it cannot be told now. */
static enum status
look_again(const struct app *app, const struct sending *s)
{
	struct ports *ports = ports_take(app->ports);
	struct reply_outcome o = { .state = REPLY_REFUSED };
	struct conversation c = { 0 };
	enum status st = ST_NOMEM;

	if (ports != NULL) {
		ports_begin(ports, NULL, NULL);
		st = ports->conversations->ops->get(
		    ports->conversations, s->conversation_id, &c);
	}
	ports_give(app->ports, ports);
	if (st == ST_OK)
		o.error = forbidden(&c, s);
	else if (st == ST_NOTFOUND)
		o.error = "the conversation was removed";
	if (o.error != NULL) {
		settle(app, s, &o);
		st = ST_DENIED;
	}
	conversation_release(&c);
	return st;
}

/* Nothing was tried: it is queued again. */
static void
put_back(const struct app *app, const struct sending *s, const char *why,
    int64_t wait_us)
{
	const struct reply_outcome o = { .state = REPLY_QUEUED,
		.error = why,
		.due_us = clock_us() + wait_us };

	settle(app, s, &o);
	log_warn(app->log, "a reply waits", LOG_INT("reply", s->id),
	    LOG_STR("reason", why));
}

static void
send_by(const struct app *app, struct http_client *client,
    const struct rest_account *account, const struct sending *s, long ms)
{
	const char *urls[MESSAGES_MEDIA_MAX];
	struct buf callback = BUF_INIT;
	struct json *media = NULL;
	struct messages_draft draft = { .to = s->to,
		.from = s->from,
		.service_sid = s->service_sid,
		.body = s->text,
		.media = urls,
		.total_ms = ms };
	struct messages_result result;
	enum status st = put_callback(app, s->id, &callback);

	if (st == ST_OK && s->media != NULL)
		st = json_parse(s->media, strlen(s->media), &media);
	if (st == ST_OK) {
		draft.media_n = media == NULL ? 0 : media_urls(media, urls);
		draft.status_callback = callback.data;
		messages_create(client, account, &draft, &result);
		settle_result(app, s, &result);
	} else {
		put_back(app, s, status_text(st), SECOND_US);
	}
	json_free(media);
	buf_release(&callback);
}

static void
send_taken(const struct app *app, const struct sending *s, long ms)
{
	struct rest_account account = rest_account(
	    app->config, app->secrets->tokens[0], app->secrets->api_secret);
	const char *lacks = rest_account_lacks(&account);
	struct http_client *client = NULL;
	struct buf why = BUF_INIT;
	enum status st = look_again(app, s);

	if (st == ST_DENIED)
		return;
	if (clock_us() > s->attempt_us + SENDING_LATE_US)
		put_back(app, s, "it took too long to begin", SECOND_US);
	else if (st != ST_OK)
		put_back(app, s, "its conversation cannot be looked up now",
		    RETRY_S * SECOND_US);
	else if (lacks != NULL)
		put_back(app, s, lacks, DENIED_US);
	else if (http_client_take(&client, app->twilio, &why) != ST_OK)
		put_back(app, s, why.len > 0 ? buf_str(&why) : "no memory",
		    DENIED_US);
	else
		send_by(app, client, &account, s, ms);
	http_client_give(client);
	buf_release(&why);
}

struct taking {
	int64_t id, now_us;
	struct sending sending;
};

static enum status
take_job(struct db *db, void *arg)
{
	struct taking *t = arg;

	return reply_take(db, t->id, t->now_us, t->now_us + SENDING_US,
	    keep_row, &t->sending);
}

/* False: there was none to send, or it cannot be had. */
static bool
send_one(const struct app *app, int64_t id, long ms)
{
	struct taking t = { .id = id, .now_us = clock_us() };
	enum status st = db_write(app->db, take_job, &t);

	if (st == ST_OK)
		send_taken(app, &t.sending, ms);
	sending_release(&t.sending);
	return st == ST_OK;
}

void
reply_send(const struct app *app, int64_t id)
{
	if (!limit_enter(app->limit))
		return;
	(void)send_one(app, id, REQUEST_MS);
	limit_leave(app->limit);
}

/* --- what is unknown -------------------------------------------------------- */

static enum status
doubt_job(struct db *db, void *arg)
{
	struct taking *t = arg;
	enum status st = reply_overdue(db, t->now_us);

	return st == ST_OK ? reply_doubtful(db, t->now_us,
				 t->now_us + SENDING_US, keep_row, &t->sending)
			   : st;
}

struct claimed {
	const char *sid;
};

static enum status
claimed_job(struct db *db, void *arg)
{
	return reply_of_sid(db, ((const struct claimed *)arg)->sid);
}

/* The one candidate that no other reply is; NULL: none, or *many. */
static const struct messages_found *
only_candidate(
    const struct app *app, const struct messages_list *list, bool *many)
{
	const struct messages_found *only = NULL;

	*many = list->more;
	for (size_t i = 0; i < list->n; i++) {
		struct claimed c = { list->items[i].sid };

		if (db_read(app->db, claimed_job, &c) != ST_NOTFOUND)
			continue;
		*many |= only != NULL;
		only = &list->items[i];
	}
	return *many ? NULL : only;
}

/* When to look next; 0: not again, people decide. */
static int64_t
next_look(const struct sending *s, int64_t now_us)
{
	for (size_t i = 0; i < LOOKS; i++)
		if (now_us < s->attempt_us + looks_us[i])
			return s->attempt_us + looks_us[i];
	return 0;
}

static void
look_for(const struct app *app, const struct sending *s)
{
	struct rest_account account = rest_account(
	    app->config, app->secrets->tokens[0], app->secrets->api_secret);
	const struct messages_query q = { s->to, s->from, s->text,
		s->attempt_us };
	struct messages_list *list = calloc(1, sizeof(*list));
	const struct messages_found *found = NULL;
	struct reply_outcome o = { .state = REPLY_UNKNOWN };
	struct http_client *client = NULL;
	struct buf why = BUF_INIT;
	struct rest_failure failure;
	bool many = false;

	if (list != NULL && rest_account_lacks(&account) == NULL &&
	    http_client_take(&client, app->twilio, &why) == ST_OK &&
	    messages_find(client, &account, &q, list, &failure) == ST_OK)
		found = only_candidate(app, list, &many);
	o.due_us = many ? 0 : next_look(s, clock_us());
	o.error = "Twilio may have it, or not";
	if (found != NULL) {
		o = (struct reply_outcome){
			.state = REPLY_SENT, .sid = found->sid, .guessed = true
		};
		log_info(app->log, "an unknown reply was found at Twilio",
		    LOG_INT("reply", s->id),
		    LOG_SID("message_sid", found->sid));
	}
	settle(app, s, &o);
	http_client_give(client);
	buf_release(&why);
	free(list);
}

static bool
look_for_one(const struct app *app)
{
	struct taking t = { .now_us = clock_us() };
	enum status st = db_write(app->db, doubt_job, &t);

	if (st == ST_OK)
		look_for(app, &t.sending);
	sending_release(&t.sending);
	return st == ST_OK;
}

bool
reply_work(const struct app *app, int64_t *due_us)
{
	int64_t now = clock_us();

	/* A look alone, so that it costs nothing while there is nothing. */
	if (reply_next(app->db, due_us) != ST_OK || *due_us == 0 ||
	    *due_us > now)
		return false;
	return send_one(app, 0, 0) || look_for_one(app);
}
