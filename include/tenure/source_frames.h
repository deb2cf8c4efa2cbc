/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SOURCE_FRAMES_H
#define TENURE_SOURCE_FRAMES_H

/* What return addresses stand for in the source: which function, which line, which functions were inlined
 * there; and walks through a stack by source frames. A source frame is a function as the programmer wrote it,
 * with or without a frame of its own in the machine's stack. Loaded once from a log for an analysis;
 * read-only afterwards, so that any thread may read. */

#include "tenure/analysis.h"

/* A function of the program, physical or inlined. Written by tn_source_frames_load. */
struct tn_source_function {
    char *name;         /* owned */
    uint32_t module_id; /* row of `module`; 0: outside every module */
    bool is_program;    /* the programmer can change it: neither runtime nor allocation wrapper */
    bool is_runtime;    /* the C or C++ runtime's */
};

/* One source frame: that of a physical function, or of one inlined into it. */
struct tn_source_frame {
    uint32_t function; /* index in tn_source_frames.functions; 0: not known */
    uint32_t line;     /* 0: not known */
    uint32_t column;   /* of the call in that line, from 1; 0: not known */
    uint32_t frame_id; /* row of `frame` */
};

/* A return address, kept by the row id of its physical frame. */
struct tn_return_address {
    struct tn_source_frame source; /* of the physical function */
    uint32_t first_inlined; /* index in tn_source_frames.inlined of the innermost function inlined here */
    uint32_t inlined_count; /* how many follow it there */
    uint64_t offset_bytes;  /* from the start of the module's file as it is mapped */
    bool is_runtime;        /* the module or the function is the C or C++ runtime's */
    bool is_tail_call;      /* no return address, but where a jump ends: it left the function */
};

/* All that the frames of one log stand for. */
struct tn_source_frames {
    struct tn_return_address *frames;     /* owned; by row id of the physical frame */
    size_t frame_count;                   /* highest id + 1 */
    struct tn_source_frame *inlined;      /* owned; those of one return address together, innermost first */
    size_t inlined_count;                 /* in inlined */
    struct tn_source_function *functions; /* owned; 0 is not used: an unknown function */
    size_t function_count;                /* in functions, 0 included */
};

/* Load all frames of the log.
 *
 * pass        log and options are read
 * ret_frames  the caller releases it by tn_source_frames_finish, also after an error
 * Returns     0; -ENOMEM, -EIO, -EBADMSG; pass->error then says what failed
 * Cost        one query for the frames, one for the modules */
int tn_source_frames_load(const struct tn_pass *pass, struct tn_source_frames *ret_frames);

/* Release what it owns. Zeroed is fine. */
void tn_source_frames_finish(struct tn_source_frames *frames);

/* How many source frames a physical frame stands for: 1 and the functions inlined there. frame_id: row. */
static inline uint32_t tn_source_frames_count(const struct tn_source_frames *frames, uint32_t frame_id)
{
    return frames->frames[frame_id].inlined_count + 1;
}

/* One of the source frames of a physical frame.
 *
 * frame_id  row of the physical frame
 * position  0: the innermost inlined function; tn_source_frames_count() - 1: the physical function */
const struct tn_source_frame *tn_source_frames_get(const struct tn_source_frames *frames, uint32_t frame_id,
                                                   uint32_t position);

/* How many inlined functions two return addresses in one physical function have in common, counted from the
 * physical one inwards: those that both were entered at the same line. one, other: rows of physical frames.
 */
uint32_t tn_source_frames_common_inlined(const struct tn_source_frames *frames, uint32_t one, uint32_t other);

/* Whether the call that returns to `later` stands behind the one that returns to `earlier` in their physical
 * function: by lines where both are known and differ, because compilers move code; else by address.
 *
 * earlier, later  rows of physical frames of one function */
bool tn_source_frames_is_behind(const struct tn_source_frames *frames, uint32_t earlier, uint32_t later);

/* Whether the blocks of a site belong to a function of the runtime that takes no memory from its caller:
 * fopen, throw. Decided by the function that the site called.
 *
 * site      with its names
 * stack_id  row of a stack of its births */
bool tn_source_frames_is_opaque(const struct tn_source_frames *frames, const struct tn_pass *pass,
                                const struct tn_finding_site *site, uint32_t stack_id);

/* The file and line of a frame.
 *
 * frame_id  row of `frame`
 * ret_file  the caller frees it; "" where it is not known
 * ret_line  0 where it is not known
 * Returns   0; -ENOMEM, -EIO, -EBADMSG; pass->error then says what failed
 * Cost      one query */
int tn_source_frames_line(const struct tn_pass *pass, uint32_t frame_id, char **ret_file, uint32_t *ret_line);

/* How far out a stack is walked, in source frames: far more than a buffer is ever passed down. */
#define TN_SOURCE_STEPS_MAX 256u

/* Where a walk through a stack stands. */
struct tn_source_cursor {
    uint32_t node;     /* of the trie of stacks, by row id; 0: past the root */
    uint32_t position; /* of the node's frame, as in tn_source_frames_get */
};

/* The source frame at a cursor that is not past the root. */
const struct tn_source_frame *tn_source_cursor_frame(const struct tn_source_frames *frames,
                                                     const struct tn_pass *pass, struct tn_source_cursor at);

/* One source frame further towards the root. */
struct tn_source_cursor tn_source_cursor_outwards(const struct tn_source_frames *frames,
                                                  const struct tn_pass *pass, struct tn_source_cursor at);

/* Where in a stack of its births a site stands; the innermost frame where it is not found.
 *
 * site        with its names
 * stack_id    row of the stack
 * ret_inside  the frame that the site called; node 0 if that is the allocation function itself */
struct tn_source_cursor tn_source_cursor_find_site(const struct tn_source_frames *frames,
                                                   const struct tn_pass *pass,
                                                   const struct tn_finding_site *site, uint32_t stack_id,
                                                   struct tn_source_cursor *ret_inside);

#endif
