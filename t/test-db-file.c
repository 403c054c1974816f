/* The engine's file: making, opening, migrating, refusing; and its lock. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/db.h"
#include "db/db_lock.h"
#include "store/schema.h"
#include "t/databases.h"
#include "t/notes.h"
#include "t/shim-fs.h"
#include "t/test.h"

#define NOBODY 65534

/* A second version of the notes, and one that cannot be made. */
static const struct db_schema *
second_version(bool broken)
{
	static const char *good[3], *bad[3];
	static struct db_schema good_schema, bad_schema;

	good[0] = bad[0] = notes_schema.migrations[0];
	good[1] = "ALTER TABLE note ADD COLUMN color TEXT DEFAULT 'red';"
		  "CREATE INDEX note_color ON note (color);";
	bad[1] = "ALTER TABLE note ADD COLUMN color TEXT DEFAULT 'red';"
		 "CREATE INDEX note_color ON no_such_table (color);";
	good_schema.migrations = good;
	bad_schema.migrations = bad;
	return broken ? &bad_schema : &good_schema;
}

static enum status
color_job(struct db *db, void *arg)
{
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT count(*) FROM note"
	    " WHERE color = 'red'",
	    "");
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		*(int64_t *)arg = db_int(rows, 0);
	return st;
}

/* It must be refused, and the sentence says so. */
static void
check_refused(
    const struct db_schema *schema, enum status want, const char *says)
{
	struct buf why = BUF_INIT;
	struct db *db = NULL;

	CU_ASSERT_EQUAL(database_try(&db, schema, &why), want);
	CU_ASSERT_PTR_NULL(db);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), database_path()));
	if (strstr(buf_str(&why), says) == NULL)
		printf("\n\"%s\" lacks \"%s\"\n", buf_str(&why), says);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), says));
	buf_release(&why);
}

static void
make(const struct db_schema *schema, const char *name)
{
	struct db *db;

	database_fresh();
	db = database_open(schema);
	CU_ASSERT_EQUAL(note_write(db, name), ST_OK);
	db_close(db);
}

static void
test_migration(void)
{
	struct db *db;
	int64_t n = 0;

	make(&notes_schema, "a");
	db = database_open(second_version(false));
	CU_ASSERT_EQUAL(notes_count(db, "a"), 1);
	CU_ASSERT_EQUAL(db_read(db, color_job, &n), ST_OK);
	CU_ASSERT_EQUAL(n, 1);
	db_close(db);
	/* There is no way back. */
	check_refused(&notes_schema, ST_UNSUPPORTED, "newer version");
	check_refused(&notes_schema, ST_UNSUPPORTED,
	    "its schema is 2, this version knows 1");
	db = database_open(second_version(false));
	CU_ASSERT_EQUAL(notes_count(db, "a"), 1);
	db_close(db);
}

/* A server goes on under a newer program, but says that it should not. */
static void
test_migrated_while_open(void)
{
	struct buf why = BUF_INIT;
	struct db *older, *newer;

	database_fresh();
	older = database_open(&notes_schema);
	CU_ASSERT_EQUAL(note_write(older, "a"), ST_OK);
	CU_ASSERT(db_ready(older, &why));
	newer = database_open(second_version(false));
	CU_ASSERT(db_ready(newer, &why));
	CU_ASSERT(!db_ready(older, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), "newer version"));
	CU_ASSERT_EQUAL(note_write(older, "b"), ST_OK);
	CU_ASSERT_EQUAL(notes_count(newer, "b"), 1);
	db_close(newer);
	db_close(older);
	buf_release(&why);
}

static void
test_failing_migration(void)
{
	struct db *db;

	make(&notes_schema, "a");
	check_refused(second_version(true), ST_IO, "cannot migrate");
	db = database_open(&notes_schema);
	CU_ASSERT_EQUAL(notes_count(db, "a"), 1);
	db_close(db);
	db = database_open(second_version(false));
	db_close(db);
}

