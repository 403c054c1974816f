/* What was said in conversations, and replies on their way. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "db/db.h"
#include "store/reply.h"
#include "store/schema.h"
#include "store/transcript.h"
#include "t/databases.h"
#include "t/shim-fs.h"
#include "t/test.h"

#define THEN INT64_C(4102444800000000)
#define DAY_US (INT64_C(24) * 3600 * 1000000)

static struct db *
begin(void)
{
	database_fresh();
	return database_open(NULL);
}

static struct conversation
conversation(const char *id, const char *tel, bool handoff)
{
	return (struct conversation){ .id = (char *)id,
		.tel = (char *)tel,
		.handoff = handoff,
		.created_us = THEN };
}

/* A job is what these are written in; here each is one by itself. */
struct step {
	enum {
		SAY,
		NOTE,
		FORGET,
		ADD,
		TAKE,
		SETTLE,
		STATUS,
		RESEND,
		DROP,
		OVERDUE,
		HURRY,
		DOUBT,
		PURGE
	} what;
	struct transcript_said said;
	struct conversation conversation;
	bool keep;
	struct reply reply;
	struct reply_outcome outcome;
	int64_t id, at;
	const char *sid, *text;
	char got[256];
};

static enum status
note_reply(const struct reply *r, void *arg)
{
	struct step *s = arg;

	s->id = r->id;
	snprintf(s->got, sizeof(s->got), "%" PRId64 " %s %s", r->id, r->state,
	    r->text == NULL ? "-" : r->text);
	return ST_OK;
}

static enum status
step_job(struct db *db, void *arg)
{
	struct step *s = arg;

	switch (s->what) {
	case SAY:
		return transcript_add(db, &s->said, &s->conversation, s->keep);
	case NOTE:
		return transcript_note(db, &s->conversation, s->text, s->at);
	case FORGET:
		return transcript_forget(db, s->text);
	case ADD:
		return reply_add(db, &s->reply);
	case TAKE:
		return reply_take(
		    db, s->id, s->at, s->at + 1000, note_reply, s);
	case SETTLE:
		return reply_settle(db, s->id, &s->outcome);
	case STATUS:
		return reply_status(db, s->id, s->sid, s->text, NULL, NULL);
	case RESEND:
		return reply_resend(db, s->id, s->at);
	case DROP:
		return reply_drop(db, s->id);
	case OVERDUE:
		return reply_overdue(db, s->at);
	case HURRY:
		return reply_hurry(db, s->at);
	case DOUBT:
		return reply_doubtful(db, s->at, s->at + 1000, note_reply, s);
	case PURGE:
		return reply_purge(db, s->at, 100);
	}
	return ST_IO;
}

static enum status
say(struct db *db, const char *id, const char *tel, const char *key,
    const char *text, int64_t at)
{
	struct step s = { .what = SAY,
		.keep = true,
		.conversation = conversation(id, tel, false),
		.said = { .conversation_id = id,
		    .key = key,
		    .sid = key,
		    .from = tel,
		    .to = "+1999",
		    .channel = "sms",
		    .text = text,
		    .route = "ai",
		    .at_us = THEN + at } };

	return db_write(db, step_job, &s);
}

static enum status
do_step(struct db *db, struct step s, int64_t *id)
{
	enum status st = db_write(db, step_job, &s);

	if (id != NULL)
		*id = s.what == ADD ? s.reply.id : s.id;
	return st;
}

static enum status
add_reply(struct db *db, const char *conversation_id, const char *client_id,
    const char *text, int64_t at, int64_t *id)
{
	struct step s = { .what = ADD,
		.reply = { .conversation_id = conversation_id,
		    .client_id = client_id,
		    .author = "ann",
		    .from = "+1999",
		    .to = "+1",
		    .channel = "sms",
		    .text = text,
		    .created_us = THEN + at } };

	return do_step(db, s, id);
}

/* --- lists ------------------------------------------------------------------ */

