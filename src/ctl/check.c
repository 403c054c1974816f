/* switchhook check: is the configuration good, before a server reads it? */
#include <string.h>

#include "config/config.h"
#include "ctl/ctl.h"
#include "ctl/row.h"
#include "site/settings.h"

/* Each line of text as a row of its own; ok: it stands in nobody's way. */
static enum status
put_lines(struct ctl *ctl, bool ok, struct buf *errors)
{
	enum status e = ST_OK;
	char *rest = errors->data, *line;

	if (!ctl->json) {
		fputs(buf_str(errors), ctl->err);
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
	return ST_OK;
}

int
ctl_check(struct ctl *ctl)
{
	struct config *config;
	struct buf errors = BUF_INIT, warnings = BUF_INIT;
	bool strict = ctl_flag(ctl, "strict");
	enum status e, printed;
	int code;

	e = settings_check(
	    &config, ctl->config_file, ctl->envp, &errors, &warnings);
	if (e == ST_OK && strict && warnings.len > 0)
		e = ST_CONFIG;
	printed = put_lines(ctl, !strict, &warnings);
	if (printed != ST_OK)
		e = printed;
	else if (e == ST_CONFIG)
		printed = put_lines(ctl, false, &errors);
	else if (e == ST_OK && ctl_flag(ctl, "show"))
		printed = put_settings(ctl, config);
	else if (e == ST_OK)
		printed = put_good(ctl, config->file);
	else
		printed = e;
	code = printed == ST_OK ? (int)ctl_exit_of(e)
				: ctl_end(ctl, printed, "check");
	config_free(config);
	buf_release(&errors);
	buf_release(&warnings);
	return code;
}
