/* Conversations in DynamoDB. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws/dedupe.h"
#include "aws/dynamodb.h"
#include "base/str.h"
#include "t/aws/front.h"
#include "t/contract-store.h"

#define ATTRIBUTE(name) \
	"{\"AttributeName\":\"" name "\",\"AttributeType\":\"S\"}"
#define KEY(name, type) \
	"{\"AttributeName\":\"" name "\",\"KeyType\":\"" type "\"}"

static void
wait_until_active(struct rig *r, const char *table)
{
	const struct timespec nap = { 0, 5000000 };
	struct buf body = BUF_INIT;
	const struct aws_call call = { .service = AWS_DYNAMODB,
		.operation = "DescribeTable",
		.body = &body };
	bool active = false;
	int i;

	buf_printf(&body, "{\"TableName\":\"%s\"}", table);
	for (i = 0; i < 400 && !active; i++) {
		struct aws_reply reply;
		const struct json *its;
		const char *status;

		active = aws_call(r->client, &call, &reply) == ST_OK &&
		    json_member(reply.body, "Table", &its) == ST_OK &&
		    json_member_text(its, "TableStatus", &status) == ST_OK &&
		    strcmp(status, "ACTIVE") == 0;
		aws_reply_release(&reply);
		if (!active)
			nanosleep(&nap, NULL);
	}
	CU_ASSERT_FATAL(active);
	buf_release(&body);
}

static void
make_table(struct rig *r, const char *table, const char *index)
{
	CU_ASSERT_EQUAL_FATAL(
	    rig_ask(r, AWS_DYNAMODB, "CreateTable",
		"{\"TableName\":\"%s\",\"BillingMode\":\"PAY_PER_REQUEST\","
		"\"AttributeDefinitions\":[" ATTRIBUTE("conversation_id") "," ATTRIBUTE("recipient_tel") "," ATTRIBUTE(
		    "created_at") "],"
				  "\"KeySchema\":[" KEY("conversation_id",
				      "HASH") "],\"GlobalSecondaryIndexes\":[{"
					      "\"IndexName\":\"%s\","
					      "\"KeySchema\":[" KEY(
						  "recipient_tel",
						  "HASH") "," KEY("created_at",
						  "RANGE") "],"
							   "\"Projection\":{"
							   "\"ProjectionType\":"
							   "\"ALL\"}}]}",
		table, index),
	    ST_OK);
	wait_until_active(r, table);
}

static struct store *
open_table(struct rig *r, const char *table, const char *index)
{
	const struct dynamodb_options o = { .table = table, .index = index };
	struct buf why = BUF_INIT;
	struct store *s;

	CU_ASSERT_EQUAL_FATAL(dynamodb_open(r->client, &o, &s, &why), ST_OK);
	buf_release(&why);
	return s;
}

/* --- the contract ----------------------------------------------------------- */

static struct {
	struct rig rig;
	char table[32];
	int number;
} place;

static void
begin(void)
{
	front_set("{\"reset\":true}");
	rig_start(&place.rig);
	snprintf(
	    place.table, sizeof(place.table), "contract-%d", ++place.number);
	make_table(&place.rig, place.table, "recipient-tel-index");
}

static struct store *
open_place(void)
{
	return open_table(&place.rig, place.table, NULL);
}

static void
end(void)
{
	rig_close(&place.rig);
}

void
tables_use_contract(void)
{
	static const struct contract_store dynamodb = {
		.begin = begin, .open = open_place, .end = end
	};

	contract_store_use(&dynamodb);
}

/* --- cases of its own --------------------------------------------------------- */

