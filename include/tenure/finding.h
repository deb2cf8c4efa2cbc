/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINDING_H
#define TENURE_FINDING_H

/* Findings: what an analysis states of a log, as plain data that owns all it holds. Reports are written from
 * them and from a summary, and need no log. Field names are those of the JSON report, which docs/analyses.md
 * documents. Written by kinds, ordered by the engine, completed with measured effects by a replay; read by
 * any number of threads. */

#include "tenure/evidence.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tn_confidence {
    TN_CONFIDENCE_WEAK = 0,    /* something speaks against it; hidden unless asked for */
    TN_CONFIDENCE_CONDITIONAL, /* true in this run; elsewhere if its condition holds */
    TN_CONFIDENCE_CONSISTENT,  /* every observation agrees, the log could have shown the contrary, and nothing
                                  more is to be read in the source than the finding says */
    TN_CONFIDENCE_PROVEN,      /* certain for the recorded run */
};

/* A line of the program that a finding names beside its sites. Strings are owned, "" when not known, never
 * NULL. */
struct tn_finding_line {
    char *function;        /* of the program */
    char *file;            /* as the debug information has it */
    uint32_t line;         /* 0: not known */
    char *module;          /* path */
    uint64_t offset_bytes; /* in the module; 0 where the line is known */
};

/* What decides whether a finding is true of other runs, too. By the kind, through tn_finding_add_condition.
 */
struct tn_finding_condition {
    const char *kind; /* what sort: docs/analyses.md lists them. Static storage; NULL: there is no
                         condition */
    char *text;       /* owned; what must hold, in words that follow "if". NULL without kind */
    struct tn_finding_line *lines; /* owned; where that is decided */
    size_t line_count;             /* in lines */
};

/* A line that releases blocks of a finding's sites. By the kind, through tn_pass_add_releases. */
struct tn_finding_release {
    struct tn_finding_line line; /* owned; the most particular one: docs/analyses.md */
    uint64_t count;              /* blocks of the finding's sites that it released */
    double share;                /* of all of them that were released: 0 to 1 */
    uint64_t other_sites;        /* sites beside the finding's own whose blocks it releases as well */
};

/* Which of several calls on a site's line a finding is about. Zeroed: no matter which. */
struct tn_finding_call {
    bool is_told;          /* there are several, and the finding is about one of them, or about a part */
    uint32_t number;       /* of the calls by the same `via` on that line that ran, from 1: by column, or by
                              address where no column is known; 0: all that no other role has */
    uint32_t column;       /* in the line, from 1; 0: not known */
    uint64_t offset_bytes; /* return address in the module, where the column is not known; else 0 */
};

/* One site that a finding is about. Strings are owned, "" when not known, never NULL. */
struct tn_finding_site {
    uint64_t site_id;      /* row of `site`; 0: the log has none */
    char *function;        /* the program's function that asked */
    char *file;            /* as the debug information has it */
    uint32_t line;         /* 0: not known */
    char *module;          /* path */
    uint64_t offset_bytes; /* in the module; 0 where the line is known */
    char *via;             /* how the site reached the allocator */
    bool is_tail_call;     /* it ended in a jump and had no frame: the debug information of calls names it */
    uint64_t allocations;  /* that this site, or the role, made in the process, whether they agree with the
                              finding or not */
    uint32_t index;        /* in tn_pass.sites, for the engine and the kinds alone */
    uint32_t per_group;    /* `combine`: its blocks in one structure, at most at once; else 0 */
    uint32_t *stacks;   /* owned; a role: rows of `stack` of the births that the finding is about, ascending;
                           NULL: all of the site's */
    size_t stack_count; /* in stacks */
    struct tn_finding_line *callers; /* owned; of a role: lines that lead to the site, the nearest first */
    size_t caller_count;             /* in callers. One without function and line stands for all that no other
                                        role of the site is called from */
    uint64_t thread_id;          /* row of `thread`: of a role that is told by what a thread began with, the
                                    one that made all its blocks; 0: several did, or it is told otherwise */
    struct tn_finding_call call; /* of a role that one of several calls on the line makes */
};

/* What one policy's heap needs less (negative) or more, measured by a replay. */
struct tn_finding_heap_delta {
    char *policy;  /* owned */
    int64_t bytes; /* after minus before, of the smallest heap that the log survives */
};

