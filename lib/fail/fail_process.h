/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FAIL_PROCESS_H
#define TENURE_FAIL_PROCESS_H

/* Processes of a run: started in groups of their own, waited for no longer than allowed, ended with all that
 * they started. Called in the process of the run, which has SIGCHLD blocked. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How a process is started. Strings are borrowed. */
struct tn_fail_start {
    const char *program;      /* path; NULL: the shell, with argv[0] as its command */
    char **argv;              /* ended by NULL */
    const char *folder;       /* to run in; NULL: here */
    const char *input;        /* for stdin */
    const char *output;       /* file that stdout is appended to */
    const char *error_output; /* the same of stderr */
    const char *preload;      /* path of a library to preload before others; NULL: none */
    const char *inject;       /* value of TN_INJECT_VARIABLE, with preload */
};

/* Block SIGCHLD, and adopt what the run's processes leave behind. */
void tn_fail_process_begin(void);

/* Start a process. Returns its id, or a negative errno: it could not be executed. */
pid_t tn_fail_process_start(const struct tn_fail_start *start);

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t tn_fail_now_ns(void);

/* How a process has ended, and what it took. */
struct tn_fail_end {
    int status;                      /* as wait gives it */
    uint64_t cpu_ns, resident_bytes; /* as in struct tn_fail_outcome */
};

/* Wait for a process.
 *
 * until_ns  of tn_fail_now_ns; 0: do not wait
 * Returns   whether it has ended; else ret_end is untouched */
bool tn_fail_process_wait(pid_t pid, uint64_t until_ns, struct tn_fail_end *ret_end);

/* Kill a process, its group, and everything else that this process has adopted. */
void tn_fail_process_end(pid_t pid);

#endif
