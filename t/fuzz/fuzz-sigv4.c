/*
 * Fuzzing the AWS signature: the input, cut at NULs, is path, secret, then
 * header names and values, then the body.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/sigv4.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define PIECES 24

/* Cut a copy of the input into strings; the last takes what is left. */
static size_t
cut(char *text, size_t len, char *pieces[static PIECES])
{
	size_t n = 0;
	char *end = text + len;

	while (n < PIECES && text <= end) {
		pieces[n++] = text;
		text += strlen(text) + 1;
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = calloc(1, len + 1), *p[PIECES];
	struct kv headers = KV_INIT;
	size_t n, i;

	if (text == NULL)
		return 0;
	memcpy(text, data, len);
	if ((n = cut(text, len, p)) >= 3) {
		const struct sigv4_request r = { .method = "POST",
			.path = p[0],
			.headers = &headers,
			.body = p[n - 1],
			.body_len = (size_t)(text + len - p[n - 1]),
			.date = "20261121T185000Z",
			.region = "us-east-1",
			.service = "sqs" };
		struct buf made = BUF_INIT;

		for (i = 2; i + 2 < n; i += 2)
			(void)kv_put(&headers, p[i], p[i + 1]);
		if (sigv4_authorization(&r, "AKID", p[1], &made) == ST_OK &&
		    strncmp(made.data, "AWS4-HMAC-SHA256 ", 17) != 0)
			abort();
		buf_release(&made);
	}
	kv_release(&headers);
	free(text);
	return 0;
}
