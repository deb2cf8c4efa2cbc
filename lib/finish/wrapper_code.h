/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_WRAPPER_CODE_H
#define TENURE_FINISH_WRAPPER_CODE_H

/* What the machine code and the debug information say of functions that may be allocation wrappers, for the
 * search in lib/site. One thread. */

#include "attribute_sites.h"

struct tn_wrapper_code;

/* Begin.
 *
 * uses, trie  borrowed until tn_wrapper_code_close
 * Returns     0; negative errno: job->error says what failed
 * Owns        the caller closes *ret_code */
int tn_wrapper_code_open(struct tn_finish_job *job, const struct tn_stack_use *uses,
                         const struct tn_site_trie *trie, struct tn_wrapper_code **ret_code);

/* What is asked through tn_site_reader; context is a tn_wrapper_code. */
int tn_wrapper_code_look(void *context, struct tn_site_call call, enum tn_site_code *ret_code);

/* Close. NULL is fine. */
void tn_wrapper_code_close(struct tn_wrapper_code *code);

#endif
