/* Causes that lie in the parameters, or in what was taken for them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codec/form.h"
#include "twilio/explain.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Comparing each with each: for as many as a phone call ever has. */
#define PAIRS_MAX 1000

/* --- the whole form ------------------------------------------------------- */

static bool
add_pair(struct search *s, struct kv *out, const struct kv_pair *p)
{
	if (s->st == ST_OK)
		s->st =
		    kv_add(out, p->name, p->name_len, p->value, p->value_len);
	return s->st == ST_OK;
}

bool
search_copy_form(struct search *s, struct kv *out)
{
	const struct kv *form = s->input.form;
	size_t i;

	for (i = 0; form != NULL && i < form->n; i++)
		if (!add_pair(s, out, &form->pairs[i]))
			break;
	return s->st == ST_OK;
}

/* The same with exactly these bytes signed, after the URL. */
static bool
try_signed(struct search *s, const struct buf *params)
{
	struct kv_pair pair = { "", buf_str(params), 0, params->len };
	const struct kv form = { &pair, 1, 1, NULL };
	struct signature_input variant = s->input;
	struct buf url = BUF_INIT;
	bool fits;

	/* With a bodySHA256 no form is signed: let the URL go on instead. */
	buf_printf(&url, "%s%s", s->input.url, buf_str(params));
	if (params->err != ST_OK || url.err != ST_OK)
		s->st = ST_NOMEM;
	variant.form = NULL;
	variant.url = buf_str(&url);
	fits = search_try_form(s, &form) || search_try(s, &variant);
	buf_release(&url);
	return fits;
}

static bool
has_body_hash(const struct search *s)
{
	return s->url.query.data != NULL &&
	    memmem(s->url.query.data, s->url.query.len, "bodySHA256=", 11) !=
	    NULL;
}

