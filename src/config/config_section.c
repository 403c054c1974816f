#include "config/config_section.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "config/slot.h"
#include "config/value.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define NUMBERS "0123456789"
#define TITLE_MAX 40
#define PAIRS_MAX 1000 /* they are looked through one by one */
#define SECTIONS_MAX 100 /* of a kind */

static const char *const formats[] = { "date", "digits", "number", "luhn",
	NULL };

/* The keys of [digits TITLE]. */
enum { FORMAT, MIN_LENGTH, MAX_LENGTH, MIN, MAX, DIGITS_KEYS };
static const struct option digits_keys[] = {
	[FORMAT] = { .key = "format",
	    .type = OPTION_CHOICE,
	    .choices = formats },
	[MIN_LENGTH] = { .key = "min_length",
	    .type = OPTION_NUMBER,
	    .min = 1,
	    .max = DIGITS_MAX },
	[MAX_LENGTH] = { .key = "max_length",
	    .type = OPTION_NUMBER,
	    .min = 1,
	    .max = DIGITS_MAX },
	[MIN] = { .key = "min",
	    .type = OPTION_NUMBER,
	    .max = DIGITS_NUMBER_MAX },
	[MAX] = { .key = "max",
	    .type = OPTION_NUMBER,
	    .max = DIGITS_NUMBER_MAX },
	[DIGITS_KEYS] = { .key = NULL },
};

static bool
made_of(const char *s, const char *set, size_t max)
{
	size_t n = strlen(s);

	return n > 0 && n <= max && s[strspn(s, set)] == '\0';
}

/* What a key and its value may be; NULL is fine. */
static const char *
check_menu(const char *key, const char *value)
{
	if (strcmp(key, "other") != 0 && !made_of(key, NUMBERS "*#", 20))
		return "is not a key of a telephone; write digits, or other";
	if (*value != '\0' &&
	    (!made_of(value, LETTERS NUMBERS "._-", 64) || *value == '.'))
		return "names no template; write the NAME of a NAME.twiml.xml";
	return NULL;
}

/* As Twilio makes them: webhooks_sharedkey_ and 26 letters and digits. */
static const char *
check_shared_key(const char *key, const char *value)
{
	(void)value;
	if (!made_of(key, LETTERS NUMBERS "._-", 64))
		return "is not a shared key's ID; write it as Twilio's API "
		       "shows it, as in webhooks_sharedkey_01k5, with the "
		       "secret behind it";
	return NULL;
}

/* As the API tells who did something; two names are ours there. */
static const char *
check_agent(const char *key, const char *value)
{
	(void)value;
	if (strcmp(key, AGENT_ADMIN) == 0 || strcmp(key, AGENT_MACHINE) == 0)
		return "is no agent's name: whoever has server.admin_token is "
		       "admin, and what a program answers is by machine; write "
		       "another";
	if (!made_of(key, LETTERS NUMBERS "._@-", 64))
		return "is not an agent's name; write letters, digits, ., _, @ "
		       "and -, at most 64, with the agent's token behind it";
	return NULL;
}

/* It stands between slashes and commas in what is signed. */
static const char *
check_access_key(const char *key, const char *value)
{
	(void)value;
	if (!made_of(key, LETTERS NUMBERS "._-", 128))
		return "is not an access key's ID; write letters, digits, ., _ "
		       "and -, at most 128, with the secret behind it";
	return NULL;
}

static const char *
check_values(const char *key, const char *value)
{
	(void)value;
	if (!made_of(key, LETTERS NUMBERS "_", 64) ||
	    strchr(NUMBERS, *key) != NULL)
		return "is not a placeholder's name; write letters, digits and "
		       "_";
	return NULL;
}

/* In the order of the manual. */
static const struct section_kind {
	const char *name;
	bool titled; /* [NAME TITLE]: each title has its own keys */
	const char *no_title, *too_many; /* what is wrong with a bad one, and
	                                    with one more than SECTIONS_MAX */
	const struct option *keys; /* up to one without a name; NULL: the
	                              operator makes them up, and … */
	const char *(*check)(const char *key, const char *value);
	bool refers; /* a value may be a reference */
	bool secret; /* values are never shown */
	bool file_only; /* variables set nothing of it */
} kinds[] = {
	{ .name = "shared_keys",
	    .check = check_shared_key,
	    .refers = true,
	    .secret = true,
	    .file_only = true },
	{ .name = "agents",
	    .check = check_agent,
	    .refers = true,
	    .secret = true,
	    .file_only = true },
	{ .name = "access_keys",
	    .check = check_access_key,
	    .refers = true,
	    .secret = true,
	    .file_only = true },
	{ .name = "menu", .check = check_menu },
	{ .name = "digits",
	    .titled = true,
	    .no_title = "has no name of letters, digits, _ and - behind it; "
			"write it as in [digits birthdate]",
	    .too_many = "is one target too many; write at most 100",
	    .keys = digits_keys },
	{ .name = "values", .check = check_values, .refers = true },
};

