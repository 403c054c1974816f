/* switchhook queue: look at the queues, and work on them by hand. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/row.h"
#include "store/queue.h"

/* A command's work on one queue: what differs between them. */
typedef int work_fn(const struct ctl *, struct queue *, void *arg);

static int
with_queue(const struct ctl *ctl, const char *name, work_fn *work, void *arg)
{
	struct ctl_session s;
	struct queue *queue = NULL;
	int code = ctl_open(ctl, &s);

	if (code == CTL_DONE)
		code = ctl_queue(ctl, &s, name, &queue);
	if (code == CTL_DONE)
		code = work(ctl, queue, arg);
	if (queue)
		queue->ops->close(queue);
	ctl_close(&s);
	return code;
}

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

/* The six that every item has; what comes behind depends. */
#define ITEM_CELLS 6

static void
fill(const struct queue_item *item, struct cell cells[static ITEM_CELLS])
{
	cells[0] = cell_text("id", item->id, 0);
	cells[1] = cell_text("receipt", item->receipt, 0);
	cells[2] = cell_text("queue", item->queue, 0);
	cells[3] = cell_bytes("body", item->body, item->len);
	cells[4] = cell_int("attempts", item->attempts, 0);
	cells[5] = cell_time("available_at", item->available_us);
}

/* --- list ---------------------------------------------------------------- */

static enum status
put_stats(struct rows *rows, const char *role, struct queue *queue)
{
	struct queue_stats n = { 0 };
	enum status e = queue->ops->stats(queue, &n);
	struct cell cells[] = {
		cell_text("queue", role, 10),
		cell_text("url", queue->name, 16),
		cell_int("ready", n.ready, 7),
		cell_int("delayed", n.delayed, 7),
		cell_int("taken", n.taken, 7),
		cell_int("dead", n.dead, 7),
		cell_time("oldest_at", n.oldest_us),
		cell_int("oldest_age_s", clock_age_s(n.oldest_us), 0),
	};

	return e == ST_OK ? rows_line(rows, cells, CTL_COUNT(cells)) : e;
}

static int
list(const struct ctl *ctl, struct ctl_session *s)
{
	const char *const *roles = ctl_queue_roles;
	struct rows rows = { ctl, 0 };
	int code = CTL_DONE;

	for (size_t i = 0; roles[i] && code == CTL_DONE; i++) {
		struct queue *queue = NULL;
		enum status e;

		code = ctl_queue(ctl, s, roles[i], &queue);
		if (code != CTL_DONE)
			break;
		e = put_stats(&rows, roles[i], queue);
		if (e != ST_OK)
			code = ctl_fail(ctl, e, "%s", roles[i]);
		queue->ops->close(queue);
	}
	return code;
}

int
ctl_queue_list(const struct ctl *ctl, int argc, char **argv)
{
	const struct ctl_syntax syntax = { "queue list", "",
		"Count what is ready, delayed, taken and dead on each "
		"configured queue.",
		0, 0, NULL, 0 };
	struct ctl_session s;
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		return code;
	code = ctl_open(ctl, &s);
	if (code == CTL_DONE)
		code = list(ctl, &s);
	ctl_close(&s);
	return code;
}

/* --- peek and dead ------------------------------------------------------- */

struct peeking {
	bool dead;
	int64_t limit;
};

static enum status
put_item(const struct queue_item *item, void *arg)
{
	struct cell cells[ITEM_CELLS + 2];

	fill(item, cells);
	cells[ITEM_CELLS] = cell_text("state", state_name(item->state), 0);
	cells[ITEM_CELLS + 1] =
	    cell_optional(cell_text("reason", item->reason, 0));
	return rows_block(arg, cells, CTL_COUNT(cells));
}

static int
peek(const struct ctl *ctl, struct queue *queue, void *arg)
{
	const struct peeking *p = arg;
	struct rows rows = { ctl, 0 };
	enum status e =
	    queue->ops->peek(queue, p->dead, (size_t)p->limit, put_item, &rows);

	return e == ST_OK ? CTL_DONE : ctl_fail(ctl, e, "%s", queue->name);
}

static int
peek_command(const struct ctl *ctl, const char *command, const char *help,
    bool dead, int argc, char **argv)
{
	struct peeking p = { dead, 10 };
	const struct ctl_option opts[] = {
		ctl_number(
		    "limit", "N", &p.limit, 1, 1000000, "at most so many (10)"),
	};
	const struct ctl_syntax syntax = { command, "QUEUE", help, 1, 1, opts,
		CTL_COUNT(opts) };
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		return code;
	return with_queue(ctl, argv[1], peek, &p);
}

int
ctl_queue_peek(const struct ctl *ctl, int argc, char **argv)
{
	return peek_command(ctl, "queue peek",
	    "Show what waits, oldest first, without taking it.", false, argc,
	    argv);
}

int
ctl_queue_dead(const struct ctl *ctl, int argc, char **argv)
{
	return peek_command(ctl, "queue dead",
	    "Show the dead letters, oldest first, each with its reason.", true,
	    argc, argv);
}

/* --- receive, ack, release ----------------------------------------------- */

