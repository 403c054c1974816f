#include "door/records.h"

#include <fastcgi.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "http/request.h"

void
records_init(struct records *r, unsigned connections, size_t body_max)
{
	*r = (struct records){ .connections = connections,
		.body_max = body_max,
		.data = BUF_INIT };
}

void
records_release(struct records *r)
{
	buf_release(&r->data);
}

void
records_reset(struct records *r)
{
	records_release(r);
	records_init(r, r->connections, r->body_max);
}

bool
records_untouched(const struct records *r)
{
	return r->state == RECORDS_IDLE && r->head_len == 0;
}

/* ---- written ---- */

static void
head_put(uint8_t *to, unsigned type, unsigned id, size_t n)
{
	const FCGI_Header head = {
		.version = FCGI_VERSION_1,
		.type = (unsigned char)type,
		.requestIdB1 = (unsigned char)(id >> 8),
		.requestIdB0 = (unsigned char)id,
		.contentLengthB1 = (unsigned char)(n >> 8),
		.contentLengthB0 = (unsigned char)n,
	};

	memcpy(to, &head, sizeof(head));
}

static void
end_put(uint8_t *to, unsigned id, unsigned protocol_status)
{
	const FCGI_EndRequestBody body = { .protocolStatus =
					       (unsigned char)protocol_status };

	head_put(to, FCGI_END_REQUEST, id, sizeof(body));
	memcpy(to + RECORDS_HEAD, &body, sizeof(body));
}

void
records_head(const struct records *r, size_t n, uint8_t to[RECORDS_HEAD])
{
	head_put(to, FCGI_STDOUT, r->id, n);
}

void
records_tail(const struct records *r, uint8_t to[RECORDS_TAIL])
{
	head_put(to, FCGI_STDOUT, r->id, 0);
	end_put(to + RECORDS_HEAD, r->id, FCGI_REQUEST_COMPLETE);
}

static void
reply_end(struct records *r, unsigned id, unsigned protocol_status)
{
	end_put(r->reply, id, protocol_status);
	r->reply_len = RECORDS_HEAD + sizeof(FCGI_EndRequestBody);
}

static void
reply_unknown_type(struct records *r, unsigned type)
{
	const FCGI_UnknownTypeBody body = { .type = (unsigned char)type };

	head_put(r->reply, FCGI_UNKNOWN_TYPE, 0, sizeof(body));
	memcpy(r->reply + RECORDS_HEAD, &body, sizeof(body));
	r->reply_len = RECORDS_HEAD + sizeof(body);
}

/* ---- pairs of a name and a value ---- */

struct pair {
	const uint8_t *name; /* the value follows it */
	size_t name_len, value_len;
};

/* A length at *at: one byte, or four with the highest bit set. */
static bool
length_take(const uint8_t *p, size_t n, size_t *at, size_t *len)
{
	if (*at >= n)
		return false;
	p += *at;
	if ((*p & 0x80) == 0) {
		*len = *p;
		(*at)++;
		return true;
	}
	if (n - *at < 4)
		return false;
	*len = (size_t)(p[0] & 0x7f) << 24 | (size_t)p[1] << 16 |
	    (size_t)p[2] << 8 | p[3];
	*at += 4;
	return true;
}

static bool
pair_take(const uint8_t *p, size_t n, size_t *at, struct pair *pair)
{
	if (!length_take(p, n, at, &pair->name_len) ||
	    !length_take(p, n, at, &pair->value_len) ||
	    pair->name_len > n - *at ||
	    pair->value_len > n - *at - pair->name_len)
		return false;
	pair->name = p + *at;
	*at += pair->name_len + pair->value_len;
	return true;
}

/*
 * The parameters become strings in their own place: what stood before them,
 * two lengths, takes two bytes at least, and so do "=" and NUL. A NUL of their
 * own would cut one, and have it taken for what is before.
 */
static bool
params_decode(struct records *r)
{
	uint8_t *data = (uint8_t *)r->data.data;
	size_t at = 0, end = 0;
	struct pair p;

	while (at < r->data.len) {
		if (!pair_take(data, r->data.len, &at, &p) ||
		    memchr(p.name, '\0', p.name_len + p.value_len) != NULL)
			return false;
		memmove(data + end, p.name, p.name_len);
		end += p.name_len;
		data[end++] = '=';
		memmove(data + end, p.name + p.name_len, p.value_len);
		end += p.value_len;
		data[end++] = '\0';
		r->params++;
	}
	r->data.len = r->body_at = end;
	return true;
}

