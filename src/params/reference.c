#include "params/reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "config/config.h"
#include "config/slot.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* An ARN may be so long. */
#define NAME_MAX_LEN 2048

static const struct scheme {
	const char *prefix;
	enum source_kind kind;
	const char *letters; /* of a name or ARN */
	bool keyed; /* "#KEY" may follow */
	const char *wrong;
} schemes[] = {
	{ "ssm:", SOURCE_SSM, LETTERS "/_.-:", false,
	    "is not a parameter's name after ssm:; write it as in "
	    "ssm:/twh/dev/name" },
	{ "secretsmanager:", SOURCE_SECRETSMANAGER, LETTERS "/_+=.@-:", true,
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

bool
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

enum status
reference_complete(const struct config *c, const struct config_slot *slot,
    char **out, const char **wrong)
{
	const struct scheme *s = find_scheme(*slot->text);
	const char *name = *slot->text + strlen(s->prefix);
	struct buf whole = BUF_INIT;

	*out = NULL;
	*wrong = NULL;
	buf_puts(&whole, s->prefix);
	if (*name != '\0' || s->kind != SOURCE_SSM)
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
