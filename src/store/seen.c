#include "store/seen.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/db.h"

/* Less is a step of NTP, or two processes that look one after the other. */
#define JUMP_US INT64_C(10000000)
#define DAY_US (INT64_C(24) * 3600 * 1000000)
#define WEEK_US (7 * DAY_US)

/* The row, and what the clocks say now. */
struct seen {
	int64_t last_us, boot_us; /* both clocks when it was written */
	int64_t purge_us;
	int64_t jump_us, jumped_us; /* the last jump: how far, and when */
	char boot[40]; /* which boot of the machine boot_us belongs to */
	int64_t now_us, now_boot_us;
	char now_boot[40];
};

static void
read_clocks(struct seen *s)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, s->now_boot, sizeof(s->now_boot) - 1);

	s->now_boot[n < 0 ? 0 : n] = '\0';
	if (fd >= 0)
		close(fd);
	s->now_us = clock_us();
	s->now_boot_us = clock_boot_us();
}

static enum status
read_seen(struct db *db, struct seen *s)
{
	struct db_rows *rows;
	enum status st;

	read_clocks(s);
	st = db_query(db, &rows,
	    "SELECT last_us, boot_us, purge_us, jump_us, jumped_us, boot"
	    " FROM clock",
	    "");
	if (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		s->last_us = db_int(rows, 0);
		s->boot_us = db_int(rows, 1);
		s->purge_us = db_int(rows, 2);
		s->jump_us = db_int(rows, 3);
		s->jumped_us = db_int(rows, 4);
		snprintf(s->boot, sizeof(s->boot), "%s", db_text(rows, 5));
	}
	db_done(rows);
	return st;
}

/* How much time has really passed since the row was written; what the machine
 * was off for is known by the clock alone. */
static int64_t
passed(const struct seen *s)
{
	int64_t wall = s->now_us - s->last_us;

	if (*s->boot != '\0' && strcmp(s->boot, s->now_boot) == 0 &&
	    s->now_boot_us >= s->boot_us)
		return s->now_boot_us - s->boot_us;
	return wall < 0 ? 0 : wall;
}

/* How far the clock has jumped since then. 0: it has not. */
static int64_t
jump_of(const struct seen *s)
{
	int64_t jump = s->now_us - s->last_us - passed(s);

	return llabs(jump) < JUMP_US ? 0 : jump;
}

enum status
seen_note(struct db *db, int64_t *purge_us)
{
	struct seen s = { 0 };
	enum status st = read_seen(db, &s);
	int64_t jump, step;

	/* A damaged database was recovered without it. */
	if (st == ST_NOTFOUND)
		s.last_us = s.purge_us = s.now_us;
	else if (st != ST_OK)
		return st;
	if ((jump = jump_of(&s)) != 0) {
		s.jump_us = jump;
		s.jumped_us = s.now_us;
	}
	step = passed(&s) > DAY_US ? DAY_US : passed(&s);
	if (s.now_us > s.purge_us)
		s.purge_us = s.now_us - s.purge_us < 2 * step
		    ? s.now_us
		    : s.purge_us + 2 * step;
	*purge_us = s.purge_us;
	return db_run(db,
	    "REPLACE INTO clock (rowid, last_us, boot_us, purge_us, jump_us,"
	    " jumped_us, boot) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)",
	    "iiiiit", s.now_us, s.now_boot_us, s.purge_us, s.jump_us,
	    s.jumped_us, s.now_boot);
}

enum status
seen_keep_under(struct db *db, int64_t *at_us)
{
	struct db_rows *rows;
	enum status st;

	st = db_query(
	    db, &rows, "SELECT purge_us FROM clock WHERE rowid = 1", "");
	if (st == ST_OK && (st = db_next(rows)) == ST_OK &&
	    *at_us < db_int(rows, 0))
		*at_us += (db_int(rows, 0) - *at_us) / WEEK_US * WEEK_US;
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

static enum status
read_job(struct db *db, void *arg)
{
	return read_seen(db, arg);
}

bool
seen_steady(struct db *db, struct buf *why)
{
	struct seen s = { 0 };
	int64_t jump;

	if (db_read(db, read_job, &s) != ST_OK)
		return true;
	jump = jump_of(&s);
	if (jump == 0 && s.jump_us != 0 && s.now_us - s.jumped_us < DAY_US)
		jump = s.jump_us;
	if (jump != 0)
		buf_printf(why,
		    "the clock jumped %s by %lld s; see that it is right and "
		    "kept so (timedatectl)",
		    jump > 0 ? "ahead" : "back",
		    (llabs(jump) + 500000) / 1000000);
	return jump == 0;
}
