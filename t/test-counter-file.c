/* Counters in a file that processes share. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/counter_file.h"
#include "t/test.h"

#define SUMS 999
#define LAST SUMS /* the one that is set */
#define LAYOUT 7
#define WHOLE (64 + 8 * (SUMS + 1))

/* A name of its own in the test's directory. */
static const char *
name(void)
{
	static char path[256];
	static int n;

	snprintf(path, sizeof(path), "%s/counters%d", test_tmpdir(), n++);
	return path;
}

static struct counter_file *
open_named(const char *path, size_t sums, uint64_t layout)
{
	struct counter_file *f;

	CU_ASSERT_EQUAL_FATAL(counter_file_open(&f, sums, 1, layout), ST_OK);
	CU_ASSERT_EQUAL(counter_file_name(f, path), ST_OK);
	return f;
}

static void
save(struct counter_file *f, enum status expected)
{
	struct buf why = BUF_INIT;

	CU_ASSERT_EQUAL(counter_file_save(f, true, &why), expected);
	CU_ASSERT_EQUAL(counter_file_is_shared(f),
	    expected == ST_OK || expected == ST_CORRUPT);
	CU_ASSERT_EQUAL(why.len > 0, expected != ST_OK);
	buf_release(&why);
}

/* What a process finds that comes now. */
static uint64_t
in_file(const char *path, size_t counter)
{
	struct counter_file *f = open_named(path, SUMS, LAYOUT);
	uint64_t n;

	save(f, ST_OK);
	n = counter_file_get(f, counter);
	counter_file_close(f);
	return n;
}

static void
test_memory(void)
{
	struct buf why = BUF_INIT;
	struct counter_file *f;

	CU_ASSERT_EQUAL_FATAL(counter_file_open(&f, 2, 1, LAYOUT), ST_OK);
	counter_file_add(f, 0, 2);
	counter_file_add(f, 0, 3);
	counter_file_set(f, 2, 9);
	counter_file_set(f, 2, 8);
	counter_file_add(f, 3, 1);
	counter_file_set(f, SIZE_MAX, 1);
	/* Without a name there is nowhere to save. */
	CU_ASSERT_EQUAL(counter_file_save(f, true, &why), ST_OK);
	CU_ASSERT_FALSE(counter_file_is_shared(f));
	CU_ASSERT_EQUAL(counter_file_get(f, 0), 5);
	CU_ASSERT_EQUAL(counter_file_get(f, 1), 0);
	CU_ASSERT_EQUAL(counter_file_get(f, 2), 8);
	CU_ASSERT_EQUAL(counter_file_get(f, 3), 0);
	counter_file_close(f);
	counter_file_close(NULL);
	buf_release(&why);
}

/* What was counted before is taken along; each sees the other's once both have
 * saved; a time is the last one's. */
static void
test_shared(void)
{
	const char *path = name();
	struct counter_file *a, *b;
	struct stat st;

	CU_ASSERT_EQUAL_FATAL(counter_file_open(&a, SUMS, 1, LAYOUT), ST_OK);
	counter_file_add(a, 5, 2);
	CU_ASSERT_EQUAL(counter_file_name(a, path), ST_OK);
	CU_ASSERT(access(path, F_OK) < 0);
	save(a, ST_OK);
	b = open_named(path, SUMS, LAYOUT);
	counter_file_add(b, 5, 1);
	counter_file_add(b, SUMS - 1, 4);
	counter_file_set(b, LAST, 50);
	CU_ASSERT_EQUAL(counter_file_get(b, 5), 1);
	save(b, ST_OK);
	CU_ASSERT_EQUAL(counter_file_get(b, 5), 3);
	CU_ASSERT_EQUAL(counter_file_get(a, 5), 2);
	counter_file_set(a, LAST, 40);
	save(a, ST_OK);
	save(b, ST_OK);
	CU_ASSERT_EQUAL(counter_file_get(a, 5), 3);
	CU_ASSERT_EQUAL(counter_file_get(a, SUMS - 1), 4);
	CU_ASSERT_EQUAL(counter_file_get(a, LAST), 40);
	CU_ASSERT_EQUAL(counter_file_get(b, LAST), 40);
	/* Saving twice adds nothing twice. */
	save(a, ST_OK);
	counter_file_close(a);
	counter_file_close(b);
	CU_ASSERT_EQUAL(in_file(path, 5), 3);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	CU_ASSERT_EQUAL(st.st_size, WHOLE);
}

