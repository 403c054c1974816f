/* A sender's address. */
#include <string.h>

#include "store/sender.h"
#include "t/test.h"

static void
test_prefixes(void)
{
	static const char *const all[][2] = {
		{ "whatsapp:+1", "+1" },
		{ "WhatsApp:+1", "+1" },
		{ "rcs:+1", "+1" },
		{ "RCS:+1", "+1" },
		{ "+1", "+1" },
		{ "", "" },
		{ "whatsapp", "whatsapp" },
		{ "whatsapp:", "" },
		{ "whatsapp:US.1", "US.1" },
		{ "messenger:1", "messenger:1" },
		{ "rcs1:2", "rcs1:2" },
	};

	for (size_t i = 0; i < TEST_COUNT(all); i++)
		CU_ASSERT_STRING_EQUAL(sender_of(all[i][0]), all[i][1]);
}

static void
check_parse(const char *text, const char *want)
{
	char got[SENDER_MAX] = "";
	enum status st = sender_parse(text, got);

	CU_ASSERT_EQUAL(st, *want == '\0' ? ST_MALFORMED : ST_OK);
	if (st == ST_OK)
		CU_ASSERT_STRING_EQUAL(got, want);
}

static void
test_written(void)
{
	static const char *const same[] = { "+14155550103", "+1 415 555 0103",
		"+1-415-555-0103", "+1 (415) 555-0103", "+1.415.555.0103",
		" \t+1 415/555-0103\n", "(+1) 415 5550103", "+ 1 415 555 0103",
		"whatsapp:+14155550103", "WhatsApp: +1 415 555 0103",
		"rcs:+1-415-555-0103", "tel:+1-415-555-0103",
		"whatsapp:whatsapp:+14155550103",
		/* U+202A, U+202C around it; U+200E; U+00A0; U+2011; U+FEFF */
		"\xe2\x80\xaa+1 415 555 0103\xe2\x80\xac",
		"\xe2\x80\x8e+1 (415) 555\xe2\x80\x91"
		"0103\xe2\x80\x8f",
		"\xef\xbb\xbf+1\xc2\xa0"
		"415\xc2\xa0"
		"555\xe2\x80\xaf"
		"0103",
		"\xe2\x81\xa6whatsapp:\xe2\x80\xaa+1415\xe2\x80\x93"
		"5550103\xe2\x81\xa9",
		/* of full width */
		"\xef\xbc\x8b\xef\xbc\x91"
		"415555010\xef\xbc\x93" };
	static const char *const all[][2] = {
		{ "+44 (0)20 7946 0123", "+442079460123" },
		{ "+290 12345", "+29012345" },
		{ "12345", "12345" },
		{ "US.13491208655302741918", "US.13491208655302741918" },
		{ "whatsapp:US.13491208655302741918",
		    "US.13491208655302741918" },
		{ "\xe2\x80\xaaUS.ENT.1181\xe2\x80\xac", "US.ENT.1181" },
		{ "messenger:42", "messenger:42" },
		{ "client:Zo\xc3\xab", "client:Zo\xc3\xab" },
	};

	for (size_t i = 0; i < TEST_COUNT(same); i++)
		check_parse(same[i], "+14155550103");
	for (size_t i = 0; i < TEST_COUNT(all); i++)
		check_parse(all[i][0], all[i][1]);
}

static void
test_not_written(void)
{
	static const char *const none[] = { "", " ", "\xe2\x80\x8e", "+", "ann",
		"4155550103", "14155550103", "415-555-0103", "555-0103", "12",
		"+1", "+123456", "+1234567890123456", "+04155550103",
		"+1 415 555 0103 ext. 5", "+1415555010x", "1+4155550103",
		"++14155550103", "+1415+5550103", "whatsapp:", "rcs:ann",
		"USA.134", "US.", "US.1 2", "US-1", "messenger:", ":42",
		"messenger:4 2", "\xff+14155550103", "\xe2\x80" };
	char text[2 * SENDER_MAX] = "messenger:";

	for (size_t i = 0; i < TEST_COUNT(none); i++)
		check_parse(none[i], "");
	memset(text + 10, '4', SENDER_MAX);
	check_parse(text, "");
	text[SENDER_MAX - 1] = '\0';
	check_parse(text, text);
}

static const struct test tests[] = {
	{ "prefixes", test_prefixes },
	{ "as people write them", test_written },
	{ "what is no address", test_not_written },
};

int
main(void)
{
	return test_main("sender", tests, TEST_COUNT(tests));
}
