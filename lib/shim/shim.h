/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_H
#define TENURE_SHIM_H

/* libtenure.so: lives in a stranger's process.
 *
 * THE RULES
 *  1. Nothing is allocated from the program's heap. Own memory is mmapped, named, and bounded.
 *  2. No lock is taken that the program or libc can hold while it waits for us. Of our own locks the order is
 *     unwinder, then control; nothing foreign is called under control, and only libunwind under unwinder.
 *  3. Nothing is printed, but one line when recording cannot start.
 *  4. errno, signals, descriptors, environment and what wait() shows stay as the program knows them.
 *  5. Every foreign call that may allocate (loader, pthread, libunwind) stands between tn_own_begin and
 *     tn_own_end: what it allocates comes from the arena, and signals are blocked.
 *  6. The program's calls are recorded between tn_enter and tn_leave; a call inside a call is passed on.
 *  7. A symbol that is missing degrades; it never stops the program. */

#include "arch.h"
#include "capture.h"
#include "id_table.h"
#include "rule_table.h"
#include "tenure/event.h"
#include "tenure/ring.h"
#include "tenure/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_EXPORT      __attribute__((visibility("default")))
#define TN_LIKELY(x)   __builtin_expect(!!(x), 1)
#define TN_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* ---- options, from the environment, read once an image ---- */

struct tn_options {
    uint32_t depth_max;    /* frames: TENURE_DEPTH */
    uint32_t ring_bytes;   /* a power of two: TENURE_RING_SIZE */
    bool has_free_stacks;  /* TENURE_FREE_STACKS */
    bool has_children;     /* TENURE_CHILDREN */
    uint32_t check_stacks; /* TENURE_CHECK_STACKS: 0 no, 1 count differences, 2 print them too */
};

/* Read the options; what cannot be understood keeps its default. */
void tn_options_read(struct tn_options *options);

/* ---- the process ---- */

#define TN_GENERATION_NONE UINT32_MAX /* a thread that owns no slot */

/* What every event needs, in a page of its own that reads as zero in a child of any kind of fork (but not of
 * vfork, whose memory is the parent's). Written under the control lock. */
struct tn_hot {
    _Atomic uint32_t generation; /* of the slots that threads claimed; 0: no recording here */
    uint32_t ring_words;
    uint32_t slot_count;
    uint32_t clock; /* enum tn_clock */
    uint32_t pid;
    struct tn_shared_header *header; /* start of the mapping */
    struct tn_id_table stacks;       /* stack hash -> id; ids are the recorder's to know, per mapping */
    uint32_t last_stack_id;
    uint32_t next_slot;                /* where the search for a free slot begins; a hint */
    _Atomic uintptr_t stamp_turn;      /* the thread that may stamp its events without waiting; see emit.h */
    _Atomic uint64_t stamp_wait_ticks; /* up to then, none may */
};

enum tn_state {
    TN_STATE_NEW = 0,  /* nothing has been done */
    TN_STATE_STARTING, /* one thread initialises */
    TN_STATE_RUNNING,
    TN_STATE_OFF, /* unrecorded for good */
};

/* What a fork child keeps. */
struct tn_shim_process {
    _Atomic uint32_t state; /* enum tn_state */
    uint32_t generations;   /* handed out so far */
    uint32_t main_tid;      /* of the image's first thread */
    uint32_t pid;           /* as last introduced to a recorder: of its parent, in a fork child */
    struct tn_options options;
    char socket_path[108];         /* of the recorder: where fork children introduce themselves */
    uintptr_t text_low, text_high; /* this library's own mapping */
    uintptr_t arena_low;           /* 0 until the arena is there */
    struct tn_rule_table rules;    /* return address -> unwind rule */
    _Atomic uint32_t rule_epoch;   /* rises when code was unloaded */
};

union tn_hot_page {
    struct tn_hot hot;
    char page[4096];
};

extern union tn_hot_page tn_hot_page;
extern struct tn_shim_process tn_shim_process;
extern struct tn_lock tn_control_lock;

#define tn_hot (tn_hot_page.hot)

/* ---- real.c: the functions that come next in symbol order ---- */

struct tn_real {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*reallocarray)(void *, size_t, size_t);
    void (*free)(void *);
    void (*free_sized)(void *, size_t);
    void (*free_aligned_sized)(void *, size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);
    size_t (*malloc_usable_size)(void *);
    int (*dlclose)(void *);
    int (*start_main)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                      void (*)(void), void *);
    void (*leave)(int) __attribute__((noreturn)); /* exit */
};

