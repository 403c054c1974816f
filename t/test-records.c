/* FastCGI's records: what is a request, what is refused, what is replied. */
#include <stdio.h>
#include <string.h>

#include "door/records.h"
#include "t/fcgi-peer.h"
#include "t/memory.h"
#include "t/test.h"

#define BODY_MAX 1000

static struct records
records_new(void)
{
	struct records r;

	records_init(&r, 50, BODY_MAX);
	return r;
}

/* Take all, replies included, in pieces; how many bytes were taken. */
static size_t
take(struct records *r, const char *data, size_t n, size_t piece,
    struct buf *replies)
{
	size_t at = 0, k = 1;

	while (at < n && k > 0) {
		k = n - at < piece ? n - at : piece;
		k = records_take(r, data + at, k);
		at += k;
		if (replies != NULL)
			buf_put(replies, r->reply, r->reply_len);
		r->reply_len = 0;
	}
	return at;
}

/* Every beginning of a request is parameters until they are whole, then body
 * until that is. */
static void
test_prefixes(void)
{
	struct peer_request q = { "/echo", "hello", NULL, false };
	struct records r = records_new();
	struct buf b = BUF_INIT;
	size_t body_at, len;

	peer_records(&b, &q);
	/* BEGIN, PARAMS with content, PARAMS without; then STDIN. */
	body_at = 16 + 8 +
	    ((size_t)(unsigned char)b.data[20] << 8 |
		(unsigned char)b.data[21]) +
	    8;
	for (size_t n = 0; n <= b.len; n++) {
		enum records_state expected = RECORDS_IDLE;

		if (n >= 16)
			expected = RECORDS_PARAMS;
		if (n >= body_at)
			expected = RECORDS_BODY;
		if (n == b.len)
			expected = RECORDS_WHOLE;
		CU_ASSERT_EQUAL(take(&r, b.data, n, SIZE_MAX, NULL), n);
		CU_ASSERT_EQUAL(r.state, expected);
		CU_ASSERT_EQUAL(records_untouched(&r), n == 0);
		records_reset(&r);
	}
	/* What follows is the next request's. */
	len = b.len;
	buf_puts(&b, "garbage");
	for (size_t piece = 1; piece <= b.len; piece++) {
		CU_ASSERT_EQUAL(take(&r, b.data, b.len, piece, NULL), len);
		CU_ASSERT_EQUAL(r.state, RECORDS_WHOLE);
		CU_ASSERT_EQUAL(r.status, ST_OK);
		CU_ASSERT_STRING_EQUAL(
		    records_envp(&r)[0], "REQUEST_METHOD=POST");
		CU_ASSERT_STRING_EQUAL(records_envp(&r)[1], "PATH_INFO=/echo");
		CU_ASSERT_STRING_EQUAL(records_envp(&r)[2], "CONTENT_LENGTH=5");
		CU_ASSERT_PTR_NULL(records_envp(&r)[3]);
		CU_ASSERT_EQUAL(
		    memcmp(records_body(&r, &(size_t){ 0 }), "hello", 5), 0);
		records_reset(&r);
	}
	buf_release(&b);
}

/* The records of a test: a type and content each, up to type 0. */
struct record_list {
	struct {
		int type;
		const char *content;
		size_t n;
	} records[6];
	enum records_state expected;
};

#define BEGIN_RESPONDER \
	{ \
		1, "\0\1\0\0\0\0\0\0", 8 \
	}
#define BEGIN_KEEP \
	{ \
		1, "\0\1\1\0\0\0\0\0", 8 \
	}
#define PARAMS_END \
	{ \
		4, "", 0 \
	}
#define STDIN_END \
	{ \
		5, "", 0 \
	}

