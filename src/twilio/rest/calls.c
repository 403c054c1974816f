#include "twilio/rest/calls.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "codec/json.h"
#include "codec/url.h"
#include "config/config.h"
#include "http/reply.h"

/* A call is 3 KiB at most, a page of 1000 calls 1.2 MB at the time of writing. */
#define CALL_MAX ((size_t)256 << 10)
#define LIST_MAX ((size_t)8 << 20)

#define CALL_DEPTH_MAX 16

const char *const calls_statuses[] = { "queued", "initiated", "ringing",
	"in-progress", "canceled", "completed", "failed", "busy", "no-answer",
	NULL };

const char *const calls_directions[] = { "inbound", "outbound-api",
	"outbound-dial", "trunking-originating", "trunking-terminating", NULL };

/* --- whom to ask, and as whom -------------------------------------------- */

struct calls_account
calls_account(
    const struct config *c, const char *auth_token, const char *api_secret)
{
	bool has_key = *c->twilio.api_key != '\0';

	return (struct calls_account){
		.api_url = c->twilio.api_url,
		.account_sid = c->twilio.account_sid,
		.user = has_key ? c->twilio.api_key : c->twilio.account_sid,
		.secret = has_key ? api_secret : auth_token,
	};
}

const char *
calls_account_lacks(const struct calls_account *a)
{
	if (str_empty(a->account_sid))
		return "Twilio cannot be asked: set twilio.account_sid in the "
		       "configuration";
	if (!str_empty(a->user) && !str_empty(a->secret))
		return NULL;
	return str_eq(a->user, a->account_sid)
	    ? "Twilio cannot be asked: set twilio.auth_token, or "
	      "twilio.api_key and twilio.api_secret, in the configuration"
	    : "Twilio cannot be asked: set twilio.api_secret in the "
	      "configuration";
}

static enum status
check_account(const struct calls_account *a, struct calls_failure *f)
{
	const char *lacks = calls_account_lacks(a);

	failure_reset(f);
	if (lacks == NULL)
		return ST_OK;
	failure_say(f, "%s", lacks);
	return ST_CONFIG;
}

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
calls_fetch(struct http_client *client, const struct calls_account *a,
    const char *sid, struct buf *call, struct calls_failure *f)
{
	struct rest_request r = { .total_ms = CALLS_FETCH_MS,
		.max_body = CALL_MAX };
	struct buf uri = BUF_INIT;
	struct http_reply reply = { 0 };
	enum status st = check_account(a, f);

	buf_release(call);
	if (st == ST_OK && !str_is_sid(sid, "CA")) {
		failure_say(f, "no call SID: CA and 32 hexadecimal digits");
		st = ST_MALFORMED;
	}
	if (st != ST_OK)
		goto out;
	buf_printf(&uri, PAGE_PATH "/%s.json", a->account_sid, sid);
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
put_query(struct buf *out, const struct calls_account *a,
    const struct calls_query *q, struct calls_failure *f)
{
	if (q->page_size < 1 || q->page_size > CALLS_PAGE_MAX) {
		failure_say(f, "a page has 1 to %d calls", CALLS_PAGE_MAX);
		return ST_MALFORMED;
	}
	buf_printf(
	    out, PAGE_PATH ".json?PageSize=%d", a->account_sid, q->page_size);
	put_filter(out, "Status", q->status);
	put_filter(out, "From", q->from);
	put_filter(out, "To", q->to);
	put_filter(out, "ParentCallSid", q->parent_sid);
	put_filter(out, "StartTime%3E", q->start_from);
	put_filter(out, "StartTime%3C", q->start_before);
	return out->err;
}

static enum status
check_page(struct calls_page *page, const struct calls_account *a,
    const char *asked, struct calls_failure *f)
{
	const char *wrong;
	enum status st = page_read(page, a->account_sid, &wrong);

	/* It would never end. */
	if (st == ST_OK && str_eq(page->next_uri, asked)) {
		wrong = "its next_page_uri is the page itself";
		st = ST_MALFORMED;
	}
	if (st != ST_OK)
		failure_say(f, "Twilio's answer is not a page of calls: %s",
		    st == ST_NOMEM ? status_text(st) : wrong);
	return st;
}

enum status
calls_list(struct http_client *client, const struct calls_account *a,
    const struct calls_query *q, const char *next_uri, struct calls_page *page,
    struct calls_failure *f)
{
	struct rest_request r = {
		.uri = next_uri, .total_ms = CALLS_LIST_MS, .max_body = LIST_MAX
	};
	struct http_reply reply = { 0 };
	struct buf uri = BUF_INIT;
	enum status st = check_account(a, f);

	calls_page_release(page);
	if (st != ST_OK)
		goto out;
	if (next_uri == NULL) {
		if ((st = put_query(&uri, a, q, f)) != ST_OK)
			goto out;
		r.uri = buf_str(&uri);
	} else if (!page_uri_fits(next_uri, a->account_sid)) {
		failure_say(f, "no page of this account's calls");
		st = ST_MALFORMED;
		goto out;
	}
	st = rest_get(client, a, &r, &reply, f);
	/* No list: it is the account that Twilio does not know. */
	if (st == ST_NOTFOUND) {
		failure_say(f,
		    "Twilio knows no such account; check "
		    "twilio.account_sid");
		st = ST_DENIED;
	}
	if (st != ST_OK)
		goto out;
	page->text = reply.body;
	reply.body = (struct buf)BUF_INIT;
	st = check_page(page, a, r.uri, f);
out:
	if (st != ST_OK)
		calls_page_release(page);
	http_reply_release(&reply);
	buf_release(&uri);
	return st;
}
