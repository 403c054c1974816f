#include "base/clock.h"

#include <stdbool.h>
#include <time.h>

static int64_t
clock_read(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_us(void)
{
	return clock_read(CLOCK_REALTIME);
}

int64_t
clock_mono_us(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

int64_t
clock_boot_us(void)
{
	return clock_read(CLOCK_BOOTTIME);
}

int64_t
clock_age_s(int64_t then_us)
{
	int64_t age_us = clock_us() - then_us;

	return then_us == 0 || age_us < 0 ? 0 : age_us / 1000000;
}

/*
 * Days since 1970-01-01 as a day of the Gregorian calendar. By arithmetic:
 * gmtime_r takes a lock that all threads share, and reads /etc/localtime first.
 * (The algorithm is Howard Hinnant's civil_from_days.)
 */
void
clock_day(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097; /* day of a 400-year era */
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100); /* from March */
	int64_t mp = (5 * doy + 2) / 153;

	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

/* The quotient that goes down, also below zero; *rest is what is left. */
static int64_t
divide(int64_t n, int64_t by, int64_t *rest)
{
	bool below = n % by < 0;

	*rest = n % by + (below ? by : 0);
	return n / by - below;
}

/* n with leading zeros, and what follows it; the next place. */
static char *
put_number(char *to, int n, int width, char end)
{
	int i;

	for (i = width; i-- > 0; n /= 10)
		to[i] = (char)('0' + n % 10);
	to[width] = end;
	return to + width + 1;
}

/* Every log line has one: snprintf takes ten times as long. */
void
clock_iso(int64_t us, char out[static CLOCK_ISO_MAX])
{
	int64_t rest, fraction;
	int year, month, day, seconds;

	clock_day(divide(us, INT64_C(86400000000), &rest), &year, &month, &day);
	seconds = (int)divide(rest, 1000000, &fraction);
	year = year < 0 ? 0 : year > 9999 ? 9999 : year;
	out = put_number(out, year, 4, '-');
	out = put_number(out, month, 2, '-');
	out = put_number(out, day, 2, 'T');
	out = put_number(out, seconds / 3600, 2, ':');
	out = put_number(out, seconds / 60 % 60, 2, ':');
	out = put_number(out, seconds % 60, 2, '.');
	put_number(out, (int)fraction, 6, '\0');
}
