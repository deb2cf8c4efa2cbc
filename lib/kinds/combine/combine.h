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
#include "tenure/site_links.h"
#include "tenure/source_frames.h"

#define TN_COMBINE_PARTNERS 16u /* sites that a site is compared with at a time */
#define TN_COMBINE_RECENT   64u /* deaths of a thread that a death is compared with */
#define TN_COMBINE_MULTIPLE 8u  /* blocks of one site in a group that are told apart: more count as this */
#define TN_COMBINE_MEMBERS  64u /* sites in a group */
/* Births of a thread that are remembered: after as many, what is released belongs to something else; a
 * clean-up may log a line or two meanwhile. */
#define TN_COMBINE_BIRTHS 8u

/* What two sites have in common. The entry of `first`, whose blocks are born before those of `second`.
 * Written by tn_combine_meet. */
struct tn_combine_pair {
    uint32_t second;                             /* index of the site; 0: unused entry */
    uint64_t count;                              /* blocks of first with at least one of second */
    uint64_t blocks;                             /* blocks of second in them */
    uint64_t equal_count;                        /* pairs that share nine tenths of their lives */
    uint64_t tight_count;                        /* pairs that died within a few events */
    uint64_t epochs;                             /* windows of deaths that had a pair */
    uint64_t gap_births;                         /* births in between, summed */
    uint64_t multiples[TN_COMBINE_MULTIPLE + 1]; /* blocks of first by how many of second they have */
    uint64_t max_at_once;      /* most blocks of second that lived at once in one of first */
    uint64_t made_at;          /* deaths of first when the entry was made */
    uint64_t last_window;      /* window of the last pair */
    uint64_t current_birth;    /* birth_number of the block of first that is being counted */
    uint32_t current_thread;   /* its thread */
    uint32_t current_count;    /* its blocks of second so far */
    uint64_t current_at_once;  /* of these, those that lived at once with the last one */
    uint64_t last_birth_index; /* of the last block of second, on the clock of allocations */
    uint64_t last_death_index; /* likewise */
};

/* A parent site: while a block of the child's site lives, just one block of the parent's does. */
struct tn_combine_nest {
    uint32_t parent;         /* index of its site; 0: none */
    uint64_t births;         /* blocks born since that parent was assumed */
    uint64_t outside;        /* of these, born without the parent, or alive after it */
    uint64_t parents_with;   /* blocks of the parent that had at least one */
    uint64_t last_parent_id; /* block of the parent in which the last one was born */
    uint32_t live_count;     /* in that block */
    uint32_t max_live_count; /* highest in any block of the parent */
};

/* What is counted of a site. A chain of reallocs is one block. */
struct tn_combine_site {
    uint64_t births;               /* chains begun */
    uint64_t deaths;               /* chains ended */
    uint64_t resizes;              /* reallocs within chains */
    uint64_t realloc_births;       /* chains begun by realloc: the block is made to be resized */
    uint64_t size_bytes;           /* sum over births */
    uint64_t max_size_bytes;       /* of any block in a chain */
    uint64_t lifetime;             /* sum over deaths, in allocations of the process */
    uint32_t newest;               /* 1 + slot of its newest block, which may have died; 0: none */
    uint32_t newest_thread;        /* of that block */
    uint32_t stack_id;             /* row of the stack of its first birth */
    uint64_t death_window;         /* window that holds one of its deaths */
    uint32_t last_death_thread;    /* index of the thread of its last death */
    uint64_t last_death_event;     /* number of that death in the thread */
    uint64_t last_death_id;        /* block that died */
    uint64_t last_death_index;     /* allocations of the process then */
    struct tn_combine_nest nest;   /* its parent */
    struct tn_combine_pair *pairs; /* owned; TN_COMBINE_PARTNERS of them, or NULL */
};

/* What is kept beside a live block, by slot. */
struct tn_combine_block {
    uint64_t id;               /* of the first block of its chain; 0: dead, or not followed */
    uint64_t birth_index;      /* allocations of the process up to and with its birth */
    uint64_t birth_number;     /* births of its thread up to and with its own */
    uint64_t next_number;      /* birth_number of the site's next block in the thread; UINT64_MAX: none yet */
    uint64_t birth_event;      /* number of its birth in its thread */
    uint64_t site_death_event; /* number, in its thread, of the site's last death before; 0: none */
    uint64_t parent_id;        /* block of the parent that it was born in; 0: none */
    uint32_t site;             /* index in tn_pass.sites */
    uint32_t thread;           /* index in tn_pass.threads */
};

/* A death, kept for a while to be compared with those that follow. */
struct tn_combine_death {
    struct tn_combine_block block; /* that died */
    uint64_t death_index;          /* allocations of the process so far */
    uint64_t birth_count;          /* births of the thread that released it, so far */
    uint64_t thread_event;         /* number of the death in that thread */
};

/* A birth, kept for a while as a possible parent of those that follow. */
struct tn_combine_birth {
    uint64_t id;   /* of the block; 0: it is not followed */
    uint32_t slot; /* of the block */
    uint32_t site; /* index in tn_pass.sites */
};

