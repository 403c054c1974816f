/* GET /metrics. */
#ifndef APP_METRICS_PAGE_H
#define APP_METRICS_PAGE_H

struct exchange;

void handle_metrics(struct exchange *);

#endif
