/* The secrets that requests are checked with, while they change. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/config.h"
#include "config/reference.h"
#include "serve/freshness.h"
#include "site/refresh.h"
#include "site/secrets.h"
#include "site/settings.h"
#include "site/snapshot.h"
#include "t/configs.h"
#include "t/fake-source.h"
#include "t/request.h"
#include "t/test.h"

#define MS INT64_C(1000)
#define NEVER (3600000 * MS)

/* A configuration, what it was fetched from, and its secrets. */
struct trial {
	struct fake fake;
	struct config *config;
	struct secrets *secrets;
	const struct secrets *before; /* what these replace */
	struct refresh *refresh;
	struct refresh_times times;
};

/* Nothing is due, unless the test sets a time. */
static void
begin(struct trial *t)
{
	*t = (struct trial){ .times = { NEVER, NEVER, NEVER, NEVER, NEVER } };
	fake_init(&t->fake);
}

static void
start(struct trial *t, const char *text)
{
	const char *path = configs_file("secrets.conf", text, strlen(text));
	const struct refresh_options o = { .source = &t->fake.source,
		.times = &t->times };
	struct buf errors = BUF_INIT, warnings = BUF_INIT;
	static char *none[] = { NULL };

	CU_ASSERT_EQUAL_FATAL(
	    reference_load(&t->config, path, none, &errors), ST_OK);
	CU_ASSERT_EQUAL_FATAL(
	    settings_end(t->config, &t->fake.source, &errors, &warnings),
	    ST_OK);
	CU_ASSERT_EQUAL_FATAL(secrets_make(&t->secrets, t->config, true,
				  t->before, t->times.grace_us),
	    ST_OK);
	CU_ASSERT_EQUAL_FATAL(refresh_open(&t->refresh, &o), ST_OK);
	buf_release(&errors);
	buf_release(&warnings);
}

static void
end(struct trial *t)
{
	secrets_free(t->secrets);
	refresh_close(t->refresh);
	CU_ASSERT_TRUE(t->fake.closed);
	config_free(t->config);
	fake_destroy(&t->fake);
}

/* Fetch once more. True if something has changed. */
static bool
turn(struct trial *t)
{
	struct secrets *next;

	refresh_run(t->refresh, t->secrets, &next);
	if (next == NULL)
		return false;
	secrets_free(t->secrets);
	t->secrets = next;
	return true;
}

/* The tokens with spaces between, "|", the administrator's, and "/" and an API
 * key's if there is one. */
static void
assert_is(const struct trial *t, const char *expected)
{
	const struct secrets *s = t->secrets;
	char now[512];
	size_t i, n = 0;

	for (i = 0; s->tokens[i] != NULL; i++)
		n += (size_t)snprintf(now + n, sizeof(now) - n, "%s%s",
		    i == 0 ? "" : " ", s->tokens[i]);
	snprintf(now + n, sizeof(now) - n, "|%s%s%s", s->admin_token,
	    *s->api_secret == '\0' ? "" : "/", s->api_secret);
	CU_ASSERT_STRING_EQUAL(now, expected);
	if (strcmp(now, expected) != 0)
		printf("\n%s, not %s\n", now, expected);
}

static void
assert_ready(const struct trial *t, const char *why)
{
	struct buf b = BUF_INIT;

	CU_ASSERT_EQUAL(
	    freshness_good(refresh_freshness(t->refresh), &b), why == NULL);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), why == NULL ? "" : why);
	buf_release(&b);
}

static void
test_fixed(void)
{
	struct fetch *none = NULL;
	struct trial t;

	begin(&t);
	start(&t,
	    "[twilio]\nauth_token = a\nauth_token_previous = b\n"
	    "[server]\nadmin_token = c\n");
	assert_is(&t, "a b|c");
	CU_ASSERT_EQUAL(secrets_list(t.secrets, none), 0);
	CU_ASSERT_EQUAL(fake_fetches(&t.fake), 0);
	end(&t);
	begin(&t);
	start(&t, "[twilio]\nauth_token = a\nauth_token_previous = a\n");
	assert_is(&t, "a|");
	end(&t);
	begin(&t);
	start(&t, "");
	assert_is(&t, "|");
	end(&t);
}

/* Nothing is kept at AWS, or it is plain CGI. */
static void
test_no_refresh(void)
{
	struct buf why = BUF_INIT;

	freshness_doubt(NULL);
	CU_ASSERT_FALSE(refresh_doubted(NULL));
	CU_ASSERT_FALSE(refresh_due(NULL));
	CU_ASSERT_TRUE(freshness_good(NULL, &why));
	refresh_close(NULL);
	secrets_free(NULL);
}

