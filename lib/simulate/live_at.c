/* SPDX-License-Identifier: MIT */
/* What lives just before an event, by site: the answer to "who holds the memory" when a heap has failed. One
 * pass over the events up to there, without a heap. Called by `simulate`. */
#include "tenure/map.h"
#include "tenure/simulate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct live_block {
    uint64_t size_bytes; /* 0 once it is released */
    uint32_t site_id;
};

struct live_state {
    struct tn_map index;       /* id of a block -> its place in blocks; of those that live */
    struct live_block *blocks; /* owned */
    size_t count, capacity;
    size_t *free_places; /* owned; of released blocks, to be used again; as long as blocks */
    size_t free_count;
};

static int grow(struct live_state *state)
{
    size_t capacity = state->capacity != 0 ? 2 * state->capacity : 4096;
    struct live_block *blocks = realloc(state->blocks, capacity * sizeof(blocks[0]));
    if (blocks != NULL)
        state->blocks = blocks;
    size_t *free_places = realloc(state->free_places, capacity * sizeof(free_places[0]));
    if (free_places != NULL)
        state->free_places = free_places;
    if (blocks == NULL || free_places == NULL)
        return -ENOMEM;
    state->capacity = capacity;
    return 0;
}

static int place(struct live_state *state, const struct tn_replay_event *event)
{
    if (state->free_count == 0 && state->count == state->capacity && grow(state) < 0)
        return -ENOMEM;
    size_t at = state->free_count != 0 ? state->free_places[--state->free_count] : state->count++;
    state->blocks[at] = (struct live_block){event->size_bytes, event->site_id};
    return tn_map_put(&state->index, event->id, at);
}

/* A block keeps the site that placed it when it is resized. */
static int take(struct live_state *state, const struct tn_replay_event *event)
{
    if (event->kind == TN_REPLAY_PLACE)
        return place(state, event);
    const uint64_t *index = tn_map_find(&state->index, event->id);
    if (index == NULL)
        return 0;
    struct live_block *block = &state->blocks[*index];
    if (event->kind == TN_REPLAY_RESIZE) {
        block->size_bytes = event->size_bytes;
        return 0;
    }
    block->size_bytes = 0;
    state->free_places[state->free_count++] = (size_t)*index;
    tn_map_remove(&state->index, event->id, NULL);
    return 0;
}

static int by_site(const void *a, const void *b)
{
    const struct tn_site_live *x = a, *y = b;
    return x->site_id < y->site_id ? -1 : x->site_id > y->site_id;
}

static int by_bytes(const void *a, const void *b)
{
    const struct tn_site_live *x = a, *y = b;
    if (x->live_bytes != y->live_bytes)
        return x->live_bytes > y->live_bytes ? -1 : 1;
    return by_site(a, b);
}

/* One entry a block, sorted by site, then those of a site added up. */
static int sum_up(const struct live_state *state, struct tn_site_live **ret_sites, size_t *ret_count)
{
    struct tn_site_live *sites = calloc(state->count + 1, sizeof(sites[0]));
    size_t live = 0, kept = 0;
    if (sites == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < state->count; i++)
        if (state->blocks[i].size_bytes != 0)
            sites[live++] = (struct tn_site_live){state->blocks[i].site_id, 1, state->blocks[i].size_bytes};
    qsort(sites, live, sizeof(sites[0]), by_site);
    for (size_t i = 0; i < live; i++) {
        if (kept != 0 && sites[kept - 1].site_id == sites[i].site_id) {
            sites[kept - 1].live_count++;
            sites[kept - 1].live_bytes += sites[i].live_bytes;
        } else {
            sites[kept++] = sites[i];
        }
    }
    qsort(sites, kept, sizeof(sites[0]), by_bytes);
    *ret_sites = sites;
    *ret_count = kept;
    return 0;
}

int tn_simulate_live_before(const struct tn_replay_source *source, uint64_t event_number,
                            struct tn_site_live **ret_sites, size_t *ret_count, struct tn_error *error)
{
    struct live_state state = {0};
    struct tn_replay_event event;
    int r = source->rewind(source->state, error);
    bool is_source_error = r < 0;
    for (uint64_t number = 1; r >= 0 && number < event_number; number++) {
        r = source->next(source->state, &event, error);
        is_source_error = r < 0;
        if (r <= 0)
            break;
        r = take(&state, &event);
    }
    if (r >= 0)
        r = sum_up(&state, ret_sites, ret_count);
    free(state.blocks);
    free(state.free_places);
    tn_map_finish(&state.index);
    if (r < 0 && !is_source_error)
        return tn_error_set(error, r, "cannot tell what lives when the heap fails: out of memory");
    return r < 0 ? r : 0;
}