static enum status
put_summary(const struct transcript_summary *s, void *arg)
{
	char *text = arg;

	sprintf(text + strlen(text), "%s/%s/%d/%" PRId64 "/%" PRId64 "/%s ",
	    s->conversation_id, s->tel, s->handoff, s->unanswered,
	    s->last_us - THEN, s->last_text == NULL ? "-" : s->last_text);
	return ST_OK;
}

static void
check_list(struct db *db, struct transcript_query q, const char *want)
{
	char got[1024] = "";

	if (q.limit == 0)
		q.limit = 100;
	CU_ASSERT_EQUAL(
	    transcript_conversations(db, &q, put_summary, got), ST_OK);
	CU_ASSERT_STRING_EQUAL(got, want);
	if (strcmp(got, want) != 0)
		printf("\n%s\n%s\n", got, want);
}

#define ANY .handoff = -1, .unanswered = -1

static void
test_conversations(void)
{
	struct step note = { .what = NOTE,
		.conversation = conversation("c", "+3", true),
		.text = "ann",
		.at = THEN + 9 };
	const char *tels[] = { "+2", "+4" };
	struct db *db = begin();

	CU_ASSERT_EQUAL(say(db, "a", "+1", "SM1", "one", 1), ST_OK);
	CU_ASSERT_EQUAL(say(db, "b", "+2", "SM2", "two", 2), ST_OK);
	CU_ASSERT_EQUAL(say(db, "a", "+1", "SM3", NULL, 3), ST_OK);
	CU_ASSERT_EQUAL(do_step(db, note, NULL), ST_OK);
	check_list(db, (struct transcript_query){ ANY },
	    "a/+1/0/2/3/- b/+2/0/1/2/two c/+3/1/0/0/- ");
	check_list(
	    db, (struct transcript_query){ ANY, .limit = 1 }, "a/+1/0/2/3/- ");
	check_list(db,
	    (struct transcript_query){
		ANY, .before_us = THEN + 3, .before_id = "a" },
	    "b/+2/0/1/2/two c/+3/1/0/0/- ");
	check_list(db,
	    (struct transcript_query){ .handoff = 1, .unanswered = -1 },
	    "c/+3/1/0/0/- ");
	check_list(db,
	    (struct transcript_query){ .handoff = -1, .unanswered = 1 },
	    "a/+1/0/2/3/- b/+2/0/1/2/two ");
	check_list(db,
	    (struct transcript_query){ .handoff = -1, .unanswered = 0 },
	    "c/+3/1/0/0/- ");
	check_list(db, (struct transcript_query){ ANY, .part = "+2" },
	    "b/+2/0/1/2/two ");
	check_list(db,
	    (struct transcript_query){ ANY, .tels = tels, .tels_n = 2 },
	    "b/+2/0/1/2/two ");
	/* An answer is the last message, and nothing waits for one then. */
	CU_ASSERT_EQUAL(add_reply(db, "b", NULL, "re", 5, NULL), ST_OK);
	check_list(db, (struct transcript_query){ ANY, .limit = 2 },
	    "b/+2/0/0/5/re a/+1/0/2/3/- ");
	CU_ASSERT_EQUAL(
	    do_step(db, (struct step){ .what = FORGET, .text = "b" }, NULL),
	    ST_OK);
	check_list(
	    db, (struct transcript_query){ ANY, .limit = 1 }, "a/+1/0/2/3/- ");
	db_close(db);
}

static enum status
put_message(const struct transcript_message *m, void *arg)
{
	char *text = arg;

	sprintf(text + strlen(text), "%s/%s/%s ", m->id,
	    m->text == NULL ? "-" : m->text, m->outbound ? m->state : m->route);
	return ST_OK;
}

static void
check_messages(struct db *db, int64_t before_us, const char *before_id,
    size_t limit, const char *want)
{
	char got[1024] = "";

	CU_ASSERT_EQUAL(transcript_messages(db, "a", before_us, before_id,
			    limit, put_message, got),
	    ST_OK);
	CU_ASSERT_STRING_EQUAL(got, want);
	if (strcmp(got, want) != 0)
		printf("\n%s\n%s\n", got, want);
}

