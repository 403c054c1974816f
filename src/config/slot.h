/* The members of struct config by their option. For src/config and
 * src/params. */
#ifndef CONFIG_SLOT_H
#define CONFIG_SLOT_H

#include <stdarg.h>
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

/* Put a copy of value in the place of a text option's, which is wiped. */
enum status config_set_text(
    struct config *, const struct option *, const char *value);

/* The line that config_mistake writes, without marking the option. */
void config_complain(const struct config *, const struct option *,
    struct buf *errors, const char *text, va_list);

#endif
