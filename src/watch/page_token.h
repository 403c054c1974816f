/*
 * The page tokens of the admin routes: a place in a list, and a check that it
 * is whole and comes with the filters that it was made for. A token has A-Z
 * a-z 0-9 - and _ only.
 *
 * The check is against mistakes: whoever can send a token may see every call
 * of the account, and can make one. What a place may lead to is for its reader
 * to bound.
 */
#ifndef WATCH_PAGE_TOKEN_H
#define WATCH_PAGE_TOKEN_H

#include "base/buf.h"
#include "base/status.h"

/* No token of ours is longer. */
#define PAGE_TOKEN_MAX 8192

/* Append the token of a place; filters is a text of all that must be the same
 * when it comes back. ST_OK; ST_TOOBIG, ST_IO, ST_NOMEM. */
enum status page_token_make(
    const struct buf *place, const char *filters, struct buf *out);

/* The place of a token, into an empty buf. ST_OK; ST_DENIED: not a token of
 * ours with these filters; ST_IO, ST_NOMEM. */
enum status page_token_open(
    const char *token, const char *filters, struct buf *place);

#endif
