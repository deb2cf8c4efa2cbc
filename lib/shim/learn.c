/* SPDX-License-Identifier: MIT */

/* Finds out the unwind rule of a return address: by its code, if that is what signal handlers return to; from
 * the unwind tables (cfi.c); else from libunwind (unwinder.c). Called by walk.c. */

#include "learn.h"

#include "cfi.h"
#include "control_ring.h"
#include "rules.h"
#include "shim_modules.h"
#include "shim_thread.h"
#include "sys.h"
#include "unwinder.h"

#include "banned.h"

/* Put a rule into the table, unless code was unloaded since it was found. */
static void keep(uintptr_t pc, uint64_t rule, uint32_t epoch)
{
    if (!tn_lock_take(&tn_control_lock))
        return;
    if (atomic_load_explicit(&tn_shim_process.rule_epoch, memory_order_relaxed) == epoch)
        tn_rules_put(&tn_shim_process.rules, pc, rule);
    tn_lock_drop(&tn_control_lock);
    atomic_fetch_add_explicit(&tn_hot.header->rules_learned, 1, memory_order_relaxed);
}

/* Code that no table describes, as libunwind sees it: in no module, or in one without a table of the usual
 * form. */
static bool read_tables(const struct tn_module *module, uintptr_t pc, uint64_t *ret_rule)
{
    struct tn_cfi_table table;
    *ret_rule = tn_rule_pack(TN_RULE_CHAIN, 0, 0);
    if (pc - 1 < module->text_low ||
        !tn_cfi_find_table(module->unwind_header, module->low, module->high, &table))
        return true;
    return tn_cfi_rule(&table, pc, ret_rule);
}

static bool is_signal_return(const struct tn_module *module, uintptr_t pc)
{
    return pc >= module->text_low && pc + TN_ARCH_SIGNAL_CODE_BYTES <= module->text_high &&
           tn_arch_is_signal_return(pc);
}

/* With TENURE_CHECK_STACKS: compare a rule that was read here with libunwind's. */
static void check_rule(uintptr_t pc, uint64_t rule)
{
    uint64_t other;
    if (tn_shim_process.options.check_stacks != 0 && tn_unwinder_probe(pc, &other) && other != rule)
        atomic_fetch_add_explicit(&tn_hot.header->stacks_different, 1, memory_order_relaxed);
}

/* Without libunwind: its frames are of its kind all the same, and cut the stack. */
static uint64_t find_rule(struct tn_thread *thread, uintptr_t pc)
{
    struct tn_module module;
    uint64_t rule = tn_rule_pack(TN_RULE_CHAIN, 0, 0);
    bool has_module = tn_modules_resolve(thread, pc - 1, &module);
    if (has_module && is_signal_return(&module, pc))
        return tn_rule_pack(TN_RULE_SIGNAL, 0, 0);
    if (!has_module || read_tables(&module, pc, &rule))
        check_rule(pc, rule);
    else if (!tn_unwinder_probe(pc, &rule))
        rule = tn_rule_pack(TN_RULE_COMPLEX, 0, 0);
    return rule;
}

uint64_t tn_learn_rule(struct tn_thread *thread, uintptr_t pc)
{
    tn_own_begin(thread);
    uint32_t epoch = atomic_load_explicit(&tn_shim_process.rule_epoch, memory_order_relaxed);
    uint64_t rule = find_rule(thread, pc);
    keep(pc, rule, epoch);
    tn_own_end(thread);
    return rule;
}
