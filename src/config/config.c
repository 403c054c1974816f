#include "config/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "config/config_section.h"
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

struct config_slot
config_slot(struct config *c, const struct option *o)
{
	void *at = (char *)c + o->offset;

	return (struct config_slot){ .section = o->section,
		.key = o->key,
		.option = o,
		.text = is_text(o) ? at : NULL,
		.number = is_text(o) ? NULL : at,
		.origin = &c->origins[o - options] };
}

bool
config_slot_next(struct config *c, size_t *i, struct config_slot *s)
{
	struct config_section *in;
	struct config_pair *p;
	size_t at, k;

	for (; *i < options_n && !is_text(&options[*i]); (*i)++)
		;
	if (*i < options_n) {
		*s = config_slot(c, &options[(*i)++]);
		return true;
	}
	for (at = *i - options_n, k = 0; k < c->sections_n; k++) {
		in = &c->sections[k];
		if (!section_refers(in))
			continue;
		if (at < in->n) {
			(*i)++;
			p = &in->pairs[at];
			*s = (struct config_slot){ .section = section_name(in),
				.key = p->key,
				.text = &p->value,
				.origin = &p->origin };
			return true;
		}
		at -= in->n;
	}
	return false;
}

enum status
config_slot_set(const struct config_slot *s, const char *value)
{
	char *copy;

	if (str_dup(value, &copy) != ST_OK)
		return ST_NOMEM;
	str_wipe(s->text);
	*s->text = copy;
	return ST_OK;
}

static enum status
set_default(struct config *c, const struct option *o)
{
	struct config_slot slot = config_slot(c, o);
	struct buf why = BUF_INIT;
	enum status st;

	if (slot.text != NULL)
		return config_slot_set(&slot, o->fallback);
	st = value_parse(o, o->fallback, slot.number, &why);
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
	struct config_slot slot;
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; c->origins != NULL && i < options_n; i++) {
		slot = config_slot(c, &options[i]);
		if (slot.text != NULL)
			str_wipe(slot.text);
		config_origin_release(slot.origin);
	}
	section_release(c);
	free(c->origins);
	free(c->file);
	free(c);
}

void
config_put_origin(
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
origin_in_section(const struct config *c, const char *section, const char *key)
{
	const struct config_section *s = config_section(c, section, key);
	const struct config_pair *p;

	if (s != NULL)
		return s->n == 0 ? NULL : &s->pairs[0].origin;
	p = config_pair(config_section(c, section, ""), key);
	return p == NULL ? NULL : &p->origin;
}

void
config_where(const struct config *c, const char *section, const char *key,
    struct buf *out)
{
	const struct option *o = option_find(section, key);

	config_put_origin(o == NULL ? origin_in_section(c, section, key)
				    : &c->origins[o - options],
	    "default", out);
}

bool
config_has_voice(const struct config *c)
{
	struct buf where = BUF_INIT;
	bool has;

	config_where(c, "voice", "templates", &where);
	has = strcmp(buf_str(&where), "default") != 0 ||
	    access(c->voice.templates, F_OK) == 0 || errno != ENOENT;
	buf_release(&where);
	return has;
}

static void
put_line(const struct config *c, const struct config_slot *s, struct buf *out,
    const char *text, va_list ap)
{
	/* What is missing is missing in the file. */
	config_put_origin(
	    s->origin, c->file == NULL ? CONFIG_FILE : c->file, out);
	buf_printf(out, ": %s.%s: ", s->section, s->key);
	buf_vprintf(out, text, ap);
	buf_putc(out, '\n');
}

void
config_remark(const struct config *c, const struct config_slot *s,
    struct buf *out, const char *text, ...)
{
	va_list ap;

	va_start(ap, text);
	put_line(c, s, out, text, ap);
	va_end(ap);
}

void
config_mistake(const struct config *c, const struct config_slot *s,
    struct buf *errors, const char *text, ...)
{
	va_list ap;

	va_start(ap, text);
	put_line(c, s, errors, text, ap);
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

void
config_show(const struct config *c, struct buf *out)
{
	const struct option *o;
	struct config_slot slot;

	for (o = options; o < options + options_n; o++) {
		/* Slots also serve writing. */
		slot = config_slot((struct config *)(uintptr_t)c, o);
		buf_printf(out, "%s.%s = ", o->section, o->key);
		if (slot.text == NULL)
			value_print(o, *slot.number, out);
		else if (o->secret)
			buf_puts(
			    out, **slot.text == '\0' ? "(not set)" : "(set)");
		else if (o->type == OPTION_URL)
			show_url(*slot.text, out);
		else
			buf_puts(out, *slot.text);
		buf_putc(out, '\n');
	}
	section_show(c, out);
}
