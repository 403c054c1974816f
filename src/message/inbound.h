/*
 * Inbound messages on their way: the sender's newest conversation decides the
 * queue, the MessageSid, or the digest, makes a repeat harmless, and look-up,
 * record and queue entry are one transaction, so that a hand-off cannot race a
 * message. Those that came in one webhook are in one transaction together.
 */
#ifndef MESSAGE_INBOUND_H
#define MESSAGE_INBOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "codec/crypt.h"
#include "message/envelope.h"
#include "message/ports.h"

struct db;
struct metrics;
struct outbox;
struct said;

struct inbound {
	struct inbound *next; /* of the same webhook; NULL: the last */
	struct ports *ports; /* set by inbound_begin */
	struct outbox *outbox;
	struct metrics *metrics;
	const char *sid; /* the MessageSid; NULL: it has none that counts */
	unsigned char digest[CRYPT_SHA256_SIZE]; /* of what was signed */
	bool brief; /* rightly without a SID, see store/message.h */
	const char *from; /* the address as Twilio sent it */
	const char *sender; /* sender_of(from) */
	const char *user_id; /* ExternalUserId, or NULL */
	const char *opt_out; /* OptOutType, "STOP", "START", …; NULL: none */
	const char *trace; /* X-Amzn-Trace-Id to pass on, or NULL */
	char channel[ENVELOPE_CHANNEL_MAX];
	const struct said *said; /* to be kept with the conversation */
	const struct buf *message; /* "twilio_message": JSON */
	int64_t received_us;
	const char
	    *held_opt_out; /* in what was held of this sender, NULL: none */
	char new_id[STR_UUID_MAX]; /* for unknown_sender = create */
	char hex
	    [CRYPT_SHA256_HEX_MAX]; /* the digest, where it is needed as text */

	/* Results. */
	const char *outcome; /* static: "ai", "human", "unrouted", … */
	bool repeated; /* it came before */
	bool unknown; /* the sender had no conversation */
	bool spooled; /* its queue has not got it yet */
	char *conversation_id; /* NULL: none; the caller frees it */
};

/* Before they are routed, it and all that follow it: what tells them from
 * others. ST_OK, ST_IO (no random numbers). */
enum status inbound_begin(struct inbound *, struct ports *);

/*
 * Route them, all or none: as a job (arg is the first) where all is in the
 * embedded engine (ports->local); or elsewhere, which can take as long as that
 * does. ST_OK: each is durable, or was recorded before, or is ignored by
 * configuration; ST_EXISTS: all were recorded before. Else nothing was recorded
 * (ST_TIMEOUT: perhaps all of it; with queues elsewhere and store.spool = off
 * perhaps the first of several, which then are repeats when Twilio tries
 * again).
 */
enum status inbound_route(struct db *, void *arg);
enum status inbound_route_elsewhere(struct inbound *);

/* What to answer after that: repeats are as good (outcome "duplicate"). */
enum status inbound_end(struct inbound *, enum status);

#endif
