/* A call: signed, tried again, within its time. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "t/aws/front.h"

static void
test_success(void)
{
	struct rig r;

	front_set("{\"reset\":true}");
	rig_start(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	CU_ASSERT_STRING_EQUAL(aws_client_error(r.client), "");
	COUNT("ListTables", 2);
	CU_ASSERT(front_last_has(
	    "ListTables", "content-type", "application/x-amz-json-1.0"));
	CU_ASSERT(front_last_has("ListTables", "authorization",
	    "/us-east-1/dynamodb/aws4_request, SignedHeaders="
	    "content-type;host;x-amz-date;x-amz-target, Signature="));
	rig_close(&r);
}

/* Four workers of one process, each with its own client. */
static void *
work(void *arg)
{
	struct aws *aws = arg;
	struct buf why = BUF_INIT, body = BUF_INIT;
	const struct aws_call call = { .service = AWS_DYNAMODB,
		.operation = "ListTables",
		.body = &body };
	struct aws_client *client;
	size_t good = 0;
	int i;

	buf_puts(&body, "{}");
	if (aws_client_open(&client, aws, &why) != ST_OK)
		return NULL;
	for (i = 0; i < 20; i++) {
		struct aws_reply reply;

		good += aws_call(client, &call, &reply) == ST_OK;
		aws_reply_release(&reply);
	}
	aws_client_close(client);
	buf_release(&body);
	return good == 20 ? arg : NULL;
}

static void
test_threads(void)
{
	pthread_t threads[4];
	struct rig r;
	void *result;
	size_t i;

	/* Their keys come from one place, and are asked for once. */
	front_set("{\"reset\":true,\"faults\":[{\"target\":\"/credentials/x\","
		  "\"kind\":\"latency\",\"ms\":100}]}");
	rig_init(&r);
	rig_var(&r, "AWS_CONTAINER_CREDENTIALS_FULL_URI=%s/credentials/x",
	    front_url());
	rig_open(&r);
	for (i = 0; i < TEST_COUNT(threads); i++)
		CU_ASSERT_EQUAL_FATAL(
		    pthread_create(&threads[i], NULL, work, r.aws), 0);
	for (i = 0; i < TEST_COUNT(threads); i++) {
		pthread_join(threads[i], &result);
		CU_ASSERT_PTR_NOT_NULL(result);
	}
	COUNT("/credentials/x", 1);
	COUNT("ListTables", 80);
	rig_close(&r);
}

static void
test_wrong_signature(void)
{
	struct rig r;

	front_set("{\"reset\":true}");
	rig_init(&r);
	rig_keys(&r, "AKIDTEST", "not-the-one");
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_DENIED);
	rig_error_has(
	    &r, "DynamoDB ListTables: InvalidSignatureException (HTTP 400)");
	/* What AWS says of it shows the canonical request: not quoted. */
	CU_ASSERT_PTR_NULL(strstr(aws_client_error(r.client), "Canonical"));
	COUNT("ListTables", 1);
	rig_close(&r);

	rig_init(&r);
	rig_keys(&r, "NOBODY", "x");
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_DENIED);
	rig_error_has(&r, "UnrecognizedClientException");
	rig_close(&r);
}

