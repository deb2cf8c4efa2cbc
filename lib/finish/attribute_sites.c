/* SPDX-License-Identifier: MIT */
/* The step `sites`: writes a row of `site` for each (function, file, line, module, via), where the module
 * offset stands for a line that is not known, and sets stack.site_id of each stack that an event uses.
 * Called by finish.c. */
#include "attribute_sites.h"
#include "module_files.h"
#include "usages.h"

#include "tenure/log_write.h"
#include "tenure/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Working state of the step. */
struct attribution {
    struct tn_finish_job *job;
    struct tn_site_trie trie;
    struct tn_stack_use *uses;  /* owned; by stack id */
    struct tn_site_use *sizes;  /* owned; by stack id */
    struct tn_site_link *links; /* owned */
    size_t link_count, link_capacity;
    sqlite3_stmt *describe, *find, *insert, *remember, *set; /* owned */
};

/* Print what makes a site: equal text for equal sites. */
static int print_key(sqlite3_stmt *frame, const char *via, struct tn_buffer *key)
{
    key->size_bytes = 0;
    int r = 0;
    for (int column = 0; column < 5 && r == 0; column++) {
        const char *text = tn_sql_text(frame, column);
        r = tn_buffer_print(key, "%s\x1f", text != NULL ? text : "");
    }
    return r < 0 ? r : tn_buffer_print(key, "%s", via);
}

static int insert_site(struct attribution *attribution, const struct tn_buffer *key, const char *via,
                       int64_t *ret_site_id)
{
    for (int column = 0; column < 5; column++)
        sqlite3_bind_value(attribution->insert, column + 1,
                           sqlite3_column_value(attribution->describe, column));
    tn_sql_bind_text(attribution->insert, 6, via);
    int r = tn_finish_execute(attribution->job, attribution->insert);
    if (r < 0)
        return r;
    int64_t site_id = sqlite3_last_insert_rowid(attribution->job->database);
    sqlite3_bind_text(attribution->remember, 1, (const char *)key->data, (int)key->size_bytes, SQLITE_STATIC);
    sqlite3_bind_int64(attribution->remember, 2, site_id);
    r = tn_finish_execute(attribution->job, attribution->remember);
    if (r == 0)
        *ret_site_id = site_id;
    return r;
}

/* The site row for the frame that `describe` stands at; written if it is new. */
static int find_or_insert(struct attribution *attribution, const char *via, int64_t *ret_site_id)
{
    struct tn_buffer key = {0};
    int r = print_key(attribution->describe, via, &key);
    if (r < 0) {
        r = tn_finish_refuse(attribution->job, r, "cannot write sites");
        goto out;
    }
    sqlite3_bind_text(attribution->find, 1, (const char *)key.data, (int)key.size_bytes, SQLITE_STATIC);
    if (tn_sql_next(attribution->find) == 1)
        *ret_site_id = sqlite3_column_int64(attribution->find, 0);
    else
        r = insert_site(attribution, &key, via, ret_site_id);
    sqlite3_reset(attribution->find);
out:
    tn_buffer_finish(&key);
    return r;
}

static int add_link(struct attribution *attribution, struct tn_site_frame *entry, const char *via,
                    int64_t site_id)
{
    if (attribution->link_count == attribution->link_capacity) {
        size_t capacity = attribution->link_capacity != 0 ? attribution->link_capacity * 2 : 1024;
        struct tn_site_link *links = realloc(attribution->links, capacity * sizeof(links[0]));
        if (links == NULL)
            return tn_finish_refuse(attribution->job, -ENOMEM, "cannot write sites");
        attribution->links = links;
        attribution->link_capacity = capacity;
    }
    attribution->links[attribution->link_count++] = (struct tn_site_link){via, site_id, entry->first_link};
    entry->first_link = (uint32_t)attribution->link_count;
    return 0;
}

/* The site row of a frame and a via. Many stacks share a site, so each answer is kept in a list at the frame.
 */
static int site_of(struct attribution *attribution, struct tn_site_frame *entry, const char *via,
                   int64_t *ret_site_id)
{
    for (uint32_t i = entry->first_link; i != 0; i = attribution->links[i - 1].next) {
        if (strcmp(attribution->links[i - 1].via, via) != 0)
            continue;
        *ret_site_id = attribution->links[i - 1].site_id;
        return 0;
    }
    sqlite3_bind_int64(attribution->describe, 1, entry->frame_id);
    int next = tn_sql_next(attribution->describe);
    int64_t site_id = 0;
    int r = next == 1 ? find_or_insert(attribution, via, &site_id)
                      : tn_finish_fail(attribution->job, next, "cannot write sites");
    sqlite3_reset(attribution->describe);
    if (r == 0)
        r = add_link(attribution, entry, via, site_id);
    if (r == 0)
        *ret_site_id = site_id;
    return r;
}

/* Set the site of one stack. function: that it calls, by name. */
static int attribute_one(struct attribution *attribution, uint64_t stack_id, const char *function)
{
    const char *via;
    int64_t site_id = 0;
    struct tn_site_frame *entry = tn_site_trie_find(&attribution->trie, stack_id, function, &via);
    if (entry == NULL)
        return 0;
    int r = site_of(attribution, entry, via, &site_id);
    if (r < 0)
        return r;
    tn_sql_bind_count(attribution->set, 1, stack_id);
    sqlite3_bind_int64(attribution->set, 2, site_id);
    return tn_finish_execute(attribution->job, attribution->set);
}

