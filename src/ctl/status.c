/* switchhook status: is all well, and if not, what to do. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/row.h"
#include "db/db.h"
#include "store/queue.h"
#include "store/seen.h"
#include "store/spool.h"

/* What has waited so long waits for more than a passing fault. */
#define AGE_MAX_S 600

struct report {
	struct ctl *ctl;
	bool well; /* all of it */
};

/* A line: what, "ok" or "not ok", and what it says or what to do. */
static enum status
report_put(struct report *r, const char *name, bool ok, struct buf *says)
{
	struct cell cells[] = {
		cell_text("check", name, 10),
		cell_bool("ok", ok, 5),
		cell_text("says", buf_str(says), 0),
	};
	enum status st = row_line(r->ctl, cells, CTL_COUNT(cells));

	r->well = r->well && ok;
	buf_reset(says);
	return st;
}

static enum status
report_spool(struct report *r, struct db *db, struct buf *says)
{
	struct spool_depth d = { 0 };
	enum status st = spool_depth(db, INT64_MAX, &d);
	int64_t age = clock_age_s(d.oldest_us);
	bool ok = st == ST_OK && age <= AGE_MAX_S;

	if (st != ST_OK)
		buf_puts(says, status_text(st));
	else
		buf_printf(says,
		    "%" PRId64 " wait, the oldest for %" PRId64 " s", d.waiting,
		    age);
	if (st == ST_OK && !ok)
		buf_puts(says, "; switchhook spool list says why");
	return report_put(r, "spool", ok, says);
}

static enum status
report_queue(struct report *r, const char *role, const struct queue *q,
    enum status st, const struct queue_stats *n, struct buf *says)
{
	int64_t age = clock_age_s(n->oldest_us);
	/* Unknown senders wait for somebody to look. */
	bool late = age > AGE_MAX_S && !str_eq(role, "unrouted");
	bool ok = st == ST_OK && n->dead == 0 && !late;

	if (st != ST_OK)
		buf_printf(says, "%s: %s", q->name, status_text(st));
	else
		buf_printf(says,
		    "%" PRId64 " ready, %" PRId64 " delayed, %" PRId64
		    " taken, %" PRId64 " dead, the oldest for %" PRId64 " s",
		    n->ready, n->delayed, n->taken, n->dead, age);
	if (st == ST_OK && n->dead > 0)
		buf_printf(says,
		    "; switchhook queue dead %s says why, queue redrive tries "
		    "again",
		    role);
	if (st == ST_OK && late)
		buf_puts(says, "; see that what works on it runs");
	return report_put(r, role, ok, says);
}

static int
report_queues(struct report *r, struct buf *says)
{
	const char *const *role = ctl_queue_roles;
	int code = CTL_DONE;

	for (; *role != NULL && code == CTL_DONE; role++) {
		struct queue_stats n = { 0 };
		const struct queue *q;
		enum status st;

		if ((code = ctl_queue(r->ctl, *role)) != CTL_DONE)
			break;
		q = r->ctl->queue;
		st = q->ops->stats(r->ctl->queue, &n);
		code = ctl_end(
		    r->ctl, report_queue(r, *role, q, st, &n, says), "status");
	}
	return code;
}

int
ctl_status(struct ctl *ctl)
{
	struct report r = { .ctl = ctl, .well = true };
	struct buf says = BUF_INIT;
	enum status st;
	int code = ctl_open(ctl);
	bool ok;

	if (code != CTL_DONE)
		return code;
	ok = db_ready(ctl->db, &says);
	st = report_put(&r, "store", ok, &says);
	ok = seen_steady(ctl->db, &says);
	if (st == ST_OK)
		st = report_put(&r, "clock", ok, &says);
	if (st == ST_OK)
		st = report_spool(&r, ctl->db, &says);
	code =
	    st == ST_OK ? report_queues(&r, &says) : ctl_end(ctl, st, "status");
	buf_release(&says);
	return code == CTL_DONE && !r.well ? CTL_NO : code;
}
