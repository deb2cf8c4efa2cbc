/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_STACK_BUFFER_H
#define TN_KINDS_STACK_BUFFER_H

/* Buffers that could lie on the stack: what is counted while events pass (stack_buffer.c), which function
 * could own them (stack_buffer_owner.c), and what is stated (stack_buffer_finding.c). */

#include "tenure/activation.h"
#include "tenure/map.h"
#include "tenure/site_links.h"

/* What is kept beside a live block. A chain of reallocs is one logical block: born with its first block. */
struct tn_contained_block {
    uint64_t birth_event; /* number of its birth in its thread */
    uint32_t stack_id;    /* row of the stack of its birth; 0: it is not followed */
    uint32_t site;        /* index in tn_pass.sites */
    uint32_t thread;      /* index in tn_pass.threads */
    uint32_t list;        /* of the blocks that its thread made at its site: index in lists */
    uint32_t older;       /* 1 + slot of the list's live block that was born before it; 0: none */
    uint32_t newer;       /* 1 + slot of the one that was born after it; 0: none */
    uint64_t birth_index; /* allocations of the process up to and with its birth */
    bool is_moved;        /* another thread resized it */
};

/* What is kept of the blocks that one thread made at one site: what is asked of them takes no look at those
 * of other threads. */
struct tn_contained_list {
    uint32_t newest;     /* 1 + slot of the newest live block; 0: none */
    uint32_t live_count; /* blocks in the list */
    uint64_t last_since; /* event since which the owner at the last death that was contained was under way */
    uint64_t last_event; /* number of that death in its thread */
    uint64_t last_left;  /* blocks of the same call that were live after it */
};

/* What is counted of the births with one stack, by row id. */
struct tn_contained_stack {
    uint64_t instances;    /* that an activation contained */
    uint32_t owner_level;  /* shallowest level of the owner in any instance; 0: no instance yet */
    uint32_t death_frame;  /* where that owner stood at the death: row of `frame` */
    uint32_t inlined;      /* inlined functions, from the physical owner inwards, that contained all, too */
    uint64_t doubtful;     /* instances whose release does not stand behind their birth in the owner */
    uint32_t seen_level;   /* owner of the last instance */
    uint32_t seen_frame;   /* where that one stood at the death: row of `frame` */
    uint32_t seen_inlined; /* inlined functions that contained it, too */
    bool seen_anew;        /* others, in which it was born and released as well, were entered anew between */
};

/* What is counted of a site. */
struct tn_contained_site {
    uint64_t instances;    /* logical blocks, live or not, whatever became of them */
    uint64_t contained;    /* of those that died: an activation contained them */
    uint64_t other_thread; /* another thread released them */
    uint64_t no_owner;     /* no activation of the program contained them */
    uint64_t no_stack;     /* their release has no stack */
    uint64_t left_live;    /* live at the end although their owner was left */
    uint64_t cut_off;      /* live at the end, or when recording was paused, in the middle of their owner: no
                              exceptions */
    uint64_t doubtful;     /* their release stands before their birth in the owner's code */
    uint64_t beyond_call; /* released by another call than the owner's that made them: all but those of a call
                             that ended in a jump to free */
    uint64_t contrary;    /* in other processes: live at the end, or contained in no activation */
    uint64_t carried;     /* an inlined function in which it was born and released was entered anew between */
    uint64_t refilled;    /* born after others of the same call had died, while some were left: a queue */
    uint64_t resizes;     /* reallocs in their chains */
    uint64_t min_size_bytes;        /* of logical blocks, each with the largest size of its chain */
    uint64_t max_size_bytes;        /* likewise */
    uint32_t thread_1;              /* 1 + thread of its last birth; 0: none */
    uint32_t list;                  /* index in lists of what that thread made */
    uint64_t max_live_count;        /* at once in one activation of the deepest owner */
    uint64_t max_thread_live_count; /* at once in one thread: more, where the owner is recursive */
    uint64_t deepest_bytes;         /* deepest event while one was live */
    uint64_t size_counts[65];       /* by the number of bits of the size: enough to tell a rare giant */
    uint64_t
        smallest_stack_bytes; /* smallest stack of the threads that made them; 0: not known. At the end */
    uint64_t deepest_thread_bytes; /* deepest event of these threads, whatever made it. At the end */
    uint32_t owner;                /* function that could own it; 0: none. At the end */
    uint32_t frames_down;          /* from it down to the site. At the end */
    bool is_below;                 /* a function of the program that the owner called released some */
    bool is_hopeless;              /* given up: its blocks are not followed any more */
};

