/*
 * Keys of a role for a token that some other authority gave us (EKS and
 * others): AssumeRoleWithWebIdentity, https://docs.aws.amazon.com/STS/latest/
 * APIReference/API_AssumeRoleWithWebIdentity.html. The request is not signed;
 * the answer is XML.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/error.h"
#include "aws/profile.h"
#include "aws/provider.h"
#include "aws/service.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/form.h"
#include "codec/moment.h"
#include "config/textfile.h"
#include "http/client.h"

#define TOKEN_FILE_MAX ((size_t)64 << 10)
#define EACH_MS 3000
#define TRIES 3

/* What to ask for: from the environment, else from the profile. */
struct web_identity {
	const char *token_file, *role, *session;
};

static enum status
put_token(struct buf *out, const char *path, struct buf *why)
{
	struct buf token = BUF_INIT;
	const char *reason;
	enum status st =
	    textfile_read(path, TOKEN_FILE_MAX, false, &token, &reason);

	while (st == ST_OK && token.len > 0 &&
	    isspace((unsigned char)token.data[token.len - 1]))
		token.len--;
	if (st == ST_OK)
		st = form_encode_value(out, buf_str(&token), token.len);
	else if (st != ST_NOMEM) {
		buf_printf(why, "the web identity token %s cannot be read: %s",
		    path, reason);
		st = ST_CONFIG;
	}
	buf_wipe(&token);
	return st;
}

static enum status
put_request(struct buf *out, const struct web_identity *w, struct buf *why)
{
	char session[64];

	snprintf(session, sizeof(session), "switchhook-%lld",
	    (long long)(clock_us() / 1000000));
	/* Room for the token: growing would leave copies of it. */
	if (buf_reserve(out, 3 * TOKEN_FILE_MAX + 4096) != ST_OK)
		return ST_NOMEM;
	buf_puts(out,
	    "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
	    "&RoleArn=");
	form_encode_value(out, w->role, strlen(w->role));
	buf_puts(out, "&RoleSessionName=");
	if (str_empty(w->session))
		buf_puts(out, session);
	else
		form_encode_value(out, w->session, strlen(w->session));
	buf_puts(out, "&WebIdentityToken=");
	return put_token(out, w->token_file, why);
}

static enum status
put_url(const struct provider_context *c, struct buf *out, struct buf *why)
{
	char *own;
	enum status st =
	    aws_endpoint_override(c->envp, c->profile, AWS_STS, &own, why);

	if (st != ST_OK)
		return st;
	if (own != NULL)
		st = buf_puts(out, own);
	else if (str_empty(c->region))
		st = buf_puts(out, "https://sts.amazonaws.com");
	else
		st = aws_endpoint_put(out, AWS_STS, c->region);
	free(own);
	if (st == ST_OK && out->data[out->len - 1] != '/')
		st = buf_putc(out, '/');
	return st;
}

/*
 * The text of an element without others in it: from the one occurrence of
 * "<name>" within the bounds to "</name>". Nothing that has to be resolved may
 * be in it. NULL if it is not so.
 *
 * No XML reader is used: it would make copies of the secret that nobody wipes.
 */
static const char *
element(const char *from, const char *end, const char *name, size_t *len)
{
	char open[48], close[48];
	size_t n = (size_t)snprintf(open, sizeof(open), "<%s>", name);
	const char *at = memmem(from, (size_t)(end - from), open, n), *stop;

	snprintf(close, sizeof(close), "</%s>", name);
	if (at == NULL)
		return NULL;
	at += n;
	if (memmem(at, (size_t)(end - at), open, n) != NULL ||
	    (stop = memmem(at, (size_t)(end - at), close, n + 1)) == NULL)
		return NULL;
	*len = (size_t)(stop - at);
	return at;
}

