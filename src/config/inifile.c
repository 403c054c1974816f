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
	int number; /* of the line */
	struct buf line; /* what is left of it after trimming */
	struct buf name; /* what libinih made of it */
	struct buf value; /* may be a secret */
	bool split; /* libinih understood the line */
	/* What libinih has yet to read. */
	const char *at;
	size_t left;
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

/*
 * Where to break a long line at or before n: between two characters that
 * libinih neither trims nor takes for the start of a comment. 0: nowhere.
 */
static size_t
break_before(const char *s, size_t n)
{
	while (n > 0 &&
	    (is_space(s[n - 1]) || is_space(s[n]) ||
		strchr(";#", s[n]) != NULL))
		n--;
	return n;
}

/*
 * A line for libinih, as fgets would give it. What does not fit its buffer
 * follows as an indented line, which libinih takes for more of the value.
 */
static char *
next_piece(char *to, int size, void *ctx)
{
	struct parser *p = ctx;
	bool first = p->at == p->line.data;
	size_t n = p->left, room;

	if (n == 0 || size < 8)
		return NULL;
	room = (size_t)size - 3; /* the indent, the newline and NUL */
	if (n > room && (n = break_before(p->at, room)) == 0)
		return NULL;
	snprintf(to, (size_t)size, "%s%.*s\n", first ? "" : " ", (int)n, p->at);
	p->at += n;
	p->left -= n;
	return to;
}

/* libinih's handler: 0 is a mistake. */
static int
on_pair(void *ctx, const char *section, const char *name, const char *value)
{
	struct parser *p = ctx;

	(void)section;
	if (!p->split && *name != '\0') {
		p->split = true;
		buf_puts(&p->name, name);
		buf_puts(&p->value, value);
		return 1;
	}
	if (!p->split || strncmp(name, p->name.data, INIFILE_NAME_MAX) != 0)
		return 0;
	buf_puts(&p->value, value);
	return 1;
}

static void
take_pair(struct parser *p)
{
	int result;

	p->split = false;
	p->at = p->line.data;
	p->left = p->line.len;
	buf_reset(&p->name);
	buf_reset(&p->value);
	result = ini_parse_stream(next_piece, p, on_pair, p);
	if (!p->split)
		mistake(p,
		    "is neither a section nor a setting; "
		    "write \"key = value\"");
	else if (p->name.len > INIFILE_NAME_MAX)
		mistake(p,
		    "the name of the key is too long; "
		    "see switchhook.conf(5) for the keys there are");
	else if (result != 0 || p->left > 0)
		mistake(p,
		    "the value cannot be read; "
		    "keep it in a file and write file:PATH");
	else
		p->events->pair(
		    p->ctx, p->number, p->name.data, buf_str(&p->value));
}

/* libinih's handler for the line that take_section puts below a section. */
static int
on_section(void *ctx, const char *section, const char *name, const char *value)
{
	struct parser *p = ctx;

	(void)name;
	(void)value;
	p->split = true;
	buf_puts(&p->name, section);
	return 1;
}

/* A header that cannot be read still ends the section above it. */
static void
bad_section(struct parser *p, const char *text)
{
	mistake(p, text);
	p->events->section(p->ctx, p->number, NULL);
}

/* libinih tells of a section only when something stands in it. */
static void
take_section(struct parser *p)
{
	const char *end = strchr(p->line.data, ']');

	p->split = false;
	buf_reset(&p->name);
	if (end == NULL) {
		bad_section(p, "the section is not closed; write \"[name]\"");
		return;
	}
	if (end[1] != '\0') {
		bad_section(p,
		    "there is something behind the section's "
		    "\"]\"; give it a line of its own");
		return;
	}
	if (end - p->line.data - 1 > INIFILE_NAME_MAX) {
		bad_section(p,
		    "the name of the section is too long; "
		    "see switchhook.conf(5) for those there are");
		return;
	}
	buf_puts(&p->line, "\nx=\n");
	ini_parse_string(p->line.data, on_section, p);
	if (p->split)
		p->events->section(p->ctx, p->number, buf_str(&p->name));
	else
		bad_section(p, "the section cannot be read; write \"[name]\"");
}

/*
 * Cut a comment: ";" after white space. libinih does so itself, but not in all
 * of its versions when the value came in pieces.
 */
static size_t
without_comment(const char *s, size_t n)
{
	size_t i;

	for (i = 1; i < n; i++)
		if (s[i] == ';' && is_space(s[i - 1]))
			return i;
	return n;
}

/* The first control character but tab, or -1. */
static int
control_character(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') ||
		    s[i] == 0x7f)
			return s[i];
	return -1;
}

static void
take_trimmed(struct parser *p, const char *s, size_t n)
{
	if (n == 0 || *s == ';' || *s == '#')
		return;
	n = without_comment(s, n);
	while (n > 0 && is_space(s[n - 1]))
		n--;
	buf_reset(&p->line);
	buf_put(&p->line, s, n); /* room was made for it at the start */
	if (*s == '[')
		take_section(p);
	else
		take_pair(p);
}

static void
take_line(struct parser *p, const char *s, size_t n)
{
	char text[128];
	int c;

	if (n > 0 && s[n - 1] == '\r')
		n--;
	if (n > p->max) {
		snprintf(text, sizeof(text),
		    "the line is longer than %zu bytes; "
		    "keep the value in a file and write file:PATH",
		    p->max);
		mistake(p, text);
		return;
	}
	if ((c = control_character(s, n)) >= 0) {
		snprintf(text, sizeof(text),
		    "the line has a control character (0x%02x) in it; "
		    "remove it",
		    (unsigned)c);
		mistake(p, text);
		return;
	}
	for (; n > 0 && is_space(*s); n--)
		s++;
	take_trimmed(p, s, n);
}

/* All lines before the first NUL byte, if there is one. */
static void
take_lines(struct parser *p, const char *s, const char *end)
{
	const char *nul = memchr(s, '\0', (size_t)(end - s)), *eol;

	for (; s < end; s = eol + 1) {
		p->number++;
		eol = memchr(s, '\n', (size_t)(end - s));
		if (eol == NULL)
			eol = end;
		if (nul != NULL && nul < eol) {
			mistake(p,
			    "the file has a NUL byte in it, so it is no "
			    "text; save it as UTF-8");
			return;
		}
		take_line(p, s, (size_t)(eol - s));
		if (eol == end)
			return;
	}
}

enum status
inifile_parse(const char *text, size_t len, size_t max,
    const struct inifile_events *events, void *ctx)
{
	struct parser p = { .events = events, .ctx = ctx, .max = max };
	enum status st = ST_NOMEM;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	/* Room for the longest line at once, so that no copies stay behind. */
	buf_reserve(&p.line, max + sizeof("\nx=\n"));
	buf_reserve(&p.name, max);
	buf_reserve(&p.value, max);
	if (p.line.err == ST_OK && p.name.err == ST_OK &&
	    p.value.err == ST_OK) {
		take_lines(&p, text, text + len);
		st = ST_OK;
	}
	buf_wipe(&p.line);
	buf_wipe(&p.name);
	buf_wipe(&p.value);
	return st;
}
