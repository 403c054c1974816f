/*
 * A request as it is given on the command line, and the tokens to sign or
 * check it with: what `sign` and `verify` have in common.
 */
#ifndef CTL_GIVEN_H
#define CTL_GIVEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/kv.h"
#include "ctl/ctl.h"
#include "twilio/signature.h"

/* The zero value, with url set, is a request without a body. */
struct given {
	/* As written; they point into argv. */
	const char *url;
	const char *data; /* --data: text, @FILE, or "-" */
	const char *content_type; /* --content-type; NULL: a form */
	const char *token_file; /* --token-file; NULL: the configuration */
	struct kv params; /* --param NAME=VALUE */
	bool json_body; /* --json-body: application/json */

	/* Made of them by given_read. */
	struct signature_input input;
	const char *tokens[3]; /* current, previous, NULL; without empty ones */
	bool previous; /* tokens[1] is one */
	struct buf body, token;
	struct kv form;
	struct config *config;
};

/*
 * Read what the options name. CTL_DONE, or told on err: CTL_USAGE for a URL
 * that is none or options that do not go together, CTL_CONFIG without any
 * token, CTL_FAILED if a file cannot be read.
 */
int given_read(const struct ctl *, struct given *);

/* Wipes the token; takes a half-read one. */
void given_release(struct given *);

/* True if the body is not a form but there is one: bodySHA256 covers it. */
bool given_needs_hash(const struct given *);

#endif
