#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT;
}

void
buf_wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_release(b);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->err = ST_OK;
	if (b->data != NULL)
		b->data[0] = '\0';
}

/* The next capacity that holds n bytes and the NUL: powers of two from 64. */
static size_t
buf_capacity(size_t n)
{
	size_t cap = 64;

	while (cap <= n)
		cap *= 2;
	return cap;
}

enum status
buf_reserve(struct buf *b, size_t n)
{
	size_t cap;
	char *data;

	if (b->err != ST_OK)
		return b->err;
	if (n > BUF_MAX || b->len > BUF_MAX - n)
		return b->err = ST_TOOBIG;
	if (b->data != NULL && b->len + n < b->cap)
		return ST_OK;
	cap = buf_capacity(b->len + n);
	if ((data = realloc(b->data, cap)) == NULL)
		return b->err = ST_NOMEM;
	b->data = data;
	b->cap = cap;
	b->data[b->len] = '\0';
	return ST_OK;
}

enum status
buf_put(struct buf *b, const void *bytes, size_t n)
{
	if (buf_reserve(b, n) != ST_OK)
		return b->err;
	if (n > 0)
		memcpy(b->data + b->len, bytes, n);
	b->len += n;
	b->data[b->len] = '\0';
	return ST_OK;
}

enum status
buf_puts(struct buf *b, const char *s)
{
	return buf_put(b, s, strlen(s));
}

enum status
buf_putc(struct buf *b, char c)
{
	return buf_put(b, &c, 1);
}

enum status
buf_vprintf(struct buf *b, const char *format, va_list ap)
{
	size_t room = b->data == NULL ? 0 : b->cap - b->len;
	va_list again;
	int n;

	if (b->err != ST_OK)
		return b->err;
	/* Mostly there is room for it, and formatting twice is dear. */
	va_copy(again, ap);
	n = vsnprintf(room == 0 ? NULL : b->data + b->len, room, format, again);
	va_end(again);
	if (n >= 0 && (size_t)n < room) {
		b->len += (size_t)n;
		return ST_OK;
	}
	if (room > 0)
		b->data[b->len] = '\0';
	if (n < 0)
		return b->err = ST_MALFORMED;
	if (buf_reserve(b, (size_t)n) != ST_OK)
		return b->err;
	vsnprintf(b->data + b->len, (size_t)n + 1, format, ap);
	b->len += (size_t)n;
	return ST_OK;
}

enum status
buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;
	enum status st;

	va_start(ap, format);
	st = buf_vprintf(b, format, ap);
	va_end(ap);
	return st;
}

const char *
buf_str(const struct buf *b)
{
	return b->data == NULL ? "" : b->data;
}

char *
buf_detach(struct buf *b)
{
	char *data;

	buf_reserve(b, 0);
	if (b->err != ST_OK) {
		buf_release(b);
		return NULL;
	}
	data = b->data;
	*b = (struct buf)BUF_INIT;
	return data;
}
