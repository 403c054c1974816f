/* Each source of keys over its wire. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws/credentials.h"
#include "base/clock.h"
#include "http/client.h"
#include "t/aws/front.h"

static void
sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* Without any keys in it. */
static void
init(struct rig *r)
{
	rig_init(r);
	rig_var(r, "AWS_EC2_METADATA_DISABLED=true");
}

/* Calls that succeed with keys whose id begins so. */
static void
check_keys(struct rig *r, const char *id)
{
	char want[64];

	rig_open(r);
	CU_ASSERT_EQUAL(rig_call(r), ST_OK);
	if (aws_client_error(r->client)[0] != '\0')
		fprintf(stderr, "%s\n", aws_client_error(r->client));
	snprintf(want, sizeof(want), "Credential=%s", id);
	CU_ASSERT(front_last_has("ListTables", "authorization", want));
	rig_close(r);
}

/* A call that fails before it is sent, with these words. */
static void
check_none(struct rig *r, enum status st, const char *words)
{
	size_t before = front_count("ListTables");

	rig_open(r);
	CU_ASSERT_EQUAL(rig_call(r), st);
	rig_error_has(r, words);
	CU_ASSERT_EQUAL(front_count("ListTables"), before);
	rig_close(r);
}

static void
test_environment(void)
{
	struct rig r;

	front_set("{\"reset\":true}");
	init(&r);
	rig_keys(&r, "AKIDTEST", "secret-of-test");
	check_keys(&r, "AKIDTEST");

	front_set("{\"keys\":{\"ASIA1\":{\"secret\":\"s1\",\"token\":\"t/+=\","
		  "\"expires\":null}}}");
	init(&r);
	rig_keys(&r, "ASIA1", "s1");
	rig_var(&r, "AWS_SESSION_TOKEN=t/+=");
	check_keys(&r, "ASIA1");
	CU_ASSERT(front_last_has(
	    "ListTables", "authorization", ";x-amz-security-token;"));

	init(&r);
	rig_var(&r, "AWS_ACCESS_KEY_ID=AKIDTEST");
	check_none(&r, ST_CONFIG,
	    "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");

	init(&r);
	check_none(&r, ST_CONFIG, "no AWS keys: set AWS_ACCESS_KEY_ID");
}

static void
test_shared_files(void)
{
	struct rig r;

	front_set(
	    "{\"reset\":true,\"keys\":{"
	    "\"AKID1\":{\"secret\":\"s1\",\"token\":null,\"expires\":null},"
	    "\"AKID2\":{\"secret\":\"s2\",\"token\":\"t2\",\"expires\":null},"
	    "\"AKID3\":{\"secret\":\"s3\",\"token\":null,\"expires\":null}}}");
	init(&r);
	rig_var(&r, "AWS_SHARED_CREDENTIALS_FILE=%s",
	    rig_file("credentials",
		"[default]\naws_access_key_id = AKID1\n"
		"aws_secret_access_key = s1\n"
		"[work]\naws_access_key_id = AKID2\n"
		"aws_secret_access_key = s2\naws_session_token = t2\n"));
	check_keys(&r, "AKID1");

	init(&r);
	rig_var(
	    &r, "AWS_SHARED_CREDENTIALS_FILE=%s/credentials", test_tmpdir());
	rig_var(&r, "AWS_PROFILE=work");
	check_keys(&r, "AKID2");

	init(&r);
	rig_var(&r, "AWS_CONFIG_FILE=%s",
	    rig_file("config",
		"[profile other]\naws_access_key_id = AKID3\n"
		"aws_secret_access_key = s3\n"));
	rig_var(&r, "AWS_PROFILE=other");
	check_keys(&r, "AKID3");

	/* The environment comes first. */
	init(&r);
	rig_keys(&r, "AKID3", "s3");
	rig_var(
	    &r, "AWS_SHARED_CREDENTIALS_FILE=%s/credentials", test_tmpdir());
	check_keys(&r, "AKID3");
}

static void
check_wish(const char *config, const char *words)
{
	struct rig r;

	init(&r);
	rig_var(&r, "AWS_CONFIG_FILE=%s", rig_file("config", config));
	rig_var(&r, "AWS_PROFILE=p");
	/* It must not quietly take what comes after. */
	rig_var(&r, "AWS_CONTAINER_CREDENTIALS_FULL_URI=%s/credentials/x",
	    front_url());
	check_none(&r, ST_CONFIG, words);
	COUNT("/credentials/x", 0);
}

