/* A sender's address, and its others. */
#include <stdio.h>
#include <string.h>

#include "db/db.h"
#include "store/schema.h"
#include "store/sender.h"
#include "store/sqlite_store.h"
#include "store/store.h"
#include "t/databases.h"
#include "t/shim-fs.h"
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
		{ "Messenger:1", "Messenger:1" },
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
		{ "MESSENGER:42a", "messenger:42a" },
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

/* --- names ----------------------------------------------------------------- */

struct known {
	const char *sender, *user_id;
};

static enum status
learn_job(struct db *db, void *arg)
{
	const struct known *k = arg;

	return sender_learn(db, k->sender, k->user_id);
}

static void
learn(struct db *db, const char *sender, const char *user_id)
{
	struct known k = { sender, user_id };

	CU_ASSERT_EQUAL(db_write(db, learn_job, &k), ST_OK);
}

/* others: what follows the sender, a blank before each. */
static void
check_names(
    struct db *db, const char *sender, const char *user_id, const char *others)
{
	char got[3 * SENDER_ID_MAX] = "";
	struct sender_names names;

	CU_ASSERT_EQUAL(sender_names(db, sender, user_id, &names), ST_OK);
	CU_ASSERT(names.n <= SENDER_NAMES_MAX);
	CU_ASSERT_STRING_EQUAL(names.name[0], sender);
	for (size_t i = 1; i < names.n; i++) {
		strcat(got, " ");
		strcat(got, names.name[i]);
	}
	CU_ASSERT_STRING_EQUAL(got, others);
}

static void
test_spellings(void)
{
	static const char *const pairs[][2] = {
		{ "+5541988887777", "+554188887777" },
		{ "+5511967654321", "+551167654321" },
		{ "+5215512345678", "+525512345678" },
		{ "+5491123456789", "+541123456789" },
	};
	static const char *const alone[] = { "+554132223333", /* landlines */
		"+555552223333", "+551155554444", "+5541922223333",
		"+55418888777", "+554188887777777", "+5541088887777",
		"+52551234567", "+5225512345678", "+54112345678",
		"+5401123456789", "+14155550103", "+5", "+55", "5541988887777",
		"+55419888877a7", "client:ann", "12345", "", "+", "US.",
		"whatsapp:+5541988887777" };
	struct db *db;

	database_fresh();
	db = database_open(NULL);
	for (size_t i = 0; i < TEST_COUNT(pairs); i++) {
		char want[32] = " ";

		check_names(db, pairs[i][0], NULL, strcat(want, pairs[i][1]));
		strcpy(want, " ");
		check_names(db, pairs[i][1], NULL, strcat(want, pairs[i][0]));
	}
	for (size_t i = 0; i < TEST_COUNT(alone); i++)
		check_names(db, alone[i], NULL, "");
	db_close(db);
}

static void
test_pairs(void)
{
	struct db *db;

	database_fresh();
	db = database_open(NULL);
	check_names(db, "US.1", NULL, "");
	/* Of what comes at once nothing needs to be known. */
	check_names(db, "+14155550103", "US.1", " US.1");
	learn(db, "+14155550103", "US.1");
	learn(db, "+14155550103", "US.1");
	check_names(db, "US.1", NULL, " +14155550103");
	check_names(db, "US.1", "US.1", " +14155550103");
	check_names(db, "+14155550103", NULL, " US.1");
	check_names(db, "+14155550103", "", " US.1");
	check_names(db, "+14155550104", NULL, "");
	/* Either spelling of a number stands for both. */
	learn(db, "+5541988887777", "BR.2");
	check_names(db, "+5541988887777", NULL, " +554188887777 BR.2");
	check_names(db, "+554188887777", NULL, " +5541988887777 BR.2");
	check_names(db, "BR.2", NULL, " +554188887777 +5541988887777");
	learn(db, "+554188887777", "BR.3");
	check_names(db, "+5541988887777", NULL, " +554188887777 BR.3");
	check_names(db, "BR.2", NULL, "");
	/* The number has another owner, the owner another number. */
	learn(db, "+14155550103", "US.4");
	check_names(db, "+14155550103", NULL, " US.4");
	check_names(db, "US.1", NULL, "");
	learn(db, "+14155550199", "US.4");
	check_names(db, "US.4", NULL, " +14155550199");
	check_names(db, "+14155550103", NULL, "");
	db_close(db);
}

