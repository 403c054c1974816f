/* Queues at SQS. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/sqs.h"
#include "base/str.h"
#include "t/aws/front.h"
#include "t/contract-queue.h"

#define ACCOUNT "000000000000"
#define LONG_S 600

static void
make_queue(struct rig *r, const char *name, const char *attributes)
{
	CU_ASSERT_EQUAL_FATAL(
	    rig_ask(r, AWS_SQS, "CreateQueue",
		"{\"QueueName\":\"%s\",\"Attributes\":{%s}}", name, attributes),
	    ST_OK);
}

/* A queue with another for its dead letters, NAME-dead. */
static void
make_pair(
    struct rig *r, const char *name, const char *suffix, const char *attributes)
{
	char its[128], dead[128], policy[512];

	snprintf(its, sizeof(its), "%s%s", name, suffix);
	snprintf(dead, sizeof(dead), "%s-dead%s", name, suffix);
	make_queue(r, dead, attributes);
	snprintf(policy, sizeof(policy),
	    "%s%s\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":"
	    "\\\"arn:aws:sqs:us-east-1:" ACCOUNT ":%s\\\","
	    "\\\"maxReceiveCount\\\":1000}\"",
	    attributes, *attributes == '\0' ? "" : ",", dead);
	make_queue(r, its, policy);
}

static struct queue *
open_queue(struct rig *r, const char *name)
{
	char url[256];
	const struct sqs_options o = { .url = url, .wait_s = 0 };
	struct buf why = BUF_INIT;
	struct queue *q;

	snprintf(url, sizeof(url), "%s/" ACCOUNT "/%s", front_url(), name);
	CU_ASSERT_EQUAL_FATAL(sqs_open(r->client, &o, &q, &why), ST_OK);
	buf_release(&why);
	return q;
}

/* --- the contract ------------------------------------------------------------ */

#define HANDLES 16

/* Handles are opened by several threads, and each has a client of its own. */
static struct {
	pthread_mutex_t mutex;
	struct rig rigs[HANDLES];
	size_t n;
	int number;
} place = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void
begin(void)
{
	struct rig r;
	char name[32];
	const char *c;

	front_set("{\"reset\":true}");
	rig_start(&r);
	place.number++;
	for (c = "ab"; *c != '\0'; c++) {
		snprintf(
		    name, sizeof(name), "contract-%d-%c", place.number, *c);
		make_pair(&r, name, "", "");
	}
	rig_close(&r);
}

static struct queue *
open_place(const char *name)
{
	char full[64];
	struct rig *r;

	pthread_mutex_lock(&place.mutex);
	CU_ASSERT_FATAL(place.n < HANDLES);
	r = &place.rigs[place.n++];
	pthread_mutex_unlock(&place.mutex);
	rig_start(r);
	snprintf(full, sizeof(full), "contract-%d-%s", place.number, name);
	return open_queue(r, full);
}

static void
end(void)
{
	while (place.n > 0)
		rig_close(&place.rigs[--place.n]);
}

void
queues_use_contract(void)
{
	static const struct contract_queue sqs = { .begin = begin,
		.open = open_place,
		.end = end,
		.body_max = SQS_BODY_MAX,
		.redrives = true,
		.ageless = true,
		.hidden_is_taken = true };

	contract_queue_use(&sqs);
}

/* --- cases of its own ---------------------------------------------------------- */

static enum status
push(struct queue *q, const char *body, const char *group, const char *dedupe)
{
	const struct queue_message m = { .body = body,
		.len = strlen(body),
		.group = group,
		.dedupe = dedupe };

	return q->ops->push(q, &m);
}

static void
take_and_ack(struct queue *q, const char *body)
{
	struct queue_item i;
	enum status st = q->ops->receive(q, LONG_S, &i);

	CU_ASSERT_EQUAL(st, *body == '\0' ? ST_NOTFOUND : ST_OK);
	if (st != ST_OK)
		return;
	CU_ASSERT_STRING_EQUAL(i.body, body);
	CU_ASSERT_EQUAL(q->ops->ack(q, i.receipt), ST_OK);
	queue_item_release(&i);
}

