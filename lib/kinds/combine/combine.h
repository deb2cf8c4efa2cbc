/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_COMBINE_H
#define TN_KINDS_COMBINE_H

/* Blocks that share a life: what is counted while events pass (combine.c, combine_pair.c), which sites make a
 * group (combine_group.c, combine_similar.c), and what is stated (combine_finding.c).
 *
 * A block of site b belongs to the block of site a that was born before it in the same thread, with no other
 * block of a in between. The two are a pair if no other block of b died between their births, which makes
 * them parts of one construction, and if they die together: in one thread, with hardly an allocation in
 * between, and none by either site. */

#include "tenure/map.h"
#include "tenure/source_frames.h"

#define TN_COMBINE_PARTNERS 16u /* sites that a site is compared with at a time */
#define TN_COMBINE_RECENT   64u /* deaths of a thread that a death is compared with */
#define TN_COMBINE_MULTIPLE 8u  /* blocks of one site in a group that are told apart: more count as this */
#define TN_COMBINE_MEMBERS  64u /* sites in a group */
#define TN_COMBINE_BIRTHS                                                                                    \
    8u /* births of a thread that are remembered; after as many, what is released belongs to something else: \
          a clean-up may log a line or two meanwhile */

/* What two sites have in common: `first` is the site that holds it, born before `second`. */
struct tn_combine_pair {
    uint32_t second;                             /* 0: unused */
    uint64_t count;                              /* blocks of first with at least one of second */
    uint64_t blocks;                             /* blocks of second in them */
    uint64_t equal_count;                        /* pairs whose lives are the same but for a tenth of them */
    uint64_t tight_count;                        /* pairs that died within a few events */
    uint64_t epochs;                             /* windows of deaths in which there was one */
    uint64_t gap_births;                         /* births in between, summed */
    uint64_t multiples[TN_COMBINE_MULTIPLE + 1]; /* blocks of first by how many of second they have */
    uint64_t max_at_once; /* most of them that lived at the same time, in one block of first */
    uint64_t made_at;     /* deaths of first when this was new */
    uint64_t last_window;
    uint64_t current_birth; /* of the block of first that is being counted */
    uint32_t current_thread, current_count;
    uint64_t current_at_once;                    /* with the one below */
    uint64_t last_birth_index, last_death_index; /* of the block of second that was met last */
};

/* A parent that is always there, alone of its site, while the blocks of a site live. */
struct tn_combine_nest {
    uint32_t parent;       /* site; 0: none */
    uint64_t births;       /* blocks born since that parent was assumed */
    uint64_t outside;      /* born without, or outlived, the parent */
    uint64_t parents_with; /* parents that had at least one */
    uint64_t last_parent_id;
    uint32_t live_count, max_live_count; /* in one parent */
};

/* What is counted of a site. A chain of reallocs is one block. */
struct tn_combine_site {
    uint64_t births, deaths, resizes;
    uint64_t size_bytes;     /* sum over births */
    uint64_t max_size_bytes; /* of any block in a chain */
    uint64_t lifetime;       /* sum over deaths, in allocations of the process */
    uint32_t newest;         /* slot + 1 of its newest block; 0: none. May have died */
    uint32_t newest_thread;  /* of that block */
    uint32_t stack_id;       /* of its first birth */
    uint64_t death_window;   /* window that holds one of its deaths */
    uint32_t last_death_thread;
    uint64_t last_death_event;                /* of that thread */
    uint64_t last_death_id, last_death_index; /* block, and allocations of the process then */
    struct tn_combine_nest nest;
    struct tn_combine_pair *pairs; /* owned; TN_COMBINE_PARTNERS of them, or NULL */
};

