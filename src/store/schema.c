#include "store/schema.h"

#include "base/clock.h"
#include "config/config.h"
#include "store/call.h"
#include "store/counter.h"
#include "store/message.h"
#include "store/reply.h"
#include "store/seen.h"
#include "store/spool.h"
#include "store/sqlite_queue.h"
#include "store/transcript.h"

/*
 * How long a MessageSid, and the digest beside it, is remembered. Twilio
 * retries within minutes and lets an operator replay within days.
 */
#define DAY_US (INT64_C(24) * 3600 * 1000000)
#define MESSAGE_KEEP_US (30 * DAY_US)

/* The same of a call, and all that is recorded of it, after its last word:
 * long enough to look into a complaint. */
#define CALL_KEEP_US (90 * DAY_US)

/* Records forgotten at a time: some milliseconds of the writers' time. */
#define PURGE_BITE 250
#define PURGE_CALLS 50

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

/*
 * Counters for /metrics; events of calls, numbered as they are recorded, for
 * those who follow them; and a row for each call, made of its events by
 * call.c, with an index for each way of listing calls by time.
 */
static const char version_4[] =
    "CREATE TABLE counter ("
    "  name TEXT NOT NULL,"
    "  label TEXT NOT NULL,"
    "  value INTEGER NOT NULL,"
    "  PRIMARY KEY (name, label)) WITHOUT ROWID;"

    "CREATE TABLE call_event_4 ("
    "  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  sid TEXT NOT NULL,"
    "  sequence INTEGER NOT NULL,"
    "  status TEXT NOT NULL,"
    "  duration_s INTEGER NOT NULL,"
    "  direction TEXT,"
    "  caller TEXT,"
    "  callee TEXT,"
    "  error_code TEXT,"
    "  at_us INTEGER NOT NULL,"
    "  UNIQUE (sid, sequence, status));"
    "INSERT INTO call_event_4 (sid, sequence, status, duration_s,"
    "  direction, caller, callee, error_code, at_us)"
    "  SELECT sid, sequence, status, duration_s,"
    "  direction, caller, callee, error_code, at_us"
    "  FROM call_event ORDER BY at_us;"
    "DROP TABLE call_event;"
    "ALTER TABLE call_event_4 RENAME TO call_event;"

    "CREATE TABLE call ("
    "  sid TEXT NOT NULL PRIMARY KEY,"
    "  status TEXT NOT NULL,"
    "  direction TEXT,"
    "  caller TEXT,"
    "  callee TEXT,"
    "  error_code TEXT,"
    "  duration_s INTEGER NOT NULL,"
    "  sequence INTEGER NOT NULL,"
    "  start_us INTEGER NOT NULL,"
    "  last_us INTEGER NOT NULL,"
    "  ended INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX call_start ON call (start_us, sid);"
    "CREATE INDEX call_status ON call (status, start_us, sid);"
    "CREATE INDEX call_direction ON call (direction, start_us, sid);"
    "CREATE INDEX call_both ON call (status, direction, start_us, sid);"

    /* As call_event_record does it: of each column the last that was said,
     * in the order of a call's life. (A value goes through max() behind the
     * place of its event.) */
    "INSERT INTO call SELECT sid,"
    "  substr(max(place || status), 9),"
    "  substr(max(place || nullif(direction, '')), 9),"
    "  substr(max(place || nullif(caller, '')), 9),"
    "  substr(max(place || nullif(callee, '')), 9),"
    "  substr(max(place || nullif(error_code, '')), 9),"
    "  ifnull(CAST(substr(max(place || nullif(duration_s, -1)), 9)"
    "    AS INTEGER), -1),"
    "  max(sequence), min(at_us), max(at_us), max(final)"
    "  FROM (SELECT *, printf('%08d', row_number() OVER (PARTITION BY sid"
    "    ORDER BY final, sequence, at_us, status)) AS place"
    "    FROM (SELECT *, status IN ('completed', 'busy', 'failed',"
    "      'no-answer', 'canceled') AS final FROM call_event))"
    "  GROUP BY sid;";

/* The index of what is due serves those who count and look, too. */
static const char version_5[] = "DROP INDEX queue_item_live;";

/* Order within a group (queue.h): the first of each may be given out, the
 * others are behind it. */
