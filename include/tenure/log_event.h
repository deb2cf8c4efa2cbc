/* SPDX-License-Identifier: MIT */
#ifndef TENURE_LOG_EVENT_H
#define TENURE_LOG_EVENT_H

/* Births and deaths of blocks, as lib/log and lib/chunk hand them to each other and to their users: what a
 * writer appends, what a reader gets back, and how often each call stack occurs. Plain data, no functions
 * that can fail. All times are nanoseconds since the log's start; all ids count from 1, and 0 means that
 * there is none. */

#include "tenure/event.h"

#include <stdbool.h>
#include <stdint.h>

/* A block is born. Filled by the recorder, read by the writer during the call. */
struct tn_birth {
    uint64_t process_id;        /* row of `process` */
    uint64_t thread_id;         /* row of `thread`: who asked for the block */
    uint64_t stack_id;          /* row of `stack`; 0: no stack was taken; below 2^32 */
    uint64_t time_ns;           /* not below that of the previous birth or death of the same process */
    uint64_t size_bytes;        /* as the caller asked */
    uint64_t usable_size_bytes; /* what the block has; at least size_bytes, below 2^56 */
    uint64_t alignment_bytes;   /* as the caller asked; 0: none asked for; below 2^56 */
    uint64_t address;           /* of the block; below 2^56 */
    uint64_t depth_bytes;       /* base of the thread's stack minus the caller's CFA; below 2^56 */
    uint64_t previous_id;       /* the allocation that realloc turned into this one; 0: none */
    enum tn_function function;  /* that returned the block */
    uint64_t left_depth_bytes;  /* the outermost function that the thread has left, or entered anew, since its
                                   previous event: base of the stack minus that function's CFA; 0: none, or not
                                   known */
};

/* A block dies. Filled by the recorder, read by the writer during the call. */
struct tn_death {
    uint64_t process_id;       /* row of `process` */
    uint64_t allocation_id;    /* the block's, as given at its birth */
    uint64_t thread_id;        /* row of `thread`: who released it */
    uint64_t stack_id;         /* row of `stack`; 0: no stack was taken; below 2^32 */
    uint64_t time_ns;          /* not below that of the previous birth or death of the same process */
    uint64_t depth_bytes;      /* base of the thread's stack minus the caller's CFA; below 2^56 */
    enum tn_function function; /* that released the block */
    uint64_t left_depth_bytes; /* as in struct tn_birth */
    uint64_t address;          /* of the block, as its birth said */
    uint32_t size_class;       /* tn_log_size_class of the usable size that its birth said */
};

/* A birth or a death as nearly all are, for many at once. The fields of tn_birth and tn_death that this
 * struct lacks are 0. Three quarters of a cache line. */
struct tn_plain_event {
    uint64_t time_ns;       /* as in struct tn_birth */
    uint64_t allocation_id; /* the block's; births have consecutive ids */
    uint64_t address;       /* of the block; below 2^56 */
    uint32_t thread_id;     /* row of `thread` */
    uint32_t stack_id;      /* row of `stack`; 0: no stack was taken */
    uint32_t depth_bytes;   /* base of the thread's stack minus the caller's CFA */
    uint32_t size_bytes;    /* of a birth; of a death 0 */
    uint32_t excess_bytes;  /* of a birth: usable size minus size; of a death 0 */
    uint8_t size_class;     /* tn_log_size_class of the usable size */
    uint8_t function;       /* enum tn_function */
    bool is_birth;          /* else a death */
};

/* One event as a reader gets it. Fields that a death does not have are 0. */
struct tn_log_event {
    bool is_birth;              /* else a death */
    enum tn_function function;  /* that returned or released the block */
    uint64_t allocation_id;     /* of the block born or dying */
    uint64_t process_id;        /* row of `process` */
    uint64_t thread_id;         /* row of `thread` */
    uint64_t stack_id;          /* row of `stack`; 0: no stack was taken */
    uint64_t time_ns;           /* never below that of the event before in the same process */
    uint64_t depth_bytes;       /* base of the thread's stack minus the caller's CFA */
    uint64_t left_depth_bytes;  /* as in struct tn_birth */
    uint64_t size_bytes;        /* births only, from here on: as asked for */
    uint64_t usable_size_bytes; /* what the block has */
    uint64_t alignment_bytes;   /* as asked for; 0: none asked for */
    uint64_t address;           /* of the block */
    uint64_t previous_id;       /* the allocation that realloc turned into this one; 0: none */
};

/* How often one call stack called one function, in one chunk. */
struct tn_stack_usage {
    uint64_t stack_id;         /* row of `stack`; 0: no stack was taken */
    enum tn_function function; /* that was called */
    bool is_birth;             /* the calls returned blocks; else they released them */
    uint64_t count;            /* calls, never 0 */
    uint64_t min_size_bytes;   /* of births: the smallest size asked for; of deaths UINT64_MAX */
    uint64_t max_size_bytes;   /* of births: the largest size asked for; of deaths 0 */
};

/* Who held whose address, as a row of `link`: counted over the looks of one process at one moment. */
struct tn_log_link {
    uint64_t process_id;         /* row of `process` */
    enum tn_link_moment moment;  /* when it was looked */
    uint64_t holder_stack_id;    /* row of `stack`: what allocated the holders; 0: a global holds */
    uint64_t module_id;          /* row of `module`: of that global; 0: a block holds */
    uint64_t offset_bytes;       /* of the address in the holder; of a global: its address minus load bias */
    uint64_t held_stack_id;      /* row of `stack`: what allocated the blocks whose address it is */
    uint32_t inner_offset_bytes; /* of the address in the held block; 0: its start */
    uint32_t distinct_held_blocks; /* found, each counted once; TN_LINK_HELD_MAX: that many or more */
    uint64_t looks;                /* that found it */
    uint64_t holder_id;            /* the allocation that held at the first of these looks; 0: a global */
    uint64_t held_id;              /* the allocation that was held then */
};

/* How often it was looked, as a row of `link_look`: into dying blocks of a stack (TN_LINK_HOLDER_DEATH), or
 * for the addresses of its blocks (all other moments). */
struct tn_log_look {
    uint64_t process_id;        /* row of `process` */
    uint64_t stack_id;          /* row of `stack` */
    enum tn_link_moment moment; /* when it was looked */
    uint64_t looks;             /* made, whatever was found */
};

/* Distinct held blocks are counted up to this: 3 decide whether a link counts, and a limit bounds what the
 * recorder keeps. */
#define TN_LINK_HELD_MAX 16u

#define TN_SIZE_CLASSES 256u

/* The class of a usable size, 0 to 255: blocks of one class are expected to take each other's addresses.
 * Whoever keeps it beside an allocation's id and address has all that the block's death needs. */
static inline uint32_t tn_log_size_class(uint64_t usable_size_bytes)
{
    return (uint32_t)(usable_size_bytes >> 4 ^ usable_size_bytes >> 12) % TN_SIZE_CLASSES;
}

#endif
