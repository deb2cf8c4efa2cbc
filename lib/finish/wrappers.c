/* SPDX-License-Identifier: MIT */
#include "sites.h"

#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>

/* Who releases a wrapper's blocks shows in a sample as well: so many events of the process with most
 * allocations.
 */
#define SAMPLE_EVENTS 2000000u

struct sample {
    struct tn_map births;             /* id of a live block -> its stack */
    struct tn_map pairs;              /* stack of a birth and of a release -> times */
    struct tn_site_release *releases; /* owned */
    size_t count;
};

static bool is_realloc(enum tn_function function)
{
    return function == TN_FUNCTION_REALLOC || function == TN_FUNCTION_REALLOCARRAY;
}

static int count_release(struct sample *sample, const struct tn_log_event *event)
{
    uint64_t stack;
    if (!tn_map_remove(&sample->births, event->allocation_id, &stack) || is_realloc(event->function) ||
        event->stack_id == 0 || event->stack_id > UINT32_MAX)
        return 0;
    uint64_t key = stack << 32 | event->stack_id;
    uint64_t *times = tn_map_find(&sample->pairs, key);
    if (times == NULL)
        return tn_map_put(&sample->pairs, key, 1);
    ++*times;
    return 0;
}

static int read_sample(struct tn_finish_job *job, struct sample *sample)
{
    int64_t process_id;
    struct tn_event_cursor *cursor;
    const struct tn_log_event *event;
    int r = tn_finish_number(
        job, "SELECT process_id FROM chunk GROUP BY process_id ORDER BY sum(births) DESC LIMIT 1", 0, 0,
        &process_id);
    if (r < 0 || process_id == 0)
        return r;
    r = tn_event_cursor_open(job->database, (uint64_t)process_id, &cursor);
    if (r < 0)
        return tn_finish_refuse(job, r, "cannot read events");
    for (uint32_t i = 0; i < SAMPLE_EVENTS && (r = tn_event_cursor_next(cursor, &event)) == 1; i++) {
        if (!event->is_birth)
            r = count_release(sample, event);
        else if (event->stack_id != 0 && event->stack_id <= UINT32_MAX)
            r = tn_map_put(&sample->births, event->allocation_id, event->stack_id);
        if (r < 0)
            break;
    }
    tn_event_cursor_close(cursor);
    return r < 0 ? tn_finish_refuse(job, r, "cannot read events") : 0;
}

static int list_releases(struct tn_finish_job *job, struct sample *sample)
{
    sample->releases = malloc((sample->pairs.count + 1) * sizeof(sample->releases[0]));
    if (sample->releases == NULL)
        return tn_finish_refuse(job, -ENOMEM, "cannot find wrappers");
    for (size_t i = 0; i < sample->pairs.capacity; i++) {
        const struct tn_map_entry *entry = &sample->pairs.entries[i];
        if (entry->key != 0)
            sample->releases[sample->count++] = (struct tn_site_release){
                (uint32_t)(entry->key >> 32), (uint32_t)(entry->key & UINT32_MAX), entry->value};
    }
    return 0;
}

static int add_name(struct tn_finish_job *job, const struct tn_site_wrapper *wrapper)
{
    sqlite3_stmt *statement;
    int r = tn_finish_prepare(
        job,
        "INSERT INTO meta (key, value) VALUES ('wrappers_found', json_array(json_object("
        "'function', ?1, 'allocations', ?2, 'callers', ?3, 'fixed_callers', ?4, 'sizes', ?5)))"
        " ON CONFLICT (key) DO UPDATE SET value = json_insert(value, '$[#]', json_object("
        "'function', ?1, 'allocations', ?2, 'callers', ?3, 'fixed_callers', ?4, 'sizes', ?5))",
        &statement);
    if (r < 0)
        return r;
    sqlite3_bind_text(statement, 1, wrapper->function, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)wrapper->allocations);
    sqlite3_bind_int64(statement, 3, (sqlite3_int64)wrapper->callers);
    sqlite3_bind_int64(statement, 4, (sqlite3_int64)wrapper->fixed_callers);
    sqlite3_bind_int64(statement, 5, (sqlite3_int64)wrapper->sizes);
    r = tn_finish_execute(job, statement);
    sqlite3_finalize(statement);
    return r;
}

/* Find them, knowing who releases what. */
static int find(struct tn_finish_job *job, const struct tn_site_use *sizes, const struct sample *sample,
                struct tn_site_forest *forest)
{
    struct tn_site_wrapper *wrappers = NULL;
    size_t count = 0;
    int r = tn_site_find_wrappers(forest, sizes, sample->releases, sample->count, &wrappers, &count);
    if (r < 0)
        return tn_finish_refuse(job, r, "cannot find wrappers");
    for (size_t i = 0; r == 0 && i < count; i++)
        r = add_name(job, &wrappers[i]);
    free(wrappers);
    return r;
}

/* Most programs have none, and need no sample. */
static int has_candidates(struct tn_finish_job *job, const struct tn_site_use *sizes,
                          struct tn_site_forest *forest, bool *ret_has)
{
    struct tn_site_wrapper *wrappers = NULL;
    size_t count = 0;
    int r = tn_site_find_wrappers(forest, sizes, NULL, 0, &wrappers, &count);
    free(wrappers);
    *ret_has = count != 0;
    return r < 0 ? tn_finish_refuse(job, r, "cannot find wrappers") : 0;
}

int tn_finish_wrappers(struct tn_finish_job *job, const struct tn_site_rules *rules,
                       const struct tn_site_use *sizes, struct tn_site_forest *forest)
{
    struct sample sample = {0};
    bool has;
    int r = has_candidates(job, sizes, forest, &has);
    if (r < 0 || !has)
        return r;
    /* the marks of that attempt are taken back by loading anew */
    tn_site_forest_finish(forest);
    r = tn_finish_forest_load(job, rules, forest);
    if (r == 0)
        r = read_sample(job, &sample);
    if (r == 0)
        r = list_releases(job, &sample);
    if (r == 0)
        r = find(job, sizes, &sample, forest);
    tn_map_finish(&sample.births);
    tn_map_finish(&sample.pairs);
    free(sample.releases);
    return r;
}
