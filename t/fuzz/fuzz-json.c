/*
 * Fuzzing JSON: besides sanitizers' findings it ends when the strict check and
 * the reader disagree, when text that passed is not so inside other text or as
 * the first value of one, or when any bytes, written as a string, are not
 * valid JSON.
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
	bool b;

	require(depth <= JSON_DEPTH_MAX);
	require((json_text(v, &text) == ST_OK) == (text != NULL));
	require(text == NULL || utf8_valid(text, strlen(text)));
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

/* What begins a text is a value that passes alone, and ends within it. */
static void
check_first(const char *text, size_t len, int whole)
{
	size_t used;

	if (json_check_first(text, len, JSON_DEPTH_MAX, &used) != ST_OK) {
		require(!whole);
		return;
	}
	require(used > 0 && used <= len);
	require(json_check(text, used, JSON_DEPTH_MAX) == ST_OK);
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
	check_first(text, len, st == ST_OK);
	json_free(j);
	if (len > 0)
		check_written(text, len);
	return 0;
}
