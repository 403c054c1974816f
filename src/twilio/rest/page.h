/* A page of calls as Twilio sends it. */
#ifndef TWILIO_REST_PAGE_H
#define TWILIO_REST_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

struct json;

#define CALLS_PAGE_MAX 1000 /* calls in one page of Twilio's */

/* One call of a page; text is its JSON object as Twilio sent it. */
struct calls_item {
	const char *text;
	size_t len;
};

/* A page; items point into text. CALLS_PAGE_INIT before the first use. */
struct calls_page {
	struct buf text;
	struct calls_item *items;
	size_t n;
	char *next_uri; /* as Twilio gave it ("/2010-04-01/…"), NULL: the end */
	struct json *read; /* the call that was read last, or NULL */
	size_t read_i; /* which that is */
	bool nomem; /* a call could not be read for lack of memory */
};
#define CALLS_PAGE_INIT \
	{ \
		BUF_INIT, NULL, 0, NULL, NULL, 0, false \
	}
void calls_page_release(struct calls_page *);

/* The i-th call, read; it lasts until another one is asked for. ST_OK,
 * ST_UNSUPPORTED (see json_parse), ST_NOMEM. */
enum status calls_page_call(
    struct calls_page *, size_t i, const struct json **);

/* "/2010-04-01/Accounts/AC…/Calls" */
#define PAGE_PATH "/2010-04-01/Accounts/%s/Calls"

/*
 * May this be asked for next? It is another page of this account's list, and
 * nothing in it leads elsewhere or breaks out of the request.
 */
bool page_uri_fits(const char *uri, const char *account_sid);

/* Find items and next_uri in the text. ST_OK; ST_MALFORMED, and *wrong says
 * what is; ST_NOMEM. */
enum status page_read(
    struct calls_page *, const char *account_sid, const char **wrong);

#endif
