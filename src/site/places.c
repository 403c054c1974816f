#include "site/places.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "config/config.h"
#include "config/slot.h"
#include "db/db.h"
#include "store/check.h"
#include "store/schema.h"

struct place {
	const struct config *config;
	struct config_slot slot;
	struct buf *out;
	char user[64]; /* who is to read and write there */
	char *path; /* what the setting names */
	char *folder; /* that it lies in */
};

/* The name of this process's user, or its number. */
static void
put_user(char *out, size_t size)
{
	const struct passwd *pw = getpwuid(geteuid());

	if (pw != NULL)
		snprintf(out, size, "%s", pw->pw_name);
	else
		snprintf(out, size, "user %lu", (unsigned long)geteuid());
}

static enum status
folder_of(const char *path, char **out)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);

	*out = n == 0 ? strdup("/") : strndup(path, n);
	return *out == NULL ? ST_NOMEM : ST_OK;
}

static enum status
place_init(struct place *p, const struct config *c, const char *section,
    const char *key, struct buf *out)
{
	/* Slots also serve writing. */
	struct config *writable = (struct config *)(uintptr_t)c;

	*p = (struct place){ .config = c,
		.slot = config_slot(writable, option_find(section, key)),
		.out = out };
	put_user(p->user, sizeof(p->user));
	/* Where a link leads is where it is written. */
	p->path = realpath(*p->slot.text, NULL);
	if (p->path == NULL && str_dup(*p->slot.text, &p->path) != ST_OK)
		return ST_NOMEM;
	return folder_of(p->path, &p->folder);
}

static enum status
place_release(struct place *p, enum status st)
{
	free(p->path);
	free(p->folder);
	return st == ST_OK ? p->out->err : st;
}

/* 0, or why it is not a folder in which that may be done: errno. */
static int
folder_fault(const char *path, int how)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (!S_ISDIR(st.st_mode))
		return ENOTDIR;
	return access(path, how | X_OK) < 0 ? errno : 0;
}

/* The folder is not good: say why, and what to do. */
static void
put_folder(const struct place *p, const char *folder, int fault,
    const char *holds, bool written)
{
	struct stat st;

	if (fault == ENOENT && written)
		config_remark(p->config, &p->slot, p->out,
		    "%s, the folder of the %s, is not there; make it "
		    "(install -d -o %s -m 750 %s) or name another",
		    folder, holds, p->user, folder);
	else if (fault == EACCES && stat(folder, &st) < 0)
		config_remark(p->config, &p->slot, p->out,
		    "%s may not pass through a folder above %s, the folder of "
		    "the %s; allow it (chmod o+x) or name another",
		    p->user, folder, holds);
	else if (fault == EACCES)
		config_remark(p->config, &p->slot, p->out,
		    written ? "%s may not write in %s, the folder of the %s; "
			      "give it to that user (chown %s %s) or name "
			      "another"
			    : "%s may not read %s, the folder of the %s; allow "
			      "it or give it to that user (chown %s %s)",
		    p->user, folder, holds, p->user, folder);
	else
		config_remark(p->config, &p->slot, p->out,
		    "%s, the folder of the %s, cannot be used: %s; name "
		    "another",
		    folder, holds, strerror(fault));
}

/* A file that is there must serve; one that is not can be made. */
static void
put_file(const struct place *p, const char *path, int how)
{
	int fault = access(path, how) < 0 ? errno : 0;

	if (fault == EACCES)
		config_remark(p->config, &p->slot, p->out,
		    "%s may not %swrite the file %s; give it to that user "
		    "(chown %s %s)",
		    p->user, (how & R_OK) != 0 ? "read and " : "", path,
		    p->user, path);
	else if (fault != 0 && fault != ENOENT)
		config_remark(p->config, &p->slot, p->out,
		    "the file %s cannot be written: %s; name another", path,
		    strerror(fault));
}

/* --- the log ---------------------------------------------------------------- */

enum status
places_log(const struct config *c, struct buf *out)
{
	struct place p;
	struct stat st;
	enum status done;
	int fault;

	if (*c->server.log_target != '/')
		return ST_OK;
	if ((done = place_init(&p, c, "server", "log_target", out)) != ST_OK)
		return place_release(&p, done);
	if (stat(p.path, &st) == 0 && S_ISDIR(st.st_mode))
		config_remark(c, &p.slot, out,
		    "%s is a folder; name a file in it", p.path);
	else if (access(p.path, F_OK) == 0)
		put_file(&p, p.path, W_OK);
	else if ((fault = folder_fault(p.folder, W_OK)) != 0)
		put_folder(&p, p.folder, fault, "log", true);
	return place_release(&p, ST_OK);
}

/* --- the store -------------------------------------------------------------- */

