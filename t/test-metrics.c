/* GET /metrics: what is counted, and what the page shows of it. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/config.h"
#include "db/db.h"
#include "message/backends.h"
#include "message/ports.h"
#include "serve/app.h"
#include "serve/metrics.h"
#include "site/routes.h"
#include "store/counter.h"
#include "store/queue.h"
#include "store/store.h"
#include "t/request.h"
#include "t/test.h"

#define ADMIN "89abcdef0123456789abcdef01234567"
#define CONFIG "[server]\nadmin_token = " ADMIN "\n"

/* --- the page -------------------------------------------------------------- */

static struct test_reply
page_of(struct app *app)
{
	const struct test_request q = { .uri = "/metrics",
		.extra = "HTTP_AUTHORIZATION=Bearer " ADMIN };
	struct test_reply r = test_ask(app, &q);

	CU_ASSERT_EQUAL(r.status, 200);
	CU_ASSERT(test_has_header(
	    &r, "Content-Type: text/plain; version=0.0.4; charset=utf-8"));
	return r;
}

/* The value on the line of this series, or -1 if there is none. */
static double
value_in(const struct test_reply *page, const char *series)
{
	size_t n = strlen(series);
	const char *at = page->body;

	while ((at = strstr(at, series)) != NULL) {
		if ((at == page->body || at[-1] == '\n') && at[n] == ' ')
			return strtod(at + n, NULL);
		at += n;
	}
	return -1;
}

static double
value_of(struct app *app, const char *series)
{
	struct test_reply page = page_of(app);
	double value = value_in(&page, series);

	test_reply_release(&page);
	return value;
}

#define MESSAGES(route) "switchhook_messages_total{route=\"" route "\"}"
#define REQUESTS(route, status) \
	"switchhook_requests_total{route=\"" route "\",status=\"" status "\"}"
#define SIGNATURES(cause, result) \
	"switchhook_signature_failures_total{cause=\"" cause \
	"\",result=\"" result "\"}"

static void
ask(struct app *app, const struct test_request *q, int expected)
{
	struct test_reply r = test_ask(app, q);

	CU_ASSERT_EQUAL(r.status, expected);
	test_reply_release(&r);
}

static void
post(struct app *app, const char *uri, const char *body, int expected)
{
	const struct test_request q = {
		.uri = uri, .body = body, .sign = true
	};

	ask(app, &q, expected);
}

static void
get(struct app *app, const char *uri, int expected)
{
	const struct test_request q = { .uri = uri };

	ask(app, &q, expected);
}

static void
message(struct app *app, int number, const char *from)
{
	char body[256];

	snprintf(body, sizeof(body),
	    "MessageSid=SM%032d&From=whatsapp%%3A%%2B%s&Body=Hi", number, from);
	post(app, "/whatsapp", body, 200);
}

/* --- what is counted --------------------------------------------------------- */

static void
test_requests(void)
{
	struct app *app = test_app(CONFIG);
	struct test_reply page;
	int i;

	for (i = 0; i < 7; i++)
		get(app, "/health", 200);
	get(app, "/whatsapp", 401);
	get(app, "/nothing", 404);
	post(app, "/health", "a=b", 405);
	for (i = 0; i < 2; i++)
		post(app, "/handle-incoming-call/none",
		    "CallSid=CA00000000000000000000000000000001", 503);
	page = page_of(app);
	CU_ASSERT_EQUAL(value_in(&page, REQUESTS("/health", "200")), 7);
	CU_ASSERT_EQUAL(value_in(&page, REQUESTS("/health", "405")), 1);
	CU_ASSERT_EQUAL(value_in(&page, REQUESTS("/whatsapp", "401")), 1);
	CU_ASSERT_EQUAL(value_in(&page, REQUESTS("none", "404")), 1);
	CU_ASSERT_EQUAL(
	    value_in(
		&page, REQUESTS("/handle-incoming-call/{template}", "503")),
	    2);
	CU_ASSERT_EQUAL(value_in(&page, REQUESTS("/ready", "200")), 0);
	/* Only a whole answer counts: the page does not know of itself. */
	CU_ASSERT_EQUAL(value_in(&page, REQUESTS("/metrics", "200")), 0);
	CU_ASSERT_EQUAL(value_in(&page,
			    "switchhook_request_duration_seconds_count"
			    "{route=\"/health\"}"),
	    8);
	CU_ASSERT_EQUAL(value_in(&page,
			    "switchhook_request_duration_seconds_bucket"
			    "{route=\"/health\",le=\"+Inf\"}"),
	    8);
	test_reply_release(&page);
	CU_ASSERT_EQUAL(value_of(app, REQUESTS("/metrics", "200")), 1);
	app_close(app);
}

