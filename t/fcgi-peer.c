#include "t/fcgi-peer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

enum { BEGIN = 1, END = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };

void
peer_record(struct buf *b, int type, const void *content, size_t n)
{
	const char head[8] = { 1, (char)type, 0, 1, (char)(n >> 8), (char)n };

	buf_put(b, head, sizeof(head));
	buf_put(b, content, n);
}

static void
put_param(struct buf *b, const char *name, const char *value)
{
	size_t n = strlen(value);
	const char size[4] = { (char)(0x80 | n >> 24), (char)(n >> 16),
		(char)(n >> 8), (char)n };

	buf_putc(b, (char)strlen(name));
	buf_put(b, size, sizeof(size));
	buf_puts(b, name);
	buf_puts(b, value);
}

void
peer_records(struct buf *b, const struct peer_request *q)
{
	const char begin[8] = { 0, 1, (char)q->keep };
	struct buf params = BUF_INIT;
	char length[32];
	size_t n = q->body == NULL ? 0 : strlen(q->body), k;

	snprintf(length, sizeof(length), "%zu", n);
	put_param(&params, "REQUEST_METHOD", q->body == NULL ? "GET" : "POST");
	put_param(&params, "PATH_INFO", q->path);
	put_param(&params, "CONTENT_LENGTH",
	    q->length != NULL     ? q->length
		: q->body == NULL ? ""
				  : length);
	peer_record(b, BEGIN, begin, sizeof(begin));
	peer_record(b, PARAMS, params.data, params.len);
	peer_record(b, PARAMS, "", 0);
	for (size_t at = 0; at < n; at += k) {
		k = n - at < 60000 ? n - at : 60000;
		peer_record(b, STDIN, q->body + at, k);
	}
	peer_record(b, STDIN, "", 0);
	buf_release(&params);
}

int
peer_connect(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	for (int i = 0; i < 500; i++) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
			return fd;
		close(fd);
		usleep(10000);
	}
	return -1;
}

bool
peer_send(int fd, const void *data, size_t n)
{
	const char *p = data;
	ssize_t k;

	for (; n > 0; p += k, n -= (size_t)k)
		if ((k = send(fd, p, n, MSG_NOSIGNAL)) < 0)
			return false;
	return true;
}

static bool
read_all(int fd, void *to, size_t n)
{
	ssize_t k;

	for (char *p = to; n > 0; p += k, n -= (size_t)k)
		if ((k = read(fd, p, n)) <= 0)
			return false;
	return true;
}

bool
peer_reply(int fd, struct buf *out, int *ms)
{
	int64_t began = clock_mono_us();
	unsigned char head[8];
	char content[65536 + 256];
	size_t n;

	for (;;) {
		if (!read_all(fd, head, sizeof(head)))
			return false;
		n = (size_t)head[4] << 8 | head[5];
		if (!read_all(fd, content, n + head[6]))
			return false;
		if (head[1] == STDOUT)
			buf_put(out, content, n);
		if (head[1] == END)
			break;
	}
	if (ms != NULL)
		*ms = (int)((clock_mono_us() - began) / 1000);
	return true;
}

char *
peer_ask(const char *socket_path, const struct peer_request *q, int *ms)
{
	struct buf b = BUF_INIT, out = BUF_INIT;
	int fd = peer_connect(socket_path);

	if (ms != NULL)
		*ms = -1;
	peer_records(&b, q);
	if (fd < 0 || !peer_send(fd, b.data, b.len) ||
	    !peer_reply(fd, &out, ms))
		buf_reset(&out);
	if (fd >= 0)
		close(fd);
	buf_release(&b);
	buf_puts(&out, "");
	return out.data != NULL ? buf_detach(&out) : strdup("");
}
