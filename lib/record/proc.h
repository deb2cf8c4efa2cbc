/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_PROC_H
#define TN_RECORD_PROC_H

/* What the kernel knows about a process, from /proc and its pidfd. The process may vanish at any moment. Any
 * thread. */

#include "tenure/base.h"
#include "tenure/log_write.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Where a user may have fewer processes and threads, each one of the recorder's may be the one that a program
 * lacks. */
#define TN_PROC_FEW 64u

/* From /proc/PID/stat. */
struct tn_proc_stat {
    char state;            /* 'R', 'S', 'Z'... */
    pid_t parent_pid;      /* field 4 */
    uint64_t start_time;   /* field 22: clock ticks since boot */
    uint32_t thread_count; /* field 20; of a zombie 1 when only it is left */
    int exit_status;       /* field 52: as wait(2) gives it; only of a zombie, and only where we may see it */
};

/* Read /proc/PID/stat. Returns 0 or a negative errno (-ENOENT, -ESRCH: no such process). */
int tn_proc_read_stat(pid_t pid, struct tn_proc_stat *ret_stat);

/* Path of the executable ("" if it cannot be told). size_bytes: of text, at least 1. */
void tn_proc_executable(pid_t pid, char *text, size_t size_bytes);

/* What was run, without folders ("" if it cannot be told): of a symbolic link or a script the name of that,
 * and not what the kernel loaded for it. The kernel keeps 15 bytes of it; the first argument completes them.
 * size_bytes: of text, at least 1. */
void tn_proc_name(pid_t pid, char *text, size_t size_bytes);

/* The arguments, joined by spaces, quoted as a shell would need; cut at 64 KiB. Returns 0 or -ENOMEM. */
int tn_proc_command_line(pid_t pid, struct tn_buffer *text);

/* The working directory. Returns 0 or a negative errno. */
int tn_proc_directory(pid_t pid, char *text, size_t size_bytes);

/* Whether the shim's shared memory (session.h) is still mapped: 1 or 0; negative errno when the process is
 * gone or may not be inspected. Cost: some 100 us. */
int tn_proc_has_rings(pid_t pid);

/* Whether the shim is mapped: it is before the program's own code runs, and never in a static program.
 * Returns and costs as tn_proc_has_rings. */
int tn_proc_has_shim(pid_t pid);

/* Whether the environment that the process started with contains a text: 1, 0, or negative errno as above. */
int tn_proc_environment_holds(pid_t pid, const char *text);

/* How a process ended: from its zombie, or (Linux 6.15 and newer) from its pidfd.
 *
 * ret_kind, ret_code  as tn_log_end_process takes them; TN_EXIT_UNKNOWN and -1 where it cannot be known */
void tn_proc_exit_status(pid_t pid, int pidfd, enum tn_exit_kind *ret_kind, int *ret_code);

/* Decode a status of wait(2) into kind and exit code or signal number. */
void tn_proc_decode_status(int status, enum tn_exit_kind *ret_kind, int *ret_code);

/* Whether a process may have few processes and threads (RLIMIT_NPROC), of its user's: fewer than
 * TN_PROC_FEW. False for root, whom no such limit concerns, and where it cannot be told. Cost: a system call.
 */
bool tn_proc_may_have_few(pid_t pid);

/* A descriptor by which the end of a process is seen: of pidfd_open(2), which epoll can wait for, or, on
 * kernels that lack it (before 5.3), its folder in /proc, which has to be asked.
 *
 * ret_is_folder  which of them it is
 * Returns        the descriptor (close on exec) or a negative errno; -ESRCH: there is no such process */
int tn_proc_open_pidfd(pid_t pid, bool *ret_is_folder);

/* Whether a process has ended, by such a descriptor: all of its threads, too. */
bool tn_proc_has_ended(int pidfd, bool is_folder);

/* Whether a thread of a process is gone. */
bool tn_proc_thread_is_gone(pid_t pid, pid_t tid);

/* The PID namespace that a process lives in, as a number that no other one has at the same time; 0 where it
 * cannot be told. Cost: a system call. */
uint64_t tn_proc_pid_namespace(pid_t pid);

/* A thread of another PID namespace. */
struct tn_proc_tid {
    uint32_t own_tid; /* as its process sees it */
    pid_t tid;        /* as we see it */
};

/* List the threads of a process by the ids that it sees itself.
 *
 * ret_tids   owned by the caller (free); by rising own_tid
 * ret_count  of ret_tids
 * Returns    0; -ENOMEM; -ENOENT, -ESRCH: the process is gone; other negative errno: it may not be inspected
 * Cost       three system calls a thread */
int tn_proc_list_tids(pid_t pid, struct tn_proc_tid **ret_tids, uint32_t *ret_count);

/* The entry of a thread in such a list, NULL if it is not there. */
const struct tn_proc_tid *tn_proc_find_tid(const struct tn_proc_tid *tids, uint32_t count, uint32_t own_tid);

/* The largest resident size that this process ever had, in bytes; 0 if it cannot be told. */
uint64_t tn_proc_own_peak_bytes(void);

#endif
