/* SPDX-License-Identifier: MIT */
/* The kind `permanent`: states a site, or several small ones together, as a finding. Whether a block is
 * permanent is never the log's to say alone: a longer run may release it, and a static object must not be
 * passed to free when the program ends. So every finding has a condition. */
#include "permanent.h"

#include "tenure/kinds.h"
#include "tenure/releases.h"
#include "tenure/size_source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTED_MAX 20u

static const char *const class_names[] = {"", "init", "singleton", "teardown", "small"};

/* What a finding is written from: sums over its sites. */
struct permanent_statement {
    const struct tn_permanent *state;
    const struct tn_pass *pass;
    const uint32_t *sites;
    size_t site_count;
    enum tn_permanent_class class;
    uint64_t count;       /* blocks that stayed, a chain of reallocs once */
    uint64_t total_bytes; /* of these */
    uint64_t allocations; /* all births */
    uint64_t resizes;
    uint64_t max_size_bytes;
    uint64_t first_birth_ns, last_birth_ns;
};

static void sum_sites(struct permanent_statement *statement)
{
    for (size_t i = 0; i < statement->site_count; i++) {
        const struct tn_pass_site *seen = &statement->pass->sites[statement->sites[i]];
        const struct tn_permanent_site *own = &statement->state->sites[statement->sites[i]];
        statement->count += seen->allocations - own->resized;
        statement->total_bytes += seen->total_bytes - own->resized_bytes;
        statement->allocations += seen->allocations;
        statement->resizes += own->resized;
        if (seen->max_size_bytes > statement->max_size_bytes)
            statement->max_size_bytes = seen->max_size_bytes;
        if (i == 0 || seen->first_birth_ns < statement->first_birth_ns)
            statement->first_birth_ns = seen->first_birth_ns;
        if (seen->last_birth_ns > statement->last_birth_ns)
            statement->last_birth_ns = seen->last_birth_ns;
    }
}

/* ---------------------------------------------------------------------------------------- after start-up */

/* A site that allocates after initialisation, and how often. */
struct listed {
    uint32_t site;
    uint64_t count;
};

static int compare_listed(const void *a, const void *b)
{
    uint64_t left = ((const struct listed *)a)->count, right = ((const struct listed *)b)->count;
    return (left < right) - (left > right);
}

static int list_post_init(const struct tn_permanent *state, const struct tn_pass *pass,
                          struct listed **ret_list, size_t *ret_count)
{
    struct listed *list = calloc(pass->site_count + 1, sizeof(list[0]));
    size_t count = 0;
    if (list == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < pass->site_count; i++)
        if (!pass->sites[i].is_runtime && state->sites[i].post_init != 0)
            list[count++] = (struct listed){i, state->sites[i].post_init};
    if (count != 0)
        qsort(list, count, sizeof(list[0]), compare_listed);
    *ret_list = list;
    *ret_count = count < LISTED_MAX ? count : LISTED_MAX;
    return 0;
}

static void add_listed(struct tn_evidence_set *list, const struct tn_finding_site *site, uint64_t count)
{
    struct tn_evidence_set *evidence = tn_evidence_add_object(list, NULL);
    tn_evidence_add_text(evidence, "function", site->function);
    tn_evidence_add_text(evidence, "file", site->file);
    tn_evidence_add_number(evidence, "line", TN_UNIT_NONE, site->line);
    tn_evidence_add_text(evidence, "module", site->module);
    tn_evidence_add_count(evidence, "allocations", count);
}

/* The list that reviewers of MISRA C and AUTOSAR code ask for: which sites allocate after initialisation. */
static int fill_list(const struct tn_permanent *state, const struct tn_pass *pass, struct tn_finding *finding)
{
    struct listed *list = NULL;
    size_t count = 0;
    struct tn_finding named = {0};
    struct tn_buffer notes = {0};
    int r = list_post_init(state, pass, &list, &count);
    uint32_t sites[LISTED_MAX];
    for (size_t i = 0; r == 0 && i < count; i++)
        sites[i] = list[i].site;
    if (r == 0)
        r = tn_finding_begin(pass, &tn_kind_permanent, sites, count, &named);
    if (r == 0)
        r = tn_buffer_print(
            &notes,
            "post-init allocations: %s site%s, %s call%s (MISRA C:2012 Dir 4.12 and Rule 21.3, AUTOSAR "
            "A18-5-7 want none):",
            tn_count_text(state->post_init_sites).text, state->post_init_sites == 1 ? "" : "s",
            tn_count_text(state->post_init_allocations).text, state->post_init_allocations == 1 ? "" : "s");
    struct tn_evidence_set *entries = tn_evidence_add_list(&finding->evidence, "post_init");
    for (size_t i = 0; r == 0 && i < count; i++) {
        char place[256];
        add_listed(entries, &named.sites[i], list[i].count);
        r = tn_buffer_print(&notes, "\n  %s by %s", tn_count_text(list[i].count).text,
                            tn_finding_place(&named.sites[i], place, sizeof(place)));
    }
    if (r == 0)
        r = tn_finding_set(&finding->notes, "%s", (const char *)notes.data);
    tn_finding_finish(&named);
    tn_buffer_finish(&notes);
    free(list);
    return r;
}

