#include "api/api.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "watch/page_token.h"

/* --- replies --------------------------------------------------------------- */

static void
put_name(struct buf *out, char before, const char *name)
{
	buf_printf(out, "%c\"%s\":", before, name);
}

void
api_put_text(struct buf *out, char before, const char *name, const char *text)
{
	put_name(out, before, name);
	json_put_text(out, text);
}

void
api_put_int(struct buf *out, char before, const char *name, int64_t n)
{
	put_name(out, before, name);
	buf_printf(out, "%lld", (long long)n);
}

void
api_put_bool(struct buf *out, char before, const char *name, bool is)
{
	put_name(out, before, name);
	buf_puts(out, is ? "true" : "false");
}

void
api_put_time(struct buf *out, char before, const char *name, int64_t us)
{
	char text[CLOCK_ISO_MAX];

	put_name(out, before, name);
	clock_iso(us, text);
	if (us == 0)
		buf_puts(out, "null");
	else
		buf_printf(out, "\"%sZ\"", text);
}

void
api_reply(struct exchange *x, int code)
{
	x->response->code = code;
	x->response->content_type = "application/json";
}

void
api_refuse(struct exchange *x, const char *name, const char *why)
{
	char text[256];

	snprintf(text, sizeof(text), "%.64s: %s", name, why);
	exchange_error(x, 400, text);
}

void
api_conflict(struct exchange *x, const char *error, const char *message)
{
	struct buf *out = &x->response->body;

	buf_reset(out);
	api_put_text(out, '{', "error", error);
	api_put_text(out, ',', "message", message);
	api_put_text(out, ',', "request_id", x->id);
	buf_putc(out, '}');
	api_reply(x, 409);
}

/* --- what was asked for ---------------------------------------------------- */

static const struct api_field *
find_field(
    const struct api_field *fields, size_t n, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strlen(fields[i].name) == len &&
		    memcmp(fields[i].name, name, len) == 0)
			return &fields[i];
	return NULL;
}

static bool
refuse(struct exchange *x, const char *name, const char *why)
{
	api_refuse(x, name, why);
	return false;
}

static bool
take_number(struct exchange *x, const struct api_field *f, bool is, int64_t n)
{
	char why[80];

	if (is && n >= f->min && n <= f->max) {
		*f->number = n;
		return true;
	}
	snprintf(why, sizeof(why), "is not a number from %lld to %lld",
	    (long long)f->min, (long long)f->max);
	return refuse(x, f->name, why);
}

/* A parameter that is not in the table may be a filter that is misspelt. */
static bool
check_query(struct exchange *x, const struct api_field *fields, size_t n)
{
	for (size_t i = 0; i < x->query.n; i++) {
		const struct kv_pair *p = &x->query.pairs[i];

		if (find_field(fields, n, p->name, p->name_len) == NULL)
			return refuse(x, p->name, "no such parameter here");
	}
	return true;
}

static bool
take_parameter(struct exchange *x, const struct api_field *f, const char *value)
{
	uint64_t n = 0;
	bool is;

	/* A page token that got lost would begin again for ever. */
	if (*value == '\0')
		return refuse(x, f->name, "has no value");
	if (f->number != NULL) {
		is = str_u64(value, INT64_MAX, &n) == ST_OK;
		return take_number(x, f, is, (int64_t)n);
	}
	if (f->text != NULL) {
		*f->text = value;
		return true;
	}
	if (!str_eq(value, "true") && !str_eq(value, "false"))
		return refuse(x, f->name, "is neither true nor false");
	*f->flag = str_eq(value, "true") ? API_TRUE : API_FALSE;
	return true;
}

bool
api_query(struct exchange *x, const struct api_field *fields, size_t n)
{
	const char *value;
	size_t i;

	if (!check_query(x, fields, n))
		return false;
	for (i = 0; i < n; i++) {
		if (!exchange_param(x, fields[i].name, &value))
			return false;
		if (value == NULL && fields[i].required)
			return refuse(x, fields[i].name, "is missing");
		if (value != NULL && !take_parameter(x, &fields[i], value))
			return false;
	}
	return true;
}

