#include "codec/cidr.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* An address as IPv6 has it (IPv4 mapped), and how many bits count. */
struct cidr {
	unsigned char bytes[16];
	unsigned bits;
};

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool
parse_address(const char *text, struct cidr *out, unsigned *width)
{
	memcpy(out->bytes, mapped, sizeof(mapped));
	*width = 32;
	if (inet_pton(AF_INET, text, out->bytes + 12) != 1) {
		*width = 128;
		if (inet_pton(AF_INET6, text, out->bytes) != 1)
			return false;
	}
	out->bits = 128;
	return true;
}

static bool
parse_cidr(const char *text, size_t len, struct cidr *out)
{
	char copy[64], *slash;
	uint64_t bits;
	unsigned width;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if ((slash = strchr(copy, '/')) != NULL)
		*slash++ = '\0';
	if (!parse_address(copy, out, &width))
		return false;
	if (slash == NULL)
		return true;
	if (str_u64(slash, width, &bits) != ST_OK)
		return false;
	out->bits = 128 - width + (unsigned)bits;
	return true;
}

static bool
cidr_has(const struct cidr *net, const struct cidr *address)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;
	unsigned char mask = (unsigned char)(0xff00 >> rest);

	if (memcmp(net->bytes, address->bytes, whole) != 0)
		return false;
	return rest == 0 ||
	    ((net->bytes[whole] ^ address->bytes[whole]) & mask) == 0;
}

/* The next element of the list; NULL at its end. */
static const char *
next_element(const char *list, size_t *len)
{
	list += strspn(list, ", \t");
	*len = strcspn(list, ", \t");
	return *len == 0 ? NULL : list;
}

bool
cidr_list_has(const char *list, const char *address)
{
	struct cidr net, a;
	unsigned width;
	size_t len;

	if (!cidr_list_valid(list) || !parse_address(address, &a, &width))
		return false;
	while ((list = next_element(list, &len)) != NULL) {
		if (parse_cidr(list, len, &net) && cidr_has(&net, &a))
			return true;
		list += len;
	}
	return false;
}

bool
cidr_list_valid(const char *list)
{
	struct cidr net;
	size_t len;

	while ((list = next_element(list, &len)) != NULL) {
		if (!parse_cidr(list, len, &net))
			return false;
		list += len;
	}
	return true;
}
