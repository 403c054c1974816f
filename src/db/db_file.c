#include "db/db_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "db/db_reserve.h"

/* Waiting for the lock, when the file must be made or changed. */
#define UPGRADE_WAIT_US 8000000

/*
 * Connection settings; none writes to the file. A log or journal that has
 * been larger than the limit is cut to it when it starts over.
 */
#define SETTINGS \
	"PRAGMA synchronous = FULL;" \
	"PRAGMA temp_store = MEMORY;" \
	"PRAGMA mmap_size = 0;" \
	"PRAGMA trusted_schema = OFF;" \
	"PRAGMA secure_delete = FAST;" \
	"PRAGMA journal_size_limit = 16777216;"
#define WRITER_CACHE "PRAGMA cache_size = -2048;"
#define READER_CACHE "PRAGMA cache_size = -512; PRAGMA query_only = ON;"

static enum status
query(struct db_conn *c, struct db_rows **rows, const char *sql, ...)
{
	enum status st;
	va_list ap;

	va_start(ap, sql);
	st = db_conn_query(c, rows, sql, "", ap);
	va_end(ap);
	return st == ST_OK ? db_next(*rows) : st;
}

static enum status
query_int(struct db_conn *c, const char *sql, int64_t *out)
{
	struct db_rows *rows;
	enum status st;

	if ((st = query(c, &rows, sql)) == ST_OK)
		*out = db_int(rows, 0);
	db_done(rows);
	return st;
}

static enum status
query_journal(struct db_conn *c, enum db_journal *out)
{
	struct db_rows *rows;
	enum status st;

	if ((st = query(c, &rows, "PRAGMA journal_mode")) == ST_OK)
		*out = str_eq(db_text(rows, 0), "wal") ? DB_WAL : DB_ROLLBACK;
	db_done(rows);
	return st;
}

/* The place of a file that is not there yet. */
static enum status
resolve_new(const char *path, char **out)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	char *dir = strndup(path, (size_t)(name - path)), *real = NULL;
	struct buf full = BUF_INIT;
	enum status st = ST_NOMEM;

	if (dir == NULL)
		goto out;
	if ((real = realpath(*dir == '\0' ? "." : dir, NULL)) == NULL) {
		st = errno == ENOMEM ? ST_NOMEM : ST_IO;
		goto out;
	}
	buf_printf(&full, "%s/%s", str_eq(real, "/") ? "" : real, name);
	if ((*out = buf_detach(&full)) != NULL)
		st = ST_OK;
out:
	free(real);
	free(dir);
	return st;
}

/* The name without symbolic links: two names would mean two locks. */
static enum status
resolve(const char *path, char **out)
{
	struct stat st;

	if ((*out = realpath(path, NULL)) != NULL)
		return ST_OK;
	if (errno == ENOMEM)
		return ST_NOMEM;
	if (errno != ENOENT)
		return ST_IO;
	/* A link to nothing is a mistake, not a wish. Else the file may be
	 * there by now: its directory's name serves as well. */
	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
		errno = ENOENT;
		return ST_IO;
	}
	return resolve_new(path, out);
}

static void
uri_put(struct buf *uri, const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~/";

	for (; *s != '\0'; s++)
		if (strchr(plain, *s) != NULL)
			buf_putc(uri, *s);
		else
			buf_printf(uri, "%%%02X", (unsigned char)*s);
}

static enum status
make_name(const struct db_file *f, const char *suffix, char **out)
{
	struct buf name = BUF_INIT;

	buf_printf(&name, "%s%s", f->path, suffix);
	return (*out = buf_detach(&name)) == NULL ? ST_NOMEM : ST_OK;
}

static bool
has_beside(const struct db_file *f, const char *suffix)
{
	bool has = true;
	char *name;

	if (make_name(f, suffix, &name) == ST_OK)
		has = access(name, F_OK) == 0;
	free(name);
	return has;
}

/*
 * A new database gets the lock file's permissions from SQLite itself, as it
 * makes it: for us to open the file as well would, on closing it, drop the
 * POSIX locks of the whole process.
 */