static void
test_with_the_sdk(void)
{
	static const char trace[] = "Root=1-5759e988-bd862e3fe1be46a994272793";
	static const char body[] = "{\"a\":\"Zo\xc3\xab \xf0\x9f\x98\x80\"}";
	const struct queue_message m = { .body = body,
		.len = sizeof(body) - 1,
		.delay_s = 1,
		.trace = trace };
	struct queue *q;
	struct rig r;

	front_set("{\"reset\":true}");
	rig_start(&r);
	q = open_queue(&r, "sdk-in");
	take_and_ack(q, "from the SDK \xe2\x82\xac");
	q->ops->close(q);
	q = open_queue(&r, "sdk-out");
	CU_ASSERT_EQUAL(q->ops->push(q, &m), ST_OK);
	CU_ASSERT(front_last_has("SendMessage", "", "\"DelaySeconds\":1"));
	CU_ASSERT(front_last_has("SendMessage", "", trace));
	/* The name stays what it is, wherever the request goes. */
	CU_ASSERT(front_last_has("SendMessage", "", "\"QueueUrl\":\"http://"));
	CU_ASSERT(front_last_has("SendMessage", "", "/" ACCOUNT "/sdk-out\""));
	CU_ASSERT(front_last_has("SendMessage", "url", "/"));
	q->ops->close(q);
	q = open_queue(&r, "sdk-out.fifo");
	CU_ASSERT_EQUAL(push(q, "one", "c 1", "SM1"), ST_OK);
	CU_ASSERT_EQUAL(push(q, "one", "c 1", "SM1"), ST_OK);
	CU_ASSERT_EQUAL(push(q, "two", "c 1", "SM2"), ST_OK);
	q->ops->close(q);
	rig_close(&r);
}

static void
test_fifo(void)
{
	struct queue_item i;
	struct queue *q;
	struct rig r;

	front_set("{\"reset\":true}");
	rig_start(&r);
	make_pair(&r, "fifo", ".fifo", "\"FifoQueue\":\"true\"");
	q = open_queue(&r, "fifo.fifo");
	CU_ASSERT_EQUAL(push(q, "a1", "A", "SM1"), ST_OK);
	CU_ASSERT_EQUAL(push(q, "a2", "A", "SM2"), ST_OK);
	CU_ASSERT_EQUAL(push(q, "a1", "A", "SM1"), ST_OK); /* a repeat */
	CU_ASSERT_EQUAL(push(q, "b1", "B", "SM3"), ST_OK);
	CU_ASSERT_EQUAL(push(q, "alone", NULL, NULL), ST_OK);
	CU_ASSERT_EQUAL(push(q, "alone", NULL, NULL), ST_OK);
	/* While the first of a group is held the next waits. */
	CU_ASSERT_EQUAL_FATAL(q->ops->receive(q, LONG_S, &i), ST_OK);
	CU_ASSERT_STRING_EQUAL(i.body, "a1");
	take_and_ack(q, "b1");
	take_and_ack(q, "alone");
	take_and_ack(q, "alone");
	take_and_ack(q, "");
	/* To the dead letters, and back, in its group. */
	CU_ASSERT_EQUAL(q->ops->bury(q, i.receipt, "why"), ST_OK);
	queue_item_release(&i);
	CU_ASSERT(
	    front_last_has("SendMessage", "", "\"MessageGroupId\":\"A\""));
	take_and_ack(q, "a2");
	{
		int64_t count;

		CU_ASSERT_EQUAL(q->ops->redrive(q, NULL, &count), ST_OK);
		CU_ASSERT_EQUAL(count, 1);
	}
	CU_ASSERT(
	    front_last_has("SendMessage", "", "\"MessageGroupId\":\"A\""));
	take_and_ack(q, "a1");
	take_and_ack(q, "");
	contract_queue_groups(q);
	q->ops->close(q);
	rig_close(&r);
}

