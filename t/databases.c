#include "t/databases.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "store/schema.h"
#include "t/test.h"

const struct database_way database_ways[] = {
	{ "wal, store thread", DB_WAL, true },
	{ "wal, no thread", DB_WAL, false },
	{ "rollback, store thread", DB_ROLLBACK, true },
	{ "rollback, no thread", DB_ROLLBACK, false },
};
const size_t database_ways_n = TEST_COUNT(database_ways);

static const struct database_way *way = database_ways;
static char path[512];

void
database_use(const struct database_way *w)
{
	way = w;
}

const struct database_way *
database_way(void)
{
	return way;
}

void
database_fresh(void)
{
	static int n;

	snprintf(path, sizeof(path), "%s/%d", test_tmpdir(), n++);
	if (mkdir(path, 0755) < 0) {
		perror(path);
		exit(99);
	}
	snprintf(path, sizeof(path), "%s/%d/test.db", test_tmpdir(), n - 1);
}

const char *
database_path(void)
{
	return path;
}

enum status
database_try(struct db **db, const struct db_schema *schema, struct buf *why)
{
	struct db_options o = { .path = path,
		.journal = way->journal,
		.threaded = way->threaded,
		.schema = schema == NULL ? &store_schema : schema };

	return db_open(db, &o, why);
}

static enum status
forget_by_job(struct db *db, void *arg)
{
	return db_run(
	    db, "UPDATE clock SET purge_us = ?1", "i", *(int64_t *)arg);
}

void
database_forget_by(struct db *db, int64_t at_us)
{
	if (db_write(db, forget_by_job, &at_us) != ST_OK)
		exit(99);
}

struct db *
database_open(const struct db_schema *schema)
{
	struct buf why = BUF_INIT;
	struct db *db;

	if (database_try(&db, schema, &why) != ST_OK) {
		fprintf(stderr, "%s\n", buf_str(&why));
		exit(99);
	}
	buf_release(&why);
	return db;
}
