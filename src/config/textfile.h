/* A whole small file in memory, with the reason in words if that fails. */
#ifndef CONFIG_TEXTFILE_H
#define CONFIG_TEXTFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

/*
 * Read a regular file (if devices is set also a character device, for
 * /dev/null) of at most max bytes into an empty buf. It may hold secrets: the caller calls buf_wipe, and
 * no copy stays behind. ST_OK; ST_NOMEM; otherwise *why is a phrase, never
 * freed, that goes after "cannot be read: ": ST_TOOBIG, ST_UNSUPPORTED (a
 * directory, pipe or socket), ST_IO.
 */
enum status textfile_read(const char *path, size_t max, bool devices,
    struct buf *out, const char **why);

#endif
