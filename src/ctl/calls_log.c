/* Calls as the status callbacks reported them. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ctl/calls.h"
#include "db/db.h"
#include "store/call.h"

#define PAGE 500 /* calls read at a time */

enum status
calls_read(struct ctl *ctl, db_job *job, void *arg, char **text, size_t *len)
{
	FILE *out = ctl->out, *memory = open_memstream(text, len);
	size_t rows_n = ctl->rows_n;
	enum status st;

	if (memory == NULL) {
		*text = NULL;
		return ST_NOMEM;
	}
	ctl->out = memory;
	st = db_read(ctl->db, job, arg);
	ctl->out = out;
	if (fclose(memory) != 0 && st == ST_OK)
		st = ST_NOMEM;
	if (st != ST_OK) {
		ctl->rows_n = rows_n;
		free(*text);
		*text = NULL;
	}
	return st;
}

/* --- list ------------------------------------------------------------------ */

struct listing {
	struct ctl *ctl;
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
	return calls_put(l->ctl, &listed);
}

static enum status
list_job(struct db *db, void *arg)
{
	struct listing *l = arg;
	const struct call_cursor after = { l->last_us, buf_str(&l->last_sid) };

	return call_list(
	    db, &l->filter, l->begun ? &after : NULL, l->limit, put_call, l);
}

static enum status
list_page(struct listing *l)
{
	enum status st;
	size_t len;
	char *text;

	l->n = 0;
	st = calls_read(l->ctl, list_job, l, &text, &len);
	if (st == ST_OK && fwrite(text, 1, len, l->ctl->out) != len)
		st = ST_IO;
	l->begun = true;
	free(text);
	return st;
}

int
calls_log_list(struct ctl *ctl, const struct calls_wanted *w)
{
	struct listing l = { .ctl = ctl,
		.filter = {
		    .from_us = w->start_us,
		    .before_us = w->end_us == INT64_MAX ? 0 : w->end_us + 1,
		    .status = w->status,
		    .direction = w->direction,
		    .from = w->from,
		    .to = w->to,
		    .parent_sid = w->parent_sid,
		} };
	size_t left = (size_t)w->limit;
	enum status st;
	int code = ctl_open(ctl);

	if (code != CTL_DONE)
		return code;
	do {
		l.limit = left < PAGE ? left : PAGE;
		st = list_page(&l);
		left -= l.n;
	} while (st == ST_OK && l.n == l.limit && left > 0);
	buf_release(&l.last_sid);
	return ctl_end(ctl, st, "calls");
}

/* --- show ------------------------------------------------------------------ */

/* Parts of what is shown, one behind the other in the text. */
enum part { PART_CALL, PART_EVENTS, PART_DIGITS, PARTS_N };

struct showing {
	struct ctl *ctl;
	const char *sid;
	bool values;
	bool known; /* anything is recorded of it */
	char *text;
	size_t len, end[PARTS_N];
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
		cell_text("parent_call_sid", c->parent_sid, 0),
		cell_time("start_at", c->start_us),
		cell_time("end_at", c->ended ? c->last_us : 0),
		cell_time("last_at", c->last_us),
		calls_number("duration_s", c->duration_s, 0),
		cell_text("error_code", c->error_code, 0),
	};

	s->known = s->known || c->status != NULL;
	return row_block(s->ctl, cells, CTL_COUNT(cells));
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
	return row_line(s->ctl, cells, CTL_COUNT(cells));
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
	return row_line(s->ctl, cells, CTL_COUNT(cells) - (s->values ? 0 : 1));
}

static enum status
show_part(struct db *db, struct showing *s, enum part part)
{
	struct call_summary nothing = { .sid = s->sid, .duration_s = -1 };
	enum status st;

	switch (part) {
	case PART_CALL:
		st = call_get(db, s->sid, show_call, s);
		/* Digits come without any event where Twilio sends none. */
		return st == ST_NOTFOUND ? show_call(&nothing, s) : st;
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
	enum status st = ST_OK;
	int part;

	for (part = PART_CALL; part < PARTS_N && st == ST_OK; part++) {
		s->ctl->rows_n = 0;
		st = show_part(db, s, (enum part)part);
		fflush(s->ctl->out);
		s->end[part] = s->len;
	}
	if (st == ST_OK && !s->known)
		st = ST_NOTFOUND;
	return st;
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
	const char *t = s->text;

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
		fwrite(s->text + from, 1, s->end[part] - from, to);
		from = s->end[part];
	}
}

int
calls_log_show(struct ctl *ctl, const char *sid, bool values)
{
	struct showing s = { .ctl = ctl, .sid = sid, .values = values };
	enum status st;
	int code = ctl_open(ctl);

	if (code != CTL_DONE)
		return code;
	st = calls_read(ctl, show_job, &s, &s.text, &s.len);
	if (st == ST_OK && ctl->json)
		put_object(&s, ctl->out);
	else if (st == ST_OK)
		put_tables(&s, ctl->out);
	free(s.text);
	return ctl_end(ctl, st, "%s", sid);
}
