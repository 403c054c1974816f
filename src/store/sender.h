/*
 * A sender's address, and the other addresses of the same person.
 *
 * Conversations have the address as Twilio gives it in From, without
 * "whatsapp:" or "rcs:": a number, +14155550103; or the id of a WhatsApp user
 * who has taken a user name, US.13491208655302741918; of other channels the
 * whole address, messenger:42. What Twilio sent is never rewritten:
 * conversations are asked for under each name that a sender may have.
 */
#ifndef STORE_SENDER_H
#define STORE_SENDER_H

#include <stddef.h>

#include "base/status.h"

struct conversation;
struct db;
struct store;

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

/*
 * The names of a sender: as given; a mobile number of Brazil, Mexico or
 * Argentina also with or without the digit that its networks add or drop; and
 * the number of a user's id, or the id of a number, if both came once; and
 * MESSENGER:42 as messenger:42.
 */
#define SENDER_NAMES_MAX 3
#define SENDER_ID_MAX 160
struct sender_names {
	const char *name[SENDER_NAMES_MAX]; /* the first is what was given */
	size_t n;
	char other[SENDER_NAMES_MAX - 1][SENDER_ID_MAX];
};

/*
 * Find them; sender must outlive them, and they are not to be copied. user_id
 * is the ExternalUserId that came with a message, or NULL. ST_OK, or what
 * db_read gave; from inside a job, too.
 */
enum status sender_names(struct db *, const char *sender, const char *user_id,
    struct sender_names *);

/* The newest conversation of any of the names; of equally new ones that of the
 * first. As newest of struct store_ops. */
enum status sender_newest(
    struct store *, const struct sender_names *, struct conversation *);

/*
 * Remember, inside a job, that a number and a user's id are one person's; the
 * last that was said of either holds. Nothing if they are not such. ST_OK, or
 * as db_run.
 */
enum status sender_learn(struct db *, const char *sender, const char *user_id);

#endif
