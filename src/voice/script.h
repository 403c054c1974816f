/*
 * Playing a template to a caller. Placeholders are filled, in this order, by
 * what the handler offers, by the configuration (voice.* and [values]), and by
 * the request's parameters.
 */
#ifndef VOICE_SCRIPT_H
#define VOICE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serve/exchange.h"

enum offer {
	OFFER_TRANSFER_URL, /* {transfer_url}: posts the menu's digit */
	OFFER_PROCESS_URL, /* {process_url}: posts what was keyed in */
	OFFER_CONFIRM_URL, /* {confirm_url}: posts 1 or 2 */
	OFFER_RETRY_URL, /* {retry_url}: plays the question again */
	OFFER_SPOKEN, /* {spoken}: the value in words */
	OFFER_N,
};

/* "transfer_url" and so on. */
const char *offer_name(enum offer);

struct script {
	struct exchange *x;
	struct buf offers[OFFER_N]; /* not offered: nothing was put */
	struct buf base; /* where our routes begin; made when it is needed */
	bool repeated; /* a parameter that the template names came twice */
};

void script_release(struct script *);

/*
 * Offer the URL of one of our routes: absolute, from voice.webhook_api_url
 * (its path kept), else as this request was called, which is under
 * server.public_url if that is set. attempt and value travel in its query, which the signature covers; attempt 1 and a NULL
 * value are left out.
 */
void script_offer_url(struct script *, enum offer, const char *route,
    const char *arg, int64_t attempt, const char *value);

/*
 * Answer with this template. Without one, or with a placeholder that nothing
 * fills here: 404. With a parameter that came twice: 400.
 */
void script_play(struct script *, const char *name);

/* The operator, or hangup without one: where too many attempts end. */
void script_give_up(struct exchange *);

/* Does this template use that offer? */
bool script_asks(const struct app *, const char *name, enum offer);

/*
 * Can a request fill a placeholder of this name? Twilio's parameters begin
 * with a capital; one that is not sent is "".
 */
bool script_is_parameter(const char *name);

#endif
