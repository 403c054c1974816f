/* Receiving, and waiting for something to come. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/quit.h"
#include "base/str.h"
#include "base/utf8.h"
#include "codec/crypt.h"
#include "config/config.h"
#include "message/ports.h"
#include "message/waiting.h"
#include "serve/exchange.h"
#include "serve/limit.h"
#include "sqs/sqs_parking.h"
#include "sqs/sqs_attributes.h"
#include "sqs/sqs_call.h"
#include "store/sqlite_queue.h"

#define VISIBILITY_MAX_S 43200
#define WAIT_MAX_S 20
#define WAIT_CGI_S 5 /* a process of its own waits, and is in somebody's way */
#define POLL_US INT64_C(100000)
#define SECOND_US INT64_C(1000000)
#define DOUBT_S 10

/* So many are buried, moved or damaged in one call at most. */
#define PASSED_OVER_MAX 100

struct receiving {
	struct sqs_call *call;
	const struct json *system, *attributes; /* names that are asked for */
	int64_t max, visibility_s, wait_s;
	int64_t until_us; /* monotonic: how long it waits */
	bool entered; /* it counts as one that waits */
	struct waiting waiting; /* to look again before it is handed out */
	struct ports *ports; /* of waiting; NULL: there is nothing to look at */
	struct queue_item items[SQS_BATCH_MAX];
	size_t n;
};

static bool
read_receiving(struct sqs_call *c, struct receiving *r)
{
	struct sqs_fault *f = &c->fault;
	const struct json *old;

	r->max = 1;
	r->visibility_s = SQS_VISIBILITY_S;
	if (!sqs_int(
		f, c->in, "MaxNumberOfMessages", 1, SQS_BATCH_MAX, &r->max) ||
	    !sqs_int(f, c->in, "VisibilityTimeout", 0, VISIBILITY_MAX_S,
		&r->visibility_s) ||
	    !sqs_int(f, c->in, "WaitTimeSeconds", 0, WAIT_MAX_S, &r->wait_s) ||
	    !sqs_names(f, c->in, "MessageSystemAttributeNames", &r->system) ||
	    !sqs_names(f, c->in, "AttributeNames", &old) ||
	    !sqs_names(f, c->in, "MessageAttributeNames", &r->attributes))
		return false;
	if (r->system == NULL)
		r->system = old;
	return true;
}

/* --- taking --------------------------------------------------------------------- */

/* May it be handed out? False: it went elsewhere, or (status) that is not
 * known and it waits again. */
static enum status
look(struct receiving *r, struct queue_item *item, bool *good)
{
	struct sqs_call *c = r->call;
	struct queue *q = c->queue;
	int64_t most = c->x->app->config->whatsapp.max_receives;
	struct buf reason = BUF_INIT;
	bool moved = false;
	enum status st = ST_OK;

	*good = true;
	if (most > 0 && !c->dead && item->attempts > most) {
		buf_printf(&reason,
		    "received more than %" PRId64 " times over /sqs", most);
		st = q->ops->bury(q, item->receipt, buf_str(&reason));
		buf_release(&reason);
		*good = false;
		return st;
	}
	if (r->ports == NULL)
		return ST_OK;
	st = waiting_look_again(&r->waiting, q, item, &moved);
	*good = st == ST_OK && !moved;
	if (st != ST_OK)
		q->ops->release(q, item->receipt, DOUBT_S,
		    "its conversation could not be looked up");
	return st;
}

/* Of the group of the one that was taken last those behind it that are due,
 * too. */
static enum status
take_more(struct receiving *r)
{
	struct queue *q = r->call->queue;
	struct queue_item *first = &r->items[r->n - 1], *more = first + 1;
	size_t n = 0, i;
	enum status st = ST_OK;
	bool good;

	if (first->group == NULL || q->ops->receive_more == NULL ||
	    r->n == (size_t)r->max)
		return ST_OK;
	st = q->ops->receive_more(q, first->receipt, false, SIZE_MAX, more,
	    (size_t)r->max - r->n, &n);
	for (i = 0; i < n; i++) {
		good = true;
		if (st == ST_OK)
			st = look(r, &more[i], &good);
		if (st == ST_OK && good && &more[i] != &r->items[r->n]) {
			r->items[r->n++] = more[i];
			more[i] = (struct queue_item){ 0 };
		} else if (st == ST_OK && good) {
			r->n++;
		} else {
			/* The rest of them wait as they did. */
			if (st != ST_OK && good)
				q->ops->release(q, more[i].receipt, 0, NULL);
			queue_item_release(&more[i]);
		}
	}
	return st == ST_NOTFOUND ? ST_OK : st;
}

