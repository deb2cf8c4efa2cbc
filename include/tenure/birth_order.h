/* SPDX-License-Identifier: MIT */
#ifndef TENURE_BIRTH_ORDER_H
#define TENURE_BIRTH_ORDER_H

/* Whether a function that asks for two blocks may ask for the second one alone, by its machine code: a
 * structure that it finds gets one more part then, instead of a new one that it has made. Kinds ask when they
 * state findings. One thread. */

#include "tenure/analysis.h"

/* Two sites of one function, of whose blocks each first one was asked for before a second one. */
struct tn_birth_order_question {
    uint32_t sites[2];                      /* indices in tn_pass.sites */
    const struct tn_finding_site *names[2]; /* borrowed */
};

/* Whether the call that asks for the second block is reached from the function's start without the call that
 * asks for the first one. Asked of sites in one function only: where different ones ask, what lies between
 * them is not to be seen in any of them.
 *
 * ret_has  written always; false also where no code can be read or followed
 * Returns  0; -ENOMEM, -EIO; pass->error then says what failed
 * Cost     some milliseconds for a large function */
int tn_pass_comes_alone(const struct tn_pass *pass, const struct tn_birth_order_question *question,
                        bool *ret_has);

#endif
