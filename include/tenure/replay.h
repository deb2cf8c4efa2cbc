/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPLAY_H
#define TENURE_REPLAY_H

/* Replay what a program did with its heap on a model of another heap. Events come from a source: a script, a
 * log (the tools make one), or an edited trace, which is a source that asks another one. A result owns what
 * it holds and knows no source any more. One thread at a time on one source. */

#include "tenure/base.h"
#include "tenure/heap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tn_replay_kind {
    TN_REPLAY_PLACE = 0,
    TN_REPLAY_RESIZE = 1,
    TN_REPLAY_RELEASE = 2,
};

/* One step of the program. */
struct tn_replay_event {
    enum tn_replay_kind kind;
    uint64_t id; /* of the block, not 0; a resized block keeps its id, a released one may come again */
    uint64_t size_bytes;      /* place, resize */
    uint64_t alignment_bytes; /* place: power of two, or 0 */
    uint64_t time_ns;         /* never falls; a script's events are 1 ns apart */
    uint32_t site_id;         /* place: who asks; 0: unknown */
    uint32_t thread_id;       /* 0: unknown */
};

/* Where events come from. Every replay begins with rewind. */
struct tn_replay_source {
    void *state; /* the source's own */
    /* The next event: 1 and *ret_event, 0 at the end, negative errno with the story in error. */
    int (*next)(void *state, struct tn_replay_event *ret_event, struct tn_error *error);
    /* Go back to the first event: 0 or negative errno. */
    int (*rewind)(void *state, struct tn_error *error);
};

/* A script in memory. */
struct tn_replay_script;

/* Parse a script: a line `A <id> <size> [align]` places, `R <id> <size>` resizes, `F <id>` releases; `#`
 * begins a comment; ids are words, sizes as tn_parse_bytes reads them. An id may be used again once it was
 * released.
 *
 * name     for messages
 * Returns  0; -EBADMSG: what is wrong in which line, with the story in error; -ENOMEM
 * Owns     the caller owns *ret_script; tn_replay_script_close releases it; text is not needed any more */
int tn_replay_script_parse(const char *name, const char *text, size_t text_bytes,
                           struct tn_replay_script **ret_script, struct tn_error *error);

/* Its events as a source. Valid until the script is closed. */
struct tn_replay_source tn_replay_script_source(struct tn_replay_script *script);

/* Release a script. NULL is fine. */
void tn_replay_script_close(struct tn_replay_script *script);

enum tn_replay_after {
    TN_REPLAY_STOP = 0, /* the first failure ends the replay */
    TN_REPLAY_SKIP = 1, /* the block does not exist, and its release does nothing */
    TN_REPLAY_GROW = 2, /* the region grows at its end until the block fits */
};

/* What one event came to. */
struct tn_replay_step {
    const struct tn_replay_event *event; /* as it was replayed */
    uint64_t number;                     /* from 1, as the source counts */
    bool has_failed;
    uint32_t block;       /* place, resize: the block; 0 when there is none */
    struct tn_heap *heap; /* to be looked at, not changed */
};

struct tn_replay_options {
    const struct tn_policy *policy;
    struct tn_heap_options heap;
    enum tn_replay_after after;
    bool wants_offsets; /* keep the offset of every placement and resize */
    bool wants_pins;    /* keep who pins the holes */
    bool wants_samples; /* keep fragmentation over time */
    /* Edit the trace, or NULL: called for each placement and resize before it happens; it may change size and
     * alignment. Returns whether the block shall be in the heap: false drops it (to the stack, a pool, static
     * memory), and its resizes and its release with it. */
    bool (*edit)(void *context, struct tn_replay_event *event);
    /* Called after each event that was replayed, or NULL. */
    void (*observe)(void *context, const struct tn_replay_step *step);
    void *context; /* of both */
};

/* Defaults: policy, an unlimited heap, stop at a failure, nothing extra. */
void tn_replay_options_init(struct tn_replay_options *options, const struct tn_policy *policy);

