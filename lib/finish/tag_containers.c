/* SPDX-License-Identifier: MIT */
/* Writes which containers of the C++ standard library make the blocks of each stack: a row of `container` for
 * each combination, and stack.container_id. The frames between the allocator and the site tell. A part of the
 * step `sites`, which has all stacks in memory. Called by attribute_sites.c. */
#include "attribute_sites.h"

#include "tenure/container.h"
#include "tenure/log_write.h"
#include "tenure/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Working state. */
struct tagging {
    struct tn_finish_job *job;
    const struct tn_site_trie *trie;
    uint8_t *is_other;               /* owned; by function: its name is of no container */
    sqlite3_stmt *add, *find, *set;  /* owned */
    struct tn_container_stack stack; /* of the stack in hand */
    struct tn_container container;   /* of the frame in hand: too large for a stack frame of a function */
};

/* What a frame tells; most names are of no container, and are read once. */
static void add_frame(struct tagging *tagging, const struct tn_site_frame *frame)
{
    if (frame->function == 0 || tagging->is_other[frame->function])
        return;
    if (tn_container_of_function(tagging->trie->functions[frame->function].name, &tagging->container))
        tn_container_stack_add(&tagging->stack, &tagging->container);
    else
        tagging->is_other[frame->function] = 1;
}

/* Walk from the allocator to the site. */
static void walk(struct tagging *tagging, uint64_t stack_id)
{
    const struct tn_site_trie *trie = tagging->trie;
    tagging->stack.inner.type = NULL;
    tagging->stack.has_outer = false;
    for (uint64_t id = stack_id; id != 0 && id < trie->node_count; id = trie->nodes[id].caller_id) {
        struct tn_site_frame *frame = tn_site_trie_group(trie, trie->nodes[id].frame_id);
        for (; frame != NULL; frame = tn_site_trie_next(trie, frame)) {
            if (frame->class.kind == TN_SITE_PROGRAM)
                return;
            add_frame(tagging, frame);
        }
    }
}

static void bind_container(sqlite3_stmt *statement, int from, const struct tn_container *container)
{
    const char *texts[] = {container->type, container->operation, container->element};
    for (int i = 0; i < 3; i++)
        tn_sql_bind_text(statement, from + i, texts[i][0] != '\0' ? texts[i] : NULL);
}

/* Write the row unless it is there, and refer to it. */
static int write_row(struct tagging *tagging, uint64_t stack_id)
{
    const struct tn_container *outer = tn_container_stack_outer(&tagging->stack);
    sqlite3_stmt *const statements[] = {tagging->find, tagging->add};
    for (int i = 0; i < 2; i++) {
        bind_container(statements[i], 1, &tagging->stack.inner);
        bind_container(statements[i], 4, outer);
    }
    int64_t id = 0;
    int r = tn_sql_next(tagging->find);
    if (r == 1)
        id = sqlite3_column_int64(tagging->find, 0);
    sqlite3_reset(tagging->find);
    if (r < 0)
        return tn_finish_fail(tagging->job, r, "cannot write containers");
    r = id == 0 ? tn_finish_execute(tagging->job, tagging->add) : 0;
    if (id == 0)
        id = sqlite3_last_insert_rowid(tagging->job->database);
    if (r < 0)
        return r;
    sqlite3_bind_int64(tagging->set, 1, id);
    tn_sql_bind_count(tagging->set, 2, stack_id);
    return tn_finish_execute(tagging->job, tagging->set);
}

static int prepare(struct tagging *tagging)
{
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } statements[] = {
        {&tagging->find,
         "SELECT id FROM container WHERE type IS ?1 AND operation IS ?2 AND element IS ?3"
         " AND outer_type IS ?4 AND outer_operation IS ?5 AND outer_element IS ?6"},
        {&tagging->add,
         "INSERT INTO container (type, operation, element, outer_type, outer_operation, outer_element)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
        {&tagging->set, "UPDATE stack SET container_id = ?1 WHERE id = ?2"},
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(statements) / sizeof(statements[0]); i++)
        r = tn_finish_prepare(tagging->job, statements[i].sql, statements[i].statement);
    tagging->is_other = calloc(tagging->trie->function_count, 1);
    if (r == 0 && tagging->is_other == NULL)
        r = tn_finish_refuse(tagging->job, -ENOMEM, "cannot write containers");
    return r;
}

static int tag_all(struct tagging *tagging, const struct tn_stack_use *uses)
{
    int r = prepare(tagging);
    for (uint64_t id = 1; r == 0 && id < tagging->trie->node_count; id++) {
        if (!uses[id].is_birth)
            continue;
        walk(tagging, id);
        if (tagging->stack.inner.type != NULL)
            r = write_row(tagging, id);
    }
    return r;
}

int tn_finish_tag_containers(struct tn_finish_job *job, const struct tn_site_trie *trie,
                             const struct tn_stack_use *uses)
{
    int64_t has_column;
    int r =
        tn_finish_number(job, "SELECT count(*) FROM pragma_table_info('stack') WHERE name = 'container_id'",
                         0, 0, &has_column);
    if (r < 0 || has_column == 0) /* a log that an older program began */
        return r;
    struct tagging *tagging = calloc(1, sizeof(*tagging));
    if (tagging == NULL)
        return tn_finish_refuse(job, -ENOMEM, "cannot write containers");
    tagging->job = job;
    tagging->trie = trie;
    r = tag_all(tagging, uses);
    sqlite3_finalize(tagging->find);
    sqlite3_finalize(tagging->add);
    sqlite3_finalize(tagging->set);
    free(tagging->is_other);
    free(tagging);
    return r;
}
