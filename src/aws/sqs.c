#include "aws/sqs.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/client.h"
#include "aws/sqs_address.h"
#include "aws/sqs_message.h"
#include "base/str.h"
#include "codec/json.h"
#include "codec/url.h"

#define BATCH 10 /* the most that SQS gives at once */
#define LOOK_S 60 /* what is looked at or moved is hidden so long */
#define LOOK_MAX 1000

/* What a request to our own front is signed for: any region will do there. */
#define FRONT_REGION "us-east-1"

/* While ack and bury look at a receipt, the item stays hidden so long. */
#define CHECK_S 60

/*
 * An item that this handle received. Between a release and the next receiving
 * only its id and reason are there.
 */
struct held {
	struct queue_item item;
	char *group;
};
#define HELD_MAX 16

struct sqs {
	struct queue base;
	struct aws_client *client;
	char *url, *region; /* region: NULL if the address does not tell */
	char *origin; /* what requests go to; NULL: the host of url */
	enum sqs_kind kind;
	int wait_s;
	char *dead; /* address of the dead letters; NULL: not asked yet; "" */
	struct held held[HELD_MAX];
	size_t oldest; /* slot to give up for the next */
};

static struct sqs *
of(struct queue *q)
{
	return (struct sqs *)q;
}

/* --- calls ------------------------------------------------------------------ */

/* {"QueueUrl":"…" of this queue, or of its dead letters. */
static void
sqs_begin(struct buf *body, const char *url)
{
	buf_puts(body, "{\"QueueUrl\":");
	json_put_text(body, url);
}

/* SQS has more than one way to say that a receipt does not hold. */
static bool
no_such_receipt(const struct aws_reply *reply)
{
	const char *message = NULL;

	if (strcmp(reply->code, "ReceiptHandleIsInvalid") == 0 ||
	    strcmp(reply->code, "MessageNotInflight") == 0)
		return true;
	if (strcmp(reply->code, "InvalidParameterValue") != 0 ||
	    reply->body == NULL ||
	    (json_member_text(reply->body, "message", &message) != ST_OK &&
		json_member_text(reply->body, "Message", &message) != ST_OK))
		return false;
	return strcasestr(message, "receipt handle") != NULL ||
	    strstr(message, "not available for visibility") != NULL;
}

/*
 * Close the body with "}" and call. ST_NOTFOUND: the receipt does not hold;
 * ST_CONFIG: there is no such queue.
 */
static enum status
sqs_call(struct sqs *q, const char *operation, struct buf *body,
    struct aws_reply *reply)
{
	const struct aws_call c = { .service = AWS_SQS,
		.operation = operation,
		.region = q->region,
		.origin = q->origin != NULL ? q->origin : q->url,
		.whole = q->origin != NULL,
		.body = body };
	enum status st = buf_putc(body, '}');

	*reply = (struct aws_reply){ .body = NULL };
	if (st != ST_OK)
		return st;
	st = aws_call(q->client, &c, reply);
	if (no_such_receipt(reply))
		return ST_NOTFOUND;
	return st == ST_NOTFOUND ? ST_CONFIG : st;
}

/* --- messages ------------------------------------------------------------------ */

static enum status
sqs_send(struct sqs *q, const char *url, const struct queue_message *m,
    const char *reason)
{
	struct buf body = BUF_INIT;
	struct aws_reply reply = { .body = NULL };
	enum status st;

	sqs_begin(&body, url);
	st = sqs_put_message(&body, q->kind, m, reason);
	if (st == ST_OK)
		st = sqs_call(q, "SendMessage", &body, &reply);
	if (st == ST_OK && reply.body != NULL &&
	    !sqs_digest_fits(reply.body, "MD5OfMessageBody", m->body, m->len))
		/* It is in the queue: another one would not be better. */
		log_error(aws_client_log(q->client),
		    "SQS took a message with another MD5",
		    LOG_STR("queue", url));
	aws_reply_release(&reply);
	buf_release(&body);
	return st;
}

/*
 * Receive up to max (10), hidden so long. The array of messages is in the
 * reply, which the caller releases; *messages is NULL if there is none.
 */