static void
test_refused_bodies(void)
{
	char big[1100];
	struct queue *q;
	struct rig r;

	front_set("{\"reset\":true}");
	rig_start(&r);
	make_queue(&r, "small", "\"MaximumMessageSize\":\"1024\"");
	q = open_queue(&r, "small");
	/* What SQS would never take is not sent. */
	CU_ASSERT_EQUAL(push(q, "a\x01", NULL, NULL), ST_MALFORMED);
	rig_error_has(&r,
	    "SQS SendMessage: the message has a character that "
	    "XML forbids");
	CU_ASSERT_EQUAL(push(q, "\xef\xbf\xbe", NULL, NULL), ST_MALFORMED);
	COUNT("SendMessage", 0);
	/* What this queue does not take it says itself. */
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	CU_ASSERT_EQUAL(push(q, big, NULL, NULL), ST_TOOBIG);
	COUNT("SendMessage", 1);
	q->ops->close(q);
	rig_close(&r);
}

struct look {
	char text[512];
	char id[128];
};

static enum status
look_row(const struct queue_item *i, void *arg)
{
	struct look *l = arg;
	size_t n = strlen(l->text);

	snprintf(l->text + n, sizeof(l->text) - n, "%s/%d/%s ", i->body,
	    i->state == QUEUE_DEAD, i->reason == NULL ? "" : i->reason);
	snprintf(l->id, sizeof(l->id), "%s", i->id);
	CU_ASSERT_PTR_NULL(i->receipt);
	return ST_OK;
}

static void
check_look(struct queue *q, bool dead, size_t limit, const char *text)
{
	struct look l = { .text = "" };

	CU_ASSERT_EQUAL(q->ops->peek(q, dead, limit, look_row, &l), ST_OK);
	CU_ASSERT_STRING_EQUAL(l.text, text);
}

static void
bury_next(struct queue *q, const char *reason)
{
	struct queue_item i;

	CU_ASSERT_EQUAL_FATAL(q->ops->receive(q, LONG_S, &i), ST_OK);
	CU_ASSERT_EQUAL(q->ops->bury(q, i.receipt, reason), ST_OK);
	queue_item_release(&i);
}

static void
test_looking(void)
{
	struct look l = { .text = "" };
	struct queue *q;
	struct rig r;
	int64_t count;

	front_set("{\"reset\":true}");
	rig_start(&r);
	make_pair(&r, "look", "", "");
	q = open_queue(&r, "look");
	CU_ASSERT_EQUAL(push(q, "one", NULL, NULL), ST_OK);
	CU_ASSERT_EQUAL(push(q, "two", NULL, NULL), ST_OK);
	CU_ASSERT_EQUAL(
	    q->ops->peek(q, false, 9, look_row, &l), ST_UNSUPPORTED);
	rig_error_has(&r, "to look counts as a receive");
	bury_next(q, "exit status 3");
	bury_next(q,
	    "b\x01"
	    "d");
	check_look(q, true, 9, "one/1/exit status 3 two/1/ ");
	check_look(q, true, 1, "one/1/exit status 3 ");
	/* Nothing is hidden by it. */
	CU_ASSERT_EQUAL(q->ops->peek(q, true, 9, look_row, &l), ST_OK);
	CU_ASSERT_EQUAL(q->ops->redrive(q, l.id, &count), ST_OK);
	CU_ASSERT_EQUAL(count, 1);
	check_look(q, true, 9, "one/1/exit status 3 ");
	q->ops->close(q);
	/* A queue without dead letters can itself be looked at. */
	q = open_queue(&r, "look-dead");
	check_look(q, false, 9, "one/0/exit status 3 ");
	q->ops->close(q);
	rig_close(&r);
}

