/*
 * The configuration when memory runs out, at every allocation; and what is
 * left in memory that was freed: no secret. Both by an allocator of our own
 * over glibc's, so not under a sanitizer, which has its own.
 */
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "params/params.h"
#include "params/secrets.h"
#include "t/configs.h"
#include "t/fake-source.h"
#include "t/test.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SKIPPED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    !defined(__GLIBC__)
#define SKIPPED
#endif

#ifdef SKIPPED
int
main(void)
{
	printf("not with this allocator\n");
	return 77;
}
#else

#define SECRET "correct-horse-battery-staple"

void *__libc_malloc(size_t);
void __libc_free(void *);

/* Volatile, because the compiler knows that malloc and free touch no such
 * thing. */
static volatile long countdown = -1; /* allocations that succeed; -1: all */
static volatile bool watching; /* look at what is freed */
static volatile unsigned freed, leaked;

static bool
denied(void)
{
	if (countdown < 0)
		return false;
	if (countdown > 0) {
		countdown--;
		return false;
	}
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t n)
{
	return denied() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	size_t all;
	void *p;

	if (__builtin_mul_overflow(n, size, &all) || (p = malloc(all)) == NULL)
		return NULL;
	return memset(p, 0, all);
}

void
free(void *p)
{
	if (p != NULL && watching) {
		freed++;
		if (memmem(p, malloc_usable_size(p), SECRET, strlen(SECRET)))
			leaked++;
		/* What is still in memory that is handed out again is not
		 * this test's matter. */
		explicit_bzero(p, malloc_usable_size(p));
	}
	__libc_free(p);
}

/* Always moves, so that a growing secret shows. */
void *
realloc(void *old, size_t n)
{
	size_t had = old == NULL ? 0 : malloc_usable_size(old);
	void *p = malloc(n);

	if (p == NULL)
		return NULL;
	if (old != NULL)
		memcpy(p, old, had < n ? had : n);
	free(old);
	return p;
}

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
		countdown = n;
		st = params_load(
		    &c, path, (char *const *)environment, &errors, &warnings);
		countdown = -1;
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
		countdown = n;
		st = params_load(
		    &c, path, (char *const *)envp, &errors, &warnings);
		countdown = -1;
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
	watching = true;
	CU_ASSERT_EQUAL(params_load(&c, path, (char *const *)environment,
			    &errors, &warnings),
	    ST_OK);
	CU_ASSERT_STRING_EQUAL(c->twilio.auth_token_previous, SECRET);
	CU_ASSERT_STRING_EQUAL(c->server.admin_token, SECRET);
	CU_ASSERT_STRING_EQUAL(c->twilio.auth_token, SECRET);
	CU_ASSERT_EQUAL(strlen(c->whatsapp.ai_queue), strlen(SECRET) + 401);
	config_free(c);
	watching = false;
	CU_ASSERT_TRUE(freed > 20);
	CU_ASSERT_EQUAL(leaked, 0);
	/* It would be seen. */
	p = strdup("x" SECRET);
	watching = true;
	free(p);
	watching = false;
	CU_ASSERT_EQUAL(leaked, 1);
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
		SOURCE_SSM, "/down", false, ST_TIMEOUT, "late", 0 });
}

static const char *const remote[] = { "ENV_TYPE=e",
	"SWITCHHOOK_TWILIO_AUTH_TOKEN=secretsmanager:twilio#t",
	"SWITCHHOOK_SERVER_ADMIN_TOKEN=ssm:/admin",
	"SWITCHHOOK_VALUES_V=ssm:/v", "SWITCHHOOK_VALUES_DOWN=ssm:/down",
	NULL };

/* All that a start does with them, and a reload after it. */
static enum status
run_remote(struct fake *f)
{
	struct buf errors = BUF_INIT, warnings = BUF_INIT;
	struct secrets_options o = { .source = &f->source };
	struct secrets *first = NULL, *second = NULL;
	struct config *c = NULL;
	enum status st;

	st = params_begin(&c, NULL, (char *const *)remote, &errors);
	if (st == ST_OK)
		st = params_end(c, &f->source, &errors, &warnings);
	o.config = c;
	if (st == ST_OK)
		st = secrets_open(&first, &o);
	o.before = first;
	if (st == ST_OK)
		st = secrets_open(&second, &o);
	if (st == ST_OK) {
		CU_ASSERT_EQUAL(c->missing, 1);
		CU_ASSERT_STRING_EQUAL(secrets_get(second)->tokens[0], SECRET);
		CU_ASSERT_STRING_EQUAL(secrets_get(second)->tokens[1], OLD);
	}
	secrets_close(second);
	secrets_close(first);
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
		countdown = n;
		st = run_remote(&f);
		countdown = -1;
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
	leaked = freed = 0;
	watching = true;
	CU_ASSERT_EQUAL(run_remote(&f), ST_OK);
	watching = false;
	CU_ASSERT_TRUE(freed > 50);
	CU_ASSERT_EQUAL(leaked, 0);
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
	return test_main("config-memory", tests, TEST_COUNT(tests));
}
#endif
