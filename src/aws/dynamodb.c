#include "aws/dynamodb.h"

#include <stdlib.h>
#include <string.h>

#include "aws/client.h"
#include "aws/dynamodb_item.h"
#include "base/str.h"
#include "codec/json.h"

#define TABLE_MAX 1024 /* of an ARN; a name has 255 */
#define PAGE 500 /* items asked for at once when listing */

/* An equal time is made one of its own in so many steps at most. */
#define TIES_MAX 32

struct dynamodb {
	struct store base;
	struct aws_client *client;
	char *table, *index;
};

static struct dynamodb *
of(struct store *s)
{
	return (struct dynamodb *)s;
}

/* --- requests ------------------------------------------------------------ */

/* {"TableName":"…" */
static void
begin(struct buf *body, const struct dynamodb *d)
{
	buf_puts(body, "{\"TableName\":");
	json_put_text(body, d->table);
}

/* …,"IndexName":"…", and the key of one sender; at is NULL, or one time. */
static void
put_key(struct buf *body, const struct dynamodb *d, const char *tel,
    const int64_t *at)
{
	buf_puts(body, ",\"IndexName\":");
	json_put_text(body, d->index);
	buf_puts(body, ",\"KeyConditionExpression\":\"" ITEM_TEL " = :tel");
	if (at != NULL)
		buf_puts(body, " AND " ITEM_CREATED " = :at");
	buf_puts(body, "\",\"ExpressionAttributeValues\":{\":tel\":");
	item_put_text(body, tel);
	if (at != NULL) {
		buf_puts(body, ",\":at\":");
		item_put_time(body, *at);
	}
	buf_putc(body, '}');
}

static void
put_id(struct buf *body, const char *id)
{
	buf_puts(body, ",\"Key\":{\"" ITEM_ID "\":");
	item_put_text(body, id);
	buf_putc(body, '}');
}

static enum status
call(struct dynamodb *d, const char *operation, struct buf *body,
    struct aws_reply *reply)
{
	const struct aws_call c = {
		.service = AWS_DYNAMODB, .operation = operation, .body = body
	};
	enum status st = buf_putc(body, '}');

	*reply = (struct aws_reply){ .body = NULL };
	if (st != ST_OK)
		return st;
	st = aws_call(d->client, &c, reply);
	/* What is not found is the table: an item would just be absent. */
	return st == ST_NOTFOUND ? ST_CONFIG : st;
}

static enum status
read_item(struct dynamodb *d, const char *operation, const struct json *item,
    struct conversation *out)
{
	const char *wrong;
	enum status st = item_read(item, out, &wrong);

	if (st == ST_CORRUPT)
		aws_client_say(d->client, AWS_DYNAMODB, operation,
		    "an item of %s has no %s that can be understood", d->table,
		    wrong);
	return st;
}

/* --- one conversation ------------------------------------------------------ */

static enum status
dynamodb_newest(struct store *s, const char *tel, struct conversation *out)
{
	struct dynamodb *d = of(s);
	struct buf body = BUF_INIT;
	struct aws_reply reply;
	const struct json *items;
	enum status st;

	*out = (struct conversation){ .id = NULL };
	if (str_empty(tel)) /* no key may be "" */
		return ST_NOTFOUND;
	begin(&body, d);
	put_key(&body, d, tel, NULL);
	buf_puts(&body, ",\"ScanIndexForward\":false,\"Limit\":1");
	st = call(d, "Query", &body, &reply);
	if (st == ST_OK) {
		/* LastEvaluatedKey is there too: it only says there is more. */
		st = ST_NOTFOUND;
		if (reply.body == NULL ||
		    json_member(reply.body, "Items", &items) != ST_OK)
			st = ST_CORRUPT;
		else if (json_first(items) != NULL)
			st = read_item(d, "Query", json_first(items), out);
	}
	aws_reply_release(&reply);
	buf_release(&body);
	return st;
}

static enum status
dynamodb_get(struct store *s, const char *id, struct conversation *out)
{
	struct dynamodb *d = of(s);
	struct buf body = BUF_INIT;
	struct aws_reply reply;
	const struct json *item;
	enum status st;

	*out = (struct conversation){ .id = NULL };
	if (str_empty(id))
		return ST_NOTFOUND;
	begin(&body, d);
	put_id(&body, id);
	buf_puts(&body, ",\"ConsistentRead\":true");
	st = call(d, "GetItem", &body, &reply);
	if (st == ST_OK && reply.body != NULL)
		st = json_member(reply.body, "Item", &item);
	else if (st == ST_OK)
		st = ST_NOTFOUND;
	if (st == ST_OK)
		st = read_item(d, "GetItem", item, out);
	aws_reply_release(&reply);
	buf_release(&body);
	return st;
}

