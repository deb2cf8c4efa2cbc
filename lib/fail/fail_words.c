/* SPDX-License-Identifier: MIT */
/* The sentences about results, which all formats share, and the commands that repeat them. Called by the
 * writers of the formats. */
#include "fail_words.h"

#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

static const char *const words[TN_FAIL_CLASS_COUNT] = {
    [TN_FAIL_NOT_REACHED] = "the place was not passed in this run, or not so often: nothing failed",
    [TN_FAIL_HANDLED] = "the same exit status and the same output as without a failure",
    [TN_FAIL_REPORTED] =
        "it ended in order, with another exit status; or a server let a client down and served the next",
    [TN_FAIL_LEAKED] = "it ended in order, but blocks were never released that are without the failure",
    [TN_FAIL_WRONG] =
        "the exit status says that all is well, but the output is another one; or a server no longer serves",
    [TN_FAIL_HUNG] = "it did not end in time",
    [TN_FAIL_CRASHED] = "a signal ended it",
    [TN_FAIL_CORRUPTED] = "the C library found the heap damaged",
};

const char *tn_fail_class_words(enum tn_fail_class class)
{
    return words[class];
}

size_t tn_fail_count(const struct tn_fail_results *results, enum tn_fail_class class)
{
    size_t count = 0;
    for (size_t i = 0; i < results->count; i++)
        count += results->items[i].class == class;
    return count;
}

static int print_status(const struct tn_fail_result *result, struct tn_buffer *out)
{
    char duration[TN_QUANTITY_TEXT_BYTES];
    int status = result->status;
    if (result->class == TN_FAIL_HUNG)
        return tn_buffer_print(out, "killed after %s", tn_print_duration(duration, result->duration_ns));
    if (result->class == TN_FAIL_NOT_REACHED)
        return tn_buffer_print(out, "passed %" PRIu64 " time%s", result->matches,
                               result->matches == 1 ? "" : "s");
    if (result->signal != 0)
        return tn_buffer_print(out, "SIG%s",
                               sigabbrev_np(result->signal) != NULL ? sigabbrev_np(result->signal) : "?");
    if (WIFSIGNALED(status))
        return tn_buffer_print(out, "SIG%s", sigabbrev_np(WTERMSIG(status)));
    return tn_buffer_print(out, "status %d", WEXITSTATUS(status));
}

int tn_fail_print_end(const struct tn_fail_result *result, struct tn_buffer *out)
{
    char count[TN_QUANTITY_TEXT_BYTES];
    int r = print_status(result, out);
    if (r == 0 && result->crash[0] != '\0')
        r = tn_buffer_print(out, " in %s", result->crash);
    if (r == 0 && result->leaked_count > 0)
        r = tn_buffer_print(out, ", %s block%s more live at the end",
                            tn_print_count(count, result->leaked_count),
                            result->leaked_count == 1 ? "" : "s");
    if (r == 0 && result->leaks != NULL && result->leaks[0] != '\0')
        r = tn_buffer_print(out, ": %s", result->leaks);
    if (r == 0 && result->message[0] != '\0' && result->class != TN_FAIL_HANDLED) {
        r = tn_buffer_print(out, "; it said: ");
        if (r == 0)
            r = tn_buffer_show(out, result->message, "");
    }
    return r;
}

static bool is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
    return word[0] != '\0' && word[strspn(word, plain)] == '\0';
}

int tn_fail_quote(struct tn_buffer *out, const char *word)
{
    if (is_plain(word))
        return tn_buffer_print(out, "%s", word);
    int r = tn_buffer_print(out, "'");
    for (; *word != '\0' && r == 0; word++)
        r = *word == '\'' ? tn_buffer_print(out, "'\\''") : tn_buffer_append(out, word, 1);
    return r == 0 ? tn_buffer_print(out, "'") : r;
}

int tn_fail_quote_command(struct tn_buffer *out, char *const *argv)
{
    int r = 0;
    for (size_t i = 0; argv[i] != NULL && r == 0; i++) {
        r = tn_buffer_print(out, "%s", i > 0 ? " " : "");
        if (r == 0)
            r = tn_fail_quote(out, argv[i]);
    }
    return r;
}

int tn_fail_print_repeat(const struct tn_fail_report *report, const struct tn_fail_result *result,
                         struct tn_buffer *out)
{
    int r = tn_buffer_print(out, "tenure fail ");
    if (r == 0)
        r = tn_fail_quote(out, report->log);
    if (r == 0 && result->subject_id != 0)
        r = tn_buffer_print(out, " --%s %" PRIu64, report->is_by_stack ? "stack" : "site",
                            result->subject_id);
    if (r == 0 && result->occurrence > 1)
        r = tn_buffer_print(out, " --occurrence %" PRIu64, result->occurrence);
    return r == 0 ? tn_buffer_print(out, " %s-- %s", report->options, report->command) : r;
}

static char *take(struct tn_buffer *out, int r)
{
    if (r == 0)
        return (char *)out->data;
    tn_buffer_finish(out);
    return NULL;
}

char *tn_fail_end_text(const struct tn_fail_result *result)
{
    struct tn_buffer out = {0};
    int r = tn_fail_print_end(result, &out);
    return take(&out, r);
}

char *tn_fail_repeat_text(const struct tn_fail_report *report, const struct tn_fail_result *result)
{
    struct tn_buffer out = {0};
    int r = tn_fail_print_repeat(report, result, &out);
    return take(&out, r);
}
