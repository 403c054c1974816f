/* The secrets that requests are checked with, while they change. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "params/params.h"
#include "params/secrets.h"
#include "t/configs.h"
#include "t/fake-source.h"
#include "t/test.h"

#define MS INT64_C(1000)
#define NEVER (3600000 * MS)

/* A configuration, what it was fetched from, and its secrets. */
struct trial {
	struct fake fake;
	struct config *config;
	struct secrets *secrets;
	struct secrets_options options;
};

/* Without refreshes, unless the test sets a time. */
static void
begin(struct trial *t)
{
	*t = (struct trial){ .options = { .threaded = true,
				 .refresh_us = NEVER,
				 .grace_us = NEVER,
				 .ceiling_us = NEVER,
				 .forced_us = NEVER,
				 .retry_us = 5 * MS } };
	fake_init(&t->fake);
}

static void
start(struct trial *t, const char *text)
{
	const char *path = configs_file("secrets.conf", text, strlen(text));
	struct buf errors = BUF_INIT, warnings = BUF_INIT;
	static char *none[] = { NULL };

	CU_ASSERT_EQUAL_FATAL(
	    params_begin(&t->config, path, none, &errors), ST_OK);
	CU_ASSERT_EQUAL_FATAL(
	    params_end(t->config, &t->fake.source, &errors, &warnings), ST_OK);
	t->options.config = t->config;
	t->options.source = &t->fake.source;
	CU_ASSERT_EQUAL_FATAL(secrets_open(&t->secrets, &t->options), ST_OK);
	buf_release(&errors);
	buf_release(&warnings);
}

static void
end(struct trial *t)
{
	secrets_close(t->secrets);
	CU_ASSERT_TRUE(t->fake.closed);
	config_free(t->config);
	fake_destroy(&t->fake);
}

/* The tokens with spaces between, "|", the administrator's, "/" and an API
 * key's if there is one, and "!" if something is missing. */
static void
describe(struct trial *t, char *out, size_t size)
{
	const struct secret_set *set = secrets_get(t->secrets);
	size_t i, n = 0;

	for (i = 0; set->tokens[i] != NULL; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s",
		    i == 0 ? "" : " ", set->tokens[i]);
	snprintf(out + n, size - n, "|%s%s%s%s", set->admin_token,
	    *set->api_secret == '\0' ? "" : "/", set->api_secret,
	    set->missing ? "!" : "");
	secrets_put(t->secrets, set);
}

/* It becomes so, within some seconds. */
static void
assert_becomes(struct trial *t, const char *expected)
{
	int64_t until = clock_mono_us() + 5000 * MS;
	char now[512];

	do {
		describe(t, now, sizeof(now));
		if (strcmp(now, expected) == 0)
			break;
		usleep(1000);
	} while (clock_mono_us() < until);
	CU_ASSERT_STRING_EQUAL(now, expected);
	if (strcmp(now, expected) != 0)
		printf("\n%s, not %s\n", now, expected);
}

static void
assert_is(struct trial *t, const char *expected)
{
	char now[512];

	describe(t, now, sizeof(now));
	CU_ASSERT_STRING_EQUAL(now, expected);
}

/* Until that many fetches were made in all. */
static void
wait_fetches(struct trial *t, int n)
{
	int64_t until = clock_mono_us() + 5000 * MS;

	while (fake_fetches(&t->fake) < n && clock_mono_us() < until)
		usleep(500);
	CU_ASSERT_TRUE(fake_fetches(&t->fake) >= n);
}

static void
assert_ready(struct trial *t, const char *why)
{
	int64_t until = clock_mono_us() + 5000 * MS;
	struct buf b = BUF_INIT;
	bool ready;

	do {
		buf_reset(&b);
		ready = secrets_ready(t->secrets, &b);
		if (ready == (why == NULL))
			break;
		usleep(1000);
	} while (clock_mono_us() < until);
	CU_ASSERT_EQUAL(ready, why == NULL);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), why == NULL ? "" : why);
	buf_release(&b);
}

static void
test_fixed(void)
{
	struct trial t;

	begin(&t);
	start(&t,
	    "[twilio]\nauth_token = a\nauth_token_previous = b\n"
	    "[server]\nadmin_token = c\n");
	assert_is(&t, "a b|c");
	secrets_doubt(t.secrets);
	assert_ready(&t, NULL);
	CU_ASSERT_FALSE(secrets_stale(t.secrets));
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
	secrets_close(NULL);
}

