/* SPDX-License-Identifier: MIT */
#include "report_log.h"

#include "command.h"
#include "message.h"
#include "output.h"
#include "policy_option.h"
#include "progress.h"

#include "tenure/charts.h"
#include "tenure/kinds.h"
#include "tenure/log.h"
#include "tenure/plan.h"
#include "tenure/planner.h"
#include "tenure/summary.h"
#include "unfinished.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UNASKED_EVENTS    2000000  /* a log with more is replayed only when that is asked for */
#define UNASKED_REPLAY    20000000 /* events replayed unasked, at most about: two seconds of one core */
#define UNASKED_ROUNDS    24       /* replays of a change: six on each of the four models of the default */
#define RUNTIME_SITES_MAX 10       /* loaded beyond the ones to show: the report leaves them out of lists */
#define TEXT_TOP          10       /* findings */
#define TEXT_SITES        5
#define PAGE_TOP          30
#define PAGE_SITES        2000
#define EXCERPT_FINDINGS  200 /* in order of rank; a page shows at most 30 of those that are sure enough */

/* What a report is written from. Zeroed is empty; finish_loaded releases it. */
struct loaded_report {
    struct tn_summary summary;
    struct tn_findings findings;
    struct tn_charts charts;     /* empty unless the format draws them */
    struct tn_excerpts excerpts; /* likewise, and unless a folder of sources was given */
    char *named; /* owned; numbers and keys of --finding, those of steps among them; NULL: not given */
};

static int print_report(const struct tn_report_request *request, const struct loaded_report *loaded)
{
    struct tn_report report = {.summary = &loaded->summary,
                               .findings = &loaded->findings,
                               .charts = &loaded->charts,
                               .excerpts = &loaded->excerpts,
                               .kinds = tn_kinds,
                               .least = request->least,
                               .code = request->code,
                               .named = loaded->named,
                               .steps = request->named,
                               .finding_max = (size_t)request->top,
                               .folds_libraries = true,
                               .hides_small = !request->has_top && !request->has_only,
                               .has_whole = !request->has_top,
                               .site_max = (size_t)request->site_top,
                               .style = request->screen.style};
    struct tn_buffer text = {0};
    bool is_text = strcmp(request->format->name, "text") == 0;
    int status = TN_STATUS_MACHINE;
    if (request->format->write(&report, &text) < 0)
        tn_say("cannot write the report: out of memory");
    else
        status = is_text ? tn_screen_write(&request->screen, &text)
                         : tn_output_write(request->screen.output, &text);
    tn_buffer_finish(&text);
    return status;
}

/* Measured effects are told beside the findings; their order stays. */
static int measure(struct tn_log *log, const char *policies, const struct tn_what_if_effort *effort,
                   struct tn_findings *findings, struct tn_error *error)
{
    struct tn_what_if_model models[TN_POLICY_OPTION_MAX];
    struct tn_progress progress = {.what = "replaying"};
    struct tn_what_if_effort shown = *effort;
    size_t model_count = 0;
    char *names = strdup(policies); /* borrowed by models */
    int r = names != NULL
                ? tn_policy_option_models("option '--policy' of 'report'", names, models, &model_count, error)
                : tn_error_set(error, -ENOMEM, "cannot measure: out of memory");
    shown.progress = tn_progress_show;
    shown.user = &progress;
    if (r == 0)
        r = tn_measure_findings(log, models, model_count, &shown, findings, error);
    tn_progress_end(&progress);
    free(names);
    if (r < 0)
        tn_findings_finish(findings);
    return r;
}

/* Whether the events are so few, or it was asked for, that they are replayed. */
static bool is_replayed(const struct tn_report_request *request, const struct tn_summary *summary)
{
    uint64_t events = summary->totals.allocations + summary->totals.frees;
    if (request->policies != NULL)
        return strcmp(request->policies, "none") != 0;
    return summary->is_finished && events <= UNASKED_EVENTS && events != 0;
}

/* Measure the findings where that was asked for, and unasked where the log is so small that it takes a
 * moment. */
