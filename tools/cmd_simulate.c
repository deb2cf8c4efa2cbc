/* SPDX-License-Identifier: MIT */
/* The command `simulate`: reads its options, a script or a log, has every policy simulated, and prints the
 * answer. */
#include "command.h"
#include "input.h"
#include "message.h"
#include "policy_option.h"
#include "progress.h"
#include "simulate_print.h"
#include "unfinished.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POOLS_MAX        64
#define HORIZON_NS       (UINT64_C(365) * 86400 * 1000000000)
#define REPLICAS         200
#define REPLICAS_MAX     100000
#define SCRIPT_MAX_BYTES (UINT64_C(1) << 30)
#define KEPT_EVENTS      4000000 /* in memory, at 32 bytes each */

/* What was asked for. */
struct simulate_request {
    const char *script; /* NULL: a log */
    uint64_t process_id;
    struct tn_heap_options heap; /* parameters of all policies */
    struct tn_heap_pool *pools;  /* owned */
    enum tn_replay_after after;
    bool is_json;
    const char *sizes; /* file of sizes; NULL: none */
    bool is_without_runtime;
    const char *kinds; /* of findings to apply; NULL: none */
    const char *plan;  /* numbers or keys of findings to apply; NULL: by kinds */
    bool has_risk;
    uint64_t horizon_ns, replicas; /* of the risk card */
};

static int add_policy(struct tn_simulation *simulation, const struct simulate_request *request,
                      const char *text, struct tn_error *error)
{
    if (simulation->policy_count == TN_SIMULATE_POLICIES_MAX)
        return tn_error_set(error, -EINVAL, "option '--policy' of 'simulate': at most %d policies",
                            TN_SIMULATE_POLICIES_MAX);
    struct tn_simulated_policy *policy = &simulation->policies[simulation->policy_count++];
    policy->label = strdup(text);
    if (policy->label == NULL)
        return tn_error_set(error, -ENOMEM, "cannot simulate: out of memory");
    int r = tn_policy_option_parse("option '--policy' of 'simulate'", text, &request->heap, &policy->options,
                                   error);
    if (r < 0)
        return r;
    policy->options.after = request->after;
    policy->options.wants_offsets = simulation->has_offsets;
    policy->options.wants_samples = policy->options.wants_pins = true;
    return 0;
}

static int read_policies(const struct tn_arguments *arguments, struct tn_simulation *simulation,
                         const struct simulate_request *request, struct tn_error *error)
{
    const char *given = tn_option_text(arguments, "policy");
    char *text = strdup(given != NULL ? given : TN_POLICY_OPTION_DEFAULT), *rest = NULL;
    if (text == NULL)
        return tn_error_set(error, -ENOMEM, "cannot simulate: out of memory");
    int r = 0;
    for (char *word = strtok_r(text, ",", &rest); word != NULL && r == 0; word = strtok_r(NULL, ",", &rest))
        r = add_policy(simulation, request, word, error);
    free(text);
    if (r == 0 && simulation->policy_count == 0)
        r = tn_error_set(error, -EINVAL, "option '--policy' of 'simulate': it names no policy");
    return r;
}

/* Parse `SIZExCOUNT,...`. */
static int read_pools(const char *text, struct simulate_request *request, struct tn_error *error)
{
    request->pools = calloc(POOLS_MAX, sizeof(*request->pools));
    char *words = strdup(text), *rest = NULL;
    int r = request->pools == NULL || words == NULL
                ? tn_error_set(error, -ENOMEM, "cannot simulate: out of memory")
                : 0;
    for (char *word = r == 0 ? strtok_r(words, ",", &rest) : NULL; word != NULL && r == 0;
         word = strtok_r(NULL, ",", &rest)) {
        struct tn_heap_pool *pool = &request->pools[request->heap.pool_count];
        char *times = strchr(word, 'x');
        if (times != NULL)
            *times = '\0';
        if (times == NULL || request->heap.pool_count == POOLS_MAX - 1 ||
            tn_parse_bytes(word, &pool->block_bytes) < 0 || tn_parse_bytes(times + 1, &pool->count) < 0 ||
            pool->block_bytes == 0 || pool->count == 0 || pool->block_bytes > UINT32_MAX ||
            pool->count > UINT32_MAX)
            r = tn_error_set(error, -EINVAL, "option '--pool' of 'simulate': '%s' is no list of BYTESxCOUNT",
                             text);
        else
            request->heap.pool_count++;
    }
    free(words);
    request->heap.pools = request->pools;
    return r;
}