static void
test_messages(void)
{
	struct db *db = begin();

	CU_ASSERT_EQUAL(say(db, "a", "+1", "SM1", "one", 1), ST_OK);
	CU_ASSERT_EQUAL(say(db, "a", "+1", "SM2", "two", 2), ST_OK);
	CU_ASSERT_EQUAL(say(db, "a", "+1", "SM3", "three", 2), ST_OK);
	CU_ASSERT_EQUAL(say(db, "b", "+2", "SM4", "other", 2), ST_OK);
	CU_ASSERT_EQUAL(add_reply(db, "a", NULL, "re", 2, NULL), ST_OK);
	CU_ASSERT_EQUAL(add_reply(db, "a", NULL, "re2", 4, NULL), ST_OK);
	check_messages(db, 0, NULL, 10,
	    "r2/re2/queued r1/re/queued SM3/three/ai SM2/two/ai SM1/one/ai ");
	check_messages(db, THEN + 4, "r2", 2, "r1/re/queued SM3/three/ai ");
	check_messages(db, THEN + 2, "SM3", 2, "SM2/two/ai SM1/one/ai ");
	check_messages(db, THEN + 1, "SM1", 2, "");
	db_close(db);
}

/* By the clock of the schema's upkeep: nothing of the year 2100 is old. */
static void
test_purge(void)
{
	struct config c = { .store = { .keep_messages = 30 } };
	struct db *db = begin();

	CU_ASSERT_EQUAL(say(db, "a", "+1", "SM1", "one", 0), ST_OK);
	CU_ASSERT_EQUAL(say(db, "a", "+1", "SM2", "old", -THEN + 1), ST_OK);
	CU_ASSERT_EQUAL(db_write(db, store_schema.chore, NULL), ST_OK);
	check_messages(db, 0, NULL, 9, "SM1/one/ai SM2/old/ai ");
	CU_ASSERT_EQUAL(db_write(db, store_schema.chore, &c), ST_OK);
	check_messages(db, 0, NULL, 9, "SM1/one/ai ");
	db_close(db);
}

/* --- replies ---------------------------------------------------------------- */

static enum status
put_reply(const struct reply *r, void *arg)
{
	sprintf(arg, "%s %s %s %" PRId64, r->state,
	    r->sid == NULL ? "-" : r->sid, r->text == NULL ? "-" : r->text,
	    r->attempts);
	return ST_OK;
}

static void
check_reply(struct db *db, int64_t id, const char *want)
{
	char got[256] = "";

	CU_ASSERT_EQUAL(reply_get(db, id, put_reply, got), ST_OK);
	CU_ASSERT_STRING_EQUAL(got, want);
	if (strcmp(got, want) != 0)
		printf("\n%s\n%s\n", got, want);
}

static void
test_client_id(void)
{
	int64_t first = 0, again = 0;
	struct db *db = begin();

	CU_ASSERT_EQUAL(add_reply(db, "a", "x", "one", 1, &first), ST_OK);
	CU_ASSERT_EQUAL(add_reply(db, "a", "x", "one", 2, &again), ST_EXISTS);
	CU_ASSERT_EQUAL(again, first);
	CU_ASSERT_EQUAL(add_reply(db, "a", "x", "two", 2, &again), ST_DENIED);
	CU_ASSERT_EQUAL(add_reply(db, "b", "x", "two", 2, &again), ST_OK);
	CU_ASSERT_NOT_EQUAL(again, first);
	db_close(db);
}

