/* SPDX-License-Identifier: MIT */
#ifndef TN_SITE_STACK_TRIE_H
#define TN_SITE_STACK_TRIE_H

/* Walking the frames of a trie, for the files of this folder. */

#include "tenure/site.h"

/* The innermost frame of a physical frame's group, or NULL if the trie has none. */
struct tn_site_frame *tn_site_trie_group(const struct tn_site_trie *trie, uint32_t frame_id);

/* The next frame of the group, outwards; NULL after the physical one. */
struct tn_site_frame *tn_site_trie_next(const struct tn_site_trie *trie, struct tn_site_frame *frame);

/* The class of a function that is a wrapper: its name without parameters becomes the via. */
void tn_site_class_wrapper(const char *function, struct tn_site_class *ret_class);

#endif
