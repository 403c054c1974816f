/*
 * Counters of things that are recorded, on the embedded engine: one that is
 * added to in the job that records is right whatever happens to the process,
 * and is undone with the job if that fails.
 */
#ifndef STORE_COUNTER_H
#define STORE_COUNTER_H

#include <stdint.h>

#include "base/status.h"

struct db;

/*
 * Add one to the counter of this name and label, inside a job. Both are of
 * some few that the program or its operator has chosen, never what a caller
 * sent. ST_OK, or as db_run.
 */
enum status counter_add(struct db *, const char *name, const char *label);

/* All of them, by name and label. Strings live for the call. Not ST_OK ends
 * the walk. Inside a job, or with one of its own. */
typedef enum status counter_fn(
    const char *name, const char *label, int64_t value, void *arg);
enum status counter_list(struct db *, counter_fn *, void *arg);

/*
 * Is something that is to be said at most once in span_us due? ST_OK: it is,
 * and counts as said at at_us, for all processes; ST_EXISTS: it was said
 * already; or what the store gave.
 */
enum status counter_due(struct db *, const char *name, const char *label,
    int64_t at_us, int64_t span_us);

/* The hour of a time: whole hours since 1970. */
int64_t counter_hour(int64_t us);

/*
 * How much was added to each of them in the hours from this one to that one, by
 * hour. Strings live for the call. Not ST_OK ends the walk. Inside a job, or
 * with one of its own.
 */
typedef enum status counter_hour_fn(
    int64_t hour, const char *name, const char *label, int64_t n, void *arg);
enum status counter_hours(struct db *, int64_t from_hour, int64_t to_hour,
    counter_hour_fn *, void *arg);

/* Forget what was added more than two days ago, inside a writing job. */
enum status counter_purge(struct db *, int64_t now_us);

/* How the engine keeps its sums (db/db.h). */
enum status counter_sum(
    struct db *, const char *name, const char *label, int64_t n);

#endif
