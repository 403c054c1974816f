/*
 * GET /console and /console/{file}: a page of static files, which uses the API
 * with a token that its user enters, and is open itself.
 */
#ifndef WATCH_CONSOLE_H
#define WATCH_CONSOLE_H

#include "base/status.h"

struct config;
struct console;
struct exchange;

/*
 * Read the files of the page into memory, those of a type that it has. None are
 * there where config_find_console finds no folder, or it cannot be read. ST_OK
 * or ST_NOMEM.
 */
enum status console_open(struct console **, const struct config *);
void console_close(struct console *); /* NULL is allowed */

void handle_console(struct exchange *);
void handle_console_file(struct exchange *);

#endif
