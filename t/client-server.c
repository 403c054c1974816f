/* Start and stop the badly behaved web server. */
#include "t/client-server.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/test.h"

/* A certificate for localhost from an authority of our own. */
static const char make_certificate[] =
    "cd '%s' && exec >log 2>&1 && "
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
    "-keyout ca.key -out ca.pem -days 2 -subj /CN=Test-CA && "
    "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
    "-keyout key.pem -out req.pem -subj /CN=localhost && "
    "printf 'subjectAltName=DNS:localhost' >ext && "
    "openssl x509 -req -in req.pem -CA ca.pem -CAkey ca.key "
    "-CAcreateserial -days 2 -extfile ext -out cert.pem";

static void
run_server(int in, int out)
{
	const char *srcdir = getenv("SRCDIR");
	char script[512], cert[128], key[128];

	snprintf(script, sizeof(script), "%s/t/client-server.py",
	    srcdir ? srcdir : ".");
	snprintf(cert, sizeof(cert), "%s/cert.pem", test_tmpdir());
	snprintf(key, sizeof(key), "%s/key.pem", test_tmpdir());
	dup2(in, 0);
	dup2(out, 1);
	execl("/usr/bin/python3", "python3", script, cert, key, NULL);
	_exit(127);
}

void
client_server_start(struct client_server *s)
{
	char command[2048], line[64] = "";
	int in[2], out[2];
	FILE *f;
	bool told;

	snprintf(command, sizeof(command), make_certificate, test_tmpdir());
	if (system(command) != 0 || pipe2(in, O_CLOEXEC) != 0 ||
	    pipe2(out, O_CLOEXEC) != 0) {
		fprintf(stderr, "cannot make the certificate or a pipe\n");
		exit(99);
	}
	s->pid = fork();
	if (s->pid == 0)
		run_server(in[0], out[1]);
	close(in[0]);
	close(out[1]);
	s->in = in[1];
	/* The whole line: closed too early, the server fails on the rest. */
	f = fdopen(out[0], "r");
	told = f != NULL && fgets(line, sizeof(line), f) != NULL;
	if (f != NULL)
		fclose(f);
	if (!told || sscanf(line, "%d %d", &s->port, &s->tls_port) != 2) {
		fprintf(stderr, "the server does not start\n");
		exit(99);
	}
}

void
client_server_stop(struct client_server *s)
{
	close(s->in);
	waitpid(s->pid, NULL, 0);
}