/* Take what is due, up to the most that is asked for. ST_OK, also if that is
 * nothing. */
static enum status
take(struct receiving *r)
{
	struct queue *q = r->call->queue;
	enum status st = ST_OK;
	int over = 0;
	bool good;

	while (st == ST_OK && r->n < (size_t)r->max && over < PASSED_OVER_MAX) {
		struct queue_item *item = &r->items[r->n];

		st = q->ops->receive(q, r->visibility_s, item);
		if (st == ST_CORRUPT) {
			st = ST_OK;
			over++;
			continue;
		}
		if (st != ST_OK)
			break;
		st = look(r, item, &good);
		if (good) {
			r->n++;
			st = take_more(r);
		} else {
			queue_item_release(item);
			over++;
		}
	}
	/* What was taken is given, whatever came after it. */
	return st == ST_NOTFOUND || r->n > 0 ? ST_OK : st;
}

/* Whoever cannot tell whether people have taken over takes nothing: each taking
 * counts. */
static enum status
prepare(struct receiving *r)
{
	const struct exchange *x = r->call->x;
	const struct config *config = x->app->config;

	if (r->call->dead ||
	    !str_eq(r->call->queue->name, config->whatsapp.ai_queue))
		return ST_OK;
	if (r->ports == NULL && (r->ports = ports_take(x->app->ports)) == NULL)
		return ST_UNAVAILABLE;
	ports_begin(
	    r->ports, x->request->amzn_trace_id, x->request->traceparent);
	r->waiting = (struct waiting){
		.with = { config, x->app->db, r->ports->aws },
		.conversations = r->ports->conversations,
	};
	return waiting_can_look(&r->waiting);
}

static enum status
take_due(struct receiving *r)
{
	struct sqs_call *c = r->call;
	enum status st = c->dead ? ST_OK : sqlite_queue_due(c->queue);

	if (st == ST_NOTFOUND)
		return ST_OK;
	if (st == ST_OK)
		st = prepare(r);
	if (st == ST_OK)
		st = take(r);
	ports_give(c->x->app->ports, r->ports);
	r->ports = NULL;
	return st;
}

/* A process of its own waits with the request. */
static enum status
take_waiting(struct receiving *r)
{
	enum status st = ST_OK;

	while (st == ST_OK && r->n == 0 && clock_mono_us() < r->until_us) {
		quit_sleep(NULL, POLL_US);
		st = take_due(r);
	}
	return st;
}

/* --- giving --------------------------------------------------------------------- */

static void
put_pair(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, ",\"%s\":", name);
	json_put_text(out, value);
}

static void
put_number(struct buf *out, const char **comma, const char *name, int64_t n)
{
	buf_printf(out, "%s\"%s\":\"%" PRId64 "\"", *comma, name, n);
	*comma = ",";
}

static void
put_system(
    struct buf *out, const struct receiving *r, const struct queue_item *i)
{
	const char *comma = "";

	if (r->system == NULL || json_size(r->system) == 0)
		return;
	buf_puts(out, ",\"Attributes\":{");
	if (sqs_named(r->system, "SentTimestamp"))
		put_number(out, &comma, "SentTimestamp", i->created_us / 1000);
	if (sqs_named(r->system, "ApproximateReceiveCount"))
		put_number(out, &comma, "ApproximateReceiveCount", i->attempts);
	if (i->group != NULL && sqs_named(r->system, "MessageGroupId")) {
		buf_printf(out, "%s\"MessageGroupId\":", comma);
		json_put_text(out, i->group);
	}
	buf_putc(out, '}');
}

static enum status
put_attributes(
    struct buf *out, const struct receiving *r, const struct queue_item *i)
{
	struct sqs_fault unused = { .kind = SQS_FINE };
	struct sqs_attributes list = { .n = 0 };
	char md5[CRYPT_MD5_HEX_MAX];
	struct json *stored = NULL;
	struct buf text = BUF_INIT;
	enum status st = ST_OK;

