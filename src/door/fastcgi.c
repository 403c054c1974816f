#include "door/fastcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <sys/select.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"

/* Of the specification (fastcgi.h, which libfcgi installs as a name of its
 * own and not for its users). */
#define FCGI_VERSION_1 1
#define FCGI_STDOUT 6
#define FCGI_HEADER_LEN 8

/* The most that a record holds and that needs no padding. */
#define RECORD ((size_t)65528)

enum status
fastcgi_init(void)
{
	return FCGX_Init() == 0 ? ST_OK : ST_IO;
}

static enum status
read_stdin(void *ctx, char *to, size_t n, size_t *got)
{
	FCGX_Stream *in = ctx;
	int k = FCGX_GetStr(to, (int)n, in);

	*got = k > 0 ? (size_t)k : 0;
	/* -3 and the like: broken off, aborted, or no FastCGI any more. */
	return *got == 0 && FCGX_GetError(in) != 0 ? ST_IO : ST_OK;
}

/* All of the pieces, through a socket that blocks. */
static bool
write_all(int fd, struct iovec *piece, int n)
{
	ssize_t k;

	while (n > 0) {
		k = writev(fd, piece, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		for (; n > 0 && (size_t)k >= piece->iov_len; piece++, n--)
			k -= (ssize_t)piece->iov_len;
		if (n > 0) {
			piece->iov_base = (char *)piece->iov_base + k;
			piece->iov_len -= (size_t)k;
		}
	}
	return true;
}

/*
 * libfcgi copies what it writes into records of 8 kB, each a system call. A
 * large body goes out in full ones, past it, while there is nothing in its
 * stream; the rest and the end of the stream remain to it.
 */
static bool
write_large(FCGX_Request *r, const char *text, size_t len)
{
	unsigned char head[FCGI_HEADER_LEN] = { FCGI_VERSION_1, FCGI_STDOUT,
		(unsigned char)(r->requestId >> 8), (unsigned char)r->requestId,
		RECORD >> 8, RECORD & 0xff };

	if (FCGX_FFlush(r->out) != 0)
		return false;
	for (; len > RECORD; text += RECORD, len -= RECORD) {
		struct iovec pieces[] = { { head, sizeof(head) },
			{ (char *)text, RECORD } };

		if (!write_all(r->ipcFd, pieces, 2))
			return false;
	}
	return FCGX_PutStr(text, (int)len, r->out) == (int)len;
}

/* True if all of it went out. */
static bool
write_reply(FCGX_Request *r, const struct answer *a)
{
	size_t len;
	const char *text = answer_text(a, &len);
	bool good = FCGX_PutStr(text, (int)len, r->out) == (int)len;

	text = answer_rest(a, &len);
	if (good && len > 0)
		good = write_large(r, text, len);
	/* In libfcgi's own order: the last stream to close ends the request. */
	good = FCGX_FClose(r->err) == 0 && good;
	good = FCGX_FClose(r->out) == 0 && good;
	return good;
}

static bool
serve(FCGX_Request *r, int64_t body_us, struct app_slot *slot, struct answer *a,
    struct watch *w)
{
	struct body_source source = { read_stdin, r->in };
	struct app *app = app_slot_get(slot);
	bool whole, cut, written;

	watch_begin(w, r->ipcFd, clock_mono_us() + body_us);
	answer_make(a, app, r->envp, &source);
	cut = watch_end(w);
	app_slot_put(slot, app);
	whole = FCGX_HasSeenEOF(r->in) && FCGX_GetError(r->in) == 0;
	written = write_reply(r, a);
	answer_trim(a);
	return written && whole && !cut;
}

bool
fastcgi_serve(int fd, int64_t body_us, struct app_slot *slot, struct answer *a,
    struct watch *w)
{
	FCGX_Request r;
	bool keep;

	/* libfcgi waits for the peer with select when it closes by itself. */
	if (fd >= FD_SETSIZE || FCGX_InitRequest(&r, -1, 0) != 0) {
		close(fd);
		return false;
	}
	/* keepConnection, or FCGX_Accept_r would first close what it is given;
	 * afterwards it says what the server in front asked for. */
	r.ipcFd = fd;
	r.keepConnection = 1;
	/* If it fails it has closed fd, tried to accept from -1, and left. */
	if (FCGX_Accept_r(&r) != 0)
		return false;
	keep = serve(&r, body_us, slot, a, w) && r.keepConnection;
	/* Not FCGX_Finish_r: it would wait up to 2 s for the peer to close. */
	FCGX_Free(&r, 0);
	if (!keep)
		close(fd);
	return keep;
}
