#include "codec/trace.h"

#include <inttypes.h>
#include <string.h>

#include "codec/crypt.h"
#include "codec/json.h"
#include "config.h"

#define HEX "0123456789abcdef"

/* SPAN_KIND_SERVER and STATUS_CODE_ERROR of OpenTelemetry's trace.proto. */
#define KIND_SERVER 2
#define STATUS_ERROR 2

/* --- headers -------------------------------------------------------------- */

/* n bytes from 2n digits, which are lower-case in both headers. */
static bool
get_hex(const char *s, unsigned char *out, size_t n)
{
	size_t i;

	if (strspn(s, HEX) < 2 * n)
		return false;
	for (i = 0; i < n; i++)
		out[i] = (unsigned char)((strchr(HEX, s[2 * i]) - HEX) << 4 |
		    (strchr(HEX, s[2 * i + 1]) - HEX));
	return true;
}

static bool
is_zero(const unsigned char *bytes, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

enum status
trace_parse_traceparent(const char *s, struct trace_context *c)
{
	enum { FLAGS = 53, END = 55 }; /* 00-TRACE-PARENT-FLAGS */
	unsigned char version, flags;

	if (strlen(s) < END || s[2] != '-' || s[35] != '-' || s[52] != '-' ||
	    !get_hex(s, &version, 1) || version == 0xff ||
	    !get_hex(s + 3, c->trace, TRACE_ID_SIZE) ||
	    !get_hex(s + 36, c->parent, TRACE_SPAN_SIZE) ||
	    !get_hex(s + FLAGS, &flags, 1))
		return ST_MALFORMED;
	if (s[END] != '\0' && (version == 0 || s[END] != '-'))
		return ST_MALFORMED;
	if (is_zero(c->trace, TRACE_ID_SIZE) ||
	    is_zero(c->parent, TRACE_SPAN_SIZE))
		return ST_MALFORMED;
	c->has_parent = true;
	c->sampled = (flags & 1) != 0;
	return ST_OK;
}

/* "1-58406520-a006649127e371903a2de979": its 32 digits are the trace. */
static bool
get_root(const char *s, size_t len, unsigned char trace[TRACE_ID_SIZE])
{
	return len == 35 && strncmp(s, "1-", 2) == 0 && s[10] == '-' &&
	    get_hex(s + 2, trace, 4) && get_hex(s + 11, trace + 4, 12) &&
	    !is_zero(trace, TRACE_ID_SIZE);
}

enum status
trace_parse_amzn(const char *s, struct trace_context *c)
{
	bool root = false;
	size_t n;

	c->has_parent = false;
	c->sampled = true;
	for (; *s != '\0'; s += n + (s[n] == ';')) {
		s += strspn(s, " ");
		n = strcspn(s, ";");
		if (strncmp(s, "Root=", 5) == 0)
			root = get_root(s + 5, n - 5, c->trace);
		else if (strncmp(s, "Parent=", 7) == 0 && n == 7 + 16)
			c->has_parent =
			    get_hex(s + 7, c->parent, TRACE_SPAN_SIZE) &&
			    !is_zero(c->parent, TRACE_SPAN_SIZE);
		else if (strncmp(s, "Sampled=0", n) == 0 && n == 9)
			c->sampled = false;
	}
	return root ? ST_OK : ST_MALFORMED;
}

/* X-Ray wants the time in the first four bytes; others do not mind. */
static enum status
new_trace(struct trace_context *c, int64_t now_us)
{
	int64_t s = now_us / 1000000;
	int i;

	c->has_parent = false;
	c->sampled = true;
	for (i = 0; i < 4; i++)
		c->trace[i] = (unsigned char)(s >> (24 - 8 * i));
	return crypt_random(c->trace + 4, TRACE_ID_SIZE - 4);
}

enum status
trace_begin(struct trace_span *span, const char *traceparent, const char *amzn,
    int64_t now_us)
{
	struct trace_context *c = &span->context;
	enum status st = trace_parse_traceparent(traceparent, c);

	if (st != ST_OK)
		st = trace_parse_amzn(amzn, c);
	if (st != ST_OK)
		st = new_trace(c, now_us);
	if (st == ST_OK)
		st = crypt_random(span->id, sizeof(span->id));
	span->start_us = now_us;
	return st;
}

static char *
put_hex(char *out, const unsigned char *bytes, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		*out++ = HEX[bytes[i] >> 4];
		*out++ = HEX[bytes[i] & 15];
	}
	*out = '\0';
	return out;
}

