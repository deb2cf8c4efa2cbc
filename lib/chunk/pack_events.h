/* SPDX-License-Identifier: MIT */
#ifndef TN_CHUNK_PACK_EVENTS_H
#define TN_CHUNK_PACK_EVENTS_H

/* Encodes one event. Inline, for pack_events.c (one event at a time) and pack_batch.c (many plain ones).
 *
 * Predictions mostly hold, but rarely all those of one event. So there is one path: it branches where the
 * branch is predictable, and computes both sides where it is not. What remains is bound by its stores to
 * different cache lines: the processor takes one a cycle. */

#include "encode.h"
#include "pack_parts.h"

#include <errno.h>

#define TN_PACK_INLINE static inline __attribute__((always_inline))

#define TN_PACK_FIELD_LIMIT (UINT64_C(1) << 56)

/* ---------------------------------------------------------------------------------------- pack_events.c */

/* The context of an event whose hint was wrong, or whose thread differs from the previous one's, or that is
 * new, or before which functions were left. op is without TN_OP_LEFT; an unknown function gives an op beyond
 * all. Returns the index, or -EINVAL and nothing is encoded. */
int64_t tn_pack_find_unhinted(struct tn_pack *pack, uint64_t thread_id, uint64_t stack_id,
                              uint64_t depth_bytes, uint64_t left_depth_bytes, uint32_t op);

/* Undo what was begun for an event that is refused. Returns r. */
int tn_pack_refuse(struct tn_pack *pack, int r);

/* Encode the fields of a birth that rarely differ from their prediction. Returns TN_BIRTH_* of those that
 * do. */
uint32_t tn_pack_encode_rare(struct tn_pack *pack, struct tn_context *context, uint64_t size_bytes,
                             uint64_t excess_bytes, uint64_t alignment_bytes, uint64_t previous_id,
                             uint64_t id);

/* Which block dies. */
struct tn_victim {
    int64_t rank;          /* among the births of its source; negative: born before this chunk */
    uint64_t births_since; /* of the source since the block's birth */
    uint32_t source;       /* index of the thread that allocated it */
};

/* Find the dying block in a chunk that is not plain. A block that was born before the chunk is given the
 * source of the thread's last death. */
struct tn_victim tn_pack_find_victim(const struct tn_pack *pack, uint64_t id);

/* The block that dies now has another source than the thread's last one. */
void tn_pack_encode_source(struct tn_pack *pack, struct tn_actor *actor, uint32_t source);

/* Whether an id was given before, in a chunk that has gaps or no event. */
bool tn_pack_is_known(const struct tn_pack *pack, uint64_t id);

/* ---------------------------------------------------------------------------------------- both */

/* All bits set if a equals b, else none. */
static inline uint32_t tn_pack_equals(uint32_t a, uint32_t b)
{
    uint32_t mask = -(uint32_t)(a == b);
    __asm__("" : "+r"(mask)); /* or the compiler makes a branch of it */
    return mask;
}

/* The number that tells a context. Without branches: which of the cases it is cannot be predicted, except in
 * loops. */
static inline uint32_t tn_pack_context_code(uint32_t index, uint32_t context_count, uint32_t expected,
                                            uint32_t second)
{
    uint32_t code = TN_CONTEXT_AGE + context_count - 1 - index;
    code ^= (code ^ TN_CONTEXT_SECOND) & tn_pack_equals(index, second);
    return code & ~tn_pack_equals(index, expected); /* TN_CONTEXT_EXPECTED is 0 */
}

/* Encode thread and context of an event. Returns the index of the context, or -EINVAL and nothing is
 * encoded. */
