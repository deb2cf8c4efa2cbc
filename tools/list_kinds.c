/* SPDX-License-Identifier: MIT */

/* `tenure report --list-kinds` and `--list-thresholds`: print the table of kinds, for people and, with JSON,
 * for the tests. Called by cmd_report.c. */

#include "list_kinds.h"

#include "command.h"
#include "message.h"

#include "tenure/base.h"
#include "tenure/json.h"
#include "tenure/kinds.h"

/* Print what was written, unless it failed; the buffer is released. */
static int print(struct tn_buffer *text, int r, const char *what)
{
    int status = TN_STATUS_MACHINE;
    if (r == 0)
        status = tn_print_out(text);
    else
        tn_say("cannot list the %s: out of memory", what);
    tn_buffer_finish(text);
    return status;
}

int tn_list_kinds(bool is_json)
{
    struct tn_buffer text = {0};
    struct tn_json json = {.out = &text};
    if (!is_json)
        return print(&text, tn_kinds_print(tn_kinds, &text), "kinds");
    tn_kinds_write_json(tn_kinds, &json);
    int r = json.error == 0 ? tn_buffer_append(&text, "\n", 1) : json.error;
    return print(&text, r, "kinds");
}

int tn_list_thresholds(void)
{
    struct tn_buffer text = {0};
    int r = 0;
    for (const struct tn_kind *const *kind = tn_kinds; *kind != NULL && r == 0; kind++) {
        r = tn_buffer_print(&text, "%s: %s\n", (*kind)->name, (*kind)->summary);
        for (const struct tn_threshold *threshold = (*kind)->thresholds; threshold->name != NULL && r == 0;
             threshold++)
            r = tn_buffer_print(&text, "  %s=%g (%g to %g)\n      %s\n      default: %s\n", threshold->name,
                                threshold->fallback, threshold->min, threshold->max, threshold->summary,
                                threshold->source);
    }
    return print(&text, r, "thresholds");
}
