#include "api/conversations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "config/config.h"
#include "db/db.h"
#include "message/ports.h"
#include "message/waiting.h"
#include "store/sender.h"
#include "store/store.h"
#include "store/transcript.h"

/* --- one, as it is shown ---------------------------------------------------- */

/* What happened in it, copied: a walk's strings live for its call. */
struct row {
	char *id, *name, *by, *last_text;
	int64_t last_us, unanswered, handoff_us;
};

static void
row_release(struct row *r)
{
	free(r->id);
	free(r->name);
	free(r->by);
	free(r->last_text);
	*r = (struct row){ 0 };
}

static enum status
copy_row(const struct transcript_summary *s, void *arg)
{
	struct row *r = arg;
	enum status st;

	row_release(r); /* of a run before this one */
	r->last_us = s->last_us;
	r->unanswered = s->unanswered;
	r->handoff_us = s->handoff_us;
	if ((st = str_dup(s->conversation_id, &r->id)) == ST_OK &&
	    (st = str_dup(s->name, &r->name)) == ST_OK &&
	    (st = str_dup(s->handoff_by, &r->by)) == ST_OK)
		st = str_dup(s->last_text, &r->last_text);
	return st;
}

static void
put_optional(struct buf *out, const char *name, const char *text)
{
	api_put_text(out, ',', name, str_empty(text) ? NULL : text);
}

/* All but the brace that ends it. */
static enum status
put_members(const struct app *app, struct buf *out,
    const struct conversation *c, const struct row *r)
{
	struct sender_names names;
	enum status st = sender_names(app->db, c->tel, NULL, &names);

	if (st != ST_OK)
		return st;
	api_put_text(out, '{', "id", c->id);
	api_put_text(out, ',', "tel", c->tel);
	put_optional(out, "thread_id", c->thread_id);
	put_optional(out, "company_id", c->company_id);
	put_optional(out, "project_id", c->project_id);
	api_put_bool(out, ',', "handoff", c->handoff);
	api_put_bool(out, ',', "opted_out", c->opted_out);
	put_optional(out, "name", r->name);
	api_put_time(out, ',', "handoff_at", r->handoff_us);
	put_optional(out, "handoff_by", r->by);
	api_put_time(out, ',', "created_at", c->created_us);
	api_put_time(
	    out, ',', "last_at", r->last_us != 0 ? r->last_us : c->created_us);
	put_optional(out, "last_text", r->last_text);
	api_put_int(out, ',', "unanswered", r->unanswered);
	buf_puts(out, ",\"addresses\":[");
	for (size_t i = 1; i < names.n; i++) {
		if (i > 1)
			buf_putc(out, ',');
		json_put_text(out, names.name[i]);
	}
	return buf_putc(out, ']');
}

/* By the store, and what is known here of what happened in it. */
static enum status
put_one(const struct app *app, struct store *store, const char *id,
    const struct waiting_count *count, struct buf *out)
{
	struct conversation c = { 0 };
	struct row r = { 0 };
	enum status st = store->ops->get(store, id, &c);

	if (st == ST_OK) {
		st = transcript_get(app->db, id, copy_row, &r);
		if (st == ST_OK || st == ST_NOTFOUND)
			st = put_members(app, out, &c, &r);
	}
	if (st == ST_OK && count != NULL) {
		api_put_int(out, ',', "held", count->held);
		api_put_int(out, ',', "moved", count->moved);
	}
	if (st == ST_OK)
		st = buf_putc(out, '}');
	row_release(&r);
	conversation_release(&c);
	return st;
}

/* Handles for the request; false if it answered. */
static bool
take_ports(struct exchange *x, struct ports **ports)
{
	*ports = ports_take(x->app->ports);
	if (*ports == NULL) {
		exchange_fail(x, ST_NOMEM);
		return false;
	}
	ports_begin(*ports, x->request->amzn_trace_id, x->request->traceparent);
	return true;
}

static void
answer_one(struct exchange *x, struct ports *ports, const char *id, int code,
    const struct waiting_count *count)
{
	enum status st = put_one(
	    x->app, ports->conversations, id, count, &x->response->body);

	if (st == ST_OK) {
		api_reply(x, code);
		return;
	}
	buf_reset(&x->response->body);
	if (st == ST_NOTFOUND)
		exchange_error(x, 404, "No such conversation");
	else
		exchange_fail(x, st);
}

void
handle_api_conversation(struct exchange *x)
{
	struct ports *ports;

	if (!api_query(x, NULL, 0) || !take_ports(x, &ports))
		return;
	answer_one(x, ports, x->path.arg[0], 200, NULL);
	ports_give(x->app->ports, ports);
}

