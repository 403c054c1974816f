/*
 * INI text: sections, "key = value", ";" comments on a line of their own ("#"
 * too) or after white space behind a value. libinih reads the settings; this
 * file is the only one that knows it. It hands libinih the lines and so knows
 * their numbers, and makes up for what the usual build does: silence about
 * sections and all mistakes but the first, a limit of 197 bytes a line, an
 * indented line taken for more of the value above.
 */
#ifndef CONFIG_INIFILE_H
#define CONFIG_INIFILE_H

#include <stddef.h>

#include "base/status.h"

/* Called in the order of the text. Strings are valid during the call only. */
struct inifile_events {
	/* name is NULL for a header that could not be read. */
	void (*section)(void *ctx, int line, const char *name);
	void (*pair)(void *ctx, int line, const char *key, const char *value);
	/* text: what is wrong; what to do. */
	void (*mistake)(void *ctx, int line, const char *text);
};

/* Longer names of sections and keys are mistakes: libinih would cut them. */
#define INIFILE_NAME_MAX 48

/*
 * Lines end with LF or CRLF; a UTF-8 byte order mark in front is passed over.
 * Lines of more than max bytes and control characters are mistakes, a NUL byte
 * is one that ends the reading. ST_OK, whatever mistakes there were; ST_NOMEM.
 */
enum status inifile_parse(const char *text, size_t len, size_t max,
    const struct inifile_events *, void *ctx);

#endif
