/* SPDX-License-Identifier: MIT */
/* Finds allocation wrappers by their use. A function whose allocation sizes depend on the place that calls
 * it, and on nothing else, passes requests on. If only one place calls it, the question is asked of that
 * caller: of wrappers stacked on each other only the outermost has several callers. A function that
 * releases its blocks itself works with them, and is none. Called by lib/finish. */
#include "stack_trie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MAX          4u  /* stacked wrappers that one round finds */
#define ROUNDS_MAX         8u  /* each round may find wrappers around those of the round before */
#define ALLOCATIONS_MIN    20u /* as for all findings: fewer may be coincidence */
#define REPEATED_MIN       5u  /* allocations of one caller; fewer may have one size by chance */
#define CALLERS_MIN        3u
#define NAMED_CALLERS_MIN  2u  /* of a function whose name says that it allocates */
#define SIZES_MIN          3u  /* distinct sizes among callers that always ask for one size */
#define FIXED_SHARE        80u /* percent of repeated callers that must always ask for one size */
#define RELEASED_SHARE_MAX 10u /* percent of its blocks that a wrapper may release itself */

/* A stack whose site is in a candidate, and how far outwards the search has come on it. */
struct record {
    uint32_t function; /* function of the site, with the wrappers found so far */
    uint32_t stack;
    uint32_t line;  /* index of the frame that is the site */
    uint32_t node;  /* stack node that `frame` belongs to */
    uint32_t frame; /* index */
};

/* What one calling place (a line of a function) asks for. */
struct place {
    uint64_t key; /* tn_site_frame.place */
    uint64_t births, min_size_bytes, max_size_bytes;
};

struct finder {
    struct tn_site_trie *trie;
    const struct tn_site_use *uses;
    const struct tn_site_release *releases;
    size_t release_count;
    struct record *records; /* owned; of all stacks that births use, sorted by function */
    size_t record_count;
    struct place *places; /* owned; room for as many as records */
    size_t place_count;
    struct tn_site_wrapper *found; /* owned */
    size_t found_count;
};

/* Stacked functions that may be wrappers, from the inside out. */
struct chain {
    uint32_t functions[CHAIN_MAX];
    size_t count;
};

/* ---------------------------------------------------------------------------------------- stacks */

static struct tn_site_frame *frame_at(const struct finder *finder, uint32_t index)
{
    return &finder->trie->frames[index];
}

/* Move a record one frame outwards. Returns false at the root. */
static bool step_out(const struct finder *finder, struct record *record)
{
    const struct tn_site_trie *trie = finder->trie;
    struct tn_site_frame *frame = tn_site_trie_next(trie, frame_at(finder, record->frame));
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
static bool find_site(const struct finder *finder, uint32_t stack, struct record *ret_record)
{
    const struct tn_site_trie *trie = finder->trie;
    uint32_t node = stack;
    const struct tn_site_frame *frame = tn_site_trie_group(trie, trie->nodes[node].frame_id);
    while (frame == NULL && (node = trie->nodes[node].caller_id) != 0)
        frame = tn_site_trie_group(trie, trie->nodes[node].frame_id);
    if (frame == NULL)
        return false;
    struct record record = {.stack = stack, .node = node, .frame = (uint32_t)(frame - trie->frames)};
    while (frame_at(finder, record.frame)->class.kind != TN_SITE_PROGRAM)
        if (!step_out(finder, &record))
            return false;
    record.line = record.frame;
    record.function = frame_at(finder, record.frame)->function;
    *ret_record = record;
    return record.function != 0;
}

static int compare_records(const void *a, const void *b)
{
    const struct record *left = a, *right = b;
    if (left->function != right->function)
        return left->function < right->function ? -1 : 1;
    return (left->stack > right->stack) - (left->stack < right->stack);
}

static void list_records(struct finder *finder)
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

static void add_to_place(struct place *place, const struct tn_site_use *use)
{
    if (place->births == 0 || use->min_size_bytes < place->min_size_bytes)
        place->min_size_bytes = use->min_size_bytes;
    if (use->max_size_bytes > place->max_size_bytes)
        place->max_size_bytes = use->max_size_bytes;
    place->births += use->births;
}

static int compare_places(const void *a, const void *b)
{
    uint64_t left = ((const struct place *)a)->key, right = ((const struct place *)b)->key;
    return (left > right) - (left < right);
}

/* Collect what the places ask for at which the records stand (is_line: the lines of their sites). */
static void list_places(struct finder *finder, const struct record *records, size_t count, bool is_line)
{
    struct place *places = finder->places;
    for (size_t i = 0; i < count; i++) {
        uint32_t frame = is_line ? records[i].line : records[i].frame;
        places[i] = (struct place){.key = frame_at(finder, frame)->place};
        add_to_place(&places[i], &finder->uses[records[i].stack]);
    }
    qsort(places, count, sizeof(places[0]), compare_places);
    finder->place_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct place *last = finder->place_count != 0 ? &places[finder->place_count - 1] : NULL;
        struct tn_site_use use = {places[i].births, places[i].min_size_bytes, places[i].max_size_bytes};
        if (last != NULL && last->key == places[i].key)
            add_to_place(last, &use);
        else
            places[finder->place_count++] = places[i];
    }
}

