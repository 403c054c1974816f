#include "site/secrets.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "config/config.h"
#include "config/slot.h"
#include "site/fetch.h"
#include "site/findings.h"

/* All that are secret, and how they are used. */
static const struct {
	const char *section, *key;
	enum { SIGNS, ADMITS, ASKS } use;
} uses[] = {
	{ "twilio", "auth_token", SIGNS },
	{ "twilio", "auth_token_previous", SIGNS },
	{ "server", "admin_token", ADMITS },
	{ "twilio", "api_secret", ASKS },
};

/* The one of them that rotates. */
#define ROTATING 0

_Static_assert(sizeof(uses) / sizeof(uses[0]) == SECRETS_N, "all secrets");

static const struct option *
secret_option(size_t i)
{
	return option_find(uses[i].section, uses[i].key);
}

void
secrets_free(struct secrets *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < SECRETS_N; i++) {
		str_wipe(&s->each[i].value);
		str_wipe(&s->each[i].previous);
	}
	str_wipe(&s->replaced);
	free(s);
}

/* Add a token, unless it is none or there already. */
static void
add_token(struct secrets *s, const char *token)
{
	size_t n;

	if (str_empty(token))
		return;
	for (n = 0; s->tokens[n] != NULL; n++)
		if (strcmp(s->tokens[n], token) == 0)
			return;
	if (n < SECRETS_TOKENS_MAX)
		s->tokens[n] = token;
}

/*
 * Once each has its value: note what the token replaces, and offer them all by
 * their use.
 */
static enum status
secrets_finish(
    struct secrets *s, const struct secrets *before, int64_t grace_us)
{
	const struct secret *token = &s->each[ROTATING], *old;
	int64_t now_us = clock_mono_us();
	const char *replaced = NULL;
	size_t i;

	old = before == NULL ? NULL : &before->each[ROTATING];
	if (old != NULL && token->reference != NULL &&
	    str_eq(token->reference, old->reference)) {
		if (*old->value != '\0' && !str_eq(token->value, old->value)) {
			replaced = old->value;
			s->replaced_until_us = now_us + grace_us;
		} else if (now_us < before->replaced_until_us) {
			replaced = before->replaced;
			s->replaced_until_us = before->replaced_until_us;
		}
	}
	if (str_dup(replaced, &s->replaced) != ST_OK)
		return ST_NOMEM;
	for (i = 0; i < SECRETS_N; i++) {
		switch (uses[i].use) {
		case SIGNS:
			add_token(s, s->each[i].value);
			add_token(s, s->each[i].previous);
			break;
		case ADMITS:
			s->admin_token = s->each[i].value;
			break;
		case ASKS:
			s->api_secret = s->each[i].value;
			break;
		}
		if (i == ROTATING)
			add_token(s, s->replaced);
	}
	return ST_OK;
}

/* *to becomes a copy of *from; with take it is the only one. */
static enum status
obtain(char **from, bool take, const char *instead, char **to)
{
	char *left;

	if (!take)
		return str_dup(*from, to);
	if (str_dup(instead, &left) != ST_OK)
		return ST_NOMEM;
	*to = *from;
	*from = left;
	return ST_OK;
}

enum status
secrets_make(struct secrets **out, struct config *config, bool take,
    const struct secrets *before, int64_t grace_us)
{
	struct secrets *s = calloc(1, sizeof(*s));
	enum status st = s == NULL ? ST_NOMEM : ST_OK;
	struct config_slot slot;
	size_t i;

	*out = NULL;
	for (i = 0; i < SECRETS_N && st == ST_OK; i++) {
		slot = config_slot(config, secret_option(i));
		s->each[i].reference = slot.origin->reference;
		st = obtain(slot.text, take, "", &s->each[i].value);
		if (st == ST_OK)
			st = obtain(&slot.origin->previous, take, NULL,
			    &s->each[i].previous);
	}
	if (st == ST_OK)
		st = secrets_finish(s, before, grace_us);
	if (st == ST_OK)
		*out = s;
	else
		secrets_free(s);
	return st;
}

