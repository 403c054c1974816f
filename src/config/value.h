/* The values of options as they are written, and back. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

struct option;

/*
 * A NUMBER, SIZE or CHOICE (its place among the choices) from text: decimal
 * digits, for a size with K or M behind them (1024, 1024*1024), in the
 * option's bounds. ST_OK; otherwise *out is as it was, and *why says what is
 * wrong and what to write.
 */
enum status value_parse(
    const struct option *, const char *text, int64_t *out, struct buf *why);

/* True if a text has a control character in it, a tab excepted. */
bool value_has_control(const char *text);

/* Of a value that is kept elsewhere: take one LF or CRLF off its end. False:
 * it has a NUL in it. */
bool value_trim(struct buf *);

/* As it would be written: "100K", "enforce". */
void value_print(const struct option *, int64_t value, struct buf *out);

/* Words for what the option takes: "a number from 0 to 900". */
void value_describe(const struct option *, struct buf *out);

#endif
