/* SPDX-License-Identifier: MIT */

/* The command `diff`: reads its options, loads both logs, has them compared, prints what changed, and says by
 * its exit status whether that is a regression. */

#include "command.h"
#include "loaded_run.h"
#include "message.h"
#include "output.h"
#include "policy_option.h"
#include "screen.h"

#include "tenure/kinds.h"
#include "tenure/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOP_DEFAULT 10
#define TOP_MAX     100000
/* More are replayed only if --policy asks for it: some seconds a model. */
#define MEASURED_UNASKED_EVENTS 2000000

enum diff_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_HTML };

/* What was asked for. Strings are borrowed. */
struct diff_request {
    const char *old_path, *new_path;
    uint64_t old_process_id, new_process_id; /* 0: the one with most allocations */
    enum diff_format format;
    struct tn_screen screen; /* where it goes */
    uint64_t top;            /* sites; 0: all */
    const char *fail_on;     /* "regression" and kinds, separated by commas; NULL: nothing */
    bool allows_loss;
    bool has_models;             /* --policy was given */
    char *model_words;           /* owned; what models borrows */
    struct tn_run_models models; /* those asked for, or the default ones */
};

/* ---------------------------------------------------------------------------------------- options */

static int read_format(const struct tn_arguments *arguments, struct diff_request *request,
                       struct tn_error *error)
{
    static const char *const names[] = {
        [FORMAT_TEXT] = "text", [FORMAT_JSON] = "json", [FORMAT_HTML] = "html"};
    const char *format = tn_option_text(arguments, "format");
    for (int i = FORMAT_TEXT; format != NULL && i <= FORMAT_HTML; i++)
        if (strcmp(format, names[i]) == 0) {
            request->format = (enum diff_format)i;
            return 0;
        }
    return format == NULL ? 0
                          : tn_error_set(error, -EINVAL,
                                         "option '--format' of 'diff': unknown format '%s': there are text, "
                                         "json and html",
                                         format);
}

/* The next word of a list that commas separate; NULL: no more. */
static const char *next_word(const char **list, size_t *ret_length)
{
    if (*list == NULL)
        return NULL;
    const char *word = *list;
    *ret_length = strcspn(word, ",");
    *list = word[*ret_length] == ',' ? word + *ret_length + 1 : NULL;
    return word;
}

static bool is_word(const char *word, size_t length, const char *wanted)
{
    return strlen(wanted) == length && strncmp(word, wanted, length) == 0;
}

static bool is_kind(const char *word, size_t length)
{
    for (size_t i = 0; tn_kinds[i] != NULL; i++)
        if (is_word(word, length, tn_kinds[i]->name))
            return true;
    return false;
}

static int read_fail_on(const struct tn_arguments *arguments, struct diff_request *request,
                        struct tn_error *error)
{
    request->fail_on = tn_option_text(arguments, "fail-on");
    const char *rest = request->fail_on;
    size_t length;
    for (const char *word; (word = next_word(&rest, &length)) != NULL;)
        if (!is_word(word, length, "regression") && !is_kind(word, length))
            return tn_error_set(error, -EINVAL,
                                "option '--fail-on' of 'diff': '%.*s' is neither 'regression' nor a kind of "
                                "finding; 'tenure report --list-kinds' lists them",
                                (int)length, word);
    return 0;
}

static int read_models(const struct tn_arguments *arguments, struct diff_request *request,
                       struct tn_error *error)
{
    const char *given = tn_option_text(arguments, "policy");
    char *rest = NULL;
    int r = 0;
    request->has_models = given != NULL;
    if (given != NULL && strcmp(given, "none") == 0)
        return 0;
    request->model_words = strdup(given != NULL ? given : TN_POLICY_OPTION_DEFAULT);
    if (request->model_words == NULL)
        return tn_error_set(error, -ENOMEM, "cannot compare: out of memory");
    for (char *word = strtok_r(request->model_words, ",", &rest); word != NULL && r == 0;
         word = strtok_r(NULL, ",", &rest))
        r = tn_run_models_add(&request->models, "option '--policy' of 'diff'", word, error);
    if (r == 0 && request->models.count == 0)
        r = tn_error_set(error, -EINVAL,
                         "option '--policy' of 'diff': it names no policy; none: measure nothing");
    return r;
}

