/* switchhook conversation: who a sender is, and who answers them. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/row.h"
#include "message/waiting.h"
#include "store/sender.h"
#include "store/store.h"

#define CELLS_N 8

static void
fill_cells(const struct conversation *c, struct cell cells[static CELLS_N])
{
	cells[0] = cell_text("id", c->id, 24);
	cells[1] = cell_text("tel", c->tel, 16);
	cells[2] = cell_bool("handoff_to_human", c->handoff, 16);
	cells[3] = cell_time("created_at", c->created_us);
	cells[4] = cell_text("thread_id", c->thread_id, 12);
	cells[5] = cell_text("company_id", c->company_id, 12);
	cells[6] = cell_text("project_id", c->project_id, 12);
	cells[7] = cell_bool("opted_out", c->opted_out, 0);
}

/* count: how many messages went elsewhere by a change; NULL: it was none. */
static enum status
put_block(struct ctl *ctl, const struct conversation *c,
    const struct waiting_count *count)
{
	struct cell cells[CELLS_N + 3];
	struct sender_names names;
	size_t n = CELLS_N;
	enum status st;

	if ((st = sender_names(ctl->db, c->tel, NULL, &names)) != ST_OK)
		return st;
	fill_cells(c, cells);
	cells[n++] = cell_list("addresses", names.name + 1, names.n - 1);
	if (count != NULL) {
		cells[n++] = cell_int("held", count->held, 0);
		cells[n++] = cell_int("moved", count->moved, 0);
	}
	return row_block(ctl, cells, n);
}

static enum status
put_line(const struct conversation *c, void *ctl)
{
	struct cell cells[CELLS_N];

	fill_cells(c, cells);
	return row_line(ctl, cells, CELLS_N);
}

/* --tel as conversations have it, in room; NULL if it is not given. False if it
 * is no address, which is reported. */
static bool
read_tel(const struct ctl *ctl, char room[static SENDER_MAX], const char **tel)
{
	const char *given = ctl_text(ctl, "tel");

	*tel = given != NULL ? room : NULL;
	if (given == NULL || sender_parse(given, room) == ST_OK)
		return true;
	ctl_say(ctl, CTL_USAGE, "--tel: \"%s\" is no sender; %s", given,
	    SENDER_WANTED);
	return false;
}

/* --- what changes one ------------------------------------------------------ */

static int
conversation_change(struct ctl *ctl, const struct waiting_change *to)
{
	struct conversation now = { 0 };
	struct waiting_count count;
	struct waiting w;
	int code = ctl_waiting(ctl, &w);
	enum status st;

	if (code != CTL_DONE)
		return code;
	st = waiting_apply(&w, to, &count);
	if (st == ST_OK)
		st = w.conversations->ops->get(w.conversations, to->id, &now);
	if (st == ST_OK)
		st = put_block(ctl, &now, &count);
	conversation_release(&now);
	return ctl_end(ctl, st, "%s", to->id);
}

/* --- add ------------------------------------------------------------------- */

int
ctl_conversation_add(struct ctl *ctl)
{
	char room[SENDER_MAX];
	const char *tel;
	/* Only read by add. */
	const struct conversation c = { .id = (char *)ctl_text(ctl, "id"),
		.tel = room,
		.thread_id = (char *)ctl_text(ctl, "thread"),
		.company_id = (char *)ctl_text(ctl, "company"),
		.project_id = (char *)ctl_text(ctl, "project"),
		.handoff = ctl_flag(ctl, "handoff"),
		.created_us = clock_us() };
	const struct waiting_change change = { .id = c.id, .add = &c };

	if (str_empty(c.id))
		return ctl_say(ctl, CTL_USAGE, "--id is empty");
	if (!read_tel(ctl, room, &tel))
		return CTL_USAGE;
	return conversation_change(ctl, &change);
}

/* --- list, show ------------------------------------------------------------ */

/* Those of a sender, under each of its names. */
static enum status
list_of_sender(struct ctl *ctl, const char *tel, size_t limit)
{
	struct store *store = ctl->conversations;
	struct sender_names names;
	enum status st = sender_names(ctl->db, tel, NULL, &names);
	size_t i, left;

	for (i = 0; i < names.n && st == ST_OK; i++) {
		left = limit - ctl->rows_n;
		st =
		    store->ops->list(store, names.name[i], left, put_line, ctl);
	}
	return st;
}

