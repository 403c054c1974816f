/*
 * References to values at AWS: "ssm:NAME", "secretsmanager:ID" and
 * "secretsmanager:ID#KEY", the KEY being a member of the JSON object that the
 * secret is.
 */
#ifndef PARAMS_REFERENCE_H
#define PARAMS_REFERENCE_H

#include <stdbool.h>

#include "base/status.h"
#include "params/source.h"

struct config;
struct config_slot;

struct reference {
	enum source_kind kind;
	char *name;
	const char *key; /* NULL: all of it; inside name's memory */
};

/* Does it begin like one? */
bool reference_is(const char *text);

/*
 * The reference that stands in a slot, made whole: "ssm:" alone becomes
 * "ssm:/twh/dev/twilio-auth-token", by the option's parameter and the [aws]
 * settings. ST_OK, the caller frees *out; ST_CONFIG, *wrong says what is wrong
 * with it and what to do, without the name; ST_NOMEM.
 */
enum status reference_complete(const struct config *,
    const struct config_slot *, char **out, const char **wrong);

/* A whole one in parts. ST_OK or ST_NOMEM. */
enum status reference_parse(const char *text, struct reference *);
void reference_release(struct reference *);

#endif
