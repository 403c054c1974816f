/*
 * Faults of the disk, for tests: the calls by which SQLite reaches the file
 * system are ours (a program's own symbols come before the C library's), do
 * the real thing, and fail, stall or kill when told to.
 *
 * Built as a library and loaded before another program (LD_PRELOAD), it makes
 * the disk slow: SHIM_SYNC_DELAY_US in the environment.
 */
#ifndef T_SHIM_FS_H
#define T_SHIM_FS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum shim_call {
	SHIM_SYNC = 1,
	SHIM_WRITE = 2, /* and truncate */
	SHIM_READ = 4,
	SHIM_LOCK = 8, /* POSIX locks */
	SHIM_UNLOCK = 16,
	SHIM_ALL = 31,
};

/* Set by the tests; shim_reset makes the disk whole again. */
struct shim {
	_Atomic int64_t syncs; /* counts */
	_Atomic int64_t sync_delay_us; /* added to each sync */
	_Atomic bool skip_syncs; /* do not really sync; shim_reset keeps it */

	_Atomic int64_t space; /* bytes that files may yet grow; -1: any */

	/* Of the calls in kinds, those from number fault_from (1 is the next)
	 * on fail, fault_n of them, with fault_errno; 0: none. */
	_Atomic int kinds;
	_Atomic int64_t fault_from;
	_Atomic int64_t fault_n;
	_Atomic int fault_errno;
	_Atomic int64_t faults; /* counts */

	_Atomic int64_t kill_at; /* SIGKILL before call number; 0: never */
	_Atomic int64_t calls; /* counts those of kinds */
};

extern struct shim shim;

void shim_reset(void);

/* Let n calls of these kinds fail, the first of them the from-th from now. */
void shim_fail(int kinds, int64_t from, int64_t n, int error);

#endif