static enum status
make_uri(struct db_file *f, bool inspect)
{
	struct buf uri = BUF_INIT;

	buf_puts(&uri, "file:");
	uri_put(&uri, f->path);
	if (f->lock.path != NULL) {
		buf_puts(&uri, "?modeof=");
		uri_put(&uri, f->lock.path);
	}
	/* All of it is in the one file, and SQLite needs none beside it. */
	if (inspect && !has_beside(f, "-wal") && !has_beside(f, "-journal"))
		buf_puts(&uri, "?immutable=1");
	return (f->uri = buf_detach(&uri)) == NULL ? ST_NOMEM : ST_OK;
}

enum status
db_file_init(struct db_file *f, const struct db_options *o, struct buf *why)
{
	enum status st;

	*f = (struct db_file)DB_FILE_INIT;
	f->journal = o->journal;
	f->existing = o->existing || o->inspect;
	f->schema = o->schema;
	f->upkeep = o->upkeep;
	if ((st = resolve(o->path, &f->path)) == ST_IO)
		buf_printf(why, "%s: %s", o->path, strerror(errno));
	if (st == ST_OK && !o->inspect)
		st = db_lock_open(&f->lock, f->path, why);
	f->lock.quit = o->quit;
	if (st == ST_OK)
		st = make_uri(f, o->inspect);
	if (st == ST_OK && f->journal == DB_WAL)
		st = make_name(f, "-wal", &f->log);
	if (st == ST_OK && !o->inspect)
		st = make_name(f, ".reserve", &f->reserve);
	/* Named, not opened: for db_lock_marked. */
	if (st == ST_OK && o->inspect)
		st = make_name(f, ".lock", &f->lock.path);
	if (st != ST_OK)
		db_file_release(f);
	return st;
}

void
db_file_release(struct db_file *f)
{
	db_lock_release(&f->lock);
	free(f->path);
	free(f->uri);
	free(f->log);
	free(f->reserve);
	*f = (struct db_file)DB_FILE_INIT;
}

int64_t
db_file_known(const struct db_schema *schema)
{
	int64_t n = 0;

	while (schema->migrations[n] != NULL)
		n++;
	return n;
}

/* What is in the file, as far as we must know it. */
struct form {
	int64_t application;
	int64_t version;
	int64_t tables;
	enum db_journal journal;
};

static enum status
read_form(struct db_conn *c, struct form *form)
{
	enum status st;

	/* In one view: another process may be making the file just now. */
	st = db_conn_script(c, "BEGIN");
	if (st == ST_OK)
		st = query_int(c, "PRAGMA application_id", &form->application);
	if (st == ST_OK)
		st = query_int(c, "PRAGMA user_version", &form->version);
	if (st == ST_OK)
		st = query_int(
		    c, "SELECT count(*) FROM sqlite_schema", &form->tables);
	if (st == ST_OK)
		st = query_journal(c, &form->journal);
	db_conn_rollback(c);
	return st;
}

/* Is it ours? *behind: yes, but it must be made, migrated or converted. */
static enum status
judge(const struct db_file *f, const struct form *form, bool *behind,
    struct buf *why)
{
	int64_t known = db_file_known(f->schema);
	bool blank =
	    form->application == 0 && form->version == 0 && form->tables == 0;

	*behind = form->version < known || form->journal != f->journal;
	if (form->application != DB_FILE_APPLICATION && !blank) {
		buf_printf(why,
		    "%s is the database of another program; give "
		    "store.path a file of its own",
		    f->path);
		return ST_UNSUPPORTED;
	}
	if (form->version > known) {
		buf_printf(why,
		    "%s was made by a newer version of this program (its "
		    "schema is %lld, this version knows %lld); install that "
		    "version, or restore a copy from before it",
		    f->path, (long long)form->version, (long long)known);
		return ST_UNSUPPORTED;
	}
	return ST_OK;
}

static enum status
complain(const struct db_file *f, enum status st, struct db_conn *c,
    const char *what, struct buf *why)
{
	const char *words = NULL;

	if (st == ST_OK)
		return st;
	db_conn_fault(c, &words);
	buf_printf(why, "%s: %s: %s", f->path, what,
	    st == ST_CORRUPT ? "it is damaged, or not a database, or the "
			       "disk does not give it"
			     : words);
	return st;
}

