/* SPDX-License-Identifier: MIT */
#include "pack.h"

#include "pack_parts.h"
#include "put.h"

#include <errno.h>

/* Most of what an event says is foreseen, but hardly ever all of it. So there is one path, on which tests are
 * made where they mostly go the same way, and none where nobody knows. What is left costs as many stores to
 * different lines as it makes: the processor takes one a cycle into its cache. */

#define FIELD_LIMIT (UINT64_C(1) << 56)

/* ---------------------------------------------------------------------------------------- both */

/* All bits if a equals b, else none. */
static inline uint32_t equals(uint32_t a, uint32_t b)
{
    uint32_t mask = -(uint32_t)(a == b);
    __asm__("" : "+r"(mask)); /* or the compiler makes a branch of it */
    return mask;
}

/* How a place is told. Without branches: in programs that are not loops nobody knows which of them it is. */
static inline uint32_t place_code(uint32_t index, uint32_t place_count, uint32_t expected, uint32_t second)
{
    uint32_t code = TN_PLACE_AGE + place_count - 1 - index;
    code ^= (code ^ TN_PLACE_SECOND) & equals(index, second);
    return code & ~equals(index, expected); /* TN_PLACE_EXPECTED is 0 */
}

/* What stands in an event about its place. */
struct spot {
    uint64_t thread_id, stack_id, depth_bytes, left_depth_bytes;
    uint32_t op; /* without TN_OP_LEFT; a function that is none gives a number beyond all */
};

static inline uint32_t op_of(uint32_t birth, enum tn_function function)
{
    return birth | (uint32_t)function << TN_OP_FUNCTION_BIT;
}

/* A place that the hint does not lead to: another one's hint, another thread, a new place, or functions that
 * were left. Returns 0, or -EINVAL and nothing is put; the index stands where the hint is. */
static __attribute__((noinline)) int find_spot(struct tn_pack *pack, const struct spot *spot,
                                               uint32_t *ret_index)
{
    struct tn_predict *predict = &pack->predict;
    uint8_t op = (uint8_t)(spot->op | (spot->left_depth_bytes != 0 ? TN_OP_LEFT : 0));
    if (spot->stack_id > UINT32_MAX || (spot->depth_bytes | spot->left_depth_bytes) >= FIELD_LIMIT ||
        spot->op > (TN_OP_FUNCTION_MASK << TN_OP_FUNCTION_BIT | TN_OP_BIRTH))
        return -EINVAL;
    if (predict->actors[predict->actor].id != spot->thread_id || predict->actor_count == 0)
        tn_pack_switch_actor(pack, spot->thread_id);
    *ret_index = tn_pack_find_place(pack, (uint32_t)spot->stack_id, spot->depth_bytes, op);
    tn_put_left(pack, spot->depth_bytes, spot->left_depth_bytes);
    return 0;
}

/* Put the thread and the place of an event. The index of the place is returned; what cannot be is -EINVAL,
 * and nothing is put. */
static inline __attribute__((always_inline)) int put_spot(struct tn_pack *pack, const struct spot *spot,
                                                          uint32_t *ret_index)
{
    struct tn_predict *predict = &pack->predict;
    struct tn_actor *actor = &predict->actors[predict->actor];
    uint32_t place_count = predict->place_count, index = *tn_pack_hint(pack, spot->stack_id, spot->op);
    const struct tn_place *place = &predict->places[index];
    uint64_t others = (place->stack_id ^ spot->stack_id) | (place->depth_bytes ^ spot->depth_bytes) |
                      (place->op ^ spot->op) | (actor->id ^ spot->thread_id) | spot->left_depth_bytes;
    if (__builtin_expect(others != 0, 0)) {
        int r = find_spot(pack, spot, &index);
        if (r < 0)
            return r;
        actor = &predict->actors[predict->actor];
    }
    uint32_t *guess_1 = tn_predict_guess(predict, actor);
    uint32_t expected = tn_predict_place(predict, actor, guess_1),
             second = predict->places[actor->place].next;
    uint32_t code = place_code(index, place_count, expected, second);
    if (__builtin_expect(index >= place_count, 0))
        code = TN_PLACE_NEW;
    *tn_pack_place_end(pack) = tn_put_code(pack, TN_COLUMN_PLACE, code);
    tn_predict_move(predict, actor, guess_1, index);
    *ret_index = index;
    return 0;
}

