/* SPDX-License-Identifier: MIT */
/* Finds allocation wrappers by their code and use: lib/site decides, this file reads the events that it needs
 * and writes the answer. A sample of releases shows which functions release their blocks themselves. Called
 * by attribute_sites.c. */
#include "wrapper_code.h"

#include "tenure/map.h"
#include "tenure/sql.h"

#include <errno.h>
#include <stdlib.h>

/* The sample: the first events of the process with most allocations, and of their blocks those within so many
 * ids of the first.
 */
#define SAMPLE_EVENTS 2000000
#define SAMPLE_IDS    4000000u

struct sample {
    uint32_t *birth_stacks;           /* owned; by id - first_id: stack of a live block; 0: none */
    uint64_t first_id;                /* 0: no birth so far */
    struct tn_map pairs;              /* stack of birth << 32 | stack of release -> times */
    struct tn_site_release *releases; /* owned */
    size_t count;
};

static bool is_realloc(enum tn_function function)
{
    return function == TN_FUNCTION_REALLOC || function == TN_FUNCTION_REALLOCARRAY;
}

static void note_birth(struct sample *sample, const struct tn_log_event *event)
{
    if (sample->first_id == 0)
        sample->first_id = event->allocation_id;
    uint64_t index = event->allocation_id - sample->first_id;
    if (index < SAMPLE_IDS && event->stack_id <= UINT32_MAX)
        sample->birth_stacks[index] = (uint32_t)event->stack_id;
}

static int count_release(struct sample *sample, const struct tn_log_event *event)
{
    uint64_t index = event->allocation_id - sample->first_id;
    uint64_t stack = index < SAMPLE_IDS ? sample->birth_stacks[index] : 0;
    if (stack == 0)
        return 0;
    sample->birth_stacks[index] = 0;
    if (is_realloc(event->function) || event->stack_id == 0 || event->stack_id > UINT32_MAX)
        return 0;
    uint64_t key = stack << 32 | event->stack_id;
    uint64_t *times = tn_map_find(&sample->pairs, key);
    if (times == NULL)
        return tn_map_put(&sample->pairs, key, 1);
    ++*times;
    return 0;
}

static int read_events(struct sample *sample, struct tn_event_feed *feed)
{
    const struct tn_log_event *events;
    int count = 0, r = 0;
    for (int left = SAMPLE_EVENTS; r == 0 && left > 0; left -= count) {
        count = tn_event_feed_next(feed, &events);
        if (count <= 0)
            return count;
        for (int i = 0; r == 0 && i < count && i < left; i++) {
            if (events[i].is_birth)
                note_birth(sample, &events[i]);
            else
                r = count_release(sample, &events[i]);
        }
    }
    return r;
}

static int read_sample(struct tn_finish_job *job, struct sample *sample)
{
    int64_t process_id;
    struct tn_event_feed *feed;
    int r = tn_finish_number(
        job, "SELECT process_id FROM chunk GROUP BY process_id ORDER BY sum(births) DESC LIMIT 1", 0, 0,
        &process_id);
    if (r < 0 || process_id == 0)
        return r;
    sample->birth_stacks = calloc(SAMPLE_IDS, sizeof(sample->birth_stacks[0]));
    if (sample->birth_stacks == NULL)
        return tn_finish_refuse(job, -ENOMEM, "cannot find wrappers");
    r = tn_event_feed_open(job->database, (uint64_t)process_id, &feed);
    if (r == 0) {
        r = read_events(sample, feed);
        tn_event_feed_close(feed);
    }
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

/* Where each is written, and with which word. */
static const struct {
    const char *key, *evidence;
} words[] = {
    [TN_SITE_BY_USE] = {"wrappers_found", "by use"},
    [TN_SITE_BY_CODE] = {"wrappers_found", "by code"},
    [TN_SITE_UNDECIDED] = {"wrappers_undecided", "too little use"},
};

static int add_name(struct tn_finish_job *job, const struct tn_site_wrapper *wrapper)
{
    sqlite3_stmt *statement;
    int r = tn_finish_prepare(
        job,
        "INSERT INTO meta (key, value) VALUES (?7, json_array(json_object('function', ?1, 'allocations', ?2,"
        " 'callers', ?3, 'fixed_callers', ?4, 'sizes', ?5, 'evidence', ?6)))"
        " ON CONFLICT (key) DO UPDATE SET value = json_insert(value, '$[#]', json_object('function', ?1,"
        " 'allocations', ?2, 'callers', ?3, 'fixed_callers', ?4, 'sizes', ?5, 'evidence', ?6))",
        &statement);
    if (r < 0)
        return r;
    tn_sql_bind_text(statement, 1, wrapper->function);
    tn_sql_bind_count(statement, 2, wrapper->allocations);
    tn_sql_bind_count(statement, 3, wrapper->callers);
    tn_sql_bind_count(statement, 4, wrapper->fixed_callers);
    tn_sql_bind_count(statement, 5, wrapper->sizes);
    tn_sql_bind_text(statement, 6, words[wrapper->evidence].evidence);
    tn_sql_bind_text(statement, 7, words[wrapper->evidence].key);
    r = tn_finish_execute(job, statement);
    sqlite3_finalize(statement);
    return r;
}

/* Find wrappers with the sample of releases, and write them. */
static int find(struct tn_finish_job *job, const struct tn_site_use *sizes, const struct sample *sample,
                const struct tn_site_reader *reader, struct tn_site_trie *trie)
{
    struct tn_site_wrapper *wrappers = NULL;
    size_t count = 0;
    int r = tn_site_find_wrappers(trie, sizes, sample->releases, sample->count, reader, &wrappers, &count);
    if (r < 0)
        return tn_finish_refuse(job, r, "cannot find wrappers");
    for (size_t i = 0; r == 0 && i < count; i++)
        r = add_name(job, &wrappers[i]);
    free(wrappers);
    return r;
}

/* Read the sample, and decide with it. */
static int decide(struct tn_finish_job *job, const struct tn_site_use *sizes,
                  const struct tn_site_reader *reader, struct tn_site_trie *trie)
{
    struct sample sample = {0};
    int r = read_sample(job, &sample);
    if (r == 0)
        r = list_releases(job, &sample);
    free(sample.birth_stacks);
    if (r == 0)
        r = find(job, sizes, &sample, reader, trie);
    tn_map_finish(&sample.pairs);
    free(sample.releases);
    return r;
}

int tn_finish_find_wrappers(struct tn_finish_job *job, const struct tn_stack_use *uses,
                            const struct tn_site_use *sizes, struct tn_site_trie *trie)
{
    struct tn_wrapper_code *code = NULL;
    bool has = false;
    int r = tn_wrapper_code_open(job, uses, trie, &code);
    struct tn_site_reader reader = {tn_wrapper_code_look, code};
    if (r == 0) {
        r = tn_site_may_have_wrappers(trie, sizes, &reader, &has);
        if (r < 0)
            tn_finish_refuse(job, r, "cannot find wrappers");
    }
    if (r == 0 && has)
        r = decide(job, sizes, &reader, trie);
    tn_wrapper_code_close(code);
    return r;
}