/* What the SDK wrote (sdk.cjs, prepare). */
static void
test_of_the_sdk(void)
{
	static const struct {
		const char *tel;
		enum status status;
		const char *id;
		bool handoff;
	} all[] = {
		{ "+1001", ST_OK, "sdk-new", true },
		{ "+1002", ST_OK, "sdk-yes", true },
		{ "+1003", ST_OK, "sdk-one", true },
		{ "+1004", ST_OK, "sdk-null", false },
		{ "+1005", ST_OK, "sdk-absent", false },
		{ "+1006", ST_CORRUPT, NULL, false },
		{ "+1007", ST_OK, "sdk-zero", false },
		{ "+1999", ST_NOTFOUND, NULL, false },
	};
	struct conversation c;
	struct store *s;
	struct rig r;
	size_t i;

	front_set("{\"reset\":true}");
	rig_start(&r);
	s = open_table(&r, "sdk", NULL);
	for (i = 0; i < TEST_COUNT(all); i++) {
		CU_ASSERT_EQUAL(
		    s->ops->newest(s, all[i].tel, &c), all[i].status);
		CU_ASSERT(str_eq(c.id, all[i].id));
		CU_ASSERT_EQUAL(c.handoff, all[i].handoff);
		if (all[i].status == ST_CORRUPT)
			rig_error_has(&r,
			    "DynamoDB Query: an item of sdk has no "
			    "handoff_to_human that can be understood");
		conversation_release(&c);
	}
	CU_ASSERT(front_last_has(
	    "Query", "", "\"IndexName\":\"recipient-tel-index\""));
	CU_ASSERT(front_last_has(
	    "Query", "", "\"ScanIndexForward\":false,\"Limit\":1"));
	CU_ASSERT_EQUAL_FATAL(s->ops->get(s, "sdk-new", &c), ST_OK);
	CU_ASSERT(str_eq(c.thread_id, "th_1") && str_eq(c.company_id, "co_1") &&
	    str_eq(c.project_id, "42"));
	CU_ASSERT_EQUAL(c.created_us, INT64_C(1795287000123456));
	conversation_release(&c);
	s->ops->close(s);
	rig_close(&r);
}

/* What the SDK will read (sdk.cjs, check). */
static void
test_for_the_sdk(void)
{
	const struct conversation c = { (char *)"from-c", (char *)"+1008",
		(char *)"th_\xc3\xa9", (char *)"co_2", NULL, false,
		INT64_C(1795287000123456), false };
	static const bool on = true;
	const struct conversation_change to_people = { .handoff = &on };
	struct store *s;
	struct rig r;

	front_set("{\"reset\":true}");
	rig_start(&r);
	s = open_table(&r, "sdk", NULL);
	CU_ASSERT_EQUAL(s->ops->add(s, &c), ST_OK);
	CU_ASSERT_EQUAL(s->ops->set(s, "sdk-old", &to_people), ST_OK);
	s->ops->close(s);
	rig_close(&r);
}

static enum status
count_row(const struct conversation *c, void *arg)
{
	struct {
		size_t n;
		int64_t last_us;
	} *seen = arg;

	CU_ASSERT(seen->n == 0 || c->created_us < seen->last_us);
	seen->last_us = c->created_us;
	seen->n++;
	return ST_OK;
}

/* 1100 of one sender, which the SDK wrote. */
static void
test_pages(void)
{
	struct {
		size_t n;
		int64_t last_us;
	} seen = { 0, 0 };
	struct store *s;
	struct rig r;

	front_set("{\"reset\":true}");
	rig_start(&r);
	s = open_table(&r, "sdk-many", NULL);
	CU_ASSERT_EQUAL(
	    s->ops->list(s, "+2000", 2000, count_row, &seen), ST_OK);
	CU_ASSERT_EQUAL(seen.n, 1100);
	COUNT("Query", 3);
	seen.n = 0;
	CU_ASSERT_EQUAL(s->ops->list(s, "+2000", 7, count_row, &seen), ST_OK);
	CU_ASSERT_EQUAL(seen.n, 7);
	COUNT("Query", 4);
	seen.n = 0;
	CU_ASSERT_EQUAL(s->ops->list(s, NULL, 900, count_row, &seen), ST_OK);
	CU_ASSERT_EQUAL(seen.n, 900);
	COUNT("Scan", 3);
	s->ops->close(s);
	rig_close(&r);
}