static void
test_changes(void)
{
	struct trial t;

	begin(&t);
	fake_ssm(&t.fake, "/t", "a");
	fake_ssm(&t.fake, "/admin", "c");
	start(&t,
	    "[twilio]\nauth_token = ssm:/t\nauth_token_previous = p\n"
	    "[server]\nadmin_token = ssm:/admin\n");
	assert_is(&t, "a p|c");
	/* The configuration has them no more. */
	CU_ASSERT_STRING_EQUAL(t.config->twilio.auth_token, "");
	CU_ASSERT_FALSE(turn(&t));
	fake_ssm(&t.fake, "/t", "b");
	/* The old token is still good; an administrator's is not. */
	CU_ASSERT_TRUE(turn(&t));
	assert_is(&t, "b a p|c");
	CU_ASSERT_FALSE(turn(&t));
	fake_ssm(&t.fake, "/admin", "d");
	CU_ASSERT_TRUE(turn(&t));
	assert_is(&t, "b a p|d");
	fake_ssm(&t.fake, "/t", "e");
	CU_ASSERT_TRUE(turn(&t));
	assert_is(&t, "e b p|d");
	end(&t);
}

static void
test_grace(void)
{
	struct trial t;

	begin(&t);
	t.times.grace_us = 50 * MS;
	fake_ssm(&t.fake, "/t", "a");
	start(&t, "[twilio]\nauth_token = ssm:/t\n");
	fake_ssm(&t.fake, "/t", "b");
	CU_ASSERT_TRUE(turn(&t));
	assert_is(&t, "b a|");
	usleep(60000);
	CU_ASSERT_TRUE(turn(&t));
	assert_is(&t, "b|");
	CU_ASSERT_FALSE(turn(&t));
	end(&t);
}

static void
test_previous(void)
{
	struct trial t;

	begin(&t);
	t.times.grace_us = 0;
	fake_secret(&t.fake, "s", "{\"t\":\"b\"}");
	fake_previous(&t.fake, "s", "{\"t\":\"a\"}");
	start(&t, "[twilio]\nauth_token = secretsmanager:s#t\n");
	assert_is(&t, "b a|");
	fake_previous(&t.fake, "s", "{\"t\":\"b\"}");
	fake_secret(&t.fake, "s", "{\"t\":\"c\"}");
	CU_ASSERT_TRUE(turn(&t));
	CU_ASSERT_TRUE(turn(&t));
	assert_is(&t, "c b|");
	/* That it cannot be had now does not take it away; that there is none
	 * does. */
	fake_put(&t.fake,
	    &(struct fake_value){
		REFERENCE_SECRETSMANAGER, "s", true, ST_TIMEOUT, "late", 0 });
	CU_ASSERT_FALSE(turn(&t));
	assert_is(&t, "c b|");
	fake_put(&t.fake,
	    &(struct fake_value){
		REFERENCE_SECRETSMANAGER, "s", true, ST_NOTFOUND, "gone", 0 });
	CU_ASSERT_TRUE(turn(&t));
	assert_is(&t, "c|");
	end(&t);
}

/* What comes but cannot be a token is not taken. */
static void
test_bad_values(void)
{
	static const char *const bad[] = { "", "a b", "a\nb", "\xc3\xa9" };
	struct trial t;
	size_t i;

	begin(&t);
	fake_ssm(&t.fake, "/t", "a");
	start(&t, "[twilio]\nauth_token = ssm:/t\n");
	for (i = 0; i < TEST_COUNT(bad); i++) {
		fake_ssm(&t.fake, "/t", bad[i]);
		CU_ASSERT_FALSE(turn(&t));
		assert_is(&t, "a|");
	}
	fake_put(&t.fake,
	    &(struct fake_value){
		REFERENCE_SSM, "/t", false, ST_DENIED, "no", 0 });
	CU_ASSERT_FALSE(turn(&t));
	assert_is(&t, "a|");
	assert_ready(&t, NULL);
	fake_ssm(&t.fake, "/t", "b");
	CU_ASSERT_TRUE(turn(&t));
	assert_is(&t, "b a|");
	end(&t);
}