/* Without a thread what came at the start stays: plain CGI. */
static void
test_one_request(void)
{
	struct trial t;

	begin(&t);
	t.options.threaded = false;
	t.options.refresh_us = MS;
	fake_ssm(&t.fake, "/t", "a");
	start(&t, "[twilio]\nauth_token = ssm:/t\n");
	assert_is(&t, "a|");
	secrets_doubt(t.secrets);
	usleep(20000);
	CU_ASSERT_EQUAL(fake_fetches(&t.fake), 1);
	end(&t);
}

static void
test_refresh(void)
{
	const struct secret_set *old;
	struct trial t;

	begin(&t);
	t.options.refresh_us = 5 * MS;
	fake_ssm(&t.fake, "/t", "a");
	fake_ssm(&t.fake, "/admin", "c");
	start(&t,
	    "[twilio]\nauth_token = ssm:/t\nauth_token_previous = p\n"
	    "[server]\nadmin_token = ssm:/admin\n");
	assert_is(&t, "a p|c");
	old = secrets_get(t.secrets);
	fake_ssm(&t.fake, "/t", "b");
	/* The old token is still good; an administrator's is not. */
	assert_becomes(&t, "b a p|c");
	fake_ssm(&t.fake, "/admin", "d");
	assert_becomes(&t, "b a p|d");
	fake_ssm(&t.fake, "/t", "e");
	assert_becomes(&t, "e b p|d");
	/* Who has a state keeps it. */
	CU_ASSERT_STRING_EQUAL(old->tokens[0], "a");
	CU_ASSERT_STRING_EQUAL(old->admin_token, "c");
	secrets_put(t.secrets, old);
	end(&t);
}

static void
test_grace(void)
{
	struct trial t;

	begin(&t);
	t.options.refresh_us = 5 * MS;
	t.options.grace_us = 150 * MS;
	fake_ssm(&t.fake, "/t", "a");
	start(&t, "[twilio]\nauth_token = ssm:/t\n");
	fake_ssm(&t.fake, "/t", "b");
	assert_becomes(&t, "b a|");
	assert_becomes(&t, "b|");
	end(&t);
}

static void
test_previous(void)
{
	struct trial t;

	begin(&t);
	t.options.refresh_us = 5 * MS;
	t.options.grace_us = 1;
	fake_secret(&t.fake, "s", "{\"t\":\"b\"}");
	fake_previous(&t.fake, "s", "{\"t\":\"a\"}");
	start(&t, "[twilio]\nauth_token = secretsmanager:s#t\n");
	assert_is(&t, "b a|");
	fake_previous(&t.fake, "s", "{\"t\":\"b\"}");
	fake_secret(&t.fake, "s", "{\"t\":\"c\"}");
	assert_becomes(&t, "c b|");
	/* That it cannot be had now does not take it away; that there is none
	 * does. */
	fake_put(&t.fake,
	    &(struct fake_value){
		SOURCE_SECRETSMANAGER, "s", true, ST_TIMEOUT, "late", 0 });
	wait_fetches(&t, fake_fetches(&t.fake) + 3);
	assert_is(&t, "c b|");
	fake_put(&t.fake,
	    &(struct fake_value){
		SOURCE_SECRETSMANAGER, "s", true, ST_NOTFOUND, "gone", 0 });
	assert_becomes(&t, "c|");
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
	t.options.refresh_us = 2 * MS;
	fake_ssm(&t.fake, "/t", "a");
	start(&t, "[twilio]\nauth_token = ssm:/t\n");
	for (i = 0; i < TEST_COUNT(bad); i++) {
		fake_ssm(&t.fake, "/t", bad[i]);
		wait_fetches(&t, fake_fetches(&t.fake) + 2);
		assert_is(&t, "a|");
	}
	fake_put(&t.fake,
	    &(struct fake_value){
		SOURCE_SSM, "/t", false, ST_DENIED, "no", 0 });
	wait_fetches(&t, fake_fetches(&t.fake) + 2);
	assert_is(&t, "a|");
	assert_ready(&t, NULL);
	fake_ssm(&t.fake, "/t", "b");
	assert_becomes(&t, "b a|");
	end(&t);
}

static void
test_outage(void)
{
	struct trial t;

	begin(&t);
	t.options.refresh_us = 5 * MS;
	t.options.ceiling_us = 400 * MS;
	fake_ssm(&t.fake, "/t", "a");
	start(&t, "[twilio]\nauth_token = ssm:/t\n");
	assert_ready(&t, NULL);
	fake_outage(&t.fake, ST_UNAVAILABLE);
	fake_ssm(&t.fake, "/t", "b");
	wait_fetches(&t, fake_fetches(&t.fake) + 2);
	assert_is(&t, "a|");
	assert_ready(&t, NULL);
	assert_ready(&t, "secrets were not fetched for too long");
	/* Old, but better than refusing everybody. */
	assert_is(&t, "a|");
	fake_outage(&t.fake, ST_OK);
	assert_becomes(&t, "b a|");
	assert_ready(&t, NULL);
	CU_ASSERT_FALSE(secrets_stale(t.secrets));
	end(&t);
}

