/* SPDX-License-Identifier: MIT */
/* Serves blocks as their changes say, and takes them back. A block whose owner's call has ended keeps its
 * memory until it is released: nobody else gets it. */
#include "trial_parts.h"

#define ALIGN 16

static uint64_t round_to_8(uint64_t bytes)
{
    return bytes == 0 ? 8 : (bytes + 7) / 8 * 8;
}

/* Slots of 16 bytes that a block takes in an arena. */
static uint64_t slots_for(uint64_t bytes)
{
    return bytes == 0 ? 1 : (bytes + ALIGN - 1) / ALIGN;
}

/* ---------------------------------------------------------------------------------------- slots, with the
 * lock */

/* Of equal ones: what was released last, or else was never used. A free one's size links it. */
static struct tn_trial_slot *take_slot(struct tn_trial_area *area)
{
    struct tn_trial_slot *slot = NULL;
    if (area->free_slot != 0) {
        slot = &area->slots[area->free_slot - 1];
        area->free_slot = slot->size_bytes;
    } else if (area->used_count < area->slot_count) {
        slot = &area->slots[area->used_count++];
    }
    return slot;
}

static void link_free(struct tn_trial_area *area, struct tn_trial_slot *slot)
{
    slot->size_bytes = (uint32_t)area->free_slot;
    area->free_slot = (uint64_t)(slot - area->slots) + 1;
}

/* A region of an arena, which is free as its first slot is. Returns its number; -1: there is none. */
static int64_t take_region(struct tn_trial_area *area)
{
    uint64_t first;
    if (area->free_slot != 0) {
        first = area->free_slot - 1;
        area->free_slot = area->slots[first].size_bytes;
    } else if (area->used_count + area->region_slots <= area->slot_count) {
        first = area->used_count;
        area->used_count += area->region_slots;
    } else {
        return -1;
    }
    return (int64_t)(first / area->region_slots);
}

static void *fill(const struct tn_trial_birth *birth, struct tn_trial_slot *slot,
                  struct tn_trial_activation *activation)
{
    struct tn_trial_area *area = tn_trial_area_at(birth->place->change);
    slot->size_bytes = (uint32_t)birth->size_bytes;
    slot->birth = birth->stack;
    slot->activation = 0;
    slot->state = 1;
    if (activation != NULL) {
        slot->activation = tn_trial_activation_index(activation) + 1;
        activation->live++;
    }
    area->live++;
    if (area->live > area->peak)
        area->peak = area->live;
    return tn_trial_slot_memory(area, slot);
}

/* ---------------------------------------------------------------------------------------- ways, with the
 * lock */

/* A call that is served. */
struct serving {
    const struct tn_trial_birth *birth;
    uintptr_t root;                  /* for a new call of the owner */
    struct tn_trial_finding finding; /* what contradicts the change */
};

static struct tn_trial_activation *find_call(const struct serving *serving)
{
    const struct tn_trial_birth *birth = serving->birth;
    struct tn_trial_activation *found = tn_trial_activation_find(birth->place->change, &birth->owner);
    return found != NULL || birth->owner.cfa == 0
               ? found
               : tn_trial_activation_make(birth->place->change, &birth->owner, serving->root);
}

static void *serve_pool(const struct serving *serving, struct tn_trial_area *area)
{
    const struct tn_trial_birth *birth = serving->birth;
    struct tn_trial_slot *slot = birth->size_bytes <= birth->change->block_bytes ? take_slot(area) : NULL;
    return slot != NULL ? fill(birth, slot, NULL) : NULL;
}

static void *refuse(struct serving *serving, enum tn_trial_contradiction_kind kind)
{
    serving->finding = (struct tn_trial_finding){
        .kind = kind,
        .change = serving->birth->place->change,
        .birth = serving->birth->stack,
        .size_bytes = serving->birth->size_bytes,
    };
    return NULL;
}

static void *serve_buffer(struct serving *serving, struct tn_trial_area *area)
{
    const struct tn_trial_birth *birth = serving->birth;
    if (birth->size_bytes > birth->change->block_bytes)
        return refuse(serving, TN_TRIAL_LARGER);
    struct tn_trial_activation *call = find_call(serving);
    if (call == NULL)
        return NULL;
    if (call->live != 0 && call->live >= birth->change->count)
        return refuse(serving, TN_TRIAL_MORE);
    struct tn_trial_slot *slot = take_slot(area);
    if (slot != NULL)
        return fill(birth, slot, call);
    if (call->live == 0)
        tn_trial_activation_drop(call);
    return NULL;
}

