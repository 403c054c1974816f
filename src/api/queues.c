#include "api/queues.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/str.h"
#include "base/utf8.h"
#include "codec/json.h"
#include "config/config.h"
#include "db/db.h"
#include "message/backends.h"
#include "message/envelope.h"
#include "message/ports.h"
#include "message/said.h"
#include "store/sqlite_queue.h"
#include "serve/limit.h"

#define SCHEME "sqlite:"

/* So much of what is no message is shown as its text. */
#define TEXT_MAX 4096

static const char *const state_names[] = { [QUEUE_READY] = "ready",
	[QUEUE_DELAYED] = "delayed",
	[QUEUE_TAKEN] = "taken",
	[QUEUE_DEAD] = "dead" };

#define STATES_N (sizeof(state_names) / sizeof(state_names[0]))

/* --- which queue ----------------------------------------------------------- */

struct target {
	const char *name;
	const char *role; /* NULL: of no role */
	bool remote;
	bool configured; /* is there, though it may have nothing */
};

static const char *
local_name(const char *url)
{
	return str_starts(url, SCHEME) ? url + strlen(SCHEME) : NULL;
}

static struct target
find_target(const struct config *c, const char *name)
{
	struct target t = { .name = name };
	const char *url, *role;
	size_t i;

	for (i = 0; (url = ports_each(c, i, &role)) != NULL; i++) {
		if (backend_is_remote(url) ? !str_eq(role, name)
					   : !str_eq(local_name(url), name))
			continue;
		t.role = role;
		t.configured = true;
		/* One elsewhere has no other name. */
		if ((t.remote = backend_is_remote(url)))
			break;
	}
	return t;
}

/* --- how much -------------------------------------------------------------- */

/* The members of a queue. d NULL: it is elsewhere, and cannot be asked. */
static enum status
put_depth(struct buf *out, const struct target *t, const char *url,
    const struct queue_depth *d)
{
	api_put_text(out, '{', "name", t->name);
	api_put_text(out, ',', "role", t->role);
	api_put_text(out, ',', "url", url);
	if (d == NULL)
		return buf_puts(out,
		    ",\"depth\":null,\"ready\":null,\"delayed\":null,\"taken\":"
		    "null,"
		    "\"dead\":null,\"oldest_at\":null}");
	api_put_int(out, ',', "depth",
	    d->items.ready + d->items.delayed + d->items.taken);
	api_put_int(out, ',', "ready", d->items.ready);
	api_put_int(out, ',', "delayed", d->items.delayed);
	api_put_int(out, ',', "taken", d->items.taken);
	if (t->remote) /* its own redrive policy has them elsewhere */
		buf_puts(out, ",\"dead\":null");
	else
		api_put_int(out, ',', "dead", d->items.dead);
	api_put_time(out, ',', "oldest_at", d->next_us);
	return buf_putc(out, '}');
}

static enum status
put_local(struct buf *out, const struct target *t, const struct queue_depth *d)
{
	struct buf url = BUF_INIT;
	enum status st = buf_printf(&url, SCHEME "%s", t->name);

	if (st == ST_OK)
		st = put_depth(out, t, url.data, d);
	buf_release(&url);
	return st;
}

/* Asks SQS, for which not everybody may wait at a time. *down: it did not
 * answer, and is not asked again. */
static enum status
put_remote(
    const struct app *app, struct buf *out, const struct target *t, bool *down)
{
	struct queue_depth d = { .name = t->name };
	struct ports *p = NULL;
	struct queue *q;
	bool known = false;

	if (!*down && limit_enter(app->limit)) {
		if ((p = ports_take(app->ports)) != NULL) {
			ports_begin(p, NULL, NULL);
			q = ports_queue(p, t->role);
			known = q->ops->stats(q, &d.items) == ST_OK;
			ports_give(app->ports, p);
		}
		limit_leave(app->limit);
	}
	*down = !known;
	return put_depth(
	    out, t, ports_url(app->config, t->role), known ? &d : NULL);
}