/* With nothing to add the file is left alone, unless it is to be read. */
static void
test_idle(void)
{
	const char *path = name();
	struct counter_file *f = open_named(path, SUMS, LAYOUT);
	struct buf why = BUF_INIT;

	CU_ASSERT_EQUAL(counter_file_save(f, false, &why), ST_OK);
	CU_ASSERT(access(path, F_OK) < 0);
	counter_file_add(f, 0, 1);
	CU_ASSERT_EQUAL(counter_file_save(f, false, &why), ST_OK);
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(counter_file_save(f, false, &why), ST_OK);
	CU_ASSERT(access(path, F_OK) < 0);
	counter_file_close(f);
	buf_release(&why);
}

/* A reload may name another file: each has what was counted in its time. */
static void
test_renamed(void)
{
	char first[256], second[256];
	struct counter_file *f;

	snprintf(first, sizeof(first), "%s", name());
	snprintf(second, sizeof(second), "%s", name());
	f = open_named(first, SUMS, LAYOUT);
	counter_file_add(f, 0, 2);
	save(f, ST_OK);
	CU_ASSERT_EQUAL(counter_file_name(f, first), ST_OK);
	CU_ASSERT_EQUAL(counter_file_get(f, 0), 2);
	CU_ASSERT_EQUAL(counter_file_name(f, second), ST_OK);
	counter_file_add(f, 0, 3);
	save(f, ST_OK);
	CU_ASSERT_EQUAL(counter_file_get(f, 0), 3);
	counter_file_close(f);
	CU_ASSERT_EQUAL(in_file(first, 0), 2);
	CU_ASSERT_EQUAL(in_file(second, 0), 3);
}

/* Another agreement: whoever begins takes the file, and those that run on with
 * the old one count for themselves. */
static void
test_layout(void)
{
	const char *path = name();
	struct counter_file *a = open_named(path, SUMS, LAYOUT), *b, *c;

	counter_file_add(a, 1, 1);
	save(a, ST_OK);
	b = open_named(path, SUMS, LAYOUT + 1);
	counter_file_add(b, 1, 5);
	save(b, ST_OK);
	CU_ASSERT_EQUAL(counter_file_get(b, 1), 5);
	counter_file_add(a, 1, 1);
	save(a, ST_EXISTS);
	CU_ASSERT_EQUAL(counter_file_get(a, 1), 2);
	c = open_named(path, SUMS + 1, LAYOUT + 2);
	save(c, ST_OK);
	CU_ASSERT_EQUAL(counter_file_get(c, 1), 0);
	counter_file_close(a);
	counter_file_close(b);
	counter_file_close(c);
}

static void
put_file(const char *path, const void *data, size_t len, off_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, data, len), (ssize_t)len);
	CU_ASSERT_EQUAL(ftruncate(fd, size), 0);
	close(fd);
}

/* What is no file of ours, or no longer a whole one: written again, by
 * one that starts with nothing and by one that runs with what it knew. */
static void
test_damaged(void)
{
	const struct {
		const char *data;
		off_t size;
	} files[] = {
		{ "", 0 },
		{ "S", 1 },
		{ "Swhk tly", 63 },
		{ "Swhk tly", WHOLE },
		{ "another!", WHOLE },
		{ "", WHOLE },
		{ "", WHOLE + 8 },
	};
	const char *path = name();
	struct counter_file *runs = open_named(path, SUMS, LAYOUT), *comes;
	uint64_t n;
	size_t i;

	counter_file_add(runs, SUMS - 1, 7);
	save(runs, ST_OK);
	for (i = 0, n = 7; i < TEST_COUNT(files); i++) {
		put_file(
		    path, files[i].data, strlen(files[i].data), files[i].size);
		comes = open_named(path, SUMS, LAYOUT);
		counter_file_add(comes, SUMS - 1, 1);
		save(comes, files[i].size == 0 ? ST_OK : ST_CORRUPT);
		CU_ASSERT_EQUAL(counter_file_get(comes, SUMS - 1), 1);
		counter_file_close(comes);

		put_file(
		    path, files[i].data, strlen(files[i].data), files[i].size);
		counter_file_add(runs, SUMS - 1, 1);
		save(runs, ST_CORRUPT);
		CU_ASSERT_EQUAL(counter_file_get(runs, SUMS - 1), ++n);
		CU_ASSERT_EQUAL(in_file(path, SUMS - 1), n);
	}
	/* A good one that loses its end, and one that is gone. */
	CU_ASSERT_EQUAL(truncate(path, WHOLE - 1), 0);
	save(runs, ST_CORRUPT);
	CU_ASSERT_EQUAL(in_file(path, SUMS - 1), n);
	CU_ASSERT_EQUAL(unlink(path), 0);
	save(runs, ST_CORRUPT);
	save(runs, ST_OK);
	CU_ASSERT_EQUAL(in_file(path, SUMS - 1), n);
	counter_file_close(runs);
}