static inline __attribute__((always_inline)) void put_time(struct tn_pack *pack, struct tn_place *place,
                                                           uint64_t time_ns, uint32_t birth)
{
    uint64_t last_ns = pack->predict.last_ns, step_ns = time_ns > last_ns ? time_ns - last_ns : 0;
    tn_put_measure(pack, (enum tn_column)(TN_COLUMN_TIME + birth * 4 + place->time_class), step_ns);
    place->time_class = tn_predict_time_class(step_ns);
    pack->predict.last_ns = last_ns + step_ns;
}

/* What was begun for an event that is refused is not there. */
static __attribute__((noinline)) int refuse(struct tn_pack *pack, int r)
{
    if (pack->event_count == 0)
        tn_pack_begin(pack);
    return r;
}

static inline int begin_event(struct tn_pack *pack, uint64_t time_ns)
{
    return __builtin_expect(pack->event_count == pack->event_room, 0) ? tn_pack_prepare(pack, time_ns) : 0;
}

/* ---------------------------------------------------------------------------------------- births */

/* Where a birth stands in the chunk, and what it adds to it. */
static inline void note_birth(struct tn_pack *pack, const struct tn_birth *birth, uint64_t id,
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

/* The distance is counted from where the allocator would cut off the next block. */
static inline uint32_t put_address(struct tn_pack *pack, uint64_t address, uint64_t expected_end)
{
    int64_t distance = (int64_t)(address - expected_end);
    if (__builtin_expect(distance % 16 != 0, 0)) {
        tn_put_measure(pack, TN_COLUMN_ADDRESS, tn_zigzag(distance));
        return TN_BIRTH_ADDRESS | TN_BIRTH_UNALIGNED;
    }
    tn_put_measure(pack, TN_COLUMN_ADDRESS, tn_zigzag(distance / 16));
    return TN_BIRTH_ADDRESS;
}

/* Ids are kept from the first gap on; up to there they follow from the first one. */
static uint32_t put_gap(struct tn_pack *pack, uint64_t id)
{
    tn_put_number(pack, TN_COLUMN_GAP, id - pack->predict.last_id - 1);
    tn_pack_leave_plain(pack);
    if (pack->birth_count != 0 && !pack->has_gaps) {
        for (uint32_t i = 0; i < pack->birth_count; i++)
            pack->ids[i] = pack->first_id + i;
        pack->has_gaps = true;
    }
    return TN_BIRTH_GAP;
}

static uint32_t put_previous(struct tn_pack *pack, const struct tn_birth *birth, uint64_t id)
{
    tn_put_number(pack, TN_COLUMN_PREVIOUS, birth->previous_id != 0 ? id - birth->previous_id : 0);
    return TN_BIRTH_PREVIOUS;
}

/* What is rarely not as expected. Returns what it was. */
static __attribute__((noinline)) uint32_t put_oddities(struct tn_pack *pack, const struct tn_birth *birth,
                                                       uint64_t id, struct tn_place *place)
{
    struct tn_predict *predict = &pack->predict;
    uint64_t excess_bytes = birth->usable_size_bytes - birth->size_bytes;
    uint64_t *expected = tn_predict_excess(predict, birth->size_bytes);
    uint64_t last_dead_id = predict->actors[predict->actor].last_dead_id;
    uint32_t flags = 0;
    if (excess_bytes != *expected) {
        *expected = excess_bytes;
        tn_put_number(pack, TN_COLUMN_EXCESS, excess_bytes);
        flags |= TN_BIRTH_EXCESS;
    }
    if (birth->alignment_bytes != place->alignment_bytes) {
        place->alignment_bytes = birth->alignment_bytes;
        tn_put_number(pack, TN_COLUMN_ALIGNMENT, birth->alignment_bytes);
        flags |= TN_BIRTH_ALIGNMENT;
    }
    if (id != predict->last_id + 1)
        flags |= put_gap(pack, id);
    if (birth->previous_id != (place->is_grown ? last_dead_id : 0))
        flags |= put_previous(pack, birth, id);
    place->is_grown = birth->previous_id != 0;
    if (pack->birth_count == 0)
        pack->first_id = id;
    return flags;
}

/* The bits in which what is rarely not as expected differs from that. */
static inline uint64_t differ(struct tn_predict *predict, const struct tn_actor *actor,
                              const struct tn_birth *birth, uint64_t id, const struct tn_place *place)
{
    uint64_t excess_bytes = birth->usable_size_bytes - birth->size_bytes;
    uint64_t previous_id = place->is_grown ? actor->last_dead_id : 0;
    return (*tn_predict_excess(predict, birth->size_bytes) ^ excess_bytes) |
           (place->alignment_bytes ^ birth->alignment_bytes) | (birth->previous_id ^ previous_id) |
           (place->is_grown ^ (birth->previous_id != 0)) | ((predict->last_id + 1) ^ id);
}

/* Returns what was not as expected. */
static inline uint32_t put_size_and_address(struct tn_pack *pack, const struct tn_actor *actor,
                                            const struct tn_birth *birth, struct tn_place *place)
{
    struct tn_predict *predict = &pack->predict;
    uint32_t bin = tn_predict_bin(tn_log_size_class(birth->usable_size_bytes), predict->actor), flags = 0;
    if (birth->size_bytes != place->size_bytes) {
        place->size_bytes = birth->size_bytes;
        tn_put_number(pack, TN_COLUMN_SIZE, birth->size_bytes);
        flags = TN_BIRTH_SIZE;
    }
    if (birth->address == tn_predict_address(predict, bin) && birth->address != 0)
        tn_predict_take(predict, bin);
    else
        flags |= put_address(pack, birth->address, actor->last_end);
    return flags;
}

int tn_pack_birth(struct tn_pack *pack, const struct tn_birth *birth, uint64_t id)
{
    struct tn_predict *predict = &pack->predict;
    struct spot spot = {birth->thread_id, birth->stack_id, birth->depth_bytes, birth->left_depth_bytes,
                        op_of(TN_OP_BIRTH, birth->function)};
    uint32_t index = 0;
    if ((birth->usable_size_bytes | birth->address | birth->alignment_bytes) >= FIELD_LIMIT ||
        birth->usable_size_bytes < birth->size_bytes || birth->previous_id >= id)
        return -EINVAL;
    int r = begin_event(pack, birth->time_ns);
    if (r == 0)
        r = put_spot(pack, &spot, &index);
    if (r < 0)
        return refuse(pack, r);
    struct tn_place *place = &predict->places[index];
    struct tn_actor *actor = &predict->actors[predict->actor];
    put_time(pack, place, birth->time_ns, 1);
    uint32_t flags = put_size_and_address(pack, actor, birth, place);
    if (__builtin_expect(differ(predict, actor, birth, id, place) != 0 || pack->birth_count == 0, 0))
        flags |= put_oddities(pack, birth, id, place);
    *tn_pack_birth_end(pack) = (uint8_t)flags;
    pack->realloc_count += birth->previous_id != 0;
    note_birth(pack, birth, id, actor);
    return pack->error;
}

/* ---------------------------------------------------------------------------------------- deaths */

/* Which block dies. */
struct victim {
    int64_t rank;          /* among the births of its source; below 0: born before this chunk */
    uint64_t births_since; /* of the source */
    uint32_t source;       /* index of the thread that bore it */
};

/* The index of a birth of this chunk by its id; false: it was born before. Only for chunks that are not
 * plain. */
static bool find_birth(const struct tn_pack *pack, uint64_t id, uint32_t *ret_index)
{
    uint64_t guess = id - pack->first_id;
    if (pack->birth_count == 0 || id < pack->first_id)
        return false;
    if (!pack->has_gaps) {
        *ret_index = (uint32_t)guess;
        return guess < pack->birth_count;
    }
    uint32_t low = 0, high = pack->birth_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (pack->ids[middle] <= id)
            low = middle;
        else
            high = middle;
    }
    *ret_index = low;
    return pack->ids[low] == id;
}

