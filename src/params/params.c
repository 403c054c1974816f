#include "params/params.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/client.h"
#include "base/clock.h"
#include "base/str.h"
#include "config/config.h"
#include "config/env.h"
#include "config/slot.h"
#include "config/textfile.h"
#include "config/value.h"
#include "params/fetch.h"
#include "params/reference.h"
#include "params/source.h"

#define VALUE_MAX (((size_t)64 << 10) - 1)

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"

struct resolver {
	struct config *config;
	char *const *envp;
	struct buf *errors;
};

/* The worst of two: no memory, then a mistake, then what may pass. */
static enum status
worse(enum status a, enum status b)
{
	static const enum status order[] = { ST_NOMEM, ST_CONFIG,
		ST_UNAVAILABLE };
	size_t i;

	if (b == ST_OK)
		return a;
	for (i = 0; i < sizeof(order) / sizeof(order[0]) && a != ST_OK; i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a == ST_OK ? b : a;
}

/* --- what is on this machine -------------------------------------------------- */

/*
 * Put what name stands for into value. name may be a secret on the wrong line,
 * so that no message has it.
 */
typedef enum status resolve_fn(struct resolver *, const struct config_slot *,
    const char *name, struct buf *value);

static enum status
resolve_file(struct resolver *r, const struct config_slot *slot,
    const char *path, struct buf *value)
{
	const char *why;
	enum status st;

	/* Where a relative path leads depends on the server that starts us. */
	if (*path != '/') {
		config_mistake(r->config, slot, r->errors,
		    "names a file without its whole path; "
		    "write file: and an absolute path");
		return ST_CONFIG;
	}
	st = textfile_read(path, VALUE_MAX, false, value, &why);
	if (st == ST_NOMEM)
		return st;
	if (st != ST_OK) {
		config_mistake(r->config, slot, r->errors,
		    "the file that it names cannot be read: %s; name a regular "
		    "file under 64K that this user may read",
		    why);
		return ST_CONFIG;
	}
	if (value_trim(value))
		return ST_OK;
	config_mistake(r->config, slot, r->errors,
	    "the file that it names has a NUL byte in it; save it as text");
	return ST_CONFIG;
}

/*
 * Under CGI the request's headers are in the environment too, as HTTP_…: who
 * sends a request must not set what we are told to believe.
 */
static const char *
bad_variable(const char *name)
{
	if (*name == '\0' || strchr("0123456789", *name) != NULL ||
	    name[strspn(name, LETTERS "0123456789")] != '\0')
		return "is not a variable's name after env:; "
		       "write it as in env:NAME";
	if (str_starts(name, "HTTP_"))
		return "names a variable that a request can set; "
		       "choose a name without HTTP_ in front";
	return NULL;
}

static enum status
resolve_env(struct resolver *r, const struct config_slot *slot,
    const char *name, struct buf *value)
{
	const char *wrong = bad_variable(name);
	const char *found = wrong == NULL ? env_get(r->envp, name) : NULL;

	if (wrong == NULL && found == NULL)
		wrong = "names a variable that is not set; set it in the "
			"environment of the program";
	if (wrong != NULL) {
		config_mistake(r->config, slot, r->errors, "%s", wrong);
		return ST_CONFIG;
	}
	return buf_puts(value, found);
}

static const struct {
	const char *scheme;
	resolve_fn *resolve;
} schemes[] = {
	{ "file:", resolve_file },
	{ "env:", resolve_env },
};

static resolve_fn *
find_scheme(const char *value, const char **name)
{
	size_t i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (!str_starts(value, schemes[i].scheme))
			continue;
		*name = value + strlen(schemes[i].scheme);
		return schemes[i].resolve;
	}
	return NULL;
}

/* What stays as it is must not be at AWS if it is needed to get there. */
static enum status
refuse_early(struct resolver *r, const struct config_slot *slot)
{
	if (slot->option == NULL || slot->option->need != NEED_AWS ||
	    !reference_is(*slot->text))
		return ST_OK;
	config_mistake(r->config, slot, r->errors,
	    "is needed before AWS can be asked, so it cannot be kept there; "
	    "use file:PATH or env:NAME");
	return ST_CONFIG;
}

static enum status
resolve(struct resolver *r, const struct config_slot *slot)
{
	struct buf value = BUF_INIT;
	resolve_fn *fn;
	const char *name;
	enum status st = ST_OK;

	if (slot->origin->bad)
		return ST_OK;
	fn = find_scheme(*slot->text, &name);
	if (fn == NULL)
		return refuse_early(r, slot);
	st = fn(r, slot, name, &value);
	if (st == ST_OK && value_has_control(buf_str(&value))) {
		config_mistake(r->config, slot, r->errors,
		    "names a value with a control character (a second line?) "
		    "in it; remove it there");
		st = ST_CONFIG;
	}
	if (st == ST_OK)
		st = config_slot_set(slot, buf_str(&value));
	buf_wipe(&value);
	return st;
}

