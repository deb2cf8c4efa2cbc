/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_PROCESS_H
#define TENURE_SHIM_PROCESS_H

/* libtenure.so runs inside a program that does not know it. This header has the rules that every file of the
 * shim keeps, and the state of the recorded process; start.c writes most of it.
 *
 * THE RULES
 *  1. Nothing is allocated from the program's heap. The shim's own memory is mapped, named, and bounded.
 *  2. No lock is taken that the program or libc can hold while it waits for the shim. Of the shim's own locks
 *     the order is unwinder, then control; nothing foreign is called while the control lock is held, and
 *     only libunwind while the unwinder's is.
 *  3. Nothing is printed, but one line when recording cannot start.
 *  4. errno, signals, descriptors, environment and what wait() shows stay as the program knows them.
 *  5. Every foreign call that may allocate (loader, pthread, libunwind) stands between tn_own_begin and
 *     tn_own_end: what it allocates comes from the arena, and signals are blocked.
 *  6. The program's calls are recorded between tn_enter and tn_leave; a call inside a call is passed on.
 *  7. A symbol that is missing disables a feature; it never stops the program. */

#include "arch.h"
#include "hash_list.h"
#include "id_table.h"
#include "rule_table.h"

#include "tenure/ring.h"
#include "tenure/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_EXPORT        __attribute__((visibility("default")))
#define TN_LIKELY(x)     __builtin_expect(!!(x), 1)
#define TN_UNLIKELY(x)   __builtin_expect(!!(x), 0)
#define TN_ALWAYS_INLINE static inline __attribute__((always_inline))

struct tn_thread;

/* Options, from the environment; read once after each exec. */
struct tn_options {
    uint32_t depth_max;    /* frames, 1 to TN_STACK_DEPTH_MAX: TENURE_DEPTH */
    uint32_t ring_bytes;   /* a power of two: TENURE_RING_SIZE */
    bool has_free_stacks;  /* stacks of releases are taken, too: TENURE_FREE_STACKS */
    bool has_children;     /* fork children are recorded: TENURE_CHILDREN */
    bool has_system_clock; /* events bear the system's time, not the processor's: TENURE_CLOCK */
    uint32_t links;        /* enum tn_links_wanted: TENURE_LINKS */
    uint32_t
        links_percent;     /* of the process's life that searches may take, and looks: TENURE_LINKS_PERCENT */
    uint32_t check_stacks; /* TENURE_CHECK_STACKS: 0 no, 1 count differences, 2 print them too */
};

/* Read the options. A value that cannot be understood gives the default; one out of range, the nearest. */
void tn_options_read(struct tn_options *options);

#define TN_GENERATION_NONE UINT32_MAX /* of a thread that owns no slot */

/* The parts of the shared memory that are mapped here (shared_parts.h). */
struct tn_shared_parts {
    uint64_t *control_words;        /* of the control ring */
    uintptr_t span_seed, ring_seed; /* a mapped page of the next span of slots, of the next ring */
    uint32_t rings_mapped;          /* that lie at ring_seed already, mapped at the start */
    size_t control_bytes;           /* that control_words was mapped with */
    uint32_t span_count;            /* spans of slots that are mapped */
    struct tn_ring *spans[TN_SLOT_COUNT_MAX / TN_SPAN_SLOTS];
};

/* A slot below slot_bound. */
static inline struct tn_ring *tn_parts_slot(const struct tn_shared_parts *parts, uint32_t slot)
{
    return parts->spans[slot / TN_SPAN_SLOTS] + slot % TN_SPAN_SLOTS;
}

#define TN_HEAP_SPANS_MAX 64u

/* Memory in which blocks were born: [low, high). */
struct tn_heap_span {
    _Atomic uintptr_t low, high;
};

/* Where the heap lies (heap_spans.h). Any thread reads; the one that has set is_busy writes. */
struct tn_heap_spans {
    _Atomic uint32_t is_busy;    /* a thread writes */
    _Atomic uint32_t count;      /* of list */
    _Atomic uintptr_t low, high; /* all blocks that were noted lie in [low, high); high 0: there was none */
    struct tn_heap_span list[TN_HEAP_SPANS_MAX];
};

#define TN_HEAP_GLOBALS_MAX 64u

/* Where the variables of modules lie that are not the system's (shim_modules.c). Any thread reads. */
struct tn_heap_globals {
    _Atomic uint32_t count; /* of list */
    struct tn_heap_span list[TN_HEAP_GLOBALS_MAX];
};

/* What every event needs. It lies in a page of its own that the kernel zeroes in a fork child, whatever kind
 * of fork it was (but not in a vfork child, whose memory is the parent's): so a child finds generation 0 and
 * never writes into its parent's rings. Written by the thread that opens the session, and under the control
 * lock, unless said otherwise. */
