/*
 * A template: TwiML (https://www.twilio.com/docs/voice/twiml) with
 * placeholders, compiled once to literal runs and slots, so that a render
 * copies and escapes and parses nothing. switchhook-templates(5) describes the
 * format.
 *
 * {name} is a placeholder, in text and in the values of attributes; name is a
 * letter or "_", then letters, digits and "_", 64 at most. "{{" and "}}" stand
 * for the braces themselves.
 */
#ifndef TWILIO_TWIML_H
#define TWILIO_TWIML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

#define TWIML_MAX 65536 /* bytes of a reply: what Twilio reads at most */
#define TWIML_NAMES_MAX 64 /* different placeholders in one template */
#define TWIML_NAME_MAX 64 /* characters of a placeholder's name */

/* Immutable, shared by threads; it goes when the last holder releases it. */
struct twiml;

/*
 * Compile a template; name is for the messages. ST_OK; ST_CONFIG: it is
 * wrong, and errors has a line for each mistake, ended by a newline,
 * "NAME.twiml.xml:LINE:COLUMN: what is wrong; what to do"; ST_NOMEM.
 * *out is NULL unless ST_OK, and held by the caller once.
 */
enum status twiml_compile(struct twiml **out, const char *name,
    const char *text, size_t len, struct buf *errors);

/*
 * What the grammar does not know of it, in lines as those of errors; "": all is
 * known. Twilio adds to its TwiML, and takes what it does not know itself for a
 * warning (12200), so it is rendered as it is written.
 */
const char *twiml_warnings(const struct twiml *);

void twiml_hold(struct twiml *);
void twiml_release(struct twiml *); /* NULL is fine */

/* A placeholder, and where it stands first. */
struct twiml_name {
	const char *name;
	unsigned line, column;
};

/* The placeholders, each name once, in order; as many as *n says. */
const struct twiml_name *twiml_names(const struct twiml *, size_t *n);

/*
 * Give the value of a placeholder, of any bytes; it must stay until the render
 * is over. False: there is none. Asked once a render for each name.
 */
typedef bool twiml_lookup(
    void *ctx, const char *name, const char **value, size_t *len);

/*
 * Append the document, from "<?xml" on, values escaped for where they stand.
 * ST_OK; ST_NOTFOUND: a placeholder has no value, *missing is its name (as long
 * as the twiml lives); ST_TOOBIG: over TWIML_MAX; ST_NOMEM. Unless ST_OK, out
 * is as it was before.
 */
enum status twiml_render(const struct twiml *, twiml_lookup *, void *ctx,
    struct buf *out, const char **missing);

#endif
