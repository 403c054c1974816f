/* switchhook check: is the configuration good, before a server reads it? */
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "ctl/become.h"
#include "ctl/ctl.h"
#include "ctl/row.h"
#include "site/settings.h"

static void
put_text(const struct ctl *ctl, bool ok, const struct buf *lines)
{
	settings_print(ctl->err, ok ? "warning: " : "error: ", lines);
}

/* Each line of text as a row of its own; ok: it stands in nobody's way. */
static enum status
put_lines(struct ctl *ctl, bool ok, struct buf *errors)
{
	enum status e = ST_OK;
	char *rest = errors->data, *line;

	if (!ctl->json) {
		put_text(ctl, ok, errors);
		return ST_OK;
	}
	while (e == ST_OK && (line = strsep(&rest, "\n"))) {
		struct cell cells[] = { cell_bool("ok", ok, 0),
			cell_text(ok ? "warning" : "mistake", line, 0) };

		if (*line != '\0')
			e = row_line(ctl, cells, CTL_COUNT(cells));
	}
	return e;
}

/* "section.key = value" a line; a value may be empty. */
static enum status
put_settings(struct ctl *ctl, const struct config *config)
{
	struct buf text = BUF_INIT;
	enum status e;
	char *rest, *line;

	config_show(config, &text);
	e = text.err;
	rest = text.data;
	if (e == ST_OK && !ctl->json) {
		fputs(buf_str(&text), ctl->out);
		rest = NULL;
	}
	while (e == ST_OK && (line = strsep(&rest, "\n"))) {
		char *value = strstr(line, " =");
		struct cell cells[2];

		if (!value)
			continue;
		*value = '\0';
		value += value[2] == ' ' ? 3 : 2;
		cells[0] = cell_text("key", line, 0);
		cells[1] = cell_bytes("value", value, strlen(value));
		e = row_line(ctl, cells, CTL_COUNT(cells));
	}
	buf_release(&text);
	return e;
}

static enum status
put_good(struct ctl *ctl, const char *path)
{
	struct cell cells[] = { cell_bool("ok", true, 0),
		cell_text("file", path, 0) };

	if (ctl->json)
		return row_line(ctl, cells, CTL_COUNT(cells));
	fprintf(ctl->out, "%s: the configuration is good\n",
	    path ? path : "no file, the environment and defaults");
	/* Root may do everything, which the service may not. */
	if (geteuid() == 0 && ctl_text(ctl, "user") == NULL)
		fputs("warning: this is what root finds, who may read and "
		      "write everything; to check as the service, add --user "
		      "and its user's name\n",
		    ctl->out);
	return ST_OK;
}

static int
check(struct ctl *ctl)
{
	bool show = ctl_flag(ctl, "show");
	struct config *config;
	bool strict = ctl_flag(ctl, "strict");
	struct settings_found found = { .errors = BUF_INIT };
	enum status e, printed = ST_OK;
	int code;

	e = settings_check(&config, ctl->config_file, ctl->envp, &found);
	/* They stop no start, but what needs what they name will not work. */
	buf_puts(&found.errors, buf_str(&found.faults));
	if (e == ST_OK && found.faults.len > 0)
		e = ST_CONFIG;
	if (e == ST_OK && strict && found.warnings.len > 0)
		e = ST_CONFIG;
	/* Settings are rows of another kind. */
	if (show)
		put_text(ctl, !strict, &found.warnings);
	else
		printed = put_lines(ctl, !strict, &found.warnings);
	if (printed != ST_OK)
		e = printed;
	else if (e == ST_CONFIG)
		printed = put_lines(ctl, false, &found.errors);
	else if (e == ST_OK && show)
		printed = put_settings(ctl, config);
	else if (e == ST_OK)
		printed = put_good(ctl, config->file);
	else
		printed = e;
	code = printed == ST_OK ? (int)ctl_exit_of(e)
				: ctl_end(ctl, printed, "check");
	config_free(config);
	settings_found_release(&found);
	return code;
}

int
ctl_check(struct ctl *ctl)
{
	const char *user = ctl_text(ctl, "user");
	struct become as = { NULL, NULL };
	int code = CTL_DONE;

	if (user != NULL)
		code = become_user(&as, ctl, user);
	if (code == CTL_DONE)
		code = check(ctl);
	become_release(&as);
	return code;
}