/* ST_OK: nothing of this sender has this very time. ST_EXISTS: it has. */
static enum status
time_is_free(struct dynamodb *d, const char *tel, int64_t at)
{
	struct buf body = BUF_INIT;
	struct aws_reply reply;
	int64_t count = 0;
	enum status st;

	begin(&body, d);
	put_key(&body, d, tel, &at);
	buf_puts(&body, ",\"Select\":\"COUNT\"");
	st = call(d, "Query", &body, &reply);
	if (st == ST_OK &&
	    (reply.body == NULL ||
		json_member_int(reply.body, "Count", &count) != ST_OK))
		st = ST_CORRUPT;
	if (st == ST_OK && count > 0)
		st = ST_EXISTS;
	aws_reply_release(&reply);
	buf_release(&body);
	return st;
}

static bool
same_text(const char *a, const char *b)
{
	return str_eq(str_empty(a) ? NULL : a, str_empty(b) ? NULL : b);
}

/* Is this very conversation stored already? */
static bool
is_stored(struct store *s, const struct conversation *c)
{
	struct conversation there;
	bool same;

	if (s->ops->get(s, c->id, &there) != ST_OK)
		return false;
	same = same_text(there.tel, c->tel) &&
	    same_text(there.thread_id, c->thread_id) &&
	    same_text(there.company_id, c->company_id) &&
	    same_text(there.project_id, c->project_id) &&
	    there.handoff == c->handoff && there.created_us == c->created_us;
	conversation_release(&there);
	return same;
}

static enum status
put_item(struct dynamodb *d, const struct conversation *c)
{
	struct buf body = BUF_INIT;
	struct aws_reply reply;
	enum status st;

	begin(&body, d);
	buf_puts(&body, ",\"Item\":");
	item_put(&body, c);
	buf_puts(&body,
	    ",\"ConditionExpression\":\"attribute_not_exists(" ITEM_ID ")\"");
	st = call(d, "PutItem", &body, &reply);
	/*
	 * What is in our way may be our own, from a try whose answer got lost;
	 * libcurl, too, sends once more when a kept connection breaks.
	 */
	if (st == ST_EXISTS && is_stored(&d->base, c))
		st = ST_OK;
	aws_reply_release(&reply);
	buf_release(&body);
	return st;
}

/*
 * The index does not order items of equal time, so the later one gets the next
 * microsecond that is free.
 */
static enum status
dynamodb_add(struct store *s, const struct conversation *c)
{
	struct dynamodb *d = of(s);
	struct conversation copy = *c;
	enum status st = ST_EXISTS;
	int i;

	if (str_empty(c->id) || str_empty(c->tel))
		return ST_MALFORMED;
	for (i = 0; i < TIES_MAX && st == ST_EXISTS; i++) {
		copy.created_us = c->created_us + i;
		st = time_is_free(d, c->tel, copy.created_us);
	}
	return st == ST_OK ? put_item(d, &copy) : st;
}

/* Change or remove the item of an id, if there is one: the request's body up to
 * its condition. */
static void
begin_existing(struct buf *body, const struct dynamodb *d, const char *id)
{
	begin(body, d);
	put_id(body, id);
	buf_puts(
	    body, ",\"ConditionExpression\":\"attribute_exists(" ITEM_ID ")\"");
}

static enum status
call_existing(struct dynamodb *d, const char *operation, struct buf *body)
{
	struct aws_reply reply;
	enum status st = call(d, operation, body, &reply);

	aws_reply_release(&reply);
	buf_release(body);
	/* The condition failed: there is none. */
	return st == ST_EXISTS ? ST_NOTFOUND : st;
}

static enum status
dynamodb_set(
    struct store *s, const char *id, const struct conversation_change *to)
{
	struct buf body = BUF_INIT;

	if (to->tel != NULL && *to->tel == '\0')
		return ST_MALFORMED;
	if (str_empty(id))
		return ST_NOTFOUND;
	begin_existing(&body, of(s), id);
	item_put_change(&body, to);
	return call_existing(of(s), "UpdateItem", &body);
}

static enum status
dynamodb_remove(struct store *s, const char *id)
{
	struct buf body = BUF_INIT;

	if (str_empty(id))
		return ST_NOTFOUND;
	begin_existing(&body, of(s), id);
	return call_existing(of(s), "DeleteItem", &body);
}

/* --- lists ------------------------------------------------------------------- */

/* The newest conversations seen so far. */
struct newest {
	struct conversation *rows;
	size_t n, cap;
	size_t limit;
};

static int
compare_age(const void *a, const void *b)
{
	const struct conversation *x = a, *y = b;

	return (x->created_us < y->created_us) -
	    (x->created_us > y->created_us);
}

/* Newest first, and no more than are wanted. */
static void
cut(struct newest *all)
{
	if (all->n > 1)
		qsort(all->rows, all->n, sizeof(*all->rows), compare_age);
	while (all->n > all->limit)
		conversation_release(&all->rows[--all->n]);
}

static enum status
take_page(struct dynamodb *d, const char *operation, const struct json *items,
    struct newest *all)
{
	size_t need = all->n + json_size(items);
	const struct json *item;
	enum status st = ST_OK;
	void *more;

