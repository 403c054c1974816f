#include "sqs/sqs.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "config/config.h"
#include "serve/access_key.h"
#include "serve/exchange.h"
#include "sqs/sqs_call.h"
#include "store/sqlite_queue.h"

#define TYPE "application/x-amz-json-1.0"
#define TARGET "AmazonSQS."
#define CORAL "com.amazon.coral.service#"
#define SQS "com.amazonaws.sqs#"
#define QUERY "AWS.SimpleQueueService."

/* The most that SQS takes. */
#define BODY_MAX ((size_t)1 << 20)

/* Of max_body, for what is around a message. */
#define ENVELOPE 1024

static const struct {
	int http;
	const char *type, *code, *message;
} faults[SQS_FAULTS_N] = {
	[SQS_NO_QUEUE] = { 400, SQS "QueueDoesNotExist",
	    QUERY "NonExistentQueue", "The specified queue does not exist." },
	[SQS_BAD_VALUE] = { 400, CORAL "InvalidParameterValueException",
	    "InvalidParameterValue", "A parameter is invalid." },
	[SQS_MISSING] = { 400, CORAL "MissingRequiredParameterException",
	    "MissingParameter", "A parameter is missing." },
	[SQS_BAD_JSON] = { 400, CORAL "SerializationException",
	    "SerializationException", "The body is no JSON object." },
	[SQS_BAD_CONTENTS] = { 400, SQS "InvalidMessageContents",
	    "InvalidMessageContents",
	    "Invalid characters found. Valid unicode characters are #x9 | #xA "
	    "| #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF" },
	[SQS_BAD_RECEIPT] = { 400, SQS "ReceiptHandleIsInvalid",
	    "ReceiptHandleIsInvalid", "The input receipt handle is invalid." },
	[SQS_BAD_ATTRIBUTE] = { 400, SQS "InvalidAttributeName",
	    "InvalidAttributeName", "Unknown Attribute." },
	[SQS_EMPTY_BATCH] = { 400, SQS "EmptyBatchRequest",
	    QUERY "EmptyBatchRequest",
	    "There should be at least one entry in the request." },
	[SQS_LONG_BATCH] = { 400, SQS "TooManyEntriesInBatchRequest",
	    QUERY "TooManyEntriesInBatchRequest",
	    "Maximum number of entries per request are 10." },
	[SQS_SAME_IDS] = { 400, SQS "BatchEntryIdsNotDistinct",
	    QUERY "BatchEntryIdsNotDistinct", "Two entries have one Id." },
	[SQS_BAD_ID] = { 400, SQS "InvalidBatchEntryId",
	    QUERY "InvalidBatchEntryId",
	    "A batch entry id can only contain alphanumeric characters, "
	    "hyphens and underscores. It can be at most 80 letters long." },
	[SQS_NOT_OFFERED] = { 400, SQS "UnsupportedOperation",
	    QUERY "UnsupportedOperation",
	    "An embedded queue has no such operation." },
	[SQS_NO_OPERATION] = { 400, CORAL "UnknownOperationException",
	    "InvalidAction", "X-Amz-Target names no operation of AmazonSQS." },
	[SQS_UNAVAILABLE] = { 503, CORAL "ServiceUnavailableException",
	    "ServiceUnavailable", "Not available now, try again" },
};

static const struct operation {
	const char *name;
	sqs_operation_fn *run; /* NULL: SQS has it, embedded queues do not */
	bool queue; /* of a QueueUrl */
} operations[] = {
	{ "ReceiveMessage", sqs_receive_message, true },
	{ "DeleteMessage", sqs_delete_message, true },
	{ "SendMessage", sqs_send_message, true },
	{ "ChangeMessageVisibility", sqs_change_visibility, true },
	{ "DeleteMessageBatch", sqs_delete_message_batch, true },
	{ "SendMessageBatch", sqs_send_message_batch, true },
	{ "ChangeMessageVisibilityBatch", sqs_change_visibility_batch, true },
	{ "GetQueueAttributes", sqs_get_queue_attributes, true },
	{ "GetQueueUrl", sqs_get_queue_url, false },
	{ "ListQueues", sqs_list_queues, false },
	{ "AddPermission", NULL, false },
	{ "CancelMessageMoveTask", NULL, false },
	{ "CreateQueue", NULL, false },
	{ "DeleteQueue", NULL, false },
	{ "ListDeadLetterSourceQueues", NULL, false },
	{ "ListMessageMoveTasks", NULL, false },
	{ "ListQueueTags", NULL, false },
	{ "PurgeQueue", NULL, false },
	{ "RemovePermission", NULL, false },
	{ "SetQueueAttributes", NULL, false },
	{ "StartMessageMoveTask", NULL, false },
	{ "TagQueue", NULL, false },
	{ "UntagQueue", NULL, false },
};