/* What realloc took, until the block that it became. */
struct tn_contained_resize {
    uint64_t id;                     /* of the dead block; 0: none */
    struct tn_contained_block block; /* what was kept of it */
};

/* State of the kind. */
struct tn_stack_buffers {
    const struct tn_source_frames *frames;    /* the pass's */
    const struct tn_activations *activations; /* the pass's */
    struct tn_contained_block *blocks;        /* owned; by slot */
    size_t block_capacity;                    /* room in blocks */
    struct tn_contained_stack *stacks;        /* owned; by stack row id */
    struct tn_contained_site *sites;          /* owned; by site */
    struct tn_contained_resize *resizes;      /* owned; by thread */
    struct tn_map at_once; /* site and node -> blocks that lived at once in one activation of the node's
                              function, where there were several */
    struct tn_map threads; /* site and thread, for threads that made its blocks -> index in lists */
    struct tn_contained_list *lists; /* owned */
    size_t list_count;               /* in lists */
    size_t list_capacity;            /* room in lists */
    uint64_t max_count;              /* threshold stack-buffer.max-count */
    struct tn_site_links links;      /* owned; loaded at the end */
};

/* Which function could own the buffer of a site, in all instances. */
struct tn_buffer_owner {
    uint32_t function;       /* index in tn_source_frames.functions */
    uint32_t frame_id;       /* row of `frame`: its line that led to a birth */
    uint32_t frames_down;    /* source frames from the owner down to the site */
    uint32_t node;           /* the stack of that birth, from the owner outwards */
    uint64_t max_live_count; /* blocks at once in one activation of it */
};

/* Newer blocks of a list that a resized one is put behind, at most. */
#define TN_BUFFER_WALK_MAX 1024u

/* Make room beside all slots of the pass. Returns 0 or -ENOMEM. */
int tn_buffer_blocks_grow(struct tn_stack_buffers *buffers, const struct tn_pass *pass);

/* Find the list of what a thread makes at a site, or begin one.
 *
 * ret_list  written on success: index in lists
 * Returns   0 or -ENOMEM
 * Cost      O(1); no search where the site's last birth was the thread's */
int tn_buffer_list_find(struct tn_stack_buffers *buffers, uint32_t site, uint32_t thread, uint32_t *ret_list);

/* Put a block into its list, newest first. A resized block takes its old position. */
void tn_buffer_block_link(struct tn_stack_buffers *buffers, uint32_t slot);

/* Take a block out of its list. */
void tn_buffer_block_unlink(struct tn_stack_buffers *buffers, const struct tn_contained_block *block);

/* Live blocks of a block's site that its thread made since an event, at most `limit`, which bounds the cost.
 */
uint64_t tn_buffer_blocks_since(const struct tn_stack_buffers *buffers,
                                const struct tn_contained_block *block, uint64_t since, uint64_t limit);

/* Note how many blocks of its site live in each activation in which a block was just born. Looks at no more
 * than max_count blocks. Returns 0 or -ENOMEM. */
int tn_buffer_blocks_at_once(struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                             const struct tn_contained_block *own);

/* Raise the number of blocks of a site that lived at once in one activation, at a node of the trie of stacks,
 * to `count`. Returns 0 or -ENOMEM. */
int tn_stack_buffer_raise(struct tn_stack_buffers *buffers, uint32_t site, uint32_t node, uint64_t count);

/* tn_analysis.consult of the kind. */
int tn_stack_buffer_consult(void *state, const struct tn_pass *other, const void *other_state);

