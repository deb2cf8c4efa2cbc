/* SPDX-License-Identifier: MIT */
/* What functions of other modules do with a block that they get, by their names: the C library's are known.
 * Called by stores.c. */
#include "stores.h"

#include "imports.h"
#include "origins.h"

#include <string.h>

#define STRUCT_BYTES 64 /* of a local object whose address is passed: how far in the block is looked for */

void tn_stores_note(struct tn_code_stores *stores, const struct tn_code_store *store)
{
    bool is_kept = store->origin.root == TN_CODE_ROOT_PARAMETER ||
                   store->origin.root == TN_CODE_ROOT_STATIC || store->origin.root == TN_CODE_ROOT_RESULT;
    for (size_t i = 0; i < stores->count; i++)
        if (stores->items[i].address == store->address && stores->items[i].module_id == store->module_id &&
            stores->items[i].origin.root == store->origin.root &&
            stores->items[i].origin.parameter == store->origin.parameter &&
            stores->items[i].origin.call == store->origin.call &&
            stores->items[i].origin.is_loaded == store->origin.is_loaded) {
            stores->items[i].is_inside &= store->is_inside;
            return;
        }
    if (is_kept && stores->count < TN_CODE_STORES_MAX)
        stores->items[stores->count++] = *store;
}

void tn_stores_leave(struct tn_block_left *left, struct tn_code_origin origin)
{
    left->in_variable |= origin.root == TN_CODE_ROOT_STATIC;
    if (origin.root == TN_CODE_ROOT_PARAMETER)
        left->parameters |= (uint8_t)(1u << origin.parameter % TN_ARGUMENTS_MAX);
}

bool tn_stores_is_left(const struct tn_block_left *left)
{
    return left->in_variable || left->parameters != 0;
}

/* The offset of a word that holds the block, in a local object whose address is passed. */
bool tn_stores_find_pointed(const struct tn_code_values *values, struct tn_code_value address,
                            int64_t *ret_offset)
{
    for (size_t i = 0; i < values->word_count; i++) {
        int64_t offset = values->words[i].offset - address.low;
        if (values->words[i].value.kind == TN_VALUE_BLOCK && offset >= 0 && offset < STRUCT_BYTES) {
            *ret_offset = offset;
            return true;
        }
    }
    return false;
}

static bool is_resize(const char *name)
{
    return strcmp(name, "realloc") == 0 || strcmp(name, "reallocarray") == 0;
}

/* What a function of another module does with the block. What the C library keeps, it keeps in variables of
 * its own. */
static void ask_argument(const struct tn_processor *processor, const char *name, const struct given *given,
                         uint64_t end, struct followed *ret_followed)
{
    bool is_first = (given->registers & 1u << processor->arguments[0]) != 0;
    ret_followed->stores.is_returned = is_first && tn_code_import_returns_first(name);
    if (is_first && is_resize(name))
        ret_followed->stores.resize = end;
    ret_followed->is_released = is_first && tn_code_import_releases(name);
    for (unsigned i = 0; i < processor->argument_count; i++) {
        struct tn_code_store store = {.origin = {.root = TN_CODE_ROOT_STATIC}, .address = end};
        if ((given->registers & 1u << processor->arguments[i]) != 0 && tn_code_import_keeps(name, i)) {
            tn_stores_note(&ret_followed->stores, &store);
            ret_followed->stores.left.in_variable = true;
        }
    }
}

/* A copy of a local object, or of what a parameter points to, with the block's address in it. */
static void ask_copy(const char *name, const struct tn_code_values *values, uint64_t end,
                     struct followed *ret_followed)
{
    struct tn_code_value from = values->registers[values->processor->arguments[1]];
    int64_t offset = values->pointed_offset - from.low;
    bool is_pointed =
        values->has_pointed && from.kind == TN_VALUE_PARAMETER && from.reg == values->pointed_reg;
    if (!tn_code_import_copies(name) ||
        !(is_pointed || (from.kind == TN_VALUE_STACK && tn_stores_find_pointed(values, from, &offset))))
        return;
    struct tn_code_store store = {
        .origin = tn_origin_of(values->processor, values->registers[values->processor->arguments[0]]),
        .address = end};
    tn_stores_note(&ret_followed->stores, &store);
    tn_stores_leave(&ret_followed->stores.left, store.origin);
}

void tn_stores_ask_import(const char *name, const struct given *given, const struct tn_code_way *way,
                          struct followed *ret_followed)
{
    ask_argument(way->values->processor, name, given, way->end, ret_followed);
    ask_copy(name, way->values, way->end, ret_followed);
}
