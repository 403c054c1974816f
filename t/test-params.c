/* What types do not tell: references, URLs, addresses, tokens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "site/settings.h"
#include "t/configs.h"
#include "t/test.h"

/* Load one setting by its variable; the rest is as it is without a file. */
static void
load_one(struct loaded *l, const char *variable, const char *value,
    const char *other)
{
	struct buf pair = BUF_INIT;

	buf_printf(&pair, "SWITCHHOOK_%s=%s", variable, value);
	configs_load(l, NULL, ENV(buf_str(&pair), other));
	buf_release(&pair);
}

/* The value must come out like that; NULL: it must be refused. */
static void
assert_value(const char *variable, const char *line, const char *value,
    const char *expected)
{
	struct buf b = BUF_INIT;
	struct loaded l;
	bool ok;

	load_one(&l, variable, value, NULL);
	if (expected != NULL) {
		buf_printf(&b, "%s = %s", line, expected);
		ok = l.st == ST_OK && configs_has_line(&l.shown, buf_str(&b));
	} else {
		buf_printf(&b, "SWITCHHOOK_%s: %s: ", variable, line);
		ok = l.st == ST_CONFIG && configs_lines(&l.errors) == 1 &&
		    strncmp(buf_str(&l.errors), buf_str(&b), b.len) == 0 &&
		    strchr(buf_str(&l.errors), ';') != NULL;
	}
	CU_ASSERT_TRUE(ok);
	if (!ok)
		printf("\n%s=%s\n%s", variable, value, buf_str(&l.errors));
	buf_release(&b);
	configs_release(&l);
}

static void
test_public_url(void)
{
	static const struct {
		const char *value, *expected;
	} cases[] = {
		{ "", "" },
		{ "https://example.com", "https://example.com" },
		{ "HTTPS://Example.com/", "https://Example.com" },
		{ "http://example.com/", "http://example.com" },
		{ "wss://example.com:8443/a//", "wss://example.com:8443/a" },
		{ "ws://127.0.0.1:1", "ws://127.0.0.1:1" },
		{ "https://[2001:db8::1]:65535/x",
		    "https://[2001:db8::1]:65535/x" },
		{ "https://u:p%20w@example.com/x",
		    "https://u:***@example.com/x" },
		{ "https://user@example.com", "https://user@example.com" },
		{ "https://a_b.example.com/%7Eme/#a?b",
		    "https://a_b.example.com/%7Eme" },
		{ "https://example.com#", "https://example.com" },
		{ "example.com", NULL },
		{ "ftp://example.com", NULL },
		{ "https:/example.com", NULL },
		{ "https://", NULL },
		{ "https:///x", NULL },
		{ "https://user@/x", NULL },
		{ "https://example.com?", NULL },
		{ "https://example.com/?a=b", NULL },
		{ "https://example.com?x#y", NULL },
		{ "https://example.com:/", NULL },
		{ "https://example.com:0/", NULL },
		{ "https://example.com:65536/", NULL },
		{ "https://example.com:000443/", NULL },
		{ "https://example.com:80x/", NULL },
		{ "https://exa mple.com/", NULL },
		{ "https://example.com/a b", NULL },
		{ "https://example.com/%zz", NULL },
		{ "https://example.com/%2", NULL },
		{ "https://ex\xc3\xa4mple.com/", NULL },
		{ "https://example.com/\xc3\xa4", NULL },
		{ "https://us er@example.com/", NULL },
		{ "https://[2001:db8::1", NULL },
		{ "https://[example.com]/", NULL },
		{ "https://[2001:db8::1]x/", NULL },
		{ " https://example.com", NULL },
		{ "https://example.com ", NULL },
		{ "\"https://example.com\"", NULL },
	};
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++)
		assert_value("SERVER_PUBLIC_URL", "server.public_url",
		    cases[i].value, cases[i].expected);
}

