/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_THREAD_ID_H
#define TENURE_SHIM_THREAD_ID_H

/* The kernel's id of the calling thread without a system call. */

#include <stdint.h>

/* Find out whether libc can be asked. Once a process, where any system call is allowed. */
void tn_thread_id_prepare(void);

/* The id as libc knows it: in a vfork child that of the thread that called vfork; after a raw clone of the
 * process that of the thread it copies. Any thread. Cost: some ten nanoseconds; a system call where libc
 * cannot be asked. */
uint32_t tn_thread_id(void);

#endif