/* What is saved when the advice is followed. Negative values are costs; deltas are after minus before. */
struct tn_finding_saving {
    uint64_t allocations_removed; /* calls that no longer reach the heap, over the whole run */
    int64_t bytes_removed;        /* header and rounding that the heap no longer spends, at the peak
                                     (docs/analyses.md) */
    int64_t peak_bytes_delta;     /* of the whole program's memory (heap, static, stack) at its peak */
    struct tn_finding_heap_delta *heap_deltas; /* owned; empty until a replay measured them */
    size_t heap_delta_count;                   /* in heap_deltas */
    uint64_t replay_allocations_removed; /* the same as allocations_removed, counted by a replay: resizes that
                                            go as well, too; 0 until then */
    bool is_measured;          /* a replay gave the heap a size before and after, on one model at least */
    int64_t heap_median_bytes; /* median of heap_deltas; 0 until a replay measured them */
    uint64_t heap_noise_bytes; /* a median of no more than this may be luck: docs/simulator.md */
    uint64_t outside_bytes; /* that the change takes elsewhere, at their peak; 0 until a replay measured it */
    const char *outside;    /* where the blocks go instead, by the kind: "stack", "static", "pool", "arena";
                               NULL: nowhere, or not in a replay. Static storage */
};

/* What the replay needs to apply a finding to a trace. */
enum tn_apply {
    TN_APPLY_NONE = 0, /* advice that no replay can show */
    TN_APPLY_REMOVE,   /* these sites' blocks leave the heap (stack, static, permanent) */
    TN_APPLY_COMBINE,  /* one block of apply_bytes from the first member's birth to the last one's death */
    TN_APPLY_POOL,     /* blocks move into a pool of apply_count blocks of apply_bytes */
    TN_APPLY_FIXED,    /* every block gets apply_bytes */
    TN_APPLY_PRESIZE,  /* a realloc chain gets apply_bytes from the start */
    TN_APPLY_ARENA,    /* these sites' blocks move into apply_count arenas of apply_bytes, which always do */
};

/* What contradicted a finding when its change was tried in the program (`tenure try`). Strings are owned;
 * NULL throughout: nothing did. */
struct tn_refutation {
    char *what;     /* one sentence without a final stop: what happened that the finding rules out */
    char *birth;    /* the stack on which the block was made, innermost first: "f (a.c:1) < g (a.c:9)"; "" */
    char *moment;   /* the stack of the contradiction, likewise */
    char *next;     /* what to do now: one sentence, with its final stop */
    char *program;  /* that was run, with its arguments */
    char *tried_at; /* UTC, as meta.started_at */
};

/* One finding. Strings are owned, never NULL after tn_findings_add succeeded, except where said. */
struct tn_finding {
    const char *kind;              /* name of the kind; static storage */
    uint32_t rank;                 /* from 1, over all findings, those that lead first; by tn_findings_rank */
    enum tn_confidence confidence; /* by the kind */
    char *title;                   /* one line, with the number that matters: no final stop */
    struct tn_finding_site *sites; /* owned; the one to change first; for `combine` the parent */
    size_t site_count;             /* 0: about the whole program */
    const char *tactic;            /* the paper's tactic, in a few words; static storage */
    char *advice;                  /* one or two sentences: what to change, where */
    uint32_t key;                  /* lasting name, shown as 8 hex digits; by tn_findings_rank */
    bool has_given_way;            /* stronger ones lead at all its sites; by tn_findings_rank */
    bool is_small; /* saves few calls and little of the peak (docs/analyses.md); by tn_findings_rank */
    struct tn_finding_saving saving; /* estimated by the kind; heap_deltas and outside_bytes by a replay */
    struct tn_evidence_set evidence; /* owned; keys as the kind declares them (tenure/kind.h) */
    double discount;     /* 0 to 1: share by which its saving counts less in the order than its kind's does */
    uint64_t rise_bytes; /* that its live blocks rose by over the run: counts in the order where it is more
                            than what the peak would lose; 0: they did not rise */
    char *query;         /* SQL that gives one row; each column has the name and the value of a top-level
                            scalar key of evidence */
    char *code;          /* ready to paste; NULL: none */
    char *notes;         /* lines of caveats and exceptions for a reader; NULL: none */
    enum tn_apply apply; /* how a replay applies it, to blocks of `sites` */
    uint64_t apply_bytes;                  /* see enum tn_apply */
    uint64_t apply_count;                  /* see enum tn_apply */
    struct tn_finding_condition condition; /* what decides in other runs; kind NULL: nothing */
    struct tn_finding_release *releases;   /* owned; where its blocks are released, the most frequent first */
    size_t release_count;                  /* in releases; 0: none was seen, or the log has no such stacks */
    char *alternatives; /* "pool, preallocate": kinds that claimed the same site and gave way; NULL: none */
    struct tn_refutation refuted_by; /* owned; by a trial, as the log has it */
};

