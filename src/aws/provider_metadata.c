/*
 * Keys of the role of a container or an instance, from an endpoint of the
 * machine itself: https://docs.aws.amazon.com/sdkref/latest/guide/
 * feature-container-credentials.html and feature-imds-credentials.html there.
 */
#include <string.h>
#include <strings.h>

#include "aws/profile.h"
#include "aws/provider.h"
#include "base/str.h"
#include "codec/cidr.h"
#include "codec/url.h"
#include "config/env.h"
#include "config/textfile.h"
#include "http/client.h"

#define TOKEN_FILE_MAX ((size_t)64 << 10)

#define CONTAINER_ORIGIN "http://169.254.170.2"
#define CONTAINER_EACH_MS 2000
#define CONTAINER_TRIES 3

/* Where keys may be had without TLS: this machine, ECS, EKS. */
#define PLAIN_HOSTS \
	"127.0.0.0/8, ::1, 169.254.170.2, 169.254.170.23, fd00:ec2::23"

#define INSTANCE_V4 "http://169.254.169.254"
#define INSTANCE_V6 "http://[fd00:ec2::254]"
#define INSTANCE_KEYS "/latest/meta-data/iam/security-credentials/"
#define INSTANCE_TTL "21600" /* of the token: 6 hours, the most there is */
#define INSTANCE_SECONDS_MAX 60

/* --- containers ------------------------------------------------------------ */

static bool
plain_host(const struct url_part *host)
{
	char text[64];
	const char *from = host->data;
	size_t n = host->len;

	if (n >= 2 && from[0] == '[' && from[n - 1] == ']') {
		from++;
		n -= 2;
	}
	if (n >= sizeof(text))
		return false;
	memcpy(text, from, n);
	text[n] = '\0';
	return strcasecmp(text, "localhost") == 0 ||
	    cidr_list_has(PLAIN_HOSTS, text);
}

