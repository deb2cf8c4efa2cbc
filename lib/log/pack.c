/* SPDX-License-Identifier: MIT */
#include "pack.h"

#include "pack_parts.h"
#include "put.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIELD_LIMIT   (UINT64_C(1) << 56)
#define SLOT_BITS_MIN 8

/* ---------------------------------------------------------------------------------------- life */

void tn_pack_begin(struct tn_pack *pack)
{
    pack->event_count = pack->event_room = 0;
    pack->birth_count = 0;
    pack->birth_bytes = pack->usable_bytes = pack->realloc_count = 0;
    pack->first_id = 0;
    pack->has_gaps = false;
    for (int i = 0; i < TN_COLUMN_COUNT; i++) {
        struct tn_column_out *out = &pack->columns[i];
        out->low_end = out->low;
        out->bit_count = 0;
        out->bits = 0;
        out->wide.size_bytes = 0;
    }
    memset(pack->slots, 0, sizeof(pack->slots[0]) << pack->slot_bits);
}

struct tn_pack *tn_pack_create(uint64_t process_id)
{
    struct tn_pack *pack = calloc(1, sizeof(*pack));
    if (pack == NULL)
        return NULL;
    pack->process_id = process_id;
    pack->slot_bits = SLOT_BITS_MIN;
    pack->slots = malloc(sizeof(pack->slots[0]) << pack->slot_bits);
    if (pack->slots == NULL) {
        free(pack);
        return NULL;
    }
    tn_pack_begin(pack);
    return pack;
}

void tn_pack_destroy(struct tn_pack *pack)
{
    if (pack == NULL)
        return;
    for (int i = 0; i < TN_COLUMN_COUNT; i++) {
        free(pack->columns[i].low);
        tn_buffer_finish(&pack->columns[i].wide);
    }
    free(pack->owners);
    free(pack->ids);
    free(pack->slots);
    tn_predict_finish(&pack->predict);
    tn_buffer_finish(&pack->data);
    tn_buffer_finish(&pack->codec);
    free(pack);
}

void tn_pack_know_ids(struct tn_pack *pack, uint64_t last_id)
{
    if (pack->event_count == 0 && last_id > pack->last_id)
        pack->last_id = last_id;
}

uint32_t tn_pack_count(const struct tn_pack *pack)
{
    return pack->event_count;
}

static int widen(void **array, size_t count, size_t element_bytes)
{
    void *elements = realloc(*array, count * element_bytes);
    if (elements == NULL)
        return -ENOMEM;
    *array = elements;
    return 0;
}

/* Room for one more event: at most two numbers in each column. */
static int make_room(struct tn_pack *pack)
{
    uint32_t capacity = pack->event_capacity != 0 ? pack->event_capacity * 4 : 2048;
    int r = 0;
    for (int i = 0; r == 0 && i < TN_COLUMN_COUNT; i++) {
        struct tn_column_out *out = &pack->columns[i];
        size_t used = (size_t)(out->low_end - out->low);
        r = widen((void **)&out->low, (size_t)capacity * 2, 1);
        out->low_end = out->low + used;
    }
    if (r == 0)
        r = widen((void **)&pack->owners, capacity, sizeof(pack->owners[0]));
    if (r == 0)
        r = widen((void **)&pack->ids, capacity, sizeof(pack->ids[0]));
    if (r == 0)
        pack->event_capacity = capacity;
    return r;
}

/* ---------------------------------------------------------------------------------------- threads */

/* The index of a thread, made at first sight. UINT32_MAX: no memory. */
static uint32_t find_actor(struct tn_pack *pack, uint64_t thread_id)
{
    struct tn_predict *predict = &pack->predict;
    uint32_t *hint_1 = &pack->actors_1[thread_id % TN_PACK_ACTORS];
    if (*hint_1 != 0 && *hint_1 <= predict->actor_count && predict->actors[*hint_1 - 1].id == thread_id)
        return *hint_1 - 1;
    uint32_t index = 0;
    while (index < predict->actor_count && predict->actors[index].id != thread_id)
        index++;
    *hint_1 = index + 1;
    return index;
}

