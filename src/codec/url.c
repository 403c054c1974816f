#include "codec/url.h"

#include <string.h>
#include <strings.h>

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct url_part
part(const char *from, const char *to)
{
	return (struct url_part){ from, (size_t)(to - from) };
}

/* The first of the stop characters, or end. */
static const char *
find_any(const char *at, const char *end, const char *stops)
{
	while (at < end && (*at == '\0' || strchr(stops, *at) == NULL))
		at++;
	return at;
}

/* RFC 3986, section 3.1. *at moves past "://". */
static enum status
split_scheme(const char **at, const char *end, struct url *url)
{
	const char *p = *at;

	if (p == end || !is_letter(*p))
		return ST_MALFORMED;
	while (p < end &&
	    (is_letter(*p) || is_digit(*p) || *p == '+' || *p == '-' ||
		*p == '.'))
		p++;
	if (end - p < 3 || memcmp(p, "://", 3) != 0)
		return ST_MALFORMED;
	url->scheme = part(*at, p);
	*at = p + 3;
	return ST_OK;
}

/* Section 3.2; an IPv6 address stands in brackets and has colons itself. */
static enum status
split_authority(const char *at, const char *end, struct url *url)
{
	const char *p;

	if ((p = memrchr(at, '@', (size_t)(end - at))) != NULL) {
		url->userinfo = part(at, p);
		at = p + 1;
	}
	p = at;
	if (p < end && *p == '[') {
		if ((p = memchr(p, ']', (size_t)(end - p))) == NULL)
			return ST_MALFORMED;
		p++;
	} else {
		p = find_any(p, end, ":");
	}
	if (p == at)
		return ST_MALFORMED;
	url->host = part(at, p);
	if (p == end)
		return ST_OK;
	if (*p++ != ':')
		return ST_MALFORMED;
	url->port = part(p, end);
	while (p < end && is_digit(*p))
		p++;
	return p == end ? ST_OK : ST_MALFORMED;
}

enum status
url_split(const char *text, size_t len, struct url *url)
{
	const char *at = text, *end = text + len, *stop;

	*url = (struct url){ 0 };
	if (split_scheme(&at, end, url) != ST_OK)
		return ST_MALFORMED;
	stop = find_any(at, end, "/?#");
	if (split_authority(at, stop, url) != ST_OK)
		return ST_MALFORMED;
	url->tail = part(stop, end);
	at = stop;
	stop = find_any(at, end, "?#");
	url->path = part(at, stop);
	if (stop < end && *stop == '?') {
		at = stop + 1;
		stop = find_any(at, end, "#");
		url->query = part(at, stop);
	}
	if (stop < end)
		url->fragment = part(stop + 1, end);
	return ST_OK;
}

bool
url_part_is(const struct url_part *p, const char *text)
{
	return p->data != NULL && p->len == strlen(text) &&
	    strncasecmp(p->data, text, p->len) == 0;
}

const char *
url_default_port(const struct url_part *scheme)
{
	if (url_part_is(scheme, "https") || url_part_is(scheme, "wss"))
		return "443";
	if (url_part_is(scheme, "http") || url_part_is(scheme, "ws"))
		return "80";
	return NULL;
}

enum status
url_put_escaped(struct buf *b, char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char u = (unsigned char)c;
	const char text[3] = { '%', digits[u >> 4], digits[u & 15] };

	return buf_put(b, text, sizeof(text));
}

enum status
url_encode(struct buf *b, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (is_letter(s[i]) || is_digit(s[i]) || s[i] == '-' ||
		    s[i] == '.' || s[i] == '_' || s[i] == '~')
			buf_putc(b, s[i]);
		else
			url_put_escaped(b, s[i]);
	}
	return b->err;
}

static int
hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
url_hex_byte(const char *at, const char *end)
{
	int high, low;

	if (end - at < 3 || at[0] != '%')
		return -1;
	if ((high = hex_value(at[1])) < 0 || (low = hex_value(at[2])) < 0)
		return -1;
	return high << 4 | low;
}
