#include "codec/xml.h"

#include <errno.h>
#include <mxml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/xml_scan.h"
#include "codec/xml_text.h"
#include "config.h"

struct xml {
	struct xml_scan scan; /* kept for xml_place */
	struct xml_node *nodes;
	struct xml_attr *attrs;
	char *strings;
};

/*
 * Mini-XML, versions 3 and 4: a document as a tree of its nodes, and what a
 * node is. Nothing below these lines knows it.
 */
enum piece { PIECE_ELEMENT, PIECE_TEXT, PIECE_OTHER };

#ifdef HAVE_MXML4
static void
ignore_message(void *data, const char *message)
{
	(void)data;
	(void)message;
}

/* Version 4 knows four of XML's five entities. */
static int
apostrophe(void *data, const char *name)
{
	(void)data;
	return strcmp(name, "apos") == 0 ? '\'' : -1;
}

static mxml_node_t *
library_load(const char *text)
{
	mxml_options_t *options = mxmlOptionsNew();
	mxml_node_t *top;

	if (options == NULL)
		return NULL;
	mxmlOptionsSetTypeValue(options, MXML_TYPE_OPAQUE);
	mxmlOptionsSetErrorCallback(options, ignore_message, NULL);
	mxmlOptionsSetEntityCallback(options, apostrophe, NULL);
	top = mxmlLoadString(NULL, options, text);
	mxmlOptionsDelete(options);
	return top;
}

/* What a node is, and its name or text. */
static enum piece
library_piece(mxml_node_t *node, const char **what)
{
	switch ((int)mxmlGetType(node)) {
	case MXML_TYPE_ELEMENT:
		*what = mxmlGetElement(node);
		return PIECE_ELEMENT;
	case MXML_TYPE_OPAQUE:
		*what = mxmlGetOpaque(node);
		return PIECE_TEXT;
	case MXML_TYPE_CDATA:
		*what = mxmlGetCDATA(node);
		return PIECE_TEXT;
	}
	return PIECE_OTHER;
}
#else
static void
ignore_message(const char *message)
{
	(void)message;
}

static mxml_node_t *
library_load(const char *text)
{
	mxml_node_t *top;

	/* The callback belongs to the thread; without one it writes stderr. */
	mxmlSetErrorCallback(ignore_message);
	top = mxmlLoadString(NULL, text, MXML_OPAQUE_CALLBACK);
	mxmlSetErrorCallback(NULL);
	return top;
}

/* What a node is, and its name or text. */
static enum piece
library_piece(mxml_node_t *node, const char **what)
{
	if (mxmlGetType(node) == MXML_OPAQUE) {
		*what = mxmlGetOpaque(node);
		return PIECE_TEXT;
	}
	if (mxmlGetType(node) != MXML_ELEMENT)
		return PIECE_OTHER;
	/* Comments and CDATA are elements of strange names in version 3; an
	 * element without any, for lack of memory, it would trip over. */
	if ((*what = mxmlGetElement(node)) == NULL)
		return PIECE_ELEMENT;
	if (strncmp(*what, "![CDATA[", 8) == 0) {
		*what = mxmlGetCDATA(node);
		return PIECE_TEXT;
	}
	if ((*what)[0] == '!' || (*what)[0] == '?')
		return PIECE_OTHER;
	return PIECE_ELEMENT;
}
#endif

/* A tree being made: where the scan's tokens and the arrays stand. */
struct builder {
	struct xml *xml;
	size_t token, node, attr;
	char *string, *strings_end;
};

/* Copy a string of the library's, which the scan saw to be of this size. */
static const char *
keep(struct builder *b, const char *s, size_t size)
{
	char *kept = b->string;

	if (s == NULL || strlen(s) != size ||
	    size >= (size_t)(b->strings_end - b->string))
		return NULL;
	memcpy(kept, s, size + 1);
	b->string += size + 1;
	return kept;
}

/* The scan's next token, if it is of this kind. */
static const struct xml_token *
next_token(struct builder *b, enum xml_token_kind kind)
{
	struct xml_scan *scan = &b->xml->scan;

	if (b->token == scan->tokens_n || scan->tokens[b->token].kind != kind)
		return NULL;
	return &scan->tokens[b->token++];
}

