/* One command's options, operands and help. */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "ctl/ctl.h"

static void
put_usage_line(FILE *to, const struct ctl_command *c)
{
	fprintf(to, "Usage: switchhook %s%s%s%s\n", c->name,
	    c->operands[0] != '\0' ? " " : "", c->operands,
	    c->options[0].name != NULL ? " [OPTIONS]" : "");
}

static void
put_help(FILE *to, const struct ctl_command *c)
{
	const struct ctl_option *o = c->options;
	char left[64];

	put_usage_line(to, c);
	fprintf(to, "\n%s\n%s", c->help, o->name != NULL ? "\nOptions:\n" : "");
	for (; o->name != NULL; o++) {
		snprintf(left, sizeof(left), "--%s%s%s", o->name,
		    o->value ? " " : "", o->value ? o->value : "");
		fprintf(to, "  %-22s %s\n", left, o->help);
	}
}

/* "switchhook COMMAND: --NAME: what is wrong", and how it is called. */
static bool
mistake(const struct ctl *ctl, const char *name, const char *what)
{
	fprintf(ctl->err, "switchhook %s: %s: %s\n", ctl->command->name, name,
	    what);
	put_usage_line(ctl->err, ctl->command);
	return false;
}

/* The option of "--name" or "--name=value", whole names only, or NULL. */
static const struct ctl_option *
find_option(const struct ctl_command *c, const char *given, size_t len)
{
	const struct ctl_option *o = c->options;

	if (!str_starts(given, "--"))
		return NULL;
	while (o->name != NULL &&
	    (strlen(o->name) != len - 2 ||
		memcmp(o->name, given + 2, len - 2) != 0))
		o++;
	return o->name != NULL ? o : NULL;
}

static bool
check_number(const struct ctl *ctl, const struct ctl_option *o,
    const char *given, const char *value)
{
	uint64_t n;
	char what[96];

	if (str_u64(value, (uint64_t)o->max, &n) == ST_OK &&
	    (int64_t)n >= o->min)
		return true;
	snprintf(what, sizeof(what),
	    "a number from %" PRId64 " to %" PRId64 " is needed", o->min,
	    o->max);
	return mistake(ctl, given, what);
}

/* -n is what tail(1) has for --lines. */
static const char *
long_name(const struct ctl *ctl, const char *given)
{
	return str_eq(given, "-n") && find_option(ctl->command, "--lines", 7)
	    ? "--lines"
	    : given;
}

/* The option at argv[*i], and its value, which may be the next one. */
static bool
take_option(struct ctl *ctl, char **argv, int *i)
{
	const char *given = long_name(ctl, argv[*i]);
	size_t len = strcspn(given, "=");
	const char *value = given[len] == '=' ? given + len + 1 : NULL;
	const struct ctl_option *o = find_option(ctl->command, given, len);

	if (o == NULL)
		return mistake(ctl, given, "no such option");
	if (o->kind != CTL_MANY && ctl_flag(ctl, o->name))
		return mistake(ctl, given, "given twice");
	if (o->kind == CTL_FLAG && value != NULL)
		return mistake(ctl, given, "takes no value");
	if (o->kind == CTL_FLAG)
		value = "";
	else if (value == NULL && argv[*i + 1] != NULL)
		value = argv[++*i];
	if (value == NULL)
		return mistake(ctl, given, "a value is needed");
	if (o->kind == CTL_NUMBER && !check_number(ctl, o, given, value))
		return false;
	return kv_add(&ctl->given, o->name, strlen(o->name), value,
		   strlen(value)) == ST_OK ||
	    mistake(ctl, given, "no memory");
}

/* Is all there that must be? */
static bool
is_complete(const struct ctl *ctl)
{
	const struct ctl_option *o;
	char name[64];

	if (ctl->operands_n < ctl->command->min)
		return mistake(
		    ctl, ctl->command->operands, "something is missing");
	for (o = ctl->command->options; o->name != NULL; o++) {
		if (o->kind != CTL_NEEDED || ctl_flag(ctl, o->name))
			continue;
		snprintf(name, sizeof(name), "--%s", o->name);
		return mistake(ctl, name, "is needed");
	}
	return true;
}

bool
ctl_parse(struct ctl *ctl, int argc, char **argv, int *code)
{
	bool only_operands = false;
	int *n = &ctl->operands_n;

	ctl->operands = argv + 1;
	*code = CTL_USAGE;
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];

		if (!only_operands && str_eq(a, "--")) {
			only_operands = true;
		} else if (!only_operands &&
		    (str_eq(a, "--help") || str_eq(a, "-h"))) {
			put_help(ctl->out, ctl->command);
			*code = CTL_DONE;
			return false;
		} else if (!only_operands && a[0] == '-' && a[1] != '\0') {
			if (!take_option(ctl, argv, &i))
				return false;
		} else if (*n == ctl->command->max) {
			return mistake(ctl, a, "one too many");
		} else {
			ctl->operands[(*n)++] = argv[i];
		}
	}
	ctl->operands[*n] = NULL;
	return is_complete(ctl);
}

const char *
ctl_each(const struct ctl *ctl, const char *option, size_t *i)
{
	while (*i < ctl->given.n)
		if (str_eq(ctl->given.pairs[(*i)++].name, option))
			return ctl->given.pairs[*i - 1].value;
	return NULL;
}

const char *
ctl_text(const struct ctl *ctl, const char *option)
{
	size_t i = 0;

	return ctl_each(ctl, option, &i);
}

bool
ctl_flag(const struct ctl *ctl, const char *option)
{
	return ctl_text(ctl, option) != NULL;
}

int64_t
ctl_number(const struct ctl *ctl, const char *option, int64_t otherwise)
{
	const char *text = ctl_text(ctl, option);
	uint64_t n;

	/* ctl_parse has looked at its bounds. */
	return text != NULL && str_u64(text, INT64_MAX, &n) == ST_OK
	    ? (int64_t)n
	    : otherwise;
}
