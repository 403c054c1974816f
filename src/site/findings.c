#include "site/findings.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "codec/url.h"
#include "config/config.h"
#include "config/slot.h"
#include "message/backends.h"
#include "site/routes.h"

#define HEX_N 32 /* digits of a token, and of a SID behind its two letters */

static struct config_slot
find_slot(const struct config *c, const char *section, const char *key)
{
	/* Slots also serve writing. */
	return config_slot(
	    (struct config *)(uintptr_t)c, option_find(section, key));
}

/* Is there a value to judge? */
static bool
is_there(const struct config_slot *s)
{
	return !s->origin->bad && !s->origin->missing;
}

/* Did somebody write it, in the file or a variable of its own? */
static bool
is_written(const struct config_origin *at)
{
	return at->file != NULL || at->variable != NULL;
}

/* --- secrets ---------------------------------------------------------------- */

static bool
is_hex(const char *s)
{
	size_t n = strspn(s, "0123456789abcdefABCDEF");

	return n == HEX_N && s[n] == '\0';
}

/* NAME=value, as in a file of variables. */
static bool
is_assignment(const char *s)
{
	size_t n = strspn(s,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

	/* Base64 ends with "=", so something must come after it. */
	return n > 0 && !isdigit((unsigned char)*s) && s[n] == '=' &&
	    s[n + 1] != '\0' && s[n + 1] != '=';
}

/* What can be said of any secret. */
static const char *
doubt_secret(const char *s)
{
	if (*s == '"' || *s == '\'')
		return "is in quotes, which belong to the value here; take "
		       "them out";
	if (is_assignment(s))
		return "begins with a variable's name and \"=\", which belong "
		       "to the value here; leave only what stands behind them";
	return NULL;
}

static const char *
doubt_api_secret(const char *s)
{
	if (str_starts(s, "SK") && is_hex(s + 2))
		return "is the SID of an API key, not its secret; write the "
		       "secret that Twilio's console showed with it when the "
		       "key was made";
	return doubt_secret(s);
}

static const char *
doubt_token(const char *token)
{
	const char *doubt = doubt_secret(token);

	if (*token == '\0' || is_hex(token) || doubt != NULL)
		return doubt;
	if (str_starts(token, "AC"))
		return "begins with AC, as an account's SID does and no token; "
		       "write the auth token, which stands below the SID in "
		       "Twilio's console";
	if (str_starts(token, "SK"))
		return "begins with SK, as the SID of an API key does and no "
		       "token; write the account's auth token, with which "
		       "Twilio signs, also where API keys are used";
	return "is not 32 hexadecimal digits, as Twilio's auth tokens are; "
	       "copy it from Twilio's console again";
}

static const struct {
	const char *section, *key;
	const char *(*doubt)(const char *);
} secrets[] = {
	{ "server", "admin_token", doubt_secret },
	{ "twilio", "auth_token", doubt_token },
	{ "twilio", "auth_token_previous", doubt_token },
	{ "twilio", "api_secret", doubt_api_secret },
};

#define SECRETS_COUNT (sizeof(secrets) / sizeof(secrets[0]))

const char *
findings_secret(const struct option *o, const char *value)
{
	size_t i;

	for (i = 0; i < SECRETS_COUNT; i++)
		if (o == option_find(secrets[i].section, secrets[i].key))
			return secrets[i].doubt(value);
	return NULL;
}

static void
put_secrets(const struct config *c, struct buf *warnings)
{
	struct config_slot slot;
	const char *doubt;
	size_t i, at = 0;

	while (config_slot_next((struct config *)(uintptr_t)c, &at, &slot)) {
		doubt = doubt_secret(*slot.text);
		if (doubt != NULL && is_there(&slot) &&
		    (str_eq(slot.section, "agents") ||
			str_eq(slot.section, "access_keys")))
			config_remark(c, &slot, warnings, "%s", doubt);
	}
	for (i = 0; i < SECRETS_COUNT; i++) {
		slot = find_slot(c, secrets[i].section, secrets[i].key);
		doubt = secrets[i].doubt(*slot.text);
		if (doubt != NULL && is_there(&slot))
			config_remark(c, &slot, warnings, "%s", doubt);
	}
}

/* --- URLs ------------------------------------------------------------------- */

/* Is this a route, its name filled in, or forgotten? */
static bool
pattern_fits(const char *pattern, const char *path)
{
	size_t fixed = strcspn(pattern, "{");

	if (pattern[fixed] == '\0')
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, fixed) == 0)
		return strchr(path + fixed, '/') == NULL;
	/* Without its slash too. */
	return strlen(path) == fixed - 1 &&
	    strncmp(pattern, path, fixed - 1) == 0;
}

static bool
is_route(const char *path)
{
	size_t i;

	for (i = 0; i < app_routes_n; i++)
		if (pattern_fits(app_routes[i].pattern, path))
			return true;
	return false;
}