static void
test_no_dead_letters(void)
{
	struct queue_stats stats;
	struct queue_item i;
	struct queue *q, *other;
	struct rig r;
	int64_t count;

	front_set("{\"reset\":true}");
	rig_start(&r);
	make_queue(&r, "plain", "");
	q = open_queue(&r, "plain");
	other = open_queue(&r, "plain");
	CU_ASSERT_EQUAL(push(q, "x", NULL, NULL), ST_OK);
	CU_ASSERT_EQUAL_FATAL(q->ops->receive(q, LONG_S, &i), ST_OK);
	CU_ASSERT_EQUAL(q->ops->bury(q, i.receipt, "why"), ST_UNSUPPORTED);
	rig_error_has(&r,
	    "this queue has no dead letters: give it a "
	    "RedrivePolicy");
	CU_ASSERT_EQUAL(q->ops->redrive(q, NULL, &count), ST_UNSUPPORTED);
	CU_ASSERT_EQUAL(
	    q->ops->peek(q, true, 9, look_row, NULL), ST_UNSUPPORTED);
	CU_ASSERT_EQUAL(q->ops->stats(q, &stats), ST_OK);
	CU_ASSERT_EQUAL(stats.taken, 1);
	CU_ASSERT_EQUAL(stats.dead, 0);
	/* Its receipt serves another handle too, as another process. */
	CU_ASSERT_EQUAL(other->ops->release(other, i.receipt, 0, "r"), ST_OK);
	queue_item_release(&i);
	CU_ASSERT_EQUAL_FATAL(q->ops->receive(q, LONG_S, &i), ST_OK);
	CU_ASSERT_EQUAL(other->ops->ack(other, i.receipt), ST_OK);
	CU_ASSERT_EQUAL(q->ops->ack(q, i.receipt), ST_NOTFOUND);
	queue_item_release(&i);
	other->ops->close(other);
	q->ops->close(q);
	rig_close(&r);
}

/* What one handle received another cannot bury: it never saw the body. */
static void
test_bury_by_another(void)
{
	struct queue_item i;
	struct queue *q, *other;
	struct rig r;

	front_set("{\"reset\":true}");
	rig_start(&r);
	make_pair(&r, "another", "", "");
	q = open_queue(&r, "another");
	other = open_queue(&r, "another");
	CU_ASSERT_EQUAL(push(q, "x", NULL, NULL), ST_OK);
	CU_ASSERT_EQUAL_FATAL(q->ops->receive(q, LONG_S, &i), ST_OK);
	CU_ASSERT_EQUAL(
	    other->ops->bury(other, i.receipt, "why"), ST_UNSUPPORTED);
	CU_ASSERT_EQUAL(q->ops->bury(q, i.receipt, "why"), ST_OK);
	queue_item_release(&i);
	other->ops->close(other);
	q->ops->close(q);
	rig_close(&r);
}

static void
test_no_queue(void)
{
	static const char *const bad[] = { "", "sdk-in", "https://",
		"ftp://h/a/q", "https://sqs.us-east-1.amazonaws.com",
		"https://sqs.us-east-1.amazonaws.com/", "https://h/1/q/",
		"https://u:p@h/1/q", "https://h/1/q?a", "https://h/1/q#a" };
	struct buf why = BUF_INIT;
	struct queue *q;
	struct rig r;
	size_t i;

	front_set("{\"reset\":true}");
	rig_start(&r);
	q = open_queue(&r, "absent");
	CU_ASSERT_EQUAL(push(q, "x", NULL, NULL), ST_CONFIG);
	rig_error_has(&r, "SQS SendMessage: NonExistentQueue (HTTP 400)");
	q->ops->close(q);
	for (i = 0; i < TEST_COUNT(bad); i++) {
		const struct sqs_options o = { .url = bad[i] };

		CU_ASSERT_EQUAL(sqs_open(r.client, &o, &q, &why), ST_CONFIG);
		CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), "ACCOUNT/NAME"));
		buf_reset(&why);
	}
	buf_release(&why);
	rig_close(&r);
}

static void
check_region(const char *url, const char *region)
{
	const struct sqs_options o = { .url = url, .wait_s = 0 };
	struct buf why = BUF_INIT;
	char want[64];
	struct queue *q;
	struct rig r;

	rig_start(&r);
	CU_ASSERT_EQUAL_FATAL(sqs_open(r.client, &o, &q, &why), ST_OK);
	CU_ASSERT_EQUAL(push(q, "x", NULL, NULL), ST_OK);
	snprintf(want, sizeof(want), "/%s/sqs/aws4_request", region);
	CU_ASSERT(front_last_has("SendMessage", "authorization", want));
	q->ops->close(q);
	rig_close(&r);
}