static int attribute(struct attribution *attribution)
{
    int r = 0;
    for (uint64_t id = 1; r == 0 && id < attribution->trie.node_count; id++)
        if (attribution->uses[id].function != 0)
            r = attribute_one(attribution, id,
                              tn_function_name((enum tn_function)attribution->uses[id].function));
    return r;
}

/* Blocks of the program's own pools: the function that tells of them is the pool's, and the site is its
 * caller. Logs of older tools have no such table. */
static int attribute_pools(struct attribution *attribution)
{
    struct tn_finish_job *job = attribution->job;
    sqlite3_stmt *rows;
    int64_t tables;
    int r =
        tn_finish_number(job, "SELECT count(*) FROM sqlite_schema WHERE name = 'pool_block'", 0, 0, &tables);
    if (r < 0 || tables == 0)
        return r;
    r = tn_finish_prepare(job, "SELECT DISTINCT stack_id FROM pool_block WHERE stack_id IS NOT NULL", &rows);
    if (r < 0)
        return r;
    int next = 0;
    while (r == 0 && (next = tn_sql_next(rows)) == 1) {
        uint64_t stack_id = tn_sql_count(rows, 0);
        tn_site_trie_skip_innermost(&attribution->trie, stack_id);
        r = attribute_one(attribution, stack_id, "tenure_pool_alloc");
    }
    sqlite3_finalize(rows);
    return next < 0 ? tn_finish_fail(job, next, "cannot write sites") : r;
}

static int prepare(struct attribution *attribution)
{
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } statements[] = {
        {&attribution->describe,
         "SELECT f.function, f.file, f.line, m.path,"
         " CASE WHEN f.line IS NULL THEN f.offset_bytes END"
         " FROM frame AS f LEFT JOIN module AS m ON m.id = f.module_id WHERE f.id = ?1"},
        {&attribution->find, "SELECT site_id FROM temp.site_key WHERE key = ?1"},
        {&attribution->remember, "INSERT INTO temp.site_key (key, site_id) VALUES (?1, ?2)"},
        {&attribution->insert,
         "INSERT INTO site (function, file, line, module, offset_bytes, via)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
        {&attribution->set, "UPDATE stack SET site_id = ?2 WHERE id = ?1"},
    };
    int r = tn_finish_run(attribution->job,
                          "DROP TABLE IF EXISTS temp.site_key;"
                          "CREATE TEMP TABLE site_key (key TEXT PRIMARY KEY, site_id INTEGER)"
                          " WITHOUT ROWID");
    for (size_t i = 0; r == 0 && i < sizeof(statements) / sizeof(statements[0]); i++)
        r = tn_finish_prepare(attribution->job, statements[i].sql, statements[i].statement);
    return r;
}

/* A log that an older program began has no such column. */
static int set_keys(struct tn_finish_job *job)
{
    int64_t has_column;
    int r = tn_finish_number(job, "SELECT count(*) FROM pragma_table_info('site') WHERE name = 'key'", 0, 0,
                             &has_column);
    return r == 0 && has_column != 0 ? tn_finish_run(job, tn_log_site_keys) : r;
}

static int find_sites(struct attribution *attribution)
{
    bool has_stackless;
    attribution->uses = calloc(attribution->trie.node_count, sizeof(attribution->uses[0]));
    attribution->sizes = calloc(attribution->trie.node_count, sizeof(attribution->sizes[0]));
    if (attribution->uses == NULL || attribution->sizes == NULL)
        return tn_finish_refuse(attribution->job, -ENOMEM, "cannot write sites");
    int r = tn_finish_count_usage(attribution->job, attribution->uses, attribution->sizes,
                                  attribution->trie.node_count, &has_stackless);
    if (r == 0 && !attribution->job->options->keeps_wrappers)
        r = tn_finish_find_wrappers(attribution->job, attribution->uses, attribution->sizes,
                                    &attribution->trie);
    if (r == 0)
        r = prepare(attribution);
    if (r == 0)
        r = attribute(attribution);
    if (r == 0)
        r = tn_finish_tag_containers(attribution->job, &attribution->trie, attribution->uses);
    if (r == 0)
        r = attribute_pools(attribution);
    if (r == 0 && has_stackless)
        r = tn_finish_run(attribution->job, "INSERT INTO site (via) VALUES ('unknown')");
    return r == 0 ? set_keys(attribution->job) : r;
}

int tn_finish_sites(struct tn_finish_job *job)
{
    struct attribution attribution = {.job = job};
    struct tn_site_rules *rules;
    int r = tn_site_rules_open(job->options->wrapper_regex, &rules, job->error);
    if (r < 0)
        return r;
    r = tn_finish_load_stacks(job, rules, &attribution.trie);
    if (r == 0)
        r = find_sites(&attribution);
    sqlite3_finalize(attribution.describe);
    sqlite3_finalize(attribution.find);
    sqlite3_finalize(attribution.remember);
    sqlite3_finalize(attribution.insert);
    sqlite3_finalize(attribution.set);
    free(attribution.links);
    free(attribution.uses);
    free(attribution.sizes);
    tn_site_trie_finish(&attribution.trie);
    tn_site_rules_close(rules);
    /* no later step asks */
    tn_finish_usages_forget(job);
    tn_finish_files_close(job);
    return r;
}