/* --- all -------------------------------------------------------------------- */

struct listing {
	struct transcript_query query; /* for one more than is shown */
	struct row *rows;
	size_t n;
};

static enum status
add_row(const struct transcript_summary *s, void *arg)
{
	struct listing *l = arg;

	return copy_row(s, &l->rows[l->n++]);
}

static enum status
list_job(struct db *db, void *arg)
{
	struct listing *l = arg;

	l->n = 0;
	return transcript_conversations(db, &l->query, add_row, l);
}

/* One that was removed elsewhere meanwhile is left out. */
static enum status
put_rows(struct exchange *x, struct store *store, const struct listing *l,
    size_t shown)
{
	struct buf *out = &x->response->body;
	struct conversation c = { 0 };
	bool first = true;
	enum status st = ST_OK;

	api_list_begin(x, "conversations");
	for (size_t i = 0; i < shown && st == ST_OK; i++) {
		st = store->ops->get(store, l->rows[i].id, &c);
		if (st == ST_NOTFOUND) {
			st = ST_OK;
			continue;
		}
		if (st == ST_OK && !first)
			buf_putc(out, ',');
		if (st == ST_OK)
			st = put_members(x->app, out, &c, &l->rows[i]);
		if (st == ST_OK)
			st = buf_putc(out, '}');
		first = false;
		conversation_release(&c);
	}
	return st;
}

static void
answer_list(struct exchange *x, struct listing *l, const char *filters)
{
	size_t limit = l->query.limit - 1;
	struct buf next = BUF_INIT;
	struct ports *ports;
	enum status st;
	bool more;

	if (!take_ports(x, &ports))
		return;
	st = db_read(x->app->db, list_job, l);
	more = l->n > limit;
	if (st == ST_OK)
		st = put_rows(x, ports->conversations, l, more ? limit : l->n);
	ports_give(x->app->ports, ports);
	if (st == ST_OK && more)
		st = buf_printf(&next, "%lld %s",
		    (long long)l->rows[limit - 1].last_us,
		    l->rows[limit - 1].id);
	if (st == ST_OK)
		api_list_end(x, filters, more ? &next : NULL);
	else
		exchange_fail(x, st);
	buf_release(&next);
}

static int
filter_of(enum api_flag flag)
{
	return flag == API_ABSENT ? -1 : flag == API_TRUE;
}

void
handle_api_conversations(struct exchange *x)
{
	struct api_page page = API_PAGE_INIT;
	enum api_flag handoff = API_ABSENT, unanswered = API_ABSENT;
	const char *tel = NULL, *part = NULL;
	const struct api_field fields[] = {
		API_PAGE_FIELDS(&page),
		{ .name = "handoff", .flag = &handoff },
		{ .name = "unanswered", .flag = &unanswered },
		{ .name = "tel", .text = &tel },
		{ .name = "q", .text = &part },
	};
	struct buf filters = BUF_INIT, place = BUF_INIT;
	struct listing l = { 0 };
	struct sender_names names = { .n = 0 };
	char room[SENDER_MAX];
	enum status st = ST_OK;

	if (!api_query(x, fields, sizeof(fields) / sizeof(fields[0])))
		return;
	if (tel != NULL && sender_parse(tel, room) != ST_OK) {
		api_refuse(x, "tel", SENDER_WANTED);
		return;
	}
	if (tel != NULL)
		st = sender_names(x->app->db, room, NULL, &names);
	l.query = (struct transcript_query){ .handoff = filter_of(handoff),
		.unanswered = filter_of(unanswered),
		.tels = names.name,
		.tels_n = names.n,
		.part = part,
		.limit = (size_t)page.limit + 1 };
	l.rows = calloc(l.query.limit, sizeof(*l.rows));
	buf_printf(&filters, "%d %d %s %s", handoff, unanswered,
	    tel == NULL ? "" : tel, part == NULL ? "" : part);
	if (st != ST_OK || l.rows == NULL || filters.err != ST_OK)
		exchange_fail(x, st != ST_OK ? st : ST_NOMEM);
	else if (api_place(x, &page, buf_str(&filters), &place)) {
		if (api_place_read(
			&place, &l.query.before_us, &l.query.before_id))
			answer_list(x, &l, buf_str(&filters));
		else
			api_token_wrong(x);
	}
	for (size_t i = 0; l.rows != NULL && i < l.query.limit; i++)
		row_release(&l.rows[i]);
	free(l.rows);
	buf_release(&filters);
	buf_release(&place);
}