static void
test_other_values(void)
{
	static const struct {
		const char *variable, *line, *value, *expected;
	} cases[] = {
		{ "SERVER_BASE_PATH", "server.base_path", "", "" },
		{ "SERVER_BASE_PATH", "server.base_path", "/", "" },
		{ "SERVER_BASE_PATH", "server.base_path", "/a/b.c", "/a/b.c" },
		{ "SERVER_BASE_PATH", "server.base_path", "/a%20b", "/a%20b" },
		{ "SERVER_BASE_PATH", "server.base_path", "a", NULL },
		{ "SERVER_BASE_PATH", "server.base_path", "/a/", NULL },
		{ "SERVER_BASE_PATH", "server.base_path", "//", NULL },
		{ "SERVER_BASE_PATH", "server.base_path", "/a//b", NULL },
		{ "SERVER_BASE_PATH", "server.base_path", "/a?b", NULL },
		{ "SERVER_BASE_PATH", "server.base_path", "/a#b", NULL },
		{ "SERVER_BASE_PATH", "server.base_path", "/a b", NULL },
		{ "SERVER_BASE_PATH", "server.base_path", "/%", NULL },
		{ "SERVER_TRUSTED_PROXIES", "server.trusted_proxies",
		    "10.0.0.0/8,::1/128", "10.0.0.0/8,::1/128" },
		{ "SERVER_TRUSTED_PROXIES", "server.trusted_proxies",
		    "10.0.0.0/33", NULL },
		{ "SERVER_TRUSTED_PROXIES", "server.trusted_proxies",
		    "localhost", NULL },
		{ "SERVER_TRUSTED_PROXIES", "server.trusted_proxies",
		    "127.0.0.1,10.0.0", NULL },
		{ "SERVER_TRUSTED_PROXIES", "server.trusted_proxies",
		    "127.0.0.1;10.0.0.1", NULL },
		{ "SERVER_ADMIN_TOKEN", "server.admin_token", "a-b_c~",
		    "(set)" },
		{ "SERVER_ADMIN_TOKEN", "server.admin_token", "a b", NULL },
		{ "SERVER_ADMIN_TOKEN", "server.admin_token", "a\xc3\xa9",
		    NULL },
		{ "TWILIO_AUTH_TOKEN", "twilio.auth_token", "ab ", NULL },
		{ "TWILIO_AUTH_TOKEN_PREVIOUS", "twilio.auth_token_previous",
		    "\ta", NULL },
		{ "TWILIO_ACCOUNT_SID", "twilio.account_sid", "", "" },
		{ "TWILIO_ACCOUNT_SID", "twilio.account_sid",
		    "AC0123456789abcdefABCDEF0123456789",
		    "AC0123456789abcdefABCDEF0123456789" },
		{ "TWILIO_ACCOUNT_SID", "twilio.account_sid",
		    "ac0123456789abcdefABCDEF0123456789",
		    "AC0123456789abcdefABCDEF0123456789" },
		{ "TWILIO_ACCOUNT_SID", "twilio.account_sid",
		    "CA0123456789abcdefABCDEF0123456789", NULL },
		{ "TWILIO_ACCOUNT_SID", "twilio.account_sid",
		    "AC0123456789abcdefABCDEF012345678", NULL },
		{ "TWILIO_ACCOUNT_SID", "twilio.account_sid",
		    "AC0123456789abcdefABCDEF01234567890", NULL },
		{ "TWILIO_ACCOUNT_SID", "twilio.account_sid",
		    "AC0123456789abcdefABCDEF012345678g", NULL },
		{ "TWILIO_API_URL", "twilio.api_url", "http://127.0.0.1:9/x/#f",
		    "http://127.0.0.1:9/x" },
		{ "TWILIO_API_URL", "twilio.api_url", "wss://example.com",
		    NULL },
		{ "TWILIO_API_URL", "twilio.api_url", "", NULL },
		{ "WHATSAPP_CONVERSATIONS", "whatsapp.conversations", "",
		    NULL },
		{ "WHATSAPP_AI_QUEUE", "whatsapp.ai_queue", "", NULL },
		{ "WHATSAPP_HUMAN_QUEUE", "whatsapp.human_queue", "", NULL },
		{ "STORE_PATH", "store.path", "", NULL },
		{ "STORE_PATH", "store.path", "switchhook.db", NULL },
		{ "SERVER_LOG_TARGET", "server.log_target", "syslog",
		    "syslog" },
		{ "SERVER_LOG_TARGET", "server.log_target", "sterr", NULL },
		{ "SERVER_LOG_TARGET", "server.log_target", "", NULL },
		{ "SERVER_LOG_LEVEL", "server.log_level", "Critical", "error" },
		{ "SERVER_LOG_LEVEL", "server.log_level", "trace", "debug" },
		{ "SERVER_LOG_LEVEL", "server.log_level", "warn|warning",
		    NULL },
		{ "SERVER_MAX_BODY", "server.max_body", "1m", "1M" },
		{ "SERVER_MAX_BODY", "server.max_body", "1025", "1025" },
	};
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++)
		assert_value(cases[i].variable, cases[i].line, cases[i].value,
		    cases[i].expected);
}

/* The token that file:PATH gives for this content; NULL: it is refused. */
static void
assert_file_token(const void *content, size_t len, const char *expected)
{
	struct buf reference = BUF_INIT;
	struct loaded l;

	buf_printf(&reference, "file:%s", configs_file("token", content, len));
	load_one(&l, "TWILIO_AUTH_TOKEN", buf_str(&reference), NULL);
	CU_ASSERT_EQUAL(l.st, expected == NULL ? ST_CONFIG : ST_OK);
	if (expected != NULL && l.config != NULL)
		CU_ASSERT_STRING_EQUAL(l.config->twilio.auth_token, expected);
	if (expected == NULL)
		CU_ASSERT_EQUAL(configs_lines(&l.errors), 1);
	configs_release(&l);
	buf_release(&reference);
}

