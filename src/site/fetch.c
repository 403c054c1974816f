#include "site/fetch.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/json.h"
#include "config/reference.h"
#include "config/value.h"
#include "site/source.h"

/* A value is no longer than one that file: names. */
#define VALUE_MAX (((size_t)64 << 10) - 1)

bool
fetch_may_pass(enum status st)
{
	switch (st) {
	case ST_UNAVAILABLE:
	case ST_TIMEOUT:
	case ST_IO:
	case ST_BUSY:
	case ST_CORRUPT:
		return true;
	case ST_OK:
	case ST_NOMEM:
	case ST_TOOBIG:
	case ST_FULL:
	case ST_MALFORMED:
	case ST_UNSUPPORTED:
	case ST_NOTFOUND:
	case ST_EXISTS:
	case ST_DENIED:
	case ST_CONFIG:
		break;
	}
	return false;
}

void
fetch_release(struct fetch *fetches, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		str_wipe(&fetches[i].value);
		str_wipe(&fetches[i].previous);
		buf_release(&fetches[i].why);
	}
}

/* The text of a member, or of the whole; *wrong says what it is instead. */
static enum status
pick(const struct reference *r, const struct buf *raw, char **out,
    const char **wrong)
{
	struct json *root = NULL;
	const char *text = NULL;
	bool object;
	enum status st;

	if (r->kind == REFERENCE_SSM)
		return str_dup(buf_str(raw), out);
	st = json_parse(buf_str(raw), raw->len, &root);
	if (st == ST_NOMEM)
		return st;
	object = st == ST_OK && json_kind(root) == JSON_OBJECT;
	if (r->key == NULL && object)
		*wrong = "it is a JSON object: name a member, as in "
			 "secretsmanager:name#key";
	else if (r->key == NULL)
		text = buf_str(raw);
	else if (!object)
		*wrong = "it is no JSON object, so that it has no members";
	else if (json_member_text(root, r->key, &text) != ST_OK)
		*wrong = "it has no member of that name that is a text";
	st = *wrong == NULL ? str_dup(text, out) : ST_MALFORMED;
	json_free(root);
	return st;
}

static enum status
take_value(const struct reference *r, struct source_item *item, char **out,
    const char **wrong)
{
	enum status st = ST_MALFORMED;

	*wrong = NULL;
	if (!value_trim(&item->value))
		*wrong = "it has a NUL byte in it";
	else if (item->value.len > VALUE_MAX)
		*wrong = "it is longer than 64K";
	else
		st = pick(r, &item->value, out, wrong);
	if (st == ST_OK && value_has_control(*out)) {
		*wrong = "it has a control character (a second line?) in it";
		str_wipe(out);
		st = ST_MALFORMED;
	}
	return st;
}

/* items[0] is the value, items[1] the one before it, if that was asked for.
 * ST_OK or ST_NOMEM. */
static enum status
take(struct fetch *f, const struct reference *r, struct source_item *items)
{
	const char *wrong = NULL;
	enum status st = ST_OK;

	f->status = items[0].status;
	if (f->status == ST_OK)
		f->status = take_value(r, &items[0], &f->value, &wrong);
	buf_puts(&f->why, wrong != NULL ? wrong : buf_str(&items[0].why));
	if (f->rotates)
		f->previous_status = items[1].status;
	if (f->status == ST_OK && f->rotates && items[1].status == ST_OK)
		st = take_value(r, &items[1], &f->previous, &wrong);
	if (f->status == ST_NOMEM || st == ST_NOMEM ||
	    (f->rotates && items[1].status == ST_NOMEM))
		return ST_NOMEM;
	return ST_OK;
}

/* What is asked for, in the order of the fetches. */
struct plan {
	struct reference *references;
	struct source_item *items;
	size_t n;
};

static enum status
plan_make(struct plan *p, struct fetch *fetches, size_t n)
{
	struct source_item *item;
	enum status st = ST_OK;
	size_t i;

	p->references = calloc(n + 1, sizeof(*p->references));
	p->items = calloc(2 * n + 1, sizeof(*p->items));
	if (p->references == NULL || p->items == NULL)
		return ST_NOMEM;
	for (i = 0; i < n && st == ST_OK; i++) {
		st = reference_parse(fetches[i].reference, &p->references[i]);
		/* A parameter has no value before it. */
		if (p->references[i].kind == REFERENCE_SSM)
			fetches[i].rotates = false;
		item = &p->items[p->n++];
		item->kind = p->references[i].kind;
		item->name = p->references[i].name;
		if (fetches[i].rotates) {
			p->items[p->n] = *item;
			p->items[p->n++].previous = true;
		}
	}
	return st;
}

static void
plan_release(struct plan *p, size_t n)
{
	size_t i;

	for (i = 0; p->references != NULL && i < n; i++)
		reference_release(&p->references[i]);
	source_items_release(p->items, p->n);
	free(p->references);
	free(p->items);
}

enum status
fetch_all(
    struct source *source, struct fetch *fetches, size_t n, int64_t deadline_us)
{
	struct plan p = { .n = 0 };
	enum status st = plan_make(&p, fetches, n);
	size_t i, at = 0;

	if (st == ST_OK)
		source->ops->fetch(source, p.items, p.n, deadline_us);
	for (i = 0; i < n && st == ST_OK; i++) {
		st = take(&fetches[i], &p.references[i], &p.items[at]);
		at += fetches[i].rotates ? 2 : 1;
	}
	plan_release(&p, n);
	return st;
}