static void
test_order(void)
{
	struct step take = { .what = TAKE, .at = THEN + 10 };
	struct step settle = { .what = SETTLE,
		.outcome = { .state = REPLY_SENT, .sid = "SMa" } };
	int64_t a1, a2, b1, id = 0;
	struct db *db = begin();

	CU_ASSERT_EQUAL(add_reply(db, "a", NULL, "1", 1, &a1), ST_OK);
	CU_ASSERT_EQUAL(add_reply(db, "a", NULL, "2", 2, &a2), ST_OK);
	CU_ASSERT_EQUAL(add_reply(db, "b", NULL, "3", 3, &b1), ST_OK);
	take.id = a2;
	CU_ASSERT_EQUAL(do_step(db, take, &id), ST_NOTFOUND);
	take.id = 0;
	CU_ASSERT_EQUAL(do_step(db, take, &id), ST_OK);
	CU_ASSERT_EQUAL(id, a1);
	CU_ASSERT_EQUAL(do_step(db, take, &id), ST_OK);
	CU_ASSERT_EQUAL(id, b1);
	CU_ASSERT_EQUAL(do_step(db, take, &id), ST_NOTFOUND);
	settle.id = a1;
	CU_ASSERT_EQUAL(do_step(db, settle, NULL), ST_OK);
	CU_ASSERT_EQUAL(do_step(db, settle, NULL), ST_NOTFOUND);
	CU_ASSERT_EQUAL(do_step(db, take, &id), ST_OK);
	CU_ASSERT_EQUAL(id, a2);
	/* Whoever took b1 has died: it is unknown, and holds up none. */
	CU_ASSERT_EQUAL(add_reply(db, "b", NULL, "4", 4, NULL), ST_OK);
	CU_ASSERT_EQUAL(do_step(db, take, &id), ST_NOTFOUND);
	CU_ASSERT_EQUAL(
	    do_step(db,
		(struct step){ .what = OVERDUE, .at = THEN + 10 + 1000 }, NULL),
	    ST_OK);
	check_reply(db, b1, "unknown - 3 0");
	take.at = THEN + 3000;
	CU_ASSERT_EQUAL(do_step(db, take, &id), ST_OK);
	check_reply(db, id, "sending - 4 0");
	db_close(db);
}

/* Twilio's word, in any order. */
static void
test_statuses(void)
{
	struct step take = { .what = TAKE, .at = THEN + 10 };
	struct step status = { .what = STATUS, .sid = "SMa" };
	int64_t id;
	struct db *db = begin();

	CU_ASSERT_EQUAL(add_reply(db, "a", NULL, "1", 1, &id), ST_OK);
	/* Nobody has sent it: this is not about it. */
	status.id = id;
	status.text = "sent";
	CU_ASSERT_EQUAL(do_step(db, status, NULL), ST_NOTFOUND);
	CU_ASSERT_EQUAL(do_step(db, take, NULL), ST_OK);
	CU_ASSERT_EQUAL(do_step(db, status, NULL), ST_OK);
	check_reply(db, id, "sent SMa 1 0");
	status.id = 0;
	for (size_t i = 0; i < 6; i++) {
		static const char *const said[] = { "delivered", "sent",
			"queued", "read", "undelivered", "something-new" };
		static const char *const is[] = { "delivered", "delivered",
			"delivered", "read", "read", "read" };
		char want[64];

		status.text = said[i];
		CU_ASSERT_EQUAL(do_step(db, status, NULL), ST_OK);
		snprintf(want, sizeof(want), "%s SMa 1 0", is[i]);
		check_reply(db, id, want);
	}
	status.sid = "SMother";
	CU_ASSERT_EQUAL(do_step(db, status, NULL), ST_NOTFOUND);
	db_close(db);
}