#define OPERATIONS_N (sizeof(operations) / sizeof(operations[0]))

/* --- faults ------------------------------------------------------------------- */

bool
sqs_fault(
    struct sqs_fault *f, enum sqs_fault_kind kind, const char *message, ...)
{
	va_list ap;

	f->kind = kind;
	if (message == NULL) {
		snprintf(
		    f->message, sizeof(f->message), "%s", faults[kind].message);
		return false;
	}
	va_start(ap, message);
	vsnprintf(f->message, sizeof(f->message), message, ap);
	va_end(ap);
	return false;
}

bool
sqs_fault_store(struct sqs_fault *f, enum status st)
{
	return st == ST_OK || sqs_fault(f, SQS_UNAVAILABLE, NULL);
}

void
sqs_fault_answer(struct exchange *x, const struct sqs_fault *f)
{
	access_key_error(x, faults[f->kind].http, faults[f->kind].type,
	    faults[f->kind].code, f->message);
}

/* Batches name it without the protocol's prefix. */
static const char *
short_code(enum sqs_fault_kind kind)
{
	const char *code = faults[kind].code;

	return str_starts(code, QUERY) ? code + strlen(QUERY) : code;
}

/* --- parameters --------------------------------------------------------------- */

bool
sqs_text(struct sqs_fault *f, const struct json *in, const char *name,
    bool needed, const char **out)
{
	enum status st = json_member_text(in, name, out);

	if (st == ST_OK || (st == ST_NOTFOUND && !needed))
		return true;
	if (st == ST_NOTFOUND)
		return sqs_fault(f, SQS_MISSING,
		    "The request must contain the parameter %s.", name);
	return sqs_fault(
	    f, SQS_BAD_JSON, "%s is not a string, or not once", name);
}

bool
sqs_int(struct sqs_fault *f, const struct json *in, const char *name,
    int64_t min, int64_t max, int64_t *out)
{
	int64_t value;
	enum status st = json_member_int(in, name, &value);

	if (st == ST_NOTFOUND)
		return *out >= 0 ||
		    sqs_fault(f, SQS_MISSING,
			"The request must contain the parameter %s.", name);
	if (st == ST_MALFORMED)
		return sqs_fault(
		    f, SQS_BAD_JSON, "%s is not an integer, or not once", name);
	if (st != ST_OK || value < min || value > max)
		return sqs_fault(f, SQS_BAD_VALUE,
		    "Value %lld for parameter %s is invalid. Reason: Must be "
		    ">= %lld and <= %lld, if provided.",
		    (long long)value, name, (long long)min, (long long)max);
	*out = value;
	return true;
}

bool
sqs_names(struct sqs_fault *f, const struct json *in, const char *name,
    const struct json **out)
{
	const struct json *item;
	const char *text;
	enum status st = json_member(in, name, out);

	if (st == ST_NOTFOUND ||
	    (st == ST_OK && json_kind(*out) == JSON_NULL)) {
		*out = NULL;
		return true;
	}
	if (st != ST_OK || json_kind(*out) != JSON_ARRAY)
		return sqs_fault(
		    f, SQS_BAD_JSON, "%s is not a list, or not once", name);
	for (item = json_first(*out); item != NULL; item = json_next(item))
		if (json_text(item, &text) != ST_OK)
			return sqs_fault(f, SQS_BAD_JSON,
			    "%s has something else than strings", name);
	return true;
}

