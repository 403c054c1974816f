#include "door/fastcgi.h"

#include <fcgiapp.h>
#include <sys/select.h>
#include <unistd.h>

#include "base/clock.h"

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

/* True if all of it went out. */
static bool
write_reply(FCGX_Request *r, const struct answer *a)
{
	size_t len;
	const char *text = answer_text(a, &len);
	bool good = FCGX_PutStr(text, (int)len, r->out) == (int)len;

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