static enum status
sqs_receive(struct sqs *q, const char *url, int max, int64_t visibility_s,
    struct aws_reply *reply, const struct json **messages)
{
	struct buf body = BUF_INIT;
	enum status st;

	*messages = NULL;
	sqs_begin(&body, url);
	buf_printf(&body,
	    ",\"MaxNumberOfMessages\":%d,\"VisibilityTimeout\":%d,"
	    "\"WaitTimeSeconds\":%d,\"AttributeNames\":[\"All\"],"
	    "\"MessageAttributeNames\":[\"Reason\"]",
	    max, (int)visibility_s, q->wait_s);
	st = sqs_call(q, "ReceiveMessage", &body, reply);
	if (st == ST_OK && reply->body != NULL &&
	    json_member(reply->body, "Messages", messages) == ST_OK &&
	    (json_kind(*messages) != JSON_ARRAY ||
		json_first(*messages) == NULL))
		*messages = NULL;
	buf_release(&body);
	return st;
}

static enum status
sqs_read(struct sqs *q, const struct json *message, int64_t visibility_s,
    struct queue_item *item, const char **group)
{
	enum status st =
	    sqs_read_message(message, q->base.name, visibility_s, item, group);

	if (st == ST_CORRUPT)
		aws_client_say(q->client, AWS_SQS, "ReceiveMessage",
		    "the message is damaged");
	return st;
}

/* --- receipts ----------------------------------------------------------------- */

/* What is done with a receipt: the item is hidden for seconds from now on, or,
 * if they are negative, deleted. */
static enum status
sqs_use_receipt(
    struct sqs *q, const char *url, const char *receipt, int64_t seconds)
{
	bool hide = seconds >= 0;
	struct aws_reply reply = { .body = NULL };
	struct buf body = BUF_INIT;
	enum status st;

	if (str_empty(receipt))
		return ST_NOTFOUND;
	if (seconds > SQS_VISIBILITY_MAX_S)
		seconds = SQS_VISIBILITY_MAX_S;
	sqs_begin(&body, url);
	buf_puts(&body, ",\"ReceiptHandle\":");
	json_put_text(&body, receipt);
	if (hide)
		buf_printf(&body, ",\"VisibilityTimeout\":%d", (int)seconds);
	st = sqs_call(q, hide ? "ChangeMessageVisibility" : "DeleteMessage",
	    &body, &reply);
	aws_reply_release(&reply);
	buf_release(&body);
	return st;
}

static enum status
sqs_hide(struct sqs *q, const char *url, const char *receipt, int64_t seconds)
{
	return sqs_use_receipt(q, url, receipt, seconds);
}

static enum status
sqs_delete(struct sqs *q, const char *url, const char *receipt)
{
	return sqs_use_receipt(q, url, receipt, -1);
}

static void
held_release(struct held *h)
{
	queue_item_release(&h->item);
	free(h->group);
	h->group = NULL;
}

/* The slot of a receipt, or NULL. */
static struct held *
held_find(struct sqs *q, const char *receipt)
{
	size_t i;

	for (i = 0; i < HELD_MAX; i++)
		if (q->held[i].item.receipt != NULL &&
		    strcmp(q->held[i].item.receipt, receipt) == 0)
			return &q->held[i];
	return NULL;
}

/* The slot for an item: the one it had before, else the oldest. */
static struct held *
held_slot(struct sqs *q, const char *id)
{
	size_t i;

	for (i = 0; i < HELD_MAX; i++)
		if (str_eq(q->held[i].item.id, id))
			return &q->held[i];
	i = q->oldest;
	q->oldest = (i + 1) % HELD_MAX;
	held_release(&q->held[i]);
	return &q->held[i];
}

/* Remember what was received; what was said at its release comes along. */
static enum status
sqs_hold(struct sqs *q, struct queue_item *item, const char *group)
{
	struct held *slot = held_slot(q, item->id),
		    h = { .item = { .len = item->len } };

	if (str_dup(item->id, &h.item.id) != ST_OK ||
	    str_dup(item->receipt, &h.item.receipt) != ST_OK ||
	    str_dup(item->body, &h.item.body) != ST_OK ||
	    str_dup(group, &h.group) != ST_OK ||
	    (item->reason == NULL &&
		str_dup(slot->item.reason, &item->reason) != ST_OK)) {
		held_release(&h);
		return ST_NOMEM;
	}
	held_release(slot);
	*slot = h;
	return ST_OK;
}

