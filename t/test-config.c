/* The configuration: the table, the file, the environment, every mistake. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/slot.h"
#include "config/value.h"
#include "t/configs.h"
#include "t/test.h"

/* One value that is not the default for each option, and how it is shown. */
static const struct {
	const char *section, *key, *value, *shown;
} samples[] = {
	{ "server", "public_url", "https://example.com/hook", NULL },
	{ "server", "base_path", "/hook", NULL },
	{ "server", "trusted_proxies", "127.0.0.1, 10.0.0.0/8, ::1", NULL },
	{ "server", "signature", "report", NULL },
	{ "server", "admin_token", "sample-admin", "(set)" },
	{ "server", "threads", "7", NULL },
	{ "server", "max_body", "2048", "2K" },
	{ "server", "log_level", "WARNING", "warn" },
	{ "server", "log_target", "/var/log/switchhook.log", NULL },
	{ "server", "log_format", "json", NULL },
	{ "server", "console", "/srv/console", NULL },
	{ "twilio", "account_sid", "AC00000000000000000000000000000000", NULL },
	{ "twilio", "auth_token", "sample-token", "(set)" },
	{ "twilio", "auth_token_previous", "sample-previous", "(set)" },
	{ "twilio", "api_key", "SK00000000000000000000000000000000", NULL },
	{ "twilio", "api_secret", "sample-secret", "(set)" },
	{ "twilio", "api_url", "http://127.0.0.1:8081", NULL },
	{ "twilio", "sender", "+14155550199", NULL },
	{ "whatsapp", "conversations", "sqlite:other", NULL },
	{ "whatsapp", "conversations_index", "by-tel", NULL },
	{ "whatsapp", "dedupe", "dynamodb:seen", NULL },
	{ "whatsapp", "ai_queue", "sqlite:robots", NULL },
	{ "whatsapp", "human_queue", "sqlite:people", NULL },
	{ "whatsapp", "ai_delay", "900", NULL },
	{ "whatsapp", "max_receives", "0", NULL },
	{ "whatsapp", "unknown_sender", "create", NULL },
	{ "voice", "templates", "/srv/templates", NULL },
	{ "voice", "operator_phone_number", "+14155550100", NULL },
	{ "voice", "webhook_api_url", "https://example.com/voice", NULL },
	{ "voice", "media_api_url", "wss://example.com/media", NULL },
	{ "voice", "conversation_relay_url", "wss://example.com/relay", NULL },
	{ "voice", "welcome_greeting_url", "Good day", NULL },
	{ "voice", "digits_queue", "sqlite:keyed", NULL },
	{ "voice", "max_attempts", "20", NULL },
	{ "store", "path", "/srv/switchhook.db", NULL },
	{ "store", "journal", "rollback", NULL },
	{ "store", "spool", "off", NULL },
	{ "store", "keep_messages", "0", NULL },
	{ "aws", "region", "eu-central-1", NULL },
	{ "aws", "secretsmanager_region", "eu-south-2", NULL },
	{ "aws", "system_name", "hooks", NULL },
	{ "aws", "env_type", "prod", NULL },
	{ "aws", "proxy", "http://127.0.0.1:3128", NULL },
	{ "trace", "otlp_url", "http://127.0.0.1:4318/v1/traces", NULL },
	{ "trace", "xray", "[::1]:2000", NULL },
};

static void
shown_line(
    const char *section, const char *key, const char *value, struct buf *out)
{
	buf_reset(out);
	buf_printf(out, "%s.%s = %s", section, key, value);
}

static void
test_table(void)
{
	const struct option *o;
	struct loaded l;
	struct buf line = BUF_INIT;

	configs_load(&l, NULL, NO_ENV);
	CU_ASSERT_EQUAL(l.st, ST_OK);
	CU_ASSERT_EQUAL(l.errors.len, 0);
	for (o = options; o < options + options_n; o++) {
		CU_ASSERT_TRUE(strlen(o->help) > 10);
		CU_ASSERT_PTR_EQUAL(option_find(o->section, o->key), o);
		shown_line(o->section, o->key,
		    o->secret ? "(not set)" : o->fallback, &line);
		CU_ASSERT_TRUE(configs_has_line(&l.shown, buf_str(&line)));
		buf_reset(&line);
		config_where(l.config, o->section, o->key, &line);
		CU_ASSERT_STRING_EQUAL(buf_str(&line), "default");
	}
	/* Three of the menu, three of the target that is always there. */
	CU_ASSERT_EQUAL(configs_lines(&l.shown), options_n + 6);
	CU_ASSERT_EQUAL(TEST_COUNT(samples), options_n);
	CU_ASSERT_PTR_NULL(option_find("server", "auth_token"));
	buf_release(&line);
	configs_release(&l);
}

