/* SPDX-License-Identifier: MIT */
/* Makes the plan once the findings are ranked: lifetimes first, then the steps. Called by the engine. */
#include "tenure/planner.h"

#include "planning.h"

#include <errno.h>
#include <stdlib.h>

static int make(void *state, const struct tn_pass *pass, const struct tn_contained *contained,
                struct tn_findings *findings)
{
    struct tn_planning *planning = state;
    struct tn_plan *plan = calloc(1, sizeof(*plan));
    if (plan == NULL)
        return -ENOMEM;
    planning->pass = pass;
    planning->contained = contained;
    planning->frames = contained->frames;
    planning->findings = findings;
    int r = tn_plan_lives_end(planning);
    if (r == 0)
        r = tn_plan_find_lifetimes(planning, plan);
    if (r == 0)
        r = tn_plan_find_steps(planning, plan);
    if (r < 0)
        tn_plan_free(plan);
    else
        findings->program_plan = plan;
    return r;
}

const struct tn_planner tn_planner = {.analysis = &tn_plan_lives, .plan = make};
