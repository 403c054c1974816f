/*
 * Fuzzing the AWS signature: the input, cut at NULs, is path, secret, then
 * header names and values, then the body. The path is read as an Authorization
 * header, too, and what is made of a host alone is read back.
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

/* What was read is as it has to be: the names lie in the header. */
static void
check_read(const char *authorization, const char *id)
{
	struct sigv4_claim c;
	size_t at = 0, len;
	const char *name;

	if (sigv4_read(authorization, &c) != ST_OK) {
		if (id != NULL)
			abort();
		return;
	}
	if ((id != NULL && strcmp(c.access_key_id, id) != 0) ||
	    strlen(c.signature) != SIGV4_SIGNATURE_MAX - 1 ||
	    strlen(c.region) == 0 || strlen(c.service) == 0)
		abort();
	while ((name = sigv4_next_name(&c, &at, &len)) != NULL)
		if (len == 0 || name < authorization ||
		    name + len > authorization + strlen(authorization))
			abort();
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
		/* Odd names are signed, and not taken. */
		if (made.err == ST_OK && headers.n == 1 &&
		    strcmp(headers.pairs[0].name, "host") == 0)
			check_read(made.data, "AKID");
		check_read(p[0], NULL);
		buf_release(&made);
	}
	kv_release(&headers);
	free(text);
	return 0;
}