static const struct record_list record_lists[] = {
	{ { BEGIN_RESPONDER, PARAMS_END, STDIN_END }, RECORDS_WHOLE },
	{ { BEGIN_RESPONDER, { 4, "\1\2a", 3 }, { 4, "bc", 2 }, PARAMS_END },
	    RECORDS_BODY },
	/* a length that is split over records */
	{ { BEGIN_RESPONDER, { 4, "\200\0", 2 }, { 4, "\0\1\0a", 4 },
	      PARAMS_END },
	    RECORDS_BODY },
	/* aborted */
	{ { BEGIN_RESPONDER, PARAMS_END, { 2, "", 0 } }, RECORDS_OVER },
	{ { BEGIN_RESPONDER, { 2, "", 0 } }, RECORDS_OVER },
	{ { BEGIN_KEEP, { 2, "", 0 } }, RECORDS_IDLE },
	/* authorizer, filter, none */
	{ { { 1, "\0\2\0\0\0\0\0\0", 8 } }, RECORDS_OVER },
	{ { { 1, "\0\3\0\0\0\0\0\0", 8 } }, RECORDS_OVER },
	{ { { 1, "\0\3\1\0\0\0\0\0", 8 } }, RECORDS_IDLE },
	{ { { 1, "\0\0\0\0\0\0\0\0", 8 } }, RECORDS_OVER },
	{ { { 1, "\0\1\0", 3 } }, RECORDS_OVER },
	/* of no request */
	{ { PARAMS_END }, RECORDS_IDLE },
	{ { STDIN_END }, RECORDS_IDLE },
	{ { { 2, "", 0 } }, RECORDS_IDLE },
	/* out of turn */
	{ { BEGIN_RESPONDER, STDIN_END }, RECORDS_OVER },
	{ { BEGIN_RESPONDER, BEGIN_RESPONDER }, RECORDS_OVER },
	{ { BEGIN_RESPONDER, PARAMS_END, PARAMS_END }, RECORDS_OVER },
	/* the stream ends inside a pair */
	{ { BEGIN_RESPONDER, { 4, "\1\2ab", 4 }, PARAMS_END }, RECORDS_OVER },
	{ { BEGIN_RESPONDER, { 4, "\1", 1 }, PARAMS_END }, RECORDS_OVER },
	/* lengths over what is there, and those of CVE-2025-23016 */
	{ { BEGIN_RESPONDER, { 4, "\200\20\0\1\0", 5 }, PARAMS_END },
	    RECORDS_OVER },
	{ { BEGIN_RESPONDER, { 4, "\0\200\20\0\1", 5 }, PARAMS_END },
	    RECORDS_OVER },
	{ { BEGIN_RESPONDER, { 4, "\377\377\377\377\377\377\377\377", 8 },
	      PARAMS_END },
	    RECORDS_OVER },
	/* a NUL in a name or a value */
	{ { BEGIN_RESPONDER, { 4, "\1\2ab\0", 5 }, PARAMS_END }, RECORDS_OVER },
	{ { BEGIN_RESPONDER, { 4, "\1\1\0b", 4 }, PARAMS_END }, RECORDS_OVER },
	/* a type nobody knows is passed over */
	{ { BEGIN_RESPONDER, { 99, "xyz", 3 }, PARAMS_END, STDIN_END },
	    RECORDS_WHOLE },
};

static void
test_lists(void)
{
	for (size_t i = 0; i < TEST_COUNT(record_lists); i++) {
		const struct record_list *l = &record_lists[i];
		struct records r = records_new();
		struct buf b = BUF_INIT;

		for (size_t k = 0; l->records[k].type != 0; k++)
			peer_record(&b, l->records[k].type,
			    l->records[k].content, l->records[k].n);
		take(&r, b.data, b.len, 3, NULL);
		CU_ASSERT_EQUAL(r.state, l->expected);
		records_release(&r);
		buf_release(&b);
	}
}

