/* switchhook conversation: who a sender is, and who answers them. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/row.h"
#include "store/store.h"

#define CELLS_N 7

/* A command's work on the store; what: it is about, for a failure. */
typedef enum status work_fn(struct ctl *, struct store *);

static int
with_store(struct ctl *ctl, work_fn *work, const char *what)
{
	struct store *store;
	int code = ctl_conversations(ctl, &store);

	if (code == CTL_DONE)
		code = ctl_end(ctl, work(ctl, store), "%s", what);
	if (store != NULL)
		store->ops->close(store);
	return code;
}

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
}

static enum status
put_block(struct ctl *ctl, const struct conversation *c)
{
	struct cell cells[CELLS_N];

	fill_cells(c, cells);
	return row_block(ctl, cells, CELLS_N);
}

static enum status
put_line(const struct conversation *c, void *ctl)
{
	struct cell cells[CELLS_N];

	fill_cells(c, cells);
	return row_line(ctl, cells, CELLS_N);
}

/* --tel, or NULL. Conversations are kept without the channel's prefix. */
static const char *
bare_tel(const struct ctl *ctl)
{
	const char *tel = ctl_text(ctl, "tel");

	if (tel != NULL && str_starts(tel, "whatsapp:"))
		tel += strlen("whatsapp:");
	return tel;
}

/* --- add ------------------------------------------------------------------- */

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
conversation_add(struct ctl *ctl, struct store *store)
{
	/* Only read by add. */
	const struct conversation c = { .id = (char *)ctl_text(ctl, "id"),
		.tel = (char *)bare_tel(ctl),
		.thread_id = (char *)ctl_text(ctl, "thread"),
		.company_id = (char *)ctl_text(ctl, "company"),
		.project_id = (char *)ctl_text(ctl, "project"),
		.handoff = ctl_flag(ctl, "handoff"),
		.created_us = clock_us() };
	enum status st = store->ops->add(store, &c);

	return st == ST_OK ? put_block(ctl, &c) : st;
}

int
ctl_conversation_add(struct ctl *ctl)
{
	const char *id = ctl_text(ctl, "id");

	if (str_empty(id) || str_empty(bare_tel(ctl)))
		return ctl_say(ctl, CTL_USAGE, "--id or --tel is empty");
	note_plus(ctl, bare_tel(ctl));
	return with_store(ctl, conversation_add, id);
}

/* --- list, show, handoff --------------------------------------------------- */

static enum status
conversation_list(struct ctl *ctl, struct store *store)
{
	return store->ops->list(store, bare_tel(ctl),
	    (size_t)ctl_number(ctl, "limit", 100), put_line, ctl);
}

int
ctl_conversation_list(struct ctl *ctl)
{
	return with_store(ctl, conversation_list, "conversations");
}

/* By its id, or by its sender. */
static enum status
conversation_show(struct ctl *ctl, struct store *store)
{
	const char *id = ctl->operands[0];
	struct conversation c = { 0 };
	enum status st = id != NULL
	    ? store->ops->get(store, id, &c)
	    : store->ops->newest(store, bare_tel(ctl), &c);

	if (st == ST_OK)
		st = put_block(ctl, &c);
	conversation_release(&c);
	return st;
}

int
ctl_conversation_show(struct ctl *ctl)
{
	const char *id = ctl->operands[0], *tel = bare_tel(ctl);

	if ((id != NULL) == (tel != NULL))
		return ctl_say(ctl, CTL_USAGE,
		    "conversation show: give an ID or --tel NUMBER");
	return with_store(ctl, conversation_show, id != NULL ? id : tel);
}

static enum status
conversation_handoff(struct ctl *ctl, struct store *store)
{
	bool on = str_eq(ctl->operands[1], "on");
	enum status st = store->ops->handoff(store, ctl->operands[0], on);

	return st == ST_OK ? conversation_show(ctl, store) : st;
}

int
ctl_conversation_handoff(struct ctl *ctl)
{
	const char *word = ctl->operands[1];

	if (!str_eq(word, "on") && !str_eq(word, "off"))
		return ctl_say(ctl, CTL_USAGE, "say on or off, not %s", word);
	return with_store(ctl, conversation_handoff, ctl->operands[0]);
}
