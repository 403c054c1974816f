#include "watch/console.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "config/config.h"
#include "config/textfile.h"
#include "serve/exchange.h"

#define INDEX "index.html"

/* No file of the page is that large. */
#define FILE_MAX ((size_t)1 << 20)

/* Of a page that may load from its own origin alone, and runs nothing that a
 * message has in it. */
#define POLICY \
	"default-src 'self'; media-src 'self' blob:; base-uri 'none'; " \
	"form-action 'none'; frame-ancestors 'none'"

struct file {
	char *name;
	const char *type; /* static */
	struct buf body;
};

struct console {
	struct file *files;
	size_t n;
};

/* By the end of a name; NULL: not a file of the page. */
static const char *
type_of(const char *name)
{
	static const struct {
		const char *end, *type;
	} types[] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".svg", "image/svg+xml" },
	};
	const char *dot = strrchr(name, '.');
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_eq(dot, types[i].end))
			return types[i].type;
	return NULL;
}

/* Another file; one that cannot be read is not there. */
static enum status
console_add(struct console *c, const char *folder, const char *name)
{
	struct file file = { .type = type_of(name), .body = BUF_INIT };
	struct file *more;
	struct buf path = BUF_INIT;
	const char *why;
	enum status st = buf_printf(&path, "%s/%s", folder, name);

	if (st == ST_OK)
		st = textfile_read(
		    buf_str(&path), FILE_MAX, false, &file.body, &why);
	buf_release(&path);
	if (st == ST_OK)
		st = str_dup(name, &file.name);
	more = st == ST_OK ? reallocarray(c->files, c->n + 1, sizeof(*c->files))
			   : NULL;
	if (more != NULL) {
		c->files = more;
		c->files[c->n++] = file;
		return ST_OK;
	}
	free(file.name);
	buf_release(&file.body);
	return st == ST_OK || st == ST_NOMEM ? ST_NOMEM : ST_OK;
}

static enum status
read_folder(struct console *c, const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	enum status st = ST_OK;

	if (dir == NULL)
		return ST_OK;
	while (st == ST_OK && (entry = readdir(dir)) != NULL)
		if (type_of(entry->d_name) != NULL)
			st = console_add(c, folder, entry->d_name);
	closedir(dir);
	return st;
}

enum status
console_open(struct console **out, const struct config *config)
{
	struct console *c = calloc(1, sizeof(*c));
	char *folder = NULL;
	enum status st = ST_NOMEM;

	*out = NULL;
	if (c != NULL)
		st = config_find_console(config, &folder);
	if (st == ST_OK && folder != NULL)
		st = read_folder(c, folder);
	free(folder);
	if (st == ST_OK)
		*out = c;
	else
		console_close(c);
	return st;
}

void
console_close(struct console *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->n; i++) {
		free(c->files[i].name);
		buf_release(&c->files[i].body);
	}
	free(c->files);
	free(c);
}

static const struct file *
console_find(const struct console *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->files[i].name, name) == 0)
			return &c->files[i];
	return NULL;
}

static void
put_file(struct exchange *x, const struct file *file)
{
	struct response *r = x->response;

	r->code = 200;
	r->content_type = file->type;
	buf_put(&r->body, buf_str(&file->body), file->body.len);
	response_header(r, "Content-Security-Policy", POLICY);
	response_header(r, "X-Content-Type-Options", "nosniff");
	response_header(r, "Referrer-Policy", "no-referrer");
	/* Kept, but asked for each time: a new version is seen at once. */
	response_header(r, "Cache-Control", "no-cache");
	exchange_etag(x);
}

static void
answer(struct exchange *x, const char *name, const char *lack)
{
	const struct console *c = x->app->console;
	struct console *own = NULL;
	const struct file *file = NULL;
	enum status st = ST_OK;

	if (c == NULL) {
		st = console_open(&own, x->app->config);
		c = own;
	}
	if (st == ST_OK)
		file = console_find(c, name);
	if (file != NULL)
		put_file(x, file);
	else if (st == ST_OK)
		exchange_error(x, 404, lack);
	else
		exchange_fail(x, st);
	console_close(own);
}

/* The page's links are relative: they lead astray behind a slash. */
void
handle_console(struct exchange *x)
{
	const char *path = x->request->path;

	if (path[strlen(path) - 1] == '/') {
		x->response->code = 308;
		response_header(x->response, "Location", "../console");
		return;
	}
	answer(x, INDEX,
	    "There is no page here: see server.console in the configuration");
}

void
handle_console_file(struct exchange *x)
{
	answer(x, strcmp(x->path.arg[0], INDEX) == 0 ? "" : x->path.arg[0],
	    "Not found");
}
