/* This process, as others see it. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

/*
 * No core file of this process, and nobody but root who looks into its memory
 * or environment: there are secrets in both. Not in builds with a sanitizer,
 * which looks into it itself.
 */
void process_hide(void);

#endif
