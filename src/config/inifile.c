#include "config/inifile.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <ini.h>

#include "base/buf.h"

struct parser {
	const struct inifile_events *events;
	void *ctx;
	size_t max;
	const char *next, *end; /* the text that is still to be read */
	int number; /* of the present line */

	/* The setting on it, if libinih is at one. */
	bool given, split; /* it has its beginning; it found key and value */
	const char *at; /* what it has yet to get */
	size_t left;
	struct buf name, value; /* what it made of the rest; may be a secret */
};

static void
mistake(struct parser *p, const char *text)
{
	p->events->mistake(p->ctx, p->number, text);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* A header that cannot be read still ends the section above it. */
static void
take_section(struct parser *p, const char *s, size_t n)
{
	const char *close = memchr(s, ']', n), *wrong = NULL;
	size_t len = close == NULL ? 0 : (size_t)(close - s) - 1;

	buf_reset(&p->name);
	if (close == NULL)
		wrong = "the section is not closed; write \"[name]\"";
	else if (close != s + n - 1)
		wrong = "there is something behind the section's \"]\"; give "
			"it a line of its own";
	else if (len > INIFILE_NAME_MAX)
		wrong = "the name of the section is too long; "
			"see switchhook.conf(5) for those there are";
	else
		buf_put(&p->name, s + 1, len);
	if (wrong != NULL)
		mistake(p, wrong);
	p->events->section(
	    p->ctx, p->number, wrong == NULL ? buf_str(&p->name) : NULL);
}

/* libinih's handler. Of a long line it is called once for each piece. */
static int
on_pair(void *ctx, const char *section, const char *name, const char *value)
{
	struct parser *p = ctx;

	(void)section;
	if (*name == '\0')
		return 0;
	if (!p->split)
		buf_puts(&p->name, name);
	p->split = true;
	buf_puts(&p->value, value);
	return 1;
}

/* libinih has got all of a setting. */
static void
end_setting(struct parser *p)
{
	if (!p->given)
		return;
	p->given = false;
	if (!p->split)
		mistake(p,
		    "is neither a section nor a setting; "
		    "write \"key = value\"");
	else if (p->name.len > INIFILE_NAME_MAX)
		mistake(p,
		    "the name of the key is too long; "
		    "see switchhook.conf(5) for the keys there are");
	else if (p->left > 0)
		mistake(p,
		    "the value cannot be read; "
		    "keep it in a file and write file:PATH");
	else
		p->events->pair(
		    p->ctx, p->number, p->name.data, buf_str(&p->value));
}

static void
begin_setting(struct parser *p, const char *s, size_t n)
{
	p->given = true;
	p->split = false;
	p->at = s;
	p->left = n;
	buf_reset(&p->name);
	buf_reset(&p->value);
}

/* True if no line can be like that: a mistake is reported. */
static bool
is_bad(struct parser *p, const char *s, size_t n)
{
	char text[128];
	size_t i;

	if (n > p->max) {
		snprintf(text, sizeof(text),
		    "the line is longer than %zu bytes; "
		    "keep the value in a file and write file:PATH",
		    p->max);
		mistake(p, text);
		return true;
	}
	for (i = 0; i < n; i++) {
		if (((unsigned char)s[i] >= 0x20 && s[i] != 0x7f) ||
		    s[i] == '\t')
			continue;
		snprintf(text, sizeof(text),
		    "the line has a control character (0x%02x) in it; "
		    "remove it",
		    (unsigned)s[i]);
		mistake(p, text);
		return true;
	}
	return false;
}

/*
 * Without white space around it, and without a comment: ";" behind white
 * space. libinih cuts that itself, but not in all of its versions when the
 * value comes in pieces.
 */
static void
take_line(struct parser *p, const char *s, size_t n)
{
	size_t i;

	for (; n > 0 && is_space(*s); n--)
		s++;
	if (n == 0 || *s == ';' || *s == '#')
		return;
	for (i = 1; i < n; i++)
		if (s[i] == ';' && is_space(s[i - 1]))
			n = i;
	while (is_space(s[n - 1]))
		n--;
	if (*s == '[')
		take_section(p, s, n);
	else
		begin_setting(p, s, n);
}

/* Take lines up to the next setting. False: there is none. */
static bool
next_setting(struct parser *p)
{
	const char *s, *eol;
	size_t n;

	while (!p->given && p->next < p->end) {
		s = p->next;
		p->number++;
		eol = memchr(s, '\n', (size_t)(p->end - s));
		n = (size_t)((eol == NULL ? p->end : eol) - s);
		p->next = eol == NULL ? p->end : eol + 1;
		if (memchr(s, '\0', n) != NULL) {
			mistake(p,
			    "the file has a NUL byte in it, so it is no "
			    "text; save it as UTF-8");
			p->next = p->end;
			break;
		}
		if (n > 0 && s[n - 1] == '\r')
			n--;
		if (!is_bad(p, s, n))
			take_line(p, s, n);
	}
	return p->given;
}

/*
 * How much of the setting fits into room: all, or up to a place between two
 * characters that libinih neither trims nor takes for the start of a comment.
 * 0: there is none.
 */
static size_t
piece_size(const struct parser *p, size_t room)
{
	const char *s = p->at;
	size_t n = room;

	if (p->left <= room)
		return p->left;
	while (n > 0 &&
	    (is_space(s[n - 1]) || is_space(s[n]) ||
		strchr(";#", s[n]) != NULL))
		n--;
	return n;
}

/*
 * libinih's reader: a line, as fgets would give it. What does not fit libinih's
 * buffer follows as an indented line, which it takes for more of the value.
 */
static char *
next_line(char *to, int size, void *ctx)
{
	const size_t room = (size_t)size - 3; /* the indent, newline and NUL */
	struct parser *p = ctx;
	bool more = p->given && p->split;
	size_t n = more ? piece_size(p, room) : 0;

	for (; n == 0; n = piece_size(p, room)) {
		end_setting(p);
		if (!next_setting(p))
			return NULL;
		more = false;
	}
	snprintf(to, (size_t)size, "%s%.*s\n", more ? " " : "", (int)n, p->at);
	p->at += n;
	p->left -= n;
	return to;
}

enum status
inifile_parse(const char *text, size_t len, size_t max,
    const struct inifile_events *events, void *ctx)
{
	struct parser p = { .events = events,
		.ctx = ctx,
		.max = max,
		.next = text,
		.end = text + len };
	enum status st = ST_NOMEM;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		p.next += 3;
	/* Room for the longest line at once, so that no copies stay behind. */
	if (buf_reserve(&p.name, max) == ST_OK &&
	    buf_reserve(&p.value, max) == ST_OK) {
		/* Each mistake is reported: the first one's line is nothing. */
		(void)ini_parse_stream(next_line, &p, on_pair, &p);
		st = ST_OK;
	}
	buf_wipe(&p.name);
	buf_wipe(&p.value);
	return st;
}
