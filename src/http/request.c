#include "http/request.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "codec/url.h"

/* The variables that we want, in the order of their names below. */
enum variable {
	VAR_METHOD,
	VAR_PATH_INFO,
	VAR_URI,
	VAR_QUERY,
	VAR_LENGTH,
	VAR_TYPE,
	VAR_SIGNATURE,
	VAR_SIGNATURE_SETTINGS,
	VAR_AUTHORIZATION,
	VAR_REDIRECT_AUTHORIZATION,
	VAR_API_KEY,
	VAR_IF_NONE_MATCH,
	VAR_HOST,
	VAR_HTTPS,
	VAR_SCHEME,
	VAR_SERVER_NAME,
	VAR_SERVER_PORT,
	VAR_REMOTE_ADDR,
	VAR_FORWARDED_PROTO,
	VAR_FORWARDED_HOST,
	VAR_FORWARDED_PORT,
	VAR_TRACEPARENT,
	VAR_AMZN_TRACE_ID,
	VAR_COUNT
};

#define NAME(s) \
	{ \
		s, sizeof(s) - 1 \
	}

static const struct {
	const char *text;
	size_t len;
} names[VAR_COUNT] = {
	[VAR_METHOD] = NAME("REQUEST_METHOD"),
	[VAR_PATH_INFO] = NAME("PATH_INFO"),
	[VAR_URI] = NAME("REQUEST_URI"),
	[VAR_QUERY] = NAME("QUERY_STRING"),
	[VAR_LENGTH] = NAME("CONTENT_LENGTH"),
	[VAR_TYPE] = NAME("CONTENT_TYPE"),
	[VAR_SIGNATURE] = NAME("HTTP_X_TWILIO_SIGNATURE"),
	[VAR_SIGNATURE_SETTINGS] =
	    NAME("HTTP_X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS"),
	[VAR_AUTHORIZATION] = NAME("HTTP_AUTHORIZATION"),
	/* After an Apache RewriteRule that passes the header on. */
	[VAR_REDIRECT_AUTHORIZATION] = NAME("REDIRECT_HTTP_AUTHORIZATION"),
	[VAR_API_KEY] = NAME("HTTP_X_API_KEY"),
	[VAR_IF_NONE_MATCH] = NAME("HTTP_IF_NONE_MATCH"),
	[VAR_HOST] = NAME("HTTP_HOST"),
	[VAR_HTTPS] = NAME("HTTPS"),
	[VAR_SCHEME] = NAME("REQUEST_SCHEME"),
	[VAR_SERVER_NAME] = NAME("SERVER_NAME"),
	[VAR_SERVER_PORT] = NAME("SERVER_PORT"),
	[VAR_REMOTE_ADDR] = NAME("REMOTE_ADDR"),
	[VAR_FORWARDED_PROTO] = NAME("HTTP_X_FORWARDED_PROTO"),
	[VAR_FORWARDED_HOST] = NAME("HTTP_X_FORWARDED_HOST"),
	[VAR_FORWARDED_PORT] = NAME("HTTP_X_FORWARDED_PORT"),
	[VAR_TRACEPARENT] = NAME("HTTP_TRACEPARENT"),
	[VAR_AMZN_TRACE_ID] = NAME("HTTP_X_AMZN_TRACE_ID"),
};

/* What the environment has of it; absent variables stay NULL. */
struct given {
	const char *value[VAR_COUNT];
	bool signature_repeated;
};

static void
given_add(struct given *g, const char *name, size_t len, const char *value)
{
	for (size_t i = 0; i < VAR_COUNT; i++) {
		if (names[i].len != len ||
		    memcmp(names[i].text, name, len) != 0)
			continue;
		if (g->value[i] == NULL)
			g->value[i] = value;
		else if (i == VAR_SIGNATURE)
			g->signature_repeated = true;
		return;
	}
}

