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

#include "aws/credentials.h"
#include "aws/profile.h"
#include "aws/provider.h"
#include "aws/service.h"
#include "aws/timestamp.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/crypt.h"
#include "codec/form.h"
#include "codec/xml.h"
#include "config/env.h"
#include "config/textfile.h"
#include "http/client.h"

#define TOKEN_FILE_MAX ((size_t)64 << 10)
#define EACH_MS 3000
#define TRIES 3

/* What to ask for: from the environment, else from the profile. */
struct web_identity {
	const char *token_file, *role, *session;
};

static const char *
setting(const struct provider_context *c, const char *variable, const char *key)
{
	const char *value = env_get(c->envp, variable);

	return str_empty(value) ? profile_get(c->profile, key) : value;
}

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

static const struct xml_node *
element(const struct xml_node *parent, const char *name)
{
	const struct xml_node *n = parent == NULL ? NULL : parent->child;

	while (n != NULL && (n->kind != XML_ELEMENT || !str_eq(n->name, name)))
		n = n->next;
	return n;
}

/* An element's only text; NULL if there is no such element or it has more. */
static const char *
text_of(const struct xml_node *parent, const char *name)
{
	const struct xml_node *n = element(parent, name);

	if (n == NULL || n->child == NULL || n->child->kind != XML_TEXT ||
	    n->child->next != NULL)
		return NULL;
	return n->child->text;
}

/* The tree's own copy of a secret. */
static void
wipe_text(const struct xml_node *parent, const char *name)
{
	const char *text = text_of(parent, name);

	if (text != NULL)
		crypt_wipe((char *)text, strlen(text));
}

static enum status
keys_of_result(const struct xml_node *root, struct aws_keys *keys)
{
	const struct xml_node *found = element(
	    element(root, "AssumeRoleWithWebIdentityResult"), "Credentials");
	const char *id = text_of(found, "AccessKeyId");
	const char *secret = text_of(found, "SecretAccessKey");
	const char *token = text_of(found, "SessionToken");
	const char *expiration = text_of(found, "Expiration");
	enum status st = ST_MALFORMED;
	int64_t expires_us;

	if (id != NULL && secret != NULL && token != NULL &&
	    expiration != NULL &&
	    timestamp_iso(expiration, &expires_us) == ST_OK)
		st = provider_keys(keys, id, secret, token, expires_us);
	wipe_text(found, "SecretAccessKey");
	wipe_text(found, "SessionToken");
	return st;
}

static enum status
read_answer(const struct http_call *call, const struct http_reply *reply,
    struct aws_keys *keys, struct buf *why)
{
	struct xml_error error;
	struct xml *xml = NULL;
	const struct xml_node *root;
	const char *code;
	enum status st =
	    xml_parse(&xml, buf_str(&reply->body), reply->body.len, &error);

	if (st == ST_NOMEM)
		return st;
	root = xml == NULL ? NULL : xml_root(xml);
	if (reply->code == 200) {
		st = root == NULL ? ST_MALFORMED : keys_of_result(root, keys);
		if (st == ST_MALFORMED) {
			http_put_origin(why, call->url);
			buf_puts(why, "the answer has no keys in it");
		}
	} else {
		st = provider_refused(call, reply, why);
		code = text_of(element(root, "Error"), "Code");
		if (code != NULL && strlen(code) < 80)
			buf_printf(why, ", %s", code);
	}
	xml_free(xml);
	return st;
}

static enum status
ask_sts(const struct provider_context *c, const struct web_identity *w,
    struct aws_keys *keys, struct buf *why)
{
	static const char type[] = "application/x-www-form-urlencoded";
	struct buf url = BUF_INIT, body = BUF_INIT;
	struct kv headers = KV_INIT;
	struct http_reply reply = { 0 };
	struct http_call call = { .method = "POST", .headers = &headers };
	enum status st = put_url(c, &url, why);

	if (st != ST_OK || (st = put_request(&body, w, why)) != ST_OK ||
	    (st = kv_add(&headers, "Content-Type", 12, type,
		 sizeof(type) - 1)) != ST_OK)
		goto out;
	call.url = url.data;
	call.body = body.data;
	call.body_len = body.len;
	st = provider_send(c, &call, EACH_MS, TRIES, &reply, why);
	if (st == ST_OK)
		st = read_answer(&call, &reply, keys, why);
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
		setting(c, "AWS_WEB_IDENTITY_TOKEN_FILE",
		    "web_identity_token_file"),
		setting(c, "AWS_ROLE_ARN", "role_arn"),
		setting(c, "AWS_ROLE_SESSION_NAME", "role_session_name"),
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
