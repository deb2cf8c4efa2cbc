/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_STORES_H
#define TN_CODE_STORES_H

/* What became of a block in a function that got it. For stores.c, which follows functions, and
 * store_imports.c, which knows those of other modules. */

#include "value_ways.h"

#include "tenure/code.h"

#include <stdbool.h>
#include <stdint.h>

/* What holds the block when a function is entered. */
struct given {
    uint32_t registers; /* a bit for each */
    uint32_t moved;     /* of these, what holds an address behind the block's first byte */
    bool has_pointed;   /* a word that a parameter points to */
    uint8_t pointed_reg;
    int64_t pointed_offset;
};

/* What became of the block in a function. */
struct followed {
    struct tn_code_stores stores;
    bool is_linked;              /* something that may be an address is stored in the block */
    bool has_result;             /* a return was reached */
    bool has_end;                /* so was one, or a jump to another function */
    bool is_released;            /* the block is released on all ways to one */
    struct tn_code_value result; /* what it gives back, in its own terms */
};

/* Add a store, if it is one that may keep the block and is not there yet. */
void tn_stores_note(struct tn_code_stores *stores, const struct tn_code_store *store);

/* The block has got where a pointer leads that was found so. */
void tn_stores_leave(struct tn_block_left *left, struct tn_code_origin origin);

/* Whether it is anywhere but in the function's own frame. */
bool tn_stores_is_left(const struct tn_block_left *left);

/* The offset of a word that holds the block, in a local object whose address is passed. */
bool tn_stores_find_pointed(const struct tn_code_values *values, struct tn_code_value address,
                            int64_t *ret_offset);

/* What a function of another module does with the block.
 *
 * name   of the function
 * given  what holds the block there
 * way    the call, or the jump */
void tn_stores_ask_import(const char *name, const struct given *given, const struct tn_code_way *way,
                          struct followed *ret_followed);

#endif
