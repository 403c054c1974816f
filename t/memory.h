/*
 * An allocator of our own over glibc's, for what happens when memory runs out,
 * and for what is left in memory that was freed. It stands before malloc for
 * the whole of a program that has t/memory.c among its sources. A sanitizer
 * has an allocator itself: memory_is_ours is false there, and the program has
 * nothing to test.
 */
#ifndef T_MEMORY_H
#define T_MEMORY_H

#include <stdbool.h>

#include "base/status.h"

/* False: says so on standard output; main returns 77. */
bool memory_is_ours(void);

/* After so many allocations that succeed one fails, or, for good, all that
 * come then. memory_feed: none fails any more. */
void memory_starve(long after, bool for_good);
void memory_feed(void);
long memory_failures(void); /* since memory_starve */

/* None fails until memory_resume, which goes on where it was. */
void memory_pause(void);
void memory_resume(void);

/*
 * Do work with n allocations, for every n (beyond 200 every step-th) until it
 * is done: it gives ST_NOMEM and leaves nothing behind, then ST_OK. That it
 * takes more than least allocations shows that something was tested. lost: what
 * a library may leave when an allocation of its own fails.
 */
typedef enum status memory_work_fn(void);
void memory_run_out(
    const char *what, memory_work_fn *, long least, long step, long lost);

/* Look for a text in whatever is freed, which is zeroed then; NULL: no more.
 * memory_freed and memory_leaked count since it began: pieces, and those which
 * had the text in them. */
void memory_watch(const char *text);
long memory_freed(void);
long memory_leaked(void);

#endif