static void
test_no_profile(void)
{
	struct buf why = BUF_INIT;
	struct rig r;

	init(&r);
	rig_var(&r, "AWS_PROFILE=p");
	CU_ASSERT_EQUAL(rig_try(&r, &why), ST_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), "\"p\" is in no file"));
	buf_release(&why);
	rig_close(&r);
}

static void
test_unsupported(void)
{
	front_set("{\"reset\":true}");
	check_wish("[profile p]\nsso_session = s\nsso_account_id = 1\n",
	    "the AWS profile \"p\" asks for sso_session, sso_account_id, "
	    "which is not supported here");
	check_wish("[profile p]\nsso_start_url = https://x\n", "sso_start_url");
	check_wish("[profile p]\ncredential_process = /bin/x\n",
	    "asks for credential_process");
	check_wish("[profile p]\nrole_arn = arn:x\nsource_profile = q\n"
		   "mfa_serial = arn:m\n",
	    "asks for role_arn, source_profile, mfa_serial");
	check_wish("[profile p]\nrole_arn = arn:x\n"
		   "credential_source = Ec2InstanceMetadata\n",
	    "asks for role_arn, credential_source");
	check_wish("[profile p]\nmfa_serial = arn:m\n"
		   "aws_access_key_id = A\naws_secret_access_key = b\n",
	    "asks for mfa_serial");
	check_wish("[profile p]\naws_access_key_id = A\n",
	    "but no aws_secret_access_key");
}

/* --- web identity ------------------------------------------------------------- */

static void
web_identity(struct rig *r, const char *token)
{
	init(r);
	rig_var(r, "AWS_WEB_IDENTITY_TOKEN_FILE=%s", rig_file("jwt", token));
}

static void
test_web_identity(void)
{
	struct rig r;

	front_set("{\"reset\":true,\"sts\":{\"token\":\"a.b-c_d+/=\","
		  "\"role\":\"arn:aws:iam::000000000000:role/r\"}}");
	web_identity(&r, "a.b-c_d+/=\n");
	rig_var(&r, "AWS_ROLE_ARN=arn:aws:iam::000000000000:role/r");
	rig_var(&r, "AWS_ROLE_SESSION_NAME=me@here");
	check_keys(&r, "ASIASTS");
	CU_ASSERT(front_last_has("/", "", "RoleSessionName=me%40here"));
	front_last_is("/", "authorization", "");

	/* From a profile, whose role_arn is then ours to assume. */
	init(&r);
	rig_var(&r, "AWS_PROFILE=p");
	{
		char text[400];

		snprintf(text, sizeof(text),
		    "[profile p]\nweb_identity_token_file = %s/jwt\n"
		    "role_arn = arn:aws:iam::000000000000:role/r\n",
		    test_tmpdir());
		rig_var(&r, "AWS_CONFIG_FILE=%s", rig_file("config", text));
	}
	check_keys(&r, "ASIASTS");
	CU_ASSERT(front_last_has("/", "", "RoleSessionName=switchhook-"));

	/* A passing fault. */
	front_set("{\"faults\":[{\"target\":\"/\",\"kind\":\"error\","
		  "\"status\":503}]}");
	web_identity(&r, "a.b-c_d+/=");
	rig_var(&r, "AWS_ROLE_ARN=arn:aws:iam::000000000000:role/r");
	check_keys(&r, "ASIASTS");
}

static void
test_web_identity_mistakes(void)
{
	struct rig r;

	front_set("{\"reset\":true}");
	web_identity(&r, "web-token");
	check_none(&r, ST_CONFIG, "AWS_ROLE_ARN is not");
	web_identity(&r, "wrong-token");
	rig_var(&r, "AWS_ROLE_ARN=arn:aws:iam::000000000000:role/r");
	check_none(&r, ST_DENIED, "HTTP status 400, InvalidIdentityToken");
	web_identity(&r, "web-token");
	rig_var(&r, "AWS_ROLE_ARN=arn:other");
	check_none(&r, ST_DENIED, "HTTP status 403, AccessDenied");
	init(&r);
	rig_var(&r, "AWS_WEB_IDENTITY_TOKEN_FILE=%s/absent", test_tmpdir());
	rig_var(&r, "AWS_ROLE_ARN=arn:other");
	check_none(&r, ST_CONFIG, "absent cannot be read");
	front_set("{\"faults\":[{\"target\":\"/\",\"kind\":\"garbage\"}]}");
	web_identity(&r, "web-token");
	rig_var(&r, "AWS_ROLE_ARN=arn:aws:iam::000000000000:role/r");
	check_none(&r, ST_MALFORMED, "the answer has no keys in it");
}

/* --- containers ------------------------------------------------------------------ */

