/*
 * Fuzzing JSON: besides sanitizers' findings it ends when the strict check and
 * the reader disagree, when text that passed is not so inside other text, when
 * its slices are not what was parsed or, of any text, lie outside of it, or
 * when any bytes, written as a string, are not valid JSON.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
require(int condition)
{
	if (!condition)
		abort();
}

/* Visit everything, in every way of reading. */
static void
walk(const struct json *v, int depth)
{
	const struct json *item, *found;
	const char *text;
	int64_t n;
	double d;
	bool b;

	require(depth <= JSON_DEPTH_MAX);
	require((json_text(v, &text) == ST_OK) == (text != NULL));
	require(text == NULL || utf8_valid(text, strlen(text)));
	if (json_int(v, &n) == ST_OK)
		require(json_real(v, &d) == ST_OK && d == (double)n);
	require((json_bool(v, &b) == ST_OK) == (json_kind(v) == JSON_BOOL));
	for (item = json_first(v); item != NULL; item = json_next(item)) {
		text = json_name(item);
		if (text != NULL) {
			require(json_kind(v) == JSON_OBJECT);
			require(json_member(v, text, &found) == ST_OK ||
			    found == NULL);
		}
		walk(item, depth + 1);
	}
}

/* --- slices ---------------------------------------------------------------- */

static void
same_text(const struct json_slice *s, const struct json *v)
{
	/* Decoded it is no longer, and its quotes leave room for the NUL. */
	char *out = malloc(s->len + 1);
	const char *text;

	require(out != NULL);
	require(json_slice_text(s, out, s->len + 1) == json_text(v, &text));
	require(strcmp(out, text == NULL ? "" : text) == 0);
	if (text != NULL && *text != '\0')
		require(json_slice_text(s, out, strlen(text)) == ST_TOOBIG);
	free(out);
}

/* What is parsed and what stands there are the same. */
static void
same(const struct json_slice *s, const struct json *v)
{
	struct json_slice name, value, its;
	const struct json *item, *found;
	struct json_walk w;

	require(json_slice_kind(s) == json_kind(v));
	if (json_kind(v) == JSON_STRING)
		same_text(s, v);
	if (json_walk(&w, s) != ST_OK) {
		require(
		    json_kind(v) != JSON_ARRAY && json_kind(v) != JSON_OBJECT);
		return;
	}
	for (item = json_first(v); item != NULL; item = json_next(item)) {
		require(json_walk_next(&w, &name, &value));
		same(&value, item);
		if (json_name(item) != NULL)
			require(json_slice_member(s, json_name(item), &its) ==
			    json_member(v, json_name(item), &found));
	}
	require(!json_walk_next(&w, &name, &value));
}

/* What the check tells of is what a walk finds. */
struct seen {
	struct json_slice whole;
	struct json_walk walk;
	size_t items;
};

static bool
see(void *arg, size_t depth, const struct json_slice *name,
    const struct json_slice *value)
{
	struct json_slice its, its_name;
	struct seen *seen = arg;
	struct json_walk w;

	if (depth == 2) {
		seen->items++;
		return true;
	}
	if (depth == 0)
		its = seen->whole;
	else
		require(json_walk_next(&seen->walk, &its_name, &its));
	require(value->text == its.text && value->len == its.len);
	if (depth == 0)
		return true;
	require(name->len == its_name.len &&
	    memcmp(name->text, its_name.text, name->len) == 0);
	if (json_walk(&w, value) == ST_OK)
		for (; json_walk_next(&w, NULL, &its); seen->items--)
			;
	require(seen->items == 0);
	return true;
}

static bool
see_until(void *arg, size_t depth, const struct json_slice *name,
    const struct json_slice *value)
{
	int *left = arg;

	(void)depth, (void)name, (void)value;
	return (*left)-- > 0;
}

static void
check_seen(const struct json_slice *whole, const char *text, size_t len)
{
	struct seen seen = { .whole = *whole };
	int left = 2;

	(void)json_walk(&seen.walk, whole);
	require(
	    json_check_seen(text, len, JSON_DEPTH_MAX, see, &seen) == ST_OK);
	if (json_check_seen(text, len, JSON_DEPTH_MAX, see_until, &left) ==
	    ST_OK)
		require(left >= 0);
}

/* Whatever it is: all of it is within, and it ends. */
static void
walk_slices(const struct json_slice *s, int depth)
{
	struct json_slice name, value, its;
	char out[16];
	struct json_walk w;

	require(s->len > 0);
	(void)json_slice_text(s, out, sizeof(out));
	(void)json_slice_member(s, "sid", &its);
	if (depth == JSON_DEPTH_MAX || json_walk(&w, s) != ST_OK)
		return;
	while (json_walk_next(&w, &name, &value)) {
		require(value.text > s->text &&
		    value.text + value.len <= s->text + s->len);
		require(name.text + name.len <= value.text);
		walk_slices(&value, depth + 1);
	}
}

static void
check_slices(const char *text, size_t len, const struct json *v)
{
	struct json_slice whole = { text, len };
	const char *end = text + len;

	if (len == 0)
		return;
	walk_slices(&whole, 0);
	if (v == NULL)
		return;
	while (strchr(" \t\r\n", *whole.text) != NULL)
		whole.text++;
	while (strchr(" \t\r\n", end[-1]) != NULL)
		end--;
	whole.len = (size_t)(end - whole.text);
	same(&whole, v);
	check_seen(&whole, text, len);
}

static void
check_written(const char *text, size_t len)
{
	struct json *read = NULL;
	struct buf b = BUF_INIT;
	const char *back;

	require(json_put_string(&b, text, len) == ST_OK);
	require(json_check(b.data, b.len, 0) == ST_OK);
	require(utf8_valid(b.data, b.len));
	if (utf8_valid(text, len) && memchr(text, '\0', len) == NULL) {
		require(json_parse(b.data, b.len, &read) == ST_OK);
		require(json_text(read, &back) == ST_OK);
		require(strlen(back) == len && memcmp(back, text, len) == 0);
	}
	json_free(read);
	buf_release(&b);
}

/* What passed can be put into other text. */
static void
check_inside(const char *text, size_t len)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, "{\"m\":");
	buf_put(&b, text, len);
	buf_puts(&b, ",\"n\":[]}");
	require(b.err == ST_OK);
	require(json_check(b.data, b.len, JSON_DEPTH_MAX) != ST_MALFORMED);
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	enum status st = json_check(text, len, JSON_DEPTH_MAX), parsed;
	struct json *j = NULL;

	parsed = json_parse(text, len, &j);
	require(parsed == st || (st == ST_OK && parsed == ST_UNSUPPORTED));
	require((parsed == ST_OK) == (j != NULL));
	if (j != NULL)
		walk(j, 0);
	if (st == ST_OK)
		check_inside(text, len);
	check_slices(text, len, j);
	json_free(j);
	if (len > 0)
		check_written(text, len);
	return 0;
}
