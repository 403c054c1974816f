#include "door/answer.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "config/config.h"
#include "serve/serve.h"

/* Memory that a large reply took is given back after it. */
#define KEEP_MAX ((size_t)64 << 10)

void
answer_release(struct answer *a)
{
	response_release(&a->response);
	buf_release(&a->text);
}

void
answer_trim(struct answer *a)
{
	if (a->text.cap > KEEP_MAX || a->response.body.cap > KEEP_MAX)
		answer_release(a);
}

static void
answer_reset(struct answer *a)
{
	answer_trim(a);
	a->apart = false;
	response_reset(&a->response);
	buf_reset(&a->text);
}

void
answer_error(struct answer *a, int code, const char *message)
{
	answer_reset(a);
	if (str_uuid(a->id) != ST_OK)
		memcpy(a->id, "unknown", sizeof("unknown"));
	response_error(&a->response, code, message, a->id);
	response_header(&a->response, "X-Request-Id", a->id);
	response_write(&a->response, false, &a->text);
}

void
answer_refuse(struct answer *a, const struct app *app)
{
	answer_error(a, 503, "Not available now, try again");
	app_refused(app, 503);
}

/* The response is made: now its text. */
static void
served(struct exchange *x)
{
	struct answer *a = (struct answer *)x;
	bool head = a->request.method == METHOD_HEAD;

	a->apart = !head && a->response.body.len > KEEP_MAX;
	response_write(&a->response, a->apart || head, &a->text);
	request_release(&a->request);
	if (a->made != NULL)
		a->made(a);
}

void
answer_make(struct answer *a, const struct app *app, char *const *envp,
    const struct body_source *source)
{
	struct request *r = &a->request;
	const struct config *c = app->config;
	bool waits = a->made == NULL;
	enum status st;

	answer_reset(a);
	*r = (struct request){ .method = METHOD_OTHER };
	st = request_init(r, envp, c->server.base_path);
	if (request_read_body(r, source, (size_t)c->server.max_body) != ST_OK)
		st = ST_NOMEM;
	if (st == ST_OK) {
		a->exchange = (struct exchange){ .app = app,
			.request = r,
			.response = &a->response,
			.served = waits ? NULL : served };
		app_serve(&a->exchange);
		if (waits)
			served(&a->exchange);
		return;
	}
	if (st == ST_MALFORMED) {
		answer_error(a, 400, "Malformed request");
		app_malformed(app, a->id, request_lack(r));
	} else {
		answer_refuse(a, app);
	}
	request_release(r);
	if (!waits)
		a->made(a);
}

const char *
answer_text(const struct answer *a, size_t *len)
{
	static const char fallback[] =
	    "Status: 503 Service Unavailable\r\n"
	    "Content-Type: application/json\r\n"
	    "Retry-After: 1\r\n"
	    "X-Request-Id: unknown\r\n"
	    "\r\n"
	    "{\"error\":\"Not available now, try again\","
	    "\"request_id\":\"unknown\"}\n";

	if (a->text.err == ST_OK && a->text.len > 0) {
		*len = a->text.len;
		return a->text.data;
	}
	*len = sizeof(fallback) - 1;
	return fallback;
}

const char *
answer_rest(const struct answer *a, size_t *len)
{
	bool whole = a->apart && a->text.err == ST_OK && a->text.len > 0;

	*len = whole ? a->response.body.len : 0;
	return buf_str(&a->response.body);
}
