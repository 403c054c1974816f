/*
 * JSON (RFC 8259): written into a buf, checked, and read. cJSON reads, but by
 * itself it passes what is not JSON (bytes that are not UTF-8, text after the
 * value, control characters), so that text is checked strictly before; and it
 * cuts strings at \u0000, ignores the case of names, takes the first of two
 * members and rounds numbers, which json.c sees to.
 */
#ifndef CODEC_JSON_H
#define CODEC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

/*
 * Writing: append a string with its quotes. What comes out is valid whatever
 * goes in: bytes that are not UTF-8 become U+FFFD, NUL and other controls are
 * escaped, and so is what SQS or a reader of lines would trip over (U+FFFE,
 * U+2028, …). json_put_text takes a C string; NULL becomes null.
 */
enum status json_put_string(struct buf *, const char *, size_t len);
enum status json_put_text(struct buf *, const char *);

/* Append a value that json_check has passed, on one line, with the same in
 * strings escaped. */
enum status json_put_value(struct buf *, const char *, size_t len);

/* Arrays and objects in each other that any text here may have. */
#define JSON_DEPTH_MAX 256

/*
 * Is this one JSON value and nothing else, in valid UTF-8, with escaped
 * surrogates in pairs, nested max_depth deep at most (JSON_DEPTH_MAX)?
 * Then it can be put into other JSON text as it stands. ST_OK, ST_MALFORMED,
 * or ST_TOOBIG if it is nested deeper.
 */
enum status json_check(const char *, size_t len, size_t max_depth);

/*
 * The same for the value that begins at the text's first byte, whatever is
 * behind it. *used is the value's length.
 */
enum status json_check_first(
    const char *, size_t len, size_t max_depth, size_t *used);

/* Reading: a value, and what it holds, until the whole is freed. */
struct json;

enum json_kind {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/*
 * ST_OK, ST_MALFORMED, ST_TOOBIG (nested deeper than JSON_DEPTH_MAX),
 * ST_UNSUPPORTED (a number over 62 digits, where cJSON does not take it) or
 * ST_NOMEM.
 */
enum status json_parse(const char *, size_t len, struct json **);

/* NULL is allowed. Strings are wiped: they may be a secret's. */
void json_free(struct json *);

enum json_kind json_kind(const struct json *);

/*
 * The member of exactly this name. ST_OK; ST_NOTFOUND (*out is NULL); or
 * ST_MALFORMED: it is there twice, or this is not an object.
 */
enum status json_member(
    const struct json *, const char *name, const struct json **out);

/*
 * The value as what it should be, or ST_MALFORMED if it is of another kind.
 * json_text also refuses a string with a NUL in it; the text lives as long as
 * the whole. json_int refuses fractions and, with ST_TOOBIG, whatever a
 * double does not hold exactly (2^53 and beyond).
 */
enum status json_text(const struct json *, const char **);
enum status json_int(const struct json *, int64_t *);
enum status json_bool(const struct json *, bool *);

/*
 * A member as text or integer in one go. A member that is null counts as
 * absent: ST_NOTFOUND (*out is then NULL, or 0).
 */
enum status json_member_text(
    const struct json *, const char *name, const char **out);
enum status json_member_int(
    const struct json *, const char *name, int64_t *out);

/*
 * Walking an array's items or an object's members, in their order:
 * for (v = json_first(a); v != NULL; v = json_next(v)). json_name is a
 * member's name, NULL for an item or a name with a NUL in it.
 */
const struct json *json_first(const struct json *);
const struct json *json_next(const struct json *);
const char *json_name(const struct json *);

size_t json_size(const struct json *); /* how many items or members */

#endif
