/* SPDX-License-Identifier: MIT */
/* From findings to the file that the second allocator reads: a change for each, with the places where its
 * blocks are made. */
#include "try_escapes.h"
#include "try_places.h"

#include "tenure/trial.h"
#include "tenure/try.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ROUNDING 8 /* of each block on memory of a change */
#define ALIGNING 8 /* more, at most, for a member whose alignment is not known */

/* ---------------------------------------------------------------------------------------- changes */

const char *tn_try_reason(const struct tn_finding *finding)
{
    if (finding->site_count == 0)
        return "it speaks of the whole program, and is no change of single lines";
    if (finding->apply == TN_APPLY_NONE)
        return "it states something that no allocator can do";
    if (finding->apply == TN_APPLY_FIXED || finding->apply == TN_APPLY_PRESIZE)
        return "its blocks stay on the heap, and only their sizes change: 'tenure simulate --plan' shows "
               "that";
    return NULL;
}

static uint64_t number_of(const struct tn_finding *finding, const char *key)
{
    const struct tn_evidence *value = tn_evidence_find(&finding->evidence, key);
    return value != NULL && value->type == TN_VALUE_COUNT ? value->count : 0;
}

/* The function whose return ends the blocks. Returns whether there is one. */
static bool owner_of(const struct tn_finding *finding, struct tn_finding_line *ret_owner)
{
    const struct tn_evidence *owner = tn_evidence_find(&finding->evidence, "owner");
    bool is_owned = finding->apply == TN_APPLY_ARENA || strcmp(finding->kind, "stack-buffer") == 0;
    if (!is_owned || owner == NULL || owner->type != TN_VALUE_OBJECT)
        return false;
    const struct tn_evidence *function = tn_evidence_find(&owner->members, "function");
    const struct tn_evidence *file = tn_evidence_find(&owner->members, "file");
    *ret_owner = (struct tn_finding_line){.function = function != NULL ? function->text : NULL,
                                          .file = file != NULL ? file->text : NULL};
    return ret_owner->function != NULL && ret_owner->file != NULL;
}

static uint64_t count_members(const struct tn_finding *finding)
{
    uint64_t count = 0;
    for (size_t i = 0; i < finding->site_count; i++)
        count += finding->sites[i].per_group > 1 ? finding->sites[i].per_group : 1;
    return count;
}

static struct tn_trial_change change_of(const struct tn_finding *finding)
{
    struct tn_trial_change change = {.block_bytes = finding->apply_bytes, .count = finding->apply_count};
    if (finding->apply == TN_APPLY_POOL)
        change.way = TN_TRIAL_POOL;
    else if (finding->apply == TN_APPLY_ARENA) {
        change.way = TN_TRIAL_ARENA;
        change.count += tn_try_count_escapes(finding);
    } else if (finding->apply == TN_APPLY_COMBINE) {
        change.way = TN_TRIAL_COMBINED;
        change.block_bytes += count_members(finding) * ALIGNING;
    } else if (strcmp(finding->kind, "stack-buffer") == 0) {
        change.way = TN_TRIAL_BUFFER;
        change.block_bytes = number_of(finding, "buffer_bytes");
        change.count = number_of(finding, "max_live_count");
    } else {
        change.way = TN_TRIAL_STATIC;
        change.count = number_of(finding, "count");
        /* what has grown leaves its smaller blocks behind */
        change.block_bytes =
            number_of(finding, "total_bytes") + change.count * ROUNDING +
            number_of(finding, "resizes") * (number_of(finding, "max_size_bytes") + ROUNDING);
    }
    return change;
}

/* ---------------------------------------------------------------------------------------- file */

/* What becomes the file. */
struct try_file {
    struct tn_try_stacks stacks;
    struct tn_try_places places;
    struct tn_trial_place *items;    /* owned; one for each of places */
    struct tn_trial_change *changes; /* owned */
    uint32_t change_count;
};

static int add_change(struct try_file *file, struct tn_try_result *result)
{
    struct tn_finding_line owner;
    struct tn_trial_change *change = &file->changes[file->change_count++];
    size_t first = file->places.count;
    result->reason = tn_try_reason(result->finding);
    if (result->reason != NULL) {
        result->verdict = TN_TRY_LEFT_OUT;
        return 0;
    }
    *change = change_of(result->finding);
    bool is_owned = owner_of(result->finding, &owner);
    int r = tn_try_places_add(&file->places, &file->stacks, result->finding, is_owned ? &owner : NULL);
    result->missing_count = file->places.missing_count;
    result->place_count = file->places.count - first + result->missing_count;
    return r;
}

/* The site whose blocks come first, which begin a structure: a finding names the holder first, and that may
 * be made last. A site that makes blocks for others as well, which is to say more of them, begins none. */
static uint32_t first_site(const struct tn_finding *finding, const struct tn_try_places *places, size_t begin,
                           size_t end)
{
    const struct tn_try_place *first = NULL;
    for (size_t p = begin; p < end; p++) {
        const struct tn_try_place *place = &places->items[p];
        bool is_alike = finding->sites[place->site].allocations == finding->sites[0].allocations;
        if (is_alike && (first == NULL || place->first_birth < first->first_birth))
            first = place;
    }
    return first != NULL ? first->site : 0;
}

