/*
 * The call log, on the embedded engine: the status callbacks of calls, and
 * what callers entered and confirmed.
 */
#ifndef STORE_CALL_H
#define STORE_CALL_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct db;

/* One status callback. Strings may be NULL where Twilio sent none. */
struct call_event {
	const char *sid;
	const char *status; /* "ringing", "completed", … as Twilio says */
	int64_t sequence; /* SequenceNumber; -1: none was sent */
	int64_t duration_s; /* -1: none was sent */
	const char *direction;
	const char *from;
	const char *to;
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
};

/*
 * ST_OK, or ST_EXISTS: this status under this sequence number of this call is
 * known already.
 */
enum status call_event_record(struct db *, const struct call_event *);

/* ST_OK, or ST_EXISTS: this call confirmed this value for it before. */
enum status call_digits_record(struct db *, const struct call_digits *);

/* Take it back: it could not be kept. */
enum status call_digits_forget(struct db *, const struct call_digits *);

/*
 * The events of one call in order of sequence (those without one by arrival).
 * Strings live for the call of fn. Not ST_OK ends the walk.
 */
typedef enum status call_event_fn(const struct call_event *, void *arg);
enum status call_events(
    struct db *, const char *sid, call_event_fn *, void *arg);

/* What a call confirmed, in order of time. */
typedef enum status call_digits_fn(const struct call_digits *, void *arg);
enum status call_digits(
    struct db *, const char *sid, call_digits_fn *, void *arg);

#endif
