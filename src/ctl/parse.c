/* One command's options, operands and help. */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "ctl/ctl.h"

struct ctl_option
ctl_flag(const char *name, bool *flag, const char *help)
{
	return (struct ctl_option){ .name = name, .flag = flag, .help = help };
}

struct ctl_option
ctl_text(
    const char *name, const char *value, const char **text, const char *help)
{
	return (struct ctl_option){
		.name = name, .value = value, .text = text, .help = help
	};
}

struct ctl_option
ctl_needed(
    const char *name, const char *value, const char **text, const char *help)
{
	struct ctl_option o = ctl_text(name, value, text, help);

	o.required = true;
	return o;
}

struct ctl_option
ctl_number(const char *name, const char *value, int64_t *number, int64_t min,
    int64_t max, const char *help)
{
	return (struct ctl_option){ .name = name,
		.value = value,
		.number = number,
		.min = min,
		.max = max,
		.help = help };
}

struct ctl_option
ctl_list(const char *name, const char *value, struct kv *list, const char *help)
{
	return (struct ctl_option){
		.name = name, .value = value, .list = list, .help = help
	};
}

static void
put_option(FILE *to, const struct ctl_option *o)
{
	char left[64];

	snprintf(left, sizeof(left), "--%s%s%s", o->name, o->value ? " " : "",
	    o->value ? o->value : "");
	fprintf(to, "  %-22s %s\n", left, o->help);
}

static void
put_line(FILE *to, const struct ctl_syntax *s)
{
	fprintf(to, "Usage: switchhook %s%s%s%s\n", s->command,
	    s->operands[0] != '\0' ? " " : "", s->operands,
	    s->options_n > 0 ? " [OPTIONS]" : "");
}

static void
put_help(FILE *to, const struct ctl_syntax *s)
{
	put_line(to, s);
	fprintf(to, "\n%s\n", s->help);
	if (s->options_n > 0)
		fputs("\nOptions:\n", to);
	for (size_t i = 0; i < s->options_n; i++)
		put_option(to, &s->options[i]);
}

static const struct ctl_option *
find(const struct ctl_syntax *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->options_n; i++)
		if (strlen(s->options[i].name) == len &&
		    memcmp(s->options[i].name, name, len) == 0)
			return &s->options[i];
	return NULL;
}

/* "switchhook COMMAND: --NAME: what is wrong", and how it is called. */
static bool
mistake(const struct ctl *ctl, const struct ctl_syntax *s, const char *name,
    const char *what)
{
	fprintf(ctl->err, "switchhook %s: %s: %s\n", s->command, name, what);
	put_line(ctl->err, s);
	return false;
}

static bool
take_number(const struct ctl *ctl, const struct ctl_syntax *s,
    const struct ctl_option *o, const char *given, const char *value)
{
	uint64_t n;
	char what[96];

	if (str_u64(value, (uint64_t)o->max, &n) == ST_OK &&
	    (int64_t)n >= o->min) {
		*o->number = (int64_t)n;
		return true;
	}
	snprintf(what, sizeof(what),
	    "a number from %" PRId64 " to %" PRId64 " is needed", o->min,
	    o->max);
	return mistake(ctl, s, given, what);
}

static bool
take_value(const struct ctl *ctl, const struct ctl_syntax *s,
    const struct ctl_option *o, const char *given, const char *value)
{
	if (o->number)
		return take_number(ctl, s, o, given, value);
	if (o->text)
		*o->text = value;
	if (o->list &&
	    kv_add(o->list, o->name, strlen(o->name), value, strlen(value)) !=
		ST_OK)
		return mistake(ctl, s, given, "no memory");
	return true;
}

/* The option at argv[*i], and its value, which may be the next one. */
static bool
take(const struct ctl *ctl, const struct ctl_syntax *s, char **argv, int *i,
    uint64_t *seen)
{
	const char *given = argv[*i];
	size_t len = strcspn(given, "=");
	const char *value = given[len] == '=' ? given + len + 1 : NULL;
	const struct ctl_option *o =
	    str_starts(given, "--") ? find(s, given + 2, len - 2) : NULL;
	uint64_t bit;

	if (!o)
		return mistake(ctl, s, given, "no such option");
	bit = UINT64_C(1) << (o - s->options);
	if ((*seen & bit) && !o->list)
		return mistake(ctl, s, given, "given twice");
	*seen |= bit;
	if (o->flag) {
		*o->flag = true;
		return value == NULL ||
		    mistake(ctl, s, given, "takes no value");
	}
	if (!value)
		value = argv[*i + 1] ? argv[++*i] : NULL;
	if (!value)
		return mistake(ctl, s, given, "a value is needed");
	return take_value(ctl, s, o, given, value);
}

/* Is all there that must be? */
static bool
complete(
    const struct ctl *ctl, const struct ctl_syntax *s, int n, uint64_t seen)
{
	char name[64];

	if (n < s->min)
		return mistake(ctl, s, s->operands, "something is missing");
	for (size_t i = 0; i < s->options_n; i++) {
		if (!s->options[i].required || (seen & (UINT64_C(1) << i)))
			continue;
		snprintf(name, sizeof(name), "--%s", s->options[i].name);
		return mistake(ctl, s, name, "is needed");
	}
	return true;
}

bool
ctl_parse(const struct ctl *ctl, const struct ctl_syntax *s, int argc,
    char **argv, int *n, int *code)
{
	bool only_operands = false;
	uint64_t seen = 0;

	*n = 0;
	*code = CTL_USAGE;
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];

		if (!only_operands && str_eq(a, "--")) {
			only_operands = true;
		} else if (!only_operands &&
		    (str_eq(a, "--help") || str_eq(a, "-h"))) {
			put_help(ctl->out, s);
			*code = CTL_DONE;
			return false;
		} else if (!only_operands && a[0] == '-' && a[1] != '\0') {
			if (!take(ctl, s, argv, &i, &seen))
				return false;
		} else if (s->max >= 0 && *n == s->max) {
			return mistake(ctl, s, a, "one too many");
		} else {
			argv[++*n] = argv[i];
		}
	}
	argv[*n + 1] = NULL;
	return complete(ctl, s, *n, seen);
}
