/*
 * The contract of queues (t/contract-queue.h) over another Switchhook's embedded
 * queues: our own client of SQS, its own front. t/e2e/sqs.py starts the server;
 * SQS_FRONT is "http://127.0.0.1:PORT/sqs", SQS_BODY_MAX how long a message may
 * be there, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY a key of its.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/client.h"
#include "aws/sqs.h"
#include "t/contract-queue.h"

#define HANDLES 16

extern char **environ;

/* Handles are opened by several threads, and each has a client of its own. */
static struct {
	pthread_mutex_t mutex;
	struct aws *aws;
	struct aws_client *clients[HANDLES];
	size_t n;
	int number;
} place = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void
begin(void)
{
	place.number++;
}

static struct queue *
open_queue(const char *name)
{
	char url[256];
	const struct sqs_options o = { .url = url };
	struct buf why = BUF_INIT;
	struct aws_client **client;
	struct queue *q;

	pthread_mutex_lock(&place.mutex);
	CU_ASSERT_FATAL(place.n < HANDLES);
	client = &place.clients[place.n++];
	snprintf(url, sizeof(url), "%s/contract-%d-%s", getenv("SQS_FRONT"),
	    place.number, name);
	CU_ASSERT_EQUAL_FATAL(aws_client_open(client, place.aws, &why), ST_OK);
	CU_ASSERT_EQUAL_FATAL(sqs_open(*client, &o, &q, &why), ST_OK);
	pthread_mutex_unlock(&place.mutex);
	buf_release(&why);
	return q;
}

static void
end(void)
{
	while (place.n > 0)
		aws_client_close(place.clients[--place.n]);
}

int
main(void)
{
	static struct contract_queue front = { .begin = begin,
		.open = open_queue,
		.end = end,
		.ordered = true,
		.grouped = true,
		.dedupes = true,
		.redrives = true,
		.ageless = true,
		.hidden_is_taken = true };
	const char *most = getenv("SQS_BODY_MAX");
	const struct aws_options o = { .envp = environ };
	struct buf why = BUF_INIT;
	int code;

	if (getenv("SQS_FRONT") == NULL || most == NULL) {
		fprintf(stderr, "SQS_FRONT is not set: see t/e2e/sqs.py\n");
		return 77;
	}
	front.body_max = strtoul(most, NULL, 10);
	if (aws_open(&place.aws, &o, &why) != ST_OK) {
		fprintf(stderr, "%s\n", buf_str(&why));
		return 99;
	}
	contract_queue_use(&front);
	code = test_main(
	    "sqs-contract", contract_queue_tests, contract_queue_tests_n);
	aws_close(place.aws);
	buf_release(&why);
	return code;
}
