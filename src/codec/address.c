#include "codec/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

static void
set_v4(struct sockaddr_storage *to, socklen_t *len, struct in_addr host,
    uint64_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr = host,
		.sin_port = htons((uint16_t)port) };

	memcpy(to, &a, sizeof(a));
	*len = sizeof(a);
}

static void
set_v6(struct sockaddr_storage *to, socklen_t *len, struct in6_addr host,
    uint64_t port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
		.sin6_addr = host,
		.sin6_port = htons((uint16_t)port) };

	memcpy(to, &a, sizeof(a));
	*len = sizeof(a);
}

enum status
address_parse(const char *text, struct sockaddr_storage *to, socklen_t *len)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon == NULL ? 0 : (size_t)(colon - text);
	char host[INET6_ADDRSTRLEN + 2];
	struct in6_addr v6;
	struct in_addr v4;
	uint64_t port;

	if (n < 2 || n >= sizeof(host) ||
	    str_u64(colon + 1, UINT16_MAX, &port) != ST_OK || port == 0)
		return ST_MALFORMED;
	memcpy(host, text, n);
	host[n] = '\0';
	if (inet_pton(AF_INET, host, &v4) == 1) {
		set_v4(to, len, v4, port);
		return ST_OK;
	}
	if (host[0] != '[' || host[n - 1] != ']')
		return ST_MALFORMED;
	host[n - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &v6) != 1)
		return ST_MALFORMED;
	set_v6(to, len, v6, port);
	return ST_OK;
}
