/*
 * GET /api/summary: the last day by the hour, what waits, and what is not as it
 * should be. Nothing in it takes longer the more has come in.
 */
#ifndef API_SUMMARY_H
#define API_SUMMARY_H

struct exchange;

void handle_api_summary(struct exchange *);

#endif
