/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_SESSION_DIR_H
#define TN_RECORD_SESSION_DIR_H

/* The session directory (session.h): the listening socket, and the symbolic links by which processes and logs
 * find it. One thread. */

#include "tenure/base.h"

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

struct tn_session_dir {
    int fd;                /* of the directory; -1 while closed */
    int listen_fd;         /* SOCK_SEQPACKET, non-blocking; -1 while closed */
    char path[PATH_MAX];   /* of the directory */
    char socket_name[64];  /* in the directory */
    char socket_path[108]; /* what fits a struct sockaddr_un */
};

/* Make or check the directory (owner and mode), remove what dead recorders left in it, and listen.
 *
 * Returns  0; negative errno with the story in error: -EPERM when the directory belongs to someone else or is
 *          open to others, -ENAMETOOLONG when the socket's path does not fit
 * Owns     the caller; tn_session_dir_close releases it, also after an error */
int tn_session_dir_open(struct tn_session_dir *directory, struct tn_error *error);

/* Say that a process is recorded here. An older link of the same name is replaced. Returns 0 or a negative
 * errno. */
int tn_session_dir_link_process(struct tn_session_dir *directory, pid_t pid, uint64_t start_time);

/* It is not any more. */
void tn_session_dir_unlink_process(struct tn_session_dir *directory, pid_t pid, uint64_t start_time);

/* Whether some recorder says that a process is recorded. */
int tn_session_dir_has_process(const struct tn_session_dir *directory, pid_t pid, uint64_t start_time);

/* Say that a log is written here. Returns 0 or a negative errno. */
int tn_session_dir_link_log(struct tn_session_dir *directory, const char *log_path);

/* Connect to the recorder that writes a log, if there is one. Returns a connected SOCK_SEQPACKET, or a
 * negative errno: -ENOENT: nobody does. */
int tn_session_dir_connect_log(const struct tn_session_dir *directory, const char *log_path);

/* Stop listening: remove the socket and every link that leads to it. A closed or zeroed one is fine. */
void tn_session_dir_close(struct tn_session_dir *directory);

#endif
