#include "t/aws/front.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "http/client.h"

static struct {
	const char *url, *tls_url, *links;
	struct http_library *library;
	struct http_client *client;
} front;

bool
front_open(void)
{
	struct http_library_options options = { 0 };
	struct buf why = BUF_INIT;

	front.url = getenv("AWS_FRONT");
	front.tls_url = getenv("AWS_FRONT_TLS");
	front.links = getenv("AWS_FRONT_LINKS");
	if (front.url == NULL)
		return false;
	if (http_library_open(&front.library, &options) != ST_OK ||
	    http_client_open(&front.client, front.library, &why) != ST_OK) {
		fprintf(stderr, "%s\n", buf_str(&why));
		exit(99);
	}
	return true;
}

void
front_close(void)
{
	http_client_close(front.client);
	http_library_close(front.library);
}

const char *
front_url(void)
{
	return front.url;
}

const char *
front_tls_url(void)
{
	return front.tls_url;
}

bool
front_has(const char *address)
{
	return front.links != NULL && strstr(front.links, address) != NULL;
}

/* GET without a body, else POST. */
static struct json *
control(const char *body)
{
	struct http_call call = { .method = body == NULL ? "GET" : "POST",
		.body = body,
		.body_len = body == NULL ? 0 : strlen(body),
		.max_body = (size_t)64 << 20 };
	struct http_reply reply;
	struct json *root = NULL;
	char url[128];

	snprintf(url, sizeof(url), "%s/control", front.url);
	call.url = url;
	if (http_client_send(front.client, &call, &reply) != ST_OK) {
		fprintf(stderr, "%s\n", http_client_error(front.client));
		exit(99);
	}
	CU_ASSERT_EQUAL(reply.code, 200);
	CU_ASSERT_EQUAL(
	    json_parse(reply.body.data, reply.body.len, &root), ST_OK);
	http_reply_release(&reply);
	return root;
}

void
front_set(const char *json, ...)
{
	struct buf body = BUF_INIT;
	va_list ap;

	va_start(ap, json);
	buf_vprintf(&body, json, ap);
	va_end(ap);
	json_free(control(buf_str(&body)));
	buf_release(&body);
}

struct json *
front_state(void)
{
	return control(NULL);
}

/* Count, and find the last. */
static size_t
find(const struct json *state, const char *operation, const struct json **last)
{
	const struct json *list, *r;
	const char *its;
	size_t n = 0;

	*last = NULL;
	CU_ASSERT_EQUAL_FATAL(json_member(state, "requests", &list), ST_OK);
	for (r = json_first(list); r != NULL; r = json_next(r)) {
		if (json_member_text(r, "operation", &its) != ST_OK ||
		    strcmp(its, operation) != 0)
			continue;
		*last = r;
		n++;
	}
	return n;
}

size_t
front_count(const char *operation)
{
	struct json *state = front_state();
	const struct json *last;
	size_t n = find(state, operation, &last);

	json_free(state);
	return n;
}

char *
front_last(const char *operation, const char *name)
{
	struct json *state = front_state();
	const struct json *last, *headers;
	const char *text = NULL;
	char *copy;

	(void)find(state, operation, &last);
	if (last != NULL && *name == '\0')
		(void)json_member_text(last, "body", &text);
	else if (last != NULL && strcmp(name, "url") == 0)
		(void)json_member_text(last, "url", &text);
	else if (last != NULL &&
	    json_member(last, "headers", &headers) == ST_OK)
		(void)json_member_text(headers, name, &text);
	copy = strdup(text == NULL ? "" : text);
	json_free(state);
	return copy;
}

void
front_last_is(const char *operation, const char *name, const char *want)
{
	char *text = front_last(operation, name);

	CU_ASSERT_STRING_EQUAL(text, want);
	free(text);
}

bool
front_last_has(const char *operation, const char *name, const char *part)
{
	char *text = front_last(operation, name);
	bool has = strstr(text, part) != NULL;

	if (!has)
		fprintf(stderr, "%s %s: %s lacks %s\n", operation, name, text,
		    part);
	free(text);
	return has;
}

/* --- rigs ------------------------------------------------------------------- */

void
rig_var(struct rig *r, const char *format, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&b, format, ap);
	va_end(ap);
	if (r->n == RIG_VARS || (r->vars[r->n++] = buf_detach(&b)) == NULL)
		exit(99);
}

void
rig_init(struct rig *r)
{
	*r = (struct rig){ .n = 0 };
	rig_var(r, "AWS_REGION=us-east-1");
	rig_var(r, "AWS_ENDPOINT_URL=%s", front.url);
	/* Off unless a test wants it: without a network it takes a second. */
	rig_var(r, "AWS_METADATA_SERVICE_TIMEOUT=1");
}

void
rig_keys(struct rig *r, const char *id, const char *secret)
{
	rig_var(r, "AWS_ACCESS_KEY_ID=%s", id);
	rig_var(r, "AWS_SECRET_ACCESS_KEY=%s", secret);
}

enum status
rig_try(struct rig *r, struct buf *why)
{
	const struct aws_options o = {
		.envp = r->vars, .proxy = r->proxy, .log = r->log
	};
	enum status st = aws_open(&r->aws, &o, why);

	return st == ST_OK ? aws_client_open(&r->client, r->aws, why) : st;
}

void
rig_open(struct rig *r)
{
	struct buf why = BUF_INIT;

	CU_ASSERT_EQUAL_FATAL(rig_try(r, &why), ST_OK);
	buf_release(&why);
}

void
rig_close(struct rig *r)
{
	aws_client_close(r->client);
	aws_close(r->aws);
	while (r->n > 0)
		free(r->vars[--r->n]);
	log_close(r->log);
}

void
rig_start(struct rig *r)
{
	rig_init(r);
	rig_keys(r, "AKIDTEST", "secret-of-test");
	rig_open(r);
}

enum status
rig_ask(struct rig *r, enum aws_service service, const char *operation,
    const char *format, ...)
{
	struct buf body = BUF_INIT;
	const struct aws_call call = {
		.service = service, .operation = operation, .body = &body
	};
	struct aws_reply reply;
	enum status st;
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&body, format, ap);
	va_end(ap);
	st = aws_call(r->client, &call, &reply);
	aws_reply_release(&reply);
	buf_release(&body);
	return st;
}

enum status
rig_call(struct rig *r)
{
	return rig_ask(r, AWS_DYNAMODB, "ListTables", "{}");
}

void
rig_error_has(struct rig *r, const char *part)
{
	const char *text = aws_client_error(r->client);

	CU_ASSERT_PTR_NOT_NULL(strstr(text, part));
	if (strstr(text, part) == NULL)
		fprintf(stderr, "\"%s\" lacks \"%s\"\n", text, part);
	/* Whatever it says, it does not say this. */
	CU_ASSERT_PTR_NULL(strstr(text, "secret-"));
	CU_ASSERT_PTR_NULL(strstr(text, "token-ASIA"));
}

const char *
rig_file(const char *name, const char *content)
{
	static char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", test_tmpdir(), name);
	if ((f = fopen(path, "w")) == NULL || fputs(content, f) < 0)
		exit(99);
	fclose(f);
	return path;
}
