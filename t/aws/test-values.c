/* Parameter Store and Secrets Manager. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/secretsmanager.h"
#include "aws/ssm.h"
#include "base/str.h"
#include "t/aws/front.h"
#include "t/aws/wipe.h"

#define MANY 23

static void
test_many(void)
{
	struct ssm_value values[MANY + 4];
	char names[MANY][32], want[32];
	struct buf json = BUF_INIT;
	struct rig r;
	size_t i;

	buf_puts(&json, "{\"reset\":true,\"parameters\":{\"/x:3\":\"three\"");
	for (i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "/twh/dev/p%zu", i);
		values[i].name = names[i];
		if (i != 7)
			buf_printf(&json, ",\"%s\":\"value %zu\"", names[i], i);
	}
	buf_puts(&json, "}}");
	front_set("%s", buf_str(&json));
	/* Again: in the same call, and in a later one. */
	values[9].name = values[MANY].name = names[2];
	values[MANY + 1].name = "/x:3";
	values[MANY + 2].name = "/x";
	values[MANY + 3].name =
	    "arn:aws:ssm:us-east-1:000000000000:parameter/absent";
	rig_start(&r);
	CU_ASSERT_EQUAL(ssm_get(r.client, values, TEST_COUNT(values)), ST_OK);
	for (i = 0; i < MANY; i++) {
		snprintf(want, sizeof(want), "value %zu", i == 9 ? 2 : i);
		CU_ASSERT_EQUAL(values[i].status, i == 7 ? ST_NOTFOUND : ST_OK);
		CU_ASSERT(str_eq(values[i].value, i == 7 ? NULL : want));
	}
	CU_ASSERT(str_eq(values[MANY].value, "value 2"));
	CU_ASSERT(str_eq(values[MANY + 1].value, "three"));
	CU_ASSERT_EQUAL(values[MANY + 2].status, ST_NOTFOUND);
	CU_ASSERT_EQUAL(values[MANY + 3].status, ST_NOTFOUND);
	/* 25 names, 10 a call. */
	COUNT("GetParameters", 3);
	CU_ASSERT(front_last_has(
	    "GetParameters", "content-type", "application/x-amz-json-1.1"));
	ssm_release(values, TEST_COUNT(values));
	CU_ASSERT_PTR_NULL(values[0].value);
	rig_close(&r);
	buf_release(&json);
}

static void
test_none(void)
{
	struct ssm_value values[2] = { { .name = "/a" }, { .name = "/b" } };
	struct rig r;

	front_set("{\"reset\":true,\"parameters\":{\"/a\":\"1\"},\"faults\":["
		  "{\"target\":\"GetParameters\",\"kind\":\"error\","
		  "\"type\":\"AccessDeniedException\"}]}");
	rig_start(&r);
	CU_ASSERT_EQUAL(ssm_get(r.client, values, 0), ST_OK);
	COUNT("GetParameters", 0);
	CU_ASSERT_EQUAL(ssm_get(r.client, values, 2), ST_DENIED);
	rig_error_has(&r, "SSM GetParameters: AccessDeniedException");
	CU_ASSERT_PTR_NULL(values[0].value);
	front_set("{\"faults\":[{\"target\":\"GetParameters\","
		  "\"kind\":\"error\",\"status\":200,\"body\":\"{}\"}]}");
	CU_ASSERT_EQUAL(ssm_get(r.client, values, 2), ST_CORRUPT);
	rig_close(&r);
}

static void
check_secret(struct rig *r, const char *region, const char *id,
    const char *stage, enum status st, const char *want, size_t len)
{
	struct buf value = BUF_INIT;

	CU_ASSERT_EQUAL(
	    secretsmanager_get(r->client, region, id, stage, &value), st);
	if (st == ST_OK) {
		CU_ASSERT_EQUAL_FATAL(value.len, len);
		CU_ASSERT_EQUAL(memcmp(buf_str(&value), want, len), 0);
	}
	buf_wipe(&value);
}

