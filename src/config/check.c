#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "codec/cidr.h"
#include "codec/phone.h"
#include "config/config.h"
#include "config/config_section.h"
#include "config/slot.h"
#include "config/weburl.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* What is wrong and what to do, or NULL. The value may be shortened. */
typedef const char *check_fn(char *value);

static const char *
check_public_url(char *url)
{
	if (*url == '\0')
		return NULL;
	return weburl_check(url, WEBURL_HTTP | WEBURL_WS);
}

static const char *
check_api_url(char *url)
{
	return weburl_check(url, WEBURL_HTTP);
}

static const char *
check_base_path(char *path)
{
	size_t n = strlen(path);

	if (strcmp(path, "/") == 0)
		*path = '\0';
	if (*path == '\0')
		return NULL;
	if (*path != '/')
		return "does not begin with \"/\"; write it as in /hook";
	if (path[n - 1] == '/')
		return "ends with \"/\"; leave that out";
	if (!weburl_path_ok(path) || strstr(path, "//") != NULL)
		return "is not a path as it stands in a URL; "
		       "write it as in /hook, without a query";
	return NULL;
}

static const char *
check_proxies(char *list)
{
	return cidr_list_valid(list)
	    ? NULL
	    : "is not a list of addresses; write IP addresses or CIDR blocks "
	      "with commas between, as in 127.0.0.1, 10.0.0.0/8, ::1";
}

