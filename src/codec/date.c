#include "codec/date.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

bool
date_exists(const struct date *d)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool leap =
	    (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;

	return d->year >= 1 && d->year <= 9999 && d->month >= 1 &&
	    d->month <= 12 && d->day >= 1 &&
	    d->day <= days[d->month - 1] + (leap && d->month == 2);
}

static int
number(const char *digits, size_t n)
{
	int value = 0;

	while (n-- > 0)
		value = value * 10 + (*digits++ - '0');
	return value;
}

enum status
date_parse(const char *s, struct date *date)
{
	struct date d;

	*date = (struct date){ 0 };
	if (strlen(s) != 8 || strspn(s, "0123456789") != 8)
		return ST_MALFORMED;
	d = (struct date){ number(s, 4), number(s + 4, 2), number(s + 6, 2) };
	if (!date_exists(&d))
		return ST_MALFORMED;
	*date = d;
	return ST_OK;
}

#define DAY_US ((int64_t)86400 * 1000000)

void
date_of(int64_t us, struct date *date)
{
	clock_day(us / DAY_US - (us % DAY_US < 0), &date->year, &date->month,
	    &date->day);
}

static const char *
ordinal(int n)
{
	if (n >= 11 && n <= 13)
		return "th";
	return n % 10 == 1 ? "st"
	    : n % 10 == 2  ? "nd"
	    : n % 10 == 3  ? "rd"
			   : "th";
}

void
date_spoken(const struct date *d, char out[static DATE_SPOKEN_MAX])
{
	static const char *const months[] = { "January", "February", "March",
		"April", "May", "June", "July", "August", "September",
		"October", "November", "December" };

	snprintf(out, DATE_SPOKEN_MAX, "%s %d%s, %d", months[d->month - 1],
	    d->day, ordinal(d->day), d->year);
}