#define KINDS_N (sizeof(kinds) / sizeof(kinds[0]))

static const struct {
	const char *header, *key, *value;
} defaults[] = {
	{ "menu", "1", "connect" },
	{ "menu", "2", "dial" },
	{ "menu", "other", "hangup" },
	{ "digits birthdate", "format", "date" },
};

/* --- sections and their keys -------------------------------------------------- */

static const struct section_kind *
find_kind(const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < KINDS_N; i++)
		if (strlen(kinds[i].name) == n &&
		    strncmp(kinds[i].name, name, n) == 0)
			return &kinds[i];
	return NULL;
}

static struct config_section *
find_section(const struct config *c, const char *name, const char *title)
{
	size_t i;

	for (i = 0; i < c->sections_n; i++)
		if (strcmp(c->sections[i].kind->name, name) == 0 &&
		    strcmp(c->sections[i].title, title) == 0)
			return &c->sections[i];
	return NULL;
}

const struct config_section *
config_section(const struct config *c, const char *name, const char *title)
{
	return find_section(c, name, title);
}

const struct config_pair *
config_pair(const struct config_section *s, const char *key)
{
	size_t i;

	for (i = 0; s != NULL && i < s->n; i++)
		if (strcmp(s->pairs[i].key, key) == 0)
			return &s->pairs[i];
	return NULL;
}

const char *
section_name(const struct config_section *s)
{
	return s->kind->name;
}

bool
section_refers(const struct config_section *s)
{
	return s->kind->refers;
}

static size_t
count_kind(const struct config *c, const struct section_kind *k)
{
	size_t i, n = 0;

	for (i = 0; i < c->sections_n; i++)
		n += c->sections[i].kind == k;
	return n;
}

static enum status
section_add(struct config *c, const struct section_kind *k, const char *title)
{
	struct config_section *more;

	more = reallocarray(c->sections, c->sections_n + 1, sizeof(*more));
	if (more == NULL)
		return ST_NOMEM;
	c->sections = more;
	more[c->sections_n] = (struct config_section){ .kind = k };
	if (str_dup(title, &more[c->sections_n].title) != ST_OK)
		return ST_NOMEM;
	c->sections_n++;
	return ST_OK;
}

enum status
section_open(
    struct config *c, const char *header, size_t *i, const char **wrong)
{
	size_t n = strcspn(header, " \t");
	const char *title = header + n + strspn(header + n, " \t");
	const struct section_kind *k = find_kind(header, n);
	struct config_section *s;

	if (k == NULL || (!k->titled && header[n] != '\0'))
		return ST_NOTFOUND;
	if (k->titled && !made_of(title, LETTERS NUMBERS "_-", TITLE_MAX))
		*wrong = k->no_title;
	else if ((s = find_section(c, k->name, title)) != NULL)
		*i = (size_t)(s - c->sections);
	else if (count_kind(c, k) == SECTIONS_MAX)
		*wrong = k->too_many;
	else if (section_add(c, k, title) != ST_OK)
		return ST_NOMEM;
	else
		*i = c->sections_n - 1;
	return *wrong == NULL ? ST_OK : ST_CONFIG;
}

/* Is it a key of this section, and a value for it? */
static enum status
check_pair(const struct config_section *s, const char *key, const char *value,
    struct buf *why)
{
	const struct option *o = s->kind->keys, *first = o;
	const char *wrong = NULL;
	int64_t number;

	if (first == NULL) {
		wrong = s->kind->check(key, value);
		if (wrong == NULL && value_has_control(value))
			wrong = "has a control character in it; remove it";
		if (wrong == NULL)
			return ST_OK;
		buf_puts(why, wrong);
		return ST_CONFIG;
	}
	while (o->key != NULL && strcmp(o->key, key) != 0)
		o++;
	if (o->key != NULL)
		return value_parse(o, value, &number, why) == ST_OK ? ST_OK
								    : ST_CONFIG;
	buf_puts(why, "there is no such key; write ");
	for (o = first; o->key != NULL; o++)
		buf_printf(why, "%s%s",
		    o == first             ? ""
			: o[1].key == NULL ? " or "
					   : ", ",
		    o->key);
	return ST_CONFIG;
}

