/*
 * What the rest of a snapshot is opened with: the configuration, the log, AWS
 * where something is kept there, and the secrets that change while we run.
 */
#ifndef APP_SETTINGS_H
#define APP_SETTINGS_H

#include "app/app.h"

/*
 * Is the configuration good for a responder? It is read and its references are
 * fetched as at a start, but no log and no store is opened, so that root leaves
 * no files of its own where the responder is to write. Each step is taken also
 * where one before found mistakes, so that all are listed at once. *out is NULL
 * after ST_NOMEM only; the caller calls config_free. given is the -c option.
 * ST_OK; ST_CONFIG, ST_UNAVAILABLE and what else a step gave; ST_NOMEM.
 */
enum status settings_check(struct config **out, const char *given,
    char *const *envp, struct buf *errors, struct buf *warnings);

/*
 * Fills config, log, secrets and, if a reference needs it, aws; what is open
 * stays for app_close, also on failure. Makes the directory of store.path if
 * that is at its default. errors gets a line a mistake, as in
 * params/params.h. ST_OK, ST_CONFIG, ST_NOMEM, ST_IO; ST_UNAVAILABLE:
 * something cannot be fetched now that cannot be done without.
 */
enum status settings_open(
    struct app *, const struct app_options *, struct buf *errors);

/* For an app that only says what is wrong: config, of which what is good
 * counts, and the log. ST_OK or ST_NOMEM. */
enum status settings_open_broken(struct app *, const struct app_options *);

/* Open app->aws, its calls counted. As params_aws. */
enum status settings_aws(
    struct app *, const struct app_options *, struct buf *errors);

#endif