enum tn_replay_class {
    TN_REPLAY_CAPACITY = 0,      /* fewer bytes are free than the block takes */
    TN_REPLAY_FRAGMENTATION = 1, /* enough are free, but not in one piece */
    TN_REPLAY_POLICY = 2,        /* a piece would do, but the policy's search does not find or use it */
};

/* Its name in reports: "capacity", "fragmentation", "policy". */
const char *tn_replay_class_name(enum tn_replay_class class);

/* The first failure. */
struct tn_replay_failure {
    uint64_t event; /* number, from 1 */
    uint64_t time_ns;
    uint64_t size_bytes; /* asked for */
    uint64_t need_bytes; /* with header and rounding */
    uint64_t free_bytes;
    uint64_t largest_free_bytes;
    uint32_t site_id;
    uint32_t thread_id;
    enum tn_replay_class class;
    struct tn_heap_extent *layout; /* owned; in address order */
    size_t layout_count;
};

/* The heap at one moment. live + internal + external = end of the used part. */
struct tn_replay_sample {
    uint64_t event;
    uint64_t time_ns;
    uint64_t live_bytes;     /* asked for */
    uint64_t internal_bytes; /* headers and rounding of the live blocks */
    uint64_t external_bytes; /* free below untouched memory */
    uint64_t largest_free_bytes;
    uint64_t hole_count; /* free extents below untouched memory */
    uint64_t live_count;
};

/* Who pins the holes: free bytes on both sides of a site's blocks, which would be one without these blocks,
 * multiplied by time. */
struct tn_replay_pin {
    uint32_t site_id;       /* 0: unknown */
    struct tn_heap_pin pin; /* over all samples */
};

/* Fragmentation over the whole replay. */
struct tn_replay_fragmentation {
    double internal_mean_bytes, external_mean_bytes, live_mean_bytes; /* over time */
    uint64_t internal_at_peak_bytes, external_at_peak_bytes;          /* when most bytes were live */
    uint64_t internal_max_bytes, external_max_bytes;
};

/* The smallest region. 0: not found within the bounds of the search. */
struct tn_replay_minimum {
    uint64_t first_bytes; /* the smallest tried that survived */
    uint64_t safe_bytes;  /* every larger one that was tried survived, too */
    uint64_t
        step_bytes; /* between regions tried; 0: told by one replay without a limit, and proved by another */
    uint64_t tried_count; /* replays made */
};

struct tn_replay_result {
    const struct tn_policy *policy;
    uint64_t heap_bytes;     /* region that was given; TN_HEAP_UNLIMITED */
    uint64_t end_heap_bytes; /* region at the end: larger if it had to grow */
    uint64_t pointer_bytes;
    bool has_survived;                /* no failure */
    uint64_t failures;                /* count; at most 1 with TN_REPLAY_STOP */
    struct tn_replay_failure failure; /* the first, if failures > 0 */
    uint64_t events;                  /* replayed, dropped ones included */
    uint64_t allocations;             /* placements that were tried */
    uint64_t dropped;                 /* placements that the edit dropped */
    uint64_t refused;                 /* placements of 0 bytes that the policy gives no block for */
    uint64_t high_water_bytes;        /* highest end of a block */
    uint64_t smallest_bytes;          /* region that high water needs with the policy's own structures */
    uint64_t used_peak_bytes;         /* most bytes of blocks at one moment: no smaller region can do */
    uint64_t mapped_peak_bytes;       /* outside the region */
    uint64_t system_bytes;            /* highest break, where the policy has one */
    uint64_t control_bytes;           /* RAM of the policy beside the region */
    uint64_t peak_live_bytes;         /* asked for */
    uint64_t peak_live_count;
    struct tn_replay_fragmentation fragmentation;
    struct tn_replay_sample *samples; /* owned; evenly spaced in events */
    size_t sample_count;
    struct tn_replay_pin *pins; /* owned; most first */
    size_t pin_count;
    uint64_t *offsets; /* owned; of each placement and resize, UINT64_MAX for a failed one */
    size_t offset_count;
    struct tn_replay_minimum minimum; /* set by tn_replay_search only */
};

