/* Values that are kept at AWS: what a reference makes of what is there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/reference.h"
#include "config/slot.h"
#include "site/settings.h"
#include "t/configs.h"
#include "t/fake-source.h"
#include "t/test.h"

/* A load from a fake. */
struct trial {
	struct fake fake;
	struct loaded l;
};

static void
begin(struct trial *t)
{
	*t = (struct trial){ .l = { .st = ST_NOMEM } };
	fake_init(&t->fake);
}

static void
end(struct trial *t)
{
	configs_release(&t->l);
	fake_destroy(&t->fake);
}

/* As settings_load, but the configuration stays also after mistakes. */
static void
load(struct trial *t, const char *text, const char *const *envp)
{
	const char *path = configs_file("references.conf", text, strlen(text));
	struct loaded *l = &t->l;
	enum status ended;

	configs_release(l);
	*l = (struct loaded){ .st = ST_NOMEM };
	l->st =
	    reference_load(&l->config, path, (char *const *)envp, &l->errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l->config);
	ended =
	    settings_end(l->config, &t->fake.source, &l->errors, &l->warnings);
	if (l->st == ST_OK)
		l->st = ended;
	config_show(l->config, &l->shown);
}

static const struct config_origin *
origin(const struct trial *t, const char *section, const char *key)
{
	return config_slot(t->l.config, option_find(section, key)).origin;
}

static void
assert_has(const struct buf *text, const char *part)
{
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(text), part));
	if (strstr(buf_str(text), part) == NULL)
		printf("\n\"%s\" is not in\n%s", part, buf_str(text));
}

static void
test_values(void)
{
	struct trial t;

	begin(&t);
	fake_ssm(&t.fake, "/a/url", "https://example.com/#x\n");
	fake_ssm(&t.fake, "plain:3", "ssm:/a/url");
	fake_ssm(&t.fake, "/a/tel", "(415) 555-0100\r\n");
	fake_secret(&t.fake, "a/b", "one");
	fake_secret(&t.fake, "json",
	    "{\"token\":\"two\",\"\xc3\xa9 #\":\"three\",\"n\":1}\n");
	fake_secret(&t.fake,
	    "arn:aws:secretsmanager:eu-west-1:1:secret:x-AbCdEf", "\"q\"");
	load(&t,
	    "[server]\npublic_url = ssm:/a/url\n"
	    "admin_token = secretsmanager:json#token\n"
	    "[twilio]\nauth_token = secretsmanager:a/b\n"
	    "[whatsapp]\nai_queue = ssm:plain:3\n"
	    "human_queue = secretsmanager:arn:aws:secretsmanager:eu-west-1:1:"
	    "secret:x-AbCdEf\n"
	    "[voice]\noperator_phone_number = ssm:/a/tel\n"
	    "[values]\nShop = secretsmanager:json#token\ntown = env:TOWN\n"
	    "word = file:/dev/null\nscheme = vault:x\n",
	    ENV("TOWN=Springfield"));
	/* A character device is no file for a value. */
	CU_ASSERT_EQUAL(t.l.st, ST_CONFIG);
	assert_has(&t.l.errors, "references.conf:14: values.word: the file");
	CU_ASSERT_EQUAL(configs_lines(&t.l.errors), 1);
	CU_ASSERT_STRING_EQUAL(
	    t.l.config->server.public_url, "https://example.com");
	CU_ASSERT_STRING_EQUAL(t.l.config->server.admin_token, "two");
	CU_ASSERT_STRING_EQUAL(t.l.config->twilio.auth_token, "one");
	/* What is fetched is a value, not another reference. */
	CU_ASSERT_STRING_EQUAL(t.l.config->whatsapp.ai_queue, "ssm:/a/url");
	CU_ASSERT_STRING_EQUAL(t.l.config->whatsapp.human_queue, "\"q\"");
	CU_ASSERT_STRING_EQUAL(
	    t.l.config->voice.operator_phone_number, "+14155550100");
	CU_ASSERT_STRING_EQUAL(config_placeholder(t.l.config, "Shop"), "two");
	CU_ASSERT_STRING_EQUAL(
	    config_placeholder(t.l.config, "town"), "Springfield");
	CU_ASSERT_STRING_EQUAL(
	    config_placeholder(t.l.config, "scheme"), "vault:x");
	/* All in one go. */
	CU_ASSERT_EQUAL(t.fake.fetches, 1);
	CU_ASSERT_STRING_EQUAL(buf_str(&t.l.warnings), "");
	CU_ASSERT_EQUAL(t.l.config->missing, 0);
	end(&t);
}

