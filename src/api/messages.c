#include "api/messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "db/db.h"
#include "reply/reply.h"
#include "store/reply.h"
#include "store/transcript.h"
#include "twilio/rest/messages.h"

/* --- as they are shown ------------------------------------------------------ */

static enum status
put_message(struct buf *out, const struct transcript_message *m)
{
	const char *state = m->state;

	if (str_eq(state, REPLY_SENDING)) /* for some seconds at most */
		state = REPLY_QUEUED;
	api_put_text(out, '{', "id", m->id);
	api_put_text(out, ',', "conversation_id", m->conversation_id);
	api_put_text(
	    out, ',', "direction", m->outbound ? "outbound" : "inbound");
	api_put_text(out, ',', "sid", m->sid);
	api_put_text(out, ',', "from", m->from);
	api_put_text(out, ',', "to", m->to);
	api_put_text(out, ',', "channel", m->channel);
	api_put_text(out, ',', "text", m->text);
	buf_printf(out, ",\"media\":%s", m->media != NULL ? m->media : "[]");
	api_put_time(out, ',', "at", m->at_us);
	api_put_text(out, ',', "route", m->route);
	api_put_text(out, ',', "author", m->author);
	api_put_text(out, ',', "state", state);
	api_put_text(out, ',', "error_code", m->error_code);
	api_put_text(out, ',', "error", reply_words(m->error_code, m->error));
	return buf_putc(out, '}');
}

static enum status
put_reply(const struct reply *r, void *arg)
{
	struct buf *out = arg;
	char id[24];
	const struct transcript_message m = { .id = id,
		.conversation_id = r->conversation_id,
		.outbound = true,
		.sid = r->sid,
		.from = r->from,
		.to = r->to,
		.channel = r->channel,
		.text = r->text,
		.media = r->media,
		.at_us = r->created_us,
		.author = r->author,
		.state = r->state,
		.error_code = r->error_code,
		.error = r->error };

	snprintf(id, sizeof(id), "r%lld", (long long)r->id);
	buf_reset(out); /* of a run before this one */
	return put_message(out, &m);
}

static void
answer_reply(struct exchange *x, int64_t id, int code)
{
	enum status st =
	    reply_get(x->app->db, id, put_reply, &x->response->body);

	if (st == ST_OK)
		api_reply(x, code);
	else
		exchange_fail(x, st);
}

/* --- the list --------------------------------------------------------------- */

struct listing {
	struct exchange *x;
	int64_t before_us;
	const char *before_id;
	size_t limit, n;
	struct buf next; /* where the next page begins */
	bool more, known;
};

static enum status
add_message(const struct transcript_message *m, void *arg)
{
	struct listing *l = arg;
	struct buf *out = &l->x->response->body;

	if (l->n == l->limit) {
		l->more = true;
		return ST_OK;
	}
	if (l->n++ > 0)
		buf_putc(out, ',');
	buf_reset(&l->next);
	buf_printf(&l->next, "%lld %s", (long long)m->at_us, m->id);
	return put_message(out, m);
}

static enum status
note_known(const struct transcript_summary *s, void *arg)
{
	(void)s;
	*(bool *)arg = true;
	return ST_OK;
}

static enum status
list_job(struct db *db, void *arg)
{
	struct listing *l = arg;
	const char *id = l->x->path.arg[0];
	enum status st = transcript_get(db, id, note_known, &l->known);

	l->n = 0;
	l->more = false;
	api_list_begin(l->x, "messages");
	if (st != ST_OK && st != ST_NOTFOUND)
		return st;
	return transcript_messages(
	    db, id, l->before_us, l->before_id, l->limit + 1, add_message, l);
}

static void
answer_list(struct listing *l)
{
	struct exchange *x = l->x;
	enum status st = db_read(x->app->db, list_job, l);

	if (st != ST_OK)
		exchange_fail(x, st);
	else if (!l->known)
		exchange_error(x, 404, "No such conversation");
	else
		api_list_end(x, x->path.arg[0], l->more ? &l->next : NULL);
}

void
handle_api_messages(struct exchange *x)
{
	struct api_page page = API_PAGE_INIT;
	const struct api_field fields[] = { API_PAGE_FIELDS(&page) };
	struct listing l = { .x = x };
	struct buf place = BUF_INIT;

	if (!api_query(x, fields, 2))
		return;
	l.limit = (size_t)page.limit;
	if (api_place(x, &page, x->path.arg[0], &place)) {
		if (api_place_read(&place, &l.before_us, &l.before_id))
			answer_list(&l);
		else
			api_token_wrong(x);
	}
	buf_release(&place);
	buf_release(&l.next);
}

/* --- answering -------------------------------------------------------------- */

/* media: a list of URLs. False if it answered. */
static bool
read_media(struct exchange *x, const struct json *media,
    const char *urls[static MESSAGES_MEDIA_MAX], size_t *n)
{
	const struct json *v;

	*n = 0;
	if (media == NULL)
		return true;
	if (json_kind(media) != JSON_ARRAY ||
	    json_size(media) > MESSAGES_MEDIA_MAX) {
		api_refuse(x, "media", "a list of 10 URLs at most");
		return false;
	}
	for (v = json_first(media); v != NULL; v = json_next(v))
		if (json_text(v, &urls[(*n)++]) != ST_OK) {
			api_refuse(x, "media", "each is a text, a URL");
			return false;
		}
	return true;
}

