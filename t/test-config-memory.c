/*
 * The configuration when memory runs out, at every allocation; and what is
 * left in memory that was freed: no secret. Both by an allocator of our own
 * over glibc's, so not under a sanitizer, which has its own.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/reference.h"
#include "site/refresh.h"
#include "site/secrets.h"
#include "site/settings.h"
#include "t/configs.h"
#include "t/fake-source.h"
#include "t/memory.h"
#include "t/test.h"

#define SECRET "correct-horse-battery-staple"

/*
 * A configuration in which all kinds of things happen: a secret first and last,
 * and so much between that a buffer which grew would have left copies.
 */
static void
write_files(char *path, size_t size)
{
	char text[8192], padding[6000];

	memset(padding, 'p', sizeof(padding) - 1);
	padding[sizeof(padding) - 1] = '\0';
	snprintf(text, sizeof(text),
	    "[twilio]\nauth_token = %s\nauth_token_previous = file:%s\n"
	    "; %s\n"
	    "[server]\npublic_url = env:URL\nthreads = 3\n"
	    "[whatsapp]\nai_queue = %s-%.400s\n",
	    SECRET, configs_file("token", SECRET "\n", strlen(SECRET) + 1),
	    padding, SECRET, padding);
	snprintf(
	    path, size, "%s", configs_file("memory.conf", text, strlen(text)));
}

static const char *const environment[] = { "URL=https://u:" SECRET "@a.b/",
	"SWITCHHOOK_SERVER_ADMIN_TOKEN=" SECRET, "LOG_LEVEL=warning", NULL };

static void
test_every_allocation(void)
{
	struct buf errors = BUF_INIT, warnings = BUF_INIT;
	enum status st = ST_NOMEM;
	struct config *c;
	char path[256];
	long n;

	write_files(path, sizeof(path));
	for (n = 0; st == ST_NOMEM && n < 10000; n++) {
		memory_starve(n, true);
		st = settings_load(
		    &c, path, (char *const *)environment, &errors, &warnings);
		memory_feed();
		CU_ASSERT_TRUE(st == ST_NOMEM ? c == NULL : st == ST_OK);
		config_free(c);
	}
	CU_ASSERT_EQUAL(st, ST_OK);
	CU_ASSERT_TRUE(n > 20);
	CU_ASSERT_EQUAL(errors.len, 0);
	buf_release(&errors);
}

/* The same with mistakes, whose messages are what may not fit. */
static void
test_every_allocation_of_mistakes(void)
{
	static const char text[] =
	    "[server]\nthreads = x\nbanana = 1\n[servr]\n"
	    "[twilio]\nauth_token = file:/nonexistent\n"
	    "account_sid = x\n";
	static const char *const envp[] = { "SWITCHHOOK_BANANA=1", NULL };
	enum status st = ST_NOMEM;
	struct buf errors, warnings = BUF_INIT;
	struct config *c;
	char path[256];
	long n;

	snprintf(path, sizeof(path), "%s",
	    configs_file("mistakes.conf", text, strlen(text)));
	for (n = 0; st == ST_NOMEM && n < 10000; n++) {
		errors = (struct buf)BUF_INIT;
		memory_starve(n, true);
		st = settings_load(
		    &c, path, (char *const *)envp, &errors, &warnings);
		memory_feed();
		CU_ASSERT_TRUE(st == ST_NOMEM || st == ST_CONFIG);
		CU_ASSERT_PTR_NULL(c);
		if (st == ST_CONFIG)
			CU_ASSERT_EQUAL(configs_lines(&errors), 6);
		buf_release(&errors);
	}
	CU_ASSERT_EQUAL(st, ST_CONFIG);
	CU_ASSERT_TRUE(n > 20);
}

static void
test_nothing_secret_is_left(void)
{
	struct buf errors = BUF_INIT, warnings = BUF_INIT;
	struct config *c;
	char path[256], *volatile p;

	write_files(path, sizeof(path));
	memory_watch(SECRET);
	CU_ASSERT_EQUAL(settings_load(&c, path, (char *const *)environment,
			    &errors, &warnings),
	    ST_OK);
	CU_ASSERT_STRING_EQUAL(c->twilio.auth_token_previous, SECRET);
	CU_ASSERT_STRING_EQUAL(c->server.admin_token, SECRET);
	CU_ASSERT_STRING_EQUAL(c->twilio.auth_token, SECRET);
	CU_ASSERT_EQUAL(strlen(c->whatsapp.ai_queue), strlen(SECRET) + 401);
	config_free(c);
	memory_watch(NULL);
	CU_ASSERT_TRUE(memory_freed() > 20);
	CU_ASSERT_EQUAL(memory_leaked(), 0);
	/* It would be seen. */
	p = strdup("x" SECRET);
	memory_watch(SECRET);
	free(p);
	memory_watch(NULL);
	CU_ASSERT_EQUAL(memory_leaked(), 1);
	buf_release(&errors);
}

