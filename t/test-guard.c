/*
 * Who may ask: the sections of agents and access keys, the guards of the
 * administrator, of agents and of access keys, and what a POST may carry.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "serve/exchange.h"
#include "t/configs.h"
#include "t/request.h"
#include "t/test.h"

/* --- the sections ---------------------------------------------------------- */

static void
assert_config(const char *text, const char *const *envp, const char *mistake)
{
	struct loaded l;

	configs_load_text(&l, text, envp);
	CU_ASSERT_EQUAL(l.st, mistake == NULL ? ST_OK : ST_CONFIG);
	if (mistake != NULL && strstr(buf_str(&l.errors), mistake) == NULL) {
		fprintf(stderr, "%s", buf_str(&l.errors));
		CU_FAIL("another mistake");
	}
	CU_ASSERT_PTR_NULL(strstr(buf_str(&l.errors), "hunter2"));
	CU_ASSERT_PTR_NULL(strstr(buf_str(&l.shown), "hunter2"));
	configs_release(&l);
}

static void
test_sections(void)
{
	struct loaded l;

	configs_load_text(&l,
	    "[agents]\nmaria = hunter2\njo.e_1-x@shop = env:T\n"
	    "[access_keys]\nWORKER1 = hunter2/+=\nw2 = ssm:/x\n",
	    ENV("T=hunter2-too"));
	CU_ASSERT_EQUAL(l.st, ST_OK);
	CU_ASSERT(configs_has_line(&l.shown, "agents.maria = (set)"));
	CU_ASSERT(configs_has_line(&l.shown, "agents.jo.e_1-x@shop = (set)"));
	CU_ASSERT(configs_has_line(&l.shown, "access_keys.WORKER1 = (set)"));
	CU_ASSERT(configs_has_line(&l.shown, "access_keys.w2 = (not set)"));
	CU_ASSERT_STRING_EQUAL(
	    config_access_key(l.config, "WORKER1", 7)->value, "hunter2/+=");
	CU_ASSERT_PTR_NULL(config_access_key(l.config, "WORKER1", 6));
	CU_ASSERT_PTR_NULL(config_access_key(l.config, "maria", 5));
	CU_ASSERT_PTR_NULL(strstr(buf_str(&l.shown), "hunter2"));
	configs_release(&l);
}

static void
test_mistakes(void)
{
	assert_config("[agents]\nmaria =\n", NO_ENV,
	    ":2: agents.maria: is empty; write a token of the agent's own");
	assert_config("[agents]\nmaria = env:T\n", ENV("T="),
	    ":2: agents.maria: is empty");
	assert_config("[agents]\nmaria = env:T\n", ENV("T=hunter2 x"),
	    ":2: agents.maria: has a character in it that no token has");
	assert_config("[agents]\na b = hunter2\n", NO_ENV,
	    ":2: agents.a b: is not an agent's name; write letters");
	assert_config("[agents]\nadmin = hunter2\n", NO_ENV,
	    ":2: agents.admin: is no agent's name: whoever has "
	    "server.admin_token is admin");
	assert_config("[agents]\nmachine = hunter2\n", NO_ENV,
	    ":2: agents.machine: is no agent's name");
	assert_config("[agents]\nmaria = hunter2\njoe = hunter2\n", NO_ENV,
	    ":3: agents.joe: is the token of maria as well; give each");
	assert_config("[agents]\nmaria = env:T\njoe = env:T\n",
	    ENV("T=hunter2"), ":3: agents.joe: is the token of maria as well");
	assert_config(
	    "[server]\nadmin_token = hunter2\n[agents]\njoe = hunter2\n",
	    NO_ENV,
	    ":4: agents.joe: is the token of server.admin_token as well");
	assert_config("[access_keys]\nw1 =\n", NO_ENV,
	    ":2: access_keys.w1: is empty; write a secret");
	assert_config("[access_keys]\nw/1 = hunter2\n", NO_ENV,
	    ":2: access_keys.w/1: is not an access key's ID; write letters");
	assert_config("", ENV("SWITCHHOOK_AGENTS_MARIA=hunter2"),
	    "this comes from the file alone; write it under [agents] there");
	assert_config("", ENV("SWITCHHOOK_ACCESS_KEYS_W1=hunter2"),
	    "it under [access_keys] there");
}

