/* switchhook spool: what remote queues have not taken yet. */
#include "app/app.h"
#include "app/outbox.h"
#include "base/clock.h"
#include "ctl/ctl.h"
#include "ctl/row.h"
#include "store/db.h"
#include "store/spool.h"

/* --- list ------------------------------------------------------------------ */

struct listing {
	struct rows rows;
	int64_t limit;
};

static enum status
put_entry(const struct spool_entry *e, void *arg)
{
	struct listing *l = arg;
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

	return rows_line(&l->rows, cells, CTL_COUNT(cells));
}

static enum status
list_job(struct db *db, void *arg)
{
	struct listing *l = arg;

	l->rows.n = 0;
	return spool_list(db, (size_t)l->limit, put_entry, l);
}

int
ctl_spool_list(const struct ctl *ctl, int argc, char **argv)
{
	struct listing l = { .rows = { ctl, 0 }, .limit = 100 };
	const struct ctl_option opts[] = {
		ctl_number("limit", "N", &l.limit, 1, 1000000,
		    "how many at most (100)"),
	};
	const struct ctl_syntax syntax = { "spool list", "",
		"List what waits for a queue that could not be reached, oldest "
		"first.",
		0, 0, opts, CTL_COUNT(opts) };
	struct ctl_session s;
	enum status e;
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		return code;
	code = ctl_open(ctl, &s);
	if (code == CTL_DONE) {
		e = db_read(s.db, list_job, &l);
		if (e != ST_OK)
			code = ctl_fail(ctl, e, "spool");
	}
	ctl_close(&s);
	return code;
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
	return spool_hurry(db, h->now_us, &h->count);
}

static enum status
depth_job(struct db *db, void *arg)
{
	struct hurry *h = arg;
	int64_t oldest;

	return spool_stats(db, INT64_MAX, &h->count, &oldest);
}

static int
put_flushed(
    const struct ctl *ctl, const struct outbox_flushed *f, int64_t waiting)
{
	struct rows rows = { ctl, 0 };
	struct cell cells[] = {
		cell_int("sent", f->sent, 0),
		cell_int("failed", f->failed, 0),
		cell_int("waiting", waiting, 0),
	};
	enum status e = rows_block(&rows, cells, CTL_COUNT(cells));

	if (e != ST_OK)
		return ctl_fail(ctl, e, "spool");
	return waiting == 0 ? CTL_DONE : CTL_NO;
}

int
ctl_spool_flush(const struct ctl *ctl, int argc, char **argv)
{
	struct hurry h = { .now_us = clock_us() };
	const struct ctl_option opts[] = {
		ctl_flag("restored", &h.restored,
		    "send what is held in a copy of the database, too"),
	};
	const struct ctl_syntax syntax = { "spool flush", "",
		"Send what waits, each once, now. Exit status 1: something "
		"still waits.\nFor cron, where no server runs that does it.",
		0, 0, opts, CTL_COUNT(opts) };
	struct outbox_flushed flushed = { 0, 0 };
	struct app *app = NULL;
	enum status e;
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		return code;
	code = ctl_app(ctl, &app);
	if (code != CTL_DONE)
		return code;
	e = db_write(app->db, hurry_job, &h);
	if (e == ST_OK)
		e = outbox_flush(app, NULL, &flushed);
	if (e == ST_OK)
		e = db_read(app->db, depth_job, &h);
	code = e == ST_OK ? put_flushed(ctl, &flushed, h.count)
			  : ctl_fail(ctl, e, "spool");
	app_close(app);
	return code;
}
