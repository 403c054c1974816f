#include "message/deliver.h"

#include <string.h>

#include "aws/dedupe.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "db/db.h"
#include "codec/json.h"
#include "message/envelope.h"
#include "message/opt_out.h"
#include "message/routing.h"
#include "store/message.h"
#include "store/queue.h"
#include "store/sender.h"

const char *
deliver_name(const struct spool_entry *e)
{
	return strcmp(e->role, ROLE_DIGITS) == 0 ? e->queue_group : e->sid;
}

/* Seconds until whoever reads the queue may see it. */
static int64_t
delay_left(const struct spool_entry *e)
{
	int64_t left = e->visible_us - clock_us();
	int64_t span = e->visible_us - e->received_us;

	/* It came while the clock was ahead. */
	if (left > span)
		left = span;
	return left <= 0 ? 0 : (left + 999999) / 1000000;
}

enum status
deliver_push(struct ports *ports, const struct spool_entry *e)
{
	struct queue *q = ports_queue(ports, e->role);
	struct queue_message m = { .body = e->body,
		.len = e->len,
		.delay_s = delay_left(e),
		.group = e->queue_group,
		.dedupe = e->sid,
		.trace = e->trace };

	return q == NULL ? ST_CONFIG : q->ops->push(q, &m);
}

/* What could not be noted when it came. */
static enum status
note_opt_out(struct ports *ports, const struct spool_entry *e,
    const struct conversation *c)
{
	struct json *message;
	enum status st = json_parse(e->body, e->len, &message);

	if (st == ST_OK)
		st = opt_out_note(
		    ports->db, ports->conversations, c, opt_out_of(message));
	json_free(message);
	return st;
}

/* The sender could not be looked up before: now it is, and then pushed. */
static enum status
route_and_push(struct ports *ports, const struct spool_entry *e)
{
	const char *sender = sender_of(e->from);
	struct buf message = BUF_INIT, body = BUF_INIT;
	char channel[ENVELOPE_CHANNEL_MAX], id[STR_UUID_MAX];
	struct spool_entry decided = *e;
	struct routing r = { 0 };
	enum status st;

	envelope_channel(e->from, channel);
	if ((st = str_uuid(id)) == ST_OK)
		st =
		    routing_decide(ports, sender, NULL, id, e->received_us, &r);
	if (st == ST_OK)
		st = routing_create(ports, &r);
	if (st == ST_OK)
		st = note_opt_out(ports, e, &r.conversation);
	if (st == ST_OK)
		st = buf_put(&message, e->body, e->len);
	if (st == ST_OK)
		st = envelope_put(
		    &message, &r.conversation, e->received_us, channel, &body);
	if (st == ST_OK && r.role != NULL) {
		decided.role = r.role;
		decided.queue_group =
		    r.conversation.id == NULL ? sender : r.conversation.id;
		decided.visible_us += r.delay_s * 1000000;
		decided.body = body.data;
		decided.len = body.len;
		st = deliver_push(ports, &decided);
	}
	routing_release(&r);
	buf_release(&message);
	buf_release(&body);
	return st;
}

/* --- claims ----------------------------------------------------------------- */

static bool
is_claimed(const struct ports *ports, const struct spool_entry *e)
{
	return ports->dedupe != NULL && e->sid != NULL;
}

static struct dedupe
claim_of(const struct ports *ports, const struct spool_entry *e)
{
	return (struct dedupe){ .table = ports->dedupe,
		.key = e->sid,
		.owner = ports->installation,
		.now_s = clock_us() / 1000000,
		.keep_s =
		    e->brief ? MESSAGE_BRIEF_US / 1000000 : DEDUPE_KEEP_S };
}

/*
 * The queue has it: no other installation is to send it, under its digest
 * either. If that cannot be told, one may, and then it is there twice.
 */
static void
claim_sent(struct ports *ports, const struct spool_entry *e)
{
	struct dedupe d = claim_of(ports, e);
	enum status st = dedupe_sent(ports->aws, &d);

	if (st == ST_OK && e->digest != NULL &&
	    strcmp(e->digest, e->sid) != 0) {
		d.key = e->digest;
		st = dedupe_sent(ports->aws, &d);
	}
	if (st != ST_OK)
		log_warn(ports->log,
		    "a claim could not be marked as sent: a repeat at another "
		    "installation would be sent as well",
		    LOG_SID("message_sid", deliver_name(e)),
		    LOG_STR("reason", ports_why(ports, st)));
}

static enum status
installation_job(struct db *db, void *arg)
{
	return spool_installation(db, arg);
}

/* The first installation to have it sends it. ST_EXISTS: it was sent; ST_BUSY:
 * another has claimed it. */
static enum status
claim(struct ports *ports, const struct spool_entry *e)
{
	struct dedupe d = claim_of(ports, e);
	enum status st = ST_OK;

	if (*ports->installation == '\0')
		st = db_read(ports->db, installation_job, ports->installation);
	return st == ST_OK ? dedupe_claim(ports->aws, &d) : st;
}

void
deliver_unclaim(struct ports *ports, const struct spool_entry *e)
{
	struct dedupe d = claim_of(ports, e);

	if (is_claimed(ports, e))
		dedupe_release(ports->aws, &d);
}

enum status
deliver(struct ports *ports, const struct spool_entry *e, bool *theirs)
{
	bool claimed = is_claimed(ports, e);
	enum status st = claimed ? claim(ports, e) : ST_OK;

	*theirs = claimed && st == ST_BUSY;
	if (claimed && st == ST_EXISTS)
		return ST_OK;
	if (st != ST_OK)
		return st;
	st = strcmp(e->role, ROLE_UNDECIDED) == 0 ? route_and_push(ports, e)
						  : deliver_push(ports, e);
	if (st == ST_OK && claimed)
		claim_sent(ports, e);
	return st;
}
