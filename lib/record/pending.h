/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_PENDING_H
#define TN_RECORD_PENDING_H

/* The last recorded process has ended: is somebody on the way who has not introduced itself yet? A child that
 * was just forked, or an image that is being loaded, is known to nobody but the kernel. */

#include "session_dir.h"

#include <stdbool.h>

/* Whether there is a young process (started within the last second) of this user that preloads the shim and
 * is not known to any recorder.
 *
 * socket_path  it must name this session (TENURE_SESSION); NULL: it must not name any
 * Cost         a few reads for each young process of the machine */
bool tn_pending_process_exists(const struct tn_session_dir *directory, const char *socket_path);

#endif
