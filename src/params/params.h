/*
 * Values kept elsewhere. A value in the configuration may be a reference,
 * "file:PATH" or "env:NAME"; resolving puts what it names in its place. One
 * newline at the end of a file does not belong to the value.
 */
#ifndef PARAMS_PARAMS_H
#define PARAMS_PARAMS_H

#include "base/buf.h"
#include "base/status.h"

struct config;

/*
 * Resolve every reference in place. ST_CONFIG: errors has one line a mistake,
 * with file, line, key and what to do, and never the value.
 */
enum status params_resolve(
    struct config *, char *const *envp, struct buf *errors);

#endif
