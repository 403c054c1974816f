#include "aws/timestamp.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#define SECOND_US INT64_C(1000000)

/* Exactly n digits; *s is then behind them. -1 if they are not there. */
static int
digits(const char **s, int n)
{
	int value = 0;

	for (; n > 0; n--, (*s)++) {
		if (!isdigit((unsigned char)**s))
			return -1;
		value = value * 10 + (**s - '0');
	}
	return value;
}

static bool
skip(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

/* "18:50:00", a leap second included. */
static bool
read_clock(const char **s, struct tm *tm)
{
	tm->tm_hour = digits(s, 2);
	if (tm->tm_hour < 0 || tm->tm_hour > 23 || !skip(s, ':'))
		return false;
	tm->tm_min = digits(s, 2);
	if (tm->tm_min < 0 || tm->tm_min > 59 || !skip(s, ':'))
		return false;
	tm->tm_sec = digits(s, 2);
	return tm->tm_sec >= 0 && tm->tm_sec <= 60;
}

/* Is this a day of that month? timegm would take February 30 for March. */
static bool
valid_day(const struct tm *tm)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	int year = tm->tm_year + 1900;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (tm->tm_year < -1900 || tm->tm_mon < 0 || tm->tm_mon > 11)
		return false;
	if (tm->tm_mon == 1 && tm->tm_mday == 29 && !leap)
		return false;
	return tm->tm_mday >= 1 && tm->tm_mday <= days[tm->tm_mon];
}

static int64_t
read_fraction(const char **s)
{
	int64_t unit = SECOND_US / 10, us = 0;

	for (; isdigit((unsigned char)**s); (*s)++) {
		us += (**s - '0') * unit;
		unit /= 10;
	}
	return us;
}

/* "Z", "+02:00", "+0200" or nothing, and then the end; in seconds. */
static bool
read_zone(const char *s, int *offset)
{
	int sign = *s == '-' ? -1 : 1, hours, minutes;

	*offset = 0;
	if (*s == '\0' || strcmp(s, "Z") == 0)
		return true;
	if (*s != '+' && *s != '-')
		return false;
	s++;
	hours = digits(&s, 2);
	(void)skip(&s, ':');
	minutes = digits(&s, 2);
	*offset = sign * (hours * 3600 + minutes * 60);
	return hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59 &&
	    *s == '\0';
}

enum status
timestamp_iso(const char *s, int64_t *us)
{
	struct tm tm = { 0 };
	int64_t fraction = 0;
	int offset;

	tm.tm_year = digits(&s, 4) - 1900;
	if (!skip(&s, '-'))
		return ST_MALFORMED;
	tm.tm_mon = digits(&s, 2) - 1;
	if (!skip(&s, '-'))
		return ST_MALFORMED;
	tm.tm_mday = digits(&s, 2);
	if (!valid_day(&tm) || !skip(&s, 'T') || !read_clock(&s, &tm))
		return ST_MALFORMED;
	if (*s == '.' || *s == ',') {
		s++;
		if (!isdigit((unsigned char)*s))
			return ST_MALFORMED;
		fraction = read_fraction(&s);
	}
	if (!read_zone(s, &offset))
		return ST_MALFORMED;
	*us = ((int64_t)timegm(&tm) - offset) * SECOND_US + fraction;
	return ST_OK;
}

enum status
timestamp_http(const char *s, int64_t *us)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = { 0 };
	size_t i;

	/* The weekday says nothing new. */
	if (strlen(s) != strlen("Sat, 21 Nov 2026 18:50:00 GMT") ||
	    memcmp(s + 3, ", ", 2) != 0)
		return ST_MALFORMED;
	s += 5;
	tm.tm_mday = digits(&s, 2);
	if (!skip(&s, ' '))
		return ST_MALFORMED;
	for (i = 0; i < 12 && memcmp(months + 3 * i, s, 3) != 0; i++)
		;
	tm.tm_mon = (int)i;
	s += 3;
	if (!skip(&s, ' '))
		return ST_MALFORMED;
	tm.tm_year = digits(&s, 4) - 1900;
	if (!valid_day(&tm) || !skip(&s, ' ') || !read_clock(&s, &tm) ||
	    strcmp(s, " GMT") != 0)
		return ST_MALFORMED;
	*us = (int64_t)timegm(&tm) * SECOND_US;
	return ST_OK;
}
