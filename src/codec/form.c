#include "codec/form.h"

#include <stdlib.h>
#include <string.h>

#include "codec/url.h"

/*
 * Decode one name or value to to, end it with NUL and return the place after
 * that. It never gets longer, so text of n bytes needs n + 1.
 */
static char *
decode(const char *at, const char *end, char *to, bool *malformed)
{
	int byte;

	while (at < end) {
		if (*at == '%') {
			byte = url_hex_byte(at, end);
			*malformed = *malformed || byte < 0;
			*to++ = byte < 0 ? '%' : (char)byte;
			at += byte < 0 ? 1 : 3;
		} else {
			*to++ = *at == '+' ? ' ' : *at;
			at++;
		}
	}
	*to++ = '\0';
	return to;
}

/* Read one segment, "name=value" or "name"; *to moves past what was written. */
static enum status
parse_segment(
    const char *at, const char *end, char **to, struct kv *out, bool *malformed)
{
	const char *split = memchr(at, '=', (size_t)(end - at));
	char *name = *to, *value;

	value = decode(at, split == NULL ? end : split, name, malformed);
	*to = value;
	if (split != NULL)
		*to = decode(split + 1, end, value, malformed);
	else
		value--; /* the name's NUL serves as its value */
	return kv_add(out, name, (size_t)(value - name) - (split != NULL),
	    value, (size_t)(*to - value) - 1);
}

enum status
form_parse(const char *data, size_t len, struct kv *out, bool *malformed)
{
	const char *at = data, *end, *stop;
	enum status st = ST_OK;
	char *to;

	*malformed = false;
	if (len == 0)
		return ST_OK;
	end = data + len;
	if ((to = out->mem = malloc(len + 1)) == NULL)
		return ST_NOMEM;
	for (; st == ST_OK && at < end; at = stop + 1) {
		stop = memchr(at, '&', (size_t)(end - at));
		stop = stop == NULL ? end : stop;
		if (stop == at)
			continue;
		st = out->n < FORM_PARAMS_MAX
		    ? parse_segment(at, stop, &to, out, malformed)
		    : ST_TOOBIG;
	}
	if (st != ST_OK)
		kv_release(out);
	return st;
}

/* What WHATWG's form encoding leaves as it is. */
static bool
is_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '*' || c == '-' || c == '.' ||
	    c == '_';
}

enum status
form_encode_value(struct buf *b, const char *value, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (value[i] == ' ')
			buf_putc(b, '+');
		else if (is_plain((unsigned char)value[i]))
			buf_putc(b, value[i]);
		else
			url_put_escaped(b, value[i]);
	}
	return b->err;
}

enum status
form_put(struct buf *b, const struct kv_pair *p)
{
	if (b->len > 0)
		buf_putc(b, '&');
	form_encode_value(b, p->name, p->name_len);
	buf_putc(b, '=');
	return form_encode_value(b, p->value, p->value_len);
}