/* ---------------------------------------------------------------------------------------- evidence */

static int fill_evidence(const struct permanent_statement *statement, bool has_list,
                         struct tn_finding *finding)
{
    const struct tn_permanent *state = statement->state;
    struct tn_evidence_set *evidence = &finding->evidence;
    tn_evidence_add_count(evidence, "count", statement->count);
    tn_evidence_add_bytes(evidence, "total_bytes", statement->total_bytes);
    tn_evidence_add_text(evidence, "class", class_names[statement->class]);
    tn_evidence_add_bytes(evidence, "max_size_bytes", statement->max_size_bytes);
    tn_evidence_add_count(evidence, "resizes", statement->resizes);
    tn_evidence_add_ns(evidence, "first_birth_ns", statement->first_birth_ns);
    tn_evidence_add_ns(evidence, "last_birth_ns", statement->last_birth_ns);
    if (state->init_ns != 0)
        tn_evidence_add_ns(evidence, "initialised_ns", state->init_ns);
    if (statement->pass->marks.initialised_ns != 0) {
        tn_evidence_add_count(evidence, "post_init_sites", state->post_init_sites);
        tn_evidence_add_count(evidence, "post_init_allocations", state->post_init_allocations);
    }
    return has_list ? fill_list(state, statement->pass, finding) : 0;
}

static int fill_query(const struct permanent_statement *statement, struct tn_finding *finding)
{
    char *where = NULL;
    bool has_resizes = statement->resizes != 0;
    int r = tn_finding_where(statement->pass, statement->sites, statement->site_count, &where);
    /* one row cannot tell that a container copied a block; that realloc moved it, it can */
    const char *last_of_chain = " AND coalesce(free_function, '') NOT IN ('realloc', 'reallocarray')";
    if (r == 0)
        r = tn_finding_set(&finding->query,
                           has_resizes
                               ? "SELECT max(size_bytes) AS max_size_bytes, min(birth_ns) AS first_birth_ns,"
                                 " max(birth_ns) AS last_birth_ns FROM allocation WHERE %s"
                               : "SELECT count(*) AS count, sum(size_bytes) AS total_bytes,"
                                 " max(size_bytes) AS max_size_bytes, min(birth_ns) AS first_birth_ns,"
                                 " max(birth_ns) AS last_birth_ns FROM allocation WHERE %s%s",
                           where, has_resizes ? "" : last_of_chain);
    free(where);
    return r;
}

/* ---------------------------------------------------------------------------------------- words */

static int fill_advice(enum tn_permanent_class class, const char *count, const char *bytes, const char *place,
                       struct tn_finding *finding)
{
    if (class == TN_PERMANENT_TEARDOWN)
        return tn_finding_set(&finding->advice,
                              "If no more than these %s"
                              " can come, allocate the blocks of %s at start-up"
                              " or statically: %s that are never released hold the heap open around them.",
                              count, place, bytes);
    if (strcmp(count, "1") == 0)
        return tn_finding_set(
            &finding->advice,
            "Make the block of %s (%s) a static object, or allocate it before anything that is"
            " released again: it stays for the whole run.",
            place, bytes);
    return tn_finding_set(&finding->advice,
                          "Make the %s"
                          " blocks of %s (%s) static, an array for instance, or take them from"
                          " an arena that is filled at start-up and never released.",
                          count, place, bytes);
}

static int fill_small_texts(const struct permanent_statement *statement, struct tn_finding *finding)
{
    char bytes[TN_QUANTITY_TEXT_BYTES], number[TN_QUANTITY_TEXT_BYTES];
    tn_print_bytes(bytes, statement->total_bytes);
    tn_print_count(number, statement->count);
    int r = tn_finding_set(
        &finding->title, "Make %s small block%s of %zu line%s first, %s in all: %s until the program ends",
        number, statement->count == 1 ? "" : "s", statement->site_count,
        statement->site_count == 1 ? "" : "s", bytes, statement->count == 1 ? "it lives" : "they live");
    return r < 0 ? r
                 : tn_finding_set(
                       &finding->advice,
                       "None of them is worth a change of its own. Where the heap is small, make them "
                       "before anything that is released again, or take them from an arena that is "
                       "filled at start-up: %s at its end hold no hole open.",
                       bytes);
}

