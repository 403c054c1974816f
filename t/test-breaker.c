/* When a queue that fails is tried, and by how many. */
#include <time.h>

#include "app/breaker.h"
#include "base/clock.h"
#include "t/test.h"

static void
sleep_us(int64_t us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&t, NULL);
}

static struct breakers *
open_breakers(void)
{
	struct breakers *b;

	CU_ASSERT_EQUAL_FATAL(breakers_open(&b), ST_OK);
	return b;
}

static void
fail(struct breakers *b, const char *role, int times)
{
	while (times-- > 0)
		CU_ASSERT_FALSE(breaker_note(b, role, false));
}

static void
test_closed(void)
{
	struct breakers *b = open_breakers();

	/* Two failures are none; many may try at once. */
	fail(b, "ai", 2);
	CU_ASSERT_EQUAL(breaker_try(b, "ai"), 0);
	CU_ASSERT_EQUAL(breaker_try(b, "ai"), 0);
	CU_ASSERT_FALSE(breaker_note(b, "ai", true));
	fail(b, "ai", 2);
	CU_ASSERT_TRUE(breaker_lets(b, "ai"));
	breakers_close(b);
}

static void
test_open(void)
{
	struct breakers *b = open_breakers();
	int64_t wait;

	/* What began together fails together, and is one failure. */
	fail(b, "ai", 20);
	wait = breaker_try(b, "ai");
	CU_ASSERT(wait > 0 && wait <= 1000000);
	CU_ASSERT_FALSE(breaker_lets(b, "ai"));
	CU_ASSERT_TRUE(breaker_lets(b, "human"));
	sleep_us(wait + 1000);
	/* One tries, the others wait for what comes of it. */
	CU_ASSERT_TRUE(breaker_lets(b, "ai"));
	CU_ASSERT_EQUAL(breaker_try(b, "ai"), 0);
	CU_ASSERT(breaker_try(b, "ai") > 0);
	fail(b, "ai", 1);
	wait = breaker_try(b, "ai");
	CU_ASSERT(wait > 1000000 && wait <= 2000000);
	breakers_close(b);
}

static void
test_works_again(void)
{
	struct breakers *b = open_breakers();

	fail(b, "ai", 3);
	CU_ASSERT_TRUE(breaker_note(b, "ai", true));
	CU_ASSERT_FALSE(breaker_note(b, "ai", true));
	CU_ASSERT_EQUAL(breaker_try(b, "ai"), 0);
	breakers_close(b);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "closed", test_closed },
		{ "open", test_open },
		{ "works again", test_works_again },
	};

	return test_main("breaker", tests, TEST_COUNT(tests));
}
