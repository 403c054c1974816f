/*
 * Room on the disk that is kept for those who make room: a file beside the
 * database, "<path>.reserve", that has nothing in it. With a full disk it is
 * given up for a job that takes messages off a queue, and what is left of it
 * taken back at once. Private to the engine.
 */
#ifndef DB_RESERVE_H
#define DB_RESERVE_H

#include <stdbool.h>

/* As large as it can be, up to its full size; cheap where it is that. */
void db_reserve_make(const char *path);

/* Give it up. False: there was nothing in it. */
bool db_reserve_release(const char *path);

#endif
