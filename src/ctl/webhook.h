/*
 * A webhook as Twilio would send it: signed with the configured token, or with
 * the first shared key where there is no token, and either posted to a server or answered in this process.
 */
#ifndef CTL_WEBHOOK_H
#define CTL_WEBHOOK_H

#include "base/buf.h"
#include "ctl/ctl.h"

struct config;

struct webhook {
	const char *path; /* the route, perhaps with a query: "/whatsapp" */
	struct buf body; /* the form, encoded */
};

void webhook_release(struct webhook *);

/*
 * Append a parameter, unless --param has another value for it (or value is
 * NULL). ST_OK or ST_NOMEM.
 */
enum status webhook_add(
    const struct ctl *, struct webhook *, const char *name, const char *value);

/* Append what --param has. CTL_DONE, or reported on err. */
int webhook_params(const struct ctl *, struct buf *form);

/* What --param NAME=VALUE says of a parameter, or NULL. */
const char *webhook_param(const struct ctl *, const char *name);

/*
 * What kind ("SM", "CA") --sid names, or a new one, made in room: kind and 32
 * random hexadecimal digits. NULL without randomness, which was reported.
 */
#define WEBHOOK_SID_MAX 35
const char *webhook_sid(
    const struct ctl *, const char *kind, char room[static WEBHOOK_SID_MAX]);

/* What came back. The zero value is empty. */
struct webhook_answer {
	int code; /* HTTP status code */
	struct buf body;
	struct buf url; /* where it went; in process, what was signed */
	struct buf signed_url; /* what the signature covers */
};

void webhook_answer_release(struct webhook_answer *);

/*
 * Send it to url, or have it answered by ctl->app where that is NULL. url is
 * the webhook's whole address, or of the server only ("http://127.0.0.1:8080"):
 * the route is then put behind it. Signed is that URL, or, where
 * server.public_url is set, public_url and the path below server.base_path:
 * what Twilio would have signed. CTL_DONE whatever was answered, or reported on
 * err.
 */
int webhook_send(const struct ctl *, const struct config *, const char *url,
    const struct webhook *, struct webhook_answer *);

#endif