extern struct tn_real tn_real;

/* Look the real functions up. Under own call. */
void tn_real_find(void);

/* The next definition of a symbol after ours, NULL if there is none. Under own call. */
void *tn_real_symbol(const char *name);

/* The file whose malloc the program calls instead of ours (static jemalloc, say); NULL: it calls ours. Under
 * own call. */
const char *tn_real_bypass(void);

/* ---- arena.c: memory for what loader, libc and libunwind allocate on our behalf ---- */

#define TN_ARENA_BYTES ((size_t)16 << 20)

/* Whether address lies in the arena. */
static inline bool tn_arena_holds(const void *address)
{
    return TN_UNLIKELY((uintptr_t)address - tn_shim_process.arena_low < TN_ARENA_BYTES);
}

/* A block of size_bytes at a multiple of alignment_bytes (a power of two; 0: 16). NULL when the arena is
 * full. */
void *tn_arena_allocate(size_t size_bytes, size_t alignment_bytes);

/* Zeroed count * size_bytes; NULL also when the product overflows. */
void *tn_arena_allocate_zeroed(size_t count, size_t size_bytes);

/* Give a block of the arena back. */
void tn_arena_free(void *address);

/* In a fork child: let go of what a thread that is not here any more held. */
void tn_arena_recover(void);

/* The room of a block of the arena, bytes. */
size_t tn_arena_usable_size(const void *address);

/* ---- thread.c ---- */

/* A C++ operator that the program called and that has called the real one. */
struct tn_operator_call {
    uintptr_t cfa;
    size_t size_bytes;
    struct tn_origin origin;
    uint8_t function; /* enum tn_function */
};

/* How deep operators nest in one another: new_handlers that use new. Deeper ones count what they call, too.
 */
#define TN_OPERATOR_DEPTH_MAX 4u

/* One thread. Zero but for its generation until its first event. */
struct tn_thread {
    uintptr_t inside_cfa;              /* 0, or the CFA of the entry point that this thread is in */
    bool is_ended;                     /* libc has said so: what follows is done without keeping anything */
    uint32_t operator_depth;           /* operators under way */
    uint32_t generation;               /* equal to tn_hot.generation while calls may take the fast way */
    uint32_t slot_generation;          /* equal to it while the slot is this thread's */
    uint32_t own_depth;                /* > 0: a foreign call on our behalf is under way */
    struct tn_ring *ring;              /* of the slot */
    uint64_t *words;                   /* of the ring */
    uint64_t index_mask;               /* their number - 1 */
    uint64_t limit_words;              /* of head_words: up to there, words are free and do not wrap */
    uint64_t last_ticks;               /* the previous stamp, not 0 */
    uintptr_t stack_low, stack_high;   /* the thread's own stack; 0: not yet known */
    uintptr_t stack_base;              /* what depths are measured from: its highest address in use */
    uintptr_t region_low, region_high; /* the last other mapping that was found to be a stack */
    uint64_t own_mask;                 /* signals that were blocked before the outermost own call */
    int own_errno;                     /* errno before it */
    uint32_t vain_count;               /* events since the last vain search for a slot */
    uint32_t nested_count;             /* calls on top of the shim that were not recorded and not yet told */
    struct tn_trail *trail;            /* what is remembered of stacks; NULL until the first one */
    uint64_t left_head_words;          /* of the ring, behind the last LEAVE */
    uint32_t left_depth_bytes;         /* that it told */
    struct tn_operator_call operators[TN_OPERATOR_DEPTH_MAX];
};

extern __thread struct tn_thread tn_thread;

enum tn_way {
    TN_WAY_RECORD, /* inside now: record, then tn_leave */
    TN_WAY_PASS,   /* only the real call */
    TN_WAY_INNER,  /* a C++ operator's own call: only the real one */
    TN_WAY_ARENA,  /* on our behalf: the arena */
};

/* All of tn_enter that is rare. */
enum tn_way tn_enter_slow(struct tn_thread *thread, const struct tn_caller *caller);

/* Begin a call: what is to be done with it. */
static inline enum tn_way tn_enter(struct tn_thread *thread, const struct tn_caller *caller)
{
    uint32_t generation = atomic_load_explicit(&tn_hot.generation, memory_order_relaxed);
    if (TN_UNLIKELY((thread->inside_cfa | thread->operator_depth) != 0 || thread->generation != generation))
        return tn_enter_slow(thread, caller);
    thread->inside_cfa = caller->cfa;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return TN_WAY_RECORD;
}

