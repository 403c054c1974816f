/* Dates as keyed in and spoken; telephone numbers as E.164. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "codec/date.h"
#include "codec/phone.h"
#include "t/test.h"

static void
test_date_parse(void)
{
	static const char *const good[] = { "19900115", "20240229", "20000229",
		"00010101", "99991231", "20231130", "20230228", "19000228" };
	static const char *const bad[] = { "", "1990011", "199001155",
		"20230229", "19000229", "21000229", "19901315", "19900015",
		"19900100", "19900132", "20230431", "20230631", "20230931",
		"20231131", "00000101", "1990-1-5", "+1990115", " 1990115",
		"1990011 ", "1990011x", "hangup", "19900115#" };
	struct date d;
	char back[16];
	size_t i;

	for (i = 0; i < TEST_COUNT(good); i++) {
		CU_ASSERT_EQUAL(date_parse(good[i], &d), ST_OK);
		snprintf(back, sizeof(back), "%04d%02d%02d", d.year % 10000,
		    d.month % 100, d.day % 100);
		CU_ASSERT_STRING_EQUAL(back, good[i]);
	}
	for (i = 0; i < TEST_COUNT(bad); i++) {
		CU_ASSERT_EQUAL(date_parse(bad[i], &d), ST_MALFORMED);
		CU_ASSERT_EQUAL(d.year, 0);
	}
}

static int
as_number(const struct date *d)
{
	return (d->year * 100 + d->month) * 100 + d->day;
}

/* Every day from 1601 to 2400 against the C library's calendar. */
static void
test_date_of(void)
{
	const int64_t day_us = (int64_t)86400 * 1000000;
	struct date d, parsed, last = { 0 };
	char text[16];
	int64_t day;
	struct tm tm;
	time_t t;
	bool same = true;

	for (day = -134774; same && day < 157054; day++) {
		t = (time_t)day * 86400;
		gmtime_r(&t, &tm);
		date_of(day * day_us, &d);
		snprintf(text, sizeof(text), "%04d%02d%02d", d.year % 10000,
		    d.month % 100, d.day % 100);
		same = d.year == tm.tm_year + 1900 &&
		    d.month == tm.tm_mon + 1 && d.day == tm.tm_mday &&
		    date_parse(text, &parsed) == ST_OK &&
		    as_number(&parsed) == as_number(&d) &&
		    as_number(&last) < as_number(&d);
		last = d;
	}
	CU_ASSERT(same);
	CU_ASSERT_EQUAL(day, 157054);
	date_of(-1, &d);
	CU_ASSERT(d.year == 1969 && d.month == 12 && d.day == 31);
	date_of(day_us - 1, &d);
	CU_ASSERT(d.year == 1970 && d.month == 1 && d.day == 1);
}

struct spoken_case {
	struct date date;
	const char *text;
};

static void
test_date_spoken(void)
{
	static const struct spoken_case cases[] = {
		{ { 1990, 1, 15 }, "January 15th, 1990" },
		{ { 2024, 2, 29 }, "February 29th, 2024" },
		{ { 2001, 3, 1 }, "March 1st, 2001" },
		{ { 2001, 4, 2 }, "April 2nd, 2001" },
		{ { 2001, 5, 3 }, "May 3rd, 2001" },
		{ { 2001, 6, 4 }, "June 4th, 2001" },
		{ { 2001, 7, 11 }, "July 11th, 2001" },
		{ { 2001, 8, 12 }, "August 12th, 2001" },
		{ { 9999, 9, 13 }, "September 13th, 9999" },
		{ { 2001, 10, 21 }, "October 21st, 2001" },
		{ { 2001, 11, 22 }, "November 22nd, 2001" },
		{ { 2001, 12, 23 }, "December 23rd, 2001" },
		{ { 1999, 12, 31 }, "December 31st, 1999" },
		{ { 1, 1, 30 }, "January 30th, 1" },
	};
	char text[DATE_SPOKEN_MAX];
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		date_spoken(&cases[i].date, text);
		CU_ASSERT_STRING_EQUAL(text, cases[i].text);
	}
}

static void
test_phone(void)
{
	static const char *const cases[][2] = {
		{ "+14155550100", "+14155550100" },
		{ "+1 (415) 555-0100", "+14155550100" },
		{ "(415) 555-0100", "+14155550100" },
		{ "415.555.0100", "+14155550100" },
		{ "4155550100", "+14155550100" },
		{ "14155550100", "+14155550100" },
		{ "1-415-555-0100", "+14155550100" },
		{ "011 44 20 7946 0000", "+442079460000" },
		{ "0115551234", "+5551234" },
		{ "+44 20 7946 0000", "+442079460000" },
		{ "+123456789012345", "+123456789012345" },
		{ "011123456789012345", "+123456789012345" },
		{ "+1", "+1" },
		{ "0155550100", "+10155550100" },
		/* Refused. */
		{ "", "" },
		{ "+", "" },
		{ "011", "" },
		{ "+04155550100", "" },
		{ "0110123456", "" },
		{ "+1234567890123456", "" },
		{ "0111234567890123456", "" },
		{ "911", "" },
		{ "5550100", "" },
		{ "415555010", "" },
		{ "24155550100", "" },
		{ "141555501000", "" },
		{ "++14155550100", "" },
		{ "1+4155550100", "" },
		{ "415555010a", "" },
		{ "1-800-FLOWERS", "" },
		{ "4155550100x12", "" },
		{ "415/555/0100", "" },
		{ "415\t555\t0100", "" },
		{ "client:alice", "" },
		{ "\xef\xbc\x94"
		  "155550100",
		    "" },
	};
	char out[PHONE_MAX];
	enum status st;
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		strcpy(out, "before");
		st = phone_normalize(cases[i][0], out);
		CU_ASSERT_EQUAL(
		    st, cases[i][1][0] == '\0' ? ST_MALFORMED : ST_OK);
		if (!str_eq(out, cases[i][1])) {
			fprintf(stderr, "%s: %s\n", cases[i][0], out);
			CU_FAIL("another number");
		}
	}
}

static const struct test tests[] = {
	{ "date: days that exist", test_date_parse },
	{ "date: of a moment, 800 years", test_date_of },
	{ "date: spoken", test_date_spoken },
	{ "phone: E.164", test_phone },
};

int
main(void)
{
	return test_main("date and phone", tests, TEST_COUNT(tests));
}
