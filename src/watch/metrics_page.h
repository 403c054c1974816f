/* GET /metrics. */
#ifndef WATCH_METRICS_PAGE_H
#define WATCH_METRICS_PAGE_H

struct exchange;

void handle_metrics(struct exchange *);

#endif