/* Several processes find an old file, or none, at the same time. */
static void
open_at_once(const struct db_schema *schema)
{
	pid_t pids[6];
	int status, i;

	for (i = 0; i < 6; i++)
		if ((pids[i] = fork()) == 0) {
			struct buf why = BUF_INIT;
			struct db *db;
			char name[16];
			enum status st = database_try(&db, schema, &why);

			snprintf(name, sizeof(name), "p%d", i);
			if (st == ST_OK)
				st = note_write(db, name);
			else
				fprintf(stderr, "%s\n", buf_str(&why));
			_exit(st == ST_OK ? 0 : 1);
		}
	for (i = 0; i < 6; i++) {
		CU_ASSERT_EQUAL(waitpid(pids[i], &status, 0), pids[i]);
		CU_ASSERT_EQUAL(status, 0);
	}
}

static void
test_made_at_once(void)
{
	struct db *db;
	int i;

	/* The moments when it is half made are short. */
	for (i = 0; i < 10; i++) {
		database_fresh();
		open_at_once(&notes_schema);
		db = database_open(&notes_schema);
		CU_ASSERT_EQUAL(notes_count(db, NULL), 6);
		CU_ASSERT(notes_sound(db));
		db_close(db);
	}
}

static void
test_migrated_at_once(void)
{
	struct db *db;
	int64_t n = 0;

	make(&notes_schema, "a");
	open_at_once(second_version(false));
	db = database_open(second_version(false));
	CU_ASSERT_EQUAL(db_read(db, color_job, &n), ST_OK);
	CU_ASSERT_EQUAL(n, 7);
	db_close(db);
}

static void
put_file(const char *data, size_t n)
{
	FILE *f = fopen(database_path(), "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fwrite(data, 1, n, f), n);
	fclose(f);
}

static void
check_file(const char *data, size_t n)
{
	char *got = malloc(n + 1);
	FILE *f = fopen(database_path(), "r");

	CU_ASSERT_EQUAL(fread(got, 1, n + 1, f), n);
	CU_ASSERT_EQUAL(memcmp(got, data, n), 0);
	fclose(f);
	free(got);
}

static void
test_not_a_database(void)
{
	char junk[8192];

	database_fresh();
	memset(junk, 'j', sizeof(junk));
	put_file(junk, sizeof(junk));
	check_refused(&notes_schema, ST_CORRUPT, "not a database");
	check_file(junk, sizeof(junk));
}

/* The numbers in the file's header by which a program knows its own: at 60
 * the version, at 68 the application. */
static void
make_foreign(uint32_t version, uint32_t application)
{
	static const struct database_way plain = { "", DB_ROLLBACK, false };
	const struct database_way *way = database_way();
	int fd;

	database_use(&plain);
	make(&notes_schema, "theirs");
	database_use(way);
	fd = open(database_path(), O_WRONLY);
	version = htonl(version);
	application = htonl(application);
	CU_ASSERT_EQUAL(pwrite(fd, &version, 4, 60), 4);
	CU_ASSERT_EQUAL(pwrite(fd, &application, 4, 68), 4);
	close(fd);
}

static void
test_foreign(void)
{
	make_foreign(0, 0); /* but it has tables */
	check_refused(&notes_schema, ST_UNSUPPORTED, "another program");
	make_foreign(1, 5);
	check_refused(&notes_schema, ST_UNSUPPORTED, "another program");
	make_foreign(3, 0);
	check_refused(&notes_schema, ST_UNSUPPORTED, "another program");
}

/* An empty file is nobody's. */
static void
test_empty_file(void)
{
	struct db *db;

	database_fresh();
	put_file("", 0);
	db = database_open(&notes_schema);
	CU_ASSERT_EQUAL(note_write(db, "a"), ST_OK);
	db_close(db);
}

/* Overwrite the middle of the file, as a failing disk would. */
static void
damage_pages(long from, long to)
{
	int fd = open(database_path(), O_WRONLY);
	char junk[4096];
	long at;

	memset(junk, 0xa5, sizeof(junk));
	for (at = from; at < to; at++)
		CU_ASSERT_EQUAL(
		    pwrite(fd, junk, sizeof(junk), at * 4096), 4096);
	close(fd);
}

static void
fill(struct db *db, int from)
{
	char name[16];
	int i;

	for (i = from; i < from + 200; i++) {
		snprintf(name, sizeof(name), "%d", i);
		CU_ASSERT_EQUAL(note_write(db, name), ST_OK);
	}
}

static enum status
look_at_all(struct db *db, void *arg)
{
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows, "SELECT length(filler) FROM note", "");
	while (st == ST_OK)
		st = db_next(rows);
	*(enum status *)arg = st;
	return st == ST_NOTFOUND ? ST_OK : st;
}