static void
test_keys_of_json(void)
{
	struct trial t;

	begin(&t);
	fake_secret(&t.fake, "json", "{\"\xc3\xa9 #\":\"three\"}");
	load(&t, "",
	    ENV("SWITCHHOOK_TWILIO_AUTH_TOKEN=secretsmanager:json#\xc3\xa9 #"));
	CU_ASSERT_EQUAL(t.l.st, ST_OK);
	CU_ASSERT_STRING_EQUAL(t.l.config->twilio.auth_token, "three");
	end(&t);
}

/* "ssm:" alone, wherever the parts of its name come from. */
static void
test_classic_names(void)
{
	struct trial t;

	begin(&t);
	fake_ssm(&t.fake, "/s/e/twilio-auth-token", "t");
	fake_ssm(&t.fake, "/s/e/twilio-account-sid",
	    "AC00000000000000000000000000000000");
	fake_ssm(&t.fake, "/s/e/operator-phone-number", "+14155550100");
	fake_ssm(&t.fake, "/s/e/media-api-url", "wss://example.com/m");
	fake_ssm(&t.fake, "/s/e/webhook-api-url", "https://example.com/v");
	load(&t, "", ENV("SYSTEM_NAME=s", "ENV_TYPE=e"));
	CU_ASSERT_EQUAL(t.l.st, ST_OK);
	CU_ASSERT_STRING_EQUAL(t.l.config->twilio.auth_token, "t");
	CU_ASSERT_STRING_EQUAL(t.l.config->twilio.account_sid,
	    "AC00000000000000000000000000000000");
	CU_ASSERT_STRING_EQUAL(
	    t.l.config->voice.operator_phone_number, "+14155550100");
	CU_ASSERT_STRING_EQUAL(
	    t.l.config->voice.media_api_url, "wss://example.com/m");
	CU_ASSERT_STRING_EQUAL(
	    t.l.config->voice.webhook_api_url, "https://example.com/v");
	CU_ASSERT_EQUAL(t.fake.fetches, 1);
	CU_ASSERT_EQUAL(t.fake.items, 5);
	load(&t,
	    "[twilio]\nauth_token = ssm:\n"
	    "[aws]\nsystem_name = env:S\nenv_type = e\n",
	    ENV("S=s"));
	CU_ASSERT_EQUAL(t.l.st, ST_OK);
	CU_ASSERT_STRING_EQUAL(t.l.config->twilio.auth_token, "t");
	CU_ASSERT_EQUAL(t.fake.items, 6);
	load(&t, "[twilio]\nauth_token = ssm:\n", NO_ENV);
	CU_ASSERT_STRING_EQUAL(origin(&t, "twilio", "auth_token")->reference,
	    "ssm:/twh/dev/twilio-auth-token");
	end(&t);
}

/* The mistake that this line makes, after "…: SECTION.KEY: ". */
static void
assert_mistake(const char *section, const char *key, const char *value,
    const char *mistake)
{
	char text[256], line[512];
	struct trial t;

	begin(&t);
	snprintf(text, sizeof(text), "[%s]\n%s = %s\n", section, key, value);
	load(&t, text, NO_ENV);
	CU_ASSERT_EQUAL(t.l.st, ST_CONFIG);
	snprintf(line, sizeof(line), "%s/references.conf:2: %s.%s: %s\n",
	    test_tmpdir(), section, key, mistake);
	CU_ASSERT_STRING_EQUAL(buf_str(&t.l.errors), line);
	CU_ASSERT_EQUAL(t.fake.items, 0);
	end(&t);
}

