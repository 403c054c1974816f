/* switchhook conversation: who a sender is, and who answers them. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/row.h"
#include "store/store.h"

#define CELLS_N 7

/* A command's work on the store: what differs between them. */
typedef enum status work_fn(const struct ctl *, struct store *, void *arg);

static int
with_store(const struct ctl *ctl, work_fn *work, void *arg, const char *what)
{
	struct ctl_session s;
	struct store *store = NULL;
	enum status e;
	int code = ctl_open(ctl, &s);

	if (code == CTL_DONE)
		code = ctl_conversations(ctl, &s, &store);
	if (code == CTL_DONE) {
		e = work(ctl, store, arg);
		if (e != ST_OK)
			code = ctl_fail(ctl, e, "%s", what);
	}
	if (store)
		store->ops->close(store);
	ctl_close(&s);
	return code;
}

static void
fill(const struct conversation *c, struct cell cells[static CELLS_N])
{
	cells[0] = cell_text("id", c->id, 24);
	cells[1] = cell_text("tel", c->tel, 16);
	cells[2] = cell_bool("handoff_to_human", c->handoff, 16);
	cells[3] = cell_time("created_at", c->created_us);
	cells[4] = cell_text("thread_id", c->thread_id, 12);
	cells[5] = cell_text("company_id", c->company_id, 12);
	cells[6] = cell_text("project_id", c->project_id, 12);
}

/* Conversations are kept without the channel's prefix. */
static const char *
bare_tel(const char *tel)
{
	return str_starts(tel, "whatsapp:") ? tel + strlen("whatsapp:") : tel;
}

/* A long number without its plus is no sender that ever writes; short codes
 * have none. */
static void
note_plus(const struct ctl *ctl, const char *tel)
{
	if (strspn(tel, "0123456789") == strlen(tel) && strlen(tel) > 8)
		ctl_say(ctl, CTL_DONE,
		    "note: %s has no + in front, as senders' numbers do", tel);
}

static enum status
add(const struct ctl *ctl, struct store *store, void *arg)
{
	struct rows rows = { ctl, 0 };
	struct conversation *c = arg;
	struct cell cells[CELLS_N];
	enum status e = store->ops->add(store, c);

	if (e != ST_OK)
		return e;
	fill(c, cells);
	return rows_block(&rows, cells, CELLS_N);
}

int
ctl_conversation_add(const struct ctl *ctl, int argc, char **argv)
{
	const char *id = NULL, *tel = NULL;
	const char *thread = NULL, *company = NULL, *project = NULL;
	bool handoff = false;
	const struct ctl_option opts[] = {
		ctl_needed("tel", "NUMBER", &tel,
		    "the sender, +14155550100 or whatsapp:+1…"),
		ctl_needed(
		    "id", "ID", &id, "the conversation's name, of your choice"),
		ctl_text("thread", "ID", &thread, "the AI's thread"),
		ctl_text("company", "ID", &company, "whose customer it is"),
		ctl_text("project", "ID", &project, "what it is about"),
		ctl_flag("handoff", &handoff, "people answer from the start"),
	};
	const struct ctl_syntax syntax = { "conversation add", "",
		"Make a conversation. Messages of its sender are then routed "
		"by it.",
		0, 0, opts, CTL_COUNT(opts) };
	struct conversation c = { .created_us = clock_us() };
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		return code;
	if (str_empty(id) || str_empty(bare_tel(tel)))
		return ctl_say(ctl, CTL_USAGE, "--id or --tel is empty");
	note_plus(ctl, bare_tel(tel));
	/* Only read by add. */
	c.id = (char *)id;
	c.tel = (char *)bare_tel(tel);
	c.thread_id = (char *)thread;
	c.company_id = (char *)company;
	c.project_id = (char *)project;
	c.handoff = handoff;
	return with_store(ctl, add, &c, id);
}

struct listing {
	const char *tel; /* NULL: all */
	int64_t limit;
};

static enum status
list_row(const struct conversation *c, void *arg)
{
	struct cell cells[CELLS_N];

	fill(c, cells);
	return rows_line(arg, cells, CELLS_N);
}

static enum status
list(const struct ctl *ctl, struct store *store, void *arg)
{
	const struct listing *l = arg;
	struct rows rows = { ctl, 0 };

	return store->ops->list(
	    store, l->tel, (size_t)l->limit, list_row, &rows);
}

int
ctl_conversation_list(const struct ctl *ctl, int argc, char **argv)
{
	struct listing l = { NULL, 100 };
	const struct ctl_option opts[] = {
		ctl_text("tel", "NUMBER", &l.tel, "only those of this sender"),
		ctl_number("limit", "N", &l.limit, 1, 1000000,
		    "at most so many (100)"),
	};
	const struct ctl_syntax syntax = { "conversation list", "",
		"List conversations, newest first.", 0, 0, opts,
		CTL_COUNT(opts) };
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		return code;
	if (l.tel)
		l.tel = bare_tel(l.tel);
	return with_store(ctl, list, &l, "conversations");
}

struct showing {
	const char *id, *tel; /* one of them */
};

static enum status
show(const struct ctl *ctl, struct store *store, void *arg)
{
	const struct showing *s = arg;
	struct rows rows = { ctl, 0 };
	struct conversation c = { 0 };
	struct cell cells[CELLS_N];
	enum status e = s->id ? store->ops->get(store, s->id, &c)
			      : store->ops->newest(store, s->tel, &c);

	if (e == ST_OK) {
		fill(&c, cells);
		e = rows_block(&rows, cells, CELLS_N);
	}
	conversation_release(&c);
	return e;
}

int
ctl_conversation_show(const struct ctl *ctl, int argc, char **argv)
{
	struct showing s = { NULL, NULL };
	const struct ctl_option opts[] = {
		ctl_text("tel", "NUMBER", &s.tel,
		    "the newest of this sender, the one that counts"),
	};
	const struct ctl_syntax syntax = { "conversation show", "[ID]",
		"Show a conversation, by its id or by its sender.", 0, 1, opts,
		CTL_COUNT(opts) };
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		return code;
	if ((n == 1) == (s.tel != NULL))
		return ctl_say(ctl, CTL_USAGE,
		    "conversation show: give an ID or --tel NUMBER");
	s.id = argv[1];
	if (s.tel)
		s.tel = bare_tel(s.tel);
	return with_store(ctl, show, &s, s.id ? s.id : s.tel);
}

struct handing {
	const char *id;
	bool on;
};

static enum status
handoff(const struct ctl *ctl, struct store *store, void *arg)
{
	const struct handing *h = arg;
	struct showing s = { h->id, NULL };
	enum status e = store->ops->handoff(store, h->id, h->on);

	return e == ST_OK ? show(ctl, store, &s) : e;
}

int
ctl_conversation_handoff(const struct ctl *ctl, int argc, char **argv)
{
	const struct ctl_syntax syntax = { "conversation handoff", "ID on|off",
		"on: people answer from the next message on. off: the AI "
		"does.",
		2, 2, NULL, 0 };
	struct handing h;
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		return code;
	h.id = argv[1];
	h.on = str_eq(argv[2], "on");
	if (!h.on && !str_eq(argv[2], "off"))
		return ctl_say(
		    ctl, CTL_USAGE, "say on or off, not %s", argv[2]);
	return with_store(ctl, handoff, &h, h.id);
}
