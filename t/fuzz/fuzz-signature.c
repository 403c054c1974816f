/*
 * Fuzzing the signature: the input, cut at its first three newlines, is
 * header (also that of the settings), token, URL and body, whose length tells
 * the algorithm. Besides sanitizers' findings it ends when what
 * is made is not accepted, is accepted with a byte changed, or cannot be
 * explained.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/form.h"
#include "twilio/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
require(int condition)
{
	if (!condition)
		abort();
}

/* Whatever the header says: a key is in it, or there is none. */
static void
check_settings(const char *header)
{
	struct signature_settings s;
	enum signature_verdict verdict = signature_settings(header, &s);

	require(*signature_algorithm_name(s.algorithm) != '\0');
	if (verdict != SIGNATURE_VALID)
		return;
	require((s.key.data == NULL) == (*header == '\0'));
	if (s.key.data == NULL)
		return;
	require(s.key.len > 0 && s.key.data > header &&
	    s.key.data + s.key.len <= header + strlen(header));
	require(memchr(s.key.data, ',', s.key.len) == NULL);
}

/* The verdict on the header that the input has, whatever it is. */
static void
check_given(const struct signature_input *in, const char *const *tokens,
    const char *header)
{
	enum signature_verdict verdict =
	    signature_check(in, tokens, header, NULL);
	struct buf why = BUF_INIT;
	enum status st;

	require(verdict != SIGNATURE_FAILED);
	require(*signature_verdict_name(verdict) != '\0');
	/* Explaining costs hundreds of checks: one input in eight. */
	if (in->body_len % 8 != 0)
		return;
	st = signature_explain(in, tokens, header, &why);
	require(st == ST_OK || st == ST_NOTFOUND);
	require(strstr(buf_str(&why), ": ") != NULL);
	require(strpbrk(buf_str(&why), "\n\r\t\x1b\x7f") == NULL);
	buf_release(&why);
}

static void
check_made(const struct signature_input *in, const char *const *tokens)
{
	char header[SIGNATURE_MAX];
	enum signature_verdict verdict;

	if (signature_make(in, tokens[0], header) != ST_OK)
		return;
	verdict = signature_check(in, tokens, header, NULL);
	require(verdict == SIGNATURE_VALID || verdict == SIGNATURE_BODY_HASH ||
	    (verdict == SIGNATURE_NO_TOKEN && *tokens[0] == '\0'));
	header[5] = header[5] == 'A' ? 'B' : 'A';
	verdict = signature_check(in, tokens, header, NULL);
	require(verdict == SIGNATURE_WRONG || verdict == SIGNATURE_NO_TOKEN);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1), *rest = text, *end = text + len;
	const char *piece[3] = { "", "", "" }, *tokens[2] = { "", NULL };
	struct signature_input in = { 0 };
	struct kv form = KV_INIT;
	bool malformed;
	size_t i;

	require(text != NULL);
	if (len > 0)
		memcpy(text, data, len);
	*end = '\0';
	for (i = 0; i < 3 && rest != end; i++) {
		piece[i] = rest;
		rest = memchr(rest, '\n', (size_t)(end - rest));
		rest = rest == NULL ? end : rest;
		if (rest != end)
			*rest++ = '\0';
	}
	tokens[0] = piece[1];
	in.url = piece[2];
	in.body = rest;
	in.body_len = (size_t)(end - rest);
	in.algorithm =
	    in.body_len % 2 == 0 ? SIGNATURE_HMAC_SHA1 : SIGNATURE_HMAC_SHA256;
	check_settings(piece[0]);
	check_given(&in, tokens, piece[0]);
	check_made(&in, tokens);
	if (form_parse(in.body, in.body_len, &form, &malformed) == ST_OK) {
		in.form = &form;
		check_given(&in, tokens, piece[0]);
		check_made(&in, tokens);
	}
	kv_release(&form);
	free(text);
	return 0;
}
