/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SIMULATE_H
#define TENURE_SIMULATE_H

/* What `tenure simulate` and `tenure report` ask of a recorded log: its events as a source for the replay,
 * assumptions about another machine, one policy run to its smallest heap, and what findings would change.
 * Models of heaps are in lib/heap, the replay itself in lib/replay; here they meet a log and its findings.
 * Nothing prints; long tasks report through a callback. One thread at a time on one object. */

#include "tenure/base.h"
#include "tenure/finding.h"
#include "tenure/log.h"
#include "tenure/replay.h"
#include "tenure/risk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One line of a sizes file, for one site that it names. */
struct tn_size_override {
    uint32_t site_id;
    uint64_t from_bytes; /* recorded size that is replaced; 0: every size */
    uint64_t to_bytes;   /* size that is replayed */
};

/* What a replay assumes of sites on a machine that the program was not recorded on: blocks that the C library
 * allocates for itself do not exist there, structures have other sizes. Zeroed: nothing is assumed. */
struct tn_overrides {
    bool *is_left_out;               /* owned; site_count flags by site id; by tn_overrides_leave_runtime */
    size_t site_count;               /* length of is_left_out */
    struct tn_size_override *sizes;  /* owned; ascending by site; by tn_overrides_read */
    size_t size_count;               /* length of sizes */
    uint64_t allocations;            /* births in the last replay, resizes included; by the replay */
    uint64_t bytes;                  /* recorded bytes of allocations; by the replay */
    uint64_t left_out_allocations;   /* those that were not replayed; by the replay */
    uint64_t left_out_bytes;         /* recorded bytes of left_out_allocations; by the replay */
    uint64_t overridden_allocations; /* those that were replayed with another size; by the replay */
    uint64_t overridden_bytes;       /* recorded bytes of overridden_allocations; by the replay */
};

/* Leave out what the C library, the C++ library and the dynamic loader allocate for themselves: sites in
 * their own modules, and sites that reached malloc through a function of theirs that keeps the block
 * (fopen, getaddrinfo, pthread_create...). Blocks that they hand to their caller (strdup, getline...)
 * stay.
 *
 * log      open, only read
 * Returns  0; -EIO: the log cannot be read; -ENOMEM; error says what failed, overrides may hold a part
 * Cost     one query over the log's sites */
int tn_overrides_leave_runtime(struct tn_overrides *overrides, struct tn_log *log, struct tn_error *error);

/* Read a sizes file: lines `PLACE [FROM] TO`, where PLACE is a function, or FILE:LINE with as much of the
 * path as is needed. Blocks of FROM bytes of that site (without FROM, of any size) are replayed with TO
 * bytes. `#` begins a comment. The first line that names a site and size counts.
 *
 * log      open, only read
 * name     of the file, for messages
 * text     the whole file, ended by 0; is cut into words
 * Returns  0; -EBADMSG: a bad line, or a place that is no site of the log; -EIO; -ENOMEM; error says what
 *          failed and in which line, overrides may hold a part */
int tn_overrides_read(struct tn_overrides *overrides, struct tn_log *log, const char *name, char *text,
                      struct tn_error *error);

/* Release what overrides owns and zero it. Zeroed is fine. */
void tn_overrides_finish(struct tn_overrides *overrides);

/* A recorded process as a source of events. */
struct tn_log_source;

/* Prepare to replay a process.
 *
 * log         borrowed until tn_log_source_close
 * process_id  0: the process with most allocations
 * Returns     0; -ENOENT: the log has no such process; -EBADMSG: no log of ours; -EIO; -ENOMEM;
 *             *ret_source is untouched and error says what failed
 * Owns        the caller owns *ret_source; tn_log_source_close releases it
 * Cost        memory in proportion to the log's stacks */
int tn_log_source_open(struct tn_log *log, uint64_t process_id, struct tn_log_source **ret_source,
                       struct tn_error *error);

/* The events: births, resizes (the release and the birth of a realloc are one event) and deaths, in time
 * order; again from the first after each rewind. Sites are those of the log, 0 where names are missing.
 *
 * Returns  a source that is valid until tn_log_source_close */
struct tn_replay_source tn_log_source_events(struct tn_log_source *source);

/* Assume something of sites from the next rewind on, and count in overrides what it came to.
 *
 * overrides  borrowed until tn_log_source_close; NULL: assume nothing */
