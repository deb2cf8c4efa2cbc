/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPLAY_H
#define TENURE_REPLAY_H

/* Replay what a program did with its heap on a model of another heap. Events come from a source: a script, a
 * log (lib/simulate makes one), or a plan, which is a source that edits the events of another one. A result
 * owns what it holds and refers to no source. One thread at a time on one source. */

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

/* One event. Written by the source; an edit may change size and alignment. */
struct tn_replay_event {
    enum tn_replay_kind kind;
    uint64_t id;              /* of the block, not 0; kept by a resize, may be used again after the release */
    uint64_t size_bytes;      /* place, resize: what the program requests */
    uint64_t alignment_bytes; /* place: power of two; 0: the policy's own */
    uint64_t time_ns;         /* never falls; events of a script are 1 ns apart */
    uint32_t site_id;         /* place: whose block it is; 0: unknown */
    uint32_t thread_id;       /* 0: unknown */
    uint16_t role;            /* place: which of the roles that rules name its birth belongs to; 0: none */
};

/* Where events come from. Whoever reads it begins with rewind. */
struct tn_replay_source {
    void *state; /* owned by the source; passed to both functions */
    /* The next event: 1 and *ret_event; 0 at the end; negative errno, error says what failed. */
    int (*next)(void *state, struct tn_replay_event *ret_event, struct tn_error *error);
    /* Go back to the first event: 0 or negative errno, error says what failed. */
    int (*rewind)(void *state, struct tn_error *error);
};

/* A script in memory. */
struct tn_replay_script;

/* Parse a script: a line `A ID SIZE [ALIGN]` places a block, `R ID SIZE` resizes it, `F ID` releases it;
 * `#` begins a comment; ids are words, sizes as tn_parse_bytes reads them. An id may be used again once it
 * was released.
 *
 * name        for messages
 * text        text_bytes of it, not needed afterwards
 * Returns     0; -EBADMSG: a bad line, or no event; -ENOMEM; *ret_script is untouched and error says what
 *             failed
 * Owns        the caller owns *ret_script; tn_replay_script_close releases it */
int tn_replay_script_parse(const char *name, const char *text, size_t text_bytes,
                           struct tn_replay_script **ret_script, struct tn_error *error);

/* Events of a script. The source is valid until the script is closed. */
struct tn_replay_source tn_replay_script_source(struct tn_replay_script *script);

/* Release a script. NULL is fine. */
void tn_replay_script_close(struct tn_replay_script *script);

/* Events in memory. */
struct tn_replay_trace;

/* Read all events of a source, to replay them many times. Ids of blocks become small numbers; everything
 * else stays as it is.
 *
 * source      not needed afterwards
 * max_events  more are not kept: each takes 32 bytes
 * ret_trace   the events
 * Returns     0; -E2BIG: there are more than max_events; -ENOMEM; an error of the source; *ret_trace is
 *             untouched and error says what failed
 * Owns        the caller owns *ret_trace; tn_replay_trace_close releases it
 * Cost        one pass over the events */
int tn_replay_trace_read(const struct tn_replay_source *source, size_t max_events,
                         struct tn_replay_trace **ret_trace, struct tn_error *error);

/* The events of a trace. The source is valid until the trace is closed. */
struct tn_replay_source tn_replay_trace_source(struct tn_replay_trace *trace);

/* How many events a trace has. */
size_t tn_replay_trace_count(const struct tn_replay_trace *trace);

/* Release a trace. NULL is fine. */
void tn_replay_trace_close(struct tn_replay_trace *trace);

enum tn_replay_after {
    TN_REPLAY_STOP = 0, /* the first failure ends the replay */
    TN_REPLAY_SKIP = 1, /* the block does not exist, and its release does nothing */
    TN_REPLAY_GROW = 2, /* the region grows at its end until the block fits */
};

