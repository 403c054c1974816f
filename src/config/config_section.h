/*
 * Sections whose keys, or whose names, the operator makes up: [menu],
 * [shared_keys], [agents], [access_keys], [values] and [digits TITLE]. What the
 * table of options is to the other sections, the table in config_section.c is
 * to them. For src/config; what others ask is in config.h.
 */
#ifndef CONFIG_CONFIG_SECTION_H
#define CONFIG_CONFIG_SECTION_H

#include "base/buf.h"
#include "base/status.h"
#include "config/config.h"

/* What is there before anything is read. ST_OK or ST_NOMEM. */
enum status section_defaults(struct config *);

/*
 * Open one by its header: "menu", "digits TITLE". ST_OK: *i is its place in
 * config->sections; ST_NOTFOUND: it is not a section of this kind; ST_CONFIG:
 * *wrong says what is wrong with its title; ST_NOMEM.
 */
enum status section_open(
    struct config *, const char *header, size_t *i, const char **wrong);

/*
 * Set a key. ST_OK, the origin is taken over; ST_CONFIG: why gets what is wrong
 * and what to do; ST_NOMEM. What came from a file is not set by it again.
 */
enum status section_set(struct config *, size_t i, const char *key,
    const char *value, const struct config_origin *, struct buf *why);

/*
 * Set what an environment variable stands for: SWITCHHOOK_MENU_1,
 * SWITCHHOOK_VALUES_SHOP, SWITCHHOOK_DIGITS_ZIP_FORMAT; names become lower
 * case unless the file has them otherwise. As section_set; ST_CONFIG also for a
 * section that comes from the file alone; ST_NOTFOUND: no such variable.
 */
enum status section_set_variable(
    struct config *, const char *name, const char *value, struct buf *why);

/* Make the targets of [digits] and check each, once all is read. ST_OK,
 * ST_CONFIG, ST_NOMEM. */
enum status section_check(struct config *, struct buf *errors);

/* As config_show. */
void section_show(const struct config *, struct buf *out);

/* Its name, without a title. */
const char *section_name(const struct config_section *);

/* May the values of this section be references? */
bool section_refers(const struct config_section *);

void section_release(struct config *);

#endif
