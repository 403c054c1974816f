/* What a command works on: the configuration, the store, the queues. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "app/backends.h"
#include "aws/client.h"
#include "base/log.h"
#include "base/str.h"
#include "config/config.h"
#include "ctl/ctl.h"
#include "params/params.h"
#include "store/db.h"
#include "store/queue.h"
#include "store/store.h"

enum ctl_exit
ctl_exit_of(enum status e)
{
	switch (e) {
	case ST_OK:
		return CTL_DONE;
	case ST_NOTFOUND:
	case ST_EXISTS:
	case ST_DENIED:
		return CTL_NO;
	case ST_CONFIG:
		return CTL_CONFIG;
	case ST_NOMEM:
	case ST_IO:
	case ST_BUSY:
	case ST_TIMEOUT:
	case ST_TOOBIG:
	case ST_FULL:
	case ST_MALFORMED:
	case ST_UNSUPPORTED:
	case ST_CORRUPT:
	case ST_UNAVAILABLE:
		break;
	}
	return CTL_FAILED;
}

int
ctl_say(const struct ctl *ctl, enum ctl_exit code, const char *format, ...)
{
	va_list args;

	fputs("switchhook: ", ctl->err);
	va_start(args, format);
	vfprintf(ctl->err, format, args);
	va_end(args);
	fputc('\n', ctl->err);
	return (int)code;
}

int
ctl_fail(const struct ctl *ctl, enum status e, const char *format, ...)
{
	va_list args;

	fputs("switchhook: ", ctl->err);
	va_start(args, format);
	vfprintf(ctl->err, format, args);
	va_end(args);
	fprintf(ctl->err, ": %s\n", status_text(e));
	return (int)ctl_exit_of(e);
}

/* Mistakes as they were listed, each a line; else what the status means. */
static int
fail_with(const struct ctl *ctl, enum status e, const struct buf *errors,
    const char *what)
{
	if (errors->len == 0)
		return ctl_fail(ctl, e, "%s", what);
	fputs(buf_str(errors), ctl->err);
	if (errors->data[errors->len - 1] != '\n')
		fputc('\n', ctl->err);
	return (int)ctl_exit_of(e);
}

int
ctl_config(const struct ctl *ctl, struct config **config)
{
	struct buf errors = BUF_INIT, warnings = BUF_INIT;
	char *path = NULL;
	int code = CTL_DONE;
	enum status e;

	*config = NULL;
	e = config_find(ctl->config_file, ctl->envp, &path);
	if (e == ST_OK)
		e = params_load(config, path, ctl->envp, &errors, &warnings);
	fputs(buf_str(&warnings), ctl->err);
	if (e != ST_OK)
		code = fail_with(ctl, e, &errors, "configuration");
	buf_release(&errors);
	buf_release(&warnings);
	free(path);
	return code;
}

static int
open_db(const struct ctl *ctl, struct ctl_session *s)
{
	struct db_options o = { .path = s->config->store.path,
		.journal = s->config->store.journal == JOURNAL_ROLLBACK
		    ? DB_ROLLBACK
		    : DB_WAL,
		.log = s->log };
	struct buf why = BUF_INIT;
	enum status e = db_open(&s->db, &o, &why);
	int code = CTL_DONE;

	if (e != ST_OK)
		code = ctl_say(ctl, ctl_exit_of(e), "%s: %s", o.path,
		    why.len ? buf_str(&why) : status_text(e));
	buf_release(&why);
	return code;
}

/* The log goes to the terminal here, whatever log_target says: a command
 * run by root must not make the server's log file its own. */
int
ctl_open(const struct ctl *ctl, struct ctl_session *s)
{
	int code;
	enum status e;

	*s = (struct ctl_session){ 0 };
	code = ctl_config(ctl, &s->config);
	if (code != CTL_DONE)
		return code;
	e = log_open(&s->log, "stderr", LOG_FORMAT_TEXT, LOG_LEVEL_WARN);
	if (e != ST_OK)
		return ctl_fail(ctl, e, "log");
	return open_db(ctl, s);
}

void
ctl_close(struct ctl_session *s)
{
	aws_client_close(s->client);
	aws_close(s->aws);
	db_close(s->db);
	log_close(s->log);
	config_free(s->config);
	*s = (struct ctl_session){ 0 };
}

/* What back ends are made of; a client only for a URL that needs one. */
static enum status
backends_for(const struct ctl *ctl, struct ctl_session *s, const char *url,
    struct backends *b, struct buf *why)
{
	struct aws_options o = { .envp = ctl->envp,
		.region = s->config->aws.region,
		.proxy = s->config->aws.proxy,
		.log = s->log };
	enum status e = ST_OK;

	if (backend_is_remote(url) && !s->aws)
		e = aws_open(&s->aws, &o, why);
	if (e == ST_OK && backend_is_remote(url) && !s->client)
		e = aws_client_open(&s->client, s->aws, why);
	*b = (struct backends){ s->config, s->db, s->client };
	return e;
}

const char *const ctl_queue_roles[] = { "ai", "human", "unrouted", "digits",
	NULL };

/* The URL of a queue's role, or NULL. */
static const char *
role_url(const struct config *c, const char *name)
{
	const char *const urls[] = { c->whatsapp.ai_queue,
		c->whatsapp.human_queue, PORTS_UNROUTED,
		c->voice.digits_queue };

	for (size_t i = 0; ctl_queue_roles[i] != NULL; i++)
		if (str_eq(name, ctl_queue_roles[i]))
			return urls[i];
	return NULL;
}

int
ctl_queue(const struct ctl *ctl, struct ctl_session *s, const char *name,
    struct queue **queue)
{
	const char *role = role_url(s->config, name);
	struct buf url = BUF_INIT, why = BUF_INIT;
	enum status e = ST_NOMEM;
	struct backends b;
	int code = CTL_DONE;

	*queue = NULL;
	if (role)
		buf_puts(&url, role);
	else
		buf_printf(
		    &url, "%s%s", strchr(name, ':') ? "" : "sqlite:", name);
	if (url.err == ST_OK)
		e = backends_for(ctl, s, buf_str(&url), &b, &why);
	if (e == ST_OK)
		e = backend_queue(&b, buf_str(&url), queue, &why);
	if (e == ST_CONFIG && !role)
		code = ctl_say(ctl, CTL_USAGE, "%s: %s", name, buf_str(&why));
	else if (e != ST_OK)
		code = ctl_say(ctl, ctl_exit_of(e), "%s: %s", name,
		    why.len ? buf_str(&why) : status_text(e));
	buf_release(&url);
	buf_release(&why);
	return code;
}

int
ctl_conversations(
    const struct ctl *ctl, struct ctl_session *s, struct store **store)
{
	const char *url = s->config->whatsapp.conversations;
	struct buf why = BUF_INIT;
	int code = CTL_DONE;
	struct backends b;
	enum status e = backends_for(ctl, s, url, &b, &why);

	*store = NULL;
	if (e == ST_OK)
		e = backend_store(&b, url, store, &why);
	if (e != ST_OK)
		code = ctl_say(ctl, ctl_exit_of(e), "%s: %s", url,
		    why.len ? buf_str(&why) : status_text(e));
	buf_release(&why);
	return code;
}

int
ctl_app(const struct ctl *ctl, struct app **app)
{
	struct app_options o = { .config_file = ctl->config_file,
		.envp = ctl->envp };
	struct buf errors = BUF_INIT;
	int code = CTL_DONE;
	enum status e = app_open(app, &o, &errors);

	if (e != ST_OK)
		code = fail_with(ctl, e, &errors, "start");
	buf_release(&errors);
	return code;
}