static void
check_skew(int skew_s)
{
	struct rig r;

	front_set("{\"reset\":true,\"skew_s\":%d}", skew_s);
	rig_start(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	COUNT("ListTables", 2);
	/* From then on it is known. */
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	COUNT("ListTables", 3);
	/* Also when it ends. */
	front_set("{\"skew_s\":0}");
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	COUNT("ListTables", 5);
	rig_close(&r);
}

#define SKEWED(date) \
	"{\"target\":\"ListTables\",\"kind\":\"error\"," \
	"\"type\":\"InvalidSignatureException\"," \
	"\"headers\":{\"date\":\"" date "\"}}"

static void
test_skew(void)
{
	struct rig r;

	check_skew(3600);
	check_skew(-86400);
	/* Corrected once a call, not for ever: the next date is another. */
	front_set("{\"reset\":true,\"faults\":[" SKEWED(
	    "Sat, 21 Nov 2020 18:50:00 "
	    "GMT") "," SKEWED("Sun, 21 Nov 2021 18:50:00 GMT") "," SKEWED("Mon,"
									  " 21 "
									  "Nov "
									  "2022"
									  " "
									  "18:"
									  "50:"
									  "00 "
									  "GMT") "]"
										 "}");
	rig_start(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_DENIED);
	COUNT("ListTables", 2);
	rig_close(&r);
	/* A date that is no news is not the reason. */
	front_set("{\"reset\":true,\"skew_s\":200}");
	rig_init(&r);
	rig_keys(&r, "AKIDTEST", "not-the-one");
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_DENIED);
	COUNT("ListTables", 1);
	rig_close(&r);
}

/* Faults, as often as said, then none: does the call get through, by how many
 * requests? */
static void
check_faults(const char *fault, enum status st, size_t requests)
{
	struct rig r;

	front_set(
	    "{\"reset\":true,\"faults\":[{\"target\":\"ListTables\",%s}]}",
	    fault);
	rig_start(&r);
	CU_ASSERT_EQUAL(rig_call(&r), st);
	if (front_count("ListTables") != requests)
		fprintf(stderr, "%s: %zu requests\n", fault,
		    front_count("ListTables"));
	COUNT("ListTables", requests);
	rig_close(&r);
}

#define ERROR(type) "\"kind\":\"error\",\"type\":\"com.amazonaws.x#" type "\""

static void
test_retried(void)
{
	check_faults(ERROR("ThrottlingException"), ST_OK, 2);
	check_faults(ERROR("InternalServerError") ",\"status\":500,\"times\":3",
	    ST_OK, 4);
	check_faults(
	    "\"kind\":\"error\",\"status\":503,\"body\":\"<html>\"", ST_OK, 2);
	check_faults(
	    "\"kind\":\"error\",\"status\":502,\"body\":\"\"", ST_OK, 2);
	check_faults("\"kind\":\"reset\",\"times\":2", ST_OK, 3);
	check_faults("\"kind\":\"lost\"", ST_OK, 2);
	check_faults("\"kind\":\"truncate\"", ST_OK, 2);
	check_faults("\"kind\":\"cut\"", ST_OK, 2);
	check_faults("\"kind\":\"garbage\"", ST_OK, 2);
	check_faults("\"kind\":\"crc\"", ST_OK, 2);
}

static void
test_given_up(void)
{
	check_faults(ERROR("InternalServerError") ",\"status\":500,\"times\":9",
	    ST_UNAVAILABLE, 4);
	check_faults("\"kind\":\"crc\",\"times\":9", ST_CORRUPT, 4);
	check_faults("\"kind\":\"cut\",\"times\":9", ST_CORRUPT, 4);
	check_faults("\"kind\":\"garbage\",\"times\":9", ST_CORRUPT, 4);
	check_faults("\"kind\":\"truncate\",\"times\":9", ST_IO, 4);
}

static void
test_not_retried(void)
{
	check_faults(ERROR("ValidationException"), ST_CONFIG, 1);
	check_faults(ERROR("AccessDeniedException"), ST_DENIED, 1);
	check_faults(ERROR("ResourceNotFoundException"), ST_NOTFOUND, 1);
	check_faults(ERROR("ConditionalCheckFailedException"), ST_EXISTS, 1);
	check_faults(ERROR("Unheard"), ST_CONFIG, 1);
	check_faults(
	    "\"kind\":\"error\",\"status\":301,\"body\":\"\"", ST_CONFIG, 1);
	check_faults(
	    "\"kind\":\"error\",\"status\":413,\"body\":\"\"", ST_TOOBIG, 1);
}