static void
test_named_sections(void)
{
	static const char text[] =
	    "[menu]\n1 = sales\n2 =\n*7 = gather\nother = gather\n"
	    "[values]\nShop = Corner Shop\n"
	    "[digits zip]\nmin_length = 5\nmax_length = 5\n"
	    "[digits zip-plus]\nformat = number\nmax = 99\n";
	struct loaded l;
	const struct digits_target *t;

	configs_load_text(&l, text,
	    ENV("SWITCHHOOK_MENU_3=birthdate", "SWITCHHOOK_MENU_OTHER=dial",
		"SWITCHHOOK_VALUES_SHOP=Other Shop",
		"SWITCHHOOK_VALUES_TOWN=Springfield",
		"SWITCHHOOK_DIGITS_ZIP_PLUS_MIN=7",
		"SWITCHHOOK_DIGITS_CARD_FORMAT=luhn"));
	CU_ASSERT_EQUAL_FATAL(l.st, ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&l.errors), "");
	CU_ASSERT_STRING_EQUAL(config_menu(l.config, "1"), "sales");
	CU_ASSERT_PTR_NULL(config_menu(l.config, "2"));
	CU_ASSERT_STRING_EQUAL(config_menu(l.config, "3"), "birthdate");
	CU_ASSERT_STRING_EQUAL(config_menu(l.config, "*7"), "gather");
	CU_ASSERT_STRING_EQUAL(config_menu(l.config, "other"), "dial");
	CU_ASSERT_STRING_EQUAL(
	    config_placeholder(l.config, "Shop"), "Other Shop");
	CU_ASSERT_STRING_EQUAL(
	    config_placeholder(l.config, "town"), "Springfield");
	CU_ASSERT_PTR_NULL(config_placeholder(l.config, "shop"));
	CU_ASSERT_PTR_NULL(config_placeholder(l.config, "media_api_url"));
	t = config_target(l.config, "zip");
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(t->rule.format, DIGITS_PLAIN);
	CU_ASSERT_EQUAL(t->rule.min_length, 5);
	CU_ASSERT_EQUAL(t->rule.max_length, 5);
	t = config_target(l.config, "zip-plus");
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(t->rule.format, DIGITS_NUMBER);
	CU_ASSERT_EQUAL(t->rule.min, 7);
	CU_ASSERT_EQUAL(t->rule.max, 99);
	CU_ASSERT_PTR_EQUAL(config_target_of(l.config, "zip-plus-retry"), t);
	t = config_target(l.config, "card");
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(t->rule.format, DIGITS_LUHN);
	t = config_target(l.config, "birthdate");
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(t->rule.format, DIGITS_DATE);
	CU_ASSERT_PTR_EQUAL(config_target_of(l.config, "birthdate"), t);
	CU_ASSERT_PTR_NULL(config_target_of(l.config, "birthdates"));
	configs_release(&l);
}

/* The option's line in what is shown, and where it says it came from. */
static void
assert_sample(const struct loaded *l, size_t i, const char *where)
{
	struct buf b = BUF_INIT;

	CU_ASSERT_EQUAL(l->st, ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&l->errors), "");
	shown_line(samples[i].section, samples[i].key,
	    samples[i].shown != NULL ? samples[i].shown : samples[i].value, &b);
	CU_ASSERT_TRUE(configs_has_line(&l->shown, buf_str(&b)));
	buf_reset(&b);
	if (l->config != NULL)
		config_where(l->config, samples[i].section, samples[i].key, &b);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), where);
	buf_release(&b);
}

/* What a key cannot stand without, as a variable; NULL: nothing. */
static const char *
without(const char *key)
{
	if (strcmp(key, "api_key") == 0)
		return "SWITCHHOOK_TWILIO_API_SECRET=s";
	if (strcmp(key, "api_secret") == 0)
		return "SWITCHHOOK_TWILIO_API_KEY="
		       "SK00000000000000000000000000000000";
	return NULL;
}

static void
test_every_key_by_file(void)
{
	struct loaded l;
	char text[256], where[300];
	size_t i;

	for (i = 0; i < TEST_COUNT(samples); i++) {
		snprintf(text, sizeof(text), "; a comment\n[%s]\n%s = %s\n",
		    samples[i].section, samples[i].key, samples[i].value);
		configs_load_text(&l, text, ENV(without(samples[i].key)));
		snprintf(where, sizeof(where), "%s/switchhook.conf:3",
		    test_tmpdir());
		assert_sample(&l, i, where);
		configs_release(&l);
	}
}

