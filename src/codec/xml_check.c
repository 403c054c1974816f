#include "codec/xml_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define REFERENCE_MAX 12 /* "&#x0010FFFF;": leading zeros, within reason */
#define CDATA "<![CDATA["
#define SHOWN 64 /* characters of a name that a message shows */
#define SPACE " \t\n"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define NAMES LETTERS "0123456789-.:"
#define WRITE_IT "write <?xml version=\"1.0\" encoding=\"UTF-8\"?>"

/* What Mini-XML gets is put between these. */
#define WRAPPER "<x>"
#define WRAPPER_END "</x>"

/* A check under way; text is out->text, NUL-terminated. */
struct reader {
	struct xml_check *out;
	const char *text;
	size_t at, len, clean_len;
	struct xml_error *error;
	size_t open[XML_DEPTH_MAX]; /* the "<" of elements not yet closed */
	size_t depth;
};

/* Line and column (both from 1, in characters) of an offset. */
static void
line_column(const char *text, size_t at, unsigned *line, unsigned *column)
{
	*line = *column = 1;
	for (; at > 0; at--, text++) {
		if (*text == '\n') {
			(*line)++;
			*column = 1;
		} else if (((unsigned char)*text & 0xc0) != 0x80) {
			(*column)++;
		}
	}
}

