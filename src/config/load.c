#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/config.h"
#include "config/env.h"
#include "config/inifile.h"
#include "config/nearest.h"
#include "config/config_section.h"
#include "config/slot.h"
#include "config/textfile.h"
#include "config/value.h"

#define FILE_MAX_BYTES ((size_t)256 << 10)
#define MISTAKES_MAX 1000 /* a file with more is something else */

struct loader {
	struct config *config;
	struct buf *errors;
	enum status st; /* ST_NOMEM stays */
	const char *section; /* of the table; NULL: none, or one not known */
	char header[64]; /* or one with names of the operator's making; "" */
	size_t at; /* its place in config->sections */
	bool skip; /* its header was a mistake that is reported */
	int mistakes;
};

/* A name that the operator wrote, so that it stays on its line. */
static void
put_name(struct buf *out, const char *name)
{
	size_t i;

	for (i = 0; name[i] != '\0' && i < 64; i++)
		buf_putc(out, name[i] >= ' ' && name[i] <= '~' ? name[i] : '?');
}

/* "FILE:LINE: " of one more mistake; false when there were too many. */
static bool
begin_mistake(struct loader *l, int line)
{
	if (++l->mistakes <= MISTAKES_MAX) {
		buf_printf(l->errors, "%s:%d: ", l->config->file, line);
		return true;
	}
	if (l->mistakes == MISTAKES_MAX + 1)
		buf_printf(l->errors,
		    "%s:%d: more mistakes follow; "
		    "correct those above first\n",
		    l->config->file, line);
	return false;
}

static void
on_mistake(void *ctx, int line, const char *text)
{
	struct loader *l = ctx;

	if (begin_mistake(l, line))
		buf_printf(l->errors, "%s\n", text);
}

/* The table's name of a section, or NULL and the nearest, if any. */
static const char *
find_section(const char *name, const char **meant)
{
	struct nearest best = { 0 };
	size_t i;

	for (i = 0; i < options_n; i++)
		if (strcmp(options[i].section, name) == 0)
			return options[i].section;
	for (i = 0; i < options_n; i++)
		if (nearest_offer(&best, name, options[i].section))
			*meant = options[i].section;
	return NULL;
}

/* [menu], [values], [digits NAME]: true if it is one, also a wrong one. */
static bool
open_named(struct loader *l, int line, const char *name)
{
	const char *wrong = NULL;
	enum status st = section_open(l->config, name, &l->at, &wrong);

	if (st == ST_NOTFOUND)
		return false;
	snprintf(l->header, sizeof(l->header), "%s", name);
	l->skip = st != ST_OK;
	if (st == ST_NOMEM)
		l->st = ST_NOMEM;
	else if (st == ST_CONFIG && begin_mistake(l, line)) {
		buf_putc(l->errors, '[');
		put_name(l->errors, name);
		buf_printf(l->errors, "]: %s\n", wrong);
	}
	return true;
}

static void
on_section(void *ctx, int line, const char *name)
{
	struct loader *l = ctx;
	const char *meant = NULL;

	l->section = NULL;
	l->header[0] = '\0';
	if (name != NULL && open_named(l, line, name))
		return;
	l->section = name == NULL ? NULL : find_section(name, &meant);
	l->skip = l->section == NULL;
	if (name == NULL || l->section != NULL || !begin_mistake(l, line))
		return;
	buf_putc(l->errors, '[');
	put_name(l->errors, name);
	buf_puts(l->errors, "]: there is no such section; ");
	if (meant != NULL)
		buf_printf(l->errors, "did you mean [%s]?\n", meant);
	else
		buf_puts(l->errors, "see switchhook.conf(5)\n");
}

/*
 * The option that an unknown key most likely means: the same key in another
 * section, or a near one in this.
 */
static const struct option *
meant_option(const char *section, const char *key)
{
	const struct option *o, *meant = NULL;
	struct nearest best = { 0 };

	for (o = options; o < options + options_n; o++) {
		if (strcmp(o->key, key) == 0)
			return o;
		if (section != NULL && strcmp(o->section, section) == 0 &&
		    nearest_offer(&best, key, o->key))
			meant = o;
	}
	return meant;
}

