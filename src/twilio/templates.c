#include "twilio/templates.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define BUCKETS 64

/* A template that was asked for. Guarded by the mutex, but while it is busy:
 * then the thread that made it so reads name and stamp without. */
struct entry {
	struct entry *next;
	char name[TEMPLATES_NAME_MAX + 1];
	struct twiml *twiml; /* the newest good version; NULL: none */
	char *errors; /* of the file as it stands; NULL: none */
	struct template_stamp stamp; /* of the file as it was read */
	bool stamped, loaded, busy;
	int64_t checked_us;
};

struct templates {
	char *dir;
	struct log *log;
	pthread_mutex_t mutex;
	pthread_cond_t idle; /* an entry is no longer busy, or it is gone */
	struct entry *buckets[BUCKETS];
};

/* What a look at a file gave. */
struct outcome {
	enum status status;
	bool judged; /* stamp is of a version that was read, now or before */
	struct template_stamp stamp;
	struct twiml *twiml;
	struct buf errors;
};

static bool
may_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool
templates_name(const char *name)
{
	size_t n = 0;

	while (n <= TEMPLATES_NAME_MAX && may_name(name[n]))
		n++;
	return n > 0 && n <= TEMPLATES_NAME_MAX && name[n] == '\0' &&
	    name[0] != '.';
}

enum status
templates_open(struct templates **out, const char *dir, struct log *log)
{
	struct templates *t = calloc(1, sizeof(*t));

	*out = NULL;
	if (t == NULL)
		return ST_NOMEM;
	if (str_dup(dir, &t->dir) != ST_OK) {
		free(t);
		return ST_NOMEM;
	}
	t->log = log;
	pthread_mutex_init(&t->mutex, NULL);
	pthread_cond_init(&t->idle, NULL);
	*out = t;
	return ST_OK;
}

/* The link to the entry of that name, or to the end of its bucket. */
static struct entry **
entry_link(struct templates *t, const char *name)
{
	struct entry **link;
	const char *s;
	unsigned h = 0;

	for (s = name; *s != '\0'; s++)
		h = h * 31 + (unsigned char)*s;
	link = &t->buckets[h % BUCKETS];
	while (*link != NULL && strcmp((*link)->name, name) != 0)
		link = &(*link)->next;
	return link;
}

static void
entry_free(struct entry *e)
{
	twiml_release(e->twiml);
	free(e->errors);
	free(e);
}

void
templates_close(struct templates *t)
{
	struct entry *e, *next;
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < BUCKETS; i++)
		for (e = t->buckets[i]; e != NULL; e = next) {
			next = e->next;
			entry_free(e);
		}
	pthread_cond_destroy(&t->idle);
	pthread_mutex_destroy(&t->mutex);
	free(t->dir);
	free(t);
}

/* What is known of the file's mistakes is not taken along: it is read again and
 * tells of them once more, to the log of this folder's time. */
static enum status
entry_inherit(struct templates *t, const struct entry *old)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return ST_NOMEM;
	memcpy(e->name, old->name, sizeof(e->name));
	e->twiml = old->twiml;
	twiml_hold(e->twiml);
	e->stamp = old->stamp;
	e->stamped = old->stamped && old->errors == NULL;
	e->loaded = true;
	e->checked_us = -TEMPLATES_STAT_US;
	*entry_link(t, e->name) = e;
	return ST_OK;
}

enum status
templates_inherit(struct templates *t, struct templates *before)
{
	enum status st = ST_OK;
	const struct entry *e;
	size_t i;

	if (strcmp(t->dir, before->dir) != 0)
		return ST_OK;
	pthread_mutex_lock(&before->mutex);
	for (i = 0; i < BUCKETS; i++)
		for (e = before->buckets[i]; e != NULL && st == ST_OK;
		     e = e->next)
			if (e->twiml != NULL)
				st = entry_inherit(t, e);
	pthread_mutex_unlock(&before->mutex);
	return st;
}

static void
entry_remove(struct templates *t, struct entry *e)
{
	struct entry **link = entry_link(t, e->name);

	*link = e->next;
	entry_free(e);
}

