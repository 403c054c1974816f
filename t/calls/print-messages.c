/*
 * The Messages API client by hand, for t/e2e/messages_api.py.
 *
 * usage: print-messages URL create TO FROM BODY [service=MG…] [callback=URL]
 *            [media=URL…]
 *        print-messages URL find TO FROM BODY SINCE
 *
 * CALLS_ACCOUNT, CALLS_USER and CALLS_SECRET are who asks; SINCE is in
 * microseconds. create prints "OUTCOME HTTP CODE RETRY_AFTER SID STATUS ERROR
 * WORDS", with "-" for what there is not; find "SID STATUS ERROR CREATED" for
 * each, and "more" if that may not be all. Or "! STATUS HTTP CODE RETRY_AFTER
 * TEXT", and ends with 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "http/client.h"
#include "twilio/rest/messages.h"

static const char *
or_dash(const char *text)
{
	return *text == '\0' ? "-" : text;
}

static int
create(struct http_client *client, const struct rest_account *a, char **args)
{
	static const char *const outcomes[] = { "unknown", "created", "refused",
		"not-taken", "denied" };
	const char *media[64];
	struct messages_draft d = {
		.to = args[0], .from = args[1], .body = args[2], .media = media
	};
	struct messages_result r;

	for (args += 3; *args != NULL; args++) {
		const char *value = strchr(*args, '=') + 1;

		if (str_starts(*args, "service="))
			d.service_sid = value;
		else if (str_starts(*args, "callback="))
			d.status_callback = value;
		else if (d.media_n < 64)
			media[d.media_n++] = value;
	}
	messages_create(client, a, &d, &r);
	printf("%s %d %d %d %s %s %d %s\n", outcomes[r.outcome], r.why.http,
	    r.why.code, r.why.retry_after_s, or_dash(r.sid), or_dash(r.status),
	    r.error_code, or_dash(messages_words(&r)));
	return 0;
}

static int
find(struct http_client *client, const struct rest_account *a, char **args)
{
	const struct messages_query q = { .to = args[0],
		.from = args[1],
		.body = args[2],
		.since_us = strtoll(args[3], NULL, 10) };
	struct messages_list list;
	struct rest_failure f;
	enum status st = messages_find(client, a, &q, &list, &f);

	for (size_t i = 0; i < list.n; i++)
		printf("%s %s %d %lld\n", list.items[i].sid,
		    or_dash(list.items[i].status), list.items[i].error_code,
		    (long long)list.items[i].created_us);
	if (list.more)
		printf("more\n");
	if (st == ST_OK)
		return 0;
	printf("! %d %d %d %d %s: %s\n", (int)st, f.http, f.code,
	    f.retry_after_s, status_text(st), f.text);
	return 1;
}

int
main(int argc, char **argv)
{
	struct http_library_options options = { 0 };
	struct http_library *library = NULL;
	struct http_client *client = NULL;
	struct buf why = BUF_INIT;
	int status = 99;

	if (argc < 6 || http_library_open(&library, &options) != ST_OK ||
	    http_client_open(&client, library, &why) != ST_OK) {
		fprintf(stderr, "print-messages: %s\n", buf_str(&why));
	} else {
		const struct rest_account a = { argv[1],
			getenv("CALLS_ACCOUNT"), getenv("CALLS_USER"),
			getenv("CALLS_SECRET") };

		status = strcmp(argv[2], "create") == 0
		    ? create(client, &a, argv + 3)
		    : find(client, &a, argv + 3);
	}
	http_client_close(client);
	http_library_close(library);
	buf_release(&why);
	return status;
}
