/* Digits that a caller keys in, hears back, and confirms. */
#include "voice/voice.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "codec/crypt.h"
#include "codec/digits.h"
#include "codec/json.h"
#include "config/config.h"
#include "db/db.h"
#include "message/backends.h"
#include "message/deliver.h"
#include "message/outbox.h"
#include "message/ports.h"
#include "serve/exchange.h"
#include "serve/metrics.h"
#include "store/call.h"
#include "store/counter.h"
#include "store/spool.h"
#include "voice/script.h"

/* What one step of the dialogue is about. */
struct dialogue {
	struct exchange *x;
	const struct digits_target *target;
	int64_t attempt;
	const char *value;
};

/* The target and the attempt; false if it answered. */
static bool
dialogue_init(struct dialogue *d, struct exchange *x)
{
	*d = (struct dialogue){ .x = x };
	d->target = config_target(x->app->config, x->path.arg[0]);
	if (d->target != NULL)
		return voice_attempt(x, &d->attempt);
	exchange_error(x, 404, "Not found");
	return false;
}

static enum digits_fault
check(const struct dialogue *d)
{
	return digits_check(
	    &d->target->rule, d->value, digits_today(clock_us()));
}

/*
 * Play TARGET or TARGET-SUFFIX, its action URLs for this attempt. With a value
 * that is good, what is said of it and the URL that confirms it.
 */
static void
play(const struct dialogue *d, const char *suffix, int64_t attempt)
{
	struct script s = { .x = d->x };
	const char *target = d->target->name;
	char name[ROUTE_ARG_MAX + 32];
	bool good = d->value != NULL && check(d) == DIGITS_GOOD, asks;

	snprintf(name, sizeof(name), "%s%s", target, suffix);
	/* A template that asks uses this attempt up; one that only leads back
	 * to the question leaves it to that. */
	asks = good || script_asks(d->x->app, name, OFFER_PROCESS_URL);
	script_offer_url(
	    &s, OFFER_PROCESS_URL, "/process-digits", target, attempt, NULL);
	script_offer_url(&s, OFFER_RETRY_URL, "/handle-incoming-call", target,
	    attempt + asks, NULL);
	if (good) {
		digits_speak(
		    &d->target->rule, d->value, &s.offers[OFFER_SPOKEN]);
		script_offer_url(&s, OFFER_CONFIRM_URL, "/confirm-digits",
		    target, attempt, d->value);
	}
	script_play(&s, name);
	script_release(&s);
}

/* Ask once more, or give up where the limit is reached. */
static void
play_again(const struct dialogue *d, const char *suffix)
{
	if (d->attempt >= d->x->app->config->voice.max_attempts)
		script_give_up(d->x);
	else
		play(d, suffix, d->attempt + 1);
}

void
handle_process_digits(struct exchange *x)
{
	struct dialogue d;
	enum digits_fault fault;

	if (!dialogue_init(&d, x) || !voice_digits(x, &d.value))
		return;
	fault = check(&d);
	x->outcome = digits_fault_name(fault);
	if (fault == DIGITS_GOOD)
		play(&d, "-confirmation", d.attempt);
	else
		play_again(&d, "-invalid-input");
}

/* What is recorded with the message that goes on the queue. */
static enum status
record_digits(struct db *db, void *arg, bool undo)
{
	const struct call_digits *d = arg;
	enum status st;

	if (undo)
		return call_digits_forget(db, d);
	st = call_digits_record(db, d);
	return st == ST_OK ? counter_add(db, COUNTER_DIGITS, d->target) : st;
}

/* {"call_sid", "from", "target", "value", "timestamp"} */
static enum status
put_message(const struct call_digits *d, struct buf *out)
{
	char time[CLOCK_ISO_MAX];

	clock_iso(d->at_us, time);
	buf_puts(out, "{\"call_sid\":");
	json_put_text(out, d->call_sid);
	buf_puts(out, ",\"from\":");
	json_put_text(out, d->caller);
	buf_puts(out, ",\"target\":");
	json_put_text(out, d->target);
	buf_puts(out, ",\"value\":");
	json_put_text(out, d->value);
	return buf_printf(out, ",\"timestamp\":\"%s\"}", time);
}

/* Of a value in a key; so many cannot be tried in a call. */
#define KEY_VALUE_SIZE 8

/*
 * What tells one confirmation from another: the call, the target and the
 * value. The key is shown where messages wait and goes to the queue, so the
 * value is not to be read out of it; with the token (or a shared key's secret),
 * because there are few dates to try.
 */
