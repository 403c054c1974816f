/* Calls, through the memory door, with the shipped templates. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/form.h"
#include "config/config.h"
#include "db/db.h"
#include "serve/app.h"
#include "store/call.h"
#include "store/queue.h"
#include "t/request.h"
#include "t/test.h"
#include "twilio/signature.h"

#define SID "CA00000000000000000000000000000001"
#define CALL "CallSid=" SID "&From=%2B14155550100&To=%2B14155550199"

/* The shipped templates, from the source tree. */
static struct app *
voice_app(const char *more)
{
	char config[2048];

	snprintf(config, sizeof(config),
	    "%s"
	    "conversation_relay_url = wss://relay.example.com/a?b=1&c=2\n"
	    "welcome_greeting_url = Good \"day\"\n"
	    "media_api_url = wss://media.example.com/x\n%s",
	    test_voice_config(), more == NULL ? "" : more);
	return test_app(config);
}

/* Post a form (call and more) and expect a status and parts of the reply. */
static void
expect_of(struct app *app, const char *call, const char *uri, const char *more,
    int status, const char *part)
{
	char body[512];
	struct test_request q = { .uri = uri, .body = body, .sign = true };
	struct test_reply r;

	snprintf(body, sizeof(body), "%s%s", call, more);
	r = test_ask(app, &q);
	CU_ASSERT_EQUAL(r.status, status);
	if (part != NULL && strstr(r.body, part) == NULL) {
		CU_FAIL("the reply lacks what was expected");
		printf("\n%s %s: no \"%s\" in:\n%s\n", uri, more, part, r.body);
	}
	if (status == 200)
		CU_ASSERT(test_has_header(
		    &r, "Content-Type: text/xml; charset=utf-8"));
	test_reply_release(&r);
}

static void
expect(struct app *app, const char *uri, const char *more, int status,
    const char *part)
{
	expect_of(app, CALL, uri, more, status, part);
}

/* The signature of CALL fits this as well: it is served, under no CallSid. */
static void
expect_recut(struct app *app, const char *uri, const char *more, int status,
    const char *part)
{
	expect_of(app, "CallSid=" SID "From&=%2B14155550100&To=%2B14155550199",
	    uri, more, status, part);
}

static void
test_templates_play(void)
{
	struct app *app = voice_app("operator_phone_number = 415 555 0123\n");

	expect(app, "/handle-incoming-call/gather", "", 200,
	    "action=\"" TEST_ORIGIN "/transfer-call\"");
	expect(app, "/handle-incoming-call/connect", "", 200,
	    "url=\"wss://relay.example.com/a?b=1&amp;c=2\"");
	expect(app, "/handle-incoming-call/connect", "", 200,
	    "welcomeGreeting=\"Good &quot;day&quot;\"");
	expect(app, "/handle-incoming-call/connect-stream", "", 200,
	    "value=\"+14155550100\"");
	expect(app, "/handle-incoming-call/dial", "", 200, "+14155550123");
	expect(app, "/handle-incoming-call/hangup", "", 200, "<Hangup/>");
	expect(app, "/handle-incoming-call/birthdate", "", 200,
	    "action=\"" TEST_ORIGIN "/process-digits/birthdate\"");
	expect(app, "/handle-incoming-call/nothing", "", 404, NULL);
	expect(app, "/handle-incoming-call/..%2fetc", "", 404, NULL);
	/* Nothing fills {spoken} or {confirm_url} here. */
	expect(
	    app, "/handle-incoming-call/birthdate-confirmation", "", 404, NULL);
	app_close(app);
}

static void
test_unsigned_learns_nothing(void)
{
	struct app *app = voice_app(NULL);
	struct test_reply r;

	r = test_ask(app,
	    &(struct test_request){
		.body = CALL, .uri = "/handle-incoming-call/nothing" });
	CU_ASSERT_EQUAL(r.status, 401);
	test_reply_release(&r);
	r = test_ask(app,
	    &(struct test_request){
		.body = CALL, .uri = "/process-digits/nothing" });
	CU_ASSERT_EQUAL(r.status, 401);
	test_reply_release(&r);
	app_close(app);
}