static struct config_pair *
pair_add(struct config_section *s, const char *key)
{
	struct config_pair *more;

	more = reallocarray(s->pairs, s->n + 1, sizeof(*more));
	if (more == NULL)
		return NULL;
	s->pairs = more;
	more[s->n] = (struct config_pair){ 0 };
	return str_dup(key, &more[s->n].key) == ST_OK ? &more[s->n++] : NULL;
}

enum status
section_set(struct config *c, size_t i, const char *key, const char *value,
    const struct config_origin *origin, struct buf *why)
{
	struct config_section *s = &c->sections[i];
	struct config_pair *p = (struct config_pair *)config_pair(s, key);
	char *copy;

	if (check_pair(s, key, value, why) != ST_OK)
		return why->err == ST_OK ? ST_CONFIG : ST_NOMEM;
	if (p != NULL && p->origin.file != NULL && origin->file != NULL) {
		buf_printf(why, "is set on line %d already; remove one of them",
		    p->origin.line);
		return ST_CONFIG;
	}
	if (p == NULL && s->n == PAIRS_MAX) {
		buf_printf(
		    why, "is one key too many; write at most %d", PAIRS_MAX);
		return ST_CONFIG;
	}
	if (p == NULL && (p = pair_add(s, key)) == NULL)
		return ST_NOMEM;
	if (str_dup(value, &copy) != ST_OK)
		return ST_NOMEM;
	str_wipe(&p->value);
	config_origin_release(&p->origin);
	p->value = copy;
	p->origin = *origin;
	return ST_OK;
}

enum status
section_defaults(struct config *c)
{
	static const struct config_origin nowhere;
	const char *wrong = NULL;
	enum status st = ST_OK;
	size_t i, at = 0;

	for (i = 0; i < KINDS_N && st == ST_OK; i++)
		if (!kinds[i].titled)
			st = section_add(c, &kinds[i], "");
	for (i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		if (st == ST_OK)
			st = section_open(c, defaults[i].header, &at, &wrong);
		if (st == ST_OK)
			st = section_set(c, at, defaults[i].key,
			    defaults[i].value, &nowhere, NULL);
	}
	return st;
}

void
section_release(struct config *c)
{
	struct config_section *s;
	struct config_pair *p;
	size_t i, k;

	for (i = 0; i < c->sections_n; i++) {
		s = &c->sections[i];
		for (k = 0; k < s->n; k++) {
			p = &s->pairs[k];
			free(p->key);
			/* What a reference names may be a secret. */
			str_wipe(&p->value);
			config_origin_release(&p->origin);
		}
		free(s->pairs);
		free(s->title);
	}
	free(c->sections);
	free(c->targets);
}

/* --- the environment ------------------------------------------------------------ */

/* Is it what the first n characters of a variable's name stand for ("-" being
 * "_")? */
static bool
is_upper_of(const char *name, const char *upper, size_t n)
{
	size_t i;

	for (i = 0; i < n && name[i] != '\0'; i++)
		if (toupper((unsigned char)name[i]) != upper[i] &&
		    !(name[i] == '-' && upper[i] == '_'))
			return false;
	return i == n && name[n] == '\0';
}

static void
put_lower(struct buf *out, const char *upper, size_t n)
{
	for (; n > 0; n--)
		buf_putc(out, (char)tolower((unsigned char)*upper++));
}

/* The kind that this variable's name (behind the prefix) is of, where that comes
 * from the file alone, or NULL. */
static const struct section_kind *
find_file_only(const char *rest)
{
	const struct section_kind *k;
	size_t n;

	for (k = kinds; k < kinds + KINDS_N; k++) {
		n = strlen(k->name);
		if (k->file_only && is_upper_of(k->name, rest, n) &&
		    rest[n] == '_')
			return k;
	}
	return NULL;
}

/* "ZIP_MIN_LENGTH" is [digits zip] min_length: the key, and how much is the
 * title. NULL: no key. */
static const char *
split_title(const struct section_kind *k, const char *rest, size_t *n)
{
	const struct option *o;
	size_t len = strlen(rest), key;

	for (o = k->keys; o->key != NULL; o++) {
		key = strlen(o->key);
		if (len > key + 1 && rest[len - key - 1] == '_' &&
		    is_upper_of(o->key, rest + len - key, key)) {
			*n = len - key - 1;
			return o->key;
		}
	}
	return NULL;
}

/* The header and the key that a variable's name stands for behind the prefix:
 * as the file has them, or else in lower case. False: none. */
static bool
read_variable(const struct config *c, const char *rest, struct buf *header,
    struct buf *key)
{
	size_t n = strcspn(rest, "_"), i, titled = 0;
	const struct config_section *s;
	const struct section_kind *k;
	const char *own = NULL;