TN_PACK_INLINE int64_t tn_pack_encode_context(struct tn_pack *pack, uint64_t thread_id, uint64_t stack_id,
                                              uint64_t depth_bytes, uint64_t left_depth_bytes, uint32_t op)
{
    struct tn_predict *predict = &pack->predict;
    uint32_t context_count = predict->context_count;
    int64_t index = *tn_pack_hint(pack, stack_id, op);
    const struct tn_context *context = &predict->contexts[index];
    uint64_t others = (context->stack_id ^ stack_id) | (context->depth_bytes ^ depth_bytes) |
                      (context->op ^ op) | left_depth_bytes;
    if (__builtin_expect(others != 0, 0)) {
        index = tn_pack_find_unhinted(pack, thread_id, stack_id, depth_bytes, left_depth_bytes, op);
        if (index < 0)
            return index;
    } else if (__builtin_expect(pack->actor->id != thread_id, 0)) {
        tn_pack_switch_actor(pack, thread_id);
    }
    struct tn_actor *actor = pack->actor;
    struct tn_context *last = &predict->contexts[actor->context];
    uint32_t *guess_1 = tn_predict_guess(predict, actor), second = last->next;
    uint32_t expected = *guess_1 != 0 ? *guess_1 - 1 : second;
    uint32_t code = tn_pack_context_code((uint32_t)index, context_count, expected, second);
    if (__builtin_expect(index >= context_count, 0))
        code = TN_CONTEXT_NEW;
    tn_predict_move(actor, last, guess_1, (uint32_t)index);
    *tn_pack_context_end(pack) = tn_encode_code(pack, TN_COLUMN_CONTEXT, code);
    return index;
}

/* kind: TN_OP_BIRTH or 0. */
TN_PACK_INLINE void tn_pack_encode_time(struct tn_pack *pack, struct tn_context *context, uint64_t time_ns,
                                        uint32_t kind)
{
    uint64_t last_ns = pack->predict.last_ns, step_ns = time_ns > last_ns ? time_ns - last_ns : 0;
    enum tn_column column = tn_predict_time_column(context, kind);
    pack->predict.last_ns = last_ns + step_ns;
    uint32_t level = 0;
    if (step_ns < TN_BITS_DIRECT) {
        level = tn_time_levels[step_ns];
        tn_encode_byte(pack, column, (uint32_t)step_ns);
    } else {
        level = tn_predict_level(step_ns);
        tn_encode_byte(pack, column, tn_encode_rest(pack, column, step_ns));
    }
    tn_predict_pace(context, level);
}

static inline int tn_pack_begin_event(struct tn_pack *pack, uint64_t time_ns)
{
    return __builtin_expect(pack->event_count == pack->event_room, 0) ? tn_pack_prepare(pack, time_ns) : 0;
}

static inline uint32_t tn_pack_op(uint32_t kind, uint32_t function)
{
    return kind | function << TN_OP_FUNCTION_BIT;
}

/* ---------------------------------------------------------------------------------------- births */

/* Note where a birth stands in the chunk, and what it adds to the totals. */
TN_PACK_INLINE void tn_pack_note_birth(struct tn_pack *pack, const struct tn_birth *birth, uint64_t id,
                                       struct tn_actor *actor)
{
    struct tn_predict *predict = &pack->predict;
    if (__builtin_expect(!pack->is_plain, 0)) {
        if (pack->has_gaps)
            pack->ids[pack->birth_count] = id;
        if (predict->actor_count > 1)
            pack->owners[pack->birth_count] = (struct tn_packed_owner){predict->actor, actor->births};
        actor->births++;
    }
    actor->last_end = tn_predict_end(birth->address, birth->usable_size_bytes);
    pack->birth_bytes += birth->size_bytes;
    pack->usable_bytes += birth->usable_size_bytes;
    pack->birth_count++;
    pack->event_count++;
    predict->last_id = id;
    predict->address_sum = tn_predict_sum(predict->address_sum, birth->address);
}

