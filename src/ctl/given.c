#include "ctl/given.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "codec/form.h"
#include "codec/url.h"
#include "config/config.h"
#include "http/request.h"

/* More than any token, whatever its kind. */
#define TOKEN_FILE_MAX 4096

/*
 * Read a descriptor to its end, into memory that is reserved before, so that
 * no piece of a secret stays behind where the buf grew.
 */
static enum status
read_all(int fd, struct buf *out, size_t max)
{
	ssize_t got = 1;

	if (buf_reserve(out, max + 1) != ST_OK)
		return out->err;
	while (got > 0 && out->len <= max) {
		got = read(fd, out->data + out->len, max + 1 - out->len);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got < 0)
			return ST_IO;
		else
			out->len += (size_t)got;
	}
	out->data[out->len] = '\0';
	return out->len > max ? ST_TOOBIG : ST_OK;
}

static int
read_file(const struct ctl *ctl, const char *path, struct buf *out, size_t max)
{
	int fd = STDIN_FILENO;
	enum status e;

	if (!str_eq(path, "-") && (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return ctl_say(
		    ctl, CTL_FAILED, "%s: %s", path, strerror(errno));
	errno = 0;
	e = read_all(fd, out, max);
	if (fd != STDIN_FILENO)
		close(fd);
	if (e == ST_TOOBIG)
		return ctl_say(
		    ctl, CTL_FAILED, "%s: over %zu bytes", path, max);
	if (e != ST_OK)
		return ctl_say(ctl, CTL_FAILED, "%s: %s", path,
		    e == ST_IO ? strerror(errno) : status_text(e));
	return CTL_DONE;
}

#define BODY_MAX ((size_t)1 << 20) /* as much as server.max_body may be */

static int
read_data(const struct ctl *ctl, struct given *g)
{
	const char *data = g->data;

	if (str_eq(data, "-"))
		return read_file(ctl, data, &g->body, BODY_MAX);
	if (*data == '@')
		return read_file(ctl, data + 1, &g->body, BODY_MAX);
	if (buf_puts(&g->body, data) != ST_OK)
		return ctl_fail(ctl, g->body.err, "--data");
	return CTL_DONE;
}

/* The parameters as a body, as if they had been posted. */
static int
write_params(const struct ctl *ctl, struct given *g)
{
	const struct kv_pair *p;
	size_t i, n;

	for (i = 0; i < g->params.n; i++) {
		p = &g->params.pairs[i];
		n = strcspn(p->value, "=");
		if (n == 0 || p->value[n] == '\0')
			return ctl_say(ctl, CTL_USAGE,
			    "--param: NAME=VALUE, not %s", p->value);
		if (g->body.len > 0)
			buf_putc(&g->body, '&');
		form_encode_value(&g->body, p->value, n);
		buf_putc(&g->body, '=');
		form_encode_value(
		    &g->body, p->value + n + 1, p->value_len - n - 1);
	}
	if (g->body.err != ST_OK)
		return ctl_fail(ctl, g->body.err, "--param");
	return CTL_DONE;
}

static int
read_body(const struct ctl *ctl, struct given *g)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const struct request r = { .content_type = g->json_body
		    ? "application/json"
		    : g->content_type == NULL ? form
					      : g->content_type };
	bool is_form = request_is_type(&r, form), malformed;
	enum status st;
	int code = CTL_DONE;

	if (g->json_body && g->content_type != NULL)
		return ctl_say(ctl, CTL_USAGE,
		    "--json-body and --content-type exclude each other");
	if (g->params.n > 0 && (g->data != NULL || !is_form))
		return ctl_say(ctl, CTL_USAGE,
		    "--param makes a form: neither --data nor another type "
		    "go with it");
	if (g->data != NULL)
		code = read_data(ctl, g);
	else
		code = write_params(ctl, g);
	if (code != CTL_DONE)
		return code;
	g->input.url = g->url;
	g->input.body = g->body.data;
	g->input.body_len = g->body.len;
	if (!is_form)
		return CTL_DONE;
	g->input.form = &g->form;
	st = form_parse(g->body.data, g->body.len, &g->form, &malformed);
	if (st == ST_TOOBIG)
		return ctl_say(ctl, CTL_FAILED,
		    "--data: more than %d parameters, which the responder "
		    "refuses (413)",
		    FORM_PARAMS_MAX);
	return st == ST_OK ? CTL_DONE : ctl_fail(ctl, st, "--data");
}

static int
read_token_file(const struct ctl *ctl, struct given *g)
{
	int code = read_file(ctl, g->token_file, &g->token, TOKEN_FILE_MAX);
	size_t n = g->token.len;

	if (code != CTL_DONE)
		return code;
	/* One line end belongs to the file, not to the token. */
	if (n > 0 && g->token.data[n - 1] == '\n')
		n--;
	if (n < g->token.len && n > 0 && g->token.data[n - 1] == '\r')
		n--;
	g->token.data[n] = '\0';
	if (n == 0)
		return ctl_say(ctl, CTL_CONFIG, "%s: there is no token in it",
		    g->token_file);
	if (strlen(g->token.data) != n)
		return ctl_say(
		    ctl, CTL_CONFIG, "%s: this is no token", g->token_file);
	g->tokens[0] = g->token.data;
	return CTL_DONE;
}

static int
read_tokens(const struct ctl *ctl, struct given *g)
{
	size_t n = 0;
	int code;

	if (g->token_file != NULL)
		return read_token_file(ctl, g);
	if ((code = ctl_config(ctl, &g->config)) != CTL_DONE)
		return code;
	if (*g->config->twilio.auth_token != '\0')
		g->tokens[n++] = g->config->twilio.auth_token;
	if (*g->config->twilio.auth_token_previous != '\0') {
		g->previous = n == 1;
		g->tokens[n++] = g->config->twilio.auth_token_previous;
	}
	if (n == 0)
		return ctl_say(ctl, CTL_CONFIG,
		    "there is no token: set twilio.auth_token, or give "
		    "--token-file FILE");
	return CTL_DONE;
}

int
given_read(const struct ctl *ctl, struct given *g)
{
	struct url url;
	int code;

	if (url_split(g->url, strlen(g->url), &url) != ST_OK)
		return ctl_say(ctl, CTL_USAGE,
		    "%s: not a whole URL, like https://example.com/whatsapp",
		    g->url);
	if (str_eq(g->data, "-") && str_eq(g->token_file, "-"))
		return ctl_say(ctl, CTL_USAGE,
		    "--data - and --token-file - both want standard input");
	if ((code = read_body(ctl, g)) != CTL_DONE)
		return code;
	return read_tokens(ctl, g);
}

void
given_release(struct given *g)
{
	buf_wipe(&g->token);
	buf_release(&g->body);
	kv_release(&g->form);
	kv_release(&g->params);
	config_free(g->config);
	g->config = NULL;
}

bool
given_needs_hash(const struct given *g)
{
	return g->input.form == NULL && g->input.body_len > 0;
}
