/*
 * src/aws over the wire, against the front that t/aws/run starts; without one
 * (AWS_FRONT) it is skipped. The contract suites of stores and queues run over
 * DynamoDB and SQS. With arguments: only the cases whose names have one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/aws/front.h"
#include "t/contract-queue.h"
#include "t/contract-store.h"

static size_t
add(struct test *all, size_t n, const struct test *tests, size_t count,
    int argc, char **argv)
{
	size_t i;
	int a;

	for (i = 0; i < count; i++) {
		for (a = 1; a < argc; a++)
			if (strstr(tests[i].name, argv[a]) != NULL)
				break;
		if (argc == 1 || a < argc)
			all[n++] = tests[i];
	}
	return n;
}

int
main(int argc, char **argv)
{
	const struct {
		const struct test *tests;
		size_t n;
	} lists[] = {
		{ call_tests, call_tests_n },
		{ key_tests, key_tests_n },
		{ value_tests, value_tests_n },
		{ source_tests, source_tests_n },
		{ table_tests, table_tests_n },
		{ contract_store_tests, contract_store_tests_n },
		{ queue_tests, queue_tests_n },
		{ contract_queue_tests, contract_queue_tests_n },
	};
	struct test *all;
	size_t n = 0, i;
	int code;

	if (!front_open()) {
		fprintf(stderr, "AWS_FRONT is not set: see t/aws/run\n");
		return 77;
	}
	for (i = 0; i < TEST_COUNT(lists); i++)
		n += lists[i].n;
	if ((all = calloc(n, sizeof(*all))) == NULL)
		return 99;
	for (i = 0, n = 0; i < TEST_COUNT(lists); i++)
		n = add(all, n, lists[i].tests, lists[i].n, argc, argv);
	tables_use_contract();
	queues_use_contract();
	code = test_main("aws", all, n);
	free(all);
	front_close();
	return code;
}
