/*
 * The log: one line an event, JSON or text, to stderr, syslog or a file.
 * What a caller wrote never gets here: numbers go through LOG_ADDR, which
 * masks them, SIDs through LOG_SID, which drops what is not one, and message
 * bodies, digits and tokens are not logged at all.
 *
 *	log_info(log, "routed", LOG_STR("queue", "ai"), LOG_ADDR("from", tel));
 *
 * A log that cannot be written (full disk) loses lines, never a request, and
 * of those that follow none.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR
};
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

enum log_kind {
	LOG_KIND_END,
	LOG_KIND_STR,
	LOG_KIND_INT,
	LOG_KIND_ADDR,
	LOG_KIND_SID
};

struct log_field {
	enum log_kind kind;
	const char *key;
	const char *str; /* NULL: the field is left out */
	int64_t num;
};

#define LOG_STR(key, s) \
	{ \
		LOG_KIND_STR, (key), (s), 0 \
	}
#define LOG_INT(key, n) \
	{ \
		LOG_KIND_INT, (key), "", (int64_t)(n) \
	}
#define LOG_ADDR(key, s) \
	{ \
		LOG_KIND_ADDR, (key), (s), 0 \
	}
#define LOG_SID(key, s) \
	{ \
		LOG_KIND_SID, (key), (s), 0 \
	}

struct log;

/*
 * target: "stderr", "syslog", or a file's path (made 0640, appended to).
 * ST_OK, ST_NOMEM, or ST_IO with errno kept. Safe from several threads.
 */
enum status log_open(
    struct log **, const char *target, enum log_format, enum log_level);
void log_close(struct log *);

/*
 * Reopen a file that was renamed meanwhile; other targets need nothing.
 * ST_OK, or ST_IO: the old one stays in use. Safe while other threads log.
 */
enum status log_reopen(struct log *);

/* A NULL log takes everything and writes nothing. */
void log_event(struct log *, enum log_level, const char *message,
    const struct log_field *fields);

#define LOG_FIELDS(...) \
	((const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })
#define log_debug(log, msg, ...) \
	log_event(log, LOG_LEVEL_DEBUG, msg, LOG_FIELDS(__VA_ARGS__))
#define log_info(log, msg, ...) \
	log_event(log, LOG_LEVEL_INFO, msg, LOG_FIELDS(__VA_ARGS__))
#define log_warn(log, msg, ...) \
	log_event(log, LOG_LEVEL_WARN, msg, LOG_FIELDS(__VA_ARGS__))
#define log_error(log, msg, ...) \
	log_event(log, LOG_LEVEL_ERROR, msg, LOG_FIELDS(__VA_ARGS__))

#endif