static int read_after(const struct tn_arguments *arguments, struct simulate_request *request,
                      struct tn_error *error)
{
    static const char *const names[] = {"stop", "skip", "grow"};
    const char *text = tn_option_text(arguments, "after-failure");
    if (text == NULL)
        return 0;
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            request->after = (enum tn_replay_after)i;
            return 0;
        }
    return tn_error_set(error, -EINVAL,
                        "option '--after-failure' of 'simulate': '%s' is none of stop, skip and grow", text);
}

static int read_format(const struct tn_arguments *arguments, struct simulate_request *request,
                       struct tn_error *error)
{
    const char *text = tn_option_text(arguments, "format");
    request->is_json = text != NULL && strcmp(text, "json") == 0;
    if (text == NULL || request->is_json || strcmp(text, "text") == 0)
        return 0;
    return tn_error_set(error, -EINVAL,
                        "option '--format' of 'simulate': unknown format '%s': there are text and json",
                        text);
}

static int read_heap(const struct tn_arguments *arguments, struct tn_heap_options *heap,
                     struct tn_error *error)
{
    int r = tn_option_bytes(arguments, "heap", 1, TN_HEAP_UNLIMITED - 1, TN_HEAP_UNLIMITED, &heap->heap_bytes,
                            error);
    if (r == 0)
        r = tn_option_bytes(arguments, "header", 0, 65536, TN_HEAP_DEFAULT, &heap->header_bytes, error);
    if (r == 0)
        r = tn_option_bytes(arguments, "align", 1, 65536, TN_HEAP_DEFAULT, &heap->align_bytes, error);
    if (r == 0)
        r = tn_option_bytes(arguments, "min-block", 0, UINT32_MAX, TN_HEAP_DEFAULT, &heap->min_block_bytes,
                            error);
    if (r == 0)
        r = tn_option_count(arguments, "pointer-size", 4, 8, sizeof(void *), &heap->pointer_bytes, error);
    if (r == 0 && heap->pointer_bytes != 4 && heap->pointer_bytes != 8)
        r = tn_error_set(error, -EINVAL, "option '--pointer-size' of 'simulate': it is 4 or 8");
    return r;
}

static int read_risk(const struct tn_arguments *arguments, struct simulate_request *request,
                     struct tn_error *error)
{
    request->has_risk = tn_option_is_given(arguments, "risk");
    if (!request->has_risk &&
        (tn_option_is_given(arguments, "horizon") || tn_option_is_given(arguments, "replicas")))
        return tn_error_set(
            error, -EINVAL,
            "options '--horizon' and '--replicas' of 'simulate' belong to '--risk': give it, too");
    int r = tn_option_duration(arguments, "horizon", HORIZON_NS, &request->horizon_ns, error);
    if (r < 0)
        return r;
    return tn_option_count(arguments, "replicas", 10, REPLICAS_MAX, REPLICAS, &request->replicas, error);
}

