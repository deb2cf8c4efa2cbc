/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_SESSION_DIR_H
#define TN_RECORD_SESSION_DIR_H

/* The session directory (session.h): the recorder's listening socket, and symbolic links to it by which
 * processes and logs find their recorder. One thread. */

#include "tenure/base.h"

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

struct tn_session_dir {
    int fd;                 /* of the directory; -1 while closed */
    int listen_fd;          /* SOCK_SEQPACKET, non-blocking; -1 while closed */
    char path[PATH_MAX];    /* of the directory */
    char socket_name[64];   /* in the directory */
    char socket_path[108];  /* what fits a struct sockaddr_un */
    struct tn_error reason; /* why a place that comes first could not be used; code 0: it could */
};

/* Make or check the directory in the first place that can be used, remove what dead recorders left in it, and
 * listen.
 *
 * Returns  0; negative errno, and error says what is wrong with the first place: -EPERM: it belongs to
 * someone else
 *          or is open to others
 * Owns     the caller; tn_session_dir_close releases it, also after an error */
int tn_session_dir_open(struct tn_session_dir *directory, struct tn_error *error);

/* Add the link that says that a process is recorded here; replaces an older one.
 *
 * start_time  clock ticks since boot, as in /proc/PID/stat: tells processes with the same PID apart
 * Returns     0 or a negative errno */
int tn_session_dir_link_process(struct tn_session_dir *directory, pid_t pid, uint64_t start_time);

/* Remove that link. */
void tn_session_dir_unlink_process(struct tn_session_dir *directory, pid_t pid, uint64_t start_time);

/* Whether any recorder has such a link for a process. */
int tn_session_dir_has_process(const struct tn_session_dir *directory, pid_t pid, uint64_t start_time);

/* Add the link that says that a log is written here; the file exists. Returns 0 or a negative errno. */
int tn_session_dir_link_log(struct tn_session_dir *directory, const char *log_path);

/* Connect to the recorder that writes a log.
 *
 * Returns  a connected SOCK_SEQPACKET, owned by the caller; -ENOENT: no recorder does; other negative errno
 */
int tn_session_dir_connect_log(const struct tn_session_dir *directory, const char *log_path);

/* Connect to the recorder of a log, or of a process, looking through all places where a session directory of
 * this user may lie.
 *
 * start_time  as tn_session_dir_link_process
 * Returns     a connected SOCK_SEQPACKET, owned by the caller; -ENOENT, -ECONNREFUSED: no live recorder has
 * it;
 *             other negative errno */
int tn_session_dir_find_log(const char *log_path);
int tn_session_dir_find_process(pid_t pid, uint64_t start_time);

/* Whether a process has noted there that it has said why it is not recorded. */
bool tn_session_dir_has_told(const struct tn_session_dir *directory, pid_t pid);

/* Stop listening: remove the socket and every link that leads to it. A closed or zeroed one is fine. */
void tn_session_dir_close(struct tn_session_dir *directory);

#endif
