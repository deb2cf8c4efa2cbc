/* SPDX-License-Identifier: MIT */
/* Other processes of a log that ran the same executable: what one process did not show may have happened in
 * another. Each gets a pass of its own over the stacks and sites of the first. Called by analyze.c. */
#include "pass.h"

#include "tenure/activation.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

int tn_pass_list_others(const struct tn_pass *pass, uint64_t *ret_ids, size_t *ret_count)
{
    sqlite3_stmt *rows;
    size_t count = 0;
    int r = tn_pass_prepare(pass,
                            "SELECT p.id FROM process AS p JOIN process AS own ON own.id = ?1"
                            " JOIN chunk AS c ON c.process_id = p.id"
                            " WHERE p.id <> ?1 AND p.executable = own.executable"
                            " GROUP BY p.id ORDER BY sum(c.births) DESC, p.id LIMIT ?2",
                            &rows);
    if (r < 0)
        return r;
    tn_sql_bind_count(rows, 1, pass->process_id);
    tn_sql_bind_count(rows, 2, TN_OTHERS_MAX);
    while ((r = tn_sql_next(rows)) == 1 && count < TN_OTHERS_MAX)
        ret_ids[count++] = tn_sql_count(rows, 0);
    *ret_count = count;
    return tn_pass_end_rows(pass, rows, r, "cannot read");
}

int tn_pass_open_other(const struct tn_pass *pass, uint64_t process_id, struct tn_pass *ret_other)
{
    *ret_other = (struct tn_pass){
        .log = pass->log,
        .kinds = pass->kinds,
        .options = pass->options,
        .process_id = process_id,
        .nodes = pass->nodes,
        .node_count = pass->node_count,
        .site_count = pass->site_count,
        .origins = pass->origins,
        .code_files = pass->code_files,
        .releases = pass->releases,
        .size_sources = pass->size_sources,
        .makers = pass->makers,
        .frames = pass->frames,
        .is_other = true,
        .is_complete = pass->is_complete,
        .error = pass->error,
    };
    ret_other->sites = calloc(pass->site_count, sizeof(ret_other->sites[0]));
    ret_other->activations = calloc(1, sizeof(*ret_other->activations));
    if (ret_other->sites == NULL || ret_other->activations == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < pass->site_count; i++) {
        ret_other->sites[i].site_id = pass->sites[i].site_id;
        ret_other->sites[i].is_runtime = pass->sites[i].is_runtime;
    }
    return tn_pass_load(ret_other);
}

void tn_pass_finish_other(struct tn_pass *other)
{
    if (other->activations != NULL)
        tn_activations_finish(other->activations);
    free(other->activations);
    free(other->pauses);
    free(other->sites);
    free(other->threads);
}
