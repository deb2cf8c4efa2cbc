/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_PENDING_H
#define TN_RECORD_PENDING_H

/* Finds processes that will connect but have not yet: a child that was just forked, or an image that is being
 * loaded, is known to the kernel only. Asked before a log is closed. One thread. */

#include "session_dir.h"

#include <stdbool.h>

/* Whether a young process (started within the last second) of this user preloads the shim and is not known to
 * any recorder.
 *
 * socket_path  value of TENURE_SESSION that it must have; NULL: it must have none
 * Cost         a few reads for each process of the machine */
bool tn_pending_process_exists(const struct tn_session_dir *directory, const char *socket_path);

#endif
