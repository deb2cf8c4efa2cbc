/* SPDX-License-Identifier: MIT */
/* Finishes logs for their readers, and warns of those that are not; see unfinished.h. Called by all commands
 * that read logs. */
#include "unfinished.h"

#include "message.h"
#include "progress.h"

#include "tenure/finish.h"
#include "tenure/log.h"

#include <string.h>

/* The steps of tn_finish, in their order, as it reports them. */
static const char *const steps[] = {"names", "sites", "summaries", "rows"};

#define STEP_COUNT (sizeof(steps) / sizeof(steps[0]))

static void show_step(void *context, const char *step, unsigned percent)
{
    size_t i = 0;
    while (i < STEP_COUNT && strcmp(steps[i], step) != 0)
        i++;
    if (strcmp(step, TN_FINISH_WAITING) == 0)
        tn_progress_show(context, percent, 100);
    else
        tn_progress_show(context, i * 100 + percent, STEP_COUNT * 100);
}

int tn_open_finished(const char *path, struct tn_log **ret_log, struct tn_error *error)
{
    struct tn_progress progress = {.what = "the log is still being finished"};
    struct tn_finish_options options = {
        .is_resumed = true, .progress = show_step, .progress_context = &progress};
    int r = tn_log_open(path, ret_log, error);
    if (r < 0 || !tn_log_is_closed(*ret_log) || tn_log_meta_int(*ret_log, "finished", 0) != 0 ||
        tn_log_meta_int(*ret_log, "format_version", 0) != TN_LOG_FORMAT_VERSION)
        return r;
    tn_log_close(*ret_log);
    tn_finish(path, &options, NULL);
    tn_progress_end(&progress);
    return tn_log_open(path, ret_log, error);
}

void tn_say_unfinished(struct tn_log *log)
{
    static const char missing[] =
        "site, site_summary, timeline and peak are empty, and functions have no names";
    if (tn_log_meta_int(log, "finished", 0) != 0)
        return;
    if (!tn_log_is_complete(log))
        tn_say("the log is not finished, %s: it is still being recorded, or was cut short; until it is, %s",
               tn_log_path(log), missing);
    else
        tn_say(
            "the log is not finished, %s: its recording is closed, and names and summaries are still being "
            "written, or were cut short; until they are there, %s",
            tn_log_path(log), missing);
}
