/*
 * The page tokens of the admin routes: a place in a list, sealed so that we
 * take only our own, and only with the filters that it was made for. A token
 * has A-Z a-z 0-9 - and _ only.
 */
#ifndef APP_PAGE_TOKEN_H
#define APP_PAGE_TOKEN_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

/* No token of ours is longer. */
#define PAGE_TOKEN_MAX 8192

/*
 * What a token is good with: the secret that seals it (the admin token, so
 * that all processes take each other's), and a text of all that must be the
 * same when it comes back.
 */
struct page_token_seal {
	const char *secret;
	const struct buf *filters;
};

/* Append the token of a place. ST_OK; ST_TOOBIG, ST_IO, ST_NOMEM. */
enum status page_token_make(
    const struct page_token_seal *, const struct buf *place, struct buf *out);

/* The place of a token, into an empty buf. ST_OK; ST_DENIED: not a token of
 * ours with these filters; ST_IO, ST_NOMEM. */
enum status page_token_open(
    const struct page_token_seal *, const char *token, struct buf *place);

#endif
