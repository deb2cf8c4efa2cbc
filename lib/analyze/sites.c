/* SPDX-License-Identifier: MIT */
/* The sites of all stacks. A finished log has them in its tables. For a log that is not finished, or that is
 * read with more wrappers named, they are found by the same rules in memory. Called once before the pass. */
#include "pass.h"

#include "tenure/map.h"
#include "tenure/site.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct siting {
    struct tn_pass *pass;
    struct tn_site_trie forest;
    struct tn_map by_key; /* hash of a site's key -> index of the site */
    char **keys;          /* owned; by site: text that is equal for equal sites */
    uint32_t *next;       /* owned; by site: another one with the same hash; 0: none */
    size_t capacity;      /* room in the arrays by site */
    uint8_t
        *functions; /* owned; by stack: allocation function of its first birth; 0: no birth has this stack */
    sqlite3_stmt *describe; /* owned */
};

/* ---------------------------------------------------------------------------------------- sites of the log
 */

static bool is_program(const struct tn_site_rules *rules, sqlite3_stmt *row)
{
    struct tn_site_class class;
    struct tn_site_source source = {tn_sql_text(row, 1), tn_sql_text(row, 6), (uint32_t)tn_sql_count(row, 7),
                                    tn_sql_text(row, 2), tn_sql_count(row, 3)};
    tn_site_classify(rules, &source, &class);
    return class.kind == TN_SITE_PROGRAM;
}

/* Until here node->site holds row ids of `site`, from here on indices. Row ids have no gaps. */
static int load_table(struct tn_pass *pass, const struct tn_site_rules *rules)
{
    size_t count;
    sqlite3_stmt *rows;
    int r = tn_pass_count_rows(pass, "SELECT coalesce(max(id), 0), count(*) FROM site", &pass->site_count,
                               &count);
    if (r < 0)
        return r;
    pass->sites = calloc(pass->site_count, sizeof(pass->sites[0]));
    if (pass->sites == NULL)
        return tn_pass_refuse(pass, -ENOMEM, "cannot load sites");
    r = tn_pass_prepare(pass,
                        "SELECT id, function, module, offset_bytes, via = 'unknown' AND function IS NULL"
                        " AND module IS NULL AND offset_bytes IS NULL, via, file, line FROM site",
                        &rows);
    if (r < 0)
        return r;
    while ((r = tn_sql_next(rows)) == 1) {
        uint64_t site_id = tn_sql_count(rows, 0);
        if (site_id == 0 || site_id >= pass->site_count)
            continue;
        bool is_stackless = sqlite3_column_int(rows, 4) != 0;
        pass->sites[is_stackless ? 0 : site_id].site_id = site_id;
        pass->sites[site_id].site_id = site_id;
        pass->sites[site_id].is_runtime =
            !is_stackless && (!is_program(rules, rows) || tn_site_is_library_object(tn_sql_text(rows, 5)));
    }
    for (size_t id = 1; id < pass->node_count; id++)
        if (pass->nodes[id].site >= pass->site_count)
            pass->nodes[id].site = 0;
    return tn_pass_end_rows(pass, rows, r, "cannot read sites");
}

/* ---------------------------------------------------------------------------------------- sites found anew
 */

/* What each frame is added to, and by which rules. */
struct frame_walk {
    struct tn_site_trie *forest;       /* borrowed */
    const struct tn_site_rules *rules; /* borrowed */
};

static int add_frame(void *context, const struct tn_log_frame *frame)
{
    const struct frame_walk *walk = context;
    struct tn_site_source source = {frame->function, frame->file, frame->line, frame->module,
                                    frame->offset_bytes};
    return tn_site_trie_add_frame(walk->forest, walk->rules, frame->id, frame->physical_id, &source);
}

