/*
 * One message to its queue: look up its sender if that could not be done
 * before, claim it where several installations share a table, push it.
 */
#ifndef MESSAGE_DELIVER_H
#define MESSAGE_DELIVER_H

#include <stdbool.h>

#include "base/status.h"
#include "message/ports.h"
#include "store/spool.h"

/*
 * ST_OK: the queue has it, or another installation has sent it. *theirs:
 * another has claimed it and not sent it yet, which says nothing of the queue.
 * ST_TOOBIG, ST_MALFORMED: no queue will ever take it.
 */
enum status deliver(struct ports *, const struct spool_entry *, bool *theirs);

/* Onto its queue, and nothing else. ST_CONFIG: its role has no queue. */
enum status deliver_push(struct ports *, const struct spool_entry *);

/* It was not sent, and will not be: another installation may have it. */
void deliver_unclaim(struct ports *, const struct spool_entry *);

/* What names an entry in the log: its message's SID, or the call whose digits
 * it has. */
const char *deliver_name(const struct spool_entry *);

#endif
