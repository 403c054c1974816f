/*
 * Saving what can be read of a damaged database. The new file is the main one
 * of a connection, the damaged one is attached as "old". Keys are read in
 * order, past what is damaged, and once more from each index; each row is then
 * copied by a statement of its own, so that what fails costs that row only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/str.h"
#include "db/db_copy.h"
#include "db/db_file.h"
#include "db/db_target.h"

#define RECOVER_WAIT_US 2000000

/* Columns of a key, at most; and names of tables or indexes. */
#define KEY_MAX 4
#define NAMES_MAX 64

struct recover {
	struct db_conn *c;
	struct buf *texts[1024]; /* SQL, kept: statements go by its address */
	size_t texts_n;
	/* Of the present table. */
	const char *table;
	const char *copy, *note, *there;
	struct buf key; /* "rowid", or the columns of the primary key */
	size_t key_n;
	int64_t saved;
	int64_t at; /* the highest rowid that was read: of a damaged page they
		     * come in any order */
};

__attribute__((format(printf, 2, 3))) static const char *
recover_sql(struct recover *r, const char *format, ...)
{
	struct buf *b = NULL;
	char text[2048];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (r->texts_n < sizeof(r->texts) / sizeof(*r->texts))
		b = calloc(1, sizeof(*b));
	if (b == NULL)
		return ";";
	r->texts[r->texts_n++] = b;
	buf_puts(b, text);
	return buf_str(b);
}

/* The first row. */
static enum status
recover_query(struct recover *r, struct db_rows **rows, const char *sql,
    const char *types, ...)
{
	enum status st;
	va_list ap;

	va_start(ap, types);
	st = db_conn_query(r->c, rows, sql, types, ap);
	va_end(ap);
	return st == ST_OK ? db_next(*rows) : st;
}

/* Is there a row? */
static enum status
recover_one(
    struct recover *r, const char *sql, const char *const key[static KEY_MAX])
{
	static const char types[] = "tttt";
	struct db_rows *rows;
	enum status st;

	st = recover_query(r, &rows, sql, types + KEY_MAX - r->key_n, key[0],
	    key[1], key[2], key[3]);
	db_done(rows);
	return st;
}

static int64_t
recover_number(struct recover *r, const char *sql)
{
	struct db_rows *rows;
	int64_t n = 0;

	if (recover_query(r, &rows, sql, "") == ST_OK)
		n = db_int(rows, 0);
	db_done(rows);
	return n;
}

/* Copy the row of this key, unless it is there; what cannot be is noted. */
static void
recover_row(struct recover *r, struct db_rows *keys)
{
	const char *key[KEY_MAX] = { NULL };

	for (size_t i = 0; i < r->key_n; i++)
		key[i] = db_text(keys, (int)i);
	if (db_int(keys, 0) > r->at)
		r->at = db_int(keys, 0);
	if (recover_one(r, r->there, key) == ST_OK)
		return;
	if (recover_one(r, r->copy, key) == ST_OK)
		r->saved++;
	else
		(void)recover_one(r, r->note, key);
}

/* The rows of the keys that a statement gives. ST_OK: of all of them. */
static enum status
recover_keys(struct recover *r, const char *sql, int64_t from)
{
	struct db_rows *rows;
	enum status st;

	st = recover_query(r, &rows, sql, strstr(sql, "?1") ? "i" : "", from);
	while (st == ST_OK) {
		recover_row(r, rows);
		st = db_next(rows);
	}
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

/* Can rows be read from this rowid on? */
static bool
recover_reads(struct recover *r, const char *sql, int64_t from)
{
	struct db_rows *rows;
	enum status st = recover_query(r, &rows, sql, "i", from);
	bool good =
	    st == ST_NOTFOUND || (st == ST_OK && db_int(rows, 0) >= from);

	db_done(rows);
	return good;
}

/* The first rowid past the damage, found by steps that double and then by
 * halves; 0: there is none. */
static int64_t
recover_skip(struct recover *r, const char *sql, int64_t bad)
{
	int64_t step = 1, good, middle;

	if (bad == INT64_MAX)
		return 0;
	while (!recover_reads(r, sql, bad + step)) {
		if (step > (INT64_MAX - bad - step) / 2)
			return 0;
		bad += step;
		step *= 2;
	}
	for (good = bad + step; good - bad > 1;) {
		middle = bad + (good - bad) / 2;
		if (recover_reads(r, sql, middle))
			good = middle;
		else
			bad = middle;
	}
	return good;
}

/* A table with rowids, in order. ST_OK: nothing had to be left out. */
static enum status
recover_by_rowid(struct recover *r)
{
	const char *sql = recover_sql(r,
	    "SELECT rowid FROM old.%s NOT INDEXED WHERE rowid >= ?1"
	    " ORDER BY rowid",
	    r->table);
	enum status st, result = ST_OK;
	int64_t from = 0;

	do {
		r->at = from - 1;
		if ((st = recover_keys(r, sql, from)) == ST_OK)
			break;
		result = st;
		from = recover_skip(r, sql, r->at > from ? r->at : from);
	} while (from > 0);
	return result;
}

/* One without: from both ends. */
static enum status
recover_by_key(struct recover *r)
{
	enum status st;
	struct buf down = BUF_INIT;
	const char *p;

	for (p = buf_str(&r->key); *p != '\0'; p++)
		buf_printf(&down, "%s%c", *p == ',' ? " DESC" : "", *p);
	st = recover_keys(r,
	    recover_sql(r, "SELECT %s FROM old.%s NOT INDEXED ORDER BY %s",
		buf_str(&r->key), r->table, buf_str(&r->key)),
	    0);
	if (st != ST_OK)
		(void)recover_keys(r,
		    recover_sql(r,
			"SELECT %s FROM old.%s NOT INDEXED ORDER BY %s DESC",
			buf_str(&r->key), r->table, buf_str(&down)),
		    0);
	buf_release(&down);
	return st;
}

/* --- names ----------------------------------------------------------------- */

struct recover_names {
	char *name[NAMES_MAX], *more[NAMES_MAX];
	size_t n;
};

static void
names_release(struct recover_names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		free(names->name[i]);
		free(names->more[i]);
	}
	names->n = 0;
}

