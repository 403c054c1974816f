/* The life of a request, through the memory door. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "config/config.h"
#include "db/db.h"
#include "message/envelope.h"
#include "serve/app.h"
#include "site/routes.h"
#include "store/queue.h"
#include "store/sender.h"
#include "store/store.h"
#include "t/request.h"
#include "t/test.h"

#define FORM \
	"MessageSid=SM00000000000000000000000000000001" \
	"&From=whatsapp%3A%2B14155550100&Body=Hi+%C3%A9&Empty="

static int
status_of(struct app *app, const struct test_request *q)
{
	struct test_reply r = test_ask(app, q);
	int status = r.status;

	test_reply_release(&r);
	return status;
}

/* A path that the pattern matches. */
static void
path_of(const struct route *r, char *out, size_t max)
{
	const char *p;
	size_t n = 0;

	for (p = r->pattern; *p != '\0' && n + 1 < max; p++) {
		out[n++] = *p == '{' ? 'x' : *p;
		if (*p == '{')
			p = strchr(p, '}');
	}
	out[n] = '\0';
}

/* Policy is a column: whoever adds a route without a guard shows up here. */
static void
test_every_route_is_guarded(void)
{
	struct app *app = test_app(test_voice_config());
	struct test_reply r;
	char path[128];
	bool is_page;
	size_t i;

	for (i = 0; i < app_routes_n; i++) {
		const struct route *route = &app_routes[i];
		struct test_request q = { .uri = path };

		path_of(route, path, sizeof(path));
		if (route->method == METHOD_POST)
			q.body = FORM;
		r = test_ask(app, &q);
		CU_ASSERT(strstr(r.text.data, "X-Request-Id: ") != NULL);
		switch (route->guard) {
		case GUARD_OPEN:
			/* There is no page in this configuration. */
			is_page = strncmp(path, "/console", 8) == 0;
			CU_ASSERT_EQUAL(r.status, is_page ? 404 : 200);
			CU_ASSERT(is_page || strcmp(path, "/health") == 0 ||
			    strcmp(path, "/ready") == 0);
			break;
		case GUARD_SIGNED:
			CU_ASSERT_EQUAL(r.status, 401);
			CU_ASSERT(
			    strncmp(r.body, "{\"error\":\"Invalid signature\"",
				28) == 0);
			break;
		case GUARD_ADMIN:
		case GUARD_AGENT:
		case GUARD_ACCESS_KEY:
			CU_ASSERT_EQUAL(r.status, 403);
			break;
		}
		test_reply_release(&r);
	}
	app_close(app);
}

static void
test_paths_and_methods(void)
{
	struct app *app = test_app(NULL);
	struct test_reply r;

	r = test_ask(app, &(struct test_request){ .uri = "/nowhere" });
	CU_ASSERT_EQUAL(r.status, 404);
	CU_ASSERT(test_has_header(&r, "Content-Type: application/json"));
	CU_ASSERT(strstr(r.body, "\"request_id\":\"") != NULL);
	test_reply_release(&r);
	r = test_ask(
	    app, &(struct test_request){ .method = "PUT", .uri = "/health" });
	CU_ASSERT_EQUAL(r.status, 405);
	CU_ASSERT(test_has_header(&r, "Allow: GET, HEAD"));
	test_reply_release(&r);
	r = test_ask(
	    app, &(struct test_request){ .method = "HEAD", .uri = "/health" });
	CU_ASSERT_EQUAL(r.status, 200);
	CU_ASSERT_STRING_EQUAL(r.body, "");
	test_reply_release(&r);
	app_close(app);
}

/* What one queue has, as one text; items divided by newlines. */
static enum status
gather_body(const struct queue_item *item, void *arg)
{
	buf_put(arg, item->body, item->len);
	return buf_putc(arg, '\n');
}

static char *
queued(struct queue *q)
{
	struct buf all = BUF_INIT;

	CU_ASSERT_EQUAL(q->ops->peek(q, false, 100, gather_body, &all), ST_OK);
	return buf_detach(&all);
}