/* Whether a line always asks for the same size: the function then makes something of its own. */
static bool has_fixed_line(const struct finder *finder)
{
    for (size_t i = 0; i < finder->place_count; i++)
        if (finder->places[i].births > 1 &&
            finder->places[i].min_size_bytes == finder->places[i].max_size_bytes)
            return true;
    return false;
}

static int compare_sizes(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Count the places that always ask for one size, and the distinct sizes among them. */
static int count_fixed(const struct finder *finder, struct tn_site_wrapper *wrapper, uint64_t *ret_repeated)
{
    uint64_t *sizes = malloc((finder->place_count + 1) * sizeof(sizes[0]));
    size_t count = 0;
    if (sizes == NULL)
        return -ENOMEM;
    *ret_repeated = 0;
    for (size_t i = 0; i < finder->place_count; i++) {
        const struct place *place = &finder->places[i];
        *ret_repeated += place->births >= REPEATED_MIN;
        if (place->births >= REPEATED_MIN && place->min_size_bytes == place->max_size_bytes)
            sizes[count++] = place->min_size_bytes;
    }
    if (count != 0)
        qsort(sizes, count, sizeof(sizes[0]), compare_sizes);
    wrapper->fixed_callers = count;
    wrapper->sizes = count != 0;
    for (size_t i = 1; i < count; i++)
        wrapper->sizes += sizes[i] != sizes[i - 1];
    free(sizes);
    return 0;
}

/* ---------------------------------------------------------------------------------------- the decision */

/* Whether the name says that the function allocates: it then needs less evidence. */
static bool is_named_allocator(const char *name)
{
    static const char *const words[] = {"alloc", "Alloc", "ALLOC", "strdup", "strndup", "memdup", "StrDup"};
    size_t length = strcspn(name, "(<");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const char *word = strstr(name, words[i]);
        if (word != NULL && (size_t)(word - name) < length)
            return true;
    }
    return false;
}

/* Whether a release happened inside the call of the function at which a record stands. */
static bool is_released_inside(const struct finder *finder, const struct record *record, uint32_t release)
{
    const struct tn_site_trie *trie = finder->trie;
    uint32_t function = frame_at(finder, record->frame)->function;
    uint32_t caller = trie->nodes[record->node].caller_id;
    uint32_t node = release;
    while (node != 0 && node < trie->node_count && trie->nodes[node].caller_id != caller)
        node = trie->nodes[node].caller_id;
    if (node == 0 || node >= trie->node_count)
        return false;
    const struct tn_site_frame *frame = tn_site_trie_group(trie, trie->nodes[node].frame_id);
    for (; frame != NULL; frame = tn_site_trie_next(trie, (struct tn_site_frame *)frame))
        if (frame->function == function)
            return true;
    return false;
}

