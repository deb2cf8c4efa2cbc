/* SPDX-License-Identifier: MIT */

/* The page's data from a log: a pass over the events (chart_pass.c), trees from what it counted by stack
 * (tree.c), and what tables have (rows.c). */

#include "chart_pass.h"

#include "tenure/log.h"
#include "tenure/summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int load(struct tn_chart_pass *pass, struct tn_log *log, const struct tn_summary *summary,
                struct tn_charts *charts)
{
    int r = tn_chart_pass_open(pass, log, summary, charts);
    if (r == 0)
        r = tn_chart_pass_run(pass, log, summary->process_id);
    if (r < 0)
        return r;
    tn_chart_pass_join(pass);
    r = tn_chart_make_trees(pass, log);
    return r == 0 ? tn_chart_load_rows(pass, log, summary) : r;
}

int tn_charts_load(struct tn_log *log, const struct tn_summary *summary, struct tn_charts *ret_charts,
                   struct tn_error *error)
{
    struct tn_charts *charts = calloc(1, sizeof(*charts));
    struct tn_chart_pass pass = {0};
    int r = charts != NULL ? load(&pass, log, summary, charts) : -ENOMEM;
    tn_chart_pass_close(&pass);
    if (r == 0)
        *ret_charts = *charts;
    else
        tn_charts_finish(charts);
    free(charts);
    if (r == -EBADMSG)
        return tn_error_set(error, r,
                            "the log is damaged, %s: a chunk of events cannot be read; take another copy, or "
                            "record again",
                            tn_log_path(log));
    return r == 0 ? 0 : tn_error_set(error, r, "cannot read the log, %s: %s", tn_log_path(log), strerror(-r));
}

static void finish_map(struct tn_chart_map *map)
{
    for (size_t i = 0; i < map->moment_count; i++)
        free(map->moments[i].runs);
    free(map->moments);
}

void tn_charts_finish(struct tn_charts *charts)
{
    if (charts == NULL)
        return;
    for (size_t i = 0; i < charts->name_count; i++) {
        free(charts->names[i].function);
        free(charts->names[i].file);
        free(charts->names[i].module);
    }
    for (size_t i = 0; i < charts->mark_count; i++)
        free(charts->marks[i].text);
    for (size_t i = 0; i < charts->thread_count; i++)
        free(charts->threads[i].name);
    free(charts->bins);
    free(charts->sizes);
    free(charts->names);
    free(charts->births.nodes);
    free(charts->births.leaves);
    free(charts->deaths.nodes);
    free(charts->deaths.leaves);
    free(charts->shares);
    finish_map(&charts->before);
    finish_map(&charts->after);
    free(charts->reaches);
    *charts = (struct tn_charts){0};
}
