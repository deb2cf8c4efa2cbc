/* SPDX-License-Identifier: MIT */
#include "try_stacks.h"

#include "tenure/finding.h"
#include "tenure/sql.h"
#include "tenure/symbol.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static uint64_t pair_key(uint64_t frame, uint64_t site)
{
    return frame << 32 | site;
}

/* For each row of a query without parameters. */
static int for_each(struct tn_try_stacks *stacks, const char *sql,
                    int (*take)(struct tn_try_stacks *, sqlite3_stmt *))
{
    sqlite3_stmt *statement = NULL;
    int r = tn_sql_prepare(stacks->database, sql, &statement);
    int more = r < 0 ? r : 0;
    while (r == 0 && (more = tn_sql_next(statement)) == 1)
        r = take(stacks, statement);
    sqlite3_finalize(statement);
    return r < 0 ? r : more;
}

/* A module that was replaced since has other offsets: its frames match nothing. */
static int take_module(struct tn_try_stacks *stacks, sqlite3_stmt *row)
{
    uint64_t id = tn_sql_count(row, 0);
    struct tn_symbol_file *file = NULL;
    if (id >= stacks->module_count)
        return -EBADMSG;
    struct tn_try_module *module = &stacks->modules[id];
    module->path = tn_sql_copy_text(row, 1);
    module->build_id = tn_sql_copy_text(row, 2);
    if (module->path == NULL || module->build_id == NULL)
        return -ENOMEM;
    module->is_there = tn_symbol_open(module->path, -1, module->build_id, &file, NULL) == 0;
    tn_symbol_close(file);
    return 0;
}

static int take_frame(struct tn_try_stacks *stacks, sqlite3_stmt *row)
{
    uint64_t id = tn_sql_count(row, 0);
    if (id >= stacks->frame_count)
        return -EBADMSG;
    stacks->frames[id] = (struct tn_try_frame){
        .module = tn_sql_count(row, 1),
        .offset_bytes = tn_sql_count(row, 2),
        .is_on_stack = tn_sql_count(row, 3) == 0,
    };
    return stacks->frames[id].module < stacks->module_count ? 0 : -EBADMSG;
}

static int take_node(struct tn_try_stacks *stacks, sqlite3_stmt *row)
{
    uint64_t id = tn_sql_count(row, 0), frame = tn_sql_count(row, 1), caller = tn_sql_count(row, 2);
    if (id >= stacks->node_count || frame >= stacks->frame_count || caller >= stacks->node_count)
        return -EBADMSG;
    stacks->nodes[id] = (struct tn_try_node){.frame = frame, .caller = caller, .site = tn_sql_count(row, 3)};
    return 0;
}

/* Stacks of releases have sites, too. */
static int take_births(struct tn_try_stacks *stacks, sqlite3_stmt *row)
{
    uint64_t id = tn_sql_count(row, 0);
    if (id >= stacks->node_count)
        return -EBADMSG;
    stacks->nodes[id].births = tn_sql_count(row, 1);
    stacks->nodes[id].first_birth = tn_sql_count(row, 2);
    return 0;
}

static int take_pair(struct tn_try_stacks *stacks, sqlite3_stmt *row)
{
    return tn_map_put(&stacks->site_frames, pair_key(tn_sql_count(row, 0), tn_sql_count(row, 1)), 1);
}

static const struct {
    const char *sql;
    int (*take)(struct tn_try_stacks *, sqlite3_stmt *);
} steps[] = {
    {"SELECT id, ifnull(path, ''), ifnull(build_id, '') FROM module", take_module},
    {"SELECT id, ifnull(module_id, 0), offset_bytes, ifnull(is_tail_call, 0) FROM frame WHERE inlined_into "
     "IS "
     "NULL",
     take_frame},
    {"SELECT id, frame_id, ifnull(caller_id, 0), ifnull(site_id, 0) FROM stack", take_node},
    {"SELECT stack_id, count(*), min(id) FROM allocation WHERE stack_id IS NOT NULL GROUP BY stack_id",
     take_births},
    {"SELECT ifnull(f.inlined_into, f.id), s.id FROM site AS s JOIN frame AS f ON f.line = s.line AND "
     "f.function IS s.function AND f.file IS s.file WHERE s.line IS NOT NULL",
     take_pair},
    {"SELECT f.id, s.id FROM site AS s JOIN module AS m ON m.path = s.module JOIN frame AS f ON f.module_id "
     "= "
     "m.id AND f.offset_bytes = s.offset_bytes WHERE s.line IS NULL AND f.inlined_into IS NULL",
     take_pair},
};

int tn_try_stacks_load(struct tn_log *log, struct tn_try_stacks *ret_stacks)
{
    *ret_stacks = (struct tn_try_stacks){.database = tn_log_database(log)};
    int r = tn_sql_id_count(ret_stacks->database, "module", &ret_stacks->module_count);
    if (r == 0)
        r = tn_sql_id_count(ret_stacks->database, "frame", &ret_stacks->frame_count);
    if (r == 0)
        r = tn_sql_id_count(ret_stacks->database, "stack", &ret_stacks->node_count);
    if (r < 0)
        return r;
    ret_stacks->modules = calloc(ret_stacks->module_count, sizeof(*ret_stacks->modules));
    ret_stacks->frames = calloc(ret_stacks->frame_count, sizeof(*ret_stacks->frames));
    ret_stacks->nodes = calloc(ret_stacks->node_count, sizeof(*ret_stacks->nodes));
    if (ret_stacks->modules == NULL || ret_stacks->frames == NULL || ret_stacks->nodes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && r == 0; i++)
        r = for_each(ret_stacks, steps[i].sql, steps[i].take);
    return r;
}

/* Findings name functions of C++ in short. */
static bool is_named(const char *function, const char *name)
{
    char text[TN_SHORT_NAME_BYTES];
    return function != NULL && (strcmp(function, name) == 0 ||
                                strcmp(tn_function_short_name(function, text, sizeof(text)), name) == 0);
}

int tn_try_stacks_mark(struct tn_try_stacks *stacks, const char *function, const char *file, uint32_t mark)
{
    sqlite3_stmt *statement = NULL;
    int more = 0;
    int r = tn_sql_prepare(stacks->database,
                           "SELECT ifnull(inlined_into, id), function FROM frame WHERE ?1 = '' OR file = ?1",
                           &statement);
    if (r < 0)
        return r;
    tn_sql_bind_text(statement, 1, file);
    while ((more = tn_sql_next(statement)) == 1)
        if (tn_sql_count(statement, 0) < stacks->frame_count && is_named(tn_sql_text(statement, 1), function))
            stacks->frames[tn_sql_count(statement, 0)].mark = mark;
    sqlite3_finalize(statement);
    return more;
}

bool tn_try_stacks_is_site(const struct tn_try_stacks *stacks, uint64_t frame, uint64_t site)
{
    return tn_map_find(&stacks->site_frames, pair_key(frame, site)) != NULL;
}

void tn_try_stacks_finish(struct tn_try_stacks *stacks)
{
    for (uint64_t i = 0; stacks->modules != NULL && i < stacks->module_count; i++) {
        free(stacks->modules[i].path);
        free(stacks->modules[i].build_id);
    }
    free(stacks->modules);
    free(stacks->frames);
    free(stacks->nodes);
    tn_map_finish(&stacks->site_frames);
    *stacks = (struct tn_try_stacks){0};
}
