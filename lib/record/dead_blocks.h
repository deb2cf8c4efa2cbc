/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_DEAD_BLOCKS_H
#define TN_RECORD_DEAD_BLOCKS_H

/* The blocks that died lately, of all processes: address -> what the block was. A destructor releases the
 * members first, so the addresses that a dying block holds are mostly those of dead blocks. A table in which
 * a newer block takes the place of an older one: what has been overwritten is not found. One thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_DEAD_BLOCKS_BITS 12 /* 4,096 entries, 96 KiB: stays in the second cache */

/* One block, as short as can be. Zeroed is empty. */
struct tn_dead_block {
    uint64_t place; /* tn_dead_block_place */
    uint64_t id;    /* of the allocation; above it, in the top byte, the code of the block's size */
    uint32_t stack_id;
    uint32_t births; /* while it lived: allocations that are newer than it; UINT32_MAX: so many or more */
};

struct tn_dead_blocks {
    uint64_t last_id; /* of the newest allocation at the last death */
    struct tn_dead_block entries[1u << TN_DEAD_BLOCKS_BITS];
};

/* An address, and of whose memory: of two processes whose rows differ by a multiple of 65,536 one is taken
 * for the other. process_id: row of `process`. */
static inline uint64_t tn_dead_block_place(uint64_t address, uint64_t process_id)
{
    return address ^ process_id << 48;
}

static inline uint32_t tn_dead_blocks_home(uint64_t place)
{
    return (uint32_t)(place * UINT64_C(0x9e3779b97f4a7c15) >> (64 - TN_DEAD_BLOCKS_BITS));
}

/* Note a block that dies.
 *
 * allocation_id  of the block, below 2^56
 * last_id        of the newest allocation: what is newer is born after this
 * stack_id       row of `stack` that asked for it
 * size_code      as tn_address_table_size_code */
static inline void tn_dead_blocks_put(struct tn_dead_blocks *blocks, uint64_t place, uint64_t allocation_id,
                                      uint64_t last_id, uint32_t stack_id, uint8_t size_code)
{
    uint64_t births = last_id - allocation_id;
    blocks->last_id = last_id;
    blocks->entries[tn_dead_blocks_home(place)] = (struct tn_dead_block){
        place,
        allocation_id | (uint64_t)size_code << 56,
        stack_id,
        births < UINT32_MAX ? (uint32_t)births : UINT32_MAX,
    };
}

static inline uint64_t tn_dead_block_id(const struct tn_dead_block *block)
{
    return block->id & ((UINT64_C(1) << 56) - 1);
}

/* The block that died last at a place; NULL: not known any more. Valid until the next put. */
static inline const struct tn_dead_block *tn_dead_blocks_find(const struct tn_dead_blocks *blocks,
                                                              uint64_t place)
{
    const struct tn_dead_block *block = &blocks->entries[tn_dead_blocks_home(place)];
    return block->id != 0 && block->place == place ? block : NULL;
}

#endif