static int measure_as_asked(const struct tn_report_request *request, struct tn_log *log,
                            const struct tn_summary *summary, struct tn_findings *findings,
                            struct tn_error *error)
{
    const char *own = tn_report_own_library(summary);
    const struct tn_what_if_effort full = {.finding_max = TN_MEASURE_FINDINGS_MAX, .own_library = own};
    if (!is_replayed(request, summary))
        return 0;
    if (request->policies != NULL)
        return measure(log, request->policies, &full, findings, error);
    uint64_t events = summary->totals.allocations + summary->totals.frees;
    uint64_t changes = UNASKED_REPLAY / UNASKED_ROUNDS / events; /* the unchanged events are one of them */
    struct tn_what_if_effort quick = {.finding_max = changes > TEXT_TOP ? TEXT_TOP : (size_t)changes,
                                      .own_library = own};
    return changes < 2 ? 0 : measure(log, TN_POLICY_OPTION_DEFAULT, &quick, findings, error);
}

static int load_summary(struct tn_log *log, uint64_t process_id, size_t site_top,
                        struct tn_summary *ret_summary, struct tn_error *error)
{
    int r = tn_summary_load(log, process_id, site_top, ret_summary, error);
    if (r < 0)
        return r;
    r = tn_summary_load_links(log, ret_summary, error);
    if (r < 0)
        tn_summary_finish(ret_summary);
    return r;
}

static void finish_loaded(struct loaded_report *loaded)
{
    tn_charts_finish(&loaded->charts);
    tn_excerpts_finish(&loaded->excerpts);
    tn_findings_finish(&loaded->findings);
    tn_summary_finish(&loaded->summary);
    free(loaded->named);
}

static int analyze(struct tn_log *log, const struct tn_report_request *request,
                   const struct tn_event_watch *watch, struct loaded_report *loaded, struct tn_error *error)
{
    struct tn_progress progress = {.what = "analysing"};
    struct tn_analyze_options options = request->analyze;
    options.process_id = loaded->summary.process_id;
    options.planner = &tn_planner;
    options.watch = watch;
    options.progress = tn_progress_show;
    options.user = &progress;
    int r = tn_analyze(log, tn_kinds, &options, &loaded->findings, error);
    tn_progress_end(&progress);
    return r;
}

/* The charts count the same events as the analysis. */
static int analyze_with_charts(struct tn_log *log, const struct tn_report_request *request,
                               struct loaded_report *loaded, struct tn_error *error)
{
    struct tn_event_watch watch = {.birth = tn_charts_birth, .death = tn_charts_death};
    struct tn_chart_pass *pass = NULL;
    int r = tn_charts_begin(log, &loaded->summary, &pass, error);
    if (r < 0)
        return r;
    watch.context = pass;
    r = analyze(log, request, &watch, loaded, error);
    if (r < 0) {
        tn_charts_drop(pass);
        return r;
    }
    return tn_charts_end(pass, &loaded->charts, error);
}

/* The lines of the source that findings name, of as many as a page can have. */
static int load_excerpts(const struct tn_report_request *request, struct loaded_report *loaded,
                         struct tn_error *error)
{
    const struct tn_findings *findings = &loaded->findings;
    int r = tn_excerpts_open(request->source_folder, &loaded->excerpts, error);
    if (r < 0)
        return r;
    for (size_t i = 0; i < findings->count && i < EXCERPT_FINDINGS && r == 0; i++) {
        const struct tn_finding *finding = &findings->items[i];
        for (size_t k = 0; k < finding->site_count && k < TN_REPORT_EXCERPT_SITES && r == 0; k++)
            r = tn_excerpts_add(&loaded->excerpts, finding->sites[k].file, finding->sites[k].line);
        for (size_t k = 0; k < finding->release_count && k < TN_REPORT_EXCERPT_RELEASES && r == 0; k++)
            r = tn_excerpts_add(&loaded->excerpts, finding->releases[k].line.file,
                                finding->releases[k].line.line);
    }
    return r < 0 ? tn_error_set(error, r, "cannot read the sources: out of memory") : 0;
}

