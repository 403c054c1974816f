/* switchhook calls: what happened to calls, from the log or from Twilio. */
#include "ctl/calls.h"

#include <string.h>

#include "base/str.h"
#include "codec/moment.h"
#include "ctl/row.h"
#include "twilio/rest/calls.h"

struct cell
calls_number(const char *name, int64_t number, int width)
{
	return number >= 0 ? cell_int(name, number, width)
			   : cell_text(name, NULL, width);
}

enum status
calls_put(struct rows *rows, const struct calls_listed *c)
{
	struct cell cells[] = {
		cell_text("sid", c->sid, 34),
		cell_text("status", c->status, 11),
		cell_text("direction", c->direction, 13),
		cell_text("from", c->from, 14),
		cell_text("to", c->to, 14),
		cell_time("start_at", c->start_us),
		cell_time("end_at", c->end_us),
		calls_number("duration_s", c->duration_s, 10),
		cell_text("error_code", c->error_code, 0),
	};

	return rows_line(rows, cells, CTL_COUNT(cells));
}

/* --- what is asked for --------------------------------------------------- */

static bool
is_one_of(const char *const *words, const char *text)
{
	while (*words != NULL && strcmp(*words, text) != 0)
		words++;
	return *words != NULL;
}

/* A filter that is misspelt would find nothing, and look like an answer. */
static int
check_word(const struct ctl *ctl, const char *option, const char *const *words,
    const char *given)
{
	if (given == NULL || is_one_of(words, given))
		return CTL_DONE;
	fprintf(ctl->err, "switchhook: %s %s: is none of", option, given);
	for (; *words != NULL; words++)
		fprintf(ctl->err, " %s%s", *words, words[1] ? "," : "\n");
	return CTL_USAGE;
}

static int
read_moment(const struct ctl *ctl, const char *option, const char *given,
    enum moment_edge edge, int64_t *us)
{
	if (given == NULL || moment_parse(given, edge, us) == ST_OK)
		return CTL_DONE;
	return ctl_say(ctl, CTL_USAGE,
	    "%s %s: is no date (2026-11-21) and no date-time with its zone "
	    "(2026-11-21T18:50:00Z, 2026-11-21T18:50:00+02:00)",
	    option, given);
}

static int
read_source(const struct ctl *ctl, const char *given, bool *twilio)
{
	*twilio = str_eq(given, "twilio");
	if (given == NULL || *twilio || str_eq(given, "log"))
		return CTL_DONE;
	return ctl_say(
	    ctl, CTL_USAGE, "--source %s: is none of log, twilio", given);
}

#define SOURCE_HELP "log: what was recorded here (default); twilio: ask it"

/* --- list ---------------------------------------------------------------- */

int
ctl_calls_list(const struct ctl *ctl, int argc, char **argv)
{
	struct calls_wanted w = { INT64_MIN, INT64_MAX, NULL, NULL, 100 };
	const char *start = NULL, *end = NULL, *source = NULL;
	const struct ctl_option opts[] = {
		ctl_text("start-date", "TIME", &start,
		    "that started then or later: 2026-11-21, or with "
		    "T18:50:00Z"),
		ctl_text("end-date", "TIME", &end,
		    "that started then or earlier; a day is included whole"),
		ctl_text("status", "STATUS", &w.status,
		    "queued, ringing, in-progress, completed, busy, …"),
		ctl_text("direction", "DIRECTION", &w.direction,
		    "inbound, outbound-api, outbound-dial, …"),
		ctl_number("limit", "N", &w.limit, 1, 1000000,
		    "at most so many (100)"),
		ctl_text("source", "SOURCE", &source, SOURCE_HELP),
	};
	const struct ctl_syntax syntax = { "calls list", "",
		"List calls, newest first.", 0, 0, opts, CTL_COUNT(opts) };
	bool twilio;
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code))
		return code;
	if ((code = read_moment(ctl, "--start-date", start, MOMENT_FIRST,
		 &w.start_us)) != CTL_DONE ||
	    (code = read_moment(
		 ctl, "--end-date", end, MOMENT_LAST, &w.end_us)) != CTL_DONE ||
	    (code = check_word(ctl, "--status", calls_statuses, w.status)) !=
		CTL_DONE ||
	    (code = check_word(ctl, "--direction", calls_directions,
		 w.direction)) != CTL_DONE ||
	    (code = read_source(ctl, source, &twilio)) != CTL_DONE)
		return code;
	if (w.start_us > w.end_us)
		return ctl_say(
		    ctl, CTL_USAGE, "--start-date is after --end-date");
	return twilio ? calls_twilio_list(ctl, &w) : calls_log_list(ctl, &w);
}

/* --- show ---------------------------------------------------------------- */

int
ctl_calls_show(const struct ctl *ctl, int argc, char **argv)
{
	const char *source = NULL;
	bool digits = false, twilio;
	const struct ctl_option opts[] = {
		ctl_flag("digits", &digits,
		    "show what the caller keyed in and confirmed, too"),
		ctl_text("source", "SOURCE", &source, SOURCE_HELP),
	};
	const struct ctl_syntax syntax = { "calls show", "SID",
		"Show a call: what is known of it, its status events, and "
		"which digits the\ncaller confirmed. Digits are personal data: "
		"their values are shown with --digits.",
		1, 1, opts, CTL_COUNT(opts) };
	int n, code;

	if (!ctl_parse(ctl, &syntax, argc, argv, &n, &code) ||
	    (code = read_source(ctl, source, &twilio)) != CTL_DONE)
		return code;
	if (!twilio)
		return calls_log_show(ctl, argv[1], digits);
	if (digits)
		return ctl_say(ctl, CTL_USAGE,
		    "--digits: Twilio has none, they are in the log");
	if (!str_is_sid(argv[1], "CA"))
		return ctl_say(ctl, CTL_USAGE,
		    "a call's SID is CA and 32 hexadecimal digits");
	return calls_twilio_show(ctl, argv[1]);
}