static void
test_file_references(void)
{
	char big[64 << 10];

	assert_file_token("secret", 6, "secret");
	assert_file_token("secret\n", 7, "secret");
	assert_file_token("secret\r\n", 8, "secret");
	assert_file_token("", 0, "");
	assert_file_token("\n", 1, "");
	/* What a file names is a value, not another reference. */
	assert_file_token("env:HOME\n", 9, "env:HOME");
	assert_file_token("secret\n\n", 8, NULL);
	assert_file_token("secret\r", 7, NULL);
	assert_file_token("secret \n", 8, NULL);
	assert_file_token("sec\0ret", 7, NULL);
	memset(big, 'a', sizeof(big));
	assert_file_token(big, sizeof(big), NULL);
	big[sizeof(big) - 2] = '\0';
	assert_file_token(big, sizeof(big) - 2, big);
	assert_value("TWILIO_AUTH_TOKEN", "twilio.auth_token",
	    "file:/nonexistent", NULL);
	assert_value("TWILIO_AUTH_TOKEN", "twilio.auth_token", "file:/", NULL);
	assert_value("TWILIO_AUTH_TOKEN", "twilio.auth_token", "file:", NULL);
	assert_value("TWILIO_AUTH_TOKEN", "twilio.auth_token", "file:a", NULL);
	assert_value(
	    "TWILIO_AUTH_TOKEN", "twilio.auth_token", "file:/dev/zero", NULL);
	assert_value(
	    "TWILIO_AUTH_TOKEN", "twilio.auth_token", "file:/dev/null", NULL);
}

static void
assert_env_token(const char *reference, const char *other, const char *expected)
{
	struct loaded l;

	load_one(&l, "TWILIO_AUTH_TOKEN", reference, other);
	CU_ASSERT_EQUAL(l.st, expected == NULL ? ST_CONFIG : ST_OK);
	if (expected != NULL && l.config != NULL)
		CU_ASSERT_STRING_EQUAL(l.config->twilio.auth_token, expected);
	if (expected == NULL)
		CU_ASSERT_EQUAL(configs_lines(&l.errors), 1);
	configs_release(&l);
}

static void
test_env_references(void)
{
	assert_env_token("env:TOKEN", "TOKEN=secret", "secret");
	assert_env_token("env:TOKEN", "TOKEN=", "");
	assert_env_token("env:_t0", "_t0=env:_t0", "env:_t0");
	assert_env_token("env:TOKEN", "TOKE=secret", NULL);
	assert_env_token("env:TOKEN", "TOKEN=a b", NULL);
	assert_env_token("env:TOKEN", "TOKEN=a\nb", NULL);
	assert_env_token("env:", "=secret", NULL);
	assert_env_token("env:A B", "A B=secret", NULL);
	assert_env_token("env:9", "9=secret", NULL);
	/* A header of a request, under CGI. */
	assert_env_token("env:HTTP_TOKEN", "HTTP_TOKEN=secret", NULL);
}

static void
test_other_references(void)
{
	struct loaded l;

	assert_env_token("vault:x", "A=b", "vault:x");
	assert_env_token("File:/x", "A=b", "File:/x");
	assert_env_token("SSM:/x", "A=b", "SSM:/x");
	/* Any text, and checked after it is resolved. */
	load_one(&l, "SERVER_PUBLIC_URL", "env:U", "U=https://example.com/#x");
	CU_ASSERT_TRUE(configs_has_line(
	    &l.shown, "server.public_url = https://example.com"));
	configs_release(&l);
	load_one(&l, "SERVER_PUBLIC_URL", "env:U", "U=example.com");
	CU_ASSERT_EQUAL(l.st, ST_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(buf_str(&l.errors), "server.public_url: is not an http"));
	configs_release(&l);
	load_one(&l, "SERVER_THREADS", "env:N", "N=3");
	CU_ASSERT_EQUAL(l.st, ST_CONFIG);
	configs_release(&l);
}

/* What an earlier step found bad is told once. */
static void
test_mistakes_once(void)
{
	struct loaded l;

	configs_load_text(&l,
	    "[twilio]\nauth_token = file:/nonexistent\n"
	    "account_sid = ssm: x\n[server]\npublic_url = 'x'\n",
	    ENV("SWITCHHOOK_TWILIO_AUTH_TOKEN=a\001"));
	CU_ASSERT_EQUAL(configs_lines(&l.errors), 3);
	configs_release(&l);
}