/* Read the file of a busy entry, unless it is the version that was read. */
static void
outcome_make(
    const struct templates *t, const struct entry *e, struct outcome *o)
{
	struct buf text = BUF_INIT;

	*o = (struct outcome){ .errors = BUF_INIT };
	o->status = template_file_read(t->dir, e->name,
	    e->stamped ? &e->stamp : NULL, &o->stamp, &text, &o->errors);
	o->judged = o->status == ST_OK || o->status == ST_EXISTS;
	if (o->status == ST_OK)
		o->status = twiml_compile(
		    &o->twiml, e->name, buf_str(&text), text.len, &o->errors);
	buf_release(&text);
}

/* A line of the log for each of these; what they are is the level's. */
static void
log_lines(struct templates *t, enum log_level level, const char *name,
    const char *lines)
{
	const bool refused = level == LOG_LEVEL_ERROR;
	struct buf line = BUF_INIT;
	size_t n;

	for (; *lines != '\0'; lines += n + (lines[n] == '\n')) {
		n = strcspn(lines, "\n");
		buf_reset(&line);
		buf_put(&line, lines, n);
		log_event(t->log, level,
		    refused ? "template refused"
			    : "template taken with a warning",
		    LOG_FIELDS(LOG_STR("template", name),
			LOG_STR(
			    refused ? "error" : "warning", buf_str(&line))));
	}
	buf_release(&line);
}

/* The file is wrong: keep what there is, and say so once. */
static void
entry_spoil(struct templates *t, struct entry *e, struct outcome *o)
{
	char *errors = buf_detach(&o->errors);

	if (errors == NULL)
		return;
	if (!str_eq(errors, e->errors))
		log_lines(t, LOG_LEVEL_ERROR, e->name, errors);
	free(e->errors);
	e->errors = errors;
}

static void
entry_mend(struct templates *t, struct entry *e, struct outcome *o)
{
	if (e->loaded)
		log_info(t->log, "template loaded again",
		    LOG_STR("template", e->name));
	log_lines(t, LOG_LEVEL_WARN, e->name, twiml_warnings(o->twiml));
	twiml_release(e->twiml);
	e->twiml = o->twiml;
	o->twiml = NULL;
	free(e->errors);
	e->errors = NULL;
}

/*
 * Take over what a look at the file gave. ST_OK, or why the entry is gone.
 */
static enum status
entry_apply(struct templates *t, struct entry *e, struct outcome *o)
{
	enum status st = ST_OK;

	/* A file that could not be read is read again, whatever its age. */
	e->stamped = o->judged && o->status != ST_NOMEM;
	if (e->stamped)
		e->stamp = o->stamp;
	if (o->status == ST_OK)
		entry_mend(t, e, o);
	else if (o->status == ST_CONFIG ||
	    (o->status == ST_UNAVAILABLE && e->loaded))
		entry_spoil(t, e, o);
	else if (o->status != ST_EXISTS)
		st = o->status;
	if (st != ST_OK && e->loaded)
		log_warn(t->log,
		    st == ST_NOTFOUND ? "template is gone"
				      : "template not read again",
		    LOG_STR("template", e->name),
		    LOG_STR("reason", status_text(st)));
	e->loaded = true;
	e->busy = false;
	if (st == ST_NOTFOUND || (e->twiml == NULL && e->errors == NULL)) {
		entry_remove(t, e);
		return st == ST_OK ? ST_NOMEM : st;
	}
	return ST_OK;
}

/* Look at the file of an entry that this thread made busy. Mutex held. */
static enum status
entry_refresh(struct templates *t, struct entry *e)
{
	struct outcome o;
	enum status st;

	e->checked_us = clock_mono_us();
	pthread_mutex_unlock(&t->mutex);
	outcome_make(t, e, &o);
	pthread_mutex_lock(&t->mutex);
	st = entry_apply(t, e, &o);
	pthread_cond_broadcast(&t->idle);
	twiml_release(o.twiml);
	buf_release(&o.errors);
	return st;
}

/*
 * The entry of that name, no older than it may be. One thread looks at the
 * file; the others go on with what there is, or wait if there is nothing yet.
 * Mutex held, but not throughout.
 */
static enum status
entry_get(struct templates *t, const char *name, struct entry **out)
{
	int64_t now = clock_mono_us();
	struct entry **link, *e;

	for (;;) {
		link = entry_link(t, name);
		if ((e = *link) == NULL)
			break;
		*out = e;
		if (e->busy && !e->loaded) {
			pthread_cond_wait(&t->idle, &t->mutex);
			continue;
		}
		if (e->busy || now - e->checked_us < TEMPLATES_STAT_US)
			return ST_OK;
		e->busy = true;
		return entry_refresh(t, e);
	}
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return ST_NOMEM;
	memcpy(e->name, name, strlen(name) + 1);
	e->busy = true;
	*out = *link = e;
	return entry_refresh(t, e);
}

