/* SPDX-License-Identifier: MIT */
/* Where the address of a site's blocks is stored: carries what lib/code says of one function outwards, from
 * the call of the allocator to the owner, and then looks further out only for what the owner's own parameters
 * point to. Stores inside the wrappers and containers that the site calls are their own matter, unless the
 * place is their caller's. Asked by kinds at the end. */
#include "tenure/stored_address.h"

#include "code_files.h"

#include "tenure/source_frames.h"

#include <errno.h>
#include <stdlib.h>

#define STACKS_MAX 16u /* of one site that are looked at: the code is mostly the same */
#define CALLS_MAX  64u /* between the allocator and the owner, and from there outwards */

/* One stack of a site's births, while it is walked outwards. */
struct store_walk {
    const struct tn_pass *pass;
    const struct tn_source_frames *frames;
    const struct tn_stored_question *question;
    uint32_t inner_frame;         /* physical frame of the function that was walked last; 0: the allocator */
    struct tn_code_stores stores; /* in terms of that function */
};

static uint32_t module_of(const struct tn_source_frames *frames, uint32_t frame_id)
{
    return frames->functions[frames->frames[frame_id].source.function].module_id;
}

/* Tell the code of a module which functions its calls through pointers led to, by the stacks. */
static int note_callees(const struct store_walk *walk, uint32_t module_id, struct tn_code *code)
{
    const struct tn_pass *pass = walk->pass;
    int r = 0;
    for (uint32_t id = 1; id < pass->node_count && r == 0; id++) {
        uint32_t inner = pass->nodes[id].frame_id, outer = pass->nodes[pass->nodes[id].caller_id].frame_id;
        bool are_known = inner != 0 && outer != 0 && inner < walk->frames->frame_count &&
                         outer < walk->frames->frame_count;
        if (are_known && module_of(walk->frames, inner) == module_id &&
            module_of(walk->frames, outer) == module_id && !walk->frames->frames[inner].is_tail_call)
            r = tn_code_note_callee(code, walk->frames->frames[outer].offset_bytes,
                                    walk->frames->frames[inner].offset_bytes);
    }
    return r;
}

/* The code around a frame; NULL: it cannot be read. */
static int find_code(const struct store_walk *walk, uint32_t frame_id, struct tn_code **ret_code)
{
    uint32_t module_id = module_of(walk->frames, frame_id);
    int r = tn_code_files_find(walk->pass->code_files, walk->pass, module_id, ret_code);
    if (r == 0 && *ret_code != NULL && tn_code_asks_callees(*ret_code))
        r = note_callees(walk, module_id, *ret_code);
    return r;
}

/* Whether the call at a frame leads to the function that was walked last, so that its parameters are what the
 * call passes. */
static bool leads_to_inner(const struct store_walk *walk, struct tn_code *code, uint32_t frame_id)
{
    const struct tn_return_address *inner = &walk->frames->frames[walk->inner_frame];
    bool is_same_module = walk->inner_frame != 0 &&
                          module_of(walk->frames, walk->inner_frame) == module_of(walk->frames, frame_id);
    return walk->inner_frame == 0 || !is_same_module ||
           (!inner->is_tail_call &&
            tn_code_calls(code, walk->frames->frames[frame_id].offset_bytes, inner->offset_bytes));
}

static void drop_parameters(struct tn_code_stores *stores)
{
    size_t kept = 0;
    for (size_t i = 0; i < stores->count; i++) {
        if (stores->items[i].holder.root == TN_CODE_ROOT_PARAMETER)
            stores->items[i].holder.root = TN_CODE_ROOT_UNKNOWN;
        if (stores->items[i].origin.root != TN_CODE_ROOT_PARAMETER)
            stores->items[kept++] = stores->items[i];
    }
    stores->count = kept;
}

/* What wrappers and containers do with a block inside themselves is theirs; what they put where their caller
 * says, the site puts there. */
static void enter_site(struct store_walk *walk, uint32_t frame_id)
{
    size_t kept = 0;
    for (size_t i = 0; i < walk->stores.count; i++) {
        struct tn_code_store store = walk->stores.items[i];
        if (store.origin.root != TN_CODE_ROOT_PARAMETER)
            continue;
        store.address = walk->frames->frames[frame_id].offset_bytes;
        store.module_id = module_of(walk->frames, frame_id);
        walk->stores.items[kept++] = store;
    }
    walk->stores.count = kept;
    walk->stores.resize = 0;
    walk->stores.left = (struct tn_block_left){0};
}

/* Take one function further out. */
static int step(struct store_walk *walk, uint32_t frame_id)
{
    struct tn_code *code;
    struct tn_code_stores inner = walk->stores, outer;
    const struct tn_return_address *frame = &walk->frames->frames[frame_id];
    int r = find_code(walk, frame_id, &code);
    if (r < 0)
        return r;
    if (code == NULL || frame->is_tail_call) { /* it gives back what it got */
        drop_parameters(&walk->stores);
        walk->stores.left.parameters = 0;
        walk->stores.left.in_result = false;
        walk->inner_frame = frame_id;
        return 0;
    }
    if (!leads_to_inner(walk, code, frame_id)) {
        drop_parameters(&inner);
        inner.left.parameters = 0;
    }
    r = tn_code_block_stores(code, frame->offset_bytes, &inner, &outer);
    for (size_t i = 0; i < outer.count; i++)
        if (outer.items[i].module_id == 0)
            outer.items[i].module_id = module_of(walk->frames, frame_id);
    if (outer.resize_module_id == 0)
        outer.resize_module_id = module_of(walk->frames, frame_id);
    walk->stores = outer;
    walk->inner_frame = frame_id;
    return r;
}