/* Up to the second thread, all births were the first one's. */
static void own_births(struct tn_pack *pack)
{
    for (uint32_t i = 0; i < pack->birth_count; i++)
        pack->owners[i] = (struct tn_packed_owner){0, i};
}

static __attribute__((noinline)) void switch_actor(struct tn_pack *pack, uint64_t thread_id)
{
    struct tn_predict *predict = &pack->predict;
    uint32_t index = find_actor(pack, thread_id);
    tn_put_byte(pack, TN_COLUMN_PLACE, TN_PLACE_THREAD);
    tn_put_number(pack, TN_COLUMN_THREAD, index);
    if (index == predict->actor_count) {
        tn_put_number(pack, TN_COLUMN_THREAD_ID,
                      tn_zigzag((int64_t)(thread_id - predict->last_new_thread_id)));
        if (predict->actor_count == 1)
            own_births(pack);
        if (tn_predict_add_actor(predict, thread_id) < 0) {
            pack->error = -ENOMEM;
            return;
        }
    }
    predict->actor = index;
}

/* ---------------------------------------------------------------------------------------- places */

/* One branch: which of the three differs cannot be foreseen. */
static inline bool is_at(const struct tn_place *place, uint32_t stack_id, uint64_t depth_bytes, uint8_t op)
{
    return ((place->stack_id ^ stack_id) | (place->depth_bytes ^ depth_bytes) | (uint64_t)(place->op ^ op)) ==
           0;
}

static inline uint32_t hash_place(uint32_t stack_id, uint64_t depth_bytes, uint8_t op)
{
    uint64_t hash = (uint64_t)stack_id << 6 | op;
    hash = (hash ^ depth_bytes << 30) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(hash >> 32);
}

static struct tn_place_slot *find_slot(const struct tn_pack *pack, uint32_t hash, uint32_t stack_id,
                                       uint64_t depth_bytes, uint8_t op)
{
    uint32_t mask = (UINT32_C(1) << pack->slot_bits) - 1;
    uint32_t i = hash >> (32 - pack->slot_bits);
    while (pack->slots[i].index_1 != 0 &&
           (pack->slots[i].hash != hash ||
            !is_at(&pack->predict.places[pack->slots[i].index_1 - 1], stack_id, depth_bytes, op)))
        i = (i + 1) & mask;
    return &pack->slots[i];
}

static int widen_slots(struct tn_pack *pack)
{
    uint32_t bits = pack->slot_bits + 1, mask = (UINT32_C(1) << bits) - 1;
    struct tn_place_slot *wider = calloc((size_t)1 << bits, sizeof(wider[0]));
    if (wider == NULL)
        return -ENOMEM;
    for (uint32_t old = 0; old < UINT32_C(1) << pack->slot_bits; old++) {
        if (pack->slots[old].index_1 == 0)
            continue;
        uint32_t i = pack->slots[old].hash >> (32 - bits);
        while (wider[i].index_1 != 0)
            i = (i + 1) & mask;
        wider[i] = pack->slots[old];
    }
    free(pack->slots);
    pack->slots = wider;
    pack->slot_bits = bits;
    return 0;
}

static int add_place(struct tn_pack *pack, uint32_t stack_id, uint64_t depth_bytes, uint8_t op)
{
    struct tn_predict *predict = &pack->predict;
    tn_put_byte(pack, TN_COLUMN_PLACE_OP, op);
    tn_put_number(pack, TN_COLUMN_PLACE_STACK,
                  tn_zigzag((int64_t)stack_id - (int64_t)predict->last_new_stack_id));
    tn_put_number(pack, TN_COLUMN_PLACE_DEPTH,
                  tn_depth_code((int64_t)(depth_bytes - predict->last_new_depth)));
    int r = tn_predict_add_place(predict, stack_id, depth_bytes, op);
    if (r == 0 && predict->place_count * 2 > UINT32_C(1) << pack->slot_bits)
        r = widen_slots(pack);
    return r;
}

/* A place that stands behind its slot, or is new. Returns its index; what could not grow is in pack->error.
 */