/* --- the guards ------------------------------------------------------------ */

/* Says who asked, and for what. */
static void
answer(struct exchange *x)
{
	struct response *r = x->response;

	r->code = 200;
	r->content_type = "application/json";
	buf_printf(&r->body, "\"%s %s %s\"", x->agent == NULL ? "-" : x->agent,
	    x->path.arg[0], x->path.arg[1]);
}

static const struct route routes[] = {
	{ METHOD_GET, "/open", GUARD_OPEN, answer, ACCEPT_FORM, WEBHOOK_NONE },
	{ METHOD_GET, "/admin", GUARD_ADMIN, answer, ACCEPT_FORM,
	    WEBHOOK_NONE },
	{ METHOD_GET, "/agent/{id}", GUARD_AGENT, answer, ACCEPT_FORM,
	    WEBHOOK_NONE },
	{ METHOD_POST, "/agent/{id}", GUARD_AGENT, answer, ACCEPT_JSON,
	    WEBHOOK_NONE },
	{ METHOD_POST, "/agent/{id}/reply/{reply}", GUARD_AGENT, answer,
	    ACCEPT_JSON, WEBHOOK_NONE },
	{ METHOD_POST, "/any", GUARD_OPEN, answer, ACCEPT_ANY, WEBHOOK_NONE },
};

/* On this table, whose requests are not counted. */
static struct test_reply
ask(struct app *app, const struct test_request *q)
{
	const struct route *table = app->routes;
	struct metrics *metrics = app->metrics;
	size_t n = app->routes_n;
	struct test_reply r;

	app->routes = routes;
	app->routes_n = TEST_COUNT(routes);
	app->metrics = NULL;
	r = test_ask(app, q);
	app->routes = table;
	app->routes_n = n;
	app->metrics = metrics;
	return r;
}

/* The reply has this status, and this in its body. */
static void
assert_reply(struct app *app, const struct test_request *q, int status,
    const char *words)
{
	struct test_reply r = ask(app, q);

	if (r.status != status || strstr(r.body, words) == NULL) {
		fprintf(stderr, "%s %s: %d %s\n", q->uri,
		    q->extra == NULL ? "" : q->extra, r.status, r.body);
		CU_FAIL("another reply");
	}
	CU_ASSERT_EQUAL(test_has_header(&r,
			    "WWW-Authenticate: Bearer realm=\"switchhook\""),
	    status == 401);
	CU_ASSERT_EQUAL(test_has_header(&r, "Cache-Control: no-store"),
	    !str_eq(q->uri, "/open") && !str_eq(q->uri, "/any"));
	test_reply_release(&r);
}

static void
assert_asked(struct app *app, const char *uri, const char *token, int status,
    const char *words)
{
	struct test_request q = { .uri = uri };
	char extra[100];

	snprintf(extra, sizeof(extra), "HTTP_AUTHORIZATION=Bearer %s", token);
	q.extra = extra;
	assert_reply(app, &q, status, words);
	snprintf(extra, sizeof(extra), "HTTP_X_API_KEY=%s", token);
	assert_reply(app, &q, status, words);
}

static void
test_guards(void)
{
	struct app *app = test_app("[server]\nadmin_token = root\n"
				   "[agents]\nmaria = one\njoe = two\n");

	assert_asked(app, "/admin", "root", 200, "\"admin  \"");
	assert_asked(app, "/admin", "one", 403, "admin token needed");
	assert_asked(app, "/admin", "tw", 401, "Wrong or missing token");
	assert_asked(app, "/admin", "", 401, "Wrong or missing token");
	assert_asked(app, "/agent/1", "root", 200, "\"admin 1 \"");
	assert_asked(app, "/agent/1", "one", 200, "\"maria 1 \"");
	assert_asked(app, "/agent/1", "two", 200, "\"joe 1 \"");
	assert_asked(app, "/agent/1", "twoo", 401, "Wrong or missing token");
	assert_asked(app, "/agent/1", "", 401, "Wrong or missing token");
	assert_asked(app, "/open", "one", 200, "\"-  \"");
	app_close(app);
}

