/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_FILTER_H
#define TENURE_SHIM_FILTER_H

/* Filters of system calls (seccomp): what they permit, without being killed by them. */

#include <stdbool.h>

/* Whether this image may make the system calls that it takes to start recording. At the start, before
 * anything else. False: tn_is_filtered is set. Cost: a read of /proc/self/status; under a filter, a copy of
 * the process. */
bool tn_filter_permits(void);

/* The same for a fork child of a process that may have set a filter (tn_is_filtered); one that is known to
 * have set one is not permitted to try. */
bool tn_filter_permits_child(void);

/* Note that the calling thread is about to set a filter, or (is_certain false) to forbid itself new
 * privileges, which programs do right before it, often by a call that does not pass through libc's prctl. */
void tn_filter_note(bool is_certain);

#endif
