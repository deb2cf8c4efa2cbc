/* SPDX-License-Identifier: MIT */
/* ppoll, which unblocks a signal and waits in one step; see input_wait.h. Called by the line editors. */
#include "input_wait.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <unistd.h>

void tn_input_hold(sigset_t *ret_before)
{
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigprocmask(SIG_BLOCK, &held, ret_before);
}

int tn_input_wait(const sigset_t *before, bool (*was_interrupted)(void))
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    for (;;) {
        if (ppoll(&input, 1, NULL, before) > 0)
            return 1;
        if (errno != EINTR || was_interrupted())
            return -errno;
    }
}

void tn_input_release(const sigset_t *before)
{
    sigprocmask(SIG_SETMASK, before, NULL);
}
