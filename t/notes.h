/*
 * A table of notes, for tests of the engine: a name may be there once, so
 * what was acknowledged can be counted.
 */
#ifndef T_NOTES_H
#define T_NOTES_H

#include <stdint.h>

#include "db/db.h"

extern const struct db_schema notes_schema;

/* One job: insert a note. */
struct note {
	const char *name;
	int64_t number;
	enum status result; /* what the job is to return once it is written */
	_Atomic int runs; /* how often it ran */
};
enum status note_job(struct db *, void *note);

/* db_write of that job. ST_EXISTS: the name is taken. */
enum status note_write(struct db *, const char *name);

/* How many notes have a name; NULL: all. -1: it could not be read. */
int64_t notes_count(struct db *, const char *name);

/* True if SQLite finds nothing wrong with the whole file. */
int notes_sound(struct db *);

#endif