static enum status
delete_all(struct db *db, void *arg)
{
	(void)arg;
	return db_run(db, "DELETE FROM note", "");
}

static void
test_damaged(void)
{
	struct buf why = BUF_INIT;
	enum status st = ST_OK;
	struct db *db;

	/* With the rollback journal, so that all of it is in the file. */
	make(&notes_schema, "a");
	if (database_way()->journal == DB_WAL)
		return;
	db = database_open(&notes_schema);
	fill(db, 0);
	db_close(db);
	damage_pages(4, 30);
	db = database_open(&notes_schema);
	CU_ASSERT_EQUAL(db_read(db, look_at_all, &st), ST_CORRUPT);
	CU_ASSERT_EQUAL(db_write(db, delete_all, NULL), ST_CORRUPT);
	CU_ASSERT(!db_ready(db, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), "damaged"));
	db_close(db);
	damage_pages(0, 1);
	check_refused(&notes_schema, ST_CORRUPT, "damaged");
	buf_release(&why);
}

static void
test_no_place(void)
{
	struct buf why = BUF_INIT;
	struct db_options o = { .path = "/no/such/directory/x.db",
		.schema = &notes_schema };
	struct db *db = NULL;
	char path[600];

	CU_ASSERT_EQUAL(db_open(&db, &o, &why), ST_IO);
	CU_ASSERT_PTR_NULL(db);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), "/no/such/directory"));
	buf_release(&why);
	database_fresh();
	snprintf(path, sizeof(path), "%s", database_path());
	*strrchr(path, '/') = '\0';
	o.path = path; /* a directory */
	CU_ASSERT_EQUAL(db_open(&db, &o, &why), ST_IO);
	CU_ASSERT_PTR_NULL(db);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), path));
	buf_release(&why);
	CU_ASSERT_EQUAL(symlink("nowhere/x.db", database_path()), 0);
	o.path = database_path(); /* a link to nothing */
	CU_ASSERT_EQUAL(db_open(&db, &o, &why), ST_IO);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), path));
	buf_release(&why);
}

