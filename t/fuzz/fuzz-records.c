/*
 * Fuzzing the reader of FastCGI's records: besides sanitizers' findings it ends
 * when what comes out depends on how the bytes were cut, or when a request is
 * not what its promises say.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "door/records.h"

#define BODY_MAX 3000

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
require(int condition)
{
	if (!condition)
		abort();
}

/* A request as text. */
static void
put_request(struct buf *b, const struct records *r)
{
	const char *body;
	size_t len;

	buf_printf(b, "%u %d %d\n", r->id, (int)r->keep, (int)r->status);
	require(r->id > 0 && r->id < 65536);
	for (char *const *e = records_envp(r); *e != NULL; e++) {
		require(strchr(*e, '=') != NULL);
		buf_puts(b, *e);
		buf_putc(b, '\n');
	}
	body = records_body(r, &len);
	require(len <= BODY_MAX && (r->status != ST_TOOBIG || len == 0));
	buf_put(b, body, len);
}

/* All that comes out of data, in pieces of so many bytes. */
static void
take(struct buf *b, const uint8_t *data, size_t n, size_t piece)
{
	struct records r;
	size_t at = 0, k;

	records_init(&r, 50, BODY_MAX);
	while (at < n && r.state != RECORDS_OVER) {
		k = n - at < piece ? n - at : piece;
		at += records_take(&r, data + at, k);
		require(r.reply_len <= sizeof(r.reply));
		buf_put(b, r.reply, r.reply_len);
		r.reply_len = 0;
		if (r.state == RECORDS_WHOLE) {
			put_request(b, &r);
			records_reset(&r);
		}
	}
	if (r.state != RECORDS_OVER)
		records_end(&r);
	if (r.state == RECORDS_WHOLE)
		put_request(b, &r);
	records_release(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf whole = BUF_INIT, cut = BUF_INIT;
	const size_t pieces[] = { 1, 7, 4096 };

	take(&whole, data, n, SIZE_MAX);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		buf_reset(&cut);
		take(&cut, data, n, pieces[i]);
		require(cut.len == whole.len);
		require(
		    cut.len == 0 || memcmp(cut.data, whole.data, cut.len) == 0);
	}
	buf_release(&whole);
	buf_release(&cut);
	return 0;
}