enum status
templates_get(struct templates *t, const char *name, struct twiml **out)
{
	struct entry *e;
	enum status st;

	*out = NULL;
	if (!templates_name(name))
		return ST_NOTFOUND;
	pthread_mutex_lock(&t->mutex);
	st = entry_get(t, name, &e);
	if (st == ST_OK && e->twiml == NULL)
		st = ST_CONFIG;
	if (st == ST_OK) {
		twiml_hold(e->twiml);
		*out = e->twiml;
	}
	pthread_mutex_unlock(&t->mutex);
	return st;
}

/* The present version and mistakes of one template. */
static enum status
template_state(struct templates *t, const char *name, struct twiml **twiml,
    struct buf *errors)
{
	struct entry *e;
	enum status st;

	*twiml = NULL;
	if (!templates_name(name)) {
		buf_printf(errors,
		    "%s" TEMPLATES_SUFFIX
		    ": no such name can be asked for; use 1 to %d of A-Z a-z "
		    "0-9 . _ -\n",
		    name, TEMPLATES_NAME_MAX);
		return errors->err;
	}
	pthread_mutex_lock(&t->mutex);
	st = entry_get(t, name, &e);
	if (st == ST_OK && (*twiml = e->twiml) != NULL)
		twiml_hold(e->twiml);
	if (st == ST_OK && e->errors != NULL)
		buf_puts(errors, e->errors);
	pthread_mutex_unlock(&t->mutex);
	if (st == ST_IO)
		buf_printf(errors,
		    "%s" TEMPLATES_SUFFIX ": it could not be read; see why\n",
		    name);
	return st == ST_IO ? ST_OK : st;
}

/* A file that is meant as a template; an editor's own begin with a dot. */
static int
is_template(const struct dirent *d)
{
	size_t n = strlen(d->d_name), suffix = strlen(TEMPLATES_SUFFIX);

	return d->d_name[0] != '.' && n > suffix &&
	    strcmp(d->d_name + n - suffix, TEMPLATES_SUFFIX) == 0;
}

/* Tell of the template in this file. */
static enum status
tell(struct templates *t, char *file, templates_fn *fn, void *ctx)
{
	struct buf errors = BUF_INIT;
	struct twiml *twiml;
	enum status st;

	file[strlen(file) - strlen(TEMPLATES_SUFFIX)] = '\0';
	st = template_state(t, file, &twiml, &errors);
	if (st == ST_OK && errors.err == ST_OK)
		fn(ctx, file, twiml, buf_str(&errors));
	twiml_release(twiml);
	buf_release(&errors);
	/* Gone since the folder was read: it is not there, that is all. */
	return st == ST_NOTFOUND || st == ST_UNAVAILABLE ? ST_OK : st;
}

enum status
templates_each(struct templates *t, templates_fn *fn, void *ctx)
{
	struct dirent **files = NULL;
	enum status st = ST_OK;
	int i, n;

	if ((n = scandir(t->dir, &files, is_template, alphasort)) < 0)
		return errno == ENOMEM ? ST_NOMEM : ST_IO;
	for (i = 0; i < n; i++) {
		if (st == ST_OK)
			st = tell(t, files[i]->d_name, fn, ctx);
		free(files[i]);
	}
	free(files);
	return st;
}

static void
first_mistake(
    void *ctx, const char *name, const struct twiml *twiml, const char *errors)
{
	struct buf *why = ctx;

	(void)name;
	(void)twiml;
	if (why->len == 0)
		buf_put(why, errors, strcspn(errors, "\n"));
}

bool
templates_ready(struct templates *t, struct buf *why)
{
	struct buf first = BUF_INIT;
	enum status st = templates_each(t, first_mistake, &first);

	if (st != ST_OK)
		buf_printf(&first, "%s: %s", t->dir,
		    st == ST_IO ? strerror(errno) : status_text(st));
	if (first.err == ST_OK)
		buf_put(why, buf_str(&first), first.len);
	st = first.len > 0 || first.err != ST_OK ? ST_UNAVAILABLE : ST_OK;
	buf_release(&first);
	return st == ST_OK;
}
