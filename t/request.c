#include "t/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/form.h"
#include "door/door.h"
#include "t/test.h"
#include "twilio/signature.h"

static void
must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "%s\n", what);
		exit(99);
	}
}

/* Write the configuration of one more test application. */
static void
write_config(const char *path, int number, const char *config)
{
	FILE *f = fopen(path, "w");

	must(f != NULL, path);
	fprintf(f,
	    "[server]\npublic_url = " TEST_ORIGIN "\nlog_target = %s/log\n"
	    "[twilio]\nauth_token = " TEST_TOKEN "\n"
	    "[store]\npath = %s/%d.db\n%s",
	    test_tmpdir(), test_tmpdir(), number, config == NULL ? "" : config);
	must(fclose(f) == 0, path);
}

struct app *
test_app(const char *config)
{
	static char *const no_environment[] = { NULL };
	static int number;
	struct app_options o = { .envp = no_environment };
	struct buf errors = BUF_INIT;
	struct app *app;
	char path[256];

	snprintf(path, sizeof(path), "%s/%d.conf", test_tmpdir(), ++number);
	write_config(path, number, config);
	o.config_file = path;
	if (app_open(&app, &o, &errors) != ST_OK) {
		fprintf(stderr, "%s", buf_str(&errors));
		exit(99);
	}
	buf_release(&errors);
	return app;
}

struct ports *
test_ports(struct app *app)
{
	struct ports *p = ports_take(app->ports);

	must(p != NULL, "ports_take");
	ports_give(app->ports, p);
	return p;
}

const char *
test_voice_config(void)
{
	static char config[1024];
	const char *srcdir = getenv("SRCDIR");

	snprintf(config, sizeof(config),
	    "[server]\nconsole =\n[voice]\ntemplates = %s/templates\n",
	    srcdir == NULL ? "." : srcdir);
	return config;
}

/* The signature that Twilio would send with this request. */
static void
sign(const struct test_request *q, char out[static SIGNATURE_MAX])
{
	struct signature_input in = { .body = q->body,
		.body_len = q->body == NULL ? 0 : strlen(q->body) };
	struct kv form = KV_INIT;
	char url[8192];
	bool malformed;

	snprintf(url, sizeof(url), TEST_ORIGIN "%s", q->uri);
	in.url = url;
	if (q->type == NULL) {
		must(form_parse(in.body, in.body_len, &form, &malformed) ==
			ST_OK,
		    "form_parse");
		in.form = &form;
	}
	must(signature_make(&in, TEST_TOKEN, out) == ST_OK, "signature_make");
	kv_release(&form);
}

struct variables {
	char text[16][8192];
	char *envp[17];
	size_t n;
};

static void
set(struct variables *v, const char *name, const char *value)
{
	if (value == NULL)
		return;
	snprintf(v->text[v->n], sizeof(v->text[0]), "%s=%s", name, value);
	v->envp[v->n] = v->text[v->n];
	v->envp[++v->n] = NULL;
}

static void
set_all(struct variables *v, const struct test_request *q)
{
	char path[2048], number[32], signature[SIGNATURE_MAX];
	const char *query = strchr(q->uri, '?');

	if (q->path != NULL)
		snprintf(path, sizeof(path), "%s", q->path);
	else
		snprintf(path, sizeof(path), "%.*s", (int)strcspn(q->uri, "?"),
		    q->uri);
	set(v, "REQUEST_METHOD",
	    q->method != NULL     ? q->method
		: q->body != NULL ? "POST"
				  : "GET");
	set(v, "PATH_INFO", path);
	set(v, "REQUEST_URI", q->uri);
	set(v, "QUERY_STRING", query == NULL ? "" : query + 1);
	if (q->body != NULL) {
		snprintf(number, sizeof(number), "%zu", strlen(q->body));
		set(v, "CONTENT_LENGTH", number);
		set(v, "CONTENT_TYPE",
		    q->type != NULL ? q->type
				    : "application/x-www-form-urlencoded");
	}
	if (q->sign)
		sign(q, signature);
	set(v, "HTTP_X_TWILIO_SIGNATURE", q->sign ? signature : q->signature);
	if (q->extra != NULL) {
		v->envp[v->n] = (char *)q->extra;
		v->envp[++v->n] = NULL;
	}
	if (q->more != NULL) {
		v->envp[v->n] = (char *)q->more;
		v->envp[++v->n] = NULL;
	}
}

struct test_reply
test_ask(struct app *app, const struct test_request *q)
{
	struct variables *v = calloc(1, sizeof(*v));
	struct test_reply r = { .text = BUF_INIT };
	const char *blank;

	must(v != NULL, "calloc");
	set_all(v, q);
	must(door_memory(app, v->envp, q->body,
		 q->body == NULL ? 0 : strlen(q->body), &r.text) == ST_OK,
	    "door_memory");
	free(v);
	must(strncmp(r.text.data, "Status: ", 8) == 0, "no Status line");
	r.status = atoi(r.text.data + 8);
	must(
	    (blank = strstr(r.text.data, "\r\n\r\n")) != NULL, "no blank line");
	r.body = blank + 4;
	return r;
}

void
test_reply_release(struct test_reply *r)
{
	buf_release(&r->text);
}

bool
test_has_header(const struct test_reply *r, const char *line)
{
	const char *at = r->text.data;
	size_t n = strlen(line);

	while ((at = strstr(at, line)) != NULL && at < r->body) {
		if ((at == r->text.data || at[-1] == '\n') && at[n] == '\r')
			return true;
		at += n;
	}
	return false;
}
