/*
 * What the jobs of a transaction add up, to be written once before it is
 * committed. Private to the engine.
 */
#ifndef DB_SUMS_H
#define DB_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "db/db.h"

/* Different ones in a transaction, and in a job; what is longer, or one more,
 * is written at once. */
#define DB_SUMS_MAX 16
#define DB_SUMS_JOB_MAX 4
#define DB_SUM_NAME_MAX 24
#define DB_SUM_LABEL_MAX 64

struct db_sum {
	char name[DB_SUM_NAME_MAX], label[DB_SUM_LABEL_MAX];
	int64_t n;
};

/* Of the jobs that are done, and of the one that runs. The zero value is
 * empty. */
struct db_sums {
	struct db_sum all[DB_SUMS_MAX], job[DB_SUMS_JOB_MAX];
	size_t all_n, job_n;
};

/* False: there is no room for it. */
bool db_sums_add(struct db_sums *, const char *name, const char *label);

/* The job is done: what it added stays, or has never been. */
void db_sums_end_job(struct db_sums *, bool keep);

/* The transaction begins. */
void db_sums_reset(struct db_sums *);

/* Write all of them, inside a job. ST_OK, or what fn gives. */
enum status db_sums_write(const struct db_sums *, struct db *, db_sum_fn *fn);

#endif
