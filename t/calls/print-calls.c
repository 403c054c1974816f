/*
 * The Calls API client by hand, for t/e2e/calls_api.py.
 *
 * usage: print-calls URL fetch SID…
 *        print-calls URL list PAGE_SIZE [NAME=VALUE…]
 *        print-calls URL next URI
 *
 * CALLS_ACCOUNT, CALLS_USER and CALLS_SECRET are who asks. list follows the
 * pages to the end; names are status, from_number, to_number, parent, from and
 * before. Prints each call's JSON
 * in a line of its own, or "! STATUS HTTP CODE RETRY_AFTER TEXT" and ends with
 * 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "http/client.h"
#include "twilio/rest/calls.h"

static int
print_failure(enum status st, const struct rest_failure *f)
{
	printf("! %d %d %d %d %s: %s\n", (int)st, f->http, f->code,
	    f->retry_after_s, status_text(st), f->text);
	return 1;
}

static int
fetch(struct http_client *client, const struct rest_account *a, char **sids)
{
	struct buf call = BUF_INIT;
	struct rest_failure f;
	enum status st;
	int failed = 0;

	for (; *sids != NULL; sids++) {
		st = calls_fetch(client, a, *sids, &call, &f);
		if (st == ST_OK)
			printf("%s\n", buf_str(&call));
		else
			failed = print_failure(st, &f);
	}
	buf_release(&call);
	return failed;
}

/* From the first page of q on, or from uri. */
static int
list(struct http_client *client, const struct rest_account *a,
    const struct calls_query *q, const char *uri)
{
	struct rest_page page = REST_PAGE_INIT;
	struct rest_failure f;
	char *next = NULL;
	enum status st;
	size_t i;

	do {
		st = calls_list(client, a, q, uri, &page, &f);
		for (i = 0; i < page.n; i++)
			printf("%.*s\n", (int)page.items[i].len,
			    page.items[i].text);
		free(next);
		uri = next = page.next_uri;
		page.next_uri = NULL;
	} while (st == ST_OK && uri != NULL);
	rest_page_release(&page);
	return st == ST_OK ? 0 : print_failure(st, &f);
}

static const char *
value_of(char **args, const char *name)
{
	size_t n = strlen(name);

	for (; *args != NULL; args++)
		if (strncmp(*args, name, n) == 0 && (*args)[n] == '=')
			return *args + n + 1;
	return NULL;
}

static int
run(struct http_client *client, char **argv)
{
	const struct rest_account a = { argv[1], getenv("CALLS_ACCOUNT"),
		getenv("CALLS_USER"), getenv("CALLS_SECRET") };
	struct calls_query q = { .page_size = 0 };

	if (strcmp(argv[2], "fetch") == 0)
		return fetch(client, &a, argv + 3);
	if (strcmp(argv[2], "next") == 0)
		return list(client, &a, NULL, argv[3]);
	q.page_size = atoi(argv[3]);
	q.status = value_of(argv + 4, "status");
	q.from = value_of(argv + 4, "from_number");
	q.to = value_of(argv + 4, "to_number");
	q.parent_sid = value_of(argv + 4, "parent");
	q.start_from = value_of(argv + 4, "from");
	q.start_before = value_of(argv + 4, "before");
	return list(client, &a, &q, NULL);
}

int
main(int argc, char **argv)
{
	struct http_library_options options = { 0 };
	struct http_library *library = NULL;
	struct http_client *client = NULL;
	struct buf why = BUF_INIT;
	int status = 99;

	if (argc < 4 || http_library_open(&library, &options) != ST_OK ||
	    http_client_open(&client, library, &why) != ST_OK)
		fprintf(stderr, "print-calls: %s\n", buf_str(&why));
	else
		status = run(client, argv);
	http_client_close(client);
	http_library_close(library);
	buf_release(&why);
	return status;
}
