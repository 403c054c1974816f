/* The declaration of an XML document: <?xml version="1.0" …?>. */
#ifndef CODEC_XML_DECLARATION_H
#define CODEC_XML_DECLARATION_H

#include <stddef.h>

#include "base/status.h"

/*
 * Read the declaration at the beginning of a NUL-terminated document, which
 * begins with "<?xml"; *end is the offset after it. ST_OK; ST_MALFORMED, or
 * ST_UNSUPPORTED (not 1.0, not UTF-8), and *wrong says what and what to do.
 */
enum status xml_declaration(const char *text, size_t *end, const char **wrong);

#endif
