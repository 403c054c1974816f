#include "config/weburl.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "codec/url.h"

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define SUB_DELIMS "!$&'()*+,;="
#define HOST_MAX 253 /* RFC 1035, as text */

/* True if the part has only those characters, and whole escapes. */
static bool
part_has_only(const struct url_part *p, const char *allowed)
{
	const char *s, *end;

	if (p->len == 0)
		return true;
	end = p->data + p->len;
	for (s = p->data; s < end; s++) {
		if (*s == '\0' || strchr(allowed, *s) == NULL)
			return false;
		if (*s == '%' && url_hex_byte(s, end) < 0)
			return false;
	}
	return true;
}

bool
weburl_path_ok(const char *path)
{
	const struct url_part p = { path, strlen(path) };

	return part_has_only(&p, ALNUM "-._~" SUB_DELIMS ":@/%");
}

static bool
scheme_ok(const struct url_part *p, int schemes)
{
	if ((schemes & WEBURL_HTTP) != 0 &&
	    (url_part_is(p, "http") || url_part_is(p, "https")))
		return true;
	return (schemes & WEBURL_WS) != 0 &&
	    (url_part_is(p, "ws") || url_part_is(p, "wss"));
}

/* A name, an IPv4 address, or an IPv6 address in brackets. */
static bool
host_ok(const struct url_part *p)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;
	size_t n = p->len - 2;

	if (*p->data != '[')
		return p->len <= HOST_MAX && part_has_only(p, ALNUM "-._");
	if (p->len < 2 || n >= sizeof(text))
		return false;
	memcpy(text, p->data + 1, n);
	text[n] = '\0';
	return inet_pton(AF_INET6, text, &a) == 1;
}

/* Absent, or 1 to 65535. */
static bool
port_ok(const struct url_part *p)
{
	char digits[6];
	uint64_t port;

	if (p->data == NULL)
		return true;
	if (p->len >= sizeof(digits))
		return false;
	memcpy(digits, p->data, p->len);
	digits[p->len] = '\0';
	return str_u64(digits, 65535, &port) == ST_OK && port > 0;
}

static const char *
find_mistake(const char *text, const struct url *url)
{
	if (url->query.data != NULL)
		return "has a query; leave it out";
	if (!part_has_only(&url->userinfo, ALNUM "-._~" SUB_DELIMS ":%"))
		return "has a character before the \"@\" that no URL has; "
		       "percent-encode it";
	if (!host_ok(&url->host) || !port_ok(&url->port))
		return "has no valid host and port; write it as in "
		       "https://example.com or https://example.com:8443";
	if (!weburl_path_ok(text))
		return "has a character in its path that no URL has; "
		       "percent-encode it";
	return NULL;
}

const char *
weburl_check(char *text, int schemes)
{
	struct url url;
	const char *wrong;
	size_t n;

	if (url_split(text, strlen(text), &url) != ST_OK ||
	    !scheme_ok(&url.scheme, schemes))
		return (schemes & WEBURL_WS) != 0
		    ? "is not an http, https, ws or wss URL; "
		      "write it as in https://example.com"
		    : "is not an http or https URL; "
		      "write it as in https://example.com";
	for (n = 0; n < url.scheme.len; n++)
		text[n] = (char)tolower((unsigned char)text[n]);
	n = (size_t)(url.path.data - text) + url.path.len;
	if (url.query.data == NULL)
		text[n] = '\0'; /* the fragment */
	wrong = find_mistake(url.path.data, &url);
	while (wrong == NULL && text[n - 1] == '/')
		text[--n] = '\0';
	return wrong;
}
