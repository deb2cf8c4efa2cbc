/* SPDX-License-Identifier: MIT */
#ifndef TENURE_INPUT_WAIT_H
#define TENURE_INPUT_WAIT_H

/* Waits for input on a terminal so that no Ctrl-C is missed: one that comes between the prompt and the wait
 * must end the wait, too. For the line editors; one thread. */

#include <signal.h>
#include <stdbool.h>

/* Hold Ctrl-C back, before the prompt is shown.
 *
 * ret_before  for the other two functions */
void tn_input_hold(sigset_t *ret_before);

/* Wait until stdin can be read. Ctrl-C, also one that was held back, is let through meanwhile.
 *
 * before           as tn_input_hold gave it
 * was_interrupted  whether a signal was Ctrl-C: others, as of a window that changes its size, end no wait
 * Returns          1 there is input, or its end; -EINTR: Ctrl-C; another negative errno */
int tn_input_wait(const sigset_t *before, bool (*was_interrupted)(void));

/* Let Ctrl-C through again. before: as tn_input_hold gave it. */
void tn_input_release(const sigset_t *before);

#endif
