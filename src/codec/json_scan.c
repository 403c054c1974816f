/* The part of json.h that reads checked text where it stands. */
#include "codec/json.h"

#include <string.h>

static const char *
skip_space(const char *at, const char *end)
{
	while (at < end &&
	    (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
		at++;
	return at;
}

/* Is what stands here behind an odd number of backslashes? */
static bool
is_escaped(const char *start, const char *at)
{
	const char *c = at;

	while (c > start && c[-1] == '\\')
		c--;
	return (at - c) % 2 != 0;
}

/* After the opening quote; goes behind the closing one. memchr, since most of
 * a text is strings, and most strings have no escape. */
static const char *
skip_string(const char *at, const char *end)
{
	const char *quote, *start = at;

	while ((quote = memchr(at, '"', (size_t)(end - at))) != NULL) {
		at = quote + 1;
		if (!is_escaped(start, quote))
			return at;
	}
	return end;
}

/* From an opening bracket to behind its closing one. */
static const char *
skip_nested(const char *at, const char *end)
{
	size_t depth = 0;

	while (at < end)
		switch (*at++) {
		case '"':
			at = skip_string(at, end);
			break;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			if (--depth == 0)
				return at;
			break;
		}
	return end;
}

static const char *
skip_value(const char *at, const char *end)
{
	if (at == end)
		return end;
	if (*at == '"')
		return skip_string(at + 1, end);
	if (*at == '{' || *at == '[')
		return skip_nested(at, end);
	while (at < end && *at != '\0' && strchr(",]} \t\r\n", *at) == NULL)
		at++;
	return at;
}

enum json_kind
json_slice_kind(const struct json_slice *v)
{
	switch (v->len == 0 ? '\0' : *v->text) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
	case 'f':
		return JSON_BOOL;
	case '-':
	case '0' ... '9':
		return JSON_NUMBER;
	default:
		return JSON_NULL;
	}
}

/* --- walking ----------------------------------------------------------- */

enum status
json_walk(struct json_walk *w, const struct json_slice *v)
{
	enum json_kind kind = json_slice_kind(v);

	*w = (struct json_walk){ v->text + v->len, v->text + v->len, false };
	if (kind != JSON_OBJECT && kind != JSON_ARRAY)
		return ST_MALFORMED;
	w->at = v->text + 1;
	w->object = kind == JSON_OBJECT;
	return ST_OK;
}

/* A member's name and the colon behind it. */
static bool
take_name(struct json_walk *w, struct json_slice *name)
{
	if (w->at == w->end || *w->at != '"')
		return false;
	name->text = ++w->at;
	w->at = skip_string(w->at, w->end);
	if (w->at[-1] != '"' || w->at == name->text)
		return false;
	name->len = (size_t)(w->at - 1 - name->text);
	w->at = skip_space(w->at, w->end);
	if (w->at == w->end || *w->at != ':')
		return false;
	w->at = skip_space(w->at + 1, w->end);
	return true;
}

bool
json_walk_next(
    struct json_walk *w, struct json_slice *name, struct json_slice *value)
{
	struct json_slice its = { w->at, 0 };

	w->at = skip_space(w->at, w->end);
	if (w->at < w->end && *w->at == ',')
		w->at = skip_space(w->at + 1, w->end);
	if (w->object && !take_name(w, &its))
		return false;
	value->text = w->at;
	w->at = skip_value(w->at, w->end);
	value->len = (size_t)(w->at - value->text);
	if (name != NULL)
		*name = its;
	return value->len > 0;
}

/* --- strings ------------------------------------------------------------- */

/* Four hex digits, or -1. */
static int
hex4(const char *at, const char *end)
{
	int code = 0, i;
	char c;

	if (end - at < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		c = at[i];
		if (c >= '0' && c <= '9')
			code = code << 4 | (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			code = code << 4 | ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return code;
}

static size_t
encode_utf8(int code, char out[static 4])
{
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	size_t i;

	if (n == 1) {
		out[0] = (char)code;
		return 1;
	}
	for (i = n - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	out[0] = (char)((0xf0 << (4 - n) & 0xff) | code);
	return n;
}

/* An escape, from behind its backslash on, as its bytes; 0: it is none. */
static size_t
unescape(const char **at, const char *end, char out[static 4])
{
	static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	const char *known;
	int code, low;

	if (*at == end || **at == '\0')
		return 0;
	if (**at != 'u') {
		if ((known = strchr(names, *(*at)++)) == NULL)
			return 0;
		out[0] = bytes[known - names];
		return 1;
	}
	if ((code = hex4(++*at, end)) < 0)
		return 0;
	*at += 4;
	if (code >= 0xd800 && code <= 0xdbff) {
		if (end - *at < 6 || (low = hex4(*at + 2, end)) < 0xdc00)
			return 0;
		code = 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff));
		*at += 6;
	}
	return encode_utf8(code, out);
}

/* The next bytes of a string; 0: it breaks its format. */
static size_t
take_bytes(const char **at, const char *end, char out[static 4])
{
	out[0] = *(*at)++;
	return out[0] == '\\' ? unescape(at, end, out) : 1;
}

bool
json_slice_name_is(const struct json_slice *name, const char *want)
{
	const char *at = name->text, *end = at + name->len;
	char bytes[4];
	size_t i, n;

	while (at < end) {
		n = take_bytes(&at, end, bytes);
		if (n == 0)
			return false;
		for (i = 0; i < n; i++)
			if (bytes[i] == '\0' || *want++ != bytes[i])
				return false;
	}
	return *want == '\0';
}

static void
clear(struct json_slice out[], size_t n)
{
	while (n-- > 0)
		out[n] = (struct json_slice){ NULL, 0 };
}

enum status
json_slice_members(const struct json_slice *object, const char *const names[],
    size_t n, struct json_slice out[])
{
	struct json_slice its, value;
	struct json_walk w;
	size_t i;

	clear(out, n);
	if (json_walk(&w, object) != ST_OK || !w.object)
		return ST_MALFORMED;
	while (json_walk_next(&w, &its, &value)) {
		for (i = 0; i < n && !json_slice_name_is(&its, names[i]); i++)
			;
		if (i == n)
			continue;
		if (out[i].text != NULL) {
			clear(out, n);
			return ST_MALFORMED;
		}
		out[i] = value;
	}
	return ST_OK;
}

enum status
json_slice_member(
    const struct json_slice *object, const char *name, struct json_slice *out)
{
	enum status st = json_slice_members(object, &name, 1, out);

	return st == ST_OK && out->text == NULL ? ST_NOTFOUND : st;
}

enum status
json_slice_text(const struct json_slice *v, char *out, size_t size)
{
	const char *at, *end;
	size_t used = 0, n;
	char bytes[4];

	*out = '\0';
	if (v->len < 2 || v->text[0] != '"' || v->text[v->len - 1] != '"')
		return ST_MALFORMED;
	at = v->text + 1;
	end = v->text + v->len - 1;
	while (at < end) {
		n = take_bytes(&at, end, bytes);
		if (n == 0 || bytes[0] == '\0')
			goto malformed;
		if (n >= size - used)
			goto too_big;
		memcpy(out + used, bytes, n);
		used += n;
	}
	out[used] = '\0';
	return ST_OK;
malformed:
	*out = '\0';
	return ST_MALFORMED;
too_big:
	*out = '\0';
	return ST_TOOBIG;
}
