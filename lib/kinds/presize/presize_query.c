/* SPDX-License-Identifier: MIT */
/* The query that counts the steps of a growing buffer again, in SQL: it must recognise them as the pass does,
 * or its counts differ from the evidence. Called by presize.c. */
#include "presize_query.h"

#include <inttypes.h>
#include <stdlib.h>

/* SQL recognises a step by copying as the pass does: the old block, of the same site, died in the thread of
 * the new one's birth, before the next birth of the process. */
#define QUERY                                                                                                \
    "WITH birth AS MATERIALIZED (SELECT id, row_number() OVER (ORDER BY id) AS number, size_bytes, "         \
    "previous_id"                                                                                            \
    " FROM allocation WHERE process_id = %" PRIu64                                                           \
    "),"                                                                                                     \
    " own AS (SELECT a.*, birth.number FROM (SELECT * FROM allocation WHERE %s) AS a"                        \
    " JOIN birth ON birth.id = a.id),"                                                                       \
    " resize AS (SELECT new.id AS id, new.previous_id AS old_id FROM birth AS new"                           \
    " JOIN birth AS old ON old.id = new.previous_id WHERE new.size_bytes > old.size_bytes),"                 \
    " step AS (SELECT new.id AS id, min(old.id) AS old_id FROM own AS old JOIN own AS new"                   \
    " ON new.number = old.number + old.lifetime_allocations WHERE new.previous_id IS NULL"                   \
    " AND old.free_function NOT IN ('realloc', 'reallocarray') AND old.free_thread_id = new.thread_id AND "  \
    "(new.stack_id, old.free_stack_id) IN (VALUES %s)"                                                       \
    " AND (new.stack_id, old.stack_id) IN (VALUES %s)"                                                       \
    " AND new.id <> old.id AND new.size_bytes > old.size_bytes"                                              \
    " AND new.size_bytes >= old.size_bytes + old.size_bytes / 4 GROUP BY new.id"                             \
    " UNION ALL SELECT id, old_id FROM resize WHERE id IN (SELECT id FROM own))"                             \
    " SELECT count(*) AS growth_steps, (SELECT count(*) FROM step AS s WHERE s.old_id NOT IN"                \
    " (SELECT id FROM step UNION ALL SELECT id FROM resize)) AS chains FROM step"

/* With more pairs than this nobody would read the query; it then gives only the sizes. */
#define PAIRS_MAX 256u

static int print_pairs(const struct tn_map *pairs, struct tn_buffer *text)
{
    int r = pairs->count == 0 ? tn_buffer_print(text, "(0, 0)") : 0;
    size_t printed = 0;
    for (size_t i = 0; r == 0 && i < pairs->capacity; i++) {
        uint64_t key = pairs->entries[i].key;
        if (key != 0)
            r = tn_buffer_print(text, "%s(%" PRIu64 ", %" PRIu64 ")", printed++ != 0 ? ", " : "", key >> 32,
                                key & UINT32_MAX);
    }
    return r;
}

int tn_presize_fill_query(const struct tn_pass *pass, const uint32_t *sites, size_t site_count,
                          const struct tn_growth_steps *steps, struct tn_finding *finding)
{
    char *where = NULL;
    struct tn_buffer pairs = {0}, births = {0};
    int r = tn_finding_where(pass, sites, site_count, &where);
    if (r == 0)
        r = print_pairs(steps->releases, &pairs);
    if (r == 0)
        r = print_pairs(steps->births, &births);
    if (r == 0 && steps->releases->count <= PAIRS_MAX && steps->births->count <= PAIRS_MAX)
        r = tn_finding_set(&finding->query, QUERY, pass->process_id, where, (const char *)pairs.data,
                           (const char *)births.data);
    else if (r == 0)
        r = tn_finding_set(&finding->query, "SELECT min(size_bytes) AS first_bytes FROM allocation WHERE %s",
                           where);
    tn_buffer_finish(&pairs);
    tn_buffer_finish(&births);
    free(where);
    return r;
}