	if (need > all->cap) {
		more = realloc(all->rows, need * sizeof(*all->rows));
		if (more == NULL)
			return ST_NOMEM;
		all->rows = more;
		all->cap = need;
	}
	for (item = json_first(items); item != NULL && st == ST_OK;
	     item = json_next(item)) {
		st = read_item(d, operation, item, &all->rows[all->n]);
		if (st == ST_OK)
			all->n++;
	}
	cut(all);
	return st;
}

/* What the next page begins with: {"conversation_id":{"S":"…"},…} as it came,
 * in text; nothing on the last page. */
static enum status
next_page(const struct json *reply, struct buf *start)
{
	const struct json *key, *part, *value;
	const char *text;

	buf_reset(start);
	if (json_member(reply, "LastEvaluatedKey", &key) != ST_OK)
		return ST_OK;
	for (part = json_first(key); part != NULL; part = json_next(part)) {
		value = json_first(part);
		if (json_name(part) == NULL || value == NULL ||
		    json_name(value) == NULL ||
		    json_text(value, &text) != ST_OK)
			return ST_CORRUPT;
		buf_putc(start, start->len == 0 ? '{' : ',');
		json_put_text(start, json_name(part));
		buf_puts(start, ":{");
		json_put_text(start, json_name(value));
		buf_putc(start, ':');
		json_put_text(start, text);
		buf_putc(start, '}');
	}
	return buf_putc(start, '}');
}

static enum status
read_page(
    struct dynamodb *d, const char *tel, struct newest *all, struct buf *start)
{
	const char *operation = tel != NULL ? "Query" : "Scan";
	struct buf body = BUF_INIT;
	struct aws_reply reply;
	const struct json *items;
	enum status st;

	begin(&body, d);
	if (tel != NULL) {
		put_key(&body, d, tel, NULL);
		buf_puts(&body, ",\"ScanIndexForward\":false");
	}
	buf_printf(&body, ",\"Limit\":%d", PAGE);
	if (start->len > 0)
		buf_printf(&body, ",\"ExclusiveStartKey\":%s", buf_str(start));
	st = call(d, operation, &body, &reply);
	if (st == ST_OK &&
	    (reply.body == NULL ||
		json_member(reply.body, "Items", &items) != ST_OK))
		st = ST_CORRUPT;
	if (st == ST_OK)
		st = take_page(d, operation, items, all);
	if (st == ST_OK)
		st = next_page(reply.body, start);
	aws_reply_release(&reply);
	buf_release(&body);
	return st;
}

static enum status
dynamodb_list(
    struct store *s, const char *tel, size_t limit, store_row_fn *fn, void *arg)
{
	struct newest all = { .limit = limit };
	struct buf start = BUF_INIT;
	enum status st = ST_OK;
	size_t i;

	if (limit == 0 || (tel != NULL && *tel == '\0'))
		return ST_OK;
	do
		st = read_page(of(s), tel, &all, &start);
	/* One sender's come in order: enough is enough. */
	while (st == ST_OK && start.len > 0 && (tel == NULL || all.n < limit));
	for (i = 0; i < all.n && st == ST_OK; i++)
		st = fn(&all.rows[i], arg);
	for (i = 0; i < all.n; i++)
		conversation_release(&all.rows[i]);
	free(all.rows);
	buf_release(&start);
	return st;
}

/* --- life -------------------------------------------------------------------- */

static void
dynamodb_close(struct store *s)
{
	struct dynamodb *d = of(s);

	if (d == NULL)
		return;
	free(d->table);
	free(d->index);
	free(d);
}

static const struct store_ops ops = {
	.newest = dynamodb_newest,
	.get = dynamodb_get,
	.add = dynamodb_add,
	.set = dynamodb_set,
	.remove = dynamodb_remove,
	.list = dynamodb_list,
	.close = dynamodb_close,
};

/* A name, or an ARN: arn:aws:dynamodb:REGION:ACCOUNT:table/NAME. */
static bool
valid_name(const char *name, const char *more)
{
	size_t n = strlen(name);

	while (*name != '\0' &&
	    (strspn(name,
		 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		 "0123456789_.-") > 0 ||
		strchr(more, *name) != NULL))
		name++;
	return n >= 3 && n <= TABLE_MAX && *name == '\0';
}

enum status
dynamodb_open(struct aws_client *client, const struct dynamodb_options *o,
    struct store **out, struct buf *why)
{
	const char *index = str_empty(o->index) ? DYNAMODB_INDEX : o->index;
	struct dynamodb *d;

	*out = NULL;
	if (!valid_name(o->table, ":/") || !valid_name(index, "")) {
		buf_puts(why,
		    "a DynamoDB table is wanted, as in \"dynamodb:NAME\": "
		    "3 to 255 of A-Z a-z 0-9 _ . -");
		return ST_CONFIG;
	}
	if ((d = calloc(1, sizeof(*d))) == NULL)
		return ST_NOMEM;
	d->base.ops = &ops;
	d->client = client;
	if (str_dup(o->table, &d->table) != ST_OK ||
	    str_dup(index, &d->index) != ST_OK) {
		dynamodb_close(&d->base);
		return ST_NOMEM;
	}
	*out = &d->base;
	return ST_OK;
}
