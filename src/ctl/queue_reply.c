#include "ctl/queue_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/crypt.h"
#include "ctl/ctl.h"
#include "message/said.h"
#include "reply/reply.h"
#include "store/queue.h"
#include "store/store.h"

/* A store that is busy is asked again: the command's work is done. */
#define TRIES 5

static void
say(struct queue_reply *r, const char *why)
{
	snprintf(r->reason, QUEUE_REPLY_REASON_MAX, "%s", why);
}

static enum queue_reply_end
failed(struct queue_reply *r, const char *why)
{
	say(r, why);
	return QUEUE_REPLY_FAILED;
}

/* --- whose they are -------------------------------------------------------- */

static enum status
read_message(struct queue_reply *r, const struct envelope *e)
{
	struct conversation c = { 0 };
	struct said said;
	enum status st = waiting_conversation(r->waiting, e, &c);

	if (st == ST_OK)
		st = str_dup(c.id, &r->conversation_id);
	conversation_release(&c);
	if (st != ST_OK)
		return st;
	memcpy(r->channel, e->channel, sizeof(r->channel));
	st = said_of_json(e->parsed, e->is_event, &said);
	if (st == ST_OK)
		st = str_dup(e->from, &r->from);
	if (st == ST_OK)
		st = str_dup(said.to, &r->to);
	said_release(&said);
	return st;
}

bool
queue_reply_begin(struct queue_reply *r)
{
	const struct queue_item *last = &r->taken->items[r->taken->n - 1];
	struct envelope e;
	enum status st = envelope_read(last->body, last->len, &e);

	if (st == ST_OK)
		st = read_message(r, &e);
	envelope_release(&e);
	if (st == ST_NOTFOUND)
		say(r,
		    "its sender has no conversation, so nothing can be "
		    "answered; make one (switchhook conversation add), or set "
		    "whatsapp.unknown_sender = create");
	else if (st == ST_MALFORMED)
		say(r,
		    "it is no message of Twilio's, so there is nobody to "
		    "answer");
	else if (st != ST_OK)
		snprintf(r->reason, QUEUE_REPLY_REASON_MAX,
		    "its conversation cannot be looked up: %s",
		    status_text(st));
	return st == ST_OK;
}

void
queue_reply_release(struct queue_reply *r)
{
	free(r->conversation_id);
	free(r->from);
	free(r->to);
}

/* --- the reply ------------------------------------------------------------- */

/* Without the white space around it; "" if there is no more. */
static enum status
trim(const struct buf *printed, struct buf *out)
{
	static const char white[] = " \t\r\n\v\f";
	const char *s = buf_str(printed);
	size_t n = printed->len;

	while (n > 0 && strchr(white, s[n - 1]) != NULL && s[n - 1] != '\0')
		n--;
	while (n > 0 && strchr(white, *s) != NULL && *s != '\0') {
		s++;
		n--;
	}
	return buf_put(out, s, n);
}

/* Of the messages, so that they have the same one when they come again. */
static enum status
client_id(const struct waiting_taken *t, char out[static CRYPT_SHA256_HEX_MAX])
{
	struct buf all = BUF_INIT;
	struct crypt_piece piece;
	enum status st;

	for (size_t i = 0; i < t->n; i++) {
		buf_printf(&all, "%zu ", t->items[i].len);
		buf_put(&all, t->items[i].body, t->items[i].len);
	}
	piece = (struct crypt_piece){ all.data, all.len };
	st = all.err == ST_OK ? crypt_sha256_hex(&piece, 1, out) : all.err;
	buf_release(&all);
	return st;
}

static enum status
acknowledge(struct db *db, void *arg)
{
	const struct waiting_taken *t = arg;
	const struct queue_end end = { .how = QUEUE_ACK };
	const struct queue_ops *ops = t->queue->ops;

	(void)db;
	return ops->settle(t->queue, t->receipts, t->n, &end);
}

/*
 * In the embedded database the messages go in the transaction that stores the
 * reply. Elsewhere they are acknowledged after it, and may come again in
 * between: then the reply is known.
 */
static enum reply_answer
write_reply(struct queue_reply *r, const char *text, struct buf *why,
    bool *settled, enum status *st)
{
	char id[CRYPT_SHA256_HEX_MAX];
	struct reply_draft d = { .conversation_id = r->conversation_id,
		.client_id = id,
		.author = "machine",
		.machine = true,
		.text = text };
	enum reply_answer answer = REPLY_BROKEN;

	if ((*st = client_id(r->taken, id)) != ST_OK)
		return REPLY_BROKEN;
	*settled = r->taken->queue->ops->settle != NULL;
	if (*settled) {
		d.with = acknowledge;
		d.with_arg = (void *)r->taken;
	}
	*st = ST_BUSY;
	for (int i = 0; i < TRIES && *st == ST_BUSY; i++) {
		buf_reset(why);
		answer = reply_write(r->ctl->app, &d, &r->id, why, st);
	}
	if (answer != REPLY_STORED)
		r->id = 0;
	return answer;
}

static enum queue_reply_end
end_of(struct queue_reply *r, enum reply_answer answer, const struct buf *why,
    bool settled, enum status st)
{
	switch (answer) {
	case REPLY_STORED:
		return settled ? QUEUE_REPLY_SETTLED : QUEUE_REPLY_DONE;
	case REPLY_KNOWN:
	case REPLY_REUSED:
		say(r, "it was answered before, and is not answered twice");
		return QUEUE_REPLY_DONE;
	case REPLY_OPTED_OUT:
		say(r, "not answered: this person has opted out (STOP)");
		return QUEUE_REPLY_DONE;
	case REPLY_HANDED_OFF:
		return queue_reply_hand_over(r);
	case REPLY_NO_CONVERSATION:
		return failed(r, "its conversation was removed");
	case REPLY_WRONG:
	case REPLY_NO_SENDER:
		return failed(r, buf_str(why));
	case REPLY_BROKEN:
		break;
	}
	snprintf(r->reason, QUEUE_REPLY_REASON_MAX,
	    "the reply cannot be stored: %s", status_text(st));
	return QUEUE_REPLY_FAILED;
}

enum queue_reply_end
queue_reply_store(struct queue_reply *r, const struct buf *printed)
{
	struct buf text = BUF_INIT, why = BUF_INIT;
	enum queue_reply_end end = QUEUE_REPLY_DONE;
	enum status st = printed->err;
	bool settled = false;

	if (st == ST_OK)
		st = trim(printed, &text);
	if (st != ST_OK)
		end = failed(r, status_text(st));
	else if (printed->len > QUEUE_REPLY_OUTPUT)
		end = failed(r,
		    "it printed more than 64 KiB; a reply has 1600 characters "
		    "at most");
	else if (text.len > 0 && strlen(text.data) != text.len)
		end = failed(r, "it printed a NUL, which no reply can have");
	else if (text.len > 0) {
		enum reply_answer answer =
		    write_reply(r, text.data, &why, &settled, &st);

		end = end_of(r, answer, &why, settled, st);
	}
	buf_release(&text);
	buf_release(&why);
	return end;
}

enum queue_reply_end
queue_reply_hand_over(struct queue_reply *r)
{
	enum status st = ST_BUSY;

	for (int i = 0; i < TRIES && st == ST_BUSY; i++)
		st =
		    waiting_hand_over(r->waiting, r->conversation_id, r->taken);
	if (st == ST_OK)
		return QUEUE_REPLY_HANDED_OFF;
	snprintf(r->reason, QUEUE_REPLY_REASON_MAX,
	    "it cannot be handed to people: %s", status_text(st));
	return QUEUE_REPLY_FAILED;
}
