#include "twilio/rest/messages.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/kv.h"
#include "base/str.h"
#include "base/utf8.h"
#include "codec/form.h"
#include "codec/moment.h"
#include "codec/url.h"
#include "http/reply.h"
#include "twilio/rest/message_error.h"
#include "twilio/rest/messages_read.h"
#include "twilio/rest/page.h"

/* What Twilio answers with is the text, escaped, and 1 KiB. */
#define ANSWER_MAX ((size_t)256 << 10)

#define PAGE_SIZE 200
#define PAGES_MAX 10

#define MS INT64_C(1000)

#define CODE_TOO_MANY 20429 /* not processed, may be sent again */

/* --- a draft ---------------------------------------------------------------- */

/* Code points; over any bound if it is not UTF-8. */
static size_t
count_characters(const char *text)
{
	size_t left = strlen(text), n = 0, step;
	bool valid;

	for (; left > 0; left -= step, text += step, n++) {
		step = utf8_step(text, left, &valid);
		if (!valid)
			return SIZE_MAX;
	}
	return n;
}

const char *
messages_draft_wrong(const struct messages_draft *d)
{
	size_t n = d->body == NULL ? 0 : count_characters(d->body);

	if (str_empty(d->to))
		return "there is nobody to send it to";
	if (str_empty(d->from) && str_empty(d->service_sid))
		return "there is no address to send it from";
	if (n == 0 && d->media_n == 0)
		return "there is nothing to send: no text and no media";
	if (n == SIZE_MAX)
		return "the text is not UTF-8";
	if (n > MESSAGES_BODY_MAX)
		return "the text is longer than 1600 characters";
	if (d->media_n > MESSAGES_MEDIA_MAX)
		return "there are more than 10 media links";
	return NULL;
}

static void
put(struct buf *form, const char *name, const char *value)
{
	const struct kv_pair pair = { .name = name,
		.name_len = strlen(name),
		.value = value,
		.value_len = str_empty(value) ? 0 : strlen(value) };

	if (pair.value_len > 0)
		form_put(form, &pair);
}

static enum status
put_draft(struct buf *form, const struct messages_draft *d)
{
	put(form, "To", d->to);
	put(form, "From", d->from);
	put(form, "MessagingServiceSid", d->service_sid);
	put(form, "Body", d->body);
	for (size_t i = 0; i < d->media_n; i++)
		put(form, "MediaUrl", d->media[i]);
	put(form, "StatusCallback", d->status_callback);
	return form->err;
}

/* --- creating ------------------------------------------------------------- */

/* Not 2xx, or no answer. */
static enum messages_outcome
judge(const struct rest_failure *f, bool sent)
{
	if (f->http == 0)
		return sent ? MESSAGES_UNKNOWN : MESSAGES_NOT_TAKEN;
	if (f->http < 400 || f->http > 499)
		return MESSAGES_UNKNOWN;
	if (f->http == 401 || f->http == 403)
		return MESSAGES_DENIED;
	return f->http == 429 || f->code == CODE_TOO_MANY ? MESSAGES_NOT_TAKEN
							  : MESSAGES_REFUSED;
}

/* Twilio's words may repeat what was sent. A short text is in any words. */
#define HIDDEN_MIN 6

static const char *
to_hide(const char *text)
{
	return str_empty(text) || strlen(text) < HIDDEN_MIN ? "" : text;
}

/* "+1…" of "whatsapp:+1…". */
static const char *
without_channel(const char *address)
{
	const char *at = address == NULL ? NULL : strchr(address, ':');

	return at == NULL ? address : at + 1;
}

static void
send_form(struct http_client *client, const struct rest_account *a,
    const struct messages_draft *d, const char *uri, const char *form,
    struct messages_result *out)
{
	const char *const hidden[] = { to_hide(d->body), to_hide(d->to),
		to_hide(d->from), to_hide(without_channel(d->to)),
		to_hide(without_channel(d->from)), NULL };
	const struct rest_request r = { .uri = uri,
		.total_ms = d->total_ms != 0 ? d->total_ms : MESSAGES_CREATE_MS,
		.max_body = ANSWER_MAX,
		.form = form,
		.hidden = hidden };
	struct http_reply reply;
	enum status st;
	bool sent;

	st = rest_post(client, a, &r, &reply, &sent, &out->why);
	if (st != ST_OK)
		out->outcome = judge(&out->why, sent);
	else if ((st = messages_read_created(&reply.body, out)) != ST_OK)
		failure_say(&out->why,
		    "Twilio answers HTTP %d, and not with a message's SID: %s",
		    out->why.http,
		    st == ST_NOMEM ? status_text(st) : "it may be sent or not");
	http_reply_release(&reply);
}

