#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "config/config.h"
#include "config/env.h"

/*
 * There, or there may be: what we may not look at is taken, so that the start
 * says why it cannot be read and does not go on without it.
 */
static bool
is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* NAME in the directory of the running binary; NULL if that is unknown. */
static enum status
beside_binary(const char *name, char **path)
{
	struct buf b = BUF_INIT;
	char exe[4096], *slash;
	ssize_t n;

	*path = NULL;
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n <= 0 || (size_t)n >= sizeof(exe) - 1)
		return ST_OK;
	exe[n] = '\0';
	if ((slash = strrchr(exe, '/')) == NULL)
		return ST_OK;
	buf_put(&b, exe, (size_t)(slash + 1 - exe));
	buf_puts(&b, name);
	*path = buf_detach(&b);
	return *path == NULL ? ST_NOMEM : ST_OK;
}

enum status
config_find(const char *given, char *const *envp, char **path)
{
	enum status st = ST_NOMEM;

	*path = NULL;
	if (given != NULL)
		return str_dup(given, path);
	/* Apache's rewriting renames what SetEnv set. */
	if (str_empty(given = env_get(envp, "SWITCHHOOK_CONF")))
		given = env_get(envp, "REDIRECT_SWITCHHOOK_CONF");
	if (!str_empty(given))
		return str_dup(given, path);
	if ((st = beside_binary("switchhook.conf", path)) != ST_OK)
		return st;
	if (*path != NULL && is_there(*path))
		return ST_OK;
	free(*path);
	*path = NULL;
	return is_there(CONFIG_FILE) ? str_dup(CONFIG_FILE, path) : ST_OK;
}

enum status
config_find_console(const struct config *c, char **path)
{
	struct buf where = BUF_INIT;
	enum status st;
	bool usual;

	*path = NULL;
	if (*c->server.console == '\0')
		return ST_OK;
	config_where(c, "server", "console", &where);
	usual = strcmp(buf_str(&where), "default") == 0;
	st = where.err;
	buf_release(&where);
	if (st != ST_OK)
		return st;
	if (!usual || is_there(c->server.console))
		return str_dup(c->server.console, path);
	st = beside_binary("console", path);
	if (*path != NULL && !is_there(*path)) {
		free(*path);
		*path = NULL;
	}
	return st;
}
