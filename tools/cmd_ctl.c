/* SPDX-License-Identifier: MIT */
/* The command `ctl`: asks the recorder of a recording that runs to pause, to go on or to commit, and prints
 * how the recording is afterwards. */
#include "command.h"
#include "message.h"

#include "tenure/json.h"
#include "tenure/request.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const char *const verbs[TN_REQUEST_VERB_COUNT] = {
    [TN_REQUEST_STATUS] = "status",
    [TN_REQUEST_START] = "start",
    [TN_REQUEST_STOP] = "stop",
    [TN_REQUEST_FLUSH] = "flush",
};

/* TN_REQUEST_VERB_COUNT: there is no such verb. */
static enum tn_request_verb find_verb(const char *text)
{
    unsigned verb = 0;
    while (verb < TN_REQUEST_VERB_COUNT && strcmp(verbs[verb], text) != 0)
        verb++;
    return (enum tn_request_verb)verb;
}

static int print_json(const struct tn_recording_status *status, struct tn_buffer *text)
{
    struct tn_json json = {.out = text};
    tn_json_open_object(&json, NULL);
    tn_json_text(&json, "log", status->log_path);
    tn_json_bool(&json, "paused", status->is_paused != 0);
    tn_json_uint(&json, "since_ns", status->since_ns);
    tn_json_uint(&json, "duration_ns", status->duration_ns);
    tn_json_uint(&json, "paused_ns", status->paused_ns);
    tn_json_uint(&json, "pauses", status->pauses);
    tn_json_uint(&json, "processes", status->processes);
    tn_json_uint(&json, "allocations", status->allocations);
    tn_json_uint(&json, "frees", status->frees);
    tn_json_uint(&json, "allocated_bytes", status->allocated_bytes);
    tn_json_uint(&json, "events_lost", status->events_lost);
    tn_json_uint(&json, "unrecorded_allocations", status->unrecorded_allocations);
    tn_json_uint(&json, "unrecorded_frees", status->unrecorded_frees);
    tn_json_uint(&json, "log_bytes", status->log_bytes);
    tn_json_uint(&json, "recorder_pid", status->recorder_pid);
    tn_json_close_object(&json);
    return json.error < 0 ? json.error : tn_buffer_print(text, "\n");
}

static int print_count(struct tn_buffer *text, const char *label, uint64_t count)
{
    char number[TN_QUANTITY_TEXT_BYTES];
    return tn_buffer_print(text, "%-13s %s\n", label, tn_print_count(number, count));
}

static int print_state(const struct tn_recording_status *status, struct tn_buffer *text)
{
    char for_text[TN_QUANTITY_TEXT_BYTES], of_text[TN_QUANTITY_TEXT_BYTES], paused[TN_QUANTITY_TEXT_BYTES];
    uint64_t for_ns = status->duration_ns - status->since_ns;
    int r = tn_buffer_print(
        text, "%-13s %s for %s, of %s in all\n", "state", status->is_paused != 0 ? "paused" : "recording",
        tn_print_duration(for_text, for_ns), tn_print_duration(of_text, status->duration_ns));
    if (r == 0 && status->pauses != 0)
        r = tn_buffer_print(text, "%-13s %s\n", "paused", tn_print_duration(paused, status->paused_ns));
    return r;
}

static int print_text(const struct tn_recording_status *status, struct tn_buffer *text)
{
    char count[TN_QUANTITY_TEXT_BYTES], size[TN_QUANTITY_TEXT_BYTES];
    int r = tn_buffer_print(text, "%-13s ", "log");
    if (r == 0)
        r = tn_buffer_show(text, status->log_path, "");
    if (r == 0)
        r = tn_buffer_print(text, ", %s\n", tn_print_bytes(size, status->log_bytes));
    if (r == 0)
        r = print_state(status, text);
    if (r == 0)
        r = print_count(text, "processes", status->processes);
    if (r == 0)
        r = print_count(text, "allocations", status->allocations);
    if (r == 0)
        r = print_count(text, "live", status->allocations - status->frees);
    if (r == 0)
        r = print_count(text, "lost", status->events_lost);
    if (r == 0 && status->pauses != 0)
        r = tn_buffer_print(text, "%-13s %s allocations while paused\n", "not recorded",
                            tn_print_count(count, status->unrecorded_allocations));
    return r;
}

static int run(const struct tn_arguments *arguments)
{
    const char *word = arguments->operand_count > 1 ? arguments->operands[1] : verbs[TN_REQUEST_STATUS];
    enum tn_request_verb verb = find_verb(word);
    struct tn_recording_status status;
    struct tn_error error;
    if (verb == TN_REQUEST_VERB_COUNT) {
        tn_say("'ctl' cannot '%s': it can status, start, stop and flush; see 'tenure ctl --help'", word);
        return TN_STATUS_USAGE;
    }
    if (tn_request(arguments->operands[0], verb, &status, &error) < 0)
        return tn_say_error(&error);
    struct tn_buffer text = {0};
    int r = tn_option_is_given(arguments, "json") ? print_json(&status, &text) : print_text(&status, &text);
    int result = TN_STATUS_MACHINE;
    if (r == 0)
        result = tn_print_out(&text);
    else
        tn_say("out of memory");
    tn_buffer_finish(&text);
    return result;
}

static const struct tn_option options[] = {
    {0, "json", NULL, "print one JSON object", NULL},
};

const struct tn_command tn_command_ctl = {
    .name = "ctl",
    .summary = "Steer a recording that runs: pause it, let it go on, commit it",
    .usage = "[OPTIONS] PID|LOG [status|start|stop|flush]",
    .details =
        "  status  say how the recording is (the default); the others say it, too\n"
        "  stop    pause: allocations are counted, but not recorded, until `start`; the releases of\n"
        "          recorded blocks still are\n"
        "  start   record, or go on after a pause\n"
        "  flush   commit what was recorded until now: whoever reads the log then sees it\n\n"
        "PID is that of a recorded process; all processes of its recording are meant. A log whose name is a\n"
        "number: ./NUMBER.\n\n"
        "Example: tenure ctl app.db stop\n",
    .options = {.options = options,
                .count = sizeof(options) / sizeof(options[0]),
                .operand_min = 1,
                .operand_max = 2,
                .operands = "a PID or a LOG",
                .words = "status start stop flush"},
    .usage_status = TN_STATUS_USAGE,
    .run = run,
};
