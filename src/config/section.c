#include "config/section.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/slot.h"
#include "config/value.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define NUMBERS "0123456789"
#define NAME_MAX_LEN 40
#define LIST_MAX 1000 /* they are looked through one by one */
#define TARGETS_MAX 100

static const char *const formats[] = { "date", "digits", "number", "luhn",
	NULL };

/* The keys of [digits NAME]. */
static const struct option digits_options[] = {
	{ .section = "digits",
	    .key = "format",
	    .type = OPTION_CHOICE,
	    .offset = offsetof(struct digits_target, format),
	    .choices = formats },
	{ .section = "digits",
	    .key = "min_length",
	    .type = OPTION_NUMBER,
	    .offset = offsetof(struct digits_target, rule.min_length),
	    .min = 1,
	    .max = DIGITS_MAX },
	{ .section = "digits",
	    .key = "max_length",
	    .type = OPTION_NUMBER,
	    .offset = offsetof(struct digits_target, rule.max_length),
	    .min = 1,
	    .max = DIGITS_MAX },
	{ .section = "digits",
	    .key = "min",
	    .type = OPTION_NUMBER,
	    .offset = offsetof(struct digits_target, rule.min),
	    .max = DIGITS_NUMBER_MAX },
	{ .section = "digits",
	    .key = "max",
	    .type = OPTION_NUMBER,
	    .offset = offsetof(struct digits_target, rule.max),
	    .max = DIGITS_NUMBER_MAX },
};

#define DIGITS_OPTIONS_N (sizeof(digits_options) / sizeof(digits_options[0]))
_Static_assert(DIGITS_OPTIONS_N == CONFIG_DIGITS_KEYS, "keys of [digits]");

static bool
made_of(const char *s, const char *set, size_t max)
{
	size_t n = strlen(s);

	return n > 0 && n <= max && s[strspn(s, set)] == '\0';
}

/* What a list's key and value may be; NULL is fine. */
static const char *
check_menu(const char *key, const char *value)
{
	if (strcmp(key, "other") != 0 && !made_of(key, NUMBERS "*#", 20))
		return "is no key of a telephone; write digits, or other";
	if (*value != '\0' &&
	    (!made_of(value, LETTERS NUMBERS "._-", 64) || *value == '.'))
		return "names no template; write the NAME of a NAME.twiml.xml";
	return NULL;
}

static const char *
check_values(const char *key, const char *value)
{
	(void)value;
	if (!made_of(key, LETTERS NUMBERS "_", 64) ||
	    strchr(NUMBERS, *key) != NULL)
		return "is no placeholder's name; write letters, digits and _";
	return NULL;
}

static struct config_pair *
list_find(const struct config_list *list, const char *key)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strcmp(list->pairs[i].key, key) == 0)
			return &list->pairs[i];
	return NULL;
}

static struct config_pair *
list_add(struct config_list *list, const char *key)
{
	struct config_pair *pairs;

	pairs = reallocarray(list->pairs, list->n + 1, sizeof(*pairs));
	if (pairs == NULL)
		return NULL;
	list->pairs = pairs;
	pairs[list->n] = (struct config_pair){ 0 };
	if (str_dup(key, &pairs[list->n].key) != ST_OK)
		return NULL;
	return &pairs[list->n++];
}

static enum status
list_set(struct config_list *list, const char *key, const char *value,
    const struct config_origin *origin, struct buf *why)
{
	struct config_pair *p = list_find(list, key);
	char *copy;

	if (p != NULL && p->origin.file != NULL && origin->file != NULL) {
		buf_printf(why, "is set on line %d already; remove one of them",
		    p->origin.line);
		return ST_CONFIG;
	}
	if (p == NULL && list->n == LIST_MAX) {
		buf_printf(
		    why, "is one key too many; write at most %d", LIST_MAX);
		return ST_CONFIG;
	}
	if (p == NULL && (p = list_add(list, key)) == NULL)
		return ST_NOMEM;
	if (str_dup(value, &copy) != ST_OK)
		return ST_NOMEM;
	free(p->value);
	config_origin_release(&p->origin);
	p->value = copy;
	p->origin = *origin;
	return ST_OK;
}

static struct digits_target *
target_add(struct config *c, const char *name)
{
	struct digits_target *targets, *t;

	targets = reallocarray(c->targets, c->targets_n + 1, sizeof(*targets));
	if (targets == NULL)
		return NULL;
	c->targets = targets;
	t = &targets[c->targets_n];
	*t = (struct digits_target){ .format = DIGITS_PLAIN };
	if (str_dup(name, &t->name) != ST_OK)
		return NULL;
	c->targets_n++;
	return t;
}