/* A site that sets no place has the usual one, and the start makes it. */
static int
store_folder_fault(const struct place *p)
{
	const struct config_origin *at = p->slot.origin;
	int fault = folder_fault(p->folder, W_OK);
	char *above;

	if (fault != ENOENT || at->file != NULL || at->variable != NULL ||
	    folder_of(p->folder, &above) != ST_OK)
		return fault;
	if (folder_fault(above, W_OK) == 0)
		fault = 0;
	free(above);
	return fault;
}

static enum status
put_store_files(const struct place *p)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock",
		".metrics", ".reserve" };
	struct buf name = BUF_INIT;
	enum status st = ST_OK;
	size_t i;

	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		buf_reset(&name);
		if ((st = buf_printf(&name, "%s%s", p->path, suffixes[i])) !=
		    ST_OK)
			break;
		put_file(p, buf_str(&name), R_OK | W_OK);
	}
	buf_release(&name);
	return st;
}

enum status
places_store(const struct config *c, struct buf *out)
{
	struct place p;
	struct stat there;
	enum status st = place_init(&p, c, "store", "path", out);
	int fault;

	if (st != ST_OK || p.slot.origin->bad)
		return place_release(&p, st);
	if ((fault = store_folder_fault(&p)) != 0)
		put_folder(&p, p.folder, fault, "database", true);
	else if (lstat(p.path, &there) == 0 && S_ISLNK(there.st_mode))
		config_remark(c, &p.slot, out,
		    "%s is a link that leads to no file; name the file itself",
		    p.path);
	else if (stat(p.path, &there) == 0 && S_ISDIR(there.st_mode))
		config_remark(c, &p.slot, out,
		    "%s is a folder; name a file in it", p.path);
	else
		st = put_store_files(&p);
	return place_release(&p, st);
}

/* --- templates -------------------------------------------------------------- */

enum status
places_templates(const struct config *c, struct buf *out)
{
	struct place p;
	enum status st;
	int fault;

	if (!config_has_voice(c))
		return ST_OK;
	st = place_init(&p, c, "voice", "templates", out);
	if (st == ST_OK && !p.slot.origin->bad &&
	    (fault = folder_fault(p.path, R_OK)) != 0)
		put_folder(&p, p.path, fault, "templates", false);
	return place_release(&p, st);
}

/* --- the page at /console --------------------------------------------------- */

enum status
places_console(const struct config *c, struct buf *out)
{
	struct place p;
	char *folder;
	enum status st = config_find_console(c, &folder);
	int fault;

	if (st != ST_OK || folder == NULL)
		return st;
	st = place_init(&p, c, "server", "console", out);
	if (st == ST_OK && (fault = folder_fault(folder, R_OK)) != 0)
		put_folder(&p, folder, fault, "page", false);
	free(folder);
	return place_release(&p, st);
}

/* --- the database ----------------------------------------------------------- */

static void
put_damage(const char *wrong, const char *advice, void *arg)
{
	const struct place *p = arg;
	struct buf line = BUF_INIT;

	/* SQLite says it in several lines. */
	for (; *wrong != '\0'; wrong++)
		buf_putc(&line, *wrong == '\n' ? ' ' : *wrong);
	config_remark(p->config, &p->slot, p->out, "%s is damaged: %s; %s",
	    p->path, buf_str(&line), advice);
	buf_release(&line);
}

static enum status
check_inside(struct place *p, struct db_options *how, struct buf *why)
{
	struct db *db = NULL;
	enum status st;

	how->inspect = true;
	if ((st = db_open(&db, how, why)) == ST_OK)
		st = store_check_quick(db, put_damage, p);
	db_close(db);
	return st;
}

enum status
places_database(const struct config *c, struct buf *out)
{
	struct db_options how = { .schema = &store_schema,
		.journal = c->store.journal == JOURNAL_ROLLBACK ? DB_ROLLBACK
								: DB_WAL };
	struct buf why = BUF_INIT;
	struct place p;
	struct stat there;
	enum status st = place_init(&p, c, "store", "path", out);

	if (st != ST_OK || p.slot.origin->bad)
		return place_release(&p, st);
	how.path = p.path;
	st = db_judge(&how, &why);
	if (st == ST_OK && stat(p.path, &there) == 0 && there.st_size > 0)
		st = check_inside(&p, &how, &why);
	if (st != ST_OK && st != ST_NOMEM && st != ST_BUSY)
		config_remark(c, &p.slot, out, "%s%s",
		    why.len > 0 ? buf_str(&why) : status_text(st),
		    st == ST_CORRUPT ? "; " STORE_RECOVER : "");
	buf_release(&why);
	return place_release(&p, st == ST_NOMEM ? st : ST_OK);
}