static bool holds(const struct tn_source_frames *frames, uint32_t frame_id, uint32_t function)
{
    for (uint32_t i = 0; i < tn_source_frames_count(frames, frame_id); i++)
        if (tn_source_frames_get(frames, frame_id, i)->function == function)
            return true;
    return false;
}

/* Walk to the owner. ret_node: its node; 0: it was not reached. */
static int walk_to_owner(struct store_walk *walk, uint32_t stack_id, uint32_t *ret_node)
{
    const struct tn_pass *pass = walk->pass;
    const struct tn_stored_question *question = walk->question;
    struct tn_source_cursor inside;
    uint32_t site = tn_source_cursor_find_site(walk->frames, pass, question->names, stack_id, &inside).node;
    uint32_t node = stack_id;
    *ret_node = 0;
    for (unsigned calls = 0; node != 0 && calls < CALLS_MAX; calls++) {
        uint32_t frame_id = pass->nodes[node].frame_id;
        if (frame_id == 0 || frame_id >= walk->frames->frame_count)
            return 0;
        if (node == site)
            enter_site(walk, frame_id);
        int r = step(walk, frame_id);
        if (r < 0)
            return r;
        if (holds(walk->frames, frame_id, question->owner)) {
            *ret_node = node;
            return 0;
        }
        node = pass->nodes[node].caller_id;
    }
    return 0;
}

/* ---------------------------------------------------------------------------------------- what it says */

/* Whether blocks are born below a call, and are all gone when the owner returns. ret_has_births: any are. */
static bool are_gone(const struct store_walk *walk, uint32_t module_id, uint64_t call, bool *ret_has_births)
{
    const struct tn_pass *pass = walk->pass;
    *ret_has_births = false;
    for (uint32_t id = 1; id < pass->node_count; id++) {
        uint32_t node = pass->nodes[id].function != 0 ? id : 0;
        while (node != 0 && (pass->nodes[node].frame_id >= walk->frames->frame_count ||
                             walk->frames->frames[pass->nodes[node].frame_id].offset_bytes != call ||
                             module_of(walk->frames, pass->nodes[node].frame_id) != module_id))
            node = pass->nodes[node].caller_id;
        if (node == 0)
            continue;
        *ret_has_births = true;
        if (!walk->question->is_gone(walk->question->context, id))
            return false;
    }
    return *ret_has_births;
}

/* A pointer that a call below the owner gave back: a block of that call's, or what was found by its
 * arguments.
 */
static int resolve_result(const struct store_walk *walk, uint32_t owner, const struct tn_code_store *store,
                          struct tn_code_origin *ret_origin)
{
    const struct tn_return_address *own = &walk->frames->frames[walk->pass->nodes[owner].frame_id];
    bool has_births;
    struct tn_code *code = NULL;
    *ret_origin = store->origin;
    if (are_gone(walk, store->module_id, store->origin.call, &has_births)) {
        ret_origin->root = TN_CODE_ROOT_STACK; /* as local as a local object */
        return 0;
    }
    if (has_births)
        return 0;
    int r = tn_code_files_find(walk->pass->code_files, walk->pass, store->module_id, &code);
    if (r < 0 || code == NULL)
        return r;
    r = tn_code_result_origin(code, store->origin.call, ret_origin);
    if (r == 0 && ret_origin->root == TN_CODE_ROOT_NEW) { /* on a way that this run did not take */
        *ret_origin = store->holder;
        ret_origin->is_loaded |= store->holder.root == TN_CODE_ROOT_STATIC;
        return 0;
    }
    ret_origin->is_loaded |= store->origin.is_loaded;
    if (ret_origin->root == TN_CODE_ROOT_PARAMETER &&
        !tn_code_is_one_function(code, store->origin.call - 1, own->offset_bytes - 1))
        ret_origin->root = TN_CODE_ROOT_UNKNOWN; /* of a function further in */
    return r;
}

/* Where a parameter of the owner leads, by the calls further out. An object in the frame of a caller is none
 * that keeps the block; one that is found from it may be. */
