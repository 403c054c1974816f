/* Values that references name, over the wire. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "site/source.h"
#include "t/aws/front.h"

#define DEADLINE_US INT64_C(3000000)

/* A rig whose source is asked; the client of its own stays unused. */
struct asked {
	struct rig rig;
	struct source *source;
	struct source_item items[16];
	size_t n;
};

static void
begin(struct asked *a, const char *state)
{
	front_set("%s", state);
	*a = (struct asked){ .n = 0 };
	rig_start(&a->rig);
	CU_ASSERT_EQUAL_FATAL(
	    source_aws_open(&a->source, a->rig.aws, "eu-south-2"), ST_OK);
}

static void
want(struct asked *a, enum reference_kind kind, const char *name, bool previous)
{
	a->items[a->n].kind = kind;
	a->items[a->n].name = name;
	a->items[a->n++].previous = previous;
}

static void
fetch(struct asked *a)
{
	source_items_release(a->items, a->n);
	a->source->ops->fetch(
	    a->source, a->items, a->n, clock_mono_us() + DEADLINE_US);
}

static void
assert_value(const struct asked *a, size_t i, const char *value)
{
	CU_ASSERT_EQUAL(a->items[i].status, ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&a->items[i].value), value);
	CU_ASSERT_STRING_EQUAL(buf_str(&a->items[i].why), "");
}

static void
assert_failure(
    const struct asked *a, size_t i, enum status st, const char *part)
{
	CU_ASSERT_EQUAL(a->items[i].status, st);
	CU_ASSERT_EQUAL(a->items[i].value.len, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&a->items[i].why), part));
	CU_ASSERT_PTR_NULL(strchr(buf_str(&a->items[i].why), '\n'));
	if (strstr(buf_str(&a->items[i].why), part) == NULL)
		printf("\n%s\n", buf_str(&a->items[i].why));
}

static void
end(struct asked *a)
{
	source_items_release(a->items, a->n);
	source_close(a->source);
	rig_close(&a->rig);
}

#define STATE \
	"{\"reset\":true,\"parameters\":{\"/a\":\"1\",\"/b\":\"2\"}," \
	"\"secrets\":{\"s\":{\"AWSCURRENT\":\"new\",\"AWSPREVIOUS\":\"old\"}}" \
	"}"

static void
test_both(void)
{
	struct asked a;

	begin(&a, STATE);
	want(&a, REFERENCE_SECRETSMANAGER, "s", false);
	want(&a, REFERENCE_SSM, "/a", false);
	want(&a, REFERENCE_SECRETSMANAGER, "s", true);
	want(&a, REFERENCE_SSM, "/none", false);
	want(&a, REFERENCE_SECRETSMANAGER, "s", false);
	want(&a, REFERENCE_SSM, "/b", false);
	want(&a, REFERENCE_SECRETSMANAGER, "none", false);
	want(&a, REFERENCE_SSM, "/a", false);
	fetch(&a);
	assert_value(&a, 0, "new");
	assert_value(&a, 1, "1");
	assert_value(&a, 2, "old");
	assert_failure(&a, 3, ST_NOTFOUND,
	    "Parameter Store has none of this name in us-east-1");
	assert_value(&a, 4, "new");
	assert_value(&a, 5, "2");
	assert_failure(&a, 6, ST_NOTFOUND,
	    "Secrets Manager GetSecretValue: ResourceNotFoundException");
	assert_value(&a, 7, "1");
	/* In as few calls as can be. */
	COUNT("GetParameters", 1);
	COUNT("GetSecretValue", 3);
	CU_ASSERT(front_last_has("GetSecretValue", "authorization",
	    "/eu-south-2/secretsmanager/aws4_request"));
	/* And again, as a responder does. */
	front_set("{\"parameters\":{\"/a\":\"3\"}}");
	fetch(&a);
	assert_value(&a, 1, "3");
	end(&a);
}

