#include "ctl/webhook.h"

#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "base/str.h"
#include "codec/crypt.h"
#include "codec/form.h"
#include "codec/url.h"
#include "config/config.h"
#include "door/door.h"
#include "http/client.h"
#include "twilio/signature.h"

#define FORM_TYPE "application/x-www-form-urlencoded"
#define USER_AGENT "TwilioProxy/1.1"

/* A parameter's name and value, each with its NUL. */
struct webhook_piece {
	struct webhook_piece *next;
	char text[];
};

void
webhook_release(struct webhook *w)
{
	while (w->pieces) {
		struct webhook_piece *next = w->pieces->next;

		free(w->pieces);
		w->pieces = next;
	}
	kv_release(&w->form);
}

void
webhook_answer_release(struct webhook_answer *a)
{
	buf_release(&a->body);
	buf_release(&a->url);
	buf_release(&a->signed_url);
}

enum status
webhook_add(struct webhook *w, const char *name, const char *value)
{
	size_t n = strlen(name), v = strlen(value);
	struct webhook_piece *piece = malloc(sizeof(*piece) + n + v + 2);

	if (!piece)
		return ST_NOMEM;
	memcpy(piece->text, name, n + 1);
	memcpy(piece->text + n + 1, value, v + 1);
	piece->next = w->pieces;
	w->pieces = piece;
	return kv_add(&w->form, piece->text, n, piece->text + n + 1, v);
}

/* Does one of the "name=value" texts have that name? */
static bool
has_name(const struct kv *params, const char *name, size_t len)
{
	for (size_t i = 0; i < params->n; i++)
		if (strncmp(params->pairs[i].value, name, len) == 0 &&
		    params->pairs[i].value[len] == '=')
			return true;
	return false;
}

enum status
webhook_override(struct webhook *w, const struct kv *params, const char **bad)
{
	struct kv *form = &w->form;
	enum status e = ST_OK;
	size_t kept = 0;

	for (size_t i = 0; i < form->n; i++)
		if (!has_name(
			params, form->pairs[i].name, form->pairs[i].name_len))
			form->pairs[kept++] = form->pairs[i];
	form->n = kept;
	for (size_t i = 0; i < params->n && e == ST_OK; i++) {
		const char *text = params->pairs[i].value;
		size_t len = strcspn(text, "=");

		*bad = text;
		if (len == 0 || text[len] == '\0')
			return ST_MALFORMED;
		e = kv_add(
		    form, text, len, text + len + 1, strlen(text + len + 1));
	}
	return e;
}

enum status
webhook_sid(const char prefix[static 2], char out[static WEBHOOK_SID_MAX])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char bytes[16];
	enum status e = crypt_random(bytes, sizeof(bytes));

	out[0] = prefix[0];
	out[1] = prefix[1];
	for (size_t i = 0; i < sizeof(bytes); i++) {
		out[2 + 2 * i] = hex[bytes[i] >> 4];
		out[3 + 2 * i] = hex[bytes[i] & 15];
	}
	out[WEBHOOK_SID_MAX - 1] = '\0';
	return e;
}

/* --- the signature --------------------------------------------------------- */

/* The part of a path and query below server.base_path, whole segments only. */
static const char *
below_base(const struct config *c, const char *target)
{
	const char *base = c->server.base_path;
	size_t n = strlen(base);

	if (n > 0 && str_starts(target, base) && strchr("/?", target[n]))
		return target + n;
	return target;
}

/* What Twilio signs: the public URL, or without one the URL as it stands. */
static enum status
put_signed_url(const struct config *c, const char *url, const char *target,
    struct buf *out)
{
	if (str_empty(c->server.public_url))
		return buf_puts(out, url);
	buf_puts(out, c->server.public_url);
	return buf_puts(out, below_base(c, target));
}

/* "" if nothing has to be signed. CTL_DONE, or told on err. */
static int
sign(const struct ctl *ctl, const struct config *c, const char *url,
    const struct kv *form, const struct buf *body,
    char signature[static SIGNATURE_MAX])
{
	struct signature_input in = { url, form, body->data, body->len };
	enum status e;

	signature[0] = '\0';
	if (str_empty(c->twilio.auth_token)) {
		if (c->server.signature == SIGNATURE_OFF)
			return CTL_DONE;
		return ctl_say(ctl, CTL_CONFIG,
		    "twilio.auth_token is not set: nothing to sign with");
	}
	e = signature_make(&in, c->twilio.auth_token, signature);
	return e == ST_OK ? CTL_DONE : ctl_fail(ctl, e, "signature");
}

