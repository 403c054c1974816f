/* switchhook queue: look at the queues, and work on them by hand. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/row.h"
#include "message/ports.h"
#include "message/waiting.h"
#include "store/queue.h"
#include "store/sender.h"

static const char *
state_name(enum queue_state state)
{
	switch (state) {
	case QUEUE_READY:
		return "ready";
	case QUEUE_DELAYED:
		return "delayed";
	case QUEUE_TAKEN:
		return "taken";
	case QUEUE_DEAD:
		return "dead";
	}
	return NULL;
}

/* --- list ------------------------------------------------------------------ */

static enum status
put_stats(struct ctl *ctl, const char *role)
{
	struct queue *q = ctl->queue;
	struct queue_stats n = { 0 };
	enum status st = q->ops->stats(q, &n);
	struct cell cells[] = {
		cell_text("queue", role, 10),
		cell_text("url", q->name, 16),
		cell_int("ready", n.ready, 7),
		cell_int("delayed", n.delayed, 7),
		cell_int("taken", n.taken, 7),
		cell_int("dead", n.dead, 7),
		cell_time("oldest_at", n.oldest_us),
		cell_int("oldest_age_s", clock_age_s(n.oldest_us), 0),
	};

	return st == ST_OK ? row_line(ctl, cells, CTL_COUNT(cells)) : st;
}

int
ctl_queue_list(struct ctl *ctl)
{
	const char *const *role = ctl_queue_roles;
	int code = CTL_DONE;

	for (; *role != NULL && code == CTL_DONE; role++)
		if ((code = ctl_queue(ctl, *role)) == CTL_DONE)
			code = ctl_end(ctl, put_stats(ctl, *role), "%s", *role);
	return code;
}

/* --- peek, dead and receive ------------------------------------------------ */

/* state: NULL, it is not told. */
static enum status
put_item(struct ctl *ctl, const struct queue_item *item, const char *state)
{
	struct cell cells[8];
	size_t n = 0;

	cells[n++] = cell_text("id", item->id, 0);
	cells[n++] = cell_text("receipt", item->receipt, 0);
	cells[n++] = cell_text("queue", item->queue, 0);
	cells[n++] = cell_bytes("body", item->body, item->len);
	cells[n++] = cell_int("attempts", item->attempts, 0);
	cells[n++] = cell_time("available_at", item->available_us);
	cells[n++] = cell_optional(cell_text("state", state, 0));
	cells[n++] = cell_optional(cell_text("reason", item->reason, 0));
	return row_block(ctl, cells, n);
}

static enum status
put_peeked(const struct queue_item *item, void *ctl)
{
	return put_item(ctl, item, state_name(item->state));
}

static int
queue_look(struct ctl *ctl, bool dead)
{
	size_t limit = (size_t)ctl_number(ctl, "limit", 10);
	int code = ctl_queue(ctl, ctl->operands[0]);
	struct queue *q = ctl->queue;

	if (code != CTL_DONE)
		return code;
	return ctl_end(
	    ctl, q->ops->peek(q, dead, limit, put_peeked, ctl), "%s", q->name);
}

int
ctl_queue_peek(struct ctl *ctl)
{
	return queue_look(ctl, false);
}

int
ctl_queue_dead(struct ctl *ctl)
{
	return queue_look(ctl, true);
}

int
ctl_queue_receive(struct ctl *ctl)
{
	int64_t visibility_s = ctl_number(ctl, "visibility", 60);
	int code = ctl_queue(ctl, ctl->operands[0]);
	struct queue_item item = { 0 };
	struct queue *q = ctl->queue;
	struct waiting w;
	enum status st;
	bool moved;

	if (code != CTL_DONE)
		return code;
	if ((code = ctl_waiting(ctl, &w)) != CTL_DONE)
		return code;
	do {
		queue_item_release(&item);
		moved = false;
		st = q->ops->receive(q, visibility_s, &item);
		if (st == ST_OK &&
		    (st = waiting_look_again(&w, q, &item, &moved)) != ST_OK) {
			q->ops->release(q, item.receipt, 0, NULL);
			queue_item_release(&item);
			return ctl_say(ctl, CTL_FAILED,
			    "%s: it cannot be told whether people have taken "
			    "over: %s",
			    q->name, status_text(st));
		}
	} while (st == ST_OK && moved);
	if (st == ST_OK)
		st = put_item(ctl, &item, NULL);
	if (st == ST_NOTFOUND)
		code = ctl_say(ctl, CTL_NO, "%s: nothing is due", q->name);
	else if (st == ST_CORRUPT)
		code = ctl_say(ctl, CTL_FAILED,
		    "%s: a message was damaged and is now a dead letter",
		    q->name);
	else
		code = ctl_end(ctl, st, "%s", q->name);
	queue_item_release(&item);
	return code;
}

