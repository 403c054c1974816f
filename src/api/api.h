/*
 * What the routes below /api share: parameters and bodies with nothing unknown
 * in them, lists in pages, and the forms of replies.
 *
 * Times are ISO 8601 UTC with a Z and microseconds, absent values are null, a
 * list is {"NAME": […], "next_page_token": …}. Functions that give bool have
 * answered if it is false.
 */
#ifndef API_API_H
#define API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "serve/exchange.h"

struct json;

/* --- what was asked for ---------------------------------------------------- */

enum api_flag { API_ABSENT, API_FALSE, API_TRUE };

/*
 * A parameter of the query, or a member of the body; one of the pointers is
 * where its value goes, which is left as it is if there is none. A member that
 * is null counts as absent.
 */
struct api_field {
	const char *name;
	const char **text;
	enum api_flag *flag; /* true or false */
	int64_t *number;
	int64_t min, max; /* of the number */
	const struct json **json; /* a member of any kind */
	bool required;
};

/* The query has these parameters, each at most once and with a value, and no
 * other; else 400 with the name. Texts live as long as the exchange. */
bool api_query(struct exchange *, const struct api_field *, size_t n);

/*
 * The body is an object with these members, each at most once and of its kind,
 * and no other, and the query is empty; else 400 with the name. No body is an
 * object without members. *json owns the values; the caller frees it in any
 * case.
 */
bool api_body(
    struct exchange *, const struct api_field *, size_t n, struct json **json);

/* --- lists ----------------------------------------------------------------- */

#define API_LIMIT 50
#define API_LIMIT_MAX 200

/* A page of a list, for the query: API_PAGE_FIELDS(&page) are fields of it. */
struct api_page {
	int64_t limit;
	const char *token;
};

#define API_PAGE_INIT \
	{ \
		API_LIMIT, NULL \
	}
#define API_PAGE_FIELDS(page) \
	{ .name = "limit", \
		.number = &(page)->limit, \
		.min = 1, \
		.max = API_LIMIT_MAX }, \
	{ \
		.name = "page_token", .text = &(page)->token \
	}

/*
 * The place that the token names, into an empty buf that stays empty without a
 * token. filters is a text of all that chooses what is in the list; a token is
 * good with the same alone. What is in a place is for its reader to check
 * (api_token_wrong).
 */
bool api_place(struct exchange *, const struct api_page *, const char *filters,
    struct buf *place);

/* Read a place "MICROSECONDS ID", id pointing into it; an empty one changes
 * neither. False: it is not such a place. */
bool api_place_read(const struct buf *, int64_t *us, const char **id);

/* Answer 400: the token, or the place in it, cannot be used. */
void api_token_wrong(struct exchange *);

/* Begin the reply {"NAME":[ in the place of any other, before each try of a
 * job; end it. next is where the next page begins; NULL: there is none. */
void api_list_begin(struct exchange *, const char *name);
void api_list_end(
    struct exchange *, const char *filters, const struct buf *next);

/* What waits is counted up to so many: a request takes no longer the more there
 * is. */
#define API_COUNTED 100000

/* --- replies --------------------------------------------------------------- */

/* ,"NAME":VALUE or, with the first byte '{', {"NAME":VALUE. */
void api_put_text(struct buf *, char before, const char *name, const char *);
void api_put_int(struct buf *, char before, const char *name, int64_t);
void api_put_bool(struct buf *, char before, const char *name, bool);
void api_put_time(
    struct buf *, char before, const char *name, int64_t us); /* 0: null */

/* The body that was built is the reply, with this code. */
void api_reply(struct exchange *, int code);

/* 400 with the name of what is wrong. */
void api_refuse(struct exchange *, const char *name, const char *why);

/* 409: error is a word for programs ("state", "exists", …), message a
 * sentence for people. */
void api_conflict(struct exchange *, const char *error, const char *message);

#endif