static void
test_menu(void)
{
	struct app *app = voice_app("operator_phone_number = +14155550123\n"
				    "[menu]\n3 = birthdate\n");

	expect(app, "/transfer-call", "&Digits=1", 200, "<ConversationRelay");
	expect(app, "/transfer-call", "&Digits=2", 200, "<Dial");
	expect(app, "/transfer-call", "&Digits=3", 200,
	    "/process-digits/birthdate");
	expect(app, "/transfer-call", "&Digits=9", 200, "<Hangup/>");
	expect(app, "/transfer-call", "&Digits=", 200, "<Hangup/>");
	expect(app, "/transfer-call", "", 200, "<Hangup/>");
	/* Older callers put it into the query. */
	expect(app, "/transfer-call?digits=2", "", 200, "<Dial");
	expect(app, "/transfer-call?digits=2", "&Digits=1", 200,
	    "<ConversationRelay");
	expect(app, "/transfer-call", "&Digits=1&Digits=2", 400, NULL);
	app_close(app);
}

static void
test_menu_asks_again(void)
{
	struct app *app = voice_app("operator_phone_number = +14155550123\n"
				    "[menu]\nother = gather\n");

	expect(app, "/transfer-call", "&Digits=9", 200,
	    "/transfer-call?attempt=2\"");
	expect(app, "/transfer-call?attempt=2", "&Digits=9", 200,
	    "/transfer-call?attempt=3\"");
	expect(app, "/transfer-call?attempt=3", "&Digits=9", 200, "<Dial");
	expect(app, "/transfer-call?attempt=3", "&Digits=1", 200,
	    "<ConversationRelay");
	expect(app, "/transfer-call?attempt=x", "&Digits=9", 400, NULL);
	app_close(app);
}

/* An emptied entry is none: what is left is to hang up. */
static void
test_menu_without_other(void)
{
	struct app *app = voice_app("[menu]\nother =\n2 =\n");

	expect(app, "/transfer-call", "&Digits=9", 200, "<Hangup/>");
	expect(app, "/transfer-call", "", 200, "<Hangup/>");
	expect(app, "/transfer-call", "&Digits=2", 200, "<Hangup/>");
	expect(app, "/transfer-call", "&Digits=1", 200, "<ConversationRelay");
	app_close(app);
	/* "other" is not a key of a telephone: the limit holds for it too. */
	app = voice_app("[menu]\nother = gather\n");
	expect(app, "/transfer-call?attempt=2", "&Digits=other", 200,
	    "/transfer-call?attempt=3\"");
	expect(
	    app, "/transfer-call?attempt=3", "&Digits=other", 200, "<Hangup/>");
	app_close(app);
}

static void
test_bad_digits_are_asked_again(void)
{
	static const char *const bad[] = { "", "&Digits=", "&Digits=1990",
		"&Digits=199001151", "&Digits=20230229", "&Digits=19901315",
		"&Digits=99990101", "&Digits=hangup", "&Digits=1990011%2A" };
	struct app *app = voice_app(NULL);
	size_t i;

	for (i = 0; i < TEST_COUNT(bad); i++)
		expect(app, "/process-digits/birthdate", bad[i], 200,
		    "/process-digits/birthdate?attempt=2\"");
	expect(app, "/process-digits/birthdate?attempt=2", "&Digits=1", 200,
	    "?attempt=3\"");
	/* Nobody is there to take over. */
	expect(app, "/process-digits/birthdate?attempt=3", "&Digits=1", 200,
	    "<Hangup/>");
	expect(app, "/process-digits/nothing", "&Digits=1", 404, NULL);
	app_close(app);
	app = voice_app("operator_phone_number = +14155550123\n"
			"max_attempts = 1\n");
	expect(app, "/process-digits/birthdate", "&Digits=1", 200, "<Dial");
	app_close(app);
}

static enum status
count_item(const struct queue_item *item, void *arg)
{
	struct buf *all = arg;

	buf_put(all, item->body, item->len);
	return buf_putc(all, '\n');
}

static enum status
list_digits(const struct call_digits *d, void *arg)
{
	return buf_printf(
	    arg, "%s %s %s %s\n", d->call_sid, d->caller, d->target, d->value);
}

struct listing {
	const char *sid;
	struct buf text;
};

