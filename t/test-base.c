#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/kv.h"
#include "base/log.h"
#include "base/quit.h"
#include "base/str.h"
#include "base/utf8.h"
#include "t/test.h"

/* Each amount of room there may be, and each length that is to go there. */
static void
test_buf_printf_room(void)
{
	char text[200], expected[300];
	struct buf b = BUF_INIT;
	int before, n;

	memset(text, 'x', sizeof(text));
	for (before = 0; before < 130; before++)
		for (n = 0; n < 130; n++) {
			buf_put(&b, text, (size_t)before);
			CU_ASSERT_EQUAL(
			    buf_printf(&b, "%.*s%d", n, text, 7), ST_OK);
			snprintf(expected, sizeof(expected), "%.*s%.*s7",
			    before, text, n, text);
			CU_ASSERT_STRING_EQUAL(buf_str(&b), expected);
			CU_ASSERT_EQUAL(b.len, strlen(expected));
			buf_release(&b);
		}
}

static void
test_buf_grows(void)
{
	struct buf b = BUF_INIT;
	char *s;
	int i;

	CU_ASSERT_STRING_EQUAL(buf_str(&b), "");
	for (i = 0; i < 1000; i++)
		buf_printf(&b, "%d,", i);
	buf_put(&b, "a\0b", 3);
	CU_ASSERT_EQUAL(b.err, ST_OK);
	CU_ASSERT_EQUAL(b.len, 3893);
	CU_ASSERT_EQUAL(b.data[b.len], '\0');
	CU_ASSERT(memcmp(b.data + b.len - 3, "a\0b", 3) == 0);
	s = buf_detach(&b);
	CU_ASSERT(strncmp(s, "0,1,2,", 6) == 0);
	CU_ASSERT_PTR_NULL(b.data);
	free(s);
	s = buf_detach(&b);
	CU_ASSERT_STRING_EQUAL(s, "");
	free(s);
}

static void
test_buf_error_is_sticky(void)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, "kept");
	CU_ASSERT_EQUAL(buf_reserve(&b, BUF_MAX), ST_TOOBIG);
	CU_ASSERT_EQUAL(buf_puts(&b, "more"), ST_TOOBIG);
	CU_ASSERT_EQUAL(buf_printf(&b, "%d", 1), ST_TOOBIG);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "kept");
	CU_ASSERT_PTR_NULL(buf_detach(&b));
	CU_ASSERT_EQUAL(b.err, ST_OK);
	CU_ASSERT_EQUAL(buf_reserve(&b, SIZE_MAX), ST_TOOBIG);
	buf_reset(&b);
	CU_ASSERT_EQUAL(buf_puts(&b, "x"), ST_OK);
	buf_wipe(&b);
}

static void
test_kv(void)
{
	struct kv kv = KV_INIT;
	const char *value;
	size_t count;
	char names[100][8];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(names[i], sizeof(names[i]), "n%d", i % 99);
		CU_ASSERT_EQUAL(
		    kv_add(&kv, names[i], strlen(names[i]), "v", 1), ST_OK);
	}
	kv_add(&kv, "nul", 3, "a\0b", 3);
	CU_ASSERT_EQUAL(kv_get(&kv, "n5", &value), ST_OK);
	CU_ASSERT_STRING_EQUAL(value, "v");
	CU_ASSERT_EQUAL(kv_get(&kv, "n0", &value), ST_MALFORMED);
	CU_ASSERT_PTR_NULL(value);
	CU_ASSERT_EQUAL(kv_get(&kv, "nul", &value), ST_MALFORMED);
	CU_ASSERT_EQUAL(kv_get(&kv, "N5", &value), ST_NOTFOUND);
	CU_ASSERT_PTR_NOT_NULL(kv_find(&kv, "n0", &count));
	CU_ASSERT_EQUAL(count, 2);
	kv_release(&kv);
	CU_ASSERT_EQUAL(kv.n, 0);
}