/* What findings come to together, by a replay. Zeroed: not measured. */
struct tn_finding_plan {
    size_t finding_count;              /* that were applied */
    struct tn_finding_saving together; /* of all of them; heap_deltas stays empty */
    uint64_t alone_allocations;        /* sum of the calls that each alone would save */
    int64_t alone_net_bytes;           /* sum of tn_saving_net_bytes of each alone */
    size_t sure_count;                 /* that no condition decides; 0: all are alike, and sure is empty */
    struct tn_finding_saving sure;     /* of those alone; heap_deltas stays empty */
    size_t first_count;             /* of the first findings that a reader is told; 0: they are all of them,
                                       or fewer than two were measured, and first is empty */
    struct tn_finding_saving first; /* of those together; heap_deltas stays empty */
};

struct tn_plan;

/* All findings of one process. Zeroed is empty. */
struct tn_findings {
    struct tn_finding *items;     /* owned; in order of rank once ranked */
    size_t count;                 /* in items */
    size_t capacity;              /* room in items */
    uint64_t process_id;          /* that they are about */
    uint64_t allocations;         /* of that process, all of them: what savings are a share of */
    uint64_t peak_live_bytes;     /* of that process: the same for bytes */
    uint64_t given_way;           /* findings that tn_findings_rank took out, because a stronger one leads */
    struct tn_finding_plan plan;  /* of those that were measured; by a replay */
    struct tn_plan *program_plan; /* owned; lifetimes and steps; NULL: none was made */
    struct tn_finding *aside;   /* owned; findings that were left out (tn_analyze_options.only), but are parts
                                   of  a step */
    size_t aside_count;         /* in aside */
    struct tn_finding *refuted; /* owned; findings that a trial has contradicted: they are none of items, lead
                                   nowhere, and are numbered behind all others */
    size_t refuted_count;       /* in refuted */
    size_t heap_model_count;    /* models on which a replay found the smallest heap; 0: not measured */
    uint64_t heap_least_bytes;  /* smallest heap for the events as they are, on the model that needs least */
    uint64_t heap_most_bytes;   /* on the model that needs most */
};

/* Give title, advice, query, code or notes, printf-like; what was there is released.
 *
 * field    of a finding
 * Returns  0; -ENOMEM (the field is unchanged) */
