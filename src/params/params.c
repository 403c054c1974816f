#include "params/params.h"

#include <string.h>

#include "base/str.h"
#include "config/config.h"
#include "config/env.h"
#include "config/slot.h"
#include "config/textfile.h"
#include "config/value.h"

#define VALUE_MAX (((size_t)64 << 10) - 1)

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"

struct resolver {
	struct config *config;
	char *const *envp;
	struct buf *errors;
};

/*
 * Put what name stands for into value. name may be a secret on the wrong line,
 * so that no message has it.
 */
typedef enum status resolve_fn(struct resolver *, const struct option *,
    const char *name, struct buf *value);

/* LF or CRLF at the end. */
static void
drop_newline(struct buf *b)
{
	if (b->len == 0 || b->data[b->len - 1] != '\n')
		return;
	b->len--;
	if (b->len > 0 && b->data[b->len - 1] == '\r')
		b->len--;
	b->data[b->len] = '\0';
}

static enum status
resolve_file(struct resolver *r, const struct option *o, const char *path,
    struct buf *value)
{
	const char *why;
	enum status st;

	/* Where a relative path leads depends on the server that starts us. */
	if (*path != '/') {
		config_mistake(r->config, o, r->errors,
		    "names a file without its whole path; "
		    "write file: and an absolute path");
		return ST_CONFIG;
	}
	st = textfile_read(path, VALUE_MAX, false, value, &why);
	if (st == ST_NOMEM)
		return st;
	if (st != ST_OK) {
		config_mistake(r->config, o, r->errors,
		    "the file that it names cannot be read: %s; name a regular "
		    "file under 64K that this user may read",
		    why);
		return ST_CONFIG;
	}
	drop_newline(value);
	if (strlen(buf_str(value)) == value->len)
		return ST_OK;
	config_mistake(r->config, o, r->errors,
	    "the file that it names has a NUL byte in it; save it as text");
	return ST_CONFIG;
}

/*
 * Under CGI the request's headers are in the environment too, as HTTP_…: who
 * sends a request must not set what we are told to believe.
 */
static const char *
bad_variable(const char *name)
{
	if (*name == '\0' || strchr("0123456789", *name) != NULL ||
	    name[strspn(name, LETTERS "0123456789")] != '\0')
		return "is no variable's name behind env:; "
		       "write it as in env:NAME";
	if (str_starts(name, "HTTP_"))
		return "names a variable that a request can set; "
		       "choose a name without HTTP_ in front";
	return NULL;
}

static enum status
resolve_env(struct resolver *r, const struct option *o, const char *name,
    struct buf *value)
{
	const char *wrong = bad_variable(name);
	const char *found = wrong == NULL ? env_get(r->envp, name) : NULL;

	if (wrong == NULL && found == NULL)
		wrong = "names a variable that is not set; set it in the "
			"environment of the program";
	if (wrong != NULL) {
		config_mistake(r->config, o, r->errors, "%s", wrong);
		return ST_CONFIG;
	}
	return buf_puts(value, found);
}

/* Reserved: taken as text they would fail much later and say much less. */
static enum status
resolve_aws(struct resolver *r, const struct option *o, const char *name,
    struct buf *value)
{
	(void)name;
	(void)value;
	config_mistake(r->config, o, r->errors,
	    "is kept at AWS, which this version cannot read; "
	    "use file:PATH or env:NAME");
	return ST_CONFIG;
}

static const struct {
	const char *scheme;
	resolve_fn *resolve;
} schemes[] = {
	{ "file:", resolve_file },
	{ "env:", resolve_env },
	{ "ssm:", resolve_aws },
	{ "secretsmanager:", resolve_aws },
};

static resolve_fn *
find_scheme(const char *value, const char **name)
{
	size_t i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (!str_starts(value, schemes[i].scheme))
			continue;
		*name = value + strlen(schemes[i].scheme);
		return schemes[i].resolve;
	}
	return NULL;
}

static enum status
resolve(struct resolver *r, const struct option *o)
{
	char **text = config_text(r->config, o);
	struct buf value = BUF_INIT;
	resolve_fn *fn;
	const char *name;
	enum status st = ST_OK;

	if (text == NULL || config_origin(r->config, o)->bad)
		return ST_OK;
	fn = find_scheme(*text, &name);
	if (fn == NULL)
		return ST_OK;
	st = fn(r, o, name, &value);
	if (st == ST_OK && value_has_control(buf_str(&value))) {
		config_mistake(r->config, o, r->errors,
		    "names a value with a control character (a second line?) "
		    "in it; remove it there");
		st = ST_CONFIG;
	}
	if (st == ST_OK)
		st = config_set_text(r->config, o, buf_str(&value));
	buf_wipe(&value);
	return st;
}

enum status
params_resolve(struct config *c, char *const *envp, struct buf *errors)
{
	struct resolver r = { c, envp, errors };
	enum status st = ST_OK, one;
	size_t i;

	for (i = 0; i < options_n; i++) {
		one = resolve(&r, &options[i]);
		if (one != ST_OK && st != ST_NOMEM)
			st = one;
	}
	return errors->err == ST_OK ? st : ST_NOMEM;
}

enum status
params_load(struct config **out, const char *path, char *const *envp,
    struct buf *errors)
{
	enum status st = ST_NOMEM, resolved = ST_NOMEM, checked = ST_NOMEM;

	st = config_load(out, path, envp, errors);
	if (*out == NULL)
		return st;
	resolved = params_resolve(*out, envp, errors);
	if (resolved != ST_NOMEM)
		checked = config_check(*out, errors);
	if (st == ST_OK)
		st = resolved;
	if (st == ST_OK || checked == ST_NOMEM)
		st = checked;
	if (st != ST_OK) {
		config_free(*out);
		*out = NULL;
	}
	return st;
}
