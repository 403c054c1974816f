/*
 * What a caller may key in for a target ([digits NAME]), and how it is said
 * back: digit by digit, a number as a number, a date in words.
 */
#ifndef CODEC_DIGITS_H
#define CODEC_DIGITS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum digits_format {
	DIGITS_DATE, /* YYYYMMDD, a day that exists and is not to come */
	DIGITS_PLAIN, /* any digits */
	DIGITS_NUMBER, /* a number; leading zeros do not count */
	DIGITS_LUHN, /* ends in its check digit (ISO/IEC 7812-1) */
};

#define DIGITS_MAX 32 /* longer input is never taken */
#define DIGITS_NUMBER_LENGTH 18 /* of a number: it always fits an int64_t */
#define DIGITS_NUMBER_MAX INT64_C(999999999999999999)

struct digits_rule {
	enum digits_format format;
	int64_t min_length, max_length; /* digits, at most DIGITS_MAX */
	int64_t min, max; /* of a number, or of a date as the number YYYYMMDD */
};

enum digits_fault {
	DIGITS_GOOD,
	DIGITS_EMPTY, /* nothing was pressed */
	DIGITS_OTHER_KEY, /* "*", "#", or no digits at all ("hangup") */
	DIGITS_SHORT,
	DIGITS_LONG,
	DIGITS_RANGE, /* under min or over max */
	DIGITS_NO_DATE, /* no such day */
	DIGITS_FUTURE,
	DIGITS_CHECKSUM,
};

/* today is a date as the number YYYYMMDD. text may be NULL: empty. */
enum digits_fault digits_check(
    const struct digits_rule *, const char *text, int64_t today);

/* For the log: "empty", "short", …; never what was entered. */
const char *digits_fault_name(enum digits_fault);

/*
 * Append what is said for a value that passed the check: "January 15th, 1990",
 * "9 4 1 0 3", "42". The result is out->err.
 */
enum status digits_speak(
    const struct digits_rule *, const char *text, struct buf *out);

/* The date of a moment, UTC, as the number YYYYMMDD. */
int64_t digits_today(int64_t us);

#endif
