/* Lists of addresses and networks: "127.0.0.1, 10.0.0.0/8, fd00::/8". */
#ifndef CODEC_CIDR_H
#define CODEC_CIDR_H

#include <stdbool.h>

/*
 * Is this address in the list? "" is no list and has nobody; so has a list
 * whose element cannot be read. An IPv4 address written as ::ffff:a.b.c.d
 * counts as IPv4. "unix:" (a Unix socket's peer) never is.
 */
bool cidr_list_has(const char *list, const char *address);

/* Can every element be read? */
bool cidr_list_valid(const char *list);

#endif
