#include "config/reference.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "config/config.h"
#include "config/env.h"
#include "config/slot.h"
#include "config/textfile.h"
#include "config/value.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* Of a value. */
#define VALUE_MAX (((size_t)64 << 10) - 1)

/* An ARN may be so long. */
#define NAME_MAX_LEN 2048

static const struct scheme {
	const char *prefix;
	enum reference_kind kind;
	const char *letters; /* of a name or ARN */
	bool keyed; /* "#KEY" may follow */
	const char *wrong;
} schemes[] = {
	{ "ssm:", REFERENCE_SSM, LETTERS DIGITS "/_.-:", false,
	    "is not a parameter's name after ssm:; write it as in "
	    "ssm:/twh/dev/name" },
	{ "secretsmanager:", REFERENCE_SECRETSMANAGER,
	    LETTERS DIGITS "/_+=.@-:", true,
	    "is not a secret's name after secretsmanager:; write it as in "
	    "secretsmanager:name, or secretsmanager:name#key" },
};

static const struct scheme *
find_scheme(const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (str_starts(text, schemes[i].prefix))
			return &schemes[i];
	return NULL;
}

/* Does it begin like one? */
static bool
reference_is(const char *text)
{
	return find_scheme(text) != NULL;
}

static bool
name_ok(const struct scheme *s, const char *name)
{
	size_t n = strspn(name, s->letters);

	if (n == 0 || n > NAME_MAX_LEN)
		return false;
	return name[n] == '\0' ||
	    (s->keyed && name[n] == '#' && name[n + 1] != '\0');
}

/* What "ssm:" alone means for this slot; false: nothing. */
static bool
put_classic(
    const struct config *c, const struct config_slot *slot, struct buf *out)
{
	if (slot->option == NULL || slot->option->parameter == NULL)
		return false;
	buf_printf(out, "/%s/%s/%s", c->aws.system_name, c->aws.env_type,
	    slot->option->parameter);
	return true;
}

/*
 * The reference that stands in a slot, made whole: "ssm:" alone becomes
 * "ssm:/twh/dev/twilio-auth-token", by the option's parameter and the [aws]
 * settings. ST_OK, the caller frees *out; ST_CONFIG, *wrong says what is wrong
 * with it and what to do, without the name; ST_NOMEM.
 */
static enum status
reference_complete(const struct config *c, const struct config_slot *slot,
    char **out, const char **wrong)
{
	const struct scheme *s = find_scheme(*slot->text);
	const char *name = *slot->text + strlen(s->prefix);
	struct buf whole = BUF_INIT;

	*out = NULL;
	*wrong = NULL;
	buf_puts(&whole, s->prefix);
	if (*name != '\0' || s->kind != REFERENCE_SSM)
		buf_puts(&whole, name);
	else if (!put_classic(c, slot, &whole))
		*wrong = "has no name of its own that ssm: alone could mean; "
			 "write it as in ssm:/twh/dev/name";
	if (*wrong == NULL && !name_ok(s, buf_str(&whole) + strlen(s->prefix)))
		*wrong = s->wrong;
	if (*wrong != NULL) {
		buf_wipe(&whole);
		return ST_CONFIG;
	}
	*out = buf_detach(&whole);
	return *out == NULL ? ST_NOMEM : ST_OK;
}

enum status
reference_parse(const char *text, struct reference *r)
{
	const struct scheme *s = find_scheme(text);
	char *hash;

	*r = (struct reference){ .kind = s->kind };
	if (str_dup(text + strlen(s->prefix), &r->name) != ST_OK)
		return ST_NOMEM;
	if (s->keyed && (hash = strchr(r->name, '#')) != NULL) {
		*hash = '\0';
		r->key = hash + 1;
	}
	return ST_OK;
}

void
reference_release(struct reference *r)
{
	free(r->name);
	*r = (struct reference){ .name = NULL };
}

struct resolver {
	struct config *config;
	char *const *envp;
	struct buf *errors;
};

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
	if (*name == '\0' || strchr(DIGITS, *name) != NULL ||
	    name[strspn(name, LETTERS DIGITS "_")] != '\0')
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
} local_schemes[] = {
	{ "file:", resolve_file },
	{ "env:", resolve_env },
};

static resolve_fn *
find_local(const char *value, const char **name)
{
	size_t i;

	for (i = 0; i < sizeof(local_schemes) / sizeof(local_schemes[0]); i++) {
		if (!str_starts(value, local_schemes[i].scheme))
			continue;
		*name = value + strlen(local_schemes[i].scheme);
		return local_schemes[i].resolve;
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
	fn = find_local(*slot->text, &name);
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
		st = status_worse(st, one(r, &slot));
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

	st = status_worse(st, check_early(r));
	st = status_worse(st, resolve_each(r, note));
	return r->errors->err == ST_OK ? st : ST_NOMEM;
}

enum status
reference_load(struct config **out, const char *path, char *const *envp,
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

size_t
reference_list(struct config *c, struct config_slot *slots, size_t max)
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
reference_any(const struct config *c)
{
	/* Slots are reached through functions that also serve writing. */
	return reference_list((struct config *)(uintptr_t)c, NULL, 0) > 0;
}