/* --- all of them ----------------------------------------------------------- */

#define ROLES_MAX 8 /* ports_each has no more */

struct listing {
	const struct app *app;
	struct buf each[ROLES_MAX]; /* of the roles' queues, in their order */
	struct buf others;
};

/* The place of the first role that this queue has, or ROLES_MAX. */
static size_t
place_of(const struct listing *l, const struct target *t)
{
	const char *url, *role;
	size_t i;

	for (i = 0; i < ROLES_MAX &&
	     (url = ports_each(l->app->config, i, &role)) != NULL;
	     i++)
		if (t->remote ? str_eq(role, t->name)
			      : str_eq(local_name(url), t->name))
			return i;
	return ROLES_MAX;
}

static enum status
take_depth(const struct queue_depth *d, void *arg)
{
	struct listing *l = arg;
	struct target t = find_target(l->app->config, d->name);
	size_t at = t.remote ? ROLES_MAX : place_of(l, &t);

	/* What is left here of a role whose queue is elsewhere now. */
	if (t.remote)
		return ST_OK;
	if (at < ROLES_MAX)
		return put_local(&l->each[at], &t, d);
	if (l->others.len > 0)
		buf_putc(&l->others, ',');
	return put_local(&l->others, &t, d);
}

static enum status
list_job(struct db *db, void *arg)
{
	struct listing *l = arg;
	size_t i;

	for (i = 0; i < ROLES_MAX; i++)
		buf_reset(&l->each[i]);
	buf_reset(&l->others);
	return sqlite_queue_depths(db, API_COUNTED, take_depth, l);
}

/* Those of the configuration that have nothing, and those that are elsewhere. */
static enum status
take_rest(struct listing *l)
{
	static const struct queue_depth nothing;
	const struct config *c = l->app->config;
	const char *url, *role;
	enum status st = ST_OK;
	bool down = false;
	struct target t;
	size_t i, at;

	for (i = 0; st == ST_OK && (url = ports_each(c, i, &role)) != NULL;
	     i++) {
		t = find_target(
		    c, backend_is_remote(url) ? role : local_name(url));
		at = place_of(l, &t);
		if (at == ROLES_MAX || l->each[at].len > 0)
			continue;
		st = t.remote ? put_remote(l->app, &l->each[at], &t, &down)
			      : put_local(&l->each[at], &t, &nothing);
	}
	return st;
}

enum status
queues_put_all(const struct app *app, struct buf *out)
{
	struct listing l = { .app = app };
	enum status st = db_read(app->db, list_job, &l);
	const char *comma = "";
	size_t i;

	if (st == ST_OK)
		st = take_rest(&l);
	buf_putc(out, '[');
	for (i = 0; i <= ROLES_MAX; i++) {
		struct buf *b = i < ROLES_MAX ? &l.each[i] : &l.others;

		if (b->len > 0) {
			buf_printf(out, "%s%s", comma, buf_str(b));
			comma = ",";
		}
		buf_release(b);
	}
	buf_putc(out, ']');
	return st != ST_OK ? st : out->err;
}

/* --- what is on one -------------------------------------------------------- */

struct reading {
	struct exchange *x;
	struct target target;
	const enum queue_state *state; /* NULL: any */
	const struct queue_cursor *after;
	int64_t limit, n;
	struct queue_cursor last; /* shown */
	bool more;
};

/* As much of it as is shown, in whole characters. */
static size_t
shown_len(const char *body, size_t len)
{
	size_t at = 0, step;
	bool valid;

	if (len <= TEXT_MAX)
		return len;
	while ((step = utf8_step(body + at, len - at, &valid)) + at <= TEXT_MAX)
		at += step;
	return at;
}

