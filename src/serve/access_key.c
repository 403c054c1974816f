#include "serve/access_key.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "codec/crypt.h"
#include "codec/json.h"
#include "codec/moment.h"
#include "codec/sigv4.h"
#include "codec/url.h"
#include "config/config.h"
#include "serve/exchange.h"

#define SERVICE "sqs"
#define PREFIX "x-amz-"
#define CORAL "com.amazon.coral.service#"
#define WINDOW_US (INT64_C(15) * 60 * 1000000)

/* What may be wrong, as AWS says it. */
enum verdict {
	KEY_VALID,
	KEY_NONE,
	KEY_MISSING,
	KEY_INCOMPLETE,
	KEY_UNKNOWN,
	KEY_SCOPE,
	KEY_EXPIRED,
	KEY_WRONG,
	KEY_FAILED,
};

static const struct refusal {
	const char *cause; /* for the log */
	int http;
	const char *type, *code, *message;
} refusals[] = {
	[KEY_NONE] = { "no_keys", 403, CORAL "AccessDeniedException",
	    "AccessDenied",
	    "Closed: write a key under [access_keys] in the configuration" },
	[KEY_MISSING] = { "missing", 403,
	    CORAL "MissingAuthenticationTokenException",
	    "MissingAuthenticationToken",
	    "Request is missing Authentication Token" },
	[KEY_INCOMPLETE] = { "incomplete", 403,
	    CORAL "IncompleteSignatureException", "IncompleteSignature",
	    "The Authorization header, X-Amz-Date or the list of signed "
	    "headers (host and all of X-Amz-*) is not complete" },
	[KEY_UNKNOWN] = { "unknown_key", 403,
	    CORAL "UnrecognizedClientException", "InvalidClientTokenId",
	    "The security token included in the request is invalid." },
	[KEY_SCOPE] = { "scope", 403, CORAL "InvalidSignatureException",
	    "SignatureDoesNotMatch",
	    "Credential should be scoped to correct service: 'sqs', and to the "
	    "day of X-Amz-Date" },
	[KEY_EXPIRED] = { "time", 403, CORAL "InvalidSignatureException",
	    "SignatureDoesNotMatch",
	    "Signature expired or not yet current: X-Amz-Date is more than 15 "
	    "min. from this server's time" },
	[KEY_WRONG] = { "wrong", 403, CORAL "InvalidSignatureException",
	    "SignatureDoesNotMatch",
	    "The request signature we calculated does not match the signature "
	    "you provided. Check your AWS Secret Access Key and signing "
	    "method." },
	[KEY_FAILED] = { "failed", 503, CORAL "ServiceUnavailableException",
	    "ServiceUnavailable", "Not available now, try again" },
};

void
access_key_error(struct exchange *x, int http, const char *type,
    const char *code, const char *message)
{
	struct response *r = x->response;
	char text[128];

	buf_reset(&r->body);
	r->code = http;
	r->content_type = "application/x-amz-json-1.0";
	buf_puts(&r->body, "{\"__type\":");
	json_put_text(&r->body, type);
	buf_puts(&r->body, ",\"message\":");
	json_put_text(&r->body, message);
	buf_puts(&r->body, "}");
	snprintf(text, sizeof(text), "%s;%s", code,
	    http < 500 ? "Sender" : "Receiver");
	response_header(r, "x-amzn-query-error", text);
	response_header(r, "x-amzn-RequestId", x->id);
	if (http == 503)
		response_header(r, "Retry-After", "1");
}

/* --- what is to be signed ---------------------------------------------------- */

struct check {
	struct exchange *x;
	struct sigv4_claim claim;
	struct kv headers;
	struct buf names; /* of them, each ended by a NUL */
	const char *date;
	const char *key, *secret;
};

static bool
is_signed(const struct sigv4_claim *c, const char *variable, size_t n)
{
	const char *name;
	size_t at = 0, len, i;

	while ((name = sigv4_next_name(c, &at, &len)) != NULL) {
		if (len != n)
			continue;
		for (i = 0; i < n; i++)
			if ((name[i] == '-' ? '_' : name[i]) !=
			    (variable[i] >= 'A' && variable[i] <= 'Z'
				    ? variable[i] - 'A' + 'a'
				    : variable[i]))
				break;
		if (i == n)
			return true;
	}
	return false;
}

/* What is not signed could be another's: the operation is in a header. */
static bool
signs_enough(const struct check *c)
{
	const char *variable;
	size_t at = 0, len;

	if (!is_signed(&c->claim, "HOST", 4))
		return false;
	while ((variable = request_next_header(
		    c->x->request, PREFIX, &at, &len)) != NULL)
		if (!is_signed(&c->claim, variable, len))
			return false;
	return true;
}

/* The headers that are signed, with values; that of host is tried later. */
static enum verdict
collect(struct check *c)
{
	const char *name, *value;
	size_t at = 0, len, from;

	/* No growing below: the list points into it. */
	if (buf_reserve(&c->names, c->claim.names_len + 1) != ST_OK)
		return KEY_FAILED;
	while ((name = sigv4_next_name(&c->claim, &at, &len)) != NULL) {
		from = c->names.len;
		buf_put(&c->names, name, len);
		buf_putc(&c->names, '\0');
		name = c->names.data + from;
		if (strcmp(name, "host") == 0)
			value = c->x->request->host;
		else if (request_header(c->x->request, name, len, &value) !=
		    ST_OK)
			return KEY_WRONG;
		if (kv_put(&c->headers, name, value) != ST_OK)
			return KEY_FAILED;
	}
	return KEY_VALID;
}

