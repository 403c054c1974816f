#include "params/secret.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/crypt.h"
#include "config/config.h"
#include "config/slot.h"
#include "params/fetch.h"

/* The secrets that are watched, and how they are used. */
static const struct {
	const char *section, *key;
	enum secret_use { SIGNS, ADMITS, ASKS } use;
} watched[] = {
	{ "twilio", "auth_token", SIGNS },
	{ "twilio", "auth_token_previous", SIGNS },
	{ "server", "admin_token", ADMITS },
	{ "twilio", "api_secret", ASKS },
};

/* The one of them that rotates. */
#define ROTATING 0

_Static_assert(
    sizeof(watched) / sizeof(watched[0]) == SECRETS_N, "all that is watched");

/* A state wipes its own texts. */
static void
wipe(const struct secret *c, char **text)
{
	uintptr_t at = (uintptr_t)*text, home = (uintptr_t)c->home;

	if (*text != NULL &&
	    (home == 0 || at < home || at >= home + c->home->size)) {
		crypt_wipe(*text, strlen(*text));
		free(*text);
	}
	*text = NULL;
}

/* *text becomes a copy, or with take the only one. */
static enum status
obtain(char **from, bool take, const char *instead, char **text)
{
	enum status st = ST_OK;

	if (!take)
		return str_dup(*from, text);
	*text = *from;
	if ((st = str_dup(instead, from)) != ST_OK) {
		*from = *text;
		*text = NULL;
	}
	return st;
}

enum status
secret_open(struct secret *c, const struct config *config, size_t i, bool take)
{
	char **value;
	struct config_origin *at;

	c->option = option_find(watched[i].section, watched[i].key);
	value = config_text((struct config *)(uintptr_t)config, c->option);
	at = config_origin(config, c->option);
	c->reference = at->reference;
	c->missing = at->missing;
	if (obtain(value, take, "", &c->value) != ST_OK)
		return ST_NOMEM;
	return obtain(&at->previous, take, NULL, &c->previous);
}

void
secret_close(struct secret *c)
{
	wipe(c, &c->value);
	wipe(c, &c->previous);
	wipe(c, &c->replaced);
}

bool
secret_accepts(const struct secret *c, struct fetch *f)
{
	const char *wrong = NULL;

	if (f->status == ST_OK && *f->value == '\0')
		wrong = "it is empty";
	else if (f->status == ST_OK)
		wrong = config_check_text(c->option, f->value);
	if (wrong != NULL) {
		f->status = ST_MALFORMED;
		buf_puts(&f->why, wrong);
	}
	return f->status == ST_OK;
}

/* The old value is kept for a while, or wiped. */
static void
change(struct secret *c, struct fetch *f, int64_t until_us)
{
	wipe(c, &c->replaced);
	if (c->option->rotates && *c->value != '\0') {
		c->replaced = c->value;
		c->replaced_until_us = until_us;
	} else {
		wipe(c, &c->value);
	}
	c->value = f->value;
	f->value = NULL;
}

bool
secret_take(struct secret *c, struct fetch *f, int64_t until_us, bool *changed)
{
	bool other = c->missing;

	c->missing = false;
	*changed = strcmp(c->value, f->value) != 0;
	if (*changed)
		change(c, f, until_us);
	/* There is none, and not: it could not be had this time. */
	if (f->rotates &&
	    (f->previous_status == ST_OK ||
		f->previous_status == ST_NOTFOUND) &&
	    !str_eq(f->previous, c->previous)) {
		wipe(c, &c->previous);
		c->previous = f->previous;
		f->previous = NULL;
		other = true;
	}
	return other || *changed;
}

enum status
secret_inherit(
    struct secret *c, const struct secret_state *state, int64_t until_us)
{
	const struct secret *old = &state->secrets[ROTATING];
	const char *replaced = old->replaced;

	if (!c->option->rotates || c->reference == NULL ||
	    !str_eq(c->reference, old->reference))
		return ST_OK;
	if (strcmp(c->value, old->value) != 0 && *old->value != '\0')
		replaced = old->value;
	else
		until_us = old->replaced_until_us;
	c->replaced_until_us = until_us;
	return str_dup(replaced, &c->replaced);
}

bool
secret_forget(struct secret *c, int64_t now_us)
{
	if (c->replaced == NULL || now_us < c->replaced_until_us)
		return false;
	wipe(c, &c->replaced);
	return true;
}

/* Add a token, unless it is none or there already. */
static void
add_token(const char *tokens[SECRETS_TOKENS_MAX + 1], const char *token)
{
	size_t n;

	for (n = 0; tokens[n] != NULL; n++)
		if (strcmp(tokens[n], token) == 0)
			return;
	if (*token != '\0' && n < SECRETS_TOKENS_MAX)
		tokens[n] = token;
}

static void
add_tokens(const char *tokens[SECRETS_TOKENS_MAX + 1], const struct secret *c)
{
	add_token(tokens, c->value);
	if (c->previous != NULL)
		add_token(tokens, c->previous);
	if (c->replaced != NULL)
		add_token(tokens, c->replaced);
}

/* What they make, pointing into them. */
static struct secret_set
outline(const struct secret *secrets, bool missing)
{
	struct secret_set set = { .missing = missing };
	size_t i;

	for (i = 0; i < SECRETS_N; i++) {
		set.missing = set.missing || secrets[i].missing;
		switch (watched[i].use) {
		case SIGNS:
			add_tokens(set.tokens, &secrets[i]);
			break;
		case ADMITS:
			set.admin_token = secrets[i].value;
			break;
		case ASKS:
			set.api_secret = secrets[i].value;
			break;
		}
	}
	return set;
}

static char *
copy_text(char **at, const char *text)
{
	char *copy = *at;

	if (text == NULL)
		return NULL;
	memcpy(copy, text, strlen(text) + 1);
	*at += strlen(text) + 1;
	return copy;
}

static size_t
size_of(const char *text)
{
	return text == NULL ? 0 : strlen(text) + 1;
}

/* Move the texts of one into a state. */
static void
settle(struct secret *c, const struct secret_state *set, char **at)
{
	struct secret moved = *c;

	moved.home = set;
	moved.value = copy_text(at, c->value);
	moved.previous = copy_text(at, c->previous);
	moved.replaced = copy_text(at, c->replaced);
	secret_close(c);
	*c = moved;
}

struct secret_state *
secret_state_new(struct secret secrets[SECRETS_N], bool missing)
{
	size_t size = sizeof(struct secret_state), i;
	struct secret_state *set;
	char *at;

	for (i = 0; i < SECRETS_N; i++)
		size += size_of(secrets[i].value) +
		    size_of(secrets[i].previous) + size_of(secrets[i].replaced);
	if ((set = calloc(1, size)) == NULL)
		return NULL;
	set->refs = 1;
	set->size = size;
	at = set->text;
	for (i = 0; i < SECRETS_N; i++) {
		settle(&secrets[i], set, &at);
		set->secrets[i] = secrets[i];
	}
	set->base = outline(set->secrets, missing);
	return set;
}

void
secret_state_free(struct secret_state *set)
{
	if (set == NULL)
		return;
	crypt_wipe(set, set->size);
	free(set);
}