static void
test_every_key_by_variable(void)
{
	const struct option *o;
	char name[OPTION_VARIABLE_MAX];
	struct buf pair = BUF_INIT;
	struct loaded l;
	size_t i;

	for (i = 0; i < TEST_COUNT(samples); i++) {
		o = option_find(samples[i].section, samples[i].key);
		CU_ASSERT_PTR_NOT_NULL_FATAL(o);
		option_variable(o, name);
		buf_reset(&pair);
		buf_printf(&pair, "%s=%s", name, samples[i].value);
		configs_load(
		    &l, NULL, ENV(buf_str(&pair), without(samples[i].key)));
		assert_sample(&l, i, name);
		configs_release(&l);
	}
	buf_release(&pair);
}

static void
test_variable_names(void)
{
	char name[OPTION_VARIABLE_MAX];
	size_t i;

	option_variable(option_find("twilio", "auth_token_previous"), name);
	CU_ASSERT_STRING_EQUAL(name, "SWITCHHOOK_TWILIO_AUTH_TOKEN_PREVIOUS");
	/* None is cut off. */
	for (i = 0; i < options_n; i++) {
		option_variable(&options[i], name);
		CU_ASSERT_EQUAL(strlen(name),
		    strlen("SWITCHHOOK__") + strlen(options[i].section) +
			strlen(options[i].key));
	}
}

static void
test_precedence(void)
{
	static const char text[] = "[server]\nlog_level = error\nthreads=1\n";
	struct loaded l;

	configs_load_text(&l, text, ENV("LOG_LEVEL=debug"));
	CU_ASSERT_TRUE(configs_has_line(&l.shown, "server.log_level = error"));
	configs_release(&l);
	configs_load_text(&l, text,
	    ENV("LOG_LEVEL=debug", "SWITCHHOOK_SERVER_LOG_LEVEL=warn",
		"SWITCHHOOK_SERVER_THREADS=2", "SWITCHHOOK_SERVER_THREADS=3"));
	CU_ASSERT_TRUE(configs_has_line(&l.shown, "server.log_level = warn"));
	CU_ASSERT_TRUE(configs_has_line(&l.shown, "server.threads = 2"));
	configs_release(&l);
	configs_load(&l, NULL, ENV("LOG_LEVEL=DEBUG", "threads=9"));
	CU_ASSERT_TRUE(configs_has_line(&l.shown, "server.log_level = debug"));
	CU_ASSERT_TRUE(configs_has_line(&l.shown, "server.threads = 0"));
	configs_release(&l);
	/* Set but empty: not meant for us. */
	configs_load(&l, NULL, ENV("LOG_LEVEL="));
	CU_ASSERT_EQUAL(l.st, ST_OK);
	configs_release(&l);
	/* Ours, set but empty: that is its value. */
	configs_load_text(&l, "[twilio]\nauth_token = t\n",
	    ENV("SWITCHHOOK_TWILIO_AUTH_TOKEN="));
	CU_ASSERT_TRUE(
	    configs_has_line(&l.shown, "twilio.auth_token = (not set)"));
	configs_release(&l);
	/* A request's variables are no part of this; HTTP_ ones least. */
	configs_load(&l, NULL,
	    ENV("HTTP_SWITCHHOOK_SERVER_THREADS=3", "switchhook_x=1"));
	CU_ASSERT_EQUAL(l.st, ST_OK);
	CU_ASSERT_TRUE(configs_has_line(&l.shown, "server.threads = 0"));
	configs_release(&l);
}

/* What config_load alone makes of a setting: references are text there. */
static void
assert_loaded(const char *text, const char *const *envp, const char *section,
    const char *key, const char *value, const char *where, bool implied)
{
	const char *path = configs_file("loaded.conf", text, strlen(text));
	const struct option *o = option_find(section, key);
	struct buf b = BUF_INIT;
	struct config *c = NULL;

	CU_ASSERT_EQUAL(config_load(&c, path, (char *const *)envp, &b), ST_OK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_STRING_EQUAL(*config_slot(c, o).text, value);
	CU_ASSERT_EQUAL(c->origins[o - options].implied, implied);
	config_where(c, section, key, &b);
	if (strcmp(where, "file") == 0)
		CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&b), "loaded.conf:2"));
	if (strcmp(where, "file") != 0)
		CU_ASSERT_STRING_EQUAL(buf_str(&b), where);
	config_free(c);
	buf_release(&b);
}

