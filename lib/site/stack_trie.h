/* SPDX-License-Identifier: MIT */
#ifndef TN_SITE_STACK_TRIE_H
#define TN_SITE_STACK_TRIE_H

/* What the files of this folder share about the frames of a trie. */

#include "tenure/site.h"

/* The class of a function that is a wrapper: its name without parameters becomes the via. */
void tn_site_class_wrapper(const char *function, struct tn_site_class *ret_class);

#endif