static void
test_by_people(void)
{
	struct step take = { .what = TAKE, .at = THEN + 10 };
	struct step settle = { .what = SETTLE,
		.outcome = { .state = REPLY_UNKNOWN,
		    .attempt_us = THEN + 10,
		    .due_us = THEN + 20 } };
	struct step resend = { .what = RESEND, .at = THEN + 30 };
	struct step drop = { .what = DROP };
	int64_t id, found = 0;
	struct db *db = begin();

	CU_ASSERT_EQUAL(add_reply(db, "a", NULL, "1", 1, &id), ST_OK);
	resend.id = settle.id = drop.id = id;
	CU_ASSERT_EQUAL(do_step(db, resend, NULL), ST_DENIED);
	CU_ASSERT_EQUAL(do_step(db, take, NULL), ST_OK);
	CU_ASSERT_EQUAL(do_step(db, drop, NULL), ST_DENIED);
	CU_ASSERT_EQUAL(do_step(db, settle, NULL), ST_OK);
	CU_ASSERT_EQUAL(
	    do_step(
		db, (struct step){ .what = DOUBT, .at = THEN + 20 }, &found),
	    ST_OK);
	CU_ASSERT_EQUAL(found, id);
	CU_ASSERT_EQUAL(
	    do_step(
		db, (struct step){ .what = DOUBT, .at = THEN + 20 }, &found),
	    ST_NOTFOUND);
	CU_ASSERT_EQUAL(do_step(db, resend, NULL), ST_OK);
	check_reply(db, id, "queued - 1 0");
	CU_ASSERT_EQUAL(do_step(db, drop, NULL), ST_OK);
	check_reply(db, id, "dropped - 1 0");
	CU_ASSERT_EQUAL(do_step(db, drop, NULL), ST_DENIED);
	resend.id = 99;
	CU_ASSERT_EQUAL(do_step(db, resend, NULL), ST_NOTFOUND);
	/* The row stays, without its text. */
	CU_ASSERT_EQUAL(
	    do_step(db, (struct step){ .what = PURGE, .at = THEN + 2 }, NULL),
	    ST_OK);
	check_reply(db, id, "dropped - - 0");
	db_close(db);
}

static void
settle_step(struct db *db, int64_t id, int64_t attempt_us,
    const struct reply_outcome *o, enum status want)
{
	struct step s = { .what = SETTLE, .id = id, .outcome = *o };

	s.outcome.attempt_us = attempt_us;
	CU_ASSERT_EQUAL(do_step(db, s, NULL), want);
}

/* What an attempt says that people gave up is not taken for the next one's. */
static void
test_earlier_attempts(void)
{
	static const struct reply_outcome unknown = { .state = REPLY_UNKNOWN },
					  later = { .state = REPLY_QUEUED,
						  .due_us = THEN + 500 },
					  sent = { .state = REPLY_SENT,
						  .sid = "SMb" };
	struct step take = { .what = TAKE, .at = THEN + 10 };
	struct step resend = { .what = RESEND, .at = THEN + 30 };
	struct step status = { .what = STATUS, .sid = "SMa" };
	int64_t id;
	struct db *db = begin();

	CU_ASSERT_EQUAL(add_reply(db, "a", NULL, "1", 1, &id), ST_OK);
	resend.id = status.id = id;
	CU_ASSERT_EQUAL(do_step(db, take, NULL), ST_OK);
	status.text = "failed";
	CU_ASSERT_EQUAL(do_step(db, status, NULL), ST_OK);
	check_reply(db, id, "failed SMa 1 0");
	CU_ASSERT_EQUAL(do_step(db, resend, NULL), ST_OK);
	/* Late, and again. */
	status.text = "sent";
	CU_ASSERT_EQUAL(do_step(db, status, NULL), ST_NOTFOUND);
	status.text = "failed";
	CU_ASSERT_EQUAL(do_step(db, status, NULL), ST_NOTFOUND);
	take.at = THEN + 40;
	CU_ASSERT_EQUAL(do_step(db, take, NULL), ST_OK);
	CU_ASSERT_EQUAL(do_step(db, status, NULL), ST_NOTFOUND);
	/* Whoever was at it before has not died, and is late. */
	settle_step(db, id, THEN + 10, &later, ST_NOTFOUND);
	settle_step(db, id, THEN + 40, &later, ST_OK);
	take.at = THEN + 50;
	CU_ASSERT_EQUAL(do_step(db, take, NULL), ST_NOTFOUND);
	CU_ASSERT_EQUAL(
	    do_step(db, (struct step){ .what = HURRY, .at = THEN + 50 }, NULL),
	    ST_OK);
	CU_ASSERT_EQUAL(do_step(db, take, NULL), ST_OK);
	settle_step(db, id, THEN + 50, &unknown, ST_OK);
	status.sid = "SMb";
	CU_ASSERT_EQUAL(do_step(db, status, NULL), ST_OK);
	check_reply(db, id, "failed SMb 1 0");
	settle_step(db, id, THEN + 50, &sent, ST_NOTFOUND);
	db_close(db);
}

/* Of two with the same text one may take the other's message from Twilio's
 * list; the other's own answer, or callback, puts that right. */