/* Names that other programs of a site have set. */
static void
test_other_variables(void)
{
	static const struct {
		const char *variable, *section, *key, *value;
	} cases[] = {
		{ "CONVERSATIONS_TABLE=t", "whatsapp", "conversations",
		    "dynamodb:t" },
		{ "WHATSAPP_REPLIES_QUEUE_URL=https://q/1/ai", "whatsapp",
		    "ai_queue", "https://q/1/ai" },
		{ "HUMAN_HANDOFF_QUEUE_URL=https://q/1/h", "whatsapp",
		    "human_queue", "https://q/1/h" },
		{ "TWILIO_AUTH_TOKEN_SECRET_ID=a/b#c", "twilio", "auth_token",
		    "secretsmanager:a/b#c" },
		{ "SECRETS_MANAGER_REGION=eu-west-1", "aws",
		    "secretsmanager_region", "eu-west-1" },
		{ "SYSTEM_NAME=s", "aws", "system_name", "s" },
		{ "ENV_TYPE=e", "aws", "env_type", "e" },
	};
	const struct option *o;
	char name[64], own[OPTION_VARIABLE_MAX], text[128], set[128];
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		snprintf(name, sizeof(name), "%.*s",
		    (int)strcspn(cases[i].variable, "="), cases[i].variable);
		assert_loaded("", ENV(cases[i].variable), cases[i].section,
		    cases[i].key, cases[i].value, name, false);
		snprintf(text, sizeof(text), "[%s]\n%s = x\n", cases[i].section,
		    cases[i].key);
		assert_loaded(text, ENV(cases[i].variable), cases[i].section,
		    cases[i].key, "x", "file", false);
		o = option_find(cases[i].section, cases[i].key);
		option_variable(o, own);
		snprintf(set, sizeof(set), "%s=y", own);
		assert_loaded(text, ENV(cases[i].variable, set),
		    cases[i].section, cases[i].key, "y", own, false);
		/* Empty counts as not set, also without what goes before. */
		snprintf(set, sizeof(set), "%s=", name);
		assert_loaded("", ENV(set), cases[i].section, cases[i].key,
		    o->fallback, "default", false);
	}
}

static void
test_classic_variables(void)
{
	static const char *const five[][2] = { { "twilio", "auth_token" },
		{ "twilio", "account_sid" },
		{ "voice", "operator_phone_number" },
		{ "voice", "media_api_url" }, { "voice", "webhook_api_url" } };
	const struct option *o;
	size_t i, n = 0;

	for (i = 0; i < TEST_COUNT(five); i++) {
		assert_loaded("", ENV("SYSTEM_NAME=s"), five[i][0], five[i][1],
		    "ssm:", "SYSTEM_NAME", true);
		assert_loaded("", ENV("ENV_TYPE=e"), five[i][0], five[i][1],
		    "ssm:", "ENV_TYPE", true);
		assert_loaded("", ENV("ENV_TYPE=", "AWS_REGION=x"), five[i][0],
		    five[i][1], "", "default", false);
		/* Only the environment makes it a classic site. */
		assert_loaded("[aws]\nsystem_name = s\n",
		    ENV("SWITCHHOOK_AWS_ENV_TYPE=e"), five[i][0], five[i][1],
		    "", "default", false);
	}
	assert_loaded("[twilio]\nauth_token =\n", ENV("ENV_TYPE=e"), "twilio",
	    "auth_token", "", "file", false);
	assert_loaded("", ENV("ENV_TYPE=e", "TWILIO_AUTH_TOKEN_SECRET_ID=id"),
	    "twilio", "auth_token", "secretsmanager:id",
	    "TWILIO_AUTH_TOKEN_SECRET_ID", false);
	assert_loaded("", ENV("ENV_TYPE=e"), "server", "public_url", "",
	    "default", false);
	for (o = options; o < options + options_n; o++)
		n += o->parameter != NULL;
	CU_ASSERT_EQUAL(n, TEST_COUNT(five));
}

