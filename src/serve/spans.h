/*
 * Spans: one for each request, sent to a collector (OTLP/HTTP, JSON). A request
 * only leaves its span in a ring; a thread sends. What finds the ring full, or
 * nobody listening, is dropped and counted, and the log has the count, at most
 * once a minute and at the end. Without that thread (plain CGI) there are none.
 */
#ifndef SERVE_SPANS_H
#define SERVE_SPANS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "codec/trace.h"

struct config;
struct log;
struct metrics;
struct request;
struct spans;

/*
 * *out is NULL if there is nothing to send to. What can fail later is no
 * reason not to start: ST_OK, ST_NOMEM, or ST_IO (no thread). Config, log
 * and metrics (NULL: none) must outlive it.
 */
enum status spans_open(struct spans **out, const struct config *, struct log *,
    struct metrics *, bool threaded);

/* What is left is sent, if that takes no longer than about a second. NULL is
 * taken. */
void spans_close(struct spans *);

/* The span of one request, and the headers that it had and passes on. */
struct spans_request {
	bool on;
	struct trace_span span;
	char traceparent[TRACE_TRACEPARENT_MAX], amzn[TRACE_AMZN_MAX];
	const char *had_traceparent, *had_amzn;
};

/*
 * Before the handler: what it calls becomes a child of this span, by the
 * request's trace headers, which point into struct spans_request until the
 * end. Spans may be NULL; headers that are not to be sampled stay.
 */
void spans_begin(struct spans *, struct spans_request *, struct request *);

/* After it, with the reply made and the span filled, if it is on: leave it to
 * be sent. Never waits. */
void spans_end(struct spans *, struct spans_request *, struct request *);

#endif