/* --- what is kept at AWS ---------------------------------------------------- */

#define OLD "old-" SECRET

static void
fill(struct fake *f)
{
	fake_init(f);
	fake_secret(
	    f, "twilio", "{\"t\":\"" SECRET "\",\"u\":[\"" SECRET "\"]}");
	fake_previous(f, "twilio", "{\"t\":\"" OLD "\"}\n");
	fake_ssm(f, "/admin", SECRET);
	fake_ssm(f, "/twh/e/twilio-auth-token", SECRET);
	fake_ssm(f, "/v", SECRET "\n");
	fake_put(f,
	    &(struct fake_value){
		REFERENCE_SSM, "/down", false, ST_TIMEOUT, "late", 0 });
}

static const char *const remote[] = { "ENV_TYPE=e",
	"SWITCHHOOK_TWILIO_AUTH_TOKEN=secretsmanager:twilio#t",
	"SWITCHHOOK_SERVER_ADMIN_TOKEN=ssm:/admin",
	"SWITCHHOOK_VALUES_V=ssm:/v", "SWITCHHOOK_VALUES_DOWN=ssm:/down",
	NULL };

/* All that a start does with them, a reload after it, and a fetch. */
static enum status
run_remote(struct fake *f)
{
	const struct refresh_options o = { .source = &f->source,
		.times = &refresh_times };
	struct secrets *first = NULL, *second = NULL, *third = NULL;
	struct buf errors = BUF_INIT, warnings = BUF_INIT;
	struct refresh *refresh = NULL;
	struct config *c = NULL;
	enum status st;

	fake_ssm(f, "/admin", SECRET);
	st = reference_load(&c, NULL, (char *const *)remote, &errors);
	if (st == ST_OK)
		st = settings_end(c, &f->source, &errors, &warnings);
	if (st == ST_OK)
		st = secrets_make(&first, c, false, NULL, 0);
	if (st == ST_OK)
		st = secrets_make(&second, c, true, first, 0);
	if (st == ST_OK)
		st = refresh_open(&refresh, &o);
	if (st == ST_OK) {
		CU_ASSERT_EQUAL(c->missing, 1);
		CU_ASSERT_STRING_EQUAL(second->tokens[0], SECRET);
		CU_ASSERT_STRING_EQUAL(second->tokens[1], OLD);
		fake_ssm(f, "/admin", OLD);
		refresh_run(refresh, second, &third);
		if (third == NULL)
			st = ST_NOMEM;
		else
			CU_ASSERT_STRING_EQUAL(third->admin_token, OLD);
	}
	refresh_close(refresh);
	secrets_free(third);
	secrets_free(second);
	secrets_free(first);
	config_free(c);
	buf_release(&errors);
	buf_release(&warnings);
	return st;
}

static void
test_every_allocation_of_fetching(void)
{
	enum status st = ST_NOMEM;
	struct fake f;
	long n;

	fill(&f);
	for (n = 0; st == ST_NOMEM && n < 10000; n++) {
		memory_starve(n, true);
		st = run_remote(&f);
		memory_feed();
		CU_ASSERT_TRUE(st == ST_NOMEM || st == ST_OK);
	}
	CU_ASSERT_EQUAL(st, ST_OK);
	CU_ASSERT_TRUE(n > 50);
	fake_destroy(&f);
}

static void
test_nothing_fetched_is_left(void)
{
	struct fake f;

	fill(&f);
	memory_watch(SECRET);
	CU_ASSERT_EQUAL(run_remote(&f), ST_OK);
	memory_watch(NULL);
	CU_ASSERT_TRUE(memory_freed() > 50);
	CU_ASSERT_EQUAL(memory_leaked(), 0);
	fake_destroy(&f);
}

static const struct test tests[] = {
	{ "every allocation fails once", test_every_allocation },
	{ "also while mistakes are told", test_every_allocation_of_mistakes },
	{ "nothing secret is left", test_nothing_secret_is_left },
	{ "every allocation of fetching", test_every_allocation_of_fetching },
	{ "nothing that was fetched is left", test_nothing_fetched_is_left },
};

int
main(void)
{
	if (!memory_is_ours())
		return 77;
	return test_main("config-memory", tests, TEST_COUNT(tests));
}
