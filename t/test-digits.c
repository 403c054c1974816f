#include <string.h>

#include "codec/digits.h"
#include "t/test.h"

#define TODAY 20261121

static const struct digits_rule date = { DIGITS_DATE, 8, 8, 19000101,
	DIGITS_NUMBER_MAX };
static const struct digits_rule zip = { DIGITS_PLAIN, 5, 5, 0, 0 };
static const struct digits_rule number = { DIGITS_NUMBER, 1, 18, 10, 500 };
static const struct digits_rule card = { DIGITS_LUHN, 2, 19, 0, 0 };

static void
test_check(void)
{
	static const struct {
		const struct digits_rule *rule;
		const char *text;
		enum digits_fault fault;
	} cases[] = {
		{ &date, "19900115", DIGITS_GOOD },
		{ &date, "20261121", DIGITS_GOOD },
		{ &date, "20261122", DIGITS_FUTURE },
		{ &date, "20230229", DIGITS_NO_DATE },
		{ &date, "20240229", DIGITS_GOOD },
		{ &date, "19901315", DIGITS_NO_DATE },
		{ &date, "00000000", DIGITS_NO_DATE },
		{ &date, "18991231", DIGITS_RANGE },
		{ &date, "1990011", DIGITS_SHORT },
		{ &date, "199001150", DIGITS_LONG },
		{ &date, "1990011*", DIGITS_OTHER_KEY },
		{ &date, "", DIGITS_EMPTY },
		{ &date, NULL, DIGITS_EMPTY },
		{ &zip, "94103", DIGITS_GOOD },
		{ &zip, "00000", DIGITS_GOOD },
		{ &zip, "9410", DIGITS_SHORT },
		{ &zip, "941031", DIGITS_LONG },
		{ &zip, "hangup", DIGITS_OTHER_KEY },
		{ &number, "10", DIGITS_GOOD },
		{ &number, "000500", DIGITS_GOOD },
		{ &number, "9", DIGITS_RANGE },
		{ &number, "501", DIGITS_RANGE },
		{ &number, "999999999999999999", DIGITS_RANGE },
		{ &number, "9999999999999999999", DIGITS_LONG },
		{ &card, "4111111111111111", DIGITS_GOOD },
		{ &card, "4111111111111112", DIGITS_CHECKSUM },
		{ &card, "79927398713", DIGITS_GOOD },
		{ &card, "0", DIGITS_SHORT },
	};
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++)
		CU_ASSERT_EQUAL(
		    digits_check(cases[i].rule, cases[i].text, TODAY),
		    cases[i].fault);
}

static void
spoken(const struct digits_rule *rule, const char *text, const char *words)
{
	struct buf out = BUF_INIT;

	CU_ASSERT_EQUAL(digits_speak(rule, text, &out), ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), words);
	buf_release(&out);
}

static void
test_speak(void)
{
	spoken(&date, "19900115", "January 15th, 1990");
	spoken(&zip, "94103", "9 4 1 0 3");
	spoken(&number, "0042", "42");
	spoken(&number, "000", "0");
	spoken(&card, "18", "1 8");
}

static void
test_today(void)
{
	CU_ASSERT_EQUAL(digits_today(1795287000123456), 20261121);
	CU_ASSERT_EQUAL(digits_today(0), 19700101);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "check", test_check },
		{ "speak", test_speak },
		{ "today", test_today },
	};

	return test_main("digits", tests, TEST_COUNT(tests));
}
