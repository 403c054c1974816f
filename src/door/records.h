/*
 * The records of FastCGI (FastCGI Specification 1.0, section 3), looked at
 * from outside: is there a whole request in what has come so far? A worker is
 * given a connection only then, so a silent or trickling peer holds none.
 */
#ifndef DOOR_RECORDS_H
#define DOOR_RECORDS_H

#include <stddef.h>

/* No name and no value of a parameter may be longer. */
#define RECORDS_PARAM_MAX ((size_t)1 << 20)

enum records_state {
	RECORDS_PARTIAL, /* the parameters are not all there */
	RECORDS_HEAD, /* they are; the body is not */
	RECORDS_WHOLE, /* all of a request is there, or it was aborted */
	RECORDS_BAD, /* not FastCGI, or something to keep from libfcgi */
};

/*
 * data is what a connection sent since its last request. Bad are, besides what
 * the specification forbids: another role than responder, a parameter with a
 * NUL in it, and one whose lengths are over the bound or do not end with the
 * stream, which the packaged libfcgi may not survive (CVE-2025-23016).
 */
enum records_state records_scan(const void *data, size_t n);

#endif
