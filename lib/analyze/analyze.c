/* SPDX-License-Identifier: MIT */
/* From a log to findings: checks what the caller asks for, loads what the pass needs, begins all kinds (a
 * finding's number does not depend on which are wanted), runs the events past them, lets them conclude, does
 * so again with sites split into roles where that may say more, and orders what they found. Everything
 * happens in one read transaction, so that a log that is still being recorded shows one state. */
#include "pass.h"
#include "rank.h"
#include "refuted.h"
#include "roles.h"
#include "watch.h"

#include "tenure/activation.h"
#include "tenure/contained.h"
#include "tenure/planner.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define KIND_COUNT_MAX 16u

/* ---------------------------------------------------------------------------------------- which kinds */

static bool is_kind(const struct tn_kind *const *kinds, const char *name, size_t length)
{
    for (; *kinds != NULL; kinds++)
        if (strlen((*kinds)->name) == length && memcmp((*kinds)->name, name, length) == 0)
            return true;
    return false;
}

static int check_only(const struct tn_kind *const *kinds, const char *only, struct tn_error *error)
{
    const char *at = only != NULL && strcmp(only, "all") == 0 ? NULL : only;
    while (at != NULL) {
        size_t length = strcspn(at, ",");
        if (!is_kind(kinds, at, length))
            return tn_error_set(error, -EINVAL,
                                "'%.*s' is no kind of finding; `tenure report --help` lists them",
                                (int)(length < 64 ? length : 64), at);
        at = at[length] == ',' ? at + length + 1 : NULL;
    }
    return 0;
}

/* ---------------------------------------------------------------------------------------- the run */

static int begin_one(struct tn_pass *pass, const struct tn_analysis *analysis, struct tn_running *running,
                     size_t *count)
{
    struct tn_running *own = &running[(*count)++];
    *own = (struct tn_running){.analysis = analysis};
    return analysis->begin != NULL ? analysis->begin(pass, &own->state) : 0;
}

/* The planner comes last, behind the kinds. */
static int begin(struct tn_pass *pass, struct tn_running *running, size_t *ret_count)
{
    int r = 0;
    for (size_t i = 0; r == 0 && pass->kinds[i] != NULL && i < KIND_COUNT_MAX; i++)
        r = begin_one(pass, pass->kinds[i]->analysis, running, ret_count);
    if (r == 0 && pass->options->planner != NULL)
        r = begin_one(pass, pass->options->planner->analysis, running, ret_count);
    return r;
}

/* What the planner has seen in a pass, with what was contained: the plan is made when all passes are over. */
struct tn_planner_look {
    void *state; /* owned; the planner's */
    struct tn_contained contained;
};

static void drop_look(struct tn_pass *pass)
{
    struct tn_planner_look *look = pass->look;
    if (look == NULL)
        return;
    pass->options->planner->analysis->finish(look->state);
    tn_contained_finish(&look->contained);
    free(look);
    pass->look = NULL;
}

/* Keep the state of the planner, which runs last, in the place of that of the pass before. */
static int keep_look(struct tn_pass *pass, struct tn_running *running, size_t count)
{
    int r = 0;
    if (pass->options->planner == NULL)
        return 0;
    drop_look(pass);
    struct tn_planner_look *look = calloc(1, sizeof(*look));
    if (look == NULL)
        return -ENOMEM;
    look->state = running[count - 1].state;
    running[count - 1].state = NULL;
    pass->look = look;
    for (size_t i = 0; i < count && r == 0 && look->contained.frames == NULL; i++)
        if (running[i].analysis->contained != NULL)
            r = running[i].analysis->contained(running[i].state, pass, &look->contained);
    return r;
}

static int make_plan(struct tn_pass *pass, struct tn_findings *findings)
{
    const struct tn_planner_look *look = pass->look;
    return look != NULL ? pass->options->planner->plan(look->state, pass, &look->contained, findings) : 0;
}

static int conclude(struct tn_pass *pass, const struct tn_running *running, size_t count,
                    struct tn_findings *findings)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++)
        if (running[i].analysis->conclude != NULL)
            r = running[i].analysis->conclude(running[i].state, pass, findings);
    findings->allocations = pass->allocation_count;
    findings->peak_live_bytes = pass->peak_live_bytes;
    return r;
}

/* ---------------------------------------------------------------------------------------- other processes
 */

static void finish_states(const struct tn_running *running, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (running[i].analysis->finish != NULL)
            running[i].analysis->finish(running[i].state);
}

/* States of the kinds that ask other processes; mine[] are those of the process that findings are about. */
static int begin_others(const struct tn_pass *other, const struct tn_running *mine, size_t count,
                        struct tn_running *theirs, size_t *ret_count)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        if (mine[i].analysis->consult == NULL)
            continue;
        struct tn_running *own = &theirs[(*ret_count)++];
        *own = (struct tn_running){.analysis = mine[i].analysis};
        if (own->analysis->begin != NULL)
            r = own->analysis->begin(other, &own->state);
    }
    return r;
}