static void
test_secrets(void)
{
	struct rig r;

	front_set("{\"reset\":true,\"secrets\":{"
		  "\"twilio\":{\"AWSCURRENT\":\"{\\\"t\\\":\\\"new\\\"}\","
		  "\"AWSPREVIOUS\":\"old\"},\"empty\":{\"AWSCURRENT\":\"\"},"
		  "\"bytes\":{\"AWSCURRENT\":{\"binary\":\"AAH/\"}},"
		  "\"bad\":{\"AWSCURRENT\":{\"binary\":\"A!\"}}}}");
	rig_start(&r);
	check_secret(&r, NULL, "twilio", SECRETSMANAGER_CURRENT, ST_OK,
	    "{\"t\":\"new\"}", 11);
	check_secret(
	    &r, NULL, "twilio", SECRETSMANAGER_PREVIOUS, ST_OK, "old", 3);
	check_secret(
	    &r, NULL, "bytes", SECRETSMANAGER_CURRENT, ST_OK, "\0\1\xff", 3);
	check_secret(&r, NULL, "empty", SECRETSMANAGER_CURRENT, ST_OK, "", 0);
	check_secret(
	    &r, NULL, "bytes", SECRETSMANAGER_PREVIOUS, ST_NOTFOUND, NULL, 0);
	check_secret(
	    &r, NULL, "absent", SECRETSMANAGER_CURRENT, ST_NOTFOUND, NULL, 0);
	check_secret(
	    &r, NULL, "bad", SECRETSMANAGER_CURRENT, ST_CORRUPT, NULL, 0);
	rig_error_has(&r, "the answer has no value that can be read");
	/* SECRETS_MANAGER_REGION. */
	check_secret(&r, "eu-south-2", "twilio", SECRETSMANAGER_PREVIOUS, ST_OK,
	    "old", 3);
	CU_ASSERT(front_last_has("GetSecretValue", "authorization",
	    "/eu-south-2/secretsmanager/aws4_request"));
	rig_close(&r);
}

/* Of keys, parameters and secrets nothing is left in what is freed. */
static void
test_wiped(void)
{
	struct ssm_value value = { .name = "/p" };
	struct buf secret = BUF_INIT;
	char *block;
	struct rig r;

	if (!wipe_can())
		return;
	wipe_begin("wat", "ched");
	block = strdup("it is watched");
	free(block);
	CU_ASSERT_EQUAL(wipe_end(), 1);

	/* The front puts "leaked!" for @, so that it is in values only. */
	front_set("{\"reset\":true,\"mark\":[\"leak\",\"ed!\"],"
		  "\"parameters\":{\"/p\":\"a @ b\"},"
		  "\"secrets\":{\"s\":{\"AWSCURRENT\":\"c @ d\"}}}");
	rig_init(&r);
	rig_var(&r, "AWS_CONTAINER_CREDENTIALS_FULL_URI=%s/credentials/x",
	    front_url());
	wipe_begin("leak", "ed!");
	rig_open(&r);
	CU_ASSERT_EQUAL(ssm_get(r.client, &value, 1), ST_OK);
	CU_ASSERT_EQUAL_FATAL(value.status, ST_OK);
	CU_ASSERT_EQUAL(strlen(value.value), 11);
	ssm_release(&value, 1);
	CU_ASSERT_EQUAL(secretsmanager_get(r.client, NULL, "s",
			    SECRETSMANAGER_CURRENT, &secret),
	    ST_OK);
	CU_ASSERT_EQUAL(secret.len, 11);
	buf_wipe(&secret);
	rig_close(&r);
	CU_ASSERT_EQUAL(wipe_end(), 0);

	/* Web identity: the answer is XML. */
	rig_init(&r);
	rig_var(
	    &r, "AWS_WEB_IDENTITY_TOKEN_FILE=%s", rig_file("jwt", "web-token"));
	rig_var(&r, "AWS_ROLE_ARN=arn:aws:iam::000000000000:role/r");
	wipe_begin("leak", "ed!");
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	rig_close(&r);
	CU_ASSERT_EQUAL(wipe_end(), 0);
}

const struct test value_tests[] = {
	{ "parameters, ten a call", test_many },
	{ "parameters that cannot be had", test_none },
	{ "secrets", test_secrets },
	{ "secrets are wiped", test_wiped },
};
const size_t value_tests_n = TEST_COUNT(value_tests);
