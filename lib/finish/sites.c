/* SPDX-License-Identifier: MIT */
#include "sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Writes the table `site`: a row for each (function, file, line, module, via), where the offset stands for a
 * line that is not known. */
struct siting {
    struct tn_finish_job *job;
    struct tn_site_forest forest;
    struct tn_stack_use *uses;  /* owned; by stack id */
    struct tn_site_use *sizes;  /* owned; by stack id */
    struct tn_site_link *links; /* owned */
    size_t link_count, link_capacity;
    sqlite3_stmt *describe, *find, *insert, *remember, *set; /* owned */
};

/* Text that is equal for equal sites. */
static int print_key(sqlite3_stmt *frame, const char *via, struct tn_buffer *key)
{
    key->size_bytes = 0;
    int r = 0;
    for (int column = 0; column < 5 && r == 0; column++) {
        const char *text = (const char *)sqlite3_column_text(frame, column);
        r = tn_buffer_print(key, "%s\x1f", text != NULL ? text : "");
    }
    return r < 0 ? r : tn_buffer_print(key, "%s", via);
}

static int insert_site(struct siting *siting, const struct tn_buffer *key, const char *via,
                       int64_t *ret_site_id)
{
    for (int column = 0; column < 5; column++)
        sqlite3_bind_value(siting->insert, column + 1, sqlite3_column_value(siting->describe, column));
    sqlite3_bind_text(siting->insert, 6, via, -1, SQLITE_STATIC);
    int r = tn_finish_execute(siting->job, siting->insert);
    if (r < 0)
        return r;
    int64_t site_id = sqlite3_last_insert_rowid(siting->job->database);
    sqlite3_bind_text(siting->remember, 1, (const char *)key->data, (int)key->size_bytes, SQLITE_STATIC);
    sqlite3_bind_int64(siting->remember, 2, site_id);
    r = tn_finish_execute(siting->job, siting->remember);
    if (r == 0)
        *ret_site_id = site_id;
    return r;
}

/* The row for what `describe` shows, old or new. */
static int find_or_insert(struct siting *siting, const char *via, int64_t *ret_site_id)
{
    struct tn_buffer key = {0};
    int r = print_key(siting->describe, via, &key);
    if (r < 0) {
        r = tn_finish_refuse(siting->job, r, "cannot write sites");
        goto out;
    }
    sqlite3_bind_text(siting->find, 1, (const char *)key.data, (int)key.size_bytes, SQLITE_STATIC);
    if (sqlite3_step(siting->find) == SQLITE_ROW)
        *ret_site_id = sqlite3_column_int64(siting->find, 0);
    else
        r = insert_site(siting, &key, via, ret_site_id);
    sqlite3_reset(siting->find);
out:
    tn_buffer_finish(&key);
    return r;
}

static int add_link(struct siting *siting, struct tn_site_frame *entry, const char *via, int64_t site_id)
{
    if (siting->link_count == siting->link_capacity) {
        size_t capacity = siting->link_capacity != 0 ? siting->link_capacity * 2 : 1024;
        struct tn_site_link *links = realloc(siting->links, capacity * sizeof(links[0]));
        if (links == NULL)
            return tn_finish_refuse(siting->job, -ENOMEM, "cannot write sites");
        siting->links = links;
        siting->link_capacity = capacity;
    }
    siting->links[siting->link_count++] = (struct tn_site_link){via, site_id, entry->first_link};
    entry->first_link = (uint32_t)siting->link_count;
    return 0;
}

/* Many stacks end at one frame: what was found for it once is kept. */
static int site_of(struct siting *siting, struct tn_site_frame *entry, const char *via, int64_t *ret_site_id)
{
    for (uint32_t i = entry->first_link; i != 0; i = siting->links[i - 1].next) {
        if (strcmp(siting->links[i - 1].via, via) != 0)
            continue;
        *ret_site_id = siting->links[i - 1].site_id;
        return 0;
    }
    sqlite3_bind_int64(siting->describe, 1, entry->frame_id);
    int rc = sqlite3_step(siting->describe);
    int64_t site_id = 0;
    int r = rc == SQLITE_ROW ? find_or_insert(siting, via, &site_id)
                             : tn_finish_fail(siting->job, rc, "cannot write sites");
    sqlite3_reset(siting->describe);
    if (r == 0)
        r = add_link(siting, entry, via, site_id);
    if (r == 0)
        *ret_site_id = site_id;
    return r;
}

