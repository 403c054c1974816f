#include "serve/spans.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cond.h"
#include "base/kv.h"
#include "config/config.h"
#include "http/client.h"
#include "http/request.h"
#include "serve/metrics.h"

#define RING 1024
#define BATCH 256 /* one request to the collector */
#define WAIT_US INT64_C(1000000) /* for a batch to fill */
#define SEND_MS 1000 /* the collector's answer; it holds up the end */
#define CLOSE_US INT64_C(1000000)
#define REPORT_US INT64_C(60000000)

/* Spans that did not arrive, since the last report. */
struct lost {
	uint64_t full, otlp;
};

struct spans {
	const struct config *config;
	struct log *log;
	struct metrics *metrics;
	bool threaded;
	pthread_t thread;

	pthread_mutex_t mutex;
	pthread_cond_t wake;
	bool stop;
	uint64_t full; /* dropped by requests */
	size_t first, n; /* of the ring, in use */
	struct trace_span *ring; /* those in use are the thread's */

	/* The thread's own. */
	struct http_library *library;
	struct http_client *client;
	bool otlp_failed; /* the last time */
	struct lost lost;
	char why[128]; /* of the last failure */
	int64_t reported_us; /* monotonic; 0: never */
	int64_t stop_us; /* monotonic: when to give up; 0: not stopping */
};

/* --- the collector -------------------------------------------------------- */

static enum status
otlp_open(struct spans *s)
{
	struct http_library_options none = { 0 };
	struct buf why = BUF_INIT;
	enum status st = ST_OK;

	if (s->library == NULL)
		st = http_library_open(&s->library, &none);
	if (st == ST_OK && s->client == NULL)
		st = http_client_open(&s->client, s->library, &why);
	if (st != ST_OK)
		snprintf(s->why, sizeof(s->why), "%s",
		    why.len > 0 ? why.data : status_text(st));
	buf_release(&why);
	return st;
}

static enum status
otlp_post(struct spans *s, const struct buf *body)
{
	struct kv_pair type = { "Content-Type", "application/json",
		sizeof("Content-Type") - 1, sizeof("application/json") - 1 };
	struct kv headers = { .pairs = &type, .n = 1 };
	struct http_call call = { .method = "POST",
		.url = s->config->trace.otlp_url,
		.headers = &headers,
		.body = body->data,
		.body_len = body->len,
		.connect_ms = SEND_MS,
		.total_ms = SEND_MS };
	struct http_reply reply = { 0 };
	enum status st;

	if (body->err != ST_OK)
		return body->err;
	st = http_client_send(s->client, &call, &reply);
	if (st != ST_OK) {
		snprintf(
		    s->why, sizeof(s->why), "%s", http_client_error(s->client));
	} else if (reply.code < 200 || reply.code > 299) {
		snprintf(s->why, sizeof(s->why), "the collector answered %d",
		    reply.code);
		st = ST_DENIED;
	}
	http_reply_release(&reply);
	return st;
}

static void
otlp_batch(struct spans *s, size_t n)
{
	struct buf body = BUF_INIT;
	enum status st = ST_TIMEOUT;
	size_t i;

	/* At the end a collector that failed is not tried again. */
	if (s->stop_us == 0 ||
	    (!s->otlp_failed && clock_mono_us() < s->stop_us))
		st = otlp_open(s);
	else if (*s->why == '\0')
		snprintf(s->why, sizeof(s->why),
		    "the collector was not tried again at the end");
	if (st == ST_OK) {
		trace_otlp_begin(&body);
		for (i = 0; i < n; i++)
			trace_otlp_span(&body, &s->ring[(s->first + i) % RING]);
		trace_otlp_end(&body);
		st = otlp_post(s, &body);
	}
	if (st != ST_OK) {
		s->lost.otlp += n;
		metrics_spans_dropped(s->metrics, SPANS_OTLP, n);
	}
	s->otlp_failed = st != ST_OK;
	buf_release(&body);
}

/* --- the thread ----------------------------------------------------------- */

static void
report(struct spans *s)
{
	int64_t now = clock_mono_us();
	const struct lost *l = &s->lost;

	if (l->full + l->otlp == 0)
		return;
	if (s->stop_us == 0 && s->reported_us != 0 &&
	    now - s->reported_us < REPORT_US)
		return;
	log_warn(s->log, "spans were dropped", LOG_INT("otlp", l->otlp),
	    LOG_INT("ring_full", l->full),
	    LOG_STR("reason", *s->why == '\0' ? NULL : s->why));
	s->lost = (struct lost){ 0 };
	*s->why = '\0';
	s->reported_us = now;
}

