#include "codec/digits.h"

#include <string.h>

#include "base/str.h"
#include "codec/date.h"

static int64_t
date_number(const struct date *d)
{
	return d->year * 10000 + d->month * 100 + d->day;
}

int64_t
digits_today(int64_t us)
{
	struct date d;

	date_of(us, &d);
	return date_number(&d);
}

/* ISO/IEC 7812-1: from the right, every second digit counts twice. */
static bool
luhn(const char *text)
{
	size_t n = strlen(text), i;
	int sum = 0, digit;

	for (i = 0; i < n; i++) {
		digit = text[n - 1 - i] - '0';
		if (i % 2 == 1)
			digit *= 2;
		sum += digit > 9 ? digit - 9 : digit;
	}
	return sum % 10 == 0;
}

static enum digits_fault
check_range(const struct digits_rule *r, int64_t value)
{
	return value < r->min || value > r->max ? DIGITS_RANGE : DIGITS_GOOD;
}

static enum digits_fault
check_date(const struct digits_rule *r, const char *text, int64_t today)
{
	struct date d;

	if (date_parse(text, &d) != ST_OK)
		return DIGITS_NO_DATE;
	if (date_number(&d) > today)
		return DIGITS_FUTURE;
	return check_range(r, date_number(&d));
}

static enum digits_fault
check_length(const struct digits_rule *r, const char *text)
{
	int64_t n = (int64_t)strlen(text);

	if (n == 0)
		return DIGITS_EMPTY;
	if (text[strspn(text, "0123456789")] != '\0')
		return DIGITS_OTHER_KEY;
	if (n < r->min_length)
		return DIGITS_SHORT;
	return n > r->max_length || n > DIGITS_MAX ? DIGITS_LONG : DIGITS_GOOD;
}

enum digits_fault
digits_check(const struct digits_rule *r, const char *text, int64_t today)
{
	enum digits_fault fault = check_length(r, text == NULL ? "" : text);
	uint64_t value = 0;

	if (fault != DIGITS_GOOD)
		return fault;
	switch (r->format) {
	case DIGITS_DATE:
		return check_date(r, text, today);
	case DIGITS_PLAIN:
		return DIGITS_GOOD;
	case DIGITS_NUMBER:
		str_u64(text, INT64_MAX, &value);
		return check_range(r, (int64_t)value);
	case DIGITS_LUHN:
		return luhn(text) ? DIGITS_GOOD : DIGITS_CHECKSUM;
	}
	return DIGITS_OTHER_KEY;
}

const char *
digits_fault_name(enum digits_fault fault)
{
	switch (fault) {
	case DIGITS_GOOD:
		return "good";
	case DIGITS_EMPTY:
		return "empty";
	case DIGITS_OTHER_KEY:
		return "other key";
	case DIGITS_SHORT:
		return "short";
	case DIGITS_LONG:
		return "long";
	case DIGITS_RANGE:
		return "out of range";
	case DIGITS_NO_DATE:
		return "no such date";
	case DIGITS_FUTURE:
		return "future date";
	case DIGITS_CHECKSUM:
		return "wrong check digit";
	}
	return "unknown";
}

/* A voice reads "94103" as a number; digits apart it reads one by one. */
static enum status
speak_apart(const char *text, struct buf *out)
{
	const char *p;

	for (p = text; *p != '\0'; p++) {
		if (p > text)
			buf_putc(out, ' ');
		buf_putc(out, *p);
	}
	return out->err;
}

enum status
digits_speak(const struct digits_rule *r, const char *text, struct buf *out)
{
	char spoken[DATE_SPOKEN_MAX];
	struct date d;

	switch (r->format) {
	case DIGITS_DATE:
		if (date_parse(text, &d) != ST_OK)
			return ST_MALFORMED;
		date_spoken(&d, spoken);
		return buf_puts(out, spoken);
	case DIGITS_NUMBER:
		text += strspn(text, "0");
		return buf_puts(out, *text == '\0' ? "0" : text);
	case DIGITS_PLAIN:
	case DIGITS_LUHN:
		return speak_apart(text, out);
	}
	return ST_UNSUPPORTED;
}
