/* What the commands of `switchhook calls` have in common. */
#ifndef CTL_CALLS_H
#define CTL_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/ctl.h"
#include "ctl/row.h"
#include "db/db.h"
#include "store/sender.h"

/* Which calls. */
struct calls_wanted {
	int64_t start_us, end_us; /* both included; INT64_MAX: any */
	const char *status, *direction; /* NULL: any */
	const char *from, *to, *parent_sid; /* NULL: any */
	int64_t limit;
	char number[2][SENDER_MAX]; /* from and to may point here */
};

/* A call in a list, from either source. Strings may be NULL. */
struct calls_listed {
	const char *sid, *status, *direction, *from, *to, *error_code;
	int64_t start_us, end_us; /* 0: not known, not yet */
	int64_t duration_s; /* -1: not known */
};
enum status calls_put(struct ctl *, const struct calls_listed *);

/* A number, or none if it is negative. */
struct cell calls_number(const char *name, int64_t, int width);

/*
 * Run a job on ctl->db whose rows go to memory, into *text, which the caller
 * prints and frees: whoever reads slowly must not keep a view of the database
 * open, or its log could never start over. ST_OK, or the job's failure: *text
 * is then NULL, and ctl->rows_n what it was.
 */
enum status calls_read(
    struct ctl *, db_job *, void *arg, char **text, size_t *len);

/* From the log. values: show the digits that a caller confirmed, too. */
int calls_log_list(struct ctl *, const struct calls_wanted *);
int calls_log_show(struct ctl *, const char *sid, bool values);

/* From Twilio. */
int calls_twilio_list(struct ctl *, const struct calls_wanted *);
int calls_twilio_show(struct ctl *, const char *sid);

#endif
