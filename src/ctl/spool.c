/* switchhook spool: what remote queues have not taken yet. */
#include "base/clock.h"
#include "ctl/ctl.h"
#include "ctl/row.h"
#include "db/db.h"
#include "message/outbox.h"
#include "reply/reply.h"
#include "serve/app.h"
#include "store/reply.h"
#include "store/spool.h"

/* --- list ------------------------------------------------------------------ */

static enum status
put_entry(const struct spool_entry *e, void *ctl)
{
	struct cell cells[] = {
		cell_int("id", e->id, 6),
		cell_text("queue", *e->role == '\0' ? "undecided" : e->role, 9),
		cell_text("message_sid", e->sid, 34),
		cell_time("received_at", e->received_us),
		cell_time("due_at", e->due_us >= SPOOL_HELD ? 0 : e->due_us),
		cell_int("attempts", e->attempts, 8),
		cell_bool("taken", e->taken, 5),
		cell_text("reason", e->reason, 0),
	};

	return row_line(ctl, cells, CTL_COUNT(cells));
}

static enum status
list_job(struct db *db, void *ctl)
{
	return spool_list(
	    db, (size_t)ctl_number(ctl, "limit", 100), put_entry, ctl);
}

int
ctl_spool_list(struct ctl *ctl)
{
	int code = ctl_open(ctl);

	return code == CTL_DONE
	    ? ctl_end(ctl, db_read(ctl->db, list_job, ctl), "spool")
	    : code;
}

/* --- flush ----------------------------------------------------------------- */

struct hurry {
	int64_t now_us, count;
	bool restored;
};

static enum status
hurry_job(struct db *db, void *arg)
{
	struct hurry *h = arg;
	enum status st = ST_OK;

	if (h->restored)
		st = spool_restore(db, h->now_us, &h->count);
	if (st != ST_OK)
		return st;
	st = spool_hurry(db, h->now_us, &h->count);
	return st == ST_OK ? reply_hurry(db, h->now_us) : st;
}

static int
put_flushed(struct ctl *ctl, const struct outbox_flushed *f, int64_t waiting)
{
	struct cell cells[] = {
		cell_int("sent", f->sent, 0),
		cell_int("failed", f->failed, 0),
		cell_int("waiting", waiting, 0),
	};
	enum status st = row_block(ctl, cells, CTL_COUNT(cells));

	if (st != ST_OK)
		return ctl_end(ctl, st, "spool");
	return waiting == 0 ? CTL_DONE : CTL_NO;
}

int
ctl_spool_flush(struct ctl *ctl)
{
	struct hurry h = { .now_us = clock_us(),
		.restored = ctl_flag(ctl, "restored") };
	struct outbox_flushed flushed = { 0, 0 };
	struct spool_depth depth;
	int64_t due_us;
	enum status st;
	int code = ctl_app(ctl);

	if (code != CTL_DONE)
		return code;
	st = db_write(ctl->app->db, hurry_job, &h);
	if (st == ST_OK)
		st = outbox_flush(ctl->app->outbox, NULL, &flushed);
	while (st == ST_OK && reply_work(ctl->app, &due_us))
		;
	if (st == ST_OK)
		st = spool_depth(ctl->app->db, INT64_MAX, &depth);
	return st == ST_OK ? put_flushed(ctl, &flushed, depth.waiting)
			   : ctl_end(ctl, st, "spool");
}
