/* SPDX-License-Identifier: MIT */
/* A place reaches from the allocation function to the frame of the site, which is where the program's own
 * line asks; further out to the owner, whose return ends the block; and of a role to where the C library
 * starts the program, since callers are what tells roles apart. */
#include "try_places.h"

#include "tenure/site.h"

#include <errno.h>
#include <stdlib.h>

#define DEPTH_MAX 1024 /* frames that are looked at, those among them that a jump had removed */

static int reserve(void *array, size_t count, size_t *capacity, size_t item_bytes)
{
    void **items = array;
    if (count < *capacity)
        return 0;
    size_t wanted = *capacity == 0 ? 256 : *capacity * 2;
    void *grown = realloc(*items, wanted * item_bytes);
    if (grown == NULL)
        return -ENOMEM;
    *items = grown;
    *capacity = wanted;
    return 0;
}

/* A place that is being made. */
struct place_draft {
    struct tn_try_places *places;
    const struct tn_try_stacks *stacks;
    uint64_t site;  /* row of `site` */
    uint32_t mark;  /* of the owner's frames; 0: there is no owner */
    bool is_role;   /* it reaches to the end of the stack */
    size_t first;   /* step */
    uint32_t owner; /* step of it */
    bool has_site;  /* the site's frame was passed */
};

static bool is_done(const struct place_draft *draft)
{
    if (draft->is_role || !draft->has_site)
        return false;
    return draft->mark == 0 || draft->owner != TN_TRY_NO_OWNER;
}

/* Returns 1; 0: its file is not what was recorded; -ENOMEM. */
static int add_step(struct place_draft *draft, const struct tn_try_node *node)
{
    struct tn_try_places *places = draft->places;
    const struct tn_try_frame *frame = &draft->stacks->frames[node->frame];
    draft->has_site = draft->has_site || tn_try_stacks_is_site(draft->stacks, node->frame, draft->site);
    bool is_owner =
        draft->mark != 0 && frame->mark == draft->mark && draft->has_site && draft->owner == TN_TRY_NO_OWNER;
    size_t count = places->step_count - draft->first;
    /* an owner that ended in a jump has left its place on the stack to what it jumped to, and ends with that
     */
    if (is_owner && (frame->is_on_stack || count != 0))
        draft->owner = (uint32_t)(frame->is_on_stack ? count : count - 1);
    if (!frame->is_on_stack)
        return 1;
    if (!draft->stacks->modules[frame->module].is_there)
        return 0;
    if (reserve(&places->steps, places->step_count, &places->step_capacity, sizeof(*places->steps)) < 0)
        return -ENOMEM;
    places->steps[places->step_count++] =
        (struct tn_try_step){.module = frame->module, .offset_bytes = frame->offset_bytes};
    return 1;
}

static bool is_equal(const struct tn_try_places *places, const struct tn_try_place *a,
                     const struct tn_try_place *b)
{
    if (a->step_count != b->step_count || a->owner != b->owner || a->site != b->site)
        return false;
    for (uint32_t i = 0; i < a->step_count; i++) {
        const struct tn_try_step *l = &places->steps[a->first_step + i],
                                 *r = &places->steps[b->first_step + i];
        if (l->module != r->module || l->offset_bytes != r->offset_bytes)
            return false;
    }
    return true;
}

/* Stacks of a site differ further out: what is equal as far as it matters is one place. */
static int keep(struct tn_try_places *places, const struct tn_try_place *place, size_t first_place)
{
    for (size_t i = first_place; i < places->count; i++)
        if (is_equal(places, &places->items[i], place)) {
            if (place->first_birth < places->items[i].first_birth)
                places->items[i].first_birth = place->first_birth;
            places->step_count = place->first_step;
            return 0;
        }
    if (reserve(&places->items, places->count, &places->capacity, sizeof(*places->items)) < 0)
        return -ENOMEM;
    places->items[places->count++] = *place;
    return 0;
}

static bool is_runtime(const struct tn_try_stacks *stacks, uint64_t node)
{
    const char *path = stacks->modules[stacks->frames[stacks->nodes[node].frame].module].path;
    return path != NULL && tn_site_is_runtime_module(path);
}

/* Where the C library's start of the program, or of a thread, begins: the shim, which looks on as main is
 * called, stands there in a recorded run. 0: nowhere. */
static uint64_t find_start(const struct tn_try_stacks *stacks, uint64_t stack)
{
    uint64_t begin = 0;
    unsigned depth = 0;
    for (uint64_t id = stack; id != 0 && depth < DEPTH_MAX; id = stacks->nodes[id].caller, depth++) {
        if (!is_runtime(stacks, id))
            begin = stacks->nodes[id].caller == 0 ? begin : 0;
        else if (begin == 0)
            begin = id;
    }
    return begin != stack ? begin : 0;
}

static int add_stack(struct place_draft *draft, uint64_t stack, uint32_t site_index, size_t first_place)
{
    struct tn_try_places *places = draft->places;
    int r = 1;
    draft->first = places->step_count;
    draft->owner = TN_TRY_NO_OWNER;
    draft->has_site = false;
    uint64_t start = find_start(draft->stacks, stack);
    unsigned depth = 0; /* a damaged log may have stacks without an end */
    for (uint64_t id = stack; id != 0 && id != start && r == 1 && !is_done(draft) && depth < DEPTH_MAX;
         depth++) {
        if (places->step_count - draft->first == TN_TRY_STEPS_MAX)
            break;
        r = add_step(draft, &draft->stacks->nodes[id]);
        id = draft->stacks->nodes[id].caller;
    }
    if (r < 0)
        return r;
    const struct tn_try_place place = {
        .first_step = draft->first,
        .step_count = (uint32_t)(places->step_count - draft->first),
        .owner = draft->owner,
        .site = site_index,
        .first_birth = draft->stacks->nodes[stack].first_birth,
    };
    if (r == 1 && place.step_count != 0 && (draft->mark == 0 || place.owner != TN_TRY_NO_OWNER))
        return keep(places, &place, first_place);
    places->step_count = draft->first;
    places->missing_count++;
    return 0;
}

static int add_site(struct place_draft *draft, const struct tn_finding_site *site, uint32_t index,
                    size_t first_place)
{
    const struct tn_try_stacks *stacks = draft->stacks;
    int r = 0;
    draft->site = site->site_id;
    draft->is_role = site->stack_count != 0;
    for (size_t i = 0; i < site->stack_count && r == 0; i++)
        if (site->stacks[i] < stacks->node_count)
            r = add_stack(draft, site->stacks[i], index, first_place);
    for (uint64_t id = 1; id < stacks->node_count && r == 0 && !draft->is_role; id++)
        if (stacks->nodes[id].site == site->site_id && stacks->nodes[id].births != 0)
            r = add_stack(draft, id, index, first_place);
    return r;
}

int tn_try_places_add(struct tn_try_places *places, struct tn_try_stacks *stacks,
                      const struct tn_finding *finding, const struct tn_finding_line *owner)
{
    struct place_draft draft = {.places = places, .stacks = stacks};
    size_t first_place = places->count;
    int r = 0;
    places->missing_count = 0;
    if (owner != NULL) {
        draft.mark = finding->key | 1;
        r = tn_try_stacks_mark(stacks, owner->function, owner->file, draft.mark);
    }
    for (size_t i = 0; i < finding->site_count && r == 0; i++)
        r = add_site(&draft, &finding->sites[i], (uint32_t)i, first_place);
    return r;
}

void tn_try_places_finish(struct tn_try_places *places)
{
    free(places->items);
    free(places->steps);
    *places = (struct tn_try_places){0};
}
