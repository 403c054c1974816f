/* switchhook refused: why signatures did not fit, as found when they came. */
#include "ctl/ctl.h"
#include "ctl/row.h"
#include "store/refusal.h"

static enum status
put_line(const struct refusal *r, void *ctl)
{
	const struct cell cells[] = {
		cell_int("id", r->id, 4),
		cell_time("at", r->at_us),
		cell_text("result", r->passed ? "passed" : "refused", 7),
		cell_text("verdict", r->verdict, 9),
		cell_text("cause", r->cause, 12),
		cell_text("url", r->url, 0),
	};

	return row_line(ctl, cells, CTL_COUNT(cells));
}

/* All that is known; for programs in the list, too. */
static enum status
put_whole(const struct refusal *r, void *arg)
{
	struct ctl *ctl = arg;
	const struct cell cells[] = {
		cell_int("id", r->id, 0),
		cell_time("at", r->at_us),
		cell_text("request_id", r->request_id, 0),
		cell_text("result", r->passed ? "passed" : "refused", 0),
		cell_text("method", r->method, 0),
		cell_text("route", r->route, 0),
		cell_text("url", r->url, 0),
		cell_text("verdict", r->verdict, 0),
		cell_text("cause", r->cause, 0),
		cell_text("explanation", r->explanation, 0),
	};

	return ctl->json ? row_line(ctl, cells, CTL_COUNT(cells))
			 : row_block(ctl, cells, CTL_COUNT(cells));
}

int
ctl_refused(struct ctl *ctl)
{
	enum status st;
	int code = ctl_open(ctl);

	if (code != CTL_DONE)
		return code;
	st = refusal_list(ctl->db, ctl->json ? put_whole : put_line, ctl);
	if (st == ST_OK && ctl->rows_n == 0)
		fprintf(ctl->err, "switchhook: no signature was refused\n");
	return ctl_end(ctl, st, "refused");
}

int
ctl_refused_explain(struct ctl *ctl)
{
	const char *id = ctl->operands[0];
	enum status st;
	int code = ctl_open(ctl);

	if (code != CTL_DONE)
		return code;
	st = refusal_find(ctl->db, id, put_whole, ctl);
	if (st == ST_NOTFOUND)
		return ctl_say(ctl, CTL_NO,
		    "%s: no such refusal is kept; switchhook refused lists "
		    "those that are",
		    id);
	return ctl_end(ctl, st, "%s", id);
}