static void
container(struct rig *r)
{
	init(r);
	rig_var(r, "AWS_CONTAINER_CREDENTIALS_FULL_URI=%s/credentials/x",
	    front_url());
}

static void
test_container(void)
{
	struct rig r;

	front_set("{\"reset\":true}");
	container(&r);
	check_keys(&r, "ASIACONTAINER");

	front_set("{\"container\":{\"authorization\":\"Basic abc\"}}");
	container(&r);
	rig_var(&r, "AWS_CONTAINER_AUTHORIZATION_TOKEN=Basic abc");
	check_keys(&r, "ASIACONTAINER");

	/* A file comes before the variable. */
	container(&r);
	rig_var(&r, "AWS_CONTAINER_AUTHORIZATION_TOKEN=Basic old");
	rig_var(&r, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=%s",
	    rig_file("token", "Basic abc\n"));
	check_keys(&r, "ASIACONTAINER");

	front_set("{\"faults\":[{\"target\":\"/credentials/x\","
		  "\"kind\":\"error\",\"status\":500,\"times\":2}]}");
	container(&r);
	rig_var(&r, "AWS_CONTAINER_AUTHORIZATION_TOKEN=Basic abc");
	check_keys(&r, "ASIACONTAINER");
}

static void
test_container_mistakes(void)
{
	static const char *const hosts[] = { "http://example.com/x",
		"http://169.254.169.254/x", "http://127.0.0.1.example.com/",
		"http://localhost.example.com/", "http://[fd00:ec2::24]/",
		"http://0.0.0.0/", "ftp://127.0.0.1/", "127.0.0.1/x" };
	struct rig r;
	size_t i;

	front_set("{\"reset\":true,"
		  "\"container\":{\"authorization\":\"Basic abc\"}}");
	for (i = 0; i < TEST_COUNT(hosts); i++) {
		init(&r);
		rig_var(&r, "AWS_CONTAINER_CREDENTIALS_FULL_URI=%s", hosts[i]);
		check_none(&r, ST_CONFIG,
		    "an https address is wanted, or "
		    "http to this machine");
	}
	container(&r);
	check_none(&r, ST_DENIED, ": HTTP status 401");
	container(&r);
	rig_var(&r, "AWS_CONTAINER_AUTHORIZATION_TOKEN=a\r\nX: b");
	check_none(&r, ST_CONFIG, "has a line end in it");
	container(&r);
	rig_var(&r, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=%s/absent",
	    test_tmpdir());
	check_none(&r, ST_CONFIG, "absent cannot be read");
	front_set("{\"reset\":true,\"faults\":[{\"target\":\"/credentials/x\","
		  "\"kind\":\"garbage\"}]}");
	container(&r);
	check_none(&r, ST_MALFORMED, "the answer has no keys in it");
}

/* --- instances ---------------------------------------------------------------------- */

static void
instance(struct rig *r)
{
	rig_init(r);
	rig_var(r, "AWS_EC2_METADATA_SERVICE_ENDPOINT=%s/", front_url());
}

static void
test_instance(void)
{
	struct rig r;

	front_set("{\"reset\":true}");
	instance(&r);
	check_keys(&r, "ASIAINSTANCE");
	COUNT("/latest/api/token", 1);
	CU_ASSERT(front_last_has("/latest/api/token",
	    "x-aws-ec2-metadata-token-ttl-seconds", "21600"));
	/* Number of tries and time of each are the environment's. */
	front_set("{\"faults\":[{\"target\":\"/latest/api/token\","
		  "\"kind\":\"reset\"}]}");
	instance(&r);
	rig_var(&r, "AWS_METADATA_SERVICE_NUM_ATTEMPTS=2");
	check_keys(&r, "ASIAINSTANCE");
}

static void
test_instance_mistakes(void)
{
	struct rig r;

	front_set("{\"reset\":true}");
	instance(&r);
	rig_var(&r, "AWS_EC2_METADATA_DISABLED=true");
	check_none(&r, ST_CONFIG, "no AWS keys: set");
	COUNT("/latest/api/token", 0);
	front_set("{\"instance\":{\"role\":null}}");
	instance(&r);
	check_none(&r, ST_CONFIG, "no role is attached to this instance");
	front_set(
	    "{\"instance\":{\"role\":\"x\",\"code\":\"AssumeRoleFailed\"}}");
	instance(&r);
	check_none(&r, ST_DENIED, "the role cannot be assumed");
	front_set("{\"reset\":true,\"faults\":[{\"target\":"
		  "\"/latest/api/token\",\"kind\":\"error\",\"status\":403}]}");
	instance(&r);
	check_none(&r, ST_DENIED, "HTTP status 403");
	front_set("{\"reset\":true,\"faults\":[{\"target\":"
		  "\"/latest/api/token\",\"kind\":\"hang\"}]}");
	instance(&r);
	check_none(&r, ST_TIMEOUT, "the instance has none either");
}

