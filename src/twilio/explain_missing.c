/*
 * One cause of explain.h: a parameter that Twilio signed is not there. Its
 * name must be known and its value empty, always the same, or that of another
 * parameter; anything else cannot be guessed.
 */
#include "twilio/explain.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct known {
	const char *name, *value;
	const char *copy_of; /* the value is this one's, if value is NULL */
	bool after_plus; /* without what stands before its digits */
};

/* From https://www.twilio.com/docs/messaging/guides/webhook-request,
 * https://www.twilio.com/docs/voice/twiml#request-parameters and
 * what requests were seen to have. */
static const struct known singles[] = {
	{ "ApiVersion", "2010-04-01", NULL, false },
	{ "NumMedia", "0", NULL, false },
	{ "NumSegments", "1", NULL, false },
	{ "ReferralNumMedia", "0", NULL, false },
	{ "MessageType", "text", NULL, false },
	{ "ChannelPrefix", "whatsapp", NULL, false },
	{ "SmsStatus", "received", NULL, false },
	{ "SmsStatus", NULL, "MessageStatus", false },
	{ "MessageStatus", NULL, "SmsStatus", false },
	{ "SmsSid", NULL, "MessageSid", false },
	{ "SmsMessageSid", NULL, "MessageSid", false },
	{ "MessageSid", NULL, "SmsSid", false },
	{ "WaId", NULL, "From", true },
	{ "To", NULL, "Called", false },
	{ "Called", NULL, "To", false },
	{ "From", NULL, "Caller", false },
	{ "Caller", NULL, "From", false },
	{ "CallStatus", "ringing", NULL, false },
	{ "CallStatus", "in-progress", NULL, false },
	{ "CallStatus", "completed", NULL, false },
	{ "Direction", "inbound", NULL, false },
	{ "ToCountry", "US", NULL, false },
	{ "FromCountry", "US", NULL, false },
	{ "CalledCountry", "US", NULL, false },
	{ "CallerCountry", "US", NULL, false },
	{ "ButtonText", "", NULL, false },
	{ "ButtonPayload", "", NULL, false },
	{ "CallerName", "", NULL, false },
	{ "Digits", "", NULL, false },
	{ "ErrorMessage", "", NULL, false },
	{ "FinishedOnKey", "", NULL, false },
	{ "ForwardedFrom", "", NULL, false },
	{ "ProfileName", "", NULL, false },
	{ "SpeechResult", "", NULL, false },
	{ "StirVerstat", "", NULL, false },
};

/*
 * What is empty often, and so dropped together by a parser that drops empty
 * values. A call has the places twice, under a second name.
 */
static const struct {
	const char *name, *second;
} places[] = {
	{ "Body", NULL },
	{ "ToCity", "CalledCity" },
	{ "ToState", "CalledState" },
	{ "ToZip", "CalledZip" },
	{ "ToCountry", "CalledCountry" },
	{ "FromCity", "CallerCity" },
	{ "FromState", "CallerState" },
	{ "FromZip", "CallerZip" },
	{ "FromCountry", "CallerCountry" },
};

static enum status
add(struct kv *form, const char *name, const char *value)
{
	return kv_add(form, name, strlen(name), value, strlen(value));
}

static bool
try_single(struct search *s, struct kv *form, const struct known *k)
{
	const struct kv_pair *other;
	const char *value = k->value, *plus;
	size_t n = form->n;
	bool fits;

	if (kv_find(form, k->name, NULL) != NULL)
		return false;
	if (value == NULL) {
		if ((other = kv_find(form, k->copy_of, NULL)) == NULL)
			return false;
		value = other->value;
		plus = strchr(value, '+');
		if (k->after_plus && plus != NULL)
			value = plus + 1;
	}
	s->st = add(form, k->name, value);
	fits = search_try_form(s, form);
	form->n = n;
	return fits &&
	    search_tell(s,
		"parameter: Twilio signed \"%s\" too, which is missing here; "
		"check every parameter as it came, empty ones too.",
		k->name);
}

/* Add the places of a set of bits, each empty. */
static void
add_places(struct search *s, struct kv *form, size_t set, bool call)
{
	size_t i;

	for (i = 0; i < COUNT(places) && s->st == ST_OK; i++) {
		if ((set >> i & 1) == 0)
			continue;
		s->st = add(form, places[i].name, "");
		if (call && s->st == ST_OK && places[i].second != NULL)
			s->st = add(form, places[i].second, "");
	}
}

static bool
tell_places(struct search *s, size_t set)
{
	const char *before = "";
	size_t i;

	search_tell(s, "parameter: Twilio signed ");
	for (i = 0; i < COUNT(places); i++) {
		if ((set >> i & 1) == 0)
			continue;
		search_tell(s, "%s\"%s\"", before, places[i].name);
		before = ", ";
	}
	return search_tell(s,
	    " too, with an empty value; a parser that drops "
	    "empty values has lost what Twilio signs the "
	    "name of.");
}

/* Every set of places that are not there: 511 at most. */
static bool
try_places(struct search *s, struct kv *form)
{
	const bool call = kv_find(form, "CallSid", NULL) != NULL;
	size_t n = form->n, there = 0, set, i;
	bool fits = false;

	for (i = 0; i < COUNT(places); i++)
		if (kv_find(form, places[i].name, NULL) != NULL)
			there |= (size_t)1 << i;
	for (set = 1; !fits && set < (size_t)1 << COUNT(places); set++) {
		if ((set & there) != 0 || s->work < s->cost)
			continue;
		add_places(s, form, set, call);
		fits = search_try_form(s, form) && tell_places(s, set);
		form->n = n;
	}
	return fits;
}

bool
explain_missing(struct search *s)
{
	struct kv form = KV_INIT;
	bool found = false;
	size_t i;

	if (!search_copy_form(s, &form))
		goto out;
	for (i = 0; i < COUNT(singles) && !found && s->st == ST_OK; i++)
		found = try_single(s, &form, &singles[i]);
	found = found || (s->st == ST_OK && try_places(s, &form));
out:
	kv_release(&form);
	return found;
}
