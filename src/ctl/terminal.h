/*
 * Standard output and standard error as they may be a terminal: what senders,
 * files and servers wrote is in nearly everything that is printed, and a
 * terminal obeys some of it. Line ends and tabs pass; any other control
 * (utf8_is_control) becomes \u009b, which is right within JSON too; bytes that
 * are no UTF-8 become U+FFFD.
 */
#ifndef CTL_TERMINAL_H
#define CTL_TERMINAL_H

#include <stdio.h>

/* A stream to the descriptor, buffered as stdout or stderr is; NULL without
 * memory. fclose leaves the descriptor open. */
FILE *terminal_open(int fd);

#endif