static void
test_u64(void)
{
	static const struct {
		const char *text;
		uint64_t max;
		enum status status;
		uint64_t value;
	} cases[] = {
		{ "0", 10, ST_OK, 0 },
		{ "10", 10, ST_OK, 10 },
		{ "0010", 10, ST_OK, 10 },
		{ "11", 10, ST_TOOBIG, 0 },
		{ "18446744073709551615", UINT64_MAX, ST_OK, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, ST_TOOBIG, 0 },
		{ "99999999999999999999999", UINT64_MAX, ST_TOOBIG, 0 },
		{ "", 10, ST_MALFORMED, 0 },
		{ "+1", 10, ST_MALFORMED, 0 },
		{ "-1", 10, ST_MALFORMED, 0 },
		{ " 1", 10, ST_MALFORMED, 0 },
		{ "1 ", 10, ST_MALFORMED, 0 },
		{ "0x1", 10, ST_MALFORMED, 0 },
		{ NULL, 10, ST_MALFORMED, 0 },
	};
	uint64_t value;
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		value = 0;
		CU_ASSERT_EQUAL(str_u64(cases[i].text, cases[i].max, &value),
		    cases[i].status);
		CU_ASSERT_EQUAL(value, cases[i].value);
	}
}

static void
test_mask(void)
{
	static const char *const cases[][2] = {
		{ "whatsapp:+14155550100", "whatsapp:+*********00" },
		{ "+14155550100", "+*********00" },
		{ "client:alice", "client:*****" },
		{ "sip:alice@example.com", "sip:***************om" },
		{ "123", "***" },
		/* Letters, not bytes: no half of one is left. */
		{ "whatsapp:J\u00fcrgen \u00d1\U0001f600",
		    "whatsapp:*******\u00d1\U0001f600" },
		{ "\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4", "******" },
		{ "", "" },
	};
	char long_text[200], out[STR_MASK_MAX];
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		str_mask(cases[i][0], out);
		CU_ASSERT_STRING_EQUAL(out, cases[i][1]);
	}
	memset(long_text, '7', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	str_mask(long_text, out);
	CU_ASSERT(strlen(out) > 20 && strlen(out) < STR_MASK_MAX);
	CU_ASSERT(strchr(out, '*') != NULL);
	/* The most that there can be: a scheme, and letters of four bytes. */
	memcpy(long_text, "whatsappwhatsap:", 16);
	for (i = 16; i + 4 < sizeof(long_text); i += 4)
		memcpy(long_text + i, "\U0001f600", 4);
	str_mask(long_text, out);
	CU_ASSERT_EQUAL(strlen(out), STR_MASK_MAX - 1);
	CU_ASSERT(utf8_valid(out, strlen(out)));
}

static void
test_sid(void)
{
	static const char *const cases[][2] = {
		{ "SM0123456789abcdef0123456789abcdef",
		    "SM0123456789abcdef0123456789abcdef" },
		{ "CAtest1", "CAtest1" },
		{ "", "" },
		{ NULL, "" },
		{ "+14155550100", "(no SID)" },
		{ "14155550100", "(no SID)" },
		{ "Hello", "(no SID)" },
		{ "SM1 Hello", "(no SID)" },
		{ "SM1\n", "(no SID)" },
	};
	char long_text[STR_SID_MAX + 1], out[STR_SID_MAX];
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		str_sid(cases[i][0], out);
		CU_ASSERT_STRING_EQUAL(out, cases[i][1]);
	}
	memset(long_text, 'S', sizeof(long_text));
	long_text[STR_SID_MAX] = '\0';
	str_sid(long_text, out);
	CU_ASSERT_STRING_EQUAL(out, "(no SID)");
	str_sid(long_text + 1, out);
	CU_ASSERT_STRING_EQUAL(out, long_text + 1);
}

static void
test_uuid(void)
{
	char a[STR_UUID_MAX], b[STR_UUID_MAX];

	CU_ASSERT_EQUAL(str_uuid(a), ST_OK);
	CU_ASSERT_EQUAL(str_uuid(b), ST_OK);
	CU_ASSERT_EQUAL(strlen(a), 36);
	CU_ASSERT_EQUAL(a[14], '4');
	CU_ASSERT(strchr("89ab", a[19]) != NULL);
	CU_ASSERT_STRING_NOT_EQUAL(a, b);
}

