/* SPDX-License-Identifier: MIT */
#ifndef TENURE_INJECT_H
#define TENURE_INJECT_H

/* What `tenure fail` tells the library that it preloads into a program, and what that one tells back: one
 * file, mapped shared by the tool and by each process of the run. Its path is in the environment variable
 * TENURE_INJECT. The tool makes it before the program starts; a process maps it when it is loaded. Both are
 * of one build, which the magic number and the size of the head tell. Everything is in the machine's byte
 * order. */

#include <stdint.h>

#define TN_INJECT_MAGIC        UINT32_C(0x494e4a31)
#define TN_INJECT_VARIABLE     "TENURE_INJECT"
#define TN_INJECT_FRAMES_MAX   48  /* of a stack that is told back */
#define TN_INJECT_PATH_BYTES   200 /* of a module's path that is told back, with NUL */
#define TN_INJECT_SEEN_MAX     24  /* modules that such stacks may lie in */
#define TN_INJECT_POLICY_BYTES 128
#define TN_INJECT_STEPS_MAX    64 /* frames of one place at most: a deeper one is compared by these */

/* A file with code, as the system names it: paths differ by links. Written by the tool. */
struct tn_inject_module {
    uint64_t device; /* st_dev */
    uint64_t inode;  /* st_ino */
};

/* A frame of a place. Written by the tool. */
struct tn_inject_step {
    uint64_t module;       /* index of its module, below module_count */
    uint64_t offset_bytes; /* return address minus load bias */
};

/* The frames that lead from the allocation function outwards to where an allocation is to fail. Written by
 * the tool, in order of the first frame's module and offset. */
struct tn_inject_place {
    uint32_t first_step; /* index of the innermost frame, below step_count */
    uint32_t step_count; /* from 1 */
};

/* A file with code that a stack below names. Written once, by the process that tells the stack. */
struct tn_inject_seen {
    char path[TN_INJECT_PATH_BYTES]; /* as the loader knows it; "": the program itself */
};

/* A call stack that is told back. Written by the first process that has one; readers look after its end. */
struct tn_inject_stack {
    uint32_t is_taken;                      /* atomic: 1 once a thread has begun to write it */
    uint32_t count;                         /* of frames; atomic, written last: 0 means that there is none */
    uint32_t pid;                           /* as the process sees itself */
    uint32_t signal;                        /* of a crash; else 0 */
    uint64_t address;                       /* of a crash: si_addr */
    uint64_t frames[TN_INJECT_FRAMES_MAX];  /* offsets in their modules, innermost first; the first of a crash
                                               is  the instruction itself, all others are return addresses */
    uint32_t modules[TN_INJECT_FRAMES_MAX]; /* index in `seen`; TN_INJECT_SEEN_MAX: no module is known */
};

/* The head of the file; modules, steps and places follow it in this order. */
struct tn_inject_head {
    uint32_t magic;        /* TN_INJECT_MAGIC */
    uint32_t head_bytes;   /* sizeof(struct tn_inject_head) */
    uint64_t file_bytes;   /* of the whole file */
    uint32_t module_count; /* these three: by the tool */
    uint32_t step_count;
    uint32_t place_count;   /* 0: nothing fails by its place */
    uint32_t is_persistent; /* 1: all calls from the occurrence on fail; 0: only that one */
    uint64_t occurrence;    /* which call of the places fails, from 1; 0: none does */
    uint64_t limit_bytes;   /* a call that would make more bytes live fails, or, with a policy, one that
                               finds no place in a heap of that size; 0: no limit */
    uint64_t pointer_bytes; /* of the machine that the policy is modelled for */
    char policy[TN_INJECT_POLICY_BYTES]; /* model of a heap, "tlsf:align=8"; "": none */

    /* What the processes tell, atomic, of all of them together. */
    uint64_t matches;    /* calls of the places */
    uint64_t failed;     /* calls that were made to fail */
    uint64_t births;     /* blocks that were handed out */
    uint64_t deaths;     /* blocks that were taken back */
    uint64_t live_bytes; /* usable bytes of the blocks that live */
    uint64_t peak_bytes; /* the highest that live_bytes was; only with limit_bytes */
    uint32_t processes;  /* images that mapped this file */
    uint32_t left_early; /* calls of exit, other than by a return from main */
    uint32_t seen_count; /* atomic; may be above TN_INJECT_SEEN_MAX: then some found no room */
    uint32_t reserved;
    struct tn_inject_stack failure; /* the first call that was made to fail */
    struct tn_inject_stack crash;   /* where a signal of a crash came first */
    struct tn_inject_seen seen[TN_INJECT_SEEN_MAX];
};

#endif
