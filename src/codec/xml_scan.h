/*
 * The scan behind xml_parse: is a document well-formed to its end, has it
 * nothing that is refused (codec/xml.h), and where is each piece of it.
 */
#ifndef CODEC_XML_SCAN_H
#define CODEC_XML_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "codec/xml.h"

enum xml_token_kind { TOKEN_OPEN, TOKEN_ATTR, TOKEN_TEXT, TOKEN_CLOSE };

/* A piece of the root element, in document order. */
struct xml_token {
	enum xml_token_kind kind;
	bool verbatim; /* TOKEN_TEXT: a CDATA section */
	size_t at; /* OPEN: the "<"; ATTR: the name */
	size_t name, name_len; /* OPEN, ATTR */
	size_t value, value_len; /* ATTR, TEXT: as it is written */
	size_t size; /* ATTR, TEXT: bytes once references are resolved */
};

struct xml_scan {
	char *text; /* the document: line ends are "\n", no byte order mark */
	size_t len;
	struct xml_token *tokens;
	size_t tokens_n, tokens_cap;
	size_t root, root_end; /* from the root's "<" to after its last ">" */
};

/*
 * Scan a document. Statuses and *error as xml_parse. Release it whatever the
 * result was.
 */
enum status xml_scan(
    struct xml_scan *, const char *text, size_t len, struct xml_error *error);
void xml_scan_release(struct xml_scan *);

#endif
