/*
 * The parts of src/aws when memory runs out, at every allocation: each fails
 * as it says and leaves nothing behind. By an allocator of our own over
 * glibc's, so not under a sanitizer.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/client.h"
#include "aws/client_impl.h"
#include "aws/credentials.h"
#include "aws/dynamodb.h"
#include "aws/dynamodb_item.h"
#include "aws/profile.h"
#include "aws/provider.h"
#include "aws/sqs.h"
#include "aws/sqs_message.h"
#include "base/buf.h"
#include "codec/json.h"
#include "codec/sigv4.h"
#include "t/memory.h"
#include "t/test.h"

static char variables[4][300];
static char *envp[] = { variables[0], variables[1], variables[2], variables[3],
	NULL };

static enum status
sign(void)
{
	static const struct kv_pair pair = { "host", "h", 4, 1 };
	const struct kv headers = { (struct kv_pair *)&pair, 1, 1, NULL };
	const struct sigv4_request r = { .method = "POST",
		.path = "/a",
		.headers = &headers,
		.date = "20261121T185000Z",
		.region = "r",
		.service = "s" };
	struct buf made = BUF_INIT;
	enum status st = sigv4_authorization(&r, "AKID", "secret", &made);

	buf_release(&made);
	return st;
}

static enum status
load_profile(void)
{
	struct buf why = BUF_INIT;
	struct profile *p;
	enum status st = profile_load(&p, envp, &why);

	profile_free(p);
	buf_release(&why);
	return st;
}

static enum status
read_keys(void)
{
	static const char text[] = "{\"AccessKeyId\":\"A\","
				   "\"SecretAccessKey\":\"s\",\"Token\":\"t\","
				   "\"Expiration\":\"2026-11-21T18:50:00Z\"}";
	const struct buf body = { (char *)text, sizeof(text) - 1, 0, ST_OK };
	struct aws_keys keys = { 0 };
	enum status st = provider_json(&body, &keys);

	aws_keys_release(&keys);
	return st;
}

static enum status
write_and_read_item(void)
{
	const struct conversation in = { (char *)"c", (char *)"+1", (char *)"t",
		NULL, (char *)"p", true, 7, true };
	struct conversation out;
	struct buf text = BUF_INIT;
	struct json *root = NULL;
	const char *wrong;
	enum status st = item_put(&text, &in);

	if (st == ST_OK)
		st = json_parse(text.data, text.len, &root);
	if (st == ST_OK && (st = item_read(root, &out, &wrong)) == ST_OK)
		conversation_release(&out);
	json_free(root);
	buf_release(&text);
	return st;
}

static enum status
write_message(void)
{
	const struct queue_message m = { .body = "x",
		.len = 1,
		.group = "a b",
		.dedupe = "SM1",
		.trace = "Root=1-5759e988-bd862e3fe1be46a994272793" };
	struct buf b = BUF_INIT;
	enum status st = sqs_put_message(&b, true, &m, "why");

	buf_release(&b);
	return st;
}

/* All that is opened before the first call. */
static enum status
open_all(void)
{
	const struct aws_options o = { .envp = envp };
	const struct dynamodb_options table = { .table = "table" };
	const struct sqs_options queue = {
		.url = "https://sqs.eu-west-1.amazonaws.com/1/q"
	};
	struct buf why = BUF_INIT;
	struct store *s = NULL;
	struct queue *q = NULL;
	struct aws *aws;
	enum status st = aws_open(&aws, &o, &why);

	/* They keep the client and do not look at it yet. */
	if (st == ST_OK)
		st = dynamodb_open(NULL, &table, &s, &why);
	if (st == ST_OK)
		st = sqs_open(NULL, &queue, &q, &why);
	if (s != NULL)
		s->ops->close(s);
	if (q != NULL)
		q->ops->close(q);
	aws_close(aws);
	buf_release(&why);
	return st;
}

/* A call that has keys and reaches nobody. */
static enum status
call(void)
{
	const struct aws_options o = { .envp = envp };
	struct buf why = BUF_INIT, body = BUF_INIT;
	const struct aws_call c = { .service = AWS_DYNAMODB,
		.operation = "ListTables",
		.body = &body };
	struct aws_reply reply = { .body = NULL };
	struct aws_client *client = NULL;
	struct aws *aws;
	enum status st = aws_open(&aws, &o, &why);

	if (st == ST_OK)
		st = aws_client_open(&client, aws, &why);
	if (st == ST_OK && (st = buf_puts(&body, "{}")) == ST_OK) {
		/* Nothing is left to pay a second try with. */
		while (retry_take(&aws->buckets[AWS_DYNAMODB], 1))
			;
		aws_client_begin(client, 0, NULL, NULL);
		st = aws_call(client, &c, &reply);
	}
	aws_reply_release(&reply);
	aws_client_close(client);
	aws_close(aws);
	buf_release(&body);
	buf_release(&why);
	return st == ST_UNAVAILABLE ? ST_OK : st;
}

static void
write_file(size_t i, const char *variable, const char *text)
{
	FILE *f;
	int n = snprintf(variables[i], sizeof(variables[i]), "%s=%s/%zu",
	    variable, test_tmpdir(), i);

	if (n < 0 || (f = fopen(strchr(variables[i], '=') + 1, "w")) == NULL)
		exit(99);
	fputs(text, f);
	fclose(f);
}

static void
test_memory(void)
{
	write_file(0, "AWS_CONFIG_FILE",
	    "[default]\nregion = us-east-1\nservices = x\n"
	    "[services x]\ndynamodb =\n  endpoint_url = http://127.0.0.1:1\n");
	write_file(1, "AWS_SHARED_CREDENTIALS_FILE",
	    "[default]\naws_access_key_id = A\naws_secret_access_key = s\n"
	    "aws_session_token = t\n");
	memory_run_out("sigv4", sign, 5, 1, 0);
	memory_run_out("profile_load", load_profile, 5, 1, 0);
	memory_run_out("provider_json", read_keys, 10, 1, 0);
	memory_run_out("items", write_and_read_item, 15, 1, 0);
	memory_run_out("messages", write_message, 2, 1, 0);
	memory_run_out("opening", open_all, 12, 1, 0);
	(void)call(); /* libcurl and what it loads stay */
	memory_run_out("calling", call, 40, 1, 0);
}

static const struct test tests[] = {
	{ "each allocation fails once", test_memory },
};

int
main(void)
{
	if (!memory_is_ours())
		return 77;
	return test_main("aws, without memory", tests, TEST_COUNT(tests));
}
