/* Which queues there are, and what is known of them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/config.h"
#include "message/backends.h"
#include "message/ports.h"
#include "serve/exchange.h"
#include "sqs/sqs_call.h"
#include "store/sqlite_queue.h"

#define SCHEME "sqlite:"
#define DEAD "~dead" /* no queue's own name has a "~" */
#define ACCOUNT "000000000000"
#define LIST_MAX 1000

bool
sqs_is_queue(const char *name, bool *dead)
{
	size_t n = strcspn(name, "~");

	*dead = strcmp(name + n, DEAD) == 0;
	return backend_queue_name(name, n) && (name[n] == '\0' || *dead);
}

static void
put_url(struct sqs_call *c, const char *name)
{
	struct buf url = BUF_INIT;

	if (exchange_base(c->x, &url) != ST_OK ||
	    buf_printf(&url, "/sqs/%s", name) != ST_OK)
		c->out->err = url.err;
	else
		json_put_text(c->out, buf_str(&url));
	buf_release(&url);
}

bool
sqs_get_queue_url(struct sqs_call *c)
{
	const char *name;
	bool dead;

	if (!sqs_text(&c->fault, c->in, "QueueName", true, &name))
		return false;
	if (!sqs_is_queue(name, &dead))
		return sqs_fault(&c->fault, SQS_NO_QUEUE, NULL);
	buf_puts(c->out, "{\"QueueUrl\":");
	put_url(c, name);
	buf_putc(c->out, '}');
	return true;
}

/* --- a list ----------------------------------------------------------------------- */

struct names {
	char **name;
	size_t n;
};

static enum status
names_add(struct names *l, const char *name)
{
	char **more;
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->name[i], name) == 0)
			return ST_OK;
	if ((more = reallocarray(l->name, l->n + 1, sizeof(*more))) == NULL)
		return ST_NOMEM;
	l->name = more;
	if (str_dup(name, &more[l->n]) != ST_OK)
		return ST_NOMEM;
	l->n++;
	return ST_OK;
}

static enum status
add_depth(const struct queue_depth *d, void *arg)
{
	return names_add(arg, d->name);
}