static enum status fail(struct reader *, enum status, size_t at,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static enum status
fail(struct reader *r, enum status st, size_t at, const char *format, ...)
{
	va_list ap;

	line_column(r->text, at, &r->error->line, &r->error->column);
	va_start(ap, format);
	vsnprintf(r->error->text, sizeof(r->error->text), format, ap);
	va_end(ap);
	return st;
}

/* --- characters ---------------------------------------------------------- */

/*
 * Copy the document with line ends as XML gives them on ("\r\n" and "\r" are
 * "\n") and without a byte order mark at its beginning.
 */
static void
copy_text(struct reader *r, const char *text, size_t len)
{
	size_t i = 0;

	if (len >= 3 && memcmp(text, BYTE_ORDER_MARK, 3) == 0)
		i = 3;
	for (; i < len; i++)
		if (text[i] != '\r')
			r->out->text[r->len++] = text[i];
		else if (i + 1 == len || text[i + 1] != '\n')
			r->out->text[r->len++] = '\n';
	r->out->text[r->len] = '\0';
	r->out->len = r->len;
}

static enum status
check_characters(struct reader *r)
{
	size_t at, n;
	bool legal;

	for (at = 0; at < r->len; at += n) {
		n = xml_step(r->text + at, r->len - at, &legal);
		if (!legal && utf8_valid(r->text + at, n))
			return fail(r, ST_MALFORMED, at,
			    "a character that XML forbids stands here; "
			    "remove it");
		if (!legal)
			return fail(r, ST_MALFORMED, at,
			    "this is not UTF-8; save the file as UTF-8");
		/* Nobody sees it, and Mini-XML drops it. */
		if (n == 3 && memcmp(r->text + at, BYTE_ORDER_MARK, 3) == 0)
			return fail(r, ST_UNSUPPORTED, at,
			    "a byte order mark (U+FEFF, invisible) stands "
			    "here; remove it");
	}
	return ST_OK;
}

/* "&#65;" and "&#x41;": is it what a reference may stand for (XML 2.2)? */
static bool
numeric(const char *s, unsigned long *character)
{
	const bool hex = s[2] == 'x';
	const char *digits = s + (hex ? 3 : 2);
	size_t n =
	    strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
	unsigned long c;

	if (n == 0 || digits[n] != ';')
		return false;
	*character = c = strtoul(digits, NULL, hex ? 16 : 10);
	if (c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	return c < 0xd800 || (c > 0xdfff && c < 0xfffe) ||
	    (c > 0xffff && c <= 0x10ffff);
}

/*
 * A reference, s begins with "&": the character it stands for and its length
 * in the source; 0 if it is none that is taken (XML's five, decimal,
 * hexadecimal).
 */
static size_t
reference_length(const char *s, size_t n, unsigned long *character)
{
	static const char *const named[] = { "&&amp;", "<&lt;", ">&gt;",
		"\"&quot;", "'&apos;" };
	const char *end;
	size_t i, len;

	end = memchr(s, ';', n < REFERENCE_MAX ? n : REFERENCE_MAX);
	if (end == NULL)
		return 0;
	len = (size_t)(end - s) + 1;
	if (s[1] == '#')
		return numeric(s, character) ? len : 0;
	for (i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (strlen(named[i] + 1) == len &&
		    memcmp(named[i] + 1, s, len) == 0) {
			*character = (unsigned char)named[i][0];
			return len;
		}
	return 0;
}

/* --- pieces -------------------------------------------------------------- */

/* Does the text go on with this? Nothing is taken. */
static bool
ahead(const struct reader *r, const char *what)
{
	return strncmp(r->text + r->at, what, strlen(what)) == 0;
}

/* Take bytes that Mini-XML gets too. */
static void
take(struct reader *r, size_t n)
{
	memcpy(r->out->clean + r->clean_len, r->text + r->at, n);
	r->clean_len += n;
	r->at += n;
}

static bool
take_space(struct reader *r)
{
	size_t n = strspn(r->text + r->at, SPACE);

	take(r, n);
	return n > 0;
}

/* Every piece has a byte of its own, so that there is room. */
static void
add_place(struct reader *r, size_t at)
{
	r->out->places[r->out->places_n++] = (uint32_t)at;
}

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static size_t
name_length(const char *s)
{
	return is_one_of(*s, LETTERS) ? strspn(s, NAMES) : 0;
}

/* Take a name; its length, 0 if there is none, or one not of ASCII. */
static size_t
take_name(struct reader *r)
{
	size_t n = name_length(r->text + r->at);

	take(r, n);
	return (unsigned char)r->text[r->at] < 0x80 ? n : 0;
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

/* Take one character or reference of a value or text. */
static enum status
take_character(struct reader *r)
{
	unsigned long character;
	size_t n = 1;

	if (r->text[r->at] == '&')
		n = reference_length(
		    r->text + r->at, r->len - r->at, &character);
	if (n == 0)
		return fail(r, ST_MALFORMED, r->at,
		    "\"&\" begins no reference known here (&amp; &lt; &gt; "
		    "&quot; &apos; &#65; &#x41;); write a plain \"&\" as "
		    "&amp;");
	take(r, n);
	return ST_OK;
}

/* Take a quoted value. */
static enum status
take_value(struct reader *r)
{
	const char quote = r->text[r->at];
	const size_t from = r->at;
	enum status st;

	if (quote != '"' && quote != '\'')
		return fail(r, ST_MALFORMED, r->at,
		    "a value in quotes is due here; write NAME=\"VALUE\"");
	take(r, 1);
	add_place(r, r->at);
	while (r->text[r->at] != quote) {
		if (r->at == r->len)
			return fail(r, ST_MALFORMED, from,
			    "the quote opened here is never closed; close it");
		if (r->text[r->at] == '<')
			return fail(r, ST_MALFORMED, r->at,
			    "\"<\" may not stand in a value; write &lt;, or "
			    "close the quote");
		if ((st = take_character(r)) != ST_OK)
			return st;
		if (is_one_of(r->text[r->at - 1], SPACE))
			r->out->clean[r->clean_len - 1] = ' ';
	}
	take(r, 1);
	return ST_OK;
}

/* Take an attribute of the start tag whose first one has this place. */
static enum status
take_attribute(struct reader *r, size_t first)
{
	const char *name = r->text + r->at, *other;
	size_t place, len, n = r->out->places_n;
	enum status st;

	if ((n - first) / 2 >= XML_ATTRS_MAX)
		return fail(r, ST_TOOBIG, r->at,
		    "more than %d attributes; use fewer", XML_ATTRS_MAX);
	add_place(r, r->at);
	if ((len = take_name(r)) == 0)
		return no_name(r, "an attribute");
	take_space(r);
	if (r->text[r->at] != '=')
		return fail(r, ST_MALFORMED, r->at,
		    "\"=\" is due after the name of an attribute; write "
		    "NAME=\"VALUE\"");
	take(r, 1);
	take_space(r);
	if ((st = take_value(r)) != ST_OK)
		return st;
	for (place = first; place < n; place += 2) {
		other = r->text + r->out->places[place];
		if (name_length(other) == len && memcmp(other, name, len) == 0)
			return fail(r, ST_MALFORMED, (size_t)(name - r->text),
			    "the attribute \"%.*s\" is there twice; keep one",
			    (int)(len < SHOWN ? len : SHOWN), name);
	}
	r->out->attrs_n++;
	return ST_OK;
}

static enum status
take_start_tag(struct reader *r)
{
	const size_t from = r->at;
	size_t first;
	enum status st;
	bool space;

	if (r->depth == XML_DEPTH_MAX)
		return fail(r, ST_TOOBIG, from,
		    "more than %d elements are open; nest less deeply",
		    XML_DEPTH_MAX);
	add_place(r, from);
	r->out->nodes_n++;
	r->open[r->depth++] = from;
	take(r, 1);
	if (take_name(r) == 0)
		return no_name(r, "an element");
	first = r->out->places_n;
	for (;;) {
		space = take_space(r);
		if (r->text[r->at] == '>' || ahead(r, "/>"))
			break;
		if (r->at == r->len)
			return fail(r, ST_MALFORMED, from,
			    "the tag that begins here is never closed; "
			    "close it with \">\"");
		if (!space)
			return fail(r, ST_MALFORMED, r->at,
			    "a space or the end of the tag is due here");
		if ((st = take_attribute(r, first)) != ST_OK)
			return st;
	}
	if (r->text[r->at] == '/')
		r->depth--;
	take(r, r->text[r->at] == '/' ? 2 : 1);
	return ST_OK;
}

/* The name of the innermost open element, as much as is shown, and its line. */
static const char *
open_name(const struct reader *r, int *len, unsigned *line)
{
	const size_t at = r->open[r->depth - 1];
	const char *name = r->text + at + 1;
	size_t n = name_length(name);
	unsigned column;

	line_column(r->text, at, line, &column);
	*len = (int)(n < SHOWN ? n : SHOWN);
	return name;
}

static enum status
take_end_tag(struct reader *r)
{
	const char *due = r->text + r->open[r->depth - 1] + 1, *name;
	const size_t from = r->at;
	unsigned line;
	size_t n;
	int len;

	take(r, 2);
	name = r->text + r->at;
	n = take_name(r);
	if (n != name_length(due) || memcmp(name, due, n) != 0) {
		due = open_name(r, &len, &line);
		return fail(r, ST_MALFORMED, from,
		    "</%.*s> is due here, for the <%.*s> of line %u; close "
		    "what was opened last",
		    len, due, len, due, line);
	}
	take_space(r);
	if (r->text[r->at] != '>')
		return fail(r, ST_MALFORMED, r->at,
		    "\">\" is due here, the end of the closing tag");
	take(r, 1);
	r->depth--;
	return ST_OK;
}

/* Pass over a comment, which Mini-XML does not get. */
static enum status
skip_comment(struct reader *r)
{
	const size_t from = r->at;
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
	const char *end = strstr(r->text + r->at, "]]>");

	if (end == NULL)
		return fail(r, ST_MALFORMED, r->at,
		    "the CDATA section that begins here is never closed; "
		    "close it with ]]>");
	take(r, strlen(CDATA));
	if (r->text + r->at != end) {
		add_place(r, r->at);
		r->out->nodes_n++;
	}
	take(r, (size_t)(end - r->text) + 3 - r->at);
	return ST_OK;
}

/* A run of text; comments within it do not divide it. */
static enum status
take_text(struct reader *r)
{
	enum status st = ST_OK;

	add_place(r, r->at);
	r->out->nodes_n++;
	while (st == ST_OK && r->at < r->len) {
		if (ahead(r, "<!--"))
			st = skip_comment(r);
		else if (r->text[r->at] == '<')
			break;
		else if (ahead(r, "]]>"))
			st = fail(r, ST_MALFORMED, r->at,
			    "\"]]>\" may not stand in text; write ]]&gt;");
		else
			st = take_character(r);
	}
	return st;
}

/* --- the document -------------------------------------------------------- */

static bool
declaration_ahead(const struct reader *r)
{
	return ahead(r, "<?xml") && !is_one_of(r->text[r->at + 5], NAMES);
}

/* What begins with "<!" or "<?" and is neither a comment nor CDATA. */
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
	if (declaration_ahead(r))
		return fail(r, ST_MALFORMED, r->at,
		    "<?xml may stand at the very beginning only; remove what "
		    "is before it, or this");
	return fail(r, ST_UNSUPPORTED, r->at,
	    "a processing instruction is refused; remove it");
}

/* Pass over one NAME="VALUE" of the declaration; its value, if it is this. */
static const char *
skip_declared(struct reader *r, const char *name, size_t *len)
{
	const char *s = r->text + r->at, *value;

	if (!is_one_of(*s, SPACE))
		return NULL;
	s += strspn(s, SPACE);
	if (strncmp(s, name, strlen(name)) != 0)
		return NULL;
	s += strlen(name);
	s += strspn(s, SPACE);
	if (*s++ != '=')
		return NULL;
	s += strspn(s, SPACE);
	if (*s != '"' && *s != '\'')
		return NULL;
	value = s + 1;
	*len = strcspn(value, *s == '"' ? "\"<>" : "'<>");
	if (value[*len] != *s)
		return NULL;
	r->at = (size_t)(value + *len + 1 - r->text);
	return value;
}

static enum status
skip_declaration(struct reader *r)
{
	const char *value;
	size_t len;

	r->at += strlen("<?xml");
	if ((value = skip_declared(r, "version", &len)) == NULL)
		goto malformed;
	if (len != 3 || memcmp(value, "1.0", 3) != 0)
		return fail(
		    r, ST_UNSUPPORTED, 0, "only XML 1.0 is read; " WRITE_IT);
	if ((value = skip_declared(r, "encoding", &len)) != NULL &&
	    (len != 5 || strncasecmp(value, "UTF-8", 5) != 0))
		return fail(r, ST_UNSUPPORTED, 0,
		    "only UTF-8 is read; save the file as UTF-8 and say "
		    "encoding=\"UTF-8\"");
	if ((value = skip_declared(r, "standalone", &len)) != NULL &&
	    !(len == 3 && memcmp(value, "yes", 3) == 0) &&
	    !(len == 2 && memcmp(value, "no", 2) == 0))
		goto malformed;
	r->at += strspn(r->text + r->at, SPACE);
	if (!ahead(r, "?>"))
		goto malformed;
	r->at += 2;
	return ST_OK;
malformed:
	return fail(
	    r, ST_MALFORMED, 0, "the declaration is malformed; " WRITE_IT);
}

/* White space and comments, before and after the root. */
static enum status
skip_misc(struct reader *r)
{
	enum status st = ST_OK;

	for (;;) {
		r->at += strspn(r->text + r->at, SPACE);
		if (st != ST_OK || !ahead(r, "<!--"))
			return st;
		st = skip_comment(r);
	}
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
			st = skip_comment(r);
		else if (ahead(r, CDATA))
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

static enum status
take_document(struct reader *r)
{
	enum status st;

	if (declaration_ahead(r) && (st = skip_declaration(r)) != ST_OK)
		return st;
	if ((st = skip_misc(r)) != ST_OK)
		return st;
	if (ahead(r, "<!") || ahead(r, "<?"))
		return refuse(r);
	if (r->at == r->len)
		return fail(
		    r, ST_MALFORMED, r->at, "there is no element; write one");
	if (r->text[r->at] != '<')
		return fail(r, ST_MALFORMED, r->at,
		    "there is text before the root element; remove it");
	if ((st = take_root(r)) != ST_OK || (st = skip_misc(r)) != ST_OK)
		return st;
	if (ahead(r, "<!") || ahead(r, "<?"))
		return refuse(r);
	if (r->at < r->len)
		return fail(r, ST_MALFORMED, r->at,
		    "there is %s after the root element is closed; remove it",
		    r->text[r->at] == '<' ? "markup" : "text");
	return ST_OK;
}

enum status
xml_check(struct xml_check *out, const char *text, size_t len,
    struct xml_error *error)
{
	struct reader r = { .out = out, .text = "", .error = error };
	enum status st;

	*out = (struct xml_check){ 0 };
	*error = (struct xml_error){ .line = 1, .column = 1 };
	if (len > XML_MAX)
		return fail(&r, ST_TOOBIG, 0,
		    "longer than %d bytes; make it shorter", XML_MAX);
	out->text = malloc(len + 1);
	out->places = reallocarray(NULL, len + 1, sizeof(*out->places));
	out->clean = malloc(len + sizeof(WRAPPER) + sizeof(WRAPPER_END));
	if (out->text == NULL || out->places == NULL || out->clean == NULL)
		return ST_NOMEM;
	copy_text(&r, text, len);
	r.text = out->text;
	memcpy(out->clean, WRAPPER, r.clean_len = strlen(WRAPPER));
	if ((st = check_characters(&r)) == ST_OK)
		st = take_document(&r);
	memcpy(out->clean + r.clean_len, WRAPPER_END, sizeof(WRAPPER_END));
	return st;
}

void
xml_check_release(struct xml_check *check)
{
	free(check->text);
	free(check->clean);
	free(check->places);
	*check = (struct xml_check){ 0 };
}

/* How many bytes of a text or value are a character in UTF-8. */
static size_t
utf8_size(unsigned long character)
{
	return character < 0x80   ? 1
	    : character < 0x800   ? 2
	    : character < 0x10000 ? 3
				  : 4;
}

void
xml_check_place(const struct xml_check *check, size_t at, size_t index,
    unsigned *line, unsigned *column)
{
	const char *text = check->text;
	const size_t before = strlen(CDATA);
	const bool verbatim =
	    at >= before && memcmp(text + at - before, CDATA, before) == 0;
	unsigned long character;
	size_t n, size;

	while (at < check->len) {
		/* A comment within the text is not part of it. */
		if (!verbatim && strncmp(text + at, "<!--", 4) == 0) {
			at = (size_t)(strstr(text + at + 4, "-->") + 3 - text);
			continue;
		}
		n = size = 1;
		if (!verbatim && text[at] == '&') {
			n = reference_length(
			    text + at, check->len - at, &character);
			size = utf8_size(character);
		}
		if (size > index)
			break;
		index -= size;
		at += n;
	}
	line_column(text, at, line, column);
}
