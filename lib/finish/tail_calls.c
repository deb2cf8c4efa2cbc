/* SPDX-License-Identifier: MIT */
/* Adds the frames that tail calls removed: a function that ends in a jump has no frame while its target runs,
 * and its name would be missing. First between frames; then below the innermost frame, where the target was
 * the allocation function itself (`return malloc(n);`). Called before frames are named, so that the new ones
 * are named with the others. */
#include "jump_ways.h"
#include "stack_edit.h"
#include "usages.h"

#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>
#include <stdlib.h>

/* The frames of a way, as rows. */
struct tail_chain {
    uint32_t frame_ids[TN_WAY_JUMPS_MAX];
    size_t count; /* 0: none is missing */
};

struct tail_calls {
    struct tn_finish_job *job;
    struct tn_jump_ways *ways;
    struct tn_stack_edit edit;
    struct tn_code_place *places; /* owned; by id of a recorded frame */
    size_t place_count;
    struct tn_map frame_of;    /* module and offset of a jump -> row id of its frame */
    struct tn_map chain_of;    /* a call, and the frame or allocation function below it -> index in chains */
    struct tail_chain *chains; /* owned; [0] is empty */
    size_t chain_count, chain_capacity;
    uint32_t
        *functions; /* owned; by id of a recorded stack: bits of the functions that events called there */
    uint64_t frames_added;
    sqlite3_stmt *insert; /* owned */
};

static int refuse(const struct tail_calls *calls, int code)
{
    return tn_finish_refuse(calls->job, code, "cannot add tail calls");
}

static int load_places(struct tail_calls *calls)
{
    int64_t last;
    sqlite3_stmt *rows;
    int r = tn_finish_number(calls->job, "SELECT max(id) FROM frame", 0, 0, &last);
    if (r < 0)
        return r;
    /* ids have no gaps, and a frame is not alone in its stack: a higher one is damage, and has no place */
    calls->place_count = last < UINT32_MAX / 2 ? (size_t)last + 1 : 1;
    calls->places = calloc(calls->place_count, sizeof(calls->places[0]));
    if (calls->places == NULL)
        return refuse(calls, -ENOMEM);
    r = tn_finish_prepare(
        calls->job, "SELECT id, coalesce(module_id, 0), offset_bytes FROM frame WHERE inlined_into IS NULL",
        &rows);
    if (r < 0)
        return r;
    while ((r = tn_sql_next(rows)) == 1)
        if (tn_sql_count(rows, 0) < calls->place_count)
            calls->places[tn_sql_count(rows, 0)] =
                (struct tn_code_place){tn_sql_count(rows, 1), tn_sql_count(rows, 2)};
    sqlite3_finalize(rows);
    return r < 0 ? tn_finish_fail(calls->job, r, "cannot add tail calls") : 0;
}

/* ---------------------------------------------------------------------------------------- chains */

/* The row of a jump's frame; written at first sight. */
static int frame_of(struct tail_calls *calls, const struct tn_code_place *jump, uint32_t *ret_id)
{
    uint64_t key = tn_mix(jump->module_id ^ tn_mix(jump->offset_bytes)) | 1;
    const uint64_t *known = tn_map_find(&calls->frame_of, key);
    if (known != NULL) {
        *ret_id = (uint32_t)*known;
        return 0;
    }
    tn_sql_bind_count(calls->insert, 1, jump->module_id);
    tn_sql_bind_count(calls->insert, 2, jump->offset_bytes);
    int r = tn_finish_execute(calls->job, calls->insert);
    if (r < 0)
        return r;
    *ret_id = (uint32_t)sqlite3_last_insert_rowid(calls->job->database);
    calls->frames_added++;
    r = tn_map_put(&calls->frame_of, key, *ret_id);
    return r < 0 ? refuse(calls, r) : 0;
}

static int reserve_chain(struct tail_calls *calls)
{
    if (calls->chain_count < calls->chain_capacity)
        return 0;
    size_t capacity = calls->chain_capacity * 2 + 64;
    void *chains = realloc(calls->chains, capacity * sizeof(calls->chains[0]));
    if (chains == NULL)
        return refuse(calls, -ENOMEM);
    calls->chains = chains;
    calls->chain_capacity = capacity;
    return 0;
}