/* In a child that is nobody in particular: root may write anywhere. */
static int
as_nobody(int (*fn)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (geteuid() == 0 &&
		    (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
			_exit(99);
		_exit(fn());
	}
	waitpid(pid, &status, 0);
	return status;
}

static int
try_to_open(void)
{
	struct buf why = BUF_INIT;
	struct db *db = NULL;
	enum status st = database_try(&db, &notes_schema, &why);

	return st == ST_IO && strstr(buf_str(&why), "Permission") != NULL ? 0
									  : 1;
}

static int
write_a_note(void)
{
	return note_write(database_open(&notes_schema), "nobody");
}

static void
directory(char path[static 600])
{
	snprintf(path, 600, "%s", database_path());
	*strrchr(path, '/') = '\0';
}

static void
test_permissions(void)
{
	char path[600];

	make(&notes_schema, "a");
	directory(path);
	chmod(test_tmpdir(), 0755);
	CU_ASSERT_EQUAL(chmod(path, 0555), 0);
	if (geteuid() == 0)
		CU_ASSERT_EQUAL(as_nobody(try_to_open), 0);
	database_fresh();
	directory(path);
	CU_ASSERT_EQUAL(chmod(path, 0555), 0);
	CU_ASSERT_EQUAL(as_nobody(try_to_open), 0);
	CU_ASSERT_EQUAL(chmod(path, 0755), 0);
}

/* What root makes in a directory of the server's, the server can use. */
static void
test_root_is_only_visiting(void)
{
	static const char *const suffixes[] = { "", ".lock", "-wal", "-shm" };
	struct db *db;
	char path[600];
	struct stat st;
	size_t i;

	if (geteuid() != 0)
		return;
	database_fresh();
	directory(path);
	chmod(test_tmpdir(), 0755);
	CU_ASSERT_EQUAL(chown(path, NOBODY, NOBODY), 0);
	db = database_open(&notes_schema);
	CU_ASSERT_EQUAL(note_write(db, "root"), ST_OK);
	for (i = 0; i < TEST_COUNT(suffixes); i++) {
		snprintf(
		    path, sizeof(path), "%s%s", database_path(), suffixes[i]);
		if (stat(path, &st) == 0)
			CU_ASSERT_EQUAL(st.st_uid, NOBODY);
	}
	db_close(db);
	CU_ASSERT_EQUAL(as_nobody(write_a_note), 0);
}

static void
test_odd_names(void)
{
	struct buf why = BUF_INIT;
	struct db_options o = { .schema = &notes_schema };
	char dir[600], path[700];
	struct db *db = NULL;

	database_fresh();
	directory(dir);
	snprintf(path, sizeof(path), "%s/a b?mode=ro#x%%20&\303\251.db", dir);
	o.path = path;
	CU_ASSERT_EQUAL_FATAL(db_open(&db, &o, &why), ST_OK);
	CU_ASSERT_EQUAL(note_write(db, "a"), ST_OK);
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	db_close(db);
	/* By a link: the same file and the same lock. */
	snprintf(dir + strlen(dir), 20, "/link.db");
	CU_ASSERT_EQUAL(symlink(path, dir), 0);
	o.path = dir;
	CU_ASSERT_EQUAL_FATAL(db_open(&db, &o, &why), ST_OK);
	CU_ASSERT_EQUAL(notes_count(db, "a"), 1);
	db_close(db);
	snprintf(dir + strlen(dir), 20, ".lock");
	CU_ASSERT_NOT_EQUAL(access(dir, F_OK), 0);
	buf_release(&why);
}

static void
test_journals(void)
{
	static const struct database_way ways[] = {
		{ "", DB_WAL, false },
		{ "", DB_ROLLBACK, false },
		{ "", DB_WAL, true },
	};
	const struct database_way *way = database_way();
	struct db *db;
	char name[2] = "a", path[600];
	size_t i;

	database_fresh();
	for (i = 0; i < TEST_COUNT(ways); i++, name[0]++) {
		database_use(&ways[i]);
		db = database_open(&notes_schema);
		CU_ASSERT_EQUAL(notes_count(db, NULL), (int64_t)i);
		CU_ASSERT_EQUAL(note_write(db, name), ST_OK);
		snprintf(path, sizeof(path), "%s-wal", database_path());
		CU_ASSERT_EQUAL(
		    access(path, F_OK) == 0, ways[i].journal == DB_WAL);
		if (i == 0) {
			/* While it is in use, it is not changed. */
			CU_ASSERT_EQUAL(notes_count(db, NULL), 1);
			database_use(&ways[1]);
			check_refused(&notes_schema, ST_BUSY, "store.journal");
		}
		db_close(db);
	}
	database_use(way);
}

/* A file of the database's. */
static const char *
beside(const char *suffix)
{
	static char name[600];

	snprintf(name, sizeof(name), "%s%s", database_path(), suffix);
	return name;
}

static void
move(const char *from, const char *to)
{
	char old[600];

	snprintf(old, sizeof(old), "%s", beside(from));
	CU_ASSERT_EQUAL(rename(old, beside(to)), 0);
}

/* What is written is refused, and so is reading where that cannot be right;
 * readiness says why. */
static void
check_noticed(struct db *db, bool file, const char *says)
{
	struct buf why = BUF_INIT;

	CU_ASSERT_EQUAL(note_write(db, "refused"), ST_UNAVAILABLE);
	if (file)
		CU_ASSERT_EQUAL(notes_count(db, NULL), -1);
	CU_ASSERT(!db_ready(db, &why));
	if (strstr(buf_str(&why), says) == NULL)
		printf("\n\"%s\" lacks \"%s\"\n", buf_str(&why), says);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), says));
	buf_release(&why);
}

