/*
 * FastCGI's records (FastCGI Specification 1.0, section 3), read as they come
 * and written. No sockets here: what came goes in, a request comes out.
 *
 * libfcgi gives us the numbers of the protocol (its <fastcgi.h>) and nothing
 * else. Its reader asserts when memory fails, which ends the process with
 * every request in it, and has half of the mending of CVE-2025-23016; it
 * holds a thread for each connection, writes 8 kB at a time, and waits with
 * select when it closes, which no descriptor over 1023 survives.
 */
#ifndef DOOR_RECORDS_H
#define DOOR_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

/* The most that the parameters of a request may take, in all. */
#define RECORDS_PARAMS_MAX ((size_t)64 << 10)

/* The header of a record. */
#define RECORDS_HEAD 8

/* The most that one record holds, and a multiple of eight. */
#define RECORDS_CONTENT_MAX ((size_t)65528)

/* The longest of what is answered without a request. */
#define RECORDS_REPLY_MAX 80

enum records_state {
	RECORDS_IDLE, /* nothing of a request has come */
	RECORDS_PARAMS, /* one has begun; its parameters are not all there */
	RECORDS_BODY, /* they are; its body is not */
	RECORDS_WHOLE, /* a request is there; records_reset goes on */
	RECORDS_OVER, /* not FastCGI, or its last word: close it */
};

struct records {
	enum records_state state;
	/*
	 * Of the request: ST_OK; ST_TOOBIG: its body is over the bound, and
	 * was dropped; ST_MALFORMED: its body broke off; ST_NOMEM: nothing of
	 * it was kept, not even its parameters.
	 */
	enum status status;
	unsigned id; /* 0: none */
	bool keep; /* the connection is wanted again */

	/* Fixed answers (multiplexing, roles, management): send them, and set
	 * reply_len to 0, before more is taken. */
	uint8_t reply[RECORDS_REPLY_MAX];
	size_t reply_len;

	/* The rest is its own. */
	unsigned connections; /* for those who ask */
	size_t body_max;
	uint8_t head[RECORDS_HEAD];
	size_t head_len;
	size_t left, padding; /* of the record that is coming */
	enum { SKIP, SMALL, PARAMS, BODY } sink; /* where its content goes */
	uint8_t small[128];
	size_t small_len;
	struct buf data; /* "NAME=VALUE" NUL …, body, then pointers */
	size_t params; /* how many */
	size_t body_at; /* where the body begins */
	size_t body_len;
	size_t came; /* of the body, kept or not */
	size_t envp_at;
};

/*
 * connections is what FCGI_GET_VALUES is told; a body over body_max is read
 * and dropped, so that the server in front comes to read the reply.
 */
void records_init(struct records *, unsigned connections, size_t body_max);
void records_release(struct records *);

/* Forget the request; the next may come. Its memory is given back. */
void records_reset(struct records *);

/* Nothing at all has come since the last request. */
bool records_untouched(const struct records *);

/*
 * Take bytes, up to all of them: it stops at a whole request, and when there
 * is a reply to send. How many were taken.
 */
size_t records_take(struct records *, const void *, size_t n);

/* No more will come: a request without all of its body is whole as it is,
 * with ST_MALFORMED, and the connection's last. */
void records_end(struct records *);

/* Of a whole request with another status than ST_NOMEM, valid until reset. */
char *const *records_envp(const struct records *);
const char *records_body(const struct records *, size_t *len);

/* The header of a record with so many bytes of the reply, and what stands
 * behind all of them. */
#define RECORDS_TAIL (2 * RECORDS_HEAD + 8)
void records_head(const struct records *, size_t n, uint8_t[RECORDS_HEAD]);
void records_tail(const struct records *, uint8_t[RECORDS_TAIL]);

#endif