static int keep_chain(struct tail_calls *calls, uint64_t key, const struct tn_jump_way *way,
                      size_t *ret_index)
{
    struct tail_chain chain = {.count = way->count};
    int r = 0;
    for (size_t i = 0; r == 0 && i < way->count; i++)
        r = frame_of(calls, &way->jumps[i], &chain.frame_ids[i]);
    if (r == 0 && way->count != 0)
        r = reserve_chain(calls);
    if (r < 0)
        return r;
    *ret_index = 0;
    if (way->count != 0) {
        *ret_index = calls->chain_count++;
        calls->chains[*ret_index] = chain;
    }
    r = tn_map_put(&calls->chain_of, key, *ret_index);
    return r < 0 ? refuse(calls, r) : 0;
}

static struct tn_code_place place_of(const struct tail_calls *calls, uint32_t frame_id)
{
    return frame_id < calls->place_count ? calls->places[frame_id] : (struct tn_code_place){0};
}

/* The chain between a frame and the one below it. */
static int chain_between(struct tail_calls *calls, uint32_t caller, uint32_t callee, size_t *ret_index)
{
    uint64_t key = (uint64_t)caller << 32 | callee;
    const uint64_t *known = tn_map_find(&calls->chain_of, key);
    if (known != NULL) {
        *ret_index = *known;
        return 0;
    }
    struct tn_jump_way way;
    int r = tn_jump_ways_to_place(calls->ways, place_of(calls, caller), place_of(calls, callee), &way);
    return r < 0 ? r : keep_chain(calls, key, &way, ret_index);
}

/* The chain between a frame and an allocation function. */
static int chain_to(struct tail_calls *calls, uint32_t caller, unsigned function, size_t *ret_index)
{
    /* no frame has an id this high */
    uint64_t key = (uint64_t)caller << 32 | (UINT32_MAX - function);
    const uint64_t *known = tn_map_find(&calls->chain_of, key);
    if (known != NULL) {
        *ret_index = *known;
        return 0;
    }
    struct tn_jump_way way;
    int r = tn_jump_ways_to_allocator(calls->ways, place_of(calls, caller), (enum tn_function)function, &way);
    return r < 0 ? r : keep_chain(calls, key, &way, ret_index);
}

/* ---------------------------------------------------------------------------------------- stacks */

/* Each recorded pair of frames; the callers' frames are those that were recorded. */
static int add_between(struct tail_calls *calls)
{
    struct tn_stack_edit *edit = &calls->edit;
    int r = 0;
    for (uint32_t id = 1; r == 0 && id < edit->recorded_count; id++) {
        uint32_t caller_id = edit->rows[id].caller_id;
        size_t index = 0;
        if (caller_id == 0)
            continue;
        r = chain_between(calls, edit->rows[caller_id].frame_id, edit->rows[id].frame_id, &index);
        if (r < 0 || index == 0)
            continue;
        r = tn_stack_edit_insert(edit, id, calls->chains[index].frame_ids, calls->chains[index].count);
        if (r < 0)
            return refuse(calls, r);
        tn_finish_progress(calls->job, "tail calls", id, edit->recorded_count);
    }
    return r;
}

static int note_function(void *context, const struct tn_stack_usage *use)
{
    struct tail_calls *calls = context;
    if (use->stack_id < calls->edit.recorded_count && use->function < 32)
        calls->functions[use->stack_id] |= UINT32_C(1) << use->function;
    return 0;
}

static int note_failures(struct tail_calls *calls)
{
    sqlite3_stmt *rows;
    int r = tn_finish_prepare(calls->job,
                              "SELECT DISTINCT a.stack_id, f.id FROM allocation_failure AS a"
                              " JOIN function AS f ON f.name = a.function WHERE a.stack_id IS NOT NULL",
                              &rows);
    if (r < 0)
        return r;
    while ((r = tn_sql_next(rows)) == 1) {
        struct tn_stack_usage use = {.stack_id = tn_sql_count(rows, 0),
                                     .function = (uint8_t)sqlite3_column_int(rows, 1)};
        note_function(calls, &use);
    }
    sqlite3_finalize(rows);
    return r < 0 ? tn_finish_fail(calls->job, r, "cannot add tail calls") : 0;
}

