/*
 * Days of the Gregorian calendar, and how a caller keys them in and hears them.
 */
#ifndef CODEC_DATE_H
#define CODEC_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct date {
	int year, month, day; /* 1 to 9999, 1 to 12, 1 to 31 */
};

/* Any numbers may be in it. */
bool date_exists(const struct date *);

/*
 * YYYYMMDD: eight digits and a day that exists. ST_OK, or ST_MALFORMED for
 * anything else, 20230229 and year 0000 too.
 */
enum status date_parse(const char *, struct date *);

/* The day of a moment, microseconds since 1970, in UTC. */
void date_of(int64_t us, struct date *);

/* "January 15th, 1990", for a voice. The date must exist. */
#define DATE_SPOKEN_MAX 24
void date_spoken(const struct date *, char out[static DATE_SPOKEN_MAX]);

#endif
