/* GET /api/refused: the last signatures that did not fit, and why. */
#ifndef API_REFUSED_H
#define API_REFUSED_H

struct exchange;

void handle_api_refused(struct exchange *);

#endif