/* What one event came to. Written by the replay, valid while observe runs. */
struct tn_replay_step {
    const struct tn_replay_event *event; /* as it was replayed */
    uint64_t number;                     /* from 1, as the source counts */
    bool has_failed;                     /* no room, before the region grew */
    uint32_t block;                      /* place, resize: the block in heap; 0: there is none */
    struct tn_heap *heap;                /* to be looked at, not changed */
};

/* How a source is replayed. Set by the caller, after tn_replay_options_init. */
struct tn_replay_options {
    const struct tn_policy *policy;
    struct tn_heap_options heap; /* the region and its parameters */
    enum tn_replay_after after;  /* what a failure leads to */
    bool wants_offsets;          /* keep the offset of every placement and resize */
    bool wants_pins;             /* keep who pins holes */
    bool wants_samples;          /* keep fragmentation over time */
    /* Edit the events; NULL: do not. Called for each placement and resize before it happens; may change size
     * and alignment. Returns false to keep the block out of the heap (on the stack, in a pool, in static
     * memory): its resizes and its release are dropped, too. */
    bool (*edit)(void *context, struct tn_replay_event *event);
    /* Called after each event that was replayed; NULL: nobody. */
    void (*observe)(void *context, const struct tn_replay_step *step);
    void *context; /* borrowed; passed to edit and observe */
};

/* Set defaults: this policy, an unlimited region, stop at a failure, nothing extra. */
void tn_replay_options_init(struct tn_replay_options *options, const struct tn_policy *policy);

enum tn_replay_class {
    TN_REPLAY_CAPACITY = 0,      /* fewer bytes are free than the block takes */
    TN_REPLAY_FRAGMENTATION = 1, /* enough are free, but not in one piece */
    TN_REPLAY_POLICY = 2,        /* a piece would do, but the policy's search does not find or use it */
};

/* Name of a class in reports: "capacity", "fragmentation", "policy". Static string. */
const char *tn_replay_class_name(enum tn_replay_class class);

/* The first failure of a replay. */
struct tn_replay_failure {
    uint64_t event;                /* number, from 1 */
    uint64_t time_ns;              /* of the event */
    uint64_t size_bytes;           /* requested */
    uint64_t need_bytes;           /* with header and rounding */
    uint64_t free_bytes;           /* in the region then */
    uint64_t largest_free_bytes;   /* largest free extent then */
    uint32_t site_id;              /* of the event; 0: unknown */
    uint32_t thread_id;            /* of the event; 0: unknown */
    enum tn_replay_class class;    /* why it failed */
    struct tn_heap_extent *layout; /* owned; the region then, in address order */
    size_t layout_count;           /* length of layout */
};

/* The heap after one event. live + internal + external = end of the used part. */
struct tn_replay_sample {
    uint64_t event;              /* number, from 1 */
    uint64_t time_ns;            /* of the event */
    uint64_t live_bytes;         /* requested */
    uint64_t internal_bytes;     /* headers and rounding of live blocks */
    uint64_t external_bytes;     /* free below untouched memory */
    uint64_t largest_free_bytes; /* largest free extent, untouched memory included */
    uint64_t hole_count;         /* free extents below untouched memory */
    uint64_t live_count;         /* blocks */
};

/* What a site pins: bytes of holes that would be one without the site's blocks. */
struct tn_replay_pin {
    uint32_t site_id;       /* 0: unknown */
    struct tn_heap_pin pin; /* over all samples */
};

/* Fragmentation over a whole replay. */
struct tn_replay_fragmentation {
    double internal_mean_bytes;      /* mean over time */
    double external_mean_bytes;      /* mean over time */
    double live_mean_bytes;          /* mean over time, of bytes requested */
    uint64_t internal_at_peak_bytes; /* when most bytes were live */
    uint64_t external_at_peak_bytes; /* when most bytes were live */
    uint64_t internal_max_bytes;     /* most at one moment */
    uint64_t external_max_bytes;     /* most at one moment */
};

/* The smallest region. Written by tn_replay_search. 0: not found within the bounds of the search. */
struct tn_replay_minimum {
    uint64_t first_bytes; /* the smallest tried that survived */
    uint64_t safe_bytes;  /* the smallest of which all larger ones that were tried survived, too */
    uint64_t step_bytes;  /* between regions tried; 0: found by an unlimited replay, and proved */
    uint64_t tried_count; /* replays made */
};

