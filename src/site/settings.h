/*
 * What the rest of a snapshot is opened with: the configuration, the log, AWS
 * where something is kept there, and the secrets that change while we run.
 *
 * While AWS cannot be reached a program starts all the same, unless a value is
 * needed to open it (NEED_OPEN), which the responder tries again
 * (app_open_broken): the others are missing (config_origin), and
 * site/secrets.h says what becomes of them. A value that is not there, or that
 * the program may not have, is a mistake; only where nobody wrote the reference
 * (implied) the option's default holds instead, with a warning.
 */
#ifndef SITE_SETTINGS_H
#define SITE_SETTINGS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/status.h"
#include "serve/app.h"

struct aws;
struct config;
struct limit;
struct parking;
struct refusals;
struct quit;
struct source;

struct app_options {
	const char *config_file; /* the -c option, or NULL */
	char *const *envp; /* of the process, never of a request */
	bool threaded; /* a server: store and secrets get their threads */
	bool one_request; /* plain CGI: starts without a token too; what is
	                     signed is then 503 */
	struct quit *quit; /* set when the process stops; NULL, or must
	                      outlive the app */
	struct limit *limit; /* of requests that wait for Twilio, in the whole
	                        process; NULL, or must outlive the app */
	struct refusals *refusals; /* signatures that did not fit; the same */
	struct limit *receiving; /* the same of those that wait for a message */
	struct parking *parking; /* where these wait; the same */
	const struct app *before; /* a reload: what this is to replace. Settings
	               that cannot be fetched from AWS now are then a failure */
};

/*
 * What the start finds, a line each, "FILE:LINE: section.key: what is wrong;
 * what to do".
 */
struct settings_found {
	struct buf errors; /* mistakes: there is no start */
	struct buf faults; /* it starts, and answers 503, or spools, where it
	                      needs what they name */
	struct buf warnings; /* it starts, and logs them */
};

void settings_found_release(struct settings_found *);

/*
 * Is the configuration good for a responder? It is read and its references are
 * fetched as at a start, but no log and no store is opened, so that root leaves
 * no files of its own where the responder is to write. Each step is taken also
 * where one before found mistakes, so that all are listed at once. *out is NULL
 * after ST_NOMEM only; the caller calls config_free. given is the -c option.
 * ST_OK, also with faults; ST_CONFIG, ST_UNAVAILABLE and what else a step gave;
 * ST_NOMEM.
 */
enum status settings_check(struct config **out, const char *given,
    char *const *envp, struct settings_found *);

/*
 * A line for each thing by which nothing can reach the back ends at AWS until
 * somebody changes what is written: keys, a region. ST_OK or ST_NOMEM.
 */
enum status settings_check_aws(
    const struct config *, const struct aws *, struct buf *faults);

/* Print lines to the operator, each with "error: " or "warning: " before it. */
void settings_print(FILE *, const char *before, const struct buf *lines);

/* The same into the log of what starts. */
void settings_log(
    struct log *, enum log_level, const char *message, const struct buf *lines);

/*
 * Fills config, log, secrets and, if a reference needs it, aws; what is open
 * stays for app_close, also on failure. Makes the directory of store.path if
 * that is at its default. errors gets a line a mistake, as in
 * config/reference.h. ST_OK, ST_CONFIG, ST_NOMEM, ST_IO; ST_UNAVAILABLE:
 * something cannot be fetched now that cannot be done without.
 */
enum status settings_open(
    struct app *, const struct app_options *, struct buf *errors);

/* For an app that only says what is wrong: config, of which what is good
 * counts, and the log. ST_OK or ST_NOMEM. */
enum status settings_open_broken(struct app *, const struct app_options *);

/* Open app->aws, its calls counted. As aws_open; a mistake is in errors. */
enum status settings_open_aws(
    struct app *, const struct app_options *, struct buf *errors);

/*
 * After reference_load: fetch what is kept at AWS and check everything
 * (config_check). source NULL: AWS is not asked, and all of it is missing
 * without a word. warnings gets a line for each value that is missing or whose
 * default holds. ST_OK; ST_CONFIG; ST_UNAVAILABLE: something that the start
 * needs cannot be fetched now; ST_NOMEM.
 */
enum status settings_end(
    struct config *, struct source *, struct buf *errors, struct buf *warnings);

/*
 * The configuration for a command: all of it in one. ST_OK; else as
 * settings_end, and *out is NULL. A responder also calls config_check_server.
 * The caller frees *out with config_free.
 */
enum status settings_load(struct config **out, const char *path,
    char *const *envp, struct buf *errors, struct buf *warnings);

#endif
