/*
 * Repeats told apart across machines: a DynamoDB table, "dynamodb:TABLE",
 * whose partition key is message_sid (a string). The first installation that
 * has a message claims it, sends it, and then marks the claim as sent:
 *
 *	message_sid	MessageSid, or what stands for it
 *	claimed_by	the installation
 *	claimed_at	when it last began to send, seconds since 1970
 *	sent_at		when the queue had it; absent: not yet
 *	expires_at	when the item may go by itself (time to live)
 *
 * A claim without sent_at stands for no delivery: whoever made it may have died
 * before its queue had the message. After DEDUPE_UNSENT_S another may take it
 * over. What older versions wrote has no claimed_at and counts as sent.
 */
#ifndef AWS_DEDUPE_H
#define AWS_DEDUPE_H

#include <stdint.h>

#include "base/status.h"

struct aws_client;

/* How long a claim holds: far longer than Twilio retries. */
#define DEDUPE_KEEP_S (INT64_C(7) * 24 * 3600)

/* One try takes 30 s at most; the rest is for clocks that differ. */
#define DEDUPE_UNSENT_S INT64_C(120)

struct dedupe {
	const char *table;
	const char *key; /* MessageSid, or what stands for it */
	const char *owner; /* this installation */
	int64_t now_s;
	int64_t keep_s; /* how long a repeat is one */
};

/*
 * Before sending. ST_OK: the owner's, from now or from before. ST_EXISTS: it
 * was sent. ST_BUSY: another has claimed it and not sent it yet, so try later.
 * Else what aws_call gives; a table that is not there is ST_CONFIG.
 */
enum status dedupe_claim(struct aws_client *, const struct dedupe *);

/* The queue has it, whoever claimed it meanwhile. */
enum status dedupe_sent(struct aws_client *, const struct dedupe *);

/* Take the claim back, if it is the owner's. ST_OK also if it is not. */
enum status dedupe_release(struct aws_client *, const struct dedupe *);

#endif
