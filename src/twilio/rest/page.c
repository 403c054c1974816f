#include "twilio/rest/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "codec/json.h"
#include "twilio/rest/calls.h"

/* {"calls":[{"subresource_uris":{}}]}, and room for what may come. */
#define DEPTH_MAX 16

/* Twilio's are under 1 KiB. */
#define URI_MAX 4096

void
calls_page_release(struct calls_page *p)
{
	buf_release(&p->text);
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

static enum status
read_next_uri(
    const struct json_slice *value, const char *account_sid, char **next_uri)
{
	if (value->text == NULL || json_slice_kind(value) == JSON_NULL)
		return ST_OK;
	if (value->len > URI_MAX * 2)
		return ST_MALFORMED;
	if ((*next_uri = malloc(value->len)) == NULL)
		return ST_NOMEM;
	if (json_slice_text(value, *next_uri, value->len) == ST_OK &&
	    page_uri_fits(*next_uri, account_sid))
		return ST_OK;
	free(*next_uri);
	*next_uri = NULL;
	return ST_MALFORMED;
}

/* What has been found of a page, while its text is checked. */
struct reading {
	struct calls_page *page;
	size_t pending; /* values of the member that has not ended yet */
	bool objects; /* all of them are */
	bool has_calls;
	struct json_slice next_uri; /* text NULL: not there yet */
};

static bool
add_item(struct reading *r, const struct json_slice *value)
{
	if (json_slice_kind(value) != JSON_OBJECT)
		r->objects = false;
	if (r->pending < CALLS_PAGE_MAX && !r->has_calls)
		r->page->items[r->pending] =
		    (struct calls_item){ value->text, value->len };
	r->pending++;
	return true;
}

/* A member has ended, and what was pending is in it. */
static bool
take_member(struct reading *r, const struct json_slice *name,
    const struct json_slice *value)
{
	bool good = true;

	if (json_slice_name_is(name, "calls")) {
		good = !r->has_calls && r->objects &&
		    r->pending <= CALLS_PAGE_MAX &&
		    json_slice_kind(value) == JSON_ARRAY;
		r->has_calls = true;
		r->page->n = r->pending;
	} else if (json_slice_name_is(name, "next_page_uri")) {
		good = r->next_uri.text == NULL;
		r->next_uri = *value;
	}
	r->pending = 0;
	r->objects = true;
	return good;
}

static bool
see(void *arg, size_t depth, const struct json_slice *name,
    const struct json_slice *value)
{
	struct reading *r = arg;

	if (depth == 2)
		return add_item(r, value);
	if (depth == 1)
		return take_member(r, name, value);
	return json_slice_kind(value) == JSON_OBJECT;
}

enum status
page_read(struct calls_page *p, const char *account_sid, const char **wrong)
{
	struct reading r = { .page = p, .objects = true };

	*wrong = "no memory";
	if ((p->items = calloc(CALLS_PAGE_MAX, sizeof(*p->items))) == NULL)
		return ST_NOMEM;
	*wrong = "it is no JSON object with a list of at most 1000 calls";
	if (json_check_seen(
		buf_str(&p->text), p->text.len, DEPTH_MAX, see, &r) != ST_OK ||
	    !r.has_calls)
		return ST_MALFORMED;
	*wrong = "its next_page_uri is no page of this account's calls";
	return read_next_uri(&r.next_uri, account_sid, &p->next_uri);
}