/* After a release: only what the next receiving shows. */
static void
sqs_let_go(struct sqs *q, const char *receipt, const char *reason)
{
	struct held *slot = held_find(q, receipt), kept = { .group = NULL };

	if (slot == NULL)
		return;
	if (!str_empty(reason)) {
		kept.item.id = slot->item.id;
		slot->item.id = NULL;
		(void)str_dup(reason, &kept.item.reason);
	}
	held_release(slot);
	*slot = kept;
}

/* --- dead letters --------------------------------------------------------------- */

static enum status
sqs_attributes(struct sqs *q, const char *url, struct aws_reply *reply,
    const struct json **attributes)
{
	struct buf body = BUF_INIT;
	enum status st;

	*attributes = NULL;
	sqs_begin(&body, url);
	buf_puts(&body, ",\"AttributeNames\":[\"All\"]");
	st = sqs_call(q, "GetQueueAttributes", &body, reply);
	if (st == ST_OK &&
	    (reply->body == NULL ||
		json_member(reply->body, "Attributes", attributes) != ST_OK))
		st = ST_CORRUPT;
	buf_release(&body);
	return st;
}

/*
 * {"deadLetterTargetArn":"arn:aws:sqs:REGION:ACCOUNT:NAME",…}. Such a queue is
 * of the same region and account, so that its address is ours but for the
 * name.
 */
static enum status
dead_of_policy(struct sqs *q, const char *policy)
{
	struct json *root;
	const char *arn, *name, *slash = strrchr(q->url, '/');
	struct buf url = BUF_INIT;
	enum status st = json_parse(policy, strlen(policy), &root);

	if (st != ST_OK)
		return st == ST_NOMEM ? st : ST_CORRUPT;
	if (json_member_text(root, "deadLetterTargetArn", &arn) != ST_OK ||
	    (name = strrchr(arn, ':')) == NULL || slash == NULL) {
		st = ST_CORRUPT;
		goto out;
	}
	buf_put(&url, q->url, (size_t)(slash - q->url) + 1);
	if ((st = buf_puts(&url, name + 1)) == ST_OK &&
	    (q->dead = buf_detach(&url)) == NULL)
		st = ST_NOMEM;
out:
	json_free(root);
	buf_release(&url);
	return st;
}

/* Ask once which queue has the dead letters: q->dead is "" if none has. */
static enum status
sqs_find_dead(struct sqs *q)
{
	struct aws_reply reply;
	const struct json *attributes;
	const char *policy;
	enum status st;

	if (q->dead != NULL)
		return ST_OK;
	st = sqs_attributes(q, q->url, &reply, &attributes);
	if (st == ST_OK &&
	    json_member_text(attributes, "RedrivePolicy", &policy) == ST_OK)
		st = dead_of_policy(q, policy);
	else if (st == ST_OK)
		st = str_dup("", &q->dead);
	aws_reply_release(&reply);
	return st;
}

/* The same for an operation: ST_UNSUPPORTED if there is no such queue. */
static enum status
sqs_need_dead(struct sqs *q, const char *operation)
{
	enum status st = sqs_find_dead(q);

	if (st == ST_OK && *q->dead == '\0') {
		aws_client_say(q->client, AWS_SQS, operation,
		    "this queue has no dead letters: give it a RedrivePolicy");
		st = ST_UNSUPPORTED;
	}
	return st;
}

static enum status
sqs_bury(struct queue *base, const char *receipt, const char *reason)
{
	struct sqs *q = of(base);
	struct held *held;
	struct queue_message m = { 0 };
	enum status st = sqs_hide(q, q->url, receipt, CHECK_S);

	if (st != ST_OK || (st = sqs_need_dead(q, "SendMessage")) != ST_OK)
		return st;
	if ((held = held_find(q, receipt)) == NULL) {
		aws_client_say(q->client, AWS_SQS, "SendMessage",
		    "only who received a message can bury it");
		return ST_UNSUPPORTED;
	}
	m.body = held->item.body;
	m.len = held->item.len;
	m.group = held->group;
	m.dedupe = held->item.id;
	/* First there, then gone here: twice is better than never. */
	if ((st = sqs_send(q, q->dead, &m, reason)) == ST_OK)
		st = sqs_delete(q, q->url, receipt);
	if (st == ST_OK)
		held_release(held);
	return st;
}

