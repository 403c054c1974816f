#include "ctl/webhook.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/crypt.h"
#include "codec/form.h"
#include "codec/url.h"
#include "config/config.h"
#include "door/door.h"
#include "http/client.h"
#include "serve/app.h"
#include "twilio/signature.h"

#define FORM_TYPE "application/x-www-form-urlencoded"
#define USER_AGENT "TwilioProxy/1.1"

void
webhook_release(struct webhook *w)
{
	buf_release(&w->body);
}

void
webhook_answer_release(struct webhook_answer *a)
{
	buf_release(&a->body);
	buf_release(&a->url);
	buf_release(&a->signed_url);
}

/* --- parameters ------------------------------------------------------------ */

const char *
webhook_param(const struct ctl *ctl, const char *name)
{
	size_t i = 0, n = strlen(name);
	const char *param;

	while ((param = ctl_each(ctl, "param", &i)) != NULL)
		if (strncmp(param, name, n) == 0 && param[n] == '=')
			return param + n + 1;
	return NULL;
}

enum status
webhook_add(const struct ctl *ctl, struct webhook *w, const char *name,
    const char *value)
{
	if (value == NULL || webhook_param(ctl, name) != NULL)
		return w->body.err;
	return form_put(&w->body,
	    &(struct kv_pair){ name, value, strlen(name), strlen(value) });
}

int
webhook_params(const struct ctl *ctl, struct buf *form)
{
	const char *param;
	size_t i = 0, n;

	while ((param = ctl_each(ctl, "param", &i)) != NULL) {
		n = strcspn(param, "=");
		if (n == 0 || param[n] == '\0')
			return ctl_say(ctl, CTL_USAGE,
			    "--param: NAME=VALUE, not %s", param);
		form_put(form,
		    &(struct kv_pair){
			param, param + n + 1, n, strlen(param + n + 1) });
	}
	return ctl_end(ctl, form->err, "--param");
}

const char *
webhook_sid(
    const struct ctl *ctl, const char *kind, char room[static WEBHOOK_SID_MAX])
{
	const char *given = ctl_text(ctl, "sid");
	unsigned char bytes[16];

	if (given != NULL)
		return given;
	if (crypt_random(bytes, sizeof(bytes)) != ST_OK) {
		ctl_say(ctl, CTL_FAILED, "no randomness for a SID");
		return NULL;
	}
	memcpy(room, kind, 2);
	crypt_hex(bytes, sizeof(bytes), room + 2);
	return room;
}

/* --- the request ----------------------------------------------------------- */

struct delivery {
	const struct ctl *ctl;
	const struct webhook *webhook;
	struct buf address; /* the whole URL */
	const char *target; /* its path and query */
	char signature[SIGNATURE_MAX]; /* "": nothing has to be signed */
	struct buf settings; /* "": it is not of a shared key */
	char token[STR_UUID_MAX]; /* I-Twilio-Idempotency-Token */
};

/* The whole address: an operator may name the server only. */
static enum status
put_address(const char *url, const char *path, struct buf *out)
{
	struct url u;

	if (url_split(url, strlen(url), &u) != ST_OK ||
	    !(url_part_is(&u.scheme, "http") ||
		url_part_is(&u.scheme, "https")))
		return ST_MALFORMED;
	buf_put(out, url, (size_t)(u.tail.data - url));
	if (u.path.len <= 1 && u.query.data == NULL)
		return buf_puts(out, path);
	/* A fragment never travels. */
	return buf_put(out, u.tail.data, strcspn(u.tail.data, "#"));
}

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
put_signed_url(
    const struct config *c, const struct delivery *d, struct buf *out)
{
	if (str_empty(c->server.public_url))
		return buf_puts(out, buf_str(&d->address));
	buf_puts(out, c->server.public_url);
	return buf_puts(out, below_base(c, d->target));
}

