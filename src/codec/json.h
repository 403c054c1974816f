/*
 * JSON (RFC 8259): written into a buf, checked, and read. The only module
 * that knows cJSON, whose lax ways stay inside: text is checked strictly
 * before it is parsed.
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
 * goes in: bytes that are no UTF-8 become U+FFFD, NUL and other controls are
 * escaped. json_put_text takes a C string; NULL becomes null.
 */
enum status json_put_string(struct buf *, const char *, size_t len);
enum status json_put_text(struct buf *, const char *);

/* Arrays and objects in each other that any text here may have. */
#define JSON_DEPTH_MAX 256

/*
 * Is this one JSON value and nothing else, in valid UTF-8, with escaped
 * surrogates in pairs, nested max_depth deep at most (JSON_DEPTH_MAX)?
 * Then it can be put into other JSON text as it stands. ST_OK, ST_MALFORMED,
 * or ST_TOOBIG if it is nested deeper.
 */
enum status json_check(const char *, size_t len, size_t max_depth);

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
void json_free(struct json *); /* NULL is taken */

enum json_kind json_kind(const struct json *);

/*
 * The member of exactly this name. ST_OK; ST_NOTFOUND (*out is NULL); or
 * ST_MALFORMED: it is there twice, or this is no object.
 */
enum status json_member(
    const struct json *, const char *name, const struct json **out);

/*
 * The value as what it should be, or ST_MALFORMED if it is of another kind.
 * json_text also refuses a string with a NUL in it; the text lives as long as
 * the whole. json_int refuses fractions and, with ST_TOOBIG, whatever a
 * double does not hold exactly (2^53 and beyond). json_real refuses what is
 * over a double's range with ST_TOOBIG.
 */
enum status json_text(const struct json *, const char **);
enum status json_int(const struct json *, int64_t *);
enum status json_real(const struct json *, double *);
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

/* How many items or members; the i-th, or NULL. Each counts from the start. */
size_t json_size(const struct json *);
const struct json *json_item(const struct json *, size_t i);

/*
 * Reading without building anything, where an answer has a megabyte and three
 * of its members count: slices of a text that json_check took. Of other text
 * they are nonsense, but within it.
 */
struct json_slice {
	const char *text; /* one value as it stands, no space around it */
	size_t len;
};

/* What one value is, by its first character. */
enum json_kind json_slice_kind(const struct json_slice *);

/* The members of an object or the items of an array, in their order. */
struct json_walk {
	const char *at, *end;
	bool object;
};

/* ST_OK; or ST_MALFORMED: this is neither, and has nothing to walk over. */
enum status json_walk(struct json_walk *, const struct json_slice *);

/* The next; false: there is none. name is a member's as it stands between its
 * quotes, with escapes, and empty for an item; it may be NULL. */
bool json_walk_next(
    struct json_walk *, struct json_slice *name, struct json_slice *value);

/* As json_member. */
enum status json_slice_member(
    const struct json_slice *, const char *name, struct json_slice *out);

/* Is the name, as it stands, that one? */
bool json_slice_name_is(const struct json_slice *, const char *name);

/* Several at once; the text of what is absent is NULL. ST_OK; ST_MALFORMED:
 * one is there twice, or this is no object. */
enum status json_slice_members(const struct json_slice *,
    const char *const names[], size_t n, struct json_slice out[]);

/*
 * As json_check, and on the way each value that is no deeper than
 * JSON_SEEN_DEPTH is told of as it ends: the text is passed over only once.
 * depth 0 is the whole, and what is in a value comes before it. What was told
 * of stands for nothing unless the result is ST_OK. False ends the check with
 * ST_MALFORMED.
 */
#define JSON_SEEN_DEPTH 2
typedef bool json_seen(void *arg, size_t depth, const struct json_slice *name,
    const struct json_slice *value);
enum status json_check_seen(
    const char *, size_t len, size_t max_depth, json_seen *, void *arg);

/* A string, without quotes and escapes. ST_OK; ST_MALFORMED: it is none, or
 * has a NUL in it; ST_TOOBIG: out has no room. out is "" then. */
enum status json_slice_text(const struct json_slice *, char *out, size_t size);

#endif
