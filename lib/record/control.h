/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_CONTROL_H
#define TN_RECORD_CONTROL_H

/* Reads the control ring of a process: stacks, modules, marks. It is read to its end before the threads'
 * rings. */

#include "process_state.h"

/* Read and apply everything up to the ring's head. A malformed ring is not an error: it is counted as damaged
 * and never read again.
 *
 * Returns  0; negative errno: the writer's error, or -ENOMEM */
int tn_control_read(struct tn_process *process);

#endif