/* --- looking, and moving back ---------------------------------------------------- */

/* What was received to be looked at, and is given back. */
struct looked {
	struct held *rows;
	size_t n, cap;
};

static void
looked_release(struct looked *l)
{
	while (l->n > 0)
		held_release(&l->rows[--l->n]);
	free(l->rows);
}

/* Receive one batch more; *more tells that there was any. */
static enum status
looked_receive(
    struct looked *l, struct sqs *q, const char *url, size_t limit, bool *more)
{
	struct aws_reply reply;
	const struct json *messages, *m;
	const char *group;
	struct held *rows, *row;
	enum status st = sqs_receive(q, url, limit < BATCH ? (int)limit : BATCH,
	    LOOK_S, &reply, &messages);

	*more = st == ST_OK && messages != NULL;
	m = *more ? json_first(messages) : NULL;
	for (; m != NULL && st == ST_OK && limit > 0;
	     m = json_next(m), limit--) {
		if (l->n == l->cap) {
			size_t cap = l->cap == 0 ? BATCH : 2 * l->cap;

			rows = reallocarray(l->rows, cap, sizeof(*rows));
			if (rows == NULL) {
				st = ST_NOMEM;
				break;
			}
			l->rows = rows;
			l->cap = cap;
		}
		row = &l->rows[l->n];
		row->group = NULL;
		if ((st = sqs_read(q, m, 0, &row->item, &group)) != ST_OK)
			break;
		l->n++;
		st = str_dup(group, &row->group);
	}
	aws_reply_release(&reply);
	return st;
}

/*
 * To a FIFO queue the last first: what is given back comes to the front of its
 * group. Others promise no order, and local ones put it at the end.
 */
static void
looked_give_back(const struct looked *l, struct sqs *q, const char *url)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		(void)sqs_hide(q, url,
		    l->rows[q->kind == SQS_FIFO ? l->n - 1 - i : i]
			.item.receipt,
		    0);
}

/* Empties the row: there is nothing to give back. */
static enum status
move_back(struct sqs *q, struct held *row)
{
	/* Its own id: the first one's may still be remembered by SQS. */
	const struct queue_message m = { .body = row->item.body,
		.len = row->item.len,
		.group = row->group,
		.dedupe = row->item.id };
	enum status st = sqs_send(q, q->url, &m, NULL);

	if (st == ST_OK)
		st = sqs_delete(q, q->dead, row->item.receipt);
	if (st == ST_OK)
		held_release(row);
	return st;
}

static enum status
sqs_redrive(struct queue *base, const char *id, int64_t *count)
{
	struct sqs *q = of(base);
	struct looked l = { .n = 0 };
	bool more = true;
	enum status st, got;
	size_t i = 0;

	*count = 0;
	if (id != NULL && *id == '\0')
		return ST_NOTFOUND;
	st = sqs_need_dead(q, "ReceiveMessage");
	while (st == ST_OK && more && (id == NULL || *count == 0)) {
		got = looked_receive(&l, q, q->dead, BATCH, &more);
		for (; st == ST_OK && i < l.n; i++)
			if (id == NULL || strcmp(id, l.rows[i].item.id) == 0) {
				st = move_back(q, &l.rows[i]);
				*count += st == ST_OK;
			}
		if (st == ST_OK)
			st = got;
	}
	looked_give_back(&l, q, q->dead);
	looked_release(&l);
	return st == ST_OK && id != NULL && *count == 0 ? ST_NOTFOUND : st;
}

