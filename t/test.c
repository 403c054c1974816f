#include "t/test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <CUnit/Basic.h>

static char tmpdir[64];
static pid_t tmpdir_owner;

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
remove_tmpdir(void)
{
	/* A forked child that exits must leave its parent's files alone. */
	if (tmpdir[0] != '\0' && tmpdir_owner == getpid())
		nftw(tmpdir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *
test_tmpdir(void)
{
	if (tmpdir[0] == '\0') {
		snprintf(tmpdir, sizeof(tmpdir), "/tmp/switchhook-test.XXXXXX");
		if (mkdtemp(tmpdir) == NULL) {
			perror("mkdtemp");
			exit(99);
		}
		tmpdir_owner = getpid();
		atexit(remove_tmpdir);
	}
	return tmpdir;
}

char *
test_data(const char *name, size_t *len)
{
	const char *srcdir = getenv("SRCDIR");
	char path[4096], *data;
	size_t size;
	FILE *f;

	snprintf(path, sizeof(path), "%s/t/data/%s",
	    srcdir == NULL ? "." : srcdir, name);
	if ((f = fopen(path, "rb")) == NULL) {
		perror(path);
		exit(99);
	}
	fseek(f, 0, SEEK_END);
	size = (size_t)ftell(f);
	rewind(f);
	if ((data = malloc(size + 1)) == NULL ||
	    fread(data, 1, size, f) != size) {
		perror(path);
		exit(99);
	}
	data[size] = '\0';
	fclose(f);
	if (len != NULL)
		*len = size;
	return data;
}

int
test_main(const char *suite, const struct test *tests, size_t n)
{
	CU_pSuite s;
	unsigned failures;
	size_t i;

	if (CU_initialize_registry() != CUE_SUCCESS ||
	    (s = CU_add_suite(suite, NULL, NULL)) == NULL)
		return 99;
	for (i = 0; i < n; i++)
		if (CU_add_test(s, tests[i].name, tests[i].fn) == NULL)
			return 99;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	if (CU_basic_run_tests() != CUE_SUCCESS || n == 0)
		return 99;
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures == 0 ? 0 : 1;
}
