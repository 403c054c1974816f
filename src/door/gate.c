#include "door/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/*
 * Connections at most, more than there can be workers (server.threads); and no
 * more than half of the descriptors, so that store, log and AWS have some.
 */
#define CONNECTIONS 2048

/* A body has so many time-outs, from its first byte to its last; and a reply
 * that is not taken at once. */
#define BODY_TIMEOUTS 2
#define REPLY_TIMEOUTS 2

/* Longer than nginx (60 s) keeps an idle connection, so that it is always the
 * server that closes one, and no request meets a closed one. */
#define KEEP_US ((int64_t)75 * 1000000)

/* When stopping: how long for those that had been let in. */
#define DRAIN_US ((int64_t)1000000)

/* Without descriptors or seats: until the next attempt. */
#define PAUSE_NS 20000000L

/* What an event is about: a seat by its index and generation, or one of
 * these. */
#define ABOUT_LISTENER UINT64_MAX
#define ABOUT_STOP (UINT64_MAX - 1)

enum seat_state {
	SEAT_FREE,
	SEAT_WAITING, /* in the set, a request being expected */
	SEAT_IDLE, /* in the set, between two requests */
	SEAT_READING, /* one thread takes what has come */
	SEAT_SERVING, /* a request is being answered */
	SEAT_REPLYING, /* in the set, to take more of its reply */
};

struct seat {
	struct conn conn; /* first: the one is found by the other */
	enum seat_state state;
	uint32_t generation; /* an event for an earlier one means nothing */
	bool known; /* to the set */
	bool kept; /* has had a request */
	bool late; /* its reply was not taken at once */
	int64_t since_us, until_us;
	struct seat *next; /* free one */
};

struct gate {
	int epoll, stop_event;
	struct listener *listener;
	int64_t timeout_us;
	atomic_size_t body_max;
	atomic_bool over; /* nobody waits any more */

	/* Held by the worker that sleeps in the set: were all to sleep there,
	 * each event would wake one, also when another is about to come. */
	pthread_mutex_t turn;

	pthread_mutex_t lock; /* guards the rest */
	struct seat *seats, *free;
	size_t made, max; /* seats that were ever in use, and that can be */
	size_t unserved; /* waiting or being read */
	size_t served; /* not to their end */
	bool listening; /* the listener is in the set */
	int64_t stop_us; /* since when it is stopping; 0: it is not */
	bool failed;
};

/* How many connections there may be. */
static size_t
connections_max(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		return CONNECTIONS / 2;
	if (l.rlim_cur < 2 * CONNECTIONS && l.rlim_cur < l.rlim_max) {
		l.rlim_cur =
		    l.rlim_max < 2 * CONNECTIONS ? l.rlim_max : 2 * CONNECTIONS;
		setrlimit(RLIMIT_NOFILE, &l);
		getrlimit(RLIMIT_NOFILE, &l);
	}
	return l.rlim_cur / 2 < CONNECTIONS ? l.rlim_cur / 2 + 1 : CONNECTIONS;
}

