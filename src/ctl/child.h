/*
 * One command run on one input: started in a process group of its own, fed
 * through a pipe, watched, and killed when it takes too long, or when we die.
 */
#ifndef CTL_CHILD_H
#define CTL_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

/*
 * Requests to stop: SIGTERM, SIGINT and SIGHUP, and SIGCHLD to wake up by,
 * are blocked and read from a descriptor. SIGPIPE is ignored.
 */
struct stop {
	int fd;
	int asked; /* how often */
	sigset_t old; /* the mask before, for children */
};

enum status stop_open(struct stop *); /* ST_OK, or ST_IO with errno kept */
void stop_close(struct stop *);

/* Wait until asked to stop, ms at most. */
void stop_wait(struct stop *, int ms);

struct child {
	char *const *argv; /* argv[0] is looked up in PATH */
	char *const *envp;
	const char *input;
	size_t input_len;
	bool out_to_err; /* its standard output goes to standard error */
	/* Or comes here, so much at most: what is longer has one byte more,
	 * the rest is not kept. NULL: it is ours. */
	struct buf *output;
	size_t output_max;
	int64_t term_us; /* clock_mono_us when SIGTERM is sent, */
	int64_t kill_us; /* and SIGKILL, to the whole group */
};

enum child_end {
	CHILD_EXITED, /* code: its exit status */
	CHILD_SIGNALLED, /* code: the signal */
	CHILD_OVERDUE, /* it had to be killed at term_us or kill_us */
	CHILD_STOPPED, /* it was killed: we were asked to stop twice */
	CHILD_NOT_STARTED, /* code: errno */
};

struct child_result {
	enum child_end end;
	int code;
};

/* Run it to its end. It need not read its input. */
struct child_result child_run(const struct child *, struct stop *);

/* Can this be run: an executable file's path, or a name found in PATH? */
bool child_findable(const char *name, const char *path);

#endif
