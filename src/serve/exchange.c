#include "serve/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codec/cidr.h"
#include "codec/crypt.h"
#include "codec/form.h"
#include "config/config.h"

#define FORM_TYPE "application/x-www-form-urlencoded"

enum status
exchange_parse(struct exchange *x)
{
	struct request *r = x->request;
	const char *form = buf_str(&r->body);
	size_t len = r->body.len;
	bool bad_query = false, bad_form = false;
	enum status st;

	/* A webhook may come as GET: its parameters are then in the query. */
	if (r->method != METHOD_POST) {
		form = r->query;
		len = strlen(form);
	}
	x->is_json =
	    r->method == METHOD_POST && request_is_type(r, "application/json");
	x->is_form = r->method != METHOD_POST ||
	    request_is_type(r, FORM_TYPE) ||
	    (*r->content_type == '\0' && len == 0);
	st = form_parse(r->query, strlen(r->query), &x->query, &bad_query);
	if (st == ST_OK && x->is_form)
		st = form_parse(form, len, &x->form, &bad_form);
	x->malformed = bad_query || bad_form;
	x->too_large = st == ST_TOOBIG || r->body_status == ST_TOOBIG;
	return st == ST_TOOBIG ? ST_OK : st;
}

void
exchange_release(struct exchange *x)
{
	kv_release(&x->query);
	kv_release(&x->form);
	free(x->conversation_id);
	x->conversation_id = NULL;
	if (x->kept != NULL && x->kept_release != NULL)
		x->kept_release(x->kept);
	free(x->kept);
	x->kept = NULL;
}

void *
exchange_keep(struct exchange *x, size_t size, void (*release)(void *kept))
{
	x->kept_release = release;
	if ((x->kept = calloc(1, size)) == NULL)
		exchange_fail(x, ST_NOMEM);
	return x->kept;
}

void
exchange_store(struct exchange *x, db_job *job, exchange_stored *stored)
{
	x->job = (struct db_job_entry){ .fn = job, .arg = x->kept };
	x->stored = stored;
}

/* The first element of a list that proxies append to: "https, http". */
static void
put_first(struct buf *out, const char *list)
{
	size_t n = strcspn(list, ", \t");

	buf_put(out, list, n);
}

/* The host that a proxy was asked for; its port, unless the host has one. */
static void
put_forwarded(const struct request *r, struct buf *out)
{
	size_t at = out->len;
	const char *port;

	put_first(out, r->forwarded_host);
	if (*r->forwarded_port == '\0' || out->err != ST_OK)
		return;
	port = strrchr(out->data + at, ':');
	if (port != NULL && strchr(port, ']') == NULL)
		return;
	buf_putc(out, ':');
	put_first(out, r->forwarded_port);
}

/* Without public_url: what the server, or a trusted proxy, says of itself. */
static void
put_origin(const struct request *r, bool proxied, struct buf *out)
{
	bool tls = strcasecmp(r->https, "on") == 0 ||
	    strcmp(r->https, "1") == 0 || strcmp(r->scheme, "https") == 0;

	if (proxied && *r->forwarded_proto != '\0')
		put_first(out, r->forwarded_proto);
	else
		buf_puts(out, tls ? "https" : "http");
	buf_puts(out, "://");
	if (proxied && *r->forwarded_host != '\0') {
		put_forwarded(r, out);
		return;
	}
	if (*r->host != '\0') {
		buf_puts(out, r->host);
		return;
	}
	buf_puts(out, r->server_name);
	if (*r->server_port != '\0' &&
	    strcmp(r->server_port, tls ? "443" : "80") != 0)
		buf_printf(out, ":%s", r->server_port);
}

enum status
exchange_url(const struct exchange *x, struct buf *out)
{
	const struct config *c = x->app->config;
	const struct request *r = x->request;
	const char *uri = r->uri, *base = c->server.base_path;
	size_t n = strlen(base);

	if (*c->server.public_url == '\0') {
		put_origin(r,
		    cidr_list_has(c->server.trusted_proxies, r->remote_addr),
		    out);
		return buf_puts(out, uri);
	}
	/* Whole segments only: /hook is not the front of /hooks. */
	if (n > 0 && strncmp(uri, base, n) == 0 && strchr("/?", uri[n]) != NULL)
		uri += n;
	buf_puts(out, c->server.public_url);
	return buf_puts(out, uri);
}

enum status
exchange_own_url(const struct exchange *x, struct buf *out)
{
	put_origin(x->request, true, out);
	return buf_puts(out, x->request->uri);
}

