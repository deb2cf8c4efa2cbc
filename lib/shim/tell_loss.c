/* SPDX-License-Identifier: MIT */

/* Looks for the recorder as one that wants to be recorded does, and says that it cannot. The loader has just
 * opened libraries, so an image has a descriptor to do that with. Called by start.c. */

#include "tell_loss.h"

#include "environment.h"
#include "find_recorder.h"
#include "hello.h"
#include "shim_process.h"
#include "sys.h"

#include "banned.h"

static int connect_to(enum tn_hello_reason reason)
{
    bool is_told;
    if (reason == TN_HELLO_FORK)
        return tn_hello_connect(tn_shim_process.socket_path);
    const char *session = tn_environment_get("TENURE_SESSION");
    return session != NULL ? tn_find_recorder_at(session, &is_told) : tn_find_recorder(&is_told);
}

bool tn_tell_loss(enum tn_hello_reason reason, enum tn_child_loss loss)
{
    int fd = connect_to(reason);
    if (fd < 0)
        return false;
    bool is_sent = tn_hello_tell_loss(fd, reason, loss);
    tn_sys1(SYS_close, fd);
    return is_sent;
}
