/* The guard column of the route table: who may pass, decided in one place. */
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "codec/crypt.h"
#include "codec/form.h"
#include "config/config.h"
#include "serve/access_key.h"
#include "serve/exchange.h"
#include "serve/freshness.h"
#include "serve/metrics.h"
#include "serve/refusals.h"
#include "twilio/signature.h"

/* Of a request's X-Twilio-Webhooks-Signature-Settings, in the log. */
#define SETTINGS_SHOWN 200

/* A signature to check, and what with. */
struct check {
	const struct exchange *x;
	const char *const *tokens;
	const char *shared[2]; /* room for the secret of a shared key */
	enum signature_algorithm algorithm;
	unsigned char *digest; /* of what was signed */
};

/*
 * With what is it to be checked? Where a request names a shared key, with that
 * and nothing else: its header must not choose the account's token, nor the
 * lack of it a shared key. Unless SIGNATURE_VALID we have not got it.
 */
static enum signature_verdict
choose_key(struct check *c)
{
	const struct request *r = c->x->request;
	const struct config *config = c->x->app->config;
	const struct config_pair *key;
	struct signature_settings s;
	enum signature_verdict v =
	    signature_settings(r->signature_settings, &s);

	c->algorithm = s.algorithm;
	/* With nothing to choose from it is not the request's fault. */
	if (*c->tokens == NULL && config_shared_key(config, NULL, 0) == NULL)
		return SIGNATURE_VALID;
	if (v != SIGNATURE_VALID)
		return v;
	if (s.key.data == NULL)
		return *c->tokens == NULL ? SIGNATURE_UNKNOWN_KEY
					  : SIGNATURE_VALID;
	if ((key = config_shared_key(config, s.key.data, s.key.len)) == NULL)
		return SIGNATURE_UNKNOWN_KEY;
	c->shared[0] = key->value;
	c->tokens = c->shared;
	return SIGNATURE_VALID;
}

static enum signature_verdict
check_signature(const struct check *c, const char *body, size_t len,
    const struct kv *form, const char *url)
{
	const struct request *r = c->x->request;
	struct signature_input in = { .url = url,
		.form = form,
		.body = body,
		.body_len = len,
		.algorithm = c->algorithm };

	return signature_check(&in, c->tokens, r->signature, c->digest);
}

/*
 * A body of a type that nobody takes: refused in any case, but its sender is
 * told why (415), if the URL alone was signed or the body as a form.
 */
static enum signature_verdict
check_other(const struct check *c, const char *url)
{
	static const struct kv none = KV_INIT;
	const struct buf *body = &c->x->request->body;
	enum signature_verdict v =
	    check_signature(c, buf_str(body), body->len, &none, url);
	struct kv form = KV_INIT;
	bool malformed;

	if (v == SIGNATURE_WRONG &&
	    form_parse(buf_str(body), body->len, &form, &malformed) == ST_OK)
		v = check_signature(c, buf_str(body), body->len, &form, url);
	kv_release(&form);
	return v;
}

/* A body longer than announced may be signed up to where it was to end. */
static enum signature_verdict
check_announced(const struct check *c, const char *url)
{
	const struct request *r = c->x->request;
	enum signature_verdict v = SIGNATURE_FAILED;
	struct kv form = KV_INIT;
	bool malformed;

	if (!c->x->is_form)
		return check_signature(
		    c, r->body.data, r->announced, NULL, url);
	if (form_parse(r->body.data, r->announced, &form, &malformed) == ST_OK)
		v = check_signature(c, r->body.data, r->announced, &form, url);
	kv_release(&form);
	return v;
}

/*
 * The form that is signed beside the URL. A GET is signed by its URL alone,
 * which has the parameters, unless bodySHA256 says that it covers an (empty)
 * body.
 */
static const struct kv *
signed_form(const struct exchange *x)
{
	static const struct kv none = KV_INIT;

	if (x->request->method == METHOD_POST)
		return x->is_form ? &x->form : NULL;
	return kv_find(&x->query, "bodySHA256", NULL) == NULL ? &none : NULL;
}

static enum signature_verdict
verdict_on(const struct check *c, const char *url)
{
	const struct exchange *x = c->x;
	const struct request *r = x->request;
	enum signature_verdict v;

	v = check_signature(
	    c, buf_str(&r->body), r->body.len, signed_form(x), url);
	if (v != SIGNATURE_VALID && r->method == METHOD_POST && r->has_length &&
	    r->body.len > r->announced)
		v = check_announced(c, url);
	if (v != SIGNATURE_VALID && !x->is_form && !x->is_json)
		v = check_other(c, url);
	return v;
}

