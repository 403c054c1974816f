#include "ctl/row.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"

struct cell
cell_text(const char *name, const char *text, int width)
{
	return (struct cell){ .name = name,
		.kind = CELL_TEXT,
		.text = str_empty(text) ? NULL : text,
		.len = str_empty(text) ? 0 : strlen(text),
		.width = width };
}

struct cell
cell_bytes(const char *name, const char *data, size_t len)
{
	return (struct cell){ .name = name,
		.kind = CELL_TEXT,
		.text = data ? data : "",
		.len = len };
}

struct cell
cell_int(const char *name, int64_t number, int width)
{
	return (struct cell){
		.name = name, .kind = CELL_INT, .number = number, .width = width
	};
}

struct cell
cell_bool(const char *name, bool on, int width)
{
	return (struct cell){
		.name = name, .kind = CELL_BOOL, .number = on, .width = width
	};
}

struct cell
cell_time(const char *name, int64_t us)
{
	return (struct cell){ .name = name,
		.kind = CELL_TIME,
		.number = us,
		.width = CLOCK_ISO_MAX - 1 };
}

struct cell
cell_optional(struct cell c)
{
	c.optional = true;
	return c;
}

static bool
is_none(const struct cell *c)
{
	return (c->kind == CELL_TEXT && !c->text) ||
	    (c->kind == CELL_TIME && c->number == 0);
}

static void
put_time(struct buf *out, int64_t us)
{
	char iso[CLOCK_ISO_MAX];

	clock_iso(us, iso);
	buf_puts(out, iso);
}

static void
put_json(struct buf *out, const struct cell *c)
{
	if (is_none(c)) {
		buf_puts(out, "null");
		return;
	}
	switch (c->kind) {
	case CELL_TEXT:
		json_put_string(out, c->text, c->len);
		return;
	case CELL_INT:
		buf_printf(out, "%" PRId64, c->number);
		return;
	case CELL_BOOL:
		buf_puts(out, c->number ? "true" : "false");
		return;
	case CELL_TIME:
		buf_putc(out, '"');
		put_time(out, c->number);
		buf_putc(out, '"');
		return;
	}
}

/* A row stays one line; terminal.h has the rest. */
static void
put_safe(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else
			buf_putc(out, s[i]);
	}
}

static void
put_text(struct buf *out, const struct cell *c)
{
	if (is_none(c)) {
		buf_putc(out, '-');
		return;
	}
	switch (c->kind) {
	case CELL_TEXT:
		put_safe(out, c->text, c->len);
		return;
	case CELL_INT:
		buf_printf(out, "%" PRId64, c->number);
		return;
	case CELL_BOOL:
		buf_puts(out, c->number ? "yes" : "no");
		return;
	case CELL_TIME:
		put_time(out, c->number);
		return;
	}
}

static void
put_object(struct buf *out, const struct cell *cells, size_t n)
{
	const char *comma = "";

	buf_putc(out, '{');
	for (size_t i = 0; i < n; i++) {
		if (cells[i].optional && is_none(&cells[i]))
			continue;
		buf_puts(out, comma);
		json_put_text(out, cells[i].name);
		buf_putc(out, ':');
		put_json(out, &cells[i]);
		comma = ",";
	}
	buf_puts(out, "}\n");
}

/* Blanks up to a column's width, and one gap; none behind the last. */
static void
pad(struct buf *out, size_t from, const struct cell *c, bool last)
{
	size_t used = out->len - from;

	for (; !last && used < (size_t)c->width + 2; used++)
		buf_putc(out, ' ');
	if (!last && out->len > 0 && out->data[out->len - 1] != ' ')
		buf_putc(out, ' ');
}

static void
put_table_line(struct buf *out, const struct cell *cells, size_t n, bool head)
{
	for (size_t i = 0; i < n; i++) {
		size_t from = out->len;

		if (head)
			buf_puts(out, cells[i].name);
		else
			put_text(out, &cells[i]);
		pad(out, from, &cells[i], i + 1 == n);
	}
	buf_putc(out, '\n');
}

static void
put_block(struct buf *out, const struct cell *cells, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (cells[i].optional && is_none(&cells[i]))
			continue;
		buf_printf(out, "%s: ", cells[i].name);
		put_text(out, &cells[i]);
		buf_putc(out, '\n');
	}
}

/* Each row is flushed, so that whoever reads it has it at once. */
static enum status
print(struct rows *r, struct buf *out)
{
	enum status e = out->err;
	FILE *to = r->ctl->out;

	if (e == ST_OK &&
	    (fwrite(out->data, 1, out->len, to) != out->len || fflush(to) != 0))
		e = ST_IO;
	r->n++;
	buf_release(out);
	return e;
}

enum status
rows_line(struct rows *r, const struct cell *cells, size_t n)
{
	struct buf out = BUF_INIT;

	if (r->ctl->json) {
		put_object(&out, cells, n);
		return print(r, &out);
	}
	if (r->n == 0)
		put_table_line(&out, cells, n, true);
	put_table_line(&out, cells, n, false);
	return print(r, &out);
}

enum status
rows_block(struct rows *r, const struct cell *cells, size_t n)
{
	struct buf out = BUF_INIT;

	if (r->ctl->json) {
		put_object(&out, cells, n);
		return print(r, &out);
	}
	if (r->n > 0)
		buf_putc(&out, '\n');
	put_block(&out, cells, n);
	return print(r, &out);
}
