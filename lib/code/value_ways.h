/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_VALUE_WAYS_H
#define TN_CODE_VALUE_WAYS_H

/* Follows values over all ways of a function, until nothing changes any more, and shows each instruction with
 * what is known there. For argument.c and stores.c. */

#include "code_values.h"
#include "functions.h"

#include "tenure/map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a way shows. */
enum tn_way_event {
    TN_WAY_STEP,    /* an ordinary instruction, before it is taken */
    TN_WAY_CALL,    /* a call, before it */
    TN_WAY_CALLED,  /* the same call, behind it: the values may be changed */
    TN_WAY_LEAVES,  /* a jump to another function, which returns in its place */
    TN_WAY_RETURNS, /* a return */
};

/* Where a way is. */
struct tn_code_way {
    const struct tn_instruction *instruction;
    uint64_t end;    /* address behind it */
    uint64_t target; /* of a direct call or jump; else 0 */
    struct tn_code_values *values;
};

struct tn_landing;

/* One function that is followed. The caller fills what stands first. */
struct tn_ways {
    const struct tn_code *code; /* borrowed */
    uint64_t inside;            /* an address in the function */
    uint32_t *left;             /* borrowed; instructions that may still be visited */
    bool goes_on;               /* follow the other ways where one cannot be followed */
    int (*see)(struct tn_ways *ways, enum tn_way_event event, const struct tn_code_way *way); /* 0 or -ENOMEM.
                        The same place is shown again when more is known to come there */
    void *context;                                                                            /* for see */

    bool is_not_known; /* a way could not be followed */
    struct tn_code_function function;
    struct tn_map index;       /* address + 1 -> 1 + index in places */
    struct tn_landing *places; /* owned while it is followed */
    size_t count, capacity;
};

/* Follow all ways from the function's start.
 *
 * values   at its start; copied
 * Returns  0; -ENOENT the function is not known; -EOVERFLOW it is too large; -ENOMEM; or what see returned
 * Cost     each place is visited some times */
int tn_ways_follow(struct tn_ways *ways, const struct tn_code_values *values);

/* The same from the function's own values at its start, with or without pointers. */
int tn_ways_follow_entry(struct tn_ways *ways, bool follows_block);

/* The direct call that ends at an address. Returns its target, or 0: there is none, or it is indirect. */
uint64_t tn_code_call_target(const struct tn_code *code, uint64_t call);

#endif
