#include "t/contract-store.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "db/db.h"
#include "store/sender.h"

static const struct contract_store *back_end;

void
contract_store_use(const struct contract_store *b)
{
	back_end = b;
}

static struct store *
begin(void)
{
	back_end->begin();
	return back_end->open();
}

static void
end(struct store *s)
{
	s->ops->close(s);
	back_end->end();
}

/* Literals go into a struct whose strings are not const. */
static struct conversation
conversation(const char *id, const char *tel, const char *thread,
    const char *company, const char *project, bool handoff, int64_t created)
{
	return (struct conversation){ (char *)id, (char *)tel, (char *)thread,
		(char *)company, (char *)project, handoff, created, false };
}

static enum status
add_full(struct store *s, const char *id, const char *tel, const char *thread,
    bool handoff, int64_t created)
{
	struct conversation c =
	    conversation(id, tel, thread, NULL, NULL, handoff, created);

	return s->ops->add(s, &c);
}

static enum status
add(struct store *s, const char *id, const char *tel, int64_t created)
{
	return add_full(s, id, tel, NULL, false, created);
}

static enum status
handoff(struct store *s, const char *id, bool on)
{
	const struct conversation_change to = { .handoff = &on };

	return s->ops->set(s, id, &to);
}

/* The id of the newest of tel, "" if there is none. */
static void
check_newest(struct store *s, const char *tel, const char *id)
{
	struct conversation c;
	enum status st = s->ops->newest(s, tel, &c);

	CU_ASSERT_EQUAL(st, *id == '\0' ? ST_NOTFOUND : ST_OK);
	if (st == ST_OK)
		CU_ASSERT_STRING_EQUAL(c.id, id);
	if (st == ST_OK)
		conversation_release(&c);
}

static void
check_text(const char *got, const char *want)
{
	if (want != NULL && *want != '\0')
		CU_ASSERT(str_eq(got, want))
	else
		CU_ASSERT(str_empty(got));
}

static void
check_conversation(
    const struct conversation *got, const struct conversation *want)
{
	check_text(got->id, want->id);
	check_text(got->tel, want->tel);
	check_text(got->thread_id, want->thread_id);
	check_text(got->company_id, want->company_id);
	check_text(got->project_id, want->project_id);
	CU_ASSERT_EQUAL(got->handoff, want->handoff);
	CU_ASSERT_EQUAL(got->opted_out, want->opted_out);
	CU_ASSERT_EQUAL(got->created_us, want->created_us);
}

static void
test_empty(void)
{
	struct store *s = begin();
	struct conversation c;

	check_newest(s, "+14155550100", "");
	CU_ASSERT_EQUAL(s->ops->get(s, "none", &c), ST_NOTFOUND);
	CU_ASSERT_EQUAL(handoff(s, "none", true), ST_NOTFOUND);
	CU_ASSERT_EQUAL(s->ops->remove(s, "none"), ST_NOTFOUND);
	end(s);
}

static void
check_round_trip(struct store *s, const struct conversation *want)
{
	struct conversation got;

	CU_ASSERT_EQUAL(s->ops->add(s, want), ST_OK);
	CU_ASSERT_EQUAL_FATAL(s->ops->get(s, want->id, &got), ST_OK);
	check_conversation(&got, want);
	conversation_release(&got);
	CU_ASSERT_EQUAL_FATAL(s->ops->newest(s, want->tel, &got), ST_OK);
	check_conversation(&got, want);
	conversation_release(&got);
}

static void
test_values_come_back(void)
{
	struct store *s = begin();
	const struct conversation all[] = {
		conversation("c1", "+14155550101", "th_1", "co_1", "pr_1", true,
		    1795286400123456),
		conversation("c2", "+14155550102", NULL, NULL, NULL, false, 1),
		conversation("c3", "+14155550103", "", "", "", false, 2),
		conversation("c'4\"; DROP TABLE conversation; --",
		    "client:Zo\xc3\xab %_", "\xf0\x9f\x98\x80", "a\nb", "\\",
		    true, 3),
	};
	size_t i;

	for (i = 0; i < TEST_COUNT(all); i++)
		check_round_trip(s, &all[i]);
	end(s);
}

