/* Calls as the status callbacks told of them. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ctl/calls.h"
#include "store/call.h"
#include "store/db.h"

/* Calls read at a time: whoever pages slowly through the result must not
 * keep a view of the database open, or its log could never start over. */
#define PAGE 500

/*
 * What a job prints goes to memory first, and out of there to the operator
 * when the job is over.
 */
struct page {
	struct ctl ctl; /* its out is the memory */
	struct rows rows;
	char *text;
	size_t len;
};

static enum status
page_open(struct page *p, const struct ctl *ctl, size_t rows_n)
{
	*p = (struct page){ .ctl = *ctl };
	p->rows = (struct rows){ &p->ctl, rows_n };
	p->ctl.out = open_memstream(&p->text, &p->len);
	return p->ctl.out == NULL ? ST_NOMEM : ST_OK;
}

/* All of it is in text. */
static enum status
page_end(struct page *p)
{
	FILE *f = p->ctl.out;

	p->ctl.out = NULL;
	return f != NULL && fclose(f) != 0 ? ST_NOMEM : ST_OK;
}

static void
page_release(struct page *p)
{
	(void)page_end(p);
	free(p->text);
}

/* --- list ---------------------------------------------------------------- */

struct listing {
	struct page page;
	struct call_filter filter;
	int64_t last_us; /* the call that came last: when, and which */
	struct buf last_sid;
	bool begun; /* there is one */
	size_t limit, n; /* of this page */
};

static enum status
put_call(const struct call_summary *c, void *arg)
{
	const struct calls_listed listed = {
		.sid = c->sid,
		.status = c->status,
		.direction = c->direction,
		.from = c->from,
		.to = c->to,
		.error_code = c->error_code,
		.start_us = c->start_us,
		.end_us = c->ended ? c->last_us : 0,
		.duration_s = c->duration_s,
	};
	struct listing *l = arg;

	l->n++;
	if (l->n == l->limit) {
		buf_reset(&l->last_sid);
		if (buf_puts(&l->last_sid, c->sid) != ST_OK)
			return ST_NOMEM;
		l->last_us = c->start_us;
	}
	return calls_put(&l->page.rows, &listed);
}

static enum status
list_job(struct db *db, void *arg)
{
	struct listing *l = arg;
	const struct call_cursor after = { l->last_us, buf_str(&l->last_sid) };

	return call_list(
	    db, &l->filter, l->begun ? &after : NULL, l->limit, put_call, l);
}

/* One page; *rows_n: rows so far. */
static enum status
list_page(
    const struct ctl *ctl, struct db *db, struct listing *l, size_t *rows_n)
{
	enum status e = page_open(&l->page, ctl, *rows_n);

	l->n = 0;
	if (e == ST_OK)
		e = db_read(db, list_job, l);
	if (e == ST_OK)
		e = page_end(&l->page);
	if (e == ST_OK &&
	    fwrite(l->page.text, 1, l->page.len, ctl->out) != l->page.len)
		e = ST_IO;
	*rows_n += l->n;
	l->begun = true;
	page_release(&l->page);
	return e;
}

static enum status
list_all(const struct ctl *ctl, struct db *db, const struct calls_wanted *w)
{
	struct listing l = { .filter = {
				 .from_us = w->start_us,
				 .before_us =
				     w->end_us == INT64_MAX ? 0 : w->end_us + 1,
				 .status = w->status,
				 .direction = w->direction,
			     } };
	size_t left = (size_t)w->limit, rows_n = 0;
	enum status e;

	do {
		l.limit = left < PAGE ? left : PAGE;
		e = list_page(ctl, db, &l, &rows_n);
		left -= l.n;
	} while (e == ST_OK && l.n == l.limit && left > 0);
	buf_release(&l.last_sid);
	return e;
}

int
calls_log_list(const struct ctl *ctl, const struct calls_wanted *w)
{
	struct ctl_session s;
	int code = ctl_open(ctl, &s);
	enum status e;

	if (code == CTL_DONE && (e = list_all(ctl, s.db, w)) != ST_OK)
		code = ctl_fail(ctl, e, "calls");
	ctl_close(&s);
	return code;
}

/* --- show ---------------------------------------------------------------- */

/* Parts of what is shown, one behind the other in the page. */
enum part { PART_CALL, PART_EVENTS, PART_DIGITS, PARTS_N };

struct showing {
	struct page page;
	const char *sid;
	bool values;
	bool known; /* anything is recorded of it */
	size_t end[PARTS_N];
};