/* The addresses that AWS has, where the front has them too. */
static void
test_link_local(void)
{
	struct rig r;

	front_set("{\"reset\":true}");
	if (front_has("169.254.170.2")) {
		init(&r);
		rig_var(&r,
		    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/credentials/y");
		check_keys(&r, "ASIACONTAINER");
	}
	if (front_has("fd00:ec2::23")) {
		init(&r);
		rig_var(&r,
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI="
		    "http://[fd00:ec2::23]/credentials/z");
		check_keys(&r, "ASIACONTAINER");
	}
	if (front_has("169.254.169.254")) {
		rig_init(&r);
		check_keys(&r, "ASIAINSTANCE");
	}
	if (front_has("fd00:ec2::254")) {
		rig_init(&r);
		rig_var(&r, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6");
		check_keys(&r, "ASIAINSTANCE");
		CU_ASSERT(front_last_has(
		    "/latest/api/token", "host", "[fd00:ec2::254]"));
	}
}

/* --- new ones ---------------------------------------------------------------------- */

static void
test_expired(void)
{
	struct rig r;

	front_set("{\"reset\":true}");
	container(&r);
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	COUNT("/credentials/x", 1);
	/* The service calls them expired, before their time. */
	front_set("{\"faults\":[{\"target\":\"ListTables\","
		  "\"kind\":\"expire\"}]}");
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	COUNT("/credentials/x", 2);
	COUNT("ListTables", 3);
	/* Once a call. */
	front_set("{\"faults\":[{\"target\":\"ListTables\",\"times\":2,"
		  "\"kind\":\"expire\"}]}");
	CU_ASSERT_EQUAL(rig_call(&r), ST_DENIED);
	rig_error_has(&r, "ExpiredTokenException");
	COUNT("/credentials/x", 3);
	rig_close(&r);

	/* Keys that are written down stay what they are. */
	front_set("{\"reset\":true}");
	rig_start(&r);
	front_set("{\"faults\":[{\"target\":\"ListTables\","
		  "\"kind\":\"expire\"}]}");
	CU_ASSERT_EQUAL(rig_call(&r), ST_DENIED);
	rig_error_has(&r, "the keys (environment) have expired");
	COUNT("ListTables", 1);
	rig_close(&r);
}

/* Somebody else writes new keys into the shared file. */
static void
test_file_rewritten(void)
{
	static const char format[] =
	    "{\"reset\":true,\"keys\":{"
	    "\"OLD\":{\"secret\":\"s1\",\"token\":\"t1\",\"expires\":%s},"
	    "\"NEW\":{\"secret\":\"s2\",\"token\":\"t2\",\"expires\":null}}}";
	struct rig r;

	front_set(format, "null");
	init(&r);
	rig_var(&r, "AWS_SHARED_CREDENTIALS_FILE=%s",
	    rig_file("credentials",
		"[default]\naws_access_key_id=OLD\n"
		"aws_secret_access_key=s1\naws_session_token=t1\n"));
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	front_set(format, "1");
	CU_ASSERT_EQUAL(rig_call(&r), ST_DENIED);
	(void)rig_file("credentials",
	    "[default]\naws_access_key_id=NEW\n"
	    "aws_secret_access_key=s2\naws_session_token=t2\n");
	sleep_ms(1100); /* it is not looked at with each call */
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	CU_ASSERT(front_last_has("ListTables", "authorization", "=NEW/"));
	rig_close(&r);
}

/* Fetched ahead by whoever calls, the others going on with the old ones. */
static void
test_refreshed_inline(void)
{
	struct rig r;

	front_set("{\"reset\":true,\"lifetime_s\":902}");
	container(&r);
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	COUNT("/credentials/x", 1);
	sleep_ms(2100); /* now they have less than 15 minutes */
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	COUNT("/credentials/x", 2);
	rig_close(&r);
}

static void
test_refresh_fails(void)
{
	struct rig r;

	front_set("{\"reset\":true,\"lifetime_s\":602}");
	container(&r);
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	sleep_ms(2100); /* less than 10 minutes: new ones, if there are any */
	front_set("{\"faults\":[{\"target\":\"/credentials/x\",\"times\":99,"
		  "\"kind\":\"error\",\"status\":404}]}");
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	COUNT("/credentials/x", 2);
	/* And then left alone for a minute. */
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	COUNT("/credentials/x", 2);
	rig_close(&r);

	front_set("{\"reset\":true,\"lifetime_s\":602}");
	container(&r);
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	sleep_ms(2100);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	COUNT("/credentials/x", 2);
	rig_close(&r);
}

/* Who could go on with the old ones waits 2 seconds at most, once a minute. */
static void
test_refresh_hangs(void)
{
	int64_t start;
	struct rig r;

	front_set("{\"reset\":true,\"lifetime_s\":902}");
	container(&r);
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	sleep_ms(2100);
	front_set("{\"faults\":[{\"target\":\"/credentials/x\",\"times\":99,"
		  "\"kind\":\"hang\"}]}");
	start = clock_mono_us();
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	CU_ASSERT(clock_mono_us() - start > 1000000);
	CU_ASSERT(clock_mono_us() - start < 3000000);
	start = clock_mono_us();
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	CU_ASSERT(clock_mono_us() - start < 1000000);
	rig_close(&r);
}

/* Keys that never last 10 minutes are not asked for with each call. */
static void
test_short_lived(void)
{
	struct rig r;

	front_set("{\"reset\":true,\"lifetime_s\":300}");
	container(&r);
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	COUNT("/credentials/x", 1);
	rig_close(&r);
}

/* Who was slower calls keys expired that were replaced meanwhile. */
static void
test_reject_late(void)
{
	struct aws_keys old,
	    other = { .access_key_id = (char *)"A", .secret = (char *)"s" };
	struct aws_credentials_options o = { .region = "us-east-1" };
	const struct http_library_options none = { 0 };
	struct http_library *http;
	struct aws_credentials *c;
	struct http_client *client;
	struct buf why = BUF_INIT;
	int64_t later = clock_mono_us() + 5000000;
	struct rig r;

	front_set("{\"reset\":true}");
	container(&r);
	o.envp = r.vars;
	CU_ASSERT_EQUAL_FATAL(http_library_open(&http, &none), ST_OK);
	CU_ASSERT_EQUAL_FATAL(http_client_open(&client, http, &why), ST_OK);
	CU_ASSERT_EQUAL_FATAL(aws_credentials_open(&c, &o), ST_OK);
	CU_ASSERT_EQUAL(
	    aws_credentials_get(c, client, later, &old, &why), ST_OK);
	CU_ASSERT_STRING_EQUAL(old.source, "container");
	aws_keys_release(&old);
	aws_credentials_reject(c, &other);
	CU_ASSERT_EQUAL(
	    aws_credentials_get(c, client, later, &old, &why), ST_OK);
	COUNT("/credentials/x", 1);
	aws_credentials_reject(c, &old);
	aws_keys_release(&old);
	CU_ASSERT_EQUAL(
	    aws_credentials_get(c, client, later, &old, &why), ST_OK);
	COUNT("/credentials/x", 2);
	aws_keys_release(&old);
	aws_credentials_close(c);
	http_client_close(client);
	http_library_close(http);
	rig_close(&r);
}

/* No keys at first, then there are. */
static void
test_late(void)
{
	struct rig r;

	front_set("{\"reset\":true,\"faults\":[{\"target\":\"/credentials/x\","
		  "\"kind\":\"error\",\"status\":404}]}");
	container(&r);
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_DENIED);
	/* Not asked again at once: each request would wait for it. */
	CU_ASSERT_EQUAL(rig_call(&r), ST_DENIED);
	rig_error_has(&r, "HTTP status 404");
	COUNT("/credentials/x", 1);
	sleep_ms(1100);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	rig_close(&r);
}

const struct test key_tests[] = {
	{ "keys of the environment", test_environment },
	{ "keys of the shared files", test_shared_files },
	{ "a profile that is not there", test_no_profile },
	{ "a profile that asks for more", test_unsupported },
	{ "web identity", test_web_identity },
	{ "web identity that fails", test_web_identity_mistakes },
	{ "a container's keys", test_container },
	{ "a container's keys that fail", test_container_mistakes },
	{ "an instance's keys", test_instance },
	{ "an instance's keys that fail", test_instance_mistakes },
	{ "AWS's own link-local addresses", test_link_local },
	{ "expired keys are fetched again", test_expired },
	{ "a shared file that is rewritten", test_file_rewritten },
	{ "keys fetched ahead, inline", test_refreshed_inline },
	{ "keys that cannot be fetched ahead", test_refresh_fails },
	{ "keys fetched ahead from who hangs", test_refresh_hangs },
	{ "keys that do not last", test_short_lived },
	{ "keys that are called expired late", test_reject_late },
	{ "keys that come late", test_late },
};
const size_t key_tests_n = TEST_COUNT(key_tests);