static void
test_newest_wins(void)
{
	struct store *s = begin();

	CU_ASSERT_EQUAL(add(s, "middle", "+14155550100", 200), ST_OK);
	check_newest(s, "+14155550100", "middle");
	CU_ASSERT_EQUAL(add(s, "new", "+14155550100", 300), ST_OK);
	CU_ASSERT_EQUAL(add(s, "old", "+14155550100", 100), ST_OK);
	CU_ASSERT_EQUAL(add(s, "other", "+14155550199", 400), ST_OK);
	check_newest(s, "+14155550100", "new");
	check_newest(s, "+14155550199", "other");
	check_newest(s, "+1415555010", "");
	end(s);
}

static void
test_equal_times(void)
{
	struct store *s = begin();

	CU_ASSERT_EQUAL(add(s, "z-first", "+14155550100", 100), ST_OK);
	CU_ASSERT_EQUAL(add(s, "a-later", "+14155550100", 100), ST_OK);
	check_newest(s, "+14155550100", "a-later");
	end(s);
}

static void
test_id_is_unique(void)
{
	struct store *s = begin();
	struct conversation c;

	CU_ASSERT_EQUAL(add_full(s, "c", "+1", "first", true, 1), ST_OK);
	CU_ASSERT_EQUAL(add_full(s, "c", "+2", "second", false, 2), ST_EXISTS);
	CU_ASSERT_EQUAL_FATAL(s->ops->get(s, "c", &c), ST_OK);
	check_text(c.tel, "+1");
	check_text(c.thread_id, "first");
	CU_ASSERT(c.handoff);
	conversation_release(&c);
	check_newest(s, "+2", "");
	end(s);
}

static void
test_nameless(void)
{
	struct store *s = begin();

	CU_ASSERT_EQUAL(add(s, NULL, "+1", 1), ST_MALFORMED);
	CU_ASSERT_EQUAL(add(s, "", "+1", 1), ST_MALFORMED);
	CU_ASSERT_EQUAL(add(s, "c", NULL, 1), ST_MALFORMED);
	CU_ASSERT_EQUAL(add(s, "c", "", 1), ST_MALFORMED);
	check_newest(s, "+1", "");
	end(s);
}

static void
check_handoff(struct store *s, const char *id, bool on)
{
	struct conversation c;

	CU_ASSERT_EQUAL_FATAL(s->ops->get(s, id, &c), ST_OK);
	CU_ASSERT_EQUAL(c.handoff, on);
	conversation_release(&c);
}

static void
test_handoff(void)
{
	struct store *s = begin();

	CU_ASSERT_EQUAL(add(s, "a", "+1", 1), ST_OK);
	CU_ASSERT_EQUAL(add(s, "b", "+1", 2), ST_OK);
	CU_ASSERT_EQUAL(handoff(s, "a", true), ST_OK);
	check_handoff(s, "a", true);
	check_handoff(s, "b", false);
	/* To say it twice is no mistake. */
	CU_ASSERT_EQUAL(handoff(s, "a", true), ST_OK);
	CU_ASSERT_EQUAL(handoff(s, "a", false), ST_OK);
	check_handoff(s, "a", false);
	CU_ASSERT_EQUAL(handoff(s, "c", true), ST_NOTFOUND);
	end(s);
}

static void
check_set(struct store *s, const struct conversation_change *to,
    const struct conversation *want)
{
	struct conversation got;

	CU_ASSERT_EQUAL(s->ops->set(s, "a", to), ST_OK);
	CU_ASSERT_EQUAL_FATAL(s->ops->get(s, "a", &got), ST_OK);
	check_conversation(&got, want);
	conversation_release(&got);
}

