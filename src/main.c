/* switchhook.fcgi: options, configuration, which door, go. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"
#include "base/quit.h"
#include "config.h"
#include "config/config.h"
#include "door/door.h"
#include "serve/refusals.h"
#include "site/settings.h"
#include "sqs/sqs_parking.h"
#include "serve/limit.h"

/* Each keeps a connection and a descriptor. */
#define RECEIVING_MAX 256

#define PROGRAM "switchhook.fcgi"

/* Of reading from and writing to the web server, which is near. */
#define TIMEOUT_S 5

enum exit_code {
	EXIT_DONE = 0,
	EXIT_USAGE = 2,
	EXIT_CONFIG = 3,
	EXIT_WORLD = 4,
};

extern char **environ;

struct options {
	const char *config_file; /* NULL: look for it */
	const char *where; /* -s; NULL: a passed socket, or CGI */
	bool test;
};

static const char usage[] =
    "Usage: " PROGRAM " [-c FILE] [-t] [-V] [-h] [-s SOCKET]\n"
    "\n"
    "  -c FILE    the configuration file\n"
    "  -s SOCKET  listen on unix:PATH, HOST:PORT or :PORT\n"
    "  -t         check the configuration and leave\n"
    "  -V         the version\n"
    "  -h         this\n";

static const char how[] =
    "A web server starts this program, or passes requests on to it:\n"
    "\n"
    "  FastCGI  when descriptor 0 or one passed by systemd is a listening\n"
    "           socket, or with one of its own: " PROGRAM
    " -s unix:/run/switchhook/switchhook.sock\n"
    "  CGI      when REQUEST_METHOD or GATEWAY_INTERFACE is set; no argument\n"
    "           is looked at then. By hand:\n"
    "           REQUEST_METHOD=GET PATH_INFO=/health ./" PROGRAM "\n"
    "\n"
    "See switchhook.fcgi(8).\n";

static enum exit_code
exit_of(enum status st)
{
	switch (st) {
	case ST_OK:
		return EXIT_DONE;
	case ST_CONFIG:
		return EXIT_CONFIG;
	case ST_NOMEM:
	case ST_IO:
	case ST_BUSY:
	case ST_TIMEOUT:
	case ST_TOOBIG:
	case ST_FULL:
	case ST_MALFORMED:
	case ST_UNSUPPORTED:
	case ST_NOTFOUND:
	case ST_EXISTS:
	case ST_DENIED:
	case ST_CORRUPT:
	case ST_UNAVAILABLE:
		break;
	}
	return EXIT_WORLD;
}

/* Tell the operator, or the server's log under CGI, what is wrong. */
static void
complain(const struct buf *errors, enum status st)
{
	if (errors->len > 0)
		fprintf(stderr, "%s", errors->data);
	fprintf(stderr, PROGRAM ": %s\n", status_text(st));
}

/* -t: like `nginx -t`. */
static enum exit_code
test_config(const struct options *o)
{
	struct settings_found found = { .errors = BUF_INIT };
	struct config *config;
	enum status st;

	st = settings_check(&config, o->config_file, environ, &found);
	settings_print(stderr, "warning: ", &found.warnings);
	/* They stop no start. */
	settings_print(stderr, "warning: ", &found.faults);
	settings_print(stderr, "error: ", &found.errors);
	if (st == ST_OK)
		fprintf(stderr, PROGRAM ": %s is good\n",
		    config->file == NULL ? "the environment (no file)"
					 : config->file);
	else
		fprintf(stderr, PROGRAM ": %s\n", status_text(st));
	config_free(config);
	settings_found_release(&found);
	return exit_of(st);
}

static enum exit_code
run_cgi(const struct options *o)
{
	struct refusals refusals = { 0 };
	struct app_options how_to = { .config_file = o->config_file,
		.envp = environ,
		.one_request = true,
		.refusals = &refusals };
	struct buf errors = BUF_INIT;
	struct app *app = NULL;
	enum status st, served = ST_OK;

	door_cgi_begin(DOOR_CGI_SECONDS);
	if ((st = app_open(&app, &how_to, &errors)) != ST_OK) {
		complain(&errors, st);
		(void)app_open_broken(&app, &how_to, &errors, st);
	}
	if (app != NULL)
		served = door_cgi(app, environ);
	else
		door_cgi_error(environ, 503, "Not available now, try again");
	app_close(app);
	buf_release(&errors);
	return exit_of(st == ST_OK ? served : st);
}

/*
 * glibc would give each of many threads a heap of its own, 64 MB of address
 * space each (shared hosts limit that), and would keep what large bodies took.
 */
