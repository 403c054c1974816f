/* Base64 (RFC 4648, section 4): the standard alphabet, padded, no line ends. */
#ifndef CODEC_BASE64_H
#define CODEC_BASE64_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

/* Characters of n bytes in base64, without a NUL. */
#define BASE64_LEN(n) (((n) + 2) / 3 * 4)

/* Write BASE64_LEN(n) characters and a NUL. */
void base64_encode(const void *, size_t n, char *out);

/* The same, appended. */
enum status base64_put(struct buf *, const void *, size_t n);

/*
 * Decode strictly: nothing but the alphabet, padding exactly as needed, the
 * unused bits 0, so that each byte string has one text only. out has room for
 * len / 4 * 3 bytes; *n says how many there are. ST_OK or ST_MALFORMED.
 */
enum status base64_decode(
    const char *, size_t len, unsigned char *out, size_t *n);

#endif
