/* What asking Twilio needs, and what is answered when it gives nothing. */
#include <stdio.h>

#include "app/clients.h"
#include "app/exchange.h"
#include "app/limit.h"
#include "app/monitor.h"
#include "config/config.h"
#include "params/secrets.h"

/* When somebody who waits may be through, or Twilio ready again. */
#define RETRY_S 2

static bool
unavailable(struct exchange *x, const char *message, bool passing)
{
	char seconds[16];

	exchange_error(x, 503, message);
	if (passing) {
		snprintf(seconds, sizeof(seconds), "%d", RETRY_S);
		response_header(x->response, "Retry-After", seconds);
	}
	return false;
}

/* Whom to ask and as whom; false if a setting is missing. */
static bool
find_account(struct monitor *m)
{
	const struct config *c = m->x->app->config;
	bool has_key = *c->twilio.api_key != '\0';

	m->account = (struct calls_account){
		.api_url = c->twilio.api_url,
		.account_sid = c->twilio.account_sid,
		.user = has_key ? c->twilio.api_key : c->twilio.account_sid,
		.secret =
		    has_key ? m->secrets->api_secret : m->secrets->tokens[0],
	};
	if (*m->account.account_sid == '\0')
		return unavailable(m->x,
		    "Twilio cannot be asked: set twilio.account_sid in the "
		    "configuration",
		    false);
	if (m->account.secret == NULL || *m->account.secret == '\0')
		return unavailable(m->x,
		    has_key ? "Twilio cannot be asked: set twilio.api_secret "
			      "in the configuration"
			    : "Twilio cannot be asked: set twilio.auth_token, "
			      "or twilio.api_key and twilio.api_secret, in "
			      "the configuration",
		    false);
	return true;
}

static bool
take_client(struct monitor *m)
{
	struct buf why = BUF_INIT;
	enum status st;

	st = clients_take(m->x->app->clients, &m->client, &why);
	if (st != ST_OK) {
		log_error(m->x->app->log, "no HTTP client",
		    LOG_STR("request_id", m->x->id),
		    LOG_STR("reason", buf_str(&why)));
		unavailable(m->x,
		    st == ST_NOMEM ? "Not available now, try again"
				   : "Twilio cannot be asked: the reason is "
				     "in the log",
		    st == ST_NOMEM);
	}
	buf_release(&why);
	return st == ST_OK;
}

bool
monitor_begin(struct monitor *m, struct exchange *x)
{
	*m = (struct monitor){ .x = x };
	m->secrets = secrets_get(x->app->secrets);
	if (!find_account(m))
		return false;
	if (!(m->entered = limit_enter(x->app->limit))) {
		x->outcome = "too many wait for Twilio";
		return unavailable(x,
		    "As many requests as may wait for Twilio are waiting: "
		    "try again",
		    true);
	}
	return take_client(m);
}

void
monitor_end(struct monitor *m)
{
	if (m->client != NULL)
		clients_give(m->x->app->clients, m->client);
	if (m->entered)
		limit_leave(m->x->app->limit);
	secrets_put(m->x->app->secrets, m->secrets);
}

/* An answer that is none, or that Twilio refuses us, and what to look at. */
static void
useless(struct monitor *m, const struct calls_failure *f)
{
	char text[sizeof(f->text) + 64];

	/* Perhaps our token is the old one. */
	if (f->http == 401)
		secrets_doubt(m->x->app->secrets);
	snprintf(text, sizeof(text), "Twilio did not give it: %s", f->text);
	exchange_error(m->x, 502, text);
}

static void
throttled(struct monitor *m, const struct calls_failure *f)
{
	char seconds[16];

	snprintf(seconds, sizeof(seconds), "%d",
	    f->retry_after_s > 0 ? f->retry_after_s : RETRY_S);
	exchange_error(m->x, 503, "Twilio has too many requests: try again");
	response_header(m->x->response, "Retry-After", seconds);
}

void
monitor_refuse(struct monitor *m, enum status st, const struct calls_failure *f)
{
	struct exchange *x = m->x;

	if (st != ST_NOTFOUND)
		log_warn(x->app->log, "Twilio's API failed",
		    LOG_STR("request_id", x->id), LOG_STR("reason", f->text),
		    LOG_INT("http_status", f->http), LOG_INT("code", f->code));
	switch (st) {
	case ST_NOTFOUND:
		exchange_error(
		    x, 404, "Twilio knows no such call of this account");
		break;
	case ST_BUSY:
		throttled(m, f);
		break;
	case ST_TIMEOUT:
		exchange_error(x, 504, "Twilio did not answer in time");
		break;
	case ST_DENIED:
	case ST_UNAVAILABLE:
	case ST_MALFORMED:
	case ST_TOOBIG:
	case ST_FULL:
	case ST_IO:
	case ST_UNSUPPORTED:
	case ST_CONFIG:
	case ST_CORRUPT:
		useless(m, f);
		break;
	case ST_OK:
	case ST_NOMEM:
	case ST_EXISTS:
		exchange_fail(x, st);
		break;
	}
}