/* --- what is at AWS ---------------------------------------------------------------- */

/* Note the reference, and let "" stand in for the value until it is fetched. */
static enum status
note(struct resolver *r, const struct config_slot *slot)
{
	const char *wrong = NULL;
	enum status st;

	if (slot->origin->bad || !reference_is(*slot->text))
		return ST_OK;
	st = reference_complete(
	    r->config, slot, &slot->origin->reference, &wrong);
	if (wrong != NULL)
		config_mistake(r->config, slot, r->errors, "%s", wrong);
	return st == ST_OK ? config_slot_set(slot, "") : st;
}

static enum status
resolve_each(struct resolver *r,
    enum status (*one)(struct resolver *, const struct config_slot *))
{
	struct config_slot slot;
	enum status st = ST_OK;
	size_t i = 0;

	while (config_slot_next(r->config, &i, &slot))
		st = worse(st, one(r, &slot));
	return st;
}

/* What is used before all is checked. */
static enum status
check_early(struct resolver *r)
{
	struct config_slot slot;
	enum status st = ST_OK;
	const char *wrong;
	size_t i = 0;

	while (config_slot_next(r->config, &i, &slot)) {
		if (slot.option == NULL || slot.option->need != NEED_AWS ||
		    slot.origin->bad)
			continue;
		wrong = config_check_text(slot.option, *slot.text);
		if (wrong == NULL)
			continue;
		config_mistake(r->config, &slot, r->errors, "%s", wrong);
		st = ST_CONFIG;
	}
	return st;
}

/* Local ones first: names of parameters are made of such settings. */
static enum status
resolve_all(struct resolver *r)
{
	enum status st = resolve_each(r, resolve);

	st = worse(st, check_early(r));
	st = worse(st, resolve_each(r, note));
	return r->errors->err == ST_OK ? st : ST_NOMEM;
}

enum status
params_begin(struct config **out, const char *path, char *const *envp,
    struct buf *errors)
{
	struct resolver r = { .envp = envp, .errors = errors };
	enum status st = config_load(out, path, envp, errors), resolved;

	if (*out == NULL)
		return st;
	r.config = *out;
	resolved = resolve_all(&r);
	if (resolved == ST_NOMEM) {
		config_free(*out);
		*out = NULL;
	}
	return st == ST_OK || resolved == ST_NOMEM ? resolved : st;
}

/* How many values there are to fetch; the first max of them in slots. */
static size_t
list_remote(struct config *c, struct config_slot *slots, size_t max)
{
	struct config_slot slot;
	size_t i = 0, n = 0;

	while (config_slot_next(c, &i, &slot)) {
		if (slot.origin->reference == NULL || slot.origin->bad)
			continue;
		if (n < max)
			slots[n] = slot;
		n++;
	}
	return n;
}

bool
params_remote(const struct config *c)
{
	/* Slots are reached through functions that also serve writing. */
	return list_remote((struct config *)(uintptr_t)c, NULL, 0) > 0;
}

enum status
params_aws(struct aws **out, const struct config *c,
    const struct aws_options *how, struct buf *errors)
{
	struct aws_options o = *how;
	struct buf why = BUF_INIT;
	enum status st;

	o.region = c->aws.region;
	o.proxy = c->aws.proxy;
	st = aws_open(out, &o, &why);

	if (st != ST_OK)
		buf_printf(errors, "aws: %s; see switchhook-aws(7)\n",
		    why.len > 0 ? buf_str(&why) : status_text(st));
	buf_release(&why);
	return st;
}

/* --- putting in place what was fetched ------------------------------------------- */

struct ending {
	struct config *config;
	struct buf *errors, *warnings;
};

static const char *
advice(enum status st)
{
	if (st == ST_NOTFOUND)
		return "create it, or correct the name";
	if (st == ST_MALFORMED)
		return "correct it there";
	return "see switchhook-aws(7)";
}

/* It may come yet. */
static enum status
miss(const struct ending *e, const struct config_slot *slot,
    const struct fetch *f)
{
	if (slot->option != NULL && slot->option->need == NEED_OPEN) {
		config_mistake(e->config, slot, e->errors,
		    "cannot be fetched now: %s; try again, the start needs it",
		    buf_str(&f->why));
		return ST_UNAVAILABLE;
	}
	slot->origin->missing = true;
	e->config->missing++;
	config_remark(e->config, slot, e->warnings,
	    "cannot be fetched now: %s; requests are answered 503 until it is "
	    "there",
	    buf_str(&f->why));
	return ST_OK;
}