static bool
set_add(struct gate *g, int fd, uint32_t events, uint64_t about)
{
	struct epoll_event ev = { .events = events, .data.u64 = about };

	return epoll_ctl(g->epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

enum status
gate_open(struct gate **out, struct listener *l, int timeout_s, size_t body_max)
{
	int flags = fcntl(l->fd, F_GETFL);
	enum status st;
	struct gate *g;

	*out = NULL;
	if ((g = calloc(1, sizeof(*g))) == NULL)
		return ST_NOMEM;
	pthread_mutex_init(&g->lock, NULL);
	pthread_mutex_init(&g->turn, NULL);
	g->listener = l;
	g->timeout_us = (int64_t)timeout_s * 1000000;
	g->body_max = body_max;
	g->max = connections_max();
	g->seats = calloc(g->max, sizeof(*g->seats));
	g->epoll = epoll_create1(EPOLL_CLOEXEC);
	g->stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* Several processes may share the listener: each connection wakes one,
	 * and who comes too late must not be stuck in accept. */
	if (g->seats == NULL || g->epoll < 0 || g->stop_event < 0 ||
	    flags < 0 || fcntl(l->fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    !set_add(g, l->fd, EPOLLIN | EPOLLEXCLUSIVE, ABOUT_LISTENER) ||
	    !set_add(g, g->stop_event, EPOLLIN, ABOUT_STOP)) {
		st = g->seats == NULL ? ST_NOMEM : ST_IO;
		gate_close(g);
		return st;
	}
	g->listening = true;
	*out = g;
	return ST_OK;
}

void
gate_limit_body(struct gate *g, size_t body_max)
{
	atomic_store(&g->body_max, body_max);
}

void
gate_close(struct gate *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->made; i++)
		if (g->seats[i].state != SEAT_FREE)
			conn_close(&g->seats[i].conn);
	if (g->epoll >= 0)
		close(g->epoll);
	if (g->stop_event >= 0)
		close(g->stop_event);
	pthread_mutex_destroy(&g->turn);
	pthread_mutex_destroy(&g->lock);
	free(g->seats);
	free(g);
}

/* ---- seats; all of it with lock held ---- */

static bool
is_unserved(enum seat_state state)
{
	return state == SEAT_WAITING || state == SEAT_READING;
}

static bool
is_served(enum seat_state state)
{
	return state == SEAT_SERVING || state == SEAT_REPLYING;
}

static void
seat_set(struct gate *g, struct seat *s, enum seat_state state)
{
	g->unserved += is_unserved(state);
	g->unserved -= is_unserved(s->state);
	g->served += is_served(state);
	g->served -= is_served(s->state);
	s->state = state;
}

static void
seat_free(struct gate *g, struct seat *s)
{
	seat_set(g, s, SEAT_FREE);
	s->generation++;
	s->next = g->free;
	g->free = s;
}

static void
seat_close(struct gate *g, struct seat *s)
{
	conn_close(&s->conn);
	seat_free(g, s);
}

/* Into the set, for one event. It comes at once if there are bytes; for those
 * that were read already it is that the socket can be written. */
static bool
seat_watch(struct gate *g, struct seat *s, enum seat_state state)
{
	struct epoll_event ev = {
		.events = EPOLLONESHOT,
		.data.u64 =
		    (uint64_t)s->generation << 32 | (uint64_t)(s - g->seats),
	};

	if (state != SEAT_REPLYING)
		ev.events |= EPOLLIN | EPOLLRDHUP;
	if (state == SEAT_REPLYING || s->conn.ahead.len > 0)
		ev.events |= EPOLLOUT;
	seat_set(g, s, state);
	if (epoll_ctl(g->epoll, s->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		s->conn.fd, &ev) != 0)
		return false;
	return s->known = true;
}

static void
seat_wait(struct gate *g, struct seat *s, enum seat_state state)
{
	if (!seat_watch(g, s, state))
		seat_close(g, s);
}

/* Who is to leave before whom: an idle one before one that has begun, and the
 * longest there before a newcomer. */
static bool
leaves_before(const struct seat *a, const struct seat *b)
{
	if (a->state != b->state)
		return a->state == SEAT_IDLE;
	return a->since_us < b->since_us;
}

/* Close one that nothing is known to come from; false: there is none. */
static bool
seat_evict(struct gate *g)
{
	struct seat *first;

	for (size_t tries = 0; tries <= g->made; tries++) {
		first = NULL;
		for (size_t i = 0; i < g->made; i++) {
			struct seat *s = &g->seats[i];

			if ((s->state == SEAT_IDLE ||
				s->state == SEAT_WAITING) &&
			    (first == NULL || leaves_before(s, first)))
				first = s;
		}
		if (first == NULL)
			return false;
		if (first->state == SEAT_WAITING ||
		    !conn_has_input(&first->conn)) {
			seat_close(g, first);
			return true;
		}
		/* Its next request is there: not idle at all. */
		first->since_us = clock_mono_us();
		seat_set(g, first, SEAT_WAITING);
	}
	return false;
}

/* A free one, if need be somebody else's; NULL: all are being served. */
static struct seat *
seat_find(struct gate *g)
{
	struct seat *s;

	if (g->free == NULL && g->made < g->max)
		return &g->seats[g->made++];
	if (g->free == NULL && !seat_evict(g))
		return NULL;
	s = g->free;
	g->free = s->next;
	return s;
}

static void
seat_take(struct gate *g, struct seat *s, int fd)
{
	conn_init(&s->conn, fd, (unsigned)g->max, g->body_max);
	s->known = s->kept = false;
	s->since_us = clock_mono_us();
	s->until_us = s->since_us + g->timeout_us;
	seat_set(g, s, SEAT_READING);
}

/* ---- the listener; with lock held ---- */

static void
stop_listening(struct gate *g)
{
	struct epoll_event none = { .events = 0 };

	if (g->listening)
		epoll_ctl(g->epoll, EPOLL_CTL_DEL, g->listener->fd, &none);
	g->listening = false;
}

/* Is it worth another try at once? */
static bool
accept_failed(struct gate *g, int error)
{
	switch (error) {
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
		/* One connection less is a descriptor more. */
		return seat_evict(g);
	case EAGAIN:
		if (g->stop_us != 0)
			stop_listening(g);
		return false;
	case EINVAL:
		/* Retired, and the queue is empty; or no listener. */
	case EBADF:
	case ENOTSOCK:
		stop_listening(g);
		g->failed = g->stop_us == 0;
		return false;
	}
	/* The connection's own misfortune (accept(2)). */
	return true;
}

/* The next of those who wait to be let in; NULL: nobody, or no room now. */
static struct seat *
accept_one(struct gate *g)
{
	struct seat *s;
	int fd;

	do {
		if ((s = seat_find(g)) == NULL) {
			errno = EMFILE;
			return NULL;
		}
		fd = accept4(
		    g->listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			seat_take(g, s, fd);
			return s;
		}
		seat_free(g, s);
	} while (accept_failed(g, errno));
	return NULL;
}

/* ---- workers ---- */

/* Somebody wants to be let in. If there is no room some time may help. */
static struct seat *
newcomer(struct gate *g)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct seat *s;

	pthread_mutex_lock(&g->lock);
	s = accept_one(g);
	pthread_mutex_unlock(&g->lock);
	if (s == NULL && errno != EAGAIN)
		nanosleep(&pause, NULL);
	return s;
}

/* The seat of an event, the caller's now; NULL: that connection is gone. */
static struct seat *
seat_of_event(struct gate *g, uint64_t about)
{
	struct seat *s = &g->seats[(uint32_t)about];

	pthread_mutex_lock(&g->lock);
	if (s->generation == about >> 32 && s->state == SEAT_REPLYING) {
		seat_set(g, s, SEAT_SERVING);
	} else if (s->generation == about >> 32 &&
	    (s->state == SEAT_WAITING || s->state == SEAT_IDLE)) {
		seat_set(g, s, SEAT_READING);
		if (records_untouched(&s->conn.in))
			s->conn.in.body_max = g->body_max;
	} else {
		s = NULL;
	}
	pthread_mutex_unlock(&g->lock);
	return s;
}

/* Some of a request came: how long for the rest? */
static void
seat_went_on(struct gate *g, struct seat *s, enum records_state before)
{
	int64_t now = clock_mono_us();

	if (s->kept) {
		s->kept = false;
		s->since_us = now;
		s->until_us = now + g->timeout_us;
	}
	if (s->conn.in.state == RECORDS_BODY && before != RECORDS_BODY)
		s->until_us = now + BODY_TIMEOUTS * g->timeout_us;
	seat_wait(g, s, SEAT_WAITING);
}

/* Take what has come; true: a whole request. */
static bool
seat_read(struct gate *g, struct seat *s)
{
	enum records_state before = s->conn.in.state;
	enum records_state now = conn_read(&s->conn);

	pthread_mutex_lock(&g->lock);
	if (now == RECORDS_WHOLE)
		seat_set(g, s, SEAT_SERVING);
	else if (now == RECORDS_OVER)
		seat_close(g, s);
	else if (records_untouched(&s->conn.in))
		seat_wait(g, s, s->kept ? SEAT_IDLE : SEAT_WAITING);
	else
		seat_went_on(g, s, before);
	pthread_mutex_unlock(&g->lock);
	return now == RECORDS_WHOLE;
}

struct conn *
gate_next(struct gate *g)
{
	struct epoll_event ev;
	struct seat *s = NULL;

	pthread_mutex_lock(&g->turn);
	while (!atomic_load(&g->over)) {
		s = NULL;
		if (epoll_wait(g->epoll, &ev, 1, -1) < 1)
			continue;
		if (ev.data.u64 == ABOUT_LISTENER)
			s = newcomer(g);
		else if (ev.data.u64 != ABOUT_STOP)
			s = seat_of_event(g, ev.data.u64);
		if (s != NULL && (s->conn.answer != NULL || seat_read(g, s)))
			break;
		s = NULL;
	}
	pthread_mutex_unlock(&g->turn);
	return s == NULL ? NULL : &s->conn;
}

void
gate_done(struct gate *g, struct conn *c, bool keep)
{
	struct seat *s = (struct seat *)c;

	if (!keep)
		conn_close(c);
	pthread_mutex_lock(&g->lock);
	s->kept = keep;
	s->late = false;
	s->since_us = clock_mono_us();
	s->until_us = s->since_us + KEEP_US;
	if (!keep)
		seat_free(g, s);
	else if (g->stop_us != 0)
		seat_close(g, s);
	else
		seat_wait(g, s, SEAT_IDLE);
	pthread_mutex_unlock(&g->lock);
}

bool
gate_later(struct gate *g, struct conn *c)
{
	struct seat *s = (struct seat *)c;
	bool watched;

	pthread_mutex_lock(&g->lock);
	if (!s->late)
		s->until_us = clock_mono_us() + REPLY_TIMEOUTS * g->timeout_us;
	s->late = true;
	watched = seat_watch(g, s, SEAT_REPLYING);
	if (!watched)
		seat_set(g, s, SEAT_SERVING);
	pthread_mutex_unlock(&g->lock);
	return watched;
}

/* ---- the thread that waits for signals ---- */

void
gate_tick(struct gate *g)
{
	int64_t now = clock_mono_us();

	pthread_mutex_lock(&g->lock);
	for (size_t i = 0; i < g->made; i++) {
		struct seat *s = &g->seats[i];

		if ((s->state != SEAT_WAITING && s->state != SEAT_IDLE &&
			s->state != SEAT_REPLYING) ||
		    now < s->until_us)
			continue;
		/* Whoever reads it finds its end, and answers if it is due;
		 * whoever writes to it gives up. */
		shutdown(s->conn.fd,
		    s->state == SEAT_REPLYING ? SHUT_RDWR : SHUT_RD);
		s->until_us = INT64_MAX;
	}
	pthread_mutex_unlock(&g->lock);
}

void
gate_stop(struct gate *g)
{
	struct seat *s;

	listener_retire(g->listener);
	pthread_mutex_lock(&g->lock);
	g->stop_us = clock_mono_us();
	for (size_t i = 0; i < g->made; i++) {
		s = &g->seats[i];
		if (s->state == SEAT_IDLE && !conn_has_input(&s->conn))
			seat_close(g, s);
		else if (s->state == SEAT_IDLE)
			seat_set(g, s, SEAT_WAITING);
	}
	/* Who had come before the signal is let in, up to the first moment at
	 * which nobody has. */
	while ((s = accept_one(g)) != NULL)
		seat_wait(g, s, SEAT_WAITING);
	pthread_mutex_unlock(&g->lock);
}

void
gate_drain(struct gate *g)
{
	const uint64_t one = 1;
	bool over;
	ssize_t n;

	pthread_mutex_lock(&g->lock);
	/* Workers may have to write what others leave to them. */
	over = g->served == 0 &&
	    ((!g->listening && g->unserved == 0) ||
		clock_mono_us() > g->stop_us + DRAIN_US);
	pthread_mutex_unlock(&g->lock);
	if (!over || atomic_exchange(&g->over, true))
		return;
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
