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

static int
store_fail(const struct ctl *ctl, enum status st, const struct buf *why)
{
	return ctl_say(ctl, ctl_exit_of(st), "%s",
	    why->len > 0 ? buf_str(why) : status_text(st));
}

/* --- copy ------------------------------------------------------------------ */

int
ctl_store_copy(const struct ctl *ctl, int argc, char **argv)
{
	const struct ctl_syntax syntax = { "store copy", "FILE",
		"Copy the database into a new file, while it is in use or "
		"not.",
		1, 1, NULL, 0 };
	struct config *config = NULL;
	struct buf why = BUF_INIT;
	struct db_options o;
	struct db *db = NULL;
	enum status st;
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code) ||
	    (code = ctl_config(ctl, &config)) != CTL_DONE)
		return code;
	o = store_options(config);
	if ((st = db_open(&db, &o, &why)) == ST_OK)
		st = db_copy(db, argv[1], &why);
	if (st != ST_OK)
		code = store_fail(ctl, st, &why);
	db_close(db);
	config_free(config);
	buf_release(&why);
	return code;
}

/* --- check ----------------------------------------------------------------- */

struct findings {
	struct rows rows;
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
	f->st = rows_block(&f->rows, cells, CTL_COUNT(cells));
}

int
ctl_store_check(const struct ctl *ctl, int argc, char **argv)
{
	const struct ctl_syntax syntax = { "store check", "[FILE]",
		"Look at all of the database, or of a copy of it, and say what "
		"is wrong.\nExit status 1: something is.",
		0, 1, NULL, 0 };
	struct findings f = { .rows = { ctl, 0 } };
	struct config *config = NULL;
	struct buf why = BUF_INIT;
	struct db_options o;
	struct db *db = NULL;
	enum status st;
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code) ||
	    (code = ctl_config(ctl, &config)) != CTL_DONE)
		return code;
	o = store_options(config);
	o.inspect = true;
	if (n > 0)
		o.path = argv[1];
	f.path = o.path;
	if ((st = db_open(&db, &o, &why)) == ST_OK)
		st = store_check(db, put_finding, &f);
	if (st == ST_OK && !f.any)
		put_finding(NULL, NULL, &f);
	if (st == ST_OK)
		st = f.st;
	if (st != ST_OK)
		code = store_fail(ctl, st, &why);
	else
		code = f.any ? CTL_NO : CTL_DONE;
	db_close(db);
	config_free(config);
	buf_release(&why);
	return code;
}

/* --- recover --------------------------------------------------------------- */

struct saving {
	struct rows rows;
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
	all->st = rows_line(&all->rows, cells, CTL_COUNT(cells));
}

int
ctl_store_recover(const struct ctl *ctl, int argc, char **argv)
{
	const struct ctl_syntax syntax = { "store recover", "FILE",
		"Save what can be read of a damaged database into a new "
		"file.\nExit status 1: something is lost.",
		1, 1, NULL, 0 };
	struct saving all = { .rows = { ctl, 0 } };
	struct config *config = NULL;
	struct buf why = BUF_INIT;
	struct db_options o;
	enum status st;
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code) ||
	    (code = ctl_config(ctl, &config)) != CTL_DONE)
		return code;
	o = store_options(config);
	if ((st = db_recover(&o, argv[1], put_saved, &all, &why)) == ST_OK)
		st = all.st;
	if (st != ST_OK)
		code = store_fail(ctl, st, &why);
	else
		code = all.lost ? CTL_NO : CTL_DONE;
	config_free(config);
	buf_release(&why);
	return code;
}