/* It will not come. */
static enum status
give_up(const struct ending *e, const struct config_slot *slot,
    const struct fetch *f)
{
	if (!slot->origin->implied) {
		config_mistake(e->config, slot, e->errors,
		    "cannot be fetched: %s; %s", buf_str(&f->why),
		    advice(f->status));
		return ST_CONFIG;
	}
	/* Its name is ours, so it can be told. */
	config_remark(e->config, slot, e->warnings,
	    "%s cannot be fetched: %s; the default holds",
	    slot->origin->reference, buf_str(&f->why));
	free(slot->origin->reference);
	slot->origin->reference = NULL;
	return config_slot_set(slot, slot->option->fallback);
}

static enum status
place(const struct ending *e, const struct config_slot *slot, struct fetch *f)
{
	enum status st;

	if (f->status != ST_OK)
		return fetch_may_pass(f->status) ? miss(e, slot, f)
						 : give_up(e, slot, f);
	st = config_slot_set(slot, f->value);
	slot->origin->previous = f->previous;
	f->previous = NULL;
	return st;
}

static void
miss_all(struct config *c)
{
	struct config_slot slot;
	size_t i = 0;

	while (config_slot_next(c, &i, &slot))
		if (slot.origin->reference != NULL && !slot.origin->bad) {
			slot.origin->missing = true;
			c->missing++;
		}
}

static enum status
fetch_remote(const struct ending *e, struct source *source)
{
	size_t n = list_remote(e->config, NULL, 0), i;
	struct config_slot *slots = calloc(n + 1, sizeof(*slots));
	struct fetch *fetches = calloc(n + 1, sizeof(*fetches));
	enum status st = ST_NOMEM;

	if (slots == NULL || fetches == NULL)
		goto out;
	list_remote(e->config, slots, n);
	for (i = 0; i < n; i++) {
		fetches[i].reference = slots[i].origin->reference;
		fetches[i].rotates =
		    slots[i].option != NULL && slots[i].option->rotates;
	}
	st = fetch_all(source, fetches, n, clock_mono_us() + PARAMS_FETCH_US);
	for (i = 0; i < n && st != ST_NOMEM; i++)
		st = worse(st, place(e, &slots[i], &fetches[i]));
	fetch_release(fetches, n);
out:
	free(fetches);
	free(slots);
	return st;
}

/* Settings that are known and do nothing any more. */
static void
warn_retired(const struct config *c, struct buf *warnings)
{
	if (c->trace.xray == NULL || *c->trace.xray == '\0')
		return;
	config_where(c, "trace", "xray", warnings);
	buf_puts(warnings,
	    ": trace.xray: is not used any more; write the URL of a collector "
	    "that feeds X-Ray in trace.otlp_url, and take this line out\n");
}

enum status
params_end(struct config *c, struct source *source, struct buf *errors,
    struct buf *warnings)
{
	const struct ending e = { c, errors, warnings };
	enum status st = ST_OK;

	if (source == NULL)
		miss_all(c);
	else if (params_remote(c))
		st = fetch_remote(&e, source);
	if (st != ST_NOMEM)
		st = worse(st, config_check(c, errors));
	warn_retired(c, warnings);
	if (errors->err != ST_OK || warnings->err != ST_OK)
		return ST_NOMEM;
	return st;
}

enum status
params_finish(struct config *c, char *const *envp, struct buf *errors,
    struct buf *warnings)
{
	const struct aws_options o = { .envp = envp };
	struct source *source = NULL;
	struct aws *aws = NULL;
	enum status st = ST_OK;

	if (params_remote(c))
		st = params_aws(&aws, c, &o, errors);
	if (st == ST_OK && aws != NULL)
		st =
		    source_aws_open(&source, aws, c->aws.secretsmanager_region);
	/* The other mistakes are reported in any case. */
	st = worse(st, params_end(c, source, errors, warnings));
	source_close(source);
	aws_close(aws);
	return st;
}

enum status
params_load(struct config **out, const char *path, char *const *envp,
    struct buf *errors, struct buf *warnings)
{
	enum status st = params_begin(out, path, envp, errors);

	if (*out == NULL)
		return st;
	st = worse(st, params_finish(*out, envp, errors, warnings));
	if (st != ST_OK) {
		config_free(*out);
		*out = NULL;
	}
	return st;
}
