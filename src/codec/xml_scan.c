#include "codec/xml_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/xml_declaration.h"
#include "codec/xml_text.h"

/* A scan under way. */
struct reader {
	struct xml_scan *scan;
	const char *text; /* scan->text, NUL-terminated */
	size_t at, len;
	struct xml_error *error;
	size_t open[XML_DEPTH_MAX]; /* tokens of the elements not yet closed */
	size_t depth;
};

static enum status fail(struct reader *, enum status, size_t at,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static enum status
fail(struct reader *r, enum status st, size_t at, const char *format, ...)
{
	va_list ap;

	xml_text_place(r->text, at, &r->error->line, &r->error->column);
	va_start(ap, format);
	vsnprintf(r->error->text, sizeof(r->error->text), format, ap);
	va_end(ap);
	return st;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_name(char c)
{
	return is_letter(c) || c == ':' || c == '-' || c == '.' ||
	    (c >= '0' && c <= '9');
}

/* Does the text go on with this? Nothing is taken. */
static bool
ahead(const struct reader *r, const char *what)
{
	return strncmp(r->text + r->at, what, strlen(what)) == 0;
}

static bool
skip_space(struct reader *r)
{
	size_t from = r->at;

	while (is_space(r->text[r->at]))
		r->at++;
	return r->at > from;
}

/* Take a name; its length, 0 if there is none, or one not of ASCII. */
static size_t
take_name(struct reader *r)
{
	size_t from = r->at;

	if (is_letter(r->text[r->at]))
		while (is_name(r->text[r->at]))
			r->at++;
	return (unsigned char)r->text[r->at] < 0x80 ? r->at - from : 0;
}

static enum status
no_name(struct reader *r, const char *of)
{
	if ((unsigned char)r->text[r->at] >= 0x80)
		return fail(r, ST_UNSUPPORTED, r->at,
		    "names are of ASCII letters here; write an ASCII name");
	return fail(r, ST_MALFORMED, r->at,
	    "the name of %s is due here; write a plain \"<\" as &lt;", of);
}

static enum status
push(struct reader *r, const struct xml_token *token)
{
	struct xml_scan *scan = r->scan;
	size_t cap = scan->tokens_cap == 0 ? 64 : scan->tokens_cap * 2;
	struct xml_token *grown;

	if (scan->tokens_n == scan->tokens_cap) {
		grown = reallocarray(scan->tokens, cap, sizeof(*grown));
		if (grown == NULL)
			return ST_NOMEM;
		scan->tokens = grown;
		scan->tokens_cap = cap;
	}
	scan->tokens[scan->tokens_n++] = *token;
	return ST_OK;
}

/* Take one character or reference of a value or text; *size grows by its. */
static enum status
take_character(struct reader *r, size_t *size)
{
	unsigned long character;
	size_t n;

	if (r->text[r->at] != '&') {
		r->at++;
		(*size)++;
		return ST_OK;
	}
	n = xml_text_reference(r->text + r->at, r->len - r->at, &character);
	if (n == 0)
		return fail(r, ST_MALFORMED, r->at,
		    "\"&\" begins no reference known here (&amp; &lt; &gt; "
		    "&quot; &apos; &#65; &#x41;); write a plain \"&\" as "
		    "&amp;");
	r->at += n;
	*size += xml_text_size(character);
	return ST_OK;
}

/* Take a quoted value, and make its white space spaces as XML asks (3.3.3). */
static enum status
take_value(struct reader *r, struct xml_token *token)
{
	char quote = r->text[r->at];
	size_t from = r->at;
	enum status st;

	if (quote != '"' && quote != '\'')
		return fail(r, ST_MALFORMED, r->at,
		    "a value in quotes is due here; write NAME=\"VALUE\"");
	token->value = ++r->at;
	while (r->text[r->at] != quote) {
		if (r->at == r->len)
			return fail(r, ST_MALFORMED, from,
			    "the quote opened here is never closed; close it");
		if (r->text[r->at] == '<')
			return fail(r, ST_MALFORMED, r->at,
			    "\"<\" may not stand in a value; write &lt;, or "
			    "close the quote");
		if ((st = take_character(r, &token->size)) != ST_OK)
			return st;
	}
	token->value_len = r->at++ - token->value;
	return ST_OK;
}

/* Is the newest attribute's name in this start tag already? */
static bool
repeated(const struct xml_scan *scan, size_t first)
{
	const struct xml_token *new = &scan->tokens[scan->tokens_n - 1], *t;

	for (t = scan->tokens + first; t < new; t++)
		if (t->name_len == new->name_len &&
		    memcmp(scan->text + t->name, scan->text + new->name,
			t->name_len) == 0)
			return true;
	return false;
}

static enum status
take_attribute(struct reader *r, size_t first)
{
	struct xml_token token = { .kind = TOKEN_ATTR, .at = r->at };
	enum status st;

	if (r->scan->tokens_n - first >= XML_ATTRS_MAX)
		return fail(r, ST_TOOBIG, r->at,
		    "more than %d attributes; use fewer", XML_ATTRS_MAX);
	token.name = r->at;
	if ((token.name_len = take_name(r)) == 0)
		return no_name(r, "an attribute");
	skip_space(r);
	if (r->text[r->at] != '=')
		return fail(r, ST_MALFORMED, r->at,
		    "\"=\" is due after the name of an attribute; write "
		    "NAME=\"VALUE\"");
	r->at++;
	skip_space(r);
	if ((st = take_value(r, &token)) != ST_OK ||
	    (st = push(r, &token)) != ST_OK)
		return st;
	if (repeated(r->scan, first))
		return fail(r, ST_MALFORMED, token.at,
		    "the attribute \"%.*s\" is there twice; keep one",
		    (int)(token.name_len < 64 ? token.name_len : 64),
		    r->text + token.name);
	return ST_OK;
}

/* The name of the innermost open element. */
static const char *
open_name(const struct reader *r, int *len, unsigned *line)
{
	const struct xml_token *t;
	unsigned column;

	t = &r->scan->tokens[r->open[r->depth - 1]];
	*len = (int)(t->name_len < 64 ? t->name_len : 64);
	xml_text_place(r->text, t->at, line, &column);
	return r->text + t->name;
}

static enum status
take_start_tag(struct reader *r)
{
	struct xml_token token = { .kind = TOKEN_OPEN, .at = r->at++ };
	size_t first;
	enum status st;
	bool space;

	if (r->depth == XML_DEPTH_MAX)
		return fail(r, ST_TOOBIG, token.at,
		    "more than %d elements are open; nest less deeply",
		    XML_DEPTH_MAX);
	token.name = r->at;
	if ((token.name_len = take_name(r)) == 0)
		return no_name(r, "an element");
	r->open[r->depth++] = r->scan->tokens_n;
	if ((st = push(r, &token)) != ST_OK)
		return st;
	first = r->scan->tokens_n;
	for (;;) {
		space = skip_space(r);
		if (r->text[r->at] == '>' || ahead(r, "/>"))
			break;
		if (r->at == r->len)
			return fail(r, ST_MALFORMED, token.at,
			    "the tag that begins here is never closed; "
			    "close it with \">\"");
		if (!space)
			return fail(r, ST_MALFORMED, r->at,
			    "a space or the end of the tag is due here");
		if ((st = take_attribute(r, first)) != ST_OK)
			return st;
	}
	if (r->text[r->at++] == '>')
		return ST_OK;
	r->at++;
	r->depth--;
	token = (struct xml_token){ .kind = TOKEN_CLOSE, .at = token.at };
	return push(r, &token);
}

static enum status
take_end_tag(struct reader *r)
{
	struct xml_token token = { .kind = TOKEN_CLOSE, .at = r->at };
	size_t from, n;
	unsigned line;
	const char *due;
	int due_len;

	from = r->at += 2;
	n = take_name(r);
	due = open_name(r, &due_len, &line);
	if (n != r->scan->tokens[r->open[r->depth - 1]].name_len ||
	    memcmp(r->text + from, due, n) != 0)
		return fail(r, ST_MALFORMED, token.at,
		    "</%.*s> is due here, for the <%.*s> of line %u; close "
		    "what was opened last",
		    due_len, due, due_len, due, line);
	skip_space(r);
	if (r->text[r->at] != '>')
		return fail(r, ST_MALFORMED, r->at,
		    "\">\" is due here, the end of the closing tag");
	r->at++;
	r->depth--;
	return push(r, &token);
}

static enum status
take_comment(struct reader *r)
{
	size_t from = r->at;
	const char *end = strstr(r->text + r->at + 4, "--");

	if (end == NULL)
		return fail(r, ST_MALFORMED, from,
		    "the comment that begins here is never closed; close it "
		    "with -->");
	r->at = (size_t)(end - r->text);
	if (end[2] != '>')
		return fail(r, ST_MALFORMED, r->at,
		    "\"--\" may not stand in a comment; write something else");
	r->at += 3;
	return ST_OK;
}

static enum status
take_cdata(struct reader *r)
{
	struct xml_token token = { .kind = TOKEN_TEXT, .verbatim = true };
	size_t from = r->at;
	const char *end = strstr(r->text + r->at, "]]>");

	if (end == NULL)
		return fail(r, ST_MALFORMED, from,
		    "the CDATA section that begins here is never closed; "
		    "close it with ]]>");
	token.at = token.value = from + strlen("<![CDATA[");
	r->at = (size_t)(end - r->text) + 3;
	token.size = token.value_len = (size_t)(end - r->text) - token.value;
	return token.size == 0 ? ST_OK : push(r, &token);
}

/* A run of text; comments within it do not divide it. */
static enum status
take_text(struct reader *r)
{
	struct xml_token token = { .kind = TOKEN_TEXT, .at = r->at };
	enum status st;

	token.value = r->at;
	while (r->at < r->len) {
		if (ahead(r, "<!--"))
			st = take_comment(r);
		else if (r->text[r->at] == '<')
			break;
		else if (ahead(r, "]]>"))
			st = fail(r, ST_MALFORMED, r->at,
			    "\"]]>\" may not stand in text; write ]]&gt;");
		else
			st = take_character(r, &token.size);
		if (st != ST_OK)
			return st;
	}
	token.value_len = r->at - token.value;
	return push(r, &token);
}

/* What begins with "<!" or "<?" and is no comment and no CDATA. */
static enum status
refuse(struct reader *r)
{
	if (ahead(r, "<!DOCTYPE"))
		return fail(r, ST_UNSUPPORTED, r->at,
		    "a DOCTYPE is refused, with the entities it may define; "
		    "remove it");
	if (ahead(r, "<!"))
		return fail(r, ST_MALFORMED, r->at,
		    "\"<!\" begins neither a comment nor CDATA; write a "
		    "plain \"<\" as &lt;");
	if (ahead(r, "<?xml") && !is_name(r->text[r->at + 5]))
		return fail(r, ST_MALFORMED, r->at,
		    "<?xml may stand at the very beginning only; remove what "
		    "is before it, or this");
	return fail(r, ST_UNSUPPORTED, r->at,
	    "a processing instruction is refused; remove it");
}

/* The root element, from its "<" to its last ">". */
static enum status
take_root(struct reader *r)
{
	enum status st;
	unsigned line;
	const char *name;
	int len;

	st = take_start_tag(r);
	while (st == ST_OK && r->depth > 0 && r->at < r->len) {
		if (r->text[r->at] != '<')
			st = take_text(r);
		else if (ahead(r, "</"))
			st = take_end_tag(r);
		else if (ahead(r, "<!--"))
			st = take_comment(r);
		else if (ahead(r, "<![CDATA["))
			st = take_cdata(r);
		else if (ahead(r, "<!") || ahead(r, "<?"))
			st = refuse(r);
		else
			st = take_start_tag(r);
	}
	if (st != ST_OK || r->depth == 0)
		return st;
	name = open_name(r, &len, &line);
	return fail(r, ST_MALFORMED, r->len,
	    "the document ends within the <%.*s> of line %u; close it with "
	    "</%.*s>",
	    len, name, line, len, name);
}

/* White space and comments, before and after the root. */
static enum status
take_misc(struct reader *r)
{
	enum status st = ST_OK;

	for (;;) {
		skip_space(r);
		if (!ahead(r, "<!--"))
			return st;
		if ((st = take_comment(r)) != ST_OK)
			return st;
	}
}

/* Where no root begins, and after it. */
static enum status
refuse_outside(struct reader *r, bool after)
{
	if (ahead(r, "<!") || ahead(r, "<?"))
		return refuse(r);
	if (after)
		return fail(r, ST_MALFORMED, r->at,
		    "%s after the root element is closed; remove it",
		    r->text[r->at] == '<' ? "there is markup"
					  : "there is text");
	if (r->at == r->len)
		return fail(
		    r, ST_MALFORMED, r->at, "there is no element; write one");
	return fail(r, ST_MALFORMED, r->at,
	    "there is text before the root element; remove it");
}

static enum status
take_document(struct reader *r)
{
	const char *wrong;
	enum status st;

	if (ahead(r, "<?xml") && !is_name(r->text[5])) {
		st = xml_declaration(r->text, &r->at, &wrong);
		if (st != ST_OK)
			return fail(r, st, 0, "%s", wrong);
	}
	if ((st = take_misc(r)) != ST_OK)
		return st;
	if (r->text[r->at] != '<' || ahead(r, "<!") || ahead(r, "<?"))
		return refuse_outside(r, false);
	r->scan->root = r->at;
	if ((st = take_root(r)) != ST_OK)
		return st;
	r->scan->root_end = r->at;
	if ((st = take_misc(r)) != ST_OK)
		return st;
	return r->at == r->len ? ST_OK : refuse_outside(r, true);
}

enum status
xml_scan(struct xml_scan *scan, const char *text, size_t len,
    struct xml_error *error)
{
	struct reader r = { .scan = scan, .text = "", .error = error };
	const char *wrong;
	enum status st;
	size_t at;

	*scan = (struct xml_scan){ 0 };
	*error = (struct xml_error){ .line = 1, .column = 1 };
	if (len > XML_MAX)
		return fail(&r, ST_TOOBIG, 0,
		    "longer than %d bytes; make it shorter", XML_MAX);
	if ((scan->text = xml_text_copy(text, len, &scan->len)) == NULL)
		return ST_NOMEM;
	r.text = scan->text;
	r.len = scan->len;
	st = xml_text_check(scan->text, scan->len, &at, &wrong);
	if (st != ST_OK)
		return fail(&r, st, at, "%s", wrong);
	return take_document(&r);
}

void
xml_scan_release(struct xml_scan *scan)
{
	free(scan->text);
	free(scan->tokens);
	*scan = (struct xml_scan){ 0 };
}
