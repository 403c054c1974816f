#include "aws/profile.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "config/env.h"
#include "config/textfile.h"

enum file_kind { FILE_CONFIG, FILE_CREDENTIALS };
enum section_kind { SECTION_OTHER, SECTION_PROFILE, SECTION_SERVICES };

/* One setting. Strings point into the text of its file. */
struct entry {
	enum file_kind file;
	enum section_kind kind;
	const char *section; /* name of the services section; else "" */
	const char *parent; /* the key that it is nested below; else "" */
	const char *key, *value;
	int line;
};

struct profile {
	char *name;
	struct buf path[2]; /* by enum file_kind */
	struct buf text[2]; /* by enum file_kind, cut into strings */
	struct entry *entries;
	size_t n, cap;
	bool found; /* there is a section of that name */
};

/* Where the reader is. */
struct cursor {
	struct profile *profile;
	enum file_kind file;
	const char *path;
	int line;
	enum section_kind kind;
	const char *section;
	bool has_key; /* a key came in this section */
	size_t indent; /* white space before the last one */
	const char *parent; /* that key, if its value is empty; else NULL */
};

static enum status
add_entry(struct profile *p, const struct entry *entry)
{
	struct entry *more;

	if (p->n == p->cap) {
		size_t cap = p->cap == 0 ? 16 : 2 * p->cap;

		if ((more = realloc(p->entries, cap * sizeof(*more))) == NULL)
			return ST_NOMEM;
		p->entries = more;
		p->cap = cap;
	}
	p->entries[p->n++] = *entry;
	return ST_OK;
}

static char *
trim(char *s)
{
	char *end;

	s += strspn(s, " \t");
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return s;
}

/* A comment begins at the line's start or behind white space. */
static void
drop_comment(char *line)
{
	char *at = line;

	while (*(at += strcspn(at, "#;")) != '\0') {
		if (at == line || isspace((unsigned char)at[-1])) {
			*at = '\0';
			return;
		}
		at++;
	}
}

/* "profile NAME" gives NAME, without quotes, if the first word is it. */
static char *
word_after(char *s, const char *word)
{
	size_t n = strlen(word), len;

	if (strncmp(s, word, n) != 0 || !isspace((unsigned char)s[n]))
		return NULL;
	s = trim(s + n);
	len = strlen(s);
	if (len >= 2 && (*s == '"' || *s == '\'') && s[len - 1] == *s) {
		s[len - 1] = '\0';
		s = trim(s + 1);
	}
	return s;
}

static enum status
enter_section(struct cursor *c, char *line, struct buf *why)
{
	char *end = strchr(line, ']'), *name, *rest;

	if (end == NULL || *trim(end + 1) != '\0') {
		buf_printf(why, "%s:%d: a section is [NAME]", c->path, c->line);
		return ST_CONFIG;
	}
	*end = '\0';
	name = trim(line + 1);
	c->kind = SECTION_OTHER;
	c->section = "";
	c->has_key = false;
	c->parent = NULL;
	if (c->file == FILE_CONFIG &&
	    (rest = word_after(name, "services")) != NULL) {
		c->kind = SECTION_SERVICES;
		c->section = rest;
		return ST_OK;
	}
	if (c->file == FILE_CONFIG &&
	    (rest = word_after(name, "profile")) != NULL)
		name = rest;
	else if (c->file == FILE_CONFIG && strcmp(name, "default") != 0)
		return ST_OK;
	if (strcmp(name, c->profile->name) == 0) {
		c->kind = SECTION_PROFILE;
		c->profile->found = true;
	}
	return ST_OK;
}

