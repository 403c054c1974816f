#include "aws/service.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "aws/profile.h"
#include "base/str.h"
#include "codec/url.h"
#include "config/env.h"

#define JSON_1_0 "application/x-amz-json-1.0"
#define JSON_1_1 "application/x-amz-json-1.1"

/* Attempts and base delays as in AWS's own SDKs. */
const struct aws_service_info aws_services[AWS_SERVICES] = {
	[AWS_DYNAMODB] = { "DynamoDB", "dynamodb", "DYNAMODB",
	    "DynamoDB_20120810", JSON_1_0, 4, 25 },
	[AWS_SQS] = { "SQS", "sqs", "SQS", "AmazonSQS", JSON_1_0, 3, 50 },
	[AWS_SSM] = { "SSM", "ssm", "SSM", "AmazonSSM", JSON_1_1, 3, 50 },
	[AWS_SECRETSMANAGER] = { "Secrets Manager", "secretsmanager",
	    "SECRETS_MANAGER", "secretsmanager", JSON_1_1, 3, 50 },
	[AWS_STS] = { "STS", "sts", "STS", NULL,
	    "application/x-www-form-urlencoded", 3, 50 },
};

/* Host names end differently where AWS is run by others. */
static const struct {
	const char *region; /* how its regions begin */
	const char *suffix;
} partitions[] = {
	{ "cn-", "amazonaws.com.cn" },
	{ "us-iso-", "c2s.ic.gov" },
	{ "us-isob-", "sc2s.sgov.gov" },
	{ "us-isof-", "csp.hci.ic.gov" },
	{ "eu-isoe-", "cloud.adc-e.uk" },
	{ "eusc-", "amazonaws.eu" },
	{ "", "amazonaws.com" },
};

#define SETTING_MAX 64

/* A setting as it is written in a [services] section. */
static void
lower(const char *s, char out[static SETTING_MAX])
{
	size_t i;

	for (i = 0; s[i] != '\0' && i < SETTING_MAX - 1; i++)
		out[i] = (char)tolower((unsigned char)s[i]);
	out[i] = '\0';
}

/* Nothing of a user, a query or a fragment: it is a place only; and a path
 * that is signed as it is sent. */
static bool
valid_endpoint(const char *text)
{
	struct url url;

	return url_split(text, strlen(text), &url) == ST_OK &&
	    (url_part_is(&url.scheme, "http") ||
		url_part_is(&url.scheme, "https")) &&
	    url.userinfo.data == NULL && url.query.data == NULL &&
	    url.fragment.data == NULL && strstr(url.path.data, "//") == NULL &&
	    strstr(url.path.data, "/.") == NULL &&
	    text[strcspn(text, " \t\r\n")] == '\0';
}

static const char *
find_override(char *const *envp, const struct profile *profile,
    enum aws_service service, struct buf *name)
{
	const char *setting = aws_services[service].setting, *value;
	char section[SETTING_MAX];

	buf_printf(name, "AWS_ENDPOINT_URL_%s", setting);
	if (name->err != ST_OK)
		return NULL;
	value = env_get(envp, name->data);
	if (!str_empty(value))
		return value;
	buf_reset(name);
	buf_puts(name, "AWS_ENDPOINT_URL");
	value = env_get(envp, "AWS_ENDPOINT_URL");
	if (!str_empty(value))
		return value;
	buf_reset(name);
	buf_printf(name, "endpoint_url of the AWS profile \"%s\"",
	    profile_name(profile));
	lower(setting, section);
	value = profile_service(profile, section, "endpoint_url");
	return value != NULL ? value : profile_get(profile, "endpoint_url");
}

enum status
aws_endpoint_override(char *const *envp, const struct profile *profile,
    enum aws_service service, char **out, struct buf *why)
{
	const char *ignore =
	    env_get(envp, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
	struct buf name = BUF_INIT;
	const char *value;
	enum status st;

	*out = NULL;
	if (ignore != NULL && strcasecmp(ignore, "true") == 0)
		return ST_OK;
	value = find_override(envp, profile, service, &name);
	st = name.err;
	if (st == ST_OK && value != NULL && !valid_endpoint(value)) {
		buf_printf(why,
		    "%s: an http or https address is wanted, without user, "
		    "query or fragment, and without \"//\" or \"/.\" in "
		    "its path",
		    name.data);
		st = ST_CONFIG;
	}
	if (st == ST_OK)
		st = str_dup(value, out);
	buf_release(&name);
	return st;
}

enum status
aws_endpoint_put(struct buf *out, enum aws_service service, const char *region)
{
	size_t i = 0;

	while (!str_starts(region, partitions[i].region))
		i++;
	return buf_printf(out, "https://%s.%s.%s", aws_services[service].id,
	    region, partitions[i].suffix);
}

void
aws_watch_tell(
    const struct aws_watch *w, enum aws_service service, enum status st)
{
	if (w != NULL && w->called != NULL)
		w->called(w->arg, service, st);
}

bool
aws_region_valid(const char *region)
{
	size_t n = strlen(region);

	return n > 0 && n < 64 &&
	    strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}