/* The same as a string of its own; it must be one piece of text. */
static enum status
copy_element(const char *from, const char *end, const char *name, char **out)
{
	size_t len;
	const char *text = element(from, end, name, &len);

	*out = NULL;
	if (text == NULL || len == 0 || memchr(text, '<', len) != NULL ||
	    memchr(text, '&', len) != NULL || memchr(text, 0, len) != NULL)
		return ST_MALFORMED;
	return (*out = strndup(text, len)) == NULL ? ST_NOMEM : ST_OK;
}

static enum status
keys_of_result(const struct buf *answer, struct aws_keys *keys)
{
	const char *from = buf_str(answer), *end;
	char *expiration = NULL;
	enum status st = ST_MALFORMED;
	size_t len;

	if ((from = element(from, from + answer->len, "Credentials", &len)) ==
	    NULL)
		return st;
	end = from + len;
	if ((st = copy_element(
		 from, end, "AccessKeyId", &keys->access_key_id)) == ST_OK &&
	    (st = copy_element(from, end, "SecretAccessKey", &keys->secret)) ==
		ST_OK &&
	    (st = copy_element(
		 from, end, "SessionToken", &keys->session_token)) == ST_OK &&
	    (st = copy_element(from, end, "Expiration", &expiration)) == ST_OK)
		st = moment_parse(expiration, MOMENT_STAMP, &keys->expires_us);
	if (st != ST_OK)
		aws_keys_release(keys);
	free(expiration);
	return st;
}

/* ", InvalidIdentityToken": why it refused. */
static void
put_code(const struct buf *answer, struct buf *why)
{
	const char *from = buf_str(answer), *code;
	size_t len;

	code = element(from, from + answer->len, "Code", &len);
	if (code != NULL && len < AWS_CODE_MAX &&
	    strspn(code,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == len)
		buf_printf(why, ", %.*s", (int)len, code);
}

static enum status
read_answer(const struct http_call *call, const struct http_reply *reply,
    struct aws_keys *keys, struct buf *why)
{
	enum status st;

	if (reply->code != 200) {
		st = provider_refused(call->url, reply, why);
		put_code(&reply->body, why);
		return st;
	}
	st = keys_of_result(&reply->body, keys);
	if (st == ST_MALFORMED) {
		http_put_origin(why, call->url);
		buf_puts(why, "the answer has no keys in it");
	}
	return st;
}

static enum status
ask_sts(const struct provider_context *c, const struct web_identity *w,
    struct aws_keys *keys, struct buf *why)
{
	struct buf url = BUF_INIT, body = BUF_INIT;
	struct kv headers = KV_INIT;
	struct http_reply reply = { 0 };
	struct http_call call = { .method = "POST", .headers = &headers };
	enum status st = put_url(c, &url, why);

	if (st != ST_OK || (st = put_request(&body, w, why)) != ST_OK ||
	    (st = kv_put(&headers, "Content-Type",
		 aws_services[AWS_STS].content_type)) != ST_OK)
		goto out;
	call.url = url.data;
	call.body = body.data;
	call.body_len = body.len;
	st = provider_send(c, &call, EACH_MS, TRIES, &reply, why);
	if (st == ST_OK)
		st = read_answer(&call, &reply, keys, why);
	aws_watch_tell(c->watch, AWS_STS, st);
out:
	provider_reply_wipe(&reply);
	kv_release(&headers);
	buf_wipe(&body);
	buf_release(&url);
	return st;
}

enum status
provider_web_identity(
    const struct provider_context *c, struct aws_keys *keys, struct buf *why)
{
	const struct web_identity w = {
		profile_setting(c->profile, c->envp,
		    "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file"),
		profile_setting(
		    c->profile, c->envp, "AWS_ROLE_ARN", "role_arn"),
		profile_setting(c->profile, c->envp, "AWS_ROLE_SESSION_NAME",
		    "role_session_name"),
	};

	if (w.token_file == NULL)
		return ST_NOTFOUND;
	if (w.role == NULL) {
		buf_puts(why,
		    "AWS_WEB_IDENTITY_TOKEN_FILE is set, but "
		    "AWS_ROLE_ARN is not");
		return ST_CONFIG;
	}
	return ask_sts(c, &w, keys, why);
}