static enum status
set_journal(const struct db_file *f, struct db_conn *c, struct buf *why)
{
	enum db_journal now = DB_WAL;
	enum status st;

	/* Of the rollback journals that sync what makes a commit count, the
	 * persistent one is the fastest for small transactions. */
	st = db_conn_script(c,
	    f->journal == DB_WAL ? "PRAGMA journal_mode = WAL"
				 : "PRAGMA journal_mode = PERSIST");
	if (st == ST_BUSY) {
		buf_printf(why,
		    "%s is in use under another store.journal; stop all that "
		    "use it to change this setting",
		    f->path);
		return st;
	}
	if (st == ST_OK)
		st = query_journal(c, &now);
	if (st == ST_OK && now == f->journal)
		return ST_OK;
	complain(f, st == ST_OK ? ST_IO : st, c,
	    "cannot set the journal mode (on a file system without shared "
	    "memory use store.journal = rollback)",
	    why);
	return st == ST_OK ? ST_IO : st;
}

enum status
db_file_migrate(const struct db_schema *schema, struct db_conn *c,
    int64_t version, int64_t to)
{
	enum status st = ST_OK;
	char sql[96];

	for (; st == ST_OK && version < to; version++)
		st = db_conn_script(c, schema->migrations[version]);
	snprintf(sql, sizeof(sql),
	    "PRAGMA application_id = %d; PRAGMA user_version = %lld",
	    DB_FILE_APPLICATION, (long long)version);
	if (st == ST_OK)
		st = db_conn_script(c, sql);
	return st;
}

static enum status
migrate(const struct db_file *f, struct db_conn *c, struct buf *why)
{
	int64_t version = 0, known = db_file_known(f->schema);
	enum status st;

	st = db_conn_begin(c, true);
	if (st == ST_OK)
		st = query_int(c, "PRAGMA user_version", &version);
	if (st == ST_OK && version < known)
		st = db_file_migrate(f->schema, c, version, known);
	if (st == ST_OK)
		st = db_conn_commit(c);
	if (st != ST_OK)
		db_conn_rollback(c);
	return complain(f, st, c, "cannot migrate", why);
}

enum status
db_file_touch(const struct db_file *f, struct db_conn *c, bool write)
{
	int64_t version = 0;
	char sql[64];
	enum status st;

	if ((st = query_int(c, "PRAGMA user_version", &version)) != ST_OK)
		return st;
	if (version > db_file_known(f->schema))
		return ST_UNSUPPORTED;
	if (!write)
		return ST_OK;
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d",
	    DB_FILE_APPLICATION);
	return db_conn_script(c, sql);
}

/* Make, convert or migrate; the lock is held. */
static enum status
upgrade(const struct db_file *f, struct db_conn *c, struct buf *why)
{
	struct form form = { 0 };
	bool behind = false;
	enum status st;

	st = complain(f, read_form(c, &form), c, "cannot read", why);
	if (st == ST_OK)
		st = judge(f, &form, &behind, why);
	if (st == ST_OK && behind)
		st = set_journal(f, c, why);
	if (st == ST_OK && behind)
		st = migrate(f, c, why);
	return st;
}

static enum status
upgrade_locked(struct db_file *f, struct db_conn *c, struct buf *why)
{
	enum status st;

	if (f->lock.held)
		return upgrade(f, c, why);
	st = db_lock_take(&f->lock, clock_mono_us() + UPGRADE_WAIT_US);
	if (st != ST_OK) {
		buf_printf(why, "%s: %s", f->lock.path,
		    st == ST_BUSY ? "held by another process"
				  : strerror(errno));
		return st;
	}
	st = upgrade(f, c, why);
	db_lock_drop(&f->lock);
	return st;
}

/* As db_lock.c does for the lock file; by name, for the reason above. */
static void
give_to_lock_owner(const struct db_file *f)
{
	struct stat file, lock;

	if (geteuid() != 0 || stat(f->path, &file) < 0 || file.st_size > 0 ||
	    stat(f->lock.path, &lock) < 0)
		return;
	if (chown(f->path, lock.st_uid, lock.st_gid) < 0)
		errno = 0; /* then it stays root's */
}

