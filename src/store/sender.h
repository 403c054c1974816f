/*
 * A sender's address, and the other addresses of the same person.
 *
 * Conversations have the address as Twilio gives it in From, without
 * "whatsapp:" or "rcs:": a number, +14155550103; or the id of a WhatsApp user
 * who has a user name, US.13491208655302741918; of other channels the whole
 * address, messenger:42. What Twilio sent is never rewritten: conversations
 * are asked for under each name.
 */
#ifndef STORE_SENDER_H
#define STORE_SENDER_H

#include <stddef.h>

#include "base/status.h"

/* From without "whatsapp:" or "rcs:", in capitals or not; part of it. */
const char *sender_of(const char *from);

/*
 * The address that people mean who write or paste '+1 (415) 555-0103' or
 * 'whatsapp:+1 415…', with marks that nobody sees. ST_OK; ST_MALFORMED if it
 * is no address: SENDER_WANTED says what is.
 */
#define SENDER_MAX 256
enum status sender_parse(const char *text, char out[static SENDER_MAX]);
#define SENDER_WANTED \
	"write the number with + and its country code, as in +14155550103, a " \
	"short code, the id of a WhatsApp user, as in " \
	"US.13491208655302741918, or CHANNEL:ADDRESS, as in messenger:42"

#endif
