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
cell_list(const char *name, const char *const *list, size_t n)
{
	return (struct cell){
		.name = name, .kind = CELL_LIST, .list = list, .len = n
	};
}

struct cell
cell_optional(struct cell c)
{
	c.optional = true;
	return c;
}

static bool
cell_is_none(const struct cell *c)
{
	return (c->kind == CELL_TEXT && c->text == NULL) ||
	    (c->kind == CELL_LIST && c->len == 0) ||
	    (c->kind == CELL_TIME && c->number == 0);
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
put_list(struct buf *out, const struct cell *c, bool json)
{
	buf_puts(out, json ? "[" : "");
	for (size_t i = 0; i < c->len; i++) {
		buf_puts(out, i == 0 ? "" : json ? "," : ", ");
		if (json)
			json_put_text(out, c->list[i]);
		else
			put_safe(out, c->list[i], strlen(c->list[i]));
	}
	buf_puts(out, json ? "]" : "");
}

static void
put_cell(struct buf *out, const struct cell *c, bool json)
{
	const char *quote = json ? "\"" : "";
	char iso[CLOCK_ISO_MAX];

	if (cell_is_none(c) && (c->kind != CELL_LIST || !json)) {
		buf_puts(out, json ? "null" : "-");
		return;
	}
	switch (c->kind) {
	case CELL_TEXT:
		if (json)
			json_put_string(out, c->text, c->len);
		else
			put_safe(out, c->text, c->len);
		return;
	case CELL_INT:
		buf_printf(out, "%" PRId64, c->number);
		return;
	case CELL_BOOL:
		if (json)
			buf_puts(out, c->number ? "true" : "false");
		else
			buf_puts(out, c->number ? "yes" : "no");
		return;
	case CELL_TIME:
		clock_iso(c->number, iso);
		buf_printf(out, "%s%s%s", quote, iso, quote);
		return;
	case CELL_LIST:
		put_list(out, c, json);
		return;
	}
}

static void
put_object(struct buf *out, const struct cell *cells, size_t n)
{
	const char *comma = "";

	buf_putc(out, '{');
	for (size_t i = 0; i < n; i++) {
		if (cells[i].optional && cell_is_none(&cells[i]))
			continue;
		buf_puts(out, comma);
		json_put_text(out, cells[i].name);
		buf_putc(out, ':');
		put_cell(out, &cells[i], true);
		comma = ",";
	}
	buf_puts(out, "}\n");
}

/* Blanks up to a column's width, and one gap; none behind the last. */
static void
put_gap(struct buf *out, size_t from, const struct cell *c)
{
	size_t used = out->len - from;

	for (; used < (size_t)c->width + 2; used++)
		buf_putc(out, ' ');
	if (out->len > 0 && out->data[out->len - 1] != ' ')
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
			put_cell(out, &cells[i], false);
		if (i + 1 < n)
			put_gap(out, from, &cells[i]);
	}
	buf_putc(out, '\n');
}

static void
put_block(struct buf *out, const struct cell *cells, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (cells[i].optional && cell_is_none(&cells[i]))
			continue;
		buf_printf(out, "%s: ", cells[i].name);
		put_cell(out, &cells[i], false);
		buf_putc(out, '\n');
	}
}

/* Each row is flushed, so that whoever reads it has it at once. */
static enum status
row_print(struct ctl *ctl, struct buf *out)
{
	enum status st = out->err;

	if (st == ST_OK &&
	    (fwrite(out->data, 1, out->len, ctl->out) != out->len ||
		fflush(ctl->out) != 0))
		st = ST_IO;
	ctl->rows_n++;
	buf_release(out);
	return st;
}

enum status
row_line(struct ctl *ctl, const struct cell *cells, size_t n)
{
	struct buf out = BUF_INIT;

	if (ctl->json) {
		put_object(&out, cells, n);
	} else {
		if (ctl->rows_n == 0)
			put_table_line(&out, cells, n, true);
		put_table_line(&out, cells, n, false);
	}
	return row_print(ctl, &out);
}

enum status
row_block(struct ctl *ctl, const struct cell *cells, size_t n)
{
	struct buf out = BUF_INIT;

	if (ctl->json) {
		put_object(&out, cells, n);
	} else {
		if (ctl->rows_n > 0)
			buf_putc(&out, '\n');
		put_block(&out, cells, n);
	}
	return row_print(ctl, &out);
}