static void
test_bad_references(void)
{
	static const char no_parameter[] =
	    "is not a parameter's name after ssm:; write it as in "
	    "ssm:/twh/dev/name";
	static const char no_secret[] =
	    "is not a secret's name after secretsmanager:; write it as in "
	    "secretsmanager:name, or secretsmanager:name#key";
	static const char no_classic[] =
	    "has no name of its own that ssm: alone could mean; write it as "
	    "in ssm:/twh/dev/name";
	static const char too_early[] =
	    "is needed before AWS can be asked, so it cannot be kept there; "
	    "use file:PATH or env:NAME";
	size_t i;

	assert_mistake("twilio", "auth_token", "ssm:/a b", no_parameter);
	assert_mistake("twilio", "auth_token", "ssm:/a#b", no_parameter);
	assert_mistake("values", "x", "ssm:\xc3\xa9", no_parameter);
	assert_mistake("server", "admin_token", "ssm:", no_classic);
	assert_mistake("values", "x", "ssm:", no_classic);
	assert_mistake("twilio", "auth_token", "secretsmanager:", no_secret);
	assert_mistake("twilio", "auth_token", "secretsmanager:#k", no_secret);
	assert_mistake("twilio", "auth_token", "secretsmanager:a#", no_secret);
	assert_mistake("twilio", "auth_token", "secretsmanager:a b", no_secret);
	for (i = 0; i < options_n; i++)
		if (options[i].need == NEED_AWS)
			assert_mistake(options[i].section, options[i].key,
			    "ssm:/x", too_early);
}

/* What is there, but cannot be a setting. */
static void
assert_unusable(
    const char *reference, const void *value, size_t len, const char *why)
{
	struct buf pair = BUF_INIT;
	struct trial t;

	begin(&t);
	fake_put(&t.fake,
	    &(struct fake_value){ .kind = REFERENCE_SECRETSMANAGER,
		.name = "x",
		.text = value,
		.len = len });
	buf_printf(&pair, "SWITCHHOOK_TWILIO_AUTH_TOKEN=%s", reference);
	load(&t, "", ENV(buf_str(&pair)));
	CU_ASSERT_EQUAL(t.l.st, ST_CONFIG);
	CU_ASSERT_EQUAL(configs_lines(&t.l.errors), 1);
	assert_has(
	    &t.l.errors, "SWITCHHOOK_TWILIO_AUTH_TOKEN: twilio.auth_token: ");
	assert_has(&t.l.errors, why);
	end(&t);
	buf_release(&pair);
}

static void
test_unusable_values(void)
{
	static char big[64 << 10];

	memset(big, 'a', sizeof(big));
	assert_unusable("secretsmanager:x", "a\nb", 3,
	    "it has a control character (a second line?) in it; correct it");
	assert_unusable("secretsmanager:x", "a\n\n", 3, "control character");
	assert_unusable("secretsmanager:x", "a\0b", 3, "it has a NUL byte");
	assert_unusable("secretsmanager:x", big, sizeof(big), "longer than");
	assert_unusable("secretsmanager:x", "{\"a\":\"b\"}", 9,
	    "it is a JSON object: name a member, as in "
	    "secretsmanager:name#key");
	assert_unusable("secretsmanager:x#a", "b", 1, "it is no JSON object");
	assert_unusable("secretsmanager:x#a", "[1]", 3, "it is no JSON object");
	assert_unusable("secretsmanager:x#a", "{\"A\":\"b\"}", 9,
	    "it has no member of that name that is a text");
	assert_unusable("secretsmanager:x#a", "{\"a\":1}", 7, "is a text");
	assert_unusable(
	    "secretsmanager:x#a", "{\"a\":\"b\",\"a\":\"b\"}", 17, "is a text");
	assert_unusable("secretsmanager:x#a", "{\"a\":\"b\\u0001\"}", 15,
	    "control character");
	/* Checked as any other. */
	assert_unusable("secretsmanager:x", "a b", 3,
	    "has a character in it that no token has");
}

/* A fetch that ends so, of a setting that somebody wrote. */
static void
load_status(struct trial *t, enum status st)
{
	begin(t);
	fake_put(&t->fake,
	    &(struct fake_value){
		REFERENCE_SSM, "/x", false, st, "somebody says no", 0 });
	load(t,
	    "[server]\npublic_url = ssm:/x\n[whatsapp]\nai_queue = ssm:/x\n"
	    "[values]\nv = ssm:/x\n",
	    NO_ENV);
}