static void
check_goes_on(struct db *db)
{
	struct buf why = BUF_INIT;

	CU_ASSERT_EQUAL(note_write(db, "goes on"), ST_OK);
	CU_ASSERT(db_ready(db, &why));
	CU_ASSERT_EQUAL(notes_count(db, "a"), 1);
	CU_ASSERT_EQUAL(notes_count(db, "refused"), 0);
	CU_ASSERT(notes_sound(db));
	buf_release(&why);
}

static struct db *
begin(void)
{
	struct db *db;

	database_fresh();
	db = database_open(&notes_schema);
	CU_ASSERT_EQUAL(note_write(db, "a"), ST_OK);
	CU_ASSERT_EQUAL(notes_count(db, NULL), 1);
	return db;
}

/* A file that was taken away swallows no message, and no empty one comes in
 * its place; with it things go on by themselves. */
static void
test_taken_away(void)
{
	struct db *db = begin();

	move("", ".away");
	check_noticed(db, true, "deleted or moved away");
	CU_ASSERT_NOT_EQUAL(access(database_path(), F_OK), 0);
	move(".away", "");
	check_goes_on(db);
	/* Nor does the next process make one. */
	move("", ".away");
	db_close(db);
	check_refused(&notes_schema, ST_UNAVAILABLE, "is not here now");
	put_file("", 0);
	check_refused(&notes_schema, ST_UNAVAILABLE, "is empty now");
	CU_ASSERT_EQUAL(unlink(database_path()), 0);
	move(".away", "");
	db = database_open(&notes_schema);
	CU_ASSERT_EQUAL(notes_count(db, NULL), 2);
	db_close(db);
	/* Unless one is wanted. */
	CU_ASSERT_EQUAL(unlink(database_path()), 0);
	CU_ASSERT_EQUAL(unlink(beside(".lock")), 0);
	db = database_open(&notes_schema);
	CU_ASSERT_EQUAL(notes_count(db, NULL), 0);
	db_close(db);
}

/* In its place comes another one; and then the old one again. */
static void
test_replaced(void)
{
	struct db *db, *other;

	database_fresh();
	other = database_open(&notes_schema);
	CU_ASSERT_EQUAL(note_write(other, "other"), ST_OK);
	db_close(other);
	move("", ".other");
	CU_ASSERT_EQUAL(unlink(beside(".lock")), 0);
	unlink(beside("-wal"));
	unlink(beside("-shm"));
	db = database_open(&notes_schema);
	CU_ASSERT_EQUAL(note_write(db, "a"), ST_OK);
	move("", ".away");
	move(".other", "");
	check_noticed(db, true, "in the place of the database");
	move("", ".other");
	move(".away", "");
	check_goes_on(db);
	/* What is left of the old one does not get into the new one. */
	move("", ".away");
	move(".other", "");
	check_noticed(db, true, "in the place of the database");
	db_close(db);
	db = database_open(&notes_schema);
	CU_ASSERT_EQUAL(notes_count(db, "other"), 1);
	CU_ASSERT_EQUAL(notes_count(db, NULL), 1);
	CU_ASSERT(notes_sound(db));
	db_close(db);
}

