/*
 * Values kept elsewhere. A text in the configuration, also one of [values],
 * may be a reference:
 *
 *	file:PATH		an absolute path of a regular file under 64 KB
 *	env:NAME		a variable of the process environment
 *	ssm:NAME		a parameter of AWS's Parameter Store; without a
 *				NAME the one that belongs to the option
 *	secretsmanager:ID	a secret of AWS's Secrets Manager
 *	secretsmanager:ID#KEY	a member of the JSON object that it is
 *
 * Resolving puts what it names in its place, as it stands: what a reference
 * names is never a reference itself. One newline at the end does not belong to
 * the value. Any other scheme is plain text. Here is what this machine has;
 * site/settings.h fetches the rest.
 */
#ifndef CONFIG_REFERENCE_H
#define CONFIG_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

struct config;
struct config_slot;

/*
 * config_load; then what file: and env: name is put in place, and what cannot
 * be kept at AWS (NEED_AWS) is checked. A value that is kept there is "" and
 * has its whole reference in its origin. Lists all mistakes in errors, a line
 * each with file, line, key and what to do, and never a value. ST_OK;
 * ST_CONFIG, *out is made all the same; ST_NOMEM, *out is NULL.
 */
enum status reference_load(struct config **out, const char *path,
    char *const *envp, struct buf *errors);

/* Is anything of it kept at AWS? */
bool reference_any(const struct config *);

/* How many values are; the first max of them in slots. */
size_t reference_list(struct config *, struct config_slot *slots, size_t max);

/* --- those to AWS ---------------------------------------------------------- */

enum reference_kind { REFERENCE_SSM, REFERENCE_SECRETSMANAGER };

struct reference {
	enum reference_kind kind;
	char *name;
	const char *key; /* NULL: all of it; inside name's memory */
};

/* A whole one in parts. ST_OK or ST_NOMEM. */
enum status reference_parse(const char *text, struct reference *);
void reference_release(struct reference *);

#endif