void tn_log_source_assume(struct tn_log_source *source, struct tn_overrides *overrides);

/* Numbers of the stacks that roles of findings consist of: row of `stack` -> number of the role in events. */
struct tn_map;

/* Have events tell to which of the roles of some findings they belong, from the next rewind on: each stack of
 * a role gets a number of its own.
 *
 * findings  of the log that the source reads, count of them
 * Returns   0; -E2BIG: their roles have more than 65,535 stacks; -ENOMEM; error says what failed */
int tn_log_source_tell_roles(struct tn_log_source *source, const struct tn_finding *const *findings,
                             size_t count, struct tn_error *error);

/* The numbers that tn_log_source_tell_roles gave, by stack; valid until the next call of it. */
const struct tn_map *tn_log_source_roles(const struct tn_log_source *source);

/* Id of the process that is replayed, > 0. */
uint64_t tn_log_source_process(const struct tn_log_source *source);

/* Where a site is. Strings are owned, NULL: not known. */
struct tn_source_site {
    char *function;        /* demangled */
    char *file;            /* as the debug data has it */
    char *module;          /* path of the executable or library */
    char *via;             /* how the site reached the allocator: "malloc", "strdup" */
    int64_t line;          /* from 1; 0: not known */
    uint64_t offset_bytes; /* of the return address in the module, where the line is not known */
};

/* Look a site up.
 *
 * ret_site  tn_source_site_finish releases what it holds; site 0 and unknown ones give only NULLs and 0
 * Returns   0; -EBADMSG or -EIO: the log cannot be read (*ret_site untouched)
 * Cost      one query */
int tn_log_source_site(struct tn_log_source *source, uint32_t site_id, struct tn_source_site *ret_site);

/* Release what a site owns and zero it. */
void tn_source_site_finish(struct tn_source_site *site);

/* Release a source. NULL is fine. */
void tn_log_source_close(struct tn_log_source *source);

/* What a site has live at one moment. */
struct tn_site_live {
    uint32_t site_id;    /* 0: unknown */
    uint64_t live_count; /* blocks, but those of 0 bytes */
    uint64_t live_bytes; /* that they asked for */
};

/* Sum up by site what lives before an event, as the program had it: no heap fails here.
 *
 * event_number  from 1
 * ret_sites     most bytes first
 * Returns       0; -ENOMEM, or an error of the source: error says what failed, nothing else was written
 * Owns          the caller owns *ret_sites (free)
 * Cost          a pass over the events before it; memory for the blocks that live at once */
int tn_simulate_live_before(const struct tn_replay_source *source, uint64_t event_number,
                            struct tn_site_live **ret_sites, size_t *ret_count, struct tn_error *error);

/* One policy of a simulation: what is asked of it, and what came of it. */
struct tn_simulated_policy {
    char *label;                      /* owned; as it was asked for: "glibc:tcache=0"; by the caller */
    struct tn_replay_options options; /* by the caller; heap_bytes and pools become those replayed */
    struct tn_heap_pool *pools;       /* owned; derived from the events, borrowed by options.heap; or NULL */
    struct tn_replay_result result;   /* owned; if has_result (its minimum always); by tn_simulate_policy */
    bool has_result;                  /* by tn_simulate_policy */
    struct tn_site_live *live;        /* owned; when it failed, before that event; by the caller; or NULL */
    size_t live_count;                /* length of live */
    struct tn_risk_card risk;         /* valid if has_risk */
    bool has_risk;                    /* by tn_simulate_risk */
};

/* Replay a source on one policy, and search the smallest region that it survives in. If
 * options.heap.heap_bytes is a region, the replay is in that one; if it is TN_HEAP_UNLIMITED, in the
 * smallest safe one, because what an unlimited heap shows says little of a policy whose placements depend
 * on the region. Pools are derived from the events where the policy needs some and has none.
 *
 * Returns  0, also when the heap did not survive; otherwise as tn_replay_run; error says what failed
 * Cost     some replays, 20 million events at most in the search */
int tn_simulate_policy(const struct tn_replay_source *source, struct tn_simulated_policy *policy,
                       struct tn_error *error);

/* Assess the risk of a longer mission in the region that tn_simulate_policy replayed in: what a device
 * would be built with. Does nothing if that one is unlimited, because no safe one was found.
 *
 * horizon_ns  length of the mission, > 0
 * replicas    missions to resample, 10 to 100000
 * Returns     0; otherwise as tn_risk_assess */
