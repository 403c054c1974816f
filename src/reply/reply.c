/* A reply on its way into the database. */
#include "reply/reply.h"

#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "codec/url.h"
#include "config/config.h"
#include "db/db.h"
#include "message/envelope.h"
#include "message/ports.h"
#include "serve/app.h"
#include "store/reply.h"
#include "store/store.h"
#include "store/transcript.h"
#include "twilio/rest/message_error.h"
#include "twilio/rest/messages.h"

/* Where it goes, and from where. */
struct reply_route {
	struct buf from, to, service_sid;
	char channel[ENVELOPE_CHANNEL_MAX];
};

static void
route_release(struct reply_route *r)
{
	buf_release(&r->from);
	buf_release(&r->to);
	buf_release(&r->service_sid);
}

/* The way that the last message came. */
static enum status
last_route(const struct transcript_summary *s, void *arg)
{
	struct reply_route *r = arg;

	buf_reset(&r->from);
	buf_reset(&r->to);
	buf_reset(&r->service_sid);
	if (str_empty(s->our_address) || str_empty(s->their_address))
		return ST_NOTFOUND;
	buf_puts(&r->from, s->our_address);
	buf_puts(&r->to, s->their_address);
	if (!str_empty(s->service_sid))
		buf_puts(&r->service_sid, s->service_sid);
	return r->from.err != ST_OK ? r->from.err
	    : r->to.err != ST_OK    ? r->to.err
				    : r->service_sid.err;
}

/* By twilio.sender, whose channel is theirs. */
static enum status
first_route(const char *sender, const char *tel, struct reply_route *r)
{
	const char *colon = strchr(sender, ':');

	if (*sender == '\0')
		return ST_NOTFOUND;
	buf_puts(&r->from, sender);
	if (colon != NULL && strchr(tel, ':') == NULL)
		buf_put(&r->to, sender, (size_t)(colon - sender) + 1);
	return buf_puts(&r->to, tel);
}

static enum status
find_route(
    const struct app *app, const struct conversation *c, struct reply_route *r)
{
	enum status st = transcript_get(app->db, c->id, last_route, r);

	if (st == ST_NOTFOUND)
		st = first_route(app->config->twilio.sender, c->tel, r);
	if (st == ST_OK)
		envelope_channel(buf_str(&r->from), r->channel);
	return st;
}

static enum status
put_media(const struct reply_draft *d, struct buf *out)
{
	for (size_t i = 0; i < d->media_n; i++) {
		buf_puts(out, i == 0 ? "[{\"url\":" : ",{\"url\":");
		json_put_text(out, d->media[i]);
		buf_puts(out, ",\"content_type\":null}");
	}
	return d->media_n > 0 ? buf_putc(out, ']') : ST_OK;
}

struct adding {
	struct reply *row;
	const struct reply_draft *draft;
};

static enum status
add_job(struct db *db, void *arg)
{
	const struct adding *a = arg;
	enum status st = reply_add(db, a->row);

	if (st == ST_OK && a->draft->with != NULL)
		st = a->draft->with(db, a->draft->with_arg);
	return st;
}

static enum reply_answer
store(const struct app *app, const struct reply_draft *d,
    const struct reply_route *r, int64_t *id, struct buf *why, enum status *st)
{
	struct buf media = BUF_INIT;
	struct reply row = { .conversation_id = d->conversation_id,
		.client_id = str_empty(d->client_id) ? NULL : d->client_id,
		.author = d->author,
		.machine = d->machine,
		.from = r->from.data,
		.to = r->to.data,
		.service_sid = r->service_sid.data,
		.channel = r->channel,
		.text = str_empty(d->text) ? NULL : d->text,
		.created_us = clock_us() };
	struct adding adding = { &row, d };

	if ((*st = put_media(d, &media)) == ST_OK) {
		row.media = media.data;
		*st = db_write(app->db, add_job, &adding);
	}
	buf_release(&media);
	*id = row.id;
	switch ((int)*st) {
	case ST_OK:
		return REPLY_STORED;
	case ST_EXISTS:
		return REPLY_KNOWN;
	case ST_DENIED:
		buf_puts(why,
		    "this client_id came before with another text "
		    "or other media; give each reply its own");
		return REPLY_REUSED;
	default:
		return REPLY_BROKEN;
	}
}

/* May it be said in this conversation now? REPLY_STORED: it may. */
static enum reply_answer
allowed(
    const struct conversation *c, const struct reply_draft *d, struct buf *why)
{
	if (c->opted_out) {
		buf_puts(why,
		    "this person has opted out (STOP), and gets nothing "
		    "until they write START");
		return REPLY_OPTED_OUT;
	}
	if (d->machine && c->handoff) {
		buf_puts(why, "people have taken this conversation over");
		return REPLY_HANDED_OFF;
	}
	return REPLY_STORED;
}

static enum status
look_up(const struct app *app, const char *id, struct conversation *c)
{
	struct ports *ports = ports_take(app->ports);
	enum status st = ST_NOMEM;

	*c = (struct conversation){ 0 };
	if (ports != NULL) {
		ports_begin(ports, NULL, NULL);
		st =
		    ports->conversations->ops->get(ports->conversations, id, c);
	}
	ports_give(app->ports, ports);
	return st;
}

static bool
is_web_url(const char *text)
{
	struct url u;

	return strpbrk(text, " \t\r\n") == NULL &&
	    url_split(text, strlen(text), &u) == ST_OK &&
	    (url_part_is(&u.scheme, "https") || url_part_is(&u.scheme, "http"));
}

const char *
reply_words(const char *error_code, const char *error)
{
	uint64_t code;

	if (!str_empty(error) || str_empty(error_code) ||
	    str_u64(error_code, INT_MAX, &code) != ST_OK)
		return error;
	return message_error_words((int)code);
}

enum reply_answer
reply_write(const struct app *app, const struct reply_draft *d, int64_t *id,
    struct buf *why, enum status *st)
{
	struct messages_draft draft = { .to = "+1",
		.from = "+1",
		.body = d->text,
		.media = d->media,
		.media_n = d->media_n };
	const char *wrong = messages_draft_wrong(&draft);
	struct reply_route r = { .channel = "" };
	struct conversation c;
	enum reply_answer answer;

	*st = ST_OK;
	for (size_t i = 0; wrong == NULL && i < d->media_n; i++)
		if (!is_web_url(d->media[i]))
			wrong = "a medium is the https:// URL of a file that "
				"Twilio can fetch";
	if (wrong != NULL) {
		buf_puts(why, wrong);
		return REPLY_WRONG;
	}
	if ((*st = look_up(app, d->conversation_id, &c)) != ST_OK)
		return *st == ST_NOTFOUND ? REPLY_NO_CONVERSATION
					  : REPLY_BROKEN;
	answer = allowed(&c, d, why);
	if (answer == REPLY_STORED) {
		*st = find_route(app, &c, &r);
		if (*st == ST_NOTFOUND) {
			buf_puts(why,
			    "nothing has come from this person yet, and "
			    "twilio.sender, the address to write from, is "
			    "not set");
			answer = REPLY_NO_SENDER;
		} else if (*st != ST_OK) {
			answer = REPLY_BROKEN;
		} else {
			answer = store(app, d, &r, id, why, st);
		}
	}
	route_release(&r);
	conversation_release(&c);
	return answer;
}