static int
receive(const struct ctl *ctl, struct queue *queue, void *arg)
{
	const int64_t *visibility_s = arg;
	struct rows rows = { ctl, 0 };
	struct queue_item item = { 0 };
	struct cell cells[ITEM_CELLS + 1];
	int code = CTL_DONE;
	enum status e = queue->ops->receive(queue, *visibility_s, &item);

	if (e == ST_OK) {
		fill(&item, cells);
		cells[ITEM_CELLS] =
		    cell_optional(cell_text("reason", item.reason, 0));
		e = rows_block(&rows, cells, CTL_COUNT(cells));
	}
	if (e == ST_NOTFOUND)
		code = ctl_say(ctl, CTL_NO, "%s: nothing is due", queue->name);
	else if (e == ST_CORRUPT)
		code = ctl_say(ctl, CTL_FAILED,
		    "%s: a message was damaged and is now a dead letter",
		    queue->name);
	else if (e != ST_OK)
		code = ctl_fail(ctl, e, "%s", queue->name);
	queue_item_release(&item);
	return code;
}

int
ctl_queue_receive(const struct ctl *ctl, int argc, char **argv)
{
	int64_t visibility_s = 60;
	const struct ctl_option opts[] = {
		ctl_number("visibility", "SECONDS", &visibility_s, 1, 43200,
		    "how long nobody else gets it (60)"),
	};
	const struct ctl_syntax syntax = { "queue receive", "QUEUE",
		"Take the message that is due longest. Its receipt serves to "
		"ack or release it;\nwithout either it is due again when the "
		"time is over.",
		1, 1, opts, CTL_COUNT(opts) };
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		return code;
	return with_queue(ctl, argv[1], receive, &visibility_s);
}

struct returning {
	const char *receipt;
	int64_t delay_s; /* of a release */
};

static int
tell(const struct ctl *ctl, const struct queue *queue, enum status e)
{
	if (e == ST_OK)
		return CTL_DONE;
	if (e == ST_NOTFOUND)
		return ctl_say(ctl, CTL_NO,
		    "%s: this receipt has run out or never was", queue->name);
	return ctl_fail(ctl, e, "%s", queue->name);
}

static int
ack(const struct ctl *ctl, struct queue *queue, void *arg)
{
	const struct returning *r = arg;

	return tell(ctl, queue, queue->ops->ack(queue, r->receipt));
}

static int
release(const struct ctl *ctl, struct queue *queue, void *arg)
{
	const struct returning *r = arg;

	return tell(ctl, queue,
	    queue->ops->release(queue, r->receipt, r->delay_s, NULL));
}

int
ctl_queue_ack(const struct ctl *ctl, int argc, char **argv)
{
	const struct ctl_syntax syntax = { "queue ack", "QUEUE RECEIPT",
		"Say that a received message is done with: it is removed.", 2,
		2, NULL, 0 };
	struct returning r = { NULL, 0 };
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		return code;
	r.receipt = argv[2];
	return with_queue(ctl, argv[1], ack, &r);
}

int
ctl_queue_release(const struct ctl *ctl, int argc, char **argv)
{
	struct returning r = { NULL, 0 };
	const struct ctl_option opts[] = {
		ctl_number("delay", "SECONDS", &r.delay_s, 0, 43200,
		    "due again only then (0)"),
	};
	const struct ctl_syntax syntax = { "queue release", "QUEUE RECEIPT",
		"Give a received message back to the queue.", 2, 2, opts,
		CTL_COUNT(opts) };
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		return code;
	r.receipt = argv[2];
	return with_queue(ctl, argv[1], release, &r);
}

/* --- redrive --------------------------------------------------------------- */

static int
redrive(const struct ctl *ctl, struct queue *queue, void *arg)
{
	const char *id = arg;
	struct rows rows = { ctl, 0 };
	int64_t count = 0;
	enum status e = queue->ops->redrive(queue, id, &count);
	struct cell cells[2];

	if (e == ST_NOTFOUND || (e == ST_OK && id && count == 0))
		return ctl_say(ctl, CTL_NO, "%s: no dead letter %s",
		    queue->name, id ? id : "at all");
	cells[0] = cell_text("queue", queue->name, 16);
	cells[1] = cell_int("redriven", count, 0);
	if (e == ST_OK)
		e = rows_block(&rows, cells, CTL_COUNT(cells));
	return e == ST_OK ? CTL_DONE : ctl_fail(ctl, e, "%s", queue->name);
}

int
ctl_queue_redrive(const struct ctl *ctl, int argc, char **argv)
{
	bool all = false;
	const struct ctl_option opts[] = {
		ctl_flag("all", &all, "every dead letter of the queue"),
	};
	const struct ctl_syntax syntax = { "queue redrive", "QUEUE [ID]",
		"Make a dead letter due again, with its count of attempts "
		"back at zero.",
		1, 2, opts, CTL_COUNT(opts) };
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		return code;
	if (all == (n == 2))
		return ctl_say(
		    ctl, CTL_USAGE, "queue redrive: give an ID or --all");
	return with_queue(ctl, argv[1], redrive, argv[2]);
}