static int fill_texts(const struct permanent_statement *statement, struct tn_finding *finding)
{
    static const char *const since[] = {"", "from start-up ", "as the only one of its kind ", ""};
    char place[256], bytes[TN_QUANTITY_TEXT_BYTES], number[TN_QUANTITY_TEXT_BYTES];
    if (statement->class == TN_PERMANENT_SMALL)
        return fill_small_texts(statement, finding);
    tn_finding_place(&finding->sites[0], place, sizeof(place));
    tn_print_bytes(bytes, statement->total_bytes);
    tn_print_count(number, statement->count);
    bool is_one = statement->count == 1;
    int r =
        tn_finding_set(&finding->title, "Make the %s%sblock%s of %s %s, %s%s: %s %suntil the program ends",
                       is_one ? "" : number, is_one ? "" : " ", is_one ? "" : "s", place,
                       statement->class == TN_PERMANENT_TEARDOWN ? "at start-up" : "static", bytes,
                       is_one ? "" : " in all", is_one ? "it lives" : "they live", since[statement->class]);
    return r < 0 ? r : fill_advice(statement->class, number, bytes, place, finding);
}

/* ---------------------------------------------------------------------------------------- conditions */

/* Whether all releases of the sites' blocks came while the program ended: none let a larger block take over.
 */
static int find_is_at_end(const struct permanent_statement *statement, bool *ret_is_at_end)
{
    *ret_is_at_end = true;
    for (size_t i = 0; i < statement->site_count; i++) {
        const struct tn_release_count *counts;
        size_t count;
        int r = tn_releases_find(statement->pass, statement->sites[i], &counts, &count);
        if (r < 0)
            return r;
        for (size_t k = 0; k < count; k++)
            if (!counts[k].is_resize && counts[k].teardown != counts[k].count)
                *ret_is_at_end = false;
    }
    return 0;
}

/* What was released while the program ended must not be: a static object is none that free knows. */
static int add_released(const struct permanent_statement *statement, struct tn_finding *finding)
{
    bool is_at_end;
    int r = find_is_at_end(statement, &is_at_end);
    if (r < 0)
        return r;
    char place[320], more[64] = "";
    struct tn_finding_line *lines = calloc(finding->release_count, sizeof(lines[0]));
    if (lines == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < finding->release_count; i++)
        lines[i] = finding->releases[i].line; /* copied by the finding, not owned here */
    tn_finding_line_print(&lines[0], place, sizeof(place));
    if (finding->release_count > 1)
        snprintf(more, sizeof(more), " and %zu more", finding->release_count - 1);
    r = tn_finding_add_condition(finding, "released", lines, finding->release_count,
                                 "the release at %s%s%s goes as well", place, more,
                                 is_at_end ? ", when the program ends," : "");
    free(lines);
    return r;
}

static int add_unreleased(const struct permanent_statement *statement, struct tn_finding *finding)
{
    char duration[TN_QUANTITY_TEXT_BYTES];
    const struct tn_finding_site *site = &finding->sites[0];
    struct tn_finding_line line = {.function = site->function,
                                   .file = site->file,
                                   .line = site->line,
                                   .module = site->module,
                                   .offset_bytes = site->offset_bytes};
    uint64_t end_ns = statement->pass->marks.end_ns, born_ns = statement->first_birth_ns;
    tn_print_duration(duration, end_ns > born_ns ? end_ns - born_ns : 0);
    return tn_finding_add_condition(finding, "unreleased", &line, 1,
                                    "nothing releases or resizes %s in a run that is longer than these %s",
                                    statement->count == 1 ? "it" : "them", duration);
}

static int add_number_and_size(const struct permanent_statement *statement, struct tn_finding *finding)
{
    char number[TN_QUANTITY_TEXT_BYTES];
    struct tn_size_source source;
    int r = 0;
    if (statement->class == TN_PERMANENT_SMALL)
        return 0;
    if (statement->count > 1)
        r = tn_finding_add_condition(finding, "number", NULL, 0, "no more than these %s are ever made",
                                     tn_print_count(number, statement->count));
    else /* a second call would hand out the same object: one that a list holds twice is corrupt */
        r = tn_finding_add_condition(finding, "number", NULL, 0, "no second one is ever made");
    if (r == 0)
        r = tn_size_source_find(statement->pass, statement->sites[0], &finding->sites[0], NULL, 0,
                                (struct tn_size_range){0}, &source);
    return r < 0 ? r
                 : tn_size_source_add_condition(statement->pass, &source, &finding->sites[0], NULL,
                                                statement->max_size_bytes, finding);
}