/* Is this name of the library's the one of the source? */
static bool
same_name(const struct builder *b, const struct xml_token *t, const char *name)
{
	return name != NULL && strlen(name) == t->name_len &&
	    memcmp(name, b->xml->scan.text + t->name, t->name_len) == 0;
}

static bool
build_attrs(struct builder *b, struct xml_node *node, mxml_node_t *from)
{
	const struct xml_token *t;
	struct xml_attr *attr;

	node->attrs = b->xml->attrs + b->attr;
	while ((t = next_token(b, TOKEN_ATTR)) != NULL) {
		attr = &b->xml->attrs[b->attr++];
		attr->name_source.at = t->at;
		attr->value_source.at = t->value;
		memcpy(b->string, b->xml->scan.text + t->name, t->name_len);
		b->string[t->name_len] = '\0';
		attr->name = b->string;
		b->string += t->name_len + 1;
		attr->value =
		    keep(b, mxmlElementGetAttr(from, attr->name), t->size);
		if (attr->value == NULL)
			return false;
		node->attrs_n++;
	}
	return (size_t)mxmlElementGetAttrCount(from) == node->attrs_n;
}

static struct xml_node *build(struct builder *, mxml_node_t *);

static bool
build_children(struct builder *b, struct xml_node *node, mxml_node_t *from)
{
	const struct xml_node **link = &node->child;
	struct xml_node *made;
	mxml_node_t *child;
	const char *what;

	for (child = mxmlGetFirstChild(from); child != NULL;
	     child = mxmlGetNextSibling(child)) {
		if (library_piece(child, &what) == PIECE_OTHER ||
		    (what != NULL && what[0] == '\0'))
			continue;
		if ((made = build(b, child)) == NULL)
			return false;
		*link = made;
		link = &made->next;
	}
	return next_token(b, TOKEN_CLOSE) != NULL;
}

/* NULL: the two readers disagree. No deeper than the scan has open tags. */
static struct xml_node *
build(struct builder *b, mxml_node_t *from)
{
	const struct xml_token *t;
	struct xml_node *node;
	const char *what = NULL;

	if (library_piece(from, &what) == PIECE_TEXT) {
		if ((t = next_token(b, TOKEN_TEXT)) == NULL)
			return NULL;
		node = &b->xml->nodes[b->node++];
		node->kind = XML_TEXT;
		node->source.at = t->value;
		node->source.verbatim = t->verbatim;
		node->text = keep(b, what, t->size);
		node->text_len = t->size;
		return node->text == NULL ? NULL : node;
	}
	if ((t = next_token(b, TOKEN_OPEN)) == NULL || !same_name(b, t, what))
		return NULL;
	node = &b->xml->nodes[b->node++];
	node->kind = XML_ELEMENT;
	node->source.at = t->at;
	if ((node->name = keep(b, what, t->name_len)) == NULL ||
	    !build_attrs(b, node, from) || !build_children(b, node, from))
		return NULL;
	return node;
}

/* Take the comments out: Mini-XML divides text at them, or trips over them. */
static void
remove_comments(char *text)
{
	char *out = text;
	const char *from = text, *end;

	while (*from != '\0') {
		end = from + 1;
		if (strncmp(from, "<!--", 4) == 0) {
			from = strstr(from + 4, "-->") + 3;
			continue;
		}
		if (strncmp(from, "<![CDATA[", 9) == 0)
			end = strstr(from, "]]>");
		while (from < end)
			*out++ = *from++;
	}
	*out = '\0';
}

#define WRAPPER "<x>"

/*
 * The root element as the library gets it: without comments; with spaces in
 * place of line ends and tabs in values, as XML asks (3.3.3); and wrapped in
 * another, since version 4 takes no "<a/>" for a root.
 */
static char *
library_text(const struct xml_scan *scan)
{
	int len = (int)(scan->root_end - scan->root);
	const struct xml_token *t;
	char *text, *value;
	size_t i;

	if (asprintf(&text, WRAPPER "%.*s</x>", len, scan->text + scan->root) <
	    0)
		return NULL;
	for (t = scan->tokens; t < scan->tokens + scan->tokens_n; t++) {
		if (t->kind != TOKEN_ATTR)
			continue;
		value = text + strlen(WRAPPER) + t->value - scan->root;
		for (i = 0; i < t->value_len; i++)
			if (value[i] == '\n' || value[i] == '\t')
				value[i] = ' ';
	}
	remove_comments(text);
	return text;
}