static enum signature_verdict
verdict_of(const struct check *c)
{
	const struct exchange *x = c->x;
	enum signature_verdict v = SIGNATURE_FAILED;
	struct buf url = BUF_INIT;

	if (exchange_url(x, &url) == ST_OK)
		v = verdict_on(c, url.data);
	buf_reset(&url);
	/* An action URL may have another name than public_url. */
	if (v == SIGNATURE_WRONG && exchange_voice_url(x, &url) == ST_OK &&
	    verdict_on(c, url.data) == SIGNATURE_VALID)
		v = SIGNATURE_VALID;
	buf_release(&url);
	return v;
}

/* Which key Twilio named is what the operator has to know, if it is not too
 * long for one. */
static void
log_signature(
    const struct exchange *x, const char *what, enum signature_verdict v)
{
	const char *settings = x->request->signature_settings;
	bool told =
	    (v == SIGNATURE_UNKNOWN_KEY || v == SIGNATURE_UNKNOWN_ALGORITHM) &&
	    *settings != '\0' && strlen(settings) <= SETTINGS_SHOWN;

	log_warn(x->app->log, what, LOG_STR("request_id", x->id),
	    LOG_STR("cause", x->signature),
	    LOG_STR("settings", told ? settings : NULL),
	    LOG_STR("route", x->route->pattern));
}

/* Why it did not fit, for the log and for those who ask afterwards. */
static void
note_refusal(const struct check *c, enum signature_verdict v)
{
	const struct exchange *x = c->x;
	const struct signature_input in = { .form = signed_form(x),
		.body = buf_str(&x->request->body),
		.body_len = x->request->body.len,
		.algorithm = c->algorithm };

	refusals_note(x, v,
	    x->app->config->server.signature != SIGNATURE_ENFORCE, &in,
	    c->tokens);
}

static void
refuse_signature(struct exchange *x, enum signature_verdict v)
{
	log_signature(x, "signature refused", v);
	switch (v) {
	case SIGNATURE_NO_TOKEN:
		exchange_error(x, 503, "No token to check signatures with");
		response_header(x->response, "Retry-After", "5");
		break;
	case SIGNATURE_FAILED:
		exchange_error(x, 503, "Not available now, try again");
		break;
	case SIGNATURE_WRONG:
	case SIGNATURE_BODY_HASH:
	case SIGNATURE_MISSING:
	case SIGNATURE_MALFORMED:
	case SIGNATURE_UNKNOWN_KEY:
	case SIGNATURE_UNKNOWN_ALGORITHM:
	case SIGNATURE_VALID:
		exchange_error(x, 401, "Invalid signature");
		break;
	}
}

static bool
refuse_broken_off(struct exchange *x)
{
	log_warn(x->app->log, "request body broke off",
	    LOG_STR("request_id", x->id), LOG_STR("route", x->route->pattern),
	    LOG_INT("bytes", (int64_t)x->request->body.len));
	exchange_error(x, 400, "Request body broke off");
	return false;
}

/* Settings are still to come: nothing could be answered rightly. */
static bool
refuse_early(struct exchange *x)
{
	log_warn(x->app->log, "settings are not there yet",
	    LOG_STR("request_id", x->id), LOG_STR("route", x->route->pattern));
	exchange_error(x, 503, "Not ready yet, try again");
	response_header(x->response, "Retry-After", "5");
	return false;
}

/* Let in without a signature; what would be signed identifies a repeat. */
static bool
pass_unsigned(struct exchange *x)
{
	struct signature_input in = { .form = signed_form(x),
		.body = buf_str(&x->request->body),
		.body_len = x->request->body.len };
	struct buf url = BUF_INIT;
	enum status st = exchange_url(x, &url);

	in.url = buf_str(&url);
	if (st == ST_OK)
		st = signature_digest(&in, x->digest);
	buf_release(&url);
	if (st != ST_OK)
		exchange_fail(x, st);
	return st == ST_OK;
}