static void
test_addresses(void)
{
	struct rig r = { .n = 0 };
	struct queue *q;

	front_set("{\"reset\":true}");
	rig_start(&r);
	make_queue(&r, "where", "");
	rig_close(&r);
	/* Without an endpoint, requests go to the address's own origin. */
	r = (struct rig){ .n = 0 };
	rig_var(&r, "AWS_REGION=eu-north-1");
	rig_keys(&r, "AKIDTEST", "secret-of-test");
	rig_open(&r);
	q = open_queue(&r, "where");
	CU_ASSERT_EQUAL(push(q, "x", NULL, NULL), ST_OK);
	CU_ASSERT(
	    front_last_has("SendMessage", "authorization", "/eu-north-1/"));
	q->ops->close(q);
	rig_close(&r);
	/* The address tells the region, else it is ours. */
	check_region(
	    "https://sqs.eu-west-1.amazonaws.com/1/where", "eu-west-1");
	check_region(
	    "https://eu-west-2.queue.amazonaws.com/1/where", "eu-west-2");
	check_region("https://vpce-1.sqs.eu-west-3.vpce.amazonaws.com/1/where",
	    "eu-west-3");
	check_region("https://queue.amazonaws.com/1/where", "us-east-1");
	check_region("https://sqs.example/1/where", "us-east-1");
}

static void
test_damaged(void)
{
	char path[256], line[4096] = "";
	struct queue_item i;
	struct queue *q;
	struct rig r;
	FILE *f;

	front_set("{\"reset\":true,\"faults\":[{\"target\":\"SendMessage\","
		  "\"kind\":\"error\",\"status\":200,\"body\":"
		  "\"{\\\"MessageId\\\":\\\"m\\\",\\\"MD5OfMessageBody\\\":"
		  "\\\"d41d8cd98f00b204e9800998ecf8427e\\\"}\"}]}");
	rig_init(&r);
	rig_keys(&r, "AKIDTEST", "secret-of-test");
	snprintf(path, sizeof(path), "%s", rig_file("sqs.log", ""));
	CU_ASSERT_EQUAL_FATAL(
	    log_open(&r.log, path, LOG_FORMAT_JSON, LOG_LEVEL_INFO), ST_OK);
	rig_open(&r);
	make_queue(&r, "damaged", "");
	q = open_queue(&r, "damaged");
	/* It is in the queue; the log tells. */
	CU_ASSERT_EQUAL(push(q, "x", NULL, NULL), ST_OK);
	front_set("{\"faults\":[{\"target\":\"ReceiveMessage\","
		  "\"kind\":\"error\",\"status\":200,\"body\":"
		  "\"{\\\"Messages\\\":[{\\\"MessageId\\\":\\\"m\\\","
		  "\\\"ReceiptHandle\\\":\\\"r\\\",\\\"Body\\\":\\\"x\\\","
		  "\\\"MD5OfBody\\\":\\\"0\\\"}]}\"}]}");
	CU_ASSERT_EQUAL(q->ops->receive(q, LONG_S, &i), ST_CORRUPT);
	q->ops->close(q);
	rig_close(&r);
	f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_PTR_NOT_NULL(fgets(line, sizeof(line), f));
	CU_ASSERT_PTR_NOT_NULL(strstr(line, "another MD5"));
	fclose(f);
}

const struct test queue_tests[] = {
	{ "messages from and for the SDK", test_with_the_sdk },
	{ "a FIFO queue", test_fifo },
	{ "bodies that are refused", test_refused_bodies },
	{ "looking at dead letters", test_looking },
	{ "a queue without dead letters", test_no_dead_letters },
	{ "a burial by another", test_bury_by_another },
	{ "no such queue", test_no_queue },
	{ "addresses and regions", test_addresses },
	{ "damage on the way", test_damaged },
};
const size_t queue_tests_n = TEST_COUNT(queue_tests);
