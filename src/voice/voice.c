/* Calls: templates played, and the menu's digit. */
#include "voice/voice.h"

#include <string.h>

#include "base/clock.h"
#include "config/config.h"
#include "db/db.h"
#include "serve/exchange.h"
#include "serve/metrics.h"
#include "store/call.h"
#include "store/counter.h"
#include "voice/script.h"

bool
voice_attempt(struct exchange *x, int64_t *attempt)
{
	const char *text;
	uint64_t n = 1;

	if (kv_get(&x->query, "attempt", &text) != ST_NOTFOUND &&
	    str_u64(text, VOICE_ATTEMPT_MAX, &n) != ST_OK) {
		exchange_error(x, 400, "attempt is not a small number");
		return false;
	}
	*attempt = n < 1 ? 1 : (int64_t)n;
	return true;
}

bool
voice_digits(struct exchange *x, const char **digits)
{
	/* Twilio posts "Digits"; older callers put "digits" into the query. */
	if (!exchange_param(x, "Digits", digits))
		return false;
	if (*digits == NULL &&
	    kv_get(&x->query, "digits", digits) == ST_MALFORMED) {
		exchange_error(x, 400, "digits occurs twice or holds a NUL");
		return false;
	}
	if (*digits == NULL)
		*digits = "";
	return true;
}

/*
 * Every template is played with what it may ask for: the menu's action, and,
 * where it belongs to a target, the target's.
 */
static void
offer_all(struct script *s, const char *name, int64_t attempt)
{
	const struct digits_target *target =
	    config_target_of(s->x->app->config, name);

	script_offer_url(
	    s, OFFER_TRANSFER_URL, "/transfer-call", NULL, attempt, NULL);
	script_offer_url(s, OFFER_RETRY_URL, "/handle-incoming-call", name,
	    attempt + 1, NULL);
	if (target != NULL)
		script_offer_url(s, OFFER_PROCESS_URL, "/process-digits",
		    target->name, attempt, NULL);
}

static void
play(struct exchange *x, const char *name, int64_t attempt)
{
	struct script s = { .x = x };

	offer_all(&s, name, attempt);
	script_play(&s, name);
	script_release(&s);
}

void
handle_incoming_call(struct exchange *x)
{
	int64_t attempt;

	if (!voice_attempt(x, &attempt))
		return;
	if (attempt > x->app->config->voice.max_attempts)
		script_give_up(x);
	else
		play(x, x->path.arg[0], attempt);
}

/*
 * The menu's digit plays its entry. A digit without one plays [menu] other
 * (hangup, if that is emptied); if it asks again (it posts to the menu once
 * more), the limit holds.
 */
void
handle_transfer_call(struct exchange *x)
{
	const struct config *c = x->app->config;
	const char *digits, *name = NULL;
	int64_t attempt;

	if (!voice_attempt(x, &attempt) || !voice_digits(x, &digits))
		return;
	/* No caller can key in "other": it has the limit below. */
	if (strcmp(digits, "other") != 0)
		name = config_menu(c, digits);
	if (name != NULL) {
		play(x, name, 1);
		return;
	}
	if ((name = config_menu(c, "other")) == NULL)
		name = "hangup";
	if (!script_asks(x->app, name, OFFER_TRANSFER_URL))
		play(x, name, 1);
	else if (attempt >= c->voice.max_attempts)
		script_give_up(x);
	else
		play(x, name, attempt + 1);
}

/* A number that Twilio may leave out, or -1. */
static int64_t
number_or_none(const char *text)
{
	uint64_t n;

	return str_u64(text, INT64_MAX, &n) == ST_OK ? (int64_t)n : -1;
}

static enum status
status_job(struct db *db, void *arg)
{
	const struct call_event *e = arg;
	enum status st = call_event_record(db, e);

	return st == ST_OK ? counter_add(db, COUNTER_CALL_EVENTS,
				 metrics_call_status(e->status))
			   : st;
}

/* What else Twilio posts about calls, by a parameter that no other has. */
static const char *
callback_name(const struct exchange *x)
{
	static const char *const callbacks[][2] = {
		{ "AnsweredBy", "answering machine detection" },
		{ "ConferenceSid", "conference" },
		{ "TranscriptionSid", "transcription" },
		{ "RecordingSid", "recording" },
		{ "StreamSid", "stream" },
		{ "SiprecSid", "siprec" },
		{ "DialCallStatus", "dial" },
		{ "QueueSid", "queue" },
		{ "PaymentSid", "payment" },
	};

	for (size_t i = 0; i < sizeof(callbacks) / sizeof(callbacks[0]); i++)
		if (kv_find(&x->form, callbacks[i][0], NULL) != NULL)
			return callbacks[i][1];
	return "not a status of a call";
}

void
handle_call_astray(struct exchange *x)
{
	/* Twilio ends the call, and reports nothing but that to the owner. */
	x->outcome = "no template for a call here";
	exchange_empty_twiml(x);
}

void
handle_call_status(struct exchange *x)
{
	struct call_event *e = exchange_keep(x, sizeof(*e), NULL);
	const char *sequence, *duration;

	if (e == NULL || !exchange_param(x, "CallSid", &e->sid) ||
	    !exchange_param(x, "CallStatus", &e->status) ||
	    !exchange_param(x, "SequenceNumber", &sequence) ||
	    !exchange_param(x, "CallDuration", &duration) ||
	    !exchange_param(x, "Direction", &e->direction) ||
	    !exchange_param(x, "From", &e->from) ||
	    !exchange_param(x, "To", &e->to) ||
	    !exchange_param(x, "ParentCallSid", &e->parent_sid) ||
	    !exchange_param(x, "ErrorCode", &e->error_code))
		return;
	/* What cannot be recorded is no fault of Twilio's. */
	if (str_empty(e->sid) || str_empty(e->status)) {
		exchange_ignore(x, callback_name(x));
		return;
	}
	if (!str_is_sid(e->sid, "CA")) {
		exchange_ignore(x, "malformed SID");
		return;
	}
	e->at_us = clock_us();
	e->sequence = number_or_none(sequence);
	e->duration_s = number_or_none(duration);
	x->outcome = "recorded";
	exchange_store(x, status_job, exchange_recorded);
}