static enum status
put_key(const struct exchange *x, const struct call_digits *d, struct buf *key)
{
	const char *current = x->app->secrets->tokens[0];
	const struct config_pair *shared =
	    config_shared_key(x->app->config, NULL, 0);
	const char *token = current != NULL ? current
	    : shared != NULL                ? shared->value
					    : "";
	const struct crypt_piece pieces[] = { { d->call_sid,
						  strlen(d->call_sid) },
		{ ".", 1 }, { d->target, strlen(d->target) }, { ".", 1 },
		{ d->value, strlen(d->value) } };
	unsigned char mac[CRYPT_SHA256_SIZE];
	char hex[2 * KEY_VALUE_SIZE + 1];
	enum status st;

	st = crypt_hmac_sha256(token, strlen(token), pieces,
	    sizeof(pieces) / sizeof(pieces[0]), mac);
	if (st != ST_OK)
		return st;
	crypt_hex(mac, KEY_VALUE_SIZE, hex);
	return buf_printf(key, "%s.%s.%s", d->call_sid, d->target, hex);
}

/* Digits that were confirmed, until that is answered. */
struct confirmed {
	struct dialogue dialogue;
	struct call_digits digits;
	struct buf message, key;
	struct spool_entry entry;
	struct ports_pool *pool;
	struct ports *ports; /* of the pool, or NULL */
};

static void
confirmed_release(void *kept)
{
	struct confirmed *c = kept;

	if (c->pool != NULL)
		ports_give(c->pool, c->ports);
	buf_release(&c->message);
	buf_release(&c->key);
}

static enum status
confirm_job(struct db *db, void *arg)
{
	struct confirmed *c = arg;
	enum status st = record_digits(db, &c->digits, false);

	return st == ST_OK ? deliver_push(c->ports, &c->entry) : st;
}

/* Durable before the caller hears of it; a repeat has added nothing. */
static void
confirmed(struct exchange *x, enum status st)
{
	const struct confirmed *c = x->kept;

	x->outcome = st == ST_EXISTS ? "duplicate" : "confirmed";
	if (st == ST_OK || st == ST_EXISTS)
		play(&c->dialogue, "-confirmed", c->dialogue.attempt);
	else
		exchange_fail(x, st);
}

/* Recorded and queued, both or neither. */
static void
record(struct confirmed *c)
{
	struct exchange *x = c->dialogue.x;
	struct outbox_message m = {
		.entry = &c->entry, .record = record_digits, .arg = &c->digits
	};
	enum status st;

	c->pool = x->app->ports;
	c->ports = ports_take(c->pool);
	st = c->ports == NULL ? ST_NOMEM : put_message(&c->digits, &c->message);
	if (st == ST_OK)
		st = put_key(x, &c->digits, &c->key);
	if (st != ST_OK) {
		exchange_fail(x, st);
		return;
	}
	c->entry = (struct spool_entry){
		.role = ROLE_DIGITS,
		.group = c->digits.call_sid,
		.queue_group = c->digits.call_sid,
		.sid = buf_str(&c->key),
		.received_us = c->digits.at_us,
		.body = c->message.data,
		.len = c->message.len,
	};
	if (!backend_is_remote(x->app->config->voice.digits_queue)) {
		exchange_store(x, confirm_job, confirmed);
		return;
	}
	ports_begin(
	    c->ports, x->request->amzn_trace_id, x->request->traceparent);
	confirmed(x, outbox_accept(x->app->outbox, c->ports, &m, 1));
}

/* Without a CallSid to record them under, digits are confirmed to nobody. */
static void
confirm(const struct dialogue *d)
{
	struct exchange *x = d->x;
	const struct dialogue again = { x, d->target, d->attempt, NULL };
	struct confirmed *c = exchange_keep(x, sizeof(*c), confirmed_release);

	if (c == NULL)
		return;
	c->dialogue = *d;
	c->digits = (struct call_digits){
		.target = d->target->name,
		.value = d->value,
		.at_us = clock_us(),
		.digest = x->digest,
	};
	if (!exchange_param(x, "CallSid", &c->digits.call_sid) ||
	    !exchange_param(x, "From", &c->digits.caller))
		return;
	if (str_empty(c->digits.call_sid)) {
		exchange_error(x, 400, "CallSid is missing");
	} else if (!str_is_sid(c->digits.call_sid, "CA")) {
		x->outcome = "malformed SID";
		play_again(&again, "-retry");
	} else {
		record(c);
	}
}

void
handle_confirm_digits(struct exchange *x)
{
	struct dialogue d;
	const char *key;

	if (!dialogue_init(&d, x) || !voice_digits(x, &key))
		return;
	/* The value comes back in the URL that we gave, which is signed. */
	if (kv_get(&x->query, "value", &d.value) == ST_MALFORMED) {
		exchange_error(x, 400, "value occurs twice or holds a NUL");
	} else if (check(&d) != DIGITS_GOOD) {
		d.value = NULL;
		play_again(&d, "-invalid-input");
	} else if (strcmp(key, "1") == 0) {
		confirm(&d);
	} else if (strcmp(key, "2") == 0) {
		x->outcome = "to be corrected";
		d.value = NULL;
		play_again(&d, "-retry");
	} else {
		x->outcome = "neither 1 nor 2";
		play_again(&d, "-confirmation");
	}
}