static void
unknown_key(struct loader *l, int line, const char *key)
{
	const struct option *o;

	if (!begin_mistake(l, line))
		return;
	o = meant_option(l->section, key);
	if (l->section != NULL)
		buf_printf(l->errors, "%s.", l->section);
	put_name(l->errors, key);
	buf_puts(l->errors,
	    l->section == NULL ? ": stands before any section; "
			       : ": there is no such key; ");
	if (o == NULL)
		buf_puts(l->errors, "see switchhook.conf(5)\n");
	else if (l->section != NULL && strcmp(o->section, l->section) == 0)
		buf_printf(l->errors, "did you mean %s?\n", o->key);
	else
		buf_printf(
		    l->errors, "write [%s] on a line above it\n", o->section);
}

/* What an operator may take for syntax, but would become part of the value. */
static const char *
looks_like_syntax(const char *value)
{
	size_t n = strlen(value), i;

	if (n >= 2 && (*value == '"' || *value == '\'') &&
	    value[n - 1] == *value)
		return "stands in quotes, which would be part of the value; "
		       "write it without them";
	for (i = 1; i < n; i++)
		if (value[i] == '#' &&
		    (value[i - 1] == ' ' || value[i - 1] == '\t'))
			return "has a \"#\" after a space, which begins no "
			       "comment here; write \";\" for a comment";
	return NULL;
}

static const char *
bad_text(const char *value)
{
	if (strlen(value) > CONFIG_LINE_MAX)
		return "is too long; keep it in a file and write file:PATH";
	if (value_has_control(value))
		return "has a control character in it; remove it";
	return NULL;
}

/* Set an option whose origin is noted; a mistake leaves what it was. */
static void
set(struct loader *l, const struct config_slot *slot, const char *value)
{
	const char *wrong = bad_text(value);
	struct buf why = BUF_INIT;

	if (wrong == NULL && slot->origin->variable == NULL)
		wrong = looks_like_syntax(value);
	if (wrong == NULL && slot->number != NULL &&
	    value_parse(slot->option, value, slot->number, &why) != ST_OK)
		wrong = buf_str(&why);
	if (wrong != NULL)
		config_mistake(l->config, slot, l->errors, "%s", wrong);
	else if (slot->text != NULL && config_slot_set(slot, value) != ST_OK)
		l->st = ST_NOMEM;
	buf_release(&why);
}

static void
named_pair(struct loader *l, int line, const char *key, const char *value)
{
	struct config_origin at = { .file = l->config->file, .line = line };
	const char *wrong = looks_like_syntax(value);
	struct buf why = BUF_INIT;
	enum status st = ST_CONFIG;

	if (wrong != NULL)
		buf_puts(&why, wrong);
	else
		st = section_set(l->config, l->at, key, value, &at, &why);
	if (st == ST_NOMEM)
		l->st = ST_NOMEM;
	else if (st != ST_OK && begin_mistake(l, line)) {
		buf_printf(l->errors, "%s.", l->header);
		put_name(l->errors, key);
		buf_printf(l->errors, ": %s\n", buf_str(&why));
	}
	buf_release(&why);
}

static void
on_pair(void *ctx, int line, const char *key, const char *value)
{
	struct loader *l = ctx;
	const struct option *o;
	struct config_slot slot;

	if (l->skip)
		return;
	if (l->header[0] != '\0') {
		named_pair(l, line, key, value);
		return;
	}
	o = l->section == NULL ? NULL : option_find(l->section, key);
	if (o == NULL) {
		unknown_key(l, line, key);
		return;
	}
	slot = config_slot(l->config, o);
	if (slot.origin->file == NULL) {
		slot.origin->file = l->config->file;
		slot.origin->line = line;
		set(l, &slot, value);
	} else if (begin_mistake(l, line)) {
		buf_printf(l->errors,
		    "%s.%s: is set on line %d already; "
		    "remove one of them\n",
		    o->section, o->key, slot.origin->line);
	}
}

