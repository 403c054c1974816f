/* Watches what is freed for a secret that should have been wiped. */
#ifndef T_AWS_WIPE_H
#define T_AWS_WIPE_H

#include <stdbool.h>
#include <stddef.h>

/* False where free cannot be watched (a sanitizer's builds). */
bool wipe_can(void);

/* Count blocks that are freed with a then b in them, until wipe_end. In two
 * pieces, so that the watcher itself has it nowhere. */
void wipe_begin(const char *a, const char *b);
size_t wipe_end(void);

#endif
