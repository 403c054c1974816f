/*
 * Opening struct app, which is a snapshot of everything a request needs, and
 * holding the one that counts. It does not change once made: a reload, or a
 * secret that has changed, makes another, and the old one goes when its last
 * request has left (struct app_slot).
 */
#ifndef SITE_SNAPSHOT_H
#define SITE_SNAPSHOT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"
#include "serve/app.h"
#include "site/settings.h"

/*
 * Read the configuration and open everything. A store that cannot be opened
 * is no reason not to start (db_options.late); only a reload fails then, if
 * the store of what it is to replace is open. errors gets what to tell the
 * operator. ST_OK, ST_CONFIG, or what opening gave.
 */
enum status app_open(
    struct app **, const struct app_options *, struct buf *errors);
void app_close(struct app *);

/*
 * What goes on in place of an app that could not be opened, with what app_open
 * gave. ST_OK or ST_NOMEM.
 */
enum status app_open_broken(struct app **, const struct app_options *,
    const struct buf *errors, enum status);

/* Had it to start without a good configuration, or without settings that AWS
 * did not give? Another try to open may have them. */
bool app_is_incomplete(const struct app *);

/*
 * Secrets that are kept at AWS change while a snapshot serves. app_renew_due
 * says when to fetch them again; app_renew does so, within seconds, and where
 * some have changed makes a snapshot that has all else in common with this one:
 * *next, else NULL. It and app_close are for one thread, the keeper.
 * app_has_doubts is true once after requests began to be refused, which may
 * have made it due.
 */
bool app_renew_due(const struct app *);
void app_renew(struct app *, struct app **next);
bool app_has_doubts(const struct app *);

/* Are there requests that wait for what lies elsewhere (Twilio's API
 * excepted)? */
bool app_waits(const struct app *);

/* The present snapshot, shared by the workers. */
struct app_slot;
enum status app_slot_open(struct app_slot **, struct app *);
struct app *app_slot_get(struct app_slot *);
void app_slot_put(struct app_slot *, struct app *);
/* Take over next; the old one retires once its last request has left. */
void app_slot_replace(struct app_slot *, struct app *next);
/* To be called about once a second: replies that have waited for a commit for
 * too long are made, those of older snapshots too. */
void app_slot_tick(struct app_slot *);
/* Close those that have retired, which can take seconds: for a thread that
 * serves nobody. */
void app_slot_sweep(struct app_slot *);
void app_slot_close(struct app_slot *);

#endif
