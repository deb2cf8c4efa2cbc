/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_PASS_H
#define TN_ANALYZE_PASS_H

/* The shared pass itself, for the files that make it: loading what it needs from the log, finding sites,
 * running the events past the analyses. */

#include "tenure/analysis.h"

struct sqlite3_stmt;
struct tn_site_rules;

/* Where the names of a site come from, when it is no row of `site`: the log has no sites yet, or the user
 * named more wrappers. */
struct tn_site_origin {
    uint32_t frame_id; /* row of `frame` */
    char *via;         /* owned */
};

/* An analysis at work. */
struct tn_running {
    const struct tn_analysis *analysis;
    void *state; /* owned; the analysis's own */
};

/* Load the process, its marks and threads (load.c). Returns 0; -ENOENT no such process; -EBADMSG, -EIO,
 * -ENOMEM; with the story in pass->error. */
int tn_pass_load(struct tn_pass *pass);

/* The rules by which sites are found: the tables, the user's expression, and the wrappers that were found
 * when the log was finished. The caller closes them. Returns 0; -EINVAL a bad expression; -ENOMEM, -EIO; with
 * the story in pass->error. */
int tn_pass_open_rules(const struct tn_pass *pass, struct tn_site_rules **ret_rules);

/* Load stacks and sites (sites.c), as the log has them, or found anew. Returns as tn_pass_load, -EINVAL a bad
 * wrapper expression. */
int tn_pass_load_sites(struct tn_pass *pass);

/* Read all events, and tell the analyses. Returns 0 or what an analysis or the cursor returned. */
int tn_pass_run(struct tn_pass *pass, const struct tn_running *running, size_t running_count);

/* Release what the pass owns. */
void tn_pass_finish(struct tn_pass *pass);

/* Whether what was reached via this function is part of an object of the C library, and none of the program's
 * (fopen, pthread_create). via may be NULL. */
bool tn_is_library_object(const char *via);

/* Check the thresholds that were set: names and ranges. Returns 0 or -EINVAL with the story in error. */
int tn_thresholds_check(const struct tn_kind *const *kinds, const struct tn_analyze_options *options,
                        struct tn_error *error);

#endif