static void
refuse_reply(struct exchange *x, enum reply_answer answer,
    const struct buf *why, enum status st)
{
	switch (answer) {
	case REPLY_STORED:
	case REPLY_KNOWN:
		break;
	case REPLY_WRONG:
		exchange_error(x, 400, buf_str(why));
		break;
	case REPLY_NO_CONVERSATION:
		exchange_error(x, 404, "No such conversation");
		break;
	case REPLY_OPTED_OUT:
		api_conflict(x, "opted_out", buf_str(why));
		break;
	case REPLY_HANDED_OFF:
		api_conflict(x, "handed_off", buf_str(why));
		break;
	case REPLY_NO_SENDER:
		api_conflict(x, "no_sender", buf_str(why));
		break;
	case REPLY_REUSED:
		api_conflict(x, "client_id_reused", buf_str(why));
		break;
	case REPLY_BROKEN:
		exchange_fail(x, st);
		break;
	}
}

static void
write_reply(struct exchange *x, const struct reply_draft *d)
{
	struct buf why = BUF_INIT;
	enum reply_answer answer;
	int64_t id;
	enum status st;

	answer = reply_write(x->app, d, &id, &why, &st);
	if (answer == REPLY_STORED) {
		reply_send(x->app, id);
		answer_reply(x, id, 201);
	} else if (answer == REPLY_KNOWN) {
		answer_reply(x, id, 200);
	} else {
		refuse_reply(x, answer, &why, st);
	}
	buf_release(&why);
}

void
handle_api_reply(struct exchange *x)
{
	const char *author = NULL, *urls[MESSAGES_MEDIA_MAX];
	const struct json *media = NULL;
	struct reply_draft d = { .conversation_id = x->path.arg[0],
		.author = x->agent,
		.media = urls };
	const struct api_field fields[] = {
		{ .name = "text", .text = &d.text },
		{ .name = "media", .json = &media },
		{ .name = "client_id", .text = &d.client_id },
		{ .name = "author", .text = &author },
	};
	struct json *json;

	if (api_body(x, fields, sizeof(fields) / sizeof(fields[0]), &json)) {
		d.machine = str_eq(author, "machine");
		if (d.machine)
			d.author = author;
		if (author != NULL && !d.machine)
			api_refuse(x, "author",
			    "a machine says machine; whose name it is the "
			    "token says");
		else if (d.client_id != NULL &&
		    (*d.client_id == '\0' || strlen(d.client_id) > 128))
			api_refuse(x, "client_id", "1 to 128 bytes");
		else if (read_media(x, media, urls, &d.media_n))
			write_reply(x, &d);
	}
	json_free(json);
}

/* --- resend and drop -------------------------------------------------------- */

struct by_people {
	const char *conversation_id;
	int64_t id;
	bool drop;
};

static enum status
check_conversation(const struct reply *r, void *arg)
{
	const struct by_people *p = arg;

	return strcmp(r->conversation_id, p->conversation_id) == 0
	    ? ST_OK
	    : ST_NOTFOUND;
}

static enum status
by_people_job(struct db *db, void *arg)
{
	struct by_people *p = arg;
	enum status st = reply_get(db, p->id, check_conversation, p);

	if (st != ST_OK)
		return st;
	return p->drop ? reply_drop(db, p->id)
		       : reply_resend(db, p->id, clock_us());
}

/* "r7" */
static bool
read_id(const char *text, int64_t *id)
{
	uint64_t n;

	if (*text != 'r' || str_u64(text + 1, INT64_MAX, &n) != ST_OK)
		return false;
	*id = (int64_t)n;
	return true;
}

static void
decide(struct exchange *x, bool drop)
{
	struct by_people p = { x->path.arg[0], 0, drop };
	struct json *json;
	enum status st = ST_NOTFOUND;
	bool body = api_body(x, NULL, 0, &json);

	json_free(json);
	if (!body)
		return;
	if (read_id(x->path.arg[1], &p.id))
		st = db_write(x->app->db, by_people_job, &p);
	if (st == ST_OK) {
		if (!drop)
			reply_send(x->app, p.id);
		answer_reply(x, p.id, 200);
	} else if (st == ST_NOTFOUND) {
		exchange_error(x, 404, "No such reply in this conversation");
	} else if (st == ST_DENIED) {
		api_conflict(x, "state",
		    drop ? "Only a reply that is queued, unknown, refused or "
			   "failed can be dropped"
			 : "Only a reply that is unknown, refused or failed, "
			   "and whose text is still kept, can be sent again");
	} else {
		exchange_fail(x, st);
	}
}

void
handle_api_resend(struct exchange *x)
{
	decide(x, false);
}

void
handle_api_drop(struct exchange *x)
{
	decide(x, true);
}
