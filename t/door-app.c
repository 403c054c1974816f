#include "t/door-app.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "http/request.h"
#include "http/response.h"
#include "serve/exchange.h"
#include "serve/serve.h"

static atomic_int opened;
static char base_path[] = "/base";

enum status
app_open(struct app **out, const struct app_options *o, struct buf *errors)
{
	struct app *app = calloc(1, sizeof(*app));

	*out = NULL;
	if (app == NULL)
		return ST_NOMEM;
	/* A reload of a bad file: it exists while a test wants it bad. */
	if (o->config_file != NULL && access(o->config_file, F_OK) == 0) {
		buf_puts(errors, "bad.conf:1: no good\n");
		free(app);
		return ST_CONFIG;
	}
	if ((app->config = calloc(1, sizeof(*app->config))) == NULL)
		abort();
	app->config->server.base_path = base_path;
	app->config->server.max_body = 1 << 20;
	app->refs = 1;
	opened++;
	*out = app;
	return ST_OK;
}

void
app_close(struct app *app)
{
	if (app == NULL)
		return;
	free(app->config);
	free(app);
}

enum status
app_open_broken(struct app **out, const struct app_options *o,
    const struct buf *errors, enum status why)
{
	(void)o;
	(void)errors;
	(void)why;
	*out = NULL;
	return ST_NOMEM;
}

bool
app_is_incomplete(const struct app *app)
{
	(void)app;
	return false;
}

bool
app_waits(const struct app *app)
{
	(void)app;
	return false;
}

bool
app_renew_due(const struct app *app)
{
	(void)app;
	return false;
}

void
app_renew(struct app *app, struct app **next)
{
	(void)app;
	*next = NULL;
}

bool
app_has_doubts(const struct app *app)
{
	(void)app;
	return false;
}

struct app *
door_app_new(void)
{
	struct app_options o = { .config_file = NULL };
	struct buf errors = BUF_INIT;
	struct app *app;

	if (app_open(&app, &o, &errors) != ST_OK)
		abort();
	return app;
}

/* Snapshots are kept to the end here: what is tested is that doors take and
 * put them. */
struct app_slot {
	_Atomic(struct app *) now;
	struct app *all[16];
	size_t n;
	atomic_int taken;
};

enum status
app_slot_open(struct app_slot **out, struct app *app)
{
	if ((*out = calloc(1, sizeof(**out))) == NULL)
		return ST_NOMEM;
	(*out)->now = app;
	(*out)->all[(*out)->n++] = app;
	return ST_OK;
}

struct app *
app_slot_get(struct app_slot *slot)
{
	slot->taken++;
	return slot->now;
}

void
app_slot_put(struct app_slot *slot, struct app *app)
{
	(void)app;
	slot->taken--;
}

void
app_slot_replace(struct app_slot *slot, struct app *next)
{
	if (slot->n == sizeof(slot->all) / sizeof(slot->all[0]))
		abort();
	slot->all[slot->n++] = next;
	slot->now = next;
}

void
app_slot_tick(struct app_slot *slot)
{
	(void)slot;
}

void
app_slot_sweep(struct app_slot *slot)
{
	(void)slot;
}

void
app_slot_close(struct app_slot *slot)
{
	if (slot == NULL)
		return;
	if (slot->taken != 0)
		abort();
	for (size_t i = 0; i < slot->n; i++)
		app_close(slot->all[i]);
	free(slot);
}

/* Nothing is counted here. */
void
app_refused(const struct app *app, int code)
{
	(void)app;
	(void)code;
}

void
app_malformed(const struct app *app, const char *id, const char *why)
{
	(void)id;
	(void)why;
	app_refused(app, 400);
}

/* As if it had been committed: the reply is another thread's. */
static void *
commit(void *arg)
{
	struct exchange *x = arg;

	usleep(300000);
	x->served(x);
	return NULL;
}

static bool
park(struct exchange *x)
{
	pthread_t thread;

	if (x->served == NULL || strncmp(x->request->path, "/parked", 7) != 0 ||
	    pthread_create(&thread, NULL, commit, x) != 0)
		return false;
	pthread_detach(thread);
	return true;
}

/* More than a socket takes, so that it is written in turns. */
static void
fill(struct response *r)
{
	while (r->body.len < DOOR_APP_LARGE)
		buf_puts(&r->body, "0123456789abcdef");
}

static void
echo(const struct request *request, struct response *response)
{
	buf_printf(&response->body, "%s %s %d %zu ", request->path,
	    request->query, (int)request->body_status, request->body.len);
	buf_put(&response->body, buf_str(&request->body), request->body.len);
	if (strcmp(request->path, "/broken") == 0)
		response->body.err = ST_NOMEM;
}

void
app_serve(struct exchange *x)
{
	struct request *request = x->request;
	struct response *response = x->response;

	if (strcmp(request->path, "/slow") == 0)
		usleep(300000);
	response->code = 200;
	response->content_type = "text/plain";
	if (strcmp(request->path, "/reloads") == 0) {
		buf_printf(&response->body, "%d", (int)opened);
	} else {
		echo(request, response);
		if (strstr(request->path, "large") != NULL)
			fill(response);
	}
	if (!park(x) && x->served != NULL)
		x->served(x);
}