static void
test_refusals(void)
{
	static const enum status all[] = { ST_NOTFOUND, ST_DENIED, ST_CONFIG };
	struct trial t;
	size_t i;

	for (i = 0; i < TEST_COUNT(all); i++) {
		load_status(&t, all[i]);
		CU_ASSERT_EQUAL(t.l.st, ST_CONFIG);
		CU_ASSERT_EQUAL(configs_lines(&t.l.errors), 3);
		assert_has(&t.l.errors,
		    "references.conf:2: server.public_url: cannot be fetched: "
		    "somebody says no; ");
		assert_has(&t.l.errors,
		    ":4: whatsapp.ai_queue: cannot be fetched: somebody");
		assert_has(&t.l.errors, ":6: values.v: cannot be fetched: ");
		assert_has(&t.l.errors,
		    all[i] == ST_NOTFOUND ? "; create it, or correct the name\n"
					  : "; see switchhook-aws(7)\n");
		CU_ASSERT_STRING_EQUAL(buf_str(&t.l.warnings), "");
		CU_ASSERT_EQUAL(t.l.config->missing, 0);
		end(&t);
	}
}

static void
test_outages(void)
{
	static const enum status all[] = { ST_UNAVAILABLE, ST_TIMEOUT, ST_IO,
		ST_BUSY, ST_CORRUPT };
	struct buf errors = BUF_INIT;
	struct trial t;
	size_t i;

	for (i = 0; i < TEST_COUNT(all); i++) {
		load_status(&t, all[i]);
		/* A queue is opened at the start. */
		CU_ASSERT_EQUAL(t.l.st, ST_UNAVAILABLE);
		CU_ASSERT_EQUAL(configs_lines(&t.l.errors), 1);
		assert_has(&t.l.errors,
		    ":4: whatsapp.ai_queue: cannot be fetched now: somebody "
		    "says no; try again, the start needs it\n");
		CU_ASSERT_EQUAL(configs_lines(&t.l.warnings), 2);
		assert_has(&t.l.warnings,
		    ":2: server.public_url: cannot be fetched now: somebody "
		    "says no; requests are answered 503 until it is there\n");
		assert_has(&t.l.warnings, ":6: values.v: cannot be fetched");
		CU_ASSERT_EQUAL(t.l.config->missing, 2);
		CU_ASSERT_TRUE(origin(&t, "server", "public_url")->missing);
		CU_ASSERT_STRING_EQUAL(t.l.config->server.public_url, "");
		end(&t);
	}
	/* What answering needs alone does not keep the program from starting;
	 * and a token that is missing is not an empty one. */
	begin(&t);
	fake_outage(&t.fake, ST_UNAVAILABLE);
	load(&t, "", ENV("SYSTEM_NAME=s"));
	CU_ASSERT_EQUAL(t.l.st, ST_OK);
	CU_ASSERT_EQUAL(t.l.config->missing, 5);
	CU_ASSERT_EQUAL(config_check_server(t.l.config, &errors), ST_OK);
	end(&t);
}

/* What nobody wrote may be absent. */
static void
test_implied(void)
{
	struct buf errors = BUF_INIT;
	struct trial t;

	begin(&t);
	fake_ssm(&t.fake, "/twh/e/twilio-auth-token", "t");
	load(&t, "[voice]\nmedia_api_url =\n", ENV("ENV_TYPE=e"));
	CU_ASSERT_EQUAL(t.l.st, ST_OK);
	CU_ASSERT_EQUAL(t.l.config->missing, 0);
	CU_ASSERT_EQUAL(configs_lines(&t.l.warnings), 3);
	assert_has(&t.l.warnings,
	    "ENV_TYPE: voice.operator_phone_number: "
	    "ssm:/twh/e/operator-phone-number cannot be fetched: no answer; "
	    "the default holds\n");
	CU_ASSERT_STRING_EQUAL(t.l.config->voice.operator_phone_number, "");
	CU_ASSERT_PTR_NULL(
	    origin(&t, "voice", "operator_phone_number")->reference);
	CU_ASSERT_STRING_EQUAL(t.l.config->twilio.auth_token, "t");
	end(&t);
	/* Also the token: the command needs none; a responder does. */
	begin(&t);
	load(&t, "", ENV("ENV_TYPE=e"));
	CU_ASSERT_EQUAL(t.l.st, ST_OK);
	CU_ASSERT_EQUAL(config_check_server(t.l.config, &errors), ST_CONFIG);
	assert_has(&errors, "twilio.auth_token: is empty");
	end(&t);
	buf_release(&errors);
}