/* In a chunk that is not plain. Of what was born before it, the source is said to be that of the thread's
 * last one. */
static __attribute__((noinline)) struct victim find_victim(const struct tn_pack *pack, uint64_t id)
{
    const struct tn_predict *predict = &pack->predict;
    struct tn_packed_owner owner = {predict->actors[predict->actor].source, 0};
    int64_t rank = -1 - (int64_t)(predict->base_id - id);
    if (find_birth(pack, id, &owner.number)) {
        if (predict->actor_count > 1)
            owner = pack->owners[owner.number];
        rank = (int64_t)owner.number;
    }
    uint64_t births = predict->actors[owner.actor].births;
    return (struct victim){rank, births - 1 - (uint64_t)rank, owner.actor};
}

/* With plain ids the rank is the distance from the first one, also of what was born before, and the births
 * since are those with higher ids. */
static inline struct victim victim_of(const struct tn_pack *pack, uint64_t id)
{
    if (__builtin_expect(!pack->is_plain, 0))
        return find_victim(pack, id);
    return (struct victim){.rank = (int64_t)(id - pack->predict.base_id - 1),
                           .births_since = pack->predict.last_id - id};
}

/* Which block died: as at this place before, near it, or by the births since. */
static inline void put_rank(struct tn_pack *pack, struct tn_place *place, const struct victim *victim)
{
    uint64_t births_since = victim->births_since, code = TN_DEATH_BIRTHS + births_since;
    int64_t step = (int64_t)((uint64_t)victim->rank - (uint64_t)place->rank);
    if (births_since == place->births_since)
        code = TN_DEATH_SAME;
    else if (step == place->step)
        code = TN_DEATH_STEP;
    else if (tn_zigzag(step) < births_since / TN_NEAR_FACTOR) {
        code = TN_DEATH_NEAR;
        tn_put_number(pack, TN_COLUMN_NEAR, tn_zigzag(step));
    }
    tn_predict_die(place, births_since, victim->rank);
    *tn_pack_death_end(pack) = tn_put_code(pack, TN_COLUMN_DEATH, code);
}

