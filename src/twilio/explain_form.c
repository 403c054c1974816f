/* Causes that lie in the parameters, or in what was taken for them. */
#include "twilio/explain.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codec/form.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool
has_body_hash(const struct search *s)
{
	static const char name[] = "bodySHA256=";

	return s->url.query.data != NULL &&
	    memmem(s->url.query.data, s->url.query.len, name,
		sizeof(name) - 1) != NULL;
}

/* The body is a form here and was none there, or the other way round. */
static bool
cause_content_type(struct search *s)
{
	struct buf params = BUF_INIT;
	struct kv form = KV_INIT;
	bool malformed, found = false;
	enum status st;

	if (s->input.form != NULL && search_try_form(s, NULL))
		return search_tell(s,
		    "content_type: the signature covers the URL alone, but the "
		    "body was handled as a form. It is JSON or another type "
		    "(then bodySHA256 belongs in the URL), or the signer did "
		    "not know the parameters.");
	/* With a bodySHA256 a form is not signed at all. */
	if (s->input.body_len == 0 ||
	    (s->input.form != NULL && !has_body_hash(s)))
		return false;
	st = form_parse(s->input.body, s->input.body_len, &form, &malformed);
	if (st == ST_OK)
		st = signature_params(&form, &params);
	if (st == ST_OK)
		found = search_try_signed(s, &params);
	else if (st != ST_TOOBIG) /* that would not be read as a form */
		s->st = st;
	if (found)
		search_tell(s,
		    "content_type: the signature covers the body as a form, "
		    "but it was handled as JSON or another type; its "
		    "Content-Type is wrong or got lost%s.",
		    has_body_hash(s) ? ", or bodySHA256 does not belong in "
				       "the URL"
				     : "");
	kv_release(&form);
	buf_release(&params);
	return found;
}

/* The form without the i-th pair. */
static bool
try_without(struct search *s, size_t i)
{
	const struct kv *form = s->input.form;
	struct kv_pair *pairs;
	bool fits;

	if ((pairs = reallocarray(NULL, form->n, sizeof(*pairs))) == NULL) {
		s->st = ST_NOMEM;
		return false;
	}
	memcpy(pairs, form->pairs, i * sizeof(*pairs));
	memcpy(
	    pairs + i, form->pairs + i + 1, (form->n - i - 1) * sizeof(*pairs));
	fits = search_try_form(
	    s, &(struct kv){ pairs, form->n - 1, form->n, NULL });
	free(pairs);
	return fits;
}

static bool
cause_extra(struct search *s)
{
	const struct kv *form = s->input.form;
	size_t i;

	for (i = 0; i < form->n && s->work >= s->cost; i++)
		if (try_without(s, i))
			return search_tell(s,
			    "parameter: Twilio did not sign \"%.64s\"; it was "
			    "added on the way.",
			    form->pairs[i].name);
	return false;
}

static bool
cause_query_as_form(struct search *s)
{
	struct kv form = KV_INIT;
	bool malformed, found;
	enum status st;

	if (s->url.query.data == NULL)
		return false;
	st = form_parse(s->url.query.data, s->url.query.len, &form, &malformed);
	if (st == ST_NOMEM)
		s->st = st;
	found = st == ST_OK && search_copy_form(s, &form) &&
	    search_try_form(s, &form) &&
	    search_tell(s,
		"parameter: whoever signed this took the query's parameters "
		"for the form's too; Twilio signs them as part of the URL "
		"only.");
	kv_release(&form);
	return found;
}

/* Which pairs of a name are kept. */
enum keep { KEEP_NOT_EMPTY, KEEP_FIRST, KEEP_LAST };

static bool
is_kept(const struct kv *form, size_t i, enum keep keep)
{
	const struct kv_pair *p = &form->pairs[i], *q;
	size_t from = keep == KEEP_FIRST ? 0 : i + 1;
	size_t to = keep == KEEP_FIRST ? i : form->n;

	if (keep == KEEP_NOT_EMPTY)
		return p->value_len > 0;
	for (q = form->pairs + from; q < form->pairs + to; q++)
		if (q->name_len == p->name_len &&
		    memcmp(q->name, p->name, p->name_len) == 0)
			return false;
	return true;
}

/* Comparing each with each: for as many as a phone call ever has. */
#define PAIRS_MAX 1000

static bool
try_kept(struct search *s, enum keep keep)
{
	const struct kv *form = s->input.form;
	struct kv kept = KV_INIT;
	bool fits;
	size_t i;

	if (form->n > PAIRS_MAX)
		return false;
	for (i = 0; i < form->n && s->st == ST_OK; i++)
		if (is_kept(form, i, keep))
			s->st = kv_add(&kept, form->pairs[i].name,
			    form->pairs[i].name_len, form->pairs[i].value,
			    form->pairs[i].value_len);
	fits = search_try_form(s, &kept);
	kv_release(&kept);
	return fits;
}