size_t
secrets_list(const struct secrets *s, struct fetch *fetches)
{
	size_t i, n = 0;

	for (i = 0; i < SECRETS_N; i++)
		if (s->each[i].reference != NULL)
			fetches[n++] = (struct fetch){
				.reference = s->each[i].reference,
				.rotates = secret_option(i)->rotates,
			};
	return n;
}

/* Is what came one to go on with? If not, its status and why tell. */
static bool
is_usable(const struct option *o, struct fetch *f)
{
	const char *wrong = NULL;

	if (f->status == ST_OK && *f->value == '\0')
		wrong = "it is empty";
	else if (f->status == ST_OK)
		wrong = config_check_text(o, f->value);
	if (wrong != NULL) {
		f->status = ST_MALFORMED;
		buf_puts(&f->why, wrong);
	}
	return f->status == ST_OK;
}

static char *
move_text(char **text)
{
	char *moved = *text;

	*text = NULL;
	return moved;
}

/* What came, or where nothing did what there was. */
static enum status
secret_next(struct secret *next, const struct secret *now, struct fetch *f)
{
	*next = (struct secret){ .reference = now->reference };
	if (f == NULL)
		return str_dup(now->value, &next->value) != ST_OK
		    ? ST_NOMEM
		    : str_dup(now->previous, &next->previous);
	next->value = move_text(&f->value);
	/* That it could not be had this time is not that there is none. */
	if (f->rotates && f->previous_status != ST_OK &&
	    f->previous_status != ST_NOTFOUND)
		return str_dup(now->previous, &next->previous);
	next->previous = move_text(&f->previous);
	return ST_OK;
}

static bool
secrets_same(const struct secrets *a, const struct secrets *b)
{
	size_t i;

	for (i = 0; i < SECRETS_N; i++)
		if (!str_eq(a->each[i].value, b->each[i].value) ||
		    !str_eq(a->each[i].previous, b->each[i].previous))
			return false;
	return str_eq(a->replaced, b->replaced);
}

static void
log_changes(
    struct log *log, const struct secrets *now, const struct secrets *before)
{
	const char *doubt;
	size_t i;

	for (i = 0; i < SECRETS_N; i++) {
		if (str_eq(now->each[i].value, before->each[i].value))
			continue;
		log_info(log, "a secret has changed",
		    LOG_STR("setting", uses[i].key));
		doubt = findings_secret(secret_option(i), now->each[i].value);
		if (doubt != NULL)
			log_warn(log, "a secret can hardly be right",
			    LOG_STR("setting", uses[i].key),
			    LOG_STR("reason", doubt));
	}
}

enum status
secrets_next(const struct secrets *now, struct fetch *f, int64_t grace_us,
    struct log *log, struct secrets **next, bool *good)
{
	struct secrets *s = calloc(1, sizeof(*s));
	enum status st = s == NULL ? ST_NOMEM : ST_OK;
	struct fetch *came;
	size_t i;

	*next = NULL;
	*good = true;
	for (i = 0; i < SECRETS_N && st == ST_OK; i++) {
		came = now->each[i].reference == NULL ? NULL : f++;
		if (came != NULL && !is_usable(secret_option(i), came)) {
			log_warn(log, "a setting was not fetched",
			    LOG_STR("setting", uses[i].key),
			    LOG_STR("reason", buf_str(&came->why)));
			*good = false;
			came = NULL;
		}
		st = secret_next(&s->each[i], &now->each[i], came);
	}
	if (st == ST_OK)
		st = secrets_finish(s, now, grace_us);
	if (st == ST_OK && !secrets_same(s, now)) {
		log_changes(log, s, now);
		*next = s;
		return ST_OK;
	}
	secrets_free(s);
	return st;
}