static int read_request(const struct tn_arguments *arguments, struct simulate_request *request,
                        struct tn_error *error)
{
    tn_heap_options_init(&request->heap);
    request->script = tn_option_text(arguments, "script");
    if ((request->script != NULL) == (arguments->operand_count > 0))
        return tn_error_set(error, -EINVAL, "'simulate' needs a LOG or '--script FILE', one of them");
    request->kinds = tn_option_text(arguments, "apply");
    request->plan = tn_option_text(arguments, "plan");
    if (request->kinds != NULL && request->plan != NULL)
        return tn_error_set(error, -EINVAL, "options '--apply' and '--plan' of 'simulate': give one of them");
    request->sizes = tn_option_text(arguments, "sizes");
    request->is_without_runtime = tn_option_is_given(arguments, "without-runtime");
    if (request->script != NULL && (request->kinds != NULL || request->plan != NULL ||
                                    request->sizes != NULL || request->is_without_runtime))
        return tn_error_set(
            error, -EINVAL,
            "options '--apply', '--plan', '--sizes' and '--without-runtime' of 'simulate' need a log: a "
            "script has no sites");
    int r = read_heap(arguments, &request->heap, error);
    if (r == 0)
        r = read_after(arguments, request, error);
    if (r == 0)
        r = read_format(arguments, request, error);
    if (r == 0)
        r = tn_option_count(arguments, "process", 1, INT64_MAX, 0, &request->process_id, error);
    if (r == 0)
        r = read_risk(arguments, request, error);
    const char *pools = tn_option_text(arguments, "pool");
    if (r == 0 && pools != NULL)
        r = read_pools(pools, request, error);
    return r;
}

/* Every policy, and its risk card. Returns 0 or negative errno; error says what failed. */
static int simulate_all(const struct simulate_request *request, struct tn_simulation *simulation,
                        struct tn_error *error)
{
    struct tn_progress progress = {.what = "replaying", .has_lines = true};
    int r = 0;
    for (size_t i = 0; i < simulation->policy_count && r == 0; i++) {
        tn_progress_show(&progress, i, simulation->policy_count);
        struct tn_simulated_policy *policy = &simulation->policies[i];
        r = tn_simulate_policy(&simulation->source, policy, error);
        if (r == 0 && policy->result.failures > 0 && simulation->log != NULL)
            r = tn_simulate_live_before(&simulation->source, policy->result.failure.event, &policy->live,
                                        &policy->live_count, error);
        if (r == 0 && request->has_risk)
            r = tn_simulate_risk(&simulation->source, policy, request->horizon_ns, request->replicas, error);
    }
    tn_progress_end(&progress);
    return r;
}

static bool has_survived(const struct tn_simulation *simulation)
{
    for (size_t i = 0; i < simulation->policy_count; i++)
        if (!simulation->policies[i].result.has_survived)
            return false;
    return true;
}

/* Names in the text are the recorded program's. */
static int print_text(const struct tn_simulation *simulation, struct tn_buffer *out)
{
    struct tn_buffer text = {0};
    int r = tn_simulate_print_text(simulation, &text);
    if (r == 0)
        r = tn_buffer_print(&text, "%s", "");
    if (r == 0)
        r = tn_buffer_show(out, (const char *)text.data, "\n");
    tn_buffer_finish(&text);
    return r;
}

static int answer(const struct simulate_request *request, struct tn_simulation *simulation,
                  struct tn_log *log)
{
    struct tn_error error = {0};
    if (simulate_all(request, simulation, &error) < 0)
        return tn_say_error(&error);
    if ((request->kinds != NULL || request->plan != NULL) &&
        tn_simulate_apply(simulation, log, request->kinds, request->plan, &error) < 0)
        return tn_say_error(&error);
    struct tn_buffer text = {0};
    int status = TN_STATUS_MACHINE;
    int r = request->is_json ? tn_simulate_print_json(simulation, &text) : print_text(simulation, &text);
    if (r < 0)
        tn_say("cannot print the simulation: out of memory");
    else
        status = tn_print_out(&text);
    tn_buffer_finish(&text);
    if (status == TN_STATUS_DONE && simulation->has_heap && !has_survived(simulation))
        return TN_STATUS_NO;
    return status;
}