static void
test_guessed(void)
{
	static const struct reply_outcome unknown = { .state = REPLY_UNKNOWN },
					  guess = { .state = REPLY_SENT,
						  .sid = "SMa",
						  .guessed = true },
					  sent = { .state = REPLY_SENT,
						  .sid = "SMa" };
	struct step take = { .what = TAKE, .at = THEN + 10 };
	struct step status = { .what = STATUS, .sid = "SMa" };
	int64_t a, b, c;
	struct db *db = begin();

	CU_ASSERT_EQUAL(add_reply(db, "a", NULL, "ok", 1, &a), ST_OK);
	CU_ASSERT_EQUAL(add_reply(db, "a", NULL, "ok", 2, &b), ST_OK);
	CU_ASSERT_EQUAL(add_reply(db, "a", NULL, "ok", 3, &c), ST_OK);
	CU_ASSERT_EQUAL(do_step(db, take, NULL), ST_OK);
	settle_step(db, a, THEN + 10, &unknown, ST_OK);
	CU_ASSERT_EQUAL(do_step(db, take, NULL), ST_OK);
	settle_step(db, a, THEN + 10, &guess, ST_OK);
	check_reply(db, a, "sent SMa ok 0");
	settle_step(db, b, THEN + 10, &sent, ST_OK);
	check_reply(db, b, "sent SMa ok 0");
	check_reply(db, a, "unknown - ok 0");
	settle_step(db, a, THEN + 10, &guess, ST_EXISTS);
	/* The callback's URL says whose it is. */
	CU_ASSERT_EQUAL(do_step(db, take, NULL), ST_OK);
	settle_step(db, a, THEN + 10,
	    &(struct reply_outcome){
		.state = REPLY_SENT, .sid = "SMc", .guessed = true },
	    ST_OK);
	status.id = c;
	status.sid = "SMc";
	status.text = "delivered";
	CU_ASSERT_EQUAL(do_step(db, status, NULL), ST_OK);
	check_reply(db, c, "delivered SMc ok 0");
	check_reply(db, a, "unknown - ok 0");
	db_close(db);
}

/* Removed while one is being sent: that one holds up none of a conversation of
 * this name for ever. */
static void
test_removed(void)
{
	struct step take = { .what = TAKE, .at = THEN + 10 };
	int64_t a, b;
	struct db *db = begin();

	CU_ASSERT_EQUAL(add_reply(db, "a", NULL, "1", 1, &a), ST_OK);
	CU_ASSERT_EQUAL(do_step(db, take, NULL), ST_OK);
	CU_ASSERT_EQUAL(
	    do_step(db, (struct step){ .what = FORGET, .text = "a" }, NULL),
	    ST_OK);
	CU_ASSERT_EQUAL(add_reply(db, "a", NULL, "2", 20, &b), ST_OK);
	take.at = THEN + 2000;
	CU_ASSERT_EQUAL(do_step(db, take, NULL), ST_NOTFOUND);
	CU_ASSERT_EQUAL(
	    do_step(
		db, (struct step){ .what = OVERDUE, .at = THEN + 2000 }, NULL),
	    ST_OK);
	check_reply(db, a, "unknown - - 0");
	CU_ASSERT_EQUAL(do_step(db, take, NULL), ST_OK);
	db_close(db);
}

static const struct test tests[] = {
	{ "conversations", test_conversations },
	{ "messages", test_messages },
	{ "old ones", test_purge },
	{ "replies: client_id", test_client_id },
	{ "replies: order", test_order },
	{ "replies: statuses", test_statuses },
	{ "replies: by people", test_by_people },
	{ "replies: earlier attempts", test_earlier_attempts },
	{ "replies: guessed", test_guessed },
	{ "replies: removed", test_removed },
};

int
main(void)
{
	int bad = 0;
	size_t i;

	shim.skip_syncs = true;
	for (i = 0; i < database_ways_n; i++) {
		database_use(&database_ways[i]);
		bad |=
		    test_main(database_ways[i].name, tests, TEST_COUNT(tests));
	}
	return bad;
}
