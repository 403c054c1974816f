#include "db/db_identity.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

void
db_identity_set(struct db_identity *id, const char *path, const char *log,
    struct db_conn *c)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	if (!id->known) { /* else others may be looking at it */
		id->device = st.st_dev;
		id->file = st.st_ino;
		id->known = true;
	}
	id->size = st.st_size;
	id->counter = 0;
	db_conn_counter(c, &id->counter);
	id->log = log != NULL && stat(log, &st) == 0 ? st.st_ino : 0;
}

static bool
is_absent(void)
{
	return errno == ENOENT || errno == ENOTDIR;
}

/* Reads only what never changes once it is known. */
static enum db_change
compare_file(const struct db_identity *id, const char *path, struct stat *now)
{
	if (!id->known)
		return DB_SAME;
	if (stat(path, now) < 0)
		return is_absent() ? DB_GONE : DB_SAME;
	if (now->st_ino != id->file || now->st_dev != id->device)
		return DB_REPLACED;
	return now->st_size == 0 ? DB_OVERWRITTEN : DB_SAME;
}

enum db_change
db_identity_glance(const struct db_identity *id, const char *path)
{
	struct stat now;

	return compare_file(id, path, &now);
}

enum db_change
db_identity_compare(struct db_identity *id, const char *path, const char *log,
    struct db_conn *c, bool begun)
{
	uint32_t counter = id->counter;
	struct stat now = { .st_size = id->size }, st;
	enum db_change change;

	if ((change = compare_file(id, path, &now)) != DB_SAME)
		return change;
	db_conn_counter(c, &counter);
	if (now.st_size + DB_CHUNK < id->size || counter < id->counter)
		return DB_OVERWRITTEN;
	if (begun) {
		id->size = now.st_size;
		id->counter = counter;
	}
	if (log == NULL || id->log == 0)
		return DB_SAME;
	if (stat(log, &st) < 0)
		return is_absent() ? DB_LOG_GONE : DB_SAME;
	if (st.st_ino != id->log)
		return DB_LOG_REPLACED;
	return st.st_size < db_conn_log_least(c) ? DB_LOG_CUT : DB_SAME;
}

/* As long as it runs, the process has the old file open. */
static void
explain_rescue(struct buf *why)
{
	buf_printf(why,
	    "; until this process ends, what was stored can be copied from "
	    "its open file (ls -l /proc/%d/fd)",
	    (int)getpid());
}

void
db_change_explain(enum db_change change, struct buf *why)
{
	switch (change) {
	case DB_SAME:
		buf_puts(why, "nothing has changed");
		return;
	case DB_GONE:
		buf_puts(why,
		    "the database was deleted or moved away while in use: put "
		    "it back, or stop this process and restore a copy");
		explain_rescue(why);
		return;
	case DB_REPLACED:
		buf_puts(why,
		    "another file was put in the place of the database while "
		    "in use: put the old one back, or restart this process to "
		    "go on with the new one");
		explain_rescue(why);
		return;
	case DB_OVERWRITTEN:
		buf_puts(why,
		    "the database was emptied or overwritten while in use: "
		    "stop this process, remove the -wal and -shm files, "
		    "restore a copy, and start again");
		return;
	case DB_LOG_GONE:
		buf_puts(why,
		    "the -wal file of the database was deleted while in use: "
		    "what it held has been copied into the database, restart "
		    "this process to go on");
		return;
	case DB_LOG_REPLACED:
		buf_puts(why,
		    "another file was put in the place of the database's -wal "
		    "file while in use: stop all that uses it, run switchhook "
		    "store check, and start again");
		return;
	case DB_LOG_CUT:
		buf_puts(why,
		    "the -wal file of the database was cut while in use, and "
		    "what it held is lost: stop all that uses it, run "
		    "switchhook store check, and start again");
		return;
	}
}
