/*
 * Fuzzing what Twilio's REST API answers: the first byte chooses among a page
 * of calls, a page of messages, a message that was created, and a refusal.
 * Besides sanitizers' findings it ends when what was read is not in its form,
 * leads to another list, or tells what is to be hidden.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "http/reply.h"
#include "twilio/rest/messages_read.h"
#include "twilio/rest/page.h"
#include "twilio/rest/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define ACCOUNT "AC00000000000000000000000000000001"

static void
require(int condition)
{
	if (!condition)
		abort();
}

/* What is passed on is of the right list. */
static enum status
read_page(struct rest_page *page, const struct page_kind *kind,
    const char *text, size_t len)
{
	const char *wrong = NULL;
	enum status st;

	require(buf_put(&page->text, text, len) == ST_OK);
	st = page_read(page, kind, ACCOUNT, &wrong);
	require(st == ST_OK || st == ST_MALFORMED);
	require(page->n <= REST_PAGE_MAX);
	for (size_t i = 0; st == ST_OK && i < page->n; i++) {
		require(page->items[i].text[0] == '{');
		require(page->items[i].text >= page->text.data);
		require(page->items[i].text + page->items[i].len <=
		    page->text.data + len);
	}
	if (page->next_uri != NULL) {
		require(page_uri_fits(kind, page->next_uri, ACCOUNT));
		require(strcasestr(page->next_uri, kind->resource) != NULL);
		require(strpbrk(page->next_uri, "\r\n #") == NULL);
	}
	return st;
}

static void
fuzz_calls(const char *text, size_t len)
{
	struct rest_page page = REST_PAGE_INIT;
	const struct json *call;

	if (read_page(&page, &page_calls, text, len) == ST_OK)
		for (size_t i = 0; i < page.n; i++)
			require(rest_page_item(&page, i, &call) != ST_NOMEM);
	rest_page_release(&page);
}

static void
check_status(const char *status)
{
	require(strlen(status) < MESSAGES_STATUS_MAX);
	require(status[strspn(status, "abcdefghijklmnopqrstuvwxyz-_")] == '\0');
}

static void
fuzz_messages(const char *text, size_t len)
{
	const struct messages_query q = {
		.to = "+1", .from = "+2", .body = "Hi", .since_us = 0
	};
	struct rest_page page = REST_PAGE_INIT;
	struct messages_list list = { .n = 0 };
	enum status st = read_page(&page, &page_messages, text, len);

	if (st == ST_OK)
		st = messages_read_page(&q, &page, &list);
	require(st == ST_OK || st == ST_MALFORMED);
	require(list.n <= MESSAGES_FOUND_MAX && list.n <= page.n);
	for (size_t i = 0; i < list.n; i++) {
		require(str_is_message_sid(list.items[i].sid));
		require(list.items[i].created_us >= 0);
		require(list.items[i].error_code >= 0);
		check_status(list.items[i].status);
		for (size_t k = 0; k < i; k++)
			require(!str_eq(list.items[i].sid, list.items[k].sid));
	}
	rest_page_release(&page);
}

static void
fuzz_created(const char *text, size_t len)
{
	const struct buf body = { (char *)text, len, len + 1, ST_OK };
	struct messages_result r = { .outcome = MESSAGES_UNKNOWN };

	if (messages_read_created(&body, &r) == ST_OK)
		require(
		    r.outcome == MESSAGES_CREATED && str_is_message_sid(r.sid));
	else
		require(r.outcome == MESSAGES_UNKNOWN && *r.sid == '\0');
	require(r.error_code >= 0);
	check_status(r.status);
}

/* A refusal has three digits of its HTTP code before it. */
static void
fuzz_refusal(const char *text, size_t len)
{
	static const char *const others[] = { "+14155550100", "", NULL };
	const struct rest_private private = { "s3cr3t", "QUM6czNjcjN0",
		others };
	struct http_reply reply = { .code = 400 };
	struct rest_failure f;
	enum status st;

	if (len > 2)
		reply.code =
		    100 + (unsigned char)text[0] + 2 * (unsigned char)text[1];
	require(len == 0 || buf_put(&reply.body, text, len) == ST_OK);
	if (len > 2)
		memcpy(reply.body.data, "  ", 2);
	st = failure_judge(&f, &reply, &private);
	require((st == ST_OK) == (reply.code == 200));
	require((st == ST_OK) == (*f.text == '\0'));
	require(f.http == reply.code && f.code >= 0 && f.code <= 999999);
	require(strlen(f.text) < sizeof(f.text));
	require(strstr(f.text, "s3cr3t") == NULL);
	require(strstr(f.text, "QUM6czNjcjN0") == NULL);
	require(strstr(f.text, "+14155550100") == NULL);
	for (const char *c = f.text; *c != '\0'; c++)
		require(*c >= ' ' && *c <= '~');
	http_reply_release(&reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const targets[])(const char *, size_t) = { fuzz_calls,
		fuzz_messages, fuzz_created, fuzz_refusal };
	char *text;

	if (len == 0 || (text = malloc(len)) == NULL)
		return 0;
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	targets[data[0] % (sizeof(targets) / sizeof(targets[0]))](
	    text, len - 1);
	free(text);
	return 0;
}
