#include "twilio/rest/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/json.h"
#include "codec/moment.h"
#include "twilio/rest/page.h"

/*
 * With a direction to look for, a page of Twilio's has more calls than are
 * wanted: one in some has the right one. Small pages would ask often, large
 * ones read for nothing.
 */
#define SPARE 4
#define SPARE_PAGE_MIN 100

#define SECOND_US INT64_C(1000000)
#define NEVER_US INT64_C(253402300799999999) /* the last of year 9999 */

/* --- a place as text: "SID SID TIME URI", with "-" for no SID ------------ */

enum status
calls_place_write(const struct calls_place *p, struct buf *out)
{
	return buf_printf(out, "%s %s %lld %s",
	    *p->last == '\0' ? "-" : p->last, *p->next == '\0' ? "-" : p->next,
	    (long long)p->made_us, p->uri == NULL ? "" : p->uri);
}

/* The word at *at, which has a space behind it; *at is then behind that. */
static bool
place_word(const char **at, char out[static CALLS_SID_MAX])
{
	size_t n = strcspn(*at, " ");

	if ((*at)[n] != ' ' || n >= CALLS_SID_MAX)
		return false;
	memcpy(out, *at, n);
	out[n] = '\0';
	*at += n + 1;
	return true;
}

static bool
place_sid(const char **at, char out[static CALLS_SID_MAX])
{
	if (!place_word(at, out))
		return false;
	if (strcmp(out, "-") != 0)
		return str_is_sid(out, "CA");
	*out = '\0';
	return true;
}

enum status
calls_place_read(
    struct calls_place *p, const char *text, const char *account_sid)
{
	char made[CALLS_SID_MAX];

	if (!place_sid(&text, p->last) || !place_sid(&text, p->next) ||
	    !place_word(&text, made))
		return ST_MALFORMED;
	p->made_us = strtoll(made, NULL, 10);
	if (*text == '\0')
		return ST_OK;
	if (!page_uri_fits(&page_calls, text, account_sid))
		return ST_MALFORMED;
	return str_dup(text, &p->uri);
}

void
calls_walk_release(struct calls_walk *w)
{
	free(w->place.uri);
	w->place = (struct calls_place){ .uri = NULL };
}

/* --- what is in a page --------------------------------------------------- */

/* A member that is a string, or "". */
static const char *
item_text(struct rest_page *page, size_t i, const char *name)
{
	const struct json *call;
	const char *text;

	if (rest_page_item(page, i, &call) != ST_OK ||
	    json_member_text(call, name, &text) != ST_OK)
		return "";
	return text;
}

static int64_t
item_time(struct rest_page *page, size_t i, const char *name)
{
	int64_t us;

	return moment_parse_mail(item_text(page, i, name), &us) == ST_OK
	    ? us
	    : INT64_MIN;
}

static bool
item_is(struct rest_page *page, size_t i, const char *sid)
{
	return *sid != '\0' && strcmp(item_text(page, i, "sid"), sid) == 0;
}

static bool
item_has(struct rest_page *page, size_t i, const char *name, const char *text)
{
	return text == NULL || strcmp(item_text(page, i, name), text) == 0;
}

/* A call that has not started has no time to compare: where Twilio has it in
 * the list it stays. */
static bool
item_wanted(const struct calls_filter *f, struct rest_page *page, size_t i)
{
	int64_t us;

	if (!item_has(page, i, "direction", f->direction) ||
	    !item_has(page, i, "from", f->from) ||
	    !item_has(page, i, "to", f->to) ||
	    !item_has(page, i, "parent_call_sid", f->parent_sid))
		return false;
	if (f->start_us == INT64_MIN && f->end_us == INT64_MAX)
		return true;
	us = item_time(page, i, "start_time");
	return us == INT64_MIN || (us >= f->start_us && us <= f->end_us);
}

/*
 * Where in this page to go on; page->n: further on than its end. *found tells
 * whether there is anything more to look for.
 */