enum status
section_defaults(struct config *c)
{
	static const char *const menu[][2] = { { "1", "connect" },
		{ "2", "dial" }, { "other", "hangup" } };
	static const struct config_origin nowhere;
	struct digits_target *t;
	enum status st;
	size_t i;

	for (i = 0; i < sizeof(menu) / sizeof(menu[0]); i++) {
		st = list_set(&c->menu, menu[i][0], menu[i][1], &nowhere, NULL);
		if (st != ST_OK)
			return st;
	}
	if ((t = target_add(c, "birthdate")) == NULL)
		return ST_NOMEM;
	t->format = DIGITS_DATE;
	return ST_OK;
}

const struct digits_target *
config_target(const struct config *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->targets_n; i++)
		if (strcmp(c->targets[i].name, name) == 0)
			return &c->targets[i];
	return NULL;
}

const struct digits_target *
config_target_of(const struct config *c, const char *template)
{
	const struct digits_target *best = NULL;
	size_t i, n, longest = 0;

	for (i = 0; i < c->targets_n; i++) {
		n = strlen(c->targets[i].name);
		if (n > longest &&
		    strncmp(template, c->targets[i].name, n) == 0 &&
		    (template[n] == '\0' || template[n] == '-')) {
			best = &c->targets[i];
			longest = n;
		}
	}
	return best;
}

const char *
config_menu(const struct config *c, const char *key)
{
	const struct config_pair *p = list_find(&c->menu, key);

	return p == NULL || *p->value == '\0' ? NULL : p->value;
}

const char *
config_placeholder(const struct config *c, const char *name)
{
	const struct option *o = option_find("voice", name);
	const struct config_pair *p;
	char **text;

	if (o != NULL && (text = config_text((struct config *)c, o)) != NULL &&
	    **text != '\0')
		return *text;
	p = list_find(&c->values, name);
	return p == NULL ? NULL : p->value;
}

static enum status
find_target(
    struct config *c, const char *name, struct section *out, const char **wrong)
{
	const struct digits_target *t;

	if (!made_of(name, LETTERS NUMBERS "_-", NAME_MAX_LEN)) {
		*wrong = "has no name of letters, digits, _ and - behind it; "
			 "write it as in [digits birthdate]";
		return ST_CONFIG;
	}
	t = config_target(c, name);
	if (t == NULL && c->targets_n == TARGETS_MAX) {
		*wrong = "is one target too many; write at most 100";
		return ST_CONFIG;
	}
	if (t == NULL && (t = target_add(c, name)) == NULL)
		return ST_NOMEM;
	out->kind = SECTION_DIGITS;
	out->target = (size_t)(t - c->targets);
	return ST_OK;
}

enum status
section_find(struct config *c, const char *header, struct section *out,
    const char **wrong)
{
	*out = (struct section){ SECTION_NONE, 0 };
	if (strcmp(header, "menu") == 0)
		out->kind = SECTION_MENU;
	else if (strcmp(header, "values") == 0)
		out->kind = SECTION_VALUES;
	else if (strcmp(header, "digits") == 0 ||
	    str_starts(header, "digits ") || str_starts(header, "digits\t"))
		return find_target(
		    c, header + 6 + strspn(header + 6, " \t"), out, wrong);
	return out->kind == SECTION_NONE ? ST_NOTFOUND : ST_OK;
}

static enum status
set_digits(struct digits_target *t, const char *key, const char *value,
    const struct config_origin *origin, struct buf *why)
{
	struct config_origin *at;
	int64_t number;
	size_t i;

	for (i = 0; i < DIGITS_OPTIONS_N; i++)
		if (strcmp(digits_options[i].key, key) == 0)
			break;
	if (i == DIGITS_OPTIONS_N) {
		buf_puts(why,
		    "there is no such key; write format, min_length, "
		    "max_length, min or max");
		return ST_CONFIG;
	}
	at = &t->origins[i];
	if (at->file != NULL && origin->file != NULL) {
		buf_printf(why, "is set on line %d already; remove one of them",
		    at->line);
		return ST_CONFIG;
	}
	if (value_parse(&digits_options[i], value, &number, why) != ST_OK)
		return why->err == ST_OK ? ST_CONFIG : ST_NOMEM;
	*(int64_t *)(void *)((char *)t + digits_options[i].offset) = number;
	config_origin_release(at);
	*at = *origin;
	t->set[i] = true;
	return ST_OK;
}

/* A key of a target that does not go with the others. */
static void
complain(const struct digits_target *t, size_t key, struct buf *errors,
    const char *text)
{
	const struct config_origin *at = &t->origins[key];

	if (at->file != NULL)
		buf_printf(errors, "%s:%d", at->file, at->line);
	else
		buf_puts(
		    errors, at->variable != NULL ? at->variable : "default");
	buf_printf(errors, ": digits %s.%s: %s\n", t->name,
	    digits_options[key].key, text);
}

enum { KEY_FORMAT, KEY_MIN_LENGTH, KEY_MAX_LENGTH, KEY_MIN, KEY_MAX };

