/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_CONTROL_RING_H
#define TENURE_SHIM_CONTROL_RING_H

/* The ring that all threads share, for stacks, modules and marks. Written under tn_control_lock, which also
 * guards what these events are about: the tables of stacks, rules and modules. */

#include "sys.h"

#include <stdint.h>

extern struct tn_lock tn_control_lock;

/* Begin an event in the control ring, waiting while it is full. Under the control lock.
 *
 * need_words     2 .. TN_EVENT_WORDS_MAX
 * ret_pad_words  to be added to the words that tn_control_end publishes
 * Returns        where its words go, the stamp written; NULL when recording has been stopped */
uint64_t *tn_control_begin(uint32_t need_words, uint32_t *ret_pad_words);

/* Publish it. used_words: its length and its pad_words. */
void tn_control_end(uint32_t used_words);

#endif