static bool has_room(const struct tn_trial_activation *call, const struct tn_trial_birth *birth,
                     const struct tn_trial_area *area)
{
    return call->sum_bytes + round_to_8(birth->size_bytes) <= birth->change->block_bytes &&
           call->used_bytes / ALIGN + slots_for(birth->size_bytes) <= area->region_slots;
}

static void *serve_arena(struct serving *serving, struct tn_trial_area *area)
{
    const struct tn_trial_birth *birth = serving->birth;
    struct tn_trial_activation *call = find_call(serving);
    int64_t region = call != NULL && call->live == 0 ? take_region(area) : 0;
    if (call == NULL)
        return NULL;
    if (region > 0)
        call->region = (uint32_t)region;
    if (region < 0 || !has_room(call, birth, area)) {
        if (call->live == 0 && region >= 0)
            link_free(area, &area->slots[(uint64_t)region * area->region_slots]);
        if (call->live == 0)
            tn_trial_activation_drop(call);
        return NULL;
    }
    struct tn_trial_slot *slot = &area->slots[call->region * area->region_slots + call->used_bytes / ALIGN];
    call->used_bytes += slots_for(birth->size_bytes) * ALIGN;
    call->sum_bytes += round_to_8(birth->size_bytes);
    return fill(birth, slot, call);
}

static void *serve_static(const struct serving *serving, struct tn_trial_area *area)
{
    const struct tn_trial_birth *birth = serving->birth;
    uint64_t slots = slots_for(birth->size_bytes), sum_bytes = round_to_8(birth->size_bytes);
    if (area->sum_bytes + sum_bytes > birth->change->block_bytes ||
        area->used_count + slots > area->slot_count)
        return NULL;
    struct tn_trial_slot *slot = &area->slots[area->used_count];
    area->used_count += slots;
    area->sum_bytes += sum_bytes;
    return fill(birth, slot, NULL);
}

static void *serve_way(struct serving *serving)
{
    struct tn_trial_area *area = tn_trial_area_at(serving->birth->place->change);
    if (area->slot_count == 0)
        return NULL;
    switch ((enum tn_trial_way)serving->birth->change->way) {
    case TN_TRIAL_POOL:
        return serve_pool(serving, area);
    case TN_TRIAL_BUFFER:
        return serve_buffer(serving, area);
    case TN_TRIAL_ARENA:
        return serve_arena(serving, area);
    case TN_TRIAL_STATIC:
        return serve_static(serving, area);
    case TN_TRIAL_COMBINED:
        return NULL;
    }
    return NULL;
}

/* ---------------------------------------------------------------------------------------- calls */

