/* switchhook calls: what happened to calls, from the log or from Twilio. */
#include "ctl/calls.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "codec/moment.h"
#include "config/nearest.h"
#include "ctl/row.h"
#include "twilio/rest/calls.h"

#define DAY_US (INT64_C(24) * 3600 * 1000000)

struct cell
calls_number(const char *name, int64_t number, int width)
{
	return number >= 0 ? cell_int(name, number, width)
			   : cell_text(name, NULL, width);
}

enum status
calls_put(struct ctl *ctl, const struct calls_listed *c)
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

	return row_line(ctl, cells, CTL_COUNT(cells));
}

/* --- what is asked for --------------------------------------------------- */

/*
 * Twilio adds words, so any may be looked for. One that is misspelt finds
 * nothing, and that would look like an answer.
 */
static void
warn_of_word(const struct ctl *ctl, const char *option,
    const char *const *words, const char *given)
{
	struct nearest nearest = { 0 };
	const char *near = NULL;

	if (given == NULL)
		return;
	for (; *words != NULL; words++) {
		if (strcmp(*words, given) == 0)
			return;
		if (nearest_offer(&nearest, given, *words))
			near = *words;
	}
	if (near != NULL)
		(void)ctl_say(ctl, CTL_DONE,
		    "%s %s: no such word of Twilio's is known; did you mean "
		    "%s?",
		    option, given, near);
	else
		(void)ctl_say(ctl, CTL_DONE,
		    "%s %s: no such word of Twilio's is known; calls that have "
		    "it are listed",
		    option, given);
}

static int
read_moment(const struct ctl *ctl, const char *option, enum moment_edge edge,
    int64_t *us)
{
	const char *given = ctl_text(ctl, option);

	if (given == NULL || moment_parse(given, edge, us) == ST_OK)
		return CTL_DONE;
	return ctl_say(ctl, CTL_USAGE,
	    "--%s %s: is neither a date (2026-11-21) nor a date-time with its "
	    "zone "
	    "(2026-11-21T18:50:00Z, 2026-11-21T18:50:00+02:00)",
	    option, given);
}

static int
read_source(const struct ctl *ctl, bool *twilio)
{
	const char *given = ctl_text(ctl, "source");

	*twilio = str_eq(given, "twilio");
	if (given == NULL || *twilio || str_eq(given, "log"))
		return CTL_DONE;
	return ctl_say(
	    ctl, CTL_USAGE, "--source %s: is neither log nor twilio", given);
}

/* A number as people write it is the number; with a prefix it is another. */
static int
read_address(const struct ctl *ctl, const char *option,
    char number[static SENDER_MAX], const char **out)
{
	*out = ctl_text(ctl, option);
	if (*out == NULL)
		return CTL_DONE;
	if (**out == '\0')
		return ctl_say(ctl, CTL_USAGE, "--%s is empty", option);
	if (strchr(*out, ':') == NULL && sender_parse(*out, number) == ST_OK)
		*out = number;
	return CTL_DONE;
}

/* Without a range the last day, rather than all that there ever was. */
static int
read_wanted(const struct ctl *ctl, struct calls_wanted *w)
{
	int code;

	*w = (struct calls_wanted){ .start_us = INT64_MIN,
		.end_us = INT64_MAX,
		.status = ctl_text(ctl, "status"),
		.direction = ctl_text(ctl, "direction"),
		.parent_sid = ctl_text(ctl, "parent-call-sid"),
		.limit = ctl_number(ctl, "limit", 100) };
	if ((code = read_address(ctl, "from", w->number[0], &w->from)) !=
		CTL_DONE ||
	    (code = read_address(ctl, "to", w->number[1], &w->to)) != CTL_DONE)
		return code;
	if ((code = read_moment(
		 ctl, "start-date", MOMENT_FIRST, &w->start_us)) != CTL_DONE ||
	    (code = read_moment(ctl, "end-date", MOMENT_LAST, &w->end_us)) !=
		CTL_DONE)
		return code;
	if (w->start_us == INT64_MIN)
		w->start_us =
		    (w->end_us == INT64_MAX ? clock_us() : w->end_us + 1) -
		    DAY_US;
	if (w->parent_sid != NULL && !str_is_sid(w->parent_sid, "CA"))
		return ctl_say(ctl, CTL_USAGE,
		    "--parent-call-sid %s: is not CA and 32 hexadecimal digits",
		    w->parent_sid);
	warn_of_word(ctl, "--status", calls_statuses, w->status);
	warn_of_word(ctl, "--direction", calls_directions, w->direction);
	return CTL_DONE;
}

/* --- list ------------------------------------------------------------------ */

int
ctl_calls_list(struct ctl *ctl)
{
	struct calls_wanted w;
	bool twilio;
	int code;

	if ((code = read_wanted(ctl, &w)) != CTL_DONE ||
	    (code = read_source(ctl, &twilio)) != CTL_DONE)
		return code;
	if (w.start_us > w.end_us)
		return ctl_say(
		    ctl, CTL_USAGE, "--start-date is after --end-date");
	return twilio ? calls_twilio_list(ctl, &w) : calls_log_list(ctl, &w);
}

/* --- show ------------------------------------------------------------------ */

int
ctl_calls_show(struct ctl *ctl)
{
	const char *sid = ctl->operands[0];
	bool digits = ctl_flag(ctl, "digits"), twilio;
	int code = read_source(ctl, &twilio);

	if (code != CTL_DONE)
		return code;
	if (!twilio)
		return calls_log_show(ctl, sid, digits);
	if (digits)
		return ctl_say(ctl, CTL_USAGE,
		    "--digits: Twilio has none, they are in the log");
	if (!str_is_sid(sid, "CA"))
		return ctl_say(ctl, CTL_USAGE,
		    "a call's SID is CA and 32 hexadecimal digits");
	return calls_twilio_show(ctl, sid);
}
