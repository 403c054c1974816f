#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/utf8.h"

/* syslog.h has a LOG_INFO and so on of its own; ours are LOG_LEVEL_… */

#define LINE_USUAL 500 /* bytes: most lines are shorter */
#define CUT_WAIT_MS 50 /* for a line that another process may be writing */

struct log {
	enum log_format format;
	enum log_level level;
	int fd; /* -1: syslog */
	char *path; /* of a file that was opened here, else NULL */
	_Atomic bool doubt; /* the last line in it may be cut short */
	_Atomic off_t cut_at; /* the size at which it was found to be */
};

static const char *
level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_DEBUG:
		return "debug";
	case LOG_LEVEL_INFO:
		return "info";
	case LOG_LEVEL_WARN:
		return "warn";
	case LOG_LEVEL_ERROR:
		return "error";
	}
	return "error";
}

static int
level_syslog(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_DEBUG:
		return LOG_DEBUG;
	case LOG_LEVEL_INFO:
		return LOG_INFO;
	case LOG_LEVEL_WARN:
		return LOG_WARNING;
	case LOG_LEVEL_ERROR:
		return LOG_ERR;
	}
	return LOG_ERR;
}

static int
open_file(const char *path)
{
	return open(
	    path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

enum status
log_open(struct log **out, const char *target, enum log_format format,
    enum log_level level)
{
	struct log *log;

	*out = NULL;
	if ((log = calloc(1, sizeof(*log))) == NULL)
		return ST_NOMEM;
	log->format = format;
	log->level = level;
	log->doubt = true; /* by a process before this one */
	if (str_eq(target, "stderr")) {
		log->fd = STDERR_FILENO;
	} else if (str_eq(target, "syslog")) {
		log->fd = -1;
		openlog("switchhook", LOG_PID, LOG_DAEMON);
	} else if ((log->path = strdup(target)) == NULL) {
		free(log);
		return ST_NOMEM;
	} else if ((log->fd = open_file(target)) < 0) {
		free(log->path);
		free(log);
		return ST_IO;
	}
	*out = log;
	return ST_OK;
}

enum status
log_reopen(struct log *log)
{
	enum status st = ST_IO;
	int fd;

	if (log == NULL || log->path == NULL)
		return ST_OK;
	if ((fd = open_file(log->path)) < 0)
		return ST_IO;
	/* In one step, so that no line of another thread finds nothing. */
	if (dup3(fd, log->fd, O_CLOEXEC) == log->fd)
		st = ST_OK;
	log->doubt = true;
	log->cut_at = 0;
	close(fd);
	return st;
}

void
log_close(struct log *log)
{
	if (log == NULL)
		return;
	if (log->path != NULL)
		close(log->fd);
	free(log->path);
	free(log);
}

/* A quoted string, as JSON has it: always UTF-8, controls escaped. */
static void
put_quoted(struct buf *b, const char *s)
{
	size_t left = strlen(s), step;
	uint32_t code;
	bool valid;

	buf_putc(b, '"');
	for (; left > 0; s += step, left -= step) {
		step = utf8_step(s, left, &valid);
		code = valid ? utf8_code(s, step) : 0;
		if (!valid)
			buf_puts(b, UTF8_REPLACEMENT);
		else if (utf8_is_control(code))
			buf_printf(b, "\\u%04x", (unsigned)code);
		else if (*s == '"' || *s == '\\')
			buf_printf(b, "\\%c", *s);
		else
			buf_put(b, s, step);
	}
	buf_putc(b, '"');
}

static bool
is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("_-.:/+*@%{}", c) != NULL);
}

/* Text stays bare where that reads without doubt. */
static void
put_text(struct buf *b, const char *s)
{
	size_t n = 0;

	while (is_bare(s[n]))
		n++;
	if (n > 0 && s[n] == '\0')
		buf_put(b, s, n);
	else
		put_quoted(b, s);
}

static void
put_key(struct buf *b, enum log_format format, const char *key)
{
	buf_puts(b, format == LOG_FORMAT_JSON ? ",\"" : " ");
	buf_puts(b, key);
	buf_puts(b, format == LOG_FORMAT_JSON ? "\":" : "=");
}