static __attribute__((noinline)) uint32_t find_or_add(struct tn_pack *pack, uint32_t hash, uint32_t stack_id,
                                                      uint64_t depth_bytes, uint8_t op)
{
    struct tn_predict *predict = &pack->predict;
    struct tn_place_slot *slot = find_slot(pack, hash, stack_id, depth_bytes, op);
    if (slot->index_1 != 0)
        return slot->index_1 - 1;
    *slot = (struct tn_place_slot){hash, predict->place_count + 1};
    if (add_place(pack, stack_id, depth_bytes, op) == 0)
        return predict->place_count - 1;
    pack->error = -ENOMEM;
    return 0;
}

/* How a place is told, given the expected ones. Without branches: in programs that are not loops nobody knows
 * which of them it is. */
static inline uint32_t place_code(uint32_t index, uint32_t place_count, uint32_t expected, uint32_t second)
{
    uint32_t code = TN_PLACE_AGE + place_count - 1 - index;
    code = index == second ? TN_PLACE_SECOND : code;
    return index == expected ? TN_PLACE_EXPECTED : code;
}

/* ---------------------------------------------------------------------------------------- events */

/* What births and deaths have in common, but for the time. Returns the place; when something could not grow,
 * which is in pack->error, another one. */
static inline __attribute__((always_inline)) struct tn_place *
put_place(struct tn_pack *pack, uint64_t thread_id, uint64_t stack_id, uint64_t depth_bytes, uint8_t op)
{
    struct tn_predict *predict = &pack->predict;
    if (__builtin_expect(predict->actors[predict->actor].id != thread_id || predict->actor_count == 0, 0))
        switch_actor(pack, thread_id);
    uint32_t hash = hash_place((uint32_t)stack_id, depth_bytes, op), place_count = predict->place_count;
    uint32_t index = pack->slots[hash >> (32 - pack->slot_bits)].index_1 - 1;
    if (__builtin_expect(
            index >= place_count || !is_at(&predict->places[index], (uint32_t)stack_id, depth_bytes, op), 0))
        index = find_or_add(pack, hash, (uint32_t)stack_id, depth_bytes, op);
    struct tn_actor *actor = &predict->actors[predict->actor];
    uint32_t *guess_1 = tn_predict_guess(predict, actor);
    if (__builtin_expect(index < place_count, 1)) {
        uint32_t expected = tn_predict_place(predict, actor, guess_1);
        tn_put_measure(pack, TN_COLUMN_PLACE,
                       place_code(index, place_count, expected, predict->places[actor->place].next));
    } else {
        tn_put_byte(pack, TN_COLUMN_PLACE, TN_PLACE_NEW);
    }
    tn_predict_move(predict, actor, guess_1, index);
    pack->event_count++;
    return &predict->places[index];
}

static inline uint8_t op_of(uint8_t birth, enum tn_function function, uint64_t left_depth_bytes)
{
    uint8_t left = left_depth_bytes != 0 ? TN_OP_LEFT : 0;
    return (uint8_t)(birth | left | (uint32_t)function << TN_OP_FUNCTION_BIT);
}

static inline void put_time(struct tn_pack *pack, struct tn_place *place, uint64_t time_ns)
{
    struct tn_predict *predict = &pack->predict;
    uint64_t step_ns = time_ns > predict->last_ns ? time_ns - predict->last_ns : 0;
    tn_put_measure(pack, tn_predict_time_column(place), step_ns);
    place->time_class = tn_predict_time_class(step_ns);
    predict->last_ns += step_ns;
}

/* Begin a chunk, or make room in it. */
static __attribute__((noinline)) int prepare(struct tn_pack *pack, uint64_t time_ns)
{
    if (pack->error != 0)
        return pack->error;
    int r = 0;
    if (pack->event_count == pack->event_capacity)
        r = make_room(pack);
    if (r == 0 && pack->event_count == 0) {
        pack->first_ns = time_ns;
        r = tn_predict_begin(&pack->predict, time_ns, pack->last_id);
        if (r == 0)
            tn_put_number(pack, TN_COLUMN_BASE, pack->last_id);
    }
    if (r == 0)
        pack->event_room = pack->event_capacity;
    return r;
}