static int simulate_script(const struct simulate_request *request, struct tn_simulation *simulation)
{
    struct tn_buffer text = {0};
    struct tn_replay_script *script = NULL;
    struct tn_error error = {0};
    int r = tn_input_read(request->script, SCRIPT_MAX_BYTES, &text, &error);
    if (r == 0)
        r = tn_replay_script_parse(request->script, (const char *)text.data, text.size_bytes, &script,
                                   &error);
    tn_buffer_finish(&text);
    if (r < 0)
        return tn_say_error(&error);
    simulation->name = request->script;
    simulation->source = tn_replay_script_source(script);
    int status = answer(request, simulation, NULL);
    tn_replay_script_close(script);
    return status;
}

/* What differs between the recorded machine and the modelled one. */
static int assume(const struct simulate_request *request, struct tn_simulation *simulation,
                  struct tn_log *log, struct tn_error *error)
{
    struct tn_buffer text = {0};
    int r = 0;
    if (request->is_without_runtime)
        r = tn_overrides_leave_runtime(&simulation->overrides, log, error);
    if (r == 0 && request->sizes != NULL)
        r = tn_input_read(request->sizes, SCRIPT_MAX_BYTES, &text, error);
    if (r == 0 && request->sizes != NULL)
        r = tn_overrides_read(&simulation->overrides, log, request->sizes, (char *)text.data, error);
    tn_buffer_finish(&text);
    if (request->is_without_runtime || request->sizes != NULL)
        tn_log_source_assume(simulation->log, &simulation->overrides);
    return r;
}

/* Keep the events in memory if they are not too many: they are replayed often. Returns 0, also when they are
 * too many (*ret_trace is then untouched), or negative errno. */
static int keep_events(struct tn_simulation *simulation, struct tn_replay_trace **ret_trace,
                       struct tn_error *error)
{
    int r = tn_replay_trace_read(&simulation->source, KEPT_EVENTS, ret_trace, error);
    if (r == 0)
        simulation->source = tn_replay_trace_source(*ret_trace);
    return r == -E2BIG ? 0 : r;
}

static int simulate_log(const struct simulate_request *request, struct tn_simulation *simulation,
                        const char *path)
{
    struct tn_log *log = NULL;
    struct tn_replay_trace *trace = NULL;
    struct tn_error error = {0};
    if (tn_open_finished(path, &log, &error) < 0)
        return tn_say_error(&error);
    int status;
    if (tn_log_source_open(log, request->process_id, &simulation->log, &error) < 0) {
        status = tn_say_error(&error);
    } else {
        simulation->name = path;
        simulation->pauses = (uint64_t)tn_log_meta_int(log, "pauses", 0);
        simulation->paused_ns = (uint64_t)tn_log_meta_int(log, "paused_ns", 0);
        simulation->unrecorded_allocations = (uint64_t)tn_log_meta_int(log, "unrecorded_allocations", 0);
        simulation->source = tn_log_source_events(simulation->log);
        int r = assume(request, simulation, log, &error);
        if (r == 0)
            r = keep_events(simulation, &trace, &error);
        status = r < 0 ? tn_say_error(&error) : answer(request, simulation, log);
    }
    tn_replay_trace_close(trace);
    tn_log_source_close(simulation->log);
    tn_log_close(log);
    return status;
}

static void finish(struct simulate_request *request, struct tn_simulation *simulation)
{
    for (size_t i = 0; i < simulation->policy_count; i++)
        tn_simulated_policy_finish(&simulation->policies[i]);
    tn_what_if_finish(&simulation->what_if);
    tn_findings_finish(&simulation->findings);
    tn_overrides_finish(&simulation->overrides);
    free(request->pools);
    free(simulation);
}