static const char version_6[] =
    "ALTER TABLE queue_item ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;"
    "UPDATE queue_item SET behind = 1 WHERE state < 2"
    "  AND ordered_by IS NOT NULL AND id NOT IN"
    "  (SELECT min(id) FROM queue_item WHERE state < 2"
    "    GROUP BY queue, ordered_by);"
    "DROP INDEX queue_item_due;"
    "CREATE INDEX queue_item_due"
    "  ON queue_item (queue, behind, available_us, state) WHERE state < 2;"
    "CREATE INDEX queue_item_group"
    "  ON queue_item (queue, ordered_by, behind)"
    "  WHERE state < 2 AND ordered_by IS NOT NULL;";

/* What a message is known by beside its SID, message.h tells why. */
static const char version_7[] =
    "ALTER TABLE message ADD COLUMN digest BLOB;"
    "CREATE UNIQUE INDEX message_digest ON message (digest)"
    "  WHERE digest IS NOT NULL;";

/* What a message in the spool is known by at other installations. */
static const char version_8[] =
    "ALTER TABLE spool ADD COLUMN digest TEXT;"
    "ALTER TABLE spool ADD COLUMN brief INTEGER NOT NULL DEFAULT 0;";

/*
 * For clocks that jump. queue_item.since_us is when available_us was set: what
 * was set in the future is due by its own span (sqlite_queue_rebase). Of what
 * was taken before this version only the longest span is known. The table is
 * seen.c's.
 */
static const char version_9[] =
    "ALTER TABLE queue_item ADD COLUMN since_us INTEGER NOT NULL DEFAULT 0;"
    "UPDATE queue_item SET since_us = CASE state"
    "  WHEN 1 THEN available_us - 43200000000 ELSE created_us END"
    "  WHERE state < 2 AND available_us > strftime('%s', 'now') * 1000000;"
    "CREATE INDEX queue_item_since ON queue_item (since_us) WHERE state < 2;"

    "CREATE TABLE clock ("
    "  last_us INTEGER NOT NULL,"
    "  boot_us INTEGER NOT NULL,"
    "  boot TEXT NOT NULL,"
    "  purge_us INTEGER NOT NULL,"
    "  jump_us INTEGER NOT NULL,"
    "  jumped_us INTEGER NOT NULL);"
    "INSERT INTO clock SELECT now_us, 0, '',"
    "  min(now_us, coalesce((SELECT max(at_us) FROM message), now_us)), 0, 0"
    "  FROM (SELECT strftime('%s', 'now') * 1000000 AS now_us);";

/* What a confirmation is known by, as a message is: one signature is one. */
static const char version_10[] =
    "ALTER TABLE call_digits ADD COLUMN digest BLOB;"
    "CREATE UNIQUE INDEX call_digits_digest ON call_digits (digest)"
    "  WHERE digest IS NOT NULL;";

/*
 * Calls by who was in them, and the legs of a call. Of a call that is known
 * from its end alone the start is the duration before it (call.c).
 */
static const char version_11[] =
    "ALTER TABLE call_event ADD COLUMN parent_sid TEXT;"
    "ALTER TABLE call ADD COLUMN parent_sid TEXT;"
    "UPDATE call SET start_us = min(start_us,"
    "  last_us - duration_s * 1000000)"
    "  WHERE ended AND duration_s BETWEEN 1 AND 604800 AND NOT EXISTS"
    "  (SELECT 1 FROM call_event AS e WHERE e.sid = call.sid"
    "    AND e.status NOT IN ('completed', 'busy', 'failed', 'no-answer',"
    "    'canceled'));"
    "CREATE INDEX call_caller ON call (caller, start_us, sid);"
    "CREATE INDEX call_callee ON call (callee, start_us, sid);"
    "CREATE INDEX call_parent ON call (parent_sid, start_us, sid)"
    "  WHERE parent_sid IS NOT NULL;";

/* Whom to write to no more. */
static const char version_12[] = "ALTER TABLE conversation ADD COLUMN"
				 " opted_out INTEGER NOT NULL DEFAULT 0;";

/* The number of a WhatsApp user's id, see sender.h. */
static const char version_13[] = "CREATE TABLE sender_pair ("
				 "  number TEXT NOT NULL PRIMARY KEY,"
				 "  user_id TEXT NOT NULL UNIQUE)"
				 " WITHOUT ROWID;";

