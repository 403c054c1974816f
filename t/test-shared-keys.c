/*
 * Shared keys: what the header of the settings says, HMAC-SHA256, the section
 * of the configuration, and which key a request is checked with. The signatures
 * of t/e2e/sdk.py are npm twilio's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/form.h"
#include "t/configs.h"
#include "t/request.h"
#include "t/test.h"
#include "twilio/signature.h"

/* What the header of the settings says, by npm twilio 6.3.1. */
static void
test_settings(void)
{
	static const struct {
		const char *header;
		enum signature_verdict verdict;
		const char *key;
		enum signature_algorithm algorithm;
	} cases[] = {
		{ "", SIGNATURE_VALID, NULL, SIGNATURE_HMAC_SHA1 },
		{ "key=k1,algorithm=HMAC_SHA256", SIGNATURE_VALID, "k1",
		    SIGNATURE_HMAC_SHA256 },
		{ "key=k1,algorithm=HMAC_SHA1", SIGNATURE_VALID, "k1",
		    SIGNATURE_HMAC_SHA1 },
		{ "algorithm=hmac_Sha256 ,\t key = k.1-_ ", SIGNATURE_VALID,
		    "k.1-_", SIGNATURE_HMAC_SHA256 },
		{ "key=k1", SIGNATURE_VALID, "k1", SIGNATURE_HMAC_SHA1 },
		{ "key=k1,algorithm=", SIGNATURE_VALID, "k1",
		    SIGNATURE_HMAC_SHA1 },
		{ "key=a=b,,x,algorithm= ,algorithm=HMAC_SHA256,algorithm=X",
		    SIGNATURE_VALID, "a=b", SIGNATURE_HMAC_SHA256 },
		{ "key=,key=k2,key=k3", SIGNATURE_VALID, "k2",
		    SIGNATURE_HMAC_SHA1 },
		{ "Key=k1,Algorithm=HMAC_SHA256,key=k2", SIGNATURE_VALID, "k2",
		    SIGNATURE_HMAC_SHA1 },
		{ "algorithm=HMAC_SHA256", SIGNATURE_UNKNOWN_KEY, "",
		    SIGNATURE_HMAC_SHA256 },
		{ "key=", SIGNATURE_UNKNOWN_KEY, "", SIGNATURE_HMAC_SHA1 },
		{ "key=\t ,", SIGNATURE_UNKNOWN_KEY, "", SIGNATURE_HMAC_SHA1 },
		{ "key", SIGNATURE_UNKNOWN_KEY, "", SIGNATURE_HMAC_SHA1 },
		{ ",", SIGNATURE_UNKNOWN_KEY, "", SIGNATURE_HMAC_SHA1 },
		{ " ", SIGNATURE_UNKNOWN_KEY, "", SIGNATURE_HMAC_SHA1 },
		{ "key=k1,algorithm=HMAC_SHA512", SIGNATURE_UNKNOWN_ALGORITHM,
		    NULL, SIGNATURE_HMAC_SHA1 },
		{ "key=k1,algorithm=HMAC_SHA2", SIGNATURE_UNKNOWN_ALGORITHM,
		    NULL, SIGNATURE_HMAC_SHA1 },
		{ "key=k1,algorithm=none", SIGNATURE_UNKNOWN_ALGORITHM, NULL,
		    SIGNATURE_HMAC_SHA1 },
	};
	struct signature_settings s;
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		const char *key = cases[i].key;

		if (signature_settings(cases[i].header, &s) !=
			cases[i].verdict ||
		    s.algorithm != cases[i].algorithm ||
		    (key == NULL
			    ? s.key.data != NULL
			    : s.key.data == NULL || s.key.len != strlen(key) ||
				memcmp(s.key.data, key, s.key.len) != 0)) {
			fprintf(stderr, "%s\n", cases[i].header);
			CU_FAIL("read otherwise");
		}
	}
}

/* Of this form under this secret, made by npm twilio 6.3.1. */
#define SECRET "a-shared-secret"
#define FORM "B=2&A=1&B=2"
#define BY_SHA256 "NhoTtFU/EI8J/dNTzX9ExJBK38D6h3m7s5LQsi/ER/w="

/* What explain says has these words, and no secret. */
static void
assert_explained(const struct signature_input *in, const char *header,
    const char *cause, const char *words)
{
	static const char *const secrets[] = { SECRET, NULL };
	struct buf out = BUF_INIT;

	CU_ASSERT_EQUAL(signature_explain(in, secrets, header, &out), ST_OK);
	CU_ASSERT(str_starts(buf_str(&out), cause));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), words));
	CU_ASSERT_PTR_NULL(strstr(buf_str(&out), SECRET));
	buf_release(&out);
}

