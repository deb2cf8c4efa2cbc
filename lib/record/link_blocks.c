/* SPDX-License-Identifier: MIT */
/* Looks up the blocks of links, in the table of live blocks and in that of the blocks that died lately. An
 * address inside a block is found by trying the places before it where a block may begin. Called by links.c.
 */
#include "link_blocks.h"

#include "matcher.h"

/* Where blocks may begin: at multiples of this, as all have so far, which is 16 with most allocators. */
static uint64_t step_bytes(const struct tn_matcher *matcher)
{
    uint64_t bits = matcher->table.address_bits | TN_LINK_INNER_BYTES_MAX;
    return bits & (~bits + 1);
}

static bool find_live(const struct tn_matcher *matcher, uint64_t address, struct tn_link_block *ret_block)
{
    const struct tn_address_table_entry *entry = tn_address_table_find(&matcher->table, address);
    if (entry == NULL || entry->value == 0)
        return false;
    struct tn_address_table_note note = tn_address_table_note(entry);
    *ret_block = (struct tn_link_block){entry->value & TN_MATCH_ID_MASK, address, note.stack_id,
                                        tn_address_table_size_of(note.size_code)};
    return true;
}

/* Allocations after a block's death, until the last death: a destructor releases what its object holds and
 * then the object, and allocates little meanwhile. After more, an address was not cleared, and whatever it
 * named is long gone. */
#define BIRTHS_SINCE_MAX 64u

static bool find_dead(const struct tn_matcher *matcher, uint64_t address, uint64_t holder_id,
                      struct tn_link_block *ret_block)
{
    if (holder_id == 0)
        return false;
    uint64_t place = tn_dead_block_place(address, matcher->process_id);
    const struct tn_dead_block *dead = tn_dead_blocks_find(matcher->dead, place);
    if (dead == NULL)
        return false;
    uint64_t last_id = tn_dead_block_id(dead) + dead->births;
    if (last_id < holder_id || matcher->dead->last_id - last_id > BIRTHS_SINCE_MAX)
        return false;
    *ret_block = (struct tn_link_block){tn_dead_block_id(dead), address, dead->stack_id,
                                        tn_address_table_size_of((uint8_t)(dead->id >> 56))};
    return true;
}

bool tn_link_block_at(const struct tn_matcher *matcher, uint64_t address, uint64_t holder_id,
                      struct tn_link_block *ret_block)
{
    return address != 0 &&
           (find_live(matcher, address, ret_block) || find_dead(matcher, address, holder_id, ret_block));
}

/* The nearest start before an address decides: blocks do not overlap. */
static bool find_inner(const struct tn_matcher *matcher, uint64_t address, uint64_t holder_id,
                       struct tn_link_block *ret_block, uint32_t *ret_inner_bytes)
{
    struct tn_link_block block;
    uint64_t step = step_bytes(matcher), start = (address - 1) & ~(step - 1);
    for (; start != 0 && address - start <= TN_LINK_INNER_BYTES_MAX; start -= step) {
        bool is_there =
            holder_id == 0 ? find_live(matcher, start, &block) : find_dead(matcher, start, holder_id, &block);
        if (!is_there)
            continue;
        if (address - start >= block.size_bytes)
            return false;
        *ret_block = block;
        *ret_inner_bytes = (uint32_t)(address - start);
        return true;
    }
    return false;
}

bool tn_link_block_holding(const struct tn_matcher *matcher, uint64_t address, uint64_t holder_id,
                           struct tn_link_block *ret_block, uint32_t *ret_inner_bytes)
{
    if (tn_link_block_at(matcher, address, holder_id, ret_block)) {
        *ret_inner_bytes = 0;
        return true;
    }
    return address > TN_LINK_INNER_BYTES_MAX && address % TN_LINK_INNER_UNIT_BYTES == 0 &&
           (find_inner(matcher, address, 0, ret_block, ret_inner_bytes) ||
            find_inner(matcher, address, holder_id, ret_block, ret_inner_bytes));
}

bool tn_link_block_around(const struct tn_matcher *matcher, uint64_t address, struct tn_link_block *ret_block)
{
    struct tn_link_block block;
    uint64_t step = step_bytes(matcher);
    for (uint64_t start = address & ~(step - 1); start != 0 && address - start <= TN_LINK_HOLDER_BYTES_MAX;
         start -= step) {
        if (!find_live(matcher, start, &block))
            continue;
        if (address - start + sizeof(uint64_t) > block.size_bytes)
            return false;
        *ret_block = block;
        return true;
    }
    return false;
}
