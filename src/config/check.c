#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "codec/cidr.h"
#include "codec/phone.h"
#include "config/config.h"
#include "config/section.h"
#include "config/slot.h"
#include "config/weburl.h"

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
check_account_sid(char *sid)
{
	if (*sid == '\0')
		return NULL;
	if (strlen(sid) == 34 && strncasecmp(sid, "AC", 2) == 0 &&
	    strspn(sid + 2, "0123456789abcdefABCDEF") == 32)
		return NULL;
	return "is not an account SID; write AC and the 32 hexadecimal digits "
	       "behind it, as Twilio's console shows it";
}

static const char *
check_filled(char *value)
{
	return *value == '\0' ? "is empty; leave it out for the default" : NULL;
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
	return "is no target; write stderr, syslog or a file's absolute path";
}

static const char *
check_webhook_url(char *url)
{
	return *url == '\0' ? NULL : weburl_check(url, WEBURL_HTTP);
}

static const struct {
	const char *section, *key;
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
	{ "twilio", "api_url", check_api_url },
	{ "whatsapp", "conversations", check_filled },
	{ "whatsapp", "ai_queue", check_filled },
	{ "whatsapp", "human_queue", check_filled },
	{ "voice", "templates", check_filled },
	{ "voice", "webhook_api_url", check_webhook_url },
	{ "voice", "digits_queue", check_filled },
	{ "store", "path", check_path },
};

/* The operator's number as Twilio wants it, however it was written. */
static enum status
normalize_operator(struct config *c, struct buf *errors)
{
	const struct option *o = option_find("voice", "operator_phone_number");
	char number[PHONE_MAX];

	if (*c->voice.operator_phone_number == '\0' || config_origin(c, o)->bad)
		return ST_OK;
	if (phone_normalize(c->voice.operator_phone_number, number) == ST_OK)
		return config_set_text(c, o, number);
	config_mistake(c, o, errors,
	    "is no telephone number; write it as in +14155550100");
	return ST_CONFIG;
}

enum status
config_check(struct config *c, struct buf *errors)
{
	enum status st = ST_OK;
	const struct option *o;
	const char *wrong;
	size_t i;

	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		o = option_find(checks[i].section, checks[i].key);
		if (o == NULL || config_origin(c, o)->bad)
			continue;
		wrong = checks[i].fn(*config_text(c, o));
		if (wrong == NULL)
			continue;
		config_mistake(c, o, errors, "%s", wrong);
		st = ST_CONFIG;
	}
	if (normalize_operator(c, errors) != ST_OK)
		st = ST_CONFIG;
	if (section_check(c, errors) != ST_OK)
		st = ST_CONFIG;
	return errors->err == ST_OK ? st : ST_NOMEM;
}

static void
complain(const struct config *c, const struct option *o, struct buf *errors,
    const char *text, ...)
{
	va_list ap;

	va_start(ap, text);
	config_complain(c, o, errors, text, ap);
	va_end(ap);
}

enum status
config_check_server(const struct config *c, struct buf *errors)
{
	const struct option *o = option_find("twilio", "auth_token");

	if (c->server.signature == SIGNATURE_OFF ||
	    *c->twilio.auth_token != '\0' || config_origin(c, o)->bad)
		return ST_OK;
	complain(c, o, errors,
	    "is empty, so no webhook could be checked (server.signature = %s); "
	    "set auth_token under [twilio] in %s, to the token or to "
	    "file:PATH, or SWITCHHOOK_TWILIO_AUTH_TOKEN in the environment",
	    c->server.signature == SIGNATURE_REPORT ? "report" : "enforce",
	    c->file == NULL ? CONFIG_FILE : c->file);
	return errors->err == ST_OK ? ST_CONFIG : ST_NOMEM;
}