/* Texts with one mistake, and the line that tells of it, after the path. */
static const struct {
	const char *text, *mistake;
} mistakes[] = {
	{ "[whatsapp]\ndedupe = seen\n",
	    ":2: whatsapp.dedupe: is not a table; write dynamodb:TABLE, or "
	    "leave "
	    "it out" },
	{ "[menu]\nx = y\n",
	    ":2: menu.x: is not a key of a telephone; write digits, or other" },
	{ "[menu]\n5 = a/b\n",
	    ":2: menu.5: names no template; write the NAME of a "
	    "NAME.twiml.xml" },
	{ "[values]\n1a = y\n",
	    ":2: values.1a: is not a placeholder's name; write letters, digits "
	    "and _" },
	{ "[digits]\nformat = date\n",
	    ":1: [digits]: has no name of letters, digits, _ and - behind "
	    "it; write it as in [digits birthdate]" },
	{ "[digits a]\nlength = 4\n",
	    ":2: digits a.length: there is no such key; write format, "
	    "min_length, max_length, min or max" },
	{ "[digits b]\nmin_length = 9\nmax_length = 5\n",
	    ":2: digits b.min_length: min_length is above max_length; write "
	    "them the other way round" },
	{ "[digits c]\nmin = 9\n",
	    ":2: digits c.min: goes with format = number or date only; "
	    "leave it out" },
	{ "[digits d]\nformat = date\nmax_length = 5\n",
	    ":3: digits d.max_length: a date always has 8 digits; leave it "
	    "out" },
	{ "[voice]\noperator_phone_number = 123\n",
	    ":2: voice.operator_phone_number: is not a telephone number; write "
	    "it as in +14155550100" },
	{ "[servr]\nthreads = x\n",
	    ":1: [servr]: there is no such section; did you mean [server]?" },
	{ "\n[zzzzzzzz]\n",
	    ":2: [zzzzzzzz]: there is no such section; "
	    "see switchhook.conf(5)" },
	{ "[]\n", ":1: []: there is no such section; see switchhook.conf(5)" },
	{ "[Server]\n",
	    ":1: [Server]: there is no such section; did you mean [server]?" },
	{ "[server]\npublic-url = x\n",
	    ":2: server.public-url: there is no such key; "
	    "did you mean public_url?" },
	{ "[server]\nauth_token = x\n",
	    ":2: server.auth_token: there is no such key; "
	    "write [twilio] on a line above it" },
	{ "[server]\nbanana = x\n",
	    ":2: server.banana: there is no such key; "
	    "see switchhook.conf(5)" },
	{ "threads = 1\n",
	    ":1: threads: stands before any section; "
	    "write [server] on a line above it" },
	{ "banana = 1\n",
	    ":1: banana: stands before any section; see switchhook.conf(5)" },
	{ "[server]\nthreads\n",
	    ":2: is neither a section nor a setting; write \"key = value\"" },
	{ "[server]\n= 3\n",
	    ":2: is neither a section nor a setting; write \"key = value\"" },
	{ "[server\nbanana = 3\n",
	    ":1: the section is not closed; write \"[name]\"" },
	{ "[server] threads = 3\n",
	    ":1: there is something behind the section's \"]\"; "
	    "give it a line of its own" },
	{ "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n",
	    ":1: the name of the section is too long; "
	    "see switchhook.conf(5) for those there are" },
	{ "[server]\n"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = 1\n",
	    ":2: the name of the key is too long; "
	    "see switchhook.conf(5) for the keys there are" },
	{ "[server]\nthreads = 1\n[store]\n[server]\nthreads = 1\n",
	    ":5: server.threads: is set on line 2 already; "
	    "remove one of them" },
	{ "[server]\nthreads =\n",
	    ":2: server.threads: has no value; write a number from 0 to 1024, "
	    "or leave it out (default 0)" },
	{ "[server]\nthreads = four\n",
	    ":2: server.threads: is not a number; write a number from 0 to "
	    "1024, or leave it out (default 0)" },
	{ "[server]\nthreads = -1\n",
	    ":2: server.threads: is not a number; write a number from 0 to "
	    "1024, or leave it out (default 0)" },
	{ "[server]\nthreads = 1025\n",
	    ":2: server.threads: is out of bounds; write a number from 0 to "
	    "1024, or leave it out (default 0)" },
	{ "[server]\nthreads = 99999999999999999999999\n",
	    ":2: server.threads: is out of bounds; write a number from 0 to "
	    "1024, or leave it out (default 0)" },
	{ "[whatsapp]\nai_delay = 901\n",
	    ":2: whatsapp.ai_delay: is out of bounds; write a number from 0 "
	    "to 900, or leave it out (default 30)" },
	{ "[server]\nmax_body = 100KB\n",
	    ":2: server.max_body: is not a size such as 100K; write a size "
	    "from 1K to 1M, or leave it out (default 100K)" },
	{ "[server]\nmax_body = 2M\n",
	    ":2: server.max_body: is out of bounds; write a size "
	    "from 1K to 1M, or leave it out (default 100K)" },
	{ "[server]\nmax_body = 1023\n",
	    ":2: server.max_body: is out of bounds; write a size "
	    "from 1K to 1M, or leave it out (default 100K)" },
	{ "[server]\nmax_body = K\n",
	    ":2: server.max_body: is not a size such as 100K; write a size "
	    "from 1K to 1M, or leave it out (default 100K)" },
	{ "[server]\nsignature = enforced\n",
	    ":2: server.signature: is not one of the choices (did you mean "
	    "enforce?); write enforce, report or off, or leave it out "
	    "(default enforce)" },
	{ "[aws]\nregion = eu central\n",
	    ":2: aws.region: is not a region; write it as in eu-central-1" },
	{ "[aws]\nenv_type = a/b\n",
	    ":2: aws.env_type: is not part of a parameter's name; write "
	    "letters, digits and _ . -" },
	{ "[whatsapp]\nconversations_index =\n",
	    ":2: whatsapp.conversations_index: is empty; leave it out for "
	    "the default" },
	{ "[store]\njournal = x\n",
	    ":2: store.journal: is not one of the choices; write wal or "
	    "rollback, or leave it out (default wal)" },
	{ "[server]\nadmin_token = \"abc\"\n",
	    ":2: server.admin_token: stands in quotes, which would be part of "
	    "the value; write it without them" },
	{ "[store]\npath = /db # mine\n",
	    ":2: store.path: has a \"#\" after a space, which begins no "
	    "comment here; write \";\" for a comment" },
	{ "[server]\nthreads = 1\001\n",
	    ":2: the line has a control character (0x01) in it; remove it" },
	{ "[server]\r\rthreads = 1\r",
	    ":1: the line has a control character (0x0d) in it; remove it" },
};

