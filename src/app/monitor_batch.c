/*
 * /batch-monitor-calls from Twilio. Twilio filters by status and time, we by
 * direction, and by time to the second once more, should its own filter be
 * coarser. A reply is filled across Twilio's pages; the token says where it
 * stopped: in which page, behind which call and before which.
 *
 * Behind the first one Twilio's pages stay as they are, but the first begins
 * with the newest call, so calls that have come since move the rest on, over
 * its end too. A call may also have left the list, when its status is not the
 * one asked for any more. So a place is looked for by SID, in the next pages
 * too, and where both calls are gone, by the time at which they were made.
 */
#include "app/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/exchange.h"
#include "app/metrics.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/moment.h"

/* One request asks for at most so many of Twilio's pages, and begins none
 * after so long. The token goes on from there. */
#define PAGES_MAX 10
#define WALK_US INT64_C(10000000)

/*
 * With a direction to look for, a page of Twilio's has more calls than are
 * wanted: one in some has the right one. Small pages would ask often, large
 * ones read for nothing.
 */
#define SPARE 4
#define SPARE_PAGE_MIN 100

#define SECOND_US INT64_C(1000000)

#define SID_MAX 40
#define TIME_MAX 64

/* Where to go on: in the page of uri ("": the first), behind the call last
 * and before next; without last, from the page's start. */
struct place {
	char *uri;
	char last[SID_MAX], next[SID_MAX];
	int64_t made_us; /* when last was made; INT64_MIN: not known */
};

struct walk {
	struct monitor monitor;
	const struct monitor_query *q;
	struct calls_query ask;
	char from[MOMENT_ISO_MAX], before[MOMENT_ISO_MAX];
	struct place place;
	bool over; /* there is nothing after place */
	bool broken; /* no place to go on from */
	size_t n; /* calls in the reply */
	struct calls_failure why;
};

/* --- a place as text: lines, the URI last -------------------------------- */

static enum status
place_write(const struct place *p, struct buf *out)
{
	return buf_printf(out, "%s\n%s\n%lld\n%s", p->last, p->next,
	    (long long)p->made_us, p->uri == NULL ? "" : p->uri);
}

/* The line at *at, copied; *at is then behind it. */
static bool
take_line(const char **at, char *out, size_t size)
{
	size_t n = strcspn(*at, "\n");

	if ((*at)[n] != '\n' || n >= size)
		return false;
	memcpy(out, *at, n);
	out[n] = '\0';
	*at += n + 1;
	return true;
}

/* It was sealed by us; what does not fit is another version's. */
static enum status
place_read(struct place *p, const char *text)
{
	char made[32];

	if (*text == '\0')
		return ST_OK;
	if (!take_line(&text, p->last, sizeof(p->last)) ||
	    !take_line(&text, p->next, sizeof(p->next)) ||
	    !take_line(&text, made, sizeof(made)))
		return ST_MALFORMED;
	p->made_us = strtoll(made, NULL, 10);
	return *text == '\0' ? ST_OK : str_dup(text, &p->uri);
}

/* --- which calls --------------------------------------------------------- */

static int64_t
item_time(struct calls_page *page, size_t i, const char *name)
{
	char text[TIME_MAX];
	int64_t us;

	if (calls_page_text(page, i, name, text, sizeof(text)) != ST_OK ||
	    moment_parse_mail(text, &us) != ST_OK)
		return INT64_MIN;
	return us;
}

/* A call that has not started has no time to compare: where Twilio has it in
 * the list it stays. */
static bool
item_wanted(const struct monitor_query *q, struct calls_page *page, size_t i)
{
	char direction[SID_MAX];
	int64_t us;

	if (q->direction != NULL &&
	    (calls_page_text(
		 page, i, "direction", direction, sizeof(direction)) != ST_OK ||
		strcmp(direction, q->direction) != 0))
		return false;
	if (q->start_us == INT64_MIN && q->end_us == INT64_MAX)
		return true;
	us = item_time(page, i, "start_time");
	return us == INT64_MIN || (us >= q->start_us && us <= q->end_us);
}

static bool
item_is(struct calls_page *page, size_t i, const char *sid)
{
	char its[SID_MAX];

	return *sid != '\0' &&
	    calls_page_text(page, i, "sid", its, sizeof(its)) == ST_OK &&
	    strcmp(its, sid) == 0;
}

/*
 * Where in this page to go on; page->n: further on than its end. *found tells
 * whether there is anything more to look for.
 */
static size_t
place_find(const struct place *p, struct calls_page *page, bool *found)
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

/* The reply is full in the middle of a page. */
static enum status
stop_before(struct walk *w, struct calls_page *page, size_t i)
{
	struct place *p = &w->place;

	p->made_us = item_time(page, i - 1, "date_created");
	if (calls_page_text(page, i - 1, "sid", p->last, sizeof(p->last)) ==
		ST_OK &&
	    calls_page_text(page, i, "sid", p->next, sizeof(p->next)) == ST_OK)
		return ST_OK;
	snprintf(w->why.text, sizeof(w->why.text), "a call without a SID");
	return ST_MALFORMED;
}