static int read_request(const struct tn_arguments *arguments, struct diff_request *request,
                        struct tn_error *error)
{
    request->old_path = arguments->operands[0];
    request->new_path = arguments->operands[1];
    request->allows_loss = tn_option_is_given(arguments, "allow-incomplete");
    int r = tn_screen_read(arguments, tn_option_text(arguments, "output"), &request->screen, error);
    if (r == 0)
        r = read_format(arguments, request, error);
    if (r == 0)
        r = read_fail_on(arguments, request, error);
    if (r == 0)
        r = tn_option_count(arguments, "top", 0, TOP_MAX, TOP_DEFAULT, &request->top, error);
    if (r == 0)
        r = tn_option_count(arguments, "old-process", 1, INT64_MAX, 0, &request->old_process_id, error);
    if (r == 0)
        r = tn_option_count(arguments, "new-process", 1, INT64_MAX, 0, &request->new_process_id, error);
    if (r == 0)
        r = read_models(arguments, request, error);
    bool is_log =
        request->screen.output != NULL && (tn_output_is_same(request->old_path, request->screen.output) ||
                                           tn_output_is_same(request->new_path, request->screen.output));
    if (r == 0 && is_log)
        r = tn_error_set(error, -EINVAL,
                         "option '--output' of 'diff': '%s' is one of the logs; name another file",
                         request->screen.output);
    return r;
}

/* ---------------------------------------------------------------------------------------- comparing */

static uint64_t events_of(const struct tn_loaded_run *run)
{
    return run->summary.totals.allocations + run->summary.totals.frees;
}

/* Only a gate needs whole logs: people read the warnings. */
static int load_both(const struct diff_request *request, struct tn_loaded_run *old_run,
                     struct tn_loaded_run *new_run, struct tn_error *error)
{
    struct tn_run_request wanted = {.process_id = request->old_process_id,
                                    .wants_findings = true,
                                    .wants_contexts = true,
                                    .allows_loss = request->allows_loss || request->fail_on == NULL};
    int r = tn_loaded_run_load(request->old_path, &wanted, old_run, error);
    wanted.process_id = request->new_process_id;
    if (r == 0)
        r = tn_loaded_run_load(request->new_path, &wanted, new_run, error);
    if (r < 0)
        return r;
    bool is_small =
        events_of(old_run) <= MEASURED_UNASKED_EVENTS && events_of(new_run) <= MEASURED_UNASKED_EVENTS;
    if (!request->has_models && !is_small)
        return 0;
    r = tn_loaded_run_measure(request->old_path, &request->models, old_run, error);
    return r == 0 ? tn_loaded_run_measure(request->new_path, &request->models, new_run, error) : r;
}

static bool is_failure(const struct diff_request *request, const struct tn_comparison *comparison)
{
    const char *rest = request->fail_on;
    size_t length;
    for (const char *word; (word = next_word(&rest, &length)) != NULL;)
        for (size_t i = 0; i < comparison->regression_count; i++) {
            const struct tn_finding *finding = comparison->regressions[i].finding;
            if (is_word(word, length, "regression") ||
                (finding != NULL && is_word(word, length, finding->kind)))
                return true;
        }
    return false;
}

static int write_comparison(const struct diff_request *request, const struct tn_comparison *comparison,
                            struct tn_buffer *out)
{
    switch (request->format) {
    case FORMAT_JSON:
        return tn_comparison_write_json(comparison, out);
    case FORMAT_HTML:
        return tn_report_comparison_html(comparison, (size_t)request->top, out);
    default:
        return tn_report_comparison_text(comparison, (size_t)request->top, &request->screen.style, out);
    }
}

