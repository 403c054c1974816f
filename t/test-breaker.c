/* When a queue that fails is tried, and by how many. */
#include "message/breaker.h"
#include "t/test.h"

#define S INT64_C(1000000)

static void
fail(struct breaker *b, int64_t now, int times)
{
	while (times-- > 0)
		CU_ASSERT_FALSE(breaker_note(b, now, false));
}

static void
test_closed(void)
{
	struct breaker b = { 0 };

	/* Two failures are none; many may try at once. */
	fail(&b, S, 2);
	CU_ASSERT_EQUAL(breaker_try(&b, S), 0);
	CU_ASSERT_EQUAL(breaker_try(&b, S), 0);
	CU_ASSERT_FALSE(breaker_note(&b, S, true));
	fail(&b, S, 2);
	CU_ASSERT_EQUAL(breaker_wait(&b, S), 0);
}

static void
test_open(void)
{
	struct breaker b = { 0 };

	/* What began together fails together, and is one failure. */
	fail(&b, S, 20);
	CU_ASSERT_EQUAL(breaker_wait(&b, S), S);
	CU_ASSERT_EQUAL(breaker_try(&b, S + S / 2), S / 2);
	/* One tries, the others wait for what comes of it, for some time. */
	CU_ASSERT_EQUAL(breaker_wait(&b, 2 * S), 0);
	CU_ASSERT_EQUAL(breaker_try(&b, 2 * S), 0);
	CU_ASSERT_EQUAL(breaker_try(&b, 3 * S), 4 * S);
	CU_ASSERT_EQUAL(breaker_wait(&b, 7 * S), 0);
	fail(&b, 3 * S, 1);
	CU_ASSERT_EQUAL(breaker_wait(&b, 3 * S), 2 * S);
}

static void
test_longer(void)
{
	static const int64_t spans[] = { 1, 2, 4, 8, 16, 30, 30, 30 };
	struct breaker b = { 0 };
	int64_t now = S;
	size_t i;

	fail(&b, now, 2);
	for (i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		CU_ASSERT_EQUAL(breaker_try(&b, now), 0);
		fail(&b, now, 1);
		CU_ASSERT_EQUAL(breaker_wait(&b, now), spans[i] * S);
		now += spans[i] * S;
	}
}

static void
test_works_again(void)
{
	struct breaker b = { 0 };

	fail(&b, S, 3);
	CU_ASSERT_TRUE(breaker_note(&b, S, true));
	CU_ASSERT_FALSE(breaker_note(&b, S, true));
	CU_ASSERT_EQUAL(breaker_try(&b, S), 0);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "closed", test_closed },
		{ "open", test_open },
		{ "longer each time", test_longer },
		{ "works again", test_works_again },
	};

	return test_main("breaker", tests, TEST_COUNT(tests));
}
