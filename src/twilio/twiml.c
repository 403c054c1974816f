#include "twilio/twiml.h"

#include <stdlib.h>

#include "codec/xml.h"
#include "twilio/twiml_parts.h"

struct value {
	const char *bytes;
	size_t len;
};

void
twiml_hold(struct twiml *t)
{
	atomic_fetch_add_explicit(&t->holders, 1, memory_order_relaxed);
}

void
twiml_release(struct twiml *t)
{
	size_t i;

	if (t == NULL ||
	    atomic_fetch_sub_explicit(&t->holders, 1, memory_order_acq_rel) > 1)
		return;
	for (i = 0; i < t->names_n; i++)
		free((char *)t->names[i].name);
	free(t->names);
	free(t->parts);
	buf_release(&t->literal);
	buf_release(&t->warnings);
	free(t);
}

const char *
twiml_warnings(const struct twiml *t)
{
	return buf_str(&t->warnings);
}

const struct twiml_name *
twiml_names(const struct twiml *t, size_t *n)
{
	*n = t->names_n;
	return t->names;
}

/* Ask for every value, and tell how long the document is at least. */
static enum status
look_up(const struct twiml *t, twiml_lookup *lookup, void *ctx,
    struct value *values, size_t *size, const char **missing)
{
	size_t i;

	for (i = 0; i < t->names_n; i++) {
		if (lookup(ctx, t->names[i].name, &values[i].bytes,
			&values[i].len))
			continue;
		if (missing != NULL)
			*missing = t->names[i].name;
		return ST_NOTFOUND;
	}
	*size = t->literal.len;
	/* Escaping never shortens, so that this bounds the memory it takes. */
	for (i = 0; i < t->parts_n; i++) {
		const struct value *v = &values[t->parts[i].name];

		if (v->len > TWIML_MAX || (*size += v->len) > TWIML_MAX)
			return ST_TOOBIG;
	}
	return ST_OK;
}

static enum status
put_value(struct buf *out, enum twiml_where where, const struct value *v)
{
	switch (where) {
	case TWIML_TEXT:
		return xml_put_text(out, v->bytes, v->len);
	case TWIML_ATTR:
		return xml_put_attr(out, v->bytes, v->len);
	}
	return out->err;
}

enum status
twiml_render(const struct twiml *t, twiml_lookup *lookup, void *ctx,
    struct buf *out, const char **missing)
{
	struct value values[TWIML_NAMES_MAX];
	const char *literal = t->literal.data;
	size_t i, size, before = out->len;
	enum status st;

	st = look_up(t, lookup, ctx, values, &size, missing);
	if (st != ST_OK)
		return st;
	buf_reserve(out, size);
	for (i = 0; i < t->parts_n; i++) {
		buf_put(out, literal, t->parts[i].literal_len);
		literal += t->parts[i].literal_len;
		put_value(out, t->parts[i].where, &values[t->parts[i].name]);
	}
	buf_put(
	    out, literal, (size_t)(t->literal.data + t->literal.len - literal));
	st = out->err;
	if (st == ST_OK && out->len - before > TWIML_MAX)
		st = ST_TOOBIG;
	if (st != ST_OK && out->data != NULL) {
		out->len = before;
		out->data[before] = '\0';
	}
	return st;
}
