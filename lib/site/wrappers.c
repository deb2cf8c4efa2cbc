/* SPDX-License-Identifier: MIT */
/* Finds allocation wrappers by their code and by their use. A function that hands its block back, of a size
 * that it was given, passes requests on; so does one whose sizes depend on the place that calls it, and on
 * nothing else. If only one place calls it, use is judged at that caller: of wrappers stacked on each other
 * only the outermost has several callers. A function that keeps its blocks is none. Called by lib/finish. */
#include "stack_trie.h"
#include "wrapper_places.h"

#include "tenure/map.h"

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

/* Stacked functions that may be wrappers, from the inside out. */
struct chain {
    uint32_t functions[CHAIN_MAX];
    size_t count;
};

/* Whether a line always asks for the same size: the function then makes something of its own. */
static bool has_fixed_line(const struct tn_wrapper_finder *finder)
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
static int count_fixed(const struct tn_wrapper_finder *finder, struct tn_site_wrapper *wrapper,
                       uint64_t *ret_repeated)
{
    uint64_t *sizes = malloc((finder->place_count + 1) * sizeof(sizes[0]));
    size_t count = 0;
    if (sizes == NULL)
        return -ENOMEM;
    *ret_repeated = 0;
    for (size_t i = 0; i < finder->place_count; i++) {
        const struct tn_wrapper_place *place = &finder->places[i];
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

/* ---------------------------------------------------------------------------------------- machine code */

/* What the code of one line says: copies of the function that were inlined elsewhere say nothing. */
static enum tn_site_code of_line(enum tn_site_code known, enum tn_site_code more)
{
    if (known == TN_SITE_CODE_KEEPS || more == TN_SITE_CODE_KEEPS)
        return TN_SITE_CODE_KEEPS;
    return more > known ? more : known;
}

/* What the code says of the function in which the records stand: every line must agree. */
static int read_code(struct tn_wrapper_finder *finder, const struct tn_wrapper_record *records, size_t count,
                     bool is_last, enum tn_site_code *ret_code)
{
    struct tn_map lines = {0}; /* tn_site_frame.place -> what its code says */
    int r = 0;
    *ret_code = TN_SITE_CODE_NOT_KNOWN;
    for (size_t i = 0; finder->reader != NULL && r == 0 && i < count; i++) {
        const struct tn_site_frame *frame = tn_wrapper_frame(finder, records[i].frame);
        struct tn_site_call call = {records[i].stack, records[i].node, is_last};
        enum tn_site_code code = TN_SITE_CODE_NOT_KNOWN;
        if (frame->is_physical)
            r = finder->reader->look(finder->reader->context, call, &code);
        const uint64_t *known = tn_map_find(&lines, frame->place);
        if (r == 0)
            r = tn_map_put(
                &lines, frame->place,
                of_line(known != NULL ? (enum tn_site_code) * known : TN_SITE_CODE_NOT_KNOWN, code));
    }
    bool is_first = true;
    for (size_t i = 0; r == 0 && i < lines.capacity; i++) {
        enum tn_site_code code = (enum tn_site_code)lines.entries[i].value;
        if (lines.entries[i].key == 0)
            continue;
        bool is_kept = code == TN_SITE_CODE_KEEPS || (!is_first && *ret_code == TN_SITE_CODE_KEEPS);
        if (is_kept)
            *ret_code = TN_SITE_CODE_KEEPS;
        else if (is_first || code < *ret_code)
            *ret_code = code;
        is_first = false;
    }
    tn_map_finish(&lines);
    return r;
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
static bool is_released_inside(const struct tn_wrapper_finder *finder, const struct tn_wrapper_record *record,
                               uint32_t release)
{
    const struct tn_site_trie *trie = finder->trie;
    uint32_t function = tn_wrapper_frame(finder, record->frame)->function;
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

static const struct tn_wrapper_record *record_of(const struct tn_wrapper_record *records, size_t count,
                                                 uint32_t stack)
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
static bool releases_itself(const struct tn_wrapper_finder *finder, const struct tn_wrapper_record *records,
                            size_t count)
{
    uint64_t inside = 0, all = 0;
    for (size_t i = 0; i < finder->release_count; i++) {
        const struct tn_site_release *release = &finder->releases[i];
        const struct tn_wrapper_record *record = record_of(records, count, release->birth_stack);
        if (record == records + count || record->stack != release->birth_stack)
            continue;
        all += release->count;
        if (is_released_inside(finder, record, release->release_stack))
            inside += release->count;
    }
    return inside * 100 > all * RELEASED_SHARE_MAX;
}

/* Whether a function has sites. */
static bool is_site(const struct tn_wrapper_finder *finder, uint32_t function)
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

/* Step out to the callers of the function in which the records stand, and list these as places. Returns false
 * where one has none, or is of the chain. */
static bool list_callers(struct tn_wrapper_finder *finder, const struct tn_wrapper_record *records,
                         size_t count, struct tn_wrapper_record *outer, const struct chain *chain)
{
    memcpy(outer, records, count * sizeof(records[0]));
    for (size_t i = 0; i < count; i++)
        if (!tn_wrapper_step_out(finder, &outer[i]) ||
            is_in_chain(chain, tn_wrapper_frame(finder, outer[i].frame)->function))
            return false;
    tn_wrapper_list_places(finder, outer, count, false);
    return true;
}

/* Go outwards to the first function that several places call. If there is one, `records` stand in it, and
 * finder->places are its callers. */
static bool find_callers(struct tn_wrapper_finder *finder, struct tn_wrapper_record *records, size_t count,
                         struct tn_wrapper_record *outer, struct chain *chain)
{
    chain->functions[0] = records[0].function;
    chain->count = 1;
    while (list_callers(finder, records, count, outer, chain)) {
        if (finder->place_count > 1)
            return true;
        const struct tn_site_frame *caller = tn_wrapper_frame(finder, outer[0].frame);
        if (caller->class.kind != TN_SITE_PROGRAM || caller->function == 0 || chain->count == CHAIN_MAX ||
            is_site(finder, caller->function))
            return false;
        chain->functions[chain->count++] = caller->function;
        memcpy(records, outer, count * sizeof(records[0]));
    }
    return false;
}

/* Decide: do sizes follow the callers, with enough evidence? */
static int judge(struct tn_wrapper_finder *finder, const char *name, struct tn_site_wrapper *wrapper,
                 bool *ret_is_wrapper)
{
    uint64_t repeated = 0, min_size_bytes = UINT64_MAX, max_size_bytes = 0;
    bool is_named = is_named_allocator(name);
    int r = count_fixed(finder, wrapper, &repeated);
    wrapper->callers = finder->place_count;
    for (size_t i = 0; i < finder->place_count; i++) {
        const struct tn_wrapper_place *place = &finder->places[i];
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

static void mark(struct tn_wrapper_finder *finder, uint32_t function)
{
    for (size_t i = 0; i < finder->trie->frame_count; i++) {
        struct tn_site_frame *frame = tn_wrapper_frame(finder, (uint32_t)i);
        if (frame->function == function && frame->class.kind == TN_SITE_PROGRAM)
            tn_site_class_wrapper(finder->trie->functions[function].name, &frame->class);
    }
}

/* Keep what was found of a chain; undecided functions stay sites. */
static int add_found(struct tn_wrapper_finder *finder, const struct chain *chain,
                     struct tn_site_wrapper wrapper)
{
    size_t count = finder->found_count + chain->count;
    if (finder->is_asking) {
        finder->found_count = count;
        return 0;
    }
    struct tn_site_wrapper *found = realloc(finder->found, count * sizeof(found[0]));
    if (found == NULL)
        return -ENOMEM;
    finder->found = found;
    for (size_t i = 0; i < chain->count; i++) {
        wrapper.function = finder->trie->functions[chain->functions[i]].name;
        found[finder->found_count++] = wrapper;
        if (wrapper.evidence != TN_SITE_UNDECIDED)
            mark(finder, chain->functions[i]);
    }
    return 0;
}

/* A function that hands back what it was asked for is a wrapper whoever calls it, and however often. */
static int add_by_code(struct tn_wrapper_finder *finder, const struct tn_wrapper_record *records,
                       size_t count, struct tn_wrapper_record *outer)
{
    struct tn_site_wrapper wrapper = {0};
    struct chain chain = {{records[0].function}, 1};
    bool is_unused;
    if (!list_callers(finder, records, count, outer, &chain))
        return 0;
    int r = judge(finder, finder->trie->functions[chain.functions[0]].name, &wrapper, &is_unused);
    wrapper.evidence = TN_SITE_BY_CODE;
    return r < 0 ? r : add_found(finder, &chain, wrapper);
}

/* Whether more use might show a wrapper: it hands its blocks back, and its callers asked for different sizes.
 */
static bool may_be_wrapper(const struct tn_wrapper_finder *finder, enum tn_site_code code)
{
    if (code != TN_SITE_CODE_HANDS || finder->place_count < 2)
        return false;
    for (size_t i = 1; i < finder->place_count; i++)
        if (finder->places[i].max_size_bytes != finder->places[0].max_size_bytes)
            return true;
    return false;
}

/* Whether the code of a function of the chain says that it keeps its blocks. own: room for `count` records.
 * Code is read last, and only for what use speaks for: most functions with sites need no look at it. */
static int is_denied(struct tn_wrapper_finder *finder, const struct tn_wrapper_record *records, size_t count,
                     struct tn_wrapper_record *own, const struct chain *chain, bool is_wrapper,
                     bool *ret_is_denied)
{
    int r = 0;
    *ret_is_denied = false;
    memcpy(own, records, count * sizeof(own[0]));
    for (size_t level = 0; r == 0 && !*ret_is_denied && level < chain->count; level++) {
        enum tn_site_code code = TN_SITE_CODE_NOT_KNOWN;
        for (size_t i = 0; level != 0 && i < count; i++)
            tn_wrapper_step_out(finder, &own[i]);
        if (level != 0 || is_wrapper)
            r = read_code(finder, own, count, true, &code);
        *ret_is_denied = code == TN_SITE_CODE_KEEPS;
    }
    return r;
}

/* Decide by use. own: room for twice as many records, which are copied. */
static int examine_use(struct tn_wrapper_finder *finder, const struct tn_wrapper_record *records,
                       size_t count, struct tn_wrapper_record *own, enum tn_site_code code, bool *ret_found)
{
    struct chain chain;
    struct tn_site_wrapper wrapper = {.evidence = TN_SITE_BY_USE};
    bool is_wrapper = false, is_kept;
    memcpy(own, records, count * sizeof(own[0]));
    if (!find_callers(finder, own, count, own + count, &chain))
        return 0;
    int r =
        judge(finder, finder->trie->functions[chain.functions[chain.count - 1]].name, &wrapper, &is_wrapper);
    if (r < 0 || (!is_wrapper && !may_be_wrapper(finder, code)) || releases_itself(finder, own, count))
        return r;
    r = is_denied(finder, records, count, own, &chain, is_wrapper, &is_kept);
    if (r < 0 || is_kept)
        return r;
    if (!is_wrapper)
        wrapper.evidence = TN_SITE_UNDECIDED;
    *ret_found = *ret_found || is_wrapper;
    return add_found(finder, &chain, wrapper);
}

/* Decide for the function of `count` records. *ret_found is set if it is a wrapper, else left alone. */
static int examine(struct tn_wrapper_finder *finder, struct tn_wrapper_record *records, size_t count,
                   bool *ret_found)
{
    enum tn_site_code code;
    const char *name = finder->trie->functions[records[0].function].name;
    if (strcmp(name, "main") == 0)
        return 0;
    int r = read_code(finder, records, count, false, &code);
    if (r < 0 || code == TN_SITE_CODE_KEEPS || code == TN_SITE_CODE_CONSTANT)
        return r;
    struct tn_wrapper_record *own = malloc(2 * count * sizeof(own[0]));
    if (own == NULL)
        return -ENOMEM;
    size_t found_before = finder->found_count;
    tn_wrapper_list_places(finder, records, count, true);
    bool has_own_things = has_fixed_line(finder);
    if (code == TN_SITE_CODE_PASSES)
        r = add_by_code(finder, records, count, own);
    else if (!has_own_things)
        r = examine_use(finder, records, count, own, code, ret_found);
    if (code == TN_SITE_CODE_PASSES && finder->found_count != found_before)
        *ret_found = true;
    free(own);
    return r;
}

static int examine_all(struct tn_wrapper_finder *finder, bool *ret_found)
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
        if (finder->is_asking && finder->found_count != 0)
            break;
    }
    return r;
}

static int reserve(struct tn_wrapper_finder *finder)
{
    finder->records = malloc((finder->trie->node_count + 1) * sizeof(finder->records[0]));
    finder->places = malloc((finder->trie->node_count + 1) * sizeof(finder->places[0]));
    return finder->records != NULL && finder->places != NULL ? 0 : -ENOMEM;
}

/* What is undecided in one round may be decided in the next one. */
static void drop_undecided(struct tn_wrapper_finder *finder)
{
    size_t count = 0;
    for (size_t i = 0; i < finder->found_count; i++)
        if (finder->found[i].evidence != TN_SITE_UNDECIDED)
            finder->found[count++] = finder->found[i];
    finder->found_count = count;
}

int tn_site_may_have_wrappers(struct tn_site_trie *trie, const struct tn_site_use *uses,
                              const struct tn_site_reader *reader, bool *ret_may_have)
{
    struct tn_wrapper_finder finder = {.trie = trie, .uses = uses, .reader = reader, .is_asking = true};
    bool has_found;
    int r = reserve(&finder);
    if (r == 0) {
        tn_wrapper_list_records(&finder);
        r = examine_all(&finder, &has_found);
    }
    *ret_may_have = finder.found_count != 0;
    free(finder.records);
    free(finder.places);
    return r;
}

int tn_site_find_wrappers(struct tn_site_trie *trie, const struct tn_site_use *uses,
                          const struct tn_site_release *releases, size_t release_count,
                          const struct tn_site_reader *reader, struct tn_site_wrapper **ret_wrappers,
                          size_t *ret_count)
{
    struct tn_wrapper_finder finder = {
        .trie = trie, .uses = uses, .releases = releases, .release_count = release_count, .reader = reader};
    bool has_found = true;
    int r = reserve(&finder);
    for (size_t round = 0; r == 0 && has_found && round < ROUNDS_MAX; round++) {
        drop_undecided(&finder);
        tn_wrapper_list_records(&finder);
        r = examine_all(&finder, &has_found);
    }
    if (has_found)
        drop_undecided(&finder);
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
