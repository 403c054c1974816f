#include "codec/xml.h"

#include <errno.h>
#include <mxml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/xml_check.h"
#include "config.h"

struct xml {
	struct xml_check check; /* its text is kept for xml_place */
	mxml_node_t *top; /* what strings of the tree point into */
	struct xml_node *nodes;
	struct xml_attr *attrs;
};

/*
 * Mini-XML, versions 3 and 4: a document as a tree of its nodes, and what a
 * node is. Nothing below these lines knows which it is.
 */
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

/* The text of a node, or NULL: it is an element. */
static const char *
library_text(mxml_node_t *node)
{
	if (mxmlGetType(node) == MXML_TYPE_ELEMENT)
		return NULL;
	return mxmlGetType(node) == MXML_TYPE_CDATA ? mxmlGetCDATA(node)
						    : mxmlGetOpaque(node);
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

/* The text of a node, or NULL: it is an element. */
static const char *
library_text(mxml_node_t *node)
{
	const char *name;

	if (mxmlGetType(node) != MXML_ELEMENT)
		return mxmlGetOpaque(node);
	/* CDATA is an element of a strange name in version 3; an element
	 * without any, for lack of memory, it would trip over. */
	name = mxmlGetElement(node);
	return name != NULL && name[0] == '!' ? mxmlGetCDATA(node) : NULL;
}
#endif

/* A tree being made: how much of the check's places and the arrays is used. */
struct builder {
	struct xml *xml;
	size_t place, node, attr;
};

static size_t
next_place(struct builder *b)
{
	const struct xml_check *check = &b->xml->check;

	return b->place < check->places_n ? check->places[b->place++] : 0;
}

static bool
build_attrs(struct builder *b, struct xml_node *node, mxml_node_t *from)
{
	int i, n = mxmlElementGetAttrCount(from);
	struct xml_attr *attr;

	node->attrs = b->xml->attrs + b->attr;
	node->attrs_n = (size_t)n;
	if (node->attrs_n > b->xml->check.attrs_n - b->attr)
		return false;
	for (i = 0; i < n; i++) {
		attr = &b->xml->attrs[b->attr++];
		attr->value = mxmlElementGetAttrByIndex(from, i, &attr->name);
		attr->name_at = next_place(b);
		attr->value_at = next_place(b);
		if (attr->name == NULL || attr->value == NULL)
			return false;
	}
	return true;
}

/*
 * Make nodes of a node of the library and its next siblings, with all that is
 * in them. False: they are more than the check saw, or a string is missing.
 * No deeper than XML_DEPTH_MAX, or the check would have refused it.
 */
static bool
build(struct builder *b, mxml_node_t *from, const struct xml_node **link)
{
	struct xml_node *node;
	const char *text;

	for (; from != NULL; from = mxmlGetNextSibling(from)) {
		text = library_text(from);
		if (text != NULL && text[0] == '\0') /* <![CDATA[]]> */
			continue;
		if (b->node == b->xml->check.nodes_n)
			return false;
		*link = node = &b->xml->nodes[b->node++];
		link = &node->next;
		node->at = next_place(b);
		if (text != NULL) {
			node->kind = XML_TEXT;
			node->text = text;
			node->text_len = strlen(text);
			continue;
		}
		node->kind = XML_ELEMENT;
		if ((node->name = mxmlGetElement(from)) == NULL ||
		    !build_attrs(b, node, from) ||
		    !build(b, mxmlGetFirstChild(from), &node->child))
			return false;
	}
	return true;
}

static enum status
xml_build(struct xml *xml, struct xml_error *error)
{
	struct builder b = { .xml = xml };
	const struct xml_node *root = NULL;

	xml->nodes = calloc(xml->check.nodes_n + 1, sizeof(*xml->nodes));
	xml->attrs = calloc(xml->check.attrs_n + 1, sizeof(*xml->attrs));
	if (xml->nodes == NULL || xml->attrs == NULL)
		return ST_NOMEM;
	/* The library tells no more than that it failed; malloc tells why. */
	errno = 0;
	if ((xml->top = library_load(xml->check.clean)) != NULL &&
	    build(&b, mxmlGetFirstChild(xml->top), &root) &&
	    b.place == xml->check.places_n)
		return ST_OK;
	if (errno == ENOMEM)
		return ST_NOMEM;
	snprintf(error->text, sizeof(error->text),
	    "the XML library cannot read this; write it more simply");
	return ST_MALFORMED;
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
	if ((st = xml_check(&xml->check, text, len, error)) == ST_OK)
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
	if (xml->top != NULL)
		mxmlDelete(xml->top);
	xml_check_release(&xml->check);
	free(xml->nodes);
	free(xml->attrs);
	free(xml);
}

const struct xml_node *
xml_root(const struct xml *xml)
{
	return xml->nodes;
}

void
xml_place(const struct xml *xml, size_t at, size_t index, unsigned *line,
    unsigned *column)
{
	xml_check_place(&xml->check, at, index, line, column);
}
