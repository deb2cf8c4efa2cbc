/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_RULE_TABLE_H
#define TENURE_SHIM_RULE_TABLE_H

/* Return address -> unwind rule. Every thread reads it without a lock, while one (under the control lock)
 * adds to it. Every step of a walk waits for a look-up, and the program has filled the caches since the last
 * one. So an address and its rule share one word, eight words a line, and the table takes a fifth of what
 * pairs of words would (cc1: 128 KiB for 9,450 rules).
 *
 *   bits  0-2   kind (enum tn_rule_kind), or TN_RULE_WIDE: the rule stands in the table of pairs
 *   then        where the caller's frame pointer was saved, in units below the CFA, 0: it was not; or above
 *               the base register, where frames save it near their low end
 *   10 bits     CFA minus the base register, in units
 *   the rest    the address without the low bits that are 0 in all
 *
 * Units are TN_ARCH_FRAME_UNIT_BYTES. The address has 47 bits on x86-64, which leaves 4 for the frame
 * pointer; on aarch64 46 of 48, which leaves 5. Rules with other numbers, and those of addresses that have
 * more bits, or low bits that are not 0, are rare and stand in the table of pairs. */

#include "id_table.h"
#include "rules.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_RULE_WIDE         7u
#define TN_RULE_CODE_BITS    (64 - TN_ARCH_CODE_ADDRESS_BITS + TN_ARCH_CODE_ALIGN_BITS)
#define TN_RULE_CODE_FP_BIT  3
#define TN_RULE_CODE_CFA_BIT (TN_RULE_CODE_BITS - 10)
#define TN_RULE_CODE_FP_MAX  ((1u << (TN_RULE_CODE_CFA_BIT - TN_RULE_CODE_FP_BIT)) - 1)
#define TN_RULE_CODE_CFA_MAX 1023u
#define TN_RULE_UNITS_OF_8   (TN_ARCH_FRAME_UNIT_BYTES / 8)

struct tn_rule_body {
    uint64_t shift;          /* 64 - log2 of the number of words */
    uint64_t mask;           /* number of words - 1 */
    uint64_t used;           /* words with an address; the writer's */
    _Atomic uint64_t word[]; /* mask + 1; 0: free */
};

struct tn_rule_table {
    _Atomic(struct tn_rule_body *) body; /* NULL until tn_rules_open */
    struct tn_id_table wide;
};

/* Make the table. Returns 0 or -ENOMEM. */
int tn_rules_open(struct tn_rule_table *table);

/* Set the rule of an address; rule is not 0. Returns 0 or -ENOMEM (nothing changed). One writer at a time. */
int tn_rules_put(struct tn_rule_table *table, uintptr_t pc, uint64_t rule);

/* Make every rule unknown. One writer at a time. Cost: one pass. */
void tn_rules_forget(struct tn_rule_table *table);

/* The number of addresses that have, or had, a rule. */
uint64_t tn_rules_count(const struct tn_rule_table *table);

/* A rule from its bits in a word. */
static inline uint64_t tn_rule_of_code(uint64_t word)
{
    uint64_t fp_units = word >> TN_RULE_CODE_FP_BIT & TN_RULE_CODE_FP_MAX;
    uint64_t cfa_units = word >> TN_RULE_CODE_CFA_BIT & TN_RULE_CODE_CFA_MAX;
    if (TN_ARCH_RECORD_IS_LOW)
        fp_units = cfa_units - fp_units;
    return (word & 7) | fp_units * TN_RULE_UNITS_OF_8 << 8 | cfa_units * TN_ARCH_FRAME_UNIT_BYTES << 32;
}

/* The address in a word. */
static inline uintptr_t tn_rule_word_pc(uint64_t word)
{
    return (uintptr_t)(word >> TN_RULE_CODE_BITS << TN_ARCH_CODE_ALIGN_BITS);
}

/* Whether an address cannot stand in a word. */
static inline bool tn_rule_is_far(uintptr_t pc)
{
    return pc >> TN_ARCH_CODE_ADDRESS_BITS != 0 || pc % ((uintptr_t)1 << TN_ARCH_CODE_ALIGN_BITS) != 0;
}

/* The rule of an address; 0 when it is unknown, of kind TN_RULE_WIDE when tn_rules_find_wide has to be asked.
 * Any thread, at any time. */
static inline uint64_t tn_rules_find(struct tn_rule_table *table, uintptr_t pc)
{
    /* Acquire pairs with the release in rule_table.c. A reader that holds an old body misses what came later,
     * asks the slow path, and finds it there. */
    struct tn_rule_body *body = atomic_load_explicit(&table->body, memory_order_acquire);
    uint64_t at = (uint64_t)pc * UINT64_C(0x9e3779b97f4a7c15) >> body->shift;
    for (;; at = (at + 1) & body->mask) {
        uint64_t word = atomic_load_explicit(&body->word[at], memory_order_relaxed);
        if (__builtin_expect(tn_rule_word_pc(word) == pc, 1))
            return tn_rule_of_code(word);
        if (word == 0)
            return TN_RULE_UNKNOWN;
    }
}

/* The rule of any address; 0 when it is unknown. Any thread, at any time. */
static inline uint64_t tn_rules_find_any(struct tn_rule_table *table, uintptr_t pc)
{
    uint64_t rule = tn_rules_find(table, pc);
    bool is_elsewhere = tn_rule_kind_of(rule) == TN_RULE_WIDE || tn_rule_is_far(pc);
    return is_elsewhere ? tn_id_table_find(&table->wide, pc) : rule;
}

#endif
