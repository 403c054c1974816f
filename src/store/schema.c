#include "store/schema.h"

#include "base/clock.h"
#include "store/message.h"

/*
 * How long a MessageSid is remembered. Twilio retries within minutes and lets
 * an operator replay within days.
 */
#define MESSAGE_KEEP_US (INT64_C(30) * 24 * 3600 * 1000000)

/* Records forgotten at a time: some milliseconds of the writers' time. */
#define PURGE_BITE 250

/*
 * Every statement of the stores finds its rows by one of these indexes,
 * however many there are (db_counters tells of one that does not).
 *
 * queue_item.state is enum queue_item_state of sqlite_queue.c: 0 waits, 1
 * taken, 2 dead. Times are microseconds since 1970 UTC. The body comes last,
 * so that what a walk looks at is in front of it.
 */
static const char version_1[] =
    "CREATE TABLE conversation ("
    "  seq INTEGER PRIMARY KEY,"
    "  id TEXT NOT NULL UNIQUE,"
    "  tel TEXT NOT NULL,"
    "  thread_id TEXT,"
    "  company_id TEXT,"
    "  project_id TEXT,"
    "  handoff INTEGER NOT NULL,"
    "  created_us INTEGER NOT NULL);"
    "CREATE INDEX conversation_tel ON conversation (tel, created_us);"
    "CREATE INDEX conversation_age ON conversation (created_us);"

    "CREATE TABLE queue_item ("
    "  id INTEGER PRIMARY KEY,"
    "  queue TEXT NOT NULL,"
    "  state INTEGER NOT NULL,"
    "  available_us INTEGER NOT NULL,"
    "  created_us INTEGER NOT NULL,"
    "  attempts INTEGER NOT NULL,"
    "  receipt TEXT,"
    "  reason TEXT,"
    "  ordered_by TEXT,"
    "  checksum INTEGER NOT NULL,"
    "  body BLOB NOT NULL);"
    "CREATE INDEX queue_item_due ON queue_item (queue, available_us, state)"
    "  WHERE state < 2;"
    "CREATE INDEX queue_item_live ON queue_item (queue) WHERE state < 2;"
    "CREATE INDEX queue_item_dead ON queue_item (queue) WHERE state = 2;"

    "CREATE TABLE message ("
    "  sid TEXT NOT NULL PRIMARY KEY,"
    "  route TEXT NOT NULL,"
    "  conversation_id TEXT,"
    "  at_us INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX message_age ON message (at_us);"

    "CREATE TABLE message_event ("
    "  sid TEXT NOT NULL,"
    "  status TEXT NOT NULL,"
    "  error_code TEXT,"
    "  at_us INTEGER NOT NULL,"
    "  PRIMARY KEY (sid, status)) WITHOUT ROWID;"
    "CREATE INDEX message_event_age ON message_event (at_us);";

/* Calls: status callbacks (sequence -1: none was sent), confirmed digits. */
static const char version_2[] =
    "CREATE TABLE call_event ("
    "  sid TEXT NOT NULL,"
    "  sequence INTEGER NOT NULL,"
    "  status TEXT NOT NULL,"
    "  duration_s INTEGER NOT NULL,"
    "  direction TEXT,"
    "  caller TEXT,"
    "  callee TEXT,"
    "  error_code TEXT,"
    "  at_us INTEGER NOT NULL,"
    "  PRIMARY KEY (sid, sequence, status)) WITHOUT ROWID;"
    "CREATE INDEX call_event_age ON call_event (at_us);"

    "CREATE TABLE call_digits ("
    "  call_sid TEXT NOT NULL,"
    "  target TEXT NOT NULL,"
    "  value TEXT NOT NULL,"
    "  caller TEXT,"
    "  at_us INTEGER NOT NULL,"
    "  PRIMARY KEY (call_sid, target, value)) WITHOUT ROWID;"
    "CREATE INDEX call_digits_age ON call_digits (at_us);";

/* What remote queues have not taken yet. */
static const char version_3[] =
    "CREATE TABLE spool ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  role TEXT NOT NULL,"
    "  ordered_by TEXT NOT NULL,"
    "  queue_group TEXT,"
    "  sid TEXT,"
    "  sender TEXT,"
    "  trace TEXT,"
    "  reason TEXT,"
    "  received_us INTEGER NOT NULL,"
    "  visible_us INTEGER NOT NULL,"
    "  due_us INTEGER NOT NULL,"
    "  taken INTEGER NOT NULL,"
    "  attempts INTEGER NOT NULL,"
    "  body BLOB NOT NULL);"
    "CREATE INDEX spool_order ON spool (ordered_by, id);"
    "CREATE INDEX spool_due ON spool (due_us, id);"

    /* What this installation is called where several share a table. */
    "CREATE TABLE installation (name TEXT NOT NULL);"
    "INSERT INTO installation VALUES (lower(hex(randomblob(16))));";

static const char *const migrations[] = { version_1, version_2, version_3,
	NULL };

static enum status
purge(struct db *db, void *arg)
{
	(void)arg;
	return message_purge(db, clock_us() - MESSAGE_KEEP_US, PURGE_BITE);
}

const struct db_schema store_schema = {
	.migrations = migrations,
	.chore = purge,
};