static void
test_mistakes(void)
{
	char line[512];
	struct loaded l;
	size_t i;

	for (i = 0; i < TEST_COUNT(mistakes); i++) {
		configs_load_text(&l, mistakes[i].text, NO_ENV);
		snprintf(line, sizeof(line), "%s/switchhook.conf%s\n",
		    test_tmpdir(), mistakes[i].mistake);
		CU_ASSERT_EQUAL(l.st, ST_CONFIG);
		CU_ASSERT_PTR_NULL(l.config);
		CU_ASSERT_STRING_EQUAL(buf_str(&l.errors), line);
		if (strcmp(buf_str(&l.errors), line) != 0)
			printf("\n%s%s", line, buf_str(&l.errors));
		configs_release(&l);
	}
}

static void
test_all_mistakes_are_listed(void)
{
	struct loaded l;
	struct buf text = BUF_INIT;
	size_t i, n = 0;

	for (i = 0; i < TEST_COUNT(mistakes); i++) {
		/* In one file these would be right, or one long line. */
		if (strncmp(mistakes[i].text, "threads", 7) == 0 ||
		    strstr(mistakes[i].text, "[store]\n[server]") != NULL ||
		    strchr(mistakes[i].text, '\r') != NULL)
			continue;
		buf_puts(&text, mistakes[i].text);
		n++;
	}
	CU_ASSERT_TRUE(n > 20);
	configs_load_text(&l, buf_str(&text),
	    ENV("SWITCHHOOK_SERVER_THREADS=x", "SWITCHHOOK_BANANA=1",
		"SWITCHHOOK_TWILIO_ACCOUNT_SID=x",
		"SWITCHHOOK_SERVER_BASE_PATH=env:NONE"));
	CU_ASSERT_EQUAL(l.st, ST_CONFIG);
	/* Four by variables. */
	CU_ASSERT_EQUAL(configs_lines(&l.errors), n + 4);
	configs_release(&l);
	/* A file with a great many is another file: it is not listed whole. */
	buf_reset(&text);
	for (i = 0; i < 3000; i++)
		buf_puts(&text, "banana\n");
	configs_load_text(&l, buf_str(&text), NO_ENV);
	CU_ASSERT_EQUAL(configs_lines(&l.errors), 1001);
	configs_release(&l);
	buf_release(&text);
}

/* An API key and its secret are nothing without each other. */
static void
test_api_key(void)
{
#define KEY "api_key = SK0123456789abcdefABCDEF0123456789\n"
	static const struct {
		const char *text, *mistake;
	} cases[] = {
		{ KEY,
		    ":2: twilio.api_key: stands alone; set api_secret under "
		    "[twilio] as well, or leave both out\n" },
		{ "api_key =\napi_secret = hunter2\n",
		    ":3: twilio.api_secret: stands alone; set api_key under "
		    "[twilio] as well, or leave both out\n" },
		{ "api_secret = a\napi_key = AC0123456789abcdefABCDEF01234567"
		  "89\n",
		    ":3: twilio.api_key: is not an API key's SID; write SK and "
		    "the 32 hexadecimal digits behind it, as Twilio's console "
		    "shows it\n" },
		{ KEY "api_secret = hunter 2\n",
		    ":3: twilio.api_secret: has a character in it that no "
		    "token has (a space, a line end, a non-ASCII one); remove "
		    "it\n" },
		{ KEY "api_secret = hunter2\n", NULL },
		{ "api_key =\napi_secret =\n", NULL },
	};
	char text[256], line[512];
	struct loaded l;
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		snprintf(text, sizeof(text), "[twilio]\n%s", cases[i].text);
		configs_load_text(&l, text, NO_ENV);
		*line = '\0';
		if (cases[i].mistake != NULL)
			snprintf(line, sizeof(line), "%s/switchhook.conf%s",
			    test_tmpdir(), cases[i].mistake);
		CU_ASSERT_STRING_EQUAL(buf_str(&l.errors), line);
		configs_release(&l);
	}
