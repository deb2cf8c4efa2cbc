/* SPDX-License-Identifier: MIT */

/* The page's data from a log: what is counted of each event (chart_pass.c), trees from what it counted by
 * stack (tree.c), and what tables have (rows.c). */

#include "chart_pass.h"

#include "tenure/log.h"
#include "tenure/summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const struct tn_log *log, int r, struct tn_error *error)
{
    return tn_error_set(error, r, "cannot read the log, %s: %s", tn_log_path(log), strerror(-r));
}

int tn_charts_begin(struct tn_log *log, const struct tn_summary *summary, struct tn_chart_pass **ret_pass,
                    struct tn_error *error)
{
    struct tn_chart_pass *pass = calloc(1, sizeof(*pass));
    if (pass != NULL)
        pass->charts = calloc(1, sizeof(*pass->charts));
    int r = pass != NULL && pass->charts != NULL ? tn_chart_pass_open(pass, log, summary) : -ENOMEM;
    if (r < 0) {
        tn_charts_drop(pass);
        return refuse(log, r, error);
    }
    *ret_pass = pass;
    return 0;
}

int tn_charts_end(struct tn_chart_pass *pass, struct tn_charts *ret_charts, struct tn_error *error)
{
    const struct tn_log *log = pass->log;
    tn_chart_pass_join(pass);
    int r = tn_chart_make_trees(pass, pass->log);
    if (r == 0)
        r = tn_chart_load_rows(pass, pass->log, pass->summary);
    if (r == 0) {
        *ret_charts = *pass->charts;
        *pass->charts = (struct tn_charts){0};
    }
    tn_charts_drop(pass);
    return r == 0 ? 0 : refuse(log, r, error);
}

void tn_charts_drop(struct tn_chart_pass *pass)
{
    if (pass == NULL)
        return;
    tn_charts_finish(pass->charts);
    free(pass->charts);
    tn_chart_pass_close(pass);
    free(pass);
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
