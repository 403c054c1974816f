/*
 * The files and folders that the configuration names, as the user of this
 * process finds them. Nothing is made or changed.
 *
 * Each puts a line for each thing that is wrong, "FILE:LINE: section.key: what
 * is wrong; what to do", and nothing where all is well. ST_OK or ST_NOMEM.
 */
#ifndef SITE_PLACES_H
#define SITE_PLACES_H

#include "base/buf.h"
#include "base/status.h"

struct config;

/* Can server.log_target be written? */
enum status places_log(const struct config *, struct buf *);

/* The folder of store.path, and what lies there of the database's files. */
enum status places_store(const struct config *, struct buf *);

/* voice.templates; not where there is no voice (config_has_voice). */
enum status places_templates(const struct config *, struct buf *);

/* The folder of the page at /console, where one is meant to be. */
enum status places_console(const struct config *, struct buf *);

/*
 * What is in the database, if there is one: ours, of a version that is known,
 * and sound as far as SQLite's quick_check sees. All of it is read.
 */
enum status places_database(const struct config *, struct buf *);

#endif
