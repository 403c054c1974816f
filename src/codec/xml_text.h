/* The characters of XML: which may occur, references, lines and columns. */
#ifndef CODEC_XML_TEXT_H
#define CODEC_XML_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/*
 * A copy with line ends as XML gives them on ("\r\n" and "\r" are "\n") and
 * without a byte order mark; NUL-terminated. NULL: no memory. The caller frees.
 */
char *xml_text_copy(const char *, size_t len, size_t *out_len);

/*
 * Look for what may not occur in a document. ST_OK; ST_MALFORMED: bytes that
 * are no UTF-8, or a character that XML forbids; ST_UNSUPPORTED: U+FEFF, which
 * nobody sees and Mini-XML drops. *at is where, *wrong what and what to do.
 */
enum status xml_text_check(
    const char *, size_t len, size_t *at, const char **wrong);

/*
 * The length of the character at s, as utf8_step; *legal is false if it is no
 * UTF-8 or XML 1.0 forbids it.
 */
size_t xml_text_step(const char *s, size_t n, bool *legal);

/*
 * A reference, s begins with "&": the character it stands for and its length
 * in the source; 0 if it is none that is taken (XML's five, decimal,
 * hexadecimal).
 */
size_t xml_text_reference(const char *s, size_t n, unsigned long *character);

/* How many bytes UTF-8 takes for a character. */
size_t xml_text_size(unsigned long character);

/* Line and column (both from 1, in characters) of an offset. */
void xml_text_place(
    const char *text, size_t at, unsigned *line, unsigned *column);

#endif
