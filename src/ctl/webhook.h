/*
 * A webhook as Twilio would send it: signed with the configured token, and
 * either posted to a server or answered in this process.
 */
#ifndef CTL_WEBHOOK_H
#define CTL_WEBHOOK_H

#include "base/buf.h"
#include "base/kv.h"
#include "ctl/ctl.h"

struct app;
struct config;

struct webhook {
	const char *path; /* the route, perhaps with a query: "/whatsapp" */
	struct kv form;
	struct webhook_piece *pieces; /* what the form points into */
};

/* What came back. The zero value is empty. */
struct webhook_answer {
	int code; /* HTTP status code */
	struct buf body;
	struct buf url; /* where it went; in process, what was signed */
	struct buf signed_url; /* what the signature covers */
};

void webhook_release(struct webhook *);
void webhook_answer_release(struct webhook_answer *);

/* Append a parameter; both strings are copied. ST_OK or ST_NOMEM. */
enum status webhook_add(struct webhook *, const char *name, const char *value);

/*
 * Add the "name=value" pairs of a list of options: each takes the place of a
 * parameter of that name that is there, or comes behind. ST_OK, ST_NOMEM, or
 * ST_MALFORMED: *bad has no "=".
 */
enum status webhook_override(
    struct webhook *, const struct kv *params, const char **bad);

/* "SM" (or another prefix) and 32 random hexadecimal digits. */
#define WEBHOOK_SID_MAX 35
enum status webhook_sid(
    const char prefix[static 2], char out[static WEBHOOK_SID_MAX]);

/*
 * Post it to a server. url is the webhook's whole address, or of the server
 * only ("http://127.0.0.1:8080"): the route is then put behind it. Signed is
 * that URL, or, where server.public_url is set, public_url and the path below
 * server.base_path: what Twilio would have signed. CTL_DONE whatever was
 * answered, or told on err.
 */
int webhook_post(const struct ctl *, const struct config *, const char *url,
    const struct webhook *, struct webhook_answer *);

/* Have it answered in this process. CTL_DONE, or told on err. */
int webhook_answer_here(const struct ctl *, const struct app *,
    const struct webhook *, struct webhook_answer *);

#endif