static const char *
check_token(char *token)
{
	const char *s;

	for (s = token; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~')
			return "has a character in it that no token has (a "
			       "space, a line end, a non-ASCII one); remove it";
	return NULL;
}

static const char *
check_shared_secret(char *secret)
{
	if (*secret == '\0')
		return "is empty; write the secret that Twilio showed when the "
		       "key was made, or take the line out";
	return check_token(secret);
}

static const char *
check_agent_token(char *token)
{
	if (*token == '\0')
		return "is empty; write a token of the agent's own, as openssl "
		       "rand -hex 32 makes one, or take the line out";
	return check_token(token);
}

static const char *
check_access_secret(char *secret)
{
	if (*secret == '\0')
		return "is empty; write a secret, as openssl rand -hex 32 "
		       "makes one, or take the line out";
	return check_token(secret);
}

/* Empty, or a SID, whose letters are capitals from here on: Twilio's are. */
static bool
take_sid(char *sid, const char *kind)
{
	if (*sid == '\0')
		return true;
	if (strncasecmp(sid, kind, 2) == 0)
		memcpy(sid, kind, 2);
	return str_is_sid(sid, kind);
}

static const char *
check_api_key(char *sid)
{
	if (take_sid(sid, "SK"))
		return NULL;
	return "is not an API key's SID; write SK and the 32 hexadecimal "
	       "digits behind it, as Twilio's console shows it";
}

static const char *
check_account_sid(char *sid)
{
	if (take_sid(sid, "AC"))
		return NULL;
	return "is not an account SID; write AC and the 32 hexadecimal digits "
	       "behind it, as Twilio's console shows it";
}

static const char *
check_filled(char *value)
{
	return *value == '\0' ? "is empty; leave it out for the default" : NULL;
}

static const char *
check_dedupe(char *value)
{
	static const char scheme[] = "dynamodb:";

	if (*value == '\0' ||
	    (str_starts(value, scheme) && value[sizeof(scheme) - 1] != '\0'))
		return NULL;
	return "is not a table; write dynamodb:TABLE, or leave it out";
}

/* Where a relative path leads depends on the server that starts us. */
static const char *
check_path(char *path)
{
	return *path == '/' ? NULL
			    : "is not an absolute path; begin it with \"/\"";
}

static const char *
check_log_target(char *target)
{
	if (*target == '/' || strcmp(target, "stderr") == 0 ||
	    strcmp(target, "syslog") == 0)
		return NULL;
	return "is not a target; write stderr, syslog or a file's absolute "
	       "path";
}

static const char *
check_webhook_url(char *url)
{
	return *url == '\0' ? NULL : weburl_check(url, WEBURL_HTTP);
}

static const char *
check_proxy(char *url)
{
	return *url == '\0' ? NULL : weburl_check(url, WEBURL_HTTP);
}

static const char *
check_region(char *region)
{
	return region[strspn(
		   region, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0'
	    ? NULL
	    : "is not a region; write it as in eu-central-1";
}

/* Between the slashes of a parameter's name. */
static const char *
check_part(char *part)
{
	return *part != '\0' && part[strspn(part, LETTERS "_.-")] == '\0'
	    ? NULL
	    : "is not part of a parameter's name; write letters, digits and "
	      "_ . -";
}

static const struct {
	const char *section, *key; /* NULL: each of the section */
	check_fn *fn;
} checks[] = {
	{ "server", "public_url", check_public_url },
	{ "server", "base_path", check_base_path },
	{ "server", "trusted_proxies", check_proxies },
	{ "server", "admin_token", check_token },
	{ "server", "log_target", check_log_target },
	{ "twilio", "account_sid", check_account_sid },
	{ "twilio", "auth_token", check_token },
	{ "twilio", "auth_token_previous", check_token },
	{ "twilio", "api_key", check_api_key },
	{ "twilio", "api_secret", check_token },
	{ "twilio", "api_url", check_api_url },
	{ "shared_keys", NULL, check_shared_secret },
	{ "agents", NULL, check_agent_token },
	{ "access_keys", NULL, check_access_secret },
	{ "whatsapp", "conversations", check_filled },
	{ "whatsapp", "conversations_index", check_filled },
	{ "whatsapp", "ai_queue", check_filled },
	{ "whatsapp", "human_queue", check_filled },
	{ "whatsapp", "dedupe", check_dedupe },
	{ "voice", "templates", check_filled },
	{ "voice", "webhook_api_url", check_webhook_url },
	{ "voice", "digits_queue", check_filled },
	{ "store", "path", check_path },
	{ "aws", "region", check_region },
	{ "aws", "secretsmanager_region", check_region },
	{ "aws", "system_name", check_part },
	{ "aws", "env_type", check_part },
	{ "aws", "proxy", check_proxy },
	{ "trace", "otlp_url", check_webhook_url },
};

static const char *
check_text(const char *section, const char *key, char *value)
{
	size_t i;

	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (strcmp(checks[i].section, section) == 0 &&
		    (checks[i].key == NULL || strcmp(checks[i].key, key) == 0))
			return checks[i].fn(value);
	return NULL;
}

const char *
config_check_text(const struct option *o, char *value)
{
	return check_text(o->section, o->key, value);
}

static struct config_slot
find_slot(const struct config *c, const char *section, const char *key)
{
	/* Slots also serve writing. */
	return config_slot(
	    (struct config *)(uintptr_t)c, option_find(section, key));
}

/* Is there no value of it to be checked: a mistake, or still to come? */
static bool
is_absent(const struct config_slot *s)
{
	return s->origin->bad || s->origin->missing;
}

/* The operator's number as Twilio wants it, however it was written. */
static enum status
normalize_operator(struct config *c, struct buf *errors)
{
	struct config_slot s = find_slot(c, "voice", "operator_phone_number");
	char number[PHONE_MAX];

	if (**s.text == '\0' || s.origin->bad)
		return ST_OK;
	if (phone_normalize(*s.text, number) == ST_OK)
		return config_slot_set(&s, number);
	config_mistake(c, &s, errors,
	    "is not a telephone number; write it as in +14155550100");
	return ST_OK;
}

/* A key without its secret, or the other way round, opens nothing. */
static void
check_key_pair(struct config *c, struct buf *errors)
{
	struct config_slot key = find_slot(c, "twilio", "api_key");
	struct config_slot secret = find_slot(c, "twilio", "api_secret");
	bool has_key = **key.text != '\0';

	if (has_key == (**secret.text != '\0') || is_absent(&key) ||
	    is_absent(&secret))
		return;
	/* At the one that has a line. */
	config_mistake(c, has_key ? &key : &secret, errors,
	    "stands alone; set %s under [twilio] as well, or leave both out",
	    has_key ? "api_secret" : "api_key");
}

/* With one token for two nobody could tell who did something. */
static void
check_agents(struct config *c, struct buf *errors)
{
	struct config_slot slot, admin = find_slot(c, "server", "admin_token");
	const struct config_section *s = config_section(c, "agents", "");
	const char *token, *other;
	size_t i = 0, k;

	while (config_slot_next(c, &i, &slot)) {
		token = *slot.text;
		if (strcmp(slot.section, "agents") != 0 || *token == '\0')
			continue;
		other =
		    str_eq(token, *admin.text) ? "server.admin_token" : NULL;
		for (k = 0; other == NULL && s->pairs[k].key != slot.key; k++)
			if (str_eq(token, s->pairs[k].value))
				other = s->pairs[k].key;
		if (other != NULL)
			config_mistake(c, &slot, errors,
			    "is the token of %s as well; give each a token of "
			    "their own",
			    other);
	}
}

enum status
config_check(struct config *c, struct buf *errors)
{
	size_t before = errors->len, i = 0;
	struct config_slot slot;
	const char *wrong;

	while (config_slot_next(c, &i, &slot)) {
		wrong = is_absent(&slot)
		    ? NULL
		    : check_text(slot.section, slot.key, *slot.text);
		if (wrong != NULL)
			config_mistake(c, &slot, errors, "%s", wrong);
	}
	if (normalize_operator(c, errors) != ST_OK)
		return ST_NOMEM;
	check_key_pair(c, errors);
	check_agents(c, errors);
	if (section_check(c, errors) == ST_NOMEM || errors->err != ST_OK)
		return ST_NOMEM;
	return errors->len == before ? ST_OK : ST_CONFIG;
}

enum status
config_check_server(const struct config *c, struct buf *errors)
{
	struct config_slot s = find_slot(c, "twilio", "auth_token");

	if (c->server.signature == SIGNATURE_OFF || **s.text != '\0' ||
	    is_absent(&s) || config_shared_key(c, NULL, 0) != NULL)
		return ST_OK;
	config_remark(c, &s, errors,
	    "is empty, so no webhook could be checked (server.signature = %s); "
	    "set auth_token under [twilio] in %s, to the token or to "
	    "file:PATH, or SWITCHHOOK_TWILIO_AUTH_TOKEN in the environment; "
	    "or write Twilio's shared keys under [shared_keys]",
	    c->server.signature == SIGNATURE_REPORT ? "report" : "enforce",
	    c->file == NULL ? CONFIG_FILE : c->file);
	return errors->err == ST_OK ? ST_CONFIG : ST_NOMEM;
}
