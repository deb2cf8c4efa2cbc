/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_RULES_H
#define TENURE_SHIM_RULES_H

/* An unwind rule in one word: how the caller of a frame is found.
 *
 *   bits  0-2   kind (enum tn_rule_kind; 0 = nothing is known yet)
 *   bits  3-7   0
 *   bits  8-31  where the caller's frame pointer was saved, in units of 8 bytes below the CFA; 0: it was not
 *   bits 32-63  CFA minus the base register, bytes
 *
 * A rule's key is the return address: the row of the unwind table that covers the byte before it. Below a
 * signal frame the key is the interrupted instruction plus TN_CODE_UNIT_BYTES, which names that instruction's
 * own row. */

#include "arch.h"

#include <stdbool.h>
#include <stdint.h>

enum tn_rule_kind {
    TN_RULE_UNKNOWN = 0,
    TN_RULE_SP = 1,      /* CFA = stack pointer + n */
    TN_RULE_FP = 2,      /* CFA = frame pointer + n */
    TN_RULE_CHAIN = 3,   /* no unwind information: the frame pointer is followed if it looks like one */
    TN_RULE_SIGNAL = 4,  /* a signal frame of the kernel's: the registers lie in a ucontext_t */
    TN_RULE_END = 5,     /* the outermost frame */
    TN_RULE_COMPLEX = 6, /* libunwind must walk this frame; or, see tn_rule_pack_link */
};

/* The shortest instruction, bytes. */
#define TN_CODE_UNIT_BYTES ((uintptr_t)1 << TN_ARCH_CODE_ALIGN_BITS)

#define TN_RULE_FP_UNITS_MAX ((1u << 24) - 1)
#define TN_RULE_LINK_UNITS   1u

/* A rule from its parts. offset_bytes: any; fp_units: up to TN_RULE_FP_UNITS_MAX. */
static inline uint64_t tn_rule_pack(enum tn_rule_kind kind, int32_t offset_bytes, uint32_t fp_units)
{
    return (uint64_t)kind | (uint64_t)fp_units << 8 | (uint64_t)(uint32_t)offset_bytes << 32;
}

/* The kind in a rule. */
static inline enum tn_rule_kind tn_rule_kind_of(uint64_t rule)
{
    return (enum tn_rule_kind)(rule & 7);
}

/* CFA minus the base register in a rule, bytes. */
static inline int64_t tn_rule_offset_of(uint64_t rule)
{
    return (int64_t)rule >> 32;
}

/* Bytes below the CFA at which the caller's frame pointer lies; 0: it was not saved. */
static inline uint64_t tn_rule_fp_bytes_of(uint64_t rule)
{
    return (rule >> 5) & UINT64_C(0x7fffff8);
}

/* The rule of a place where calls have left the return address in its register, and nothing is saved: CFA =
 * stack pointer + n. A walk comes there only where a signal interrupted a function. It shares a kind with
 * what libunwind must walk, since a word of rule_table.h has no bit to spare. */
static inline uint64_t tn_rule_pack_link(int32_t offset_bytes)
{
    return tn_rule_pack(TN_RULE_COMPLEX, offset_bytes, TN_RULE_LINK_UNITS);
}

static inline bool tn_rule_is_link(uint64_t rule)
{
    return tn_rule_kind_of(rule) == TN_RULE_COMPLEX && tn_rule_fp_bytes_of(rule) == TN_RULE_LINK_UNITS * 8;
}

/* What one step of libunwind from made-up registers showed. The stack pointer and the frame pointer were
 * values that no address has, so that the result shows which of them it was computed from. */
struct tn_probe {
    int step;         /* result of the step: > 0 a caller, 0 the end, < 0 an error */
    bool has_info;    /* unwind information was found for the address */
    bool is_signal;   /* the address is the signal trampoline */
    uint64_t sp, fp;  /* the made-up values */
    uint64_t cfa;     /* the result's stack pointer */
    bool is_fp_saved; /* the caller's frame pointer lies in memory, at fp_address */
    uint64_t fp_address;
    unsigned loads;        /* loads from made-up addresses */
    uint64_t load_address; /* the first of them */
    bool is_link_kept;     /* the caller's address is what was in the return address register */
};

/* The rule that a probe shows; TN_RULE_COMPLEX where no other can say it. Pure. */
uint64_t tn_rule_from_probe(const struct tn_probe *probe);

#endif
