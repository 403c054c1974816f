/*
 * Spans of distributed tracing: which trace a request belongs to (W3C Trace
 * Context's traceparent, AWS's X-Amzn-Trace-Id), and one span as OpenTelemetry
 * and as AWS X-Ray take it.
 */
#ifndef CODEC_TRACE_H
#define CODEC_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

#define TRACE_ID_SIZE 16
#define TRACE_SPAN_SIZE 8

/* What a request's headers say of its trace. */
struct trace_context {
	unsigned char trace[TRACE_ID_SIZE];
	unsigned char parent[TRACE_SPAN_SIZE]; /* the caller's span */
	bool has_parent;
	bool sampled; /* also when the caller left it to us */
};

/*
 * ST_OK or ST_MALFORMED. A traceparent of a later version is read by the rules
 * of this one, as W3C asks; X-Amzn-Trace-Id must have Root, the rest may be
 * absent.
 */
enum status trace_parse_traceparent(const char *, struct trace_context *);
enum status trace_parse_amzn(const char *, struct trace_context *);

/* One request, from its first byte here to its reply. */
struct trace_span {
	struct trace_context context;
	unsigned char id[TRACE_SPAN_SIZE];
	int64_t start_us, end_us; /* since 1970-01-01 UTC */
	const char *method; /* static; the same for all pointers here */
	const char *route; /* its pattern; NULL: none was found */
	const char *outcome; /* or NULL */
	int status; /* HTTP status code */
	char message_sid[64], call_sid[64]; /* "": none */
	char conversation_id[128]; /* "": none, or longer */
};

/*
 * A span in the trace of the headers ("": absent; traceparent comes first), or
 * in a new one, with an id of its own. ST_OK, or ST_IO without random bytes.
 */
enum status trace_begin(struct trace_span *, const char *traceparent,
    const char *amzn, int64_t now_us);

/* The headers by which others make theirs the children of this span. */
#define TRACE_TRACEPARENT_MAX 56
#define TRACE_AMZN_MAX 80
void trace_traceparent(
    const struct trace_span *, char out[static TRACE_TRACEPARENT_MAX]);
void trace_amzn(const struct trace_span *, char out[static TRACE_AMZN_MAX]);

/*
 * The body of one OTLP/HTTP request (JSON): begin, each span, end. The body is
 * empty before.
 */
void trace_otlp_begin(struct buf *);
void trace_otlp_span(struct buf *, const struct trace_span *);
void trace_otlp_end(struct buf *);

#endif