static void
test_outage(void)
{
	struct trial t;

	begin(&t);
	t.times.ceiling_us = 100 * MS;
	fake_ssm(&t.fake, "/t", "a");
	start(&t, "[twilio]\nauth_token = ssm:/t\n");
	assert_ready(&t, NULL);
	fake_outage(&t.fake, ST_UNAVAILABLE);
	fake_ssm(&t.fake, "/t", "b");
	CU_ASSERT_FALSE(turn(&t));
	assert_is(&t, "a|");
	usleep(110000);
	CU_ASSERT_FALSE(turn(&t));
	assert_ready(&t, "secrets were not fetched for too long");
	/* Old, but better than refusing everybody. */
	assert_is(&t, "a|");
	fake_outage(&t.fake, ST_OK);
	CU_ASSERT_TRUE(turn(&t));
	assert_is(&t, "b a|");
	assert_ready(&t, NULL);
	end(&t);
}

/* Until it is due: about how many milliseconds? */
static int64_t
wait_due(const struct trial *t)
{
	int64_t began = clock_mono_us();

	while (!refresh_due(t->refresh) && clock_mono_us() < began + 5000 * MS)
		usleep(200);
	return (clock_mono_us() - began) / MS;
}

static void
test_times(void)
{
	int64_t ms;
	struct trial t;

	begin(&t);
	t.times.usual_us = 100 * MS;
	t.times.retry_us = 20 * MS;
	fake_ssm(&t.fake, "/t", "a");
	start(&t, "[twilio]\nauth_token = ssm:/t\n");
	ms = wait_due(&t);
	CU_ASSERT_TRUE(ms >= 89 && ms < 1000);
	fake_outage(&t.fake, ST_BUSY);
	turn(&t);
	CU_ASSERT_FALSE(refresh_due(t.refresh));
	ms = wait_due(&t);
	CU_ASSERT_TRUE(ms >= 17 && ms < 80);
	turn(&t);
	turn(&t);
	/* Twice as late each time. */
	CU_ASSERT_TRUE(wait_due(&t) >= 71);
	fake_outage(&t.fake, ST_OK);
	turn(&t);
	CU_ASSERT_TRUE(wait_due(&t) >= 89);
	end(&t);
}

static void
test_doubt(void)
{
	struct trial t;

	begin(&t);
	t.times.forced_us = 100 * MS;
	fake_ssm(&t.fake, "/t", "a");
	start(&t, "[twilio]\nauth_token = ssm:/t\n");
	CU_ASSERT_FALSE(refresh_due(t.refresh));
	CU_ASSERT_FALSE(refresh_doubted(t.refresh));
	freshness_doubt(refresh_freshness(t.refresh));
	freshness_doubt(refresh_freshness(t.refresh));
	/* At once, and the keeper is told once. */
	CU_ASSERT_TRUE(refresh_due(t.refresh));
	CU_ASSERT_TRUE(refresh_doubted(t.refresh));
	freshness_doubt(refresh_freshness(t.refresh));
	CU_ASSERT_FALSE(refresh_doubted(t.refresh));
	CU_ASSERT_FALSE(turn(&t));
	/* However many they are, it is not asked again so soon; but then. */
	freshness_doubt(refresh_freshness(t.refresh));
	CU_ASSERT_TRUE(refresh_doubted(t.refresh));
	CU_ASSERT_FALSE(refresh_due(t.refresh));
	CU_ASSERT_TRUE(wait_due(&t) >= 80);
	CU_ASSERT_TRUE(refresh_due(t.refresh));
	CU_ASSERT_FALSE(turn(&t));
	CU_ASSERT_FALSE(refresh_due(t.refresh));
	end(&t);
}

/* An API key's secret is taken up as it changes; the old one opens nothing, so
 * it is not kept, and it never counts as a token. */
static void
test_api_secret(void)
{
	struct trial t;

	begin(&t);
	fake_secret(&t.fake, "s", "{\"secret\":\"k\"}");
	start(&t,
	    "[twilio]\nauth_token = a\n"
	    "api_key = SK00000000000000000000000000000000\n"
	    "api_secret = secretsmanager:s#secret\n");
	assert_is(&t, "a|/k");
	fake_secret(&t.fake, "s", "{\"secret\":\"l\"}");
	CU_ASSERT_TRUE(turn(&t));
	assert_is(&t, "a|/l");
	/* What no secret can be is not taken. */
	fake_secret(&t.fake, "s", "{\"secret\":\"a b\"}");
	CU_ASSERT_FALSE(turn(&t));
	assert_is(&t, "a|/l");
	end(&t);
}

