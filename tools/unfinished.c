/* SPDX-License-Identifier: MIT */
/* The warning that a log is not finished; see unfinished.h. Called by cmd_sql.c and cmd_unpack.c. */
#include "unfinished.h"

#include "message.h"

#include "tenure/log.h"

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