static void raise_to(uint64_t *highest, uint64_t value)
{
    uint64_t found = __atomic_load_n(highest, __ATOMIC_RELAXED);
    while (value > found &&
           !__atomic_compare_exchange_n(highest, &found, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

/* Where the thread's stack begins, if the call of the owner is a new one. */
static uintptr_t find_root(const struct tn_trial_birth *birth)
{
    if (birth->owner.cfa == 0)
        return 0;
    tn_trial_watch_thread();
    tn_trial_lock();
    bool is_known = tn_trial_activation_find(birth->place->change, &birth->owner) != NULL;
    tn_trial_unlock();
    return is_known ? 0 : tn_trial_root();
}

static void *serve_birth(const struct tn_trial_birth *birth, uintptr_t caller)
{
    struct serving serving = {.birth = birth, .root = find_root(birth)};
    tn_trial_lock();
    void *block = serve_way(&serving);
    uint64_t peak = tn_trial_area_at(birth->place->change)->peak;
    tn_trial_unlock();
    tn_trial_add(block != NULL ? &birth->change->served : &birth->change->fallbacks);
    if (block != NULL) {
        tn_trial_add(&birth->change->live_count);
        raise_to(&birth->change->peak_count, peak);
    }
    tn_trial_tell(&serving.finding, caller);
    return block;
}

void *tn_trial_serve(uintptr_t caller, size_t size_bytes, size_t alignment_bytes)
{
    struct tn_trial_birth birth;
    void *block = NULL;
    /* An operator of C++ was counted before it asks. */
    if (tn_trial_head == NULL || tn_preload_is_passed(caller))
        return NULL;
    tn_trial_add(&tn_trial_head->events);
    tn_trial_add(&tn_trial_head->calls);
    tn_trial_look(caller);
    if (tn_trial_find_birth(caller, &birth)) {
        birth.size_bytes = size_bytes;
        tn_trial_add(&birth.change->asked);
        if (alignment_bytes > ALIGN || size_bytes > UINT32_MAX)
            tn_trial_add(&birth.change->fallbacks);
        else if (birth.change->way == TN_TRIAL_COMBINED)
            block = tn_trial_combine(&birth, caller);
        else
            block = serve_birth(&birth, caller);
    }
    if (block == NULL)
        tn_trial_add(&tn_trial_head->heap_calls);
    return block;
}

/* ---------------------------------------------------------------------------------------- releases */

/* The last block of a call is gone: what it had is free. */
static void leave_call(struct tn_trial_area *area, struct tn_trial_activation *call)
{
    if (--call->live != 0)
        return;
    if (area->region_slots != 0)
        link_free(area, &area->slots[call->region * area->region_slots]);
    tn_trial_activation_drop(call);
}

static bool is_equal_slots(const struct tn_trial_change *change)
{
    return change->way == TN_TRIAL_POOL || change->way == TN_TRIAL_BUFFER;
}

/* What is released twice stays as it is. */
static bool free_slot(uint32_t number, struct tn_trial_slot *slot, struct tn_trial_finding *ret_finding)
{
    struct tn_trial_area *area = tn_trial_area_at(number);
    const struct tn_trial_change *change = &tn_trial_changes(tn_trial_head)[number];
    if (slot->state != 1)
        return false;
    if (change->way == TN_TRIAL_STATIC)
        *ret_finding = (struct tn_trial_finding){.kind = TN_TRIAL_RELEASED,
                                                 .change = number,
                                                 .birth = slot->birth,
                                                 .size_bytes = slot->size_bytes};
    uint32_t call = slot->activation;
    slot->state = slot->activation = 0;
    area->live--;
    if (is_equal_slots(change))
        link_free(area, slot);
    if (call != 0)
        leave_call(area, tn_trial_activation_at(call - 1));
    return true;
}

static void lower(uint64_t *count)
{
    uint64_t found = __atomic_load_n(count, __ATOMIC_RELAXED);
    while (found != 0 &&
           !__atomic_compare_exchange_n(count, &found, found - 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

bool tn_trial_take_back(uintptr_t caller, void *block)
{
    struct tn_trial_finding finding = {0};
    if (!tn_trial_owns(block))
        return tn_trial_combined_release(block);
    uint32_t number = tn_trial_owner_change(block);
    struct tn_trial_slot *slot = tn_trial_slot_of(tn_trial_area_at(number), block);
    tn_trial_lock();
    bool is_freed = free_slot(number, slot, &finding);
    tn_trial_unlock();
    if (is_freed)
        lower(&tn_trial_changes(tn_trial_head)[number].live_count);
    if (finding.kind == TN_TRIAL_RELEASED && tn_trial_is_ending())
        finding.kind = 0;
    tn_trial_tell(&finding, caller);
    return true;
}

bool tn_trial_release(uintptr_t caller, void *block)
{
    if (tn_trial_head == NULL || tn_preload_is_passed(caller))
        return false;
    tn_trial_add(&tn_trial_head->events);
    tn_trial_look(caller);
    return tn_trial_take_back(caller, block);
}

/* ---------------------------------------------------------------------------------------- sizes */

size_t tn_trial_bytes(const void *block)
{
    if (tn_trial_head == NULL)
        return 0;
    if (!tn_trial_owns(block))
        return tn_trial_combined_bytes(block);
    const struct tn_trial_area *area = tn_trial_area_at(tn_trial_owner_change(block));
    const struct tn_trial_slot *slot = tn_trial_slot_of(area, block);
    return area->region_slots == 0 ? area->stride_bytes : slots_for(slot->size_bytes) * ALIGN;
}

bool tn_trial_resize(uintptr_t caller, void *block, size_t size_bytes)
{
    if (!tn_trial_owns(block))
        return false;
    uint32_t number = tn_trial_owner_change(block);
    struct tn_trial_change *change = &tn_trial_changes(tn_trial_head)[number];
    struct tn_trial_slot *slot = tn_trial_slot_of(tn_trial_area_at(number), block);
    uint64_t most_bytes = is_equal_slots(change) ? change->block_bytes : slot->size_bytes;
    if (size_bytes > most_bytes)
        return false;
    tn_trial_add(&tn_trial_head->events);
    tn_trial_add(&tn_trial_head->calls);
    tn_trial_look(caller);
    tn_trial_add(&change->asked);
    tn_trial_add(&change->served);
    /* what an arena counted stays counted, and where its next block begins does not move */
    if (is_equal_slots(change))
        slot->size_bytes = (uint32_t)size_bytes;
    return true;
}
