/*
 * Why signatures did not fit: looked into when it happens, logged, and kept for
 * `switchhook refused` (store/refusal.h).
 *
 * Whoever sends nonsense cannot make that expensive: of all processes one in a
 * second looks for a reason, which takes 0.1 s at most, and stores it, beside
 * the request's way: once its reply is on the way or by the keeper, never by
 * the worker that is to answer. Nothing here changes the answer.
 */
#ifndef SERVE_REFUSALS_H
#define SERVE_REFUSALS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "twilio/signature.h"

struct db;
struct exchange;
struct log;

/* Of the process; outlives every snapshot. All zero at first. NULL is well:
 * nothing is looked into nor kept. */
struct refusals {
	_Atomic int64_t next_us; /* the next may be looked into; monotonic */
	_Atomic(struct kept_refusal *) waiting; /* to be stored */
};

/*
 * A signature is not valid. In is what it should have been of (without the
 * URL), with these tokens. passed: the request is let in all the same.
 * Logged, at info if it passed, else at debug: the URL that was signed over,
 * with its values masked, and, if it is looked into, the reason.
 */
void refusals_note(const struct exchange *, enum signature_verdict, bool passed,
    const struct signature_input *in, const char *const *tokens);

/* Is there one to be stored? */
bool refusals_waiting(const struct refusals *);

/* Store it, which costs a sync; what cannot be stored is dropped. */
void refusals_save(struct refusals *, struct db *, struct log *);

#endif