static enum status
allocate(struct xml *xml, struct builder *b)
{
	const struct xml_scan *scan = &xml->scan;
	size_t i, nodes = 0, attrs = 0;

	for (i = 0; i < scan->tokens_n; i++) {
		nodes += scan->tokens[i].kind == TOKEN_OPEN ||
		    scan->tokens[i].kind == TOKEN_TEXT;
		attrs += scan->tokens[i].kind == TOKEN_ATTR;
	}
	xml->nodes = calloc(nodes + 1, sizeof(*xml->nodes));
	xml->attrs = calloc(attrs + 1, sizeof(*xml->attrs));
	/*
	 * A name, value or text is never shorter in the source, and a byte of
	 * markup follows it there: its NUL fits too.
	 */
	xml->strings = malloc(scan->len + 1);
	if (xml->nodes == NULL || xml->attrs == NULL || xml->strings == NULL)
		return ST_NOMEM;
	b->xml = xml;
	b->string = xml->strings;
	b->strings_end = xml->strings + scan->len + 1;
	return ST_OK;
}

static enum status
xml_build(struct xml *xml, struct xml_error *error)
{
	struct builder b = { 0 };
	mxml_node_t *top = NULL, *root;
	enum status st = ST_NOMEM;
	char *text = library_text(&xml->scan);

	if (text == NULL || allocate(xml, &b) != ST_OK)
		goto out;
	/* The library tells no more than that it failed; malloc tells why. */
	errno = 0;
	if ((top = library_load(text)) != NULL &&
	    (root = mxmlGetFirstChild(top)) != NULL &&
	    mxmlGetNextSibling(root) == NULL && build(&b, root) != NULL &&
	    b.token == xml->scan.tokens_n)
		st = ST_OK;
	else if (errno != ENOMEM)
		st = ST_MALFORMED;
	if (st == ST_MALFORMED)
		snprintf(error->text, sizeof(error->text),
		    "the XML library cannot read this; write it more simply");
out:
	if (top != NULL)
		mxmlDelete(top);
	free(text);
	return st;
}

enum status
xml_parse(
    struct xml **out, const char *text, size_t len, struct xml_error *error)
{
	struct xml *xml = calloc(1, sizeof(*xml));
	enum status st = ST_NOMEM;

	*out = NULL;
	if (xml == NULL)
		return st;
	if ((st = xml_scan(&xml->scan, text, len, error)) == ST_OK)
		st = xml_build(xml, error);
	if (st == ST_OK)
		*out = xml;
	else
		xml_free(xml);
	return st;
}

void
xml_free(struct xml *xml)
{
	if (xml == NULL)
		return;
	xml_scan_release(&xml->scan);
	free(xml->nodes);
	free(xml->attrs);
	free(xml->strings);
	free(xml);
}

const struct xml_node *
xml_root(const struct xml *xml)
{
	return xml->nodes;
}

void
xml_place(const struct xml *xml, const struct xml_source *source, size_t index,
    unsigned *line, unsigned *column)
{
	const struct xml_scan *scan = &xml->scan;
	unsigned long character;
	size_t at = source->at, n;
	const char *end;

	while (at < scan->len) {
		/* A comment within the text. */
		if (strncmp(scan->text + at, "<!--", 4) == 0 &&
		    !source->verbatim) {
			end = strstr(scan->text + at + 4, "-->");
			at = (size_t)(end - scan->text) + 3;
			continue;
		}
		if (index == 0)
			break;
		n = 0;
		if (scan->text[at] == '&' && !source->verbatim)
			n = xml_text_reference(
			    scan->text + at, scan->len - at, &character);
		if (n == 0) {
			at++;
			index--;
			continue;
		}
		if (xml_text_size(character) > index)
			break;
		index -= xml_text_size(character);
		at += n;
	}
	xml_text_place(scan->text, at, line, column);
}
