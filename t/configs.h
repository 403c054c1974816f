/* For the tests of the configuration: files, loading, looking at values. */
#ifndef T_CONFIGS_H
#define T_CONFIGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "config/config.h"

/* An environment: ENV("A=1", "B=2"). */
#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_ENV ((const char *const[]){ NULL })

/* A load and what it said; configs_release frees it. */
struct loaded {
	enum status st;
	struct config *config;
	struct buf errors, warnings;
	struct buf shown; /* config_show */
};

/* A file of the test's directory with this content. Static memory: the path
 * is good until the next call. */
const char *configs_file(const char *name, const void *content, size_t len);

/* All steps of a path (NULL: no file), or of a file with this text; what is
 * kept at AWS is missing. */
void configs_load(struct loaded *, const char *path, const char *const *envp);
void configs_load_text(
    struct loaded *, const char *text, const char *const *envp);
void configs_release(struct loaded *);

/* Is this a whole line of text? */
bool configs_has_line(const struct buf *text, const char *line);

/* How many lines there are. */
size_t configs_lines(const struct buf *text);

#endif