/* The distance is counted from where the allocator would have cut off the next block. */
static inline uint32_t tn_pack_encode_address(struct tn_pack *pack, uint64_t address, uint64_t expected_end)
{
    int64_t distance = (int64_t)(address - expected_end);
    if (__builtin_expect(distance % 16 != 0, 0)) {
        tn_encode_measure(pack, TN_COLUMN_ADDRESS, tn_zigzag(distance));
        return TN_BIRTH_ADDRESS | TN_BIRTH_UNALIGNED;
    }
    tn_encode_measure(pack, TN_COLUMN_ADDRESS, tn_zigzag(distance / 16));
    return TN_BIRTH_ADDRESS;
}

/* Nonzero if any of the fields that rarely differ from their prediction does. */
TN_PACK_INLINE uint64_t tn_pack_differ(struct tn_predict *predict, const struct tn_actor *actor,
                                       const struct tn_birth *birth, uint64_t id,
                                       const struct tn_context *context)
{
    uint64_t excess_bytes = birth->usable_size_bytes - birth->size_bytes;
    uint64_t previous_id = context->is_grown ? actor->last_dead_id : 0;
    return (*tn_predict_excess(predict, birth->size_bytes) ^ excess_bytes) |
           (context->alignment_bytes ^ birth->alignment_bytes) | (birth->previous_id ^ previous_id) |
           (context->is_grown ^ (birth->previous_id != 0)) | ((predict->last_id + 1) ^ id);
}

/* Returns TN_BIRTH_* of the fields that were not predicted. */
TN_PACK_INLINE uint32_t tn_pack_encode_size_and_address(struct tn_pack *pack, const struct tn_actor *actor,
                                                        const struct tn_birth *birth,
                                                        struct tn_context *context, uint32_t size_class)
{
    struct tn_predict *predict = &pack->predict;
    uint32_t bin = tn_predict_bin(size_class, predict->actor), flags = 0;
    if (birth->size_bytes != context->size_bytes) {
        context->size_bytes = birth->size_bytes;
        tn_encode_number(pack, TN_COLUMN_SIZE, birth->size_bytes);
        flags = TN_BIRTH_SIZE;
    }
    if (birth->address == tn_predict_address(predict, bin) && birth->address != 0)
        tn_predict_take(predict, bin);
    else
        flags |= tn_pack_encode_address(pack, birth->address, actor->last_end);
    return flags;
}

/* size_class: tn_log_size_class of the usable size. */
TN_PACK_INLINE int tn_pack_encode_birth(struct tn_pack *pack, const struct tn_birth *birth, uint64_t id,
                                        uint32_t size_class)
{
    struct tn_predict *predict = &pack->predict;
    if ((birth->usable_size_bytes | birth->address | birth->alignment_bytes) >= TN_PACK_FIELD_LIMIT ||
        birth->usable_size_bytes < birth->size_bytes || birth->previous_id >= id)
        return -EINVAL;
    int r = tn_pack_begin_event(pack, birth->time_ns);
    if (r < 0)
        return r;
    int64_t index = tn_pack_encode_context(pack, birth->thread_id, birth->stack_id, birth->depth_bytes,
                                           birth->left_depth_bytes, tn_pack_op(TN_OP_BIRTH, birth->function));
    if (__builtin_expect(index < 0, 0))
        return tn_pack_refuse(pack, (int)index);
    struct tn_context *context = &predict->contexts[index];
    struct tn_actor *actor = pack->actor;
    tn_pack_encode_time(pack, context, birth->time_ns, TN_OP_BIRTH);
    uint32_t flags = tn_pack_encode_size_and_address(pack, actor, birth, context, size_class);
    if (__builtin_expect(tn_pack_differ(predict, actor, birth, id, context) != 0 || pack->birth_count == 0,
                         0)) {
        uint64_t excess_bytes = birth->usable_size_bytes - birth->size_bytes;
        flags |= tn_pack_encode_rare(pack, context, birth->size_bytes, excess_bytes, birth->alignment_bytes,
                                     birth->previous_id, id);
    }
    *tn_pack_birth_end(pack) = (uint8_t)flags;
    pack->realloc_count += birth->previous_id != 0;
    tn_pack_note_birth(pack, birth, id, actor);
    return 0;
}

