#include "door/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "door/records.h"

/* libfcgi puts descriptors into an fd_set (1024 at most), so all of ours
 * together stay well below. */
#define SEATS 512

/*
 * As much of a request is looked at: one full record of parameters and what
 * goes with it. Parameters beyond are refused; of a body that is longer the
 * worker reads the rest.
 */
#define WINDOW ((size_t)72 << 10)

/*
 * A body that is not there after so long, or does not fit into the window, is
 * left to a worker: small pieces may fill the socket first. Only some workers
 * wait for bodies; those that find none are cut after a while and answered.
 */
#define BODY_US ((int64_t)1000000)
#define BODY_TIMEOUTS 2

/* Longer than nginx (60 s) keeps an idle connection, so that it is always the
 * server that closes one, and no request meets a closed one. */
#define KEEP_US ((int64_t)75 * 1000000)

/* When stopping: how long for those that had been let in, and how often to
 * look whether they are through. */
#define DRAIN_US ((int64_t)1000000)
#define DRAIN_STEP_MS 20

/* Without descriptors or memory: until the next attempt. */
#define PAUSE_NS 20000000L

/* What an event is about: a seat by its index, or one of these. */
#define ABOUT_LISTENER UINT32_MAX
#define ABOUT_STOP (UINT32_MAX - 1)

/* What a turn at the gate gives instead of a descriptor. */
#define OVER -1
#define AGAIN -2

struct seat {
	int fd; /* -1: free */
	int64_t until_us;
	bool kept; /* between two requests */
	bool ripe; /* let it through, whole or not */
	bool head; /* parameters are there */
};

struct gate {
	pthread_mutex_t turn; /* held by who waits, guards window, listening */
	unsigned char window[WINDOW];
	bool listening; /* the listener is in the epoll set */
	bool gave_early; /* what this turn gives is not whole */

	int epoll, stop_event;
	struct listener *listener;
	int timeout_s;

	pthread_mutex_t lock; /* guards the rest */
	struct seat seats[SEATS];
	size_t waiting;
	size_t early, early_max; /* workers that wait for bodies */
	int64_t stop_us; /* since when it is stopping; 0: it is not */
	bool failed;
};

static enum status
watch_for(struct gate *g, int op, int fd, uint32_t events, uint32_t about)
{
	struct epoll_event ev = { .events = events, .data.u32 = about };

	return epoll_ctl(g->epoll, op, fd, &ev) == 0 ? ST_OK : ST_IO;
}

enum status
gate_open(
    struct gate **out, struct listener *l, int timeout_s, size_t early_max)
{
	struct gate *g;
	int flags = fcntl(l->fd, F_GETFL);