static enum status
take_setting(struct cursor *c, char *line, bool nested, struct buf *why)
{
	char *equals = strchr(line, '='), *p;
	struct entry entry = { c->file, c->kind, c->section, "", NULL, NULL,
		c->line };

	if (nested && c->parent == NULL)
		return ST_OK; /* more of a value, of none that we read */
	if (equals == NULL || equals == line) {
		buf_printf(why, "%s:%d: neither [SECTION] nor key = value",
		    c->path, c->line);
		return ST_CONFIG;
	}
	*equals = '\0';
	entry.key = trim(line);
	entry.value = trim(equals + 1);
	for (p = trim(line); *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (nested)
		entry.parent = c->parent;
	else
		c->parent = entry.value[0] == '\0' ? entry.key : NULL;
	c->has_key = true;
	return c->kind == SECTION_OTHER ? ST_OK : add_entry(c->profile, &entry);
}

static enum status
read_line(struct cursor *c, char *line, struct buf *why)
{
	size_t indent = strspn(line, " \t");
	bool nested = c->has_key && indent > c->indent;

	drop_comment(line);
	line = trim(line);
	if (*line == '\0')
		return ST_OK;
	if (*line == '[' && indent == 0)
		return enter_section(c, line, why);
	if (!nested)
		c->indent = indent;
	return take_setting(c, line, nested, why);
}

static enum status
read_text(
    struct profile *p, enum file_kind file, const char *path, struct buf *why)
{
	struct cursor c = {
		.profile = p, .file = file, .path = path, .section = ""
	};
	char *line = p->text[file].data, *end;
	enum status st = ST_OK;

	/* A NUL ends the text: no such file has one. */
	for (; st == ST_OK && line != NULL; line = end) {
		c.line++;
		if ((end = strchr(line, '\n')) != NULL)
			*end++ = '\0';
		st = read_line(&c, line, why);
	}
	return st;
}

/* The file's path: the variable's value, else "HOME/fallback". */
static enum status
file_path(char *const *envp, const char *variable, const char *fallback,
    struct buf *out, bool *named)
{
	const char *value = env_get(envp, variable);
	const char *home = env_get(envp, "HOME");

	*named = !str_empty(value);
	if (*named && !str_starts(value, "~/"))
		return buf_puts(out, value);
	if (str_empty(home))
		return ST_OK;
	buf_puts(out, home);
	buf_putc(out, '/');
	return buf_puts(out, *named ? value + 2 : fallback);
}

static enum status
read_file(struct profile *p, enum file_kind file, char *const *envp,
    const char *variable, const char *fallback, struct buf *why)
{
	struct buf *path = &p->path[file];
	const char *reason;
	bool named;
	enum status st = file_path(envp, variable, fallback, path, &named);

	/* One that lies there unasked and is not for us is as good as none. */
	if (st != ST_OK || path->len == 0 ||
	    access(path->data, named ? F_OK : R_OK) != 0)
		return st;
	st = textfile_read(
	    path->data, PROFILE_FILE_MAX, true, &p->text[file], &reason);
	if (st == ST_OK)
		return read_text(p, file, path->data, why);
	if (st == ST_NOMEM)
		return st;
	buf_printf(why, "%s cannot be read: %s", path->data, reason);
	return ST_CONFIG;
}

enum status
profile_load(struct profile **out, char *const *envp, struct buf *why)
{
	struct profile *p = calloc(1, sizeof(*p));
	const char *name = env_get(envp, "AWS_PROFILE");
	enum status st = ST_NOMEM;

	*out = NULL;
	if (p == NULL)
		return ST_NOMEM;
	if (str_empty(name))
		name = env_get(envp, "AWS_DEFAULT_PROFILE");
	if ((st = str_dup(str_empty(name) ? "default" : name, &p->name)) !=
		ST_OK ||
	    (st = read_file(p, FILE_CONFIG, envp, "AWS_CONFIG_FILE",
		 ".aws/config", why)) != ST_OK ||
	    (st = read_file(p, FILE_CREDENTIALS, envp,
		 "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", why)) !=
		ST_OK)
		goto out;
	if (!p->found && !str_empty(name) && strcmp(name, "default") != 0) {
		buf_printf(why,
		    "the AWS profile \"%s\" is in no file: add it, or change "
		    "AWS_PROFILE",
		    name);
		st = ST_CONFIG;
		goto out;
	}
	*out = p;
	p = NULL;
out:
	profile_free(p);
	return st;
}

void
profile_free(struct profile *p)
{
	if (p == NULL)
		return;
	buf_wipe(&p->text[FILE_CONFIG]);
	buf_wipe(&p->text[FILE_CREDENTIALS]);
	buf_release(&p->path[FILE_CONFIG]);
	buf_release(&p->path[FILE_CREDENTIALS]);
	free(p->entries);
	free(p->name);
	free(p);
}

const char *
profile_name(const struct profile *p)
{
	return p->name;
}

/* The last one counts, as in AWS's own tools. */
static const struct entry *
find_entry(const struct profile *p, const struct entry *like)
{
	size_t i;

	for (i = p->n; i-- > 0;) {
		const struct entry *e = &p->entries[i];

		if (e->file == like->file && e->kind == like->kind &&
		    strcmp(e->section, like->section) == 0 &&
		    strcmp(e->parent, like->parent) == 0 &&
		    strcmp(e->key, like->key) == 0)
			return e->value[0] == '\0' ? NULL : e;
	}
	return NULL;
}

/* Of the profile itself. */
static const struct entry *
find(const struct profile *p, enum file_kind file, const char *key)
{
	return find_entry(
	    p, &(struct entry){ file, SECTION_PROFILE, "", "", key, NULL, 0 });
}

static const char *
value_of(const struct entry *e)
{
	return e == NULL ? NULL : e->value;
}

const char *
profile_config(const struct profile *p, const char *key)
{
	return value_of(find(p, FILE_CONFIG, key));
}

const char *
profile_credential(const struct profile *p, const char *key)
{
	return value_of(find(p, FILE_CREDENTIALS, key));
}

static const struct entry *
find_either(const struct profile *p, const char *key)
{
	const struct entry *e = find(p, FILE_CONFIG, key);

	return e != NULL ? e : find(p, FILE_CREDENTIALS, key);
}

const char *
profile_get(const struct profile *p, const char *key)
{
	return value_of(find_either(p, key));
}

void
profile_where(const struct profile *p, const char *key, struct buf *out)
{
	const struct entry *e = find_either(p, key);

	if (e != NULL)
		buf_printf(out, "%s:%d", buf_str(&p->path[e->file]), e->line);
}

const char *
profile_setting(const struct profile *p, char *const *envp,
    const char *variable, const char *key)
{
	const char *value = env_get(envp, variable);

	return str_empty(value) ? profile_get(p, key) : value;
}

const char *
profile_service(const struct profile *p, const char *service, const char *key)
{
	const char *services = profile_config(p, "services");

	if (services == NULL)
		return NULL;
	return value_of(find_entry(p,
	    &(struct entry){ FILE_CONFIG, SECTION_SERVICES, services, service,
		key, NULL, 0 }));
}
