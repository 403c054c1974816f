#include "twilio/rest/calls.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "codec/json.h"
#include "codec/url.h"
#include "http/reply.h"

/* A call is 3 KiB at most at the time of writing. */
#define CALL_MAX ((size_t)256 << 10)

#define CALL_DEPTH_MAX 16

const char *const calls_statuses[] = { "queued", "initiated", "ringing",
	"in-progress", "canceled", "completed", "failed", "busy", "no-answer",
	NULL };

const char *const calls_directions[] = { "inbound", "outbound-api",
	"outbound-dial", "trunking-originating", "trunking-terminating", NULL };

/* --- one call ------------------------------------------------------------ */

/* Is it the call that was asked for? */
static enum status
check_call(const struct buf *body, const char *sid)
{
	struct json *call;
	const char *its;
	enum status st;
	bool same;

	if (json_check(buf_str(body), body->len, CALL_DEPTH_MAX) != ST_OK)
		return ST_MALFORMED;
	st = json_parse(buf_str(body), body->len, &call);
	same = st == ST_OK && json_member_text(call, "sid", &its) == ST_OK &&
	    strcasecmp(its, sid) == 0;
	json_free(call);
	return st == ST_NOMEM ? st : same ? ST_OK : ST_MALFORMED;
}

enum status
calls_fetch(struct http_client *client, const struct rest_account *a,
    const char *sid, struct buf *call, struct rest_failure *f)
{
	struct rest_request r = { .total_ms = CALLS_FETCH_MS,
		.max_body = CALL_MAX };
	struct buf uri = BUF_INIT;
	struct http_reply reply = { 0 };
	enum status st = rest_check(a, f);

	buf_release(call);
	if (st == ST_OK && !str_is_sid(sid, "CA")) {
		failure_say(f, "no call SID: CA and 32 hexadecimal digits");
		st = ST_MALFORMED;
	}
	if (st != ST_OK)
		goto out;
	buf_printf(&uri, PAGE_PATH "/%s.json", a->account_sid,
	    page_calls.resource, sid);
	if ((st = uri.err) != ST_OK)
		goto out;
	r.uri = buf_str(&uri);
	if ((st = rest_get(client, a, &r, &reply, f)) != ST_OK)
		goto out;
	if ((st = check_call(&reply.body, sid)) != ST_OK) {
		failure_say(f, "%s",
		    st == ST_NOMEM ? status_text(st)
				   : "Twilio's answer is not the call asked "
				     "for");
		goto out;
	}
	*call = reply.body;
	reply.body = (struct buf)BUF_INIT;
out:
	http_reply_release(&reply);
	buf_release(&uri);
	return st;
}

/* --- a page --------------------------------------------------------------- */

static void
put_filter(struct buf *out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_putc(out, '&');
	buf_puts(out, name);
	buf_putc(out, '=');
	url_encode(out, value, strlen(value));
}

/* Of the first page. */
static enum status
put_query(struct buf *out, const struct rest_account *a,
    const struct calls_query *q, struct rest_failure *f)
{
	if (q->page_size < 1 || q->page_size > REST_PAGE_MAX) {
		failure_say(f, "a page has 1 to %d calls", REST_PAGE_MAX);
		return ST_MALFORMED;
	}
	buf_printf(out, PAGE_PATH ".json?PageSize=%d", a->account_sid,
	    page_calls.resource, q->page_size);
	put_filter(out, "Status", q->status);
	put_filter(out, "From", q->from);
	put_filter(out, "To", q->to);
	put_filter(out, "ParentCallSid", q->parent_sid);
	put_filter(out, "StartTime%3E", q->start_from);
	put_filter(out, "StartTime%3C", q->start_before);
	return out->err;
}

enum status
calls_list(struct http_client *client, const struct rest_account *a,
    const struct calls_query *q, const char *next_uri, struct rest_page *page,
    struct rest_failure *f)
{
	struct buf uri = BUF_INIT;
	enum status st = rest_check(a, f);

	rest_page_release(page);
	if (st != ST_OK)
		return st;
	if (next_uri == NULL) {
		st = put_query(&uri, a, q, f);
		next_uri = buf_str(&uri);
	} else if (!page_uri_fits(&page_calls, next_uri, a->account_sid)) {
		failure_say(f, "no page of this account's calls");
		st = ST_MALFORMED;
	}
	if (st == ST_OK)
		st = page_get(
		    client, a, &page_calls, next_uri, CALLS_LIST_MS, page, f);
	buf_release(&uri);
	return st;
}