static void
test_emptied(void)
{
	struct db *db = begin();

	CU_ASSERT_EQUAL(truncate(database_path(), 0), 0);
	check_noticed(db, true, "emptied or overwritten");
	db_close(db);
	check_refused(&notes_schema, ST_UNAVAILABLE, "is empty now");
}

/* cp(1) of an older copy: the same file, with what was in it before. */
static void
test_written_over(void)
{
	char old[65536], *all = old;
	struct db *db = begin();
	size_t n;
	FILE *f;
	int i;

	db_close(db);
	f = fopen(database_path(), "r");
	n = fread(all, 1, sizeof(old), f);
	fclose(f);
	db = database_open(&notes_schema);
	for (i = 0; i < 3; i++) {
		fill(db, i * 200);
		db_close(db);
		db = database_open(&notes_schema);
	}
	CU_ASSERT_EQUAL(note_write(db, "last"), ST_OK);
	put_file(all, n);
	check_noticed(db, false, "emptied or overwritten");
	/* As long as the newer one, but older. */
	CU_ASSERT_EQUAL(truncate(database_path(), 16 << 20), 0);
	check_noticed(db, false, "emptied or overwritten");
	db_close(db);
}

static void
test_log_deleted(void)
{
	struct db *db = begin();

	if (database_way()->journal == DB_WAL) {
		move("-wal", "-wal.away");
		check_noticed(db, false, "-wal file of the database was");
		close(open(beside("-wal"), O_CREAT | O_EXCL, 0600));
		check_noticed(db, false, "in the place of the database's -wal");
		CU_ASSERT_EQUAL(unlink(beside("-wal")), 0);
		move("-wal.away", "-wal");
		check_goes_on(db);
		/* What was acknowledged is there, whatever becomes of it. */
		CU_ASSERT_EQUAL(unlink(beside("-wal")), 0);
		check_noticed(db, false, "-wal file of the database was");
		db_close(db);
		db = database_open(&notes_schema);
		CU_ASSERT_EQUAL(notes_count(db, NULL), 2);
		CU_ASSERT_EQUAL(notes_count(db, "goes on"), 1);
	}
	CU_ASSERT_EQUAL(note_write(db, "after all"), ST_OK);
	CU_ASSERT(notes_sound(db));
	db_close(db);
}

static void
test_lock_alone(void)
{
	struct buf why = BUF_INIT;
	struct db_lock a, b;

	database_fresh();
	CU_ASSERT_EQUAL(db_lock_open(&a, database_path(), &why), ST_OK);
	CU_ASSERT_EQUAL(db_lock_open(&b, database_path(), &why), ST_OK);
	CU_ASSERT_EQUAL(db_lock_take(&a, 0), ST_OK);
	CU_ASSERT_EQUAL(db_lock_take(&b, 0), ST_BUSY);
	CU_ASSERT_EQUAL(db_lock_take(&b, clock_mono_us() + 100000), ST_BUSY);
	db_lock_drop(&a);
	CU_ASSERT_EQUAL(db_lock_take(&b, 0), ST_OK);
	CU_ASSERT_EQUAL(db_lock_take(&a, 0), ST_BUSY);
	db_lock_drop(&b);
	db_lock_release(&a);
	db_lock_release(&b);
	db_lock_release(&b);
	buf_release(&why);
}

/* Somebody tidies up the lock file: the next lock is a new file's, for
 * those too that have the old one open. */