/* Wait for spans, then a little for more. False: stopped, and all sent. */
static bool
take(struct spans *s, size_t *n)
{
	int64_t until_us;

	pthread_mutex_lock(&s->mutex);
	while (s->n == 0 && !s->stop)
		pthread_cond_wait(&s->wake, &s->mutex);
	until_us = clock_mono_us() + WAIT_US;
	while (s->n < BATCH && !s->stop &&
	    cond_wait(&s->wake, &s->mutex, until_us))
		;
	*n = s->n < BATCH ? s->n : BATCH;
	s->lost.full += s->full;
	s->full = 0;
	if (s->stop && s->stop_us == 0)
		s->stop_us = clock_mono_us() + CLOSE_US;
	pthread_mutex_unlock(&s->mutex);
	return *n > 0;
}

static void
give_back(struct spans *s, size_t n)
{
	pthread_mutex_lock(&s->mutex);
	s->first = (s->first + n) % RING;
	s->n -= n;
	pthread_mutex_unlock(&s->mutex);
}

static void *
run(void *arg)
{
	struct spans *s = arg;
	size_t n;

	while (take(s, &n)) {
		otlp_batch(s, n);
		give_back(s, n);
		report(s);
	}
	report(s);
	return NULL;
}

static enum status
start(struct spans *s)
{
	if ((s->ring = calloc(RING, sizeof(*s->ring))) == NULL ||
	    cond_init(&s->mutex, &s->wake) != ST_OK)
		return ST_NOMEM;
	s->threaded = pthread_create(&s->thread, NULL, run, s) == 0;
	if (!s->threaded)
		cond_release(&s->mutex, &s->wake);
	return s->threaded ? ST_OK : ST_IO;
}

enum status
spans_open(struct spans **out, const struct config *c, struct log *log,
    struct metrics *metrics, bool threaded)
{
	struct spans *s;
	enum status st = ST_OK;

	*out = NULL;
	if (*c->trace.otlp_url == '\0' || !threaded)
		return ST_OK;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return ST_NOMEM;
	s->config = c;
	s->log = log;
	s->metrics = metrics;
	if ((st = start(s)) == ST_OK)
		*out = s;
	else
		spans_close(s);
	return st;
}

void
spans_close(struct spans *s)
{
	if (s == NULL)
		return;
	if (s->threaded) {
		pthread_mutex_lock(&s->mutex);
		s->stop = true;
		pthread_cond_signal(&s->wake);
		pthread_mutex_unlock(&s->mutex);
		pthread_join(s->thread, NULL);
		cond_release(&s->mutex, &s->wake);
	}
	http_client_close(s->client);
	http_library_close(s->library);
	free(s->ring);
	free(s);
}

/* --- a request ------------------------------------------------------------ */

void
spans_begin(struct spans *s, struct spans_request *r, struct request *request)
{
	r->on = false;
	if (s == NULL ||
	    trace_begin(&r->span, request->traceparent, request->amzn_trace_id,
		clock_us()) != ST_OK ||
	    !r->span.context.sampled)
		return;
	r->on = true;
	r->had_traceparent = request->traceparent;
	r->had_amzn = request->amzn_trace_id;
	trace_traceparent(&r->span, r->traceparent);
	trace_amzn(&r->span, r->amzn);
	request->traceparent = r->traceparent;
	request->amzn_trace_id = r->amzn;
}

static void
add(struct spans *s, const struct trace_span *span)
{
	pthread_mutex_lock(&s->mutex);
	if (s->n == RING) {
		s->full++;
		metrics_spans_dropped(s->metrics, SPANS_RING_FULL, 1);
	} else {
		s->ring[(s->first + s->n++) % RING] = *span;
		if (s->n == 1 || s->n == BATCH)
			pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->mutex);
}

void
spans_end(struct spans *s, struct spans_request *r, struct request *request)
{
	if (!r->on)
		return;
	request->traceparent = r->had_traceparent;
	request->amzn_trace_id = r->had_amzn;
	add(s, &r->span);
}
