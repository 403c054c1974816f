/*
 * Sections whose keys or names the operator makes up: [menu], [values] and
 * [digits NAME]. What the table of options is to the other sections, this is
 * to them. For src/config and src/params; what others ask is in config.h.
 */
#ifndef CONFIG_SECTION_H
#define CONFIG_SECTION_H

#include "base/buf.h"
#include "base/status.h"
#include "config/config.h"

enum section_kind {
	SECTION_NONE,
	SECTION_MENU,
	SECTION_VALUES,
	SECTION_DIGITS
};

struct section {
	enum section_kind kind;
	size_t target; /* SECTION_DIGITS: its place in config->targets */
};

/* The menu and the target that are there before anything is read. */
enum status section_defaults(struct config *);

/*
 * A header: "menu", "values", "digits NAME". ST_OK; ST_NOTFOUND: it is no
 * section of this kind; ST_CONFIG: *wrong says what is wrong with its name;
 * ST_NOMEM.
 */
enum status section_find(
    struct config *, const char *header, struct section *, const char **wrong);

/*
 * Set a key. ST_OK; ST_CONFIG: why gets what is wrong and what to do;
 * ST_NOMEM. What came from a file is not set by that file again.
 */
enum status section_set(struct config *, const struct section *,
    const char *key, const char *value, const struct config_origin *,
    struct buf *why);

/*
 * Set what an environment variable stands for: SWITCHHOOK_MENU_1,
 * SWITCHHOOK_VALUES_SHOP, SWITCHHOOK_DIGITS_ZIP_FORMAT; names become lower
 * case unless the file has them otherwise. As section_set; ST_NOTFOUND: no
 * such variable.
 */
enum status section_set_variable(
    struct config *, const char *name, const char *value, struct buf *why);

/* The keys of a target together, once all is read. ST_OK or ST_CONFIG. */
enum status section_check(struct config *, struct buf *errors);

/* As config_show. */
void section_show(const struct config *, struct buf *out);

void section_release(struct config *);

#endif