static void
test_doubt(void)
{
	struct trial t;
	int i;

	begin(&t);
	t.options.forced_us = 300 * MS;
	fake_ssm(&t.fake, "/t", "a");
	start(&t, "[twilio]\nauth_token = ssm:/t\n");
	fake_ssm(&t.fake, "/t", "b");
	usleep(20000);
	assert_is(&t, "a|");
	secrets_doubt(t.secrets);
	assert_becomes(&t, "b a|");
	CU_ASSERT_EQUAL(fake_fetches(&t.fake), 2);
	/* However many they are, it is not asked again so soon; but then. */
	fake_ssm(&t.fake, "/t", "c");
	for (i = 0; i < 50; i++) {
		secrets_doubt(t.secrets);
		usleep(1000);
	}
	CU_ASSERT_EQUAL(fake_fetches(&t.fake), 2);
	assert_becomes(&t, "c b|");
	CU_ASSERT_EQUAL(fake_fetches(&t.fake), 3);
	end(&t);
}

/* An API key's secret is taken up as it changes; the old one opens nothing, so
 * it is not kept, and it never counts as a token. */
static void
test_api_secret(void)
{
	struct trial t;

	begin(&t);
	t.options.refresh_us = 5 * MS;
	fake_secret(&t.fake, "s", "{\"secret\":\"k\"}");
	start(&t,
	    "[twilio]\nauth_token = a\n"
	    "api_key = SK00000000000000000000000000000000\n"
	    "api_secret = secretsmanager:s#secret\n");
	assert_is(&t, "a|/k");
	fake_secret(&t.fake, "s", "{\"secret\":\"l\"}");
	assert_becomes(&t, "a|/l");
	/* What no secret can be is not taken. */
	fake_secret(&t.fake, "s", "{\"secret\":\"a b\"}");
	wait_fetches(&t, fake_fetches(&t.fake) + 2);
	assert_is(&t, "a|/l");
	end(&t);
}

/* An outage at the start: nothing is answered, until it is over. */
static void
test_missing(void)
{
	struct trial t;

	begin(&t);
	fake_outage(&t.fake, ST_TIMEOUT);
	fake_secret(&t.fake, "s", "a");
	fake_previous(&t.fake, "s", "z");
	start(&t,
	    "[twilio]\nauth_token = secretsmanager:s\n"
	    "auth_token_previous = p\n[server]\nadmin_token = c\n");
	assert_is(&t, "p|c!");
	assert_ready(&t, "settings that are kept at AWS are not there");
	wait_fetches(&t, 3);
	assert_is(&t, "p|c!");
	CU_ASSERT_FALSE(secrets_stale(t.secrets));
	fake_outage(&t.fake, ST_OK);
	assert_becomes(&t, "a z p|c");
	assert_ready(&t, NULL);
	/* No reload is needed for that. */
	CU_ASSERT_FALSE(secrets_stale(t.secrets));
	end(&t);
}

static bool
becomes_stale(struct trial *t)
{
	int64_t until = clock_mono_us() + 5000 * MS;

	while (clock_mono_us() < until) {
		if (secrets_stale(t->secrets))
			return true;
		usleep(1000);
	}
	return false;
}

/* Other settings come by a reload, once AWS has answered for all of them. */
static void
test_other_settings(void)
{
	struct trial t;

	begin(&t);
	fake_outage(&t.fake, ST_IO);
	fake_ssm(&t.fake, "/t", "a");
	fake_ssm(&t.fake, "/url", "https://example.com");
	start(&t,
	    "[twilio]\nauth_token = ssm:/t\n"
	    "[server]\npublic_url = ssm:/url\n[values]\nx = ssm:/none\n");
	assert_is(&t, "|!");
	fake_put(&t.fake,
	    &(struct fake_value){ SOURCE_SSM, "/none", false, ST_BUSY, "", 0 });
	fake_outage(&t.fake, ST_OK);
	/* The token is there; the rest is not, so nobody is answered. */
	assert_becomes(&t, "a|!");
	CU_ASSERT_FALSE(secrets_stale(t.secrets));
	assert_ready(&t, "settings that are kept at AWS are not there");
	/* Also if it is no: a reload says so. */
	fake_put(&t.fake,
	    &(struct fake_value){
		SOURCE_SSM, "/none", false, ST_NOTFOUND, "", 0 });
	CU_ASSERT_TRUE(becomes_stale(&t));
	CU_ASSERT_TRUE(becomes_stale(&t));
	assert_is(&t, "a|!");
	end(&t);
}

