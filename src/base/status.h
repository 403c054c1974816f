/*
 * The one error enum of the house. A function that can fail returns it and
 * gives its result through a pointer; a local status starts as failure.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

enum status {
	ST_OK = 0,
	ST_NOMEM, /* no memory */
	ST_IO, /* the system failed: disk, socket, library */
	ST_BUSY, /* not now: locked, overloaded; a later try may pass */
	ST_TIMEOUT, /* a deadline passed; what it did is unknown */
	ST_TOOBIG, /* over a bound */
	ST_FULL, /* the disk has no room left */
	ST_MALFORMED, /* the input breaks its format */
	ST_UNSUPPORTED, /* well-formed, but of a kind not taken here */
	ST_NOTFOUND, /* no such thing */
	ST_EXISTS, /* there already; nothing was added */
	ST_DENIED, /* not allowed, or not authentic */
	ST_CONFIG, /* an operator's mistake */
	ST_CORRUPT, /* stored data is damaged */
	ST_UNAVAILABLE, /* something it needs is absent for now */
};

/* A short English phrase, never NULL, never freed. */
const char *status_text(enum status);

/* The worse of two: no memory, then a mistake, then what may pass. */
enum status status_worse(enum status, enum status);

#endif
