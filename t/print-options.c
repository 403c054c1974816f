/*
 * The option table for the tests of the manual, one line an option:
 * section, key, default, its variable, its other variable (or "-"), and words
 * that describe its bounds, between tabs. With a file: its settings as
 * config_show has them, or its mistakes and exit status 1.
 */
#include <stdio.h>

#include "config/config.h"
#include "config/reference.h"
#include "config/value.h"
#include "site/settings.h"

static void
print_table(struct buf *out)
{
	char name[OPTION_VARIABLE_MAX];
	const struct option *o;

	for (o = options; o < options + options_n; o++) {
		option_variable(o, name);
		buf_printf(out, "%s\t%s\t%s\t%s\t%s\t", o->section, o->key,
		    o->fallback, name, o->variable == NULL ? "-" : o->variable);
		value_describe(o, out);
		buf_putc(out, '\n');
	}
}

/* What is kept at AWS is missing. */
static enum status
load(struct config **c, const char *path, struct buf *errors)
{
	struct buf warnings = BUF_INIT;
	enum status st = reference_load(c, path, NULL, errors);

	if (st == ST_OK)
		st = settings_end(*c, NULL, errors, &warnings);
	buf_release(&warnings);
	return st;
}

int
main(int argc, char **argv)
{
	struct buf out = BUF_INIT, errors = BUF_INIT;
	struct config *c = NULL;
	enum status st = ST_OK;

	if (argc < 2)
		print_table(&out);
	else
		st = load(&c, argv[1], &errors);
	if (c != NULL)
		config_show(c, &out);
	fputs(buf_str(&out), stdout);
	fputs(buf_str(&errors), stderr);
	config_free(c);
	buf_release(&out);
	buf_release(&errors);
	return st == ST_OK ? 0 : 1;
}
