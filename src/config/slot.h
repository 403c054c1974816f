/* The members of struct config by their option. For src/config and
 * src/params. */
#ifndef CONFIG_SLOT_H
#define CONFIG_SLOT_H

#include <stdarg.h>
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

/* Where a NUMBER, SIZE or CHOICE is kept; NULL for the other types. */
int64_t *config_number(struct config *, const struct option *);

/* Where it is noted where the value came from. */
struct config_origin *config_origin(
    const struct config *, const struct option *);

/* Frees what it holds. */
void config_origin_release(struct config_origin *);

/* Put a copy of value in the place of a text option's, which is wiped. */
enum status config_set_text(
    struct config *, const struct option *, const char *value);

/* A text that may be a reference: a text option's, or one of [values]. */
struct config_slot {
	const char *section, *key;
	const struct option *option; /* NULL: one of [values] */
	char **text;
	struct config_origin *origin;
};

/* One after another: *i begins at 0. False: that was the last. */
bool config_slot_next(struct config *, size_t *i, struct config_slot *);

/* As config_set_text and config_mistake. */
enum status config_slot_set(const struct config_slot *, const char *value);
void config_slot_mistake(struct config *, const struct config_slot *,
    struct buf *errors, const char *text, ...)
    __attribute__((format(printf, 4, 5)));

/* The line of a mistake, without marking anything: for warnings. */
void config_slot_line(const struct config *, const struct config_slot *,
    struct buf *out, const char *text, va_list);

/* The line that config_mistake writes, without marking the option. */
void config_complain(const struct config *, const struct option *,
    struct buf *errors, const char *text, va_list);

#endif