/* Nowhere to put it: it counts all the same, for itself, until there is. */
static void
test_nowhere(void)
{
	const char *file = name();
	char path[300];
	struct counter_file *f;

	snprintf(path, sizeof(path), "%s/none/counters", test_tmpdir());
	f = open_named(path, SUMS, LAYOUT);
	counter_file_add(f, 4, 2);
	save(f, ST_IO);
	CU_ASSERT_EQUAL(counter_file_get(f, 4), 2);
	counter_file_close(f);

	/* A folder of that name, which not even root can write to. */
	CU_ASSERT_EQUAL(mkdir(file, 0700), 0);
	f = open_named(file, SUMS, LAYOUT);
	counter_file_add(f, 4, 2);
	save(f, ST_IO);
	CU_ASSERT_EQUAL(rmdir(file), 0);

	/* A link: it would be somebody else's file. A FIFO: it has no end. */
	CU_ASSERT_EQUAL(symlink("/etc/passwd", file), 0);
	save(f, ST_IO);
	CU_ASSERT_EQUAL(unlink(file), 0);
	CU_ASSERT_EQUAL(mkfifo(file, 0600), 0);
	save(f, ST_IO);
	CU_ASSERT_EQUAL(unlink(file), 0);
	save(f, ST_OK);
	counter_file_close(f);
	CU_ASSERT_EQUAL(in_file(file, 4), 2);
}

/* The disk is full: part of the file is written, and none of it counts. */
static void
test_full(void)
{
	const char *path = name();
	struct counter_file *f = open_named(path, SUMS, LAYOUT);
	const struct rlimit full = { 4096, RLIM_INFINITY };
	struct rlimit was;
	struct stat st;

	signal(SIGXFSZ, SIG_IGN);
	CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &was), 0);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &full), 0);
	counter_file_add(f, 4, 2);
	save(f, ST_FULL);
	CU_ASSERT_EQUAL(counter_file_get(f, 4), 2);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &was), 0);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_size, 0);
	save(f, ST_OK);
	counter_file_close(f);
	CU_ASSERT_EQUAL(in_file(path, 4), 2);
}

#define CHILDREN 4
#define ROUNDS 2000

/* Count in a process of its own, and save now and then. It ends with 0. */
static pid_t
count_some(const char *path)
{
	struct buf why = BUF_INIT;
	struct counter_file *f;
	pid_t pid = fork();
	int i;

	if (pid != 0)
		return pid;
	if (counter_file_open(&f, SUMS, 1, LAYOUT) != ST_OK)
		_exit(2);
	if (counter_file_name(f, path) != ST_OK)
		_exit(3);
	for (i = 0; i < ROUNDS; i++) {
		counter_file_add(f, i % 7 == 0 ? 1 : 2, 1);
		if (i % 5 == 0)
			(void)counter_file_save(f, false, &why);
	}
	_exit(counter_file_save(f, false, &why) == ST_OK ? 0 : 4);
}

static void
test_race(void)
{
	const char *path = name();
	pid_t pids[CHILDREN];
	int round, i, status;

	for (round = 0; round < 5; round++) {
		/* From nothing, and from what must be replaced. */
		(void)unlink(path);
		if (round % 2 == 1)
			put_file(path, "?", 1, WHOLE);
		for (i = 0; i < CHILDREN; i++)
			pids[i] = count_some(path);
		for (i = 0; i < CHILDREN; i++) {
			CU_ASSERT_EQUAL(waitpid(pids[i], &status, 0), pids[i]);
			CU_ASSERT_EQUAL(status, 0);
		}
		CU_ASSERT_EQUAL(
		    in_file(path, 1) + in_file(path, 2), CHILDREN * ROUNDS);
	}
}