/* A secret that turns out not to be there is a reload's to complain of. */
static void
test_missing_for_good(void)
{
	struct trial t;

	begin(&t);
	fake_outage(&t.fake, ST_UNAVAILABLE);
	start(&t, "[twilio]\nauth_token = ssm:/t\n");
	wait_fetches(&t, 2);
	CU_ASSERT_FALSE(secrets_stale(t.secrets));
	fake_outage(&t.fake, ST_NOTFOUND);
	CU_ASSERT_TRUE(becomes_stale(&t));
	assert_is(&t, "|!");
	end(&t);
}

/* --- under load ------------------------------------------------------------- */

struct load {
	struct trial t;
	atomic_int now; /* the token that is signed with */
	atomic_bool stop;
	atomic_int checks, wrong;
};

static void *
check_always(void *arg)
{
	struct load *l = arg;
	const struct secret_set *set;
	char token[32];
	bool good;
	size_t i;
	int n;

	while (!l->stop) {
		n = l->now;
		snprintf(token, sizeof(token), "token%d", n);
		set = secrets_get(l->t.secrets);
		good = false;
		for (i = 0; set->tokens[i] != NULL; i++)
			good = good || strcmp(set->tokens[i], token) == 0;
		secrets_put(l->t.secrets, set);
		l->checks++;
		/* Who slept over it signs with one that is long gone. */
		if (!good && n == l->now) {
			l->wrong++;
			secrets_doubt(l->t.secrets);
		}
	}
	return NULL;
}

/* Who signs goes over to a new token once it is fetched: nobody is refused. */
static void
test_rotation_under_load(void)
{
	static char names[20][32];
	struct load *l = calloc(1, sizeof(*l));
	pthread_t threads[4];
	char all[80];
	int i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	begin(&l->t);
	l->t.options.refresh_us = 3 * MS;
	fake_ssm(&l->t.fake, "/t", "token0");
	start(&l->t, "[twilio]\nauth_token = ssm:/t\n");
	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, check_always, l);
	for (i = 1; i < 20; i++) {
		snprintf(names[i], sizeof(names[i]), "token%d", i);
		fake_ssm(&l->t.fake, "/t", names[i]);
		snprintf(all, sizeof(all), "token%d token%d|", i, i - 1);
		assert_becomes(&l->t, all);
		l->now = i;
	}
	usleep(20000);
	l->stop = true;
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT_TRUE(l->checks > 1000);
	CU_ASSERT_EQUAL(l->wrong, 0);
	end(&l->t);
	free(l);
}

/* It ends at once, however long it was to wait. */
static void
test_close(void)
{
	int64_t began = clock_mono_us();
	struct trial t;
	int i;

	for (i = 0; i < 50; i++) {
		begin(&t);
		fake_ssm(&t.fake, "/t", "a");
		start(&t, "[twilio]\nauth_token = ssm:/t\n");
		if (i % 2 == 0)
			secrets_doubt(t.secrets);
		end(&t);
	}
	CU_ASSERT_TRUE(clock_mono_us() - began < 2000 * MS);
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
	b.options.before = a.secrets;
	start(&b, "[twilio]\nauth_token = ssm:/t\n");
	assert_is(&b, "b a|");
	end(&a);
	/* And once more, with nothing new. */
	begin(&c);
	fake_ssm(&c.fake, "/t", "b");
	c.options.before = b.secrets;
	start(&c, "[twilio]\nauth_token = ssm:/t\n");
	assert_is(&c, "b a|");
	end(&c);
	/* Another reference is another token, and so is one that stands in
	 * the file: whoever takes it out means it. */
	begin(&c);
	fake_ssm(&c.fake, "/other", "c");
	c.options.before = b.secrets;
	start(&c, "[twilio]\nauth_token = ssm:/other\n");
	assert_is(&c, "c|");
	end(&c);
	begin(&c);
	c.options.before = b.secrets;
	start(&c, "[twilio]\nauth_token = c\n");
	assert_is(&c, "c|");
	end(&c);
	end(&b);
}

static const struct test tests[] = {
	{ "fixed ones", test_fixed },
	{ "one request", test_one_request },
	{ "refresh", test_refresh },
	{ "grace", test_grace },
	{ "the value before", test_previous },
	{ "bad values", test_bad_values },
	{ "an outage", test_outage },
	{ "doubt", test_doubt },
	{ "the secret of an API key", test_api_secret },
	{ "missing at the start", test_missing },
	{ "other settings", test_other_settings },
	{ "missing for good", test_missing_for_good },
	{ "rotation under load", test_rotation_under_load },
	{ "close", test_close },
	{ "a reload", test_reload },
};

int
main(void)
{
	return test_main("secrets", tests, TEST_COUNT(tests));
}