const char *
exchange_tail(const struct exchange *x)
{
	const char *uri = x->request->uri, *path = x->request->path;
	size_t n = strcspn(uri, "?"), len = strlen(path);

	if (n < len || memcmp(uri + n - len, path, len) != 0)
		return NULL;
	return uri + n - len;
}

enum status
exchange_voice_url(const struct exchange *x, struct buf *out)
{
	const char *base = x->app->config->voice.webhook_api_url;
	const char *tail = exchange_tail(x);

	if (*base == '\0' || tail == NULL)
		return ST_NOTFOUND;
	buf_puts(out, base);
	return buf_puts(out, tail);
}

enum status
exchange_base(const struct exchange *x, struct buf *out)
{
	const struct config *c = x->app->config;
	const char *tail = exchange_tail(x);
	size_t before = out->len;
	struct buf url = BUF_INIT;

	exchange_url(x, &url);
	/* An escaped route is not there as it stands. */
	if (url.err != ST_OK)
		out->err = url.err;
	else if (tail != NULL)
		buf_put(out, url.data, url.len - strlen(tail));
	else if (*c->server.public_url != '\0')
		buf_puts(out, c->server.public_url);
	else
		buf_printf(out, "%.*s%s",
		    (int)(url.len - strlen(x->request->uri)), url.data,
		    c->server.base_path);
	buf_release(&url);
	while (out->len > before && out->data[out->len - 1] == '/')
		out->data[--out->len] = '\0';
	return out->err;
}

void
exchange_error(struct exchange *x, int code, const char *message)
{
	response_error(x->response, code, message, x->id);
}

void
exchange_ignore(struct exchange *x, const char *outcome)
{
	x->outcome = outcome;
	x->response->code = 204;
}

void
exchange_empty_twiml(struct exchange *x)
{
	struct response *r = x->response;

	r->code = 200;
	r->content_type = "text/xml; charset=utf-8";
	buf_puts(&r->body,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response/>\n");
}

void
exchange_etag(struct exchange *x)
{
	struct response *r = x->response;
	const struct crypt_piece body = { buf_str(&r->body), r->body.len };
	const char *named = x->request->if_none_match;
	char hex[CRYPT_SHA256_HEX_MAX], tag[36];

	if (r->code != 200 || x->request->method == METHOD_POST ||
	    crypt_sha256_hex(&body, 1, hex) != ST_OK)
		return;
	snprintf(tag, sizeof(tag), "\"%.32s\"", hex);
	response_header(r, "ETag", tag);
	/* In a list of them, or made weak by a server in front. */
	if (strstr(named, tag) == NULL && strcmp(named, "*") != 0)
		return;
	r->code = 304;
	r->content_type = NULL;
	buf_reset(&r->body);
}

void
exchange_too_large(struct exchange *x)
{
	exchange_error(x, 413,
	    x->request->body_status == ST_TOOBIG ? "Body too large"
						 : "Too many parameters");
}

/* May a later try pass? Also what the disk or the database did: it is mended
 * without us. */
static bool
may_pass(enum status st)
{
	switch (st) {
	case ST_NOMEM:
	case ST_IO:
	case ST_BUSY:
	case ST_TIMEOUT:
	case ST_FULL:
	case ST_UNSUPPORTED: /* a newer program has changed the database */
	case ST_CORRUPT:
	case ST_UNAVAILABLE:
		return true;
	case ST_OK:
	case ST_TOOBIG:
	case ST_MALFORMED:
	case ST_NOTFOUND:
	case ST_EXISTS:
	case ST_DENIED:
	case ST_CONFIG:
		break;
	}
	return false;
}

void
exchange_fail(struct exchange *x, enum status st)
{
	bool passing = may_pass(st);

	log_error(x->app->log, "request failed", LOG_STR("request_id", x->id),
	    LOG_STR("reason", status_text(st)));
	exchange_error(x, passing ? 503 : 500,
	    passing ? "Not available now, try again" : "Internal error");
	if (passing)
		response_header(x->response, "Retry-After", "1");
}

bool
exchange_param(struct exchange *x, const char *name, const char **value)
{
	struct buf why = BUF_INIT;

	if (kv_get(&x->form, name, value) != ST_MALFORMED)
		return true;
	buf_printf(&why, "%s occurs twice or holds a NUL", name);
	exchange_error(x, 400, buf_str(&why));
	buf_release(&why);
	return false;
}

void
exchange_recorded(struct exchange *x, enum status st)
{
	if (st == ST_OK || st == ST_EXISTS)
		x->response->code = 204;
	else
		exchange_fail(x, st);
}
