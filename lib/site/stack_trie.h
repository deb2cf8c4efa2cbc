/* SPDX-License-Identifier: MIT */
#ifndef TN_SITE_STACK_TRIE_H
#define TN_SITE_STACK_TRIE_H

/* Steps through the frames of a trie, for this folder. */

#include "tenure/site.h"

/* The innermost frame of a physical one's group, or NULL. */
struct tn_site_frame *tn_site_trie_group(const struct tn_site_trie *trie, uint32_t frame_id);

/* The next frame of the group, outwards, or NULL. */
struct tn_site_frame *tn_site_trie_next(const struct tn_site_trie *trie, struct tn_site_frame *frame);

/* What a function that is a wrapper is shown as. */
void tn_site_class_wrapper(const char *function, struct tn_site_class *ret_class);

#endif
