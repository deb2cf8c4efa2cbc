/* SPDX-License-Identifier: MIT */
/* The stacks that are judged for wrappers: where the site of each is, who calls it, and what these places ask
 * for. Called by wrappers.c. */
#include "wrapper_places.h"

#include "stack_trie.h"

#include <stdlib.h>

struct tn_site_frame *tn_wrapper_frame(const struct tn_wrapper_finder *finder, uint32_t index)
{
    return &finder->trie->frames[index];
}

/* Move a record one frame outwards. Returns false at the root. */
bool tn_wrapper_step_out(const struct tn_wrapper_finder *finder, struct tn_wrapper_record *record)
{
    const struct tn_site_trie *trie = finder->trie;
    struct tn_site_frame *frame = tn_site_trie_next(trie, tn_wrapper_frame(finder, record->frame));
    uint32_t node = record->node;
    while (frame == NULL && (node = trie->nodes[node].caller_id) != 0)
        frame = tn_site_trie_group(trie, trie->nodes[node].frame_id);
    if (frame == NULL)
        return false;
    record->node = node;
    record->frame = (uint32_t)(frame - trie->frames);
    return true;
}

/* Find the site of a stack. */
static bool find_site(const struct tn_wrapper_finder *finder, uint32_t stack,
                      struct tn_wrapper_record *ret_record)
{
    const struct tn_site_trie *trie = finder->trie;
    uint32_t node = stack;
    const struct tn_site_frame *frame = tn_site_trie_group(trie, trie->nodes[node].frame_id);
    while (frame == NULL && (node = trie->nodes[node].caller_id) != 0)
        frame = tn_site_trie_group(trie, trie->nodes[node].frame_id);
    if (frame == NULL)
        return false;
    struct tn_wrapper_record record = {
        .stack = stack, .node = node, .frame = (uint32_t)(frame - trie->frames)};
    while (tn_wrapper_frame(finder, record.frame)->class.kind != TN_SITE_PROGRAM)
        if (!tn_wrapper_step_out(finder, &record))
            return false;
    record.line = record.frame;
    record.function = tn_wrapper_frame(finder, record.frame)->function;
    *ret_record = record;
    return record.function != 0;
}

static int compare_records(const void *a, const void *b)
{
    const struct tn_wrapper_record *left = a, *right = b;
    if (left->function != right->function)
        return left->function < right->function ? -1 : 1;
    return (left->stack > right->stack) - (left->stack < right->stack);
}

void tn_wrapper_list_records(struct tn_wrapper_finder *finder)
{
    finder->record_count = 0;
    for (uint32_t stack = 1; stack < finder->trie->node_count; stack++)
        if (finder->uses[stack].births != 0 &&
            find_site(finder, stack, &finder->records[finder->record_count]))
            finder->record_count++;
    if (finder->record_count != 0)
        qsort(finder->records, finder->record_count, sizeof(finder->records[0]), compare_records);
}

/* ---------------------------------------------------------------------------------------- places */

static void add_to_place(struct tn_wrapper_place *place, const struct tn_site_use *use)
{
    if (place->births == 0 || use->min_size_bytes < place->min_size_bytes)
        place->min_size_bytes = use->min_size_bytes;
    if (use->max_size_bytes > place->max_size_bytes)
        place->max_size_bytes = use->max_size_bytes;
    place->births += use->births;
}

static int compare_places(const void *a, const void *b)
{
    uint64_t left = ((const struct tn_wrapper_place *)a)->key,
             right = ((const struct tn_wrapper_place *)b)->key;
    return (left > right) - (left < right);
}

/* Collect what the places ask for at which the records stand (is_line: the lines of their sites). */
void tn_wrapper_list_places(struct tn_wrapper_finder *finder, const struct tn_wrapper_record *records,
                            size_t count, bool is_line)
{
    struct tn_wrapper_place *places = finder->places;
    for (size_t i = 0; i < count; i++) {
        uint32_t frame = is_line ? records[i].line : records[i].frame;
        places[i] = (struct tn_wrapper_place){.key = tn_wrapper_frame(finder, frame)->place};
        add_to_place(&places[i], &finder->uses[records[i].stack]);
    }
    qsort(places, count, sizeof(places[0]), compare_places);
    finder->place_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct tn_wrapper_place *last = finder->place_count != 0 ? &places[finder->place_count - 1] : NULL;
        struct tn_site_use use = {places[i].births, places[i].min_size_bytes, places[i].max_size_bytes};
        if (last != NULL && last->key == places[i].key)
            add_to_place(last, &use);
        else
            places[finder->place_count++] = places[i];
    }
}
