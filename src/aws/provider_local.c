/* Keys that are written down: in the environment, in the shared files. */
#include "aws/profile.h"
#include "aws/provider.h"
#include "base/str.h"
#include "config/env.h"

/* What a profile may ask for and does not get here. */
static const char *const role_wishes[] = { "role_arn", "source_profile",
	"credential_source", "mfa_serial", NULL };
static const char *const other_wishes[] = { "sso_session", "sso_start_url",
	"sso_account_id", "login_session", "mfa_serial", "source_profile",
	NULL };
static const char *const process_wish[] = { "credential_process", NULL };

/* ST_NOTFOUND if the profile asks for none of these; else ST_CONFIG. */
static enum status
refuse_wishes(
    const struct profile *p, const char *const *wishes, struct buf *why)
{
	enum status st = ST_NOTFOUND;

	for (; *wishes != NULL; wishes++) {
		if (profile_get(p, *wishes) == NULL)
			continue;
		if (st == ST_NOTFOUND)
			buf_printf(why, "the AWS profile \"%s\" asks for ",
			    profile_name(p));
		else
			buf_puts(why, ", ");
		buf_puts(why, *wishes);
		st = ST_CONFIG;
	}
	if (st == ST_CONFIG)
		buf_puts(why,
		    ", which is not supported here: use keys, web identity, "
		    "or the role of a container or instance");
	return st;
}

enum status
provider_environment(
    const struct provider_context *c, struct aws_keys *keys, struct buf *why)
{
	const char *id = env_get(c->envp, "AWS_ACCESS_KEY_ID");
	const char *secret = env_get(c->envp, "AWS_SECRET_ACCESS_KEY");
	const char *token = env_get(c->envp, "AWS_SESSION_TOKEN");

	if (str_empty(id))
		return ST_NOTFOUND;
	if (str_empty(secret)) {
		buf_puts(why,
		    "AWS_ACCESS_KEY_ID is set, but "
		    "AWS_SECRET_ACCESS_KEY is not");
		return ST_CONFIG;
	}
	if (str_empty(token))
		token = env_get(c->envp, "AWS_SECURITY_TOKEN");
	return aws_keys_set(keys, id, secret, token, 0);
}

enum status
provider_role(
    const struct provider_context *c, struct aws_keys *keys, struct buf *why)
{
	(void)keys;
	if (profile_get(c->profile, "role_arn") == NULL ||
	    profile_get(c->profile, "web_identity_token_file") != NULL)
		return ST_NOTFOUND;
	return refuse_wishes(c->profile, role_wishes, why);
}

typedef const char *profile_fn(const struct profile *, const char *key);

static enum status
keys_of_file(const struct profile *p, profile_fn *get, struct aws_keys *keys,
    struct buf *why)
{
	const char *id = get(p, "aws_access_key_id");
	const char *secret = get(p, "aws_secret_access_key");
	const char *token = get(p, "aws_session_token");

	if (id == NULL)
		return ST_NOTFOUND;
	if (secret == NULL) {
		buf_printf(why,
		    "the AWS profile \"%s\" has an aws_access_key_id, but no "
		    "aws_secret_access_key",
		    profile_name(p));
		return ST_CONFIG;
	}
	if (token == NULL)
		token = get(p, "aws_security_token");
	return aws_keys_set(keys, id, secret, token, 0);
}

enum status
provider_shared(
    const struct provider_context *c, struct aws_keys *keys, struct buf *why)
{
	enum status st = refuse_wishes(c->profile, other_wishes, why);

	if (st == ST_NOTFOUND)
		st = keys_of_file(c->profile, profile_credential, keys, why);
	if (st == ST_NOTFOUND)
		st = refuse_wishes(c->profile, process_wish, why);
	if (st == ST_NOTFOUND)
		st = keys_of_file(c->profile, profile_config, keys, why);
	return st;
}
