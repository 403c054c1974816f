/* Telephone numbers: E.164 (ITU-T), for an operator in the United States. */
#ifndef CODEC_PHONE_H
#define CODEC_PHONE_H

#include "base/status.h"

#define PHONE_MAX 17 /* "+", 15 digits, NUL */

/*
 * The number as E.164, from what people in region US write: spaces, "(", ")",
 * "." and "-" are dropped; "+" and up to 15 digits, not 0 first, stand; "011"
 * is "+"; 10 digits get "+1"; 11 digits with 1 first get "+". ST_OK, or
 * ST_MALFORMED for anything else (out is then ""). Only for numbers that an
 * operator writes: an address that Twilio sends is left as it is.
 */
enum status phone_normalize(const char *, char out[static PHONE_MAX]);

#endif