static enum status
digits_job(struct db *db, void *arg)
{
	struct listing *l = arg;

	buf_reset(&l->text);
	return call_digits(db, l->sid, list_digits, &l->text);
}

static void
test_confirmed_once(void)
{
	struct app *app = voice_app(NULL);
	struct listing l = { .sid = SID };
	struct buf queued = BUF_INIT;

	expect(app, "/process-digits/birthdate", "&Digits=19900115", 200,
	    "January 15th, 1990");
	expect(app, "/process-digits/birthdate?attempt=2", "&Digits=19900115",
	    200, "/confirm-digits/birthdate?value=19900115&amp;attempt=2\"");
	/* Not before the caller has said so. */
	CU_ASSERT_EQUAL(db_read(app->db, digits_job, &l), ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&l.text), "");
	expect(app, "/confirm-digits/birthdate?value=19900115", "&Digits=5",
	    200, "/confirm-digits/birthdate?value=19900115&amp;attempt=2\"");
	expect(app, "/confirm-digits/birthdate?value=19900115", "&Digits=2",
	    200, "/process-digits/birthdate?attempt=2\"");
	expect(app, "/confirm-digits/birthdate?value=19900115", "&Digits=1",
	    200, "January 15th, 1990");
	expect(app, "/confirm-digits/birthdate?value=19900115", "&Digits=1",
	    200, "<Hangup/>");
	CU_ASSERT_EQUAL(db_read(app->db, digits_job, &l), ST_OK);
	CU_ASSERT_STRING_EQUAL(
	    buf_str(&l.text), SID " +14155550100 birthdate 19900115\n");
	CU_ASSERT_EQUAL(
	    test_ports(app)->digits->ops->peek(
		test_ports(app)->digits, false, 10, count_item, &queued),
	    ST_OK);
	CU_ASSERT_PTR_EQUAL(
	    strstr(buf_str(&queued),
		"{\"call_sid\":\"" SID "\",\"from\":\"+14155550100\","
		"\"target\":\"birthdate\",\"value\":\"19900115\","
		"\"timestamp\":\"20"),
	    queued.data);
	CU_ASSERT_PTR_EQUAL(
	    strchr(queued.data, '\n'), queued.data + queued.len - 1);
	/* Under another CallSid as the same signature may have it. */
	expect_recut(app, "/confirm-digits/birthdate?value=19900115",
	    "&Digits=1", 200, "/process-digits/birthdate?attempt=2\"");
	CU_ASSERT_EQUAL(db_read(app->db, digits_job, &l), ST_OK);
	CU_ASSERT_STRING_EQUAL(
	    buf_str(&l.text), SID " +14155550100 birthdate 19900115\n");
	/* A value that the URL should never have had. */
	expect(app, "/confirm-digits/birthdate?value=20230229", "&Digits=1",
	    200, "/process-digits/birthdate?attempt=2\"");
	expect(app, "/confirm-digits/birthdate", "&Digits=1", 200,
	    "/process-digits/birthdate?attempt=2\"");
	buf_release(&queued);
	buf_release(&l.text);
	app_close(app);
}

/* Post a form that was signed for this URL. */
static int
status_signed_for(struct app *app, const char *url, const char *uri)
{
	struct signature_input in = { .url = url, .form = NULL };
	char signature[SIGNATURE_MAX];
	struct kv form = KV_INIT;
	struct test_reply r;
	bool malformed;
	int status;

	CU_ASSERT_EQUAL_FATAL(
	    form_parse(CALL, strlen(CALL), &form, &malformed), ST_OK);
	in.form = &form;
	CU_ASSERT_EQUAL_FATAL(
	    signature_make(&in, TEST_TOKEN, signature), ST_OK);
	kv_release(&form);
	r = test_ask(app,
	    &(struct test_request){
		.uri = uri, .body = CALL, .signature = signature });
	status = r.status;
	test_reply_release(&r);
	return status;
}

#define VOICE_ORIGIN "https://voice.example.com/v1"

