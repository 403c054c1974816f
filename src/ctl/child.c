#include "ctl/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum status
stop_open(struct stop *s)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	*s = (struct stop){ .fd = -1 };
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	/* A command that does not read its input is not our failure. */
	if (sigaction(SIGPIPE, &ignore, NULL) != 0 ||
	    sigprocmask(SIG_BLOCK, &set, &s->old) != 0)
		return ST_IO;
	s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->fd < 0 ? ST_IO : ST_OK;
}

void
stop_close(struct stop *s)
{
	if (s->fd < 0)
		return;
	close(s->fd);
	s->fd = -1;
	sigprocmask(SIG_SETMASK, &s->old, NULL);
}

static void
take_signals(struct stop *s)
{
	struct signalfd_siginfo info;

	while (read(s->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			s->asked++;
}

void
stop_wait(struct stop *s, int ms)
{
	int64_t end = clock_mono_us() + (int64_t)ms * 1000, left;

	take_signals(s);
	while (!s->asked && (left = end - clock_mono_us()) > 0) {
		struct pollfd p = { .fd = s->fd, .events = POLLIN };

		poll(&p, 1, (int)(left / 1000) + 1);
		take_signals(s);
	}
}

bool
child_findable(const char *name, const char *path)
{
	char full[PATH_MAX];
	struct stat st;

	if (strchr(name, '/'))
		return stat(name, &st) == 0 && S_ISREG(st.st_mode) &&
		    access(name, X_OK) == 0;
	while (path && *name != '\0') {
		const char *colon = strchrnul(path, ':');
		int n = snprintf(full, sizeof(full), "%.*s/%s",
		    (int)(colon - path), colon > path ? path : ".", name);

		if (colon == path)
			n = snprintf(full, sizeof(full), "./%s", name);
		if (n > 0 && (size_t)n < sizeof(full) &&
		    child_findable(full, NULL))
			return true;
		path = *colon != '\0' ? colon + 1 : NULL;
	}
	return false;
}

/* --- the guard ------------------------------------------------------------- */

/* How long the command may take to end when we have died. */
#define ORPHAN_US INT64_C(5000000)

/*
 * A process that leads the command's process group and ends the whole group
 * when we are gone, however that came (kill -9, out of memory): it reads from a
 * pipe of which nobody but us has the other end. PR_SET_PDEATHSIG would reach
 * the command alone, and leave what that has started.
 */
struct guard {
	pid_t pid; /* and the number of the group */
	int end; /* ours of the pipe */
};

/* SIGTERM, SIGINT and SIGHUP are blocked since stop_open. */
static _Noreturn void
guard_main(int pipe, int64_t kill_us)
{
	int64_t until;
	char c;

	/* Nothing of ours stays open in it: no output, no database. */
	if (setpgid(0, 0) != 0 || dup2(pipe, 0) < 0 ||
	    close_range(1, ~0U, 0) != 0)
		_exit(1);
	while (read(0, &c, 1) < 0 && errno == EINTR)
		;
	until = clock_mono_us() + ORPHAN_US;
	if (until > kill_us)
		until = kill_us;
	kill(0, SIGTERM);
	while (clock_mono_us() < until)
		poll(NULL, 0, 50);
	kill(0, SIGKILL);
	_exit(0);
}

/* The result is an errno. */
static int
guard_start(struct guard *g, int64_t kill_us)
{
	int ends[2], e;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return errno;
	g->end = ends[1];
	if ((g->pid = fork()) == 0)
		guard_main(ends[0], kill_us);
	close(ends[0]);
	/* The group must be there before the command joins it; whichever of
	 * the two processes is first makes it. */
	e = g->pid < 0 || setpgid(g->pid, g->pid) != 0 ? errno : 0;
	if (e != 0)
		close(g->end);
	return e;
}

static void
guard_stop(struct guard *g)
{
	kill(g->pid, SIGKILL);
	while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(g->end);
}

/* --- the command ------------------------------------------------------------ */

/* What the child has that differs from us: standard input and output, the
 * guard's group, the signals as they were. The result is an errno. */
static int
spawn(const struct child *c, const struct stop *s, const struct guard *g,
    int in, int out, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t defaults;
	int e;

	e = posix_spawn_file_actions_init(&files);
	if (e != 0)
		return e;
	e = posix_spawnattr_init(&attr);
	if (e != 0) {
		posix_spawn_file_actions_destroy(&files);
		return e;
	}
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setsigmask(&attr, &s->old);
	posix_spawnattr_setpgroup(&attr, g->pid);
	posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
		POSIX_SPAWN_SETSIGMASK);
	e = posix_spawn_file_actions_adddup2(&files, in, 0);
	if (e == 0 && out >= 0)
		e = posix_spawn_file_actions_adddup2(&files, out, 1);
	else if (e == 0 && c->out_to_err)
		e = posix_spawn_file_actions_adddup2(&files, 2, 1);
	if (e == 0)
		e = posix_spawnp(
		    pid, c->argv[0], &files, &attr, c->argv, c->envp);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return e;
}

/* A child under way. */
struct running {
	const struct child *child;
	struct stop *stop;
	struct guard guard;
	pid_t pid;
	int in; /* -1 once it has all, or wants no more */
	size_t fed;
	int out; /* -1: its output is not for us, or there is no more */
	int signal; /* the last that we sent; 0: none */
	enum child_end why;
};

static void
feed(struct running *r)
{
	while (r->in >= 0) {
		size_t left = r->child->input_len - r->fed;
		ssize_t n = left == 0
		    ? 0
		    : write(r->in, r->child->input + r->fed, left);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n > 0) {
			r->fed += (size_t)n;
			continue;
		}
		/* All fed, or EPIPE. */
		close(r->in);
		r->in = -1;
	}
}