/* An answer that got lost, and the condition that then fails by our own. */
static void
test_lost_answer(void)
{
	const struct conversation c = { (char *)"lost", (char *)"+1", NULL,
		NULL, NULL, false, 7, false };
	const struct conversation other = { (char *)"lost", (char *)"+2", NULL,
		NULL, NULL, false, 8, false };
	struct store *s;

	begin();
	s = open_place();
	front_set("{\"faults\":[{\"target\":\"PutItem\",\"kind\":\"lost\"}]}");
	CU_ASSERT_EQUAL(s->ops->add(s, &c), ST_OK);
	COUNT("PutItem", 2);
	/* But another's of that id stays in the way. */
	front_set("{\"faults\":[{\"target\":\"PutItem\",\"kind\":\"lost\"}]}");
	CU_ASSERT_EQUAL(s->ops->add(s, &other), ST_EXISTS);
	s->ops->close(s);
	end();
}

static void
check_config(
    struct rig *r, const char *table, const char *index, const char *words)
{
	struct store *s = open_table(r, table, index);
	struct conversation c;

	CU_ASSERT_EQUAL(s->ops->newest(s, "+1", &c), ST_CONFIG);
	rig_error_has(r, words);
	s->ops->close(s);
}

static void
test_no_table(void)
{
	static const char *const bad[] = { "", "ab", "a b", "a\"b",
		"t\xc3\xa9t" };
	struct buf why = BUF_INIT;
	struct store *s;
	struct rig r;
	size_t i;

	front_set("{\"reset\":true}");
	rig_start(&r);
	check_config(&r, "absent", NULL,
	    "DynamoDB Query: "
	    "ResourceNotFoundException");
	check_config(&r, "sdk", "absent-index",
	    "does not have the specified "
	    "index");
	make_table(&r, "renamed", "by-tel");
	s = open_table(&r, "renamed", "by-tel");
	CU_ASSERT_EQUAL(s->ops->list(s, "+1", 1, count_row, NULL), ST_OK);
	s->ops->close(s);
	for (i = 0; i < TEST_COUNT(bad); i++) {
		const struct dynamodb_options o = { .table = bad[i] };

		CU_ASSERT_EQUAL(
		    dynamodb_open(r.client, &o, &s, &why), ST_CONFIG);
		CU_ASSERT_PTR_NULL(s);
		CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), "dynamodb:NAME"));
		buf_reset(&why);
	}
	buf_release(&why);
	rig_close(&r);
}

static void
check_nonsense(struct store *s, const char *body)
{
	struct conversation c;

	front_set("{\"faults\":[{\"target\":\"*\",\"kind\":\"error\","
		  "\"status\":200,\"body\":\"%s\"}]}",
	    body);
	CU_ASSERT_EQUAL(s->ops->newest(s, "+1", &c), ST_CORRUPT);
}

/* Answers that are JSON and still no answers. */
static void
test_nonsense(void)
{
	struct conversation c;
	struct store *s;

	begin();
	s = open_place();
	check_nonsense(s, "{}");
	check_nonsense(s, "");
	check_nonsense(s, "{\\\"Items\\\":[{\\\"conversation_id\\\":1}]}");
	check_nonsense(s, "{\\\"Items\\\":[7]}");
	front_set("{\"faults\":[{\"target\":\"*\",\"kind\":\"error\","
		  "\"status\":200,\"body\":\"{\\\"Items\\\":7}\"}]}");
	CU_ASSERT_EQUAL(s->ops->newest(s, "+1", &c), ST_NOTFOUND);
	s->ops->close(s);
	end();
}

/* --- claims ----------------------------------------------------------------- */

#define NOW INT64_C(1763750000)

static struct dedupe
claim_of(const char *owner, int64_t now_s)
{
	return (struct dedupe){ .table = "claims",
		.key = "SM1",
		.owner = owner,
		.now_s = now_s,
		.keep_s = DEDUPE_KEEP_S };
}

static enum status
claim(struct rig *r, const char *owner, int64_t now_s)
{
	struct dedupe d = claim_of(owner, now_s);

	return dedupe_claim(r->client, &d);
}

static enum status
release(struct rig *r, const char *owner)
{
	struct dedupe d = claim_of(owner, NOW);

	return dedupe_release(r->client, &d);
}

static enum status
sent(struct rig *r, const char *owner, int64_t now_s)
{
	struct dedupe d = claim_of(owner, now_s);

	return dedupe_sent(r->client, &d);
}