static void
test_words(void)
{
	struct rig r;

	front_set(
	    "{\"reset\":true,\"faults\":[{\"target\":\"ListTables\"," ERROR(
		"AccessDeniedException") ",\"message\":\"User: x is not "
					 "authorized\"}]}");
	rig_start(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_DENIED);
	rig_error_has(&r,
	    "DynamoDB ListTables: AccessDeniedException (HTTP 400): "
	    "User: x is not authorized");
	front_set("{\"faults\":[{\"target\":\"ListTables\",\"times\":9,"
		  "\"kind\":\"crc\"}]}");
	CU_ASSERT_EQUAL(rig_call(&r), ST_CORRUPT);
	rig_error_has(
	    &r, "DynamoDB ListTables: the answer is damaged, after 4 tries");
	CU_ASSERT_EQUAL(
	    rig_ask(&r, AWS_DYNAMODB, "NoSuchThing", "{}"), ST_UNSUPPORTED);
	rig_error_has(&r, "UnknownOperationException");
	rig_close(&r);
}

static void
test_retry_after(void)
{
	int64_t start;
	struct rig r;

	front_set("{\"reset\":true,\"faults\":[{\"target\":\"ListTables\","
		  "\"kind\":\"error\",\"status\":503,"
		  "\"headers\":{\"x-amz-retry-after\":\"400\"}}]}");
	rig_start(&r);
	start = clock_mono_us();
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	CU_ASSERT(clock_mono_us() - start >= 400000);
	CU_ASSERT(clock_mono_us() - start < 3000000);
	rig_close(&r);
}

/* Within its time, whatever happens; ms is how long it may take at least and
 * at most. */
static void
check_time(const char *fault, long give_ms, enum status st, long least_ms,
    long most_ms)
{
	int64_t start, took;
	struct rig r;

	front_set(
	    "{\"reset\":true,\"faults\":[{\"target\":\"ListTables\",%s}]}",
	    fault);
	rig_start(&r);
	start = clock_mono_us();
	aws_client_begin(r.client, start + give_ms * 1000, NULL, NULL);
	CU_ASSERT_EQUAL(rig_call(&r), st);
	took = (clock_mono_us() - start) / 1000;
	if (took < least_ms || took > most_ms)
		fprintf(stderr, "%s: %d ms\n", fault, (int)took);
	CU_ASSERT(took >= least_ms && took <= most_ms);
	if (st != ST_OK)
		rig_error_has(&r, "DynamoDB ListTables: ");
	rig_close(&r);
}

static void
test_deadline(void)
{
	check_time("\"kind\":\"hang\",\"times\":9", 500, ST_TIMEOUT, 450, 1500);
	/* One that hangs leaves time for another try, on a busy machine too. */
	check_time("\"kind\":\"hang\"", 5000, ST_OK, 1100, 5400);
	check_time("\"kind\":\"latency\",\"ms\":900,\"times\":9", 500,
	    ST_TIMEOUT, 450, 1500);
	/* No sleep that would end too late: the answer is at once. */
	check_time(ERROR("ThrottlingException") ",\"times\":9,"
						"\"headers\":{\"x-amz-retry-"
						"after\":\"4000\"}",
	    2000, ST_BUSY, 0, 500);
	check_time("\"kind\":\"latency\",\"ms\":0", -1, ST_TIMEOUT, 0, 100);
}

static void
test_refused_connection(void)
{
	struct rig r;

	rig_init(&r);
	rig_keys(&r, "AKIDTEST", "secret-of-test");
	rig_var(&r, "AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:1");
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_UNAVAILABLE);
	rig_error_has(&r, "DynamoDB ListTables: http://127.0.0.1:1: ");
	rig_error_has(&r, ", after 4 tries");
	rig_close(&r);
}

