/* SPDX-License-Identifier: MIT */

/* The writer's side of the rule table: an address and its rule in one word, linear probing, at most five in
 * eight words used; a bigger body is published whole. Callers hold the control lock. */

#include "rule_table.h"

#include "sys.h"

#include <errno.h>

#include "banned.h"

#define WORDS_START UINT64_C(4096)
#define PAIRS_START UINT64_C(256)

static struct tn_rule_body *make_body(uint64_t word_count)
{
    struct tn_rule_body *body = tn_map_pages(sizeof(*body) + word_count * sizeof(body->word[0]));
    if (body == NULL)
        return NULL;
    body->mask = word_count - 1;
    body->shift = 64 - (uint64_t)__builtin_ctzll(word_count);
    return body;
}

int tn_rules_open(struct tn_rule_table *table)
{
    int r = tn_id_table_open(&table->wide, PAIRS_START);
    struct tn_rule_body *body = r == 0 ? make_body(WORDS_START) : NULL;
    if (body == NULL)
        return -ENOMEM;
    atomic_store_explicit(&table->body, body, memory_order_release);
    return 0;
}

/* The bits of a rule, or of TN_RULE_WIDE where they are too few. */
static uint64_t code_of(uint64_t rule)
{
    const uint64_t unit = TN_ARCH_FRAME_UNIT_BYTES;
    uint64_t cfa_bytes = (uint64_t)tn_rule_offset_of(rule);
    uint64_t fp_bytes = tn_rule_fp_bytes_of(rule);
    if (TN_ARCH_RECORD_IS_LOW)
        fp_bytes = cfa_bytes - fp_bytes;
    uint64_t code = (uint64_t)tn_rule_kind_of(rule) | fp_bytes / unit << TN_RULE_CODE_FP_BIT |
                    cfa_bytes / unit << TN_RULE_CODE_CFA_BIT;
    bool fits = fp_bytes % unit == 0 && fp_bytes / unit <= TN_RULE_CODE_FP_MAX && cfa_bytes % unit == 0 &&
                cfa_bytes / unit <= TN_RULE_CODE_CFA_MAX;
    return fits ? code : TN_RULE_WIDE;
}

static void insert(struct tn_rule_body *body, uint64_t word)
{
    uintptr_t pc = tn_rule_word_pc(word);
    uint64_t at = (uint64_t)pc * UINT64_C(0x9e3779b97f4a7c15) >> body->shift;
    uint64_t there;
    while ((there = atomic_load_explicit(&body->word[at], memory_order_relaxed)) != 0 &&
           tn_rule_word_pc(there) != pc)
        at = (at + 1) & body->mask;
    body->used += there == 0;
    atomic_store_explicit(&body->word[at], word, memory_order_release);
}

static struct tn_rule_body *grow(struct tn_rule_table *table, struct tn_rule_body *old)
{
    struct tn_rule_body *body = make_body((old->mask + 1) * 2);
    if (body == NULL)
        return NULL;
    for (uint64_t at = 0; at <= old->mask; at++) {
        uint64_t word = atomic_load_explicit(&old->word[at], memory_order_relaxed);
        if ((word & 7) != TN_RULE_UNKNOWN)
            insert(body, word);
    }
    atomic_store_explicit(&table->body, body, memory_order_release);
    return body;
}

int tn_rules_put(struct tn_rule_table *table, uintptr_t pc, uint64_t rule)
{
    struct tn_rule_body *body = atomic_load_explicit(&table->body, memory_order_relaxed);
    uint64_t code = code_of(rule);
    bool is_far = tn_rule_is_far(pc);
    if ((is_far || code == TN_RULE_WIDE) && tn_id_table_put(&table->wide, pc, rule) != 0)
        return -ENOMEM;
    if (is_far)
        return 0;
    /* Five in eight at most: two look at a line each, on the average. */
    if (body->used * 8 > body->mask * 5)
        body = grow(table, body);
    if (body == NULL)
        return -ENOMEM;
    insert(body, (uint64_t)pc >> TN_ARCH_CODE_ALIGN_BITS << TN_RULE_CODE_BITS | code);
    return 0;
}

void tn_rules_forget(struct tn_rule_table *table)
{
    struct tn_rule_body *body = atomic_load_explicit(&table->body, memory_order_relaxed);
    tn_id_table_forget(&table->wide);
    for (uint64_t at = 0; body != NULL && at <= body->mask; at++) {
        uint64_t word = atomic_load_explicit(&body->word[at], memory_order_relaxed);
        atomic_store_explicit(&body->word[at], word >> TN_RULE_CODE_BITS << TN_RULE_CODE_BITS,
                              memory_order_release);
    }
}

uint64_t tn_rules_count(const struct tn_rule_table *table)
{
    const struct tn_rule_body *body = atomic_load_explicit(&table->body, memory_order_acquire);
    return body != NULL ? body->used : 0;
}
