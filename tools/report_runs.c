/* SPDX-License-Identifier: MIT */
#include "report_runs.h"

#include "command.h"
#include "message.h"
#include "output.h"
#include "progress.h"
#include "unfinished.h"

#include "tenure/kinds.h"
#include "tenure/log.h"
#include "tenure/runs.h"

#include <errno.h>
#include <stdlib.h>

/* One recording. Zeroed is empty. */
struct loaded_log {
    struct tn_summary summary;
    struct tn_findings findings;
};

static int load(const struct tn_runs_request *request, const char *path, struct loaded_log *ret_loaded,
                struct tn_error *error)
{
    struct tn_log *log = NULL;
    struct tn_progress progress = {.what = "analysing"};
    struct tn_analyze_options options = *request->analyze;
    int r = tn_open_finished(path, &log, error);
    if (r == 0)
        r = tn_summary_load(log, 0, SIZE_MAX, &ret_loaded->summary, error);
    if (r == 0 && ret_loaded->summary.process_id == 0)
        r = tn_error_set(error, -ENODATA, "nothing was recorded in the log, %s: it has no process", path);
    options.process_id = ret_loaded->summary.process_id;
    options.progress = tn_progress_show;
    options.user = &progress;
    if (r == 0)
        r = tn_analyze(log, tn_kinds, &options, &ret_loaded->findings, error);
    tn_progress_end(&progress);
    tn_log_close(log);
    return r;
}

static int write_runs(const struct tn_runs_request *request, const struct tn_runs *runs)
{
    struct tn_buffer text = {0};
    int status = TN_STATUS_MACHINE;
    int r = request->is_json ? tn_runs_write_json(runs, &text)
                             : tn_report_runs_text(runs, request->top, &request->screen->style, &text);
    if (r < 0)
        tn_say("cannot write the report: out of memory");
    else
        status = request->is_json ? tn_output_write(request->screen->output, &text)
                                  : tn_screen_write(request->screen, &text);
    tn_buffer_finish(&text);
    return status;
}

static int merge(const struct tn_runs_request *request, const struct loaded_log *logs, size_t count)
{
    struct tn_compared_run *parts = calloc(count, sizeof(parts[0]));
    struct tn_runs runs;
    int status = TN_STATUS_MACHINE;
    for (size_t i = 0; i < count && parts != NULL; i++)
        parts[i] = (struct tn_compared_run){.summary = &logs[i].summary, .findings = &logs[i].findings};
    if (parts == NULL || tn_runs_merge(parts, count, tn_kinds, request->least, &runs) < 0) {
        tn_say("cannot bring the logs together: out of memory");
    } else {
        status = write_runs(request, &runs);
        tn_runs_finish(&runs);
    }
    free(parts);
    return status;
}

int tn_report_runs(const struct tn_runs_request *request, char *const *paths, size_t path_count)
{
    struct loaded_log *logs = calloc(path_count, sizeof(logs[0]));
    struct tn_error error = {0};
    int r = logs != NULL ? 0 : tn_error_set(&error, -ENOMEM, "cannot load the logs: out of memory");
    for (size_t i = 0; i < path_count && r == 0; i++)
        r = load(request, paths[i], &logs[i], &error);
    int status = r == 0 ? merge(request, logs, path_count) : tn_say_error(&error);
    for (size_t i = 0; i < path_count && logs != NULL; i++) {
        tn_findings_finish(&logs[i].findings);
        tn_summary_finish(&logs[i].summary);
    }
    free(logs);
    return status;
}