static void
given_scan(struct given *g, char *const *envp)
{
	const char *eq;

	for (; *envp != NULL; envp++)
		if ((eq = strchr(*envp, '=')) != NULL)
			given_add(g, *envp, (size_t)(eq - *envp), eq + 1);
	for (size_t i = 0; i < VAR_COUNT; i++)
		if (g->value[i] == NULL)
			g->value[i] = "";
	if (*g->value[VAR_AUTHORIZATION] == '\0')
		g->value[VAR_AUTHORIZATION] =
		    g->value[VAR_REDIRECT_AUTHORIZATION];
}

static enum method
method_of(const char *s)
{
	if (strcmp(s, "GET") == 0)
		return METHOD_GET;
	if (strcmp(s, "HEAD") == 0)
		return METHOD_HEAD;
	if (strcmp(s, "POST") == 0)
		return METHOD_POST;
	return METHOD_OTHER;
}

/* Strings that are taken as they stand. */
static void
take_strings(struct request *r, const struct given *g)
{
	r->method_text = g->value[VAR_METHOD];
	r->method = method_of(r->method_text);
	r->path = g->value[VAR_PATH_INFO];
	r->uri = g->value[VAR_URI];
	r->query = g->value[VAR_QUERY];
	r->content_type = g->value[VAR_TYPE];
	r->signature = g->value[VAR_SIGNATURE];
	r->signature_repeated = g->signature_repeated;
	r->signature_settings = g->value[VAR_SIGNATURE_SETTINGS];
	r->authorization = g->value[VAR_AUTHORIZATION];
	r->api_key = g->value[VAR_API_KEY];
	r->if_none_match = g->value[VAR_IF_NONE_MATCH];
	r->host = g->value[VAR_HOST];
	r->https = g->value[VAR_HTTPS];
	r->scheme = g->value[VAR_SCHEME];
	r->server_name = g->value[VAR_SERVER_NAME];
	r->server_port = g->value[VAR_SERVER_PORT];
	r->remote_addr = g->value[VAR_REMOTE_ADDR];
	r->forwarded_proto = g->value[VAR_FORWARDED_PROTO];
	r->forwarded_host = g->value[VAR_FORWARDED_HOST];
	r->forwarded_port = g->value[VAR_FORWARDED_PORT];
	r->traceparent = g->value[VAR_TRACEPARENT];
	r->amzn_trace_id = g->value[VAR_AMZN_TRACE_ID];
}

/* CONTENT_LENGTH: nginx sends "" for none, mod_fcgid "0". */
static void
take_length(struct request *r, const char *text)
{
	uint64_t n = 0;

	if (*text == '\0')
		return;
	r->has_length = true;
	r->body_status = str_u64(text, SIZE_MAX / 2, &n);
	r->announced = (size_t)n;
}

/* base_path without a "/" at its end. */
static size_t
base_len(const char *base)
{
	size_t n = strlen(base);

	while (n > 0 && base[n - 1] == '/')
		n--;
	return n;
}

/* What is left of a path below base, or NULL if it is not below it. */
static const char *
below(const char *path, const char *base, size_t n)
{
	if (n == 0 || strncmp(path, base, n) != 0)
		return NULL;
	return strchr("/?#", path[n]) != NULL ? path + n : NULL;
}

/* Some servers pass "http://host/path?query": the path is what we go by. */
static const char *
skip_origin(const char *uri)
{
	const char *host;

	if (*uri == '/' || (host = strstr(uri, "://")) == NULL ||
	    memchr(uri, '?', (size_t)(host - uri)) != NULL)
		return uri;
	return host + 3 + strcspn(host + 3, "/?#");
}

/*
 * A fragment stays: no client sends one, Twilio signs none, and a request that
 * has one is refused because its URL is then not the signed one.
 */
static void
take_uri(struct request *r)
{
	const char *query;

	r->uri = skip_origin(r->uri);
	if (*r->uri == '\0')
		return;
	query = strchr(r->uri, '?');
	r->query = query == NULL ? "" : query + 1;
}