/* End what tn_enter began with TN_WAY_RECORD. */
static inline void tn_leave(struct tn_thread *thread)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    thread->inside_cfa = 0;
}

/* Begin and end a foreign call on our behalf; they nest. */
void tn_own_begin(struct tn_thread *thread);
void tn_own_end(struct tn_thread *thread);

/* Make the key whose destructor tells of a thread's end. Under own call, once. */
void tn_thread_prepare(void);

/* Take a slot for this thread. Returns whether there was one; if not, an event is counted as lost. */
bool tn_thread_claim(struct tn_thread *thread);

/* One past the highest address of the stack that holds sp, 0 if no mapping does. */
uintptr_t tn_thread_stack_high(struct tn_thread *thread, uintptr_t sp);

/* Tell that these operators were left by an exception. Inside. */
void tn_thread_fail_operators(struct tn_thread *thread, const struct tn_operator_call *calls, uint32_t count);

/* Whether pc lies in a real C++ operator or in this library (interpose_new.c). */
bool tn_operator_holds(uintptr_t pc);

/* Look the real operators up. Under own call. */
void tn_operators_find(void);

/* ---- emit.c: events into the thread's ring ---- */

/* The clock of the header. */
static inline uint64_t tn_ticks(void)
{
    uint64_t tn_ticks_monotonic(void);
    return TN_LIKELY(tn_hot.clock != TN_CLOCK_MONOTONIC) ? tn_arch_ticks() : tn_ticks_monotonic();
}

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t tn_ticks_monotonic(void);

/* Tell a birth, or a failure when address is NULL.
 *
 * alignment_bytes  as asked for; 0: the function has none
 * Threads          the caller's own ring; inside (tn_enter) */
void tn_emit_birth(struct tn_thread *thread, const struct tn_caller *caller, enum tn_function function,
                   void *address, size_t size_bytes, size_t alignment_bytes);

/* The same, with the stack taken before. */
void tn_emit_birth_at(struct tn_thread *thread, enum tn_function function, void *address, size_t size_bytes,
                      size_t alignment_bytes, struct tn_origin origin);

/* Tell that the real allocator gave nothing. */
void tn_emit_failure(struct tn_thread *thread, enum tn_function function, size_t size_bytes,
                     struct tn_origin origin);

/* The caller's distance from the base of its stack, bytes; on a stack that is not the thread's own, from the
 * end of the mapping that it lies in. */
uint32_t tn_depth_of(struct tn_thread *thread, const struct tn_caller *caller);

/* Tell a release. Before the real call. */
void tn_emit_death(struct tn_thread *thread, const struct tn_caller *caller, enum tn_function function,
                   void *address);

/* Tell that a realloc begins; before the real call. Returns where, for the commit. */
struct tn_origin tn_emit_realloc_begin(struct tn_thread *thread, const struct tn_caller *caller,
                                       enum tn_function function, void *address);

/* Tell how a realloc ended.
 *
 * address  what it returned; is_released: NULL, because the block was released and not for want of memory */
void tn_emit_realloc_commit(struct tn_thread *thread, enum tn_function function, struct tn_origin origin,
                            void *address, size_t size_bytes, bool is_released);

/* Tell losses that happened on top of the shim. */
void tn_emit_loss(struct tn_thread *thread, uint32_t count, uint32_t why);

/* Tell a thread's beginning and end. */
void tn_emit_thread_begin(struct tn_thread *thread, uint32_t tid);
void tn_emit_thread_end(struct tn_thread *thread);

/* Room for an event in a ring, waiting for the recorder while it is full.
 *
 * Returns  whether there is room; false: the recorder is gone and recording has been stopped for good */
bool tn_emit_room(struct tn_ring *ring, uint32_t need_words, uint32_t *ret_pad_words);

/* Write into the control ring, under the control lock.
 *
 * need_words  2 .. TN_EVENT_WORDS_MAX
 * Returns     where, the stamp written; NULL when recording has been stopped. tn_control_end publishes */
uint64_t *tn_control_begin(uint32_t need_words, uint32_t *ret_pad_words);
void tn_control_end(uint32_t used_words);

/* ---- capture.c, stacks.c: call stacks ---- */

/* The same as tn_capture, where no memo knows the stack. */
struct tn_origin tn_capture_slow(struct tn_thread *thread, const struct tn_caller *caller);