int tn_simulate_risk(const struct tn_replay_source *source, struct tn_simulated_policy *policy,
                     uint64_t horizon_ns, uint64_t replicas, struct tn_error *error);

/* Release what a policy owns and zero it. Zeroed is fine. */
void tn_simulated_policy_finish(struct tn_simulated_policy *policy);

#define TN_WHAT_IF_ROUNDS 3 /* with other sizes: enough to tell luck from effect, in half of the time */

/* What some events need on one model. Written by tn_what_if_run. */
struct tn_what_if_need {
    uint64_t heap_bytes;                     /* smallest safe region; 0: not found */
    uint64_t step_bytes;                     /* regions that differ by less were not told apart; 0: exact */
    bool has_survived;                       /* in the region that was given */
    uint64_t round_bytes[TN_WHAT_IF_ROUNDS]; /* needed with slightly other sizes; 0: not known */
};

/* A model that changes are measured on. */
struct tn_what_if_model {
    const char *name;                 /* borrowed; as it was asked for; by the caller */
    struct tn_replay_options options; /* by the caller; heap.heap_bytes: as given, or TN_HEAP_UNLIMITED */
    bool derives_pools;               /* pools follow from the events, anew for each change; by the caller */
    struct tn_what_if_need need;      /* of the unchanged events; by tn_what_if_run */
};

/* What one change comes to on one model. Written by tn_what_if_run. */
struct tn_what_if_measure {
    struct tn_what_if_need need; /* after the change */
    bool is_known;               /* the smallest region was found before and after */
    bool removes_failure;        /* it survives in the region that was given, and did not before */
    int64_t heap_delta_bytes;    /* after minus before, if is_known */
    uint64_t noise_bytes;        /* a heap_delta_bytes of no more than this may be luck, if is_known */
    int64_t round_delta_bytes[TN_WHAT_IF_ROUNDS]; /* the same with slightly other sizes */
};

/* One change. Written by tn_what_if_run. */
struct tn_what_if_change {
    const struct tn_finding *finding; /* borrowed; NULL: several findings together */
    size_t finding_count;             /* how many; 1 with finding */
    bool is_subtotal;                 /* several, without those that are conditional */
    bool is_first;                    /* several: effort->first */
    size_t set; /* 1 + index in effort->sets, whose findings it is; 0: it is none of these */
    uint64_t allocations_removed;        /* calls that no longer reach the heap, whatever the model */
    uint64_t outside_bytes;              /* RAM that the change needs outside the heap */
    const char *outside;                 /* static; "stack", "static", "pool", "arena", "mixed"; NULL:
                                            nowhere */
    bool is_measured;                    /* on a model at least; else the next two are 0 */
    int64_t heap_median_bytes;           /* median of heap_delta_bytes over the models */
    uint64_t heap_noise_bytes;           /* a median of no more than this may be luck */
    struct tn_what_if_measure *measures; /* owned; one for each model */
};

/* All changes. Zeroed: none. */
struct tn_what_if {
    struct tn_what_if_change *changes; /* owned; in the order of the findings; then, if there are several, all
                                          together, all that are not conditional, and effort->first; then
                                          effort->sets */
    size_t count;                      /* length of changes */
};

/* Findings that are measured together. Where two change the same blocks, the first one has them. */
struct tn_what_if_set {
    const struct tn_finding *const *findings; /* count of them, not none; borrowed */
    size_t count;
    bool is_subtotal; /* of another set, without those that are conditional */
};

/* How much is measured, and who receives the progress. Set by the caller. */
struct tn_what_if_effort {
    size_t finding_max; /* findings that are measured, > 0; each takes some replays on each model */
    const struct tn_finding *const
        *first;         /* first_count of the findings, measured together as well; NULL: none */
    size_t first_count; /* in first; fewer than two are not measured */
    const struct tn_what_if_set *sets; /* set_count of them, measured as well; NULL: none */
    size_t set_count;                  /* in sets */
    const char *own_library;           /* as tn_what_if_choose takes it */
    size_t kept_events; /* kept in memory at most, at 32 bytes each; if there are more, they are read anew for
                           each replay, and one round tells luck from effect; 0: 4 million */
    const struct tn_map *roles; /* borrowed; numbers of roles in the events, by stack (tn_log_source_roles);
                                   NULL: they tell no roles, and findings must not have any */
    void (*progress)(void *user, uint64_t done, uint64_t total); /* replays done of all; NULL: nobody */
    void *user;                                                  /* borrowed; passed to progress */
};

