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
	if (value->text == NULL || value->len > URI_MAX * 2)
		return ST_MALFORMED;
	if (json_slice_kind(value) == JSON_NULL)
		return ST_OK;
	if ((*next_uri = malloc(value->len)) == NULL)
		return ST_NOMEM;
	if (json_slice_text(value, *next_uri, value->len) == ST_OK &&
	    page_uri_fits(*next_uri, account_sid))
		return ST_OK;
	free(*next_uri);
	*next_uri = NULL;
	return ST_MALFORMED;
}

static enum status
read_items(const struct json_slice *calls, struct calls_page *p)
{
	struct json_slice item;
	struct json_walk walk;

	if (calls->text == NULL || json_slice_kind(calls) != JSON_ARRAY)
		return ST_MALFORMED;
	if ((p->items = calloc(CALLS_PAGE_MAX, sizeof(*p->items))) == NULL)
		return ST_NOMEM;
	(void)json_walk(&walk, calls);
	while (json_walk_next(&walk, NULL, &item)) {
		if (p->n == CALLS_PAGE_MAX ||
		    json_slice_kind(&item) != JSON_OBJECT)
			return ST_MALFORMED;
		p->items[p->n++] = (struct calls_item){ item.text, item.len };
	}
	return ST_OK;
}

enum status
page_read(struct calls_page *p, const char *account_sid, const char **wrong)
{
	static const char *const names[] = { "calls", "next_page_uri" };
	struct json_slice whole = { p->text.data, p->text.len }, members[2];
	enum status st;

	*wrong = "it is no JSON object, or has a member twice";
	if (whole.len == 0 ||
	    json_check(whole.text, whole.len, DEPTH_MAX) != ST_OK)
		return ST_MALFORMED;
	whole.text += strspn(whole.text, " \t\r\n");
	whole.len -= (size_t)(whole.text - p->text.data);
	if ((st = json_slice_members(&whole, names, 2, members)) != ST_OK)
		return st;
	*wrong = "it has no list of at most 1000 calls";
	if ((st = read_items(&members[0], p)) != ST_OK)
		return st;
	*wrong = "its next_page_uri is no page of this account's calls";
	return read_next_uri(&members[1], account_sid, &p->next_uri);
}