static void
test_sha256(void)
{
	static const char *const secrets[] = { SECRET, NULL };
	struct kv form = KV_INIT;
	struct signature_input in = { .url = "https://h.example/twilio/sms",
		.form = &form,
		.algorithm = SIGNATURE_HMAC_SHA256 };
	char sig[SIGNATURE_MAX];
	bool malformed;
	size_t i;

	CU_ASSERT_EQUAL(
	    form_parse(FORM, strlen(FORM), &form, &malformed), ST_OK);
	CU_ASSERT_EQUAL(signature_make(&in, SECRET, sig), ST_OK);
	CU_ASSERT_STRING_EQUAL(sig, BY_SHA256);
	CU_ASSERT_EQUAL(
	    signature_check(&in, secrets, sig, NULL), SIGNATURE_VALID);
	for (i = 0; i < 44 * 8; i++) {
		sig[i / 8] = (char)(sig[i / 8] ^ 1 << i % 8);
		CU_ASSERT_NOT_EQUAL(
		    signature_check(&in, secrets, sig, NULL), SIGNATURE_VALID);
		sig[i / 8] = (char)(sig[i / 8] ^ 1 << i % 8);
	}
	assert_explained(&in, "x", "header: ", "44 characters");
	in.algorithm = SIGNATURE_HMAC_SHA1;
	CU_ASSERT_EQUAL(
	    signature_check(&in, secrets, sig, NULL), SIGNATURE_MALFORMED);
	assert_explained(&in, sig, "header: ", "shared key");
	CU_ASSERT_EQUAL(signature_make(&in, SECRET, sig), ST_OK);
	CU_ASSERT_EQUAL(strlen(sig), signature_len(SIGNATURE_HMAC_SHA1));
	in.algorithm = SIGNATURE_HMAC_SHA256;
	CU_ASSERT_EQUAL(
	    signature_check(&in, secrets, sig, NULL), SIGNATURE_MALFORMED);
	assert_explained(&in, sig, "header: ", "says HMAC_SHA256");
	/* As any other from here on. */
	in.url = "http://h.example/twilio/sms";
	assert_explained(&in, BY_SHA256, "scheme: ", "https://");
	kv_release(&form);
}

/* --- the section ----------------------------------------------------------- */

static void
assert_config(const char *text, const char *const *envp, const char *mistake)
{
	struct loaded l;

	configs_load_text(&l, text, envp);
	CU_ASSERT_EQUAL(l.st, mistake == NULL ? ST_OK : ST_CONFIG);
	if (mistake != NULL && strstr(buf_str(&l.errors), mistake) == NULL) {
		fprintf(stderr, "%s", buf_str(&l.errors));
		CU_FAIL("another mistake");
	}
	CU_ASSERT_PTR_NULL(strstr(buf_str(&l.errors), "hunter2"));
	configs_release(&l);
}

static void
test_section(void)
{
	const struct config_pair *k;
	struct loaded l;

	configs_load_text(&l,
	    "[shared_keys]\nKey.1_a-b = env:S\nkey2 = ssm:/x\n"
	    "[values]\na = b\n",
	    ENV("S=hunter2"));
	CU_ASSERT_EQUAL(l.st, ST_OK);
	k = config_shared_key(l.config, NULL, 0);
	CU_ASSERT_STRING_EQUAL(k->value, "hunter2");
	CU_ASSERT_PTR_EQUAL(config_shared_key(l.config, "Key.1_a-b,", 9), k);
	CU_ASSERT_PTR_NULL(config_shared_key(l.config, "Key.1_a-b", 8));
	CU_ASSERT_PTR_NULL(config_shared_key(l.config, "key.1_a-b", 9));
	CU_ASSERT_PTR_NULL(config_shared_key(l.config, "a", 1));
	CU_ASSERT_PTR_NULL(config_shared_key(l.config, "", 0));
	CU_ASSERT(configs_has_line(&l.shown, "shared_keys.Key.1_a-b = (set)"));
	CU_ASSERT(configs_has_line(&l.shown, "shared_keys.key2 = (not set)"));
	CU_ASSERT_PTR_NULL(strstr(buf_str(&l.shown), "hunter2"));
	CU_ASSERT_EQUAL(l.config->missing, 1);
	configs_release(&l);
	assert_config("[shared_keys]\nk1 =\n", NO_ENV,
	    ":2: shared_keys.k1: is empty; write the secret");
	assert_config("[shared_keys]\nk1 = env:S\n", ENV("S="),
	    ":2: shared_keys.k1: is empty; write the secret");
	assert_config("[shared_keys]\nk1 = env:S\n", ENV("S=hunter2 x"),
	    ":2: shared_keys.k1: has a character in it that no token has");
	assert_config("[shared_keys]\na,b = hunter2\n", NO_ENV,
	    ":2: shared_keys.a,b: is not a shared key's ID; write it");
	assert_config("[shared_keys]\nk1 = hunter2\nk1 = hunter2\n", NO_ENV,
	    ":3: shared_keys.k1: is set on line 2 already");
	assert_config("", ENV("SWITCHHOOK_SHARED_KEYS_K1=hunter2"),
	    "SWITCHHOOK_SHARED_KEYS_K1: this comes from the file alone; write "
	    "it under [shared_keys] there");
}