/* What came of a replay. Zeroed: nothing. Written by tn_replay_run. */
struct tn_replay_result {
    const struct tn_policy *policy;               /* as given */
    uint64_t heap_bytes;                          /* region as given; TN_HEAP_UNLIMITED */
    uint64_t end_heap_bytes;                      /* region at the end: larger if it had to grow */
    uint64_t pointer_bytes;                       /* as given */
    bool has_survived;                            /* no failure */
    uint64_t failures;                            /* count; at most 1 with TN_REPLAY_STOP */
    struct tn_replay_failure failure;             /* the first one, if failures > 0 */
    uint64_t events;                              /* replayed, dropped ones included */
    uint64_t allocations;                         /* placements that were tried */
    uint64_t dropped;                             /* placements that the edit dropped */
    uint64_t refused;                             /* placements of 0 bytes that got no block, as documented */
    uint64_t high_water_bytes;                    /* highest end of a block */
    uint64_t smallest_bytes;                      /* region that would have done; see tn_heap_smallest */
    uint64_t used_peak_bytes;                     /* most bytes of blocks at once: no smaller region can do */
    uint64_t mapped_peak_bytes;                   /* most bytes outside the region at once */
    uint64_t system_bytes;                        /* highest break, where the policy has one */
    uint64_t control_bytes;                       /* RAM of the policy beside the region */
    uint64_t peak_live_bytes;                     /* most bytes requested and live at once */
    uint64_t peak_live_count;                     /* most blocks live at once */
    struct tn_replay_fragmentation fragmentation; /* over the whole replay */
    struct tn_replay_sample *samples;             /* owned; evenly spaced in events; if wanted */
    size_t sample_count;                          /* length of samples, at most 257 */
    struct tn_replay_pin *pins;                   /* owned; most byte_ns first; if wanted */
    size_t pin_count;                             /* length of pins */
    uint64_t *offsets;                            /* owned; by placement and resize; UINT64_MAX: failed */
    size_t offset_count;                          /* length of offsets */
    struct tn_replay_minimum minimum;             /* not by tn_replay_run: for whoever searches it */
};

/* Replay a source from its beginning.
 *
 * ret_result  written on success; tn_replay_result_finish releases what it holds
 * Returns     0, also when the heap did not survive; -EINVAL: the policy cannot be opened so; -ENOMEM; an
 *             error of the source; error says what failed
 * Cost        memory in proportion to live blocks (and to offsets, if wanted) */
int tn_replay_run(const struct tn_replay_source *source, const struct tn_replay_options *options,
                  struct tn_replay_result *ret_result, struct tn_error *error);

/* Find the smallest region that the source survives in. One-pass policies: one replay without a limit,
 * proved by one in that region. For others, whose need does not fall evenly as the region grows, regions
 * from the least possible on are tried in even steps.
 *
 * options     heap.heap_bytes, after, observe and the wants_ are not looked at
 * max_events  events to be replayed in all, at most; at least 16 regions are tried anyway
 * Returns     as tn_replay_run; *ret_minimum is written on success, all 0 where nothing was found
 * Cost        max_events, or 16 replays if that is more */
int tn_replay_search(const struct tn_replay_source *source, const struct tn_replay_options *options,
                     uint64_t max_events, struct tn_replay_minimum *ret_minimum, struct tn_error *error);

/* Find a region that the source survives in, close to the smallest: the same as tn_replay_search for one-pass
 * policies; for others, between what is live at once and what a replay in four times as much needs, by
 * halving down to a part in 512, which is step_bytes. It does not look whether larger regions fail: for
 * comparing many changes, in a tenth of the replays.
 *
 * options  heap.heap_bytes, after, observe and the wants_ are not looked at
 * Returns  as tn_replay_run; *ret_minimum is written on success, all 0 where nothing was found
 * Cost     two replays for one-pass policies, about ten for others */