static int run(const struct tn_arguments *arguments)
{
    struct simulate_request request = {0};
    struct tn_error error = {0};
    struct tn_simulation *simulation = calloc(1, sizeof(*simulation));
    if (simulation == NULL) {
        tn_say("cannot simulate: out of memory");
        return TN_STATUS_MACHINE;
    }
    simulation->has_heap = tn_option_is_given(arguments, "heap");
    simulation->has_offsets = tn_option_is_given(arguments, "offsets");
    int r = read_request(arguments, &request, &error);
    if (r == 0)
        r = read_policies(arguments, simulation, &request, &error);
    int status;
    if (r < 0)
        status = tn_say_error(&error);
    else if (request.script != NULL)
        status = simulate_script(&request, simulation);
    else
        status = simulate_log(&request, simulation, arguments->operands[0]);
    finish(&request, simulation);
    return status;
}

static const struct tn_option options[] = {
    {0, "script", "FILE",
     "replay a script instead of a log: lines 'A ID SIZE [ALIGN]',\n'R ID SIZE', 'F ID'; # begins a comment",
     NULL},
    {0, "policy", "P,...", "models to replay on (default " TN_POLICY_OPTION_DEFAULT ")", NULL},
    {0, "heap", "BYTES", "size of the heap; without it, the smallest that survives\nis found", NULL},
    {0, "pointer-size", "4|8", "of the machine that is modelled (default: this one's)", NULL},
    {0, "header", "BYTES", "header of each block: the plain policies, buddy", NULL},
    {0, "align", "BYTES", "alignment of blocks", NULL},
    {0, "min-block", "BYTES", "smallest block, header included: the plain policies, buddy", NULL},
    {0, "pool", "BYTESxCOUNT,...",
     "pools of the policies pools and pools-spill (default: a\npower of two each, as many as are live at "
     "once)",
     NULL},
    {0, "apply", "KIND,...",
     "measure what the log's findings of these kinds would\nchange, alone and together; all: of every kind",
     NULL},
    {0, "without-runtime", NULL,
     "leave out what the C library, the C++ library and the\nloader allocate for themselves", NULL},
    {0, "plan", "FINDING,...",
     "the same for single findings, by number or key, or for steps\nof the plan, by letter, as 'tenure "
     "report' prints "
     "them",
     NULL},
    {0, "sizes", "FILE",
     "sizes on the modelled machine: lines 'PLACE [FROM] TO',\nPLACE a function or FILE:LINE", NULL},
    {0, "after-failure", "stop|skip|grow", "stop (default), skip the block, or grow the heap", NULL},
    {0, "process", "ID",
     "the process to replay, by its id in the log (default: the\none with most allocations)", NULL},
    {0, "offsets", NULL, "print the offset of every allocation", NULL},
    {0, "risk", NULL,
     "print the risk card: what the recording says of a longer\nmission in this heap, or in the smallest "
     "safe one",
     NULL},
    {0, "horizon", "TIME", "length of the mission: 10s, 90m, 12h, 30d, 2w, 1y (default)", NULL},
    {0, "replicas", "N", "missions that are resampled (default 200)", NULL},
    {0, "format", "text|json", "how to write it (default: text)", NULL},
};

const struct tn_command tn_command_simulate = {
    .name = "simulate",
    .summary = "Replay a log on models of small heaps: does it survive, and in how much",
    .usage = "[OPTIONS] LOG | --script FILE",
    .details =
        "Policies: first-fit, best-fit, next-fit, worst-fit (plain, with --header, --align, --min-block),\n"
        "freertos-heap1, freertos-heap2, freertos-heap4, freertos-heap5, newlib-nano, newlib, tlsf,\n"
        "tlsf-esp32, zephyr, glibc, buddy, pools, pools-spill, lwip, mbedtls. A policy's own parameters\n"
        "follow its name: glibc:tcache=0:fast=0. Exit status 1: a policy did not survive in --heap.\n"
        "\n"
        "Example: tenure simulate --heap 64K --without-runtime app.db\n",
    .options = {.options = options,
                .count = sizeof(options) / sizeof(options[0]),
                .operand_max = 1,
                .operands = "a LOG"},
    .usage_status = TN_STATUS_USAGE,
    .run = run,
};