/* A member's number: that of its site, with the first one before all others. */
static uint32_t member_of(uint32_t site, uint32_t first)
{
    return site == first ? 0 : site < first ? site + 1 : site;
}

/* Places of a later finding at the same stack are never reached: the first one has them, as in a replay. */
static int make_items(struct try_file *file, const struct tn_try_result *results, size_t result_count,
                      const size_t *first_places)
{
    file->items = calloc(file->places.count + 1, sizeof(*file->items));
    if (file->items == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < result_count; i++) {
        uint32_t first = first_site(results[i].finding, &file->places, first_places[i], first_places[i + 1]);
        for (size_t p = first_places[i]; p < first_places[i + 1]; p++) {
            const struct tn_try_place *place = &file->places.items[p];
            const struct tn_finding_site *site = &results[i].finding->sites[place->site];
            file->items[p] = (struct tn_trial_place){
                .first_step = (uint32_t)place->first_step,
                .step_count = place->step_count,
                .owner = place->owner,
                .change = (uint32_t)i,
                .member = member_of(place->site, first),
                .member_max = site->per_group != 0 ? site->per_group : 1,
            };
        }
    }
    return 0;
}

/* user: the steps. By the innermost frame; of equal ones the deeper place first, which is the more particular
 * one, and of these the one of the earlier finding. */
static int compare_items(const void *a, const void *b, void *user)
{
    const struct tn_trial_place *left = a, *right = b;
    const struct tn_try_step *steps = user;
    const struct tn_try_step *l = &steps[left->first_step], *r = &steps[right->first_step];
    if (l->module != r->module)
        return l->module < r->module ? -1 : 1;
    if (l->offset_bytes != r->offset_bytes)
        return l->offset_bytes < r->offset_bytes ? -1 : 1;
    if (left->change != right->change)
        return left->change < right->change ? -1 : 1;
    return left->step_count > right->step_count ? -1 : left->step_count < right->step_count;
}

static int append_modules(const struct tn_try_stacks *stacks, struct tn_buffer *out)
{
    int r = 0;
    for (uint64_t i = 0; i < stacks->module_count && r == 0; i++) {
        struct tn_inject_module module = {0};
        struct stat status;
        if (stacks->modules[i].is_there && stat(stacks->modules[i].path, &status) == 0)
            module = (struct tn_inject_module){.device = status.st_dev, .inode = status.st_ino};
        r = tn_buffer_append(out, &module, sizeof(module));
    }
    return r;
}

static int append_file(struct try_file *file, struct tn_buffer *out)
{
    struct tn_trial_head head = {
        .magic = TN_TRIAL_MAGIC,
        .head_bytes = sizeof(head),
        .module_count = (uint32_t)file->stacks.module_count,
        .step_count = (uint32_t)file->places.step_count,
        .place_count = (uint32_t)file->places.count,
        .change_count = file->change_count,
    };
    head.file_bytes = tn_trial_file_bytes(&head);
    if (file->places.count != 0)
        qsort_r(file->items, file->places.count, sizeof(*file->items), compare_items, file->places.steps);
    int r = tn_buffer_append(out, &head, sizeof(head));
    if (r == 0)
        r = append_modules(&file->stacks, out);
    for (size_t i = 0; i < file->places.step_count && r == 0; i++) {
        const struct tn_inject_step step = {file->places.steps[i].module, file->places.steps[i].offset_bytes};
        r = tn_buffer_append(out, &step, sizeof(step));
    }
    if (r == 0)
        r = tn_buffer_append(out, file->items, file->places.count * sizeof(*file->items));
    return r == 0 ? tn_buffer_append(out, file->changes, file->change_count * sizeof(*file->changes)) : r;
}

int tn_try_plan_write(struct tn_log *log, struct tn_try_result *results, size_t result_count,
                      struct tn_buffer *out, struct tn_error *error)
{
    struct try_file file = {.changes = calloc(result_count + 1, sizeof(*file.changes))};
    size_t *first_places = calloc(result_count + 1, sizeof(*first_places));
    int r = file.changes != NULL && first_places != NULL ? tn_try_stacks_load(log, &file.stacks) : -ENOMEM;
    for (size_t i = 0; i < result_count && r == 0; i++) {
        r = add_change(&file, &results[i]);
        first_places[i + 1] = file.places.count;
    }
    if (r == 0)
        r = make_items(&file, results, result_count, first_places);
    if (r == 0)
        r = append_file(&file, out);
    if (r < 0)
        tn_error_set(error, r, "stacks of '%s' cannot be read: %s", tn_log_path(log),
                     r == -EBADMSG ? sqlite3_errmsg(tn_log_database(log)) : strerror(-r));
    tn_try_places_finish(&file.places);
    tn_try_stacks_finish(&file.stacks);
    free(file.changes);
    free(file.items);
    free(first_places);
    return r;
}