/* Signatures that did not fit (refusal.h): too few for an index. */
static const char version_14[] = "CREATE TABLE refusal ("
				 "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
				 "  at_us INTEGER NOT NULL,"
				 "  passed INTEGER NOT NULL,"
				 "  request_id TEXT NOT NULL,"
				 "  method TEXT NOT NULL,"
				 "  route TEXT NOT NULL,"
				 "  url TEXT NOT NULL,"
				 "  verdict TEXT NOT NULL,"
				 "  cause TEXT NOT NULL,"
				 "  explanation TEXT NOT NULL);";

/*
 * What was said (transcript.h, reply.h). The texts of a conversation lie
 * together, and each message is one row and two entries: this is written with
 * every message that comes in.
 */
static const char version_15[] =
    "CREATE TABLE said ("
    "  conversation_id TEXT NOT NULL,"
    "  at_us INTEGER NOT NULL,"
    "  key TEXT NOT NULL,"
    "  sid TEXT,"
    "  sender TEXT NOT NULL,"
    "  receiver TEXT,"
    "  channel TEXT NOT NULL,"
    "  route TEXT NOT NULL,"
    "  media TEXT,"
    "  body TEXT,"
    "  PRIMARY KEY (conversation_id, at_us, key)) WITHOUT ROWID;"
    "CREATE INDEX said_age ON said (at_us);"

    "CREATE TABLE activity ("
    "  conversation_id TEXT NOT NULL PRIMARY KEY,"
    "  tel TEXT NOT NULL,"
    "  handoff INTEGER NOT NULL,"
    "  last_us INTEGER NOT NULL,"
    "  unanswered INTEGER NOT NULL,"
    "  handoff_us INTEGER NOT NULL DEFAULT 0,"
    "  handoff_by TEXT,"
    "  name TEXT,"
    "  our_address TEXT,"
    "  their_address TEXT,"
    "  channel TEXT,"
    "  service_sid TEXT) WITHOUT ROWID;"
    "CREATE INDEX activity_last ON activity (last_us, conversation_id);"
    "CREATE INDEX activity_unanswered ON activity (last_us, conversation_id)"
    "  WHERE unanswered > 0;"
    "INSERT INTO activity (conversation_id, tel, handoff, last_us, unanswered)"
    "  SELECT id, tel, handoff, created_us, 0 FROM conversation;"

    "CREATE TABLE reply ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  conversation_id TEXT NOT NULL,"
    "  client_id TEXT,"
    "  author TEXT NOT NULL,"
    "  machine INTEGER NOT NULL,"
    "  sender TEXT NOT NULL,"
    "  receiver TEXT NOT NULL,"
    "  service_sid TEXT,"
    "  channel TEXT NOT NULL,"
    "  digest BLOB NOT NULL,"
    "  created_us INTEGER NOT NULL,"
    "  state TEXT NOT NULL,"
    "  attempts INTEGER NOT NULL,"
    "  attempt_us INTEGER NOT NULL,"
    "  due_us INTEGER NOT NULL,"
    "  sid TEXT,"
    "  error_code TEXT,"
    "  error TEXT,"
    "  media TEXT,"
    "  body TEXT);"
    "CREATE UNIQUE INDEX reply_client ON reply (conversation_id, client_id)"
    "  WHERE client_id IS NOT NULL;"
    "CREATE UNIQUE INDEX reply_sid ON reply (sid) WHERE sid IS NOT NULL;"
    "CREATE INDEX reply_thread ON reply (conversation_id, created_us);"
    "CREATE INDEX reply_due ON reply (due_us) WHERE due_us > 0;"
    "CREATE INDEX reply_open ON reply (conversation_id, id)"
    "  WHERE state IN ('queued', 'sending');"
    "CREATE INDEX reply_age ON reply (created_us);"
    "CREATE INDEX reply_kept ON reply (created_us)"
    "  WHERE body IS NOT NULL OR media IS NOT NULL;";

/* The counters by the hour (counter.h), so that the last day is a walk of some
 * rows, however much came in. */
static const char version_16[] = "CREATE TABLE counter_hour ("
				 "  hour INTEGER NOT NULL,"
				 "  name TEXT NOT NULL,"
				 "  label TEXT NOT NULL,"
				 "  value INTEGER NOT NULL,"
				 "  PRIMARY KEY (hour, name, label))"
				 " WITHOUT ROWID;";

