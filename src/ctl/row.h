/*
 * Results for people or for programs: a row of named cells, printed as a line
 * of a table, as a block of "name: value" lines, or (--json) as one JSON
 * object a line. In text, control characters are shown as \xNN: what a sender
 * wrote must not steer the operator's terminal.
 */
#ifndef CTL_ROW_H
#define CTL_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "ctl/ctl.h"

enum cell_kind { CELL_TEXT, CELL_INT, CELL_BOOL, CELL_TIME, CELL_LIST };

struct cell {
	const char *name;
	enum cell_kind kind;
	const char *text; /* NULL: null in JSON, "-" in text */
	size_t len;
	const char *const *list; /* len texts; none: [] in JSON, "-" in text */
	int64_t number; /* CELL_TIME: microseconds, 0 is none */
	int width; /* in a table, at least */
	bool optional; /* left out of JSON and of blocks when it is none */
};

/* text may be NULL; empty counts as NULL. */
struct cell cell_text(const char *name, const char *text, int width);
struct cell cell_bytes(const char *name, const char *, size_t len);
struct cell cell_int(const char *name, int64_t, int width);
struct cell cell_bool(const char *name, bool, int width);
struct cell cell_time(const char *name, int64_t us);
struct cell cell_list(const char *name, const char *const *, size_t n);
struct cell cell_optional(struct cell);

/*
 * Print a row: ST_OK, ST_NOMEM, or ST_IO if the output cannot be written. The
 * first line of a table (ctl->rows_n is 0) has a heading, blocks have gaps.
 */
enum status row_line(struct ctl *, const struct cell *, size_t n);
enum status row_block(struct ctl *, const struct cell *, size_t n);

#endif