/* What is no pair is no reason to fail, either. */
static void
test_no_pairs(void)
{
	static const struct known none[] = { { "+14155550103", NULL },
		{ "+14155550103", "" }, { "+14155550103", "+14155550104" },
		{ "+14155550103", "U'1" }, { "US.1", "US.1" },
		{ "US.1", "US.2" }, { "client:ann", "US.1" },
		{ "12345", "US.1" }, { "", "US.1" } };
	char id[2 * SENDER_ID_MAX] = "US.";
	struct db *db;

	database_fresh();
	db = database_open(NULL);
	for (size_t i = 0; i < TEST_COUNT(none); i++) {
		learn(db, none[i].sender, none[i].user_id);
		check_names(db, none[i].sender, NULL, "");
		check_names(db, "US.1", NULL, "");
	}
	memset(id + 3, '1', sizeof(id) - 4);
	learn(db, "+14155550103", id);
	check_names(db, "+14155550103", id, "");
	check_names(db, id, NULL, "");
	id[SENDER_ID_MAX - 1] = '\0';
	learn(db, "+14155550103", id);
	check_names(db, id, NULL, " +14155550103");
	db_close(db);
}

/* However many there are, each is found by an index. */
static void
test_no_scans(void)
{
	struct db_counters before, after;
	char number[32], id[32];
	struct db *db;

	database_fresh();
	db = database_open(NULL);
	for (int i = 0; i < 50; i++) {
		snprintf(number, sizeof(number), "+14155550%d", 100 + i);
		snprintf(id, sizeof(id), "US.%d", i);
		learn(db, number, id);
	}
	db_counters(db, &before);
	check_names(db, "+14155550107", NULL, " US.7");
	check_names(db, "US.8", NULL, " +14155550108");
	learn(db, "+14155550109", "US.10");
	db_counters(db, &after);
	CU_ASSERT_EQUAL(after.scans, before.scans);
	db_close(db);
}

/* A database of the time when "rcs:" was part of a sender. */
static void
test_migration(void)
{
	const char *before[18] = { NULL };
	struct db_schema old = { .migrations = before };
	static const char *const tels[] = { "rcs:+14155550103",
		"RCS:+14155550103", "WhatsApp:+14155550103", "+14155550103",
		"rcs:", "messenger:42" };
	struct conversation c = { .id = (char[]){ "0" } };
	struct store *store;
	struct db *db;

	for (size_t i = 0; i < TEST_COUNT(before) - 1; i++)
		before[i] = store_schema.migrations[i];
	database_fresh();
	db = database_open(&old);
	CU_ASSERT_EQUAL(sqlite_store_open(db, &store), ST_OK);
	for (size_t i = 0; i < TEST_COUNT(tels); i++) {
		c.id[0] = (char)('0' + i);
		c.tel = (char *)tels[i];
		CU_ASSERT_EQUAL(store->ops->add(store, &c), ST_OK);
	}
	store->ops->close(store);
	db_close(db);
	db = database_open(NULL);
	CU_ASSERT_EQUAL(sqlite_store_open(db, &store), ST_OK);
	for (size_t i = 0; i < TEST_COUNT(tels); i++) {
		char id[2] = { (char)('0' + i), '\0' };

		CU_ASSERT_EQUAL(store->ops->get(store, id, &c), ST_OK);
		CU_ASSERT_STRING_EQUAL(c.tel, i < 4 ? "+14155550103" : tels[i]);
		conversation_release(&c);
	}
	store->ops->close(store);
	db_close(db);
}

static const struct test tests[] = {
	{ "prefixes", test_prefixes },
	{ "as people write them", test_written },
	{ "what is no address", test_not_written },
	{ "other spellings", test_spellings },
	{ "numbers and ids", test_pairs },
	{ "what is no pair", test_no_pairs },
	{ "every look-up uses an index", test_no_scans },
	{ "an older database", test_migration },
};

int
main(void)
{
	shim.skip_syncs = true;
	database_use(&database_ways[0]);
	return test_main("sender", tests, TEST_COUNT(tests));
}