/* For SQS's protocol: the attributes of a message, and the deduplication ids
 * that a queue has taken of late (sqlite_queue_push.c). */
static const char version_17[] =
    "ALTER TABLE queue_item ADD COLUMN attributes TEXT;"
    "CREATE TABLE queue_dedupe ("
    "  queue TEXT NOT NULL,"
    "  dedupe TEXT NOT NULL,"
    "  item INTEGER NOT NULL,"
    "  at_us INTEGER NOT NULL,"
    "  PRIMARY KEY (queue, dedupe)) WITHOUT ROWID;"
    "CREATE INDEX queue_dedupe_age ON queue_dedupe (at_us);";

/* "rcs:" and the like are no part of a sender (sender.h), who would not be known
 * any more. */
static const char version_18[] =
    "UPDATE conversation SET tel = substr(tel, 5) WHERE tel LIKE 'rcs:_%';"
    "UPDATE conversation SET tel = substr(tel, 10)"
    "  WHERE tel LIKE 'whatsapp:_%';"
    "UPDATE activity SET tel = (SELECT tel FROM conversation"
    "  WHERE id = conversation_id) WHERE tel LIKE 'rcs:_%'"
    "  OR tel LIKE 'whatsapp:_%';";

/* Without the table of any of these a message or a call is lost, or the reason
 * why one was refused. */
static const char probe[] = "SELECT 1 FROM conversation"
			    " UNION ALL SELECT 1 FROM queue_item"
			    " UNION ALL SELECT 1 FROM message"
			    " UNION ALL SELECT 1 FROM message_event"
			    " UNION ALL SELECT 1 FROM call"
			    " UNION ALL SELECT 1 FROM call_event"
			    " UNION ALL SELECT 1 FROM call_digits"
			    " UNION ALL SELECT 1 FROM spool"
			    " UNION ALL SELECT 1 FROM installation"
			    " UNION ALL SELECT 1 FROM counter"
			    " UNION ALL SELECT 1 FROM counter_hour"
			    " UNION ALL SELECT 1 FROM clock"
			    " UNION ALL SELECT 1 FROM sender_pair"
			    " UNION ALL SELECT 1 FROM refusal"
			    " UNION ALL SELECT 1 FROM said"
			    " UNION ALL SELECT 1 FROM activity"
			    " UNION ALL SELECT 1 FROM reply"
			    " UNION ALL SELECT 1 FROM queue_dedupe"
			    " LIMIT 0";

static const char *const migrations[] = { version_1, version_2, version_3,
	version_4, version_5, version_6, version_7, version_8, version_9,
	version_10, version_11, version_12, version_13, version_14, version_15,
	version_16, version_17, version_18, NULL };

static enum status
upkeep(struct db *db, void *arg)
{
	const struct config *c = arg;
	int64_t now = 0, kept_us = 0;
	enum status st;

	if (c != NULL)
		kept_us = c->store.keep_messages * DAY_US;
	if ((st = seen_note(db, &now)) == ST_OK)
		st = message_purge(db, now - MESSAGE_KEEP_US, PURGE_BITE);
	if (st == ST_OK)
		st = call_purge(db, now - CALL_KEEP_US, PURGE_CALLS);
	if (st == ST_OK && c != NULL)
		st = transcript_purge(db, now - kept_us, PURGE_BITE);
	if (st == ST_OK && c != NULL)
		st = reply_purge(db, now - kept_us, PURGE_BITE);
	if (st == ST_OK)
		st = counter_purge(db, clock_us());
	/* For those who watch the ages, where nobody takes anything. */
	if (st == ST_OK)
		st = sqlite_queue_rebase(db, clock_us());
	return st == ST_OK ? spool_rebase(db, clock_us()) : st;
}

/* SPOOL_HELD: both the original and the copy would send it. */
static const char copied[] =
    "UPDATE reply SET state = 'unknown', due_us = 0"
    " WHERE state IN ('queued', 'sending', 'unknown');"
    "UPDATE spool SET taken = 0, due_us = 9223372036854775806,"
    " reason = 'in a copy of the database: waits for"
    " switchhook spool flush --restored'";

const struct db_schema store_schema = {
	.migrations = migrations,
	.copied = copied,
	.chore = upkeep,
	.sum = counter_sum,
	.probe = probe,
};