static void
assert_queued(struct queue *q, size_t n, const char *part)
{
	char *all = queued(q), *at;
	size_t lines = 0;

	for (at = all; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	CU_ASSERT_EQUAL(lines, n);
	if (part != NULL)
		CU_ASSERT_PTR_NOT_NULL(strstr(all, part));
	free(all);
}

static enum status
add_conversation(
    struct app *app, const char *id, const char *tel, bool handoff, int at)
{
	struct conversation c = { .id = (char *)id,
		.tel = (char *)tel,
		.thread_id = (char *)"T",
		.company_id = (char *)"C",
		.handoff = handoff,
		.created_us = at };

	return test_ports(app)->conversations->ops->add(
	    test_ports(app)->conversations, &c);
}

static const struct test_request message = {
	.uri = "/whatsapp", .body = FORM, .sign = true
};

static void
test_newest_conversation_decides(void)
{
	static const bool on = true;
	const struct conversation_change to_people = { .handoff = &on };
	struct app *app = test_app(NULL);
	struct test_request second = { .uri = "/whatsapp",
		.sign = true,
		.body = "MessageSid=SM00000000000000000000000000000002&From="
			"whatsapp:%2B14155550100" };
	struct test_reply r;

	add_conversation(app, "old", "+14155550100", true, 1);
	add_conversation(app, "new", "+14155550100", false, 2);
	r = test_ask(app, &message);
	CU_ASSERT_EQUAL(r.status, 200);
	CU_ASSERT(test_has_header(&r, "Content-Type: text/xml; charset=utf-8"));
	CU_ASSERT(strncmp(r.body, "<?xml", 5) == 0);
	test_reply_release(&r);
	assert_queued(test_ports(app)->ai, 1,
	    "{\"twilio_message\":{\"Body\":[\"Hi \xc3\xa9\"],"
	    "\"Empty\":[\"\"],\"From\":[\"whatsapp:+14155550100\"],"
	    "\"MessageSid\":[\"SM00000000000000000000000000000001\"]},"
	    "\"conversation_id\":\"new\",\"thread_id\":\"T\","
	    "\"company_id\":\"C\",\"project_id\":null,\"timestamp\":\"20");
	assert_queued(test_ports(app)->ai, 1, "\",\"channel\":\"whatsapp\"}");
	test_ports(app)->conversations->ops->set(
	    test_ports(app)->conversations, "new", &to_people);
	CU_ASSERT_EQUAL(status_of(app, &second), 200);
	assert_queued(test_ports(app)->human, 1, "\"conversation_id\":\"new\"");
	assert_queued(test_ports(app)->ai, 1, NULL);
	app_close(app);
}

static void
test_ai_messages_wait(void)
{
	struct app *app = test_app(NULL);
	struct queue_item item = { 0 };

	add_conversation(app, "c", "+14155550100", false, 1);
	CU_ASSERT_EQUAL(status_of(app, &message), 200);
	CU_ASSERT_EQUAL(
	    test_ports(app)->ai->ops->receive(test_ports(app)->ai, 30, &item),
	    ST_NOTFOUND);
	app_close(app);
	app = test_app("[whatsapp]\nai_delay = 0\n");
	add_conversation(app, "c", "+14155550100", false, 1);
	CU_ASSERT_EQUAL(status_of(app, &message), 200);
	CU_ASSERT_EQUAL(
	    test_ports(app)->ai->ops->receive(test_ports(app)->ai, 30, &item),
	    ST_OK);
	queue_item_release(&item);
	app_close(app);
}

static void
test_repeat_adds_nothing(void)
{
	static const char *const modes[] = { "hold", "ai", "human", "create",
		"ignore" };
	char config[64];
	struct app *app;
	size_t i;

	for (i = 0; i < TEST_COUNT(modes); i++) {
		snprintf(config, sizeof(config),
		    "[whatsapp]\nunknown_sender = %s\n", modes[i]);
		app = test_app(config);
		CU_ASSERT_EQUAL(status_of(app, &message), 200);
		CU_ASSERT_EQUAL(status_of(app, &message), 200);
		assert_queued(test_ports(app)->unrouted, i == 0, NULL);
		assert_queued(test_ports(app)->ai, i == 1 || i == 3, NULL);
		assert_queued(test_ports(app)->human, i == 2, NULL);
		app_close(app);
	}
}

static void
test_unknown_sender_create(void)
{
	struct app *app = test_app("[whatsapp]\nunknown_sender = create\n");
	struct conversation c = { 0 };
	char part[128];

	CU_ASSERT_EQUAL(status_of(app, &message), 200);
	CU_ASSERT_EQUAL_FATAL(
	    test_ports(app)->conversations->ops->newest(
		test_ports(app)->conversations, "+14155550100", &c),
	    ST_OK);
	snprintf(part, sizeof(part), "\"conversation_id\":\"%s\"", c.id);
	assert_queued(test_ports(app)->ai, 1, part);
	conversation_release(&c);
	app_close(app);
}

static void
test_refusals(void)
{
	static const struct {
		int status;
		struct test_request request;
	} cases[] = {
		{ 400, { .uri = "/whatsapp", .sign = true, .body = "Body=x" } },
		{ 400, { .uri = "/whatsapp", .sign = true, .body = "From=" } },
		{ 400,
		    { .uri = "/whatsapp",
			.sign = true,
			.body = "From=a&From=b" } },
		{ 400,
		    { .uri = "/whatsapp",
			.sign = true,
			.body = "From=a&MessageSid=1&MessageSid=1" } },
		{ 400,
		    { .uri = "/whatsapp",
			.sign = true,
			.body = "From=a%00b" } },
		{ 400,
		    { .uri = "/whatsapp",
			.sign = true,
			.body = "From=a&Body=%zz" } },
		{ 401, { .uri = "/whatsapp", .body = "From=a&Body=%zz" } },
		{ 401, { .uri = "/whatsapp", .body = "x", .type = "a/b" } },
		{ 401,
		    { .uri = "/whatsapp",
			.body = FORM,
			.signature = "0123456789012345678901234567" } },
		{ 204,
		    { .uri = "/whatsapp/status",
			.sign = true,
			.body =
			    "MessageSid=SM00000000000000000000000000000001" } },
		{ 204,
		    { .uri = "/whatsapp/status",
			.sign = true,
			.body = "MessageSid=SM00000000000000000000000000000001&"
				"MessageStatus=sent" } },
	};
	struct app *app = test_app(NULL);
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++)
		CU_ASSERT_EQUAL(
		    status_of(app, &cases[i].request), cases[i].status);
	assert_queued(test_ports(app)->unrouted, 0, NULL);
	app_close(app);
}

