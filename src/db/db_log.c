#include "db/db_log.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Thirty pages, each behind its header. SQLite's own VFS writes no more than
 * 2^17 - 1 bytes in one call. */
#define LOG_ROOM (30 * (24 + 4096))

/* In front of SQLite's own file. */
struct log_file {
	sqlite3_file file;
	unsigned char *data; /* LOG_ROOM bytes; NULL: never gathered */
	bool gathers;
	int len; /* gathered and not written yet, … */
	sqlite3_int64 at; /* … which belong here */
};

static struct log_file *
of(sqlite3_file *f)
{
	return (struct log_file *)f;
}

static sqlite3_file *
own(sqlite3_file *f)
{
	return (sqlite3_file *)(of(f) + 1);
}

/* What could not be written is dropped: the commit fails. */
static int
write_out(sqlite3_file *f)
{
	struct log_file *l = of(f);
	int len = l->len;

	l->len = 0;
	return len == 0 ? SQLITE_OK
			: own(f)->pMethods->xWrite(own(f), l->data, len, l->at);
}

static int
log_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 at)
{
	struct log_file *l = of(f);
	int rc = SQLITE_OK;

	if (at != l->at + l->len || n > LOG_ROOM - l->len)
		rc = write_out(f);
	if (rc != SQLITE_OK)
		return rc;
	if (!l->gathers || n > LOG_ROOM)
		return own(f)->pMethods->xWrite(own(f), data, n, at);
	if (l->len == 0)
		l->at = at;
	memcpy(l->data + l->len, data, (size_t)n);
	l->len += n;
	return SQLITE_OK;
}

static int
log_read(sqlite3_file *f, void *data, int n, sqlite3_int64 at)
{
	int rc = write_out(f);

	return rc == SQLITE_OK ? own(f)->pMethods->xRead(own(f), data, n, at)
			       : rc;
}

static int
log_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = write_out(f);

	return rc == SQLITE_OK ? own(f)->pMethods->xTruncate(own(f), size) : rc;
}

static int
log_sync(sqlite3_file *f, int flags)
{
	int rc = write_out(f);

	return rc == SQLITE_OK ? own(f)->pMethods->xSync(own(f), flags) : rc;
}

static int
log_size(sqlite3_file *f, sqlite3_int64 *size)
{
	int rc = write_out(f);

	return rc == SQLITE_OK ? own(f)->pMethods->xFileSize(own(f), size) : rc;
}

static int
log_device(sqlite3_file *f)
{
	return own(f)->pMethods->xDeviceCharacteristics(own(f));
}

static int
log_control(sqlite3_file *f, int what, void *arg)
{
	struct log_file *l = of(f);

	switch (what) {
	case DB_LOG_GATHER:
		/* Else it pads to a sector, the end of it after the sync. */
		if ((log_device(f) & SQLITE_IOCAP_POWERSAFE_OVERWRITE) == 0)
			return SQLITE_OK;
		if (l->data == NULL)
			l->data = malloc(LOG_ROOM);
		l->gathers = l->data != NULL;
		return SQLITE_OK;
	case DB_LOG_GATHER_END:
		l->gathers = false;
		l->len = 0;
		return SQLITE_OK;
	default:
		return own(f)->pMethods->xFileControl(own(f), what, arg);
	}
}

static int
log_lock(sqlite3_file *f, int level)
{
	return own(f)->pMethods->xLock(own(f), level);
}

static int
log_unlock(sqlite3_file *f, int level)
{
	return own(f)->pMethods->xUnlock(own(f), level);
}

static int
log_reserved(sqlite3_file *f, int *out)
{
	return own(f)->pMethods->xCheckReservedLock(own(f), out);
}

static int
log_sector_size(sqlite3_file *f)
{
	return own(f)->pMethods->xSectorSize(own(f));
}

static int
log_close(sqlite3_file *f)
{
	free(of(f)->data);
	return own(f)->pMethods->xClose(own(f));
}

static const sqlite3_io_methods log_methods = {
	.iVersion = 1,
	.xClose = log_close,
	.xRead = log_read,
	.xWrite = log_write,
	.xTruncate = log_truncate,
	.xSync = log_sync,
	.xFileSize = log_size,
	.xLock = log_lock,
	.xUnlock = log_unlock,
	.xCheckReservedLock = log_reserved,
	.xFileControl = log_control,
	.xSectorSize = log_sector_size,
	.xDeviceCharacteristics = log_device,
};

static int
open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
    int *out_flags)
{
	sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
	int rc;

	(void)vfs;
	if ((flags & SQLITE_OPEN_WAL) == 0)
		return usual->xOpen(usual, name, f, flags, out_flags);
	*of(f) = (struct log_file){ .len = 0 };
	rc = usual->xOpen(usual, name, own(f), flags, out_flags);
	if (rc == SQLITE_OK)
		f->pMethods = &log_methods;
	return rc;
}

const char *
db_log_vfs(void)
{
	static const char name[] = "switchhook";
	sqlite3_vfs *usual = sqlite3_vfs_find(NULL), *vfs;

	if (usual == NULL || sqlite3_vfs_find(name) != NULL)
		return usual == NULL ? NULL : name;
	/* SQLite keeps it. Two threads at once make two, which is no harm. */
	if ((vfs = malloc(sizeof(*vfs))) == NULL)
		return NULL;
	*vfs = *usual;
	vfs->zName = name;
	vfs->szOsFile += (int)sizeof(struct log_file);
	vfs->xOpen = open_file;
	if (sqlite3_vfs_register(vfs, 0) != SQLITE_OK) {
		free(vfs);
		return NULL;
	}
	return name;
}