int tn_finding_set(char **field, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Make a finding conditional: a confidence above TN_CONFIDENCE_CONDITIONAL becomes that one. A further
 * condition is joined to the first one's text by "; and if"; the kind stays the first one's, so the one that
 * matters most comes first.
 *
 * kind     static storage
 * lines    that decide it; copied; NULL where line_count is 0
 * format   printf-like: words that follow "if", without a final stop
 * Returns  0; -ENOMEM (the finding may be changed) */
int tn_finding_add_condition(struct tn_finding *finding, const char *kind,
                             const struct tn_finding_line *lines, size_t line_count, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* "data.c:88", or "function (module+0x1f2)" where no line is known.
 *
 * Returns  ret_text */
const char *tn_finding_line_print(const struct tn_finding_line *line, char *ret_text, size_t text_bytes);

/* Whether a finding is about a part of a site's blocks. */
static inline bool tn_finding_site_is_role(const struct tn_finding_site *site)
{
    return site->caller_count != 0 || site->call.is_told;
}

/* "when called from receive (roles.c:11)", "in the 2nd call of malloc there (column 14)": which part of a
 * site a finding is about; "" where it is all of it.
 *
 * Returns  ret_text, cut where it does not fit */
const char *tn_finding_role_print(const struct tn_finding_site *site, char *ret_text, size_t text_bytes);

/* Copy a line.
 *
 * ret_line  written always; the caller releases it by tn_finding_line_finish, also after an error
 * Returns   0 or -ENOMEM */
int tn_finding_line_copy(const struct tn_finding_line *line, struct tn_finding_line *ret_line);

/* Release what a line owns; it is zeroed. */
void tn_finding_line_finish(struct tn_finding_line *line);

/* Write the condition as JSON: a member `key` of the open object, or the top level where key is NULL; null
 * where there is none. Errors stay in the writer. */
void tn_finding_write_condition(const struct tn_finding *finding, const char *key, struct tn_json *json);

/* Write the lines of release as a JSON list, likewise. */
void tn_finding_write_releases(const struct tn_finding *finding, const char *key, struct tn_json *json);

/* Take over a finding: its condition, if any, becomes a part of its title. On success the list owns what
 * finding points to; the struct itself is copied.
 *
 * Returns  0; -ENOMEM, or the error that its evidence remembers (the list is unchanged and the finding still
 *          the caller's) */
int tn_findings_add(struct tn_findings *findings, const struct tn_finding *finding);

/* Whether a trial has contradicted a finding. */
static inline bool tn_finding_is_refuted(const struct tn_finding *finding)
{
    return finding->refuted_by.what != NULL;
}

/* Write what contradicted a finding as a JSON object: a member `key` of the open object, or the top level
 * where key is NULL; null where nothing did. Errors stay in the writer. */
void tn_finding_write_refutation(const struct tn_finding *finding, const char *key, struct tn_json *json);

/* Copy what contradicts a finding into it; what was there is released.
 *
 * Returns  0; -ENOMEM (the finding is unchanged) */
int tn_finding_refute(struct tn_finding *finding, const struct tn_refutation *refutation);

/* Release what a refutation owns; it is zeroed. */
void tn_refutation_finish(struct tn_refutation *refutation);

/* Release what one finding owns; it is zeroed. */
void tn_finding_finish(struct tn_finding *finding);

/* Release all; the list is empty again. NULL and zeroed are fine. */
void tn_findings_finish(struct tn_findings *findings);

/* Whether a list of numbers and keys, separated by commas, names this finding. */
bool tn_finding_is_named(const struct tn_finding *finding, const char *names);

/* What a change needs in all, after minus before: less heap, by the median of the models, and what it takes
 * elsewhere in its place. 0 where no replay measured it. */
static inline int64_t tn_saving_net_bytes(const struct tn_finding_saving *saving)
{
    return saving->is_measured ? saving->heap_median_bytes + (int64_t)saving->outside_bytes : 0;
}

/* The library that a finding is about, and that the reader does not build: all its sites lie in shared
 * objects of the system for which there is no debug information.
 *
 * Returns  its file name, borrowed from the first site; NULL: the finding is about the program */
const char *tn_finding_library(const struct tn_finding *finding);

#define TN_FINDING_KEY_BYTES 9 /* of a key as text */

/* Print a finding's key as 8 hex digits.
 *
 * ret_text  of at least TN_FINDING_KEY_BYTES
 * Returns   ret_text */
const char *tn_finding_key_print(const struct tn_finding *finding, char *ret_text);

/* The finding that somebody names: by its number, or by its key, which is always 8 digits long.
 *
 * name     name_bytes of it
 * Returns  the first one that bears it; NULL: there is none */
const struct tn_finding *tn_findings_find(const struct tn_findings *findings, const char *name,
                                          size_t name_bytes);

/* Likewise among those that a trial has contradicted. */
const struct tn_finding *tn_findings_find_refuted(const struct tn_findings *findings, const char *name,
                                                  size_t name_bytes);

/* The finding of a key, also where it was left out because it was not asked for.
 *
 * Returns  NULL: there is none */
const struct tn_finding *tn_findings_find_part(const struct tn_findings *findings, uint32_t key);

#define TN_SHORT_NAME_BYTES 160 /* for tn_function_short_name: longer names are cut */

/* A function's name as sentences bear it: without parameters, ABI tags and the template arguments that the
 * standard library fills in; other template arguments as far as they are short. "std::vector<int>::push_back"
 * of "std::vector<int, std::allocator<int> >::push_back(int const&)". Names of C stay as they are.
 *
 * name      demangled
 * ret_text  text_bytes, above 0; a longer name is cut
 * Returns   ret_text, or name where nothing is left of it */
const char *tn_function_short_name(const char *name, char *ret_text, size_t text_bytes);

/* "proven", "consistent", "conditional", "weak". In the header, so that reports need not link the analyses.
 */
static inline const char *tn_confidence_name(enum tn_confidence confidence)
{
    return confidence == TN_CONFIDENCE_PROVEN        ? "proven"
           : confidence == TN_CONFIDENCE_CONSISTENT  ? "consistent"
           : confidence == TN_CONFIDENCE_CONDITIONAL ? "conditional"
                                                     : "weak";
}

#endif