#undef KEY
}

static void
test_variable_mistakes(void)
{
	struct loaded l;

	configs_load(&l, NULL,
	    ENV("SWITCHHOOK_SERVER_THREAD=1", "SWITCHHOOK_BANANA=1",
		"SWITCHHOOK_", "SWITCHHOOK_CONF=/x", "SWITCHHOOK_\n=1",
		"SWITCHHOOK_QUEUE=ai", "SWITCHHOOK_MESSAGE_ID=1",
		"SWITCHHOOK_ATTEMPT=1", "SWITCHHOOK_MESSAGES=1",
		"SWITCHHOOK_CONVERSATION=a", "SWITCHHOOK_FROM=+1",
		"SWITCHHOOK_TO=+1", "SWITCHHOOK_CHANNEL=sms",
		"SWITCHHOOK_WHATSAPP_AI_DELAY=30s", "LOG_LEVEL=loud",
		"SWITCHHOOK_STORE_PATH=/a\nb"));
	CU_ASSERT_EQUAL(l.st, ST_CONFIG);
	CU_ASSERT_EQUAL(configs_lines(&l.errors), 7);
	CU_ASSERT_TRUE(configs_has_line(&l.errors,
	    "SWITCHHOOK_SERVER_THREAD: no setting has this variable; "
	    "did you mean SWITCHHOOK_SERVER_THREADS?"));
	CU_ASSERT_TRUE(configs_has_line(&l.errors,
	    "SWITCHHOOK_BANANA: no setting has this variable; "
	    "unset it, or see switchhook.conf(5)"));
	CU_ASSERT_TRUE(configs_has_line(&l.errors,
	    "SWITCHHOOK_?: no setting has this variable; "
	    "unset it, or see switchhook.conf(5)"));
	CU_ASSERT_TRUE(configs_has_line(&l.errors,
	    "SWITCHHOOK_WHATSAPP_AI_DELAY: whatsapp.ai_delay: is not a "
	    "number; write a number from 0 to 900, or leave it out "
	    "(default 30)"));
	CU_ASSERT_TRUE(configs_has_line(&l.errors,
	    "LOG_LEVEL: server.log_level: is not one of the choices; write "
	    "debug, info, warn or error, or leave it out (default info)"));
	CU_ASSERT_TRUE(configs_has_line(&l.errors,
	    "SWITCHHOOK_STORE_PATH: store.path: has a control character in "
	    "it; remove it"));
	configs_release(&l);
}

static void
test_forms_of_file(void)
{
	static const char crlf[] = "\xef\xbb\xbf[server]\r\n  threads = 5\r\n"
				   "\tmax_body = 1m ; inline\r\n"
				   "# a comment\r\n\r\n"
				   "log_target: /a;b\r\n[store]\r\npath=/x";
	struct loaded l;

	configs_load_text(&l, crlf, NO_ENV);
	CU_ASSERT_EQUAL(l.st, ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&l.errors), "");
	CU_ASSERT_TRUE(configs_has_line(&l.shown, "server.threads = 5"));
	CU_ASSERT_TRUE(configs_has_line(&l.shown, "server.max_body = 1M"));
	CU_ASSERT_TRUE(configs_has_line(&l.shown, "server.log_target = /a;b"));
	CU_ASSERT_TRUE(configs_has_line(&l.shown, "store.path = /x"));
	configs_release(&l);
	configs_load_text(&l, "", NO_ENV);
	CU_ASSERT_EQUAL(l.st, ST_OK);
	configs_release(&l);
	configs_load(&l, "/dev/null", NO_ENV);
	CU_ASSERT_EQUAL(l.st, ST_OK);
	configs_release(&l);
}

/* A file that cannot be had: one mistake, which begins with the path. */
static void
assert_unreadable(const char *path, const char *why)
{
	char line[512];
	struct loaded l;

	configs_load(&l, path, NO_ENV);
	CU_ASSERT_EQUAL(l.st, ST_CONFIG);
	CU_ASSERT_PTR_NULL(l.config);
	snprintf(line, sizeof(line),
	    "%s: cannot be read: %s; name a text "
	    "file of at most 256K that this user may read",
	    path, why);
	CU_ASSERT_TRUE(configs_has_line(&l.errors, line));
	CU_ASSERT_EQUAL(configs_lines(&l.errors), 1);
	configs_release(&l);
}

