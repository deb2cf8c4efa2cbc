/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_CONTROL_H
#define TN_RECORD_CONTROL_H

/* The control ring of a process: stacks, modules, marks; read before the threads' rings, to its end. */

#include "process.h"

/* Read and apply everything up to the ring's head. A ring that makes no sense is not read any more, and no
 * error.
 *
 * Returns  0; negative errno: the writer's error, or -ENOMEM */
int tn_control_read(struct tn_process *process);

#endif