/* What goes in, and all that is replied to it before there is a request. */
static const struct {
	const char *in;
	size_t n;
	const char *out;
	size_t out_n;
	enum records_state expected;
} replies[] = {
	/* what values there are, and one that nobody knows */
	{ "\1\11\0\0\0\44\0\0\17\0FCGI_MPXS_CONNS\1\0x\16\0FCGI_MAX_CONNS",
	    8 + 36,
	    "\1\12\0\0\0\44\0\0\17\1FCGI_MPXS_CONNS0"
	    "\16\2FCGI_MAX_CONNS50",
	    8 + 36, RECORDS_IDLE },
	{ "\1\11\0\0\0\0\0\0", 8, "\1\12\0\0\0\0\0\0", 8, RECORDS_IDLE },
	/* a management record of another type */
	{ "\1\143\0\0\0\2\1\0xyz", 11, "\1\13\0\0\0\10\0\0\143\0\0\0\0\0\0\0",
	    16, RECORDS_IDLE },
	/* a second request beside the first, which goes on */
	{ "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0"
	  "\1\1\0\2\0\10\0\0\0\1\1\0\0\0\0\0"
	  "\1\4\0\2\0\0\0\0\1\4\0\1\0\0\0\0\1\5\0\2\0\0\0\0",
	    56, "\1\3\0\2\0\10\0\0\0\0\0\0\1\0\0\0", 16, RECORDS_BODY },
	/* a role that we are not for */
	{ "\1\1\0\7\0\10\0\0\0\2\1\0\0\0\0\0", 16,
	    "\1\3\0\7\0\10\0\0\0\0\0\0\3\0\0\0", 16, RECORDS_IDLE },
};

static void
test_replies(void)
{
	for (size_t i = 0; i < TEST_COUNT(replies); i++) {
		for (size_t piece = 1; piece < 60; piece++) {
			struct records r = records_new();
			struct buf out = BUF_INIT;

			CU_ASSERT_EQUAL(
			    take(&r, replies[i].in, replies[i].n, piece, &out),
			    replies[i].n);
			CU_ASSERT_EQUAL(r.state, replies[i].expected);
			CU_ASSERT_EQUAL(out.len, replies[i].out_n);
			if (out.len == replies[i].out_n)
				CU_ASSERT_EQUAL(
				    memcmp(out.data, replies[i].out, out.len),
				    0);
			records_release(&r);
			buf_release(&out);
		}
	}
}

static void
test_garbage(void)
{
	static const char *const texts[] = { "GET / HTTP/1.0\r\n",
		"\1\1\0\0\0\10\0\0\0\1\0\0\0\0\0\0", "\1\11\0\0\0\377\0\0" };

	for (size_t i = 0; i < TEST_COUNT(texts); i++) {
		struct records r = records_new();

		take(&r, texts[i], i == 1 ? 16 : 8, SIZE_MAX, NULL);
		CU_ASSERT_EQUAL(r.state, RECORDS_OVER);
		records_release(&r);
	}
}

static void
begin(struct buf *b, const char *name)
{
	char pair[100];
	int n =
	    snprintf(pair, sizeof(pair), "%c%c%s", (int)strlen(name), 0, name);

	peer_record(b, 1, "\0\1\1\0\0\0\0\0", 8);
	/* snprintf prints the 0. */
	peer_record(b, 4, pair, (size_t)n);
	peer_record(b, 4, "", 0);
}

/* At the bound, one over it, and broken off. */
static void
test_bodies(void)
{
	static const char text[BODY_MAX + 1] = { 'x' };
	struct records r = records_new();
	struct buf b = BUF_INIT;
	size_t len;

	for (size_t n = BODY_MAX - 1; n <= BODY_MAX + 1; n++) {
		buf_reset(&b);
		begin(&b, "A");
		peer_record(&b, 5, text, n);
		take(&r, b.data, b.len, 700, NULL);
		CU_ASSERT_EQUAL(r.state, RECORDS_BODY);
		b.len = 0;
		peer_record(&b, 5, "", 0);
		take(&r, b.data, b.len, 700, NULL);
		CU_ASSERT_EQUAL(r.state, RECORDS_WHOLE);
		CU_ASSERT_EQUAL(r.status, n > BODY_MAX ? ST_TOOBIG : ST_OK);
		records_body(&r, &len);
		CU_ASSERT_EQUAL(len, n > BODY_MAX ? 0 : n);
		CU_ASSERT_STRING_EQUAL(records_envp(&r)[0], "A=");
		CU_ASSERT_TRUE(r.keep);
		records_reset(&r);
	}
	buf_reset(&b);
	begin(&b, "A");
	peer_record(&b, 5, text, 10);
	take(&r, b.data, b.len - 3, 700, NULL);
	records_end(&r);
	CU_ASSERT_EQUAL(r.state, RECORDS_WHOLE);
	CU_ASSERT_EQUAL(r.status, ST_MALFORMED);
	CU_ASSERT_STRING_EQUAL(records_envp(&r)[0], "A=");
	records_body(&r, &len);
	CU_ASSERT_EQUAL(len, 7);
	CU_ASSERT_FALSE(r.keep);
	records_release(&r);
	buf_release(&b);
}