/* Who is nobody's agent is told which key to set, if there is nobody. */
static void
test_closed(void)
{
	struct app *app = test_app("[agents]\nmaria = one\n");

	assert_asked(app, "/admin", "one", 403, "set server.admin_token");
	assert_asked(app, "/agent/1", "one", 200, "maria");
	assert_asked(app, "/agent/1", "", 401, "Wrong or missing token");
	app_close(app);
	app = test_app("[server]\nadmin_token = root\n");
	assert_asked(app, "/agent/1", "root", 200, "admin");
	assert_asked(app, "/agent/1", "x", 401, "Wrong or missing token");
	app_close(app);
	app = test_app(NULL);
	assert_asked(app, "/admin", "", 403, "set server.admin_token");
	assert_asked(app, "/agent/1", "", 403,
	    "set a token under [agents], or server.admin_token");
	app_close(app);
}

/* --- bodies and copies ----------------------------------------------------- */

#define MARIA "HTTP_X_API_KEY=one"

static void
test_bodies(void)
{
	static const struct {
		const char *uri, *body, *type;
		int status;
	} cases[] = {
		{ "/agent/1", "{}", "application/json", 200 },
		{ "/agent/1", "{}", "Application/JSON; charset=utf-8", 200 },
		{ "/agent/1", "", "application/json", 200 },
		{ "/agent/1", "", "", 200 },
		{ "/agent/1", "{}", "", 415 },
		{ "/agent/1", "{}", "text/plain", 415 },
		{ "/agent/1", "a=b", NULL, 415 },
		{ "/agent/1", "", "application/x-www-form-urlencoded", 415 },
		{ "/agent/1", "", "multipart/form-data; boundary=x", 415 },
		{ "/agent/1/reply/2", "{}", "application/json", 200 },
		{ "/agent/1/reply/2", "{}", "text/plain", 415 },
		{ "/any", "x", "text/plain", 200 },
	};
	struct app *app = test_app("[agents]\nmaria = one\n");
	struct test_request q = { .extra = MARIA };
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		q.method = "POST";
		q.uri = cases[i].uri;
		q.body = cases[i].body;
		q.type = cases[i].type;
		assert_reply(app, &q, cases[i].status, "");
	}
	q.body = NULL;
	q.uri = "/agent/a%20b?x=%zz";
	q.method = "GET";
	assert_reply(app, &q, 400, "percent-encoding");
	app_close(app);
}

/* Who has a reply already gets no second copy of it. */
static void
test_copies(void)
{
	struct app *app = test_app("[agents]\nmaria = one\n"
				   "[server]\nadmin_token = root\n");
	struct test_request q = { .uri = "/agent/1", .extra = MARIA };
	struct test_reply r = ask(app, &q);
	char extra[100], tag[64] = "";
	const char *at = strstr(r.text.data, "ETag: ");

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	sscanf(at, "ETag: %63[^\r]", tag);
	test_reply_release(&r);
	snprintf(extra, sizeof(extra), "HTTP_IF_NONE_MATCH=W/%s", tag);
	q.more = extra;
	assert_reply(app, &q, 304, "");
	r = ask(app, &q);
	CU_ASSERT_STRING_EQUAL(r.body, "");
	CU_ASSERT_PTR_NULL(strstr(r.text.data, "Content-Type"));
	test_reply_release(&r);
	q.method = "HEAD";
	assert_reply(app, &q, 304, "");
	q.uri = "/agent/2";
	assert_reply(app, &q, 200, "");
	q.uri = "/agent/1";
	q.method = "POST";
	assert_reply(app, &q, 200, "maria");
	q.extra = "HTTP_X_API_KEY=three";
	q.method = "GET";
	assert_reply(app, &q, 401, "");
	app_close(app);
}

static const struct test tests[] = {
	{ "the sections", test_sections },
	{ "their mistakes", test_mistakes },
	{ "the guards", test_guards },
	{ "nobody may", test_closed },
	{ "bodies", test_bodies },
	{ "copies", test_copies },
};

int
main(void)
{
	return test_main("guard", tests, TEST_COUNT(tests));
}
