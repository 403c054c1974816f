#include "config/value.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "config/nearest.h"
#include "config/option.h"

#define KILO (INT64_C(1) << 10)
#define MEGA (INT64_C(1) << 20)

/* The length of a choice's own name, before what it is called besides. */
static int
choice_length(const char *choice)
{
	return (int)strcspn(choice, "|");
}

static void
print_size(int64_t n, struct buf *out)
{
	if (n >= MEGA && n % MEGA == 0)
		buf_printf(out, "%" PRId64 "M", n / MEGA);
	else if (n >= KILO && n % KILO == 0)
		buf_printf(out, "%" PRId64 "K", n / KILO);
	else
		buf_printf(out, "%" PRId64, n);
}

void
value_print(const struct option *o, int64_t value, struct buf *out)
{
	const char *choice;

	switch (o->type) {
	case OPTION_CHOICE:
		choice = o->choices[value];
		buf_printf(out, "%.*s", choice_length(choice), choice);
		break;
	case OPTION_SIZE:
		print_size(value, out);
		break;
	case OPTION_NUMBER:
		buf_printf(out, "%" PRId64, value);
		break;
	case OPTION_TEXT:
	case OPTION_URL:
		break;
	}
}

static void
describe_choices(const struct option *o, struct buf *out)
{
	const char *const *c;

	for (c = o->choices; *c != NULL; c++)
		buf_printf(out, "%s%.*s",
		    c == o->choices ? "" : (c[1] == NULL ? " or " : ", "),
		    choice_length(*c), *c);
}

void
value_describe(const struct option *o, struct buf *out)
{
	switch (o->type) {
	case OPTION_CHOICE:
		describe_choices(o, out);
		break;
	case OPTION_SIZE:
		buf_puts(out, "a size from ");
		print_size(o->min, out);
		buf_puts(out, " to ");
		print_size(o->max, out);
		break;
	case OPTION_NUMBER:
		buf_printf(out, "a number from %" PRId64 " to %" PRId64, o->min,
		    o->max);
		break;
	case OPTION_TEXT:
		buf_puts(out, "text");
		break;
	case OPTION_URL:
		buf_puts(out, "a URL");
		break;
	}
}

/* True if text is one of the "|"-separated names, in any case. */
static bool
is_named(const char *names, const char *text)
{
	size_t n = strlen(text), part;

	for (;; names += part + 1) {
		part = strcspn(names, "|");
		if (part == n && strncasecmp(names, text, n) == 0)
			return true;
		if (names[part] == '\0')
			return false;
	}
}

static enum status
parse_choice(const struct option *o, const char *text, int64_t *out)
{
	size_t i;

	for (i = 0; o->choices[i] != NULL; i++) {
		if (is_named(o->choices[i], text)) {
			*out = (int64_t)i;
			return ST_OK;
		}
	}
	return ST_MALFORMED;
}

static enum status
parse_number(
    const struct option *o, const char *digits, int64_t unit, int64_t *out)
{
	enum status st = ST_MALFORMED;
	uint64_t n;

	st = str_u64(digits, (uint64_t)(o->max / unit), &n);
	if (st != ST_OK)
		return st;
	*out = (int64_t)n * unit;
	return *out < o->min ? ST_TOOBIG : ST_OK;
}

static enum status
parse_size(const struct option *o, const char *text, int64_t *out)
{
	char digits[24];
	size_t n = strlen(text);
	int64_t unit = 1;

	if (n == 0 || n >= sizeof(digits))
		return ST_MALFORMED;
	if (strchr("kK", text[n - 1]) != NULL)
		unit = KILO;
	else if (strchr("mM", text[n - 1]) != NULL)
		unit = MEGA;
	memcpy(digits, text, n + 1);
	if (unit > 1)
		digits[n - 1] = '\0';
	return parse_number(o, digits, unit, out);
}

static void
explain_choice(const struct option *o, const char *text, struct buf *why)
{
	struct nearest best = { 0 };
	const char *meant = NULL;
	size_t i;

	for (i = 0; o->choices[i] != NULL; i++)
		if (nearest_offer(&best, text, o->choices[i]))
			meant = o->choices[i];
	buf_puts(why, "is not one of the choices");
	if (meant != NULL)
		buf_printf(
		    why, " (did you mean %.*s?)", choice_length(meant), meant);
}

/* The value itself is left out: it may be a secret on the wrong line. */
static void
explain(
    const struct option *o, const char *text, enum status st, struct buf *why)
{
	if (*text == '\0')
		buf_puts(why, "has no value");
	else if (o->type == OPTION_CHOICE)
		explain_choice(o, text, why);
	else if (st == ST_TOOBIG)
		buf_puts(why, "is out of bounds");
	else
		buf_puts(why,
		    o->type == OPTION_SIZE ? "is not a size such as 100K"
					   : "is not a number");
	buf_puts(why, "; write ");
	value_describe(o, why);
	buf_puts(why, ", or leave it out");
	if (o->fallback != NULL)
		buf_printf(why, " (default %s)", o->fallback);
}

enum status
value_parse(
    const struct option *o, const char *text, int64_t *out, struct buf *why)
{
	enum status st = ST_UNSUPPORTED;
	int64_t value = 0;

	switch (o->type) {
	case OPTION_CHOICE:
		st = parse_choice(o, text, &value);
		break;
	case OPTION_SIZE:
		st = parse_size(o, text, &value);
		break;
	case OPTION_NUMBER:
		st = parse_number(o, text, 1, &value);
		break;
	case OPTION_TEXT:
	case OPTION_URL:
		break;
	}
	if (st == ST_OK)
		*out = value;
	else
		explain(o, text, st, why);
	return st;
}

bool
value_has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if (((unsigned char)*text < 0x20 && *text != '\t') ||
		    *text == 0x7f)
			return true;
	return false;
}

bool
value_trim(struct buf *b)
{
	if (b->len > 0 && b->data[b->len - 1] == '\n') {
		b->len--;
		if (b->len > 0 && b->data[b->len - 1] == '\r')
			b->len--;
		b->data[b->len] = '\0';
	}
	return strlen(buf_str(b)) == b->len;
}