static void
test_previous(void)
{
	struct trial t;

	begin(&t);
	fake_secret(&t.fake, "x", "{\"t\":\"new\"}");
	fake_previous(&t.fake, "x", "{\"t\":\"old\"}\n");
	load(&t,
	    "[twilio]\nauth_token = secretsmanager:x#t\n"
	    "account_sid = env:NO\n"
	    "[server]\nadmin_token = secretsmanager:x#t\n",
	    NO_ENV);
	CU_ASSERT_STRING_EQUAL(t.l.config->twilio.auth_token, "new");
	CU_ASSERT_STRING_EQUAL(
	    origin(&t, "twilio", "auth_token")->previous, "old");
	CU_ASSERT_PTR_NULL(origin(&t, "server", "admin_token")->previous);
	CU_ASSERT_EQUAL(t.fake.items, 3);
	/* One that cannot be used is none. */
	fake_previous(&t.fake, "x", "old");
	load(&t, "[twilio]\nauth_token = secretsmanager:x#t\n", NO_ENV);
	CU_ASSERT_EQUAL(t.l.st, ST_OK);
	CU_ASSERT_PTR_NULL(origin(&t, "twilio", "auth_token")->previous);
	end(&t);
}

/* Nobody asks AWS where nothing is kept there. */
static void
test_nothing_remote(void)
{
	struct trial t;

	begin(&t);
	load(&t, "[twilio]\nauth_token = t\n[values]\nx = a:b\n", NO_ENV);
	CU_ASSERT_EQUAL(t.l.st, ST_OK);
	CU_ASSERT_FALSE(reference_any(t.l.config));
	CU_ASSERT_EQUAL(t.fake.fetches, 0);
	fake_ssm(&t.fake, "/a", "b");
	load(&t, "[values]\nx = ssm:/a\n", NO_ENV);
	CU_ASSERT_TRUE(reference_any(t.l.config));
	end(&t);
}

/* Neither names nor values are told: they may be secrets on a wrong line. */
static void
test_secrets_stay_secret(void)
{
	struct trial t;

	begin(&t);
	fake_secret(&t.fake, "x", "hunter2 hunter2");
	fake_secret(&t.fake, "y", "{\"hunter2\":\"hunter2\"}");
	fake_ssm(&t.fake, "hunter2", "hunter2\nhunter2");
	load(&t,
	    "[twilio]\nauth_token = secretsmanager:x\n"
	    "auth_token_previous = secretsmanager:y\n"
	    "account_sid = ssm:hunter2\n"
	    "[server]\nadmin_token = secretsmanager:hunter2#hunter2\n"
	    "public_url = ssm:hunter2 hunter2\n"
	    "[aws]\nregion = ssm:hunter2\n[values]\na = secretsmanager:y#z\n",
	    NO_ENV);
	CU_ASSERT_EQUAL(t.l.st, ST_CONFIG);
	CU_ASSERT_EQUAL(configs_lines(&t.l.errors), 7);
	CU_ASSERT_PTR_NULL(strstr(buf_str(&t.l.errors), "hunter2"));
	fake_outage(&t.fake, ST_IO);
	load(&t, "[twilio]\nauth_token = ssm:hunter2\n", NO_ENV);
	CU_ASSERT_EQUAL(configs_lines(&t.l.warnings), 1);
	CU_ASSERT_PTR_NULL(strstr(buf_str(&t.l.warnings), "hunter2"));
	end(&t);
}

static const struct test tests[] = {
	{ "values", test_values },
	{ "members of JSON", test_keys_of_json },
	{ "classic names", test_classic_names },
	{ "bad references", test_bad_references },
	{ "unusable values", test_unusable_values },
	{ "refusals", test_refusals },
	{ "outages", test_outages },
	{ "references that nobody wrote", test_implied },
	{ "the value before", test_previous },
	{ "nothing at AWS", test_nothing_remote },
	{ "secrets stay secret", test_secrets_stay_secret },
};

int
main(void)
{
	return test_main("references", tests, TEST_COUNT(tests));
}