/* As servers decode PATH_INFO; but an escaped "/" separates nothing, and stays
 * as it is. */
static void
decode_path(char *path)
{
	const char *from = path, *end = path + strlen(path);
	int byte;

	while (from < end) {
		byte = *from == '%' ? url_hex_byte(from, end) : -1;
		if (byte < 0 || byte == '/') {
			*path++ = *from++;
			continue;
		}
		/* A control character of no path: it is refused. */
		*path++ = (char)(byte == 0 ? 0x7f : byte);
		from += 3;
	}
	*path = '\0';
}

/* The path of uri below base, for servers that give no PATH_INFO. */
static enum status
path_from_uri(struct request *r, const char *base, size_t n)
{
	const char *path = below(r->uri, base, n);

	if (path == NULL)
		path = r->uri;
	if ((r->path_mem = strndup(path, strcspn(path, "?#"))) == NULL)
		return ST_NOMEM;
	decode_path(r->path_mem);
	r->path = *r->path_mem == '\0' && *r->uri != '\0' ? "/" : r->path_mem;
	return ST_OK;
}

/*
 * A server may count base_path to PATH_INFO (nginx with "PATH_INFO $uri") or
 * to the script's name. In the second case REQUEST_URI has it once more before
 * PATH_INFO, and then it stays: /whatsapp may stand below /whatsapp.
 */
static void
path_below_base(struct request *r, const char *base, size_t n)
{
	const char *rest = below(r->path, base, n);
	const char *uri = below(r->uri, base, n);

	if (rest == NULL || (uri != NULL && str_starts(uri, r->path)))
		return;
	r->path = *rest == '\0' ? "/" : rest;
}

/* By hand and under old servers there is no REQUEST_URI. */
static enum status
make_uri(struct request *r, const char *base, size_t n)
{
	struct buf b = BUF_INIT;

	buf_put(&b, base, n);
	buf_puts(&b, r->path);
	if (*r->query != '\0') {
		buf_putc(&b, '?');
		buf_puts(&b, r->query);
	}
	if ((r->uri_mem = buf_detach(&b)) == NULL)
		return ST_NOMEM;
	r->uri = r->uri_mem;
	return ST_OK;
}

/* Routes have a narrower set; this keeps what is printed harmless. */
static bool
path_fits(const char *path)
{
	if (*path != '/')
		return false;
	for (; *path != '\0'; path++)
		if ((unsigned char)*path < 0x20 || *path == 0x7f)
			return false;
	return true;
}

enum status
request_init(struct request *r, char *const *envp, const char *base_path)
{
	struct given g = { .signature_repeated = false };
	size_t n = base_len(base_path);
	enum status st = ST_MALFORMED;

	r->envp = envp;
	given_scan(&g, envp);
	take_strings(r, &g);
	take_length(r, g.value[VAR_LENGTH]);
	if (*r->method_text == '\0')
		return ST_MALFORMED;
	take_uri(r);
	if (*r->path != '\0')
		path_below_base(r, base_path, n);
	else if ((st = path_from_uri(r, base_path, n)) != ST_OK)
		return st;
	if (!path_fits(r->path))
		return ST_MALFORMED;
	return *r->uri == '\0' ? make_uri(r, base_path, n) : ST_OK;
}

const char *
request_lack(const struct request *r)
{
	if (*r->method_text == '\0')
		return "the web server sends no REQUEST_METHOD; under nginx "
		       "write: fastcgi_param REQUEST_METHOD $request_method;";
	if (*r->path == '\0')
		return "the web server sends neither PATH_INFO nor REQUEST_URI;"
		       " under nginx write: fastcgi_param REQUEST_URI "
		       "$request_uri;";
	return "the path in PATH_INFO or REQUEST_URI has no / in front, or a "
	       "control character in it";
}