/* --- ack, release, redrive ------------------------------------------------- */

static int
end_receipt(const struct ctl *ctl, enum status st)
{
	if (st == ST_NOTFOUND)
		return ctl_say(ctl, CTL_NO,
		    "%s: this receipt has run out or never was",
		    ctl->queue->name);
	return ctl_end(ctl, st, "%s", ctl->queue->name);
}

int
ctl_queue_ack(struct ctl *ctl)
{
	int code = ctl_queue(ctl, ctl->operands[0]);
	struct queue *q = ctl->queue;

	if (code != CTL_DONE)
		return code;
	return end_receipt(ctl, q->ops->ack(q, ctl->operands[1]));
}

int
ctl_queue_release(struct ctl *ctl)
{
	int64_t delay_s = ctl_number(ctl, "delay", 0);
	int code = ctl_queue(ctl, ctl->operands[0]);
	struct queue *q = ctl->queue;

	if (code != CTL_DONE)
		return code;
	return end_receipt(
	    ctl, q->ops->release(q, ctl->operands[1], delay_s, NULL));
}

static int
redrive(struct ctl *ctl, struct queue *q, const char *id)
{
	int64_t count = 0;
	enum status st = q->ops->redrive(q, id, &count);
	struct cell cells[] = {
		cell_text("queue", q->name, 16),
		cell_int("redriven", count, 0),
	};

	if (st == ST_NOTFOUND || (st == ST_OK && id != NULL && count == 0))
		return ctl_say(ctl, CTL_NO, "%s: no dead letter %s", q->name,
		    id != NULL ? id : "at all");
	if (st == ST_OK)
		st = row_block(ctl, cells, CTL_COUNT(cells));
	return ctl_end(ctl, st, "%s", q->name);
}

int
ctl_queue_redrive(struct ctl *ctl)
{
	const char *id = ctl->operands[1]; /* NULL: all */
	int code;

	if (ctl_flag(ctl, "all") == (id != NULL))
		return ctl_say(
		    ctl, CTL_USAGE, "queue redrive: give an ID or --all");
	code = ctl_queue(ctl, ctl->operands[0]);
	return code == CTL_DONE ? redrive(ctl, ctl->queue, id) : code;
}

/* --- route ----------------------------------------------------------------- */

/* What is still there, taken and dead ones too, after so many have left. */
static enum status
put_routed(struct ctl *ctl, int64_t count)
{
	struct queue *q = ctl->queue;
	struct queue_stats n = { 0 };
	enum status st = q->ops->stats(q, &n);
	struct cell cells[] = {
		cell_text("queue", q->name, 16),
		cell_int("routed", count, 0),
		cell_int("left", n.ready + n.delayed + n.taken, 0),
	};

	return st == ST_OK ? row_block(ctl, cells, CTL_COUNT(cells)) : st;
}

int
ctl_queue_route(struct ctl *ctl)
{
	const char *name = ctl->operands[0];
	const char *tel = ctl_text(ctl, "tel");
	char room[SENDER_MAX];
	struct waiting_route r = { .role = ctl_text(ctl, "to") };
	struct waiting w;
	int64_t count = 0;
	enum status st;
	int code;

	if (r.role != NULL && !str_eq(r.role, ROLE_AI) &&
	    !str_eq(r.role, ROLE_HUMAN))
		return ctl_say(
		    ctl, CTL_USAGE, "--to is ai or human, not %s", r.role);
	if (tel != NULL && sender_parse(tel, room) != ST_OK)
		return ctl_say(ctl, CTL_USAGE, "--tel: \"%s\" is no sender; %s",
		    tel, SENDER_WANTED);
	r.tel = tel != NULL ? room : NULL;
	code = ctl_queue(ctl, name != NULL ? name : ROLE_UNROUTED);
	if (code == CTL_DONE)
		code = ctl_waiting(ctl, &w);
	if (code != CTL_DONE)
		return code;
	if (backend_is_remote(ctl->queue->name))
		return ctl_say(ctl, CTL_USAGE,
		    "%s: what waits on a queue elsewhere cannot be routed "
		    "again; receive it",
		    ctl->queue->name);
	r.queue = ctl->queue->name + strlen("sqlite:");
	st = waiting_route(&w, &r, &count);
	if (st == ST_UNSUPPORTED)
		return ctl_say(ctl, CTL_FAILED,
		    "to a queue elsewhere messages go by the spool; set "
		    "store.spool = on");
	if (st == ST_OK)
		st = put_routed(ctl, count);
	return ctl_end(ctl, st, "%s", ctl->queue->name);
}
