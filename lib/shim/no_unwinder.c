/* SPDX-License-Identifier: MIT */

/* In place of unwinder.c where tenure is built without libunwind: what the shim cannot read in unwind tables
 * itself ends a stack, which is marked as cut. */

#include "unwinder.h"

#include <errno.h>

#include "banned.h"

void tn_unwinder_open(void)
{
}

bool tn_unwinder_probe(uintptr_t pc, uint64_t *ret_rule)
{
    (void)pc;
    (void)ret_rule;
    return false;
}

int tn_unwinder_step(struct tn_caller *frame, uintptr_t link, uintptr_t high)
{
    (void)frame;
    (void)link;
    (void)high;
    return -EAGAIN;
}

void tn_unwinder_hold(void)
{
}

void tn_unwinder_release(void)
{
}

void tn_unwinder_recover(void)
{
}
