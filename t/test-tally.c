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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/tally.h"
#include "t/test.h"

#define SLOTS 1000
#define LAYOUT 7

/* The C library's, but for a disk that is full. */
static int disk_full;

int
posix_fallocate(int fd, off_t at, off_t len)
{
	if (disk_full)
		return ENOSPC;
	if (fallocate(fd, 0, at, len) == 0)
		return 0;
	return errno == EOPNOTSUPP ? 0 : errno;
}

/* A name of its own in the test's directory. */
static const char *
name(void)
{
	static char path[256];
	static int n;

	snprintf(path, sizeof(path), "%s/tally%d", test_tmpdir(), n++);
	return path;
}

static struct tally *
open_tally(const char *path, size_t n, uint64_t layout, enum status expected)
{
	struct buf why = BUF_INIT;
	struct tally *t;

	CU_ASSERT_EQUAL_FATAL(tally_open(&t, n), ST_OK);
	CU_ASSERT_EQUAL(tally_share(t, path, layout, &why), expected);
	CU_ASSERT_EQUAL(tally_is_shared(t), expected == ST_OK);
	CU_ASSERT_EQUAL(why.len > 0, expected != ST_OK);
	buf_release(&why);
	return t;
}

/* Nothing but the file is left in its directory. */
static bool
is_clean(const char *path)
{
	char other[300];

	snprintf(other, sizeof(other), "%s.new", path);
	return access(path, F_OK) == 0 && access(other, F_OK) < 0;
}

static void
test_memory(void)
{
	struct tally *t;

	CU_ASSERT_EQUAL_FATAL(tally_open(&t, 3), ST_OK);
	tally_add(t, 0, 2);
	tally_add(t, 0, 3);
	tally_set(t, 2, 9);
	tally_add(t, 3, 1);
	tally_set(t, SIZE_MAX, 1);
	CU_ASSERT_EQUAL(tally_get(t, 0), 5);
	CU_ASSERT_EQUAL(tally_get(t, 1), 0);
	CU_ASSERT_EQUAL(tally_get(t, 2), 9);
	CU_ASSERT_EQUAL(tally_get(t, 3), 0);
	CU_ASSERT_FALSE(tally_is_shared(t));
	tally_close(t);
	tally_close(NULL);
}

/* What was counted before is taken along, and a second process adds to it. */
static void
test_shared(void)
{
	const char *path = name();
	struct buf why = BUF_INIT;
	struct tally *a, *b;
	struct stat st;

	CU_ASSERT_EQUAL_FATAL(tally_open(&a, SLOTS), ST_OK);
	tally_add(a, 5, 2);
	CU_ASSERT_EQUAL(tally_share(a, path, LAYOUT, &why), ST_OK);
	CU_ASSERT_EQUAL(tally_get(a, 5), 2);
	b = open_tally(path, SLOTS, LAYOUT, ST_OK);
	tally_add(b, 5, 1);
	tally_add(b, SLOTS - 1, 4);
	CU_ASSERT_EQUAL(tally_get(a, 5), 3);
	CU_ASSERT_EQUAL(tally_get(a, SLOTS - 1), 4);
	tally_close(a);
	tally_close(b);
	a = open_tally(path, SLOTS, LAYOUT, ST_OK);
	CU_ASSERT_EQUAL(tally_get(a, 5), 3);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	CU_ASSERT_EQUAL(st.st_size, 64 + 8 * SLOTS);
	CU_ASSERT(st.st_blocks * 512 >= st.st_size);
	CU_ASSERT(is_clean(path));
	tally_close(a);
}

/* Another agreement: an empty file takes the place, and whoever still counts
 * in the old one harms nobody. */