static void
test_bad_files(void)
{
	static const char nul[] = "[server]\nthreads = 1\n\0[servr]\nx\n";
	char path[256], *big, line[512];
	struct loaded l;

	assert_unreadable("/nonexistent/x.conf", "No such file or directory");
	assert_unreadable(test_tmpdir(), "it is a directory");
	assert_unreadable("/dev/zero", "it is too large");
	snprintf(path, sizeof(path), "%s/fifo", test_tmpdir());
	CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
	assert_unreadable(path, "it is not a regular file");
	CU_ASSERT_PTR_NOT_NULL_FATAL(big = malloc((256 << 10) + 1));
	memset(big, '\n', (256 << 10) + 1);
	configs_load(&l, configs_file("big", big, 256 << 10), NO_ENV);
	CU_ASSERT_EQUAL(l.st, ST_OK);
	configs_release(&l);
	assert_unreadable(
	    configs_file("big", big, (256 << 10) + 1), "it is too large");
	free(big);
	snprintf(path, sizeof(path), "%s",
	    configs_file("nul", nul, sizeof(nul) - 1));
	configs_load(&l, path, NO_ENV);
	snprintf(line, sizeof(line),
	    "%s:3: the file has a NUL byte in it, so "
	    "it is no text; save it as UTF-8\n",
	    path);
	CU_ASSERT_STRING_EQUAL(buf_str(&l.errors), line);
	configs_release(&l);
	if (geteuid() != 0) {
		CU_ASSERT_EQUAL(chmod(path, 0), 0);
		assert_unreadable(path, "Permission denied");
	}
}

/* What is looked through one by one has a bound. */
static void
test_too_many(void)
{
	struct buf text = BUF_INIT;
	struct loaded l;
	size_t i;

	buf_puts(&text, "[values]\n");
	for (i = 0; i < 1001; i++)
		buf_printf(&text, "a%zu =\n", i);
	for (i = 0; i < 100; i++) /* with the one that is always there */
		buf_printf(&text, "[digits a%zu]\n", i);
	configs_load_text(&l, buf_str(&text), NO_ENV);
	CU_ASSERT_EQUAL(configs_lines(&l.errors), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&l.errors),
	    ":1002: values.a1000: is one key too many; write at most 1000\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(
	    buf_str(&l.errors), "is one target too many; write at most 100\n"));
	configs_release(&l);
	buf_release(&text);
}

/* A value that is not accepted sets nothing, whatever is wrong with it. */
static void
test_refused_values(void)
{
	static const char *const bad[] = { "", " ", "x", "-1", "1x", "1 ", "K",
		"99999999999999999999", "9999999999999K", "nonsense" };
	const struct option *o;
	struct buf why = BUF_INIT, over = BUF_INIT;
	int64_t n;
	size_t i;

	for (o = options; o < options + options_n; o++) {
		n = -77;
		for (i = 0; i < TEST_COUNT(bad); i++) {
			buf_reset(&why);
			CU_ASSERT_NOT_EQUAL(
			    value_parse(o, bad[i], &n, &why), ST_OK);
			CU_ASSERT(why.len > 0);
		}
		for (i = 0; i < 2 && o->max > 0; i++) {
			buf_reset(&over);
			buf_printf(&over, "%lld",
			    (long long)(i == 0 ? o->min - 1 : o->max + 1));
			CU_ASSERT_NOT_EQUAL(
			    value_parse(o, over.data, &n, &why), ST_OK);
		}
		CU_ASSERT_EQUAL(n, -77);
		if (o->type == OPTION_TEXT || o->type == OPTION_URL)
			continue;
		CU_ASSERT_EQUAL(value_parse(o, o->fallback, &n, &why), ST_OK);
		CU_ASSERT_NOT_EQUAL(n, -77);
	}
	buf_release(&why);
	buf_release(&over);
}

static const struct test tests[] = {
	{ "the table and its defaults", test_table },
	{ "values that are refused", test_refused_values },
	{ "named sections", test_named_sections },
	{ "every key by file", test_every_key_by_file },
	{ "every key by variable", test_every_key_by_variable },
	{ "names of variables", test_variable_names },
	{ "which one wins", test_precedence },
	{ "variables of other programs", test_other_variables },
	{ "classic variables", test_classic_variables },
	{ "mistakes", test_mistakes },
	{ "all mistakes are listed", test_all_mistakes_are_listed },
	{ "an API key and its secret", test_api_key },
	{ "mistakes in the environment", test_variable_mistakes },
	{ "forms of the file", test_forms_of_file },
	{ "files that cannot be had", test_bad_files },
	{ "too many names", test_too_many },
};

int
main(void)
{
	return test_main("config", tests, TEST_COUNT(tests));
}