/* The route that the URL ends in, the longest, or NULL. */
static const char *
ending_route(const char *text)
{
	const char *at;
	struct url url;

	if (url_split(text, strlen(text), &url) != ST_OK)
		return NULL;
	/* A URL that was checked ends with its path. */
	for (at = url.path.data; at != NULL && *at != '\0';
	     at = strchr(at + 1, '/'))
		if (is_route(at))
			return at;
	return NULL;
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* Twilio would be answered 404, or its signature not fit. */
static void
put_route(const struct config *c, const char *section, const char *key,
    struct buf *warnings)
{
	struct config_slot slot = find_slot(c, section, key);
	const char *base = c->server.base_path, *text = *slot.text, *route;

	/* It may be called like one on purpose. */
	if (!is_there(&slot) || (route = ending_route(text)) == NULL ||
	    (*base != '\0' && ends_with(text, base)))
		return;
	config_remark(c, &slot, warnings,
	    "ends in %s, which is a route and comes behind it; leave that out",
	    route);
}

static void
put_public_url(const struct config *c, struct buf *warnings)
{
	struct config_slot slot = find_slot(c, "server", "public_url");

	if (!is_there(&slot))
		return;
	/* Whoever names proxies has chosen to build it from their headers. */
	if (**slot.text == '\0' && *c->server.trusted_proxies == '\0')
		config_remark(c, &slot, warnings,
		    "is empty, so the URL that Twilio signed is guessed from "
		    "each request, which goes wrong behind a proxy, with TLS "
		    "or a port in front; write what Twilio calls, up to the "
		    "route, as in https://example.com");
	put_route(c, "server", "public_url", warnings);
	put_route(c, "voice", "webhook_api_url", warnings);
}

/* The schemes that Twilio takes, where it takes one kind alone. */
static void
put_schemes(const struct config *c, struct buf *warnings)
{
	static const struct {
		const char *section, *key;
		bool socket; /* wss: is wanted, else http or https */
	} all[] = {
		{ "server", "public_url", false },
		{ "voice", "media_api_url", true },
		{ "voice", "conversation_relay_url", true },
	};
	struct config_slot slot;
	const char *text;
	struct url url;
	bool is_socket;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		slot = find_slot(c, all[i].section, all[i].key);
		text = *slot.text;
		if (!is_there(&slot) || *text == '\0')
			continue;
		if (url_split(text, strlen(text), &url) != ST_OK)
			url.scheme = (struct url_part){ "nothing", 7 };
		is_socket = url_part_is(&url.scheme, "wss") ||
		    (!all[i].socket && url_part_is(&url.scheme, "ws"));
		if (is_socket == all[i].socket)
			continue;
		config_remark(c, &slot, warnings,
		    "has %.*s for a scheme, where Twilio %s; write %s:// "
		    "before the host",
		    (int)url.scheme.len, url.scheme.data,
		    all[i].socket ? "opens a WebSocket, under wss alone"
				  : "posts webhooks, to http or https",
		    all[i].socket ? "wss" : "https");
	}
}

/* --- queues ----------------------------------------------------------------- */

static void
put_delay(const struct config *c, struct buf *warnings)
{
	const char *queue = c->whatsapp.ai_queue;
	struct config_slot slot = find_slot(c, "whatsapp", "ai_delay");

	if (c->whatsapp.ai_delay == 0 || !backend_is_remote(queue) ||
	    !ends_with(queue, ".fifo"))
		return;
	/* At the one of them that has a line. */
	if (!is_written(slot.origin))
		slot = find_slot(c, "whatsapp", "ai_queue");
	config_remark(c, &slot, warnings,
	    "SQS takes no delay of a message's own at a FIFO queue (ai_queue), "
	    "so that ai_delay = %lld is void; set ai_delay = 0, and "
	    "DelaySeconds of the queue at SQS, or name a standard queue",
	    (long long)c->whatsapp.ai_delay);
}

/* --- templates -------------------------------------------------------------- */

/* Has somebody said how calls are to go? */
static bool
voice_is_set(const struct config *c)
{
	const struct config_section *menu = config_section(c, "menu", "");
	size_t i;

	for (i = 0; i < options_n; i++)
		if (strcmp(options[i].section, "voice") == 0 &&
		    is_written(&c->origins[i]))
			return true;
	for (i = 0; i < menu->n; i++)
		if (is_written(&menu->pairs[i].origin))
			return true;
	return false;
}

/* Without them a site is one for messages alone, if nobody meant otherwise. */
static void
put_templates(const struct config *c, struct buf *warnings)
{
	struct config_slot slot = find_slot(c, "voice", "templates");

	if (!config_has_voice(c) && voice_is_set(c))
		config_remark(c, &slot, warnings,
		    "the usual folder of templates, %s, is not there, so that "
		    "every call is answered 503; put templates there, or name "
		    "their folder",
		    c->voice.templates);
}

enum status
findings_put(const struct config *c, struct buf *warnings)
{
	put_public_url(c, warnings);
	put_schemes(c, warnings);
	put_secrets(c, warnings);
	put_delay(c, warnings);
	put_templates(c, warnings);
	return warnings->err;
}