static void
test_clock(void)
{
	char out[CLOCK_ISO_MAX];

	clock_iso(1795287000123456, out);
	CU_ASSERT_STRING_EQUAL(out, "2026-11-21T18:50:00.123456");
	clock_iso(0, out);
	CU_ASSERT_STRING_EQUAL(out, "1970-01-01T00:00:00.000000");
	clock_iso(-1, out);
	CU_ASSERT_STRING_EQUAL(out, "1969-12-31T23:59:59.999999");
	clock_iso(INT64_C(951782400000000), out);
	CU_ASSERT_STRING_EQUAL(out, "2000-02-29T00:00:00.000000");
	clock_iso(INT64_C(4107542399999999), out);
	CU_ASSERT_STRING_EQUAL(out, "2100-02-28T23:59:59.999999");
	clock_iso(INT64_C(4107542400000000), out);
	CU_ASSERT_STRING_EQUAL(out, "2100-03-01T00:00:00.000000");
	clock_iso(INT64_MAX, out);
	CU_ASSERT_EQUAL(strlen(out), CLOCK_ISO_MAX - 1);
	clock_iso(INT64_MIN, out);
	CU_ASSERT_EQUAL(strlen(out), CLOCK_ISO_MAX - 1);
	CU_ASSERT(clock_us() > 1700000000000000);
	CU_ASSERT(clock_mono_us() <= clock_mono_us());
}

/* What a log file has after one event of each level, read back. */
static void
log_lines(enum log_format format, char *out, size_t max)
{
	char path[256];
	struct log *log = NULL;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/log-%d", test_tmpdir(), format);
	CU_ASSERT_EQUAL(log_open(&log, path, format, LOG_LEVEL_INFO), ST_OK);
	log_debug(log, "below the level");
	log_info(log, "routed",
	    LOG_STR("queue",
		"a \"b\"\n\x9b"
		"\xc2\x9b\u202e"),
	    LOG_STR("absent", NULL), LOG_INT("status", 200),
	    LOG_ADDR("from", "whatsapp:+14155550100"));
	log_error(log, "bare");
	log_close(log);
	f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	n = fread(out, 1, max - 1, f);
	out[n] = '\0';
	fclose(f);
}

