/* switchhook calls tail: status events as they are recorded. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/calls.h"
#include "ctl/child.h"
#include "db/db.h"
#include "store/call.h"

/* How often the log is looked at: one row of an index, without a lock. */
#define POLL_MS 250

/* Events read at a time. */
#define PAGE 500

struct tail {
	struct ctl *ctl;
	int64_t seq; /* of the last event that was printed */
	int64_t next_seq; /* of the last of this look */
	size_t n; /* of this look */
	bool gone; /* nobody reads any more */
};

static enum status
put_event(const struct call_event *e, void *arg)
{
	struct tail *t = arg;
	struct cell cells[] = {
		cell_time("at", e->at_us),
		cell_text("sid", e->sid, 34),
		cell_text("status", e->status, 11),
		calls_number("sequence", e->sequence, 8),
		cell_text("direction", e->direction, 13),
		cell_text("from", e->from, 14),
		cell_text("to", e->to, 14),
		calls_number("duration_s", e->duration_s, 10),
		cell_text("error_code", e->error_code, 0),
	};

	t->next_seq = e->seq;
	t->n++;
	return row_line(t->ctl, cells, CTL_COUNT(cells));
}

static enum status
look_job(struct db *db, void *arg)
{
	struct tail *t = arg;

	return call_events_after(db, t->seq, PAGE, put_event, t);
}

/* That whoever reads has gone is not our failure. */
static enum status
print(struct tail *t, const char *text, size_t len)
{
	if (fwrite(text, 1, len, t->ctl->out) == len)
		return ST_OK;
	t->gone = errno == EPIPE;
	if (t->gone)
		clearerr(t->ctl->out);
	return t->gone ? ST_OK : ST_IO;
}

/* Print what is new. A database that is busy is looked at again. */
static enum status
look(struct tail *t)
{
	enum status st;
	size_t len;
	char *text;

	t->n = 0;
	st = calls_read(t->ctl, look_job, t, &text, &len);
	if (st == ST_OK && t->n > 0) {
		st = print(t, text, len);
		t->seq = t->next_seq;
	}
	free(text);
	return st == ST_BUSY ? ST_OK : st;
}

/* Does anybody read? A pipe tells, while there is nothing to print too. */
static bool
is_read(const struct tail *t)
{
	struct pollfd p = { .fd = STDOUT_FILENO };

	return !t->gone &&
	    (poll(&p, 1, 0) <= 0 || (p.revents & (POLLERR | POLLHUP)) == 0);
}

struct beginning {
	size_t lines;
	int64_t seq;
};

static enum status
begin_job(struct db *db, void *arg)
{
	struct beginning *b = arg;

	return call_events_tail(db, b->lines, &b->seq);
}

static enum status
follow(struct tail *t, int64_t lines)
{
	struct beginning b = { (size_t)lines, 0 };
	struct stop stop;
	enum status st = stop_open(&stop);

	if (st == ST_OK)
		st = db_read(t->ctl->db, begin_job, &b);
	t->seq = b.seq;
	while (st == ST_OK && !stop.asked && is_read(t)) {
		st = look(t);
		if (st == ST_OK && t->n < PAGE && !t->gone)
			stop_wait(&stop, POLL_MS);
	}
	stop_close(&stop);
	return st;
}

int
ctl_calls_tail(struct ctl *ctl)
{
	struct tail t = { .ctl = ctl };
	int code;

	/* Nothing is left to fail at the end. */
	setvbuf(ctl->out, NULL, _IONBF, 0);
	code = ctl_open(ctl);
	return code == CTL_DONE
	    ? ctl_end(ctl, follow(&t, ctl_number(ctl, "lines", 0)), "calls")
	    : code;
}