static void
test_urls(void)
{
	struct app *app = voice_app("webhook_api_url = " VOICE_ORIGIN "/\n");

	expect(app, "/handle-incoming-call/gather", "", 200,
	    "action=\"" VOICE_ORIGIN "/transfer-call\"");
	/* Twilio then signs for that URL, whatever is put before our routes
	 * on the way. */
	CU_ASSERT_EQUAL(status_signed_for(app, VOICE_ORIGIN "/transfer-call",
			    "/transfer-call"),
	    200);
	CU_ASSERT_EQUAL(
	    status_signed_for(app, VOICE_ORIGIN "/transfer-call?attempt=2",
		"/transfer-call?attempt=2"),
	    200);
	CU_ASSERT_EQUAL(status_signed_for(app, VOICE_ORIGIN "/transfer-call",
			    "/transfer-call?attempt=2"),
	    401);
	CU_ASSERT_EQUAL(
	    status_signed_for(app, "https://voice.example.com/transfer-call",
		"/transfer-call"),
	    401);
	app_close(app);
	app = voice_app(NULL);
	CU_ASSERT_EQUAL(status_signed_for(app, VOICE_ORIGIN "/transfer-call",
			    "/transfer-call"),
	    401);
	app_close(app);
}

/* A folder of a shared host, which nobody said to be base_path. */
static void
test_urls_below_a_folder(void)
{
	struct app *app = voice_app("[server]\nsignature = off\n");
	struct test_request q = { .body = CALL,
		.uri = "/twilio/handle-incoming-call/gather?x=/transfer-call",
		.path = "/handle-incoming-call/gather" };
	struct test_reply r;

	r = test_ask(app, &q);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(r.body, "\"" TEST_ORIGIN "/twilio/transfer-call\""));
	test_reply_release(&r);
	q.uri = "/twilio/%68andle-incoming-call/gather";
	r = test_ask(app, &q);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(r.body, "\"" TEST_ORIGIN "/transfer-call\""));
	test_reply_release(&r);
	app_close(app);
}

/* Without public_url, from the request itself: absolute all the same. */
static void
test_urls_of_the_request(void)
{
	struct app *app = voice_app("[server]\nsignature = off\n");
	struct test_request q = { .body = CALL,
		.uri = "/hook/handle-incoming-call/gather",
		.extra = "HTTP_HOST=voice.example.com:8443" };
	struct test_reply r;

	app->config->server.public_url[0] = '\0';
	free(app->config->server.base_path);
	app->config->server.base_path = strdup("/hook");
	r = test_ask(app, &q);
	CU_ASSERT_PTR_NOT_NULL(strstr(
	    r.body, "\"http://voice.example.com:8443/hook/transfer-call\""));
	test_reply_release(&r);
	q.uri = "/hook/%68andle-incoming-call/gather";
	q.path = "/handle-incoming-call/gather";
	r = test_ask(app, &q);
	CU_ASSERT_PTR_NOT_NULL(strstr(
	    r.body, "\"http://voice.example.com:8443/hook/transfer-call\""));
	test_reply_release(&r);
	app_close(app);
}

/* A file in the folder of templates that test_own_templates made. */
static void
write_template(const char *name, const char *verbs)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.twiml.xml", test_tmpdir(), name);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fprintf(f, "<Response>%s</Response>", verbs);
	CU_ASSERT_EQUAL_FATAL(fclose(f), 0);
}

static struct app *
own_app(const char *more)
{
	char config[1024];

	snprintf(config, sizeof(config), "[voice]\ntemplates = %s\n%s",
	    test_tmpdir(), more);
	return test_app(config);
}

/*
 * {retry_url} is the try after the one that a template asks for, or this very
 * one in a template that asks for nothing.
 */