/* Replay a source from its beginning.
 *
 * ret_result  filled on success; tn_replay_result_finish releases what it holds
 * Returns     0, also when the heap did not survive; -EINVAL: the policy cannot be opened so; -ENOMEM; an
 * error of the source; with the story in error Cost        memory in proportion to live blocks (and to
 * offsets, if wanted) */
int tn_replay_run(const struct tn_replay_source *source, const struct tn_replay_options *options,
                  struct tn_replay_result *ret_result, struct tn_error *error);

/* Find the smallest region that the source survives in. One-pass policies: one replay without a limit, proved
 * by one in that region. Others, whose need does not fall evenly as the region grows: regions from the least
 * possible on are tried in even steps, at most replay_count.
 *
 * options     heap.heap_bytes and after are not looked at
 * max_events  events to be replayed in all, at the most; at least a few regions are tried anyway
 * Returns     as tn_replay_run */
int tn_replay_search(const struct tn_replay_source *source, const struct tn_replay_options *options,
                     uint64_t max_events, struct tn_replay_minimum *ret_minimum, struct tn_error *error);

/* What a change to the program makes of the blocks of some sites. */
enum tn_replay_change {
    TN_REPLAY_REMOVE = 0, /* they leave the heap: to the stack, or into static memory */
    TN_REPLAY_MOVE,       /* they move into a pool of `count` blocks of `bytes`; what does not fit stays */
    TN_REPLAY_RESERVE,    /* each gets `bytes` at once, and keeps them: it is only resized beyond */
    TN_REPLAY_COMBINE, /* one block of each site is one of `bytes`, from the first birth to the last death */
};

/* One change. */
struct tn_replay_rule {
    enum tn_replay_change change;
    const uint32_t *site_ids; /* borrowed while the plan is open; at most 64 with COMBINE, where a site of
                                 which there are n in a block is named n times in a row */
    size_t site_count;
    uint64_t bytes; /* not for REMOVE */
    uint64_t count; /* MOVE only */
};

/* What a change came to in the last replay. */
struct tn_replay_effect {
    uint64_t allocations_removed; /* placements and resizes that no longer reach the heap */
    uint64_t outside_peak_bytes;  /* REMOVE: most bytes of its blocks at once; MOVE: the pool's */
};

/* A source of events with some changes made to it. */
struct tn_replay_plan;

/* Prepare changes. A site that several rules name belongs to the first of them.
 *
 * source   borrowed until the plan is closed; events of other sites pass unchanged
 * rules    borrowed until the plan is closed
 * Returns  0; -EINVAL: a rule that combines no site or more than 64; -ENOMEM
 * Owns     the caller owns *ret_plan; tn_replay_plan_close releases it
 * Cost     memory in proportion to live blocks of the rules' sites */
int tn_replay_plan_open(const struct tn_replay_source *source, const struct tn_replay_rule *rules,
                        size_t rule_count, struct tn_replay_plan **ret_plan, struct tn_error *error);

/* The changed events. Members of a combined block are matched thread by thread: a block belongs to the one
 * begun last on its thread that has a place for it: of the rule's first site it has one ever, of another one
 * as many as the rule names the site in a row, each free again when its block is gone. Where none is free, a
 * block of the first site begins another combined block, and one of another site stays as it is. */
struct tn_replay_source tn_replay_plan_source(struct tn_replay_plan *plan);

/* What a rule came to since the last rewind. */
struct tn_replay_effect tn_replay_plan_effect(const struct tn_replay_plan *plan, size_t rule);

/* Release. NULL is fine. */
void tn_replay_plan_close(struct tn_replay_plan *plan);

/* Release what a result owns. Zeroed is fine. */
void tn_replay_result_finish(struct tn_replay_result *result);

/* Pools for a source: one for each size class (powers of two from min_block_bytes), as many blocks as live at
 * once at most. What a class needs at its peak, it needs whatever the others do.
 *
 * Returns  0, or an error of the source, or -ENOMEM
 * Owns     the caller owns *ret_pools: free() it */
int tn_replay_pools(const struct tn_replay_source *source, uint64_t min_block_bytes,
                    struct tn_heap_pool **ret_pools, size_t *ret_count, struct tn_error *error);

#endif
