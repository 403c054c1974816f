/* Opening what the AWS clients of a process share. */
#include "aws/client_impl.h"

#include <stdlib.h>

#include "aws/client.h"
#include "aws/credentials.h"
#include "aws/profile.h"
#include "base/str.h"
#include "config/env.h"
#include "http/client.h"

static enum status
set_region(struct aws *a, const struct aws_options *o,
    const struct profile *profile, struct buf *why)
{
	const char *region = o->region;

	if (str_empty(region))
		region = env_get(o->envp, "AWS_REGION");
	if (str_empty(region))
		region = profile_setting(
		    profile, o->envp, "AWS_DEFAULT_REGION", "region");
	if (!str_empty(region) && !aws_region_valid(region)) {
		buf_printf(why, "\"%s\" is no AWS region", region);
		return ST_CONFIG;
	}
	return str_dup(str_empty(region) ? "" : region, &a->region);
}

static enum status
open_http(
    struct aws *a, const struct aws_options *o, const struct profile *profile)
{
	const char *bundle =
	    profile_setting(profile, o->envp, "AWS_CA_BUNDLE", "ca_bundle");

	return http_library_open(&a->http,
	    &(struct http_library_options){
		.ca_bundle = bundle, .proxy = o->proxy, .quit = o->quit });
}

static enum status
open_parts(struct aws *a, const struct aws_options *o, struct buf *why)
{
	struct profile *profile;
	enum status st = profile_load(&profile, o->envp, why);
	size_t i;

	if (st == ST_OK)
		st = set_region(a, o, profile, why);
	for (i = 0; st == ST_OK && i < AWS_SERVICES; i++) {
		retry_init(&a->buckets[i]);
		st = aws_endpoint_override(o->envp, profile,
		    (enum aws_service)i, &a->endpoints[i], why);
	}
	if (st == ST_OK)
		st = open_http(a, o, profile);
	profile_free(profile);
	if (st == ST_OK)
		st = aws_credentials_open(&a->credentials,
		    &(struct aws_credentials_options){ .envp = o->envp,
			.region = a->region,
			.log = o->log,
			.watch = o->watch });
	return st;
}

enum status
aws_open(struct aws **out, const struct aws_options *o, struct buf *why)
{
	struct aws *a = calloc(1, sizeof(*a));
	enum status st;

	*out = NULL;
	if (a == NULL)
		return ST_NOMEM;
	a->log = o->log;
	a->watch = o->watch;
	atomic_init(&a->skew_us, 0);
	if ((st = open_parts(a, o, why)) != ST_OK) {
		aws_close(a);
		return st;
	}
	*out = a;
	return ST_OK;
}

void
aws_close(struct aws *a)
{
	size_t i;

	if (a == NULL)
		return;
	aws_credentials_close(a->credentials);
	http_library_close(a->http);
	for (i = 0; i < AWS_SERVICES; i++)
		free(a->endpoints[i]);
	free(a->region);
	free(a);
}

enum status
aws_check(const struct aws *a, struct buf *why)
{
	return aws_credentials_check(a->credentials, why);
}

const char *
aws_region(const struct aws *a)
{
	return a->region;
}
