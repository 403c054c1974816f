/*
 * Which file is read. The place beside the binary is tried with a copy of this
 * program in a directory of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/configs.h"
#include "t/test.h"

static char program[256]; /* the copy */

/* The copy's job: print what config_find gives, "(none)" for none. */
static int
print_found(const char *given, char *const *envp)
{
	char *path;

	if (config_find(given, envp, &path) != ST_OK)
		return 1;
	printf("%s", path == NULL ? "(none)" : path);
	free(path);
	return 0;
}

static void
copy_program(void)
{
	char data[65536], dir[200];
	FILE *from = fopen("/proc/self/exe", "rb"), *to;
	size_t n;

	snprintf(dir, sizeof(dir), "%s/bin", test_tmpdir());
	CU_ASSERT_EQUAL_FATAL(mkdir(dir, 0755), 0);
	snprintf(program, sizeof(program), "%s/program", dir);
	to = fopen(program, "wb");
	CU_ASSERT_TRUE_FATAL(from != NULL && to != NULL);
	while ((n = fread(data, 1, sizeof(data), from)) > 0)
		CU_ASSERT_EQUAL(fwrite(data, 1, n, to), n);
	fclose(from);
	CU_ASSERT_EQUAL(fclose(to), 0);
	CU_ASSERT_EQUAL(chmod(program, 0755), 0);
}

/* Run the copy and read what it prints. */
static void
run(const char *given, const char *const *envp, char *out, size_t size)
{
	const char *argv[] = { program, "find", given, NULL };
	int fds[2], status = -1;
	ssize_t n;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	if ((pid = fork()) == 0) {
		dup2(fds[1], STDOUT_FILENO);
		execve(program, (char *const *)argv, (char *const *)envp);
		_exit(127);
	}
	close(fds[1]);
	n = read(fds[0], out, size - 1);
	out[n < 0 ? 0 : n] = '\0';
	close(fds[0]);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
}

static void
assert_found(const char *given, const char *const *envp, const char *expected)
{
	char out[512];

	run(given, envp, out, sizeof(out));
	CU_ASSERT_STRING_EQUAL(out, expected);
}

static void
test_find(void)
{
	const char *usual =
	    access(CONFIG_FILE, F_OK) == 0 ? CONFIG_FILE : "(none)";
	char beside[300];

	copy_program();
	assert_found(NULL, NO_ENV, usual);
	assert_found("/given", NO_ENV, "/given");
	assert_found("", NO_ENV, "");
	assert_found("/given", ENV("SWITCHHOOK_CONF=/env"), "/given");
	assert_found(NULL, ENV("SWITCHHOOK_CONF=/env"), "/env");
	assert_found(NULL,
	    ENV("REDIRECT_SWITCHHOOK_CONF=/redirected", "SWITCHHOOK_CONF=/env"),
	    "/env");
	assert_found(
	    NULL, ENV("REDIRECT_SWITCHHOOK_CONF=/redirected"), "/redirected");
	assert_found(
	    NULL, ENV("SWITCHHOOK_CONF=", "REDIRECT_SWITCHHOOK_CONF="), usual);
	snprintf(beside, sizeof(beside), "%s",
	    configs_file("bin/switchhook.conf", "", 0));
	assert_found(NULL, NO_ENV, beside);
	assert_found(NULL, ENV("SWITCHHOOK_CONF=/env"), "/env");
	assert_found(NULL, ENV("SWITCHHOOK_CONF="), beside);
	/* There, though nobody can read it: that is to be told, not passed. */
	CU_ASSERT_EQUAL(chmod(beside, 0), 0);
	assert_found(NULL, NO_ENV, beside);
	CU_ASSERT_EQUAL(unlink(beside), 0);
	CU_ASSERT_EQUAL(symlink("nowhere", beside), 0);
	assert_found(NULL, NO_ENV, usual);
	CU_ASSERT_EQUAL(unlink(beside), 0);
	CU_ASSERT_EQUAL(symlink("switchhook.conf", beside), 0); /* a loop */
	assert_found(NULL, NO_ENV, beside);
}

static const struct test tests[] = {
	{ "find", test_find },
};

int
main(int argc, char **argv, char **envp)
{
	if (argc > 1 && strcmp(argv[1], "find") == 0)
		return print_found(argv[2], envp);
	return test_main("config-find", tests, TEST_COUNT(tests));
}