static char *
put_text(char *out, const char *s)
{
	size_t n = strlen(s);

	memcpy(out, s, n + 1);
	return out + n;
}

void
trace_traceparent(
    const struct trace_span *s, char out[static TRACE_TRACEPARENT_MAX])
{
	out = put_text(out, "00-");
	out = put_hex(out, s->context.trace, TRACE_ID_SIZE);
	out = put_text(out, "-");
	out = put_hex(out, s->id, TRACE_SPAN_SIZE);
	put_text(out, s->context.sampled ? "-01" : "-00");
}

static char *
put_root(char *out, const struct trace_span *s)
{
	out = put_text(out, "1-");
	out = put_hex(out, s->context.trace, 4);
	out = put_text(out, "-");
	return put_hex(out, s->context.trace + 4, TRACE_ID_SIZE - 4);
}

void
trace_amzn(const struct trace_span *s, char out[static TRACE_AMZN_MAX])
{
	out = put_text(out, "Root=");
	out = put_root(out, s);
	out = put_text(out, ";Parent=");
	out = put_hex(out, s->id, TRACE_SPAN_SIZE);
	put_text(out, s->context.sampled ? ";Sampled=1" : ";Sampled=0");
}

/* --- JSON ----------------------------------------------------------------- */

/* "key":"digits", */
static void
put_id(struct buf *b, const char *key, const unsigned char *bytes, size_t n)
{
	char digits[2 * TRACE_ID_SIZE + 1];

	put_hex(digits, bytes, n);
	buf_printf(b, "\"%s\":\"%s\",", key, digits);
}

/* Between the elements of an array or object, which has just been opened. */
static void
put_comma(struct buf *b)
{
	if (b->len > 0 && strchr("[{", b->data[b->len - 1]) == NULL)
		buf_putc(b, ',');
}

/* --- OpenTelemetry -------------------------------------------------------- */

/* One member of an attributes array; nothing if there is no value. */
static void
put_attribute(struct buf *b, const char *key, const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	put_comma(b);
	buf_printf(b, "{\"key\":\"%s\",\"value\":{\"stringValue\":", key);
	json_put_text(b, value);
	buf_puts(b, "}}");
}

void
trace_otlp_begin(struct buf *b)
{
	buf_puts(b, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
	put_attribute(b, "service.name", PACKAGE_NAME);
	put_attribute(b, "service.version", PACKAGE_VERSION);
	buf_puts(b, "]},\"scopeSpans\":[{\"scope\":{\"name\":");
	json_put_text(b, PACKAGE_NAME);
	buf_puts(b, "},\"spans\":[");
}

void
trace_otlp_span(struct buf *b, const struct trace_span *s)
{
	put_comma(b);
	buf_putc(b, '{');
	put_id(b, "traceId", s->context.trace, TRACE_ID_SIZE);
	put_id(b, "spanId", s->id, TRACE_SPAN_SIZE);
	if (s->context.has_parent)
		put_id(b, "parentSpanId", s->context.parent, TRACE_SPAN_SIZE);
	/* OpenTelemetry's naming of HTTP server spans. */
	buf_printf(b, "\"name\":\"%s%s%s\",\"kind\":%d,", s->method,
	    s->route == NULL ? "" : " ", s->route == NULL ? "" : s->route,
	    KIND_SERVER);
	/* JSON has 64-bit integers as strings (protobuf's mapping). */
	buf_printf(b,
	    "\"startTimeUnixNano\":\"%" PRId64 "000\","
	    "\"endTimeUnixNano\":\"%" PRId64 "000\",\"attributes\":[",
	    s->start_us, s->end_us);
	put_attribute(b, "http.request.method", s->method);
	put_attribute(b, "http.route", s->route);
	buf_printf(b,
	    ",{\"key\":\"http.response.status_code\","
	    "\"value\":{\"intValue\":\"%d\"}}",
	    s->status);
	put_attribute(b, "outcome", s->outcome);
	put_attribute(b, "messaging.message.id", s->message_sid);
	put_attribute(
	    b, "messaging.message.conversation_id", s->conversation_id);
	put_attribute(b, "call_sid", s->call_sid);
	buf_puts(b, "],\"status\":{");
	if (s->status >= 500)
		buf_printf(b, "\"code\":%d", STATUS_ERROR);
	buf_puts(b, "}}");
}

void
trace_otlp_end(struct buf *b)
{
	buf_puts(b, "]}]}]}");
}