static bool
cause_empty_dropped(struct search *s)
{
	return try_kept(s, KEEP_NOT_EMPTY) &&
	    search_tell(s,
		"parameter: whoever signed this left out the parameters with "
		"empty values; Twilio signs their names.");
}

static bool
cause_repeated(struct search *s)
{
	static const char format[] =
	    "repeated: the signature covers only the %s of the values of a "
	    "parameter that occurs more than once; Twilio signs each unique "
	    "one.";

	if (try_kept(s, KEEP_FIRST))
		return search_tell(s, format, "first");
	if (try_kept(s, KEEP_LAST))
		return search_tell(s, format, "last");
	return false;
}

/* Signers that put the pairs together in another way. */
static int
any_case_as_came(const void *left, const void *right)
{
	const struct kv_pair *a = left, *b = right;
	int order = strcasecmp(a->name, b->name);

	/* They point into one text. */
	return order != 0 ? order : (a->name > b->name) - (a->name < b->name);
}

static int
any_case_upper_first(const void *left, const void *right)
{
	const struct kv_pair *a = left, *b = right;
	int order = strcasecmp(a->name, b->name);

	return order != 0 ? order : strcmp(a->name, b->name);
}

static int
any_case_lower_first(const void *left, const void *right)
{
	const struct kv_pair *a = left, *b = right;
	int order = strcasecmp(a->name, b->name);

	return order != 0 ? order : strcmp(b->name, a->name);
}

static int
by_all(const void *left, const void *right)
{
	const struct kv_pair *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order != 0 ? order : strcmp(a->value, b->value);
}

static int
by_name_and_value_joined(const void *left, const void *right)
{
	const struct kv_pair *a = left, *b = right;
	struct buf x = BUF_INIT, y = BUF_INIT;
	int order;

	buf_printf(&x, "%s%s", a->name, a->value);
	buf_printf(&y, "%s%s", b->name, b->value);
	order = strcmp(buf_str(&x), buf_str(&y));
	buf_release(&x);
	buf_release(&y);
	return order;
}

/* The pairs in this order (NULL: as they came), repeats and all. */
static bool
try_order(struct search *s, int (*order)(const void *, const void *))
{
	const struct kv *form = s->input.form;
	struct buf params = BUF_INIT;
	struct kv_pair *pairs;
	bool fits = false;
	size_t i;

	if (form->n == 0 || form->n > PAIRS_MAX)
		return false;
	if ((pairs = reallocarray(NULL, form->n, sizeof(*pairs))) == NULL) {
		s->st = ST_NOMEM;
		return false;
	}
	memcpy(pairs, form->pairs, form->n * sizeof(*pairs));
	if (order != NULL)
		qsort(pairs, form->n, sizeof(*pairs), order);
	for (i = 0; i < form->n; i++) {
		buf_put(&params, pairs[i].name, pairs[i].name_len);
		buf_put(&params, pairs[i].value, pairs[i].value_len);
	}
	fits = search_try_signed(s, &params);
	buf_release(&params);
	free(pairs);
	return fits;
}

static bool
cause_order(struct search *s)
{
	if (try_order(s, by_all))
		return search_tell(s,
		    "repeated: whoever signed this signed a "
		    "pair twice that occurs twice; Twilio "
		    "signs it once.");
	if (try_order(s, NULL))
		return search_tell(s,
		    "parameter: whoever signed this did not "
		    "sort the parameters.");
	if (try_order(s, any_case_upper_first) ||
	    try_order(s, any_case_lower_first) ||
	    try_order(s, any_case_as_came))
		return search_tell(s,
		    "parameter: whoever signed this sorted "
		    "the names without regard to case; "
		    "Twilio sorts bytewise.");
	return try_order(s, by_name_and_value_joined) &&
	    search_tell(s,
		"parameter: whoever signed this sorted names and "
		"values joined; Twilio sorts by name, then value.");
}

bool
explain_form(struct search *s)
{
	static cause_fn *const causes[] = { cause_empty_dropped, cause_repeated,
		cause_order, cause_extra, explain_missing, explain_values };
	size_t i;

	if (cause_content_type(s) || cause_query_as_form(s))
		return true;
	if (s->input.form == NULL)
		return false;
	for (i = 0; i < COUNT(causes); i++)
		if (causes[i](s))
			return true;
	return false;
}
