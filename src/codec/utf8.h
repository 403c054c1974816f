/* UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing over U+10FFFF. */
#ifndef CODEC_UTF8_H
#define CODEC_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* U+FFFD, what stands in for bytes that are no UTF-8. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/*
 * The length of the character at s, n > 0 bytes at most. If there is none,
 * *valid is false and the length is that of the bytes which one U+FFFD stands
 * for, as browsers and the official SDKs count them (Unicode, table 3-8).
 */
size_t utf8_step(const char *s, size_t n, bool *valid);

bool utf8_valid(const char *, size_t n);

#endif