/* The body is a form here and was none there, or the other way round. */
static bool
cause_content_type(struct search *s)
{
	struct buf params = BUF_INIT;
	struct kv form = KV_INIT;
	bool malformed, found = false;

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
	if (form_parse(s->input.body, s->input.body_len, &form, &malformed) ==
		ST_OK &&
	    signature_params(&form, &params) == ST_OK)
		found = try_signed(s, &params);
	else
		s->st = ST_NOMEM;
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

static bool
cause_query_as_form(struct search *s)
{
	const struct url_part *query = &s->url.query;
	struct kv form = KV_INIT;
	bool malformed, found;

	if (query->data == NULL)
		return false;
	s->st = form_parse(query->data, query->len, &form, &malformed);
	found = s->st == ST_OK && search_copy_form(s, &form) &&
	    search_try_form(s, &form) &&
	    search_tell(s,
		"parameter: whoever signed this took the query's parameters "
		"for the form's too; Twilio signs them as part of the URL "
		"only.");
	kv_release(&form);
	return found;
}

/* --- which pairs, and in which order -------------------------------------- */

typedef bool keep_fn(const struct kv *, size_t i);

static bool
keep_not_empty(const struct kv *form, size_t i)
{
	return form->pairs[i].value_len > 0;
}

/* Is one of the pairs from..to of this one's name? */
static bool
has_name(const struct kv *form, size_t i, size_t from, size_t to)
{
	const struct kv_pair *p = &form->pairs[i], *q;

	for (q = form->pairs + from; q < form->pairs + to; q++)
		if (q->name_len == p->name_len &&
		    memcmp(q->name, p->name, p->name_len) == 0)
			return true;
	return false;
}

static bool
keep_first(const struct kv *form, size_t i)
{
	return !has_name(form, i, 0, i);
}

static bool
keep_last(const struct kv *form, size_t i)
{
	return !has_name(form, i, i + 1, form->n);
}

#define REPEATED_WORDS(which) \
	"repeated: the signature covers only the " which \
	" of the values of a parameter that occurs more than once; Twilio " \
	"signs each unique one."

static const struct {
	keep_fn *keep;
	const char *words;
} keeps[] = {
	{ keep_not_empty,
	    "parameter: whoever signed this left out the parameters with "
	    "empty values; Twilio signs their names." },
	{ keep_first, REPEATED_WORDS("first") },
	{ keep_last, REPEATED_WORDS("last") },
};

static bool
cause_kept(struct search *s)
{
	const struct kv *form = s->input.form;
	struct kv kept = KV_INIT;
	bool found = false;
	size_t i, at;

	for (i = 0; !found && i < COUNT(keeps) && form->n <= PAIRS_MAX; i++) {
		kept.n = 0;
		for (at = 0; at < form->n; at++)
			if (keeps[i].keep(form, at))
				add_pair(s, &kept, &form->pairs[at]);
		found = search_try_form(s, &kept) &&
		    search_tell(s, "%s", keeps[i].words);
	}
	kv_release(&kept);
	return found;
}

enum order { BY_PAIR, AS_CAME, UPPER_FIRST, LOWER_FIRST, AS_CAME_TIES, JOINED };

#define ANY_CASE_WORDS \
	"parameter: whoever signed this sorted the names without regard to " \
	"case; Twilio sorts bytewise."

static const struct {
	enum order order;
	const char *words;
} orders[] = {
	{ BY_PAIR,
	    "repeated: whoever signed this signed a pair twice that occurs "
	    "twice; Twilio signs it once." },
	{ AS_CAME,
	    "parameter: whoever signed this did not sort the parameters." },
	{ UPPER_FIRST, ANY_CASE_WORDS },
	{ LOWER_FIRST, ANY_CASE_WORDS },
	{ AS_CAME_TIES, ANY_CASE_WORDS },
	{ JOINED,
	    "parameter: whoever signed this sorted names and values joined; "
	    "Twilio sorts by name, then value." },
};

static int
compare_joined(const struct kv_pair *a, const struct kv_pair *b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	int order;

	buf_printf(&x, "%s%s", a->name, a->value);
	buf_printf(&y, "%s%s", b->name, b->value);
	order = strcmp(buf_str(&x), buf_str(&y));
	buf_release(&x);
	buf_release(&y);
	return order;
}

static int
compare(const void *left, const void *right, void *arg)
{
	const struct kv_pair *a = left, *b = right;
	const int exact = strcmp(a->name, b->name);
	const int any_case = strcasecmp(a->name, b->name);
	/* They point into one text. */
	const int came = (a->name > b->name) - (a->name < b->name);

	switch (*(const enum order *)arg) {
	case BY_PAIR:
		return exact != 0 ? exact : strcmp(a->value, b->value);
	case AS_CAME:
		return came;
	case UPPER_FIRST:
		return any_case != 0 ? any_case : exact;
	case LOWER_FIRST:
		return any_case != 0 ? any_case : -exact;
	case AS_CAME_TIES:
		return any_case != 0 ? any_case : came;
	case JOINED:
		return compare_joined(a, b);
	}
	return 0;
}

/* The pairs in another order, repeats and all. */
static bool
try_order(struct search *s, enum order order)
{
	const struct kv *form = s->input.form;
	struct buf params = BUF_INIT;
	struct kv_pair *pairs, *p;
	bool fits;

	if ((pairs = reallocarray(NULL, form->n, sizeof(*pairs))) == NULL) {
		s->st = ST_NOMEM;
		return false;
	}
	if (form->n > 0)
		memcpy(pairs, form->pairs, form->n * sizeof(*pairs));
	qsort_r(pairs, form->n, sizeof(*pairs), compare, &order);
	for (p = pairs; p < pairs + form->n; p++) {
		buf_put(&params, p->name, p->name_len);
		buf_put(&params, p->value, p->value_len);
	}
	fits = try_signed(s, &params);
	buf_release(&params);
	free(pairs);
	return fits;
}

static bool
cause_order(struct search *s)
{
	const size_t n = s->input.form->n;
	size_t i;

	for (i = 0; i < COUNT(orders) && n > 0 && n <= PAIRS_MAX; i++)
		if (try_order(s, orders[i].order))
			return search_tell(s, "%s", orders[i].words);
	return false;
}

/* --- a parameter more, or fewer ------------------------------------------- */

static bool
cause_extra(struct search *s)
{
	const struct kv *form = s->input.form;
	struct kv copy = KV_INIT;
	bool found = false;
	size_t i;

	if (!search_copy_form(s, &copy) || form->n == 0)
		goto out;
	copy.n--;
	/* Without the i-th: from the last on, each gives its place to the next. */
	for (i = copy.n; !found && s->work >= s->cost; i--) {
		found = search_try_form(s, &copy) &&
		    search_tell(s,
			"parameter: Twilio did not sign \"%.64s\"; it was "
			"added on the way.",
			form->pairs[i].name);
		if (i == 0)
			break;
		copy.pairs[i - 1] = form->pairs[i];
	}
out:
	kv_release(&copy);
	return found;
}

/*
 * A parameter that Twilio signed is not there. Its name must be known and its
 * value always the same, or that of another parameter; anything else cannot be
 * guessed. From https://www.twilio.com/docs/messaging/guides/webhook-request,
 * https://www.twilio.com/docs/voice/twiml#request-parameters and what requests
 * were seen to have.
 */
static const struct known {
	const char *name, *value;
	const char *copy_of; /* the value is this one's, if value is NULL */
} singles[] = {
	{ "ApiVersion", "2010-04-01", NULL },
	{ "NumMedia", "0", NULL },
	{ "NumSegments", "1", NULL },
	{ "ReferralNumMedia", "0", NULL },
	{ "MessageType", "text", NULL },
	{ "ChannelPrefix", "whatsapp", NULL },
	{ "SmsStatus", "received", NULL },
	{ "SmsStatus", NULL, "MessageStatus" },
	{ "MessageStatus", NULL, "SmsStatus" },
	{ "SmsSid", NULL, "MessageSid" },
	{ "SmsMessageSid", NULL, "MessageSid" },
	{ "MessageSid", NULL, "SmsSid" },
	{ "WaId", NULL, "From" },
	{ "To", NULL, "Called" },
	{ "Called", NULL, "To" },
	{ "From", NULL, "Caller" },
	{ "Caller", NULL, "From" },
	{ "CallStatus", "ringing", NULL },
	{ "CallStatus", "in-progress", NULL },
	{ "CallStatus", "completed", NULL },
	{ "Direction", "inbound", NULL },
	{ "ToCountry", "US", NULL },
	{ "FromCountry", "US", NULL },
	{ "CalledCountry", "US", NULL },
	{ "CallerCountry", "US", NULL },
	{ "ButtonText", "", NULL },
	{ "ButtonPayload", "", NULL },
	{ "CallerName", "", NULL },
	{ "Digits", "", NULL },
	{ "ErrorMessage", "", NULL },
	{ "FinishedOnKey", "", NULL },
	{ "ForwardedFrom", "", NULL },
	{ "ProfileName", "", NULL },
	{ "SpeechResult", "", NULL },
	{ "StirVerstat", "", NULL },
};

/*
 * What is empty often, and so dropped together by a parser that drops empty
 * values. A call has the places twice, under a second name.
 */
static const struct {
	const char *name, *second;
} places[] = {
	{ "Body", NULL },
	{ "ToCity", "CalledCity" },
	{ "ToState", "CalledState" },
	{ "ToZip", "CalledZip" },
	{ "ToCountry", "CalledCountry" },
	{ "FromCity", "CallerCity" },
	{ "FromState", "CallerState" },
	{ "FromZip", "CallerZip" },
	{ "FromCountry", "CallerCountry" },
};

static void
add_text(struct search *s, struct kv *form, const char *name, const char *value)
{
	add_pair(s, form,
	    &(struct kv_pair){ name, value, strlen(name), strlen(value) });
}

static bool
try_single(struct search *s, struct kv *form, const struct known *k)
{
	const struct kv_pair *other;
	const char *value = k->value, *plus;
	const size_t n = form->n;
	bool fits;

	if (kv_find(form, k->name, NULL) != NULL)
		return false;
	if (value == NULL) {
		if ((other = kv_find(form, k->copy_of, NULL)) == NULL)
			return false;
		value = other->value;
		/* Without what stands before its digits. */
		plus = strchr(value, '+');
		if (strcmp(k->name, "WaId") == 0 && plus != NULL)
			value = plus + 1;
	}
	add_text(s, form, k->name, value);
	fits = search_try_form(s, form);
	form->n = n;
	return fits &&
	    search_tell(s,
		"parameter: Twilio signed \"%s\" too, which is missing here; "
		"check every parameter as it came, empty ones too.",
		k->name);
}

/* Add the places of a set of bits, each empty; names lists them. */
static void
add_places(struct search *s, struct kv *form, size_t set, struct buf *names)
{
	const bool call = kv_find(form, "CallSid", NULL) != NULL;
	size_t i;

	for (i = 0; i < COUNT(places); i++) {
		if ((set >> i & 1) == 0)
			continue;
		add_text(s, form, places[i].name, "");
		if (call && places[i].second != NULL)
			add_text(s, form, places[i].second, "");
		buf_printf(names, "%s\"%s\"", names->len > 0 ? ", " : "",
		    places[i].name);
	}
}

/* Every set of places that are not there: 511 at most. */
static bool
try_places(struct search *s, struct kv *form)
{
	const size_t n = form->n;
	struct buf names = BUF_INIT;
	size_t there = 0, set, i;
	bool found = false;

	for (i = 0; i < COUNT(places); i++)
		if (kv_find(form, places[i].name, NULL) != NULL)
			there |= (size_t)1 << i;
	for (set = 1; !found && set < (size_t)1 << COUNT(places); set++) {
		if ((set & there) != 0 || s->work < s->cost)
			continue;
		buf_reset(&names);
		add_places(s, form, set, &names);
		found = search_try_form(s, form) &&
		    search_tell(s,
			"parameter: Twilio signed %s too, with an empty value; "
			"a parser that drops empty values has lost what Twilio "
			"signs the name of.",
			buf_str(&names));
		form->n = n;
	}
	if (names.err != ST_OK)
		s->st = names.err;
	buf_release(&names);
	return found;
}

static bool
cause_missing(struct search *s)
{
	struct kv form = KV_INIT;
	bool found = false;
	size_t i;

	if (search_copy_form(s, &form)) {
		for (i = 0; i < COUNT(singles) && !found; i++)
			found = try_single(s, &form, &singles[i]);
		found = found || try_places(s, &form);
	}
	kv_release(&form);
	return found;
}

/* --- values --------------------------------------------------------------- */

/* The form with white space put back around one of its values. */
static bool
try_padded(struct search *s, const struct kv *form, struct kv_pair *p,
    const char *before, const char *after)
{
	const struct kv_pair saved = *p;
	struct buf text = BUF_INIT;
	bool fits;

	buf_puts(&text, before);
	buf_put(&text, p->value, p->value_len);
	buf_puts(&text, after);
	if (text.err != ST_OK)
		s->st = text.err;
	p->value = buf_str(&text);
	p->value_len = text.len;
	fits = search_try_form(s, form);
	*p = saved;
	buf_release(&text);
	return fits;
}

/* A framework took white space off a value, as some do with all input. */
static bool
cause_trimmed(struct search *s)
{
	static const char *const space[] = { "", " ", "  ", "\n", "\r\n" };
	struct kv form = KV_INIT;
	struct kv_pair *p;
	bool found = false;
	size_t at, i;

	if (!search_copy_form(s, &form))
		goto out;
	for (at = 0; at < form.n && !found && s->work >= s->cost; at++) {
		p = &form.pairs[at];
		for (i = 1; i < COUNT(space) * COUNT(space) && !found; i++)
			found = try_padded(s, &form, p, space[i / COUNT(space)],
			    space[i % COUNT(space)]);
		if (found)
			search_tell(s,
			    "value: white space around the value of "
			    "\"%.64s\" was trimmed on the way; check the "
			    "values as they came.",
			    p->name);
	}
out:
	kv_release(&form);
	return found;
}

bool
explain_form(struct search *s)
{
	if (cause_content_type(s) || cause_query_as_form(s))
		return true;
	return s->input.form != NULL &&
	    (cause_kept(s) || cause_order(s) || cause_extra(s) ||
		cause_missing(s) || explain_values(s) || cause_trimmed(s));
}