struct tn_hot {
    _Atomic uint32_t generation;       /* of the rings in use; 0: this process is not recorded (now) */
    struct tn_shared_sizes sizes;      /* of the shared memory */
    uint32_t clock;                    /* enum tn_clock */
    uint32_t pid;                      /* as the process sees itself */
    struct tn_shared_header *header;   /* start of the memory that is shared with the recorder */
    struct tn_id_table stacks;         /* stack hash -> id; the ids are valid in this shared memory only */
    struct tn_hash_list hashes;        /* of the stacks, by id */
    uint32_t last_stack_id;            /* the newest id given out; 0: none yet */
    _Atomic uintptr_t stamp_turn;      /* the thread that may stamp without waiting; emit.h; any thread */
    _Atomic uint64_t stamp_wait_ticks; /* up to this time none may; any thread */
    _Atomic uint16_t *young_stacks;    /* by stack id (young_stacks.h); NULL: no links are looked for */
    struct tn_heap_spans spans;        /* where blocks were born */
    struct tn_heap_globals globals;
    struct tn_shared_parts parts; /* grows under the lock of slots.c */
};

enum tn_state {
    TN_STATE_NEW = 0,  /* nothing has been done */
    TN_STATE_STARTING, /* one thread initialises, others wait for it */
    TN_STATE_RUNNING,
    TN_STATE_OFF, /* not recorded, for good */
};

/* Where other stacks than the threads' own lie (stack_region.h); of all threads. */
struct tn_regions {
    _Atomic uintptr_t low, high; /* all that were ever found lie in [low, high); high 0: there was none */
    _Atomic uint32_t epoch;      /* rises when a mapping in there may have changed */
};

/* Memory that the program has protected so that it cannot be read, all of it in [low, high); high 0: none.
 * Any thread widens it. */
struct tn_protected {
    _Atomic uintptr_t low, high;
};

/* What a fork child keeps. Written by the thread that starts the process, unless said otherwise. First what
 * every event reads, on one line of the cache. */
struct tn_shim_process {
    _Alignas(64) _Atomic uint32_t state; /* enum tn_state; any thread */
    _Atomic uint32_t rule_epoch;         /* rises when code was unloaded; under the control lock */
    struct tn_options options;
    _Atomic uintptr_t arena_low;     /* the arena's lowest byte; under the arena's lock */
    _Atomic size_t arena_span_bytes; /* from there to its highest; 0 until something of it is mapped */
    struct tn_regions regions;
    struct tn_protected protected_memory;
    _Atomic bool is_reading_refused; /* process_vm_readv is not permitted; any thread */
    struct tn_rule_table rules;      /* return address -> unwind rule; under the control lock */
    uintptr_t text_low, text_high;   /* where this library is mapped: [low, high) */
    uint32_t generations;            /* how many were given out so far */
    uint32_t main_tid;               /* kernel thread id of the main thread */
    struct tn_shared_header *header; /* in a fork child, until it has its own, the parent's; NULL: none yet */
    uint32_t pid;              /* that the last hello named; in a fork child, before its own: the parent's */
    bool takes_recorder_along; /* the recorder ends with this process */
    bool is_unrecorded;        /* a fork child that could not join, or a child of it */
    enum tn_child_loss loss;   /* why, once is_unrecorded */
    char socket_path[108];     /* of the recorder; fork children connect to it */
};

/* Whole pages: what else lies in a page would be zeroed with it. */
union tn_hot_page {
    struct tn_hot hot;
    char pages[(sizeof(struct tn_hot) + TN_ARCH_PAGE_BYTES_MAX - 1) / TN_ARCH_PAGE_BYTES_MAX *
               TN_ARCH_PAGE_BYTES_MAX];
};

extern union tn_hot_page tn_hot_page;
extern struct tn_shim_process tn_shim_process;

#define tn_hot (tn_hot_page.hot)

/* Forget the ids of all stacks: they are announced again, and get other ids. Under the control lock. */
static inline void tn_stacks_forget(void)
{
    tn_id_table_forget(&tn_hot.stacks);
    tn_hash_list_forget(&tn_hot.hashes);
}

/* What is left out now: of a process that has rings, else TN_PAUSE_NO. */
static inline enum tn_pause tn_pause_now(void)
{
    const struct tn_shared_header *header = tn_hot.header;
    return header != NULL ? (enum tn_pause)atomic_load_explicit(&header->pause, memory_order_relaxed)
                          : TN_PAUSE_NO;
}

/* Whether pc lies in this library. */
static inline bool tn_is_own_code(uintptr_t pc)
{
    return pc - tn_shim_process.text_low < tn_shim_process.text_high - tn_shim_process.text_low;
}

/* Make sure that this process and this thread can record: initialises the process at its first event, gives a
 * fork child rings of its own, claims a slot for the thread.
 *
 * Returns  whether they can; if not, the event is counted where that is possible
 * Threads  any; others wait while one initialises
 * Cost     a few loads once the thread has its slot */
bool tn_start(struct tn_thread *thread);

/* Stop recording for good; the program runs on. Any thread. */
void tn_stop(void);

/* Write a mark into the control ring. text: at most TN_MARK_TEXT_BYTES_KEPT bytes are kept. Between tn_enter
 * and tn_leave.
 *
 * Returns  whether a pause ends with this mark: after tn_leave, tn_room_await_end of it */
bool tn_mark(struct tn_thread *thread, const char *text);

#endif
