/* What every CUnit program here shares: a list of tests, data, a directory. */
#ifndef T_TEST_H
#define T_TEST_H

#include <stddef.h>

#include "config.h"

#ifndef HAVE_CUNIT
#error "make check needs CUnit: install libcunit1-dev and run configure again"
#endif

#include <CUnit/CUnit.h>

struct test {
	const char *name;
	void (*fn)(void);
};

/* Run them all; the exit status of main. Prints CUnit's summary. */
int test_main(const char *suite, const struct test *tests, size_t n);

/* A file of t/data, NUL-terminated; ends the program if it is not there. */
char *test_data(const char *name, size_t *len);

/* A fresh directory of this program's own, removed when it ends. */
const char *test_tmpdir(void);

#define TEST_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
