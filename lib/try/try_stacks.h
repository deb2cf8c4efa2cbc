/* SPDX-License-Identifier: MIT */
#ifndef TN_TRY_STACKS_H
#define TN_TRY_STACKS_H

/* The call stacks of a log as a second process can recognise them: frames by module and offset. One thread.
 */

#include "tenure/log.h"
#include "tenure/map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A frame as it is on the machine's stack. */
struct tn_try_frame {
    uint64_t module;       /* row of `module` */
    uint64_t offset_bytes; /* return address minus load bias */
    bool is_on_stack;      /* not one that a jump had removed, nor one that was inlined */
    uint32_t mark;         /* for the caller's use; 0 at first */
};

/* A stack, or the outer part of one. */
struct tn_try_node {
    uint64_t frame, caller; /* ids; 0: none */
    uint64_t site;          /* row of `site`; 0: none */
    uint64_t births;        /* that have exactly this stack, over all processes */
    uint64_t first_birth;   /* id of the first of these allocations; 0: none */
};

/* A file with code. */
struct tn_try_module {
    char *path;     /* owned */
    char *build_id; /* owned; "": it has none */
    bool is_there;  /* the file is still the one that was recorded */
};

/* All stacks of a log. Zeroed is empty; tn_try_stacks_finish releases it. */
struct tn_try_stacks {
    struct sqlite3 *database;      /* borrowed from the log */
    struct tn_try_module *modules; /* owned; by id */
    struct tn_try_frame *frames;   /* owned; by id */
    struct tn_try_node *nodes;     /* owned; by id */
    uint64_t module_count, frame_count, node_count;
    struct tn_map site_frames; /* frame << 32 | site -> 1: the frame is the site's */
};

/* Load.
 *
 * Returns  0; -EBADMSG, -EIO: the log cannot be read; -ENOMEM
 * Owns     the caller releases ret_stacks by tn_try_stacks_finish, also after a failure */
int tn_try_stacks_load(struct tn_log *log, struct tn_try_stacks *ret_stacks);

/* Mark the frames of a function, those into which it was inlined among them.
 *
 * file     as the log has it; "": any
 * mark     not 0
 * Returns  0 or a negative errno */
int tn_try_stacks_mark(struct tn_try_stacks *stacks, const char *function, const char *file, uint32_t mark);

/* Whether a frame is a site's own. */
bool tn_try_stacks_is_site(const struct tn_try_stacks *stacks, uint64_t frame, uint64_t site);

/* Release. Zeroed is fine. */
void tn_try_stacks_finish(struct tn_try_stacks *stacks);

#endif
