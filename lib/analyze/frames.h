/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_FRAMES_H
#define TN_ANALYZE_FRAMES_H

/* What is known of the places in the code that stacks consist of: which function, which line, which functions
 * were inlined there. Loaded once; read-only afterwards. */

#include "analysis.h"

struct tn_site_rules;

/* A function of the program, physical or inlined. */
struct tn_code_function {
    char *name;         /* owned */
    uint32_t module_id; /* row of `module`; 0: outside every module */
    bool is_program;    /* code that the programmer can change: neither runtime nor allocation wrapper */
    bool is_runtime;    /* C or C++ runtime */
};

/* One source frame: a physical one, or a function inlined into it. */
struct tn_code_place {
    uint32_t function; /* index in tn_frames.functions; 0: not known */
    uint32_t line;     /* 0: not known */
    uint32_t frame_id; /* row of `frame` */
};

/* A return address, by row id of its physical frame. */
struct tn_code_frame {
    struct tn_code_place place; /* of the physical frame */
    uint32_t first_inlined;     /* index in tn_frames.inlined of the innermost function inlined there */
    uint32_t inlined_count;
    uint64_t offset_bytes;
    bool is_runtime; /* the module or the function is the C or C++ runtime's */
};

struct tn_frames {
    struct tn_code_frame *frames;  /* owned; by row id */
    size_t frame_count;            /* highest id + 1 */
    struct tn_code_place *inlined; /* owned; of one frame together, innermost first */
    size_t inlined_count;
    struct tn_code_function *functions; /* owned; 0 unused */
    size_t function_count;
};

/* Load from the log of the pass. Returns 0; -ENOMEM, -EIO, -EBADMSG with the story told; *ret_frames is to be
 * released by tn_frames_finish in any case. */
int tn_frames_load(const struct tn_pass *pass, struct tn_frames *ret_frames);

/* Release. */
void tn_frames_finish(struct tn_frames *frames);

/* How many source frames a physical frame stands for. */
static inline uint32_t tn_frames_places(const struct tn_frames *frames, uint32_t frame_id)
{
    return frames->frames[frame_id].inlined_count + 1;
}

/* The source frame at a position of a physical frame: 0 the innermost, tn_frames_places() - 1 the physical
 * one. */
const struct tn_code_place *tn_frames_place(const struct tn_frames *frames, uint32_t frame_id,
                                            uint32_t position);

/* How many inlined functions two return addresses of one physical function have in common, from the physical
 * one inwards: entered at the same line each. */
uint32_t tn_frames_common_inlined(const struct tn_frames *frames, uint32_t one, uint32_t other);

/* Whether the call that returns to `later` stands behind the one that returns to `earlier`, both in the same
 * physical function: by line where lines tell, since compilers move code, else by address. */
bool tn_frames_is_behind(const struct tn_frames *frames, uint32_t earlier, uint32_t later);

#endif