/* Nothing is kept of a body that is announced as too large. */
static void
body_expect(struct records *r)
{
	static const char name[] = "CONTENT_LENGTH=";
	const char *s = r->data.data;
	uint64_t n;

	for (size_t i = 0; i < r->params; i++, s += strlen(s) + 1) {
		if (!str_starts(s, name))
			continue;
		if (str_u64(s + strlen(name), r->body_max, &n) == ST_TOOBIG)
			r->status = ST_TOOBIG;
		return;
	}
}

/* FCGI_GET_VALUES: those of the three that are asked for. */
static void
reply_values(struct records *r)
{
	const struct {
		const char *name;
		unsigned value;
	} values[] = { { FCGI_MAX_CONNS, r->connections },
		{ FCGI_MAX_REQS, r->connections }, { FCGI_MPXS_CONNS, 0 } };
	size_t at = 0, n = RECORDS_HEAD;
	char text[16];
	struct pair p;

	while (pair_take(r->small, r->small_len, &at, &p)) {
		for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
			size_t len = strlen(values[i].name);
			size_t k = (size_t)snprintf(
			    text, sizeof(text), "%u", values[i].value);

			if (p.name_len != len ||
			    memcmp(p.name, values[i].name, len) != 0 ||
			    n + 2 + len + k > sizeof(r->reply))
				continue;
			r->reply[n++] = (uint8_t)len;
			r->reply[n++] = (uint8_t)k;
			memcpy(r->reply + n, p.name, len);
			memcpy(r->reply + n + len, text, k);
			n += len + k;
		}
	}
	head_put(r->reply, FCGI_GET_VALUES_RESULT, 0, n - RECORDS_HEAD);
	r->reply_len = n;
}

/* ---- read ---- */

static void
data_failed(struct records *r)
{
	buf_release(&r->data);
	r->status = ST_NOMEM;
}

static void
data_keep(struct records *r, const void *p, size_t n)
{
	if (r->status == ST_OK && buf_put(&r->data, p, n) != ST_OK)
		data_failed(r);
}

/* The pointers to the parameters stand behind the body, where nothing moves
 * them any more. */
static void
envp_make(struct records *r)
{
	size_t n = r->data.len, size = (r->params + 1) * sizeof(char *);
	char *s, **envp;

	n = (n + sizeof(char *) - 1) / sizeof(char *) * sizeof(char *);
	if (buf_reserve(&r->data, n - r->data.len + size) != ST_OK) {
		data_failed(r);
		return;
	}
	r->envp_at = n;
	envp = (void *)(r->data.data + n);
	s = r->data.data;
	for (size_t i = 0; i < r->params; i++, s += strlen(s) + 1)
		envp[i] = s;
	envp[r->params] = NULL;
}

static void
request_whole(struct records *r)
{
	if (r->status != ST_NOMEM) {
		r->body_len = r->data.len - r->body_at;
		envp_make(r);
	}
	r->state = RECORDS_WHOLE;
}

static void
body_take(struct records *r, const void *p, size_t n)
{
	r->came += n;
	if (r->came <= r->body_max) {
		data_keep(r, p, n);
	} else if (r->status == ST_OK) {
		r->status = ST_TOOBIG;
		r->data.len = r->body_at;
	}
	if (r->came > REQUEST_DRAIN_MAX) {
		r->keep = false;
		request_whole(r);
	}
}

/* The answer is sent, and there is nothing else to do for this request. */
static void
request_refuse(struct records *r, unsigned id, bool keep, unsigned why)
{
	reply_end(r, id, why);
	if (!keep)
		r->state = RECORDS_OVER;
}

/* A second one on a connection has to wait for another connection. */
static void
request_begin(struct records *r, unsigned id)
{
	const FCGI_BeginRequestBody *b = (const void *)r->small;
	bool keep = (b->flags & FCGI_KEEP_CONN) != 0;

	if (r->id != 0) {
		request_refuse(r, id, true, FCGI_CANT_MPX_CONN);
	} else if (b->roleB1 != 0 || b->roleB0 != FCGI_RESPONDER) {
		request_refuse(r, id, keep, FCGI_UNKNOWN_ROLE);
	} else {
		r->id = id;
		r->keep = keep;
		r->state = RECORDS_PARAMS;
	}
}

static void
request_abort(struct records *r)
{
	unsigned id = r->id;
	bool keep = r->keep;

	records_reset(r);
	request_refuse(r, id, keep, FCGI_REQUEST_COMPLETE);
}