static inline int begin_event(struct tn_pack *pack, uint64_t time_ns)
{
    return __builtin_expect(pack->event_count == pack->event_room, 0) ? prepare(pack, time_ns) : 0;
}

/* The distance is counted from where the allocator would cut off the next block. */
static uint32_t put_address(struct tn_pack *pack, uint64_t address, uint64_t expected_end)
{
    int64_t distance = (int64_t)(address - expected_end);
    if (distance % 16 != 0) {
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

/* Sizes and alignment. Returns what was not as expected. */
static inline uint32_t put_sizes(struct tn_pack *pack, const struct tn_birth *birth, struct tn_place *place)
{
    uint32_t flags = 0;
    uint64_t excess_bytes = birth->usable_size_bytes - birth->size_bytes;
    uint64_t *expected = tn_predict_excess(&pack->predict, birth->size_bytes);
    if (birth->size_bytes != place->size_bytes) {
        tn_put_number(pack, TN_COLUMN_SIZE, birth->size_bytes);
        flags |= TN_BIRTH_SIZE;
    }
    if (__builtin_expect(excess_bytes != *expected, 0)) {
        tn_put_number(pack, TN_COLUMN_EXCESS, excess_bytes);
        flags |= TN_BIRTH_EXCESS;
    }
    if (__builtin_expect(birth->alignment_bytes != place->alignment_bytes, 0)) {
        tn_put_number(pack, TN_COLUMN_ALIGNMENT, birth->alignment_bytes);
        flags |= TN_BIRTH_ALIGNMENT;
    }
    place->size_bytes = birth->size_bytes;
    place->alignment_bytes = birth->alignment_bytes;
    *expected = excess_bytes;
    return flags;
}

static inline void put_birth(struct tn_pack *pack, const struct tn_birth *birth, uint64_t id,
                             struct tn_place *place)
{
    struct tn_predict *predict = &pack->predict;
    struct tn_actor *actor = &predict->actors[predict->actor];
    uint32_t flags = put_sizes(pack, birth, place);
    uint32_t bin = tn_predict_bin(tn_log_size_class(birth->usable_size_bytes), predict->actor);
    if (birth->address != 0 && birth->address == tn_predict_address(predict, bin))
        tn_predict_take(predict, bin);
    else
        flags |= put_address(pack, birth->address, actor->last_end);
    if (__builtin_expect(id != predict->last_id + 1, 0))
        flags |= put_gap(pack, id);
    if (__builtin_expect(birth->previous_id != (place->is_grown ? actor->last_dead_id : 0), 0))
        flags |= put_previous(pack, birth, id);
    tn_put_byte(pack, TN_COLUMN_BIRTH, flags);
    place->is_grown = birth->previous_id != 0;
    pack->realloc_count += birth->previous_id != 0;
    actor->last_end = tn_predict_end(birth->address, birth->usable_size_bytes);
    if (__builtin_expect(pack->has_gaps, 0))
        pack->ids[pack->birth_count] = id;
    predict->address_sum = tn_predict_sum(predict->address_sum, birth->address);
    if (__builtin_expect(predict->actor_count > 1, 0))
        pack->owners[pack->birth_count] = (struct tn_packed_owner){predict->actor, actor->births};
    pack->birth_count++;
    actor->births++;
    pack->last_id = predict->last_id = id;
    pack->birth_bytes += birth->size_bytes;
    pack->usable_bytes += birth->usable_size_bytes;
}

int tn_pack_birth(struct tn_pack *pack, const struct tn_birth *birth, uint64_t id)
{
    if ((birth->usable_size_bytes | birth->address | birth->depth_bytes | birth->alignment_bytes |
         birth->left_depth_bytes) >= FIELD_LIMIT ||
        birth->usable_size_bytes < birth->size_bytes || birth->stack_id > UINT32_MAX ||
        birth->previous_id >= id || (uint32_t)birth->function > TN_OP_FUNCTION_MASK)
        return -EINVAL;
    int r = begin_event(pack, birth->time_ns);
    if (r < 0)
        return r;
    uint8_t op = op_of(TN_OP_BIRTH, birth->function, birth->left_depth_bytes);
    struct tn_place *place = put_place(pack, birth->thread_id, birth->stack_id, birth->depth_bytes, op);
    tn_put_left(pack, birth->depth_bytes, birth->left_depth_bytes);
    if (pack->birth_count == 0)
        pack->first_id = id;
    put_time(pack, place, birth->time_ns);
    put_birth(pack, birth, id, place);
    return pack->error;
}

/* The index of a birth of this chunk by its id; false: it was born before. Ids follow each other unless
 * other processes allocate, too. */
static inline bool find_birth(const struct tn_pack *pack, uint64_t id, uint32_t *ret_index)
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

/* Which block died: as at this place before, near it, or by the births since. */
static inline void put_rank(struct tn_pack *pack, struct tn_place *place, uint64_t births_since, int64_t rank)
{
    uint64_t step = tn_zigzag((int64_t)((uint64_t)rank - (uint64_t)place->rank));
    if (births_since == place->births_since) {
        tn_put_byte(pack, TN_COLUMN_DEATH, TN_DEATH_SAME);
    } else if (step == tn_zigzag(place->step)) {
        tn_put_byte(pack, TN_COLUMN_DEATH, TN_DEATH_STEP);
    } else if (step < births_since / TN_NEAR_FACTOR) {
        tn_put_byte(pack, TN_COLUMN_DEATH, TN_DEATH_NEAR);
        tn_put_number(pack, TN_COLUMN_NEAR, step);
    } else {
        tn_put_measure(pack, TN_COLUMN_DEATH, TN_DEATH_BIRTHS + births_since);
    }
    tn_predict_die(place, births_since, rank);
}

static inline void put_death_here(struct tn_pack *pack, const struct tn_death *death, struct tn_place *place,
                                  uint32_t index)
{
    struct tn_predict *predict = &pack->predict;
    struct tn_actor *actor = &predict->actors[predict->actor];
    struct tn_packed_owner owner = {0, index};
    if (predict->actor_count > 1)
        owner = pack->owners[index];
    if (owner.actor != actor->source) {
        tn_put_byte(pack, TN_COLUMN_DEATH, TN_DEATH_SOURCE);
        tn_put_number(pack, TN_COLUMN_SOURCE, owner.actor);
        actor->source = owner.actor;
    }
    put_rank(pack, place, predict->actors[owner.actor].births - 1 - owner.number, owner.number);
    tn_predict_release(predict, tn_predict_bin(death->size_class, predict->actor), death->address);
}

int tn_pack_death(struct tn_pack *pack, const struct tn_death *death)
{
    uint32_t index = 0;
    if (death->stack_id > UINT32_MAX ||
        (death->depth_bytes | death->left_depth_bytes | death->address) >= FIELD_LIMIT ||
        death->size_class >= TN_SIZE_CLASSES || (uint32_t)death->function > TN_OP_FUNCTION_MASK)
        return -EINVAL;
    bool is_here = pack->event_count != 0 && find_birth(pack, death->allocation_id, &index);
    uint64_t base_id = pack->event_count != 0 ? pack->predict.base_id : pack->last_id;
    if (!is_here && death->allocation_id > base_id)
        return -EINVAL;
    int r = begin_event(pack, death->time_ns);
    if (r < 0)
        return r;
    uint8_t op = op_of(0, death->function, death->left_depth_bytes);
    struct tn_place *place = put_place(pack, death->thread_id, death->stack_id, death->depth_bytes, op);
    tn_put_left(pack, death->depth_bytes, death->left_depth_bytes);
    put_time(pack, place, death->time_ns);
    struct tn_predict *predict = &pack->predict;
    struct tn_actor *actor = &predict->actors[predict->actor];
    uint64_t before = base_id - death->allocation_id;
    actor->last_dead_id = death->allocation_id;
    if (is_here)
        put_death_here(pack, death, place, index);
    else
        put_rank(pack, place, predict->actors[actor->source].births + before, -1 - (int64_t)before);
    return pack->error;
}
