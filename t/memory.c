#include "t/memory.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/test.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FOREIGN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    !defined(__GLIBC__)
#define FOREIGN
#endif

/* Volatile, because the compiler knows what malloc and free do not touch. */
static volatile long countdown = -1; /* allocations that succeed; -1: all */
static volatile bool for_good; /* after the first failure all fail */
static volatile long paused; /* what countdown was */
static volatile long failures;
static volatile long live; /* allocations that were not freed */
static const void *volatile denied; /* who asked for the first that failed */
static const char *volatile watched; /* looked for in what is freed */
static volatile long freed, leaked;

void
memory_starve(long after, bool good)
{
	failures = 0;
	denied = NULL;
	for_good = good;
	countdown = after;
}

void
memory_feed(void)
{
	countdown = -1;
}

void
memory_pause(void)
{
	paused = countdown;
	countdown = -1;
}

void
memory_resume(void)
{
	countdown = paused;
}

long
memory_failures(void)
{
	return failures;
}

void
memory_watch(const char *text)
{
	if (text != NULL)
		freed = leaked = 0;
	watched = text;
}

long
memory_freed(void)
{
	return freed;
}

long
memory_leaked(void)
{
	return leaked;
}

/* Is this address of the program itself, not of a library? */
static bool
is_ours(const void *address)
{
	Dl_info here, there;

	return address != NULL && dladdr(address, &there) != 0 &&
	    dladdr(__func__, &here) != 0 && here.dli_fbase == there.dli_fbase;
}

void
memory_run_out(
    const char *what, memory_work_fn *fn, long least, long step, long lost)
{
	enum status st = ST_NOMEM;
	long n, before, left;

	/* Once with all of it: libraries keep something for ever. */
	CU_ASSERT_EQUAL(fn(), ST_OK);
	for (n = 0; n < 100000 && st == ST_NOMEM; n += n < 200 ? 1 : step) {
		before = live;
		memory_starve(n, true);
		st = fn();
		memory_feed();
		left = live - before;
		if (left > 0 && left <= lost && !is_ours(denied))
			left = 0;
		if (left != 0 || (st != ST_NOMEM && st != ST_OK)) {
			fprintf(stderr,
			    "%s: %ld allocations: status %d, %ld left\n", what,
			    n, (int)st, left);
			CU_FAIL("out of memory");
		}
	}
	CU_ASSERT_EQUAL(st, ST_OK);
	if (n <= least) {
		fprintf(stderr, "%s: only %ld\n", what, n);
		CU_FAIL("too few allocations to mean anything");
	}
}

#ifdef FOREIGN

bool
memory_is_ours(void)
{
	printf("not with this allocator\n");
	return false;
}

#else

void *__libc_malloc(size_t);
void __libc_free(void *);

bool
memory_is_ours(void)
{
	return true;
}

static bool
refused(const void *who)
{
	if (countdown < 0)
		return false;
	if (countdown > 0) {
		countdown--;
		return false;
	}
	failures++;
	if (denied == NULL)
		denied = who;
	if (!for_good)
		countdown = -1;
	errno = ENOMEM;
	return true;
}

static void *
allocate(size_t n, const void *who)
{
	void *p;

	if (refused(who))
		return NULL;
	if ((p = __libc_malloc(n)) != NULL)
		live++;
	return p;
}

void *
malloc(size_t n)
{
	return allocate(n, __builtin_return_address(0));
}

/* Not by malloc: gcc makes malloc and memset a call of calloc, which is this. */
void *
calloc(size_t n, size_t size)
{
	size_t all;
	void *p;

	if (__builtin_mul_overflow(n, size, &all) ||
	    (p = allocate(all, __builtin_return_address(0))) == NULL)
		return NULL;
	return memset(p, 0, all);
}

/* What is still in memory that is handed out again is no matter of what is
 * watched now. */
static void
look(void *p, const char *text)
{
	freed++;
	if (memmem(p, malloc_usable_size(p), text, strlen(text)))
		leaked++;
	explicit_bzero(p, malloc_usable_size(p));
}

void
free(void *p)
{
	const char *text = watched;

	live -= p != NULL;
	if (p != NULL && text != NULL)
		look(p, text);
	__libc_free(p);
}

/* Always moves, so that a growing secret shows. */
void *
realloc(void *old, size_t n)
{
	size_t had = old == NULL ? 0 : malloc_usable_size(old);
	void *p = allocate(n, __builtin_return_address(0));

	if (p == NULL)
		return NULL;
	if (old != NULL)
		memcpy(p, old, had < n ? had : n);
	free(old);
	return p;
}

#endif
