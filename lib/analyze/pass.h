/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_PASS_H
#define TN_ANALYZE_PASS_H

/* What the files of the engine offer each other: loading what the pass needs from the log, finding sites,
 * running the events past the kinds. One thread. */

#include "tenure/analysis.h"

struct tn_site_rules;

/* Where the names of a site come from when it is no row of `site`: the log has no sites yet, or the user
 * named more wrappers. */
struct tn_site_origin {
    uint32_t frame_id; /* row of `frame` */
    char *via;         /* owned */
};

/* A kind's algorithm that takes part in the pass. */
struct tn_running {
    const struct tn_analysis *analysis; /* static storage */
    void *state;                        /* owned; made by its begin */
};

/* Finalize a statement whose last step returned r (tn_sql_next). Returns 0, or r when it is negative;
 * pass->error then says what failed. */
int tn_pass_end_rows(const struct tn_pass *pass, struct sqlite3_stmt *rows, int r, const char *what);

/* Load the process, its marks and threads (load.c).
 *
 * Returns  0; -ENOENT no such process; -EBADMSG, -EIO, -ENOMEM; pass->error says what failed */
int tn_pass_load(struct tn_pass *pass);

/* Load pass->pauses (pauses.c). Returns as tn_pass_load. */
int tn_pass_load_pauses(struct tn_pass *pass);

/* Whether the recording was paused when it ended: that nothing is born any more says nothing then. */
bool tn_pass_ends_paused(const struct tn_pass *pass);

/* The rules by which sites are found: the built-in tables, the user's expression, and the wrappers that were
 * found when the log was finished.
 *
 * Returns  0, and the caller closes *ret_rules; -EINVAL a bad expression; -ENOMEM, -EIO; pass->error says
 * what failed */
int tn_pass_open_rules(const struct tn_pass *pass, struct tn_site_rules **ret_rules);

/* The highest id of a table + 1, and its rows. Ids have no gaps, so one far above the number of rows means
 * damage.
 *
 * sql      gives both in one row
 * Returns  as tn_pass_load */
int tn_pass_count_rows(const struct tn_pass *pass, const char *sql, size_t *ret_limit, size_t *ret_count);

/* SQL for tn_pass_count_rows: frames that stacks can have. Ends after the column list. */
#define TN_PASS_FRAME_COUNT "SELECT coalesce(max(id) FILTER (WHERE inlined_into IS NULL), 0), count(*)"

/* Load pass->nodes; node->site holds row ids of `site`. Returns as tn_pass_load. */
int tn_pass_load_nodes(struct tn_pass *pass);

/* Load stacks and sites, as the log has them, or found anew (sites.c). Returns as tn_pass_load, and -EINVAL
 * for a bad wrapper expression. */
int tn_pass_load_sites(struct tn_pass *pass);

/* Open what kinds ask about code and releases; sites are loaded. Returns 0 or -ENOMEM; tn_pass_finish
 * releases it, also after an error. */
int tn_pass_open(struct tn_pass *pass);

/* Other processes that are looked at, at most: a server that forks for each connection has thousands. */
#define TN_OTHERS_MAX 16u

/* The other processes of the log that ran the same executable, those with most allocations first.
 *
 * ret_ids  room for TN_OTHERS_MAX row ids
 * Returns  0; -EIO, -ENOMEM; pass->error says what failed */
int tn_pass_list_others(const struct tn_pass *pass, uint64_t *ret_ids, size_t *ret_count);

/* A pass over another process, with the same stacks and sites, which it borrows.
 *
 * ret_other  the caller releases it by tn_pass_finish_other, also after an error
 * Returns    as tn_pass_load */
int tn_pass_open_other(const struct tn_pass *pass, uint64_t process_id, struct tn_pass *ret_other);

/* Release what a pass over another process owns itself. */
void tn_pass_finish_other(struct tn_pass *other);

/* Read all events and show them to the kinds.
 *
 * Returns  0; what a kind or the event feed returned
 * Cost     the pass: docs/analyses.md has figures */
int tn_pass_run(struct tn_pass *pass, const struct tn_running *running, size_t running_count);

/* Release what the pass owns. Zeroed is fine. */
void tn_pass_finish(struct tn_pass *pass);

/* Check the thresholds that were set, names and ranges. Returns 0; -EINVAL, and error says what failed and
 * what to do. */
int tn_thresholds_check(const struct tn_kind *const *kinds, const struct tn_analyze_options *options,
                        struct tn_error *error);

#endif