static void
put_field(struct buf *b, enum log_format format, const struct log_field *f)
{
	char masked[STR_MASK_MAX > STR_SID_MAX ? STR_MASK_MAX : STR_SID_MAX];
	const char *s = f->str;

	if (s == NULL)
		return;
	put_key(b, format, f->key);
	if (f->kind == LOG_KIND_INT) {
		buf_printf(b, "%lld", (long long)f->num);
		return;
	}
	if (f->kind == LOG_KIND_ADDR) {
		str_mask(s, masked);
		s = masked;
	} else if (f->kind == LOG_KIND_SID) {
		str_sid(s, masked);
		s = masked;
	}
	if (format == LOG_FORMAT_JSON)
		put_quoted(b, s);
	else
		put_text(b, s);
}

static void
put_head(struct buf *b, const struct log *log, enum log_level level,
    const char *message)
{
	char time[CLOCK_ISO_MAX];

	clock_iso(clock_us(), time);
	if (log->format == LOG_FORMAT_JSON) {
		buf_puts(b, "{\"time\":\"");
		buf_puts(b, time);
		buf_puts(b, "Z\",\"level\":\"");
		buf_puts(b, level_name(level));
		buf_puts(b, "\",\"message\":");
		put_quoted(b, message);
	} else if (log->fd < 0) { /* syslog has its own time and level */
		buf_puts(b, message);
	} else {
		buf_puts(b, time);
		buf_puts(b, "Z ");
		buf_puts(b, level_name(level));
		buf_putc(b, ' ');
		buf_puts(b, message);
	}
}

/* The size of the file, if it ends within a line, else 0. */
static off_t
log_cut_at(const struct log *log)
{
	char name[40], last = '\n';
	struct stat st;
	int fd;

	/* It is open for writing only. */
	if (fstat(log->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
		return 0;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", log->fd);
	if ((fd = open(name, O_RDONLY | O_CLOEXEC)) < 0)
		return 0;
	if (pread(fd, &last, 1, st.st_size - 1) != 1)
		last = '\n';
	close(fd);
	return last == '\n' ? 0 : st.st_size;
}

/*
 * A line that another process is just writing goes on as soon as that process
 * gets the processor again: its write can be interrupted between two pages.
 */
static bool
log_is_cut(struct log *log)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	off_t at = log_cut_at(log);

	if (at == 0)
		return false;
	for (int i = 0; i < CUT_WAIT_MS && at != log->cut_at; i++) {
		nanosleep(&moment, NULL);
		if (log_cut_at(log) != at)
			return false;
	}
	log->cut_at = at;
	return true;
}

/*
 * One write a line, so that lines of several processes do not mix. What a full
 * disk has cut short stays as it is, and the next line begins on its own.
 */
static void
write_line(struct log *log, enum log_level level, const struct buf *line)
{
	const char *data = line->data; /* begins with a newline to spare */
	size_t len = line->len;
	ssize_t n;

	if (log->fd < 0) {
		syslog(level_syslog(level), "%s", data);
		return;
	}
	if (!log->doubt || !log_is_cut(log)) {
		data++;
		len--;
	}
	do
		n = write(log->fd, data, len);
	while (n < 0 && errno == EINTR);
	log->doubt = n != (ssize_t)len;
}

void
log_event(struct log *log, enum log_level level, const char *message,
    const struct log_field *fields)
{
	struct buf line = BUF_INIT;
	const struct log_field *f;
	int saved = errno;

	if (log == NULL || level < log->level)
		return;
	buf_reserve(&line, LINE_USUAL);
	if (log->fd >= 0)
		buf_putc(&line, '\n'); /* see write_line */
	put_head(&line, log, level, message);
	for (f = fields; f->kind != LOG_KIND_END; f++)
		put_field(&line, log->format, f);
	if (log->format == LOG_FORMAT_JSON)
		buf_putc(&line, '}');
	if (log->fd >= 0)
		buf_putc(&line, '\n');
	if (line.err == ST_OK)
		write_line(log, level, &line);
	buf_release(&line);
	errno = saved;
}