/* CTL_DONE, or reported on err. */
static int
sign(const struct config *c, struct delivery *d, const char *url)
{
	const struct buf *body = &d->webhook->body;
	struct kv form = KV_INIT;
	struct signature_input in = { .url = url,
		.form = &form,
		.body = body->data,
		.body_len = body->len };
	const struct config_pair *shared = config_shared_key(c, NULL, 0);
	const char *token = c->twilio.auth_token;
	bool malformed;
	enum status st;

	if (*token == '\0' && shared != NULL) {
		token = shared->value;
		in.algorithm = SIGNATURE_HMAC_SHA256;
		buf_printf(&d->settings, "key=%s,algorithm=%s", shared->key,
		    signature_algorithm_name(in.algorithm));
	} else if (*token == '\0') {
		if (c->server.signature == SIGNATURE_OFF)
			return CTL_DONE;
		return ctl_say(d->ctl, CTL_CONFIG,
		    "neither twilio.auth_token nor a shared key is set: "
		    "nothing to sign with");
	}
	st = form_parse(body->data, body->len, &form, &malformed);
	if (st == ST_OK)
		st = signature_make(&in, token, d->signature);
	if (st == ST_OK)
		st = d->settings.err;
	kv_release(&form);
	return ctl_end(d->ctl, st, "signature");
}

/* --- over the network ------------------------------------------------------ */

/* With a client made for it. */
static int
post(const struct delivery *d, struct webhook_answer *answer)
{
	const struct buf *body = &d->webhook->body;
	const struct http_library_options o = { 0 };
	struct http_library *library = NULL;
	struct http_client *client = NULL;
	struct kv headers = KV_INIT;
	struct http_call call = { .method = "POST",
		.url = buf_str(&d->address),
		.headers = &headers,
		.body = buf_str(body),
		.body_len = body->len };
	struct http_reply reply = { 0 };
	struct buf why = BUF_INIT;
	enum status st = ST_NOMEM;
	int code = CTL_DONE;

	if (kv_put(&headers, "Content-Type", FORM_TYPE) != ST_OK ||
	    kv_put(&headers, "User-Agent", USER_AGENT) != ST_OK ||
	    kv_put(&headers, "I-Twilio-Idempotency-Token", d->token) != ST_OK ||
	    (*d->signature != '\0' &&
		kv_put(&headers, "X-Twilio-Signature", d->signature) !=
		    ST_OK) ||
	    (d->settings.len > 0 &&
		kv_put(&headers, "X-Twilio-Webhooks-Signature-Settings",
		    buf_str(&d->settings)) != ST_OK) ||
	    (st = http_library_open(&library, &o)) != ST_OK ||
	    (st = http_client_open(&client, library, &why)) != ST_OK)
		goto out;
	st = http_client_send(client, &call, &reply);
	if (st != ST_OK) {
		buf_puts(&why, http_client_error(client));
		goto out;
	}
	answer->code = reply.code;
	st = buf_put(&answer->body, reply.body.data, reply.body.len);
out:
	/* Whatever is wrong with the way there, the world failed. */
	if (st != ST_OK)
		code = ctl_say(d->ctl, CTL_FAILED, "%s",
		    why.len > 0 ? buf_str(&why) : status_text(st));
	http_reply_release(&reply);
	http_client_close(client);
	http_library_close(library);
	kv_release(&headers);
	buf_release(&why);
	return code;
}

/* --- in process ------------------------------------------------------------ */

#define VARS_MAX 17

