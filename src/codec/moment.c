#include "codec/moment.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "codec/date.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US (INT64_C(86400) * SECOND_US)

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char weekdays[] = "SunMonTueWedThuFriSat";

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Exactly n digits from min to max; *s is then behind them. */
static bool
take_number(const char **s, int n, int min, int max, int *out)
{
	int value = 0;

	for (; n > 0; n--, (*s)++) {
		if (!is_digit(**s))
			return false;
		value = value * 10 + (**s - '0');
	}
	*out = value;
	return value >= min && value <= max;
}

static bool
take(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

/* Fill in the day, if there is one; the calendar is codec/date.c's. */
static bool
set_day(struct tm *tm, const struct date *d)
{
	tm->tm_year = d->year - 1900;
	tm->tm_mon = d->month - 1;
	tm->tm_mday = d->day;
	return date_exists(d);
}

static bool
take_day(const char **s, struct tm *tm)
{
	struct date d;

	return take_number(s, 4, 1, 9999, &d.year) && take(s, '-') &&
	    take_number(s, 2, 1, 12, &d.month) && take(s, '-') &&
	    take_number(s, 2, 1, 31, &d.day) && set_day(tm, &d);
}

/* Digits behind the point; without any it is not a fraction. */
static bool
take_fraction(const char **s, int64_t *us)
{
	int64_t unit = SECOND_US / 10;

	if (!take(s, '.') && !take(s, ','))
		return true;
	if (!is_digit(**s))
		return false;
	for (; is_digit(**s); (*s)++, unit /= 10)
		*us += (**s - '0') * unit;
	return true;
}

/* "18:50", and perhaps seconds and a part of one. */
static bool
take_clock(const char **s, struct tm *tm, int64_t *us)
{
	if (!take_number(s, 2, 0, 23, &tm->tm_hour) || !take(s, ':') ||
	    !take_number(s, 2, 0, 59, &tm->tm_min))
		return false;
	if (!take(s, ':'))
		return true;
	return take_number(s, 2, 0, 59, &tm->tm_sec) && take_fraction(s, us);
}

/* "Z", "+02:00", "+0200" or "+02", and then the end. */
static bool
take_zone(const char *s, int64_t *offset_us)
{
	int sign = *s == '-' ? -1 : 1, hours = 0, minutes = 0;

	*offset_us = 0;
	if (strcmp(s, "Z") == 0 || strcmp(s, "z") == 0)
		return true;
	if (*s == '\0' || strchr("+- ", *s) == NULL)
		return false;
	s++;
	if (!take_number(&s, 2, 0, 23, &hours))
		return false;
	if (*s != '\0') {
		(void)take(&s, ':');
		if (!take_number(&s, 2, 0, 59, &minutes))
			return false;
	}
	*offset_us = (int64_t)sign * (hours * 3600 + minutes * 60) * SECOND_US;
	return *s == '\0';
}

enum status
moment_parse(const char *s, enum moment_edge edge, int64_t *us)
{
	struct tm tm = { 0 };
	int64_t offset = 0, fraction = 0;

	*us = 0;
	if (!take_day(&s, &tm))
		return ST_MALFORMED;
	if (*s == '\0' && edge != MOMENT_STAMP) {
		*us = (int64_t)timegm(&tm) * SECOND_US;
		*us += edge == MOMENT_LAST ? DAY_US - 1 : 0;
		return ST_OK;
	}
	if ((!take(&s, 'T') && !take(&s, 't')) ||
	    !take_clock(&s, &tm, &fraction))
		return ST_MALFORMED;
	if (edge == MOMENT_STAMP && *s == '\0')
		s = "Z";
	if (!take_zone(s, &offset))
		return ST_MALFORMED;
	*us = (int64_t)timegm(&tm) * SECOND_US + fraction - offset;
	return ST_OK;
}

/* "Nov": 11 */
static bool
take_month(const char **s, int *month)
{
	int i;

	for (i = 0; i < 12; i++) {
		if (strncmp(*s, months + (size_t)i * 3, 3) == 0) {
			*s += 3;
			*month = i + 1;
			return true;
		}
	}
	return false;
}

enum status
moment_parse_mail(const char *s, int64_t *us)
{
	struct tm tm = { 0 };
	const char *comma = strchr(s, ',');
	int64_t offset, none = 0;
	struct date d;

	*us = 0;
	/* The weekday says nothing new, and may be missing. */
	if (comma != NULL)
		s = comma + 1;
	s += strspn(s, " ");
	if (!take_number(
		&s, is_digit(*s) && is_digit(s[1]) ? 2 : 1, 1, 31, &d.day) ||
	    !take(&s, ' ') || !take_month(&s, &d.month) || !take(&s, ' ') ||
	    !take_number(&s, 4, 1, 9999, &d.year) || !take(&s, ' ') ||
	    !set_day(&tm, &d) || !take_clock(&s, &tm, &none) || !take(&s, ' '))
		return ST_MALFORMED;
	if (!take_zone(strcmp(s, "GMT") == 0 ? "Z" : s, &offset))
		return ST_MALFORMED;
	*us = (int64_t)timegm(&tm) * SECOND_US - offset;
	return ST_OK;
}

void
moment_mail(int64_t us, char out[static MOMENT_MAIL_MAX])
{
	int64_t days = us / DAY_US - (us % DAY_US < 0);
	char iso[CLOCK_ISO_MAX];

	clock_iso(us, iso); /* "2026-11-21T18:50:00.123456" */
	/* 1970-01-01 was a Thursday. */
	snprintf(out, MOMENT_MAIL_MAX, "%.3s, %.2s %.3s %.4s %.8s +0000",
	    weekdays + ((days + 4) % 7 + 7) % 7 * 3, iso + 8,
	    months + ((iso[5] - '0') * 10 + iso[6] - '1') * 3, iso, iso + 11);
}

void
moment_iso(int64_t us, char out[static MOMENT_ISO_MAX])
{
	char whole[CLOCK_ISO_MAX];

	/* "2026-11-21T18:50:00" of "2026-11-21T18:50:00.123456" */
	clock_iso(us, whole);
	memcpy(out, whole, MOMENT_ISO_MAX - 2);
	out[MOMENT_ISO_MAX - 2] = 'Z';
	out[MOMENT_ISO_MAX - 1] = '\0';
}

enum status
moment_parse_basic(const char *s, int64_t *us)
{
	char iso[MOMENT_ISO_MAX];

	if (strlen(s) != MOMENT_BASIC_MAX - 1)
		return ST_MALFORMED;
	snprintf(iso, sizeof(iso), "%.4s-%.2s-%.5s:%.2s:%.3s", s, s + 4, s + 6,
	    s + 11, s + 13);
	return moment_parse(iso, MOMENT_STAMP, us);
}

void
moment_basic(int64_t us, char out[static MOMENT_BASIC_MAX])
{
	char iso[MOMENT_ISO_MAX];
	const char *from;

	moment_iso(us, iso);
	for (from = iso; *from != '\0'; from++)
		if (*from != '-' && *from != ':')
			*out++ = *from;
	*out = '\0';
}