/* What is not named stays, "" takes away, and nobody else's changes. */
static void
test_set(void)
{
	static const bool off = false, on = true;
	struct conversation b =
	    conversation("b", "+1", "th_b", "co_b", "pr_b", true, 8);
	struct conversation want =
	    conversation("a", "+1", NULL, "co_1", NULL, true, 7);
	struct conversation got;
	struct store *s = begin();

	b.opted_out = true;
	CU_ASSERT_EQUAL(s->ops->add(s, &want), ST_OK);
	CU_ASSERT_EQUAL(s->ops->add(s, &b), ST_OK);
	check_set(s, &(struct conversation_change){ .tel = NULL }, &want);
	want.thread_id = (char *)"th \"'\xc3\xa9";
	check_set(s,
	    &(struct conversation_change){ .thread_id = want.thread_id },
	    &want);
	want.company_id = NULL;
	check_set(s, &(struct conversation_change){ .company_id = "" }, &want);
	want.project_id = (char *)"pr_2";
	want.thread_id = NULL;
	want.handoff = false;
	check_set(s,
	    &(struct conversation_change){
		.thread_id = "", .project_id = "pr_2", .handoff = &off },
	    &want);
	want.opted_out = true;
	check_set(s, &(struct conversation_change){ .opted_out = &on }, &want);
	check_set(s, &(struct conversation_change){ .handoff = &off }, &want);
	want = conversation("a", "+2", "t", "c", "p", false, 7);
	check_set(s,
	    &(struct conversation_change){ "+2", "t", "c", "p", &off, &off },
	    &want);
	check_newest(s, "+2", "a");
	CU_ASSERT_EQUAL_FATAL(s->ops->newest(s, "+1", &got), ST_OK);
	check_conversation(&got, &b);
	conversation_release(&got);
	CU_ASSERT_EQUAL(
	    s->ops->set(s, "a", &(struct conversation_change){ .tel = "" }),
	    ST_MALFORMED);
	CU_ASSERT_EQUAL(
	    s->ops->set(s, "c", &(struct conversation_change){ .tel = "+9" }),
	    ST_NOTFOUND);
	check_newest(s, "+9", "");
	end(s);
}

static void
test_remove(void)
{
	struct store *s = begin();
	struct conversation c;

	CU_ASSERT_EQUAL(add(s, "old", "+1", 1), ST_OK);
	CU_ASSERT_EQUAL(add(s, "new", "+1", 2), ST_OK);
	CU_ASSERT_EQUAL(s->ops->remove(s, "new"), ST_OK);
	CU_ASSERT_EQUAL(s->ops->remove(s, "new"), ST_NOTFOUND);
	CU_ASSERT_EQUAL(s->ops->get(s, "new", &c), ST_NOTFOUND);
	check_newest(s, "+1", "old");
	CU_ASSERT_EQUAL(s->ops->remove(s, "old"), ST_OK);
	check_newest(s, "+1", "");
	/* Its id is free again. */
	CU_ASSERT_EQUAL(add(s, "new", "+2", 3), ST_OK);
	check_newest(s, "+2", "new");
	end(s);
}

/* A person's newest conversation, whatever the address is that it is under. */
static void
check_names(struct store *s, const char *a, const char *b, const char *c,
    const char *id)
{
	struct sender_names names = { .name = { a, b, c },
		.n = (size_t)(1 + (b != NULL) + (c != NULL)) };
	struct conversation got;
	enum status st = sender_newest(s, &names, &got);

	CU_ASSERT_EQUAL(st, *id == '\0' ? ST_NOTFOUND : ST_OK);
	check_text(got.id, id);
	conversation_release(&got);
}

static void
test_names(void)
{
	struct store *s = begin();

	check_names(s, "+5541988887777", "+554188887777", "BR.1", "");
	CU_ASSERT_EQUAL(add(s, "short", "+554188887777", 20), ST_OK);
	check_names(s, "+5541988887777", "+554188887777", "BR.1", "short");
	check_names(s, "+5541988887777", NULL, NULL, "");
	CU_ASSERT_EQUAL(add(s, "old", "+5541988887777", 10), ST_OK);
	check_names(s, "+5541988887777", "+554188887777", NULL, "short");
	CU_ASSERT_EQUAL(add(s, "equal", "+5541988887777", 20), ST_OK);
	check_names(s, "+5541988887777", "+554188887777", NULL, "equal");
	check_names(s, "+554188887777", "+5541988887777", NULL, "short");
	CU_ASSERT_EQUAL(add(s, "new", "BR.1", 30), ST_OK);
	check_names(s, "+5541988887777", "+554188887777", "BR.1", "new");
	check_names(s, "BR.1", "+554188887777", "+5541988887777", "new");
	end(s);
}

