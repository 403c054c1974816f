#include "store/sender.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/utf8.h"
#include "codec/phone.h"

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* Digits of a number with its country code, at least, and of a short code. */
#define NUMBER_MIN 7
#define SHORT_MIN 3
#define SHORT_MAX 8

/* --- prefixes -------------------------------------------------------------- */

static bool
has_prefix(const char *s, const char *prefix)
{
	return strncasecmp(s, prefix, strlen(prefix)) == 0;
}

const char *
sender_of(const char *from)
{
	static const char *const prefixes[] = { "whatsapp:", "rcs:" };
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (has_prefix(from, prefixes[i]))
			return from + strlen(prefixes[i]);
	return from;
}

/* --- as people write them -------------------------------------------------- */

/* Characters, and what they are taken for: '0' and on for digits, '\0' is left
 * out. */
static const struct {
	uint32_t first, last;
	char plain;
} look_alikes[] = {
	{ '\t', '\r', ' ' },
	{ 0xa0, 0xa0, ' ' }, /* no-break space */
	{ 0xad, 0xad, '\0' }, /* soft hyphen */
	{ 0x61c, 0x61c, '\0' }, /* Arabic letter mark */
	{ 0x2000, 0x200a, ' ' },
	{ 0x200b, 0x200f, '\0' }, /* zero width, left-to-right mark */
	{ 0x2010, 0x2015, '-' },
	{ 0x202a, 0x202e, '\0' }, /* embeddings of a direction */
	{ 0x202f, 0x202f, ' ' },
	{ 0x205f, 0x205f, ' ' },
	{ 0x2060, 0x206f, '\0' }, /* word joiner, isolates */
	{ 0x2212, 0x2212, '-' }, /* minus */
	{ 0x3000, 0x3000, ' ' },
	{ 0xfe00, 0xfe0f, '\0' }, /* variation selectors */
	{ 0xfeff, 0xfeff, '\0' }, /* byte order mark */
	{ 0xff0b, 0xff0b, '+' }, /* of full width */
	{ 0xff10, 0xff19, '0' },
};

#define LOOK_ALIKES (sizeof(look_alikes) / sizeof(look_alikes[0]))

/* Append the character at s, of n bytes. */
static void
put_plain(struct buf *out, const char *s, size_t n)
{
	uint32_t c = utf8_code(s, n);
	char plain;
	size_t i = 0;

	while (i < LOOK_ALIKES &&
	    (c < look_alikes[i].first || c > look_alikes[i].last))
		i++;
	if (i == LOOK_ALIKES) {
		buf_put(out, s, n);
		return;
	}
	plain = look_alikes[i].plain;
	if (plain == '0')
		plain = (char)('0' + c - look_alikes[i].first);
	if (plain != '\0')
		buf_putc(out, plain);
}

/* Without what nobody sees, and without blanks at either end. */
static enum status
to_plain(const char *text, char out[static SENDER_MAX])
{
	size_t n = strlen(text), step;
	struct buf plain = BUF_INIT;
	enum status st = ST_OK;
	const char *s;
	bool valid;

	for (; n > 0 && st == ST_OK; text += step, n -= step) {
		step = utf8_step(text, n, &valid);
		if (valid)
			put_plain(&plain, text, step);
		st = valid ? plain.err : ST_MALFORMED;
	}
	s = buf_str(&plain);
	s += strspn(s, " ");
	for (n = strlen(s); n > 0 && s[n - 1] == ' ';)
		n--;
	if (st == ST_OK && n >= SENDER_MAX)
		st = ST_MALFORMED;
	if (st == ST_OK)
		snprintf(out, SENDER_MAX, "%.*s", (int)n, s);
	buf_release(&plain);
	return st;
}

/* Past every prefix that is no part of the address. */
static const char *
past_prefixes(const char *s)
{
	const char *rest;

	for (;; s = rest) {
		rest = has_prefix(s, "tel:") ? s + 4 : sender_of(s);
		if (rest == s)
			return s;
		rest += strspn(rest, " ");
	}
}

/*
 * A number with its country code, or a short code. The 0 of +44 (0)20 is
 * dialled within the country only.
 */
static bool
parse_number(const char *s, char out[static SENDER_MAX])
{
	char number[SENDER_MAX];
	size_t n = strlen(s);

	if (strspn(s, DIGITS) == n && n >= SHORT_MIN && n <= SHORT_MAX) {
		memcpy(out, s, n + 1);
		return true;
	}
	if (s[strspn(s, "( ")] != '+')
		return false;
	for (n = 0; *s != '\0'; s++) {
		if (str_starts(s, "(0)"))
			s += strlen("(0)") - 1;
		else if (*s != '/')
			number[n++] = *s;
	}
	number[n] = '\0';
	return phone_normalize(number, out) == ST_OK &&
	    strlen(out) > NUMBER_MIN;
}

/* A country's two letters and what WhatsApp has behind the dot. */
static bool
is_user_id(const char *s)
{
	return strspn(s, LETTERS) == 2 && s[2] == '.' && s[3] != '\0' &&
	    strspn(s + 3, LETTERS DIGITS ".") == strlen(s + 3);
}

/* messenger:42, client:ann */
static bool
is_of_a_channel(const char *s)
{
	size_t n = strspn(s, LETTERS DIGITS "+.-");

	return n > 0 && s[n] == ':' && s[n + 1] != '\0' &&
	    strchr(s, ' ') == NULL;
}

enum status
sender_parse(const char *text, char out[static SENDER_MAX])
{
	char plain[SENDER_MAX];
	const char *address;
	enum status st;

	if ((st = to_plain(text, plain)) != ST_OK)
		return st;
	address = past_prefixes(plain);
	if (parse_number(address, out))
		return ST_OK;
	if (!is_user_id(address) && !is_of_a_channel(address))
		return ST_MALFORMED;
	memcpy(out, address, strlen(address) + 1);
	return ST_OK;
}
