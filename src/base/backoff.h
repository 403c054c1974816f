/*
 * How long to wait before another try: twice as long after each failure, up to
 * a cap, and a random part of that, so that those who failed together do not
 * come back together.
 */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

/*
 * After so many failures (from 0), in the unit of first and cap: first, doubled
 * for each, at most cap; random_percent (0 to 100) of that are random. All of it
 * where there is no randomness. Never negative.
 */
int64_t backoff_delay(
    int64_t first, int64_t failures, int64_t cap, int random_percent);

#endif