static enum status
container_url(
    const struct provider_context *c, struct buf *out, struct buf *why)
{
	const char *relative =
	    env_get(c->envp, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full =
	    env_get(c->envp, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	struct url url;

	if (!str_empty(relative)) {
		buf_puts(out, CONTAINER_ORIGIN);
		if (*relative != '/')
			buf_putc(out, '/');
		return buf_puts(out, relative);
	}
	if (str_empty(full))
		return ST_NOTFOUND;
	if (url_split(full, strlen(full), &url) != ST_OK ||
	    (!url_part_is(&url.scheme, "https") &&
		(!url_part_is(&url.scheme, "http") ||
		    !plain_host(&url.host)))) {
		buf_puts(why,
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI: an https address is "
		    "wanted, or http to this machine, 169.254.170.2, "
		    "169.254.170.23 or fd00:ec2::23");
		return ST_CONFIG;
	}
	return buf_puts(out, full);
}

/* The Authorization header, if one is wanted; read again each time. */
static enum status
container_token(
    const struct provider_context *c, struct buf *out, struct buf *why)
{
	const char *file =
	    env_get(c->envp, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token =
		       env_get(c->envp, "AWS_CONTAINER_AUTHORIZATION_TOKEN"),
		   *reason;
	enum status st;

	if (!str_empty(file)) {
		st = textfile_read(file, TOKEN_FILE_MAX, false, out, &reason);
		if (st == ST_NOMEM)
			return st;
		if (st != ST_OK) {
			buf_printf(why,
			    "the container's token %s cannot be read: %s", file,
			    reason);
			return ST_CONFIG;
		}
		if (out->len > 0 && out->data[out->len - 1] == '\n')
			out->data[--out->len] = '\0';
	} else if (!str_empty(token) && buf_puts(out, token) != ST_OK) {
		return ST_NOMEM;
	}
	if (buf_str(out)[strcspn(buf_str(out), "\r\n")] != '\0') {
		buf_puts(why, "the container's token has a line end in it");
		return ST_CONFIG;
	}
	return ST_OK;
}

enum status
provider_container(
    const struct provider_context *c, struct aws_keys *keys, struct buf *why)
{
	struct buf url = BUF_INIT, token = BUF_INIT;
	struct kv headers = KV_INIT;
	struct http_reply reply = { 0 };
	struct http_call call = { .method = "GET", .headers = &headers };
	enum status st = container_url(c, &url, why);

	if (st != ST_OK || (st = container_token(c, &token, why)) != ST_OK ||
	    (st = kv_put(&headers, "Accept", "application/json")) != ST_OK ||
	    (token.len > 0 &&
		(st = kv_put(&headers, "Authorization", token.data)) != ST_OK))
		goto out;
	call.url = url.data;
	call.direct = str_starts(url.data, "http:");
	st = provider_send(
	    c, &call, CONTAINER_EACH_MS, CONTAINER_TRIES, &reply, why);
	if (st == ST_OK && reply.code != 200)
		st = provider_refused(call.url, &reply, why);
	else if (st == ST_OK)
		st = provider_read(call.url, &reply, keys, why);
out:
	provider_reply_wipe(&reply);
	kv_release(&headers);
	buf_wipe(&token);
	buf_release(&url);
	return st;
}

/* --- instances -------------------------------------------------------------- */

/* One walk through the metadata service. */
struct instance {
	const struct provider_context *context;
	const char *origin;
	long each_ms;
	int tries;
	struct buf token;
};

static const char *
instance_origin(const struct provider_context *c)
{
	const char *own = profile_setting(c->profile, c->envp,
	    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
	    "ec2_metadata_service_endpoint");
	const char *mode = profile_setting(c->profile, c->envp,
	    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
	    "ec2_metadata_service_endpoint_mode");

	if (own != NULL)
		return own;
	return mode != NULL && strcasecmp(mode, "ipv6") == 0 ? INSTANCE_V6
							     : INSTANCE_V4;
}

static uint64_t
number(const struct provider_context *c, const char *variable, uint64_t max,
    uint64_t fallback)
{
	uint64_t n;

	if (str_u64(env_get(c->envp, variable), max, &n) != ST_OK || n == 0)
		return fallback;
	return n;
}

static enum status
instance_ask(const struct instance *i, const char *method, const char *path,
    const char *name, const char *value, struct http_reply *reply,
    struct buf *why)
{
	struct buf url = BUF_INIT;
	struct kv headers = KV_INIT;
	struct http_call call = {
		.method = method, .headers = &headers, .direct = true
	};
	size_t n = strlen(i->origin);
	enum status st;

	while (n > 0 && i->origin[n - 1] == '/')
		n--;
	buf_put(&url, i->origin, n);
	if ((st = buf_puts(&url, path)) != ST_OK ||
	    (st = kv_put(&headers, name, value)) != ST_OK)
		goto out;
	call.url = url.data;
	st = provider_send(i->context, &call, i->each_ms, i->tries, reply, why);
	if (st == ST_OK && reply->code != 200)
		st = provider_refused(call.url, reply, why);
out:
	kv_release(&headers);
	buf_release(&url);
	return st;
}

static enum status
instance_get(const struct instance *i, const char *path,
    struct http_reply *reply, struct buf *why)
{
	return instance_ask(i, "GET", path, "X-aws-ec2-metadata-token",
	    buf_str(&i->token), reply, why);
}

static enum status
instance_token(struct instance *i, struct buf *why)
{
	struct http_reply reply = { 0 };
	enum status st = instance_ask(i, "PUT", "/latest/api/token",
	    "X-aws-ec2-metadata-token-ttl-seconds", INSTANCE_TTL, &reply, why);

	if (st == ST_OK)
		st = buf_put(&i->token, reply.body.data, reply.body.len);
	provider_reply_wipe(&reply);
	return st;
}

/* Append the role's name to the path: the first line of the list. */
static enum status
instance_role(const struct instance *i, struct buf *path, struct buf *why)
{
	struct http_reply reply = { 0 };
	enum status st = instance_get(i, INSTANCE_KEYS, &reply, why);
	const char *role;
	size_t n;

	if (reply.code == 404) {
		buf_reset(why);
		buf_puts(why, "no role is attached to this instance");
		st = ST_CONFIG;
	}
	if (st == ST_OK) {
		role = buf_str(&reply.body);
		n = strcspn(role, "\r\n");
		buf_puts(path, INSTANCE_KEYS);
		st = url_encode(path, role, n);
	}
	provider_reply_wipe(&reply);
	return st;
}

static enum status
instance_keys(const struct instance *i, const char *path, struct aws_keys *keys,
    struct buf *why)
{
	struct http_reply reply = { 0 };
	enum status st = instance_get(i, path, &reply, why);

	if (st == ST_OK)
		st = provider_read(i->origin, &reply, keys, why);
	provider_reply_wipe(&reply);
	return st;
}

enum status
provider_instance(
    const struct provider_context *c, struct aws_keys *keys, struct buf *why)
{
	const char *disabled = env_get(c->envp, "AWS_EC2_METADATA_DISABLED");
	struct instance i = { .context = c,
		.origin = instance_origin(c),
		.each_ms = 1000 *
		    (long)number(c, "AWS_METADATA_SERVICE_TIMEOUT",
			INSTANCE_SECONDS_MAX, 1),
		.tries = (int)number(
		    c, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", 10, 1) };
	struct buf path = BUF_INIT, reason = BUF_INIT;
	enum status st;

	if (disabled != NULL && strcasecmp(disabled, "true") == 0)
		return ST_NOTFOUND;
	if ((st = instance_token(&i, &reason)) == ST_OK &&
	    (st = instance_role(&i, &path, &reason)) == ST_OK)
		st = instance_keys(&i, buf_str(&path), keys, &reason);
	if (st != ST_OK)
		buf_printf(why,
		    "no AWS keys in the environment, the shared "
		    "files or a container, and the instance has "
		    "none either: %s",
		    buf_str(&reason));
	buf_release(&reason);
	buf_release(&path);
	buf_wipe(&i.token);
	return st;
}