/* The caller's stack, announced to the recorder, and its depth. Inside. */
static inline struct tn_origin tn_capture(struct tn_thread *thread, const struct tn_caller *caller)
{
    struct tn_trail *trail = thread->trail;
    uint32_t epoch = atomic_load_explicit(&tn_shim_process.rule_epoch, memory_order_acquire);
    if (TN_UNLIKELY(trail == NULL || trail->epoch != epoch))
        return tn_capture_slow(thread, caller);
    const struct tn_memo *memo = tn_trail_recall(trail, caller);
    if (TN_LIKELY(memo != NULL))
        return memo->origin;
    return tn_capture_slow(thread, caller);
}

/* The key of a stack's hash in the table of stacks. */
static inline uint64_t tn_stack_key(uint64_t hash)
{
    return hash | (hash == 0);
}

/* The id of the stack that hash names; 0 if it is new. */
static inline uint32_t tn_stack_find(uint64_t hash)
{
    return (uint32_t)tn_id_table_find(&tn_hot.stacks, tn_stack_key(hash));
}

/* Announce the stack of the trail's outermost depth frames. Returns its id, 0 if recording stopped. Under own
 * call. */
uint32_t tn_stack_announce(struct tn_thread *thread, struct tn_trail *trail, const struct tn_caller *caller,
                           uint32_t depth, bool is_cut);

/* Compare the caller's stack, as it was announced, with libunwind's own walk (TENURE_CHECK_STACKS). Under own
 * call. */
void tn_verify_stack(struct tn_thread *thread, const struct tn_caller *caller, const uint64_t *frames,
                     uint32_t frame_count, bool is_cut);

/* ---- unwinder.c: libunwind ---- */

/* Load libunwind. Under own call. Returns whether it is there. */
bool tn_unwinder_open(void);

/* Learn the rule of a return address, and keep it. Returns the rule, TN_RULE_UNKNOWN when it cannot be had
 * now. */
uint64_t tn_unwinder_learn_rule(struct tn_thread *thread, uintptr_t pc);

/* Have libunwind step out of one frame.
 *
 * frame    in: the frame; out: its caller
 * high     loads end there
 * Returns  whether there is a caller */
bool tn_unwinder_step(struct tn_thread *thread, struct tn_caller *frame, uintptr_t high);

/* Take and drop the unwinder's lock, so that it is idle while the process is copied. */
void tn_unwinder_hold(void);
void tn_unwinder_release(void);

/* In a child of a fork that called no handlers: if the unwinder was at work in the copied memory, it is not
 * used again. */
void tn_unwinder_recover(void);

/* ---- modules.c ---- */

/* What is known of the module that holds a code address. */
struct tn_module {
    uintptr_t low, high;           /* mapped range; there may be holes in it */
    uintptr_t text_low, text_high; /* its code, without holes */
    uintptr_t bias;                /* load bias */
    uintptr_t unwind_header;       /* .eh_frame_hdr, 0 if there is none */
    uintptr_t data_base;           /* DT_PLTGOT: what data-relative pointers are relative to */
    uint64_t identity;             /* tells it from another one that was mapped to the same place */
    uint32_t seen_scan;            /* the last scan that met it */
};

/* Announce every module that is loaded and not yet known, and that every gone one is gone. Signals
 * blocked or not; not under a lock of ours. */
void tn_modules_scan(struct tn_thread *thread);

/* How many modules the loader has unloaded so far. */
uint64_t tn_modules_unloaded(void);

/* Forget what was announced: a new mapping begins. */
void tn_modules_forget(void);

/* The module at pc. Returns whether there is one. Signals blocked. */
bool tn_modules_find(uintptr_t pc, struct tn_module *ret_module);

/* The same, after a look at what has been loaded since. */
bool tn_modules_resolve(struct tn_thread *thread, uintptr_t pc, struct tn_module *ret_module);

/* ---- session.c, launch.c ---- */

/* Create the rings, find or start a recorder and introduce this process. On success tn_hot is filled and
 * recording may begin.
 *
 * ret_what  for a person: what failed; only with a negative result
 * Returns   0; 1: this process is not to be recorded; negative errno */
int tn_session_open(enum tn_hello_reason reason, const char **ret_what);

/* Start a recorder, out of the program's sight. Returns our end of its socket, or a negative errno. */
int tn_launch_recorder(void);

/* ---- start.c ---- */

/* Make sure that this process and this thread can record. Returns whether they can. */
bool tn_start(struct tn_thread *thread);

/* Stop recording for good; the program runs on. */
void tn_stop(void);

/* Write a mark into the control ring. */
void tn_mark(struct tn_thread *thread, const char *text);

#endif
