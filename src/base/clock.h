/* Time: the wall clock for what is stored, the monotonic one for spans. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Microseconds since 1970-01-01 UTC. */
int64_t clock_us(void);

/* Microseconds of a clock that never jumps; only differences mean anything. */
int64_t clock_mono_us(void);

/* The same, and it goes on while the machine sleeps. */
int64_t clock_boot_us(void);

/* Whole seconds since then: never negative, and 0 if then is 0 (never). */
int64_t clock_age_s(int64_t then_us);

/* Days since 1970-01-01 as a day of the Gregorian calendar. */
void clock_day(int64_t days, int *year, int *month, int *day);

/* "2026-11-21T18:50:00.123456": UTC without a zone, microseconds. */
#define CLOCK_ISO_MAX 27
void clock_iso(int64_t us, char out[static CLOCK_ISO_MAX]);

#endif
