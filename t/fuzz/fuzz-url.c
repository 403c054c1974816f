/*
 * Fuzzing URLs: besides sanitizers' findings it ends when the parts put
 * together are not the text again, or a part holds what ends it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
require(int condition)
{
	if (!condition)
		abort();
}

static int
has_any(const struct url_part *p, const char *set)
{
	size_t i;

	for (i = 0; p->data != NULL && i < p->len; i++)
		if (p->data[i] != '\0' && strchr(set, p->data[i]) != NULL)
			return 1;
	return 0;
}

/* A part with what stands before it, if it is there. */
static void
put(struct buf *b, const char *before, const struct url_part *p,
    const char *after)
{
	if (p->data == NULL)
		return;
	buf_puts(b, before);
	buf_put(b, p->data, p->len);
	buf_puts(b, after);
}

static void
check(const struct url *u, const char *text, size_t len)
{
	struct buf b = BUF_INIT;

	require(u->scheme.len > 0 && u->host.len > 0);
	require(!has_any(&u->scheme, ":/@?#"));
	require(!has_any(&u->userinfo, "/?#"));
	require(!has_any(&u->host, "/?#@"));
	require(u->host.data[0] == '[' || !has_any(&u->host, ":"));
	require(!has_any(&u->port, ":/@?#") && !has_any(&u->path, "?#"));
	require(u->path.len == 0 || u->path.data[0] == '/');
	require(!has_any(&u->query, "#"));
	put(&b, "", &u->scheme, "://");
	put(&b, "", &u->userinfo, "@");
	put(&b, "", &u->host, "");
	put(&b, ":", &u->port, "");
	require(u->tail.data == text + b.len);
	put(&b, "", &u->path, "");
	put(&b, "?", &u->query, "");
	put(&b, "#", &u->fragment, "");
	require(b.err == ST_OK && b.len == len);
	require(memcmp(b.data, text, len) == 0);
	require(u->tail.data + u->tail.len == text + len);
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct buf b = BUF_INIT;
	struct url u;

	if (url_split(text, len, &u) == ST_OK) {
		check(&u, text, len);
		(void)url_default_port(&u.scheme);
	}
	require(url_encode(&b, text, len) == ST_OK);
	require(b.len >= len && b.len <= 3 * len);
	buf_release(&b);
	return 0;
}
