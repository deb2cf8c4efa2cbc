/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_DEAD_BLOCKS_H
#define TN_RECORD_DEAD_BLOCKS_H

/* The blocks that died lately, of all processes: address -> what the block was. A destructor releases the
 * members first, so the addresses that a dying block holds are mostly those of dead blocks. A table in which
 * a newer block takes the place of an older one: what has been overwritten is not found. One thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_DEAD_BLOCKS_BITS 12 /* 4,096 entries, 160 KiB: stays in the second cache */

/* One block. allocation_id 0: empty. */
struct tn_dead_block {
    uint64_t address;
    uint64_t process_id;    /* row of `process` */
    uint64_t allocation_id; /* of the block */
    uint64_t last_id;       /* of the newest allocation when it died: what is newer was born after that */
    uint32_t stack_id;      /* row of `stack` that asked for it */
    uint32_t size_bytes;    /* asked for, as the note of the table has it */
};

struct tn_dead_blocks {
    struct tn_dead_block entries[1u << TN_DEAD_BLOCKS_BITS];
};

static inline uint32_t tn_dead_blocks_home(uint64_t address, uint64_t process_id)
{
    uint64_t mixed = (address ^ process_id << 48) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mixed >> (64 - TN_DEAD_BLOCKS_BITS));
}

/* Note a block that dies. */
static inline void tn_dead_blocks_put(struct tn_dead_blocks *blocks, const struct tn_dead_block *block)
{
    blocks->entries[tn_dead_blocks_home(block->address, block->process_id)] = *block;
}

/* The block that died last at an address; NULL: not known any more. Valid until the next put. */
static inline const struct tn_dead_block *tn_dead_blocks_find(const struct tn_dead_blocks *blocks,
                                                              uint64_t process_id, uint64_t address)
{
    const struct tn_dead_block *block = &blocks->entries[tn_dead_blocks_home(address, process_id)];
    bool is_it = block->allocation_id != 0 && block->address == address && block->process_id == process_id;
    return is_it ? block : NULL;
}

#endif
