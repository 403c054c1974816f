/* Small things that C strings lack. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

bool str_eq(const char *, const char *); /* NULL equals NULL only */
bool str_starts(const char *s, const char *prefix);
bool str_empty(const char *); /* NULL or "" */

/*
 * Strictly decimal digits, no sign, no space, at most max.
 * ST_OK, ST_MALFORMED or ST_TOOBIG.
 */
enum status str_u64(const char *, uint64_t max, uint64_t *out);

/* strdup that takes NULL (and gives NULL); ST_OK or ST_NOMEM. */
enum status str_dup(const char *, char **out);

/* Free a secret, its bytes overwritten. *s becomes NULL, and may be it. */
void str_wipe(char **s);

/*
 * FNV-1a, 64 bits: to see that bytes changed, not to resist anyone. Begins with
 * STR_HASH; what it gave goes on with the next bytes.
 */
#define STR_HASH UINT64_C(0xcbf29ce484222325)
uint64_t str_hash(uint64_t hash, const void *, size_t);

/*
 * A caller's address for the log: its scheme and last two letters stay, whole
 * ones, "whatsapp:+14155550100" becomes "whatsapp:+*********00". out is always
 * terminated.
 */
#define STR_MASK_MAX 64
void str_mask(const char *, char out[static STR_MASK_MAX]);

/*
 * A SID for the log, "" if it is NULL. What has not the form of one, two
 * capitals and then letters and digits, may be anything that a caller wrote
 * and becomes "(no SID)".
 */
#define STR_SID_MAX 64
void str_sid(const char *, char out[static STR_SID_MAX]);

/* Is it a SID of this kind: the kind's two capitals and 32 hexadecimal digits?
 * NULL is none. */
bool str_is_sid(const char *, const char *kind);
/* The same of a message, which is SM, MM or IM. */
bool str_is_message_sid(const char *);

/* A random version 4 UUID in text, for request ids and receipts. */
#define STR_UUID_MAX 37
enum status str_uuid(char out[static STR_UUID_MAX]);

#endif