struct walk {
	char ids[256];
	size_t rows;
	size_t stop_after; /* 0: never */
};

static enum status
walk_row(const struct conversation *c, void *arg)
{
	struct walk *w = arg;
	size_t n = strlen(w->ids);

	snprintf(w->ids + n, sizeof(w->ids) - n, "%s ", c->id);
	w->rows++;
	return w->rows == w->stop_after ? ST_DENIED : ST_OK;
}

static void
check_list(struct store *s, const char *tel, size_t limit, const char *ids)
{
	struct walk w = { .rows = 0 };

	CU_ASSERT_EQUAL(s->ops->list(s, tel, limit, walk_row, &w), ST_OK);
	CU_ASSERT_STRING_EQUAL(w.ids, ids);
}

static void
test_list(void)
{
	struct walk w = { .stop_after = 2 };
	struct store *s = begin();

	check_list(s, NULL, 10, "");
	CU_ASSERT_EQUAL(add(s, "b", "+1", 20), ST_OK);
	CU_ASSERT_EQUAL(add(s, "a", "+2", 10), ST_OK);
	CU_ASSERT_EQUAL(add(s, "d", "+1", 40), ST_OK);
	CU_ASSERT_EQUAL(add(s, "c", "+2", 30), ST_OK);
	check_list(s, NULL, 10, "d c b a ");
	check_list(s, NULL, 3, "d c b ");
	check_list(s, NULL, 0, "");
	check_list(s, "+1", 10, "d b ");
	check_list(s, "+1", 1, "d ");
	check_list(s, "+3", 10, "");
	CU_ASSERT_EQUAL(s->ops->list(s, NULL, 10, walk_row, &w), ST_DENIED);
	CU_ASSERT_EQUAL(w.rows, 2);
	end(s);
}

static void
test_another_handle_sees_it(void)
{
	struct store *s = begin(), *other;

	CU_ASSERT_EQUAL(add(s, "c", "+1", 1), ST_OK);
	other = back_end->open();
	check_newest(other, "+1", "c");
	CU_ASSERT_EQUAL(handoff(other, "c", true), ST_OK);
	other->ops->close(other);
	check_handoff(s, "c", true);
	end(s);
}

struct joined {
	struct store *s;
	enum status result;
};

static enum status
add_and_look(struct db *db, void *arg)
{
	struct joined *j = arg;

	(void)db;
	CU_ASSERT_EQUAL(add(j->s, "c", "+1", 1), ST_OK);
	CU_ASSERT_EQUAL(handoff(j->s, "c", true), ST_OK);
	check_newest(j->s, "+1", "c");
	check_handoff(j->s, "c", true);
	return j->result;
}

/* Local to a database: what a job does with it is part of the job. */
static void
test_joins_a_job(void)
{
	struct joined j = { .s = begin(), .result = ST_DENIED };
	struct db *db = back_end->db == NULL ? NULL : back_end->db();

	if (db != NULL) {
		CU_ASSERT_EQUAL(db_write(db, add_and_look, &j), ST_DENIED);
		check_newest(j.s, "+1", "");
		j.result = ST_OK;
		CU_ASSERT_EQUAL(db_write(db, add_and_look, &j), ST_OK);
		check_newest(j.s, "+1", "c");
	}
	end(j.s);
}

const struct test contract_store_tests[] = {
	{ "nothing there", test_empty },
	{ "values come back as they were", test_values_come_back },
	{ "the newest of a sender wins", test_newest_wins },
	{ "of equal times the later added", test_equal_times },
	{ "an id is unique, the first stays", test_id_is_unique },
	{ "no id or no sender is refused", test_nameless },
	{ "handing off", test_handoff },
	{ "changing", test_set },
	{ "removing", test_remove },
	{ "under several names", test_names },
	{ "listing", test_list },
	{ "another handle sees it", test_another_handle_sees_it },
	{ "joins a job", test_joins_a_job },
};
const size_t contract_store_tests_n = TEST_COUNT(contract_store_tests);
