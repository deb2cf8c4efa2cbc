/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_LINK_BLOCKS_H
#define TN_RECORD_LINK_BLOCKS_H

/* Which block an address belongs to, as far as links ask: among those that live, and those that died lately.
 * One thread. */

#include <stdbool.h>
#include <stdint.h>

/* How far behind the start of a block an address may point and still be the block's. */
#define TN_LINK_INNER_BYTES_MAX 64u

/* And only at multiples of this: a member lies there, as the node of a list that is embedded. What points
 * elsewhere is a mark in a text, and keeps nothing. */
#define TN_LINK_INNER_UNIT_BYTES 8u

/* How far behind the start of a live block a place is looked for in it. */
#define TN_LINK_HOLDER_BYTES_MAX (128u << 10)

struct tn_matcher;

/* A block that lives, or that died lately. */
struct tn_link_block {
    uint64_t id;         /* of the allocation */
    uint64_t address;    /* of its first byte */
    uint32_t stack_id;   /* row of `stack` that asked for it; 0: none was taken */
    uint32_t size_bytes; /* asked for, as the note of the table has it */
};

/* The block that begins at an address.
 *
 * holder_id  dead blocks count that died after this allocation was born, and lately; 0: none counts
 * Returns    whether there is one; else ret_block is unchanged */
bool tn_link_block_at(const struct tn_matcher *matcher, uint64_t address, uint64_t holder_id,
                      struct tn_link_block *ret_block);

/* The block that begins at an address, or else one that it points into, at most TN_LINK_INNER_BYTES_MAX
 * behind its start and at a multiple of TN_LINK_INNER_UNIT_BYTES. A block that lives is preferred to a dead
 * one.
 *
 * holder_id        as of tn_link_block_at
 * ret_inner_bytes  how far behind its start
 * Returns          whether there is one; else the results are unchanged */
bool tn_link_block_holding(const struct tn_matcher *matcher, uint64_t address, uint64_t holder_id,
                           struct tn_link_block *ret_block, uint32_t *ret_inner_bytes);

/* The block that lives and has a word at an address, at most TN_LINK_HOLDER_BYTES_MAX behind its start.
 *
 * Returns  whether there is one; else ret_block is unchanged
 * Cost     a look-up for each 8 bytes back to the block before */
bool tn_link_block_around(const struct tn_matcher *matcher, uint64_t address,
                          struct tn_link_block *ret_block);

#endif
