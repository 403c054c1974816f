/* FastCGI on one connection. The only module that knows libfcgi. */
#ifndef DOOR_FASTCGI_H
#define DOOR_FASTCGI_H

#include <stdbool.h>
#include <stdint.h>

#include "app/app.h"
#include "base/status.h"
#include "door/answer.h"
#include "door/watch.h"

/* Once, before the first worker. ST_OK or ST_IO. */
enum status fastcgi_init(void);

/*
 * Read one request of connection fd, serve it, write the reply. A body that
 * takes longer than body_us to come is broken off. True: the connection is
 * still good for another request and the caller's; false: it is closed.
 */
bool fastcgi_serve(int fd, int64_t body_us, struct app_slot *, struct answer *,
    struct watch *);

#endif
