/*
 * Moments as people, Twilio, AWS and HTTP write them, in microseconds since 1970-01-01
 * UTC, from year 1 to 9999.
 */
#ifndef CODEC_MOMENT_H
#define CODEC_MOMENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* What a date alone stands for, and a time without its zone. */
enum moment_edge {
	MOMENT_FIRST, /* the first microsecond of that day of UTC; nothing */
	MOMENT_LAST, /* its last; nothing */
	MOMENT_STAMP, /* nothing; that time in UTC. As programs write it. */
};

/*
 * ISO 8601: "2026-11-21", "2026-11-21T18:50Z", "2026-11-21T18:50:00.123+02:00",
 * "…-0800", "…+02". What is below a microsecond is dropped. A space may stand
 * for the "+" of the zone: that is what a "+" in a query becomes when nobody
 * encodes it. ST_OK or ST_MALFORMED, for a day or a time of day that does not
 * exist too.
 */
enum status moment_parse(const char *, enum moment_edge, int64_t *us);

/*
 * "Sat, 21 Nov 2026 18:50:00 +0000" (RFC 2822) as Twilio writes it, or with
 * "GMT" as HTTP's Date header is. ST_OK or ST_MALFORMED.
 */
enum status moment_parse_mail(const char *, int64_t *us);

/* The same written, in UTC. What is below a second is dropped. */
#define MOMENT_MAIL_MAX 40
void moment_mail(int64_t us, char out[static MOMENT_MAIL_MAX]);

/* "2026-11-21T18:50:00Z"; the same. */
#define MOMENT_ISO_MAX 21
void moment_iso(int64_t us, char out[static MOMENT_ISO_MAX]);

/* "20261121T185000Z", ISO 8601's basic form; the same. */
#define MOMENT_BASIC_MAX 17
void moment_basic(int64_t us, char out[static MOMENT_BASIC_MAX]);

/* That form read, and no other. ST_OK or ST_MALFORMED. */
enum status moment_parse_basic(const char *, int64_t *us);

#endif