/* Those that the configuration names are there though they may be empty. */
static enum status
find_names(const struct exchange *x, struct names *l)
{
	static const char *const roles[] = { ROLE_AI, ROLE_HUMAN, ROLE_UNROUTED,
		ROLE_DIGITS };
	enum status st = sqlite_queue_depths(x->app->db, 1, add_depth, l);
	const char *url;
	size_t i;

	for (i = 0; st == ST_OK && i < sizeof(roles) / sizeof(roles[0]); i++) {
		url = ports_url(x->app->config, roles[i]);
		if (str_starts(url, SCHEME))
			st = names_add(l, url + strlen(SCHEME));
	}
	return st;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool
sqs_list_queues(struct sqs_call *c)
{
	const char *prefix, *after, *comma = "", *last = NULL;
	int64_t max = LIST_MAX, put = 0;
	struct names l = { .n = 0 };
	enum status st;
	size_t i;

	if (!sqs_text(&c->fault, c->in, "QueueNamePrefix", false, &prefix) ||
	    !sqs_text(&c->fault, c->in, "NextToken", false, &after) ||
	    !sqs_int(&c->fault, c->in, "MaxResults", 1, LIST_MAX, &max))
		return false;
	if ((st = find_names(c->x, &l)) == ST_OK && l.n > 0)
		qsort(l.name, l.n, sizeof(*l.name), compare);
	buf_puts(c->out, "{\"QueueUrls\":[");
	for (i = 0; i < l.n && put <= max; i++) {
		if ((prefix != NULL && !str_starts(l.name[i], prefix)) ||
		    (after != NULL && strcmp(l.name[i], after) <= 0))
			continue;
		if (put++ == max)
			break;
		buf_puts(c->out, comma);
		put_url(c, l.name[i]);
		comma = ",";
		last = l.name[i];
	}
	buf_putc(c->out, ']');
	if (put > max) {
		buf_puts(c->out, ",\"NextToken\":");
		json_put_text(c->out, last);
	}
	buf_putc(c->out, '}');
	while (l.n > 0)
		free(l.name[--l.n]);
	free(l.name);
	return sqs_fault_store(&c->fault, st);
}

/* --- attributes ------------------------------------------------------------------- */

enum attribute {
	READY,
	DELAYED,
	TAKEN,
	VISIBILITY,
	DELAY,
	WAIT,
	SIZE,
	ARN,
	POLICY,
	ATTRIBUTES_N
};

static const char *const attributes[ATTRIBUTES_N] = {
	[READY] = "ApproximateNumberOfMessages",
	[DELAYED] = "ApproximateNumberOfMessagesDelayed",
	[TAKEN] = "ApproximateNumberOfMessagesNotVisible",
	[VISIBILITY] = "VisibilityTimeout",
	[DELAY] = "DelaySeconds",
	[WAIT] = "ReceiveMessageWaitTimeSeconds",
	[SIZE] = "MaximumMessageSize",
	[ARN] = "QueueArn",
	[POLICY] = "RedrivePolicy",
};

/* SQS has them, and no value of them here. */
static const char *const absent[] = { "All", "CreatedTimestamp",
	"LastModifiedTimestamp", "MessageRetentionPeriod", "Policy",
	"RedriveAllowPolicy", "FifoQueue", "ContentBasedDeduplication",
	"DeduplicationScope", "FifoThroughputLimit", "KmsMasterKeyId",
	"KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled" };

static bool
check_names(struct sqs_call *c, const struct json *list)
{
	const struct json *item = list == NULL ? NULL : json_first(list);
	const char *text;
	bool known;
	size_t i;

	for (; item != NULL; item = json_next(item)) {
		known = json_text(item, &text) != ST_OK;
		for (i = 0; !known && i < ATTRIBUTES_N; i++)
			known = strcmp(text, attributes[i]) == 0;
		for (i = 0; !known && i < sizeof(absent) / sizeof(absent[0]);
		     i++)
			known = strcmp(text, absent[i]) == 0;
		if (!known)
			return sqs_fault(&c->fault, SQS_BAD_ATTRIBUTE,
			    "Unknown Attribute %.100s.", text);
	}
	return true;
}

static void
put_arn(const struct sqs_call *c, struct buf *out, const char *more)
{
	buf_printf(out, "arn:aws:sqs:%s:" ACCOUNT ":%s%s", c->x->region,
	    c->name, more);
}

/* The value of one; false: it has none. */
static bool
put_value(const struct sqs_call *c, enum attribute a,
    const struct queue_stats *s, struct buf *out)
{
	int64_t most = c->x->app->config->whatsapp.max_receives;

	switch (a) {
	case READY:
		buf_printf(out, "%" PRId64, s->ready);
		break;
	case DELAYED:
		buf_printf(out, "%" PRId64, s->delayed);
		break;
	case TAKEN:
		buf_printf(out, "%" PRId64, s->taken);
		break;
	case VISIBILITY:
		buf_printf(out, "%d", SQS_VISIBILITY_S);
		break;
	case DELAY:
	case WAIT:
		buf_putc(out, '0');
		break;
	case SIZE:
		buf_printf(out, "%zu", sqs_body_max(c->x));
		break;
	case ARN:
		put_arn(c, out, c->dead ? DEAD : "");
		break;
	case POLICY:
		if (c->dead)
			return false;
		buf_puts(out, "{\"deadLetterTargetArn\":\"");
		put_arn(c, out, DEAD);
		buf_putc(out, '"');
		if (most > 0)
			buf_printf(out, ",\"maxReceiveCount\":%" PRId64, most);
		buf_putc(out, '}');
		break;
	case ATTRIBUTES_N:
		return false;
	}
	return true;
}

bool
sqs_get_queue_attributes(struct sqs_call *c)
{
	struct buf value = BUF_INIT;
	struct queue_stats s;
	const struct json *list;
	const char *comma = "";
	enum status st;
	int a;

	if (!sqs_names(&c->fault, c->in, "AttributeNames", &list) ||
	    !check_names(c, list))
		return false;
	st = c->queue->ops->stats(c->queue, &s);
	buf_puts(c->out, "{\"Attributes\":{");
	for (a = 0; st == ST_OK && a < ATTRIBUTES_N; a++) {
		buf_reset(&value);
		if (!sqs_named(list, attributes[a]) ||
		    !put_value(c, (enum attribute)a, &s, &value))
			continue;
		buf_printf(c->out, "%s\"%s\":", comma, attributes[a]);
		json_put_text(c->out, buf_str(&value));
		comma = ",";
	}
	if (value.err != ST_OK)
		c->out->err = value.err;
	buf_puts(c->out, "}}");
	buf_release(&value);
	return sqs_fault_store(&c->fault, st);
}
