#include "serve/refusals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "codec/url.h"
#include "serve/exchange.h"
#include "serve/metrics.h"
#include "store/refusal.h"
#include "twilio/explain_key.h"

#define URL_MAX 512
#define CAUSE_MAX 16
#define EXPLANATION_MAX 1024

/* With the memory that it points into. */
struct kept_refusal {
	struct refusal refusal;
	char request_id[STR_UUID_MAX];
	char url[URL_MAX];
	char cause[CAUSE_MAX];
	char explanation[EXPLANATION_MAX];
};

/* --- what may be shown ----------------------------------------------------- */

/* As much as there is room for, in ASCII that does nothing to a terminal. */
static void
copy_plain(char *out, size_t size, const char *text, size_t len)
{
	size_t i;

	if (len >= size)
		len = size - 1;
	for (i = 0; i < len; i++)
		out[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	out[i] = '\0';
}

/* The names of a query; each value is "***". One without "=" is a value. */
static void
put_masked(struct buf *out, const struct url_part *query)
{
	const char *at = query->data, *end = at + query->len, *stop, *equals;

	for (; at <= end; at = stop + 1) {
		stop = memchr(at, '&', (size_t)(end - at));
		stop = stop == NULL ? end : stop;
		equals = memchr(at, '=', (size_t)(stop - at));
		buf_putc(out, at == query->data ? '?' : '&');
		if (equals != NULL)
			buf_put(out, at, (size_t)(equals - at) + 1);
		if (equals == NULL ? stop > at : equals + 1 < stop)
			buf_puts(out, "***");
	}
}

/* Without userinfo, which is a password. */
static void
mask_url(const char *text, char out[static URL_MAX])
{
	struct buf masked = BUF_INIT;
	struct url url;

	if (url_split(text, strlen(text), &url) != ST_OK) {
		snprintf(out, URL_MAX, "(not a whole URL)");
		return;
	}
	buf_printf(&masked, "%.*s://%.*s", (int)url.scheme.len, url.scheme.data,
	    (int)url.host.len, url.host.data);
	if (url.port.data != NULL)
		buf_printf(&masked, ":%.*s", (int)url.port.len, url.port.data);
	buf_put(&masked, url.path.data, url.path.len);
	if (url.query.data != NULL)
		put_masked(&masked, &url.query);
	copy_plain(out, URL_MAX, buf_str(&masked), masked.len);
	buf_release(&masked);
}

/* --- the reason ------------------------------------------------------------ */

/* Is it signed for this URL? */
static bool
fits(const struct exchange *x, const struct signature_input *in,
    const char *const *tokens, const char *url)
{
	struct signature_input other = *in;
	enum signature_verdict v;

	other.url = url;
	v = signature_check(&other, tokens, x->request->signature, NULL);
	return v == SIGNATURE_VALID || v == SIGNATURE_BODY_HASH;
}

/* server.public_url may have the wrong host: the request itself tells which it
 * came to, though not always that TLS ended in front. */
static void
explain_host(const struct exchange *x, const struct signature_input *in,
    const char *const *tokens, struct buf *out)
{
	struct buf own = BUF_INIT, tls = BUF_INIT;
	const char *url = NULL;
	struct url parts;

	if (exchange_own_url(x, &own) == ST_OK &&
	    url_split(own.data, own.len, &parts) == ST_OK)
		buf_printf(&tls, "https%s", own.data + parts.scheme.len);
	if (tls.err != ST_OK || tls.len == 0)
		goto out;
	if (fits(x, in, tokens, own.data))
		url = own.data;
	else if (fits(x, in, tokens, tls.data))
		url = tls.data;
	if (url != NULL && url_split(url, strlen(url), &parts) == ST_OK) {
		buf_reset(out);
		buf_printf(out,
		    "host: Twilio called %.*s, as the request's own headers "
		    "have it; write that in server.public_url.",
		    (int)(parts.tail.data - url), url);
	}
out:
	buf_release(&own);
	buf_release(&tls);
}

/* "CAUSE: words"; ST_OK or ST_NOMEM. */
static enum status
explain(const struct exchange *x, enum signature_verdict v,
    const struct signature_input *in, const char *const *tokens,
    struct buf *out)
{
	struct signature_settings settings;
	enum status st;

	if (x->request->signature_repeated)
		return buf_puts(out,
		    "header: X-Twilio-Signature came more than once; send it "
		    "once.");
	signature_settings(x->request->signature_settings, &settings);
	st = signature_explain_key(
	    x->app->config, v, &settings, in, x->request->signature, out);
	if (st == ST_NOTFOUND)
		st = signature_explain(in, tokens, x->request->signature, out);
	if (st == ST_NOTFOUND)
		explain_host(x, in, tokens, out);
	return st == ST_NOTFOUND ? out->err : st;
}

/* --- one at a time --------------------------------------------------------- */

/* May this one be looked into? First in this process, which costs nothing, then
 * of all. */
static bool
is_due(const struct exchange *x)
{
	struct refusals *r = x->app->refusals;
	int64_t now = clock_mono_us(), next;

	if (r == NULL || refusals_waiting(r))
		return false;
	next = atomic_load(&r->next_us);
	return now >= next &&
	    atomic_compare_exchange_strong(
		&r->next_us, &next, now + REFUSAL_SPAN_US) &&
	    metrics_refusal_due(x->app->metrics, REFUSAL_SPAN_US, x->app->log);
}

static const char *
method_name(const struct request *r)
{
	return r->method == METHOD_POST ? "POST"
	    : r->method == METHOD_HEAD  ? "HEAD"
					: "GET";
}

/* NULL: no memory. */
static struct kept_refusal *
keep(const struct exchange *x, const char *url, const struct buf *why)
{
	struct kept_refusal *k = calloc(1, sizeof(*k));
	const char *text = buf_str(why), *colon = strstr(text, ": ");

	if (k == NULL || colon == NULL) {
		free(k);
		return NULL;
	}
	snprintf(k->request_id, sizeof(k->request_id), "%s", x->id);
	snprintf(k->url, sizeof(k->url), "%s", url);
	copy_plain(k->cause, sizeof(k->cause), text, (size_t)(colon - text));
	copy_plain(k->explanation, sizeof(k->explanation), text, why->len);
	k->refusal = (struct refusal){
		.request_id = k->request_id,
		.method = method_name(x->request),
		.route = x->route->pattern,
		.url = k->url,
		.verdict = x->signature,
		.cause = k->cause,
		.explanation = k->explanation + strlen(k->cause) + 2,
	};
	return k;
}

static void
hand_over(struct refusals *r, struct kept_refusal *k)
{
	struct kept_refusal *none = NULL;

	if (!atomic_compare_exchange_strong(&r->waiting, &none, k))
		free(k);
}

void
refusals_note(const struct exchange *x, enum signature_verdict v, bool passed,
    const struct signature_input *in, const char *const *tokens)
{
	int64_t at_us = clock_us();
	struct signature_input signed_over = *in;
	struct buf url = BUF_INIT, why = BUF_INIT;
	struct kept_refusal *k = NULL;
	char shown[URL_MAX];

	/* The failure is our own: there is no memory. */
	if (v == SIGNATURE_FAILED || exchange_url(x, &url) != ST_OK)
		goto out;
	mask_url(buf_str(&url), shown);
	signed_over.url = buf_str(&url);
	if (is_due(x) && explain(x, v, &signed_over, tokens, &why) == ST_OK)
		k = keep(x, shown, &why);
	log_event(x->app->log, passed ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
	    "signature checked",
	    LOG_FIELDS(LOG_STR("request_id", x->id), LOG_STR("url", shown),
		LOG_STR("explanation", k == NULL ? NULL : k->explanation)));
	if (k != NULL) {
		k->refusal.at_us = at_us;
		k->refusal.passed = passed;
		hand_over(x->app->refusals, k);
	}
out:
	buf_release(&url);
	buf_release(&why);
}

bool
refusals_waiting(const struct refusals *r)
{
	return r != NULL && atomic_load(&r->waiting) != NULL;
}

void
refusals_save(struct refusals *r, struct db *db, struct log *log)
{
	struct kept_refusal *k =
	    r == NULL || db == NULL ? NULL : atomic_exchange(&r->waiting, NULL);
	enum status st;

	if (k == NULL)
		return;
	st = refusal_record(db, &k->refusal);
	if (st != ST_OK && st != ST_EXISTS)
		log_debug(log, "a refused signature could not be kept",
		    LOG_STR("request_id", k->request_id),
		    LOG_STR("reason", status_text(st)));
	free(k);
}