static void
load_file(struct loader *l)
{
	static const struct inifile_events events = {
		.section = on_section, .pair = on_pair, .mistake = on_mistake
	};
	struct buf text = BUF_INIT;
	const char *why;
	enum status st;

	st = textfile_read(l->config->file, FILE_MAX_BYTES, true, &text, &why);
	if (st == ST_OK)
		st = inifile_parse(
		    buf_str(&text), text.len, CONFIG_LINE_MAX, &events, l);
	else if (st != ST_NOMEM) {
		l->config->unread = true;
		buf_printf(l->errors,
		    "%s: cannot be read: %s; name a text "
		    "file of at most %zuK that this user may read\n",
		    l->config->file, why, FILE_MAX_BYTES >> 10);
	}
	if (st == ST_NOMEM)
		l->st = ST_NOMEM;
	buf_wipe(&text);
}

/* before: what goes before its value; or NULL. */
static void
set_from_variable(struct loader *l, const struct config_slot *slot,
    const char *name, const char *before, const char *value)
{
	struct buf whole = BUF_INIT;
	char *copy = NULL;

	if (before != NULL)
		buf_puts(&whole, before);
	if (buf_puts(&whole, value) != ST_OK || str_dup(name, &copy) != ST_OK) {
		l->st = ST_NOMEM;
	} else {
		config_origin_release(slot->origin);
		*slot->origin = (struct config_origin){ .variable = copy };
		set(l, slot, buf_str(&whole));
	}
	buf_wipe(&whole);
}

/* The first classic variable that is set, or NULL. */
static const char *
find_classic(char *const *envp)
{
	const struct option *o;

	for (o = options; o < options + options_n; o++)
		if (o->classic && !str_empty(env_get(envp, o->variable)))
			return o->variable;
	return NULL;
}

/* Each option's own variable, else the file, else its other variable, else
 * what a classic variable implies. */
static void
load_variables(struct loader *l, char *const *envp)
{
	const char *classic = find_classic(envp), *value, *other;
	char name[OPTION_VARIABLE_MAX];
	struct config_slot slot;
	const struct option *o;

	for (o = options; o < options + options_n; o++) {
		slot = config_slot(l->config, o);
		option_variable(o, name);
		value = env_get(envp, name);
		other = o->variable == NULL ? NULL : env_get(envp, o->variable);
		if (value != NULL) {
			set_from_variable(l, &slot, name, NULL, value);
		} else if (slot.origin->file != NULL) {
			continue;
		} else if (!str_empty(other)) {
			set_from_variable(
			    l, &slot, o->variable, o->before, other);
		} else if (classic != NULL && o->parameter != NULL) {
			set_from_variable(l, &slot, classic, NULL, "ssm:");
			slot.origin->implied = true;
		}
	}
}

/*
 * Ours, but no settings: the file's name, and what `switchhook queue run`
 * tells its command, which may well be another switchhook.
 */
