/* What is done with receipts: delete, and hide for longer or no more. */
#include "db/db.h"
#include "serve/exchange.h"
#include "sqs/sqs_call.h"
#include "store/sqlite_queue.h"

#define VISIBILITY_MAX_S 43200

struct settling {
	struct sqs_call *call;
	struct sqs_entry *e;
	size_t n;
	bool hide; /* else delete */
	const char *receipt[SQS_BATCH_MAX];
	int64_t seconds[SQS_BATCH_MAX];
};

/* The receipt does not hold. */
static enum status
stale(struct settling *s, size_t i)
{
	struct sqs_fault *f = &s->e[i].fault;
	enum status st = sqlite_queue_known(s->call->x->app->db, s->receipt[i]);

	if (st == ST_MALFORMED) {
		sqs_fault(f, SQS_BAD_RECEIPT, NULL);
	} else if (s->hide && (st == ST_OK || st == ST_NOTFOUND)) {
		sqs_fault(f, SQS_BAD_VALUE,
		    "Value %.100s for parameter ReceiptHandle is invalid. "
		    "Reason: Message does not exist or is not available for "
		    "visibility timeout change.",
		    s->receipt[i]);
	} else if (st == ST_OK) {
		sqs_fault(f, SQS_BAD_VALUE,
		    "Value %.100s for parameter ReceiptHandle is invalid. "
		    "Reason: The receipt handle has expired.",
		    s->receipt[i]);
	} else if (st != ST_NOTFOUND) {
		return st;
	}
	/* It is gone: whoever deletes it once more did not hear of the first
	 * time. */
	return ST_OK;
}

static enum status
settle_one(struct settling *s, size_t i)
{
	struct queue *q = s->call->queue;
	enum status st;

	if (!s->hide)
		st = q->ops->ack(q, s->receipt[i]);
	else if (s->seconds[i] > 0)
		st = q->ops->extend(q, s->receipt[i], s->seconds[i]);
	else
		st = q->ops->release(q, s->receipt[i], 0, NULL);
	return st == ST_NOTFOUND ? stale(s, i) : st;
}

static enum status
settle_job(struct db *db, void *arg)
{
	struct settling *s = arg;
	enum status st = ST_OK;
	size_t i;

	(void)db;
	for (i = 0; i < s->n && st == ST_OK; i++)
		if (s->receipt[i] != NULL)
			st = settle_one(s, i);
	return st;
}

static bool
settle(struct sqs_call *c, struct sqs_entry *e, size_t n, bool hide)
{
	struct settling s = { .call = c, .e = e, .n = n, .hide = hide };
	struct sqs_fault *f;
	enum status st;
	size_t i;

	for (i = 0; i < n; i++) {
		f = &e[i].fault;
		s.seconds[i] = -1;
		if (!sqs_text(
			f, e[i].in, "ReceiptHandle", true, &s.receipt[i]) ||
		    (hide &&
			!sqs_int(f, e[i].in, "VisibilityTimeout", 0,
			    VISIBILITY_MAX_S, &s.seconds[i])))
			s.receipt[i] = NULL;
	}
	st = db_write_reserved(c->x->app->db, settle_job, &s);
	return sqs_fault_store(&c->fault, st) &&
	    sqs_entries_answer(c, e, n, NULL, NULL);
}

static bool
settle_batch(struct sqs_call *c, bool hide)
{
	struct sqs_entry e[SQS_BATCH_MAX];
	size_t n;

	return sqs_entries(c, e, &n) && settle(c, e, n, hide);
}

bool
sqs_delete_message(struct sqs_call *c)
{
	struct sqs_entry e = { .in = c->in };

	return settle(c, &e, 1, false);
}

bool
sqs_delete_message_batch(struct sqs_call *c)
{
	return settle_batch(c, false);
}

bool
sqs_change_visibility(struct sqs_call *c)
{
	struct sqs_entry e = { .in = c->in };

	return settle(c, &e, 1, true);
}

bool
sqs_change_visibility_batch(struct sqs_call *c)
{
	return settle_batch(c, true);
}
