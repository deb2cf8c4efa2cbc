/* SPDX-License-Identifier: MIT */
/* The kind `combine`: counts what two sites have in common when blocks of both died together. Each site keeps
 * a few partners; a rare one makes room for a new one. Called for each death and those shortly before it. */
#include "combine.h"

#include <errno.h>
#include <stdlib.h>

/* Births between two blocks of a group that need not be members: temporaries of the code that fills the
 * structure. */
#define BIRTH_SLACK 8u

/* Events of a thread between two deaths of one clean-up, at most. */
#define TIGHT_EVENTS 8u

/* Two deaths, in order of their births. */
struct meeting {
    const struct tn_combine_death *first, *second;
    uint64_t gap_births;   /* of the birth thread, in between */
    uint64_t gap_deaths;   /* births of the dying thread, between the deaths */
    uint64_t gap_events;   /* events of the dying thread, from one death to the other */
    uint64_t union_births; /* allocations of the process from the first birth to the last death */
};

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static struct meeting measure(const struct tn_combine_death *one, const struct tn_combine_death *other)
{
    bool is_first = one->block.birth_number < other->block.birth_number;
    struct meeting meeting = {.first = is_first ? one : other, .second = is_first ? other : one};
    uint64_t end = one->death_index > other->death_index ? one->death_index : other->death_index;
    meeting.gap_births = meeting.second->block.birth_number - meeting.first->block.birth_number - 1;
    meeting.gap_deaths = distance(one->birth_count, other->birth_count);
    meeting.gap_events = distance(one->thread_event, other->thread_event);
    meeting.union_births = end - meeting.first->block.birth_index + 1;
    return meeting;
}

/* Whether two blocks are not of one thing. A block of the first site born in between is nearer to the second.
 * A block of the second site that died in between shows periodic code. Lives that do not overlap share
 * nothing. A second block that outlives the first, with allocations in between, would have to leave the
 * structure. */
static bool is_pair(const struct meeting *meeting, double shared_life)
{
    const struct tn_combine_death *first = meeting->first, *second = meeting->second;
    if (second->block.birth_number >= first->block.next_number ||
        second->block.site_death_event > first->block.birth_event ||
        second->block.birth_index > first->death_index)
        return false;
    return second->thread_event < first->thread_event ||
           (double)meeting->gap_deaths <= (1 - shared_life) * (double)meeting->union_births;
}

static bool is_equal(const struct meeting *meeting, double shared_life)
{
    uint64_t foreign_births = meeting->gap_births > BIRTH_SLACK ? meeting->gap_births - BIRTH_SLACK : 0;
    return (double)(foreign_births + meeting->gap_deaths) <=
           (1 - shared_life) * (double)meeting->union_births;
}

/* How often an entry was used since it was made, as a share of the cases; less than none: it is unused. */
static double use_of(const struct tn_combine_site *site, const struct tn_combine_pair *pair)
{
    if (pair->second == 0)
        return -1;
    return (double)pair->count / (double)(site->deaths - pair->made_at + 1);
}

/* The entry for a second site; NULL: no room. A frequent partner has had one since it first came, so the
 * entry that was used least gives room, if that was in less than half of the cases since it was made. */
static struct tn_combine_pair *find_pair(struct tn_combine_site *site, uint32_t second)
{
    struct tn_combine_pair *spare = NULL;
    for (size_t i = 0; i < TN_COMBINE_PARTNERS; i++) {
        struct tn_combine_pair *pair = &site->pairs[i];
        if (pair->second == second)
            return pair;
        if (use_of(site, pair) < (spare != NULL ? use_of(site, spare) : 0.5))
            spare = pair;
    }
    if (spare != NULL)
        *spare = (struct tn_combine_pair){.second = second, .made_at = site->deaths};
    return spare;
}

static uint32_t told_apart(uint32_t count)
{
    return count < TN_COMBINE_MULTIPLE ? count : TN_COMBINE_MULTIPLE;
}

/* Blocks of the second site are live at once, or replace each other. */
static void count_at_once(struct tn_combine_pair *pair, const struct tn_combine_death *second, bool is_next)
{
    bool is_overlapping =
        second->block.birth_index <= pair->last_death_index && pair->last_birth_index <= second->death_index;
    pair->current_at_once = is_next && is_overlapping ? pair->current_at_once + 1 : 1;
    if (pair->current_at_once > pair->max_at_once)
        pair->max_at_once = pair->current_at_once;
    pair->last_birth_index = second->block.birth_index;
    pair->last_death_index = second->death_index;
}

/* Blocks of one site that belong to one block of the other come one after the other. */
static void count_block(struct tn_combine_pair *pair, const struct tn_combine_death *first,
                        const struct tn_combine_death *second)
{
    bool is_next = pair->current_count != 0 && pair->current_birth == first->block.birth_number &&
                   pair->current_thread == first->block.thread;
    pair->blocks++;
    if (is_next) {
        pair->multiples[told_apart(pair->current_count++)]--;
    } else {
        pair->count++;
        pair->current_birth = first->block.birth_number;
        pair->current_thread = first->block.thread;
        pair->current_count = 1;
    }
    pair->multiples[told_apart(pair->current_count)]++;
    count_at_once(pair, second, is_next);
}

int tn_combine_meet(struct tn_combine *combine, const struct tn_combine_death *one,
                    const struct tn_combine_death *other, uint64_t window)
{
    struct meeting meeting = measure(one, other);
    if (!is_pair(&meeting, combine->shared_life))
        return 0;
    struct tn_combine_site *site = &combine->sites[meeting.first->block.site];
    if (site->pairs == NULL)
        site->pairs = calloc(TN_COMBINE_PARTNERS, sizeof(site->pairs[0]));
    if (site->pairs == NULL)
        return -ENOMEM;
    struct tn_combine_pair *pair = find_pair(site, meeting.second->block.site);
    if (pair == NULL)
        return 0;
    count_block(pair, meeting.first, meeting.second);
    pair->equal_count += is_equal(&meeting, combine->shared_life);
    pair->tight_count += meeting.gap_events <= TIGHT_EVENTS;
    pair->gap_births += meeting.gap_births;
    pair->epochs += pair->last_window != window;
    pair->last_window = window;
    return 0;
}
