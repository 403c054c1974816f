/* Causes that lie in the URL: every one takes a part of it as changed. */
#include "twilio/explain.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct url_part
part(const char *s, size_t len)
{
	return (struct url_part){ s, len };
}

static struct url_part
whole(const struct buf *b)
{
	return part(buf_str(b), b->len);
}

static bool
cause_scheme(struct search *s)
{
	static const char *const schemes[] = { "https", "http", "wss", "ws" };
	struct url u = s->url;
	size_t i;

	for (i = 0; i < COUNT(schemes); i++) {
		u.scheme = part(schemes[i], strlen(schemes[i]));
		if (!search_try_url(s, &u))
			continue;
		return search_tell(s,
		    "scheme: the URL that Twilio called began with %s://, not "
		    "%.*s://; TLS probably ends at a proxy in front. Make "
		    "server.public_url begin with %s://.",
		    schemes[i], (int)s->url.scheme.len, s->url.scheme.data,
		    schemes[i]);
	}
	return false;
}

/* Ports that web servers, proxies and tunnels are given. */
static bool
cause_port(struct search *s)
{
	static const char *const ports[] = { "80", "443", "81", "444", "1443",
		"3000", "3001", "3443", "4000", "4040", "4443", "5000", "5443",
		"7443", "8000", "8001", "8008", "8080", "8081", "8443", "8444",
		"8800", "8843", "8880", "8888", "9000", "9090", "9443",
		"10443" };
	struct url u = s->url;
	size_t i;

	for (i = 0; i < COUNT(ports); i++) {
		u.port = part(ports[i], strlen(ports[i]));
		if (search_try_url(s, &u))
			return search_tell(s,
			    "port: Twilio called port %s, which is not in the "
			    "URL here; add :%s to the host in "
			    "server.public_url.",
			    ports[i], ports[i]);
	}
	return false;
}

static bool
tell_host(struct search *s, const char *what, const struct url_part *host)
{
	return search_tell(s,
	    "host: Twilio called %.*s, which differs by %s; write the host in "
	    "server.public_url as it is in Twilio's console.",
	    (int)host->len, host->data, what);
}

static bool
try_host(struct search *s, const char *prefix, const struct url_part *host,
    const char *suffix, const char *what)
{
	struct buf text = BUF_INIT;
	struct url u = s->url;
	bool found;

	buf_printf(
	    &text, "%s%.*s%s", prefix, (int)host->len, host->data, suffix);
	u.host = whole(&text);
	found = search_try_url(s, &u) && tell_host(s, what, &u.host);
	buf_release(&text);
	return found;
}

static bool
cause_host_case(struct search *s)
{
	struct buf lower = BUF_INIT;
	struct url_part host;
	bool found;
	size_t i;

	for (i = 0; i < s->url.host.len; i++)
		buf_putc(
		    &lower, (char)tolower((unsigned char)s->url.host.data[i]));
	host = whole(&lower);
	found = try_host(s, "", &host, "", "the case of its letters");
	buf_release(&lower);
	return found;
}

static bool
cause_host(struct search *s)
{
	const struct url_part *h = &s->url.host;
	const struct url_part bare = part(h->data + 4, h->len - 4);
	const struct url_part undotted = part(h->data, h->len - 1);

	if (h->len > 4 && strncasecmp(h->data, "www.", 4) == 0 &&
	    try_host(s, "", &bare, "", "having no \"www.\""))
		return true;
	if (try_host(s, "www.", h, "", "its \"www.\""))
		return true;
	if (h->len > 1 && h->data[h->len - 1] == '.')
		return try_host(
		    s, "", &undotted, "", "having no dot at its end");
	return try_host(s, "", h, ".", "the dot at its end");
}

static bool
cause_fragment(struct search *s)
{
	struct url u = s->url;

	u.fragment = part(NULL, 0);
	return s->url.fragment.data != NULL && search_try_url(s, &u) &&
	    search_tell(s,
		"fragment: what follows \"#\" is never sent nor signed; take "
		"it off the URL.");
}

static bool
cause_query(struct search *s)
{
	struct url u = s->url;

	u.query = part(NULL, 0);
	if (s->url.query.data != NULL && search_try_url(s, &u))
		return search_tell(s,
		    "query: Twilio signed the URL without \"?\" and what "
		    "follows; something in front adds it.");
	u.query = part("", 0);
	if (s->url.query.data == NULL && search_try_url(s, &u))
		return search_tell(s,
		    "query: Twilio signed the URL with a \"?\" at its end, "
		    "which got lost on the way.");
	return false;
}

static bool
cause_query_in_body(struct search *s)
{
	struct signature_input variant = s->input;
	struct buf url = BUF_INIT;
	bool found;

	if (s->input.form == NULL || s->url.query.data != NULL)
		return false;
	buf_printf(&url, "%s?", s->input.url);
	buf_put(&url, s->input.body, s->input.body_len);
	if (url.err != ST_OK)
		s->st = url.err;
	variant.url = buf_str(&url);
	variant.form = NULL;
	found = search_try(s, &variant) &&
	    search_tell(s,
		"query: Twilio sent these parameters in the query, not in "
		"the body; give them as part of the URL.");
	buf_release(&url);
	return found;
}