/* Who says what in a message; if it is not one of ours, its whole text. */
static enum status
put_content(struct buf *out, const struct queue_item *item)
{
	struct said said = { .media = BUF_INIT };
	struct envelope e;
	enum status st = envelope_read(item->body, item->len, &e);

	if (st == ST_OK)
		st = said_of_json(e.parsed, e.is_event, &said);
	if (st == ST_OK) {
		api_put_text(out, ',', "conversation_id", e.conversation_id);
		api_put_text(out, ',', "from", e.from);
		api_put_text(out, ',', "text", said.text);
	} else if (st != ST_NOMEM) {
		buf_puts(
		    out, ",\"conversation_id\":null,\"from\":null,\"text\":");
		st = json_put_string(
		    out, item->body, shown_len(item->body, item->len));
	}
	said_release(&said);
	envelope_release(&e);
	return st;
}

static enum status
put_item(
    const struct queue_item *item, const struct queue_cursor *at, void *arg)
{
	struct reading *r = arg;
	struct buf *out = &r->x->response->body;

	if (r->n == r->limit) {
		r->more = true;
		return ST_OK;
	}
	if (r->n++ > 0)
		buf_putc(out, ',');
	r->last = *at;
	api_put_text(out, '{', "id", item->id);
	api_put_text(out, ',', "queue", r->target.name);
	if (put_content(out, item) == ST_NOMEM)
		return ST_NOMEM;
	api_put_time(out, ',', "at", item->created_us);
	api_put_time(out, ',', "available_at", item->available_us);
	api_put_int(out, ',', "attempts", item->attempts);
	api_put_text(out, ',', "state", state_names[item->state]);
	api_put_text(out, ',', "reason", item->reason);
	return buf_putc(out, '}');
}

static enum status
read_job(struct db *db, void *arg)
{
	struct reading *r = arg;
	struct buf *out = &r->x->response->body;
	/* One more than is shown tells whether there is a next page. */
	const struct queue_page page = { r->target.name, r->state, r->after,
		r->limit + 1 };
	const struct queue_stats *n;
	struct queue_depth d;
	enum status st =
	    sqlite_queue_depth(db, r->target.name, API_COUNTED, &d);

	r->n = 0;
	r->more = false;
	n = &d.items;
	if (st == ST_OK && !r->target.configured &&
	    n->ready + n->delayed + n->taken + n->dead == 0)
		st = ST_NOTFOUND;
	buf_reset(out);
	buf_puts(out, "{\"queue\":");
	if (st == ST_OK)
		st = put_local(out, &r->target, &d);
	buf_puts(out, ",\"items\":[");
	return st == ST_OK ? sqlite_queue_list(db, &page, put_item, r) : st;
}

static enum status
read_remote(struct reading *r)
{
	struct buf *out = &r->x->response->body;
	bool down = false;
	enum status st;

	buf_puts(out, "{\"queue\":");
	st = put_remote(r->x->app, out, &r->target, &down);
	buf_puts(out, ",\"items\":[");
	return st;
}

static void
no_queue(struct exchange *x)
{
	exchange_error(x, 404, "No such queue");
}

static void
answer(struct reading *r, const char *filters)
{
	const struct queue_cursor *c = &r->last;
	struct buf next = BUF_INIT;
	enum status st = r->target.remote ? read_remote(r)
					  : db_read(r->x->app->db, read_job, r);

	if (st == ST_OK && r->more)
		st = buf_printf(&next, "%d %d %lld %d %lld", (int)c->dead,
		    (int)c->behind, (long long)c->available_us, (int)c->state,
		    (long long)c->id);
	if (st == ST_OK)
		api_list_end(r->x, filters, r->more ? &next : NULL);
	else if (st == ST_NOTFOUND)
		no_queue(r->x);
	else
		exchange_fail(r->x, st);
	buf_release(&next);
}

static bool
read_cursor(const char *place, struct queue_cursor *c)
{
	int dead, behind, state;
	long long available_us, id;

	if (sscanf(place, "%d %d %lld %d %lld", &dead, &behind, &available_us,
		&state, &id) != 5)
		return false;
	*c = (struct queue_cursor){ dead, behind, available_us, state, id };
	return true;
}

