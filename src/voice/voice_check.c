#include "voice/voice_check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "config/config.h"
#include "twilio/templates.h"
#include "voice/script.h"

struct checker {
	const struct config *config;
	struct templates *templates;
	struct buf *mistakes, *warnings;
};

#define BIT(offer) (1u << (offer))

/* What play() of voice.c, and the steps of digits.c, offer. */
#define ASKING (BIT(OFFER_PROCESS_URL) | BIT(OFFER_RETRY_URL))
#define MENU (BIT(OFFER_TRANSFER_URL) | BIT(OFFER_RETRY_URL))
#define CONFIRMING (ASKING | BIT(OFFER_CONFIRM_URL) | BIT(OFFER_SPOKEN))

/* Can this placeholder be filled where these offers are made? */
static bool
can_fill(const struct checker *c, const char *name, unsigned offers)
{
	size_t i;

	for (i = 0; i < OFFER_N; i++)
		if ((offers & BIT(i)) != 0 && strcmp(name, offer_name(i)) == 0)
			return true;
	return config_placeholder(c->config, name) != NULL ||
	    script_is_parameter(name);
}

/* A setting that is not set yet is worth a better word. */
static void
warn(const struct checker *c, const char *template, const struct twiml_name *n)
{
	const struct option *o = option_find("voice", n->name);

	buf_printf(c->warnings,
	    "%s" TEMPLATES_SUFFIX ":%u:%u: {%s}: ", template, n->line,
	    n->column, n->name);
	if (o != NULL)
		buf_printf(c->warnings,
		    "voice.%s is not set; set it, or the template is 404\n",
		    n->name);
	else
		buf_printf(c->warnings,
		    "nothing fills it where the template is played; "
		    "set it under [values], or the template is 404\n");
}

static void
check_names(const struct checker *c, const char *template,
    const struct twiml *t, unsigned offers)
{
	const struct twiml_name *names;
	size_t i, n;

	names = twiml_names(t, &n);
	for (i = 0; i < n; i++)
		if (!can_fill(c, names[i].name, offers))
			warn(c, template, &names[i]);
}

/* The steps of a target, each a template, and what each is offered. */
static const struct {
	const char *suffix;
	unsigned offers;
} steps[] = {
	{ "", MENU | ASKING },
	{ "-confirmation", CONFIRMING },
	{ "-confirmed", CONFIRMING },
	{ "-invalid-input", ASKING },
	{ "-retry", ASKING },
};

#define STEPS_N (sizeof(steps) / sizeof(steps[0]))

/* What a template is offered that is played by its name: any can be. */
static unsigned
offers_by_name(const struct checker *c, const char *name)
{
	return MENU |
	    (config_target_of(c->config, name) != NULL ? BIT(OFFER_PROCESS_URL)
						       : 0);
}

/* What it is offered where it belongs. */
static unsigned
offers_of(const struct checker *c, const char *name)
{
	const struct digits_target *t = config_target_of(c->config, name);
	size_t i;

	for (i = 0; t != NULL && i < STEPS_N; i++)
		if (strcmp(name + strlen(t->name), steps[i].suffix) == 0)
			return steps[i].offers;
	return offers_by_name(c, name);
}

/* A template that a setting leads to: "menu" "." "1", "digits" " " "zip". */
static void
check_there(const struct checker *c, const char *section, const char *between,
    const char *key, const char *name)
{
	struct twiml *t;

	if (templates_get(c->templates, name, &t) == ST_NOTFOUND) {
		config_where(c->config, section, key, c->mistakes);
		buf_printf(c->mistakes,
		    ": %s%s%s: there is no template %s in %s; make %s%s "
		    "there\n",
		    section, between, key, name, c->config->voice.templates,
		    name, TEMPLATES_SUFFIX);
	}
	twiml_release(t);
}

static void
check_menu(const struct checker *c)
{
	const struct config_section *menu =
	    config_section(c->config, "menu", "");
	const struct config_pair *p;
	unsigned offers;
	struct twiml *t;
	size_t i;

	for (i = 0; i < menu->n; i++) {
		p = &menu->pairs[i];
		if (*p->value == '\0')
			continue;
		check_there(c, "menu", ".", p->key, p->value);
		/* Where it belongs it may be offered more than here. */
		offers = offers_by_name(c, p->value);
		if (offers == offers_of(c, p->value) ||
		    templates_get(c->templates, p->value, &t) != ST_OK)
			continue;
		check_names(c, p->value, t, offers);
		twiml_release(t);
	}
}

static void
check_target(const struct checker *c, const struct digits_target *target)
{
	char name[128];
	size_t i;

	for (i = 0; i < STEPS_N; i++) {
		snprintf(
		    name, sizeof(name), "%s%s", target->name, steps[i].suffix);
		check_there(c, "digits", " ", target->name, name);
	}
}

/* Where too many attempts end: script_give_up. */
static void
check_end(const struct checker *c)
{
	check_there(c, "voice", ".", "max_attempts",
	    *c->config->voice.operator_phone_number != '\0' ? "dial"
							    : "hangup");
}

static void
check_one(
    void *ctx, const char *name, const struct twiml *t, const char *errors)
{
	struct checker *c = ctx;

	buf_puts(c->mistakes, errors);
	if (t == NULL)
		return;
	buf_puts(c->warnings, twiml_warnings(t));
	check_names(c, name, t, offers_of(c, name));
}

static enum status
check_all(struct checker *c)
{
	enum status st;
	size_t i;

	st = templates_each(c->templates, check_one, c);
	if (st == ST_NOMEM)
		return st;
	if (st != ST_OK) {
		config_where(c->config, "voice", "templates", c->mistakes);
		buf_printf(c->mistakes,
		    ": voice.templates: %s cannot be read: %s; name the folder "
		    "of templates\n",
		    c->config->voice.templates, strerror(errno));
		return ST_CONFIG;
	}
	check_menu(c);
	for (i = 0; i < c->config->targets_n; i++)
		check_target(c, &c->config->targets[i]);
	check_end(c);
	return ST_OK;
}

enum status
voice_check(
    const struct config *config, struct buf *mistakes, struct buf *warnings)
{
	struct checker c = { config, NULL, mistakes, warnings };
	size_t before = mistakes->len;
	enum status st;

	if (!config_has_voice(config))
		return ST_OK;
	st = templates_open(&c.templates, config->voice.templates, NULL);
	if (st == ST_OK)
		st = check_all(&c);
	templates_close(c.templates);
	if (mistakes->err != ST_OK || warnings->err != ST_OK)
		return ST_NOMEM;
	return st == ST_OK && mistakes->len > before ? ST_CONFIG : st;
}
