/* SPDX-License-Identifier: MIT */

/* Opens a session: makes the shared memory, connects to a recorder (session.h says in which order it is
 * looked for) or starts one, and shakes hands. Invariant: after a failure nothing is left open or mapped.
 * Called by start.c, in the first process and in each fork child. */

#include "shim_session.h"

#include "environment.h"
#include "find_recorder.h"
#include "hello.h"
#include "offer.h"
#include "shared_parts.h"
#include "sys.h"

#include <errno.h>
#include <string.h>

#include "banned.h"

/* Names what people can correct: the variable that was set, or the default. */
static const char *no_recorder(void)
{
    return tn_environment_get("TENURE_RECORDER") != NULL
               ? "the recorder that TENURE_RECORDER names cannot be started"
               : "the recorder that belongs to libtenure.so cannot be started";
}

static const char *no_log(void)
{
    return tn_environment_get("TENURE_LOG") != NULL ? "the log that TENURE_LOG names cannot be written"
                                                    : "no log can be written in the working directory";
}

/* Connect to a recorder, or start one.
 *
 * ret_is_found  whether the recorder was there before */
static int open_socket(enum tn_hello_reason reason, struct tn_join_failure *ret_failure, bool *ret_is_found)
{
    const char *session = tn_environment_get("TENURE_SESSION");
    *ret_is_found = true;
    ret_failure->what = "the recorder of its session has died";
    if (reason == TN_HELLO_FORK)
        return tn_hello_connect(tn_shim_process.socket_path);
    if (session != NULL) {
        ret_failure->what = "the recorder that TENURE_SESSION names";
        return tn_find_recorder_at(session, &ret_failure->is_told);
    }
    int fd = tn_find_recorder(&ret_failure->is_told);
    if (fd >= 0 || fd == -ECONNREFUSED)
        return fd;
    *ret_is_found = false;
    ret_failure->what = no_recorder();
    return tn_launch_recorder();
}

/* What the recorder says of itself. */
static char recorder_text[TN_WELCOME_TEXT_BYTES];

/* From a recorder's answer to tn_session_open's result. */
static int judge(const struct tn_welcome *welcome, const char **ret_what)
{
    switch (welcome->status) {
    case TN_WELCOME_OK:
        return 0;
    case TN_WELCOME_IGNORED:
        return 1;
    case TN_WELCOME_MISMATCH:
        *ret_what = "libtenure.so and the recorder are of different builds";
        return 2;
    case TN_WELCOME_UNABLE:
        memcpy(recorder_text, welcome->text, sizeof(recorder_text) - 1);
        *ret_what = recorder_text;
        return 2;
    case TN_WELCOME_REFUSED:
        *ret_what = "the recorder refused this process";
        return 2;
    default:
        /* recorder_pid 0: sent by the child that could not become a recorder (launch.c). */
        *ret_what = welcome->recorder_pid == 0 ? no_recorder() : no_log();
        return welcome->errno_value > 0 ? -welcome->errno_value : 2;
    }
}

/* Note the recorder's socket, to which fork children connect. */
static void remember_socket(enum tn_hello_reason reason, const struct tn_welcome *welcome)
{
    struct tn_shim_text path;
    const char *session = tn_environment_get("TENURE_SESSION");
    if (reason == TN_HELLO_FORK)
        return;
    memset(&path, 0, sizeof(path));
    if (session != NULL)
        tn_shim_text_add(&path, session);
    else if (welcome->socket_path[sizeof(welcome->socket_path) - 1] == '\0')
        tn_shim_text_add(&path, welcome->socket_path);
    if (path.size < sizeof(tn_shim_process.socket_path))
        memcpy(tn_shim_process.socket_path, path.text, path.size + 1);
}

/* What an error means for a child that is not recorded because of it. */
static enum tn_child_loss loss_of(int result, enum tn_child_loss otherwise)
{
    if (result == -EMFILE || result == -ENFILE)
        return TN_CHILD_NO_DESCRIPTOR;
    if (result == -ETIMEDOUT || result == -EAGAIN)
        return TN_CHILD_UNANSWERED;
    return otherwise;
}

static int shake_hands(struct tn_offer *offer, enum tn_hello_reason reason,
                       struct tn_join_failure *ret_failure)
{
    struct tn_welcome welcome;
    bool is_found;
    int fd = open_socket(reason, ret_failure, &is_found);
    ret_failure->loss = loss_of(fd, TN_CHILD_UNREACHED);
    if (fd < 0)
        return fd;
    ret_failure->what = "the recorder does not answer";
    int result = tn_hello_exchange(fd, offer, reason, &welcome);
    ret_failure->loss = loss_of(result, TN_CHILD_REFUSED);
    ret_failure->is_told = result == -ETIMEDOUT && is_found;
    if (result == 0)
        result = judge(&welcome, &ret_failure->what);
    if (result == 0)
        remember_socket(reason, &welcome);
    tn_sys1(SYS_close, fd);
    return result;
}

int tn_session_open(enum tn_hello_reason reason, struct tn_join_failure *ret_failure)
{
    struct tn_offer offer;
    *ret_failure = (struct tn_join_failure){"memory for the rings", TN_CHILD_NO_MEMORY, false};
    int result = tn_offer_make(&offer);
    ret_failure->loss = loss_of(result, TN_CHILD_NO_MEMORY);
    if (result < 0)
        return result;
    result = shake_hands(&offer, reason, ret_failure);
    if (result != 0) {
        tn_offer_drop(&offer);
        return result;
    }
    struct tn_shared_header *older = tn_shim_process.header;
    tn_offer_accept(&offer);
    tn_shim_process.header = offer.header;
    if (older != NULL)
        tn_parts_drop_header(older);
    return 0;
}
