/* SPDX-License-Identifier: MIT */

/* Matches sites in three steps: families of the same module, function and `via`; in a family the files, which
 * may have moved; in a file the lines, by what their blocks are like and only then by their order. What stays
 * ambiguous becomes one group of several lines on a side rather than a guess. Called by compare.c. */

#include "match_sites.h"

#include "match_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Consecutive candidates of one side. */
struct side {
    struct site_candidate *first;
    size_t count;
};

/* The sites of a family in one source file. */
struct file_class {
    struct side before, after;
    bool is_paired; /* both sides were matched with something */
};

/* ---------------------------------------------------------------------------------------- order */

static int compare_part(const char *left, size_t left_length, const char *right, size_t right_length)
{
    size_t common = left_length < right_length ? left_length : right_length;
    int order = memcmp(left, right, common);
    return order != 0 ? order : (left_length > right_length) - (left_length < right_length);
}

static int compare_families(const struct site_candidate *left, const struct site_candidate *right)
{
    int order = compare_part(left->module, left->module_length, right->module, right->module_length);
    if (order == 0)
        order = compare_part(left->site->function, left->function_length, right->site->function,
                             right->function_length);
    return order != 0 ? order : strcmp(left->site->via, right->site->via);
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_candidates(const void *a, const void *b)
{
    const struct site_candidate *left = a, *right = b;
    int order = compare_families(left, right);
    if (order == 0)
        order = strcmp(left->site->file, right->site->file);
    if (order == 0)
        order = COMPARE(left->is_new, right->is_new);
    if (order == 0)
        order = COMPARE(left->site->line, right->site->line);
    if (order == 0)
        order = COMPARE(left->site->offset_bytes, right->site->offset_bytes);
    return order != 0 ? order : COMPARE(left->order, right->order);
}

/* ---------------------------------------------------------------------------------------- contexts */

static bool has_same_contexts(const struct tn_context_set *left, const struct tn_context_set *right)
{
    size_t left_count = left != NULL ? left->count : 0, right_count = right != NULL ? right->count : 0;
    return left_count == right_count &&
           (left_count == 0 ||
            memcmp(left->hashes, right->hashes, left_count * sizeof(left->hashes[0])) == 0);
}

static bool has_common_context(const struct tn_context_set *left, const struct tn_context_set *right)
{
    if (left == NULL || right == NULL)
        return false;
    for (size_t i = 0, k = 0; i < left->count && k < right->count;) {
        if (left->hashes[i] == right->hashes[k])
            return true;
        if (left->hashes[i] < right->hashes[k])
            i++;
        else
            k++;
    }
    return false;
}

static bool sides_have_common_context(struct side left, struct side right)
{
    for (size_t i = 0; i < left.count; i++)
        for (size_t k = 0; k < right.count; k++)
            if (has_common_context(left.first[i].contexts, right.first[k].contexts))
                return true;
    return false;
}

/* ---------------------------------------------------------------------------------------- lines of a file */

typedef bool (*likeness)(const struct site_candidate *left, const struct site_candidate *right);

static bool has_same_sizes(const struct site_candidate *left, const struct site_candidate *right)
{
    return left->site->min_size_bytes == right->site->min_size_bytes &&
           left->site->max_size_bytes == right->site->max_size_bytes;
}

static bool is_same_in_all(const struct site_candidate *left, const struct site_candidate *right)
{
    return has_same_sizes(left, right) && left->site->allocations == right->site->allocations &&
           left->site->total_bytes == right->site->total_bytes &&
           left->site->peak_live_count == right->site->peak_live_count &&
           left->site->live_at_end == right->site->live_at_end &&
           has_same_contexts(left->contexts, right->contexts);
}

/* What a longer run does not change: whether its blocks stay, whether there is one at a time, whether all are
 * short-lived. */
static bool is_same_in_behaviour(const struct site_candidate *left, const struct site_candidate *right)
{
    const struct tn_summary_site *old = left->site, *other = right->site;
    return has_same_sizes(left, right) && has_same_contexts(left->contexts, right->contexts) &&
           (old->live_at_end == 0) == (other->live_at_end == 0) &&
           (old->peak_live_count == 1) == (other->peak_live_count == 1) &&
           (old->short_lived == old->allocations) == (other->short_lived == other->allocations);
}

static bool is_same_in_sizes_and_contexts(const struct site_candidate *left,
                                          const struct site_candidate *right)
{
    return has_same_sizes(left, right) && has_same_contexts(left->contexts, right->contexts);
}

static bool is_same_in_contexts(const struct site_candidate *left, const struct site_candidate *right)
{
    return left->contexts != NULL && left->contexts->count != 0 &&
           has_same_contexts(left->contexts, right->contexts);
}

/* From the strictest on: what is alike in more is matched before what is alike in less. */
static const struct {
    likeness is_like;
    /* Alone on its side it must be among all lines, not only among those that are left: mostly all lines of a
       function have the same callers, and the last one of them would pass for special. */
    bool is_of_all;
} likenesses[] = {{is_same_in_all, false},
                  {is_same_in_behaviour, false},
                  {is_same_in_sizes_and_contexts, false},
                  {has_same_sizes, false},
                  {is_same_in_contexts, true}};

/* The only one that is like it; NULL: none, or several, or it has a partner. */
static struct site_candidate *find_only(const struct site_candidate *like, struct side in, size_t by)
{
    struct site_candidate *found = NULL;
    for (size_t i = 0; i < in.count; i++) {
        struct site_candidate *other = &in.first[i];
        bool is_asked = other->partner == NULL || likenesses[by].is_of_all;
        if (!is_asked || !likenesses[by].is_like(like, other))
            continue;
        if (found != NULL)
            return NULL;
        found = other;
    }
    return found != NULL && found->partner == NULL ? found : NULL;
}

static void match_alike(struct side before, struct side after, size_t by)
{
    for (size_t i = 0; i < before.count; i++) {
        struct site_candidate *old = &before.first[i];
        struct site_candidate *other = old->partner == NULL ? find_only(old, after, by) : NULL;
        if (other == NULL || find_only(other, before, by) != old)
            continue;
        old->partner = other;
        other->partner = old;
    }
}

/* The candidate of the new side that stands before a position of either side, by what is matched there. */
static const struct site_candidate *anchor_before(struct side side, size_t position)
{
    while (position-- > 0)
        if (side.first[position].partner != NULL)
            return side.first[position].is_new ? &side.first[position] : side.first[position].partner;
    return NULL;
}

/* The sites between two matched ones. */
struct gap {
    struct side side;
    size_t position; /* of the next one to look at */
    const struct site_candidate *anchor;
};

/* The next unmatched, ungrouped site of a gap; NULL: no more. */
static struct site_candidate *next_in_gap(struct gap *gap)
{
    while (gap->position < gap->side.count) {
        size_t position = gap->position++;
        struct site_candidate *candidate = &gap->side.first[position];
        if (candidate->partner == NULL && candidate->group == 0 &&
            anchor_before(gap->side, position) == gap->anchor)
            return candidate;
    }
    return NULL;
}

static size_t count_gap(struct gap gap)
{
    size_t count = 0;
    while (next_in_gap(&gap) != NULL)
        count++;
    return count;
}

/* What is left between two anchors: as many lines as before are matched in their order; otherwise nothing
 * tells which line is which, and they are one group. They get a group and no partner, so that the anchors
 * stay what they are for the gaps that follow. */
static void match_gap(struct gap before, struct gap after, uint32_t *groups)
{
    size_t before_count = count_gap(before), after_count = count_gap(after);
    if (before_count == 0 || after_count == 0)
        return;
    bool is_in_order = before_count == after_count;
    uint32_t shared = is_in_order ? 0 : ++*groups;
    for (size_t i = 0; i < before_count || i < after_count; i++) {
        uint32_t group = is_in_order ? ++*groups : shared;
        struct site_candidate *old = next_in_gap(&before), *other = next_in_gap(&after);
        if (old != NULL)
            old->group = group;
        if (other != NULL)
            other->group = group;
    }
}

static void match_lines(struct side before, struct side after, uint32_t *groups)
{
    for (size_t i = 0; i < sizeof(likenesses) / sizeof(likenesses[0]); i++)
        match_alike(before, after, i);
    for (size_t i = 0; i < before.count; i++) {
        const struct site_candidate *anchor = anchor_before(before, i);
        if (before.first[i].partner == NULL && before.first[i].group == 0)
            match_gap((struct gap){before, 0, anchor}, (struct gap){after, 0, anchor}, groups);
    }
}

/* ---------------------------------------------------------------------------------------- files of a family
 */

/* Unnamed functions have nothing in common but their offset in the same build of the module. */
static void match_unnamed(struct side before, struct side after)
{
    for (size_t i = 0; i < before.count; i++)
        for (size_t k = 0; k < after.count; k++) {
            struct site_candidate *old = &before.first[i], *other = &after.first[k];
            bool is_same = old->site->offset_bytes == other->site->offset_bytes && old->build_id[0] != '\0' &&
                           strcmp(old->build_id, other->build_id) == 0;
            if (!is_same || old->partner != NULL || other->partner != NULL)
                continue;
            old->partner = other;
            other->partner = old;
        }
}

static bool has_contexts(struct side side)
{
    for (size_t i = 0; i < side.count; i++)
        if (side.first[i].contexts != NULL && side.first[i].contexts->count != 0)
            return true;
    return false;
}

/* How much speaks for a file having become another one: the same callers more than the same folders. A name
 * alone, util.c, says nothing when the callers are known, and are others. 0: it is another file. */
static size_t file_likeness(const struct file_class *old, const struct file_class *other)
{
    size_t folders = tn_match_common_folders(old->before.first->site->file, other->after.first->site->file);
    if (sides_have_common_context(old->before, other->after))
        return 4096 + (folders < 4095 ? folders : 4095);
    return folders == 1 && has_contexts(old->before) && has_contexts(other->after) ? 0 : folders;
}

/* The file that is most like one; NULL: none is like it at all, or two are equally so.
 *
 * wants_after  look among the new files for one that became of_class, or the other way round */
static struct file_class *find_best(struct file_class *classes, size_t count, struct file_class *of_class,
                                    bool wants_after)
{
    struct file_class *best = NULL;
    size_t best_likeness = 0;
    for (size_t i = 0; i < count; i++) {
        struct file_class *other = &classes[i];
        if (other->is_paired || (wants_after ? other->after.count : other->before.count) == 0)
            continue;
        size_t like = wants_after ? file_likeness(of_class, other) : file_likeness(other, of_class);
        if (like == best_likeness)
            best = NULL;
        else if (like > best_likeness)
            best = other;
        best_likeness = like > best_likeness ? like : best_likeness;
    }
    return best;
}

/* Pair files that moved: each the other's best. Pairs leave fewer to choose from, so it goes on until nothing
 * changes any more. */
static void match_moved(struct file_class *classes, size_t count, uint32_t *groups)
{
    for (bool has_found = true; has_found;) {
        has_found = false;
        for (size_t i = 0; i < count; i++) {
            struct file_class *old = &classes[i];
            if (old->is_paired || old->before.count == 0)
                continue;
            struct file_class *other = find_best(classes, count, old, true);
            if (other == NULL || find_best(classes, count, other, false) != old)
                continue;
            match_lines(old->before, other->after, groups);
            old->is_paired = other->is_paired = has_found = true;
        }
    }
}

/* Split a family by file; the sites of a file are consecutive, the old ones first. */
static size_t split_files(struct site_candidate *first, size_t count, struct file_class *classes)
{
    size_t class_count = 0;
    for (size_t i = 0; i < count;) {
        struct file_class *class = &classes[class_count++];
        *class = (struct file_class){.before = {&first[i], 0}};
        const char *file = first[i].site->file;
        for (; i < count && !first[i].is_new && strcmp(first[i].site->file, file) == 0; i++)
            class->before.count++;
        class->after.first = &first[i];
        for (; i < count && first[i].is_new && strcmp(first[i].site->file, file) == 0; i++)
            class->after.count++;
    }
    return class_count;
}

static void match_family(struct site_candidate *first, size_t count, struct file_class *classes,
                         uint32_t *groups)
{
    size_t class_count = split_files(first, count, classes);
    if (first->function_length == 0) {
        for (size_t i = 0; i < class_count; i++)
            match_unnamed(classes[i].before, classes[i].after);
        return;
    }
    for (size_t i = 0; i < class_count; i++) {
        struct file_class *class = &classes[i];
        class->is_paired = class->before.count != 0 && class->after.count != 0;
        if (class->is_paired)
            match_lines(class->before, class->after, groups);
    }
    match_moved(classes, class_count, groups);
}

/* ---------------------------------------------------------------------------------------- the whole */

/* Every site gets a change: pairs one together, the rest one each. */
static void number_rest(struct site_candidate *candidates, size_t count, uint32_t *groups)
{
    for (size_t i = 0; i < count; i++) {
        struct site_candidate *candidate = &candidates[i];
        if (candidate->group != 0)
            continue;
        candidate->group = ++*groups;
        if (candidate->partner != NULL)
            candidate->partner->group = candidate->group;
    }
}

int tn_match_sites(struct site_candidate *candidates, size_t count, uint32_t *ret_groups)
{
    uint32_t groups = 0;
    struct file_class *classes = malloc((count + 1) * sizeof(classes[0]));
    if (classes == NULL)
        return -ENOMEM;
    if (count != 0)
        qsort(candidates, count, sizeof(candidates[0]), compare_candidates);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && compare_families(&candidates[i], &candidates[end]) == 0;)
            end++;
        match_family(&candidates[i], end - i, classes, &groups);
    }
    number_rest(candidates, count, &groups);
    free(classes);
    *ret_groups = groups;
    return 0;
}
