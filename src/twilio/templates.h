/*
 * A folder of templates, NAME.twiml.xml each. One is read when it is first
 * asked for, and again when its file has changed, without a render under way
 * noticing. A bad edit keeps the old one in use, is logged once, and shows in
 * templates_ready; so does a folder that is gone. A file that is gone from its
 * folder is not found. The warnings of a version are logged when it is read.
 */
#ifndef TWILIO_TEMPLATES_H
#define TWILIO_TEMPLATES_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/status.h"
#include "twilio/template_file.h"
#include "twilio/twiml.h"

#define TEMPLATES_NAME_MAX 64

/* How long a look at a file's age is good for: microseconds. */
#define TEMPLATES_STAT_US 1000000

struct templates;

/* 1 to TEMPLATES_NAME_MAX of A-Z a-z 0-9 . _ -, the first no dot. */
bool templates_name(const char *);

/*
 * A folder; nothing is read yet. The log, which may be NULL, must outlive it.
 * ST_OK or ST_NOMEM.
 */
enum status templates_open(struct templates **, const char *dir, struct log *);

/*
 * Before the first use: take along the good versions that another has of the
 * same folder, so that a bad edit is no worse after a reload. Of another folder
 * nothing is taken. ST_OK or ST_NOMEM.
 */
enum status templates_inherit(struct templates *, struct templates *before);

/* Nobody may be in templates_get; templates that are held stay. */
void templates_close(struct templates *);

/*
 * The template of that name, held for the caller, who gives it back with
 * twiml_release. From any thread. ST_OK; ST_NOTFOUND: no such file, or no such
 * name possible; ST_CONFIG: it is wrong and no good version of it was read
 * before; ST_UNAVAILABLE: the folder is gone, and the template was not read before;
 * ST_IO: it could not be read; ST_NOMEM. *out is NULL unless ST_OK.
 */
enum status templates_get(
    struct templates *, const char *name, struct twiml **out);

/* What templates_each tells of one template. */
typedef void templates_fn(void *ctx, const char *name,
    const struct twiml *, /* NULL: no version of it is good */
    const char *errors /* as of twiml_compile; "": the file is good */);

/*
 * Errors are lines as twiml_compile gives them; what is wrong with a file as a
 * whole has no line and column: "NAME.twiml.xml: what is wrong; what to do".
 *
 * Read every template of the folder, as templates_get does, and tell of each,
 * by name. ST_OK, also when some are wrong; ST_IO: the folder cannot be read,
 * errno is kept; ST_NOMEM.
 */
enum status templates_each(struct templates *, templates_fn *, void *ctx);

/*
 * Are the folder and every template in it good? If not, why gets the first
 * mistake, "NAME.twiml.xml:LINE:COLUMN: …", without a newline.
 */
bool templates_ready(struct templates *, struct buf *why);

#endif
