#include "message/opt_out.h"

#include <stdlib.h>

#include "base/str.h"
#include "codec/json.h"
#include "message/said.h"
#include "store/sender.h"
#include "store/store.h"

/* The newest of each name. */
#define CONVERSATIONS_MAX 20

const char *
opt_out_kind(const char *type)
{
	if (str_eq(type, "STOP"))
		return "STOP";
	return str_eq(type, "START") ? "START" : NULL;
}

const char *
opt_out_of(const struct json *message)
{
	const struct json *data;

	if (json_member(message, "specversion", &data) == ST_OK &&
	    json_member(message, "data", &data) == ST_OK)
		return opt_out_kind(said_text(data, "optOutType"));
	return opt_out_kind(said_text(message, "OptOutType"));
}

/* They are changed after the walk, and whatever they say: an index elsewhere may
 * be behind. */
struct others {
	const char *known; /* is changed already */
	char *id[CONVERSATIONS_MAX];
	size_t n;
};

static enum status
add_other(const struct conversation *c, void *arg)
{
	struct others *o = arg;
	enum status st = ST_OK;

	if (!str_eq(c->id, o->known) && o->n < CONVERSATIONS_MAX &&
	    (st = str_dup(c->id, &o->id[o->n])) == ST_OK)
		o->n++;
	return st;
}

static enum status
set(struct store *store, const char *id, const bool *out)
{
	const struct conversation_change to = { .opted_out = out };
	enum status st = store->ops->set(store, id, &to);

	/* It was removed meanwhile. */
	return st == ST_NOTFOUND ? ST_OK : st;
}

static enum status
note_name(
    struct store *store, const char *name, const char *known, const bool *out)
{
	struct others o = { .known = known };
	enum status st =
	    store->ops->list(store, name, CONVERSATIONS_MAX, add_other, &o);

	for (size_t i = 0; i < o.n; i++) {
		if (st == ST_OK)
			st = set(store, o.id[i], out);
		free(o.id[i]);
	}
	return st;
}

enum status
opt_out_note(struct db *db, struct store *store, const struct conversation *c,
    const char *kind)
{
	const bool out = str_eq(kind, "STOP");
	struct sender_names names;
	enum status st;

	if (kind == NULL || c->id == NULL)
		return ST_OK;
	/* An index elsewhere may not have it yet. */
	if ((st = set(store, c->id, &out)) == ST_OK)
		st = sender_names(db, c->tel, NULL, &names);
	for (size_t i = 0; st == ST_OK && i < names.n; i++)
		st = note_name(store, names.name[i], c->id, &out);
	return st;
}
