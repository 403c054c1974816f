/* The checking part of json.h: RFC 8259 to the letter, without recursion. */
#include "codec/json.h"

#include <string.h>

#include "base/utf8.h"

struct scan {
	const char *at, *end;
	size_t depth, max_depth;
	bool in_object[JSON_DEPTH_MAX]; /* else in an array; by depth */
};

static void
skip_space(struct scan *s)
{
	while (s->at < s->end &&
	    (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' ||
		*s->at == '\r'))
		s->at++;
}

static bool
take(struct scan *s, char c)
{
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static bool
take_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0)
		return false;
	s->at += n;
	return true;
}

/* One or more. */
static bool
take_digits(struct scan *s)
{
	const char *start = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	return s->at > start;
}

/* Section 6. */
static bool
take_number(struct scan *s)
{
	take(s, '-');
	if (!take(s, '0') && !take_digits(s))
		return false;
	if (take(s, '.') && !take_digits(s))
		return false;
	if (take(s, 'e') || take(s, 'E')) {
		if (!take(s, '+'))
			take(s, '-');
		return take_digits(s);
	}
	return true;
}

/* Four hex digits, or -1. */
static int
take_hex4(struct scan *s)
{
	int code = 0, digit, i;
	char c;

	if (s->end - s->at < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		c = *s->at++;
		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (c | 0x20) - 'a' + 10;
		else
			return -1;
		code = code << 4 | digit;
	}
	return code;
}

/* Section 7, after the backslash. Surrogates must come in pairs (8.2). */
static bool
take_escape(struct scan *s)
{
	int code;

	if (s->at == s->end)
		return false;
	if (*s->at != 'u')
		return *s->at != '\0' && strchr("\"\\/bfnrt", *s->at++) != NULL;
	s->at++;
	code = take_hex4(s);
	if (code < 0xd800 || code > 0xdfff)
		return code >= 0;
	if (code > 0xdbff || !take_word(s, "\\u"))
		return false;
	code = take_hex4(s);
	return code >= 0xdc00 && code <= 0xdfff;
}

/* Section 7, after the opening quote. */
static bool
take_string(struct scan *s)
{
	unsigned char c;
	bool valid;

	while (s->at < s->end) {
		c = (unsigned char)*s->at;
		if (c == '"') {
			s->at++;
			return true;
		}
		if (c < 0x20)
			return false;
		if (c >= 0x80) {
			s->at +=
			    utf8_step(s->at, (size_t)(s->end - s->at), &valid);
			if (!valid)
				return false;
			continue;
		}
		s->at++;
		if (c == '\\' && !take_escape(s))
			return false;
	}
	return false;
}

/* A member's name and its colon. */
static bool
take_name(struct scan *s)
{
	skip_space(s);
	if (!take(s, '"') || !take_string(s))
		return false;
	skip_space(s);
	return take(s, ':');
}

static bool
take_scalar(struct scan *s)
{
	switch (*s->at) {
	case '"':
		s->at++;
		return take_string(s);
	case 't':
		return take_word(s, "true");
	case 'f':
		return take_word(s, "false");
	case 'n':
		return take_word(s, "null");
	default:
		return take_number(s);
	}
}

/*
 * An opening bracket. *empty tells that its closing one came at once;
 * otherwise a value is next.
 */
static enum status
take_open(struct scan *s, bool *empty)
{
	bool object = *s->at++ == '{';

	if (s->depth == s->max_depth)
		return ST_TOOBIG;
	skip_space(s);
	*empty = take(s, object ? '}' : ']');
	if (*empty)
		return ST_OK;
	s->in_object[s->depth++] = object;
	return !object || take_name(s) ? ST_OK : ST_MALFORMED;
}

/* After a value: close what ends here, or go past the comma to the next. */
static enum status
take_after(struct scan *s)
{
	bool object;

	while (s->depth > 0) {
		object = s->in_object[s->depth - 1];
		skip_space(s);
		if (take(s, ','))
			return !object || take_name(s) ? ST_OK : ST_MALFORMED;
		if (!take(s, object ? '}' : ']'))
			return ST_MALFORMED;
		s->depth--;
	}
	return ST_OK;
}

/* One value, after white space. */
static enum status
take_value(struct scan *s)
{
	enum status st;
	bool whole;

	do {
		skip_space(s);
		if (s->at == s->end)
			return ST_MALFORMED;
		if (*s->at == '{' || *s->at == '[') {
			if ((st = take_open(s, &whole)) != ST_OK)
				return st;
		} else if (!(whole = take_scalar(s))) {
			return ST_MALFORMED;
		}
		if (whole && (st = take_after(s)) != ST_OK)
			return st;
	} while (s->depth > 0);
	return ST_OK;
}

static struct scan
scan_init(const char *text, size_t len, size_t max_depth)
{
	return (struct scan){ .at = text,
		.end = text + len,
		.max_depth =
		    max_depth < JSON_DEPTH_MAX ? max_depth : JSON_DEPTH_MAX };
}

enum status
json_check(const char *text, size_t len, size_t max_depth)
{
	struct scan s = scan_init(text, len, max_depth);
	enum status st = take_value(&s);

	skip_space(&s);
	return st != ST_OK || s.at == s.end ? st : ST_MALFORMED;
}

enum status
json_check_first(const char *text, size_t len, size_t max_depth, size_t *used)
{
	struct scan s = scan_init(text, len, max_depth);
	enum status st = take_value(&s);

	*used = (size_t)(s.at - text);
	return st;
}