/* A pipe holds less than is read here: what an ended command had written is
 * found, and whatever it has left running cannot keep us. */
#define READS_MAX 64

static void
take_output(struct running *r)
{
	struct buf *b = r->child->output;
	char bytes[4096];

	for (int i = 0; i < READS_MAX && r->out >= 0; i++) {
		ssize_t n = read(r->out, bytes, sizeof(bytes));
		size_t room = r->child->output_max + 1 - b->len;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n > 0) {
			buf_put(b, bytes, (size_t)n < room ? (size_t)n : room);
			continue;
		}
		close(r->out);
		r->out = -1;
	}
}

static void
kill_group(struct running *r, int sig, enum child_end why)
{
	if (r->signal == sig || r->signal == SIGKILL)
		return;
	if (r->signal == 0)
		r->why = why;
	r->signal = sig;
	kill(-r->guard.pid, sig);
}

/* Send what is due, and tell how many ms there are to the next thing. */
static int
judge(struct running *r)
{
	int64_t now = clock_mono_us(), next = r->child->term_us;

	/* The first lets it finish, the second does not. */
	if (r->stop->asked > 1)
		kill_group(r, SIGKILL, CHILD_STOPPED);
	if (now >= r->child->term_us) {
		kill_group(r, SIGTERM, CHILD_OVERDUE);
		next = r->child->kill_us;
	}
	if (now >= r->child->kill_us) {
		kill_group(r, SIGKILL, CHILD_OVERDUE);
		return 1000;
	}
	if (next - now > INT64_C(60000000))
		return 60000;
	return (int)((next - now) / 1000) + 1;
}

/* Until it has ended; the result is what waitpid says. */
static int
watch(struct running *r)
{
	int status = 0;
	pid_t got;

	for (;;) {
		int ms = judge(r);
		struct pollfd p[] = {
			{ .fd = r->stop->fd, .events = POLLIN },
			{ .fd = r->in, .events = POLLOUT },
			{ .fd = r->out, .events = POLLIN },
		};

		got = waitpid(r->pid, &status, WNOHANG);
		if (got == r->pid || (got < 0 && errno != EINTR))
			return status;
		poll(p, sizeof(p) / sizeof(p[0]), ms);
		take_signals(r->stop);
		if (p[1].revents)
			feed(r);
		if (p[2].revents)
			take_output(r);
	}
}

static struct child_result
result_of(const struct running *r, int status)
{
	bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	/* One that was told to end and then ended well had done its work. */
	if (r->signal != 0 && !clean)
		return (struct child_result){ r->why, r->signal };
	if (WIFSIGNALED(status))
		return (
		    struct child_result){ CHILD_SIGNALLED, WTERMSIG(status) };
	return (struct child_result){ CHILD_EXITED, WEXITSTATUS(status) };
}

/* A pipe whose end at us does not block; the command's may not surprise it.
 * The result is an errno. */
static int
open_pipe(int ends[static 2], int ours)
{
	if (pipe2(ends, O_CLOEXEC) != 0) {
		ends[0] = ends[1] = -1;
		return errno;
	}
	return fcntl(ends[ours], F_SETFL, O_NONBLOCK) != 0 ? errno : 0;
}

static void
close_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* With the command's ends of the pipes. The result is an errno. */
static int
start(struct running *r, int in, int out)
{
	int e = guard_start(&r->guard, r->child->kill_us);

	if (e != 0)
		return e;
	e = spawn(r->child, r->stop, &r->guard, in, out, &r->pid);
	if (e != 0)
		guard_stop(&r->guard);
	return e;
}

struct child_result
child_run(const struct child *c, struct stop *stop)
{
	struct running r = { .child = c, .stop = stop };
	struct child_result result = { .end = CHILD_NOT_STARTED };
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };

	result.code = open_pipe(in, 1);
	if (result.code == 0 && c->output != NULL)
		result.code = open_pipe(out, 0);
	r.in = in[1];
	r.out = out[0];
	if (result.code == 0)
		result.code = start(&r, in[0], out[1]);
	close_open(in[0]);
	close_open(out[1]);
	if (result.code == 0) {
		int status = watch(&r);

		take_output(&r);
		guard_stop(&r.guard);
		result = result_of(&r, status);
	}
	close_open(r.in);
	close_open(r.out);
	return result;
}