/* What may be looked at: the dead letters, or a queue that has none. */
static enum status
may_look(struct sqs *q, bool dead)
{
	enum status st;

	if (dead)
		return sqs_need_dead(q, "ReceiveMessage");
	if ((st = sqs_find_dead(q)) != ST_OK || *q->dead == '\0')
		return st;
	aws_client_say(q->client, AWS_SQS, "ReceiveMessage",
	    "to look counts as a receive, and this queue moves what is "
	    "received too often to its dead letters: only those can be looked "
	    "at");
	return ST_UNSUPPORTED;
}

static int
compare_age(const void *a, const void *b)
{
	int64_t x = ((const struct held *)a)->item.created_us;
	int64_t y = ((const struct held *)b)->item.created_us;

	return (x > y) - (x < y);
}

/* Each is shown as if nobody had received it. */
static enum status
sqs_peek(
    struct queue *base, bool dead, size_t limit, queue_row_fn *fn, void *arg)
{
	struct sqs *q = of(base);
	struct looked l = { .n = 0 };
	bool more = true;
	enum status st = may_look(q, dead), shown = ST_OK;
	const char *url = dead ? q->dead : q->url;
	size_t i;

	if (limit > LOOK_MAX)
		limit = LOOK_MAX;
	while (st == ST_OK && more && l.n < limit)
		st = looked_receive(&l, q, url, limit - l.n, &more);
	looked_give_back(&l, q, url);
	if (l.n > 1)
		qsort(l.rows, l.n, sizeof(*l.rows), compare_age);
	for (i = 0; i < l.n && shown == ST_OK; i++) {
		struct queue_item *item = &l.rows[i].item;

		free(item->receipt);
		item->receipt = NULL;
		item->state = dead ? QUEUE_DEAD : QUEUE_READY;
		item->attempts -= item->attempts > 0;
		shown = fn(item, arg);
	}
	looked_release(&l);
	return st != ST_OK ? st : shown;
}

/* --- operations ------------------------------------------------------------------ */

static enum status
sqs_push(struct queue *base, const struct queue_message *m)
{
	struct sqs *q = of(base);
	const char *why = "a delay is not negative";
	enum status st = m->delay_s < 0 ? ST_MALFORMED
					: sqs_check_body(m->body, m->len, &why);

	if (st != ST_OK) {
		aws_client_say(q->client, AWS_SQS, "SendMessage", "%s", why);
		return st;
	}
	if (m->dead == NULL)
		st = sqs_send(q, q->url, m, NULL);
	else if ((st = sqs_need_dead(q, "SendMessage")) == ST_OK)
		st = sqs_send(q, q->dead, m, m->dead);
	/* A queue may be set to less: "Message must be shorter than …". */
	if (st == ST_CONFIG &&
	    strstr(aws_client_error(q->client), "shorter than") != NULL)
		st = ST_TOOBIG;
	return st;
}

static enum status
sqs_take(struct queue *base, int64_t visibility_s, struct queue_item *item)
{
	struct sqs *q = of(base);
	struct aws_reply reply = { .body = NULL };
	const struct json *messages;
	const char *group;
	enum status st;

	*item = (struct queue_item){ 0 };
	if (visibility_s < 0)
		return ST_MALFORMED;
	if (visibility_s > SQS_VISIBILITY_MAX_S)
		visibility_s = SQS_VISIBILITY_MAX_S;
	st = sqs_receive(q, q->url, 1, visibility_s, &reply, &messages);
	if (st == ST_OK && messages == NULL)
		st = ST_NOTFOUND;
	if (st == ST_OK)
		st = sqs_read(
		    q, json_first(messages), visibility_s, item, &group);
	if (st == ST_OK && (st = sqs_hold(q, item, group)) != ST_OK)
		queue_item_release(item);
	aws_reply_release(&reply);
	return st;
}

/*
 * To delete by a receipt that has run out is no error to SQS, though the item
 * is back in the queue. So it is looked at first.
 */
static enum status
sqs_ack(struct queue *base, const char *receipt)
{
	struct sqs *q = of(base);
	struct held *slot;
	enum status st = sqs_hide(q, q->url, receipt, CHECK_S);

	if (st == ST_OK)
		st = sqs_delete(q, q->url, receipt);
	if (st == ST_OK && (slot = held_find(q, receipt)) != NULL)
		held_release(slot);
	return st;
}

