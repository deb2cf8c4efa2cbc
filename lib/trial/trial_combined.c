/* SPDX-License-Identifier: MIT */
/* One block of the heap for several: the first member's call asks for all, and the others lie in it. The
 * block goes back with its last member. Its addresses are the heap's, so that a table has to say which they
 * are. */
#include "trial_parts.h"

#include <string.h>

#define ALIGN       16
#define GROUPS_MAX  131072
#define TABLE_SLOTS 1048576 /* a power of two, twice the members that may live */
#define MEMBERS_MAX 16      /* kinds of members of a structure */
#define LATEST_MAX  16      /* a power of two; changes of which a thread knows its latest structure */

/* A structure that lives, or whose members partly do. */
struct combined_group {
    char *base; /* NULL: free */
    uint64_t used_bytes, block_bytes;
    uint32_t live, serial;
    uint32_t change;
    uint32_t next; /* 1 + the next: of free ones, or of those of a change that have lost a member */
    uint32_t previous;
    const void *loser; /* the thread that released the first of them */
    bool has_lost;     /* a member was released */
    uint8_t made[MEMBERS_MAX];
};

struct combined_member {
    uintptr_t address; /* 0: free */
    uint32_t group, size_bytes;
    uint32_t birth;
};

static struct combined_group groups[GROUPS_MAX];
static struct combined_member table[TABLE_SLOTS];
static uint32_t table_used, group_used, free_group, next_serial;
static uint32_t
    lost_groups[TN_TRIAL_CHANGES_MAX]; /* 1 + the first structure that has lost a member; 0: none */

/* The structures that the thread made last. */
static __thread struct {
    uint32_t change, index, serial;
} latest[LATEST_MAX];

/* ---------------------------------------------------------------------------------------- members */

static uint32_t home_of(uintptr_t address)
{
    return (uint32_t)((address * UINT64_C(0x9e3779b97f4a7c15)) >> 40) & (TABLE_SLOTS - 1);
}

static struct combined_member *find_member(uintptr_t address)
{
    uint32_t at = home_of(address);
    while (table[at].address != 0 && table[at].address != address)
        at = (at + 1) & (TABLE_SLOTS - 1);
    return &table[at];
}

/* What stands behind a freed entry moves forwards, so that searches do not end too early (Knuth, The Art of
 * Computer Programming 3, 6.4, algorithm R). */
static void drop_member(struct combined_member *member)
{
    uint32_t hole = (uint32_t)(member - table), next = hole;
    table[hole].address = 0;
    for (;;) {
        next = (next + 1) & (TABLE_SLOTS - 1);
        if (table[next].address == 0)
            break;
        uint32_t home = home_of(table[next].address);
        bool stays = hole <= next ? hole < home && home <= next : hole < home || home <= next;
        if (stays)
            continue;
        table[hole] = table[next];
        table[next].address = 0;
        hole = next;
    }
    __atomic_fetch_sub(&table_used, 1, __ATOMIC_RELAXED);
}

static void *add_member(struct combined_group *group, const struct tn_trial_birth *birth,
                        uint64_t offset_bytes)
{
    struct combined_member *member = find_member((uintptr_t)group->base + offset_bytes);
    *member = (struct combined_member){
        .address = (uintptr_t)group->base + offset_bytes,
        .group = (uint32_t)(group - groups),
        .size_bytes = (uint32_t)birth->size_bytes,
        .birth = birth->stack,
    };
    __atomic_fetch_add(&table_used, 1, __ATOMIC_RELAXED);
    group->used_bytes = offset_bytes + (birth->size_bytes != 0 ? birth->size_bytes : 1);
    group->live++;
    group->made[birth->place->member]++;
    return group->base + offset_bytes;
}

/* ---------------------------------------------------------------------------------------- structures */

static struct combined_group *latest_group(uint32_t change)
{
    struct combined_group *group = &groups[latest[change % LATEST_MAX].index];
    bool is_it = latest[change % LATEST_MAX].change == change && group->base != NULL &&
                 group->serial == latest[change % LATEST_MAX].serial && group->change == change;
    return is_it ? group : NULL;
}

static struct combined_group *take_group(void)
{
    struct combined_group *group = NULL;
    if (table_used >= TABLE_SLOTS / 2)
        return NULL;
    if (free_group != 0) {
        group = &groups[free_group - 1];
        free_group = group->next;
    } else if (group_used < GROUPS_MAX) {
        group = &groups[group_used++];
    }
    return group;
}

/* A member that lives, as what contradicts its change. */
static struct tn_trial_finding parted(const struct combined_group *group)
{
    const struct combined_member *member = find_member((uintptr_t)group->base);
    for (uint64_t at = 0; at < group->used_bytes && member->address == 0; at += 8)
        member = find_member((uintptr_t)group->base + at);
    return (struct tn_trial_finding){
        .kind = TN_TRIAL_PARTED,
        .change = group->change,
        .birth = member->birth,
        .size_bytes = member->size_bytes,
    };
}

static void link_lost(struct combined_group *group)
{
    uint32_t first = lost_groups[group->change], index = (uint32_t)(group - groups) + 1;
    group->has_lost = true;
    group->loser = &latest;
    group->previous = 0;
    group->next = first;
    if (first != 0)
        groups[first - 1].previous = index;
    lost_groups[group->change] = index;
}

static void unlink_lost(const struct combined_group *group)
{
    if (group->previous != 0)
        groups[group->previous - 1].next = group->next;
    else
        lost_groups[group->change] = group->next;
    if (group->next != 0)
        groups[group->next - 1].previous = group->previous;
}

