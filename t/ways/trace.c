/*
 * In a program built with -finstrument-functions: each function that is entered
 * or left, as a record at the end of the file that TRACE_TO names.
 * t/test-ways.py reads them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define UNTRACED __attribute__((no_instrument_function))

/* Where the program was loaded: the linker's name for it. */
extern const char __executable_start[];

struct record {
	uint32_t thread;
	uint32_t function; /* from where it was loaded; top bit: left */
};

static int trace = -1;

static void UNTRACED __attribute__((constructor)) trace_open(void)
{
	const char *path = getenv("TRACE_TO");

	if (path != NULL)
		trace =
		    open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void UNTRACED
trace_put(const void *function, uint32_t left)
{
	struct record r = { .thread = (uint32_t)gettid(),
		.function =
		    (uint32_t)((const char *)function - __executable_start) |
		    left };
	int error = errno;
	ssize_t n = write(trace, &r, sizeof(r));

	(void)n;
	errno = error;
}

void UNTRACED
__cyg_profile_func_enter(void *function, void *caller)
{
	(void)caller;
	trace_put(function, 0);
}

void UNTRACED
__cyg_profile_func_exit(void *function, void *caller)
{
	(void)caller;
	trace_put(function, 1U << 31);
}