/* --- which key a request is checked with ----------------------------------- */

#define SETTINGS "HTTP_X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS="
#define STATUS \
	"MessageSid=SM00000000000000000000000000000001&MessageStatus=sent"

static void
assert_status(struct app *app, const char *settings, const char *secret,
    enum signature_algorithm algorithm, int status)
{
	struct test_request q = { .uri = "/whatsapp/status", .body = STATUS };
	struct kv form = KV_INIT;
	struct signature_input in = { .url = TEST_ORIGIN "/whatsapp/status",
		.form = &form,
		.algorithm = algorithm };
	char signature[SIGNATURE_MAX], extra[600];
	struct test_reply r;
	bool malformed;

	CU_ASSERT_EQUAL(
	    form_parse(STATUS, strlen(STATUS), &form, &malformed), ST_OK);
	CU_ASSERT_EQUAL(signature_make(&in, secret, signature), ST_OK);
	snprintf(extra, sizeof(extra), SETTINGS "%s", settings);
	q.signature = signature;
	q.extra = extra;
	r = test_ask(app, &q);
	if (r.status != status) {
		fprintf(stderr, "%s: %d\n", settings, r.status);
		CU_FAIL("another status");
	}
	CU_ASSERT(status != 401 ||
	    strstr(r.body, "\"error\":\"Invalid signature\"") != NULL);
	test_reply_release(&r);
	kv_release(&form);
}

static void
test_choice(void)
{
	static const enum signature_algorithm sha1 = SIGNATURE_HMAC_SHA1,
					      sha256 = SIGNATURE_HMAC_SHA256;
	struct app *app =
	    test_app("[shared_keys]\nk1 = " SECRET "\nk2 = other\n");

	assert_status(app, "key=k1,algorithm=HMAC_SHA256", SECRET, sha256, 204);
	assert_status(app, "key=k1,algorithm=HMAC_SHA1", SECRET, sha1, 204);
	assert_status(app, "key=k1", SECRET, sha1, 204);
	assert_status(app, "", TEST_TOKEN, sha1, 204);
	/* The header says how, and nothing else is tried. */
	assert_status(app, "key=k1,algorithm=HMAC_SHA1", SECRET, sha256, 401);
	assert_status(app, "key=k1,algorithm=HMAC_SHA256", SECRET, sha1, 401);
	assert_status(app, "key=k2,algorithm=HMAC_SHA256", SECRET, sha256, 401);
	assert_status(app, "", SECRET, sha1, 401);
	assert_status(app, "", SECRET, sha256, 401);
	assert_status(app, "", TEST_TOKEN, sha256, 401);
	/* No header chooses the token. */
	assert_status(app, "key=k1", TEST_TOKEN, sha1, 401);
	assert_status(
	    app, "key=k1,algorithm=HMAC_SHA256", TEST_TOKEN, sha256, 401);
	assert_status(app, "key=auth_token", TEST_TOKEN, sha1, 401);
	assert_status(app, "key=twilio.auth_token", TEST_TOKEN, sha1, 401);
	assert_status(app, "key=", TEST_TOKEN, sha1, 401);
	assert_status(app, "algorithm=HMAC_SHA1", TEST_TOKEN, sha1, 401);
	assert_status(app, "algorithm=HMAC_SHA256", TEST_TOKEN, sha256, 401);
	assert_status(app, "key=K1", SECRET, sha1, 401);
	assert_status(app, "key=k", SECRET, sha1, 401);
	assert_status(app, "key=k1,algorithm=HMAC_MD5", SECRET, sha1, 401);
	/* Nor does an empty secret pass for one. */
	assert_status(app, "key=k3", "", sha1, 401);
	app_close(app);
	app = test_app("[server]\nsignature = report\n");
	assert_status(app, "key=k1", SECRET, sha1, 204);
	app_close(app);
}

static const struct test tests[] = {
	{ "what the settings say", test_settings },
	{ "HMAC-SHA256", test_sha256 },
	{ "the section", test_section },
	{ "the choice of a key", test_choice },
};

int
main(void)
{
	return test_main("shared-keys", tests, TEST_COUNT(tests));
}
