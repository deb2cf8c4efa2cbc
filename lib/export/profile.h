/* SPDX-License-Identifier: MIT */
#ifndef TN_EXPORT_PROFILE_H
#define TN_EXPORT_PROFILE_H

/* The figures of one recorded process by call stack, and the places that a stack passes: what every format is
 * written from. One thread at a time. */

#include "tenure/base.h"
#include "tenure/places.h"

#include <stddef.h>
#include <stdint.h>

struct tn_log;

/* What one call stack did, or the whole process. Written by tn_profile_load. */
struct tn_profile_figures {
    uint64_t allocations;       /* made */
    uint64_t total_bytes;       /* that they asked for */
    uint64_t live_count;        /* never released */
    uint64_t live_bytes;        /* of these */
    uint64_t short_lived;       /* gone before the process asked for another 32 KiB */
    uint64_t short_lived_bytes; /* of these */
    uint64_t peak_count;        /* live when the process had most bytes live, for the first time */
    uint64_t peak_bytes;        /* of these */
    uint64_t own_max_bytes;     /* most bytes that this stack itself had live at once */
    uint64_t own_max_count;     /* its blocks then */
    uint64_t lifetime_ns;       /* sum of lifetimes, up to the end where a block lives */
};

/* A profile. Zeroed is empty; tn_profile_finish releases it. */
struct tn_profile {
    uint64_t process_id;               /* row of `process` */
    uint64_t pid;                      /* the kernel's */
    char *command_line;                /* owned; one line */
    uint64_t end_ns;                   /* of the process's last event, or its end; since the log's start */
    uint64_t peak_ns;                  /* when most bytes were live */
    struct tn_profile_figures total;   /* own_max_* are those of the peak */
    struct tn_profile_figures *stacks; /* owned; by stack id, 0: no stack was taken */
    uint64_t stack_count;              /* in stacks, at least 1 */
    struct tn_places places;           /* owned; what the stacks pass */
};

/* Load a profile.
 *
 * process_id   a row of `process`
 * ret_profile  written whole on success
 * Returns      0; -ENOENT: no such process; -EBADMSG: a damaged log; -ENOMEM; -EIO */
int tn_profile_load(struct tn_log *log, uint64_t process_id, struct tn_profile *ret_profile);

/* Release what it owns. A zeroed profile is fine. */
void tn_profile_finish(struct tn_profile *profile);

#endif