static int attribute(struct siting *siting)
{
    int r = 0;
    for (uint64_t id = 1; r == 0 && id < siting->forest.node_count; id++) {
        if (siting->uses[id].function == 0)
            continue;
        const char *via;
        const char *function = tn_function_name((enum tn_function)siting->uses[id].function);
        struct tn_site_frame *entry = tn_site_forest_find(&siting->forest, id, function, &via);
        if (entry == NULL)
            continue;
        int64_t site_id = 0;
        r = site_of(siting, entry, via, &site_id);
        if (r < 0)
            break;
        sqlite3_bind_int64(siting->set, 1, (sqlite3_int64)id);
        sqlite3_bind_int64(siting->set, 2, site_id);
        r = tn_finish_execute(siting->job, siting->set);
    }
    return r;
}

static int prepare(struct siting *siting)
{
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } statements[] = {
        {&siting->describe,
         "SELECT f.function, f.file, f.line, m.path,"
         " CASE WHEN f.line IS NULL THEN f.offset_bytes END"
         " FROM frame AS f LEFT JOIN module AS m ON m.id = f.module_id WHERE f.id = ?1"},
        {&siting->find, "SELECT site_id FROM temp.site_key WHERE key = ?1"},
        {&siting->remember, "INSERT INTO temp.site_key (key, site_id) VALUES (?1, ?2)"},
        {&siting->insert,
         "INSERT INTO site (function, file, line, module, offset_bytes, via)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
        {&siting->set, "UPDATE stack SET site_id = ?2 WHERE id = ?1"},
    };
    int r = tn_finish_run(siting->job,
                          "DROP TABLE IF EXISTS temp.site_key;"
                          "CREATE TEMP TABLE site_key (key TEXT PRIMARY KEY, site_id INTEGER)"
                          " WITHOUT ROWID");
    for (size_t i = 0; r == 0 && i < sizeof(statements) / sizeof(statements[0]); i++)
        r = tn_finish_prepare(siting->job, statements[i].sql, statements[i].statement);
    return r;
}

static int find_sites(struct siting *siting)
{
    bool has_stackless;
    siting->uses = calloc(siting->forest.node_count, sizeof(siting->uses[0]));
    siting->sizes = calloc(siting->forest.node_count, sizeof(siting->sizes[0]));
    if (siting->uses == NULL || siting->sizes == NULL)
        return tn_finish_refuse(siting->job, -ENOMEM, "cannot write sites");
    int r = tn_finish_count_uses(siting->job, siting->uses, siting->sizes, siting->forest.node_count,
                                 &has_stackless);
    if (r == 0 && !siting->job->options->keeps_wrappers)
        r = tn_finish_wrappers(siting->job, siting->sizes, &siting->forest);
    if (r == 0)
        r = prepare(siting);
    if (r == 0)
        r = attribute(siting);
    if (r == 0 && has_stackless)
        r = tn_finish_run(siting->job, "INSERT INTO site (via) VALUES ('unknown')");
    return r;
}

int tn_finish_sites(struct tn_finish_job *job)
{
    struct siting siting = {.job = job};
    struct tn_site_rules *rules;
    int r = tn_site_rules_open(job->options->wrapper_regex, &rules, job->error);
    if (r < 0)
        return r;
    r = tn_finish_forest_load(job, rules, &siting.forest);
    if (r == 0)
        r = find_sites(&siting);
    sqlite3_finalize(siting.describe);
    sqlite3_finalize(siting.find);
    sqlite3_finalize(siting.remember);
    sqlite3_finalize(siting.insert);
    sqlite3_finalize(siting.set);
    free(siting.links);
    free(siting.uses);
    free(siting.sizes);
    tn_site_forest_finish(&siting.forest);
    tn_site_rules_close(rules);
    return r;
}