static enum status
connect(
    const struct db_file *f, struct db_conn **out, bool create, struct buf *why)
{
	struct buf words = BUF_INIT;
	enum status st;

	if ((st = db_conn_open(out, f->uri, create, &words)) != ST_OK)
		buf_printf(why, "cannot open %s: %s", f->path, buf_str(&words));
	buf_release(&words);
	if (st == ST_OK && create)
		give_to_lock_owner(f);
	return st;
}

/* Nobody wants an empty database where one has been. */
static enum status
refuse_vanished(const struct db_file *f, struct buf *why)
{
	struct stat st;
	bool there;

	/* First the mark: another process may be making the database now, and
	 * marks it after that. */
	if (!db_lock_marked(&f->lock))
		return ST_OK;
	there = stat(f->path, &st) == 0;
	if ((there && st.st_size > 0) || (!there && errno != ENOENT))
		return ST_OK;
	buf_printf(why,
	    "%s was here before and is %s: restore a copy of it, or, to begin "
	    "with an empty database, remove %s",
	    f->path, there ? "empty now" : "not here now", f->lock.path);
	return ST_UNAVAILABLE;
}

enum db_change
db_file_compare(struct db_file *f, struct db_conn *c, bool begun)
{
	return db_identity_compare(&f->identity, f->path, f->log, c, begun);
}

static enum status
open_writer(struct db_file *f, struct db_conn **out, struct buf *why)
{
	enum db_change change = db_identity_glance(&f->identity, f->path);
	struct db_conn *c = NULL;
	struct form form = { 0 };
	bool behind = false;
	enum status st;

	*out = NULL;
	if (change != DB_SAME) {
		db_change_explain(change, why);
		return ST_UNAVAILABLE;
	}
	if ((st = refuse_vanished(f, why)) != ST_OK ||
	    (st = connect(f, &c, !f->identity.known && !f->existing, why)) !=
		ST_OK)
		return st;
	st = complain(f, db_conn_script(c, SETTINGS WRITER_CACHE), c,
	    "cannot configure", why);
	if (st == ST_OK)
		st = complain(f, read_form(c, &form), c, "cannot read", why);
	if (st == ST_OK)
		st = judge(f, &form, &behind, why);
	if (st == ST_OK && behind)
		st = upgrade_locked(f, c, why);
	if (st == ST_OK && f->journal == DB_ROLLBACK)
		st = set_journal(f, c, why);
	if (st != ST_OK) {
		db_conn_close(c);
		return st;
	}
	db_lock_mark(&f->lock);
	db_identity_set(&f->identity, f->path, f->log, c);
	*out = c;
	return ST_OK;
}

enum status
db_file_writer(struct db_file *f, struct db_conn **out, struct buf *why)
{
	enum status st = open_writer(f, out, why);

	/* On a full disk the index of the log has no room. */
	if ((st == ST_IO || st == ST_FULL) && db_reserve_release(f->reserve)) {
		buf_reset(why);
		st = open_writer(f, out, why);
	}
	return st;
}

enum status
db_file_reader(struct db_file *f, struct db_conn **out, struct buf *why)
{
	struct db_conn *c = NULL;
	enum status st;

	*out = NULL;
	if ((st = connect(f, &c, false, why)) != ST_OK)
		return st;
	st = complain(f, db_conn_script(c, SETTINGS READER_CACHE), c,
	    "cannot configure", why);
	if (st != ST_OK) {
		db_conn_close(c);
		return st;
	}
	*out = c;
	return ST_OK;
}

enum status
db_file_judge(struct db_file *f, struct buf *why)
{
	struct db_conn *c = NULL;
	struct form form = { 0 };
	bool behind;
	struct stat there;
	enum status st;

	if ((st = refuse_vanished(f, why)) != ST_OK)
		return st;
	if (stat(f->path, &there) < 0 && errno == ENOENT)
		return ST_OK;
	if ((st = db_file_reader(f, &c, why)) != ST_OK)
		return st;
	st = complain(f, read_form(c, &form), c, "cannot read", why);
	if (st == ST_OK)
		st = judge(f, &form, &behind, why);
	db_conn_close(c);
	return st;
}
