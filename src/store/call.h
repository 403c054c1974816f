/*
 * The call log, on the embedded engine: the status callbacks of calls, and
 * what callers entered and confirmed.
 */
#ifndef STORE_CALL_H
#define STORE_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct db;

/* One status callback. Strings may be NULL where Twilio sent none. */
struct call_event {
	int64_t seq; /* set when read: grows in the order of recording */
	const char *sid;
	const char *status; /* "ringing", "completed", … as Twilio says */
	int64_t sequence; /* SequenceNumber; -1: none was sent */
	int64_t duration_s; /* -1: none was sent */
	const char *direction;
	const char *from;
	const char *to;
	const char *parent_sid; /* of the call that dialled this one */
	const char *error_code;
	int64_t at_us; /* when it came in */
};

/* Digits that a caller entered and confirmed. */
struct call_digits {
	const char *call_sid;
	const char *caller;
	const char *target; /* "birthdate" */
	const char *value;
	int64_t at_us;
	const unsigned char *digest; /* of what was signed, as message.h has
				      * it; NULL when read */
};

/*
 * Record an event, and what it means for its call, inside a db_write job.
 * ST_OK, or ST_EXISTS: this status under this sequence number of this call is
 * known already.
 */
enum status call_event_record(struct db *, const struct call_event *);

/* ST_OK, or ST_EXISTS: this call confirmed this value for it before, or this
 * digest came before. */
enum status call_digits_record(struct db *, const struct call_digits *);

/* Take it back: it could not be kept. */
enum status call_digits_forget(struct db *, const struct call_digits *);

/*
 * One call, as its events in the order of a call's life make it, however they
 * came in: by sequence, then by arrival; a call that has ended stays so. Of
 * each value the last one that was sent; strings are NULL where none was.
 */
struct call_summary {
	const char *sid;
	const char *status;
	const char *direction;
	const char *from;
	const char *to;
	const char *parent_sid;
	const char *error_code;
	int64_t duration_s; /* -1: none was sent */
	int64_t sequence; /* the highest; -1: none was sent */
	int64_t start_us; /* when the first event came in; where nothing but
	                   * the end is known, duration_s before it */
	int64_t last_us; /* and the last */
	bool ended; /* completed, busy, failed, no-answer or canceled */
};

/* Which calls: those that started at from_us or later, and before before_us,
 * if that is not 0. NULL: of any status, any direction, anybody. */
struct call_filter {
	int64_t from_us;
	int64_t before_us;
	const char *status;
	const char *direction;
	const char *from;
	const char *to;
	const char *parent_sid;
};

/* A place in the list: the call that came last. */
struct call_cursor {
	int64_t start_us;
	const char *sid;
};

/*
 * Calls, newest first by start, then by sid from high to low; after: those
 * behind that place, NULL: from the beginning. At most limit calls; a walk of
 * an index, however many there are. Inside a job; after is not looked at any
 * more once fn is called. Strings live for the call
 * of fn. Not ST_OK ends the walk, and is the result.
 */
typedef enum status call_summary_fn(const struct call_summary *, void *arg);
enum status call_list(struct db *, const struct call_filter *,
    const struct call_cursor *after, size_t limit, call_summary_fn *,
    void *arg);

/* One call. ST_NOTFOUND if nothing is recorded of it. */
enum status call_get(
    struct db *, const char *sid, call_summary_fn *, void *arg);

/*
 * The events of one call in order of sequence (those without one by arrival).
 * Strings live for the call of fn. Not ST_OK ends the walk.
 */
typedef enum status call_event_fn(const struct call_event *, void *arg);
enum status call_events(
    struct db *, const char *sid, call_event_fn *, void *arg);

/*
 * Follow events as they are recorded: at most limit of those behind seq, in
 * the order of seq; none that is seen later has a lower one.
 */
enum status call_events_after(
    struct db *, int64_t seq, size_t limit, call_event_fn *, void *arg);

/* The seq behind which the last n events are; 0: there are no more than n. */
enum status call_events_tail(struct db *, size_t n, int64_t *seq);

/* What a call confirmed, in order of time. */
typedef enum status call_digits_fn(const struct call_digits *, void *arg);
enum status call_digits(
    struct db *, const char *sid, call_digits_fn *, void *arg);

/*
 * Forget limit calls that were last heard of before a time, each with all of
 * its events and digits, and as many digits of calls without events.
 */
enum status call_purge(struct db *, int64_t before_us, size_t limit);

#endif
