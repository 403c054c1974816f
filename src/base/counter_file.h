/*
 * Counters that the processes of one installation share, in a small file: a
 * header and one 64-bit number each. A process counts in its memory, by atomic
 * instructions, and adds what it counted to the file whenever counter_file_save
 * is called. Nothing is mapped: whatever somebody does to the file, it costs
 * numbers at most. A process that is killed loses what it has not saved.
 *
 * What a counter stands for is its users' to agree on; a number of their making
 * (layout) tells files of another agreement apart.
 */
#ifndef BASE_COUNTER_FILE_H
#define BASE_COUNTER_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

struct counter_file;

/*
 * The first `sums` counters are added to; `latest` more have the value that was
 * last set, by whichever process. All 0, and in memory alone. ST_OK, ST_NOMEM.
 */
enum status counter_file_open(
    struct counter_file **, size_t sums, size_t latest, uint64_t layout);

/* What has not been saved is forgotten. NULL is allowed. */
void counter_file_close(struct counter_file *);

/* Save to the file of this name from now on. It is not touched yet. The same
 * name again changes nothing. ST_OK or ST_NOMEM. */
enum status counter_file_name(struct counter_file *, const char *path);

/* From any thread. A counter past the end is nobody's: nothing happens, or 0. */
void counter_file_add(struct counter_file *, size_t counter, uint64_t n);
void counter_file_set(struct counter_file *, size_t counter, uint64_t value);

/*
 * Add what was counted since the last time to the file, which is made if it is
 * not there (0600; if root makes it, for the directory's owner). From any
 * thread; nothing is read or written if there is nothing to add, unless `read`
 * asks for what other processes have counted as well.
 *
 * ST_OK. ST_CORRUPT: the file was gone, cut or overwritten; it has been written
 * again with the counts as this process knew them. Otherwise nothing was saved
 * and the next save tries again: ST_IO, ST_FULL (the disk is full), ST_BUSY
 * (another process has had it locked for half a second), ST_EXISTS (a newer
 * version of the program has taken the file). Unless ST_OK, why gets a phrase.
 */
enum status counter_file_save(
    struct counter_file *, bool read, struct buf *why);

/* Did the last save reach the file? */
bool counter_file_is_shared(struct counter_file *);

/* Of all processes, as of the last save, with what this one added since. */
uint64_t counter_file_get(struct counter_file *, size_t counter);

#endif