/* A claim is no delivery: it may be taken over until it is marked as sent. */
static void
test_claims(void)
{
	struct rig r;

	front_set("{\"reset\":true}");
	rig_start(&r);
	CU_ASSERT_EQUAL(claim(&r, "a", NOW), ST_CONFIG);
	CU_ASSERT_EQUAL_FATAL(
	    rig_ask(&r, AWS_DYNAMODB, "CreateTable",
		"{\"TableName\":\"claims\","
		"\"BillingMode\":\"PAY_PER_REQUEST\","
		"\"AttributeDefinitions\":[" ATTRIBUTE(
		    "message_sid") "],\"KeySchema\":[" KEY("message_sid",
		    "HASH") "]}"),
	    ST_OK);
	wait_until_active(&r, "claims");
	CU_ASSERT_EQUAL(claim(&r, "a", NOW), ST_OK);
	CU_ASSERT_EQUAL(claim(&r, "a", NOW + 1), ST_OK);
	CU_ASSERT_EQUAL(claim(&r, "b", NOW + 2), ST_BUSY);
	CU_ASSERT_EQUAL(release(&r, "b"), ST_OK);
	CU_ASSERT_EQUAL(claim(&r, "b", NOW + 3), ST_BUSY);
	CU_ASSERT_EQUAL(release(&r, "a"), ST_OK);
	CU_ASSERT_EQUAL(claim(&r, "b", NOW + 4), ST_OK);
	/* Its claimer has died. */
	CU_ASSERT_EQUAL(claim(&r, "a", NOW + 4 + DEDUPE_UNSENT_S), ST_BUSY);
	CU_ASSERT_EQUAL(claim(&r, "a", NOW + 5 + DEDUPE_UNSENT_S), ST_OK);
	CU_ASSERT_EQUAL(claim(&r, "b", NOW + 6 + DEDUPE_UNSENT_S), ST_BUSY);
	/* Or its clock was ahead. */
	CU_ASSERT_EQUAL(claim(&r, "b", NOW), ST_OK);
	/* The answer to a claim got lost. */
	front_set("{\"faults\":[{\"target\":\"PutItem\",\"kind\":\"lost\"}]}");
	CU_ASSERT_EQUAL(claim(&r, "b", NOW), ST_OK);
	CU_ASSERT_EQUAL(sent(&r, "b", NOW + 1), ST_OK);
	CU_ASSERT_EQUAL(claim(&r, "a", NOW + 2), ST_EXISTS);
	CU_ASSERT_EQUAL(claim(&r, "b", NOW + 2), ST_EXISTS);
	CU_ASSERT_EQUAL(claim(&r, "a", NOW + 9 * DEDUPE_UNSENT_S), ST_EXISTS);
	/* The table may keep it for longer than it counts. */
	CU_ASSERT_EQUAL(claim(&r, "a", NOW + 1 + DEDUPE_KEEP_S), ST_EXISTS);
	CU_ASSERT_EQUAL(claim(&r, "a", NOW + 2 + DEDUPE_KEEP_S), ST_OK);
	/* As an older version left it: sent, unless it is one's own. */
	CU_ASSERT_EQUAL(rig_ask(&r, AWS_DYNAMODB, "PutItem",
			    "{\"TableName\":\"claims\",\"Item\":{"
			    "\"message_sid\":{\"S\":\"SM1\"},"
			    "\"claimed_by\":{\"S\":\"a\"},"
			    "\"expires_at\":{\"N\":\"%lld\"}}}",
			    (long long)(NOW + DEDUPE_KEEP_S)),
	    ST_OK);
	CU_ASSERT_EQUAL(claim(&r, "b", NOW + 1000), ST_EXISTS);
	CU_ASSERT_EQUAL(claim(&r, "a", NOW + 1000), ST_OK);
	rig_close(&r);
}

const struct test table_tests[] = {
	{ "conversations that the SDK wrote", test_of_the_sdk },
	{ "conversations for the SDK", test_for_the_sdk },
	{ "pages of conversations", test_pages },
	{ "an answer that got lost", test_lost_answer },
	{ "no such table, no such index", test_no_table },
	{ "answers that are none", test_nonsense },
	{ "claims", test_claims },
};
const size_t table_tests_n = TEST_COUNT(table_tests);