/* --- over the network ------------------------------------------------------ */

static enum status
add(struct kv *kv, const char *name, const char *value)
{
	return kv_add(kv, name, strlen(name), value, strlen(value));
}

static enum status
make_headers(struct kv *headers, const char *signature, const char *token)
{
	enum status e = add(headers, "Content-Type", FORM_TYPE);

	if (e == ST_OK)
		e = add(headers, "I-Twilio-Idempotency-Token", token);
	if (e == ST_OK && *signature != '\0')
		e = add(headers, "X-Twilio-Signature", signature);
	return e;
}

/* One request with a client made for it. */
static int
post(const struct ctl *ctl, const char *url, const char *signature,
    const struct buf *body, struct webhook_answer *answer)
{
	struct http_library_options o = { .user_agent = USER_AGENT };
	struct http_library *library = NULL;
	struct http_client *client = NULL;
	struct kv headers = KV_INIT;
	struct http_call call = { .method = "POST",
		.url = url,
		.headers = &headers,
		.body = buf_str(body),
		.body_len = body->len };
	struct http_reply reply = { 0 };
	struct buf why = BUF_INIT;
	char token[STR_UUID_MAX];
	enum status e = str_uuid(token);
	int code = CTL_DONE;

	if (e == ST_OK)
		e = make_headers(&headers, signature, token);
	if (e == ST_OK)
		e = http_library_open(&library, &o);
	if (e == ST_OK)
		e = http_client_open(&client, library, &why);
	if (e == ST_OK) {
		e = http_client_send(client, &call, &reply);
		if (e != ST_OK)
			buf_puts(&why, http_client_error(client));
	}
	if (e == ST_OK) {
		answer->code = reply.code;
		e = buf_put(&answer->body, reply.body.data, reply.body.len);
	}
	/* Whatever is wrong with the way there, the world failed. */
	if (e != ST_OK)
		code = ctl_say(ctl, CTL_FAILED, "%s",
		    why.len > 0 ? buf_str(&why) : status_text(e));
	http_reply_release(&reply);
	http_client_close(client);
	http_library_close(library);
	kv_release(&headers);
	buf_release(&why);
	return code;
}

/* The whole address: an operator may name the server only. */
static enum status
put_address(const char *url, const char *path, struct buf *out)
{
	struct url u;
	size_t end;

	if (url_split(url, strlen(url), &u) != ST_OK ||
	    !(url_part_is(&u.scheme, "http") ||
		url_part_is(&u.scheme, "https")))
		return ST_MALFORMED;
	end = (size_t)(u.tail.data - url);
	buf_put(out, url, end);
	if (u.path.len <= 1 && !u.query.data)
		return buf_puts(out, path);
	/* A fragment never travels. */
	return buf_put(out, u.tail.data, strcspn(u.tail.data, "#"));
}

int
webhook_post(const struct ctl *ctl, const struct config *c, const char *url,
    const struct webhook *w, struct webhook_answer *answer)
{
	struct buf *signed_url = &answer->signed_url;
	struct buf body = BUF_INIT;
	char signature[SIGNATURE_MAX];
	const char *address, *target;
	int code;

	if (put_address(url, w->path, &answer->url) != ST_OK)
		return ctl_say(ctl, CTL_USAGE,
		    "--url: %s is no http:// or https:// address", url);
	address = buf_str(&answer->url);
	target = strstr(address, "://") + 3;
	target += strcspn(target, "/?");
	form_encode(&body, &w->form);
	put_signed_url(c, address, target, signed_url);
	if (body.err != ST_OK || signed_url->err != ST_OK)
		code = ctl_fail(ctl, ST_NOMEM, "message");
	else
		code = sign(
		    ctl, c, buf_str(signed_url), &w->form, &body, signature);
	if (code == CTL_DONE)
		code = post(ctl, address, signature, &body, answer);
	buf_release(&body);
	return code;
}

/* --- in process ------------------------------------------------------------ */