/* Parameters up to the bound in all, however they are cut. */
static void
test_params_bound(void)
{
	static char text[RECORDS_PARAMS_MAX];
	struct records r = records_new();
	struct buf b = BUF_INIT;

	for (size_t n = RECORDS_PARAMS_MAX - 1; n <= RECORDS_PARAMS_MAX + 1;
	     n++) {
		const char sizes[] = { 1, (char)0x80, (char)((n - 6) >> 16),
			(char)((n - 6) >> 8), (char)(n - 6), 'A' };

		memset(text, 'x', sizeof(text));
		buf_reset(&b);
		peer_record(&b, 1, "\0\1\0\0\0\0\0\0", 8);
		peer_record(&b, 4, sizes, sizeof(sizes));
		peer_record(&b, 4, text, 1000);
		peer_record(&b, 4, text, n - 6 - 1000);
		peer_record(&b, 4, "", 0);
		peer_record(&b, 5, "", 0);
		take(&r, b.data, b.len, 1000, NULL);
		CU_ASSERT_EQUAL(r.state,
		    n > RECORDS_PARAMS_MAX ? RECORDS_OVER : RECORDS_WHOLE);
		if (r.state == RECORDS_WHOLE)
			CU_ASSERT_EQUAL(strlen(records_envp(&r)[0]), 2 + n - 6);
		records_reset(&r);
	}
	buf_release(&b);
}

/* A body without end is given up, and so is its connection. */
static void
test_endless(void)
{
	static char text[60000];
	struct records r = records_new();
	struct buf b = BUF_INIT;
	size_t n = 0;

	begin(&b, "A");
	take(&r, b.data, b.len, SIZE_MAX, NULL);
	b.len = 0;
	peer_record(&b, 5, text, sizeof(text));
	for (; n < 1000 && r.state == RECORDS_BODY; n++)
		take(&r, b.data, b.len, SIZE_MAX, NULL);
	CU_ASSERT_EQUAL(r.state, RECORDS_WHOLE);
	CU_ASSERT_EQUAL(r.status, ST_TOOBIG);
	CU_ASSERT_FALSE(r.keep);
	CU_ASSERT_EQUAL(n, ((size_t)16 << 20) / sizeof(text) + 1);
	records_release(&r);
	buf_release(&b);
}

/* Whatever allocation fails: the request is read to its end all the same. */
static enum status
read_one(void)
{
	static char text[BODY_MAX];
	static const char body[] = "\1\5\0\1\3\350\0\0",
			  end[] = "\1\5\0\1\0\0\0\0";
	static const char params[] = "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0"
				     "\1\4\0\1\0\4\0\0\1\1AB\1\4\0\1\0\0\0\0";
	struct records r = records_new();
	enum status st;

	take(&r, params, sizeof(params) - 1, SIZE_MAX, NULL);
	take(&r, body, 8, SIZE_MAX, NULL);
	take(&r, text, sizeof(text), SIZE_MAX, NULL);
	take(&r, end, 8, SIZE_MAX, NULL);
	CU_ASSERT_EQUAL(r.state, RECORDS_WHOLE);
	CU_ASSERT_TRUE(r.keep);
	st = r.status;
	if (st == ST_OK)
		CU_ASSERT_STRING_EQUAL(records_envp(&r)[0], "A=B");
	records_release(&r);
	return st;
}

static void
test_memory(void)
{
	if (!memory_is_ours())
		return;
	memory_run_out("records", read_one, 2, 1, 0);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "prefixes", test_prefixes },
		{ "lists", test_lists },
		{ "replies", test_replies },
		{ "garbage", test_garbage },
		{ "bodies", test_bodies },
		{ "bound of parameters", test_params_bound },
		{ "body without end", test_endless },
		{ "memory", test_memory },
	};

	return test_main("records", tests, TEST_COUNT(tests));
}