/* On to the page behind this one. */
static void
turn_page(struct walk *w, struct calls_page *page, bool found)
{
	struct place *p = &w->place;

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

/*
 * Make the page's text the reply. What comes before its first call is no
 * shorter than what comes before ours, and each call goes to where it stands or
 * further to the front: so a page of a thousand calls is never there twice.
 */
static void
take_over(struct buf *body, struct calls_page *page)
{
	const struct buf old = *body;

	*body = page->text;
	page->text = old;
	body->len = sizeof(MONITOR_LIST_HEAD) - 1;
	memcpy(body->data, MONITOR_LIST_HEAD, body->len);
}

/* Add a call; *in_place: it stands in the reply's own memory. */
static void
put_item(struct walk *w, struct calls_page *page, size_t i, bool *in_place)
{
	struct buf *body = &w->monitor.x->response->body;
	struct calls_item *item = &page->items[i];

	if (w->n == 0) {
		take_over(body, page);
		*in_place = true;
	}
	if (!*in_place) {
		monitor_list_add(w->monitor.x, w->n++, item->text, item->len);
		return;
	}
	if (w->n++ > 0)
		body->data[body->len++] = ',';
	item->text = memmove(body->data + body->len, item->text, item->len);
	body->len += item->len;
}

/* Add what is wanted of a page. *full: the reply has all it may, and place
 * is at what follows. */
static enum status
take_page(struct walk *w, struct calls_page *page, bool *full)
{
	bool found, in_place = false;
	size_t i;

	for (i = place_find(&w->place, page, &found); i < page->n; i++) {
		if (!item_wanted(w->q, page, i))
			continue;
		if (w->n == w->q->limit) {
			*full = true;
			return stop_before(w, page, i);
		}
		put_item(w, page, i, &in_place);
	}
	*full = w->n == w->q->limit;
	turn_page(w, page, found);
	return ST_OK;
}

static enum status
ask_page(struct walk *w, bool *full)
{
	struct calls_page page = CALLS_PAGE_INIT;
	enum status st;

	st = calls_list(w->monitor.client, &w->monitor.account, &w->ask,
	    w->place.uri, &page, &w->why);
	metrics_called_twilio(w->monitor.x->app->metrics, st);
	if (st == ST_OK) {
		st = take_page(w, &page, full);
		w->broken = st != ST_OK;
	}
	calls_page_release(&page);
	return st;
}

/*
 * What fails later than the first page does not take away what was found: the
 * next request goes on there, and hears of it if it still fails.
 */
static enum status
walk(struct walk *w)
{
	int64_t began = clock_mono_us();
	enum status st = ST_OK;
	bool full = false;
	int pages;

	for (pages = 0; pages < PAGES_MAX && !full && !w->over; pages++) {
		if (pages > 0 && clock_mono_us() - began > WALK_US)
			break;
		if ((st = ask_page(w, &full)) != ST_OK)
			break;
	}
	return w->n > 0 && !w->broken ? ST_OK : st;
}

/* Twilio's own filter, in whole seconds: on or after, and before. */
static void
set_times(struct walk *w)
{
	const struct monitor_query *q = w->q;
	int64_t last;

	if (q->start_us != INT64_MIN) {
		moment_iso(q->start_us + SECOND_US - 1, w->from);
		w->ask.start_from = w->from;
	}
	/* After the last second of year 9999 there is nothing. */
	(void)moment_parse("9999-12-31T23:59:59Z", MOMENT_LAST, &last);
	if (q->end_us < last) {
		moment_iso(q->end_us + SECOND_US, w->before);
		w->ask.start_before = w->before;
	}
}

static int
page_size(const struct monitor_query *q)
{
	size_t n = q->limit;

	if (q->direction != NULL)
		n = n * SPARE < SPARE_PAGE_MIN ? SPARE_PAGE_MIN : n * SPARE;
	return (int)(n > CALLS_PAGE_MAX ? CALLS_PAGE_MAX : n);
}

static void
answer(struct walk *w)
{
	struct exchange *x = w->monitor.x;
	struct buf place = BUF_INIT;

	if (w->n == 0)
		monitor_list_begin(x);
	if (w->over)
		monitor_list_end(x, w->q, w->n, NULL);
	else if (place_write(&w->place, &place) == ST_OK)
		monitor_list_end(x, w->q, w->n, &place);
	else
		exchange_fail(x, place.err);
	buf_release(&place);
}

static void
run(struct walk *w)
{
	enum status st;

	set_times(w);
	w->ask.status = w->q->status;
	w->ask.page_size = page_size(w->q);
	if ((st = walk(w)) == ST_OK)
		answer(w);
	else
		monitor_refuse(&w->monitor, st, &w->why);
}

void
monitor_batch_twilio(struct exchange *x, const struct monitor_query *q)
{
	struct walk w = { .q = q, .why = { .retry_after_s = -1 } };
	struct buf place = BUF_INIT;
	enum status st;

	if (monitor_place(x, q, &place)) {
		if ((st = place_read(&w.place, buf_str(&place))) != ST_OK)
			exchange_fail(x, st);
		else {
			if (monitor_begin(&w.monitor, x))
				run(&w);
			monitor_end(&w.monitor);
		}
	}
	free(w.place.uri);
	buf_release(&place);
}