/* What is kept beside a live block. */
struct tn_combine_block {
    uint64_t id;               /* of its first block; 0: dead, or not followed */
    uint64_t birth_index;      /* allocations of the process */
    uint64_t birth_number;     /* births of its thread */
    uint64_t next_number;      /* of the next block of the site in the thread; UINT64_MAX: none yet */
    uint64_t birth_event;      /* of its thread */
    uint64_t site_death_event; /* of the same thread: the last death of a block of its site before; 0: none */
    uint64_t parent_id;        /* 0: none */
    uint32_t site, thread;
};

/* A death that others may have gone with. */
struct tn_combine_death {
    struct tn_combine_block block;
    uint64_t death_index;  /* allocations of the process */
    uint64_t birth_count;  /* births of the dying thread */
    uint64_t thread_event; /* of the dying thread */
};

/* What is followed of a thread. */
struct tn_combine_thread {
    uint64_t birth_count;
    uint64_t window;                 /* of the deaths below; over all threads */
    uint64_t window_birth_count;     /* births of the thread when it was opened */
    uint64_t death_count;            /* in this window */
    struct tn_combine_death *deaths; /* owned; the last TN_COMBINE_RECENT, round and round */
    struct {
        uint64_t id; /* 0: a block that is not followed */
        uint32_t slot, site;
    } births[TN_COMBINE_BIRTHS];     /* round and round */
    uint64_t resized_id;             /* what realloc took, until the block that it became; 0: none */
    struct tn_combine_block resized; /* that block */
    uint32_t resized_slot;           /* where it was */
};

struct tn_combine {
    struct tn_source_frames frames;
    struct tn_combine_block *blocks; /* owned; by slot */
    size_t block_capacity;
    struct tn_combine_site *sites; /* owned; by site */
    size_t site_count;
    struct tn_combine_thread *threads; /* owned; by thread */
    size_t thread_count;
    struct tn_map newest;  /* site and thread -> slot of the newest block, for sites of several threads */
    uint64_t window_count; /* windows opened */
    double shared_life;    /* threshold */
};

enum tn_combine_relation {
    TN_COMBINE_EQUAL,   /* born together, dying together */
    TN_COMBINE_EMBED,   /* always inside one block of the first site */
    TN_COMBINE_SIMILAR, /* alike in size and life: one type would do */
};

/* Sites that could be one structure. */
struct tn_combine_group {
    enum tn_combine_relation relation;
    size_t member_count;
    uint32_t sites[TN_COMBINE_MEMBERS];     /* the parent, or the one born first, first */
    uint64_t per_group[TN_COMBINE_MEMBERS]; /* blocks of the site in a group, at most at once */
    uint64_t group_count;
    uint64_t exceptions; /* blocks that were in no group */
    uint64_t strays;     /* exceptions that are not just a parent without a child */
};

/* Note that two blocks of different sites died together. Returns 0 or -ENOMEM. */
int tn_combine_meet(struct tn_combine *combine, const struct tn_combine_death *one,
                    const struct tn_combine_death *other, uint64_t window);

/* Find groups by pairs, and by parents, best first. The caller frees *ret_groups. Returns 0 or -ENOMEM. */
int tn_combine_groups(struct tn_combine *combine, const struct tn_pass *pass,
                      const struct tn_findings *findings, struct tn_combine_group **ret_groups,
                      size_t *ret_count);

/* Whether a finding of another kind, not a weak one, has claimed the blocks of a site for the stack. */
bool tn_combine_is_taken(const struct tn_pass *pass, const struct tn_findings *findings, uint32_t site);

/* Add pairs of sites that are alike, not being in a group, to `groups`. As tn_combine_groups. */
int tn_combine_similar(const struct tn_combine *combine, const struct tn_pass *pass,
                       const struct tn_findings *findings, struct tn_combine_group **groups, size_t *count);

/* State a group, if it is about code that could be changed. Returns 0, -ENOMEM or -EIO. */
int tn_combine_state(const struct tn_combine *combine, const struct tn_pass *pass,
                     const struct tn_combine_group *group, struct tn_findings *findings);

#endif
