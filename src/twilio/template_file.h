/* One template file: read it whole, and see whether it has changed. */
#ifndef TWILIO_TEMPLATE_FILE_H
#define TWILIO_TEMPLATE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "base/status.h"

#define TEMPLATES_SUFFIX ".twiml.xml"

/* What tells one version of a file from the next. */
struct template_stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
	uint64_t hash; /* of the content */
	bool settled; /* false: so young when read that it may change unseen */
};

/*
 * Read DIR/NAME.twiml.xml if it is not the version of *stamp (NULL: in any
 * case) into text, which is empty. ST_OK: *now is its stamp; ST_EXISTS: it is
 * that version, *now is its stamp too; ST_NOTFOUND: there is none; ST_CONFIG:
 * it is not a regular file, too long or unreadable; ST_UNAVAILABLE: there is
 * no such folder, and errors has a line that says so; ST_IO; ST_NOMEM.
 */
enum status template_file_read(const char *dir, const char *name,
    const struct template_stamp *stamp, struct template_stamp *now,
    struct buf *text, struct buf *errors);

#endif
