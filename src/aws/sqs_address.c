#include "aws/sqs_address.h"

#include <string.h>
#include <strings.h>

#include "aws/service.h"
#include "base/str.h"

/*
 * The region that a host's name tells: sqs.REGION.…, sqs-fips.REGION.…,
 * REGION.queue.amazonaws.com, VPCE.sqs.REGION.vpce.…; NULL for any
 * other host. Labels of the host are at most this many.
 */
#define LABELS_MAX 4

enum status
sqs_address_region(const struct url_part *host, char **out)
{
	char text[256], *labels[LABELS_MAX], *rest = text;
	const char *region = NULL;
	size_t n = 0, i;

	*out = NULL;
	if (host->len >= sizeof(text))
		return ST_OK;
	memcpy(text, host->data, host->len);
	text[host->len] = '\0';
	while (n < LABELS_MAX && (labels[n] = strsep(&rest, ".")) != NULL)
		n++;
	for (i = 0; i + 1 < n && region == NULL; i++) {
		if (strcasecmp(labels[i], "sqs") == 0 ||
		    strcasecmp(labels[i], "sqs-fips") == 0)
			region = labels[i + 1];
		else if (strcasecmp(labels[i + 1], "queue") == 0)
			region = labels[i];
	}
	if (region == NULL || strchr(region, '-') == NULL ||
	    !aws_region_valid(region))
		return ST_OK;
	return str_dup(region, out);
}

enum status
sqs_address_front(const char *url, char **out)
{
	static const char route[] = "/sqs";
	const char *name = strrchr(url, '/');
	size_t n = name == NULL ? 0 : (size_t)(name - url);

	*out = NULL;
	if (n < sizeof(route) ||
	    strncmp(name - (sizeof(route) - 1), route, sizeof(route) - 1) != 0)
		return ST_OK;
	*out = strndup(url, n);
	return *out == NULL ? ST_NOMEM : ST_OK;
}