/* The request as CGI variables: "NAME=value", each with its NUL, in text. */
static enum status
put_variables(
    const struct delivery *d, struct buf *text, char *envp[static VARS_MAX])
{
	const char *route = d->webhook->path;
	size_t end = strcspn(route, "?"), n = 0;
	const char *const vars[][2] = {
		{ "QUERY_STRING", route + end + (route[end] == '?') },
		{ "REQUEST_URI", d->target },
		{ "REQUEST_METHOD", "POST" },
		{ "CONTENT_TYPE", FORM_TYPE },
		{ "SERVER_PROTOCOL", "HTTP/1.1" },
		{ "SERVER_NAME", "localhost" },
		{ "SERVER_PORT", "443" },
		{ "HTTPS", "on" },
		{ "REMOTE_ADDR", "127.0.0.1" },
		{ "HTTP_HOST", "localhost" },
		{ "HTTP_USER_AGENT", USER_AGENT },
		{ "HTTP_I_TWILIO_IDEMPOTENCY_TOKEN", d->token },
		{ "HTTP_X_TWILIO_SIGNATURE", d->signature },
		{ "HTTP_X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS",
		    buf_str(&d->settings) },
	};
	char *var;

	buf_printf(text, "PATH_INFO=%.*s%c", (int)end, route, '\0');
	buf_printf(text, "CONTENT_LENGTH=%zu%c", d->webhook->body.len, '\0');
	for (size_t i = 0; i < CTL_COUNT(vars); i++)
		buf_printf(text, "%s=%s%c", vars[i][0], vars[i][1], '\0');
	if (text->err != ST_OK)
		return text->err;
	for (var = text->data; var < text->data + text->len;
	     var += strlen(var) + 1)
		envp[n++] = var;
	envp[n] = NULL;
	return ST_OK;
}

/* The reply in CGI's form: "Status: 200 OK", other headers, blank, body. */
static enum status
read_reply(const struct buf *reply, struct webhook_answer *answer)
{
	const char *text = buf_str(reply);
	const char *blank = strstr(text, "\r\n\r\n");

	if (blank == NULL || !str_starts(text, "Status: "))
		return ST_MALFORMED;
	answer->code = (int)strtol(text + strlen("Status: "), NULL, 10);
	blank += 4;
	return buf_put(
	    &answer->body, blank, reply->len - (size_t)(blank - text));
}

static int
answer_here(const struct delivery *d, struct webhook_answer *answer)
{
	const struct buf *body = &d->webhook->body;
	struct buf vars = BUF_INIT, reply = BUF_INIT;
	char *envp[VARS_MAX];
	enum status st = put_variables(d, &vars, envp);

	if (st == ST_OK)
		st = door_memory(
		    d->ctl->app, envp, buf_str(body), body->len, &reply);
	if (st == ST_OK)
		st = read_reply(&reply, answer);
	buf_release(&vars);
	buf_release(&reply);
	return ctl_end(d->ctl, st, "%s", d->webhook->path);
}

/* --- either ---------------------------------------------------------------- */

int
webhook_send(const struct ctl *ctl, const struct config *c, const char *url,
    const struct webhook *w, struct webhook_answer *answer)
{
	struct delivery d = { .ctl = ctl, .webhook = w };
	enum status st = w->body.err;
	int code;

	if (url == NULL)
		buf_printf(&d.address, "https://localhost%s%s",
		    c->server.base_path, w->path);
	else if (put_address(url, w->path, &d.address) == ST_MALFORMED)
		return ctl_say(ctl, CTL_USAGE,
		    "--url: %s is not an http:// or https:// address", url);
	if (st == ST_OK)
		st = d.address.err;
	if (st == ST_OK)
		st = str_uuid(d.token);
	if (st == ST_OK) {
		d.target = strstr(d.address.data, "://") + 3;
		d.target += strcspn(d.target, "/?");
		put_signed_url(c, &d, &answer->signed_url);
		st = buf_puts(&answer->url,
		    buf_str(url != NULL ? &d.address : &answer->signed_url));
	}
	code = ctl_end(ctl, st, "%s", w->path);
	if (code == CTL_DONE)
		code = sign(c, &d, buf_str(&answer->signed_url));
	if (code == CTL_DONE)
		code = url != NULL ? post(&d, answer) : answer_here(&d, answer);
	buf_release(&d.address);
	buf_release(&d.settings);
	return code;
}