static enum status
show_call(const struct call_summary *c, void *arg)
{
	struct showing *s = arg;
	struct cell cells[] = {
		cell_text("sid", c->sid, 0),
		cell_text("status", c->status, 0),
		cell_text("direction", c->direction, 0),
		cell_text("from", c->from, 0),
		cell_text("to", c->to, 0),
		cell_time("start_at", c->start_us),
		cell_time("end_at", c->ended ? c->last_us : 0),
		cell_time("last_at", c->last_us),
		calls_number("duration_s", c->duration_s, 0),
		cell_text("error_code", c->error_code, 0),
	};

	s->known = s->known || c->status != NULL;
	return rows_block(&s->page.rows, cells, CTL_COUNT(cells));
}

static enum status
show_event(const struct call_event *e, void *arg)
{
	struct showing *s = arg;
	struct cell cells[] = {
		cell_time("at", e->at_us),
		cell_text("status", e->status, 11),
		calls_number("sequence", e->sequence, 8),
		calls_number("duration_s", e->duration_s, 10),
		cell_text("error_code", e->error_code, 0),
	};

	s->known = true;
	return rows_line(&s->page.rows, cells, CTL_COUNT(cells));
}

static enum status
show_digits(const struct call_digits *d, void *arg)
{
	struct showing *s = arg;
	struct cell cells[] = {
		cell_time("at", d->at_us),
		cell_text("target", d->target, 16),
		cell_text("value", d->value, 0),
	};

	s->known = true;
	return rows_line(
	    &s->page.rows, cells, CTL_COUNT(cells) - (s->values ? 0 : 1));
}

static enum status
show_part(struct db *db, struct showing *s, enum part part)
{
	struct call_summary nothing = { .sid = s->sid, .duration_s = -1 };
	enum status e;

	switch (part) {
	case PART_CALL:
		e = call_get(db, s->sid, show_call, s);
		/* Digits come without any event where Twilio sends none. */
		return e == ST_NOTFOUND ? show_call(&nothing, s) : e;
	case PART_EVENTS:
		return call_events(db, s->sid, show_event, s);
	case PART_DIGITS:
		return call_digits(db, s->sid, show_digits, s);
	case PARTS_N:
		break;
	}
	return ST_NOTFOUND;
}

static enum status
show_job(struct db *db, void *arg)
{
	struct showing *s = arg;
	enum status e = ST_OK;
	int part;

	for (part = PART_CALL; part < PARTS_N && e == ST_OK; part++) {
		s->page.rows.n = 0;
		e = show_part(db, s, (enum part)part);
		fflush(s->page.ctl.out);
		s->end[part] = s->page.len;
	}
	if (e == ST_OK && !s->known)
		e = ST_NOTFOUND;
	return e;
}

/* Lines of JSON as a member that is an array. */
static void
put_array(FILE *to, const char *name, const char *lines, const char *end)
{
	const char *next;

	fprintf(to, ",\"%s\":[", name);
	for (; lines < end; lines = next) {
		next = memchr(lines, '\n', (size_t)(end - lines));
		next = next == NULL ? end : next + 1;
		fprintf(to, "%.*s%s", (int)(next - lines - 1), lines,
		    next < end ? "," : "");
	}
	fputs("]", to);
}

static void
put_object(const struct showing *s, FILE *to)
{
	const char *t = s->page.text;

	/* The call's own object, without its end: "}\n". */
	fprintf(to, "%.*s", (int)s->end[PART_CALL] - 2, t);
	put_array(to, "events", t + s->end[PART_CALL], t + s->end[PART_EVENTS]);
	put_array(
	    to, "digits", t + s->end[PART_EVENTS], t + s->end[PART_DIGITS]);
	fputs("}\n", to);
}

static void
put_tables(const struct showing *s, FILE *to)
{
	size_t from = 0;
	int part;

	for (part = PART_CALL; part < PARTS_N; part++) {
		if (part != PART_CALL && s->end[part] > from)
			fputc('\n', to);
		fwrite(s->page.text + from, 1, s->end[part] - from, to);
		from = s->end[part];
	}
}

int
calls_log_show(const struct ctl *ctl, const char *sid, bool values)
{
	struct showing show = { .sid = sid, .values = values };
	struct ctl_session s;
	int code = ctl_open(ctl, &s);
	enum status e;

	if (code == CTL_DONE) {
		e = page_open(&show.page, ctl, 0);
		if (e == ST_OK)
			e = db_read(s.db, show_job, &show);
		if (e == ST_OK)
			e = page_end(&show.page);
		if (e != ST_OK)
			code = ctl_fail(ctl, e, "%s", sid);
		else if (ctl->json)
			put_object(&show, ctl->out);
		else
			put_tables(&show, ctl->out);
		page_release(&show.page);
	}
	ctl_close(&s);
	return code;
}
