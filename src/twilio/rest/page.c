#include "twilio/rest/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "codec/json.h"
#include "http/reply.h"

/* {"calls":[{"subresource_uris":{}}]}, and room for what may come. */
#define DEPTH_MAX 16

/* Twilio's are under 1 KiB. */
#define URI_MAX 4096

const struct page_kind page_calls = { "Calls", "calls" };
const struct page_kind page_messages = { "Messages", "messages" };

void
rest_page_release(struct rest_page *p)
{
	buf_release(&p->text);
	json_free(p->read);
	free(p->items);
	free(p->next_uri);
	*p = (struct rest_page)REST_PAGE_INIT;
}

bool
page_uri_fits(
    const struct page_kind *kind, const char *uri, const char *account_sid)
{
	char path[128];
	const char *c;
	int n = snprintf(
	    path, sizeof(path), PAGE_PATH, account_sid, kind->resource);

	/* Case counts, but not in the SID: Twilio writes it in one way only. */
	if (n < 0 || n >= (int)sizeof(path) ||
	    strncasecmp(uri, path, (size_t)n) != 0 ||
	    !str_starts(uri + n, ".json?") || strlen(uri) > URI_MAX)
		return false;
	for (c = uri; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || *c == '#' || *c == '\\')
			return false;
	return true;
}

/* A page's text: its members are passed one by one, each checked at once. */
struct reading {
	struct rest_page *page;
	const char *member; /* the list's */
	const char *at, *end;
	bool has_list;
	struct rest_item next_uri; /* text NULL: not there yet */
};

static void
skip_space(struct reading *r)
{
	while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL)
		r->at++;
}

static bool
take(struct reading *r, char c)
{
	skip_space(r);
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static bool
take_value(struct reading *r, size_t max_depth, struct rest_item *value)
{
	skip_space(r);
	value->text = r->at;
	if (json_check_first(r->at, (size_t)(r->end - r->at), max_depth,
		&value->len) != ST_OK)
		return false;
	r->at += value->len;
	return true;
}

static bool
take_list(struct reading *r)
{
	struct rest_page *p = r->page;

	if (r->has_list || !take(r, '['))
		return false;
	r->has_list = true;
	if (take(r, ']'))
		return true;
	do {
		if (p->n == REST_PAGE_MAX ||
		    !take_value(r, DEPTH_MAX - 2, &p->items[p->n]) ||
		    *p->items[p->n].text != '{')
			return false;
		p->n++;
	} while (take(r, ','));
	return take(r, ']');
}

/* Quoted in the text. A name that is escaped is not one that we read. */
static bool
is_name(const struct rest_item *quoted, const char *name)
{
	return quoted->len == strlen(name) + 2 &&
	    memcmp(quoted->text + 1, name, quoted->len - 2) == 0;
}

static bool
take_member(struct reading *r)
{
	struct rest_item name, value;

	if (!take_value(r, 0, &name) || *name.text != '"' || !take(r, ':'))
		return false;
	if (is_name(&name, r->member))
		return take_list(r);
	if (!take_value(r, DEPTH_MAX - 1, &value))
		return false;
	if (!is_name(&name, "next_page_uri"))
		return true;
	if (r->next_uri.text != NULL)
		return false;
	r->next_uri = value;
	return true;
}

static bool
take_page(struct reading *r)
{
	if (!take(r, '{'))
		return false;
	do {
		if (!take_member(r))
			return false;
	} while (take(r, ','));
	if (!take(r, '}') || !r->has_list)
		return false;
	skip_space(r);
	return r->at == r->end;
}

static enum status
read_next_uri(const struct page_kind *kind, const struct rest_item *value,
    const char *account_sid, char **next_uri)
{
	struct json *read;
	const char *uri;
	enum status st;

	if (value->text == NULL)
		return ST_OK;
	st = json_parse(value->text, value->len, &read);
	if (st == ST_OK && json_kind(read) != JSON_NULL) {
		if (json_text(read, &uri) == ST_OK &&
		    page_uri_fits(kind, uri, account_sid))
			st = str_dup(uri, next_uri);
		else
			st = ST_MALFORMED;
	}
	json_free(read);
	return st == ST_UNSUPPORTED ? ST_MALFORMED : st;
}

enum status
page_read(struct rest_page *p, const struct page_kind *kind,
    const char *account_sid, const char **wrong)
{
	struct reading r = {
		.page = p, .member = kind->member, .at = buf_str(&p->text)
	};

	*wrong = "it is no JSON object with a list of at most 1000 items";
	r.end = r.at + p->text.len;
	if ((p->items = calloc(REST_PAGE_MAX, sizeof(*p->items))) == NULL)
		return ST_NOMEM;
	if (!take_page(&r))
		return ST_MALFORMED;
	*wrong = "its next_page_uri is not a page of this account's list";
	return read_next_uri(kind, &r.next_uri, account_sid, &p->next_uri);
}

enum status
rest_page_item(struct rest_page *p, size_t i, const struct json **out)
{
	enum status st;

	*out = NULL;
	if (p->read == NULL || p->read_i != i) {
		json_free(p->read);
		p->read_i = i;
		st = json_parse(p->items[i].text, p->items[i].len, &p->read);
		p->nomem = p->nomem || st == ST_NOMEM;
		if (st != ST_OK)
			return st;
	}
	*out = p->read;
	return ST_OK;
}

static enum status
check_page(struct rest_page *page, const struct page_kind *kind,
    const struct rest_account *a, const char *asked, struct rest_failure *f)
{
	const char *wrong;
	enum status st = page_read(page, kind, a->account_sid, &wrong);

	/* It would never end. */
	if (st == ST_OK && str_eq(page->next_uri, asked)) {
		wrong = "its next_page_uri is the page itself";
		st = ST_MALFORMED;
	}
	if (st != ST_OK)
		failure_say(f, "Twilio's answer is not a page of %s: %s",
		    kind->member, st == ST_NOMEM ? status_text(st) : wrong);
	return st;
}

enum status
page_get(struct http_client *client, const struct rest_account *a,
    const struct page_kind *kind, const char *uri, long total_ms,
    struct rest_page *page, struct rest_failure *f)
{
	const struct rest_request r = {
		.uri = uri, .total_ms = total_ms, .max_body = PAGE_BODY_MAX
	};
	struct http_reply reply;
	enum status st;

	rest_page_release(page);
	st = rest_get(client, a, &r, &reply, f);
	/* No list: it is the account that Twilio does not know. */
	if (st == ST_NOTFOUND) {
		failure_say(f,
		    "Twilio knows no such account; check "
		    "twilio.account_sid");
		st = ST_DENIED;
	}
	if (st != ST_OK)
		return st;
	page->text = reply.body;
	reply.body = (struct buf)BUF_INIT;
	http_reply_release(&reply);
	st = check_page(page, kind, a, uri, f);
	if (st != ST_OK)
		rest_page_release(page);
	return st;
}
