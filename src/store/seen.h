/*
 * The clock as the store has seen it: one row that the upkeep writes about once
 * a minute. A clock that jumps is told by it, and what is kept for so many days
 * is forgotten by time that has passed, not by what the clock shows: a clock
 * that is 120 days ahead for an hour takes two days off at most.
 */
#ifndef STORE_SEEN_H
#define STORE_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

struct db;

/*
 * Inside a writing job: note the time. *purge_us is the time that purging goes
 * by: it follows the clock, catches up at two days a day where it is behind
 * (the machine was off), and never goes back.
 */
enum status seen_note(struct db *, int64_t *purge_us);

/*
 * Inside a writing job: makes of the time at which something came the time to
 * keep it under. By a clock that is months behind (a machine without a battery)
 * it would be forgotten at once, and a repeat not known for one: whole weeks
 * are added until it is less than a week before purge_us.
 */
enum status seen_keep_under(struct db *, int64_t *at_us);

/*
 * True if the clock goes as it should. Else *why says how it jumped, which is
 * said for a day, and what to do. A store that cannot be read says nothing.
 */
bool seen_steady(struct db *, struct buf *why);

#endif
