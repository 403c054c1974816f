/*
 * A growing byte buffer. The error is sticky: build the whole, then look at
 * err once. Bytes may include NUL; data is NUL-terminated whenever it is not
 * NULL. The zero value (BUF_INIT) is an empty buffer.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "base/status.h"

/* No buffer grows past this many bytes: the put fails with ST_TOOBIG. */
#define BUF_MAX ((size_t)64 << 20)

struct buf {
	char *data; /* NULL until something was put */
	size_t len; /* bytes in use, without the terminating NUL */
	size_t cap; /* bytes allocated */
	enum status err; /* the first failure; later puts do nothing */
};

#define BUF_INIT \
	{ \
		NULL, 0, 0, ST_OK \
	}

/* Free the memory; the buf is empty again and has no error. */
void buf_release(struct buf *);

/* As buf_release, after overwriting the memory: for secrets. */
void buf_wipe(struct buf *);

/* Forget the content and the error, keep the memory. */
void buf_reset(struct buf *);

/* Make room for n more bytes, so that puts of that size cannot fail. */
enum status buf_reserve(struct buf *, size_t n);

/* Append; the result is buf->err. */
enum status buf_put(struct buf *, const void *, size_t);
enum status buf_puts(struct buf *, const char *);
enum status buf_putc(struct buf *, char);
enum status buf_printf(struct buf *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
enum status buf_vprintf(struct buf *, const char *, va_list)
    __attribute__((format(printf, 2, 0)));

/* The content as a string, "" when empty; valid until the next change. */
const char *buf_str(const struct buf *);

/*
 * Hand the string to the caller, who frees it; the buf is empty again.
 * NULL (and the buf released) if the buf had failed.
 */
char *buf_detach(struct buf *);

#endif