static const struct record *record_of(const struct record *records, size_t count, uint32_t stack)
{
    size_t low = 0;
    while (count > 0) {
        size_t half = count / 2;
        if (records[low + half].stack < stack) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return &records[low];
}

/* Whether the function releases too many of its blocks itself. Records are in order of stacks, and stand in
 * the outermost function of the chain. */
static bool releases_itself(const struct finder *finder, const struct record *records, size_t count)
{
    uint64_t inside = 0, all = 0;
    for (size_t i = 0; i < finder->release_count; i++) {
        const struct tn_site_release *release = &finder->releases[i];
        const struct record *record = record_of(records, count, release->birth_stack);
        if (record == records + count || record->stack != release->birth_stack)
            continue;
        all += release->count;
        if (is_released_inside(finder, record, release->release_stack))
            inside += release->count;
    }
    return inside * 100 > all * RELEASED_SHARE_MAX;
}

/* Whether a function has sites. */
static bool is_site(const struct finder *finder, uint32_t function)
{
    size_t low = 0, count = finder->record_count;
    while (count > 0) {
        size_t half = count / 2;
        if (finder->records[low + half].function < function) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low < finder->record_count && finder->records[low].function == function;
}

static bool is_in_chain(const struct chain *chain, uint32_t function)
{
    for (size_t i = 0; i < chain->count; i++)
        if (chain->functions[i] == function)
            return true;
    return false;
}

/* Go outwards to the first function that several places call. On success `records` stand in it, and
 * finder->places are its callers. Returns whether there is such a function. */
static bool find_callers(struct finder *finder, struct record *records, size_t count, struct record *outer,
                         struct chain *chain)
{
    chain->functions[0] = records[0].function;
    chain->count = 1;
    for (;;) {
        memcpy(outer, records, count * sizeof(records[0]));
        for (size_t i = 0; i < count; i++)
            if (!step_out(finder, &outer[i]) ||
                is_in_chain(chain, frame_at(finder, outer[i].frame)->function))
                return false;
        list_places(finder, outer, count, false);
        if (finder->place_count > 1)
            return true;
        const struct tn_site_frame *caller = frame_at(finder, outer[0].frame);
        if (caller->class.kind != TN_SITE_PROGRAM || caller->function == 0 || chain->count == CHAIN_MAX ||
            is_site(finder, caller->function))
            return false;
        chain->functions[chain->count++] = caller->function;
        memcpy(records, outer, count * sizeof(records[0]));
    }
}

/* Decide: do sizes follow the callers, with enough evidence? */
static int judge(struct finder *finder, const char *name, struct tn_site_wrapper *wrapper,
                 bool *ret_is_wrapper)
{
    uint64_t repeated = 0, min_size_bytes = UINT64_MAX, max_size_bytes = 0;
    bool is_named = is_named_allocator(name);
    int r = count_fixed(finder, wrapper, &repeated);
    wrapper->callers = finder->place_count;
    for (size_t i = 0; i < finder->place_count; i++) {
        const struct place *place = &finder->places[i];
        wrapper->allocations += place->births;
        min_size_bytes = place->min_size_bytes < min_size_bytes ? place->min_size_bytes : min_size_bytes;
        max_size_bytes = place->max_size_bytes > max_size_bytes ? place->max_size_bytes : max_size_bytes;
    }
    bool has_support = wrapper->allocations >= ALLOCATIONS_MIN && min_size_bytes < max_size_bytes &&
                       wrapper->callers >= (is_named ? NAMED_CALLERS_MIN : CALLERS_MIN);
    bool is_their_choice = repeated >= CALLERS_MIN && wrapper->sizes >= SIZES_MIN &&
                           wrapper->fixed_callers * 100 >= repeated * FIXED_SHARE;
    *ret_is_wrapper = r == 0 && has_support && (is_named || is_their_choice);
    return r;
}

static void mark(struct finder *finder, uint32_t function)
{
    for (size_t i = 0; i < finder->trie->frame_count; i++) {
        struct tn_site_frame *frame = frame_at(finder, (uint32_t)i);
        if (frame->function == function && frame->class.kind == TN_SITE_PROGRAM)
            tn_site_class_wrapper(finder->trie->functions[function].name, &frame->class);
    }
}

static int add_found(struct finder *finder, const struct chain *chain, struct tn_site_wrapper wrapper)
{
    size_t count = finder->found_count + chain->count;
    struct tn_site_wrapper *found = realloc(finder->found, count * sizeof(found[0]));
    if (found == NULL)
        return -ENOMEM;
    finder->found = found;
    for (size_t i = 0; i < chain->count; i++) {
        wrapper.function = finder->trie->functions[chain->functions[i]].name;
        found[finder->found_count++] = wrapper;
        mark(finder, chain->functions[i]);
    }
    return 0;
}

/* Decide for the function of `count` records. *ret_found is set if it is a wrapper, else left alone. */
static int examine(struct finder *finder, struct record *records, size_t count, bool *ret_found)
{
    struct chain chain;
    struct tn_site_wrapper wrapper = {0};
    bool is_wrapper = false;
    const char *name = finder->trie->functions[records[0].function].name;
    if (strcmp(name, "main") == 0)
        return 0;
    list_places(finder, records, count, true);
    if (has_fixed_line(finder))
        return 0;
    struct record *own = malloc(2 * count * sizeof(own[0]));
    if (own == NULL)
        return -ENOMEM;
    memcpy(own, records, count * sizeof(own[0]));
    int r = 0;
    if (find_callers(finder, own, count, own + count, &chain)) {
        r = judge(finder, finder->trie->functions[chain.functions[chain.count - 1]].name, &wrapper,
                  &is_wrapper);
        if (is_wrapper && releases_itself(finder, own, count))
            is_wrapper = false;
    }
    if (r == 0 && is_wrapper)
        r = add_found(finder, &chain, wrapper);
    *ret_found = *ret_found || is_wrapper;
    free(own);
    return r;
}

static int examine_all(struct finder *finder, bool *ret_found)
{
    int r = 0;
    *ret_found = false;
    for (size_t i = 0, end; r == 0 && i < finder->record_count; i = end) {
        for (end = i + 1; end < finder->record_count;)
            if (finder->records[end].function == finder->records[i].function)
                end++;
            else
                break;
        r = examine(finder, &finder->records[i], end - i, ret_found);
    }
    return r;
}

int tn_site_find_wrappers(struct tn_site_trie *trie, const struct tn_site_use *uses,
                          const struct tn_site_release *releases, size_t release_count,
                          struct tn_site_wrapper **ret_wrappers, size_t *ret_count)
{
    struct finder finder = {.trie = trie, .uses = uses, .releases = releases, .release_count = release_count};
    finder.records = malloc((trie->node_count + 1) * sizeof(finder.records[0]));
    finder.places = malloc((trie->node_count + 1) * sizeof(finder.places[0]));
    bool has_found = true;
    int r = finder.records != NULL && finder.places != NULL ? 0 : -ENOMEM;
    for (size_t round = 0; r == 0 && has_found && round < ROUNDS_MAX; round++) {
        list_records(&finder);
        r = examine_all(&finder, &has_found);
    }
    free(finder.records);
    free(finder.places);
    if (r < 0) {
        free(finder.found);
        return r;
    }
    *ret_wrappers = finder.found;
    *ret_count = finder.found_count;
    return 0;
}
