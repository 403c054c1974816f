#include "t/configs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/reference.h"
#include "site/settings.h"
#include "t/test.h"

const char *
configs_file(const char *name, const void *content, size_t len)
{
	static char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", test_tmpdir(), name);
	if ((f = fopen(path, "wb")) == NULL ||
	    fwrite(content, 1, len, f) != len || fclose(f) != 0) {
		perror(path);
		exit(99);
	}
	return path;
}

void
configs_load(struct loaded *l, const char *path, const char *const *envp)
{
	enum status ended;

	*l = (struct loaded){ .st = ST_NOMEM };
	l->st =
	    reference_load(&l->config, path, (char *const *)envp, &l->errors);
	/* Nobody asks AWS here. */
	if (l->config != NULL &&
	    (ended = settings_end(l->config, NULL, &l->errors, &l->warnings)) !=
		ST_OK)
		l->st = ended;
	if (l->st != ST_OK) {
		config_free(l->config);
		l->config = NULL;
	}
	if (l->config != NULL)
		config_show(l->config, &l->shown);
}

void
configs_load_text(struct loaded *l, const char *text, const char *const *envp)
{
	configs_load(
	    l, configs_file("switchhook.conf", text, strlen(text)), envp);
}

void
configs_release(struct loaded *l)
{
	config_free(l->config);
	buf_release(&l->errors);
	buf_release(&l->warnings);
	buf_release(&l->shown);
}

bool
configs_has_line(const struct buf *text, const char *line)
{
	const char *s = buf_str(text), *end;
	size_t n = strlen(line);

	for (; *s != '\0'; s = *end == '\0' ? end : end + 1) {
		end = s + strcspn(s, "\n");
		if ((size_t)(end - s) == n && memcmp(s, line, n) == 0)
			return true;
	}
	return false;
}

size_t
configs_lines(const struct buf *text)
{
	const char *s = buf_str(text);
	size_t n = 0;

	while ((s = strchr(s, '\n')) != NULL) {
		s++;
		n++;
	}
	return n;
}