/* An outage must not become four times the load. */
static void
test_bucket(void)
{
	struct rig r;
	size_t before, after;
	int i;

	front_set("{\"reset\":true,\"faults\":[{\"target\":\"ListTables\","
		  "\"kind\":\"error\",\"status\":503,\"times\":999}]}");
	rig_start(&r);
	for (i = 0; i < 14; i++)
		CU_ASSERT_EQUAL(rig_call(&r), ST_UNAVAILABLE);
	before = front_count("ListTables");
	CU_ASSERT_EQUAL(before, 14 + 500 / 14);
	for (i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(rig_call(&r), ST_UNAVAILABLE);
	after = front_count("ListTables");
	CU_ASSERT_EQUAL(after, before + 5);
	/* Another service has a bucket of its own. */
	front_set("{\"faults\":[{\"target\":\"ListQueues\","
		  "\"kind\":\"error\",\"status\":503}]}");
	CU_ASSERT_EQUAL(rig_ask(&r, AWS_SQS, "ListQueues", "{}"), ST_OK);
	/* Success fills it again, by and by. */
	for (i = 0; i < 14; i++)
		CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	front_set("{\"faults\":[{\"target\":\"ListTables\","
		  "\"kind\":\"error\",\"status\":503}]}");
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	rig_close(&r);
}

static void
test_endpoints(void)
{
	struct rig r;

	front_set("{\"reset\":true}");
	rig_init(&r);
	rig_keys(&r, "AKIDTEST", "secret-of-test");
	/* A path in front of the service's, which is signed too. */
	rig_var(&r, "AWS_ENDPOINT_URL_DYNAMODB=%s/some%%20where/", front_url());
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	CU_ASSERT(front_last_has("ListTables", "url", "/some%20where/"));
	CU_ASSERT_EQUAL(rig_ask(&r, AWS_SQS, "ListQueues", "{}"), ST_OK);
	rig_close(&r);
}

static void
test_region(void)
{
	struct buf why = BUF_INIT;
	struct rig r = { .n = 0 };

	front_set("{\"reset\":true}");
	rig_var(&r, "AWS_ENDPOINT_URL=%s", front_url());
	rig_keys(&r, "AKIDTEST", "secret-of-test");
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_CONFIG);
	rig_error_has(&r, "no AWS region: set aws.region, or AWS_REGION");
	COUNT("ListTables", 0);
	rig_close(&r);

	r = (struct rig){ .n = 0 };
	rig_var(&r, "AWS_ENDPOINT_URL=%s", front_url());
	rig_var(&r, "AWS_DEFAULT_REGION=eu-west-3");
	rig_keys(&r, "AKIDTEST", "secret-of-test");
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	CU_ASSERT(front_last_has(
	    "ListTables", "authorization", "/eu-west-3/dynamodb/"));
	rig_close(&r);

	r = (struct rig){ .n = 0 };
	rig_var(&r, "AWS_REGION=us-east-1.evil.example/");
	CU_ASSERT_EQUAL(rig_try(&r, &why), ST_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), "no AWS region"));
	buf_release(&why);
	rig_close(&r);
}

static void
test_proxy(void)
{
	struct rig r;

	front_set("{\"reset\":true}");
	rig_init(&r);
	rig_var(&r, "AWS_ENDPOINT_URL_DYNAMODB=http://dynamodb.invalid:81");
	rig_var(&r, "AWS_CONTAINER_CREDENTIALS_FULL_URI=%s/credentials/x",
	    front_url());
	r.proxy = front_url();
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	CU_ASSERT(
	    front_last_has("ListTables", "proxied", "dynamodb.invalid:81"));
	CU_ASSERT(front_last_has("ListTables", "host", "dynamodb.invalid:81"));
	/* Keys of the machine itself are asked for directly. */
	COUNT("/credentials/x", 1);
	front_last_is("/credentials/x", "proxied", "");
	rig_close(&r);

	rig_init(&r);
	rig_var(&r, "AWS_EC2_METADATA_SERVICE_ENDPOINT=%s", front_url());
	r.proxy = front_url();
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	COUNT("/latest/api/token", 1);
	front_last_is("/latest/api/token", "proxied", "");
	rig_close(&r);
}