/* What was found of a site when its owner was looked for. */
struct tn_buffer_births {
    uint32_t site;                       /* index in tn_pass.sites */
    const struct tn_finding_site *names; /* borrowed */
    const uint32_t *stacks; /* borrowed; rows of the stacks of its births that were contained; at least one */
    size_t stack_count;     /* in stacks */
};

/* Find the owner of a site's buffer.
 *
 * ret_owner  written only if there is one
 * Returns    whether there is one: a function of the program, the same for all stacks */
bool tn_stack_buffer_owner(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                           const struct tn_buffer_births *births, struct tn_buffer_owner *ret_owner);

/* How a function that contains all blocks of a site stands to them. */
enum tn_buffer_owning {
    TN_OWNING_CALLS,  /* each of its calls holds what it needs */
    TN_OWNING_UNTOLD, /* so it seems, but its calls could not be told apart */
    TN_OWNING_LOOP,   /* it is the loop that drives a queue: it owns nothing */
};

/* Tell an owner from a loop.
 *
 * births  as tn_stack_buffer_owner took them; owner as it found it */
enum tn_buffer_owning tn_stack_buffer_owning(const struct tn_stack_buffers *buffers,
                                             const struct tn_pass *pass,
                                             const struct tn_buffer_births *births,
                                             const struct tn_buffer_owner *owner);

struct tn_size_source;

/* Add a finding's lines of release, and the conditions that these, the owner's calls and the size set.
 *
 * births, owner  as tn_stack_buffer_owner took and found them
 * size           of the site, as far as the owner
 * Returns        0, -ENOMEM or -EIO */
int tn_stack_buffer_add_conditions(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                                   const struct tn_buffer_births *births, const struct tn_buffer_owner *owner,
                                   const struct tn_size_source *size, struct tn_finding *finding);

/* Of which owner something is asked. */
struct tn_buffer_holders {
    const struct tn_stack_buffers *buffers;
    const struct tn_pass *pass;
    uint32_t owner;        /* function: index in tn_source_frames.functions */
    unsigned holders_left; /* that may be looked at, one held by the next */
};

/* Holders of holders that are looked at: a block in a packet that waits in a queue waits as well. */
#define TN_BUFFER_HOLDERS_MAX 3u

/* Whether blocks born with a stack are gone when the owner returns, and stored in nothing that is not.
 * context: struct tn_buffer_holders */
bool tn_stack_buffer_is_gone(const void *context, uint32_t stack_id);

/* Make a finding conditional where the address of its blocks is stored in a variable or an object that may
 * outlive the owner's call, by the machine code ("address-stored"). Not asked for a weak one.
 *
 * births, owner  as tn_stack_buffer_owner took and found them
 * Returns        0, -ENOMEM or -EIO */
int tn_stack_buffer_add_stored(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                               const struct tn_buffer_births *births, const struct tn_buffer_owner *owner,
                               struct tn_finding *finding);

/* The same where blocks that outlive the owner's call were seen to hold their address ("address-kept"); said
 * in the notes where the finding is conditional by the machine code already. Parameters and result as above.
 *
 * notes  what else is to be said is appended, in lines */
int tn_stack_buffer_add_kept(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                             const struct tn_buffer_births *births, const struct tn_buffer_owner *owner,
                             struct tn_finding *finding, struct tn_buffer *notes);

/* Note the owner of a site in its counts, if a buffer can be stated: before any site is stated.
 *
 * site     index in tn_pass.sites
 * stacks   rows of the stacks of its births that were contained; at least one
 * Returns  0, -ENOMEM or -EIO */
int tn_stack_buffer_weigh(struct tn_stack_buffers *buffers, const struct tn_pass *pass, uint32_t site,
                          const uint32_t *stacks, size_t stack_count);

/* Add a finding about one site, unless nothing can be stated. Parameters and result as those of
 * tn_stack_buffer_weigh, which was called for all sites before. */
int tn_stack_buffer_state(const struct tn_stack_buffers *buffers, const struct tn_pass *pass, uint32_t site,
                          const uint32_t *stacks, size_t stack_count, struct tn_findings *findings);

#endif