/* Whether a replay can show what a finding says. */
bool tn_what_if_applies(const struct tn_finding *finding);

/* Whether a finding is about a library that the reader does not build (tn_finding_library), and that is not
 * own_library, which may be NULL. */
bool tn_what_if_is_folded(const struct tn_finding *finding, const char *own_library);

/* Choose the findings to measure: the first ones that a replay can show, whose confidence is not weak, and
 * that are not folded.
 *
 * own_library  file name of a library whose findings are measured, too; NULL: none
 * chosen       room for finding_max pointers, which borrow from findings
 * ret_left     how many more could have been measured; may be NULL
 * Returns      how many are chosen */
size_t tn_what_if_choose(const struct tn_findings *findings, size_t finding_max, const char *own_library,
                         const struct tn_finding **chosen, uint64_t *ret_left);

/* Measure what findings would change, each alone and all of them together.
 *
 * source       the unchanged events
 * models       model_count of them; need is written
 * findings     finding_count of them, for which tn_what_if_applies; a site belongs to the first one that
 *              names it; borrowed until tn_what_if_finish
 * effort       finding_max is not looked at
 * ret_what_if  tn_what_if_finish releases it
 * Returns      0; an error of the source; -ENOMEM; *ret_what_if is untouched and error says what failed
 * Cost         model_count x (finding_count + 3 + sets) narrow searches, and as many times TN_WHAT_IF_ROUNDS
 *              replays; memory for the events that are kept, twice */
int tn_what_if_run(const struct tn_replay_source *source, struct tn_what_if_model *models, size_t model_count,
                   const struct tn_finding *const *findings, size_t finding_count,
                   const struct tn_what_if_effort *effort, struct tn_what_if *ret_what_if,
                   struct tn_error *error);

/* Release what what_if owns and zero it. Zeroed is fine. */
void tn_what_if_finish(struct tn_what_if *what_if);

/* Measure what the strongest findings of a log would change, and note it in their savings: outside,
 * outside_bytes, one heap_delta a model, their median and its noise; and in findings->plan what they come to
 * together. The steps of findings->program_plan are measured, too: each with all before it, and all without
 * what is conditional. Ranks and steps stay as they are.
 *
 * log       open; the events are those of the process of the findings
 * models    model_count of them, not none; need is written, and noted in findings
 * effort    finding_max at most TN_MEASURE_FINDINGS_MAX; first and sets are not looked at: they are chosen
 * here
 * Returns   0; an error of the log; -ENOMEM; error says what failed, what was noted until then stays
 * Cost      as tn_what_if_run */
int tn_measure_findings(struct tn_log *log, struct tn_what_if_model *models, size_t model_count,
                        const struct tn_what_if_effort *effort, struct tn_findings *findings,
                        struct tn_error *error);

/* Count the calls that findings keep from the heap in the recorded run.
 *
 * process_id   0: the process with most allocations
 * findings     finding_count of them, for which tn_what_if_applies. Where two change the same blocks, the
 * first
 *              one has them
 * ret_calls    room for as many
 * Returns      0; an error of the log; -ENOMEM; error says what failed
 * Cost         one pass over the events */
int tn_what_if_claims(struct tn_log *log, uint64_t process_id, const struct tn_finding *const *findings,
                      size_t finding_count, uint64_t *ret_calls, struct tn_error *error);

struct tn_charts;

/* Replay the events of a process on a first-fit heap without a limit, and note in charts how far it reached
 * in each interval and what it looked like at TN_CHART_MOMENTS moments; and the same as if all steps of the
 * plan had been made.
 *
 * log       open, only read
 * findings  of charts' process; program_plan may be NULL
 * charts    loaded from the log, without maps
 * Returns   0; an error of the log; -ENOMEM; error says what failed, charts may have a part of the maps
 * Cost      four replays; memory for the blocks that live at once */
int tn_simulate_map(struct tn_log *log, const struct tn_findings *findings, struct tn_charts *charts,
                    struct tn_error *error);

#define TN_MEASURE_FINDINGS_MAX 20
#define TN_MEASURE_FIRST        3 /* findings that the text report tells first */

#endif