/* The address of a block that was born in this chunk. Whether it was nobody can foresee: so what was not goes
 * into a bin that nobody looks into. */
static inline void release(struct tn_predict *predict, const struct tn_death *death, int64_t rank)
{
    uint32_t bin = tn_predict_bin(death->size_class, predict->actor), is_older = (uint32_t)(rank >> 63);
    tn_predict_release(predict, bin ^ ((bin ^ TN_RELEASED_BINS) & is_older), death->address);
}

static __attribute__((noinline)) void put_source(struct tn_pack *pack, struct tn_actor *actor,
                                                 uint32_t source)
{
    *tn_pack_death_end(pack) = TN_DEATH_SOURCE;
    pack->death_extra++;
    tn_put_number(pack, TN_COLUMN_SOURCE, source);
    actor->source = source;
}

/* Whether an id was given. Among those of other processes nobody can say. */
static bool is_known(const struct tn_pack *pack, uint64_t id)
{
    uint32_t index = 0;
    if (pack->event_count == 0)
        return id <= pack->last_id;
    if (pack->is_plain || id <= pack->predict.base_id)
        return id <= pack->predict.last_id;
    return find_birth(pack, id, &index);
}

int tn_pack_death(struct tn_pack *pack, const struct tn_death *death)
{
    struct tn_predict *predict = &pack->predict;
    struct spot spot = {death->thread_id, death->stack_id, death->depth_bytes, death->left_depth_bytes,
                        op_of(0, death->function)};
    uint32_t index = 0;
    if (death->address >= FIELD_LIMIT || death->size_class >= TN_SIZE_CLASSES ||
        !is_known(pack, death->allocation_id))
        return -EINVAL;
    int r = begin_event(pack, death->time_ns);
    if (r == 0)
        r = put_spot(pack, &spot, &index);
    if (r < 0)
        return refuse(pack, r);
    struct tn_place *place = &predict->places[index];
    struct tn_actor *actor = &predict->actors[predict->actor];
    put_time(pack, place, death->time_ns, 0);
    struct victim victim = victim_of(pack, death->allocation_id);
    if (__builtin_expect(victim.source != actor->source, 0))
        put_source(pack, actor, victim.source);
    put_rank(pack, place, &victim);
    release(predict, death, victim.rank);
    actor->last_dead_id = death->allocation_id;
    pack->event_count++;
    return pack->error;
}
