#include "voice/script.h"

#include <string.h>

#include "codec/form.h"
#include "config/config.h"
#include "serve/exchange.h"
#include "twilio/templates.h"
#include "twilio/twiml.h"

#define URL_MORE 120 /* bytes: a target, a value, an attempt */

static const char *const names[OFFER_N] = {
	[OFFER_TRANSFER_URL] = "transfer_url",
	[OFFER_PROCESS_URL] = "process_url",
	[OFFER_CONFIRM_URL] = "confirm_url",
	[OFFER_RETRY_URL] = "retry_url",
	[OFFER_SPOKEN] = "spoken",
};

const char *
offer_name(enum offer offer)
{
	return names[offer];
}

void
script_release(struct script *s)
{
	size_t i;

	for (i = 0; i < OFFER_N; i++)
		buf_release(&s->offers[i]);
	buf_release(&s->base);
}

/* Where our routes begin, as Twilio calls them; without a "/" at the end. */
static void
put_base(const struct exchange *x, struct buf *out)
{
	const char *url = x->app->config->voice.webhook_api_url;

	if (*url != '\0')
		buf_puts(out, url);
	else
		exchange_base(x, out);
	while (out->len > 0 && out->data[out->len - 1] == '/')
		out->data[--out->len] = '\0';
}

void
script_offer_url(struct script *s, enum offer offer, const char *route,
    const char *arg, int64_t attempt, const char *value)
{
	struct buf *out = &s->offers[offer];
	char mark = '?';

	if (s->base.len == 0)
		put_base(s->x, &s->base);
	buf_reset(out);
	buf_reserve(out, s->base.len + strlen(route) + URL_MORE);
	out->err = out->err != ST_OK ? out->err : s->base.err;
	buf_put(out, buf_str(&s->base), s->base.len);
	buf_puts(out, route);
	if (arg != NULL) {
		buf_putc(out, '/');
		buf_puts(out, arg);
	}
	if (value != NULL) {
		buf_printf(out, "%cvalue=", mark);
		form_encode_value(out, value, strlen(value));
		mark = '&';
	}
	if (attempt > 1)
		buf_printf(out, "%cattempt=%lld", mark, (long long)attempt);
}

static const struct buf *
find_offer(const struct script *s, const char *name)
{
	size_t i;

	for (i = 0; i < OFFER_N; i++)
		if (s->offers[i].len > 0 && strcmp(names[i], name) == 0)
			return &s->offers[i];
	return NULL;
}

bool
script_is_parameter(const char *name)
{
	return name[0] >= 'A' && name[0] <= 'Z';
}

static bool
lookup(void *arg, const char *name, const char **value, size_t *len)
{
	struct script *s = arg;
	const struct buf *offer = find_offer(s, name);
	const struct kv_pair *p;
	size_t count;

	if (offer != NULL) {
		*value = offer->data;
		*len = offer->len;
		return true;
	}
	*value = config_placeholder(s->x->app->config, name);
	if (*value != NULL) {
		*len = strlen(*value);
		return true;
	}
	/* A parameter that Twilio did not send this time (CallerCity) is empty
	 * and no reason to drop a call. */
	p = kv_find(&s->x->form, name, &count);
	*value = p == NULL ? "" : p->value;
	*len = p == NULL ? 0 : p->value_len;
	s->repeated = count > 1;
	return script_is_parameter(name) && !s->repeated;
}

void
script_play(struct script *s, const char *name)
{
	struct exchange *x = s->x;
	struct response *r = x->response;
	const char *missing = NULL;
	struct twiml *t;
	enum status st;
	size_t i;

	for (i = 0; i < OFFER_N; i++)
		if (s->offers[i].err != ST_OK) {
			exchange_fail(x, s->offers[i].err);
			return;
		}
	if ((st = templates_get(x->app->templates, name, &t)) == ST_OK) {
		st = twiml_render(t, lookup, s, &r->body, &missing);
		if (missing != NULL && !s->repeated)
			log_error(x->app->log, "nothing fills a placeholder",
			    LOG_STR("request_id", x->id),
			    LOG_STR("template", name),
			    LOG_STR("placeholder", missing));
		twiml_release(t);
	}
	if (st == ST_OK) {
		r->code = 200;
		r->content_type = "text/xml; charset=utf-8";
	} else if (s->repeated) {
		exchange_error(x, 400, "a parameter that is used occurs twice");
	} else if (st == ST_NOTFOUND) {
		exchange_error(x, 404, "Not found");
	} else {
		exchange_fail(x, st);
	}
}

void
script_give_up(struct exchange *x)
{
	bool staffed = *x->app->config->voice.operator_phone_number != '\0';
	struct script s = { .x = x };

	x->outcome = "gave up";
	script_play(&s, staffed ? "dial" : "hangup");
	script_release(&s);
}

bool
script_asks(const struct app *app, const char *name, enum offer offer)
{
	const struct twiml_name *list;
	bool asks = false;
	struct twiml *t;
	size_t i, n;

	if (templates_get(app->templates, name, &t) != ST_OK)
		return false;
	list = twiml_names(t, &n);
	for (i = 0; i < n && !asks; i++)
		asks = strcmp(list[i].name, names[offer]) == 0;
	twiml_release(t);
	return asks;
}