int tn_replay_search_narrow(const struct tn_replay_source *source, const struct tn_replay_options *options,
                            struct tn_replay_minimum *ret_minimum, struct tn_error *error);

#define TN_REPLAY_MEMBERS_MAX 64 /* members of one TN_REPLAY_COMBINE */

#define TN_REPLAY_ROLE UINT32_C(0x80000000) /* in a rule's site_ids: events whose `role` is the rest */

/* What a change to the program makes of the blocks of some sites. */
enum tn_replay_change {
    TN_REPLAY_REMOVE = 0,  /* they leave the heap: to the stack, or into static memory */
    TN_REPLAY_MOVE = 1,    /* they move into a pool of `count` blocks of `bytes`; what does not fit stays */
    TN_REPLAY_RESERVE = 2, /* each gets `bytes` at once and keeps them: it is only resized beyond. A block of
                              another site gets them when it is first resized here */
    TN_REPLAY_COMBINE = 3, /* one block of each site is one of `bytes`, from first birth to last death */
};

/* One change. Set by the caller. */
struct tn_replay_rule {
    enum tn_replay_change change;
    const uint32_t *site_ids; /* borrowed while the plan is open; COMBINE: n times in a row for n blocks. With
                                 TN_REPLAY_ROLE, the rest is the number of a role instead */
    size_t site_count;        /* length of site_ids, > 0 */
    uint64_t bytes;           /* of a block; not for REMOVE */
    uint64_t count;           /* MOVE only: blocks of the pool */
    const uint8_t
        *positions; /* borrowed; COMBINE: by index in site_ids, which member of the structure it is, so that
                       several roles can be one member; below TN_REPLAY_MEMBERS_MAX. NULL: each is its own */
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
 * source   copied, its state borrowed until the plan is closed; events of other sites pass unchanged
 * rules    rule_count of them, borrowed until the plan is closed
 * Returns  0; -EINVAL: a rule names no site, or combines more than TN_REPLAY_MEMBERS_MAX; -ENOMEM;
 *          *ret_plan is untouched and error says what failed
 * Owns     the caller owns *ret_plan; tn_replay_plan_close releases it
 * Cost     while it is replayed, memory in proportion to live blocks of the rules' sites */
int tn_replay_plan_open(const struct tn_replay_source *source, const struct tn_replay_rule *rules,
                        size_t rule_count, struct tn_replay_plan **ret_plan, struct tn_error *error);

/* The changed events, valid until the plan is closed. Members of a combined block are matched thread by
 * thread: a block joins the combined block begun last on its thread, if that one lacks a member of its
 * site. Of the rule's first site a combined block has one member ever; of another site as many as the rule
 * names it in a row, each missing again when its block is released. A block of the first site that cannot
 * join begins another combined block; one of another site stays as it is. */
struct tn_replay_source tn_replay_plan_source(struct tn_replay_plan *plan);

/* What rule number `rule` (from 0) came to since the last rewind. */
struct tn_replay_effect tn_replay_plan_effect(const struct tn_replay_plan *plan, size_t rule);

/* Release a plan. NULL is fine. */
void tn_replay_plan_close(struct tn_replay_plan *plan);

/* Release what a result owns and zero it. Zeroed is fine. */
void tn_replay_result_finish(struct tn_replay_result *result);

/* Derive pools from a source: one for each size class (powers of two from min_block_bytes), with as many
 * blocks as live at once at most in that class.
 *
 * min_block_bytes  of the smallest class, > 0
 * ret_count        length of *ret_pools, at least 1
 * Returns          0; an error of the source; -ENOMEM; results are untouched and error says what failed
 * Owns             the caller owns *ret_pools: free() it
 * Cost             one pass over the events, memory in proportion to live blocks */
int tn_replay_pools(const struct tn_replay_source *source, uint64_t min_block_bytes,
                    struct tn_heap_pool **ret_pools, size_t *ret_count, struct tn_error *error);

#endif
