/* The guard column of the route table: who may pass, decided in one place. */
#include <string.h>
#include <strings.h>

#include "app/exchange.h"
#include "codec/crypt.h"
#include "codec/form.h"
#include "config/config.h"
#include "twilio/signature.h"

static enum signature_verdict
check_signature(const struct exchange *x, const char *body, size_t len,
    const struct kv *form, const char *url)
{
	const struct request *r = x->request;
	struct signature_input in = {
		.url = url, .form = form, .body = body, .body_len = len
	};

	if (r->signature_repeated)
		return SIGNATURE_MALFORMED;
	return signature_check(&in, x->app->tokens, r->signature);
}

/* A body longer than announced may be signed up to where it was to end. */
static enum signature_verdict
check_announced(const struct exchange *x, const char *url)
{
	const struct request *r = x->request;
	enum signature_verdict v = SIGNATURE_FAILED;
	struct kv form = KV_INIT;
	bool malformed;

	if (!x->is_form)
		return check_signature(
		    x, r->body.data, r->announced, NULL, url);
	if (form_parse(r->body.data, r->announced, &form, &malformed) == ST_OK)
		v = check_signature(x, r->body.data, r->announced, &form, url);
	kv_release(&form);
	return v;
}

static enum signature_verdict
verdict_on(const struct exchange *x, const char *url)
{
	static const struct kv none = KV_INIT;
	const struct request *r = x->request;
	const struct kv *form = x->is_form ? &x->form : NULL;
	enum signature_verdict v;

	/* A GET is signed by its URL alone, which has the parameters, unless
	 * bodySHA256 says that it covers an (empty) body. */
	if (r->method != METHOD_POST)
		form = kv_find(&x->query, "bodySHA256", NULL) == NULL ? &none
								      : NULL;
	v = check_signature(x, buf_str(&r->body), r->body.len, form, url);
	if (v != SIGNATURE_VALID && r->method == METHOD_POST && r->has_length &&
	    r->body.len > r->announced)
		v = check_announced(x, url);
	return v;
}

static enum signature_verdict
verdict_of(const struct exchange *x)
{
	enum signature_verdict v = SIGNATURE_FAILED;
	struct buf url = BUF_INIT;

	if (exchange_url(x, &url) == ST_OK)
		v = verdict_on(x, url.data);
	buf_reset(&url);
	/* An action URL may have another name than public_url. */
	if (v == SIGNATURE_WRONG && exchange_voice_url(x, &url) == ST_OK &&
	    verdict_on(x, url.data) == SIGNATURE_VALID)
		v = SIGNATURE_VALID;
	buf_release(&url);
	return v;
}

static bool
refuse_signature(struct exchange *x, enum signature_verdict v)
{
	log_warn(x->app->log, "signature refused", LOG_STR("request_id", x->id),
	    LOG_STR("cause", x->signature),
	    LOG_STR("route", x->route->pattern));
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
		/* The body is gone: nobody can say any more whether it was. */
		if (x->request->body_status == ST_TOOBIG) {
			exchange_error(x, 413, "Body too large");
			break;
		}
		/* fall through */
	case SIGNATURE_MISSING:
	case SIGNATURE_MALFORMED:
	case SIGNATURE_VALID:
		exchange_error(x, 401, "Invalid signature");
		break;
	}
	return false;
}

static bool
guard_signed(struct exchange *x)
{
	enum signature_verdict v;

	if (x->app->config->server.signature == SIGNATURE_OFF)
		return true;
	v = verdict_of(x);
	x->signature = signature_verdict_name(v);
	if (v == SIGNATURE_VALID)
		return true;
	if (x->app->config->server.signature == SIGNATURE_ENFORCE)
		return refuse_signature(x, v);
	log_warn(x->app->log, "signature would be refused",
	    LOG_STR("request_id", x->id), LOG_STR("cause", x->signature),
	    LOG_STR("route", x->route->pattern));
	return true;
}

/* What the client shows: the bearer token, or else the X-Api-Key header. */
static const char *
shown_token(const struct request *r)
{
	static const char bearer[] = "Bearer ";
	const char *token = r->authorization;

	if (strncasecmp(token, bearer, sizeof(bearer) - 1) != 0)
		return r->api_key;
	token += sizeof(bearer) - 1;
	return token + strspn(token, " ");
}

static bool
guard_admin(struct exchange *x)
{
	const char *token = x->app->config->server.admin_token;

	if (*token == '\0') {
		exchange_error(x, 403,
		    "Closed: set server.admin_token in the configuration");
		return false;
	}
	if (crypt_equal_secret(token, shown_token(x->request)))
		return true;
	exchange_error(x, 401, "Wrong or missing token");
	response_header(
	    x->response, "WWW-Authenticate", "Bearer realm=\"switchhook\"");
	return false;
}

bool
guard_pass(struct exchange *x)
{
	switch (x->route->guard) {
	case GUARD_OPEN:
		return true;
	case GUARD_SIGNED:
		return guard_signed(x);
	case GUARD_ADMIN:
		return guard_admin(x);
	}
	return false;
}
