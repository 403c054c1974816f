#include "ctl/terminal.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utf8.h"

struct terminal {
	int fd;
	char cut[UTF8_MAX]; /* a character of which the rest is to come */
	size_t cut_len;
};

static bool
terminal_passes(uint32_t code)
{
	return code == '\n' || code == '\t' || !utf8_is_control(code);
}

/* May more bytes make a character of these, which are none yet? */
static bool
terminal_is_cut(const char *s, size_t step, size_t left)
{
	unsigned char c = (unsigned char)s[0];

	return step == left && c >= 0xc2 && c <= 0xf4;
}

/* Append s as it may be shown, and keep what is cut at its end. */
static void
terminal_filter(struct terminal *t, const char *s, size_t left, struct buf *out)
{
	uint32_t code;
	size_t step;
	bool valid;

	t->cut_len = 0;
	for (; left > 0; s += step, left -= step) {
		step = utf8_step(s, left, &valid);
		code = valid ? utf8_code(s, step) : 0;
		if (!valid && terminal_is_cut(s, step, left)) {
			memcpy(t->cut, s, step);
			t->cut_len = step;
		} else if (!valid) {
			buf_puts(out, UTF8_REPLACEMENT);
		} else if (terminal_passes(code)) {
			buf_put(out, s, step);
		} else {
			buf_printf(out, "\\u%04x", (unsigned)code);
		}
	}
}

static bool
terminal_put(int fd, const char *s, size_t left)
{
	ssize_t n;

	for (; left > 0; s += n, left -= (size_t)n) {
		do
			n = write(fd, s, left);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return false;
	}
	return true;
}

/* A stream's write: all of it, or 0 with errno set. */
static ssize_t
terminal_write(void *cookie, const char *s, size_t n)
{
	struct buf in = BUF_INIT, out = BUF_INIT;
	struct terminal *t = cookie;
	bool done = false;

	buf_put(&in, t->cut, t->cut_len);
	buf_put(&in, s, n);
	terminal_filter(t, in.data, in.len, &out);
	if (in.err != ST_OK || out.err != ST_OK)
		errno = ENOMEM;
	else
		done = terminal_put(t->fd, out.data, out.len);
	buf_release(&in);
	buf_release(&out);
	return done ? (ssize_t)n : 0;
}

static int
terminal_close(void *cookie)
{
	free(cookie);
	return 0;
}

FILE *
terminal_open(int fd)
{
	static const cookie_io_functions_t io = { .write = terminal_write,
		.close = terminal_close };
	struct terminal *t = calloc(1, sizeof(*t));
	FILE *f = NULL;

	if (t == NULL)
		return NULL;
	t->fd = fd;
	if ((f = fopencookie(t, "w", io)) == NULL) {
		free(t);
		return NULL;
	}
	if (fd == STDERR_FILENO)
		setvbuf(f, NULL, _IONBF, 0);
	else if (isatty(fd))
		setvbuf(f, NULL, _IOLBF, 0);
	return f;
}
