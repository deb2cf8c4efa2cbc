/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_PAUSE_H
#define TN_RECORD_PAUSE_H

/* Pauses of a recording: of all its processes at once. What they leave out is in ring.h. One thread. */

#include "recording.h"

#include <stdbool.h>
#include <stdint.h>

/* Pause the recording before its first process, if the options say so. */
void tn_pause_begin(struct tn_recording *recording);

/* Pause the recording, or let it go on; nothing happens where it does so already.
 *
 * Returns  0, or the writer's error */
int tn_pause_set(struct tn_recording *recording, bool is_paused);

/* End the first pause when its time has come or a process has written its mark. Once a round.
 *
 * Returns  0, or the writer's error */
int tn_pause_look(struct tn_recording *recording);

/* Time of the log that was spent in pauses until now, or until its end, ns. */
uint64_t tn_pause_total_ns(const struct tn_recording *recording);

#endif
