#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/xml.h"
#include "twilio/grammar.h"
#include "twilio/twiml_parts.h"

#define REMARKS_MAX 50 /* lines of errors, and of warnings */
#define SHOWN 64 /* characters of a wrong name that a message shows */

/* Lines about the template. */
struct remarks {
	struct buf *lines;
	size_t n; /* made; of which REMARKS_MAX are in lines */
};

struct compiler {
	const char *name; /* of the template */
	const struct xml *xml;
	struct twiml *twiml;
	struct remarks errors, warnings;
	size_t literal_from; /* where the run under way began */
	enum status failed; /* ST_NOMEM ends it */
};

static void
remark(struct compiler *c, struct remarks *to, size_t at, size_t index,
    const char *format, va_list ap)
{
	unsigned line, column;

	if (to->n++ >= REMARKS_MAX)
		return;
	xml_place(c->xml, at, index, &line, &column);
	buf_printf(to->lines, "%s.twiml.xml:%u:%u: ", c->name, line, column);
	buf_vprintf(to->lines, format, ap);
	buf_putc(to->lines, '\n');
}

static void mistake(struct compiler *, size_t at, size_t index,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static void
mistake(struct compiler *c, size_t at, size_t index, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	remark(c, &c->errors, at, index, format, ap);
	va_end(ap);
}

static void warning(struct compiler *, size_t at, size_t index,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static void
warning(struct compiler *c, size_t at, size_t index, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	remark(c, &c->warnings, at, index, format, ap);
	va_end(ap);
}

static void
tell_of_more(
    const struct compiler *c, const struct remarks *r, const char *what)
{
	if (r->n > REMARKS_MAX)
		buf_printf(r->lines, "%s.twiml.xml: and %zu more %s\n", c->name,
		    r->n - REMARKS_MAX, what);
}

static void
put_literal(
    struct compiler *c, enum twiml_where where, const char *s, size_t len)
{
	switch (where) {
	case TWIML_TEXT:
		xml_put_text(&c->twiml->literal, s, len);
		break;
	case TWIML_ATTR:
		xml_put_attr(&c->twiml->literal, s, len);
		break;
	}
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The length of the placeholder's name that begins at s; 0 if there is none. */
static size_t
name_length(const char *s, const char *end)
{
	const char *from = s;

	if (s == end || !is_letter(*s))
		return 0;
	while (s < end && (is_letter(*s) || (*s >= '0' && *s <= '9')))
		s++;
	return (size_t)(s - from);
}

/* The index of a name, which is added if it is new; -1 if it cannot be. */
static int
name_index(
    struct compiler *c, const char *name, size_t len, size_t at, size_t index)
{
	struct twiml *t = c->twiml;
	struct twiml_name *new;
	size_t i;

	for (i = 0; i < t->names_n; i++)
		if (strlen(t->names[i].name) == len &&
		    memcmp(t->names[i].name, name, len) == 0)
			return (int)i;
	if (t->names_n == TWIML_NAMES_MAX) {
		mistake(c, at, index,
		    "more than %d different placeholders; use fewer",
		    TWIML_NAMES_MAX);
		return -1;
	}
	new = &t->names[t->names_n];
	if ((new->name = strndup(name, len)) == NULL) {
		c->failed = ST_NOMEM;
		return -1;
	}
	xml_place(c->xml, at, index, &new->line, &new->column);
	return (int)t->names_n++;
}

/* End the run under way with a slot. */
static void
put_slot(struct compiler *c, enum twiml_where where, int name)
{
	struct twiml *t = c->twiml;
	size_t cap = t->parts_cap == 0 ? 16 : t->parts_cap * 2;
	struct twiml_part *grown;

	if (t->parts_n == t->parts_cap) {
		grown = reallocarray(t->parts, cap, sizeof(*grown));
		if (grown == NULL) {
			c->failed = ST_NOMEM;
			return;
		}
		t->parts = grown;
		t->parts_cap = cap;
	}
	t->parts[t->parts_n++] = (struct twiml_part){
		.literal_len = t->literal.len - c->literal_from,
		.name = (size_t)name,
		.where = where,
	};
	c->literal_from = t->literal.len;
}

/* What begins with a brace at s: its length in the text. */
static size_t
take_brace(struct compiler *c, enum twiml_where where, const char *s,
    const char *end, size_t at, size_t index)
{
	size_t len;
	int name;

	if (s + 1 < end && s[1] == s[0]) {
		put_literal(c, where, s, 1);
		return 2;
	}
	if (*s == '}') {
		mistake(c, at, index,
		    "\"}\" without \"{\"; write }} for the brace itself");
		return 1;
	}
	len = name_length(s + 1, end);
	if (len == 0 || s + 1 + len == end || s[1 + len] != '}') {
		mistake(c, at, index,
		    "\"{\" begins no placeholder; write {name}, or {{ for "
		    "the brace itself");
		/* Go on after its end, not to complain about that too. */
		len = strcspn(s + 1, "{}");
		return s[1 + len] == '}' ? len + 2 : len + 1;
	}
	if (len > TWIML_NAME_MAX)
		mistake(c, at, index,
		    "the placeholder's name is too long; use %d characters "
		    "at most",
		    TWIML_NAME_MAX);
	else if ((name = name_index(c, s + 1, len, at, index)) >= 0)
		put_slot(c, where, name);
	return len + 2;
}

/* A text or value: literal bytes, placeholders and braces. */
static void
put_value(struct compiler *c, enum twiml_where where, const char *text,
    size_t len, size_t at)
{
	const char *s = text, *end = text + len;
	size_t n;

	while (s < end && c->failed == ST_OK) {
		n = strcspn(s, "{}");
		put_literal(c, where, s, n);
		s += n;
		if (s < end)
			s += take_brace(
			    c, where, s, end, at, (size_t)(s - text));
	}
}

static void
check_attribute(struct compiler *c, const struct grammar_element *element,
    const struct xml_attr *a)
{
	const char *near;

	if (grammar_has_attribute(element, a->name))
		return;
	near = grammar_near_attribute(element, a->name);
	if (near != NULL)
		warning(c, a->name_at, 0,
		    "<%s> has no attribute \"%.*s\"; did you mean \"%.*s\"?",
		    element->tag, SHOWN, a->name, (int)strcspn(near, "|"),
		    near);
	else
		warning(c, a->name_at, 0,
		    "<%s> has no attribute \"%.*s\" that is known; remove it "
		    "unless Twilio has added it",
		    element->tag, SHOWN, a->name);
}

/* element is NULL where the name is unknown: its values still have slots. */
static void
put_attributes(struct compiler *c, const struct xml_node *node,
    const struct grammar_element *element)
{
	struct buf *literal = &c->twiml->literal;
	const struct xml_attr *a;

	for (a = node->attrs; a < node->attrs + node->attrs_n; a++) {
		if (element != NULL)
			check_attribute(c, element, a);
		buf_printf(literal, " %s=\"", a->name);
		put_value(
		    c, TWIML_ATTR, a->value, strlen(a->value), a->value_at);
		buf_putc(literal, '"');
	}
}

/*
 * The first of a run of texts (CDATA makes several of one) that is not white
 * space alone, or NULL.
 */
static const struct xml_node *
not_blank(const struct xml_node *text)
{
	for (; text != NULL && text->kind == XML_TEXT; text = text->next)
		if (strspn(text->text, " \t\n\r") < text->text_len)
			return text;
	return NULL;
}

/*
 * Does this run of texts count? White space that stands alone between tags
 * does not, but in Say and in what is not known.
 */
static bool
text_counts(struct compiler *c, const struct xml_node *text,
    const struct grammar_element *parent)
{
	if (parent == NULL)
		return true;
	switch (parent->text) {
	case GRAMMAR_SPEECH:
		return true;
	case GRAMMAR_TEXT:
		return not_blank(text) != NULL;
	case GRAMMAR_NO_TEXT:
		if ((text = not_blank(text)) != NULL)
			warning(c, text->at, strspn(text->text, " \t\n\r"),
			    "<%s> holds no text; move it into <Say>, or "
			    "remove it",
			    parent->tag);
		return text != NULL;
	}
	return true;
}

/* The names of the elements that an element may stand in, for a message. */
static void
list_parents(const struct grammar_element *child, struct buf *out)
{
	size_t i;

	for (i = 0; i < grammar_elements_n; i++)
		if (grammar_allows(&grammar_elements[i], child))
			buf_printf(out, "%s<%s>", out->len == 0 ? "" : ", ",
			    grammar_elements[i].tag);
}

/* Say why a known element may not stand here. */
static void
misplaced(struct compiler *c, const struct xml_node *node,
    const struct grammar_element *known, const struct grammar_element *parent)
{
	struct buf list = BUF_INIT;

	list_parents(known, &list);
	if (list.len > 0)
		warning(c, node->at, 0,
		    "<%s> may not stand in <%s>; it stands in %s", known->tag,
		    parent->tag, buf_str(&list));
	else
		warning(c, node->at, 0,
		    "<%s> is the root; it may not stand in <%s>", known->tag,
		    parent->tag);
	if (list.err != ST_OK)
		c->failed = list.err;
	buf_release(&list);
}

static void
unknown(struct compiler *c, const struct xml_node *node)
{
	const char *near = grammar_near_tag(node->name);

	if (near != NULL)
		warning(c, node->at, 0,
		    "there is no element <%.*s>; did you mean <%s>?", SHOWN,
		    node->name, near);
	else
		warning(c, node->at, 0,
		    "no element <%.*s> is known; remove it unless Twilio has "
		    "added it",
		    SHOWN, node->name);
}

/*
 * What an element is: by its place where that is known, else by its name, so
 * that what stands in it is looked at too. NULL: no such element is known.
 */
static const struct grammar_element *
identify(struct compiler *c, const struct xml_node *node,
    const struct grammar_element *parent)
{
	const struct grammar_element *known = NULL;

	if (parent != NULL)
		known = grammar_child(parent, node->name);
	if (known != NULL)
		return known;
	if ((known = grammar_find(node->name)) == NULL)
		unknown(c, node);
	else if (parent != NULL)
		misplaced(c, node, known, parent);
	return known;
}

static void put_element(
    struct compiler *, const struct xml_node *, const struct grammar_element *);

static void
put_children(struct compiler *c, const struct xml_node *node,
    const struct grammar_element *element)
{
	const struct xml_node *child = node->child;
	bool counts;

	while (child != NULL) {
		if (child->kind == XML_ELEMENT) {
			put_element(c, child, identify(c, child, element));
			child = child->next;
			continue;
		}
		counts = text_counts(c, child, element);
		for (; child != NULL && child->kind == XML_TEXT;
		     child = child->next)
			if (counts)
				put_value(c, TWIML_TEXT, child->text,
				    child->text_len, child->at);
	}
}

/* As deep as the document: XML_DEPTH_MAX at most. */
static void
put_element(struct compiler *c, const struct xml_node *node,
    const struct grammar_element *element)
{
	struct buf *literal = &c->twiml->literal;
	size_t inside, parts;

	buf_printf(literal, "<%s", node->name);
	put_attributes(c, node, element);
	buf_putc(literal, '>');
	inside = literal->len;
	parts = c->twiml->parts_n;
	put_children(c, node, element);
	if (literal->len > inside || c->twiml->parts_n > parts) {
		buf_printf(literal, "</%s>", node->name);
	} else if (literal->err == ST_OK) {
		literal->data[inside - 1] = '/';
		buf_putc(literal, '>');
	}
}

static void
put_document(struct compiler *c)
{
	const struct xml_node *root = xml_root(c->xml);
	const struct grammar_element *response = &grammar_elements[0];

	buf_puts(
	    &c->twiml->literal, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	if (strcmp(root->name, response->tag) != 0) {
		mistake(c, root->at, 0, "the root is <%.*s>; it must be <%s>",
		    SHOWN, root->name, response->tag);
		response = NULL;
	}
	put_element(c, root, response);
	buf_putc(&c->twiml->literal, '\n');
	if (c->twiml->literal.len > TWIML_MAX)
		mistake(c, root->at, 0,
		    "longer than %d bytes once it is written; make it "
		    "shorter",
		    TWIML_MAX);
	tell_of_more(c, &c->errors, "mistakes");
	tell_of_more(c, &c->warnings, "warnings");
}

static struct twiml *
twiml_new(void)
{
	struct twiml *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	atomic_init(&t->holders, 1);
	t->names = calloc(TWIML_NAMES_MAX, sizeof(*t->names));
	if (t->names != NULL)
		return t;
	free(t);
	return NULL;
}

/* The verdict on what a compiler made. */
static enum status
compiled(const struct compiler *c)
{
	if (c->failed != ST_OK)
		return c->failed;
	if (c->errors.lines->err != ST_OK)
		return c->errors.lines->err;
	if (c->warnings.lines->err != ST_OK)
		return c->warnings.lines->err;
	if (c->twiml->literal.err != ST_OK)
		return c->twiml->literal.err;
	return c->errors.n > 0 ? ST_CONFIG : ST_OK;
}

enum status
twiml_compile(struct twiml **out, const char *name, const char *text,
    size_t len, struct buf *errors)
{
	struct compiler c = { .name = name, .errors = { errors, 0 } };
	struct xml_error error;
	struct xml *xml = NULL;
	enum status st;

	*out = NULL;
	st = xml_parse(&xml, text, len, &error);
	if (st != ST_OK && st != ST_NOMEM) {
		buf_printf(errors, "%s.twiml.xml:%u:%u: %s\n", name, error.line,
		    error.column, error.text);
		return errors->err != ST_OK ? errors->err : ST_CONFIG;
	}
	if (st != ST_OK)
		return st;
	c.xml = xml;
	if ((c.twiml = twiml_new()) == NULL) {
		st = ST_NOMEM;
		goto out;
	}
	c.warnings.lines = &c.twiml->warnings;
	put_document(&c);
	if ((st = compiled(&c)) == ST_OK)
		*out = c.twiml;
	else
		twiml_release(c.twiml);
out:
	xml_free(xml);
	return st;
}
