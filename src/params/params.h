/*
 * Values kept elsewhere. A text value in the configuration may be a reference,
 * "file:PATH" (an absolute path of a regular file under 64 KB) or "env:NAME";
 * resolving puts what it names in its place, as it stands: what a reference
 * names is never a reference itself. One newline at the end of a file does not
 * belong to the value. "ssm:" and "secretsmanager:" are refused: this version
 * has no client for them. Any other scheme is plain text.
 */
#ifndef PARAMS_PARAMS_H
#define PARAMS_PARAMS_H

#include "base/buf.h"
#include "base/status.h"

struct config;

/*
 * Resolve every reference in place. envp is the process environment.
 * ST_OK; ST_NOMEM; ST_CONFIG: errors has one line a mistake, with file, line,
 * key and what to do, and never the value.
 */
enum status params_resolve(
    struct config *, char *const *envp, struct buf *errors);

/*
 * The configuration as a program uses it: config_load, params_resolve and
 * config_check, with the mistakes of all three in errors, one a line.
 * ST_OK; ST_CONFIG or ST_NOMEM, *out is then NULL. A responder calls
 * config_check_server besides. The caller frees *out with config_free.
 */
enum status params_load(struct config **out, const char *path,
    char *const *envp, struct buf *errors);

#endif