/* One name that is refused does not take the others along. */
static void
test_refused(void)
{
	struct asked a;

	begin(&a, STATE);
	want(&a, REFERENCE_SSM, "/a", false);
	want(&a, REFERENCE_SSM, "/secret", false);
	want(&a, REFERENCE_SSM, "/b", false);
	front_set("{\"faults\":[{\"target\":\"GetParameters\","
		  "\"kind\":\"error\",\"type\":\"AccessDeniedException\","
		  "\"message\":\"no\\nright\"},"
		  "{\"target\":\"GetParameters\",\"kind\":\"latency\","
		  "\"ms\":1},"
		  "{\"target\":\"GetParameters\",\"kind\":\"error\","
		  "\"type\":\"AccessDeniedException\","
		  "\"message\":\"no\\nright\"}]}");
	fetch(&a);
	assert_value(&a, 0, "1");
	assert_failure(&a, 1, ST_DENIED,
	    "SSM GetParameters: AccessDeniedException (HTTP 400): no right");
	assert_value(&a, 2, "2");
	COUNT("GetParameters", 4);
	end(&a);
}

/* A service that is down is asked for one of its values only, and a service
 * that hangs leaves the other its time. */
static void
test_down(void)
{
	int64_t began;
	struct asked a;

	begin(&a, STATE);
	want(&a, REFERENCE_SSM, "/a", false);
	want(&a, REFERENCE_SSM, "/b", false);
	want(&a, REFERENCE_SECRETSMANAGER, "s", false);
	front_set("{\"faults\":[{\"target\":\"GetParameters\","
		  "\"kind\":\"hang\",\"times\":9}]}");
	began = clock_mono_us();
	fetch(&a);
	CU_ASSERT(clock_mono_us() - began < DEADLINE_US);
	CU_ASSERT_EQUAL(a.items[0].status, ST_TIMEOUT);
	CU_ASSERT_EQUAL(a.items[1].status, ST_TIMEOUT);
	assert_value(&a, 2, "new");
	end(&a);
	begin(&a, STATE);
	want(&a, REFERENCE_SECRETSMANAGER, "s", false);
	want(&a, REFERENCE_SECRETSMANAGER, "s", true);
	want(&a, REFERENCE_SECRETSMANAGER, "t", false);
	want(&a, REFERENCE_SSM, "/a", false);
	front_set("{\"faults\":[{\"target\":\"GetSecretValue\","
		  "\"kind\":\"error\",\"status\":500,\"times\":3}]}");
	fetch(&a);
	assert_failure(&a, 0, ST_UNAVAILABLE, "HTTP 500");
	assert_failure(&a, 1, ST_UNAVAILABLE, "HTTP 500");
	assert_failure(&a, 2, ST_UNAVAILABLE, "HTTP 500");
	assert_value(&a, 3, "1");
	COUNT("GetSecretValue", 3); /* the tries of one call */
	end(&a);
}

static void
test_nobody(void)
{
	struct asked a = { .n = 0 };

	front_set(STATE);
	rig_init(&a.rig);
	rig_var(&a.rig, "AWS_EC2_METADATA_DISABLED=true");
	rig_open(&a.rig);
	CU_ASSERT_EQUAL_FATAL(
	    source_aws_open(&a.source, a.rig.aws, NULL), ST_OK);
	want(&a, REFERENCE_SSM, "/a", false);
	want(&a, REFERENCE_SECRETSMANAGER, "s", false);
	fetch(&a);
	assert_failure(&a, 0, ST_CONFIG, "no AWS keys");
	assert_failure(&a, 1, ST_CONFIG, "no AWS keys");
	COUNT("GetParameters", 0);
	/* Nothing to ask. */
	source_items_release(a.items, a.n);
	a.n = 0;
	fetch(&a);
	source_close(a.source);
	source_close(NULL);
	rig_close(&a.rig);
}

const struct test source_tests[] = {
	{ "references: both services", test_both },
	{ "references: one is refused", test_refused },
	{ "references: a service is down", test_down },
	{ "references: without keys", test_nobody },
};
const size_t source_tests_n = TEST_COUNT(source_tests);
