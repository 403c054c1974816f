/*
 * t/client-server.py as a child: a web server on loopback that behaves as
 * badly as the path of a request asks for.
 */
#ifndef T_CLIENT_SERVER_H
#define T_CLIENT_SERVER_H

#include <sys/types.h>

struct client_server {
	int port, tls_port; /* both on 127.0.0.1 */
	int in; /* closing it ends the server */
	pid_t pid;
};

/*
 * Ends the program if it cannot. In test_tmpdir() are then ca.pem, and
 * cert.pem and key.pem, which that authority gave to "localhost".
 */
void client_server_start(struct client_server *);
void client_server_stop(struct client_server *);

#endif
