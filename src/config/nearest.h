/* The known name that a misspelt one most likely means. */
#ifndef CONFIG_NEAREST_H
#define CONFIG_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

/* How close the best candidate so far is; the zero value: there is none. */
struct nearest {
	bool found;
	size_t distance; /* in edits */
};

/*
 * Offer a candidate. True if it is closer to wrong than those before it, and
 * close enough to be meant (about one edit in three characters; two letters
 * that changed places are one; upper and lower case, "-" and "_" are the same):
 * the caller then remembers which it was. A name ends at NUL or "|".
 */
bool nearest_offer(struct nearest *, const char *wrong, const char *name);

#endif