static void
test_retry_counts(void)
{
	struct app *app = own_app("[digits zip]\nmin_length = 5\n");

	write_template("zip",
	    "<Gather action=\"{process_url}\"/><Redirect>{retry_url}"
	    "</Redirect>");
	write_template("zip-invalid-input",
	    "<Say>No.</Say><Redirect>{retry_url}</Redirect>");
	write_template("zip-retry",
	    "<Gather action=\"{process_url}\"/><Redirect>{retry_url}"
	    "</Redirect>");
	write_template("hangup", "<Hangup/>");
	expect(app, "/handle-incoming-call/zip", "", 200,
	    ">" TEST_ORIGIN "/handle-incoming-call/zip?attempt=2<");
	expect(app, "/process-digits/zip", "&Digits=1", 200,
	    ">" TEST_ORIGIN "/handle-incoming-call/zip?attempt=2<");
	expect(app, "/process-digits/zip?attempt=2", "&Digits=1", 200,
	    ">" TEST_ORIGIN "/handle-incoming-call/zip?attempt=3<");
	expect(app, "/handle-incoming-call/zip?attempt=3", "", 200,
	    "/process-digits/zip?attempt=3\"");
	expect(app, "/process-digits/zip?attempt=3", "&Digits=1", 200,
	    "<Hangup/>");
	expect(
	    app, "/handle-incoming-call/zip?attempt=4", "", 200, "<Hangup/>");
	expect(app, "/confirm-digits/zip?value=94103", "&Digits=2", 200,
	    "/process-digits/zip?attempt=2\"");
	expect(app, "/confirm-digits/zip?value=94103", "&Digits=2", 200,
	    ">" TEST_ORIGIN "/handle-incoming-call/zip?attempt=3<");
	app_close(app);
}

/* What the program uses may come once only. */
static void
test_repeated(void)
{
	struct app *app = voice_app(NULL);

	expect(app, "/handle-incoming-call/gather", "&From=%2B1", 200, NULL);
	expect(app, "/handle-incoming-call/connect-stream", "&From=%2B1", 400,
	    "occurs twice");
	expect(app, "/handle-incoming-call/gather?attempt=1&attempt=1", "", 400,
	    NULL);
	expect(app, "/transfer-call?digits=1&digits=1", "", 400, NULL);
	expect(app, "/confirm-digits/birthdate?value=19900115&value=19900116",
	    "&Digits=1", 400, NULL);
	expect(app, "/confirm-digits/birthdate?value=19900115",
	    "&Digits=1&CallSid=CA2", 400, NULL);
	expect(app, "/call-status", "&CallStatus=ringing&CallStatus=busy", 400,
	    NULL);
	app_close(app);
}

static enum status
list_event(const struct call_event *e, void *arg)
{
	return buf_printf(arg, "%lld %s %lld %s\n", (long long)e->sequence,
	    e->status, (long long)e->duration_s,
	    e->error_code == NULL ? "-" : e->error_code);
}

static enum status
events_job(struct db *db, void *arg)
{
	struct listing *l = arg;

	buf_reset(&l->text);
	return call_events(db, l->sid, list_event, &l->text);
}

static void
test_call_status(void)
{
	struct app *app = voice_app(NULL);
	struct listing l = { .sid = SID };

	expect(app, "/call-status",
	    "&CallStatus=completed&SequenceNumber=3&CallDuration=49", 204, "");
	expect(app, "/call-status", "&CallStatus=ringing&SequenceNumber=1", 204,
	    "");
	expect(app, "/call-status", "&CallStatus=ringing&SequenceNumber=1", 204,
	    "");
	expect(app, "/call-status",
	    "&CallStatus=in-progress&SequenceNumber=2&ErrorCode=11200", 204,
	    "");
	expect(app, "/call-status", "&SequenceNumber=2", 204, "");
	expect_recut(app, "/call-status",
	    "&CallStatus=completed&SequenceNumber=4", 204, "");
	CU_ASSERT_EQUAL(db_read(app->db, events_job, &l), ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&l.text),
	    "1 ringing -1 -\n2 in-progress -1 11200\n3 completed 49 -\n");
	buf_release(&l.text);
	app_close(app);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "templates play", test_templates_play },
		{ "unsigned learns nothing", test_unsigned_learns_nothing },
		{ "menu", test_menu },
		{ "menu asks again", test_menu_asks_again },
		{ "menu without other", test_menu_without_other },
		{ "bad digits are asked again",
		    test_bad_digits_are_asked_again },
		{ "confirmed once", test_confirmed_once },
		{ "action URLs", test_urls },
		{ "action URLs below a folder", test_urls_below_a_folder },
		{ "action URLs of the request", test_urls_of_the_request },
		{ "retry counts each try", test_retry_counts },
		{ "repeated parameters", test_repeated },
		{ "call status", test_call_status },
	};

	return test_main("voice", tests, TEST_COUNT(tests));
}