/* config_check_server of a file with this text. */
static void
assert_server(const char *text, const char *const *envp, const char *mistake)
{
	struct buf errors = BUF_INIT, expected = BUF_INIT;
	struct loaded l;

	configs_load_text(&l, text, envp);
	CU_ASSERT_EQUAL_FATAL(l.st, ST_OK);
	CU_ASSERT_EQUAL(config_check_server(l.config, &errors),
	    mistake == NULL ? ST_OK : ST_CONFIG);
	if (mistake != NULL)
		buf_printf(&expected, mistake, l.config->file, l.config->file);
	CU_ASSERT_STRING_EQUAL(buf_str(&errors), buf_str(&expected));
	buf_release(&errors);
	buf_release(&expected);
	configs_release(&l);
}

#define WHAT_TO_DO \
	"set auth_token under [twilio] in %s, to the token or to file:PATH, " \
	"or SWITCHHOOK_TWILIO_AUTH_TOKEN in the environment; " \
	"or write Twilio's shared keys under [shared_keys]\n"

static void
test_server(void)
{
	struct buf errors = BUF_INIT;
	struct loaded l;

	assert_server("[twilio]\nauth_token = t\n", NO_ENV, NULL);
	assert_server("[server]\nsignature = off\n", NO_ENV, NULL);
	assert_server("[shared_keys]\nk1 = s\n", NO_ENV, NULL);
	assert_server("", NO_ENV,
	    "%s: twilio.auth_token: is empty, so no webhook could be checked "
	    "(server.signature = enforce); " WHAT_TO_DO);
	assert_server("[server]\nsignature = report\n[twilio]\nauth_token =\n",
	    NO_ENV,
	    "%s:4: twilio.auth_token: is empty, so no webhook could be checked "
	    "(server.signature = report); " WHAT_TO_DO);
	/* An old token alone is no token. */
	assert_server("[twilio]\nauth_token_previous = t\n", NO_ENV,
	    "%s: twilio.auth_token: is empty, so no webhook could be checked "
	    "(server.signature = enforce); " WHAT_TO_DO);
	/* Without a file it is the usual one that is meant. */
	configs_load(&l, NULL, NO_ENV);
	CU_ASSERT_EQUAL(config_check_server(l.config, &errors), ST_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&errors), CONFIG_FILE ": twi"));
	configs_release(&l);
	buf_release(&errors);
}

/* No message and nothing shown has a secret in it, wherever one was put. */
static void
test_secrets_stay_secret(void)
{
	static const char *const texts[] = {
		"[twilio]\nauth_token = hunter2\naccount_sid = hunter2\n"
		"auth_token = hunter2\n[server]\nadmin_token = 'hunter2'\n"
		"signature = hunter2\nthreads = hunter2\npublic_url = hunter2\n"
		"hunter2\nlog_target = hunter2\nbase_path = hunter2\n",
		"[twilio]\nauth_token = file:hunter2\n"
		"auth_token_previous = env:hunter2\naccount_sid = "
		"ssm:hunter2 hunter2\n",
		"[server]\nadmin_token = hunter2\n"
		"public_url = https://user:hunter2@example.com\n"
		"[twilio]\nauth_token=hunter2\nauth_token_previous=hunter2\n",
	};
	struct loaded l;
	size_t i;

	for (i = 0; i < TEST_COUNT(texts); i++) {
		configs_load_text(&l, texts[i], NO_ENV);
		CU_ASSERT_TRUE(l.errors.len + l.shown.len > 100);
		CU_ASSERT_PTR_NULL(strstr(buf_str(&l.errors), "hunter2"));
		CU_ASSERT_PTR_NULL(strstr(buf_str(&l.shown), "hunter2"));
		configs_release(&l);
	}
}

/* The three steps without settings_load: a load that failed goes on. */
static void
test_steps(void)
{
	struct buf errors = BUF_INIT;
	struct config *c;

	CU_ASSERT_EQUAL(
	    config_load(&c, "/nonexistent", NULL, &errors), ST_CONFIG);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_EQUAL(config_check(c, &errors), ST_OK);
	CU_ASSERT_STRING_EQUAL(c->whatsapp.ai_queue, "sqlite:ai");
	config_free(c);
	config_free(NULL);
	buf_release(&errors);
}

static const struct test tests[] = {
	{ "public_url", test_public_url },
	{ "other values", test_other_values },
	{ "file:", test_file_references },
	{ "env:", test_env_references },
	{ "other references", test_other_references },
	{ "each mistake once", test_mistakes_once },
	{ "what a server needs", test_server },
	{ "secrets stay secret", test_secrets_stay_secret },
	{ "the steps one by one", test_steps },
};

int
main(void)
{
	return test_main("params", tests, TEST_COUNT(tests));
}
