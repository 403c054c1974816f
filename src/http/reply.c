/* What the HTTP client does without libcurl. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "http/reply.h"

void
http_reply_release(struct http_reply *r)
{
	kv_release(&r->headers);
	buf_release(&r->head);
	buf_release(&r->body);
	*r = (struct http_reply){ 0 };
}

const char *
http_reply_header(const struct http_reply *r, const char *name)
{
	for (size_t i = 0; i < r->headers.n; i++)
		if (strcasecmp(r->headers.pairs[i].name, name) == 0)
			return r->headers.pairs[i].value;
	return NULL;
}

enum status
http_reply_parse(struct http_reply *r)
{
	enum status e = ST_OK;
	char *line = r->head.data;

	while (line && e == ST_OK) {
		char *next = strchr(line, '\n');
		char *value = strchr(line, ':');
		char *end = next ? next : line + strlen(line);

		if (value && value < end) {
			*value++ = '\0';
			while (value < end && (*value == ' ' || *value == '\t'))
				value++;
			while (end > value && isspace((unsigned char)end[-1]))
				end--;
			*end = '\0';
			e = kv_add(&r->headers, line, strlen(line), value,
			    (size_t)(end - value));
		}
		line = next ? next + 1 : NULL;
	}
	return e;
}

bool
http_header_fits(const struct kv_pair *p)
{
	return p->name_len > 0 && !memchr(p->name, 0, p->name_len) &&
	    !memchr(p->value, 0, p->value_len) &&
	    strcspn(p->name, "\r\n:; \t") == p->name_len &&
	    strcspn(p->value, "\r\n") == p->value_len;
}

void
http_put_origin(struct buf *out, const char *url)
{
	const char *host = strstr(url, "://");
	size_t n;
	const char *at;

	if (!host)
		return;
	buf_put(out, url, (size_t)(host - url) + 3);
	host += 3;
	n = strcspn(host, "/?#");
	at = memrchr(host, '@', n);
	if (at) {
		n -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	buf_put(out, host, n);
	buf_puts(out, ": ");
}

bool
http_may_pass(enum status st, int code)
{
	return st == ST_UNAVAILABLE || st == ST_TIMEOUT || st == ST_IO ||
	    (st == ST_OK && (code == 429 || code >= 500));
}
