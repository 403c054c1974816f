/*
 * Counters that the processes of one installation share: a small file that all
 * of them have mapped, one 64-bit number a slot, changed by atomic
 * instructions. No process owns it, so nothing is lost with one that is killed,
 * and a process that lives for one request counts like any other.
 *
 * What a slot stands for is its users' to agree on; a number of their making
 * (layout) tells files of another agreement apart. Numbers may begin anew at 0
 * at any time: the file was deleted, or another layout took its place.
 */
#ifndef BASE_TALLY_H
#define BASE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

struct tally;

/* Of n slots, all 0, in memory of this process alone. ST_OK or ST_NOMEM. */
enum status tally_open(struct tally **, size_t n);
void tally_close(struct tally *); /* NULL is taken */

/*
 * Count in the file of this name from now on, and add to it what was counted
 * so far. It is made if it is not there (0600, and if root makes it, for the
 * directory's owner); one that is truncated, damaged or of another layout is
 * replaced by an empty one. All of its space is allocated, so that a disk that
 * fills up later does no harm; its size never changes, and nobody else may
 * change it: who wants to be rid of it deletes it.
 *
 * ST_OK; else counting goes on in memory, and *why gets a phrase: ST_IO,
 * ST_FULL (the disk is), ST_BUSY (somebody is stuck making it), ST_NOMEM.
 * Once only, before other threads count.
 */
enum status tally_share(
    struct tally *, const char *path, uint64_t layout, struct buf *why);

/* Is it the file that counts? */
bool tally_is_shared(const struct tally *);

/* From any thread. A slot past the end is nobody's: nothing happens, or 0. */
void tally_add(struct tally *, size_t slot, uint64_t n);
void tally_set(struct tally *, size_t slot, uint64_t value);
uint64_t tally_get(const struct tally *, size_t slot);

#endif
