/* The query of the admin routes: every parameter at most once, none unknown. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "codec/moment.h"
#include "serve/exchange.h"
#include "watch/monitor.h"

#define WHEN \
	"is neither a date (2026-11-21) nor a date-time with its zone " \
	"(2026-11-21T18:50:00Z, 2026-11-21T18:50:00+02:00)"

/* A parameter: read gives NULL, or what is wrong with the value. */
struct parameter {
	const char *name;
	const char *(*read)(struct monitor_query *, const char *value);
};

static const char *
read_source(struct monitor_query *q, const char *value)
{
	if (str_eq(value, "twilio"))
		q->source = MONITOR_TWILIO;
	else if (str_eq(value, "log"))
		q->source = MONITOR_LOG;
	else
		return "is neither twilio nor log";
	return NULL;
}

static const char *
read_start(struct monitor_query *q, const char *value)
{
	if (moment_parse(value, MOMENT_FIRST, &q->filter.start_us) != ST_OK)
		return WHEN;
	return NULL;
}

static const char *
read_end(struct monitor_query *q, const char *value)
{
	if (moment_parse(value, MOMENT_LAST, &q->filter.end_us) != ST_OK)
		return WHEN;
	return NULL;
}

/* Any, here and below: Twilio adds to what calls may have. */
static const char *
read_status(struct monitor_query *q, const char *value)
{
	q->filter.status = value;
	return NULL;
}

static const char *
read_direction(struct monitor_query *q, const char *value)
{
	q->filter.direction = value;
	return NULL;
}

/* A "+" that nobody encoded comes as a space. */
static const char *
read_address(char out[static MONITOR_ADDRESS_MAX], const char *value,
    const char **filter)
{
	if (strlen(value) >= MONITOR_ADDRESS_MAX)
		return "is longer than any number or address";
	snprintf(out, MONITOR_ADDRESS_MAX, "%s", value);
	if (out[0] == ' ' && out[1] >= '0' && out[1] <= '9')
		out[0] = '+';
	*filter = out;
	return NULL;
}

static const char *
read_from(struct monitor_query *q, const char *value)
{
	return read_address(q->from, value, &q->filter.from);
}

static const char *
read_to(struct monitor_query *q, const char *value)
{
	return read_address(q->to, value, &q->filter.to);
}

static const char *
read_parent(struct monitor_query *q, const char *value)
{
	if (!str_is_sid(value, "CA"))
		return "is not CA and 32 hexadecimal digits";
	q->filter.parent_sid = value;
	return NULL;
}

static const char *
read_limit(struct monitor_query *q, const char *value)
{
	uint64_t n = 0;

	if (str_u64(value, MONITOR_LIMIT_MAX, &n) != ST_OK || n < 1)
		return "is not a number from 1 to 1000";
	q->limit = (size_t)n;
	return NULL;
}

static const char *
read_token(struct monitor_query *q, const char *value)
{
	q->page_token = value;
	return NULL;
}

static const struct parameter call_parameters[] = {
	{ "source", read_source },
	{ NULL, NULL },
};

static const struct parameter batch_parameters[] = {
	{ "start_date", read_start },
	{ "end_date", read_end },
	{ "status", read_status },
	{ "direction", read_direction },
	{ "from", read_from },
	{ "to", read_to },
	{ "parent_call_sid", read_parent },
	{ "limit", read_limit },
	{ "page_token", read_token },
	{ "source", read_source },
	{ NULL, NULL },
};

static bool
refuse(struct exchange *x, const char *name, const char *why)
{
	char text[256];

	snprintf(text, sizeof(text), "%.64s: %s", name, why);
	exchange_error(x, 400, text);
	return false;
}

/* Only what is in the table: a filter that is misspelt would show all calls. */
static bool
check_names(struct exchange *x, const struct parameter *table)
{
	const struct parameter *p;
	size_t i;

	for (i = 0; i < x->query.n; i++) {
		for (p = table; p->name != NULL; p++)
			if (strcmp(p->name, x->query.pairs[i].name) == 0 &&
			    strlen(p->name) == x->query.pairs[i].name_len)
				break;
		if (p->name == NULL)
			return refuse(x, x->query.pairs[i].name,
			    "no such parameter here");
	}
	return true;
}

static bool
read_query(
    struct exchange *x, const struct parameter *table, struct monitor_query *q)
{
	const char *value, *why;

	*q = (struct monitor_query){ .source = MONITOR_TWILIO,
		.filter = { .start_us = INT64_MIN, .end_us = INT64_MAX },
		.limit = MONITOR_LIMIT };
	if (!check_names(x, table))
		return false;
	for (; table->name != NULL; table++) {
		if (!exchange_param(x, table->name, &value))
			return false;
		if (value == NULL)
			continue;
		/* A page token that got lost would begin again for ever. */
		why = *value == '\0' ? "has no value" : table->read(q, value);
		if (why != NULL)
			return refuse(x, table->name, why);
	}
	return true;
}

bool
monitor_query_call(struct exchange *x, struct monitor_query *q)
{
	return read_query(x, call_parameters, q);
}

bool
monitor_query_batch(struct exchange *x, struct monitor_query *q)
{
	bool start, end;

	if (!read_query(x, batch_parameters, q))
		return false;
	start = q->filter.start_us != INT64_MIN;
	end = q->filter.end_us != INT64_MAX;
	/* A page token has them. */
	if (q->page_token == NULL && (!start || !end))
		return refuse(x,
		    start     ? "end_date"
			: end ? "start_date"
			      : "start_date, end_date",
		    "required, a date (2026-11-21) or a date-time with its "
		    "zone (2026-11-21T18:50:00Z)");
	if (q->filter.start_us > q->filter.end_us)
		return refuse(x, "start_date", "is after end_date");
	return true;
}