void
messages_create(struct http_client *client, const struct rest_account *a,
    const struct messages_draft *d, struct messages_result *out)
{
	const char *wrong = messages_draft_wrong(d);
	struct buf uri = BUF_INIT, form = BUF_INIT;

	*out = (struct messages_result){ .outcome = MESSAGES_UNKNOWN };
	failure_reset(&out->why);
	if (wrong != NULL) {
		failure_say(&out->why, "%s", wrong);
		out->outcome = MESSAGES_REFUSED;
	} else if (rest_check(a, &out->why) != ST_OK) {
		out->outcome = MESSAGES_DENIED;
	} else if (buf_printf(&uri, PAGE_PATH ".json", a->account_sid,
		       page_messages.resource) != ST_OK ||
	    put_draft(&form, d) != ST_OK) {
		failure_say(&out->why, "%s", status_text(ST_NOMEM));
		out->outcome = MESSAGES_NOT_TAKEN;
	} else {
		send_form(client, a, d, buf_str(&uri), buf_str(&form), out);
	}
	buf_release(&uri);
	buf_wipe(&form);
}

const char *
messages_words(const struct messages_result *r)
{
	const char *words = message_error_words(
	    r->outcome == MESSAGES_CREATED ? r->error_code : r->why.code);

	return words != NULL ? words : r->why.text;
}

/* --- finding ---------------------------------------------------------------- */

static enum status
take_page(const struct messages_query *q, struct rest_page *page,
    struct messages_list *list, struct rest_failure *f)
{
	enum status st = messages_read_page(q, page, list);

	if (st != ST_OK)
		failure_say(f, "a page of Twilio's messages cannot be read: %s",
		    st == ST_NOMEM ? status_text(st) : "one lacks SID or date");
	return st;
}

static enum status
put_first(struct buf *uri, const struct rest_account *a,
    const struct messages_query *q)
{
	char day[MOMENT_ISO_MAX];

	moment_iso(q->since_us, day);
	day[strlen("2026-11-21")] = '\0';
	buf_printf(
	    uri, PAGE_PATH ".json?To=", a->account_sid, page_messages.resource);
	url_encode(uri, q->to, strlen(q->to));
	if (!str_empty(q->from)) {
		buf_puts(uri, "&From=");
		url_encode(uri, q->from, strlen(q->from));
	}
	return buf_printf(uri, "&DateSent%%3E=%s&PageSize=%d", day, PAGE_SIZE);
}

/* From page to page, until the last, or the bounds. */
static enum status
walk(struct http_client *client, const struct rest_account *a,
    const struct messages_query *q, const char *first,
    struct messages_list *list, struct rest_failure *f)
{
	int64_t deadline_us = clock_mono_us() + MESSAGES_FIND_MS * MS, left_ms;
	struct rest_page page = REST_PAGE_INIT;
	struct buf uri = BUF_INIT;
	enum status st = buf_puts(&uri, first);
	int pages = 0;

	for (; st == ST_OK; pages++) {
		left_ms = (deadline_us - clock_mono_us()) / MS;
		st = page_get(client, a, &page_messages, buf_str(&uri),
		    left_ms > 0 ? (long)left_ms : 1, &page, f);
		if (st == ST_OK)
			st = take_page(q, &page, list, f);
		if (st != ST_OK || page.next_uri == NULL)
			break;
		if (pages + 1 == PAGES_MAX || list->more) {
			list->more = true;
			break;
		}
		buf_reset(&uri);
		st = buf_puts(&uri, page.next_uri);
	}
	rest_page_release(&page);
	buf_release(&uri);
	return st;
}

enum status
messages_find(struct http_client *client, const struct rest_account *a,
    const struct messages_query *q, struct messages_list *list,
    struct rest_failure *f)
{
	struct buf first = BUF_INIT;
	enum status st = rest_check(a, f);

	list->n = 0;
	list->more = false;
	if (st == ST_OK)
		st = put_first(&first, a, q);
	if (st == ST_OK)
		st = walk(client, a, q, buf_str(&first), list, f);
	if (st != ST_OK) {
		list->n = 0;
		list->more = false;
		if (*f->text == '\0')
			failure_say(f, "%s", status_text(st));
	}
	buf_release(&first);
	return st;
}
