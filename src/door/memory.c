/* The door for tests and for requests made in process. */
#include "door/door.h"

#include <string.h>

#include "door/answer.h"

struct memory {
	const char *data;
	size_t left;
};

static enum status
memory_read(void *ctx, char *to, size_t n, size_t *got)
{
	struct memory *m = ctx;

	*got = n < m->left ? n : m->left;
	if (*got > 0)
		memcpy(to, m->data, *got);
	m->data += *got;
	m->left -= *got;
	return ST_OK;
}

enum status
door_memory(const struct app *app, char *const *envp, const void *body,
    size_t body_len, struct buf *reply)
{
	struct memory m = { body_len == 0 ? "" : body, body_len };
	struct body_source source = { memory_read, &m };
	struct answer a = { .text = BUF_INIT };
	const char *text;
	enum status st;
	size_t len;

	answer_make(&a, app, envp, &source);
	text = answer_text(&a, &len);
	st = buf_put(reply, text, len);
	text = answer_rest(&a, &len);
	if (st == ST_OK)
		st = buf_put(reply, text, len);
	answer_release(&a);
	return st;
}