static int load_functions(struct tail_calls *calls)
{
    calls->functions = calloc(calls->edit.recorded_count, sizeof(calls->functions[0]));
    if (calls->functions == NULL)
        return refuse(calls, -ENOMEM);
    int r = tn_finish_each_usage(calls->job, note_function, calls);
    return r < 0 ? refuse(calls, r) : note_failures(calls);
}

/* The chain on which all functions agree that events called with one stack; 0: none. */
static int agreed_chain(struct tail_calls *calls, uint32_t frame_id, uint32_t functions, size_t *ret_index)
{
    size_t agreed = 0;
    int r = 0;
    bool is_first = true;
    for (unsigned function = 1; r == 0 && function < TN_FUNCTION_COUNT; function++) {
        size_t index = 0;
        if ((functions >> function & 1) == 0)
            continue;
        r = chain_to(calls, frame_id, function, &index);
        bool is_other = !is_first && (index == 0) != (agreed == 0);
        for (size_t i = 0; !is_first && !is_other && i < calls->chains[index].count; i++)
            is_other = calls->chains[index].count != calls->chains[agreed].count ||
                       calls->chains[index].frame_ids[i] != calls->chains[agreed].frame_ids[i];
        agreed = is_other ? 0 : index;
        if (is_other)
            break;
        is_first = false;
    }
    *ret_index = agreed;
    return r;
}

static int add_innermost(struct tail_calls *calls)
{
    struct tn_stack_edit *edit = &calls->edit;
    int r = load_functions(calls);
    for (uint32_t id = 1; r == 0 && id < edit->recorded_count; id++) {
        size_t index = 0;
        if (calls->functions[id] == 0)
            continue;
        r = agreed_chain(calls, edit->rows[id].frame_id, calls->functions[id], &index);
        if (r < 0 || index == 0)
            continue;
        r = tn_stack_edit_append(edit, id, calls->chains[index].frame_ids, calls->chains[index].count);
        if (r < 0)
            return refuse(calls, r);
    }
    return r;
}

static int add_all(struct tail_calls *calls)
{
    int r = reserve_chain(calls);
    if (r < 0)
        return r;
    calls->chains[calls->chain_count++] = (struct tail_chain){0};
    r = tn_finish_prepare(calls->job,
                          "INSERT INTO frame (module_id, offset_bytes, is_tail_call) VALUES (?1, ?2, 1)",
                          &calls->insert);
    if (r == 0)
        r = add_between(calls);
    if (r == 0)
        r = add_innermost(calls);
    if (r == 0 && calls->frames_added != 0)
        r = tn_stack_edit_write(&calls->edit);
    return r < 0 ? r : tn_finish_set_meta(calls->job, "tail_call_frames", calls->frames_added);
}

int tn_finish_tail_calls(struct tn_finish_job *job, bool *ret_has_added)
{
    struct tail_calls calls = {.job = job};
    int64_t has_column;
    *ret_has_added = false;
    int r =
        tn_finish_number(job, "SELECT count(*) FROM pragma_table_info('frame') WHERE name = 'is_tail_call'",
                         0, 0, &has_column);
    if (r < 0 || has_column == 0)
        return r;
    r = tn_stack_edit_load(&calls.edit, job);
    bool is_damaged = r == -EBADMSG;
    if (r == 0)
        r = load_places(&calls);
    if (r == 0)
        r = tn_jump_ways_open(job, &calls.ways);
    if (r == 0)
        r = add_all(&calls);
    *ret_has_added = calls.frames_added != 0;
    sqlite3_finalize(calls.insert);
    tn_jump_ways_close(calls.ways);
    tn_stack_edit_finish(&calls.edit);
    tn_map_finish(&calls.frame_of);
    tn_map_finish(&calls.chain_of);
    free(calls.places);
    free(calls.chains);
    free(calls.functions);
    return is_damaged ? 0 : r;
}