static void
test_lock_deleted(void)
{
	struct buf why = BUF_INIT;
	struct db_lock a, b;

	database_fresh();
	CU_ASSERT_EQUAL(db_lock_open(&a, database_path(), &why), ST_OK);
	CU_ASSERT_EQUAL(unlink(a.path), 0);
	CU_ASSERT_EQUAL(db_lock_open(&b, database_path(), &why), ST_OK);
	CU_ASSERT_EQUAL(db_lock_take(&b, 0), ST_OK);
	CU_ASSERT_EQUAL(db_lock_take(&a, clock_mono_us() + 20000), ST_BUSY);
	db_lock_drop(&b);
	CU_ASSERT_EQUAL(db_lock_take(&a, clock_mono_us() + 20000), ST_OK);
	CU_ASSERT_EQUAL(db_lock_take(&b, 0), ST_BUSY);
	db_lock_drop(&a);
	db_lock_release(&a);
	db_lock_release(&b);
	buf_release(&why);
}

static void
test_product(void)
{
	struct db *db;

	database_fresh();
	db = database_open(NULL);
	db_close(db);
	db = database_open(&store_schema);
	CU_ASSERT(notes_sound(db));
	db_close(db);
}

/* Opened late: nothing is touched before the first job, which then gets what
 * opening would have given. */
static void
test_late(void)
{
	struct buf why = BUF_INIT;
	struct db_options o = { .journal = database_way()->journal,
		.late = true,
		.schema = &notes_schema };
	struct db *db = NULL;

	database_fresh();
	o.path = database_path();
	CU_ASSERT_EQUAL_FATAL(db_open(&db, &o, &why), ST_OK);
	CU_ASSERT_NOT_EQUAL(access(o.path, F_OK), 0);
	CU_ASSERT_EQUAL(notes_count(db, NULL), 0);
	CU_ASSERT_EQUAL(access(o.path, F_OK), 0);
	CU_ASSERT_EQUAL(note_write(db, "a"), ST_OK);
	CU_ASSERT(db_ready(db, &why));
	db_close(db);
	database_fresh();
	put_file("junk, and no database at all", 28);
	CU_ASSERT_EQUAL_FATAL(db_open(&db, &o, &why), ST_OK);
	CU_ASSERT_EQUAL(note_write(db, "a"), ST_CORRUPT);
	CU_ASSERT_EQUAL(notes_count(db, "a"), -1);
	CU_ASSERT(!db_ready(db, &why));
	CU_ASSERT(why.len > 0);
	db_close(db);
	buf_release(&why);
}

static const struct test each_way[] = {
	{ "the product's own schema", test_product },
	{ "a migration", test_migration },
	{ "a migration while it is open", test_migrated_while_open },
	{ "a migration that fails", test_failing_migration },
	{ "made by several at once", test_made_at_once },
	{ "migrated by several at once", test_migrated_at_once },
	{ "not a database", test_not_a_database },
	{ "another program's", test_foreign },
	{ "an empty file", test_empty_file },
	{ "a damaged one", test_damaged },
	{ "taken away while open", test_taken_away },
	{ "replaced while open", test_replaced },
	{ "emptied while open", test_emptied },
	{ "written over while open", test_written_over },
	{ "its log deleted while open", test_log_deleted },
	{ "opened late", test_late },
};

static const struct test once[] = {
	{ "no place for it", test_no_place },
	{ "no permission", test_permissions },
	{ "made by root", test_root_is_only_visiting },
	{ "odd names and links", test_odd_names },
	{ "one journal, then the other", test_journals },
	{ "the lock", test_lock_alone },
	{ "a deleted lock file", test_lock_deleted },
};

int
main(void)
{
	int bad = 0;
	size_t i;

	shim.skip_syncs = true;
	for (i = 0; i < database_ways_n; i++) {
		database_use(&database_ways[i]);
		bad |= test_main(
		    database_ways[i].name, each_way, TEST_COUNT(each_way));
	}
	database_use(&database_ways[0]);
	return bad | test_main("file", once, TEST_COUNT(once));
}