static void
limit_heaps(void)
{
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, 64 << 10);
}

/*
 * Nobody looks at the exit status where a web server has started us (given: it
 * gave us the socket to listen on): it would do so again and again, and answer
 * 500. So a wrong configuration is answered there, until it is right. What else
 * fails is tried again in any case.
 */
static enum exit_code
run_fastcgi(
    const struct options *o, const struct listener *listener, bool given)
{
	struct quit quit = { 0 };
	struct limit limit = { 0 }, receiving = { .most = RECEIVING_MAX };
	struct parking parking = PARKING_INIT;
	struct refusals refusals = { 0 };
	struct door_fastcgi_options door = {
		.listener = *listener,
		.timeout_s = TIMEOUT_S,
		.app = { .config_file = o->config_file,
		    .envp = environ,
		    .threaded = true,
		    .quit = &quit,
		    .limit = &limit,
		    .receiving = &receiving,
		    .parking = &parking,
		    .refusals = &refusals },
	};
	struct buf errors = BUF_INIT;
	struct app *app = NULL;
	enum status st;

	limit_heaps();
	if ((st = app_open(&app, &door.app, &errors)) != ST_OK) {
		complain(&errors, st);
		if ((given || st != ST_CONFIG) &&
		    app_open_broken(&app, &door.app, &errors, st) == ST_OK)
			st = ST_OK;
	}
	if (app != NULL) {
		door.threads = (size_t)app->config->server.threads;
		st = door_fastcgi(app, &door);
		if (st == ST_TIMEOUT)
			_exit(EXIT_WORLD);
		parking_end(&parking);
		if (st != ST_OK)
			fprintf(stderr, PROGRAM ": %s\n", status_text(st));
	} else {
		listener_close(&door.listener);
	}
	buf_release(&errors);
	return exit_of(st);
}

/*
 * The one file that is mapped is SQLite's index of its log. To go on with pages
 * that are missing would be to read and write the wrong ones: the process says
 * why and ends by the same signal. What it has committed is in the log, from
 * which the next process rebuilds the index.
 */
static void
tell_bus_error(int sig)
{
	static const char text[] = PROGRAM
	    ": ended by SIGBUS: somebody cut the store's -shm file, or its "
	    "disk failed. Nothing that was answered is lost. Start the "
	    "program again, and leave that file alone while it runs\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)sig;
	(void)n;
}

static void
catch_bus_error(void)
{
	/* Once: the instruction is tried again, and the signal ends us. */
	const struct sigaction tell = { .sa_handler = tell_bus_error,
		.sa_flags = (int)SA_RESETHAND };

	(void)sigaction(SIGBUS, &tell, NULL);
}

/* Which door: the order of switchhook.fcgi(8). */
static enum exit_code
run(const struct options *o)
{
	struct listener listener = { .fd = -1 };
	struct buf why = BUF_INIT;
	int passed;

	catch_bus_error();
	if (o->where != NULL) {
		door_block_signals();
		if (listener_open(&listener, o->where, &why) != ST_OK) {
			fprintf(stderr, PROGRAM ": -s %s: %s\n", o->where,
			    buf_str(&why));
			buf_release(&why);
			return EXIT_WORLD;
		}
		return run_fastcgi(o, &listener, false);
	}
	passed = listener_passed(environ);
	if (passed < 0 && listener_is(STDIN_FILENO))
		passed = STDIN_FILENO;
	if (passed >= 0) {
		door_block_signals();
		listener_adopt(&listener, passed);
		return run_fastcgi(o, &listener, passed == STDIN_FILENO);
	}
	if (door_is_cgi(environ))
		return run_cgi(o);
	fprintf(stderr, "%s", how);
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	struct options o = { .config_file = NULL };
	int c;

	process_hide();
	/* The arguments are the caller's, not the operator's. */
	if (door_is_cgi(environ))
		return run(&o);
	while ((c = getopt(argc, argv, "c:hs:tV")) != -1) {
		switch (c) {
		case 'c':
			o.config_file = optarg;
			break;
		case 's':
			o.where = optarg;
			break;
		case 't':
			o.test = true;
			break;
		case 'V':
			printf(PROGRAM " " PACKAGE_VERSION "\n");
			return EXIT_DONE;
		case 'h':
			printf("%s\n%s", usage, how);
			return EXIT_DONE;
		default:
			fprintf(stderr, "%s", usage);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s", usage);
		return EXIT_USAGE;
	}
	return o.test ? test_config(&o) : run(&o);
}