/* Load all that a report needs; the log is closed again. After an error nothing is loaded. */
static int load(const struct tn_report_request *request, const char *path, struct loaded_report *loaded,
                struct tn_error *error)
{
    struct tn_log *log = NULL;
    int r = tn_open_finished(path, &log, error);
    if (r < 0)
        return r;
    size_t site_top =
        request->site_top != 0 ? (size_t)request->site_top + RUNTIME_SITES_MAX : TN_REPORT_TOP_MAX;
    r = load_summary(log, request->analyze.process_id, site_top, &loaded->summary, error);
    bool has_charts = request->format->has_charts;
    if (r == 0)
        r = has_charts ? analyze_with_charts(log, request, loaded, error)
                       : analyze(log, request, NULL, loaded, error);
    if (r == 0)
        r = measure_as_asked(request, log, &loaded->summary, &loaded->findings, error);
    if (r == 0 && has_charts && is_replayed(request, &loaded->summary))
        r = tn_simulate_map(log, &loaded->findings, &loaded->charts, error);
    if (r == 0 && request->source_folder != NULL)
        r = load_excerpts(request, loaded, error);
    if (r < 0)
        finish_loaded(loaded);
    tn_log_close(log);
    return r;
}

/* Each name has to be that of a finding. */
static int check_names(const char *names, const struct tn_findings *findings, struct tn_error *error)
{
    for (const char *at = names; *at != '\0';) {
        size_t length = strcspn(at, ",");
        const struct tn_finding *refuted = tn_findings_find_refuted(findings, at, length);
        if (refuted != NULL)
            return tn_error_set(error, -EINVAL,
                                "option '--finding' of 'report': a trial has refuted the finding '%.*s': %s",
                                (int)length, at, refuted->refuted_by.what);
        if (tn_findings_find(findings, at, length) == NULL)
            return tn_error_set(error, -EINVAL,
                                "option '--finding' of 'report': the finding '%.*s' is not there: a report "
                                "without it tells numbers and keys",
                                (int)(length < 64 ? length : 64), at);
        at += length + (at[length] == ',');
    }
    return 0;
}

/* The findings that are named, those of the named steps among them. */
static int take_names(const char *names, struct loaded_report *loaded, struct tn_error *error)
{
    const struct tn_findings *findings = &loaded->findings;
    char letter = 0;
    if (names == NULL)
        return 0;
    int r = tn_plan_expand(findings->program_plan, names, &loaded->named, &letter);
    if (r == -EINVAL)
        return tn_error_set(error, r,
                            "option '--finding' of 'report': the plan has no step '%c': a report without it "
                            "tells its steps",
                            letter);
    if (r < 0)
        return tn_error_set(error, r, "cannot choose findings: out of memory");
    return check_names(loaded->named, findings, error);
}

void tn_report_request_init(struct tn_report_request *request, const struct tn_report_format *format)
{
    *request = (struct tn_report_request){.format = format,
                                          .top = format->has_charts ? PAGE_TOP : TEXT_TOP,
                                          .site_top = format->has_charts ? PAGE_SITES : TEXT_SITES,
                                          .least = TN_CONFIDENCE_CONDITIONAL};
    request->analyze.min_allocations = TN_MIN_ALLOCATIONS;
}

int tn_report_log(const struct tn_report_request *request, const char *path)
{
    struct tn_error error = {0};
    struct loaded_report loaded = {0};
    if (load(request, path, &loaded, &error) < 0)
        return tn_say_error(&error);
    const struct tn_findings *findings = &loaded.findings;
    int status = take_names(request->named, &loaded, &error) < 0 ? tn_say_error(&error) : TN_STATUS_DONE;
    if (status == TN_STATUS_DONE && request->is_saved && tn_findings_save(path, findings, &error) < 0)
        status = tn_say_error(&error);
    if (status == TN_STATUS_DONE)
        status = print_report(request, &loaded);
    finish_loaded(&loaded);
    return status;
}