static int resolve_parameter(struct store_walk *walk, uint32_t node, struct tn_code_origin *origin)
{
    const struct tn_pass *pass = walk->pass;
    for (unsigned calls = 0; origin->root == TN_CODE_ROOT_PARAMETER && calls < CALLS_MAX; calls++) {
        struct tn_code_origin outer = {.root = TN_CODE_ROOT_UNKNOWN};
        struct tn_code *code = NULL;
        walk->inner_frame = pass->nodes[node].frame_id;
        node = pass->nodes[node].caller_id;
        uint32_t frame_id = pass->nodes[node].frame_id;
        if (node == 0 || frame_id >= walk->frames->frame_count)
            return 0;
        int r = find_code(walk, frame_id, &code);
        if (r == 0 && code != NULL && leads_to_inner(walk, code, frame_id))
            r = tn_code_argument_origin(code, walk->frames->frames[frame_id].offset_bytes, origin->parameter,
                                        &outer);
        if (r < 0)
            return r;
        if (outer.root == TN_CODE_ROOT_UNKNOWN)
            return 0;
        outer.is_loaded |= origin->is_loaded;
        *origin = outer;
    }
    return 0;
}

static enum tn_stored_kind kind_of(const struct tn_code_origin *origin, bool is_outside)
{
    switch (origin->root) {
    case TN_CODE_ROOT_STATIC:
        return origin->is_loaded ? TN_STORED_OBJECT : origin->is_exact ? TN_STORED_STATIC : TN_STORED_TABLE;
    case TN_CODE_ROOT_STACK:
        return is_outside && origin->is_loaded ? TN_STORED_OBJECT : TN_STORED_NOWHERE;
    case TN_CODE_ROOT_UNKNOWN:
    case TN_CODE_ROOT_BLOCK:
        return TN_STORED_NOWHERE;
    default:
        return TN_STORED_OBJECT;
    }
}

static int judge(struct store_walk *walk, uint32_t owner, const struct tn_code_store *store,
                 struct tn_stored_address *best)
{
    struct tn_code_origin origin = store->origin;
    int r = 0;
    if (store->is_inside && walk->question->is_about_holders)
        return 0;
    if (origin.root == TN_CODE_ROOT_RESULT)
        r = resolve_result(walk, owner, store, &origin);
    bool is_outside = origin.root == TN_CODE_ROOT_PARAMETER;
    if (r == 0 && is_outside)
        r = resolve_parameter(walk, owner, &origin);
    enum tn_stored_kind kind = kind_of(&origin, is_outside);
    bool is_alive = is_outside && (walk->stores.left.parameters & 1u << store->origin.parameter) != 0;
    if (is_alive && kind != TN_STORED_OBJECT)
        kind = TN_STORED_GIVEN;
    bool is_variable = kind == TN_STORED_STATIC || kind == TN_STORED_TABLE;
    if (is_variable && store->origin.root == TN_CODE_ROOT_STATIC && !walk->stores.left.in_variable)
        kind = TN_STORED_NOWHERE; /* no way to the owner's return leaves it there alive */
    if (r == 0 && kind > best->kind)
        *best = (struct tn_stored_address){
            kind, store->module_id, store->address, best->resize_module_id, best->resize, best->is_returned};
    return r;
}

/* A way of the owner gives the block back, if it gives anything back at all. */
static int see_returned(const struct store_walk *walk, uint32_t owner, struct tn_stored_address *best)
{
    uint32_t frame_id = walk->pass->nodes[owner].frame_id;
    bool gives_nothing = false;
    struct tn_symbol_file *symbols;
    int r = tn_code_files_symbols(walk->pass->code_files, walk->pass, module_of(walk->frames, frame_id),
                                  &symbols);
    if (r == 0 && symbols != NULL)
        r = tn_symbol_gives_nothing(symbols, walk->frames->frames[frame_id].offset_bytes, &gives_nothing);
    best->is_returned = r == 0 && !gives_nothing;
    return r;
}

static int look_at(struct store_walk *walk, uint32_t stack_id, struct tn_stored_address *best)
{
    uint32_t owner;
    walk->inner_frame = 0;
    walk->stores = (struct tn_code_stores){.is_returned = true};
    int r = walk_to_owner(walk, stack_id, &owner);
    for (size_t i = 0; r == 0 && owner != 0 && i < walk->stores.count && best->kind != TN_STORED_OBJECT; i++)
        r = judge(walk, owner, &walk->stores.items[i], best);
    if (r == 0 && owner != 0 && walk->stores.left.in_result && !best->is_returned)
        r = see_returned(walk, owner, best);
    if (owner != 0 && walk->stores.resize != 0 && best->resize == 0) {
        best->resize = walk->stores.resize;
        best->resize_module_id = walk->stores.resize_module_id;
    }
    return r;
}

int tn_stored_address_find(const struct tn_pass *pass, const struct tn_stored_question *question,
                           struct tn_stored_address *ret_stored)
{
    struct store_walk walk = {.pass = pass, .question = question};
    struct tn_stored_address best = {.kind = TN_STORED_NOWHERE};
    int r = tn_pass_frames(pass, &walk.frames);
    for (size_t i = 0; r == 0 && i < question->stack_count && i < STACKS_MAX && best.kind != TN_STORED_OBJECT;
         i++)
        if (pass->nodes[question->stacks[i]].function != 0 &&
            pass->nodes[question->stacks[i]].function != TN_FUNCTION_POSIX_MEMALIGN)
            r = look_at(&walk, question->stacks[i], &best);
    if (r == 0)
        *ret_stored = best;
    return r;
}