static bool
parse_body(struct exchange *x, struct json **json)
{
	const struct buf *body = &x->request->body;
	bool none = body->len == 0;
	enum status st = json_parse(
	    none ? "{}" : buf_str(body), none ? strlen("{}") : body->len, json);

	if (st == ST_OK && json_kind(*json) == JSON_OBJECT)
		return true;
	if (st == ST_NOMEM)
		exchange_fail(x, st);
	else
		exchange_error(x, 400, "The body is not a JSON object");
	return false;
}

static bool
take_member(
    struct exchange *x, const struct api_field *f, const struct json *value)
{
	bool is = false;
	int64_t n = 0;

	if (f->json != NULL) {
		*f->json = value;
		return true;
	}
	if (f->number != NULL) {
		is = json_int(value, &n) == ST_OK;
		return take_number(x, f, is, n);
	}
	if (f->text != NULL)
		return json_text(value, f->text) == ST_OK ||
		    refuse(x, f->name, "is not a text without a NUL");
	if (json_bool(value, &is) != ST_OK)
		return refuse(x, f->name, "is neither true nor false");
	*f->flag = is ? API_TRUE : API_FALSE;
	return true;
}

bool
api_body(struct exchange *x, const struct api_field *fields, size_t n,
    struct json **json)
{
	const struct json *v;
	const char *name;
	size_t i;

	*json = NULL;
	if (!check_query(x, NULL, 0) || !parse_body(x, json))
		return false;
	for (v = json_first(*json); v != NULL; v = json_next(v)) {
		if ((name = json_name(v)) == NULL)
			name = "(a name with a NUL)";
		if (find_field(fields, n, name, strlen(name)) == NULL)
			return refuse(x, name, "no such member here");
	}
	for (i = 0; i < n; i++) {
		if (json_member(*json, fields[i].name, &v) == ST_MALFORMED)
			return refuse(x, fields[i].name, "is there twice");
		if (v != NULL && json_kind(v) == JSON_NULL)
			v = NULL;
		if (v == NULL && fields[i].required)
			return refuse(x, fields[i].name, "is missing");
		if (v != NULL && !take_member(x, &fields[i], v))
			return false;
	}
	return true;
}

/* --- lists ----------------------------------------------------------------- */

/* Lists of other routes have other tokens. */
static enum status
put_filters(const struct exchange *x, const char *filters, struct buf *out)
{
	return buf_printf(out, "%s %s", x->route->pattern, filters);
}

bool
api_place_read(const struct buf *place, int64_t *us, const char **id)
{
	const char *text = buf_str(place), *space = strchr(text, ' ');
	char number[24];
	uint64_t n;

	if (place->len == 0)
		return true;
	if (space == NULL || (size_t)(space - text) >= sizeof(number))
		return false;
	snprintf(number, sizeof(number), "%.*s", (int)(space - text), text);
	if (str_u64(number, INT64_MAX, &n) != ST_OK)
		return false;
	*us = (int64_t)n;
	*id = space + 1;
	return true;
}

void
api_token_wrong(struct exchange *x)
{
	api_refuse(x, "page_token",
	    "not one of these filters, or damaged; ask without it to begin "
	    "again");
}

bool
api_place(struct exchange *x, const struct api_page *page, const char *filters,
    struct buf *place)
{
	struct buf all = BUF_INIT;
	enum status st;

	if (page->token == NULL)
		return true;
	st = put_filters(x, filters, &all);
	if (st == ST_OK)
		st = page_token_open(page->token, buf_str(&all), place);
	buf_release(&all);
	if (st == ST_DENIED)
		api_token_wrong(x);
	else if (st != ST_OK)
		exchange_fail(x, st);
	return st == ST_OK;
}

void
api_list_begin(struct exchange *x, const char *name)
{
	buf_reset(&x->response->body);
	buf_printf(&x->response->body, "{\"%s\":[", name);
}

void
api_list_end(struct exchange *x, const char *filters, const struct buf *next)
{
	struct buf *out = &x->response->body, all = BUF_INIT;
	enum status st = ST_OK;

	buf_puts(out, "],\"next_page_token\":");
	if (next == NULL) {
		buf_puts(out, "null}");
	} else {
		buf_putc(out, '"');
		st = put_filters(x, filters, &all);
		if (st == ST_OK)
			st = page_token_make(next, buf_str(&all), out);
		buf_puts(out, "\"}");
	}
	buf_release(&all);
	if (st == ST_OK)
		api_reply(x, 200);
	else
		exchange_fail(x, st);
}