/* The release that was seen at the end may come earlier in another run. */
static int add_earlier(const struct tn_pass *pass, const struct tn_release_sites *sites,
                       struct tn_finding *finding)
{
    struct tn_finding_line line;
    char place[320], release[320];
    bool has;
    int r =
        finding->release_count != 0 ? tn_release_earlier_call(pass, sites, finding->sites, &line, &has) : 0;
    if (r < 0 || finding->release_count == 0 || !has)
        return r;
    tn_finding_line_print(&line, place, sizeof(place));
    tn_finding_line_print(&finding->releases[0].line, release, sizeof(release));
    r = tn_finding_add_condition(finding, "released-earlier", &line, 1,
                                 "%s never releases it while the program runs: a call there leads to %s, too",
                                 place, release);
    tn_finding_line_finish(&line);
    return r;
}

/* The same of one of many: the first that is found is told. */
static int add_earlier_of_some(const struct permanent_statement *statement, struct tn_finding *finding)
{
    struct tn_finding_line line;
    char place[320], site[256];
    bool has = false;
    int r = 0;
    size_t at = 0;
    for (; at < statement->site_count && r == 0; at++) {
        struct tn_release_sites one = {&statement->sites[at], 1, 1};
        r = tn_release_earlier_call(statement->pass, &one, &finding->sites[at], &line, &has);
        if (has)
            break;
    }
    if (r < 0 || !has)
        return r;
    tn_finding_line_print(&line, place, sizeof(place));
    r = tn_finding_add_condition(finding, "released-earlier", &line, 1,
                                 "%s never releases those of %s while the program runs: a call there leads to"
                                 " their release, too",
                                 place, tn_finding_place(&finding->sites[at], site, sizeof(site)));
    tn_finding_line_finish(&line);
    return r;
}

static int fill_conditions(const struct permanent_statement *statement, struct tn_finding *finding)
{
    struct tn_release_sites sites = {statement->sites, statement->site_count, statement->site_count};
    struct tn_release_range range = {0};
    int r = tn_pass_add_releases(statement->pass, &sites, range, finding);
    if (r == 0 && statement->class != TN_PERMANENT_SMALL)
        r = add_earlier(statement->pass, &sites, finding);
    if (r == 0 && statement->class != TN_PERMANENT_SMALL)
        r = tn_pass_add_release_conditions(statement->pass, &sites, range, "a static object", finding);
    if (r == 0 && finding->condition.kind == NULL && finding->release_count != 0)
        r = add_released(statement, finding);
    if (r == 0 && statement->class == TN_PERMANENT_SMALL)
        r = add_earlier_of_some(statement, finding);
    if (r == 0 && finding->condition.kind == NULL)
        r = add_unreleased(statement, finding);
    return r < 0 ? r : add_number_and_size(statement, finding);
}

/* ---------------------------------------------------------------------------------------- the finding */

static void fill_saving(const struct permanent_statement *statement, struct tn_finding *finding)
{
    for (size_t i = 0; i < statement->site_count; i++) {
        const struct tn_pass_site *seen = &statement->pass->sites[statement->sites[i]];
        const struct tn_permanent_site *own = &statement->state->sites[statement->sites[i]];
        uint64_t count = seen->allocations - own->resized;
        finding->saving.allocations_removed += seen->allocations;
        finding->saving.bytes_removed += (int64_t)(own->overhead_bytes * count / seen->allocations);
        finding->saving.peak_bytes_delta -=
            (int64_t)(own->overhead_bytes * seen->live_count_at_peak / seen->allocations);
    }
    finding->saving.outside = "static";
    finding->apply = TN_APPLY_REMOVE;
}

static int fill(const struct permanent_statement *statement, bool has_list, struct tn_finding *finding)
{
    bool is_sure = statement->pass->is_complete && statement->class != TN_PERMANENT_TEARDOWN;
    finding->confidence = is_sure ? TN_CONFIDENCE_CONSISTENT : TN_CONFIDENCE_WEAK;
    fill_saving(statement, finding);
    int r = fill_texts(statement, finding);
    if (r == 0)
        r = fill_evidence(statement, has_list, finding);
    if (r == 0 && !statement->pass->is_complete)
        r = tn_finding_set(&finding->notes, "The recording is not over: these blocks may still be released.");
    if (r == 0)
        r = fill_query(statement, finding);
    return r < 0 ? r : fill_conditions(statement, finding);
}

int tn_permanent_state(const struct tn_permanent *state, const struct tn_pass *pass, const uint32_t *sites,
                       size_t site_count, enum tn_permanent_class class, bool has_list,
                       struct tn_findings *findings)
{
    struct permanent_statement statement = {
        .state = state, .pass = pass, .sites = sites, .site_count = site_count, .class = class};
    struct tn_finding finding;
    int r = tn_finding_begin(pass, &tn_kind_permanent, sites, site_count, &finding);
    if (r < 0)
        return r;
    sum_sites(&statement);
    r = fill(&statement, has_list, &finding);
    if (r == 0)
        r = tn_findings_add(findings, &finding);
    if (r < 0)
        tn_finding_finish(&finding);
    return r;
}