/* What holds where the operator wrote nothing. */
static void
target_defaults(struct digits_target *t)
{
	bool date = t->rule.format == DIGITS_DATE;
	int64_t longest =
	    t->rule.format == DIGITS_NUMBER ? DIGITS_NUMBER_LENGTH : DIGITS_MAX;

	if (!t->set[KEY_MIN_LENGTH])
		t->rule.min_length = date ? 8 : 1;
	if (!t->set[KEY_MAX_LENGTH])
		t->rule.max_length = date ? 8 : longest;
	if (!t->set[KEY_MAX])
		t->rule.max = DIGITS_NUMBER_MAX;
}

static void
target_check(const struct digits_target *t, struct buf *errors)
{
	const struct digits_rule *r = &t->rule;
	bool date = r->format == DIGITS_DATE;
	bool ranged = date || r->format == DIGITS_NUMBER;
	size_t k;

	for (k = KEY_MIN_LENGTH; k <= KEY_MAX_LENGTH; k++)
		if (date && t->set[k])
			complain(t, k, errors,
			    "a date always has 8 digits; leave it out");
	for (k = KEY_MIN; k <= KEY_MAX; k++)
		if (!ranged && t->set[k])
			complain(t, k, errors,
			    "goes with format = number or date only; "
			    "leave it out");
	if (r->format == DIGITS_NUMBER && r->max_length > DIGITS_NUMBER_LENGTH)
		complain(t, KEY_MAX_LENGTH, errors,
		    "a number has at most 18 digits; write format = digits "
		    "for longer ones");
	if (!date && r->min_length > r->max_length)
		complain(t,
		    t->set[KEY_MIN_LENGTH] ? KEY_MIN_LENGTH : KEY_MAX_LENGTH,
		    errors,
		    "min_length is above max_length; write them the other way "
		    "round");
	if (ranged && r->min > r->max)
		complain(t, t->set[KEY_MIN] ? KEY_MIN : KEY_MAX, errors,
		    "min is above max; write them the other way round");
}

enum status
section_check(struct config *c, struct buf *errors)
{
	size_t before = errors->len, i;

	for (i = 0; i < c->targets_n; i++) {
		c->targets[i].rule.format =
		    (enum digits_format)c->targets[i].format;
		target_defaults(&c->targets[i]);
		target_check(&c->targets[i], errors);
	}
	if (errors->err != ST_OK)
		return ST_NOMEM;
	return errors->len == before ? ST_OK : ST_CONFIG;
}

void
section_show(const struct config *c, struct buf *out)
{
	const struct digits_rule *r;
	size_t i;

	for (i = 0; i < c->menu.n; i++)
		buf_printf(out, "menu.%s = %s\n", c->menu.pairs[i].key,
		    c->menu.pairs[i].value);
	for (i = 0; i < c->targets_n; i++) {
		r = &c->targets[i].rule;
		buf_printf(out, "digits %s.format = %s\n", c->targets[i].name,
		    formats[r->format]);
		buf_printf(out, "digits %s.min_length = %lld\n",
		    c->targets[i].name, (long long)r->min_length);
		buf_printf(out, "digits %s.max_length = %lld\n",
		    c->targets[i].name, (long long)r->max_length);
	}
	for (i = 0; i < c->values.n; i++)
		buf_printf(out, "values.%s = %s\n", c->values.pairs[i].key,
		    c->values.pairs[i].value);
}

static enum status
set_list(struct config_list *list,
    const char *(*check)(const char *, const char *), const char *key,
    const char *value, const struct config_origin *origin, struct buf *why)
{
	const char *wrong = check(key, value);

	if (wrong == NULL && value_has_control(value))
		wrong = "has a control character in it; remove it";
	if (wrong == NULL)
		return list_set(list, key, value, origin, why);
	buf_puts(why, wrong);
	return ST_CONFIG;
}

enum status
section_set(struct config *c, const struct section *s, const char *key,
    const char *value, const struct config_origin *origin, struct buf *why)
{
	switch (s->kind) {
	case SECTION_MENU:
		return set_list(&c->menu, check_menu, key, value, origin, why);
	case SECTION_VALUES:
		return set_list(
		    &c->values, check_values, key, value, origin, why);
	case SECTION_DIGITS:
		return set_digits(
		    &c->targets[s->target], key, value, origin, why);
	case SECTION_NONE:
		break;
	}
	return ST_NOTFOUND;
}

/* What a reference names may be a secret. */
static void
pair_release(struct config_pair *p)
{
	free(p->key);
	str_wipe(&p->value);
	config_origin_release(&p->origin);
}

void
section_release(struct config *c)
{
	struct config_list *lists[] = { &c->menu, &c->values };
	size_t i, k;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (k = 0; k < lists[i]->n; k++) {
			pair_release(&lists[i]->pairs[k]);
		}
		free(lists[i]->pairs);
	}
	for (i = 0; i < c->targets_n; i++) {
		for (k = 0; k < CONFIG_DIGITS_KEYS; k++)
			config_origin_release(&c->targets[i].origins[k]);
		free(c->targets[i].name);
	}
	free(c->targets);
}