static bool
is_no_setting(const char *name)
{
	static const char *const names[] = { "SWITCHHOOK_CONF",
		"SWITCHHOOK_QUEUE", "SWITCHHOOK_MESSAGE_ID",
		"SWITCHHOOK_ATTEMPT", "SWITCHHOOK_MESSAGES",
		"SWITCHHOOK_CONVERSATION", "SWITCHHOOK_FROM", "SWITCHHOOK_TO",
		"SWITCHHOOK_CHANNEL" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

#define K8S_ADDRESS "[0-9a-fA-F.:]+"
#define K8S_NUMBER "[0-9]{1,5}"
#define K8S_PORT "PORT_" K8S_NUMBER "_(TCP|UDP|SCTP)"

/*
 * What Kubernetes puts into every pod for a Service that is called switchhook
 * or switchhook-ANY: its address and ports, in two forms
 * (https://kubernetes.io/docs/concepts/services-networking/service/).
 * Whatever is not of these shapes may be a misspelt setting.
 */
static const char kubernetes_shapes[] =
    "^SWITCHHOOK(_[A-Z0-9_]+)?_("
    "SERVICE_HOST=" K8S_ADDRESS "|"
    "SERVICE_PORT(_[A-Z0-9_]+)?=" K8S_NUMBER "|"
    "(PORT|" K8S_PORT ")=(tcp|udp|sctp)://[[]?" K8S_ADDRESS "[]]?:" K8S_NUMBER
    "|" K8S_PORT "_PROTO=(tcp|udp|sctp)|" K8S_PORT "_PORT=" K8S_NUMBER
    "|" K8S_PORT "_ADDR=" K8S_ADDRESS ")$";

/* Did Kubernetes set this "NAME=VALUE"? Under [values] any name is a setting. */
static bool
is_from_kubernetes(struct loader *l, const char *variable)
{
	regex_t shapes;
	bool fits;

	if (str_starts(variable, OPTION_VARIABLE_PREFIX "VALUES_"))
		return false;
	/* Compiling takes a tenth of a millisecond, at each start of a CGI. */
	if (strstr(variable, "_PORT") == NULL &&
	    strstr(variable, "_SERVICE_HOST=") == NULL)
		return false;
	if (regcomp(&shapes, kubernetes_shapes, REG_EXTENDED | REG_NOSUB) !=
	    0) {
		l->st = ST_NOMEM;
		return false;
	}
	fits = regexec(&shapes, variable, 0, NULL, 0) == 0;
	regfree(&shapes);
	return fits;
}

/* One of [menu], [values], [digits NAME]? Then it is set. */
static bool
set_named_variable(struct loader *l, const char *name, const char *value)
{
	struct buf why = BUF_INIT;
	enum status st;

	st = section_set_variable(l->config, name, value, &why);
	if (st == ST_NOMEM)
		l->st = ST_NOMEM;
	else if (st == ST_CONFIG)
		buf_printf(l->errors, "%s: %s\n", name, buf_str(&why));
	buf_release(&why);
	return st != ST_NOTFOUND;
}

/* A variable with our prefix that nothing here has is a misspelt one. */
static void
check_variable(struct loader *l, const char *name, const char *value)
{
	char own[OPTION_VARIABLE_MAX], meant[OPTION_VARIABLE_MAX];
	struct nearest best = { 0 };
	const struct option *o;

	if (is_no_setting(name) || set_named_variable(l, name, value))
		return;
	for (o = options; o < options + options_n; o++) {
		option_variable(o, own);
		if (strcmp(own, name) == 0)
			return;
		if (nearest_offer(&best, name, own))
			memcpy(meant, own, sizeof(own));
	}
	put_name(l->errors, name);
	buf_puts(l->errors, ": no setting has this variable; ");
	if (best.found)
		buf_printf(l->errors, "did you mean %s?\n", meant);
	else
		buf_puts(l->errors, "unset it, or see switchhook.conf(5)\n");
}

static void
check_variables(struct loader *l, char *const *envp)
{
	struct buf name = BUF_INIT;
	size_t n;

	for (; envp != NULL && *envp != NULL; envp++) {
		n = strcspn(*envp, "=");
		if (!str_starts(*envp, OPTION_VARIABLE_PREFIX) ||
		    is_from_kubernetes(l, *envp))
			continue;
		buf_reset(&name);
		if (buf_put(&name, *envp, n) == ST_OK)
			check_variable(
			    l, name.data, *envp + n + ((*envp)[n] == '='));
		else
			l->st = ST_NOMEM;
	}
	buf_release(&name);
}

enum status
config_load(struct config **out, const char *path, char *const *envp,
    struct buf *errors)
{
	struct loader l = { .errors = errors, .st = ST_OK };
	size_t before = errors->len;

	*out = NULL;
	if (config_new(&l.config) != ST_OK)
		return ST_NOMEM;
	l.st = str_dup(path, &l.config->file);
	if (l.st == ST_OK && path != NULL)
		load_file(&l);
	load_variables(&l, envp);
	check_variables(&l, envp);
	if (l.st != ST_OK || errors->err != ST_OK) {
		config_free(l.config);
		return ST_NOMEM;
	}
	*out = l.config;
	return errors->len == before ? ST_OK : ST_CONFIG;
}