	if (i->attributes != NULL) {
		buf_printf(&text, "{\"of\":%s}", i->attributes);
		st = json_parse(buf_str(&text), text.len, &stored);
		if (st == ST_OK)
			sqs_attributes_read(&unused, stored, "of", &list);
	}
	if (r->call->dead && !str_empty(i->reason))
		list.of[list.n++] = (struct sqs_attribute){ "Reason", "String",
			i->reason, false };
	sqs_attributes_choose(&list, r->attributes);
	if (st == ST_OK && list.n > 0 &&
	    (st = sqs_attributes_md5(&list, md5)) == ST_OK) {
		put_pair(out, "MD5OfMessageAttributes", md5);
		buf_puts(out, ",\"MessageAttributes\":");
		st = sqs_attributes_put(out, &list);
	}
	json_free(stored);
	buf_release(&text);
	return st;
}

/* The body as JSON can carry it, and its MD5 with it: an embedded queue takes
 * any bytes. */
static enum status
put_body(struct buf *out, const struct queue_item *i)
{
	struct buf body = BUF_INIT;
	char md5[CRYPT_MD5_HEX_MAX];
	size_t at, step;
	enum status st;
	bool valid;

	for (at = 0; at < i->len; at += step) {
		step = utf8_step(i->body + at, i->len - at, &valid);
		if (valid)
			buf_put(&body, i->body + at, step);
		else
			buf_puts(&body, UTF8_REPLACEMENT);
	}
	if ((st = body.err) == ST_OK)
		st = crypt_md5_hex(body.data, body.len, md5);
	if (st == ST_OK) {
		put_pair(out, "MD5OfBody", md5);
		buf_puts(out, ",\"Body\":");
		st = json_put_string(out, buf_str(&body), body.len);
	}
	buf_release(&body);
	return st;
}

static enum status
put_messages(struct buf *out, const struct receiving *r)
{
	enum status st = ST_OK;
	size_t i;

	buf_puts(out, r->n == 0 ? "{" : "{\"Messages\":[");
	for (i = 0; i < r->n && st == ST_OK; i++) {
		const struct queue_item *item = &r->items[i];

		buf_printf(out, "%s{\"MessageId\":", i == 0 ? "" : ",");
		json_put_text(out, item->id);
		put_pair(out, "ReceiptHandle", item->receipt);
		st = put_body(out, item);
		put_system(out, r, item);
		if (st == ST_OK)
			st = put_attributes(out, r, item);
		buf_putc(out, '}');
	}
	buf_puts(out, r->n == 0 ? "}" : "]}");
	return st == ST_OK ? out->err : st;
}

/* What was taken, or why nothing could be. */
static bool
give(struct receiving *r, enum status st)
{
	if (st == ST_OK)
		st = put_messages(r->call->out, r);
	return sqs_fault_store(&r->call->fault, st);
}

bool
sqs_receive_look(struct sqs_call *c)
{
	struct receiving *r = c->receiving;
	enum status st = take_due(r);

	if (st == ST_OK && r->n == 0 && clock_mono_us() < r->until_us &&
	    !limit_closed(c->x->app->receiving))
		return false;
	sqs_call_answer(c, give(r, st));
	return true;
}

/* Nothing is there: wait for it. False: it is answered at once. */
static bool
may_wait(struct receiving *r)
{
	struct sqs_call *c = r->call;
	const struct app *app = c->x->app;
	int64_t wait_s = r->wait_s;

	if (wait_s == 0)
		return false;
	if (c->x->served == NULL && wait_s > WAIT_CGI_S)
		wait_s = WAIT_CGI_S;
	r->until_us = clock_mono_us() + wait_s * SECOND_US;
	if (c->x->served == NULL)
		return true;
	r->entered = app->parking != NULL && !limit_closed(app->receiving) &&
	    limit_enter(app->receiving);
	return r->entered;
}

void
sqs_receive_release(struct sqs_call *c)
{
	struct receiving *r = c->receiving;
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->n; i++)
		queue_item_release(&r->items[i]);
	if (r->entered)
		limit_leave(c->x->app->receiving);
	free(r);
	c->receiving = NULL;
}

bool
sqs_receive_message(struct sqs_call *c)
{
	struct receiving *r = calloc(1, sizeof(*r));
	enum status st;

	if (r == NULL)
		return sqs_fault_store(&c->fault, ST_NOMEM);
	c->receiving = r;
	r->call = c;
	if (!read_receiving(c, r))
		return false;
	st = take_due(r);
	if (st == ST_OK && r->n == 0 && may_wait(r)) {
		if (r->entered) {
			c->parked = true;
			c->x->park = parking_add;
			return true;
		}
		st = take_waiting(r);
	}
	return give(r, st);
}
