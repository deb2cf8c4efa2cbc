/* SPDX-License-Identifier: MIT */
#ifndef TENURE_MARK_H
#define TENURE_MARK_H

/* For programs that are recorded: marks a moment, so that a log can be read phase by phase.
 *
 * The declaration is weak: a program that uses it links no library, and tests before it calls:
 *
 *     if (tenure_mark)
 *         tenure_mark("initialisation done"); */

#ifdef __cplusplus
extern "C" {
#endif

/* Write a mark with this text and the time into the recording.
 *
 * text     up to 1,024 bytes are kept
 * Threads  any
 * Cost     under a microsecond; nothing when the process is not recorded */
extern void tenure_mark(const char *text) __attribute__((weak));

#ifdef __cplusplus
}
#endif

#endif
