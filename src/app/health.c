/* Is the process alive; can it do its work. */
#include "app/handlers.h"

#include "app/exchange.h"
#include "app/voice_check.h"
#include "config.h"
#include "config/config.h"
#include "store/db.h"
#include "twilio/templates.h"

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
secrets_ready(const struct app *app, struct buf *why)
{
	if (app->tokens[0] != NULL ||
	    app->config->server.signature == SIGNATURE_OFF)
		return true;
	buf_puts(why, "twilio.auth_token is not there");
	return false;
}

static const struct readiness checks[] = {
	{ "store", store_ready },
	{ "templates", voice_ready },
	{ "secrets", secrets_ready },
};

void
handle_ready(struct exchange *x)
{
	struct buf list = BUF_INIT, why = BUF_INIT;
	struct response *r = x->response;
	const struct readiness *c;
	bool all = true, ok;

	for (c = checks; c < checks + sizeof(checks) / sizeof(*checks); c++) {
		ok = c->ready(x->app, &why);
		buf_printf(&list, "%s\"%s\":\"%s\"", c == checks ? "" : ",",
		    c->name, ok ? "ok" : "not ready");
		if (ok)
			continue;
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
		    "{\"status\":\"not ready\",\"error\":\"Not ready\","
		    "\"request_id\":\"%s\"",
		    x->id);
	buf_printf(&r->body, ",\"checks\":{%s}}", buf_str(&list));
	buf_release(&list);
	buf_release(&why);
}
