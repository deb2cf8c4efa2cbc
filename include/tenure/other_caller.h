/* SPDX-License-Identifier: MIT */
#ifndef TENURE_OTHER_CALLER_H
#define TENURE_OTHER_CALLER_H

/* Who else calls a function that would get a buffer passed down. What the recording shows are the callers
 * that ran; the machine code shows others. Kinds ask when they state findings. One thread. */

#include "tenure/analysis.h"

/* What is asked: which functions lie between a site and the function that could own its blocks. */
struct tn_other_caller_question {
    const struct tn_finding_site *names; /* borrowed; of the site */
    const uint32_t *stacks;              /* borrowed; rows of the stacks of its births */
    size_t stack_count;                  /* in stacks */
    uint32_t owner;                      /* index in tn_source_frames.functions */
};

/* A call, in the machine code, of a function between site and owner, by a function that was on none of these
 * stacks there. Functions that are inlined have no callers of their own; calls by other modules and through
 * pointers are not found.
 *
 * ret_function  row of `frame`: the function that is called
 * ret_line      the call; written if *ret_has; the caller releases it by tn_finding_line_finish
 * ret_has       written always; false also where no code can be read
 * Returns       0; -ENOMEM, -EIO; pass->error then says what failed
 * Cost          the first time in a module, all of its code is decoded: some 30 ms a MiB */
int tn_pass_other_caller(const struct tn_pass *pass, const struct tn_other_caller_question *question,
                         uint32_t *ret_function, struct tn_finding_line *ret_line, bool *ret_has);

#endif