/* Two columns of text, of which the second may be NULL. */
static enum status
names_read(struct recover *r, struct recover_names *names, const char *sql,
    const char *arg)
{
	struct db_rows *rows;
	enum status st;

	names->n = 0;
	st = recover_query(r, &rows, sql, arg == NULL ? "" : "t", arg);
	while (st == ST_OK && names->n < NAMES_MAX) {
		names->more[names->n] = NULL;
		st = str_dup(db_text(rows, 0), &names->name[names->n]);
		if (st != ST_OK)
			break;
		st = str_dup(db_text(rows, 1), &names->more[names->n++]);
		if (st == ST_OK)
			st = db_next(rows);
	}
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

/* Each index has the keys, too; the new file has the same ones. */
static enum status
recover_by_indexes(struct recover *r)
{
	struct recover_names indexes;
	const char *where;
	enum status st, one;

	st = names_read(r, &indexes,
	    "SELECT name, sql FROM main.sqlite_schema WHERE type = 'index'"
	    " AND tbl_name = ?1 AND (name NOT LIKE 'sqlite_autoindex%' OR"
	    " ?1 NOT IN (SELECT name FROM main.sqlite_schema"
	    " WHERE sql LIKE '%WITHOUT ROWID'))",
	    r->table);
	if (st == ST_OK && indexes.n == 0)
		st = ST_NOTFOUND;
	for (size_t i = 0; i < indexes.n; i++) {
		where = indexes.more[i] == NULL
		    ? NULL
		    : strstr(indexes.more[i], " WHERE ");
		one = recover_keys(r,
		    recover_sql(r, "SELECT %s FROM old.%s INDEXED BY %s%s",
			buf_str(&r->key), r->table, indexes.name[i],
			where == NULL ? "" : where),
		    0);
		if (one != ST_OK)
			st = one;
	}
	names_release(&indexes);
	return st;
}

/* --- a table --------------------------------------------------------------- */

static enum status
recover_prepare(struct recover *r, const char *sql)
{
	static const char *const marks[] = { "", "?1", "?1, ?2", "?1, ?2, ?3",
		"?1, ?2, ?3, ?4" };
	struct recover_names columns;
	struct buf all = BUF_INIT;
	enum status st;

	buf_reset(&r->key);
	r->key_n = 0;
	r->saved = 0;
	st = names_read(r, &columns,
	    "SELECT name, CASE WHEN pk > 0 THEN '' END"
	    " FROM pragma_table_info(?1) ORDER BY pk, cid",
	    r->table);
	for (size_t i = 0; i < columns.n; i++) {
		buf_printf(&all, "%s%s", i == 0 ? "" : ", ", columns.name[i]);
		if (columns.more[i] != NULL)
			buf_printf(&r->key, "%s%s", r->key_n++ == 0 ? "" : ", ",
			    columns.name[i]);
	}
	names_release(&columns);
	if (sql == NULL || strstr(sql, "WITHOUT ROWID") == NULL) {
		buf_reset(&r->key);
		buf_puts(&r->key, "rowid");
		r->key_n = 1;
	}
	if (st == ST_OK && r->key_n > KEY_MAX)
		st = ST_UNSUPPORTED;
	if (st == ST_OK) {
		r->there =
		    recover_sql(r, "SELECT 1 FROM main.%s WHERE (%s) = (%s)",
			r->table, buf_str(&r->key), marks[r->key_n]);
		r->copy = recover_sql(r,
		    "INSERT OR IGNORE INTO main.%s (%s) SELECT %s FROM old.%s"
		    " NOT INDEXED WHERE (%s) = (%s) RETURNING 1",
		    r->table, buf_str(&all), buf_str(&all), r->table,
		    buf_str(&r->key), marks[r->key_n]);
		r->note = recover_sql(r,
		    "INSERT OR IGNORE INTO temp.lost VALUES"
		    " (printf('%%Q %%Q %%Q %%Q', ?1, ?2, ?3, ?4))");
	}
	buf_release(&all);
	return st;
}

/* The name of the installation is made with the table: the old one counts. */
static void
recover_table(struct recover *r, const char *table, const char *sql,
    db_saved_fn *fn, void *arg)
{
	struct db_saved s = { .table = table };
	enum status walked, looked;

	r->table = table;
	(void)db_conn_script(r->c, "DELETE FROM temp.lost");
	(void)db_conn_script(
	    r->c, recover_sql(r, "DELETE FROM main.%s", table));
	if (recover_prepare(r, sql) == ST_OK) {
		walked = strcmp(buf_str(&r->key), "rowid") == 0
		    ? recover_by_rowid(r)
		    : recover_by_key(r);
		looked = recover_by_indexes(r);
		s.sure = walked == ST_OK || looked == ST_OK;
	}
	s.saved = r->saved;
	s.lost = recover_number(r, "SELECT count(*) FROM temp.lost");
	fn(&s, arg);
}

/* --- the file -------------------------------------------------------------- */

/* Is the old file one of ours, and of which version? */
static enum status
recover_version(const struct db_file *f, int64_t *version, struct buf *why)
{
	struct recover r = { 0 };
	enum status st;

	if ((st = db_conn_open(&r.c, f->uri, false, why)) != ST_OK)
		return st;
	db_conn_forgive(r.c);
	*version = recover_number(&r, "PRAGMA user_version");
	if (recover_number(&r, "PRAGMA application_id") !=
		DB_FILE_APPLICATION ||
	    recover_number(&r, "SELECT count(*) FROM sqlite_schema") == 0) {
		buf_printf(why,
		    "%s: the first pages, which list the tables, are damaged, "
		    "or it is another program's; the sqlite3 shell's .recover "
		    "may find more, or restore a copy",
		    f->path);
		st = ST_CORRUPT;
	} else if (*version > db_file_known(f->schema)) {
		buf_printf(why,
		    "%s was made by a newer version of this program; use that",
		    f->path);
		st = ST_UNSUPPORTED;
	}
	db_conn_close(r.c);
	return st;
}

static enum status
recover_tables(struct recover *r, db_saved_fn *fn, void *arg)
{
	struct recover_names tables;
	enum status st;

	st = names_read(r, &tables,
	    "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table'"
	    " AND name NOT LIKE 'sqlite_%' ORDER BY name",
	    NULL);
	for (size_t i = 0; i < tables.n; i++)
		recover_table(r, tables.name[i], tables.more[i], fn, arg);
	names_release(&tables);
	return st;
}

static enum status
recover_into(const struct db_file *f, const char *to, int64_t version,
    db_saved_fn *fn, void *arg, struct buf *why)
{
	struct recover *r = calloc(1, sizeof(*r));
	struct db_rows *rows = NULL;
	const char *words;
	enum status st;

	if (r == NULL)
		return ST_NOMEM;
	if ((st = db_conn_open(&r->c, to, false, why)) == ST_OK)
		st = db_conn_script(r->c,
		    "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;"
		    "CREATE TEMP TABLE lost (key TEXT PRIMARY KEY)");
	if (st == ST_OK)
		st = db_file_migrate(f->schema, r->c, 0, version);
	if (st == ST_OK) {
		db_conn_forgive(r->c);
		st = recover_query(r, &rows, "ATTACH ?1 AS old", "t", f->path);
		db_done(rows);
		st = st == ST_NOTFOUND ? ST_OK : st;
	}
	if (st == ST_OK)
		st = recover_tables(r, fn, arg);
	if (r->c != NULL && st != ST_OK && db_conn_fault(r->c, &words) != ST_OK)
		buf_printf(why, "%s: %s", f->path, words);
	db_conn_close(r->c);
	for (size_t i = 0; i < r->texts_n; i++) {
		buf_release(r->texts[i]);
		free(r->texts[i]);
	}
	buf_release(&r->key);
	free(r);
	return st;
}

enum status
db_recover(const struct db_options *o, const char *to, db_saved_fn *fn,
    void *arg, struct buf *why)
{
	struct db_file f = DB_FILE_INIT;
	struct db_target t = { 0 };
	int64_t version = 0;
	struct stat there;
	enum status st;

	if (stat(o->path, &there) < 0) {
		buf_printf(why, "%s is not there", o->path);
		return ST_NOTFOUND;
	}
	if ((st = db_file_init(&f, o, why)) == ST_OK)
		st = db_lock_take(&f.lock, clock_mono_us() + RECOVER_WAIT_US);
	if (st == ST_BUSY)
		buf_printf(
		    why, "%s is in use: stop the responder first", o->path);
	if (st == ST_OK)
		st = recover_version(&f, &version, why);
	if (st == ST_OK && (st = db_target_open(&t, to, why)) == ST_OK)
		st = recover_into(&f, t.partial, version, fn, arg, why);
	if (t.path != NULL)
		st = db_target_close(&t, st, why);
	if (st != ST_OK && why->len == 0)
		buf_puts(why, status_text(st));
	if (f.lock.held)
		db_lock_drop(&f.lock);
	db_file_release(&f);
	return st;
}