static void
test_log(void)
{
	char text[2048];
	struct log *log;

	log_lines(LOG_FORMAT_TEXT, text, sizeof(text));
	CU_ASSERT_PTR_NULL(strstr(text, "below"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text,
	    "Z info routed queue=\"a \\\"b\\\"\\u000a\ufffd\\u009b\\u202e\" "
	    "status=200 "
	    "from=whatsapp:+*********00\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "Z error bare\n"));
	log_lines(LOG_FORMAT_JSON, text, sizeof(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(text,
	    "\"level\":\"info\",\"message\":\"routed\","
	    "\"queue\":\"a "
	    "\\\"b\\\"\\u000a\ufffd\\u009b\\u202e\",\"status\":200,"
	    "\"from\":\"whatsapp:+*********00\"}\n"));
	CU_ASSERT_EQUAL(
	    log_open(&log, "/nonexistent/log", LOG_FORMAT_TEXT, LOG_LEVEL_INFO),
	    ST_IO);
	CU_ASSERT_PTR_NULL(log);
	log_info(NULL, "goes nowhere");
}

static off_t
size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

static void
test_log_reopen(void)
{
	char path[512], old[520];
	struct log *log;
	off_t before;

	snprintf(path, sizeof(path), "%s/reopened", test_tmpdir());
	snprintf(old, sizeof(old), "%s.1", path);
	CU_ASSERT_EQUAL_FATAL(
	    log_open(&log, path, LOG_FORMAT_TEXT, LOG_LEVEL_INFO), ST_OK);
	log_info(log, "first");
	CU_ASSERT_EQUAL_FATAL(rename(path, old), 0);
	log_info(log, "second");
	CU_ASSERT_EQUAL(log_reopen(log), ST_OK);
	before = size_of(old);
	log_info(log, "third");
	CU_ASSERT_EQUAL(size_of(old), before);
	CU_ASSERT(size_of(path) > 0);
	/* Where the file cannot be made the old one goes on. */
	unlink(path);
	CU_ASSERT_EQUAL_FATAL(mkdir(path, 0700), 0);
	CU_ASSERT_EQUAL(log_reopen(log), ST_IO);
	log_info(log, "fourth");
	rmdir(path);
	log_close(log);
	CU_ASSERT_EQUAL(log_reopen(NULL), ST_OK);
	log_open(&log, "stderr", LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	CU_ASSERT_EQUAL(log_reopen(log), ST_OK);
	log_close(log);
}

/* What a full disk leaves of a line, byte by byte more of it each time; then
 * there is room again. An event before and one after are whole lines. */
static void
check_cut(enum log_format format, rlim_t room, bool reopened)
{
	struct rlimit usual, tight;
	char path[512], text[2048], *line, *rest = text;
	size_t at = format == LOG_FORMAT_JSON ? strlen("{\"time\":\"") : 0;
	size_t whole = 0, n;
	struct log *log;
	FILE *f;

	snprintf(path, sizeof(path), "%s/cut", test_tmpdir());
	unlink(path);
	CU_ASSERT_EQUAL_FATAL(
	    log_open(&log, path, format, LOG_LEVEL_INFO), ST_OK);
	log_info(log, "before");
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &usual), 0);
	tight = usual;
	tight.rlim_cur = (rlim_t)size_of(path) + room;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &tight), 0);
	log_info(log, "cut", LOG_STR("name", "J\303\266rg"));
	log_info(log, "lost");
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &usual), 0);
	CU_ASSERT_EQUAL(size_of(path), (off_t)tight.rlim_cur);
	if (reopened) { /* by the process after this one */
		log_close(log);
		CU_ASSERT_EQUAL_FATAL(
		    log_open(&log, path, format, LOG_LEVEL_INFO), ST_OK);
	}
	log_info(log, "after");
	log_info(log, "after");
	log_close(log);
	f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	CU_ASSERT_PTR_NULL(strstr(text, "\n\n"));
	while ((line = strsep(&rest, "\n")) != NULL)
		whole += strlen(line) > at + CLOCK_ISO_MAX &&
		    fnmatch(format == LOG_FORMAT_JSON
			    ? "Z\",*,\"message\":\"[ab]*\"}"
			    : "Z info [ab]*",
			line + at + CLOCK_ISO_MAX - 1, 0) == 0;
	CU_ASSERT_EQUAL(whole, 3);
}

/* Another process is interrupted within its line: no empty line comes in. */
static void
test_log_within_line(void)
{
	const struct timespec between = { .tv_nsec = 10000000 };
	char path[512], text[2048];
	struct log *log;
	size_t n;
	pid_t pid;
	FILE *f;
	int fd, status;

	snprintf(path, sizeof(path), "%s/within", test_tmpdir());
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, "first half,", 11), 11);
	pid = fork();
	if (pid == 0) {
		nanosleep(&between, NULL);
		_exit(write(fd, "second\n", 7) != 7);
	}
	CU_ASSERT_EQUAL_FATAL(
	    log_open(&log, path, LOG_FORMAT_JSON, LOG_LEVEL_INFO), ST_OK);
	log_info(log, "after");
	log_close(log);
	close(fd);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	CU_ASSERT_PTR_NULL(strstr(text, "\n\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "half,second\n{\"time\":\""));
}

static void
test_log_cut(void)
{
	rlim_t room;

	signal(SIGXFSZ, SIG_IGN);
	for (room = 0; room < 40; room++) {
		check_cut(LOG_FORMAT_TEXT, room, room % 2 == 0);
		check_cut(LOG_FORMAT_JSON, room, room % 2 == 1);
	}
	signal(SIGXFSZ, SIG_DFL);
}