static void
test_signature_modes(void)
{
	struct test_request unsigned_one = { .uri = "/whatsapp", .body = FORM };
	struct app *app = test_app("[server]\nsignature = report\n");

	CU_ASSERT_EQUAL(status_of(app, &unsigned_one), 200);
	app_close(app);
	app = test_app("[server]\nsignature = off\n");
	CU_ASSERT_EQUAL(status_of(app, &unsigned_one), 200);
	app_close(app);
	app = test_app("[server]\nsignature = enforce\n");
	CU_ASSERT_EQUAL(status_of(app, &unsigned_one), 401);
	app_close(app);
}

static void
test_channels(void)
{
	static const char *const cases[][3] = {
		{ "whatsapp:+1", "whatsapp", "+1" },
		{ "+1", "sms", "+1" },
		{ "rcs:+1", "rcs", "+1" },
		{ "RCS:+1", "rcs", "+1" },
		{ "WhatsApp:US.1", "whatsapp", "US.1" },
		{ "messenger:42", "messenger", "messenger:42" },
		{ ":x", "sms", ":x" },
		{ "sip:a@b:5060", "sip", "sip:a@b:5060" },
	};
	char channel[ENVELOPE_CHANNEL_MAX];
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		envelope_channel(cases[i][0], channel);
		CU_ASSERT_STRING_EQUAL(channel, cases[i][1]);
		CU_ASSERT_STRING_EQUAL(sender_of(cases[i][0]), cases[i][2]);
	}
}

static void
test_envelope_is_json(void)
{
	struct buf inner = BUF_INIT, out = BUF_INIT;
	struct kv form = KV_INIT;

	kv_add(&form, "b", 1, "x\0y\xff\"\\", 6);
	kv_add(&form, "a", 1, "1", 1);
	kv_add(&form, "b", 1, "", 0);
	CU_ASSERT_EQUAL(envelope_put_form(&form, &inner), ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&inner),
	    "{\"a\":[\"1\"],\"b\":[\"x\\u0000y\xef\xbf\xbd\\\"\\\\\",\"\"]}");
	CU_ASSERT_EQUAL(envelope_put(&inner, NULL, 0, "sms", &out), ST_OK);
	CU_ASSERT_EQUAL(json_check(out.data, out.len, 8), ST_OK);
	buf_reset(&inner);
	kv_release(&form);
	CU_ASSERT_EQUAL(envelope_put_form(&form, &inner), ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&inner), "{}");
	buf_release(&inner);
	buf_release(&out);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "every route is guarded", test_every_route_is_guarded },
		{ "paths and methods", test_paths_and_methods },
		{ "newest conversation decides",
		    test_newest_conversation_decides },
		{ "AI messages wait", test_ai_messages_wait },
		{ "a repeat adds nothing", test_repeat_adds_nothing },
		{ "unknown sender: create", test_unknown_sender_create },
		{ "refusals", test_refusals },
		{ "signature modes", test_signature_modes },
		{ "channels", test_channels },
		{ "envelope is JSON", test_envelope_is_json },
	};

	return test_main("app", tests, TEST_COUNT(tests));
}