static void
test_guard(void)
{
	struct app *app = test_app(CONFIG), *closed = test_app(NULL);
	const struct test_request q = { .uri = "/metrics",
		.extra = "HTTP_AUTHORIZATION=Bearer x" };

	get(app, "/metrics", 401);
	ask(app, &q, 401);
	get(closed, "/metrics", 403);
	CU_ASSERT_EQUAL(value_of(app, REQUESTS("/metrics", "401")), 2);
	app_close(app);
	app_close(closed);
}

static void
test_signatures(void)
{
	struct app *app = test_app(CONFIG);
	struct app *report = test_app(CONFIG "signature = report\n");
	const struct test_request missing = { .uri = "/transfer-call",
		.body = "a=b" };
	const struct test_request malformed = {
		.uri = "/transfer-call", .body = "a=b", .signature = "abc"
	};
	const struct test_request wrong = { .uri = "/transfer-call",
		.body = "a=b",
		.signature = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" };

	ask(app, &missing, 401);
	CU_ASSERT_EQUAL(
	    value_of(app, "switchhook_last_webhook_age_seconds"), -1);
	CU_ASSERT_EQUAL(
	    value_of(app, "switchhook_last_webhook_timestamp_seconds"), -1);
	ask(app, &malformed, 401);
	ask(app, &wrong, 401);
	ask(app, &wrong, 401);
	CU_ASSERT_EQUAL(value_of(app, SIGNATURES("missing", "refused")), 1);
	CU_ASSERT_EQUAL(value_of(app, SIGNATURES("malformed", "refused")), 1);
	CU_ASSERT_EQUAL(value_of(app, SIGNATURES("wrong", "refused")), 2);
	CU_ASSERT_EQUAL(value_of(app, SIGNATURES("wrong", "passed")), 0);
	CU_ASSERT_EQUAL(value_of(app, SIGNATURES("body_hash", "refused")), 0);
	ask(report, &wrong, 503);
	CU_ASSERT_EQUAL(value_of(report, SIGNATURES("wrong", "passed")), 1);
	CU_ASSERT_EQUAL(value_of(report, SIGNATURES("wrong", "refused")), 0);
	app_close(app);
	app_close(report);
}

static void
test_last_webhook(void)
{
	struct app *app = test_app(CONFIG);
	double at, before = (double)clock_us() / 1e6;

	message(app, 1, "14155550100");
	at = value_of(app, "switchhook_last_webhook_timestamp_seconds");
	CU_ASSERT(at >= before - 0.001);
	CU_ASSERT(at <= (double)clock_us() / 1e6 + 0.001);
	at = value_of(app, "switchhook_last_webhook_age_seconds");
	CU_ASSERT(at >= 0 && at < 60);
	app_close(app);
}

static void
add_conversation(struct app *app, const char *id, const char *tel, bool human)
{
	struct store *s = test_ports(app)->conversations;
	const struct conversation c = {
		.id = (char *)id, .tel = (char *)tel, .handoff = human
	};

	CU_ASSERT_EQUAL(s->ops->add(s, &c), ST_OK);
}

/* Each stored message once, a repeat as that, and no number anywhere. */
static void
test_messages(void)
{
	struct app *app = test_app(CONFIG);
	struct app *ignores =
	    test_app(CONFIG "[whatsapp]\nunknown_sender = ignore\n");
	struct test_reply page;
	int i;

	add_conversation(app, "c1", "+14155550101", false);
	add_conversation(app, "c2", "+14155550102", true);
	for (i = 0; i < 3; i++)
		message(app, i, "14155550101");
	for (i = 10; i < 12; i++)
		message(app, i, "14155550102");
	message(app, 20, "14155550103");
	for (i = 0; i < 4; i++)
		message(app, 20, "14155550103");
	/* Without a SID a repeat is told by what was signed. */
	post(app, "/whatsapp", "From=%2B14155550103&Body=a", 200);
	post(app, "/whatsapp", "From=%2B14155550103&Body=a", 200);
	page = page_of(app);
	CU_ASSERT_EQUAL(value_in(&page, MESSAGES("ai")), 3);
	CU_ASSERT_EQUAL(value_in(&page, MESSAGES("human")), 2);
	CU_ASSERT_EQUAL(value_in(&page, MESSAGES("unrouted")), 2);
	CU_ASSERT_EQUAL(value_in(&page, MESSAGES("duplicate")), 5);
	CU_ASSERT_EQUAL(value_in(&page, MESSAGES("ignored")), 0);
	CU_ASSERT_EQUAL(value_in(&page,
			    "switchhook_queue_messages{queue=\"sqlite:human\","
			    "state=\"ready\"}"),
	    2);
	CU_ASSERT_EQUAL(value_in(&page,
			    "switchhook_queue_messages{queue=\"sqlite:ai\","
			    "state=\"delayed\"}"),
	    3);
	CU_ASSERT(value_in(&page,
		      "switchhook_queue_oldest_age_seconds"
		      "{queue=\"sqlite:human\"}") >= 0);
	CU_ASSERT_EQUAL(value_in(&page, "switchhook_spool_messages"), 0);
	CU_ASSERT_PTR_NULL(strstr(page.body, "4155550"));
	test_reply_release(&page);
	message(ignores, 1, "14155550103");
	CU_ASSERT_EQUAL(value_of(ignores, MESSAGES("ignored")), 1);
	app_close(app);
	app_close(ignores);
}

static void
test_events(void)
{
	struct app *app = test_app(CONFIG);
	struct test_reply page;

	post(app, "/whatsapp/status",
	    "MessageSid=SM00000000000000000000000000000001&MessageStatus=sent",
	    204);
	post(app, "/whatsapp/status",
	    "MessageSid=SM00000000000000000000000000000001&MessageStatus=sent",
	    204);
	post(app, "/whatsapp/status",
	    "MessageSid=SM00000000000000000000000000000001&MessageStatus=%"
	    "2B1415",
	    204);
	post(app, "/call-status",
	    "CallSid=CA00000000000000000000000000000001&CallStatus=completed",
	    204);
	post(app, "/call-status",
	    "CallSid=CA00000000000000000000000000000001&CallStatus=no-answer",
	    204);
	post(app, "/call-status",
	    "CallSid=CA00000000000000000000000000000002&CallStatus=completed",
	    204);
	post(app, "/call-status",
	    "CallSid=CA00000000000000000000000000000002&CallStatus=quite+new",
	    204);
	page = page_of(app);
	CU_ASSERT_EQUAL(
	    value_in(&page, "switchhook_message_events_total{status=\"sent\"}"),
	    1);
	CU_ASSERT_EQUAL(
	    value_in(
		&page, "switchhook_message_events_total{status=\"other\"}"),
	    1);
	CU_ASSERT_EQUAL(
	    value_in(
		&page, "switchhook_call_events_total{status=\"completed\"}"),
	    2);
	CU_ASSERT_EQUAL(
	    value_in(
		&page, "switchhook_call_events_total{status=\"no-answer\"}"),
	    1);
	CU_ASSERT_EQUAL(
	    value_in(&page, "switchhook_call_events_total{status=\"other\"}"),
	    1);
	CU_ASSERT_PTR_NULL(strstr(page.body, "1415"));
	test_reply_release(&page);
	app_close(app);
}

static void
test_digits(void)
{
	char config[2048];
	struct app *app;
	int i;

	snprintf(config, sizeof(config), CONFIG "%s", test_voice_config());
	app = test_app(config);
	for (i = 0; i < 2; i++)
		post(app, "/confirm-digits/birthdate?value=19900102",
		    "CallSid=CA00000000000000000000000000000001&From=%"
		    "2B14155550100&Digits=1",
		    200);
	CU_ASSERT_EQUAL(
	    value_of(
		app, "switchhook_confirmed_digits_total{target=\"birthdate\"}"),
	    1);
	app_close(app);
}

/* --- the counters of the store ------------------------------------------------ */

static enum status
count_job(struct db *db, void *arg)
{
	enum status st = counter_add(db, COUNTER_MESSAGES, "ai");

	return st == ST_OK ? *(enum status *)arg : st;
}

/* Undone with the job that fails, however often it runs. */
static void
test_undone(void)
{
	struct app *app = test_app(CONFIG);
	enum status good = ST_OK, bad = ST_DENIED;

	CU_ASSERT_EQUAL(db_write(app->db, count_job, &good), ST_OK);
	CU_ASSERT_EQUAL(db_write(app->db, count_job, &bad), ST_DENIED);
	CU_ASSERT_EQUAL(db_write(app->db, count_job, &good), ST_OK);
	CU_ASSERT_EQUAL(value_of(app, MESSAGES("ai")), 2);
	app_close(app);
}

static void
push(struct app *app, const char *queue, int64_t delay_s)
{
	struct queue *q;
	const struct queue_message m = {
		.body = "x", .len = 1, .delay_s = delay_s
	};
	const struct backends b = { .db = app->db };
	struct buf why = BUF_INIT;

	CU_ASSERT_EQUAL_FATAL(backend_queue(&b, queue, &q, &why), ST_OK);
	CU_ASSERT_EQUAL(q->ops->push(q, &m), ST_OK);
	q->ops->close(q);
}

/* Every state, and queues that no configuration names. */
static void
test_queues(void)
{
	struct app *app = test_app(CONFIG);
	struct queue *ai = test_ports(app)->ai;
	struct queue_item taken = { 0 }, dead = { 0 };
	struct test_reply page;
	int i;

	for (i = 0; i < 5; i++)
		push(app, "sqlite:ai", 0);
	push(app, "sqlite:ai", 100);
	push(app, "sqlite:ai", 200);
	push(app, "sqlite:a-first", 0);
	push(app, "sqlite:z-last", 100);
	CU_ASSERT_EQUAL(ai->ops->receive(ai, 60, &taken), ST_OK);
	CU_ASSERT_EQUAL(ai->ops->receive(ai, 60, &dead), ST_OK);
	CU_ASSERT_EQUAL(ai->ops->bury(ai, dead.receipt, "why"), ST_OK);
	queue_item_release(&taken);
	queue_item_release(&dead);
	page = page_of(app);
#define QUEUE(name, state) \
	value_in(&page, \
	    "switchhook_queue_messages{queue=\"sqlite:" name \
	    "\",state=\"" state "\"}")
	CU_ASSERT_EQUAL(QUEUE("ai", "ready"), 3);
	CU_ASSERT_EQUAL(QUEUE("ai", "delayed"), 2);
	CU_ASSERT_EQUAL(QUEUE("ai", "taken"), 1);
	CU_ASSERT_EQUAL(QUEUE("ai", "dead"), 1);
	CU_ASSERT_EQUAL(QUEUE("human", "ready"), 0);
	CU_ASSERT_EQUAL(QUEUE("a-first", "ready"), 1);
	CU_ASSERT_EQUAL(QUEUE("z-last", "delayed"), 1);
	CU_ASSERT_EQUAL(QUEUE("unknown", "ready"), -1);
	CU_ASSERT(value_in(&page,
		      "switchhook_queue_oldest_age_seconds"
		      "{queue=\"sqlite:ai\"}") > 0);
	CU_ASSERT_EQUAL(value_in(&page,
			    "switchhook_queue_oldest_age_seconds"
			    "{queue=\"sqlite:human\"}"),
	    0);
	test_reply_release(&page);
	app_close(app);
}

/* Reading the page passes over no row for want of an index. */
static void
test_scans(void)
{
	struct app *app = test_app(CONFIG);
	struct db_counters before, after;
	int i;

	for (i = 0; i < 20; i++)
		message(app, i, "14155550103");
	push(app, "sqlite:other", 0);
	db_counters(app->db, &before);
	CU_ASSERT_EQUAL(value_of(app, "switchhook_store_up"), 1);
	db_counters(app->db, &after);
	CU_ASSERT_EQUAL(after.scans, before.scans);
	app_close(app);
}

/* --- the shared file ------------------------------------------------------------ */

/* What a second process sees: another snapshot of the same site. */
static void
test_two_snapshots(void)
{
	static char *const none[] = { NULL };
	struct app *a = test_app(CONFIG), *b;
	char path[512], file[600];
	struct app_options o = { .envp = none, .config_file = path };
	struct buf errors = BUF_INIT;
	FILE *f;
	struct stat st;

	snprintf(path, sizeof(path), "%s/two.conf", test_tmpdir());
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fprintf(f,
	    "[server]\npublic_url = " TEST_ORIGIN "\nadmin_token = " ADMIN
	    "\nlog_target = %s/log\n[twilio]\nauth_token = " TEST_TOKEN
	    "\n[store]\npath = %s\n",
	    test_tmpdir(), a->config->store.path);
	fclose(f);
	CU_ASSERT_EQUAL_FATAL(app_open(&b, &o, &errors), ST_OK);
	buf_release(&errors);
	get(a, "/health", 200);
	get(b, "/health", 200);
	/* Another's are there once it has saved: at most a second. */
	CU_ASSERT_EQUAL(value_of(b, REQUESTS("/health", "200")), 1);
	CU_ASSERT_EQUAL(value_of(a, REQUESTS("/health", "200")), 2);
	CU_ASSERT_EQUAL(value_of(b, REQUESTS("/health", "200")), 2);
	app_close(a);
	CU_ASSERT_EQUAL(value_of(b, REQUESTS("/health", "200")), 2);
	CU_ASSERT_EQUAL(value_of(b, "switchhook_metrics_shared"), 1);
	snprintf(file, sizeof(file), "%s.metrics", b->config->store.path);
	CU_ASSERT_EQUAL(stat(file, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	app_close(b);
}

/* Something else has the file's name: it counts for itself, and says so; when
 * that is gone, what it counted is in the file. */
static void
test_not_shared(void)
{
	struct app *app = test_app(CONFIG);
	char file[600];

	snprintf(file, sizeof(file), "%s.metrics", app->config->store.path);
	CU_ASSERT_EQUAL(mkdir(file, 0700), 0);
	get(app, "/health", 200);
	CU_ASSERT_EQUAL(value_of(app, "switchhook_metrics_shared"), 0);
	CU_ASSERT_EQUAL(value_of(app, REQUESTS("/health", "200")), 1);
	CU_ASSERT_EQUAL(rmdir(file), 0);
	CU_ASSERT_EQUAL(value_of(app, "switchhook_metrics_shared"), 1);
	/* Cut and removed: the counts go on. */
	CU_ASSERT_EQUAL(truncate(file, 0), 0);
	get(app, "/health", 200);
	CU_ASSERT_EQUAL(value_of(app, REQUESTS("/health", "200")), 2);
	CU_ASSERT_EQUAL(remove(file), 0);
	CU_ASSERT_EQUAL(value_of(app, REQUESTS("/health", "200")), 2);
	app_close(app);
}

/* --- the table ------------------------------------------------------------------- */

static size_t
code_at(int code)
{
	size_t i;

	for (i = 0; i < metrics_codes_n; i++)
		if (metrics_codes[i] == code)
			return i;
	return 0;
}

static void
test_places(void)
{
	const struct route *first = &app_routes[0];
	struct metrics *m;
	size_t b;

	CU_ASSERT_EQUAL_FATAL(
	    metrics_open(&m, app_routes, app_routes_n), ST_OK);
	for (b = 0; b < METRICS_BUCKETS; b++) {
		metrics_request(m, first, 200, metrics_bounds[b].us);
		CU_ASSERT_EQUAL(metrics_durations(m, 0, b), 1);
		metrics_request(m, NULL, 503, metrics_bounds[b].us + 1);
		CU_ASSERT_EQUAL(metrics_durations(m, app_routes_n, b + 1), 1);
	}
	metrics_request(m, first, 418, 5);
	CU_ASSERT_EQUAL(metrics_requests(m, 0, 0), 1);
	CU_ASSERT_EQUAL(metrics_requests(m, 0, code_at(200)), METRICS_BUCKETS);
	CU_ASSERT_EQUAL(
	    metrics_requests(m, app_routes_n, code_at(503)), METRICS_BUCKETS);
	metrics_request(m, &app_routes[1], 200, 7);
	metrics_request(m, &app_routes[1], 200, 8);
	CU_ASSERT_EQUAL(metrics_duration_us(m, 1), 15);
	CU_ASSERT_EQUAL(metrics_requests(m, 1, code_at(200)), 2);
	/* NULL counts nothing. */
	metrics_request(NULL, NULL, 200, 1);
	metrics_webhook(NULL);
	metrics_duplicate(NULL);
	metrics_refresh(NULL, true);
	metrics_called_twilio(NULL, ST_OK);
	metrics_spans_dropped(NULL, SPANS_OTLP, 1);
	metrics_close(m);
	metrics_close(NULL);
}

static void
test_upstream(void)
{
	struct app *app = test_app(CONFIG);
	struct test_reply page;
	struct metrics *m = app->metrics;

	metrics_called_aws(m, AWS_SQS, ST_OK);
	metrics_called_aws(m, AWS_SQS, ST_TIMEOUT);
	metrics_called_aws(m, AWS_DYNAMODB, ST_NOTFOUND);
	metrics_called_aws(m, AWS_STS, ST_UNAVAILABLE);
	metrics_called_twilio(m, ST_BUSY);
	metrics_called_twilio(m, ST_MALFORMED);
	metrics_refresh(m, true);
	metrics_refresh(m, false);
	metrics_refresh(m, false);
	metrics_spans_dropped(m, SPANS_OTLP, 3);
	page = page_of(app);
#define UPSTREAM(service, outcome) \
	value_in(&page, \
	    "switchhook_upstream_calls_total{service=\"" service \
	    "\",outcome=\"" outcome "\"}")
	CU_ASSERT_EQUAL(UPSTREAM("sqs", "ok"), 1);
	CU_ASSERT_EQUAL(UPSTREAM("sqs", "timeout"), 1);
	CU_ASSERT_EQUAL(UPSTREAM("sqs", "denied"), 0);
	CU_ASSERT_EQUAL(UPSTREAM("dynamodb", "ok"), 1);
	CU_ASSERT_EQUAL(UPSTREAM("sts", "unreachable"), 1);
	CU_ASSERT_EQUAL(UPSTREAM("twilio", "throttled"), 1);
	CU_ASSERT_EQUAL(UPSTREAM("twilio", "error"), 1);
	CU_ASSERT_EQUAL(
	    value_in(&page,
		"switchhook_reference_refreshes_total{outcome=\"failed\"}"),
	    2);
	CU_ASSERT_EQUAL(
	    value_in(&page, "switchhook_spans_dropped_total{cause=\"otlp\"}"),
	    3);
	test_reply_release(&page);
	app_close(app);
}

/* Each series once: a second line of it would spoil the page. Rows of one path
 * are counted together, and for that stand together. */
static void
test_routes_differ(void)
{
	size_t i, k;

	for (i = 2; i < app_routes_n; i++)
		for (k = 0; k < i - 1; k++)
			CU_ASSERT(strcmp(app_routes[i].pattern,
				      app_routes[k].pattern) != 0 ||
			    strcmp(app_routes[i].pattern,
				app_routes[i - 1].pattern) == 0);
}

/* The manual. */
static char *
manual(void)
{
	const char *srcdir = getenv("SRCDIR");
	char path[512];
	char *text = calloc(1, 1 << 16);
	FILE *f;

	snprintf(path, sizeof(path), "%s/man/switchhook-metrics.7",
	    srcdir == NULL ? "." : srcdir);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f = fopen(path, "r"));
	CU_ASSERT(fread(text, 1, (1 << 16) - 1, f) > 0);
	fclose(f);
	return text;
}

/* A line of it that begins with these words. */
static bool
has_line(const char *text, const char *macro, const char *word)
{
	char line[128];
	const char *at = text;
	size_t n;

	snprintf(line, sizeof(line), "\n%s %s", macro, word);
	n = strlen(line);
	while ((at = strstr(at, line)) != NULL && isgraph(at[n]))
		at += n;
	return at != NULL;
}

/* Every metric, label and value is in the manual, and no metric else. */
static void
test_manual(void)
{
	static const char item[] = "\n.It Ic switchhook_";
	char *text = manual(), *at;
	const struct metrics_family *f;
	size_t i, k, items = 0;
	const char *const *v;

	for (i = 0; i < METRICS_N; i++) {
		f = &metrics_families[i];
		CU_ASSERT_PTR_NOT_NULL_FATAL(f->name);
		CU_ASSERT(strncmp(f->name, "switchhook_", 11) == 0);
		if (!has_line(text, ".It Ic", f->name))
			fprintf(stderr, "not in the manual: %s\n", f->name);
		CU_ASSERT(has_line(text, ".It Ic", f->name));
		for (k = 0; k < 2; k++) {
			const struct metrics_label *l = &f->labels[k];

			CU_ASSERT(
			    l->name == NULL || has_line(text, ".Va", l->name));
			for (v = l->values; v != NULL && *v != NULL; v++) {
				if (!has_line(text, ".Cm", *v))
					fprintf(stderr, "%s %s\n", f->name, *v);
				CU_ASSERT(has_line(text, ".Cm", *v));
			}
		}
	}
	for (at = text; (at = strstr(at, item)) != NULL; at++)
		items++;
	CU_ASSERT_EQUAL(items, METRICS_N);
	free(text);
}

static const struct test tests[] = {
	{ "requests and durations", test_requests },
	{ "guard", test_guard },
	{ "signatures", test_signatures },
	{ "last webhook", test_last_webhook },
	{ "messages", test_messages },
	{ "events", test_events },
	{ "digits", test_digits },
	{ "undone with its job", test_undone },
	{ "queues", test_queues },
	{ "no scans", test_scans },
	{ "two snapshots", test_two_snapshots },
	{ "not shared", test_not_shared },
	{ "places", test_places },
	{ "upstream", test_upstream },
	{ "routes differ", test_routes_differ },
	{ "manual", test_manual },
};

int
main(void)
{
	return test_main("metrics", tests, TEST_COUNT(tests));
}