static enum status
sqs_release(struct queue *base, const char *receipt, int64_t delay_s,
    const char *reason)
{
	struct sqs *q = of(base);
	enum status st;

	if (delay_s < 0)
		return ST_MALFORMED;
	st = sqs_hide(q, q->url, receipt, delay_s);
	if (st == ST_OK)
		sqs_let_go(q, receipt, reason);
	return st;
}

static enum status
sqs_extend(struct queue *base, const char *receipt, int64_t visibility_s)
{
	struct sqs *q = of(base);

	return visibility_s < 0 ? ST_MALFORMED
				: sqs_hide(q, q->url, receipt, visibility_s);
}

static enum status
sqs_stats(struct queue *base, struct queue_stats *out)
{
	struct sqs *q = of(base);
	struct aws_reply reply;
	const struct json *attributes;
	enum status st = sqs_attributes(q, q->url, &reply, &attributes);

	*out = (struct queue_stats){ 0 };
	if (st == ST_OK) {
		out->ready =
		    sqs_number(attributes, "ApproximateNumberOfMessages");
		out->delayed = sqs_number(
		    attributes, "ApproximateNumberOfMessagesDelayed");
		out->taken = sqs_number(
		    attributes, "ApproximateNumberOfMessagesNotVisible");
	}
	aws_reply_release(&reply);
	if (st != ST_OK || (st = sqs_find_dead(q)) != ST_OK ||
	    str_empty(q->dead))
		return st;
	st = sqs_attributes(q, q->dead, &reply, &attributes);
	if (st == ST_OK)
		out->dead =
		    sqs_number(attributes, "ApproximateNumberOfMessages");
	aws_reply_release(&reply);
	return st;
}

/* --- life -------------------------------------------------------------------------- */

static void
sqs_close(struct queue *base)
{
	struct sqs *q = of(base);
	size_t i;

	if (q == NULL)
		return;
	for (i = 0; i < HELD_MAX; i++)
		held_release(&q->held[i]);
	free(q->url);
	free(q->region);
	free(q->origin);
	free(q->dead);
	free(q);
}

static const struct queue_ops ops = {
	.push = sqs_push,
	.receive = sqs_take,
	.ack = sqs_ack,
	.release = sqs_release,
	.bury = sqs_bury,
	.extend = sqs_extend,
	.peek = sqs_peek,
	.redrive = sqs_redrive,
	.stats = sqs_stats,
	.close = sqs_close,
};

enum status
sqs_open(struct aws_client *client, const struct sqs_options *o,
    struct queue **out, struct buf *why)
{
	size_t n = strlen(o->url);
	struct url url;
	struct sqs *q;

	*out = NULL;
	if (url_split(o->url, n, &url) != ST_OK ||
	    (!url_part_is(&url.scheme, "https") &&
		!url_part_is(&url.scheme, "http")) ||
	    url.path.len < 2 || o->url[n - 1] == '/' ||
	    url.query.data != NULL || url.fragment.data != NULL ||
	    url.userinfo.data != NULL) {
		buf_puts(why,
		    "the address of an SQS queue is wanted, as in "
		    "\"https://sqs.REGION.amazonaws.com/ACCOUNT/"
		    "NAME\"");
		return ST_CONFIG;
	}
	if ((q = calloc(1, sizeof(*q))) == NULL)
		return ST_NOMEM;
	q->base.ops = &ops;
	q->client = client;
	q->wait_s = o->wait_s;
	q->kind = n > 5 && strcmp(o->url + n - 5, ".fifo") == 0 ? SQS_FIFO
								: SQS_STANDARD;
	if (str_dup(o->url, &q->url) != ST_OK ||
	    sqs_address_front(o->url, &q->origin) != ST_OK ||
	    (q->origin != NULL
		    ? str_dup(FRONT_REGION, &q->region)
		    : sqs_address_region(&url.host, &q->region)) != ST_OK) {
		sqs_close(&q->base);
		return ST_NOMEM;
	}
	if (q->origin != NULL)
		q->kind = SQS_EMBEDDED;
	q->base.name = q->url;
	*out = &q->base;
	return ST_OK;
}