static size_t
place_find(const struct calls_place *p, struct rest_page *page, bool *found)
{
	size_t i;
	int64_t us;

	*found = true;
	if (*p->last == '\0')
		return 0;
	for (i = 0; i < page->n; i++) {
		if (item_is(page, i, p->last))
			return i + 1;
		if (item_is(page, i, p->next))
			return i;
	}
	/* Gone, if what was made earlier is here. Of the same second there may
	 * be one again, rather than one never. */
	us = page->n == 0 ? INT64_MIN
			  : item_time(page, page->n - 1, "date_created");
	*found = page->next_uri == NULL || (us != INT64_MIN && us < p->made_us);
	for (i = 0; *found && i < page->n; i++) {
		us = item_time(page, i, "date_created");
		if (us != INT64_MIN && us <= p->made_us)
			return i;
	}
	return page->n;
}

/* --- from page to page --------------------------------------------------- */

/* There are enough in the middle of a page. */
static enum status
stop_before(struct calls_walk *w, struct rest_page *page, size_t i)
{
	struct calls_place *p = &w->place;

	p->made_us = item_time(page, i - 1, "date_created");
	snprintf(p->last, sizeof(p->last), "%s", item_text(page, i - 1, "sid"));
	snprintf(p->next, sizeof(p->next), "%s", item_text(page, i, "sid"));
	if (str_is_sid(p->last, "CA") && str_is_sid(p->next, "CA"))
		return ST_OK;
	snprintf(w->why.text, sizeof(w->why.text), "a call without a SID");
	return ST_MALFORMED;
}

/* On to the page behind this one. */
static void
turn_page(struct calls_walk *w, struct rest_page *page, bool found)
{
	struct calls_place *p = &w->place;

	if (found)
		*p->last = *p->next = '\0';
	if (page->next_uri == NULL) {
		w->over = true;
		return;
	}
	free(p->uri);
	p->uri = page->next_uri;
	page->next_uri = NULL;
}

static enum status
take_page(struct calls_walk *w, struct rest_page *page)
{
	enum status st;
	bool found;
	size_t i;

	for (i = place_find(&w->place, page, &found); i < page->n; i++) {
		bool wanted = item_wanted(&w->filter, page, i);

		if (page->nomem)
			return ST_NOMEM;
		if (!wanted)
			continue;
		if (w->n == w->limit)
			return stop_before(w, page, i);
		if ((st = w->take(w, page, i)) != ST_OK)
			return st;
		w->n++;
	}
	if (page->nomem)
		return ST_NOMEM;
	turn_page(w, page, found);
	return ST_OK;
}

static int
page_size(const struct calls_walk *w)
{
	size_t n = w->limit;

	if (w->filter.direction != NULL)
		n = n * SPARE < SPARE_PAGE_MIN ? SPARE_PAGE_MIN : n * SPARE;
	return (int)(n > REST_PAGE_MAX ? REST_PAGE_MAX : n);
}

enum status
calls_walk_page(struct calls_walk *w)
{
	struct rest_page page = REST_PAGE_INIT;
	struct calls_query q = { .status = w->filter.status,
		.from = w->filter.from,
		.to = w->filter.to,
		.parent_sid = w->filter.parent_sid,
		.page_size = page_size(w) };
	char from[MOMENT_ISO_MAX], before[MOMENT_ISO_MAX];
	enum status st;

	/* Twilio's filter has whole seconds: on or after, and before. */
	if (w->filter.start_us != INT64_MIN) {
		moment_iso(w->filter.start_us + SECOND_US - 1, from);
		q.start_from = from;
	}
	if (w->filter.end_us < NEVER_US) {
		moment_iso(w->filter.end_us + SECOND_US, before);
		q.start_before = before;
	}
	st =
	    calls_list(w->client, w->account, &q, w->place.uri, &page, &w->why);
	if (st == ST_OK)
		st = take_page(w, &page);
	rest_page_release(&page);
	return st;
}
