#include "twilio/rest/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "codec/json.h"

/* {"calls":[{"subresource_uris":{}}]}, and room for what may come. */
#define DEPTH_MAX 16

/* Twilio's are under 1 KiB. */
#define URI_MAX 4096

void
calls_page_release(struct calls_page *p)
{
	buf_release(&p->text);
	json_free(p->read);
	free(p->items);
	free(p->next_uri);
	*p = (struct calls_page)CALLS_PAGE_INIT;
}

bool
page_uri_fits(const char *uri, const char *account_sid)
{
	char path[128];
	const char *c;
	int n = snprintf(path, sizeof(path), PAGE_PATH, account_sid);

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
	struct calls_page *page;
	const char *at, *end;
	bool has_calls;
	struct calls_item next_uri; /* text NULL: not there yet */
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
take_value(struct reading *r, size_t max_depth, struct calls_item *value)
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
take_calls(struct reading *r)
{
	struct calls_page *p = r->page;

	if (r->has_calls || !take(r, '['))
		return false;
	r->has_calls = true;
	if (take(r, ']'))
		return true;
	do {
		if (p->n == CALLS_PAGE_MAX ||
		    !take_value(r, DEPTH_MAX - 2, &p->items[p->n]) ||
		    *p->items[p->n].text != '{')
			return false;
		p->n++;
	} while (take(r, ','));
	return take(r, ']');
}

/* A member whose name is escaped is not one that we read. */
static bool
take_member(struct reading *r)
{
	static const char calls[] = "\"calls\"",
			  next_uri[] = "\"next_page_uri\"";
	struct calls_item name, value;

	if (!take_value(r, 0, &name) || *name.text != '"' || !take(r, ':'))
		return false;
	if (strncmp(name.text, calls, sizeof(calls) - 1) == 0)
		return take_calls(r);
	if (!take_value(r, DEPTH_MAX - 1, &value))
		return false;
	if (strncmp(name.text, next_uri, sizeof(next_uri) - 1) != 0)
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
	if (!take(r, '}') || !r->has_calls)
		return false;
	skip_space(r);
	return r->at == r->end;
}

static enum status
read_next_uri(
    const struct calls_item *value, const char *account_sid, char **next_uri)
{
	struct json *read;
	const char *uri;
	enum status st;

	if (value->text == NULL)
		return ST_OK;
	st = json_parse(value->text, value->len, &read);
	if (st == ST_OK && json_kind(read) != JSON_NULL) {
		if (json_text(read, &uri) == ST_OK &&
		    page_uri_fits(uri, account_sid))
			st = str_dup(uri, next_uri);
		else
			st = ST_MALFORMED;
	}
	json_free(read);
	return st == ST_UNSUPPORTED ? ST_MALFORMED : st;
}

enum status
page_read(struct calls_page *p, const char *account_sid, const char **wrong)
{
	struct reading r = { .page = p, .at = buf_str(&p->text) };

	*wrong = "it is no JSON object with a list of at most 1000 calls";
	r.end = r.at + p->text.len;
	if ((p->items = calloc(CALLS_PAGE_MAX, sizeof(*p->items))) == NULL)
		return ST_NOMEM;
	if (!take_page(&r))
		return ST_MALFORMED;
	*wrong = "its next_page_uri is not a page of this account's calls";
	return read_next_uri(&r.next_uri, account_sid, &p->next_uri);
}

enum status
calls_page_call(struct calls_page *p, size_t i, const struct json **out)
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