static int print(const struct diff_request *request, const struct tn_comparison *comparison)
{
    struct tn_buffer text = {0};
    int status = TN_STATUS_MACHINE;
    if (write_comparison(request, comparison, &text) < 0)
        tn_say("cannot write the comparison: out of memory");
    else
        status = request->format == FORMAT_TEXT ? tn_screen_write(&request->screen, &text)
                                                : tn_output_write(request->screen.output, &text);
    tn_buffer_finish(&text);
    return status == TN_STATUS_DONE && is_failure(request, comparison) ? TN_STATUS_NO : status;
}

static int compare(const struct diff_request *request, const struct tn_loaded_run *old_run,
                   const struct tn_loaded_run *new_run)
{
    struct tn_compared_run before = {&old_run->summary, &old_run->findings, &old_run->contexts};
    struct tn_compared_run after = {&new_run->summary, &new_run->findings, &new_run->contexts};
    struct tn_compared_heap heaps[TN_RUN_MODELS_MAX];
    for (size_t i = 0; i < old_run->heap_count; i++)
        heaps[i] = (struct tn_compared_heap){old_run->heaps[i].policy, old_run->heaps[i].smallest_bytes,
                                             new_run->heaps[i].smallest_bytes};
    struct tn_comparison comparison;
    if (tn_compare(&before, &after, heaps, old_run->heap_count, &comparison) < 0) {
        tn_say("cannot compare: out of memory");
        return TN_STATUS_MACHINE;
    }
    int status = print(request, &comparison);
    tn_comparison_finish(&comparison);
    return status;
}

static int run(const struct tn_arguments *arguments)
{
    struct diff_request request = {0};
    struct tn_loaded_run old_run = {0}, new_run = {0};
    struct tn_error error = {0};
    int r = read_request(arguments, &request, &error);
    if (r == 0)
        r = load_both(&request, &old_run, &new_run, &error);
    int status = r == 0 ? compare(&request, &old_run, &new_run) : tn_say_error(&error);
    tn_loaded_run_finish(&old_run);
    tn_loaded_run_finish(&new_run);
    free(request.model_words);
    return status;
}

static const struct tn_option options[] = {
    {0, "format", "text|json|html", "how to write it (default: text)", NULL},
    {'o', "output", "FILE", "write it into FILE instead of stdout", NULL},
    {0, "fail-on", "WHAT,...",
     "exit with status 1 on a regression, or on a new finding of\nthis kind that is not weak", NULL},
    {0, "policy", "P,...",
     "models of heaps to measure both logs on; none: do not\n(default: " TN_POLICY_OPTION_DEFAULT
     "\nfor logs of at most 2 million events)",
     NULL},
    {0, "top", "N", "sites that changed to show (default 10; 0: all)", NULL},
    {0, "old-process", "ID",
     "the process of OLD, by its id in the log (default: the one\nwith most allocations)", NULL},
    {0, "new-process", "ID", "the same of NEW", NULL},
    {0, "allow-incomplete", NULL, "let --fail-on judge logs that are incomplete or lost events", NULL},
    TN_SCREEN_OPTIONS,
};

const struct tn_command tn_command_diff = {
    .name = "diff",
    .summary = "Say what changed between two recordings: did it help, did it get worse",
    .usage = "[OPTIONS] OLD NEW",
    .details =
        "Sites are matched although their lines moved. A regression: calls, the peak or a smallest heap\n"
        "grew by more than 5 % and 1,024 (calls or bytes), or a finding is new and not weak.\n"
        "\n"
        "Example: tenure diff --fail-on regression before.db after.db\n",
    .options = {.options = options,
                .count = sizeof(options) / sizeof(options[0]),
                .operand_min = 2,
                .operand_max = 2,
                .operands = "two logs, OLD and NEW"},
    .usage_status = TN_STATUS_USAGE,
    .run = run,
};
