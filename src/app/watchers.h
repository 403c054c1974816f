/*
 * How many requests may wait for Twilio's API at a time, so that watching
 * calls never keeps the answers to Twilio waiting: a quarter of the worker
 * threads, at least one, and never one of the last two where there are three
 * or more. All snapshots of a process share one count, over reloads too.
 *
 * mod_fcgid gives a process one request at a time and starts another process
 * for the next. So the first of a process to wait takes a place besides, of
 * which all processes with the same file have WATCHERS_PLACES.
 */
#ifndef APP_WATCHERS_H
#define APP_WATCHERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* A quarter of the processes that etc/apache-mod_fcgid.conf allows. */
#define WATCHERS_PLACES 4

struct watchers; /* safe from several threads; NULL limits nothing */

/*
 * Without a limit: one process for each request. The file is made when a place
 * is needed, and stays empty: its bytes are locked. ST_OK or ST_NOMEM.
 */
enum status watchers_open(struct watchers **, const char *file);

/* Another holder of the same; each closes it. */
struct watchers *watchers_share(struct watchers *);
void watchers_close(struct watchers *);

/* From now on there are so many worker threads (1 at least). */
void watchers_workers(struct watchers *, size_t workers);

/* False: not now, too many are waiting. True: watchers_leave ends it. */
bool watchers_enter(struct watchers *);
void watchers_leave(struct watchers *);

/* Of so many worker threads, how many may wait. */
size_t watchers_limit(size_t workers);

#endif