static void
test_layout(void)
{
	const char *path = name();
	struct tally *a = open_tally(path, SLOTS, LAYOUT, ST_OK), *b, *c;

	tally_add(a, 1, 1);
	b = open_tally(path, SLOTS, LAYOUT + 1, ST_OK);
	CU_ASSERT_EQUAL(tally_get(b, 1), 0);
	c = open_tally(path, SLOTS + 1, LAYOUT + 1, ST_OK);
	tally_add(a, 1, 1);
	tally_add(b, 1, 1);
	CU_ASSERT_EQUAL(tally_get(a, 1), 2);
	CU_ASSERT_EQUAL(tally_get(c, 1), 0);
	CU_ASSERT(is_clean(path));
	tally_close(a);
	tally_close(b);
	tally_close(c);
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

/* What cannot be ours, or is no longer: never mapped, replaced. */
static void
test_damaged(void)
{
	const off_t whole = 64 + 8 * SLOTS;
	const struct {
		const char *data;
		off_t size;
	} files[] = {
		{ "", 0 },
		{ "S", 1 },
		{ "Swhk tly", 64 },
		{ "Swhk tly", whole },
		{ "another!", whole },
		{ "", whole },
		{ "", whole + 8 },
	};
	const char *path = name();
	struct tally *t;
	size_t i;

	for (i = 0; i < TEST_COUNT(files); i++) {
		put_file(
		    path, files[i].data, strlen(files[i].data), files[i].size);
		t = open_tally(path, SLOTS, LAYOUT, ST_OK);
		tally_add(t, SLOTS - 1, 1);
		CU_ASSERT_EQUAL(tally_get(t, SLOTS - 1), 1);
		CU_ASSERT_EQUAL(tally_get(t, 0), 0);
		tally_close(t);
	}
	/* A good one that lost its end, and one with a bad byte in front. */
	CU_ASSERT_EQUAL(truncate(path, whole - 4096), 0);
	t = open_tally(path, SLOTS, LAYOUT, ST_OK);
	CU_ASSERT_EQUAL(tally_get(t, SLOTS - 1), 0);
	tally_add(t, 0, 1);
	tally_close(t);
	CU_ASSERT(is_clean(path));
}

/* A copy with holes gets its space before it is written to. */
static void
test_holes(void)
{
	const char *path = name();
	struct tally *t = open_tally(path, SLOTS, LAYOUT, ST_OK);
	char head[64];
	struct stat st;
	int fd;

	tally_close(t);
	fd = open(path, O_RDONLY);
	CU_ASSERT_EQUAL(read(fd, head, sizeof(head)), (ssize_t)sizeof(head));
	close(fd);
	put_file(path, head, sizeof(head), 64 + 8 * SLOTS);
	t = open_tally(path, SLOTS, LAYOUT, ST_OK);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT(st.st_blocks * 512 >= st.st_size);
	tally_close(t);
}

/* Whoever began it was killed: another ends it. */
static void
test_left_half(void)
{
	const char *path = name();
	char half[300];
	struct tally *t;

	snprintf(half, sizeof(half), "%s.new", path);
	put_file(half, "half", 4, 64 + 8 * SLOTS);
	t = open_tally(path, SLOTS, LAYOUT, ST_OK);
	CU_ASSERT_EQUAL(tally_get(t, 0), 0);
	CU_ASSERT(is_clean(path));
	tally_close(t);
}

/* Nowhere to put it: it counts all the same, for itself. */
static void
test_nowhere(void)
{
	const char *file = name();
	char path[300];
	struct tally *t;

	snprintf(path, sizeof(path), "%s/none/tally", test_tmpdir());
	t = open_tally(path, SLOTS, LAYOUT, ST_IO);
	tally_add(t, 4, 2);
	CU_ASSERT_EQUAL(tally_get(t, 4), 2);
	tally_close(t);

	/* A folder of that name, which not even root can replace. */
	CU_ASSERT_EQUAL(mkdir(file, 0700), 0);
	tally_close(open_tally(file, SLOTS, LAYOUT, ST_IO));
	CU_ASSERT_EQUAL(rmdir(file), 0);

	/* A link: it would be somebody else's file. */
	CU_ASSERT_EQUAL(symlink("/etc/passwd", file), 0);
	tally_close(open_tally(file, SLOTS, LAYOUT, ST_IO));
	CU_ASSERT_EQUAL(unlink(file), 0);
}

static void
test_full(void)
{
	const char *path = name();
	struct tally *t;
	char other[300];

	disk_full = 1;
	t = open_tally(path, SLOTS, LAYOUT, ST_FULL);
	tally_add(t, 4, 2);
	CU_ASSERT_EQUAL(tally_get(t, 4), 2);
	tally_close(t);
	snprintf(other, sizeof(other), "%s.new", path);
	CU_ASSERT(access(path, F_OK) < 0);
	CU_ASSERT(access(other, F_OK) < 0);
	disk_full = 0;
	tally_close(open_tally(path, SLOTS, LAYOUT, ST_OK));
}

#define CHILDREN 4
#define ROUNDS 20000

/* Each process opens it as it begins to be, and counts; none may be missed. */
static void
count_some(const char *path)
{
	struct buf why = BUF_INIT;
	struct tally *t;
	int i;

	if (tally_open(&t, SLOTS) != ST_OK)
		_exit(2);
	tally_add(t, 1, 1);
	if (tally_share(t, path, LAYOUT, &why) != ST_OK)
		_exit(3);
	for (i = 1; i < ROUNDS; i++)
		tally_add(t, (size_t)i % 7 == 0 ? 1 : 2, 1);
	_exit(0);
}

static void
test_race(void)
{
	const char *path = name();
	pid_t pids[CHILDREN];
	struct tally *t;
	int round, i, status;

	for (round = 0; round < 25; round++) {
		/* From nothing, and from what must be replaced. */
		(void)unlink(path);
		if (round % 2 == 1)
			put_file(path, "?", 1, 64 + 8 * SLOTS);
		for (i = 0; i < CHILDREN; i++)
			if ((pids[i] = fork()) == 0)
				count_some(path);
		for (i = 0; i < CHILDREN; i++) {
			CU_ASSERT_EQUAL(waitpid(pids[i], &status, 0), pids[i]);
			CU_ASSERT_EQUAL(status, 0);
		}
		t = open_tally(path, SLOTS, LAYOUT, ST_OK);
		CU_ASSERT_EQUAL(
		    tally_get(t, 1) + tally_get(t, 2), CHILDREN * ROUNDS);
		tally_close(t);
		CU_ASSERT(is_clean(path));
	}
}

/* Of a process that is killed everything counts that it had counted: what it
 * noted after each (in memory that outlives it) is there, and at most one
 * more. */
static void
test_kill(void)
{
	const char *path = name();
	_Atomic uint64_t *noted = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t sum = 0, got;
	struct tally *t;
	pid_t pid;
	int i;

	CU_ASSERT_FATAL(noted != MAP_FAILED);
	for (i = 0; i < 20; i++) {
		*noted = 0;
		if ((pid = fork()) == 0) {
			t = open_tally(path, SLOTS, LAYOUT, ST_OK);
			for (;;) {
				tally_add(t, 3, 1);
				(*noted)++;
			}
		}
		while (*noted < 1000)
			;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		t = open_tally(path, SLOTS, LAYOUT, ST_OK);
		got = tally_get(t, 3);
		CU_ASSERT(got == sum + *noted || got == sum + *noted + 1);
		sum = got;
		tally_close(t);
	}
	munmap((void *)noted, 4096);
}

/* Killed at any moment of making it: the next one gets a good file. */
static void
test_kill_makers(void)
{
	const char *path = name();
	struct tally *t;
	pid_t pid;
	int i;

	for (i = 0; i < 40; i++) {
		if ((pid = fork()) == 0)
			for (;;) {
				(void)unlink(path);
				tally_close(
				    open_tally(path, SLOTS, LAYOUT, ST_OK));
			}
		usleep((useconds_t)(i * 50));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		t = open_tally(path, SLOTS, LAYOUT, ST_OK);
		tally_add(t, SLOTS - 1, 1);
		tally_close(t);
	}
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
}

/* Somebody was stopped while making it: that stops nobody for ever. */
static void
test_stuck(void)
{
	const char *path = name();
	char half[300];
	struct tally *t;
	int fd;

	snprintf(half, sizeof(half), "%s.new", path);
	fd = open(half, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CU_ASSERT_EQUAL(flock(fd, LOCK_EX), 0);
	t = open_tally(path, SLOTS, LAYOUT, ST_BUSY);
	tally_add(t, 0, 1);
	CU_ASSERT_EQUAL(tally_get(t, 0), 1);
	tally_close(t);
	close(fd);
	tally_close(open_tally(path, SLOTS, LAYOUT, ST_OK));
}

#define THREADS 4

static void *
add_many(void *arg)
{
	int i;

	for (i = 0; i < ROUNDS; i++)
		tally_add(arg, 0, 1);
	return NULL;
}

static void
test_threads(void)
{
	struct tally *t = open_tally(name(), SLOTS, LAYOUT, ST_OK);
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		CU_ASSERT_EQUAL(
		    pthread_create(&threads[i], NULL, add_many, t), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT_EQUAL(tally_get(t, 0), THREADS * ROUNDS);
	tally_close(t);
}

static const struct test tests[] = {
	{ "in memory", test_memory },
	{ "shared", test_shared },
	{ "another layout", test_layout },
	{ "truncated and damaged", test_damaged },
	{ "holes", test_holes },
	{ "left half made", test_left_half },
	{ "nowhere to put it", test_nowhere },
	{ "disk full", test_full },
	{ "processes race", test_race },
	{ "kill -9", test_kill },
	{ "kill -9 of makers", test_kill_makers },
	{ "a maker that is stuck", test_stuck },
	{ "threads", test_threads },
};

int
main(void)
{
	return test_main("tally", tests, TEST_COUNT(tests));
}