/* A reload knows only the new token; Twilio may still sign with the old. */
static void
test_reload(void)
{
	struct trial a, b, c;

	begin(&a);
	fake_ssm(&a.fake, "/t", "a");
	start(&a, "[twilio]\nauth_token = ssm:/t\n");
	begin(&b);
	fake_ssm(&b.fake, "/t", "b");
	b.before = a.secrets;
	start(&b, "[twilio]\nauth_token = ssm:/t\n");
	assert_is(&b, "b a|");
	end(&a);
	/* And once more, with nothing new. */
	begin(&c);
	fake_ssm(&c.fake, "/t", "b");
	c.before = b.secrets;
	start(&c, "[twilio]\nauth_token = ssm:/t\n");
	assert_is(&c, "b a|");
	end(&c);
	/* Another reference is another token, and so is one that stands in
	 * the file: whoever takes it out means it. */
	begin(&c);
	fake_ssm(&c.fake, "/other", "c");
	c.before = b.secrets;
	start(&c, "[twilio]\nauth_token = ssm:/other\n");
	assert_is(&c, "c|");
	end(&c);
	begin(&c);
	c.before = b.secrets;
	start(&c, "[twilio]\nauth_token = c\n");
	assert_is(&c, "c|");
	end(&c);
	end(&b);
}

/* --- snapshots -------------------------------------------------------------- */

struct load {
	struct app_slot *slot;
	atomic_int now; /* the token that is signed with */
	atomic_bool stop;
	atomic_int checks, wrong;
};

static void *
check_always(void *arg)
{
	struct load *l = arg;
	struct app *app;
	char token[32];
	bool good;
	size_t i;
	int n;

	while (!l->stop) {
		n = l->now;
		snprintf(token, sizeof(token), "token%d", n);
		app = app_slot_get(l->slot);
		good = false;
		for (i = 0; app->secrets->tokens[i] != NULL; i++)
			good =
			    good || strcmp(app->secrets->tokens[i], token) == 0;
		if (*app->config->server.public_url == '\0')
			good = false;
		app_slot_put(l->slot, app);
		l->checks++;
		/* Who slept over it signs with one that is long gone. */
		if (!good && n == l->now)
			l->wrong++;
	}
	return NULL;
}

/* Who signs goes over to a new token once it is fetched: nobody is refused, and
 * snapshots that share their parts close in any order. */
static void
test_snapshots(void)
{
	static const struct refresh_times times = { NEVER, NEVER, NEVER, NEVER,
		NEVER };
	static char names[20][32];
	struct load *l = calloc(1, sizeof(*l));
	struct app *app = test_app(NULL), *first, *next;
	struct refresh_options o = { .times = &times };
	pthread_t threads[4];
	struct fake fake;
	int i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	fake_init(&fake);
	fake_ssm(&fake, "/t", "token0");
	o.source = &fake.source;
	CU_ASSERT_EQUAL_FATAL(refresh_open(&app->refresh, &o), ST_OK);
	app->secrets->each[0].reference = "ssm:/t";
	app_renew(app, &next);
	CU_ASSERT_PTR_NOT_NULL_FATAL(next);
	CU_ASSERT_EQUAL_FATAL(app_slot_open(&l->slot, app), ST_OK);
	app_slot_replace(l->slot, next);
	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, check_always, l);
	first = app_slot_get(l->slot);
	for (i = 1; i < 20; i++) {
		snprintf(names[i], sizeof(names[i]), "token%d", i);
		fake_ssm(&fake, "/t", names[i]);
		app = app_slot_get(l->slot);
		app_renew(app, &next);
		CU_ASSERT_PTR_NOT_NULL_FATAL(next);
		app_slot_replace(l->slot, next);
		app_slot_put(l->slot, app);
		app_slot_sweep(l->slot);
		l->now = i;
		usleep(2000);
	}
	/* Who has a snapshot keeps it. */
	CU_ASSERT_STRING_EQUAL(first->secrets->tokens[0], "token0");
	app_slot_put(l->slot, first);
	app_slot_sweep(l->slot);
	usleep(20000);
	l->stop = true;
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT_TRUE(l->checks > 1000);
	CU_ASSERT_EQUAL(l->wrong, 0);
	CU_ASSERT_FALSE(fake.closed);
	app_slot_close(l->slot);
	CU_ASSERT_TRUE(fake.closed);
	fake_destroy(&fake);
	free(l);
}

static const struct test tests[] = {
	{ "fixed ones", test_fixed },
	{ "no refresh", test_no_refresh },
	{ "changes", test_changes },
	{ "grace", test_grace },
	{ "the value before", test_previous },
	{ "bad values", test_bad_values },
	{ "an outage", test_outage },
	{ "times", test_times },
	{ "doubt", test_doubt },
	{ "the secret of an API key", test_api_secret },
	{ "a reload", test_reload },
	{ "snapshots", test_snapshots },
};

int
main(void)
{
	return test_main("secrets", tests, TEST_COUNT(tests));
}
