/* SPDX-License-Identifier: MIT */
/* Plans as plain data: look-ups in them, and their release. Written by lib/plan, measured by lib/simulate,
 * read by reports. */
#include "tenure/plan.h"

#include "tenure/base.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *tn_lifetime_name(enum tn_lifetime_kind kind)
{
    static const char *const names[] = {"process", "object", "transaction", "temporary"};
    return names[kind];
}

const struct tn_plan_step *tn_plan_find_step(const struct tn_plan *plan, char letter)
{
    for (size_t i = 0; plan != NULL && i < plan->step_count; i++)
        if (plan->steps[i].letter == toupper((unsigned char)letter))
            return &plan->steps[i];
    return NULL;
}

bool tn_plan_step_has(const struct tn_plan_step *step, uint32_t key)
{
    for (size_t i = 0; i < step->part_count; i++)
        if (step->parts[i].key == key)
            return true;
    return false;
}

const struct tn_finding *tn_findings_find_part(const struct tn_findings *findings, uint32_t key)
{
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].key == key)
            return &findings->items[i];
    for (size_t i = 0; i < findings->aside_count; i++)
        if (findings->aside[i].key == key)
            return &findings->aside[i];
    return NULL;
}

/* A key has 8 digits and a number has digits, so that one letter alone is a step's. */
static bool is_letter(const char *name, size_t name_bytes)
{
    return name_bytes == 1 && isalpha((unsigned char)name[0]);
}

static int append_step(const struct tn_plan_step *step, struct tn_buffer *out)
{
    int r = 0;
    for (size_t i = 0; i < step->part_count && r == 0; i++)
        r = tn_buffer_print(out, "%s%08" PRIx32, i != 0 ? "," : "", step->parts[i].key);
    return r;
}

int tn_plan_expand(const struct tn_plan *plan, const char *names, char **ret_names, char *ret_letter)
{
    struct tn_buffer out = {0};
    int r = 0;
    for (const char *at = names; r == 0;) {
        size_t length = strcspn(at, ",");
        const struct tn_plan_step *step = is_letter(at, length) ? tn_plan_find_step(plan, *at) : NULL;
        if (step != NULL)
            r = append_step(step, &out);
        else if (is_letter(at, length))
            r = -EINVAL;
        else
            r = tn_buffer_append(&out, at, length);
        *ret_letter = r == -EINVAL ? *at : *ret_letter;
        at += length;
        if (r < 0 || *at == '\0')
            break;
        r = tn_buffer_append(&out, at++, 1);
    }
    if (r == 0)
        r = tn_buffer_append(&out, "", 1);
    if (r < 0)
        tn_buffer_finish(&out);
    else
        *ret_names = (char *)out.data;
    return r;
}

static void finish_sites(struct tn_plan_site *sites, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tn_finding_line_finish(&sites[i].line);
    free(sites);
}

void tn_plan_free(struct tn_plan *plan)
{
    if (plan == NULL)
        return;
    for (size_t i = 0; i < plan->lifetime_count; i++) {
        struct tn_lifetime *lifetime = &plan->lifetimes[i];
        tn_finding_line_finish(&lifetime->begin);
        tn_finding_line_finish(&lifetime->end);
        finish_sites(lifetime->sites, lifetime->site_count);
    }
    for (size_t i = 0; i < plan->step_count; i++) {
        free(plan->steps[i].title);
        free(plan->steps[i].parts);
    }
    finish_sites(plan->rest, plan->rest_count);
    free(plan->lifetimes);
    free(plan->steps);
    free(plan);
}
