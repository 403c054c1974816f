#include "door/records.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define VERSION 1
#define HEADER 8
#define BEGIN_BODY 8
#define RESPONDER 1

/* Record types of the specification; the others do not concern us here. */
enum record_type {
	TYPE_BEGIN = 1,
	TYPE_ABORT = 2,
	TYPE_PARAMS = 4,
	TYPE_STDIN = 5,
};

struct record {
	unsigned type, id;
	size_t len; /* of the content */
	const uint8_t *content;
	size_t whole; /* with header and padding */
};

/* How far the stream of parameters is; it ignores where records end. */
struct params {
	uint8_t head[8]; /* the two lengths, as far as they have come */
	size_t have;
	size_t skip; /* bytes of name and value that are to come */
};

struct scan {
	unsigned id; /* of the request; 0: not begun */
	bool params_ended;
	struct params params;
};

static bool
record_at(const uint8_t *p, size_t n, struct record *r)
{
	if (n < HEADER)
		return false;
	r->type = p[1];
	r->id = (unsigned)p[2] << 8 | p[3];
	r->len = (size_t)p[4] << 8 | p[5];
	r->content = p + HEADER;
	r->whole = HEADER + r->len + p[6];
	return n >= r->whole;
}

/* One byte, or four with the highest bit set. */
static size_t
length_size(uint8_t first)
{
	return first & 0x80 ? 4 : 1;
}

static size_t
length_at(const uint8_t *p)
{
	if (length_size(*p) == 1)
		return *p;
	return (size_t)(p[0] & 0x7f) << 24 | (size_t)p[1] << 16 |
	    (size_t)p[2] << 8 | p[3];
}

/* Take one byte of the two lengths; false if they are out of bounds. */
static bool
params_length(struct params *p, uint8_t byte)
{
	size_t first, name, value;

	p->head[p->have++] = byte;
	first = length_size(p->head[0]);
	if (p->have <= first || p->have < first + length_size(p->head[first]))
		return true;
	name = length_at(p->head);
	value = length_at(p->head + first);
	p->have = 0;
	p->skip = name + value;
	return name <= RECORDS_PARAM_MAX && value <= RECORDS_PARAM_MAX;
}

static bool
params_take(struct params *p, const uint8_t *s, size_t n)
{
	size_t k;

	while (n > 0) {
		if (p->skip == 0) {
			if (!params_length(p, *s))
				return false;
			s++;
			n--;
			continue;
		}
		k = n < p->skip ? n : p->skip;
		/* It would be cut there, and be taken for what is before. */
		if (memchr(s, '\0', k) != NULL)
			return false;
		p->skip -= k;
		s += k;
		n -= k;
	}
	return true;
}

static enum records_state
scan_begin(struct scan *s, const struct record *r)
{
	unsigned role;

	if (s->id != 0 || r->id == 0 || r->len < BEGIN_BODY)
		return RECORDS_BAD;
	role = (unsigned)r->content[0] << 8 | r->content[1];
	s->id = r->id;
	return role == RESPONDER ? RECORDS_PARTIAL : RECORDS_BAD;
}

static enum records_state
scan_params(struct scan *s, const struct record *r)
{
	if (r->len == 0) {
		s->params_ended = true;
		return s->params.skip == 0 && s->params.have == 0 ? RECORDS_HEAD
								  : RECORDS_BAD;
	}
	return params_take(&s->params, r->content, r->len) ? RECORDS_PARTIAL
							   : RECORDS_BAD;
}

/* One whole record. */
static enum records_state
scan_record(struct scan *s, const struct record *r)
{
	enum records_state now =
	    s->params_ended ? RECORDS_HEAD : RECORDS_PARTIAL;

	if (r->type == TYPE_BEGIN)
		return scan_begin(s, r);
	if (s->id == 0 && r->id != 0)
		return RECORDS_BAD;
	if (r->id != s->id)
		return now;
	if (r->type == TYPE_PARAMS)
		return s->params_ended ? RECORDS_BAD : scan_params(s, r);
	if (r->type == TYPE_ABORT)
		return s->params_ended ? RECORDS_WHOLE : RECORDS_BAD;
	if (r->type == TYPE_STDIN && !s->params_ended)
		return RECORDS_BAD;
	return r->type == TYPE_STDIN && r->len == 0 ? RECORDS_WHOLE : now;
}

enum records_state
records_scan(const void *data, size_t n)
{
	const uint8_t *p = data;
	struct scan s = { .id = 0 };
	struct record r;
	enum records_state state = RECORDS_PARTIAL;

	while (n > 0 && state != RECORDS_BAD && state != RECORDS_WHOLE) {
		if (*p != VERSION)
			return RECORDS_BAD;
		if (!record_at(p, n, &r))
			break;
		state = scan_record(&s, &r);
		p += r.whole;
		n -= r.whole;
	}
	return state;
}