/* Cut to nothing, again and again, while processes count: none of them dies,
 * and nothing is counted twice. */
static void
test_cut(void)
{
	const char *path = name();
	pid_t pids[CHILDREN];
	int i, left, status, cuts = 0;
	uint64_t n;

	for (i = 0; i < CHILDREN; i++)
		pids[i] = count_some(path);
	for (left = CHILDREN; left > 0;) {
		if (truncate(path, 0) == 0)
			cuts++;
		usleep(100);
		for (i = 0; i < CHILDREN; i++) {
			if (pids[i] == 0 ||
			    waitpid(pids[i], &status, WNOHANG) != pids[i])
				continue;
			/* The last save may have found it cut. */
			CU_ASSERT(WIFEXITED(status));
			CU_ASSERT(WEXITSTATUS(status) == 0 ||
			    WEXITSTATUS(status) == 4);
			pids[i] = 0;
			left--;
		}
	}
	CU_ASSERT(cuts > 0);
	n = in_file(path, 1) + in_file(path, 2);
	CU_ASSERT(n <= CHILDREN * ROUNDS);
}

/* Of a process that is killed at any moment everything counts that it had
 * saved, and nothing twice. */
static void
test_kill(void)
{
	const char *path = name();
	_Atomic uint64_t *noted = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0); /* counted, and saved */
	struct buf why = BUF_INIT;
	struct counter_file *f;
	uint64_t sum = 0, got;
	pid_t pid;
	int i;

	CU_ASSERT_FATAL(noted != MAP_FAILED);
	for (i = 0; i < 20; i++) {
		noted[0] = noted[1] = 0;
		if ((pid = fork()) == 0) {
			f = open_named(path, SUMS, LAYOUT);
			for (;;) {
				noted[0]++;
				counter_file_add(f, 3, 1);
				if (counter_file_save(f, false, &why) == ST_OK)
					noted[1] = noted[0];
			}
		}
		while (noted[1] < 100)
			;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		got = in_file(path, 3);
		CU_ASSERT(got >= sum + noted[1] && got <= sum + noted[0]);
		sum = got;
	}
	munmap((void *)noted, 4096);
}

/* Somebody was stopped amid saving: that stops nobody for ever, and nothing is
 * lost by it. */
static void
test_stuck(void)
{
	const char *path = name();
	struct counter_file *f = open_named(path, SUMS, LAYOUT);
	int fd;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CU_ASSERT_EQUAL(flock(fd, LOCK_EX), 0);
	counter_file_add(f, 0, 1);
	save(f, ST_BUSY);
	CU_ASSERT_EQUAL(counter_file_get(f, 0), 1);
	close(fd);
	save(f, ST_OK);
	counter_file_close(f);
	CU_ASSERT_EQUAL(in_file(path, 0), 1);
}

#define THREADS 4

static void *
add_many(void *arg)
{
	struct buf why = BUF_INIT;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		counter_file_add(arg, 0, 1);
		if (i % 50 == 0)
			(void)counter_file_save(arg, true, &why);
	}
	buf_release(&why);
	return NULL;
}

static void
test_threads(void)
{
	const char *path = name();
	struct counter_file *f = open_named(path, SUMS, LAYOUT);
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		CU_ASSERT_EQUAL(
		    pthread_create(&threads[i], NULL, add_many, f), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT_EQUAL(counter_file_get(f, 0), THREADS * ROUNDS);
	save(f, ST_OK);
	counter_file_close(f);
	CU_ASSERT_EQUAL(in_file(path, 0), THREADS * ROUNDS);
}

static const struct test tests[] = {
	{ "in memory", test_memory },
	{ "shared", test_shared },
	{ "nothing to add", test_idle },
	{ "another name", test_renamed },
	{ "another layout", test_layout },
	{ "truncated and damaged", test_damaged },
	{ "nowhere to put it", test_nowhere },
	{ "disk full", test_full },
	{ "processes race", test_race },
	{ "cut while processes count", test_cut },
	{ "kill -9", test_kill },
	{ "a process that is stuck", test_stuck },
	{ "threads", test_threads },
};

int
main(void)
{
	return test_main("counter-file", tests, TEST_COUNT(tests));
}
