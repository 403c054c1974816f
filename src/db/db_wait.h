/* A word that one thread waits on and another changes (a futex). */
#ifndef DB_WAIT_H
#define DB_WAIT_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * Sleep while *word is value, until until_us (clock_mono_us) at most;
 * INT64_MAX is no end. May return early: look again.
 */
void db_wait(_Atomic uint32_t *word, uint32_t value, int64_t until_us);

/* Wake who waits on word. The word itself is not touched: its thread may have
 * seen the change already and be gone with it. */
void db_wake(_Atomic uint32_t *word);

#endif
