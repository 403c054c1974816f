/*
 * Fuzzing forms: besides sanitizers' findings it ends when a pair is not
 * terminated, what is encoded again does not come back the same, or a bad
 * escape is not reported.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/kv.h"
#include "codec/form.h"
#include "codec/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
require(int condition)
{
	if (!condition)
		abort();
}

static void
check_same(const struct kv *a, const struct kv *b)
{
	size_t i;

	require(a->n == b->n);
	for (i = 0; i < a->n; i++) {
		const struct kv_pair *p = &a->pairs[i], *q = &b->pairs[i];

		require(p->name_len == q->name_len);
		require(p->value_len == q->value_len);
		require(memcmp(p->name, q->name, p->name_len + 1) == 0);
		require(memcmp(p->value, q->value, p->value_len + 1) == 0);
		require(p->name[p->name_len] == '\0');
		require(p->value[p->value_len] == '\0');
	}
}

/* Is there a "%" that begins no escape? */
static int
has_bad_escape(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] != '%')
			continue;
		if (url_hex_byte(s + i, s + len) < 0)
			return 1;
		i += 2;
	}
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct kv first = KV_INIT, again = KV_INIT;
	struct buf b = BUF_INIT;
	bool malformed, none;
	size_t i;
	enum status st = form_parse(text, len, &first, &malformed);

	if (st == ST_TOOBIG)
		return 0;
	require(st == ST_OK);
	require(malformed == has_bad_escape(text, len));
	require(first.n <= len / 2 + 1);
	for (i = 0; i < first.n; i++)
		require(form_put(&b, &first.pairs[i]) == ST_OK);
	require(form_parse(b.data, b.len, &again, &none) == ST_OK);
	require(!none);
	check_same(&first, &again);
	kv_release(&first);
	kv_release(&again);
	buf_release(&b);
	return 0;
}