static int load_forest(struct siting *siting, const struct tn_site_rules *rules)
{
    struct tn_pass *pass = siting->pass;
    size_t group_count, frame_count;
    int r = tn_pass_count_rows(pass, "SELECT coalesce(max(id), 0), count(*) FROM frame", &group_count,
                               &frame_count);
    if (r < 0)
        return r;
    r = tn_site_trie_begin(&siting->forest, pass->node_count, group_count, frame_count);
    if (r < 0)
        return tn_pass_refuse(pass, r, "cannot load frames");
    for (size_t id = 1; id < pass->node_count; id++)
        tn_site_trie_add_stack(&siting->forest, id, pass->nodes[id].frame_id, pass->nodes[id].caller_id,
                               pass->nodes[id].depth);
    tn_site_trie_end_stacks(&siting->forest);
    struct frame_walk walk = {&siting->forest, rules};
    r = tn_log_each_frame(tn_log_database(pass->log), add_frame, &walk);
    return r < 0 ? tn_pass_refuse(pass, r, "cannot load frames") : 0;
}

/* Note which stacks are those of births, and of which function. */
static int load_functions(struct siting *siting)
{
    const struct tn_pass *pass = siting->pass;
    struct tn_event_cursor *cursor;
    const struct tn_log_event *event;
    siting->functions = calloc(pass->node_count, 1);
    if (siting->functions == NULL)
        return tn_pass_refuse(pass, -ENOMEM, "cannot find sites");
    int r = tn_event_cursor_open(tn_log_database(pass->log), pass->process_id, &cursor);
    if (r < 0)
        return tn_pass_refuse(pass, r, "cannot read events");
    while ((r = tn_event_cursor_next(cursor, &event)) == 1)
        if (event->is_birth && event->stack_id < pass->node_count && siting->functions[event->stack_id] == 0)
            siting->functions[event->stack_id] = (uint8_t)event->function;
    tn_event_cursor_close(cursor);
    return r < 0 ? tn_pass_refuse(pass, r, "cannot read events") : 0;
}

/* Text that is equal for equal sites, built as when a log is finished. */
static int print_key(struct siting *siting, uint32_t frame_id, const char *via, struct tn_buffer *key)
{
    sqlite3_bind_int64(siting->describe, 1, frame_id);
    int next = tn_sql_next(siting->describe);
    int r = next < 0 ? next : 0;
    for (int column = 0; column < 5 && r == 0; column++) {
        const char *text = tn_sql_text(siting->describe, column);
        r = tn_buffer_print(key, "%s\x1f", text != NULL ? text : "");
    }
    sqlite3_reset(siting->describe);
    return r < 0 ? r : tn_buffer_print(key, "%s", via);
}

static uint64_t hash_of(const char *key)
{
    uint64_t hash = 1;
    for (; *key != '\0'; key++)
        hash = tn_mix(hash ^ (uint8_t)*key);
    return hash | 1;
}

static int grow(struct siting *siting)
{
    struct tn_pass *pass = siting->pass;
    size_t capacity = siting->capacity * 2 + 64;
    void *sites = realloc(pass->sites, capacity * sizeof(pass->sites[0]));
    if (sites != NULL)
        pass->sites = sites;
    void *origins = realloc(pass->origins, capacity * sizeof(pass->origins[0]));
    if (origins != NULL)
        pass->origins = origins;
    void *keys = realloc(siting->keys, capacity * sizeof(siting->keys[0]));
    if (keys != NULL)
        siting->keys = keys;
    void *next = realloc(siting->next, capacity * sizeof(siting->next[0]));
    if (next != NULL)
        siting->next = next;
    if (sites == NULL || origins == NULL || keys == NULL || next == NULL)
        return -ENOMEM;
    siting->capacity = capacity;
    return 0;
}