static int consult(const struct tn_pass *other, const struct tn_running *mine, size_t count,
                   const struct tn_running *theirs)
{
    int r = 0;
    for (size_t i = 0, k = 0; r == 0 && i < count; i++)
        if (mine[i].analysis->consult != NULL)
            r = mine[i].analysis->consult(mine[i].state, other, theirs[k++].state);
    return r;
}

/* Show one other process to states of its own, and let each kind take from these what it asks. */
static int run_other(const struct tn_pass *pass, uint64_t process_id, const struct tn_running *mine,
                     size_t count)
{
    struct tn_running theirs[KIND_COUNT_MAX];
    size_t their_count = 0;
    struct tn_pass other;
    int r = tn_pass_open_other(pass, process_id, &other);
    if (r == 0)
        r = begin_others(&other, mine, count, theirs, &their_count);
    if (r == 0)
        r = tn_pass_run(&other, theirs, their_count);
    if (r == 0)
        r = consult(&other, mine, count, theirs);
    if (r == 0)
        tn_activations_consult(pass->activations, other.activations);
    finish_states(theirs, their_count);
    tn_pass_finish_other(&other);
    return r;
}

static int run_others(const struct tn_pass *pass, const struct tn_running *mine, size_t count)
{
    uint64_t ids[TN_OTHERS_MAX];
    size_t id_count = 0;
    int r = tn_pass_list_others(pass, ids, &id_count);
    for (size_t i = 0; i < id_count && r == 0; i++)
        r = run_other(pass, ids[i], mine, count);
    return r;
}

/* ---------------------------------------------------------------------------------------- the whole */

static int run_analyses(struct tn_pass *pass, struct tn_findings *findings)
{
    struct tn_running running[KIND_COUNT_MAX + 1];
    size_t count = 0;
    int r = begin(pass, running, &count);
    if (r == 0)
        r = tn_pass_run(pass, running, count);
    if (r == 0)
        r = run_others(pass, running, count);
    if (r == 0)
        r = conclude(pass, running, count, findings);
    if (r == 0)
        r = keep_look(pass, running, count);
    finish_states(running, count);
    if (r < 0 && (pass->error == NULL || pass->error->code == 0))
        r = tn_pass_refuse(pass, r, "cannot analyse");
    return r;
}

/* The first pass, the only one that is watched. */
static int run_watched(struct tn_pass *pass, struct tn_findings *findings)
{
    int r = tn_watch_open(pass);
    if (r == 0)
        r = run_analyses(pass, findings);
    int watched = tn_watch_close(pass);
    if (r == 0 && watched < 0)
        r = tn_pass_refuse(pass, watched, "cannot count what the page shows");
    return r;
}

static int analyze(struct tn_pass *pass, struct tn_findings *ret_findings)
{
    struct tn_findings findings = {.process_id = pass->process_id};
    int r = tn_pass_load(pass);
    if (r == 0)
        r = tn_pass_load_sites(pass);
    if (r == 0)
        r = tn_pass_open(pass);
    if (r == 0)
        r = run_watched(pass, &findings);
    if (r == 0)
        r = tn_roles_find(pass, &(struct tn_role_engine){run_analyses}, &findings);
    if (r == 0)
        r = tn_findings_order(&findings, pass->kinds);
    if (r == 0)
        r = tn_refuted_part(pass, &findings);
    if (r == 0)
        r = make_plan(pass, &findings);
    if (r == 0)
        r = tn_findings_keep(&findings, pass->options->only);
    drop_look(pass);
    if (r < 0) {
        tn_findings_finish(&findings);
        return r;
    }
    *ret_findings = findings;
    return 0;
}

int tn_analyze(struct tn_log *log, const struct tn_kind *const *kinds,
               const struct tn_analyze_options *options, struct tn_findings *ret_findings,
               struct tn_error *error)
{
    struct tn_error own = {0};
    struct tn_analyze_options complete = *options;
    int r = check_only(kinds, options->only, &own);
    if (r == 0)
        r = tn_thresholds_check(kinds, options, &own);
    if (complete.process_id == 0)
        complete.process_id = tn_log_main_process(log);
    if (complete.min_allocations == 0)
        complete.min_allocations = TN_MIN_ALLOCATIONS;
    struct tn_pass pass = {.log = log,
                           .kinds = kinds,
                           .options = &complete,
                           .process_id = complete.process_id,
                           .is_complete = tn_log_is_closed(log),
                           .error = &own};
    if (r == 0 && complete.process_id == 0)
        *ret_findings = (struct tn_findings){0};
    if (r == 0 && complete.process_id != 0) {
        /* a recorder may go on writing: read one state of the log */
        bool is_ours = sqlite3_get_autocommit(tn_log_database(log)) != 0 &&
                       tn_sql_run(tn_log_database(log), "BEGIN") == 0;
        r = analyze(&pass, ret_findings);
        if (is_ours)
            tn_sql_run(tn_log_database(log), "ROLLBACK");
    }
    tn_pass_finish(&pass);
    if (r < 0 && error != NULL)
        *error = own;
    return r;
}
