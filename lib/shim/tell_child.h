/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_TELL_CHILD_H
#define TENURE_SHIM_TELL_CHILD_H

/* Tells the recorder of children that share this process's memory until they execute an image, so that one
 * which then says no hello is counted (CHILD, event.h). A fork child needs no such word: it says hello
 * itself. Async-signal-safe. */

#include <stdbool.h>
#include <stdint.h>

/* The start of a child, as tn_child_begin found it. */
struct tn_child_start {
    bool is_told;         /* whether anything is to be said of it */
    uint64_t since_ticks; /* before the child was started, or before the child executes */
};

/* Begin: make sure that the real functions are known, and note the time. Nothing is to be said where this
 * process, or the one whose memory it shares, is not recorded, does without its children, or has filters of
 * system calls.
 *
 * Returns  the start, for tn_child_tell */
struct tn_child_start tn_child_begin(void);

/* Say that a child executes an image.
 *
 * pid            of the child; 0: not known
 * path           of the image; its name is told
 * is_taken_back  it does not, although it was told before
 * Cost           an event in the control ring; nothing if nothing is to be said */
void tn_child_tell(const struct tn_child_start *start, uint32_t pid, const char *path, bool is_taken_back);

/* Count a thread or a process that this one was refused for want of room (EAGAIN). */
void tn_child_note_refused(void);

#endif
