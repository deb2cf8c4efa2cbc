/* SPDX-License-Identifier: MIT */

/* From what one step of libunwind showed to a rule. Pure; called by unwinder.c. */

#include "rules.h"

#include "arch.h"

#include "banned.h"

/* The distance as a rule can bear it. */
static bool is_near(int64_t distance_bytes)
{
    return distance_bytes >= INT32_MIN && distance_bytes <= INT32_MAX;
}

/* Where the frame pointer was saved, in rule units; false when a rule cannot say it. */
static bool fp_units(const struct tn_probe *probe, uint32_t *ret_units)
{
    if (!probe->is_fp_saved) {
        *ret_units = 0;
        return true;
    }
    uint64_t below = probe->cfa - probe->fp_address;
    if (below == 0 || below % 8 != 0 || below / 8 > TN_RULE_FP_UNITS_MAX)
        return false;
    *ret_units = (uint32_t)(below / 8);
    return true;
}

uint64_t tn_rule_from_probe(const struct tn_probe *probe)
{
    if (probe->is_signal)
        return tn_rule_pack(TN_RULE_SIGNAL, 0, 0);
    if (!probe->has_info)
        return tn_rule_pack(TN_RULE_CHAIN, 0, 0);
    if (probe->step == 0)
        return tn_rule_pack(TN_RULE_END, 0, 0);
    int64_t from_sp = (int64_t)(probe->cfa - probe->sp);
    if (probe->step > 0 && probe->loads == 0 && probe->is_link_kept && !probe->is_fp_saved &&
        is_near(from_sp))
        return tn_rule_pack_link((int32_t)from_sp);
    uint32_t units = 0;
    uintptr_t fp_slot = probe->is_fp_saved ? probe->fp_address : probe->cfa;
    /* Exactly one load, of the return address, where frames usually save it: an expression that loads (a
     * realigned frame, a procedure linkage stub) cannot be said by a plain rule. */
    if (probe->step < 0 || probe->loads != 1 ||
        probe->load_address != tn_arch_return_slot(probe->cfa, fp_slot) || !fp_units(probe, &units))
        return tn_rule_pack(TN_RULE_COMPLEX, 0, 0);
    int64_t from_fp = (int64_t)(probe->cfa - probe->fp);
    if (is_near(from_sp))
        return tn_rule_pack(TN_RULE_SP, (int32_t)from_sp, units);
    if (is_near(from_fp))
        return tn_rule_pack(TN_RULE_FP, (int32_t)from_fp, units);
    return tn_rule_pack(TN_RULE_COMPLEX, 0, 0);
}