/* A structure that the thread has released a part of, and not the rest. NULL: there is none, or the change is
 * contradicted already. */
static const struct combined_group *find_lost(const struct tn_trial_birth *birth)
{
    if (__atomic_load_n(&birth->change->contradiction.is_taken, __ATOMIC_RELAXED) != 0)
        return NULL;
    for (uint32_t i = lost_groups[birth->place->change]; i != 0; i = groups[i - 1].next)
        if (groups[i - 1].loser == &latest)
            return &groups[i - 1];
    return NULL;
}

/* Make a structure of a block of the heap. Returns NULL: there is no room for another. */
static void *begin(const struct tn_trial_birth *birth, char *base, uint64_t block_bytes)
{
    uint32_t change = birth->place->change;
    struct combined_group *group = take_group();
    if (group == NULL)
        return NULL;
    *group = (struct combined_group){
        .base = base, .block_bytes = block_bytes, .serial = ++next_serial, .change = change};
    latest[change % LATEST_MAX].change = change;
    latest[change % LATEST_MAX].index = (uint32_t)(group - groups);
    latest[change % LATEST_MAX].serial = group->serial;
    return add_member(group, birth, 0);
}

/* Where a member would lie: what may need 16 bytes of alignment gets it. */
static uint64_t offset_of(const struct combined_group *group, uint64_t size_bytes)
{
    uint64_t align = size_bytes != 0 && size_bytes % ALIGN == 0 ? ALIGN : 8;
    return (group->used_bytes + align - 1) / align * align;
}

/* A call for a member that is asked for when the thread's latest structure is there.
 *
 * ret_finding  what contradicts the change */
static void *join(struct combined_group *group, const struct tn_trial_birth *birth,
                  struct tn_trial_finding *ret_finding)
{
    uint64_t offset_bytes = offset_of(group, birth->size_bytes);
    if (group->made[birth->place->member] >= birth->place->member_max) {
        *ret_finding = parted(group);
        return NULL;
    }
    if (offset_bytes + birth->size_bytes > group->block_bytes)
        return NULL;
    return add_member(group, birth, offset_bytes);
}

/* ---------------------------------------------------------------------------------------- calls */

/* A first member joins a structure that wants several of them and has lost none. */
static bool is_beginning(const struct combined_group *group, const struct tn_trial_birth *birth)
{
    return birth->place->member == 0 &&
           (group == NULL || group->has_lost || group->made[0] >= birth->place->member_max);
}

static void *begin_with(const struct tn_trial_birth *birth, uintptr_t caller)
{
    struct tn_trial_finding finding = {0};
    uint64_t block_bytes = birth->change->block_bytes;
    if (birth->size_bytes > block_bytes)
        return NULL;
    char *base = tn_preload_next.malloc(block_bytes);
    if (base == NULL)
        return NULL;
    tn_trial_lock();
    const struct combined_group *lost = find_lost(birth);
    if (lost != NULL)
        finding = parted(lost);
    void *block = begin(birth, base, block_bytes);
    tn_trial_unlock();
    tn_trial_tell(&finding, caller);
    if (block == NULL)
        tn_preload_next.free(base);
    else
        tn_trial_add(&tn_trial_head->heap_calls);
    return block;
}

static void *join_latest(const struct tn_trial_birth *birth, uintptr_t caller)
{
    struct tn_trial_finding finding = {0};
    tn_trial_lock();
    struct combined_group *group = latest_group(birth->place->change);
    void *block = group != NULL ? join(group, birth, &finding) : NULL;
    tn_trial_unlock();
    tn_trial_tell(&finding, caller);
    if (block != NULL)
        tn_trial_add(&birth->change->served);
    return block;
}

void *tn_trial_combine(const struct tn_trial_birth *birth, uintptr_t caller)
{
    void *block = NULL;
    if (birth->place->member < MEMBERS_MAX && birth->place->member_max <= UINT8_MAX) {
        tn_trial_lock();
        bool begins = is_beginning(latest_group(birth->place->change), birth);
        tn_trial_unlock();
        block = begins ? begin_with(birth, caller) : join_latest(birth, caller);
    }
    if (block == NULL)
        tn_trial_add(&birth->change->fallbacks);
    return block;
}

bool tn_trial_combined_release(void *block)
{
    char *freed = NULL;
    if (__atomic_load_n(&table_used, __ATOMIC_RELAXED) == 0)
        return false;
    tn_trial_lock();
    struct combined_member *member = find_member((uintptr_t)block);
    bool is_member = member->address != 0;
    if (is_member) {
        struct combined_group *group = &groups[member->group];
        if (!group->has_lost)
            link_lost(group);
        if (--group->live == 0) {
            unlink_lost(group);
            freed = group->base;
            group->base = NULL;
            group->next = free_group;
            free_group = (uint32_t)(group - groups) + 1;
        }
        drop_member(member);
    }
    tn_trial_unlock();
    if (freed != NULL)
        tn_preload_next.free(freed);
    return is_member;
}

size_t tn_trial_combined_bytes(const void *block)
{
    if (__atomic_load_n(&table_used, __ATOMIC_RELAXED) == 0)
        return 0;
    tn_trial_lock();
    const struct combined_member *member = find_member((uintptr_t)block);
    size_t bytes = member->address == 0 ? 0 : member->size_bytes == 0 ? 1 : member->size_bytes;
    tn_trial_unlock();
    return bytes;
}