/* CGI variables, each "NAME=value" in a piece of memory of its own. */
#define VARS_MAX 16
struct vars {
	struct buf text[VARS_MAX];
	char *envp[VARS_MAX + 1];
	size_t n;
	enum status status;
};

static void
set(struct vars *v, const char *name, const char *value)
{
	struct buf *text = &v->text[v->n];

	if (buf_printf(text, "%s=%s", name, value) != ST_OK)
		v->status = text->err;
	v->envp[v->n++] = text->data;
}

static void
vars_release(struct vars *v)
{
	for (size_t i = 0; i < v->n; i++)
		buf_release(&v->text[i]);
}

static enum status
set_vars(struct vars *v, const struct webhook *w, const char *uri,
    const char *signature, size_t length)
{
	char number[24], token[STR_UUID_MAX], path[256];
	enum status e = str_uuid(token);
	size_t end = strcspn(w->path, "?");

	snprintf(number, sizeof(number), "%zu", length);
	snprintf(path, sizeof(path), "%.*s", (int)end, w->path);
	set(v, "REQUEST_METHOD", "POST");
	set(v, "PATH_INFO", path);
	set(v, "REQUEST_URI", uri);
	set(v, "QUERY_STRING", w->path + end + (w->path[end] == '?'));
	set(v, "CONTENT_TYPE", FORM_TYPE);
	set(v, "CONTENT_LENGTH", number);
	set(v, "SERVER_PROTOCOL", "HTTP/1.1");
	set(v, "SERVER_NAME", "localhost");
	set(v, "SERVER_PORT", "443");
	set(v, "HTTPS", "on");
	set(v, "REMOTE_ADDR", "127.0.0.1");
	set(v, "HTTP_HOST", "localhost");
	set(v, "HTTP_USER_AGENT", USER_AGENT);
	set(v, "HTTP_I_TWILIO_IDEMPOTENCY_TOKEN", token);
	if (*signature != '\0')
		set(v, "HTTP_X_TWILIO_SIGNATURE", signature);
	return e == ST_OK ? v->status : e;
}

/* The reply in CGI's form: "Status: 200 OK", other headers, blank, body. */
static enum status
read_reply(const struct buf *reply, struct webhook_answer *answer)
{
	const char *text = buf_str(reply);
	const char *blank = strstr(text, "\r\n\r\n");

	if (!blank || !str_starts(text, "Status: "))
		return ST_MALFORMED;
	answer->code = (int)strtol(text + strlen("Status: "), NULL, 10);
	blank += 4;
	return buf_put(
	    &answer->body, blank, reply->len - (size_t)(blank - text));
}

static int
answer_here(const struct ctl *ctl, const struct app *app,
    const struct webhook *w, const char *uri, const struct buf *body,
    struct webhook_answer *answer)
{
	struct vars vars = { .status = ST_OK };
	struct buf reply = BUF_INIT;
	char signature[SIGNATURE_MAX];
	enum status e;
	int code = sign(
	    ctl, app->config, buf_str(&answer->url), &w->form, body, signature);

	if (code != CTL_DONE)
		return code;
	e = set_vars(&vars, w, uri, signature, body->len);
	if (e == ST_OK)
		e = door_memory(
		    app, vars.envp, buf_str(body), body->len, &reply);
	if (e == ST_OK)
		e = read_reply(&reply, answer);
	if (e != ST_OK)
		code = ctl_fail(ctl, e, "%s", w->path);
	vars_release(&vars);
	buf_release(&reply);
	return code;
}

int
webhook_answer_here(const struct ctl *ctl, const struct app *app,
    const struct webhook *w, struct webhook_answer *answer)
{
	struct buf body = BUF_INIT, uri = BUF_INIT, url = BUF_INIT;
	int code;

	form_encode(&body, &w->form);
	buf_printf(&uri, "%s%s", app->config->server.base_path, w->path);
	buf_printf(&url, "https://localhost%s", buf_str(&uri));
	put_signed_url(app->config, buf_str(&url), buf_str(&uri), &answer->url);
	if (body.err != ST_OK || uri.err != ST_OK || answer->url.err != ST_OK)
		code = ctl_fail(ctl, ST_NOMEM, "%s", w->path);
	else
		code = answer_here(ctl, app, w, buf_str(&uri), &body, answer);
	buf_release(&body);
	buf_release(&uri);
	buf_release(&url);
	return code;
}