/* Add a site. Takes over key, which may be NULL for the site of blocks without a stack. */
static int add_site(struct siting *siting, const struct tn_site_frame *frame, const char *via, char *key)
{
    struct tn_pass *pass = siting->pass;
    int r = pass->site_count == siting->capacity ? grow(siting) : 0;
    char *name = r == 0 ? strdup(via) : NULL;
    if (name == NULL) {
        free(key);
        return -ENOMEM;
    }
    siting->keys[pass->site_count] = key;
    siting->next[pass->site_count] = 0;
    pass->sites[pass->site_count] =
        (struct tn_pass_site){.is_runtime = frame != NULL && (frame->class.kind != TN_SITE_PROGRAM ||
                                                              tn_site_is_library_object(via))};
    pass->origins[pass->site_count++] =
        (struct tn_site_origin){.frame_id = frame != NULL ? frame->frame_id : 0, .via = name};
    return 0;
}

static int find_site(struct siting *siting, const struct tn_site_frame *frame, const char *via,
                     uint32_t *ret_site)
{
    struct tn_buffer key = {0};
    int r = print_key(siting, frame->frame_id, via, &key);
    if (r < 0) {
        tn_buffer_finish(&key);
        return r;
    }
    uint64_t hash = hash_of((char *)key.data);
    uint64_t *first = tn_map_find(&siting->by_key, hash);
    for (uint32_t site = first != NULL ? (uint32_t)*first : 0; site != 0; site = siting->next[site]) {
        if (strcmp(siting->keys[site], (char *)key.data) != 0)
            continue;
        tn_buffer_finish(&key);
        *ret_site = site;
        return 0;
    }
    uint32_t other = first != NULL ? (uint32_t)*first : 0, site = (uint32_t)siting->pass->site_count;
    r = add_site(siting, frame, via, (char *)key.data);
    if (r == 0) {
        siting->next[site] = other;
        *ret_site = site;
        r = tn_map_put(&siting->by_key, hash, site);
    }
    return r;
}

static int attribute(struct siting *siting)
{
    struct tn_pass *pass = siting->pass;
    int r = tn_pass_prepare(pass,
                            "SELECT f.function, f.file, f.line, m.path,"
                            " CASE WHEN f.line IS NULL THEN f.offset_bytes END"
                            " FROM frame AS f LEFT JOIN module AS m ON m.id = f.module_id WHERE f.id = ?1",
                            &siting->describe);
    if (r < 0)
        return r;
    r = add_site(siting, NULL, "unknown", NULL);
    for (size_t id = 1; r == 0 && id < pass->node_count; id++) {
        const char *via;
        pass->nodes[id].site = 0;
        if (siting->functions[id] == 0)
            continue;
        const char *function = tn_function_name((enum tn_function)siting->functions[id]);
        const struct tn_site_frame *frame = tn_site_trie_find(&siting->forest, id, function, &via);
        if (frame != NULL)
            r = find_site(siting, frame, via, &pass->nodes[id].site);
    }
    return r < 0 ? tn_pass_refuse(pass, r, "cannot find sites") : 0;
}

static int find_sites(struct tn_pass *pass, const struct tn_site_rules *rules)
{
    struct siting siting = {.pass = pass};
    int r = load_functions(&siting);
    if (r == 0)
        r = load_forest(&siting, rules);
    if (r == 0)
        r = attribute(&siting);
    sqlite3_finalize(siting.describe);
    tn_site_trie_finish(&siting.forest);
    tn_map_finish(&siting.by_key);
    for (size_t i = 0; siting.keys != NULL && i < pass->site_count; i++)
        free(siting.keys[i]);
    free(siting.keys);
    free(siting.next);
    free(siting.functions);
    return r;
}

int tn_pass_load_sites(struct tn_pass *pass)
{
    struct tn_site_rules *rules;
    bool has_table =
        tn_log_meta_int(pass->log, "finished", 0) != 0 || tn_log_meta_int(pass->log, "finish_step", 0) >= 2;
    int r = tn_pass_open_rules(pass, &rules);
    if (r < 0)
        return r;
    r = tn_pass_load_nodes(pass);
    if (r == 0 && has_table && pass->options->wrapper_regex == NULL)
        r = load_table(pass, rules);
    else if (r == 0)
        r = find_sites(pass, rules);
    tn_site_rules_close(rules);
    return r;
}
