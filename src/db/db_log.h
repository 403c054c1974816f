/*
 * The log's file as SQLite sees it: a VFS that is SQLite's own but for one
 * thing. A commit writes each page to the log in two calls, a header and the
 * page; here they are gathered and go out in as few as hold them, before the
 * log is synced or anything is read from it. Private to the engine.
 */
#ifndef DB_LOG_H
#define DB_LOG_H

/* Its name for sqlite3_open_v2, registered when first asked for; NULL: no
 * memory. */
const char *db_log_vfs(void);

/*
 * xFileControl of the log's file, no argument. Gather from now on; without
 * memory for it all is written at once as ever. And no longer: what has not
 * been synced by then belongs to a commit that failed, and is dropped, since
 * another process may write to its place from now on. Between the two the
 * connection holds the right to write, and commits with synchronous = FULL.
 */
#define DB_LOG_GATHER 5701
#define DB_LOG_GATHER_END 5702

#endif
