/*
 * URLs (RFC 3986), taken apart over their raw bytes. Nothing is decoded,
 * normalised or lower-cased: a signature covers the bytes as they are.
 */
#ifndef CODEC_URL_H
#define CODEC_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

/* A stretch of the text that was split; data is NULL if there is none. */
struct url_part {
	const char *data;
	size_t len;
};

struct url {
	struct url_part scheme; /* "https" */
	struct url_part userinfo; /* "user:password", without "@" */
	struct url_part host; /* "example.com", "[2001:db8::1]"; not empty */
	struct url_part port; /* digits, perhaps none after the ":" */
	struct url_part path; /* from "/" on, or empty; never NULL */
	struct url_part query; /* without "?" */
	struct url_part fragment; /* without "#" */
	struct url_part tail; /* path, query and fragment as they stand */
};

/*
 * Split an absolute URL, "scheme://authority…". ST_OK, or ST_MALFORMED: no
 * scheme, no host, a port that is not a number, an unclosed "[".
 */
enum status url_split(const char *, size_t len, struct url *);

/* True if the part is that text, in any case of letters. */
bool url_part_is(const struct url_part *, const char *text);

/* "443" for https and wss, "80" for http and ws, else NULL. */
const char *url_default_port(const struct url_part *scheme);

/* Append with everything but A-Z a-z 0-9 - . _ ~ as %XX. */
enum status url_encode(struct buf *, const char *, size_t len);

/* Append one byte as %XX, upper-case hex. */
enum status url_put_escaped(struct buf *, char);

/* The byte that "%XX" at at stands for, or -1 if that is not an escape. */
int url_hex_byte(const char *at, const char *end);

#endif