/* --- changes ---------------------------------------------------------------- */

static struct waiting
waiting_of(const struct exchange *x, const struct ports *p)
{
	return (struct waiting){ { p->config, p->db, p->aws }, p->conversations,
		x->agent };
}

static void
change(struct exchange *x, const struct waiting_change *to, int code)
{
	struct waiting_count count;
	struct waiting w;
	struct ports *ports;
	enum status st;

	if (!take_ports(x, &ports))
		return;
	w = waiting_of(x, ports);
	st = waiting_apply(&w, to, &count);
	if (st == ST_OK)
		answer_one(x, ports, to->id, code, &count);
	else if (st == ST_EXISTS)
		api_conflict(
		    x, "exists", "There is a conversation of this id already");
	else if (st == ST_NOTFOUND)
		exchange_error(x, 404, "No such conversation");
	else
		exchange_fail(x, st);
	ports_give(x->app->ports, ports);
}

/* A sender as conversations have it, in room; false if it answered. */
static bool
read_tel(struct exchange *x, const char *tel, char room[static SENDER_MAX])
{
	if (tel == NULL || sender_parse(tel, room) == ST_OK)
		return true;
	api_refuse(x, "tel", SENDER_WANTED);
	return false;
}

void
handle_api_conversation_add(struct exchange *x)
{
	const char *tel = NULL, *id = NULL, *thread = NULL, *company = NULL,
		   *project = NULL;
	enum api_flag handoff = API_FALSE;
	const struct api_field fields[] = {
		{ .name = "tel", .text = &tel, .required = true },
		{ .name = "id", .text = &id },
		{ .name = "thread_id", .text = &thread },
		{ .name = "company_id", .text = &company },
		{ .name = "project_id", .text = &project },
		{ .name = "handoff", .flag = &handoff },
	};
	char room[SENDER_MAX], uuid[STR_UUID_MAX];
	struct conversation c;
	struct json *json;
	enum status st = ST_OK;

	if (api_body(x, fields, sizeof(fields) / sizeof(fields[0]), &json) &&
	    read_tel(x, tel, room)) {
		if (str_empty(id)) {
			st = str_uuid(uuid);
			id = uuid;
		}
		c = (struct conversation){ .id = (char *)id,
			.tel = room,
			.thread_id = (char *)thread,
			.company_id = (char *)company,
			.project_id = (char *)project,
			.handoff = handoff == API_TRUE,
			.created_us = clock_us() };
		if (strlen(id) >= ROUTE_ARG_MAX || strchr(id, '/') != NULL)
			api_refuse(x, "id", "at most 128 bytes, without /");
		else if (st != ST_OK)
			exchange_fail(x, st);
		else
			change(x,
			    &(struct waiting_change){ .id = id, .add = &c },
			    201);
	}
	json_free(json);
}

void
handle_api_conversation_set(struct exchange *x)
{
	const char *tel = NULL;
	enum api_flag handoff = API_ABSENT, opted_out = API_ABSENT;
	struct conversation_change to = { 0 };
	const struct api_field fields[] = {
		{ .name = "tel", .text = &tel },
		{ .name = "thread_id", .text = &to.thread_id },
		{ .name = "company_id", .text = &to.company_id },
		{ .name = "project_id", .text = &to.project_id },
		{ .name = "handoff", .flag = &handoff },
		{ .name = "opted_out", .flag = &opted_out },
	};
	bool on = false, out = false;
	char room[SENDER_MAX];
	struct json *json;

	if (api_body(x, fields, sizeof(fields) / sizeof(fields[0]), &json) &&
	    read_tel(x, tel, room)) {
		on = handoff == API_TRUE;
		out = opted_out == API_TRUE;
		to.tel = tel != NULL ? room : NULL;
		to.handoff = handoff != API_ABSENT ? &on : NULL;
		to.opted_out = opted_out != API_ABSENT ? &out : NULL;
		change(x,
		    &(struct waiting_change){ .id = x->path.arg[0], .to = &to },
		    200);
	}
	json_free(json);
}

void
handle_api_handoff(struct exchange *x)
{
	enum api_flag handoff = API_ABSENT;
	const struct api_field fields[] = {
		{ .name = "handoff", .flag = &handoff, .required = true },
	};
	bool on;
	const struct conversation_change to = { .handoff = &on };
	struct json *json;

	if (api_body(x, fields, 1, &json)) {
		on = handoff == API_TRUE;
		change(x,
		    &(struct waiting_change){ .id = x->path.arg[0], .to = &to },
		    200);
	}
	json_free(json);
}
