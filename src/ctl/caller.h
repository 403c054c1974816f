/*
 * A caller who walks through TwiML as Twilio would play it: verb by verb,
 * telling what happens, until a verb sends the call elsewhere or ends it.
 */
#ifndef CTL_CALLER_H
#define CTL_CALLER_H

#include <stdbool.h>

#include "base/buf.h"
#include "ctl/ctl.h"

struct caller {
	struct ctl *ctl; /* its rows are the transcript */
	const char *keys; /* --digits, what is left of it; NULL: ask */
	int step; /* which document this is, from 1 */
	struct buf digits; /* what was last keyed in */
};

void caller_release(struct caller *);

/* How one document went. */
enum caller_end {
	CALLER_ENDED, /* hung up, rejected, or the document was over */
	CALLER_CONNECTED, /* to a person, a relay, a stream */
	CALLER_POSTS, /* goes on at the URL next, with these parameters */
	CALLER_FAILED, /* it could not be played; the reason was printed */
};

struct caller_next {
	struct buf url; /* "" is the URL of this document */
	bool digits; /* Digits goes along */
	bool dialled; /* DialCallStatus=completed goes along */
};

/* Play one document. ST_OK with *end, or ST_NOMEM, ST_IO (output). */
enum status caller_play(struct caller *, const char *twiml, size_t len,
    enum caller_end *end, struct caller_next *next);

/* One line of the transcript, "verb: text"; text may be NULL. */
enum status caller_tell(struct caller *, const char *verb, const char *text);

#endif
