/*
 * The check before Mini-XML: is a document well-formed to its end, has it
 * nothing that is refused (codec/xml.h), and where is each piece of it.
 */
#ifndef CODEC_XML_CHECK_H
#define CODEC_XML_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "codec/xml.h"

struct xml_check {
	char *text; /* the document: line ends are "\n", no byte order mark */
	size_t len;
	/*
	 * What Mini-XML gets: the root element within another, since version 4
	 * takes no "<a/>" for a root; without comments, which it trips over;
	 * spaces for line ends and tabs in values, as XML asks (3.3.3).
	 */
	char *clean;
	/*
	 * Offsets in text, in the document's order: of each element's "<" and
	 * then of each of its attributes' name and value; of each text.
	 */
	uint32_t *places;
	size_t places_n, nodes_n, attrs_n; /* nodes: elements and texts */
};

/*
 * Check a document. Statuses and *error as xml_parse. Release it whatever the
 * result was.
 */
enum status xml_check(
    struct xml_check *, const char *text, size_t len, struct xml_error *error);
void xml_check_release(struct xml_check *);

/* As xml_place. */
void xml_check_place(const struct xml_check *, size_t at, size_t index,
    unsigned *line, unsigned *column);

#endif
