/* The members of struct config by their option, and how they are set and
 * complained of. For src/config and src/site. */
#ifndef CONFIG_SLOT_H
#define CONFIG_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

struct config;
struct config_origin;
struct option;

/* Every option at its default. ST_OK or ST_NOMEM. The caller calls
 * config_free. */
enum status config_new(struct config **);

/* Where a value is kept, and where it came from: an option's, or one of a
 * section that may be a reference. */
struct config_slot {
	const char *section, *key;
	const struct option *option; /* NULL: of a section */
	char **text; /* NULL for a NUMBER, SIZE or CHOICE */
	int64_t *number; /* NULL for the others */
	struct config_origin *origin;
};

struct config_slot config_slot(struct config *, const struct option *);

/* The texts, one after another: *i begins at 0. False: that was the last. */
bool config_slot_next(struct config *, size_t *i, struct config_slot *);

/* Put a copy of value in the place of a text, which is wiped. */
enum status config_slot_set(const struct config_slot *, const char *value);

/* Frees what it holds. */
void config_origin_release(struct config_origin *);

/* "FILE:LINE", the variable, or the fallback. */
void config_put_origin(
    const struct config_origin *, const char *fallback, struct buf *out);

/* A line about a value, with where it was set. The text: what is wrong; what to
 * do. config_mistake also marks the value as bad. */
void config_remark(const struct config *, const struct config_slot *,
    struct buf *out, const char *text, ...)
    __attribute__((format(printf, 4, 5)));
void config_mistake(const struct config *, const struct config_slot *,
    struct buf *errors, const char *text, ...)
    __attribute__((format(printf, 4, 5)));

#endif
