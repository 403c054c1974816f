/*
 * XML 1.0 (https://www.w3.org/TR/xml/), as much of it as a template needs: a
 * document read into a small tree, and values escaped for writing one.
 *
 * Stricter than XML: no DOCTYPE, so no entities but the five and character
 * references; no processing instruction but the declaration; UTF-8 only;
 * names are of ASCII. Mini-XML reads a document, but it lets pass much that is
 * wrong (a document that just ends, a DOCTYPE, entities of HTML, values
 * without quotes) and cannot say where a mistake is: the check before it
 * (codec/xml_check.h) refuses these, and knows lines and columns.
 */
#ifndef CODEC_XML_H
#define CODEC_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

#define XML_MAX 65536 /* bytes of a document */
#define XML_DEPTH_MAX 64 /* elements open at once */
#define XML_ATTRS_MAX 128 /* attributes of one element */

enum xml_kind { XML_ELEMENT, XML_TEXT };

struct xml_attr {
	const char *name, *value; /* UTF-8, references resolved */
	size_t name_at, value_at; /* where they are, for xml_place */
};

/*
 * An element, or a run of text between two pieces of markup. White space is
 * kept; line ends are "\n"; comments are gone, CDATA is text. Text has no NUL.
 */
struct xml_node {
	enum xml_kind kind;
	const char *name; /* of an element, else NULL */
	const char *text; /* of a text, else NULL */
	size_t text_len;
	const struct xml_attr *attrs;
	size_t attrs_n;
	const struct xml_node *child, *next; /* first child, next sibling */
	size_t at; /* where the "<" or the text is, for xml_place */
};

/* The first mistake: "what is wrong; what to do", with where it is. */
struct xml_error {
	unsigned line, column; /* from 1; columns count characters */
	char text[200];
};

struct xml;

/*
 * Read a document. ST_OK; ST_MALFORMED: it is not well-formed; ST_UNSUPPORTED:
 * it may be, but has something refused here; ST_TOOBIG: over a bound; for
 * these three *error is filled. ST_NOMEM. *out is NULL unless ST_OK; the caller
 * frees it with xml_free.
 */
enum status xml_parse(
    struct xml **out, const char *text, size_t len, struct xml_error *error);
void xml_free(struct xml *);

/* The one element without a parent; it and all below live as long as xml. */
const struct xml_node *xml_root(const struct xml *);

/* Line and column of the byte at index of a text or value of this document. */
void xml_place(const struct xml *, size_t at, size_t index, unsigned *line,
    unsigned *column);

/*
 * Append a value as text between tags, or as an attribute's value between
 * double quotes. Any bytes may come: what is not UTF-8, or a character that XML
 * 1.0 forbids, goes out as U+FFFD; "\r", and in attributes "\n" and "\t", as
 * references, since a reader would change them. Never shorter than the value.
 * The result is out->err.
 */
enum status xml_put_text(struct buf *out, const char *value, size_t len);
enum status xml_put_attr(struct buf *out, const char *value, size_t len);

/*
 * The length of the character at s, as utf8_step; *legal is false if it is no
 * UTF-8 or XML 1.0 forbids it.
 */
size_t xml_step(const char *s, size_t n, bool *legal);

#endif
