/* SPDX-License-Identifier: MIT */
/* Thresholds that the user set: whether their names and values are allowed, and what a kind then works with.
 */
#include "pass.h"

#include <errno.h>
#include <string.h>

/* The threshold of a name, or NULL. */
static const struct tn_threshold *find(const struct tn_kind *const *kinds, const char *name)
{
    for (; *kinds != NULL; kinds++)
        for (const struct tn_threshold *threshold = (*kinds)->thresholds; threshold->name != NULL;
             threshold++)
            if (strcmp(threshold->name, name) == 0)
                return threshold;
    return NULL;
}

int tn_thresholds_check(const struct tn_kind *const *kinds, const struct tn_analyze_options *options,
                        struct tn_error *error)
{
    for (size_t i = 0; i < options->value_count; i++) {
        const struct tn_threshold_value *value = &options->values[i];
        const struct tn_threshold *threshold = find(kinds, value->name);
        if (threshold == NULL)
            return tn_error_set(error, -EINVAL,
                                "no threshold is called '%s'; `tenure report --list-thresholds`"
                                " shows all",
                                value->name);
        if (!(value->value >= threshold->min && value->value <= threshold->max))
            return tn_error_set(error, -EINVAL, "threshold %s: %g is out of range; it may be %g to %g",
                                value->name, value->value, threshold->min, threshold->max);
    }
    return 0;
}

double tn_pass_threshold(const struct tn_pass *pass, const char *name)
{
    const struct tn_analyze_options *options = pass->options;
    for (size_t i = options->value_count; i > 0; i--)
        if (strcmp(options->values[i - 1].name, name) == 0)
            return options->values[i - 1].value;
    const struct tn_threshold *threshold = find(pass->kinds, name);
    return threshold != NULL ? threshold->fallback : 0;
}
