#include "aws/sqs.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/service.h"
#include "aws/sqs_impl.h"
#include "base/str.h"
#include "codec/json.h"
#include "codec/url.h"

/* While ack and bury look at a receipt, the item stays hidden so long. */
#define CHECK_S 60

static struct sqs *
of(struct queue *q)
{
	return (struct sqs *)q;
}

/* --- calls ------------------------------------------------------------------ */

void
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

enum status
sqs_call(struct sqs *q, const char *operation, struct buf *body,
    struct aws_reply *reply)
{
	const struct aws_call c = { .service = AWS_SQS,
		.operation = operation,
		.region = q->region,
		.origin = q->url,
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

enum status
sqs_do(struct sqs *q, const char *operation, struct buf *body)
{
	struct aws_reply reply;
	enum status st = sqs_call(q, operation, body, &reply);

	aws_reply_release(&reply);
	return st;
}

/* --- receipts ----------------------------------------------------------------- */

enum status
sqs_delete(struct sqs *q, const char *url, const char *receipt)
{
	struct buf body = BUF_INIT;
	enum status st;

	sqs_begin(&body, url);
	buf_puts(&body, ",\"ReceiptHandle\":");
	json_put_text(&body, receipt);
	st = sqs_do(q, "DeleteMessage", &body);
	buf_release(&body);
	return st;
}

enum status
sqs_hide(struct sqs *q, const char *url, const char *receipt, int64_t seconds)
{
	struct buf body = BUF_INIT;
	enum status st;

	if (str_empty(receipt))
		return ST_NOTFOUND;
	if (seconds > SQS_VISIBILITY_MAX_S)
		seconds = SQS_VISIBILITY_MAX_S;
	sqs_begin(&body, url);
	buf_puts(&body, ",\"ReceiptHandle\":");
	json_put_text(&body, receipt);
	buf_printf(&body, ",\"VisibilityTimeout\":%d", (int)seconds);
	st = sqs_do(q, "ChangeMessageVisibility", &body);
	buf_release(&body);
	return st;
}

void
sqs_held_release(struct sqs_held *h)
{
	free(h->id);
	free(h->receipt);
	free(h->body);
	free(h->group);
	free(h->reason);
	*h = (struct sqs_held){ 0 };
}

struct sqs_held *
sqs_held_find(struct sqs *q, const char *receipt)
{
	size_t i;

	for (i = 0; i < SQS_HELD_MAX; i++)
		if (q->held[i].receipt != NULL &&
		    strcmp(q->held[i].receipt, receipt) == 0)
			return &q->held[i];
	return NULL;
}

/* The slot for an item: the one it had before, else the oldest. */
static struct sqs_held *
held_slot(struct sqs *q, const char *id)
{
	size_t i;

	for (i = 0; i < SQS_HELD_MAX; i++)
		if (str_eq(q->held[i].id, id))
			return &q->held[i];
	i = q->oldest;
	q->oldest = (i + 1) % SQS_HELD_MAX;
	sqs_held_release(&q->held[i]);
	return &q->held[i];
}

/* Remember what was received; what was said at its release comes along. */
static enum status
hold(struct sqs *q, struct queue_item *item, const char *group)
{
	struct sqs_held *slot = held_slot(q, item->id),
			h = { .len = item->len };

	if (str_dup(item->id, &h.id) != ST_OK ||
	    str_dup(item->receipt, &h.receipt) != ST_OK ||
	    str_dup(item->body, &h.body) != ST_OK ||
	    str_dup(group, &h.group) != ST_OK ||
	    (item->reason == NULL &&
		str_dup(slot->reason, &item->reason) != ST_OK)) {
		sqs_held_release(&h);
		return ST_NOMEM;
	}
	sqs_held_release(slot);
	*slot = h;
	return ST_OK;
}

/* After a release: only what the next receiving shows. */
static void
let_go(struct sqs *q, const char *receipt, const char *reason)
{
	struct sqs_held *slot = sqs_held_find(q, receipt);
	struct sqs_held kept = { 0 };

	if (slot == NULL)
		return;
	if (!str_empty(reason)) {
		kept.id = slot->id;
		slot->id = NULL;
		(void)str_dup(reason, &kept.reason);
	}
	sqs_held_release(slot);
	*slot = kept;
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
	if (st == ST_OK && (st = hold(q, item, group)) != ST_OK)
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
	struct sqs_held *slot;
	enum status st = sqs_hide(q, q->url, receipt, CHECK_S);

	if (st == ST_OK)
		st = sqs_delete(q, q->url, receipt);
	if (st == ST_OK && (slot = sqs_held_find(q, receipt)) != NULL)
		sqs_held_release(slot);
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
		let_go(q, receipt, reason);
	return st;
}

enum status
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

static int64_t
count_of(const struct json *attributes, const char *name)
{
	const char *text;
	uint64_t n;

	if (json_member_text(attributes, name, &text) != ST_OK ||
	    str_u64(text, INT64_MAX, &n) != ST_OK)
		return 0;
	return (int64_t)n;
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
		    count_of(attributes, "ApproximateNumberOfMessages");
		out->delayed =
		    count_of(attributes, "ApproximateNumberOfMessagesDelayed");
		out->taken = count_of(
		    attributes, "ApproximateNumberOfMessagesNotVisible");
	}
	aws_reply_release(&reply);
	if (st != ST_OK || (st = sqs_find_dead(q)) != ST_OK ||
	    str_empty(q->dead))
		return st;
	st = sqs_attributes(q, q->dead, &reply, &attributes);
	if (st == ST_OK)
		out->dead = count_of(attributes, "ApproximateNumberOfMessages");
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
	for (i = 0; i < SQS_HELD_MAX; i++)
		sqs_held_release(&q->held[i]);
	free(q->url);
	free(q->region);
	free(q->dead);
	free(q);
}

static const struct queue_ops ops = {
	.scheme = "https",
	.push = sqs_push,
	.receive = sqs_take,
	.ack = sqs_ack,
	.release = sqs_release,
	.bury = sqs_bury,
	.peek = sqs_peek,
	.redrive = sqs_redrive,
	.stats = sqs_stats,
	.close = sqs_close,
};

/*
 * The region that a host's name tells: sqs.REGION.…, sqs-fips.REGION.…,
 * REGION.queue.amazonaws.com, VPCE.sqs.REGION.vpce.…; NULL if it is none of
 * these. Labels of the host are at most this many.
 */
#define LABELS_MAX 4

static enum status
find_region(const struct url_part *host, char **out)
{
	char text[256], *labels[LABELS_MAX], *rest = text;
	const char *region = NULL;
	size_t n = 0, i;

	*out = NULL;
	if (host->len >= sizeof(text))
		return ST_OK;
	memcpy(text, host->data, host->len);
	text[host->len] = '\0';
	while (n < LABELS_MAX && (labels[n] = strsep(&rest, ".")) != NULL)
		n++;
	for (i = 0; i + 1 < n && region == NULL; i++) {
		if (strcasecmp(labels[i], "sqs") == 0 ||
		    strcasecmp(labels[i], "sqs-fips") == 0)
			region = labels[i + 1];
		else if (strcasecmp(labels[i + 1], "queue") == 0)
			region = labels[i];
	}
	if (region == NULL || strchr(region, '-') == NULL ||
	    !aws_region_valid(region))
		return ST_OK;
	return str_dup(region, out);
}

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
	q->fifo = n > 5 && strcmp(o->url + n - 5, ".fifo") == 0;
	if (str_dup(o->url, &q->url) != ST_OK ||
	    find_region(&url.host, &q->region) != ST_OK) {
		sqs_close(&q->base);
		return ST_NOMEM;
	}
	q->base.name = q->url;
	*out = &q->base;
	return ST_OK;
}
