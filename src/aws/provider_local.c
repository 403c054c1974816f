/* Keys that are written down: in the environment, in the shared files. */
#include "aws/profile.h"
#include "aws/provider.h"
#include "base/str.h"
#include "config/env.h"

#define KEYS "aws_access_key_id and aws_secret_access_key"
#define SIGN_ON \
	"signing on needs a person, every few hours: write " KEYS \
	" into the profile, or name one in AWS_PROFILE that has them"

/* What a profile may ask for and does not get here; what to write instead. */
struct wish {
	const char *key;
	const char *advice; /* NULL: that of another, or the usual one */
};

static const struct wish role_wishes[] = {
	{ "role_arn", NULL },
	{ "source_profile", NULL },
	{ "credential_source",
	    "give the role of the container or instance itself the rights, and "
	    "take role_arn and credential_source out; or write " KEYS
	    " in their place" },
	{ "mfa_serial", NULL },
	{ NULL, NULL },
};
static const struct wish other_wishes[] = {
	{ "sso_session", SIGN_ON },
	{ "sso_start_url", SIGN_ON },
	{ "sso_account_id", SIGN_ON },
	{ "login_session", SIGN_ON },
	{ "mfa_serial", NULL },
	{ "source_profile", NULL },
	{ NULL, NULL },
};
static const struct wish process_wish[] = {
	{ "credential_process",
	    "no program is run for keys: write what it prints as " KEYS
	    " (and aws_session_token) into the credentials file, by a timer if "
	    "they expire" },
	{ NULL, NULL },
};
static const char usual_advice[] =
    "no role is assumed with other keys: write " KEYS
    ", or role_arn and web_identity_token_file, or take these out and run with "
    "the role of a container or instance";

/* ST_NOTFOUND if the profile asks for none of these; else ST_CONFIG. */
static enum status
refuse_wishes(
    const struct profile *p, const struct wish *wishes, struct buf *why)
{
	const char *advice = NULL;
	enum status st = ST_NOTFOUND;

	for (; wishes->key != NULL; wishes++) {
		if (profile_get(p, wishes->key) == NULL)
			continue;
		if (st == ST_NOTFOUND) {
			profile_where(p, wishes->key, why);
			buf_printf(why, ": the AWS profile \"%s\" asks for ",
			    profile_name(p));
		} else {
			buf_puts(why, ", ");
		}
		buf_puts(why, wishes->key);
		if (advice == NULL)
			advice = wishes->advice;
		st = ST_CONFIG;
	}
	if (st == ST_CONFIG)
		buf_printf(why, ", which is not supported here; %s",
		    advice == NULL ? usual_advice : advice);
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
		    "AWS_SECRET_ACCESS_KEY is not; set both, or neither");
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
		profile_where(p, "aws_access_key_id", why);
		buf_printf(why,
		    ": the AWS profile \"%s\" has an aws_access_key_id, but no "
		    "aws_secret_access_key; write that too",
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