/* What is followed of a thread. */
struct tn_combine_thread {
    uint64_t birth_count;            /* so far */
    uint64_t window;                 /* number of the window of the deaths below, over all threads */
    uint64_t window_birth_count;     /* birth_count when that window was opened */
    uint64_t death_count;            /* in this window */
    struct tn_combine_death *deaths; /* owned; a ring of the last TN_COMBINE_RECENT */
    struct tn_combine_birth births[TN_COMBINE_BIRTHS]; /* a ring, by birth_count */
    uint64_t resized_id;             /* block that realloc took, until the one that it became; 0: none */
    struct tn_combine_block resized; /* what was kept of it */
    uint32_t resized_slot;           /* where it was kept */
};

/* State of the kind. */
struct tn_combine {
    struct tn_source_frames frames;    /* owned; loaded at the beginning */
    struct tn_combine_block *blocks;   /* owned; by slot */
    size_t block_capacity;             /* room in blocks */
    struct tn_combine_site *sites;     /* owned; by site */
    size_t site_count;                 /* in sites */
    struct tn_combine_thread *threads; /* owned; by thread */
    size_t thread_count;               /* in threads */
    struct tn_map newest;  /* site and thread -> slot of the newest block, for sites of several threads */
    uint64_t window_count; /* windows opened so far */
    double shared_life;    /* threshold combine.lifetime */
    struct tn_site_links links; /* owned; loaded at the end */
};

enum tn_combine_relation {
    TN_COMBINE_EQUAL,   /* born together, dying together */
    TN_COMBINE_EMBED,   /* always inside one block of the first site */
    TN_COMBINE_SIMILAR, /* alike in size and life: one type would do */
};

/* Sites that could be one structure. */
struct tn_combine_group {
    enum tn_combine_relation relation;      /* how they belong together */
    size_t member_count;                    /* sites in use */
    uint32_t sites[TN_COMBINE_MEMBERS];     /* the parent, or the one born first, first */
    uint64_t per_group[TN_COMBINE_MEMBERS]; /* blocks of each site in one group, at most at once */
    uint64_t present[TN_COMBINE_MEMBERS];   /* groups that have a block of each site; fewer than group_count:
                                               it is optional. Not of SIMILAR */
    uint64_t outside[TN_COMBINE_MEMBERS];   /* blocks of each site in no group; of the first, those without a
                                               child. Not of SIMILAR */
    uint64_t outlived[TN_COMBINE_MEMBERS];  /* blocks of each site that outlived the parent that they were
                                               made with; by tn_combine_count_outlived */
    uint64_t group_count;                   /* groups seen */
    uint64_t exceptions;                    /* blocks that were in no group */
    uint64_t strays;                        /* of these, all but parents without a child */
    uint64_t left_out;                      /* members that were taken out when it was stated: too large */
    uint32_t outliving_site;                /* one that was taken out because it outlived a parent; 0: none */
    uint64_t outliving_count;               /* its blocks that did */
    bool is_nest; /* found by make_nests: members may come at any time while the parent lives */
    bool is_few;  /* fewer groups than combine.support, without any exception */
};

/* Count two blocks of different sites that died together.
 *
 * one, other  in any order
 * window      number of the window in which both died
 * Returns     0 or -ENOMEM */
int tn_combine_meet(struct tn_combine *combine, const struct tn_combine_death *one,
                    const struct tn_combine_death *other, uint64_t window);

/* Find groups by pairs and by parents, the best first.
 *
 * findings    so far: sites that `stack-buffer` has claimed are left alone
 * ret_groups  the caller frees it, also after an error
 * ret_count   groups in it
 * Returns     0 or -ENOMEM */
int tn_combine_groups(struct tn_combine *combine, const struct tn_pass *pass,
                      const struct tn_findings *findings, struct tn_combine_group **ret_groups,
                      size_t *ret_count);

/* Add groups of sites that are in none yet, of which only a few groups were seen, but without any exception.
 * Parameters and result as tn_combine_similar. */
int tn_combine_few(const struct tn_combine *combine, const struct tn_pass *pass,
                   const struct tn_findings *findings, struct tn_combine_group **groups, size_t *count);

/* Fill `outlived` of groups that have blocks outside. The table that the first node of a list makes, and that
 * goes with the last one, is no member of that node.
 *
 * Returns  0, -ENOMEM, -EBADMSG or -EIO; pass->error then says what failed
 * Cost     reading the log once more, if there is such a group */
int tn_combine_count_outlived(const struct tn_combine *combine, const struct tn_pass *pass,
                              struct tn_combine_group *groups, size_t count);

/* Whether a `stack-buffer` finding that is not weak is about a site. */
bool tn_combine_is_taken(const struct tn_findings *findings, uint32_t site);

/* Add groups of sites that are alike and in no group yet to `groups`, as tn_combine_groups made it. Returns 0
 * or -ENOMEM. */
int tn_combine_similar(const struct tn_combine *combine, const struct tn_pass *pass,
                       const struct tn_findings *findings, struct tn_combine_group **groups, size_t *count);

/* State a group, unless the program could not change its code. Returns 0, -ENOMEM or -EIO. */
int tn_combine_state(const struct tn_combine *combine, const struct tn_pass *pass,
                     const struct tn_combine_group *found, struct tn_findings *findings);

#endif
