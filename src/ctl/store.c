/* switchhook store: copies of the database, and what is wrong with it. */
#include "base/str.h"
#include "config/config.h"
#include "ctl/ctl.h"
#include "ctl/row.h"
#include "db/db.h"
#include "db/db_copy.h"
#include "store/check.h"

/* ctl->db, if there is one: at path, or where the configuration has it. */
static int
open_existing(struct ctl *ctl, const char *path, bool inspect)
{
	struct buf why = BUF_INIT;
	struct db_options o;
	int code = ctl_config(ctl);

	if (code != CTL_DONE)
		return code;
	o = ctl_db_options(ctl);
	o.existing = true;
	o.inspect = inspect;
	if (path != NULL)
		o.path = path;
	code = ctl_end_why(ctl, db_open(&ctl->db, &o, &why), &why);
	buf_release(&why);
	return code;
}

/* --- copy ------------------------------------------------------------------ */

int
ctl_store_copy(struct ctl *ctl)
{
	struct buf why = BUF_INIT;
	int code = open_existing(ctl, NULL, false);

	if (code == CTL_DONE)
		code = ctl_end_why(
		    ctl, db_copy(ctl->db, ctl->operands[0], &why), &why);
	buf_release(&why);
	return code;
}

/* --- check ----------------------------------------------------------------- */

struct findings {
	struct ctl *ctl;
	const char *path;
	enum status st;
	bool any;
};

static void
put_finding(const char *wrong, const char *advice, void *arg)
{
	struct findings *f = arg;
	struct cell cells[] = {
		cell_text("file", f->path, 0),
		cell_bool("ok", wrong == NULL, 0),
		cell_text("wrong", wrong, 0),
		cell_text("advice", advice, 0),
	};

	f->any = f->any || wrong != NULL;
	f->st = row_block(f->ctl, cells, CTL_COUNT(cells));
}

int
ctl_store_check(struct ctl *ctl)
{
	struct findings f = { .ctl = ctl, .path = ctl->operands[0] };
	enum status st;
	int code = open_existing(ctl, f.path, true);

	if (code != CTL_DONE)
		return code;
	if (f.path == NULL)
		f.path = ctl->config->store.path;
	st = store_check(ctl->db, put_finding, &f);
	if (st == ST_OK && !f.any)
		put_finding(NULL, NULL, &f);
	code = ctl_end(ctl, st == ST_OK ? f.st : st, "%s", f.path);
	return code == CTL_DONE && f.any ? CTL_NO : code;
}

/* --- recover --------------------------------------------------------------- */

struct saving {
	struct ctl *ctl;
	enum status st;
	bool lost;
};

static void
put_saved(const struct db_saved *s, void *arg)
{
	struct saving *all = arg;
	struct cell cells[] = {
		cell_text("table", s->table, 16),
		cell_int("saved", s->saved, 10),
		cell_int("lost", s->lost, 10),
		cell_bool("sure", s->sure, 4),
	};

	all->lost = all->lost || s->lost > 0 || !s->sure;
	all->st = row_line(all->ctl, cells, CTL_COUNT(cells));
}

int
ctl_store_recover(struct ctl *ctl)
{
	struct saving all = { .ctl = ctl };
	struct buf why = BUF_INIT;
	struct db_options o;
	enum status st;
	int code = ctl_config(ctl);

	if (code != CTL_DONE)
		return code;
	o = ctl_db_options(ctl);
	o.existing = true;
	st = db_recover(&o, ctl->operands[0], put_saved, &all, &why);
	code = ctl_end_why(ctl, st == ST_OK ? all.st : st, &why);
	if (code == CTL_DONE && all.lost)
		code = CTL_NO;
	buf_release(&why);
	return code;
}
