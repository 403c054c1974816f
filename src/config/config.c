#include "config/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/section.h"
#include "config/slot.h"
#include "config/value.h"

static bool
is_text(const struct option *o)
{
	return o->type == OPTION_TEXT || o->type == OPTION_URL;
}

void
config_origin_release(struct config_origin *at)
{
	free(at->variable);
	free(at->reference);
	str_wipe(&at->previous);
}

char **
config_text(struct config *c, const struct option *o)
{
	return is_text(o) ? (char **)(void *)((char *)c + o->offset) : NULL;
}

int64_t *
config_number(struct config *c, const struct option *o)
{
	return is_text(o) ? NULL : (int64_t *)(void *)((char *)c + o->offset);
}

struct config_origin *
config_origin(const struct config *c, const struct option *o)
{
	return &c->origins[o - options];
}

static enum status
replace(char **text, const char *value)
{
	char *copy;

	if (str_dup(value, &copy) != ST_OK)
		return ST_NOMEM;
	str_wipe(text);
	*text = copy;
	return ST_OK;
}

enum status
config_set_text(struct config *c, const struct option *o, const char *value)
{
	return replace(config_text(c, o), value);
}

bool
config_slot_next(struct config *c, size_t *i, struct config_slot *s)
{
	const struct option *o;
	struct config_pair *p;

	for (; *i < options_n && !is_text(&options[*i]); (*i)++)
		;
	if (*i < options_n) {
		o = &options[(*i)++];
		*s = (struct config_slot){ o->section, o->key, o,
			config_text(c, o), config_origin(c, o) };
		return true;
	}
	if (*i - options_n >= c->values.n)
		return false;
	p = &c->values.pairs[(*i)++ - options_n];
	*s = (struct config_slot){ "values", p->key, NULL, &p->value,
		&p->origin };
	return true;
}

enum status
config_slot_set(const struct config_slot *s, const char *value)
{
	return replace(s->text, value);
}

static enum status
set_default(struct config *c, const struct option *o)
{
	struct buf why = BUF_INIT;
	enum status st = ST_NOMEM;

	if (is_text(o))
		return config_set_text(c, o, o->fallback);
	st = value_parse(o, o->fallback, config_number(c, o), &why);
	buf_release(&why);
	return st;
}

enum status
config_new(struct config **out)
{
	enum status st = ST_NOMEM;
	struct config *c;
	size_t i;

	*out = NULL;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return ST_NOMEM;
	c->origins = calloc(options_n, sizeof(c->origins[0]));
	if (c->origins == NULL)
		goto fail;
	for (i = 0; i < options_n; i++)
		if ((st = set_default(c, &options[i])) != ST_OK)
			goto fail;
	if ((st = section_defaults(c)) != ST_OK)
		goto fail;
	*out = c;
	return ST_OK;
fail:
	config_free(c);
	return st;
}

void
config_free(struct config *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < options_n; i++) {
		if (is_text(&options[i]))
			str_wipe(config_text(c, &options[i]));
		if (c->origins != NULL)
			config_origin_release(&c->origins[i]);
	}
	section_release(c);
	free(c->origins);
	free(c->file);
	free(c);
}

static void
put_origin(
    const struct config_origin *at, const char *fallback, struct buf *out)
{
	if (at != NULL && at->variable != NULL)
		buf_puts(out, at->variable);
	else if (at != NULL && at->file != NULL)
		buf_printf(out, "%s:%d", at->file, at->line);
	else
		buf_puts(out, fallback);
}

/* Of a key of [menu], or of the first that is set of [digits NAME]. */
static const struct config_origin *
origin_of_list(const struct config *c, const char *section, const char *key)
{
	size_t i, k;

	for (i = 0; str_eq(section, "menu") && i < c->menu.n; i++)
		if (str_eq(c->menu.pairs[i].key, key))
			return &c->menu.pairs[i].origin;
	for (i = 0; str_eq(section, "digits") && i < c->targets_n; i++)
		for (k = 0; k < CONFIG_DIGITS_KEYS; k++)
			if (c->targets[i].set[k] &&
			    str_eq(c->targets[i].name, key))
				return &c->targets[i].origins[k];
	return NULL;
}

void
config_where(const struct config *c, const char *section, const char *key,
    struct buf *out)
{
	const struct option *o = option_find(section, key);

	put_origin(
	    o == NULL ? origin_of_list(c, section, key) : config_origin(c, o),
	    "default", out);
}

static void
put_line(const struct config *c, const struct config_origin *at,
    const char *section, const char *key, struct buf *out, const char *text,
    va_list ap)
{
	/* What is missing is missing in the file. */
	put_origin(at, c->file == NULL ? CONFIG_FILE : c->file, out);
	buf_printf(out, ": %s.%s: ", section, key);
	buf_vprintf(out, text, ap);
	buf_putc(out, '\n');
}

void
config_complain(const struct config *c, const struct option *o,
    struct buf *errors, const char *text, va_list ap)
{
	put_line(c, config_origin(c, o), o->section, o->key, errors, text, ap);
}

void
config_mistake(struct config *c, const struct option *o, struct buf *errors,
    const char *text, ...)
{
	va_list ap;

	va_start(ap, text);
	config_complain(c, o, errors, text, ap);
	va_end(ap);
	config_origin(c, o)->bad = true;
}

void
config_slot_line(const struct config *c, const struct config_slot *s,
    struct buf *out, const char *text, va_list ap)
{
	put_line(c, s->origin, s->section, s->key, out, text, ap);
}

void
config_slot_mistake(struct config *c, const struct config_slot *s,
    struct buf *errors, const char *text, ...)
{
	va_list ap;

	va_start(ap, text);
	config_slot_line(c, s, errors, text, ap);
	va_end(ap);
	s->origin->bad = true;
}

/* A URL without the password that may stand in it. */
static void
show_url(const char *url, struct buf *out)
{
	const char *user = strstr(url, "://"), *at, *colon;

	if (user == NULL) {
		buf_puts(out, url);
		return;
	}
	user += strlen("://");
	at = memrchr(user, '@', strcspn(user, "/?#"));
	colon = at == NULL ? NULL : memchr(user, ':', (size_t)(at - user));
	if (colon == NULL)
		buf_puts(out, url);
	else
		buf_printf(out, "%.*s:***%s", (int)(colon - url), url, at);
}

static void
show_value(struct config *c, const struct option *o, struct buf *out)
{
	const char *text;

	if (!is_text(o)) {
		value_print(o, *config_number(c, o), out);
		return;
	}
	text = *config_text(c, o);
	if (o->secret)
		buf_puts(out, *text == '\0' ? "(not set)" : "(set)");
	else if (o->type == OPTION_URL)
		show_url(text, out);
	else
		buf_puts(out, text);
}

void
config_show(const struct config *c, struct buf *out)
{
	/* The slots are reached through functions that also serve writing. */
	struct config *slots = (struct config *)(uintptr_t)c;
	size_t i;

	for (i = 0; i < options_n; i++) {
		buf_printf(out, "%s.%s = ", options[i].section, options[i].key);
		show_value(slots, &options[i], out);
		buf_putc(out, '\n');
	}
	section_show(c, out);
}