static enum verdict
check_date(struct check *c)
{
	int64_t at, off;

	if (request_header(c->x->request, "x-amz-date", 10, &c->date) !=
		ST_OK ||
	    moment_parse_basic(c->date, &at) != ST_OK)
		return KEY_INCOMPLETE;
	if (strncmp(c->date, c->claim.day, SIGV4_DAY_LEN) != 0)
		return KEY_SCOPE;
	off = at - clock_us();
	return off < -WINDOW_US || off > WINDOW_US ? KEY_EXPIRED : KEY_VALID;
}

/* --- the signature ------------------------------------------------------------ */

/* One host and path that it may have been signed with. */
static enum verdict
try(struct check *c, const char *host, const char *path)
{
	const struct buf *body = &c->x->request->body;
	struct sigv4_request r = { .method = c->x->request->method_text,
		.path = path,
		.headers = &c->headers,
		.body = buf_str(body),
		.body_len = body->len,
		.date = c->date,
		.region = c->claim.region,
		.service = c->claim.service };
	char signature[SIGV4_SIGNATURE_MAX];
	bool same;
	size_t i;

	for (i = 0; i < c->headers.n; i++)
		if (strcmp(c->headers.pairs[i].name, "host") == 0) {
			c->headers.pairs[i].value = host;
			c->headers.pairs[i].value_len = strlen(host);
		}
	if (sigv4_signature(&r, c->secret, signature) != ST_OK)
		return KEY_FAILED;
	same =
	    crypt_equal(signature, c->claim.signature, SIGV4_SIGNATURE_MAX - 1);
	crypt_wipe(signature, sizeof(signature));
	return same ? KEY_VALID : KEY_WRONG;
}

/* The host and the path of the URL that this request has under public_url. */
static enum verdict
try_public(struct check *c)
{
	struct buf text = BUF_INIT, host = BUF_INIT, path = BUF_INIT;
	enum verdict v = KEY_FAILED;
	struct url url;

	if (exchange_url(c->x, &text) == ST_OK &&
	    url_split(text.data, text.len, &url) == ST_OK) {
		buf_put(&host, url.host.data, url.host.len);
		/* Clients leave the scheme's own port away. */
		if (url.port.len > 0 &&
		    !url_part_is(&url.port, url_default_port(&url.scheme)))
			buf_printf(
			    &host, ":%.*s", (int)url.port.len, url.port.data);
		buf_put(&path, url.path.data, url.path.len);
		if (host.err == ST_OK && path.err == ST_OK)
			v = try(c, buf_str(&host), buf_str(&path));
	}
	buf_release(&text);
	buf_release(&host);
	buf_release(&path);
	return v;
}

static enum verdict
check_signature(struct check *c)
{
	const struct request *r = c->x->request;
	struct buf path = BUF_INIT, host = BUF_INIT;
	enum verdict v = KEY_FAILED;

	buf_put(&path, r->uri, strcspn(r->uri, "?"));
	buf_printf(&host, "%s:%s", r->host, r->server_port);
	if (path.err == ST_OK && host.err == ST_OK)
		v = try(c, r->host, buf_str(&path));
	/* nginx's fastcgi_params lose the port. */
	if (v == KEY_WRONG && strchr(r->host, ':') == NULL &&
	    *r->server_port != '\0')
		v = try(c, buf_str(&host), buf_str(&path));
	if (v == KEY_WRONG && *c->x->app->config->server.public_url != '\0')
		v = try_public(c);
	buf_release(&path);
	buf_release(&host);
	return v;
}

static enum verdict
verdict_of(struct check *c)
{
	const struct request *r = c->x->request;
	const struct config *config = c->x->app->config;
	const struct config_pair *key;
	enum verdict v;

	if (config_access_key(config, NULL, 0) == NULL)
		return KEY_NONE;
	if (*r->authorization == '\0')
		return KEY_MISSING;
	/* A query would have to be signed as well; no client sends one. */
	if (sigv4_read(r->authorization, &c->claim) != ST_OK ||
	    *r->query != '\0')
		return KEY_INCOMPLETE;
	key = config_access_key(
	    config, c->claim.access_key_id, strlen(c->claim.access_key_id));
	if (key == NULL || *key->value == '\0')
		return KEY_UNKNOWN;
	c->key = key->key;
	c->secret = key->value;
	if (strcmp(c->claim.service, SERVICE) != 0)
		return KEY_SCOPE;
	if ((v = check_date(c)) != KEY_VALID)
		return v;
	if (!signs_enough(c))
		return KEY_INCOMPLETE;
	if (c->x->too_large)
		return KEY_VALID;
	if ((v = collect(c)) != KEY_VALID)
		return v;
	return check_signature(c);
}

bool
access_key_pass(struct exchange *x)
{
	struct check c = { .x = x };
	enum verdict v = verdict_of(&c);
	const struct refusal *r = &refusals[v];

	kv_release(&c.headers);
	buf_release(&c.names);
	if (v == KEY_VALID) {
		x->agent = c.key;
		snprintf(x->region, sizeof(x->region), "%s", c.claim.region);
		return true;
	}
	log_warn(x->app->log, "access key refused",
	    LOG_STR("request_id", x->id), LOG_STR("cause", r->cause),
	    LOG_STR("route", x->route->pattern));
	access_key_error(x, r->http, r->type, r->code, r->message);
	return false;
}
