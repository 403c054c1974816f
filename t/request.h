/*
 * Requests for tests: an application on a database of its own, and what it
 * answers through the memory door.
 */
#ifndef T_REQUEST_H
#define T_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "message/ports.h"
#include "site/snapshot.h"

#define TEST_TOKEN "0123456789abcdef0123456789abcdef"
#define TEST_ORIGIN "https://hooks.example.com"

/*
 * Open an app on a fresh database with these further configuration lines
 * ("[server]\nsignature = off\n", …; NULL: none). Ends the program on failure.
 */
struct app *test_app(const char *config);

/* "[voice]" with the shipped templates, for test_app; more may follow. */
const char *test_voice_config(void);

/* Its stores and queues; the same set each time. */
struct ports *test_ports(struct app *);

/* One request; NULL members are left out. */
struct test_request {
	const char *method; /* default POST with a body, else GET */
	const char *uri; /* path and query */
	const char *path; /* PATH_INFO; default the path of uri */
	const char *body; /* a form, unless type says else */
	const char *type; /* default form */
	const char *signature; /* X-Twilio-Signature as it stands */
	bool sign; /* sign it rightly instead */
	const char *extra, *more; /* two more variables, "NAME=VALUE" */
};

struct test_reply {
	int status;
	struct buf text; /* the whole reply in CGI's form */
	const char *body;
};

struct test_reply test_ask(struct app *, const struct test_request *);
void test_reply_release(struct test_reply *);

/* Is there a header line of exactly this text? */
bool test_has_header(const struct test_reply *, const char *line);

#endif
