/* Dead letters at SQS, and looking at a queue. */
#include <stdlib.h>
#include <string.h>

#include "aws/sqs_impl.h"
#include "base/str.h"
#include "codec/json.h"

#define BATCH 10 /* the most that SQS gives at once */
#define LOOK_S 60 /* what is looked at or moved is hidden so long */
#define LOOK_MAX 1000
#define CHECK_S 60

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
enum status
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

enum status
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

enum status
sqs_bury(struct queue *base, const char *receipt, const char *reason)
{
	struct sqs *q = (struct sqs *)base;
	struct sqs_held *held;
	struct queue_message m = { 0 };
	enum status st = sqs_hide(q, q->url, receipt, CHECK_S);

	if (st != ST_OK || (st = sqs_need_dead(q, "SendMessage")) != ST_OK)
		return st;
	if ((held = sqs_held_find(q, receipt)) == NULL) {
		aws_client_say(q->client, AWS_SQS, "SendMessage",
		    "only who received a message can bury it");
		return ST_UNSUPPORTED;
	}
	m.body = held->body;
	m.len = held->len;
	m.group = held->group;
	m.dedupe = held->id;
	/* First there, then gone here: twice is better than never. */
	if ((st = sqs_send(q, q->dead, &m, reason)) == ST_OK)
		st = sqs_delete(q, q->url, receipt);
	if (st == ST_OK)
		sqs_held_release(held);
	return st;
}

/* --- moving back ------------------------------------------------------------- */

static enum status
move_back(struct sqs *q, const struct queue_item *item, const char *group)
{
	/* Its own id: the first one's may still be remembered by SQS. */
	const struct queue_message m = { .body = item->body,
		.len = item->len,
		.group = group,
		.dedupe = item->id };
	enum status st = sqs_send(q, q->url, &m, NULL);

	return st == ST_OK ? sqs_delete(q, q->dead, item->receipt) : st;
}

/* Receipts of what was looked at and is given back. */
struct others {
	char **receipts;
	size_t n;
};

/* Takes the item's receipt. */
static enum status
set_aside(struct others *others, struct queue_item *item)
{
	char **more = realloc(
	    others->receipts, (others->n + 1) * sizeof(*others->receipts));

	if (more == NULL)
		return ST_NOMEM;
	others->receipts = more;
	others->receipts[others->n++] = item->receipt;
	item->receipt = NULL;
	return ST_OK;
}

/* Last first: what is given back comes to the front in some queues. */
static void
give_back(struct sqs *q, struct others *others)
{
	while (others->n > 0) {
		char *receipt = others->receipts[--others->n];

		(void)sqs_hide(q, q->dead, receipt, 0);
		free(receipt);
	}
	free(others->receipts);
}

/* One batch of dead letters; *more tells that there were any, *count grows. */
static enum status
redrive_batch(struct sqs *q, const char *id, struct others *others,
    int64_t *count, bool *more)
{
	struct aws_reply reply;
	const struct json *messages, *m;
	struct queue_item item;
	const char *group;
	enum status st =
	    sqs_receive(q, q->dead, BATCH, LOOK_S, &reply, &messages);

	*more = st == ST_OK && messages != NULL;
	m = *more ? json_first(messages) : NULL;
	for (; m != NULL && st == ST_OK; m = json_next(m)) {
		st = sqs_read(q, m, LOOK_S, &item, &group);
		if (st == ST_OK && id != NULL && strcmp(id, item.id) != 0)
			st = set_aside(others, &item);
		else if (st == ST_OK &&
		    (st = move_back(q, &item, group)) == ST_OK)
			(*count)++;
		queue_item_release(&item);
	}
	aws_reply_release(&reply);
	return st;
}

enum status
sqs_redrive(struct queue *base, const char *id, int64_t *count)
{
	struct sqs *q = (struct sqs *)base;
	struct others others = { NULL, 0 };
	bool more = true;
	enum status st;

	*count = 0;
	if (id != NULL && *id == '\0')
		return ST_NOTFOUND;
	st = sqs_need_dead(q, "ReceiveMessage");
	while (st == ST_OK && more && (id == NULL || *count == 0))
		st = redrive_batch(q, id, &others, count, &more);
	give_back(q, &others);
	return st == ST_OK && id != NULL && *count == 0 ? ST_NOTFOUND : st;
}

/* --- looking ------------------------------------------------------------------- */

struct look {
	struct queue_item *items;
	size_t n, limit;
};

static int
compare_age(const void *a, const void *b)
{
	const struct queue_item *x = a, *y = b;

	return (x->created_us > y->created_us) -
	    (x->created_us < y->created_us);
}

static enum status
look_batch(struct sqs *q, const char *url, struct look *look, bool *more)
{
	size_t want = look->limit - look->n;
	struct aws_reply reply;
	const struct json *messages, *m;
	const char *group;
	enum status st = sqs_receive(q, url, want < BATCH ? (int)want : BATCH,
	    LOOK_S, &reply, &messages);

	*more = st == ST_OK && messages != NULL;
	m = *more ? json_first(messages) : NULL;
	for (; m != NULL && st == ST_OK && look->n < look->limit;
	     m = json_next(m)) {
		st = sqs_read(q, m, 0, &look->items[look->n], &group);
		if (st == ST_OK)
			look->n++;
	}
	aws_reply_release(&reply);
	return st;
}

/* Give each back and show it, as if nobody had received it. */
static enum status
show(struct sqs *q, const char *url, struct look *look, bool dead,
    queue_row_fn *fn, void *arg)
{
	enum status st = ST_OK;
	size_t i;

	if (look->n > 1)
		qsort(look->items, look->n, sizeof(*look->items), compare_age);
	for (i = 0; i < look->n; i++) {
		struct queue_item *item = &look->items[i];

		(void)sqs_hide(q, url, item->receipt, 0);
		free(item->receipt);
		item->receipt = NULL;
		item->state = dead ? QUEUE_DEAD : QUEUE_READY;
		item->attempts -= item->attempts > 0;
		if (st == ST_OK)
			st = fn(item, arg);
		queue_item_release(item);
	}
	return st;
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

enum status
sqs_peek(
    struct queue *base, bool dead, size_t limit, queue_row_fn *fn, void *arg)
{
	struct sqs *q = (struct sqs *)base;
	struct look look = { .limit = limit < LOOK_MAX ? limit : LOOK_MAX };
	const char *url;
	bool more = true;
	enum status st = may_look(q, dead), shown;

	if (st != ST_OK || limit == 0)
		return st;
	url = dead ? q->dead : q->url;
	if ((look.items = calloc(look.limit, sizeof(*look.items))) == NULL)
		return ST_NOMEM;
	while (st == ST_OK && more && look.n < look.limit)
		st = look_batch(q, url, &look, &more);
	shown = show(q, url, &look, dead, fn, arg);
	free(look.items);
	return st != ST_OK ? st : shown;
}
