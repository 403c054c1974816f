#include "codec/phone.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DIGITS "0123456789"
#define DIGITS_MAX 15

/* What a number may have at all: more is not a number, whatever is dropped. */
#define PLAIN_MAX (3 + DIGITS_MAX)

/* Drop what only separates. False if it gets too long. */
static bool
strip(const char *s, char out[static PLAIN_MAX + 1])
{
	size_t n = 0;

	for (; *s != '\0'; s++) {
		if (strchr(" ().-", *s) != NULL)
			continue;
		if (n == PLAIN_MAX)
			return false;
		out[n++] = *s;
	}
	out[n] = '\0';
	return true;
}

/* "+", the country and the rest, if those are digits and not too many. */
static enum status
compose(const char *country, const char *rest, char out[static PHONE_MAX])
{
	char number[2 * PLAIN_MAX];
	size_t n;

	snprintf(number, sizeof(number), "%s%s", country, rest);
	n = strlen(number);
	if (number[0] == '0' || n == 0 || n > DIGITS_MAX ||
	    strspn(number, DIGITS) != n)
		return ST_MALFORMED;
	out[0] = '+';
	memcpy(out + 1, number, n + 1);
	return ST_OK;
}

enum status
phone_normalize(const char *s, char out[static PHONE_MAX])
{
	char plain[PLAIN_MAX + 1];
	size_t n;

	out[0] = '\0';
	if (!strip(s, plain))
		return ST_MALFORMED;
	n = strlen(plain);
	if (plain[0] == '+')
		return compose("", plain + 1, out);
	if (strncmp(plain, "011", 3) == 0)
		return compose("", plain + 3, out);
	if (n == 10)
		return compose("1", plain, out);
	if (n == 11 && plain[0] == '1')
		return compose("", plain, out);
	return ST_MALFORMED;
}