int
ctl_conversation_list(struct ctl *ctl)
{
	size_t limit = (size_t)ctl_number(ctl, "limit", 100);
	char room[SENDER_MAX];
	struct store *store;
	const char *tel;
	enum status st;
	int code;

	if (!read_tel(ctl, room, &tel))
		return CTL_USAGE;
	if ((code = ctl_conversations(ctl)) != CTL_DONE)
		return code;
	store = ctl->conversations;
	st = tel != NULL ? list_of_sender(ctl, tel, limit)
			 : store->ops->list(store, NULL, limit, put_line, ctl);
	return ctl_end(ctl, st, "conversations");
}

static enum status
newest_of(struct ctl *ctl, const char *tel, struct conversation *out)
{
	struct sender_names names;
	enum status st = sender_names(ctl->db, tel, NULL, &names);

	return st == ST_OK ? sender_newest(ctl->conversations, &names, out)
			   : st;
}

/* By its id, or else the newest of tel. */
static int
conversation_show(struct ctl *ctl, const char *id, const char *tel)
{
	struct store *store = ctl->conversations;
	struct conversation c = { 0 };
	enum status st = id != NULL ? store->ops->get(store, id, &c)
				    : newest_of(ctl, tel, &c);

	if (st == ST_OK)
		st = put_block(ctl, &c, NULL);
	conversation_release(&c);
	return ctl_end(ctl, st, "%s", id != NULL ? id : tel);
}

int
ctl_conversation_show(struct ctl *ctl)
{
	const char *id = ctl->operands[0], *tel;
	char room[SENDER_MAX];
	int code;

	if (!read_tel(ctl, room, &tel))
		return CTL_USAGE;
	if ((id != NULL) == (tel != NULL))
		return ctl_say(ctl, CTL_USAGE,
		    "conversation show: give an ID or --tel NUMBER");
	code = ctl_conversations(ctl);
	return code == CTL_DONE ? conversation_show(ctl, id, tel) : code;
}

/* --- handoff, set, remove -------------------------------------------------- */

static bool
on_or_off(const struct ctl *ctl, const char *word, bool *on)
{
	*on = str_eq(word, "on");
	if (*on || str_eq(word, "off"))
		return true;
	ctl_say(ctl, CTL_USAGE, "say on or off, not %s", word);
	return false;
}

static int
conversation_set(
    struct ctl *ctl, const char *id, const struct conversation_change *to)
{
	const struct waiting_change change = { .id = id, .to = to };

	return conversation_change(ctl, &change);
}

int
ctl_conversation_handoff(struct ctl *ctl)
{
	bool on;
	const struct conversation_change to = { .handoff = &on };

	if (!on_or_off(ctl, ctl->operands[1], &on))
		return CTL_USAGE;
	return conversation_set(ctl, ctl->operands[0], &to);
}

int
ctl_conversation_set(struct ctl *ctl)
{
	const char *word = ctl_text(ctl, "handoff");
	const char *out_word = ctl_text(ctl, "opted-out");
	char room[SENDER_MAX];
	bool on, out;
	struct conversation_change to = { .thread_id = ctl_text(ctl, "thread"),
		.company_id = ctl_text(ctl, "company"),
		.project_id = ctl_text(ctl, "project"),
		.handoff = word != NULL ? &on : NULL,
		.opted_out = out_word != NULL ? &out : NULL };

	if (ctl->given.n == 0)
		return ctl_say(ctl, CTL_USAGE,
		    "conversation set: say what to change, as in --thread ID");
	if (!read_tel(ctl, room, &to.tel) ||
	    (word != NULL && !on_or_off(ctl, word, &on)) ||
	    (out_word != NULL && !on_or_off(ctl, out_word, &out)))
		return CTL_USAGE;
	return conversation_set(ctl, ctl->operands[0], &to);
}

int
ctl_conversation_remove(struct ctl *ctl)
{
	const char *id = ctl->operands[0];
	struct waiting w;
	int code = ctl_waiting(ctl, &w);

	return code == CTL_DONE ? ctl_end(ctl, waiting_remove(&w, id), "%s", id)
				: code;
}