	*out = NULL;
	if ((g = calloc(1, sizeof(*g))) == NULL)
		return ST_NOMEM;
	pthread_mutex_init(&g->turn, NULL);
	pthread_mutex_init(&g->lock, NULL);
	g->listener = l;
	g->timeout_s = timeout_s;
	g->early_max = early_max;
	g->listening = true;
	for (size_t i = 0; i < SEATS; i++)
		g->seats[i].fd = -1;
	g->epoll = epoll_create1(EPOLL_CLOEXEC);
	g->stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* Several processes may share the listener: each connection wakes one,
	 * and who comes too late must not be stuck in accept. */
	if (g->epoll < 0 || g->stop_event < 0 || flags < 0 ||
	    fcntl(l->fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    watch_for(g, EPOLL_CTL_ADD, l->fd, EPOLLIN | EPOLLEXCLUSIVE,
		ABOUT_LISTENER) != ST_OK ||
	    watch_for(g, EPOLL_CTL_ADD, g->stop_event, EPOLLIN, ABOUT_STOP) !=
		ST_OK) {
		gate_close(g);
		return ST_IO;
	}
	*out = g;
	return ST_OK;
}

/* With lock held. */
static void
seat_clear(struct gate *g, struct seat *s)
{
	s->fd = -1;
	g->waiting--;
}

/* With lock held. */
static void
seat_close(struct gate *g, struct seat *s)
{
	close(s->fd);
	seat_clear(g, s);
}

void
gate_close(struct gate *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < SEATS; i++)
		if (g->seats[i].fd >= 0)
			seat_close(g, &g->seats[i]);
	if (g->epoll >= 0)
		close(g->epoll);
	if (g->stop_event >= 0)
		close(g->stop_event);
	pthread_mutex_destroy(&g->turn);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

/* With lock held: close the one that would leave first; NULL: there is none. */
static struct seat *
seat_evict(struct gate *g)
{
	struct seat *first = NULL;

	for (size_t i = 0; i < SEATS; i++)
		if (g->seats[i].fd >= 0 &&
		    (first == NULL || g->seats[i].until_us < first->until_us))
			first = &g->seats[i];
	if (first != NULL)
		seat_close(g, first);
	return first;
}

/* With lock held. */
static struct seat *
seat_find(struct gate *g)
{
	for (size_t i = 0; i < SEATS; i++)
		if (g->seats[i].fd < 0)
			return &g->seats[i];
	return seat_evict(g);
}

/* Let a connection wait. Events come on new bytes only, and at once if some
 * have come since it was looked at. */
static void
seat_take(struct gate *g, int fd, bool kept, bool head)
{
	int64_t limit = kept ? KEEP_US : (int64_t)g->timeout_s * 1000000;
	struct seat *s;

	pthread_mutex_lock(&g->lock);
	s = seat_find(g);
	*s = (struct seat){ .fd = fd, .kept = kept, .head = head };
	s->until_us = clock_mono_us() + (head ? BODY_US : limit);
	g->waiting++;
	if ((kept && g->stop_us != 0) ||
	    watch_for(g, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP | EPOLLET,
		(uint32_t)(s - g->seats)) != ST_OK)
		seat_close(g, s);
	pthread_mutex_unlock(&g->lock);
}

void
gate_return(struct gate *g, int fd)
{
	seat_take(g, fd, true, false);
}

/* What is in a connection, without taking it; *full: and more than can be
 * seen. Call with the turn held. */
static enum records_state
look(struct gate *g, int fd, bool *full)
{
	enum records_state state;
	ssize_t n;

	*full = false;
	n = recv(fd, g->window, sizeof(g->window), MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return RECORDS_PARTIAL;
	if (n <= 0)
		return RECORDS_BAD;
	state = records_scan(g->window, (size_t)n);
	*full = (size_t)n == sizeof(g->window);
	return *full && state == RECORDS_PARTIAL ? RECORDS_BAD : state;
}

/* With lock held and the turn: may one more worker wait for a body? */
static bool
enter_early(struct gate *g)
{
	if (g->early >= g->early_max)
		return false;
	g->early++;
	return g->gave_early = true;
}

static void
set_timeouts(const struct gate *g, int fd)
{
	struct timeval t = { .tv_sec = g->timeout_s };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

static int64_t
stopping_since(struct gate *g)
{
	int64_t us;

	pthread_mutex_lock(&g->lock);
	us = g->stop_us;
	pthread_mutex_unlock(&g->lock);
	return us;
}

static int
stop_listening(struct gate *g)
{
	if (g->listening)
		watch_for(g, EPOLL_CTL_DEL, g->listener->fd, 0, 0);
	g->listening = false;
	return AGAIN;
}

/* One seat less is one descriptor more; without any, some time may help. */
static int
make_room(struct gate *g)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct seat *gone;

	pthread_mutex_lock(&g->lock);
	gone = seat_evict(g);
	pthread_mutex_unlock(&g->lock);
	if (gone == NULL)
		nanosleep(&pause, NULL);
	return AGAIN;
}

static int
accept_failed(struct gate *g, int error)
{
	switch (error) {
	case EAGAIN:
	case EINVAL:
		/* The queue is empty: nothing was left behind. */
		if (stopping_since(g) != 0)
			return stop_listening(g);
		if (error == EAGAIN)
			return AGAIN;
		break;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
		return make_room(g);
	case EBADF:
	case ENOTSOCK:
		break;
	default:
		/* The connection's own misfortune (accept(2)). */
		return AGAIN;
	}
	pthread_mutex_lock(&g->lock);
	g->failed = true;
	pthread_mutex_unlock(&g->lock);
	return OVER;
}

static int
admit(struct gate *g)
{
	int fd = accept4(g->listener->fd, NULL, NULL, SOCK_CLOEXEC);
	enum records_state state;
	bool full;

	if (fd < 0)
		return accept_failed(g, errno);
	set_timeouts(g, fd);
	state = look(g, fd, &full);
	if (state == RECORDS_WHOLE)
		return fd;
	if (state == RECORDS_BAD)
		close(fd);
	else
		seat_take(g, fd, false, state == RECORDS_HEAD);
	return AGAIN;
}

/* With lock held: something came on this seat, or the peer has gone. */
static int
seat_look(struct gate *g, struct seat *s, uint32_t events)
{
	bool full;
	enum records_state state = look(g, s->fd, &full);
	bool ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	int fd = s->fd;

	s->ripe = s->ripe || full;
	/* A body that breaks off gets its answer too: no more of it comes. */
	if (state == RECORDS_WHOLE ||
	    (state == RECORDS_HEAD && (ended || (s->ripe && enter_early(g))))) {
		watch_for(g, EPOLL_CTL_DEL, fd, 0, 0);
		seat_clear(g, s);
		return fd;
	}
	if (state == RECORDS_BAD || ended) {
		seat_close(g, s);
		return AGAIN;
	}
	/* The next request of a kept one has begun: its time too. */
	if (s->kept)
		s->until_us = clock_mono_us() + (int64_t)g->timeout_s * 1000000;
	s->kept = false;
	if (state == RECORDS_HEAD && !s->head)
		s->until_us = clock_mono_us() + BODY_US;
	s->head = state == RECORDS_HEAD;
	return AGAIN;
}

static int
look_again(struct gate *g, uint32_t about, uint32_t events)
{
	int fd = AGAIN;

	pthread_mutex_lock(&g->lock);
	if (g->seats[about].fd >= 0)
		fd = seat_look(g, &g->seats[about], events);
	pthread_mutex_unlock(&g->lock);
	return fd;
}

/* How long to wait for the next event; 0: it is over. */
static int
patience(struct gate *g)
{
	int ms = -1;

	pthread_mutex_lock(&g->lock);
	if (g->stop_us != 0)
		ms = DRAIN_STEP_MS;
	if (g->failed ||
	    (g->stop_us != 0 &&
		((!g->listening && g->waiting == 0) ||
		    clock_mono_us() > g->stop_us + DRAIN_US)))
		ms = 0;
	pthread_mutex_unlock(&g->lock);
	return ms;
}

static int
turn_once(struct gate *g)
{
	struct epoll_event ev;
	int ms;

	if ((ms = patience(g)) == 0)
		return OVER;
	/* Stopping: who had been waiting when the signal came is let in, up
	 * to the first moment at which nobody is. */
	if (ms > 0 && g->listening)
		return admit(g);
	if (epoll_wait(g->epoll, &ev, 1, ms) < 1)
		return AGAIN;
	switch (ev.data.u32) {
	case ABOUT_LISTENER:
		return admit(g);
	case ABOUT_STOP:
		watch_for(g, EPOLL_CTL_DEL, g->stop_event, 0, 0);
		return AGAIN;
	}
	return look_again(g, ev.data.u32, ev.events);
}

int
gate_next(struct gate *g, bool *early)
{
	int fd;

	pthread_mutex_lock(&g->turn);
	g->gave_early = false;
	while ((fd = turn_once(g)) == AGAIN)
		;
	*early = g->gave_early;
	pthread_mutex_unlock(&g->turn);
	return fd;
}

/* With lock held: have the event of a seat come again. */
static void
look_anew(struct gate *g, struct seat *s)
{
	if (watch_for(g, EPOLL_CTL_MOD, s->fd, EPOLLIN | EPOLLRDHUP | EPOLLET,
		(uint32_t)(s - g->seats)) != ST_OK)
		seat_close(g, s);
}

void
gate_early_done(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->early--;
	for (size_t i = 0; i < SEATS && g->waiting > 0; i++)
		if (g->seats[i].fd >= 0 && g->seats[i].ripe)
			look_anew(g, &g->seats[i]);
	pthread_mutex_unlock(&g->lock);
}

void
gate_tick(struct gate *g)
{
	int64_t now = clock_mono_us();
	int64_t limit = (int64_t)g->timeout_s * BODY_TIMEOUTS * 1000000;

	pthread_mutex_lock(&g->lock);
	for (size_t i = 0; i < SEATS && g->waiting > 0; i++) {
		struct seat *s = &g->seats[i];

		if (s->fd < 0 || now < s->until_us)
			continue;
		s->ripe = s->head;
		if (s->ripe && now > s->until_us + limit)
			shutdown(s->fd, SHUT_RD);
		(s->ripe ? look_anew : seat_close)(g, s);
	}
	pthread_mutex_unlock(&g->lock);
}

void
gate_stop(struct gate *g)
{
	const uint64_t one = 1;
	ssize_t n;

	listener_retire(g->listener);
	pthread_mutex_lock(&g->lock);
	g->stop_us = clock_mono_us();
	for (size_t i = 0; i < SEATS; i++)
		if (g->seats[i].fd >= 0 && g->seats[i].kept)
			seat_close(g, &g->seats[i]);
	pthread_mutex_unlock(&g->lock);
	n = write(g->stop_event, &one, sizeof(one));
	(void)n;
}

bool
gate_failed(struct gate *g)
{
	bool failed;

	pthread_mutex_lock(&g->lock);
	failed = g->failed;
	pthread_mutex_unlock(&g->lock);
	return failed;
}