/* ---------------------------------------------------------------------------------------- deaths */

/* In a plain chunk the rank is the distance from the first id, also of blocks that were born before, and the
 * births since are those with higher ids. */
TN_PACK_INLINE struct tn_victim tn_pack_victim(const struct tn_pack *pack, uint64_t id)
{
    if (__builtin_expect(!pack->is_plain, 0)) {
        uint64_t index = id - pack->first_id;
        if (pack->has_gaps || pack->predict.actor_count <= 1 || index >= pack->birth_count)
            return tn_pack_find_victim(pack, id);
        struct tn_packed_owner owner = pack->owners[index];
        uint64_t births = pack->predict.actors[owner.actor].births;
        return (struct tn_victim){owner.number, births - 1 - owner.number, owner.actor};
    }
    return (struct tn_victim){.rank = (int64_t)(id - pack->predict.base_id - 1),
                              .births_since = pack->predict.last_id - id};
}

/* Which block died: as in this context before, near the last one, or by the births since. */
TN_PACK_INLINE void tn_pack_encode_rank(struct tn_pack *pack, struct tn_context *context,
                                        const struct tn_victim *victim)
{
    uint64_t births_since = victim->births_since, code = TN_DEATH_BIRTHS + births_since;
    int64_t step = (int64_t)((uint64_t)victim->rank - (uint64_t)context->rank);
    if (births_since == context->births_since)
        code = TN_DEATH_SAME;
    else if (step == context->step)
        code = TN_DEATH_STEP;
    else if (tn_zigzag(step) < births_since / TN_NEAR_FACTOR) {
        code = TN_DEATH_NEAR;
        tn_encode_number(pack, TN_COLUMN_NEAR, tn_zigzag(step));
    }
    tn_predict_die(context, births_since, victim->rank);
    *tn_pack_death_end(pack) = tn_encode_code(pack, TN_COLUMN_DEATH, code);
}

/* Remember the address of a block that was born in this chunk. Whether it was cannot be predicted, so the
 * addresses of other blocks go into a bin that is never read. */
TN_PACK_INLINE void tn_pack_release(struct tn_predict *predict, const struct tn_death *death, int64_t rank)
{
    uint32_t bin = tn_predict_bin(death->size_class, predict->actor), is_older = (uint32_t)(rank >> 63);
    tn_predict_release(predict, bin ^ ((bin ^ TN_RELEASED_BINS) & is_older), death->address);
}

TN_PACK_INLINE int tn_pack_encode_death(struct tn_pack *pack, const struct tn_death *death)
{
    struct tn_predict *predict = &pack->predict;
    uint64_t id = death->allocation_id;
    bool is_born = id <= predict->base_id || id - pack->first_id < pack->birth_count;
    if (__builtin_expect(pack->event_count == 0 || pack->has_gaps, 0))
        is_born = tn_pack_is_known(pack, id);
    if (death->address >= TN_PACK_FIELD_LIMIT || death->size_class >= TN_SIZE_CLASSES || !is_born)
        return -EINVAL;
    int r = tn_pack_begin_event(pack, death->time_ns);
    if (r < 0)
        return r;
    int64_t index = tn_pack_encode_context(pack, death->thread_id, death->stack_id, death->depth_bytes,
                                           death->left_depth_bytes, tn_pack_op(0, death->function));
    if (__builtin_expect(index < 0, 0))
        return tn_pack_refuse(pack, (int)index);
    struct tn_context *context = &predict->contexts[index];
    struct tn_actor *actor = pack->actor;
    tn_pack_encode_time(pack, context, death->time_ns, 0);
    struct tn_victim victim = tn_pack_victim(pack, id);
    if (__builtin_expect(victim.source != actor->source, 0))
        tn_pack_encode_source(pack, actor, victim.source);
    tn_pack_encode_rank(pack, context, &victim);
    tn_pack_release(predict, death, victim.rank);
    actor->last_dead_id = id;
    pack->event_count++;
    return 0;
}

#endif
