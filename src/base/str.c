#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/utf8.h"

/* With a scheme of 16 bytes, and the two that are shown of up to 4 bytes. */
#define MASK_LETTERS (STR_MASK_MAX - 1 - 16 - 2 * (UTF8_MAX - 1))

bool
str_eq(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

bool
str_starts(const char *s, const char *prefix)
{
	return s != NULL && strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
str_empty(const char *s)
{
	return s == NULL || *s == '\0';
}

enum status
str_u64(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (str_empty(s) || s[strspn(s, "0123456789")] != '\0')
		return ST_MALFORMED;
	for (; *s != '\0'; s++) {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n) ||
		    n > max)
			return ST_TOOBIG;
	}
	*out = n;
	return ST_OK;
}

enum status
str_dup(const char *s, char **out)
{
	*out = NULL;
	if (s == NULL)
		return ST_OK;
	return (*out = strdup(s)) == NULL ? ST_NOMEM : ST_OK;
}

void
str_wipe(char **s)
{
	if (*s != NULL)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

/* Bytes of the letter at s, which is not "". */
static size_t
letter_len(const char *s)
{
	bool valid;

	return utf8_step(s, strnlen(s, UTF8_MAX), &valid);
}

/* Letters of s, as far as a mask has room for them. */
static size_t
count_letters(const char *s)
{
	size_t n = 0;

	for (; n < MASK_LETTERS && *s != '\0'; n++)
		s += letter_len(s);
	return n;
}

uint64_t
str_hash(uint64_t hash, const void *data, size_t n)
{
	const unsigned char *p = data;

	for (; n > 0; n--)
		hash = (hash ^ *p++) * UINT64_C(0x100000001b3);
	return hash;
}

void
str_mask(const char *s, char out[static STR_MASK_MAX])
{
	const char *colon = strchr(s, ':');
	size_t n = 0, letters, step;

	/* The scheme tells nothing of the person; a long "scheme" is no scheme. */
	if (colon != NULL && colon - s < 16)
		n = (size_t)(colon - s) + 1;
	memcpy(out, s, n);
	letters = count_letters(s += n);
	for (size_t i = 0; i < letters; i++, s += step) {
		step = letter_len(s);
		if ((i == 0 && *s == '+') || (letters > 6 && i + 2 >= letters))
			for (size_t k = 0; k < step; k++)
				out[n++] = s[k];
		else
			out[n++] = '*';
	}
	out[n] = '\0';
}

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

void
str_sid(const char *s, char out[static STR_SID_MAX])
{
	size_t n = str_empty(s) ? 0 : strlen(s);

	if (n > 0 &&
	    (n >= STR_SID_MAX || strspn(s, CAPITALS) < 2 ||
		strspn(s, CAPITALS "abcdefghijklmnopqrstuvwxyz0123456789") !=
		    n)) {
		s = "(no SID)";
		n = strlen(s);
	}
	memcpy(out, n > 0 ? s : "", n + 1);
}

bool
str_is_sid(const char *s, const char *kind)
{
	return s != NULL && strncmp(s, kind, 2) == 0 && strlen(s) == 34 &&
	    strspn(s + 2, "0123456789abcdefABCDEF") == 32;
}

bool
str_is_message_sid(const char *s)
{
	return str_is_sid(s, "SM") || str_is_sid(s, "MM") ||
	    str_is_sid(s, "IM");
}

enum status
str_uuid(char out[static STR_UUID_MAX])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char b[16];
	size_t i, at = 0;
	ssize_t got;

	do
		got = getrandom(b, sizeof(b), 0);
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(b))
		return ST_IO;
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* RFC 9562: version 4 */
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80); /* its variant */
	for (i = 0; i < sizeof(b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[at++] = '-';
		out[at++] = hex[b[i] >> 4];
		out[at++] = hex[b[i] & 15];
	}
	out[at] = '\0';
	return ST_OK;
}
