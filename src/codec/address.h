/* An address and a port: "127.0.0.1:2000", "[::1]:2000". */
#ifndef CODEC_ADDRESS_H
#define CODEC_ADDRESS_H

#include <sys/socket.h>

#include "base/status.h"

/* No names are looked up. ST_OK; ST_MALFORMED, nothing is set then. */
enum status address_parse(
    const char *, struct sockaddr_storage *, socklen_t *len);

#endif
