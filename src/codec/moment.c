#include "codec/moment.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

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

static bool
day_exists(const struct tm *tm)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	int year = tm->tm_year + 1900;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return tm->tm_mday <= days[tm->tm_mon] + (leap && tm->tm_mon == 1);
}

static bool
take_day(const char **s, struct tm *tm)
{
	int year, month;

	if (!take_number(s, 4, 1, 9999, &year) || !take(s, '-') ||
	    !take_number(s, 2, 1, 12, &month) || !take(s, '-') ||
	    !take_number(s, 2, 1, 31, &tm->tm_mday))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	return day_exists(tm);
}

/* Digits behind the point; without any it is no fraction. */
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
	if (*s == '\0') {
		*us = (int64_t)timegm(&tm) * SECOND_US;
		*us += edge == MOMENT_LAST ? DAY_US - 1 : 0;
		return ST_OK;
	}
	if ((!take(&s, 'T') && !take(&s, 't')) ||
	    !take_clock(&s, &tm, &fraction) || !take_zone(s, &offset))
		return ST_MALFORMED;
	*us = (int64_t)timegm(&tm) * SECOND_US + fraction - offset;
	return ST_OK;
}

/* "Nov" */
static bool
take_month(const char **s, int *month)
{
	int i;

	for (i = 0; i < 12; i++) {
		if (strncmp(*s, months + (size_t)i * 3, 3) == 0) {
			*s += 3;
			*month = i;
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
	int year;

	*us = 0;
	/* The weekday says nothing new, and may be missing. */
	if (comma != NULL)
		s = comma + 1;
	s += strspn(s, " ");
	if (!take_number(&s, is_digit(*s) && is_digit(s[1]) ? 2 : 1, 1, 31,
		&tm.tm_mday) ||
	    !take(&s, ' ') || !take_month(&s, &tm.tm_mon) || !take(&s, ' ') ||
	    !take_number(&s, 4, 1, 9999, &year) || !take(&s, ' '))
		return ST_MALFORMED;
	tm.tm_year = year - 1900;
	if (!day_exists(&tm) || !take_clock(&s, &tm, &none) || !take(&s, ' '))
		return ST_MALFORMED;
	if (!take_zone(strcmp(s, "GMT") == 0 ? "Z" : s, &offset))
		return ST_MALFORMED;
	*us = (int64_t)timegm(&tm) * SECOND_US - offset;
	return ST_OK;
}

/* Without gmtime_r, which takes a lock. */
static void
split(int64_t us, struct tm *tm)
{
	int64_t days = us / DAY_US - (us % DAY_US < 0);
	int seconds = (int)((us - days * DAY_US) / SECOND_US);
	int year, month;

	clock_day(days, &year, &month, &tm->tm_mday);
	tm->tm_year = (year < 0 ? 0 : year > 9999 ? 9999 : year) - 1900;
	tm->tm_mon = month - 1;
	/* 1970-01-01 was a Thursday. */
	tm->tm_wday = (int)(((days + 4) % 7 + 7) % 7);
	tm->tm_hour = seconds / 3600;
	tm->tm_min = seconds / 60 % 60;
	tm->tm_sec = seconds % 60;
}

void
moment_mail(int64_t us, char out[static MOMENT_MAIL_MAX])
{
	struct tm tm = { 0 };

	split(us, &tm);
	snprintf(out, MOMENT_MAIL_MAX,
	    "%.3s, %02d %.3s %04d %02d:%02d:%02d +0000",
	    weekdays + (size_t)tm.tm_wday * 3, tm.tm_mday % 100,
	    months + (size_t)tm.tm_mon * 3, (tm.tm_year + 1900) % 10000,
	    tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
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
