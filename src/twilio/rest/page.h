/* A page of a list, of calls or messages, as Twilio sends it. */
#ifndef TWILIO_REST_PAGE_H
#define TWILIO_REST_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "twilio/rest/account.h"
#include "twilio/rest/request.h"

struct http_client;
struct json;

/* Which list. */
struct page_kind {
	const char *resource; /* "Calls", in the path */
	const char *member; /* "calls", in JSON and in words */
};
extern const struct page_kind page_calls, page_messages;

#define REST_PAGE_MAX 1000 /* items in one page of Twilio's */

/* One item of a page; text is its JSON object as Twilio sent it. */
struct rest_item {
	const char *text;
	size_t len;
};

/* A page; items point into text. REST_PAGE_INIT before the first use. */
struct rest_page {
	struct buf text;
	struct rest_item *items;
	size_t n;
	char *next_uri; /* as Twilio gave it ("/2010-04-01/…"), NULL: the end */
	struct json *read; /* the item that was read last, or NULL */
	size_t read_i; /* which that is */
	bool nomem; /* an item could not be read for lack of memory */
};
#define REST_PAGE_INIT \
	{ \
		BUF_INIT, NULL, 0, NULL, NULL, 0, false \
	}
void rest_page_release(struct rest_page *);

/* The i-th item, read; it lasts until another one is asked for. ST_OK,
 * ST_UNSUPPORTED (see json_parse), ST_NOMEM. */
enum status rest_page_item(struct rest_page *, size_t i, const struct json **);

/* "/2010-04-01/Accounts/AC…/Calls" of account and resource. */
#define PAGE_PATH "/2010-04-01/Accounts/%s/%s"

/*
 * May this be asked for next? It is another page of this account's list, and
 * nothing in it leads elsewhere or breaks out of the request.
 */
bool page_uri_fits(
    const struct page_kind *, const char *uri, const char *account_sid);

/* Find items and next_uri in the text. ST_OK; ST_MALFORMED, and *wrong says
 * what is; ST_NOMEM. */
enum status page_read(struct rest_page *, const struct page_kind *,
    const char *account_sid, const char **wrong);

#define PAGE_BODY_MAX ((size_t)8 << 20) /* bytes */

/*
 * Ask for the page of uri, which fits, within so many milliseconds. ST_OK, or
 * as rest_get, but a 404 is ST_DENIED, as there is no such account, and what is
 * no page, or has itself as its next one, ST_MALFORMED; the page is then empty.
 */
enum status page_get(struct http_client *, const struct rest_account *,
    const struct page_kind *, const char *uri, long total_ms,
    struct rest_page *, struct rest_failure *);

#endif