	for (k = kinds; k < kinds + KINDS_N; k++)
		if (is_upper_of(k->name, rest, n))
			break;
	if (k == kinds + KINDS_N || rest[n] == '\0')
		return false;
	buf_puts(header, k->name);
	rest += n + 1;
	if (k->titled) {
		if ((own = split_title(k, rest, &titled)) == NULL)
			return false;
		buf_puts(key, own);
		buf_putc(header, ' ');
		for (i = 0, own = NULL; i < c->sections_n && own == NULL; i++)
			if (c->sections[i].kind == k &&
			    is_upper_of(c->sections[i].title, rest, titled))
				own = c->sections[i].title;
		if (own != NULL)
			buf_puts(header, own);
		else
			put_lower(header, rest, titled);
		return true;
	}
	s = find_section(c, k->name, "");
	for (i = 0; i < s->n; i++)
		if (strcasecmp(s->pairs[i].key, rest) == 0)
			own = s->pairs[i].key;
	if (own != NULL)
		buf_puts(key, own);
	else
		put_lower(key, rest, strlen(rest));
	return true;
}

enum status
section_set_variable(
    struct config *c, const char *name, const char *value, struct buf *why)
{
	struct buf header = BUF_INIT, key = BUF_INIT;
	struct config_origin origin = { 0 };
	const char *rest = name + strlen(OPTION_VARIABLE_PREFIX);
	const struct section_kind *k;
	const char *wrong = NULL;
	enum status st = ST_NOTFOUND;
	size_t i = 0;

	if (!str_starts(name, OPTION_VARIABLE_PREFIX))
		return ST_NOTFOUND;
	if ((k = find_file_only(rest)) != NULL) {
		buf_printf(why,
		    "this comes from the file alone; write it under [%s] there",
		    k->name);
		return ST_CONFIG;
	}
	if (read_variable(c, rest, &header, &key))
		st = header.err != ST_OK || key.err != ST_OK
		    ? ST_NOMEM
		    : section_open(c, buf_str(&header), &i, &wrong);
	if (st == ST_CONFIG)
		buf_puts(why, wrong);
	if (st == ST_OK)
		st = str_dup(name, &origin.variable);
	if (st == ST_OK)
		st = section_set(c, i, buf_str(&key), value, &origin, why);
	if (st != ST_OK)
		free(origin.variable);
	buf_release(&header);
	buf_release(&key);
	return st;
}

/* --- [digits] ------------------------------------------------------------------- */

/* A target, of what its section sets. */
struct draft {
	const struct config_section *section;
	const struct config_pair *set[DIGITS_KEYS]; /* NULL: its default */
	int64_t value[DIGITS_KEYS];
	struct buf *errors;
};

/* A key that does not go with the others. */
static void
draft_mistake(const struct draft *d, int key, const char *text)
{
	config_put_origin(&d->set[key]->origin, "default", d->errors);
	buf_printf(d->errors, ": digits %s.%s: %s\n", d->section->title,
	    digits_keys[key].key, text);
}

static enum status
draft_read(struct draft *d)
{
	struct buf why = BUF_INIT;
	enum status st = ST_OK;
	bool date;
	int k;

	for (k = 0; k < DIGITS_KEYS && st == ST_OK; k++) {
		d->set[k] = config_pair(d->section, digits_keys[k].key);
		if (d->set[k] != NULL)
			st = value_parse(&digits_keys[k], d->set[k]->value,
			    &d->value[k], &why);
	}
	buf_release(&why);
	if (d->set[FORMAT] == NULL)
		d->value[FORMAT] = DIGITS_PLAIN;
	date = d->value[FORMAT] == DIGITS_DATE;
	if (d->set[MIN_LENGTH] == NULL)
		d->value[MIN_LENGTH] = date ? 8 : 1;
	if (d->set[MAX_LENGTH] == NULL)
		d->value[MAX_LENGTH] = date             ? 8
		    : d->value[FORMAT] == DIGITS_NUMBER ? DIGITS_NUMBER_LENGTH
							: DIGITS_MAX;
	if (d->set[MAX] == NULL)
		d->value[MAX] = DIGITS_NUMBER_MAX;
	return st;
}

