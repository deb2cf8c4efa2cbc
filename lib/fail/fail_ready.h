/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FAIL_READY_H
#define TENURE_FAIL_READY_H

/* When a server is ready to be driven. */

#include "fail_run_files.h"

#include <sys/types.h>

/* Wait until the server is ready.
 *
 * ready     "port:N", "line:TEXT" or "time:SECONDS", checked by tn_fail_ready_is_valid
 * until_ns  of tn_fail_now_ns
 * Returns   false: it ended before, or the time is over */
bool tn_fail_wait_ready(const char *ready, const struct tn_fail_run_files *files, pid_t pid,
                        uint64_t until_ns);

#endif
