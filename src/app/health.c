/* Is the process alive; can it do its work. */
#include "app/handlers.h"

#include "app/exchange.h"
#include "app/outbox.h"
#include "app/voice_check.h"
#include "config.h"
#include "config/config.h"
#include "params/secrets.h"
#include "store/db.h"
#include "store/seen.h"
#include "twilio/templates.h"

/* A message that has waited so long waits for more than a passing fault. */
#define SPOOL_AGE_MAX_S 600

void
handle_health(struct exchange *x)
{
	x->response->code = 200;
	x->response->content_type = "application/json";
	buf_puts(&x->response->body,
	    "{\"status\":\"ok\",\"version\":\"" PACKAGE_VERSION "\"}");
}

/* One thing that must be ready; the reason is for the log alone. */
struct readiness {
	const char *name;
	bool (*ready)(const struct app *, struct buf *why);
};

static bool
store_ready(const struct app *app, struct buf *why)
{
	return db_ready(app->db, why);
}

static bool
voice_ready(const struct app *app, struct buf *why)
{
	return voice_absent(app->config) ||
	    templates_ready(app->templates, why);
}

static bool
settings_ready(const struct app *app, struct buf *why)
{
	const struct secret_set *secrets = secrets_get(app->secrets);
	bool token = secrets->tokens[0] != NULL;

	secrets_put(app->secrets, secrets);
	if (!secrets_ready(app->secrets, why))
		return false;
	if (token || app->config->server.signature == SIGNATURE_OFF)
		return true;
	buf_puts(why, "twilio.auth_token is not there");
	return false;
}

static bool
spool_ready(const struct app *app, struct buf *why)
{
	struct outbox_depth d;
	enum status st = outbox_depth(app, &d);

	if (st != ST_OK)
		buf_puts(why, status_text(st));
	else if (d.oldest_age_s > SPOOL_AGE_MAX_S)
		buf_printf(why, "%lld messages wait, the oldest for %lld s",
		    (long long)d.waiting, (long long)d.oldest_age_s);
	return why->len == 0;
}

static const struct readiness checks[] = {
	{ "store", store_ready },
	{ "templates", voice_ready },
	{ "secrets", settings_ready },
	{ "spool", spool_ready },
};

static void
put_spool(const struct app *app, struct buf *out)
{
	struct outbox_depth d;

	if (outbox_depth(app, &d) == ST_OK)
		buf_printf(out,
		    ",\"spool\":{\"waiting\":%lld,\"oldest_age_s\":%lld}",
		    (long long)d.waiting, (long long)d.oldest_age_s);
}

/* It is no reason to send nobody here. */
static void
put_clock(const struct app *app, struct buf *out)
{
	struct buf why = BUF_INIT;

	if (!seen_steady(app->db, &why))
		buf_printf(out, ",\"clock\":\"%s\"", buf_str(&why));
	buf_release(&why);
}

void
handle_ready(struct exchange *x)
{
	struct buf list = BUF_INIT, missing = BUF_INIT, why = BUF_INIT;
	struct response *r = x->response;
	const struct readiness *c;
	bool all = true, ok;

	for (c = checks; c < checks + sizeof(checks) / sizeof(*checks); c++) {
		ok = c->ready(x->app, &why);
		buf_printf(&list, "%s\"%s\":\"%s\"", c == checks ? "" : ",",
		    c->name, ok ? "ok" : "not ready");
		if (ok)
			continue;
		buf_printf(&missing, "%s%s", all ? "" : ", ", c->name);
		all = false;
		log_error(x->app->log, "not ready", LOG_STR("check", c->name),
		    LOG_STR("reason", buf_str(&why)));
		buf_reset(&why);
	}
	r->code = all ? 200 : 503;
	r->content_type = "application/json";
	if (all)
		buf_puts(&r->body, "{\"status\":\"ok\"");
	else
		buf_printf(&r->body,
		    "{\"status\":\"not ready\",\"error\":\"Not ready: %s\","
		    "\"request_id\":\"%s\"",
		    buf_str(&missing), x->id);
	buf_printf(&r->body, ",\"checks\":{%s}", buf_str(&list));
	put_spool(x->app, &r->body);
	put_clock(x->app, &r->body);
	buf_putc(&r->body, '}');
	buf_release(&list);
	buf_release(&missing);
	buf_release(&why);
}