bool
sqs_named(const struct json *list, const char *name)
{
	const struct json *item = list == NULL ? NULL : json_first(list);
	const char *text;

	for (; item != NULL; item = json_next(item))
		if (json_text(item, &text) == ST_OK &&
		    (strcmp(text, name) == 0 || strcmp(text, "All") == 0))
			return true;
	return false;
}

size_t
sqs_body_max(const struct exchange *x)
{
	int64_t max = x->app->config->server.max_body - ENVELOPE;

	if (max < 1)
		return 1;
	return (size_t)max < BODY_MAX ? (size_t)max : BODY_MAX;
}

/* --- batches -------------------------------------------------------------------- */

static bool
is_id(const char *s)
{
	size_t n = strspn(s,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

	return n > 0 && n <= 80 && s[n] == '\0';
}

bool
sqs_entries(
    struct sqs_call *c, struct sqs_entry e[static SQS_BATCH_MAX], size_t *n)
{
	const struct json *list, *item;
	enum status st = json_member(c->in, "Entries", &list);
	size_t i;

	*n = 0;
	if (st == ST_NOTFOUND)
		return sqs_fault(&c->fault, SQS_MISSING,
		    "The request must contain the parameter Entries.");
	if (st != ST_OK || json_kind(list) != JSON_ARRAY)
		return sqs_fault(&c->fault, SQS_BAD_JSON,
		    "Entries is not a list, or not once");
	if (json_size(list) == 0)
		return sqs_fault(&c->fault, SQS_EMPTY_BATCH, NULL);
	if (json_size(list) > SQS_BATCH_MAX)
		return sqs_fault(&c->fault, SQS_LONG_BATCH,
		    "Maximum number of entries per request are 10. You have "
		    "sent %zu.",
		    json_size(list));
	for (item = json_first(list); item != NULL; item = json_next(item)) {
		e[*n] = (struct sqs_entry){ .in = item };
		if (json_kind(item) != JSON_OBJECT)
			return sqs_fault(&c->fault, SQS_BAD_JSON,
			    "Entries has something else than objects");
		if (!sqs_text(&c->fault, item, "Id", true, &e[*n].id))
			return false;
		if (!is_id(e[*n].id))
			return sqs_fault(&c->fault, SQS_BAD_ID, NULL);
		for (i = 0; i < *n; i++)
			if (strcmp(e[i].id, e[*n].id) == 0)
				return sqs_fault(&c->fault, SQS_SAME_IDS,
				    "Id %s repeated.", e[i].id);
		(*n)++;
	}
	return true;
}

static void
put_failed(struct buf *out, const struct sqs_entry *e)
{
	buf_puts(out, "{\"Id\":");
	json_put_text(out, e->id);
	buf_printf(out, ",\"SenderFault\":%s,\"Code\":",
	    faults[e->fault.kind].http < 500 ? "true" : "false");
	json_put_text(out, short_code(e->fault.kind));
	buf_puts(out, ",\"Message\":");
	json_put_text(out, e->fault.message);
	buf_putc(out, '}');
}

bool
sqs_entries_answer(struct sqs_call *c, const struct sqs_entry *e, size_t n,
    void (*put)(struct buf *, size_t i, void *arg), void *arg)
{
	const char *comma = "";
	size_t i;

	if (n == 1 && e->id == NULL) {
		if (e->fault.kind != SQS_FINE) {
			c->fault = e->fault;
			return false;
		}
		buf_putc(c->out, '{');
		if (put != NULL)
			put(c->out, 0, arg);
		buf_putc(c->out, '}');
		return true;
	}
	buf_puts(c->out, "{\"Successful\":[");
	for (i = 0; i < n; i++) {
		if (e[i].fault.kind != SQS_FINE)
			continue;
		buf_printf(c->out, "%s{\"Id\":", comma);
		json_put_text(c->out, e[i].id);
		if (put != NULL) {
			buf_putc(c->out, ',');
			put(c->out, i, arg);
		}
		buf_putc(c->out, '}');
		comma = ",";
	}
	buf_puts(c->out, "],\"Failed\":[");
	for (comma = "", i = 0; i < n; i++) {
		if (e[i].fault.kind == SQS_FINE)
			continue;
		buf_puts(c->out, comma);
		put_failed(c->out, &e[i]);
		comma = ",";
	}
	buf_puts(c->out, "]}");
	return true;
}

/* --- the call ------------------------------------------------------------------- */

/* Of a QueueUrl the last segment counts. */
static bool
open_queue(struct sqs_call *c)
{
	struct db *db = c->x->app->db;
	const char *url, *slash, *name;
	char sqlite[sizeof("sqlite:") + SQS_NAME_MAX];
	enum status st;

	if (!sqs_text(&c->fault, c->in, "QueueUrl", true, &url))
		return false;
	slash = strrchr(url, '/');
	name = slash == NULL ? url : slash + 1;
	if (!sqs_is_queue(name, &c->dead))
		return sqs_fault(&c->fault, SQS_NO_QUEUE, NULL);
	snprintf(c->name, sizeof(c->name), "%s", name);
	*strchrnul(c->name, '~') = '\0';
	snprintf(sqlite, sizeof(sqlite), "sqlite:%s", c->name);
	st = c->dead ? sqlite_queue_open_dead(db, sqlite, c->name, &c->queue)
		     : sqlite_queue_open(db, sqlite, c->name, &c->queue);
	return sqs_fault_store(&c->fault, st);
}

static const struct operation *
find_operation(const struct exchange *x)
{
	const char *target;
	size_t i;

	if (request_header(x->request, "x-amz-target", 12, &target) != ST_OK ||
	    !str_starts(target, TARGET))
		return NULL;
	target += strlen(TARGET);
	for (i = 0; i < OPERATIONS_N; i++)
		if (strcmp(operations[i].name, target) == 0)
			return &operations[i];
	return NULL;
}

static bool
run(struct sqs_call *c, const struct operation *o)
{
	if (o == NULL)
		return sqs_fault(&c->fault, SQS_NO_OPERATION, NULL);
	c->x->outcome = o->name;
	if (o->run == NULL)
		return sqs_fault(&c->fault, SQS_NOT_OFFERED, NULL);
	if (json_kind(c->in) != JSON_OBJECT)
		return sqs_fault(&c->fault, SQS_BAD_JSON, NULL);
	if (o->queue && !open_queue(c))
		return false;
	return o->run(c);
}

/* False: it has answered. */
static bool
read_body(struct exchange *x, struct json **in)
{
	const struct request *r = x->request;
	struct sqs_fault f = { .kind = SQS_FINE };
	enum status st;

	if (x->too_large) {
		sqs_fault(&f, SQS_BAD_VALUE,
		    "One or more parameters are invalid. Reason: Message must "
		    "be shorter than %zu bytes.",
		    sqs_body_max(x));
	} else if (r->body_status != ST_OK) {
		sqs_fault(&f, SQS_BAD_JSON, "Body does not have its length");
	} else if (!request_is_type(r, TYPE)) {
		exchange_error(x, 415, "Unsupported media type");
		return false;
	} else {
		st = json_parse(buf_str(&r->body), r->body.len, in);
		if (st == ST_OK)
			return true;
		sqs_fault(
		    &f, st == ST_NOMEM ? SQS_UNAVAILABLE : SQS_BAD_JSON, NULL);
	}
	sqs_fault_answer(x, &f);
	return false;
}

static void
call_release(void *kept)
{
	struct sqs_call *c = kept;

	sqs_receive_release(c);
	if (c->queue != NULL)
		c->queue->ops->close(c->queue);
	json_free(c->body);
}

void
sqs_call_answer(struct sqs_call *c, bool fine)
{
	struct exchange *x = c->x;

	if (!fine) {
		sqs_fault_answer(x, &c->fault);
		return;
	}
	x->response->code = 200;
	x->response->content_type = TYPE;
	response_header(x->response, "x-amzn-RequestId", x->id);
}

void
handle_sqs(struct exchange *x)
{
	struct sqs_call *c = exchange_keep(x, sizeof(*c), call_release);
	bool fine;

	if (c == NULL || !read_body(x, &c->body))
		return;
	c->x = x;
	c->out = &x->response->body;
	c->in = c->body;
	fine = run(c, find_operation(x));
	if (!c->parked)
		sqs_call_answer(c, fine);
}
