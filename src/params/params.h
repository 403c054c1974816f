/*
 * Values kept elsewhere. A text in the configuration, also one of [values],
 * may be a reference:
 *
 *	file:PATH		an absolute path of a regular file under 64 KB
 *	env:NAME		a variable of the process environment
 *	ssm:NAME		a parameter of AWS's Parameter Store; without a
 *				NAME the one that belongs to the option
 *	secretsmanager:ID	a secret of AWS's Secrets Manager
 *	secretsmanager:ID#KEY	a member of the JSON object that it is
 *
 * Resolving puts what it names in its place, as it stands: what a reference
 * names is never a reference itself. One newline at the end does not belong to
 * the value. Any other scheme is plain text.
 *
 * While AWS cannot be reached a program starts all the same, unless a value is
 * needed to open it (NEED_OPEN), which the responder tries again
 * (app_open_broken): the others are missing (config_origin), and
 * src/params/secrets.h says what becomes of them. A value that is not there,
 * or that the program may not have, is a mistake; only where nobody wrote the
 * reference (implied) the option's default holds instead, with a warning.
 */
#ifndef PARAMS_PARAMS_H
#define PARAMS_PARAMS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/status.h"

struct aws;
struct aws_options;
struct config;
struct source;

/*
 * The steps, for a program that has a log to open and a client to keep in
 * between. Each lists all its mistakes in errors, a line each with file, line,
 * key and what to do, and never a value.
 *
 * params_begin is config_load, puts what file: and env: name in place, and
 * checks what cannot be kept at AWS (NEED_AWS). ST_OK; ST_CONFIG, *out is made
 * all the same; ST_NOMEM, *out is NULL.
 */
enum status params_begin(struct config **out, const char *path,
    char *const *envp, struct buf *errors);

/* Is anything of it kept at AWS? */
bool params_remote(const struct config *);

/* The AWS of this configuration, which gives region and proxy. As aws_open; a
 * mistake is in errors. */
enum status params_aws(struct aws **, const struct config *,
    const struct aws_options *, struct buf *errors);

/*
 * params_end fetches what is kept at AWS and checks everything (config_check).
 * source NULL: AWS is not asked, and all of it is missing without a word.
 * warnings gets a line for each value that is missing or whose default holds.
 * ST_OK; ST_CONFIG; ST_UNAVAILABLE: something that the start needs cannot be
 * fetched now; ST_NOMEM.
 */
enum status params_end(
    struct config *, struct source *, struct buf *errors, struct buf *warnings);

/* What fetching at the start may take in all. */
#define PARAMS_FETCH_US INT64_C(5000000)

/*
 * The same for a program that needs AWS for nothing else: it is opened and
 * asked if anything is kept there.
 */
enum status params_finish(struct config *, char *const *envp,
    struct buf *errors, struct buf *warnings);

/*
 * All of it in one, for a command. ST_OK; else as params_end, and *out is NULL.
 * A responder also calls config_check_server. The caller frees *out with
 * config_free.
 */
enum status params_load(struct config **out, const char *path,
    char *const *envp, struct buf *errors, struct buf *warnings);

#endif