static bool
guard_signed(struct exchange *x, const struct secrets *secrets)
{
	struct check c = {
		.x = x, .tokens = secrets->tokens, .digest = x->digest
	};
	enum signature_verdict v;

	if (x->app->config->server.signature == SIGNATURE_OFF)
		return pass_unsigned(x);
	v = choose_key(&c);
	if (v == SIGNATURE_VALID)
		v = x->request->signature_repeated
		    ? SIGNATURE_MALFORMED
		    : signature_header(
			  x->request->signature, c.algorithm, NULL);
	/* It was not parsed: nobody can say whether the rest is Twilio's. */
	if (v == SIGNATURE_VALID && x->too_large) {
		exchange_too_large(x);
		return false;
	}
	if (v == SIGNATURE_VALID && x->request->broken_off)
		return refuse_broken_off(x);
	if (v == SIGNATURE_VALID)
		v = verdict_of(&c);
	x->signature = signature_verdict_name(v);
	if (v == SIGNATURE_VALID)
		return true;
	/* A shared key's secret never changes. */
	if (v == SIGNATURE_WRONG && c.tokens == secrets->tokens)
		freshness_doubt(x->app->freshness);
	metrics_signature(x->app->metrics, v,
	    x->app->config->server.signature == SIGNATURE_ENFORCE);
	if (x->app->config->server.signature == SIGNATURE_ENFORCE) {
		refuse_signature(x, v);
		note_refusal(&c, v);
		return false;
	}
	log_signature(x, "signature would be refused", v);
	note_refusal(&c, v);
	return pass_unsigned(x);
}

/* The bearer token that the client shows, "" if it shows none. */
static const char *
bearer_token(const struct request *r)
{
	static const char bearer[] = "Bearer ";
	const char *token = r->authorization;

	if (strncasecmp(token, bearer, sizeof(bearer) - 1) != 0)
		return "";
	token += sizeof(bearer) - 1;
	return token + strspn(token, " ");
}

/* In either header. Both are compared, whatever the first gives. */
static bool
shows(const struct request *r, const char *secret)
{
	bool bearer = crypt_equal_secret(secret, bearer_token(r));
	bool key = crypt_equal_secret(secret, r->api_key);

	return bearer || key;
}

/* Whose token the client shows, or NULL. All are compared, so that the time
 * tells nobody which. */
static const char *
find_agent(const struct exchange *x, const struct secrets *secrets)
{
	const struct config_section *s =
	    config_section(x->app->config, "agents", "");
	const char *name = NULL;
	size_t i;

	if (shows(x->request, secrets->admin_token))
		name = AGENT_ADMIN;
	for (i = 0; i < s->n; i++)
		if (shows(x->request, s->pairs[i].value))
			name = s->pairs[i].key;
	return name;
}

static bool
refuse_token(struct exchange *x)
{
	const struct request *r = x->request;

	if (*bearer_token(r) != '\0' || *r->api_key != '\0')
		freshness_doubt(x->app->freshness);
	exchange_error(x, 401, "Wrong or missing token");
	response_header(
	    x->response, "WWW-Authenticate", "Bearer realm=\"switchhook\"");
	return false;
}

static bool
guard_admin(struct exchange *x, const struct secrets *secrets)
{
	if (*secrets->admin_token == '\0') {
		exchange_error(x, 403,
		    "Closed: set server.admin_token in the configuration");
		return false;
	}
	if ((x->agent = find_agent(x, secrets)) == NULL)
		return refuse_token(x);
	if (str_eq(x->agent, AGENT_ADMIN))
		return true;
	exchange_error(x, 403, "admin token needed");
	return false;
}

static bool
guard_agent(struct exchange *x, const struct secrets *secrets)
{
	if (*secrets->admin_token == '\0' &&
	    config_section(x->app->config, "agents", "")->n == 0) {
		exchange_error(x, 403,
		    "Closed: set a token under [agents], or "
		    "server.admin_token, in the configuration");
		return false;
	}
	x->agent = find_agent(x, secrets);
	return x->agent != NULL || refuse_token(x);
}

static bool
pass(struct exchange *x, const struct secrets *secrets)
{
	if (x->app->config->missing > 0 && x->route->guard != GUARD_OPEN)
		return refuse_early(x);
	switch (x->route->guard) {
	case GUARD_OPEN:
		return true;
	case GUARD_SIGNED:
		return guard_signed(x, secrets);
	case GUARD_ADMIN:
		return guard_admin(x, secrets);
	case GUARD_AGENT:
		return guard_agent(x, secrets);
	case GUARD_ACCESS_KEY:
		return access_key_pass(x);
	}
	return false;
}

bool
guard_pass(struct exchange *x)
{
	bool passed = pass(x, x->app->secrets);

	if (passed && x->route->guard == GUARD_SIGNED)
		metrics_webhook(x->app->metrics);
	return passed;
}