static void
draft_check(const struct draft *d)
{
	bool date = d->value[FORMAT] == DIGITS_DATE;
	bool ranged = date || d->value[FORMAT] == DIGITS_NUMBER;
	int k;

	for (k = MIN_LENGTH; k <= MAX_LENGTH; k++)
		if (date && d->set[k] != NULL)
			draft_mistake(
			    d, k, "a date always has 8 digits; leave it out");
	for (k = MIN; k <= MAX; k++)
		if (!ranged && d->set[k] != NULL)
			draft_mistake(d, k,
			    "goes with format = number or date only; "
			    "leave it out");
	if (d->value[FORMAT] == DIGITS_NUMBER &&
	    d->value[MAX_LENGTH] > DIGITS_NUMBER_LENGTH)
		draft_mistake(d, MAX_LENGTH,
		    "a number has at most 18 digits; write format = digits "
		    "for longer ones");
	if (!date && d->value[MIN_LENGTH] > d->value[MAX_LENGTH])
		draft_mistake(d,
		    d->set[MIN_LENGTH] != NULL ? MIN_LENGTH : MAX_LENGTH,
		    "min_length is above max_length; write them the other way "
		    "round");
	if (ranged && d->value[MIN] > d->value[MAX])
		draft_mistake(d, d->set[MIN] != NULL ? MIN : MAX,
		    "min is above max; write them the other way round");
}

enum status
section_check(struct config *c, struct buf *errors)
{
	size_t before = errors->len, i;
	enum status st = ST_OK;
	struct draft d;

	free(c->targets);
	c->targets_n = 0;
	c->targets = calloc(c->sections_n + 1, sizeof(*c->targets));
	if (c->targets == NULL)
		return ST_NOMEM;
	for (i = 0; i < c->sections_n && st == ST_OK; i++) {
		d = (struct draft){ .section = &c->sections[i],
			.errors = errors };
		if (d.section->kind->keys != digits_keys)
			continue;
		st = draft_read(&d);
		draft_check(&d);
		c->targets[c->targets_n++] = (struct digits_target){
			.name = d.section->title,
			.rule = { (enum digits_format)d.value[FORMAT],
			    d.value[MIN_LENGTH], d.value[MAX_LENGTH],
			    d.value[MIN], d.value[MAX] },
		};
	}
	if (st != ST_OK || errors->err != ST_OK)
		return ST_NOMEM;
	return errors->len == before ? ST_OK : ST_CONFIG;
}

/* --- what others ask -------------------------------------------------------------- */

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

/* The pair of a key; of NULL, the first. */
static const struct config_pair *
find_key(
    const struct config *c, const char *section, const char *id, size_t len)
{
	const struct config_section *s = config_section(c, section, "");
	size_t i;

	for (i = 0; i < s->n; i++)
		if (id == NULL ||
		    (strlen(s->pairs[i].key) == len &&
			memcmp(s->pairs[i].key, id, len) == 0))
			return &s->pairs[i];
	return NULL;
}

const struct config_pair *
config_shared_key(const struct config *c, const char *id, size_t len)
{
	return find_key(c, "shared_keys", id, len);
}

const struct config_pair *
config_access_key(const struct config *c, const char *id, size_t len)
{
	return find_key(c, "access_keys", id, len);
}

const char *
config_menu(const struct config *c, const char *key)
{
	const struct config_pair *p =
	    config_pair(config_section(c, "menu", ""), key);

	return p == NULL || *p->value == '\0' ? NULL : p->value;
}

const char *
config_placeholder(const struct config *c, const char *name)
{
	const struct option *o = option_find("voice", name);
	const struct config_pair *p;
	char **text = o == NULL
	    ? NULL
	    : config_slot((struct config *)(uintptr_t)c, o).text;

	if (text != NULL && **text != '\0')
		return *text;
	p = config_pair(config_section(c, "values", ""), name);
	return p == NULL ? NULL : p->value;
}

void
section_show(const struct config *c, struct buf *out)
{
	const struct digits_target *t;
	const struct config_section *s;
	size_t i, j, k;

	for (k = 0; k < KINDS_N; k++)
		for (i = 0; i < c->sections_n; i++) {
			s = &c->sections[i];
			if (s->kind != &kinds[k])
				continue;
			if ((t = config_target(c, s->title)) != NULL)
				buf_printf(out,
				    "digits %s.format = %s\n"
				    "digits %s.min_length = %lld\n"
				    "digits %s.max_length = %lld\n",
				    t->name, formats[t->rule.format], t->name,
				    (long long)t->rule.min_length, t->name,
				    (long long)t->rule.max_length);
			for (j = 0; t == NULL && j < s->n; j++)
				buf_printf(out, "%s.%s = %s\n", s->kind->name,
				    s->pairs[j].key,
				    !s->kind->secret ? s->pairs[j].value
					: *s->pairs[j].value == '\0'
					? "(not set)"
					: "(set)");
		}
}
