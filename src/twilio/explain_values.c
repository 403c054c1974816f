/* Causes of explain.h: values that were changed. */
#include "twilio/explain.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "codec/form.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
trimmed(struct buf *b, const char *s, size_t len)
{
	for (; len > 0 && isspace((unsigned char)*s); s++, len--)
		;
	for (; len > 0 && isspace((unsigned char)s[len - 1]); len--)
		;
	buf_put(b, s, len);
}

static void
crlf_to_lf(struct buf *b, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (s[i] != '\r' || i + 1 == len || s[i + 1] != '\n')
			buf_putc(b, s[i]);
}

static void
lf_to_crlf(struct buf *b, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] == '\n' && (i == 0 || s[i - 1] != '\r'))
			buf_putc(b, '\r');
		buf_putc(b, s[i]);
	}
}

static void
replaced(struct buf *b, const char *s, size_t len, char from, char to)
{
	for (; len > 0; s++, len--)
		buf_putc(b, *s == from ? to : *s);
}

static void
plus_to_space(struct buf *b, const char *s, size_t len)
{
	replaced(b, s, len, '+', ' ');
}

static void
space_to_plus(struct buf *b, const char *s, size_t len)
{
	replaced(b, s, len, ' ', '+');
}

static void
as_form(struct buf *b, const char *s, size_t len)
{
	form_encode_value(b, s, len);
}

static void
as_url(struct buf *b, const char *s, size_t len)
{
	url_encode(b, s, len);
}

static void
valid_utf8(struct buf *b, const char *s, size_t len)
{
	size_t at = 0, step;
	bool valid;

	while (at < len) {
		step = utf8_step(s + at, len - at, &valid);
		if (valid)
			buf_put(b, s + at, step);
		else
			buf_puts(b, UTF8_REPLACEMENT);
		at += step;
	}
}

struct change {
	text_fn *fn;
	const char *what;
};

static const struct change changes[] = {
	{ trimmed, "trimmed; what arrived here has white space around some" },
	{ crlf_to_lf, "with LF line ends; here they are CRLF" },
	{ lf_to_crlf, "with CRLF line ends; here they are LF" },
	{ plus_to_space,
	    "with a space for each \"+\": a \"+\" must be sent "
	    "as %2B" },
	{ space_to_plus,
	    "with a \"+\" for each space: they were not decoded "
	    "there, or decoded twice here" },
	{ explain_unescape, "with their percent-escapes decoded once more" },
	{ as_form, "as they stand in the body, not decoded" },
	{ as_url, "as they stand in the body (spaces as %20), not decoded" },
	{ valid_utf8, "with U+FFFD for what is no valid UTF-8" },
};

/* Every value changed by fn. */
static bool
try_change(struct search *s, text_fn *fn)
{
	const struct kv *form = s->input.form;
	struct buf text = BUF_INIT;
	struct kv changed = KV_INIT;
	const struct kv_pair *p;
	size_t *ends, i, start;
	bool fits = false;

	if ((ends = reallocarray(NULL, form->n + 1, sizeof(*ends))) == NULL) {
		s->st = ST_NOMEM;
		return false;
	}
	for (i = 0; i < form->n; i++) {
		fn(&text, form->pairs[i].value, form->pairs[i].value_len);
		ends[i] = text.len;
	}
	/* The text stands still from here on. */
	s->st = text.err;
	for (i = 0; i < form->n && s->st == ST_OK; i++) {
		p = &form->pairs[i];
		start = i == 0 ? 0 : ends[i - 1];
		s->st = kv_add(&changed, p->name, p->name_len,
		    buf_str(&text) + start, ends[i] - start);
	}
	fits = search_try_form(s, &changed);
	kv_release(&changed);
	buf_release(&text);
	free(ends);
	return fits;
}

static bool
cause_changed(struct search *s)
{
	size_t i;

	for (i = 0; i < COUNT(changes); i++)
		if (try_change(s, changes[i].fn))
			return search_tell(s,
			    "value: the values were signed %s.",
			    changes[i].what);
	return false;
}

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

/* The same for each value and what is usually trimmed. */
static bool
try_all_padded(struct search *s, const struct kv *form)
{
	static const char *const space[] = { "", " ", "  ", "\n", "\r\n" };
	struct kv_pair *p;
	size_t at, i;

	for (at = 0; at < form->n && s->work >= s->cost; at++) {
		p = &form->pairs[at];
		for (i = 1; i < COUNT(space) * COUNT(space); i++)
			if (try_padded(s, form, p, space[i / COUNT(space)],
				space[i % COUNT(space)]))
				return search_tell(s,
				    "value: white space around the value of "
				    "\"%.64s\" was trimmed on the way; check "
				    "the values as they came.",
				    p->name);
	}
	return false;
}

/* A framework took white space off a value, as some do with all input. */
static bool
cause_trimmed(struct search *s)
{
	struct kv copy = KV_INIT;
	bool found;

	found = search_copy_form(s, &copy) && try_all_padded(s, &copy);
	kv_release(&copy);
	return found;
}

bool
explain_values(struct search *s)
{
	return cause_changed(s) || cause_trimmed(s);
}
