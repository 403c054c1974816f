/*
 * bare: the least that a libfcgi responder can do, as a yardstick.
 *
 * usage: bare SOCKET THREADS PATH=FILE...
 *
 * Threads take turns in FCGX_Accept_r, as in libfcgi's own threaded example;
 * each reads the whole body and answers with the bytes of its path's file (a
 * reply in CGI's form, recorded from the program that is measured).
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcgiapp.h>

#define REPLIES_MAX 8

struct reply {
	const char *path;
	char *bytes;
	int len;
};

struct server {
	int listener;
	pthread_mutex_t turn;
	struct reply replies[REPLIES_MAX];
	int n;
};

static void
reply_load(struct reply *r, char *path_and_file)
{
	char *file = strchr(path_and_file, '=');
	FILE *f = file == NULL ? NULL : fopen(file + 1, "r");

	r->bytes = malloc(65536);
	if (f == NULL || r->bytes == NULL) {
		perror(path_and_file);
		exit(1);
	}
	*file = '\0';
	r->path = path_and_file;
	r->len = (int)fread(r->bytes, 1, 65536, f);
	fclose(f);
	if (r->len == 0) {
		fprintf(stderr, "bare: no reply for %s\n", r->path);
		exit(1);
	}
}

static void
answer(const struct server *s, FCGX_Request *request)
{
	const char *path = FCGX_GetParam("PATH_INFO", request->envp);
	const struct reply *reply = s->replies;
	char body[8192];

	while (path != NULL && reply < s->replies + s->n - 1 &&
	    strcmp(path, reply->path) != 0)
		reply++;
	while (FCGX_GetStr(body, sizeof(body), request->in) > 0)
		;
	FCGX_PutStr(reply->bytes, reply->len, request->out);
}

static void *
work(void *arg)
{
	struct server *s = arg;
	FCGX_Request request;
	int accepted;

	FCGX_InitRequest(&request, s->listener, 0);
	for (;;) {
		pthread_mutex_lock(&s->turn);
		accepted = FCGX_Accept_r(&request);
		pthread_mutex_unlock(&s->turn);
		if (accepted < 0)
			return NULL;
		answer(s, &request);
		FCGX_Finish_r(&request);
	}
}

int
main(int argc, char **argv)
{
	struct server s = { .turn = PTHREAD_MUTEX_INITIALIZER };
	int i, threads;

	if (argc < 4 || argc > 3 + REPLIES_MAX ||
	    (threads = (int)strtol(argv[2], NULL, 10)) < 1) {
		fputs("usage: bare SOCKET THREADS PATH=FILE...\n", stderr);
		return 2;
	}
	for (s.n = 0; s.n < argc - 3; s.n++)
		reply_load(&s.replies[s.n], argv[3 + s.n]);
	if (FCGX_Init() != 0 ||
	    (s.listener = FCGX_OpenSocket(argv[1], 1024)) < 0) {
		fputs("bare: cannot listen\n", stderr);
		return 1;
	}
	for (i = 1; i < threads; i++) {
		pthread_t t;

		if (pthread_create(&t, NULL, work, &s) != 0) {
			fputs("bare: cannot start a thread\n", stderr);
			return 1;
		}
	}
	work(&s);
	return 0;
}
