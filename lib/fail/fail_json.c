/* SPDX-License-Identifier: MIT */
/* The results for programs, all of them, with what runs without a failure were like. docs/fail.md explains
 * the members. */
#include "fail_words.h"

#include "tenure/json.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

static int put_result(struct tn_json *json, const struct tn_fail_report *report,
                      const struct tn_fail_result *result)
{
    char *repeat = tn_fail_repeat_text(report, result);
    if (repeat == NULL)
        return -ENOMEM;
    tn_json_open_object(json, NULL);
    tn_json_text(json, "class", tn_fail_class_name(result->class));
    tn_json_bool(json, "bad", tn_fail_class_is_bad(result->class));
    tn_json_uint(json, report->is_by_stack ? "stack_id" : "site_id", result->subject_id);
    tn_json_text(json, "place", result->place);
    tn_json_text(json, "via", result->via);
    tn_json_text(json, "key", result->key);
    tn_json_uint(json, "occurrence", result->occurrence);
    if (WIFEXITED(result->status))
        tn_json_int(json, "exit_status", WEXITSTATUS(result->status));
    else
        tn_json_null(json, "exit_status");
    tn_json_int(json, "signal", result->signal);
    tn_json_text(json, "crash", result->crash);
    tn_json_text(json, "message", result->message);
    tn_json_uint(json, "leaked_count", result->leaked_count);
    tn_json_text(json, "leaks", result->leaks != NULL ? result->leaks : "");
    tn_json_uint(json, "matches", result->matches);
    tn_json_uint(json, "failed", result->failed);
    tn_json_uint(json, "duration_ns", result->duration_ns);
    tn_json_text(json, "repeat", repeat);
    tn_json_close_object(json);
    free(repeat);
    return json->error;
}

int tn_fail_write_json(const struct tn_fail_report *report, struct tn_buffer *out)
{
    struct tn_json json = {.out = out};
    int r = 0;
    tn_json_open_object(&json, NULL);
    tn_json_uint(&json, "format_version", 1);
    tn_json_text(&json, "log", report->log);
    tn_json_text(&json, "command", report->command);
    tn_json_text(&json, "by", report->is_by_stack ? "stack" : "site");
    tn_json_uint(&json, "subjects", report->subject_count);
    tn_json_uint(&json, "libraries_left_out", report->library_count);
    tn_json_uint(&json, "changed_left_out", report->unreachable_count);
    tn_json_uint(&json, "duration_ns", report->duration_ns);
    tn_json_bool(&json, "outputs_compared", report->baseline->has_steady_output);
    tn_json_open_object(&json, "classes");
    for (unsigned class = 0; class < TN_FAIL_CLASS_COUNT; class ++)
        tn_json_uint(&json, tn_fail_class_name((enum tn_fail_class) class),
                     tn_fail_count(report->results, (enum tn_fail_class) class));
    tn_json_close_object(&json);
    tn_json_open_array(&json, "runs");
    for (size_t i = 0; i < report->results->count && r == 0; i++)
        r = put_result(&json, report, &report->results->items[i]);
    tn_json_close_array(&json);
    tn_json_close_object(&json);
    if (r == 0)
        r = json.error;
    return r == 0 ? tn_buffer_print(out, "\n") : r;
}
