/*
 * What the supervisor is told (sd_notify(3)): NOTIFY_SOCKET in the process's
 * environment names a datagram socket, and each message is lines of NAME=VALUE.
 */
#ifndef DOOR_NOTIFY_H
#define DOOR_NOTIFY_H

/*
 * "READY=1" once requests are taken, "STOPPING=1" once no more are. Nobody is
 * told where NOTIFY_SOCKET is not set, and what cannot be sent is dropped: no
 * request depends on it.
 */
void notify_supervisor(const char *state);

#endif
