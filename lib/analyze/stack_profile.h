/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_STACK_PROFILE_H
#define TN_ANALYZE_STACK_PROFILE_H

/* What is counted of the births of each stack, so that sites can be recognised whose call paths differ in
 * what becomes of their blocks. Written by the pass at each event of the process that findings are about;
 * read when the pass is over. */

#include "tenure/analysis.h"

#define TN_PROFILE_SAMPLES 16u        /* of each stack that are looked at closely */
#define TN_PROFILE_MIXED   UINT32_MAX /* samples do not agree */

/* The births with one stack. */
struct tn_stack_profile {
    uint64_t births;
    uint64_t released;       /* of these, before the program began to end */
    uint64_t min_size_bytes; /* valid once births is not 0 */
    uint64_t max_size_bytes;
    uint64_t elsewhere; /* released by another thread */
    uint64_t deaths;    /* at any time */
    uint64_t peak_live; /* most of them at once; of several stacks: of one of them */
    uint32_t owner;     /* physical function in which the ways to birth and release part: index in
                           tn_source_frames.functions; 0: no sample; TN_PROFILE_MIXED */
    uint32_t neighbour; /* site + 1 of the thread's birth before; 0: no sample; TN_PROFILE_MIXED */
    uint32_t thread;    /* index in tn_pass.threads + 1 of all births; 0: none; TN_PROFILE_MIXED */
    uint8_t owner_samples;
    uint8_t neighbour_samples;
};

struct tn_stack_profiles {
    struct tn_stack_profile *items; /* owned; by row of `stack` */
    uint32_t *last_site;            /* owned; by index in tn_pass.threads: site of its last birth */
};

/* Begin, with nothing counted. Threads and stacks are loaded.
 *
 * Returns  0 or -ENOMEM; the caller releases *ret_profiles by tn_stack_profiles_close, also after an error */
int tn_stack_profiles_open(const struct tn_pass *pass, struct tn_stack_profiles **ret_profiles);

/* Release. NULL is fine. */
void tn_stack_profiles_close(struct tn_stack_profiles *profiles);

/* Count a birth, which the pass has filled.
 *
 * Cost  some ten instructions */
static inline void tn_stack_profiles_birth(struct tn_stack_profiles *profiles, const struct tn_block *block)
{
    struct tn_stack_profile *own = &profiles->items[block->stack_id];
    if (own->births++ == 0)
        own->min_size_bytes = block->size_bytes;
    if (block->size_bytes < own->min_size_bytes)
        own->min_size_bytes = block->size_bytes;
    if (block->size_bytes > own->max_size_bytes)
        own->max_size_bytes = block->size_bytes;
    if (own->births - own->deaths > own->peak_live)
        own->peak_live = own->births - own->deaths;
    own->thread = own->thread == 0 || own->thread == block->thread + 1 ? block->thread + 1 : TN_PROFILE_MIXED;
    uint32_t last = profiles->last_site[block->thread] + 1;
    profiles->last_site[block->thread] = block->site;
    if (own->neighbour_samples < TN_PROFILE_SAMPLES) {
        own->neighbour_samples++;
        own->neighbour = own->neighbour == 0 || own->neighbour == last ? last : TN_PROFILE_MIXED;
    }
}

/* Count a death.
 *
 * stack_id  of the release; 0: it has none
 * thread    index in tn_pass.threads: that released
 * Returns   0; -ENOMEM, -EIO, -EBADMSG; pass->error then says what failed
 * Cost      some ten instructions; the first of each stack some hundred */
int tn_stack_profiles_death(const struct tn_pass *pass, const struct tn_block *block, uint32_t stack_id,
                            uint32_t thread);

/* Add what was counted of one stack to what is known of several. */
void tn_stack_profile_add(struct tn_stack_profile *sum, const struct tn_stack_profile *own);

#endif