/* Read on without keeping anything, so far and no further. */
static void
drain(const struct body_source *source)
{
	char trash[8192];
	size_t got = 1;

	for (size_t n = 0; got > 0 && n < REQUEST_DRAIN_MAX; n += got)
		if (source->read(source->ctx, trash, sizeof(trash), &got) !=
		    ST_OK)
			return;
}

/* Keep what comes, up to max: ST_OK at the end of the body. */
static enum status
keep(struct request *r, const struct body_source *source, size_t max)
{
	char chunk[8192];
	size_t got;
	enum status st;

	for (;;) {
		st = source->read(source->ctx, chunk, sizeof(chunk), &got);
		if (st != ST_OK)
			return st == ST_TOOBIG ? st : ST_MALFORMED;
		if (got == 0)
			return ST_OK;
		if (got > max - r->body.len)
			return ST_TOOBIG;
		if ((st = buf_put(&r->body, chunk, got)) != ST_OK)
			return st;
	}
}

enum status
request_read_body(
    struct request *r, const struct body_source *source, size_t max)
{
	enum status st = ST_TOOBIG;

	/* No byte of it is worth keeping, and none of its memory asked for. */
	if (r->body_status != ST_TOOBIG &&
	    (!r->has_length || r->announced <= max))
		st = keep(r, source, max);
	/* More than announced is no broken body, and keep's ST_MALFORMED is a
	 * read that failed. */
	r->broken_off = st == ST_MALFORMED ||
	    (st == ST_OK && r->has_length && r->body.len < r->announced);
	if (st == ST_OK && r->has_length && r->body.len != r->announced)
		st = ST_MALFORMED;
	if (st != ST_OK)
		r->body_status = st;
	if (st == ST_TOOBIG || st == ST_NOMEM) {
		buf_release(&r->body);
		drain(source);
	}
	return st == ST_NOMEM ? ST_NOMEM : ST_OK;
}

bool
request_is_type(const struct request *r, const char *media_type)
{
	const char *s = r->content_type + strspn(r->content_type, " \t");
	size_t n = strcspn(s, "; \t");

	return n == strlen(media_type) && strncasecmp(s, media_type, n) == 0;
}

#define HEADER "HTTP_"

/* Is this what a server makes of a header's name? */
static bool
is_variable_of(const char *variable, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (variable[i] !=
		    (name[i] == '-' ? '_' : toupper((unsigned char)name[i])))
			return false;
	return true;
}

enum status
request_header(
    const struct request *r, const char *name, size_t len, const char **value)
{
	bool bare = (len == 12 && memcmp(name, "content-type", len) == 0) ||
	    (len == 14 && memcmp(name, "content-length", len) == 0);
	size_t front = bare ? 0 : strlen(HEADER);
	char *const *e;

	*value = NULL;
	for (e = r->envp; e != NULL && *e != NULL; e++) {
		if (strncmp(*e, HEADER, front) != 0 ||
		    strcspn(*e, "=") != front + len ||
		    !is_variable_of(*e + front, name, len))
			continue;
		if (*value != NULL)
			return ST_MALFORMED;
		*value = *e + front + len + 1;
	}
	return *value == NULL ? ST_NOTFOUND : ST_OK;
}

const char *
request_next_header(
    const struct request *r, const char *prefix, size_t *at, size_t *len)
{
	size_t n = strlen(prefix), front = strlen(HEADER);
	const char *e;

	while (r->envp != NULL && (e = r->envp[*at]) != NULL) {
		(*at)++;
		*len = strcspn(e, "=") - front;
		if (str_starts(e, HEADER) && *len >= n &&
		    is_variable_of(e + front, prefix, n))
			return e + front;
	}
	return NULL;
}

void
request_release(struct request *r)
{
	buf_release(&r->body);
	free(r->path_mem);
	free(r->uri_mem);
	r->path_mem = NULL;
	r->uri_mem = NULL;
}
