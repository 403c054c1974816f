/* switchhook store: copies of the database, and what is wrong with it. */
#include "base/str.h"
#include "config/config.h"
#include "ctl/ctl.h"
#include "ctl/row.h"
#include "store/check.h"
#include "store/db.h"
#include "store/db_copy.h"

static struct db_options
store_options(const struct config *c)
{
	return (struct db_options){ .path = c->store.path,
		.journal =
		    c->store.journal == JOURNAL_ROLLBACK ? DB_ROLLBACK : DB_WAL,
		.existing = true };
}

/* --- copy ------------------------------------------------------------------ */

int
ctl_store_copy(struct ctl *ctl)
{
	struct buf why = BUF_INIT;
	struct db_options o;
	struct db *db = NULL;
	enum status st;
	int code = ctl_config(ctl);

	if (code != CTL_DONE)
		return code;
	o = store_options(ctl->config);
	if ((st = db_open(&db, &o, &why)) == ST_OK)
		st = db_copy(db, ctl->operands[0], &why);
	code = ctl_end_why(ctl, st, &why);
	db_close(db);
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
	struct findings f = { .ctl = ctl };
	struct buf why = BUF_INIT;
	struct db_options o;
	struct db *db = NULL;
	enum status st;
	int code = ctl_config(ctl);

	if (code != CTL_DONE)
		return code;
	o = store_options(ctl->config);
	o.inspect = true;
	if (ctl->operands_n > 0)
		o.path = ctl->operands[0];
	f.path = o.path;
	if ((st = db_open(&db, &o, &why)) == ST_OK)
		st = store_check(db, put_finding, &f);
	if (st == ST_OK && !f.any)
		put_finding(NULL, NULL, &f);
	code = ctl_end_why(ctl, st == ST_OK ? f.st : st, &why);
	if (code == CTL_DONE && f.any)
		code = CTL_NO;
	db_close(db);
	buf_release(&why);
	return code;
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
	o = store_options(ctl->config);
	st = db_recover(&o, ctl->operands[0], put_saved, &all, &why);
	code = ctl_end_why(ctl, st == ST_OK ? all.st : st, &why);
	if (code == CTL_DONE && all.lost)
		code = CTL_NO;
	buf_release(&why);
	return code;
}