static void
test_quit(void)
{
	struct quit quit = { 0 };
	int64_t now = clock_mono_us();

	CU_ASSERT(!quit_due(NULL));
	CU_ASSERT(!quit_due(&quit));
	CU_ASSERT(quit_sleep(&quit, 20000));
	CU_ASSERT(clock_mono_us() - now >= 20000);
	/* In a while, and the sleeper wakes. */
	now = clock_mono_us();
	quit_set(&quit, now + 100000);
	CU_ASSERT(!quit_due(&quit));
	CU_ASSERT(!quit_sleep(&quit, 10000000));
	CU_ASSERT(clock_mono_us() - now >= 100000);
	CU_ASSERT(clock_mono_us() - now < 5000000);
	CU_ASSERT(!quit_sleep(&quit, 0));
}

static void
test_backoff(void)
{
	int64_t least = INT64_MAX, most = 0, us;
	int i;

	CU_ASSERT_EQUAL(backoff_delay(10, 0, 300, 0), 10);
	CU_ASSERT_EQUAL(backoff_delay(10, 3, 300, 0), 80);
	CU_ASSERT_EQUAL(backoff_delay(10, 5, 300, 0), 300);
	CU_ASSERT_EQUAL(backoff_delay(10, INT64_MAX, 300, 0), 300);
	CU_ASSERT_EQUAL(backoff_delay(3, 99, INT64_MAX, 0), INT64_MAX);
	CU_ASSERT_EQUAL(backoff_delay(10, -1, 5, 0), 5);
	CU_ASSERT_EQUAL(backoff_delay(0, 99, 300, 50), 0);
	CU_ASSERT_EQUAL(backoff_delay(1, 0, 300, 50), 1);
	for (i = 0; i < 10000; i++) {
		us = backoff_delay(1000, 2, 60000, 50);
		least = us < least ? us : least;
		most = us > most ? us : most;
	}
	CU_ASSERT(least >= 2000 && least < 2100);
	CU_ASSERT(most < 4000 && most > 3900);
}

static void
test_is_sid(void)
{
#define HEX "0123456789abcdefABCDEF0123456789"
	CU_ASSERT_TRUE(str_is_sid("CA" HEX, "CA"));
	CU_ASSERT_FALSE(str_is_sid("ca" HEX, "CA"));
	CU_ASSERT_FALSE(str_is_sid("CA" HEX "0", "CA"));
	CU_ASSERT_FALSE(str_is_sid("CAg123456789abcdefABCDEF0123456789", "CA"));
	CU_ASSERT_FALSE(str_is_sid("CA" HEX, "SM"));
	CU_ASSERT_FALSE(str_is_sid("CA", "CA"));
	CU_ASSERT_FALSE(str_is_sid("", "CA"));
	CU_ASSERT_FALSE(str_is_sid(NULL, "CA"));
	CU_ASSERT_TRUE(str_is_message_sid("SM" HEX));
	CU_ASSERT_TRUE(str_is_message_sid("MM" HEX));
	CU_ASSERT_TRUE(str_is_message_sid("IM" HEX));
	CU_ASSERT_FALSE(str_is_message_sid("CA" HEX));
	CU_ASSERT_FALSE(str_is_message_sid("M" HEX));
}

int
main(void)
{
	static const struct test tests[] = {
		{ "buf grows", test_buf_grows },
		{ "buf error is sticky", test_buf_error_is_sticky },
		{ "buf_printf in any room", test_buf_printf_room },
		{ "kv", test_kv },
		{ "u64", test_u64 },
		{ "mask", test_mask },
		{ "SID", test_sid },
		{ "the form of a SID", test_is_sid },
		{ "uuid", test_uuid },
		{ "clock", test_clock },
		{ "back-off", test_backoff },
		{ "quit", test_quit },
		{ "log", test_log },
		{ "log reopened", test_log_reopen },
		{ "log cut by a full disk", test_log_cut },
		{ "log within another's line", test_log_within_line },
	};

	return test_main("base", tests, TEST_COUNT(tests));
}
