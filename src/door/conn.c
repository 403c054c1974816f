#include "door/conn.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* So much is read at a time; usually it is all of a request. */
#define CHUNK ((size_t)16 << 10)

/* What goes out with one call: records as header and content, and the end. */
#define OUT_RECORDS 8
#define OUT_PIECES (2 * OUT_RECORDS + 1)

void
conn_init(struct conn *c, int fd, unsigned connections, size_t body_max)
{
	*c = (struct conn){ .fd = fd, .ahead = BUF_INIT };
	records_init(&c->in, connections, body_max);
}

void
conn_close(struct conn *c)
{
	records_release(&c->in);
	buf_release(&c->ahead);
	close(c->fd);
	c->fd = -1;
}

/* ---- read ---- */

/* A peer that does not take some bytes has not read those before. */
static void
send_fixed(struct conn *c)
{
	struct records *in = &c->in;
	ssize_t n = send(c->fd, in->reply, in->reply_len, MSG_NOSIGNAL);

	if (n != (ssize_t)in->reply_len)
		in->state = RECORDS_OVER;
	in->reply_len = 0;
}

static void
take(struct conn *c, const char *data, size_t n)
{
	size_t at = 0;

	while (at < n && c->in.state < RECORDS_WHOLE) {
		at += records_take(&c->in, data + at, n - at);
		if (c->in.reply_len > 0)
			send_fixed(c);
	}
	if (c->in.state == RECORDS_WHOLE && at < n &&
	    buf_put(&c->ahead, data + at, n - at) != ST_OK)
		c->in.keep = false;
}

enum records_state
conn_read(struct conn *c)
{
	struct buf ahead = c->ahead;
	char chunk[CHUNK];
	ssize_t n;

	if (ahead.len > 0) {
		c->ahead = (struct buf)BUF_INIT;
		take(c, ahead.data, ahead.len);
		buf_release(&ahead);
		return c->in.state;
	}
	do
		n = recv(c->fd, chunk, sizeof(chunk), 0);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		take(c, chunk, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		records_end(&c->in);
	return c->in.state;
}

bool
conn_has_input(const struct conn *c)
{
	char byte;

	return c->ahead.len > 0 ||
	    recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* ---- written ---- */

struct out {
	struct conn *conn;
	size_t skip; /* what has been sent before */
	struct iovec piece[OUT_PIECES];
	int n;
	uint8_t head[OUT_RECORDS][RECORDS_HEAD];
	size_t heads;
};

/* False: the peer takes no more, now (EAGAIN) or at all. */
static bool
out_flush(struct out *o)
{
	struct iovec *piece = o->piece;
	ssize_t k;

	while (o->n > 0) {
		do
			k = writev(o->conn->fd, piece, o->n);
		while (k < 0 && errno == EINTR);
		if (k < 0)
			return false;
		o->conn->sent += (size_t)k;
		for (; o->n > 0 && (size_t)k >= piece->iov_len; piece++, o->n--)
			k -= (ssize_t)piece->iov_len;
		if (o->n > 0) {
			piece->iov_base = (char *)piece->iov_base + k;
			piece->iov_len -= (size_t)k;
		}
	}
	o->heads = 0;
	return true;
}

static void
out_put(struct out *o, const void *data, size_t n)
{
	size_t skip = o->skip < n ? o->skip : n;

	o->skip -= skip;
	if (n > skip)
		o->piece[o->n++] =
		    (struct iovec){ (char *)data + skip, n - skip };
}

static bool
out_text(struct out *o, const struct records *in, const char *text, size_t len)
{
	size_t n;

	for (; len > 0; text += n, len -= n) {
		n = len < RECORDS_CONTENT_MAX ? len : RECORDS_CONTENT_MAX;
		if (o->heads == OUT_RECORDS && !out_flush(o))
			return false;
		records_head(in, n, o->head[o->heads]);
		out_put(o, o->head[o->heads++], RECORDS_HEAD);
		out_put(o, text, n);
	}
	return true;
}

enum conn_reply
conn_reply(struct conn *c, const struct answer *a)
{
	struct out o = { .conn = c, .skip = c->answer == NULL ? 0 : c->sent };
	uint8_t tail[RECORDS_TAIL];
	size_t len, rest_len;
	const char *text = answer_text(a, &len);
	const char *rest = answer_rest(a, &rest_len);
	bool good;

	if (c->answer == NULL)
		c->sent = 0;
	c->answer = a;
	records_tail(&c->in, tail);
	good = out_text(&o, &c->in, text, len) &&
	    out_text(&o, &c->in, rest, rest_len);
	if (good) {
		out_put(&o, tail, sizeof(tail));
		good = out_flush(&o);
	}
	if (!good && errno == EAGAIN)
		return CONN_LATER;
	c->answer = NULL;
	good = good && c->in.keep;
	records_reset(&c->in);
	return good ? CONN_KEPT : CONN_ENDED;
}