static void
test_tls(void)
{
	struct rig r;

	if (front_tls_url() == NULL)
		return;
	front_set("{\"reset\":true}");
	rig_init(&r);
	rig_keys(&r, "AKIDTEST", "secret-of-test");
	rig_var(&r, "AWS_ENDPOINT_URL_DYNAMODB=%s", front_tls_url());
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_DENIED);
	rig_error_has(&r, "certificate");
	COUNT("ListTables", 0);
	rig_close(&r);

	rig_init(&r);
	rig_keys(&r, "AKIDTEST", "secret-of-test");
	rig_var(&r, "AWS_ENDPOINT_URL_DYNAMODB=%s", front_tls_url());
	rig_var(&r, "AWS_CA_BUNDLE=%s", getenv("AWS_FRONT_CA"));
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	rig_close(&r);

	rig_init(&r);
	rig_keys(&r, "AKIDTEST", "secret-of-test");
	rig_var(&r, "AWS_ENDPOINT_URL_DYNAMODB=%s", front_tls_url());
	rig_var(&r, "AWS_CA_BUNDLE=%s/absent.pem", test_tmpdir());
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_CONFIG);
	rig_close(&r);
}

#define TRACE "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void
test_traces(void)
{
	struct rig r;

	front_set("{\"reset\":true}");
	rig_start(&r);
	aws_client_begin(r.client, 0, TRACE, PARENT);
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	CU_ASSERT(front_last_has("ListTables", "x-amzn-trace-id", TRACE));
	CU_ASSERT(front_last_has("ListTables", "traceparent", PARENT));
	aws_client_begin(r.client, 0, "x\r\nY: z", "\x01");
	CU_ASSERT_EQUAL(rig_call(&r), ST_OK);
	front_last_is("ListTables", "x-amzn-trace-id", "");
	front_last_is("ListTables", "traceparent", "");
	rig_close(&r);
}

static void
test_logged(void)
{
	char path[256], line[4096] = "";
	struct rig r;
	FILE *f;

	front_set(
	    "{\"reset\":true,\"faults\":[{\"target\":\"ListTables\"," ERROR(
		"ValidationException") "}]}");
	rig_init(&r);
	rig_keys(&r, "AKIDTEST", "secret-of-test");
	snprintf(path, sizeof(path), "%s", rig_file("log", ""));
	CU_ASSERT_EQUAL_FATAL(
	    log_open(&r.log, path, LOG_FORMAT_JSON, LOG_LEVEL_DEBUG), ST_OK);
	rig_open(&r);
	CU_ASSERT_EQUAL(rig_call(&r), ST_CONFIG);
	rig_close(&r);
	f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while (fgets(line, sizeof(line), f) != NULL &&
	    strstr(line, "aws call failed") == NULL)
		;
	fclose(f);
	CU_ASSERT_PTR_NOT_NULL(strstr(line, "\"service\":\"dynamodb\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(line, "\"operation\":\"ListTables\""));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(line, "\"code\":\"ValidationException\""));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(line, "\"aws_request_id\":\"request-1\""));
	CU_ASSERT_PTR_NULL(strstr(line, "secret"));
}

const struct test call_tests[] = {
	{ "a call, and a kept connection", test_success },
	{ "several threads, one source of keys", test_threads },
	{ "a wrong signature is refused", test_wrong_signature },
	{ "clock skew is corrected once", test_skew },
	{ "what is tried again", test_retried },
	{ "what is given up", test_given_up },
	{ "what is not tried again", test_not_retried },
	{ "words for people", test_words },
	{ "x-amz-retry-after", test_retry_after },
	{ "the deadline is kept", test_deadline },
	{ "nobody there", test_refused_connection },
	{ "the bucket runs dry and fills", test_bucket },
	{ "endpoints", test_endpoints },
	{ "regions", test_region },
	{ "a proxy, and past it", test_proxy },
	{ "certificates", test_tls },
	{ "traces go along", test_traces },
	{ "what is logged", test_logged },
};
const size_t call_tests_n = TEST_COUNT(call_tests);
