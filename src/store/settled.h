/*
 * Entries of the spool that a queue has taken meanwhile. They leave with the
 * next transaction that writes to the spool, or else at once in one of a
 * thread's: whoever sent them need not wait for that. If the process dies
 * between, they are sent again, as if it had died a little earlier.
 */
#ifndef STORE_SETTLED_H
#define STORE_SETTLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/status.h"

struct db;

#define SETTLED_MAX 128

struct settled_ids {
	int64_t ids[SETTLED_MAX];
	size_t n;
};

struct settled; /* safe from several threads */

/* Both must outlive it. ST_OK, ST_NOMEM. */
enum status settled_open(struct settled **, struct db *, struct log *);

/* Removes what is still there; if that fails it is sent again some time. NULL
 * is taken. */
void settled_close(struct settled *);

/* This one may go. False if there are too many, or it is NULL: the caller
 * removes it. */
bool settled_note(struct settled *, int64_t id);

/* For a job that writes to the spool: what may go now (NULL: nothing) … */
void settled_list(struct settled *, struct settled_ids *);
/* … is removed in it, which may be in vain … */
enum status settled_remove(struct db *, const struct settled_ids *);
/* … and, once it is recorded, forgotten. NULL is allowed. */
void settled_forget(struct settled *, const struct settled_ids *);

#endif
