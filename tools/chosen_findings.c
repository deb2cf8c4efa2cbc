/* SPDX-License-Identifier: MIT */
/* Finds what `--plan` names, in the order of the names, and refuses what is refuted. Called by
 * simulate_apply.c and cmd_try.c. */
#include "chosen_findings.h"

#include "tenure/plan.h"
#include "tenure/simulate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Append one finding, unless it is there. */
static void choose(struct tn_chosen_findings *chosen, const struct tn_finding *finding)
{
    for (size_t i = 0; i < chosen->count; i++)
        if (chosen->items[i] == finding)
            return;
    chosen->items[chosen->count++] = finding;
}

static int find(const struct tn_findings *findings, const char *command, const char *name, size_t length,
                const struct tn_finding **ret_finding, struct tn_error *error)
{
    const struct tn_finding *finding = tn_findings_find(findings, name, length);
    const struct tn_finding *refuted = tn_findings_find_refuted(findings, name, length);
    *ret_finding = finding;
    if (refuted != NULL)
        return tn_error_set(error, -EINVAL,
                            "option '--plan' of '%s': a trial has refuted the finding '%.*s': %s", command,
                            (int)length, name, refuted->refuted_by.what);
    if (finding != NULL && tn_what_if_applies(finding))
        return 0;
    return tn_error_set(error, -EINVAL, "option '--plan' of '%s': the finding '%.*s' %s", command,
                        (int)(length < 64 ? length : 64), name,
                        finding == NULL ? "is not there: 'tenure report' tells numbers and keys"
                                        : "states something that no replay can show");
}

static int choose_names(const struct tn_findings *findings, const char *command, const char *plan,
                        const char *names, struct tn_chosen_findings *chosen, struct tn_error *error)
{
    size_t most = chosen->has_steps ? TN_CHOSEN_MAX : TN_CHOSEN_NAMES;
    for (const char *at = names; *at != '\0' || chosen->count == 0;) {
        const struct tn_finding *finding;
        size_t length = strcspn(at, ",");
        if (length == 0 || chosen->count == most)
            return tn_error_set(error, -EINVAL,
                                "option '--plan' of '%s': '%s' is no list of up to %d findings or steps, by "
                                "number, key or letter, as in 1,3,5a0c91fe or A,B",
                                command, plan, TN_CHOSEN_NAMES);
        int r = find(findings, command, at, length, &finding, error);
        if (r < 0)
            return r;
        choose(chosen, finding);
        at += length + (at[length] == ',');
    }
    return 0;
}

int tn_choose_findings(const struct tn_findings *findings, const char *command, const char *plan,
                       struct tn_chosen_findings *ret_chosen, struct tn_error *error)
{
    char *names = NULL, letter = 0;
    *ret_chosen = (struct tn_chosen_findings){.count = 0};
    int r = tn_plan_expand(findings->program_plan, plan, &names, &letter);
    if (r == -EINVAL)
        return tn_error_set(
            error, r, "option '--plan' of '%s': the plan has no step '%c': 'tenure report' tells its steps",
            command, letter);
    if (r < 0)
        return tn_error_set(error, r, "cannot choose findings: out of memory");
    ret_chosen->has_steps = strcmp(names, plan) != 0;
    r = choose_names(findings, command, plan, names, ret_chosen, error);
    free(names);
    return r;
}
