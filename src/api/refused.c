#include "api/refused.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "db/db.h"
#include "store/refusal.h"

/* Some twenty are kept in all: a page of them is a walk over all. */
struct listing {
	struct exchange *x;
	int64_t before; /* the id that came last; 0: none did */
	int64_t limit;
	int64_t n, last; /* shown, and the id of the last one */
	bool more;
};

static enum status
put_refusal(const struct refusal *r, void *arg)
{
	struct listing *l = arg;
	struct buf *out = &l->x->response->body;
	char id[24];

	if (l->before != 0 && r->id >= l->before)
		return ST_OK;
	if (l->n == l->limit) {
		l->more = true;
		return ST_OK;
	}
	if (l->n++ > 0)
		buf_putc(out, ',');
	l->last = r->id;
	snprintf(id, sizeof(id), "%lld", (long long)r->id);
	api_put_text(out, '{', "id", id);
	api_put_time(out, ',', "at", r->at_us);
	api_put_text(out, ',', "request_id", r->request_id);
	api_put_text(out, ',', "method", r->method);
	api_put_text(out, ',', "route", r->route);
	api_put_text(out, ',', "url", r->url);
	api_put_text(out, ',', "verdict", r->verdict);
	api_put_text(out, ',', "cause", r->cause);
	api_put_text(out, ',', "explanation", r->explanation);
	api_put_bool(out, ',', "passed", r->passed);
	return buf_putc(out, '}');
}

static enum status
read_job(struct db *db, void *arg)
{
	struct listing *l = arg;

	l->n = 0;
	l->more = false;
	api_list_begin(l->x, "refused");
	return refusal_list(db, put_refusal, l);
}

static void
answer(struct listing *l)
{
	struct buf next = BUF_INIT;
	enum status st = db_read(l->x->app->db, read_job, l);

	if (st == ST_OK && l->more)
		st = buf_printf(&next, "%lld", (long long)l->last);
	if (st == ST_OK)
		api_list_end(l->x, "", l->more ? &next : NULL);
	else
		exchange_fail(l->x, st);
	buf_release(&next);
}

void
handle_api_refused(struct exchange *x)
{
	struct api_page page = API_PAGE_INIT;
	const struct api_field fields[] = { API_PAGE_FIELDS(&page) };
	struct listing l = { .x = x };
	struct buf place = BUF_INIT;

	if (api_query(x, fields, sizeof(fields) / sizeof(fields[0])) &&
	    api_place(x, &page, "", &place)) {
		l.limit = page.limit;
		l.before = strtoll(buf_str(&place), NULL, 10);
		answer(&l);
	}
	buf_release(&place);
}
