/*
 * What GET /ready answers. Anybody may ask, so the verdict is kept for a
 * second, one request at a time renews it while the others take the old
 * one, and nothing in it takes longer the more is stored.
 */
#ifndef SERVE_HEALTH_H
#define SERVE_HEALTH_H

#include "base/status.h"

struct exchange;
struct health; /* safe from several threads */

enum status health_open(struct health **); /* ST_OK or ST_NOMEM */
void health_close(struct health *); /* NULL is allowed */

/* Append what /ready complains about, and whatever else the operator should
 * know, as a list of objects {"check": …, "reason": …}; the reasons are for who
 * may see them. */
struct app;
struct buf;
void health_put_reasons(const struct app *, struct buf *);

void handle_health(struct exchange *);
void handle_ready(struct exchange *);

#endif
