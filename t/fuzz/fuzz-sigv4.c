/*
 * Fuzzing the AWS signature: the input, cut at NULs, is path, query, secret,
 * token, then header names and values, then the body. Besides sanitizers'
 * findings it ends when the order of headers or of parameters matters.
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

static void
check(const struct sigv4_request *r, const struct sigv4_keys *keys)
{
	struct sigv4 made;

	if (sigv4_sign(r, keys, &made) != ST_OK)
		return;
	if (strncmp(buf_str(&made.authorization), "AWS4-HMAC-SHA256 ", 17) != 0)
		abort();
	sigv4_release(&made);
}

/* The same signature with other headers' order. */
static void
check_order(struct sigv4_request *r, const struct sigv4_keys *keys)
{
	static const struct kv_pair fixed[] = {
		{ "Host", "h", 4, 1 },
		{ "X-Amz-Target", "t", 12, 1 },
	};
	struct kv_pair pairs[2] = { fixed[0], fixed[1] };
	const struct kv list = { pairs, 2, 2, NULL };
	struct sigv4 one, two;

	r->headers = &list;
	if (sigv4_sign(r, keys, &one) != ST_OK)
		return;
	pairs[0] = fixed[1];
	pairs[1] = fixed[0];
	if (sigv4_sign(r, keys, &two) != ST_OK ||
	    strcmp(buf_str(&one.authorization), buf_str(&two.authorization)) !=
		0)
		abort();
	sigv4_release(&one);
	sigv4_release(&two);
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
	if ((n = cut(text, len, p)) >= 5) {
		const struct sigv4_keys keys = { "AKID", p[2], p[3] };
		struct sigv4_request r = { .method = "POST",
			.path = p[0],
			.query = p[1],
			.headers = &headers,
			.body = p[n - 1],
			.body_len = (size_t)(text + len - p[n - 1]),
			.region = "us-east-1",
			.service = "sqs",
			.time_s = (int64_t)len * 100000 };

		for (i = 4; i + 2 < n; i += 2)
			(void)kv_add(&headers, p[i], strlen(p[i]), p[i + 1],
			    strlen(p[i + 1]));
		check(&r, &keys);
		check_order(&r, &keys);
	}
	kv_release(&headers);
	free(text);
	return 0;
}