static bool
cause_slash(struct search *s)
{
	struct buf path = BUF_INIT;
	const struct url_part *p = &s->url.path;
	struct url u = s->url;
	bool found;

	if (p->len > 1 && p->data[p->len - 1] == '/') {
		u.path = part(p->data, p->len - 1);
		return search_try_url(s, &u) &&
		    search_tell(s,
			"slash: Twilio called the URL without the \"/\" at "
			"the end of its path; a server in front adds it.");
	}
	buf_put(&path, p->data, p->len);
	buf_putc(&path, '/');
	u.path = whole(&path);
	found = search_try_url(s, &u) &&
	    search_tell(s,
		"slash: Twilio called the URL with a \"/\" at the end of its "
		"path; a server in front takes it off.");
	buf_release(&path);
	return found;
}

/* The path after its first n segments, or NULL. */
static const char *
skip_segments(const struct url_part *path, size_t n)
{
	const char *at = path->data, *end = at + path->len;

	for (; n > 0 && at != NULL && at < end; n--)
		at = memchr(at + 1, '/', (size_t)(end - at) - 1);
	return at == end ? NULL : at;
}

static bool
cause_path_longer(struct search *s)
{
	const struct url_part *path = &s->url.path;
	struct url u = s->url;
	const char *rest;
	size_t n;

	for (n = 1; n <= 8; n++) {
		if ((rest = skip_segments(path, n)) == NULL)
			break;
		u.path = part(rest, (size_t)(path->data + path->len - rest));
		if (search_try_url(s, &u))
			return search_tell(s,
			    "path: Twilio called the path without \"%.*s\" in "
			    "front; take that off server.public_url, or set "
			    "server.base_path right.",
			    (int)(rest - path->data), path->data);
		u.path = part(path->data, (size_t)(rest - path->data));
		if (search_try_url(s, &u))
			return search_tell(s,
			    "path: Twilio called the path without the \"%.*s\" "
			    "at its end; the server in front adds it.",
			    (int)(path->data + path->len - rest), rest);
	}
	return false;
}

static bool
try_prefix(struct search *s, const char *prefix, size_t len)
{
	struct buf path = BUF_INIT;
	struct url u = s->url;
	bool found;

	buf_put(&path, prefix, len);
	buf_put(&path, s->url.path.data, s->url.path.len);
	u.path = whole(&path);
	found = search_try_url(s, &u) &&
	    search_tell(s,
		"path: Twilio called the path with \"%.*s\" in front, which "
		"a proxy takes off; put it at the end of server.public_url.",
		(int)len, prefix);
	buf_release(&path);
	return found;
}

/* What sites usually put in front; another prefix cannot be guessed. */
static bool
cause_path_shorter(struct search *s)
{
	static const char *const prefixes[] = { "/", "/twilio", "/webhook",
		"/webhooks", "/hooks", "/hook", "/api", "/api/v1", "/v1", "/v2",
		"/app", "/bot", "/ivr", "/voice", "/sms", "/whatsapp",
		"/switchhook", "/switchhook.fcgi", "/switchhook.cgi",
		"/cgi-bin", "/cgi-bin/switchhook.fcgi", "/fcgi-bin", "/prod",
		"/Prod", "/production", "/stage", "/staging", "/dev", "/test",
		"/default", "/public", "/index.php" };
	const char *second = skip_segments(&s->url.path, 1);
	size_t i;

	for (i = 0; i < COUNT(prefixes); i++)
		if (try_prefix(s, prefixes[i], strlen(prefixes[i])))
			return true;
	/* A prefix that stands twice: once in each of two settings. */
	return second != NULL &&
	    try_prefix(
		s, s->url.path.data, (size_t)(second - s->url.path.data));
}

/* The path as a server gives it that tidies "//", "/./" and "/../". */
static bool
cause_path_tidied(struct search *s)
{
	const char *at = s->url.path.data, *end = at + s->url.path.len, *stop;
	struct buf path = BUF_INIT;
	struct url u = s->url;
	bool found;
	size_t n;

	for (; at < end; at = stop) {
		stop = memchr(at + 1, '/', (size_t)(end - at) - 1);
		stop = stop == NULL ? end : stop;
		n = (size_t)(stop - at);
		if (n == 3 && memcmp(at, "/..", 3) == 0) {
			while (path.len > 0 && path.data[--path.len] != '/')
				;
		} else if ((n > 1 || stop == end) &&
		    !(n == 2 && at[1] == '.')) {
			buf_put(&path, at, n);
		}
	}
	u.path = whole(&path);
	found = search_try_url(s, &u) &&
	    search_tell(s,
		"path: Twilio signed the path without its \"//\", \"/./\" or "
		"\"/../\"; write it so in server.public_url and in Twilio's "
		"console.");
	buf_release(&path);
	return found;
}

bool
explain_url(struct search *s)
{
	static cause_fn *const causes[] = { cause_scheme, cause_fragment,
		cause_slash, cause_query, cause_query_in_body,
		cause_path_longer, cause_path_tidied, cause_path_shorter,
		explain_encoding, cause_host_case, cause_host, cause_port };
	size_t i;

	for (i = 0; i < COUNT(causes); i++)
		if (causes[i](s))
			return true;
	return false;
}
