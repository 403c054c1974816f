/* UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing over U+10FFFF. */
#ifndef CODEC_UTF8_H
#define CODEC_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* U+FFFD, what stands in for bytes that are not UTF-8. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

#define UTF8_MAX 4 /* bytes of a character */

/*
 * The length of the character at s, n > 0 bytes at most. If there is none,
 * *valid is false and the length is that of the bytes which one U+FFFD stands
 * for, as browsers and the official SDKs count them (Unicode, table 3-8).
 */
size_t utf8_step(const char *s, size_t n, bool *valid);

bool utf8_valid(const char *, size_t n);

/* The code point of the character at s, of which utf8_step said that it is
 * valid and has len bytes. */
uint32_t utf8_code(const char *s, size_t len);

/*
 * Would a terminal act on it, or turn or break the line that it stands in,
 * rather than show it? Controls of ASCII and Latin-1 (an escape, U+009B),
 * line and paragraph separators, bidirectional embeddings and isolates.
 */
bool utf8_is_control(uint32_t code);

#endif