static unsigned
head_id(const struct records *r)
{
	return (unsigned)r->head[2] << 8 | r->head[3];
}

static bool
head_is_empty(const struct records *r)
{
	return r->head[4] == 0 && r->head[5] == 0;
}

/* The header is there: where does its content go? False if it may not be. */
static bool
record_begin(struct records *r)
{
	unsigned id = head_id(r);
	bool mine = id != 0 && id == r->id;

	r->left = (size_t)r->head[4] << 8 | r->head[5];
	r->padding = r->head[6];
	r->sink = SKIP;
	r->small_len = 0;
	if (r->head[0] != FCGI_VERSION_1)
		return false;
	switch (r->head[1]) {
	case FCGI_BEGIN_REQUEST:
		r->sink = SMALL;
		return id != 0 && !mine &&
		    r->left >= sizeof(FCGI_BeginRequestBody);
	case FCGI_PARAMS:
		r->sink = mine ? PARAMS : SKIP;
		return !mine || r->state == RECORDS_PARAMS;
	case FCGI_STDIN:
		r->sink = mine ? BODY : SKIP;
		return !mine || r->state == RECORDS_BODY;
	case FCGI_GET_VALUES:
		r->sink = SMALL;
		return r->left <= sizeof(r->small);
	}
	return true;
}

static bool
content_take(struct records *r, const uint8_t *p, size_t n)
{
	size_t room = sizeof(r->small) - r->small_len;

	switch (r->sink) {
	case SKIP:
		break;
	case SMALL:
		if (n > room)
			n = room;
		memcpy(r->small + r->small_len, p, n);
		r->small_len += n;
		break;
	case PARAMS:
		data_keep(r, p, n);
		return r->data.len <= RECORDS_PARAMS_MAX;
	case BODY:
		body_take(r, p, n);
		break;
	}
	return true;
}

/* Of those for other requests than ours nothing comes: there is none. */
static bool
record_end(struct records *r)
{
	unsigned id = head_id(r), type = r->head[1];
	bool last = head_is_empty(r);

	if (id == 0 && type == FCGI_GET_VALUES) {
		reply_values(r);
	} else if (id == 0) {
		reply_unknown_type(r, type);
	} else if (type == FCGI_BEGIN_REQUEST) {
		request_begin(r, id);
	} else if (type == FCGI_ABORT_REQUEST && id == r->id) {
		request_abort(r);
	} else if (r->sink == PARAMS && last) {
		r->state = RECORDS_BODY;
		if (r->status == ST_NOMEM)
			return true;
		if (!params_decode(r))
			return false;
		body_expect(r);
	} else if (r->sink == BODY && last) {
		request_whole(r);
	}
	return true;
}

/* Some of what the record that is coming consists of. */
static size_t
record_take(struct records *r, const uint8_t *p, size_t n, bool *good)
{
	size_t k;

	if (r->head_len < RECORDS_HEAD) {
		k = RECORDS_HEAD - r->head_len;
		k = k < n ? k : n;
		memcpy(r->head + r->head_len, p, k);
		r->head_len += k;
		*good = r->head_len < RECORDS_HEAD || record_begin(r);
	} else if (r->left > 0) {
		k = r->left < n ? r->left : n;
		r->left -= k;
		*good = content_take(r, p, k);
	} else {
		k = r->padding < n ? r->padding : n;
		r->padding -= k;
	}
	return k;
}

size_t
records_take(struct records *r, const void *data, size_t n)
{
	size_t at = 0;
	bool good = true;

	while (at < n && r->state < RECORDS_WHOLE && r->reply_len == 0) {
		at += record_take(r, (const uint8_t *)data + at, n - at, &good);
		if (good && r->state < RECORDS_WHOLE &&
		    r->head_len == RECORDS_HEAD && r->left == 0 &&
		    r->padding == 0) {
			r->head_len = 0;
			good = record_end(r);
		}
		if (!good)
			r->state = RECORDS_OVER;
	}
	return at;
}

void
records_end(struct records *r)
{
	r->keep = false;
	if (r->state != RECORDS_BODY) {
		r->state = RECORDS_OVER;
		return;
	}
	request_whole(r);
	if (r->status == ST_OK)
		r->status = ST_MALFORMED;
}

char *const *
records_envp(const struct records *r)
{
	return (void *)(r->data.data + r->envp_at);
}

const char *
records_body(const struct records *r, size_t *len)
{
	*len = r->body_len;
	return r->data.data + r->body_at;
}