static bool
read_state(struct exchange *x, const char *name, enum queue_state *state)
{
	size_t i;

	for (i = 0; i < STATES_N; i++)
		if (str_eq(name, state_names[i])) {
			*state = (enum queue_state)i;
			return true;
		}
	api_refuse(x, "state", "is not ready, delayed, taken or dead");
	return false;
}

void
handle_api_queue(struct exchange *x)
{
	struct api_page page = API_PAGE_INIT;
	const char *name = NULL;
	const struct api_field fields[] = {
		API_PAGE_FIELDS(&page),
		{ .name = "state", .text = &name },
	};
	struct reading r = { .x = x,
		.target = find_target(x->app->config, x->path.arg[0]) };
	struct buf filters = BUF_INIT, place = BUF_INIT;
	struct queue_cursor after;
	enum queue_state state;

	if (!api_query(x, fields, sizeof(fields) / sizeof(fields[0])) ||
	    (name != NULL && !read_state(x, name, &state)))
		return;
	r.limit = page.limit;
	r.state = name == NULL ? NULL : &state;
	buf_printf(&filters, "%s %s", r.target.name, name == NULL ? "" : name);
	if (api_place(x, &page, buf_str(&filters), &place)) {
		if (place.len > 0)
			r.after = &after;
		if (place.len > 0 && !read_cursor(buf_str(&place), &after))
			api_token_wrong(x);
		else
			answer(&r, buf_str(&filters));
	}
	buf_release(&filters);
	buf_release(&place);
}

/* --- redrive --------------------------------------------------------------- */

struct existing {
	const char *name;
	bool any;
};

static enum status
exists_job(struct db *db, void *arg)
{
	struct existing *e = arg;
	struct queue_depth d;
	enum status st = sqlite_queue_depth(db, e->name, 1, &d);

	e->any =
	    d.items.ready + d.items.delayed + d.items.taken + d.items.dead > 0;
	return st;
}

/* Is there such a queue? ST_OK, ST_NOTFOUND, or what the store gave. */
static enum status
exists(const struct app *app, const struct target *t)
{
	struct existing e = { t->name, false };
	enum status st;

	if (t->configured)
		return ST_OK;
	st = db_read(app->db, exists_job, &e);
	return st == ST_OK && !e.any ? ST_NOTFOUND : st;
}

static enum status
redrive(const struct app *app, const char *name, const char *id, int64_t *count)
{
	struct buf url = BUF_INIT;
	struct queue *q = NULL;
	enum status st = buf_printf(&url, SCHEME "%s", name);

	if (st == ST_OK)
		st = sqlite_queue_open(app->db, url.data, name, &q);
	if (st == ST_OK)
		st = q->ops->redrive(q, id, count);
	if (q != NULL)
		q->ops->close(q);
	buf_release(&url);
	return st;
}

void
handle_api_redrive(struct exchange *x)
{
	struct target t = find_target(x->app->config, x->path.arg[0]);
	const char *id = NULL;
	const struct api_field fields[] = { { .name = "id", .text = &id } };
	struct json *json;
	int64_t count = 0;
	enum status st;

	if (!api_body(x, fields, 1, &json)) {
		json_free(json);
		return;
	}
	if (t.remote) {
		api_conflict(x, "state",
		    "This queue is at SQS, which has its own dead letters; "
		    "redrive them there");
	} else if ((st = exists(x->app, &t)) == ST_NOTFOUND) {
		no_queue(x);
	} else if (st != ST_OK ||
	    ((st = redrive(x->app, t.name, id, &count)) != ST_OK &&
		st != ST_NOTFOUND)) {
		exchange_fail(x, st);
	} else if (st == ST_NOTFOUND) {
		exchange_error(x, 404, "No dead letter of this id");
	} else {
		api_put_text(&x->response->body, '{', "queue", t.name);
		api_put_int(&x->response->body, ',', "redriven", count);
		buf_putc(&x->response->body, '}');
		api_reply(x, 200);
	}
	json_free(json);
}
