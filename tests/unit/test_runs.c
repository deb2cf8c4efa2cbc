/* SPDX-License-Identifier: MIT */

/* Several runs together: what a finding comes to when one run has it and another one is silent, doubtful, or
 * never gets there; and the words for it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/report.h"
#include "tenure/runs.h"
#include "words_runs.h"

#include <stdlib.h>
#include <string.h>

/* Findings and summaries own their strings, so they are not const; nobody changes them here. */
#define S(text) ((char *)(text))

static const struct tn_evidence_key keys[] = {
    {.key = "blocks", .type = TN_VALUE_COUNT, .before = "", .after = " blocks", .is_summed = true},
    {.key = "block_bytes", .type = TN_VALUE_COUNT, .unit = TN_UNIT_BYTES, .before = "at most ", .after = ""},
    {.key = NULL},
};
static const struct tn_kind lasting = {.name = "lasting", .evidence = keys, .is_refuted_by_release = true};
static const struct tn_kind pool = {.name = "pool", .evidence = keys};
static const struct tn_kind *const kinds[] = {&lasting, &pool, NULL};

/* One run: a finding about one site, or none; calls and releases of that site. */
struct scene {
    const char *kind; /* of its finding; NULL: it states none */
    enum tn_confidence confidence;
    uint64_t allocations, freed; /* of the site; 0: the site is not there */
};

struct made_run {
    struct tn_finding_site site;
    struct tn_finding finding;
    struct tn_findings findings;
    struct tn_summary_site summary_site;
    struct tn_summary summary;
};

#define RUNS_MAX 3

struct made_runs {
    struct made_run made[RUNS_MAX];
    struct tn_compared_run runs[RUNS_MAX];
    struct tn_runs together;
};

static void make_run(const struct scene *scene, struct made_run *run)
{
    run->site = (struct tn_finding_site){
        .function = S("push"), .file = S("/a/s.c"), .line = 7, .module = S("/bin/app"), .via = S("malloc")};
    run->summary_site = (struct tn_summary_site){.function = S("push"),
                                                 .file = S("/b/s.c"),
                                                 .line = 7,
                                                 .module = S("/opt/app"),
                                                 .via = S("malloc"),
                                                 .allocations = scene->allocations,
                                                 .freed = scene->freed};
    run->summary.program = S("/bin/app");
    run->summary.path = S("app.db");
    run->summary.is_complete = true;
    run->summary.lists[TN_SUMMARY_BY_ALLOCATIONS] =
        (struct tn_summary_sites){&run->summary_site, scene->allocations != 0};
    run->findings = (struct tn_findings){.items = &run->finding, .count = scene->kind != NULL};
    run->finding = (struct tn_finding){.kind = scene->kind,
                                       .key = 0xabc,
                                       .rank = 1,
                                       .confidence = scene->confidence,
                                       .title = S("Do it"),
                                       .sites = &run->site,
                                       .site_count = 1,
                                       .saving = {.allocations_removed = scene->allocations}};
    tn_evidence_add_count(&run->finding.evidence, "blocks", scene->allocations);
    tn_evidence_add_bytes(&run->finding.evidence, "block_bytes", 10 * scene->allocations);
}

static void merge(const struct scene *scenes, struct made_runs *runs)
{
    memset(runs, 0, sizeof(*runs));
    for (size_t i = 0; i < RUNS_MAX; i++) {
        make_run(&scenes[i], &runs->made[i]);
        runs->runs[i] = (struct tn_compared_run){&runs->made[i].summary, &runs->made[i].findings, NULL};
    }
    assert_int_equal(tn_runs_merge(runs->runs, RUNS_MAX, kinds, TN_CONFIDENCE_CONDITIONAL, &runs->together),
                     0);
}

static void finish(struct made_runs *runs)
{
    tn_runs_finish(&runs->together);
    for (size_t i = 0; i < RUNS_MAX; i++)
        tn_evidence_finish(&runs->made[i].finding.evidence);
}

#define SURE TN_CONFIDENCE_CONSISTENT
#define WEAK TN_CONFIDENCE_WEAK

static void silence_counts_only_where_the_line_is_reached(void **state)
{
    (void)state;
    static const struct {
        struct scene scenes[RUNS_MAX];
        const char *state, *verdicts;
    } cases[] = {
        {{{"pool", SURE, 5, 5}, {"pool", SURE, 9, 9}, {"pool", SURE, 5, 5}}, "all", ""},
        {{{"pool", SURE, 5, 5}, {NULL, WEAK, 0, 0}, {"pool", SURE, 5, 5}},
         "reached",
         "run 2 does not reach it"},
        {{{"pool", SURE, 5, 5}, {NULL, WEAK, 1, 1}, {NULL, WEAK, 2, 2}},
         "some",
         "run 2 makes 1 allocation there and does not show it; run 3 makes 2 allocations there and does not "
         "show it"},
        {{{"pool", WEAK, 5, 5}, {"pool", SURE, 5, 5}, {"pool", SURE, 5, 5}},
         "some",
         "in run 1 it is doubtful"},
        {{{"lasting", SURE, 1, 0}, {NULL, WEAK, 1, 1}, {"lasting", SURE, 1, 0}},
         "refuted",
         "run 2 makes 1 allocation there and does not show it"},
        /* Near misses: the other run releases nothing either; what is shown was released at the end. */
        {{{"lasting", SURE, 1, 0}, {NULL, WEAK, 1, 0}, {"lasting", SURE, 1, 0}},
         "some",
         "run 2 makes 1 allocation there and does not show it"},
        {{{"lasting", SURE, 1, 1}, {NULL, WEAK, 1, 1}, {"lasting", SURE, 1, 1}},
         "some",
         "run 2 makes 1 allocation there and does not show it"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct made_runs runs;
        struct tn_words words = {0};
        merge(cases[i].scenes, &runs);
        assert_int_equal(runs.together.finding_count, 1);
        const struct tn_runs_finding *merged = &runs.together.findings[0];
        assert_string_equal(tn_runs_state_name(merged->state), cases[i].state);
        assert_string_equal(tn_words_runs_verdicts(&words, &runs.together, merged), cases[i].verdicts);
        tn_words_finish(&words);
        finish(&runs);
    }
}

static void what_is_doubtful_everywhere_is_left_out(void **state)
{
    (void)state;
    static const struct scene scenes[RUNS_MAX] = {
        {"pool", WEAK, 5, 5}, {"pool", WEAK, 5, 5}, {NULL, WEAK, 5, 5}};
    struct made_runs runs;
    merge(scenes, &runs);
    assert_int_equal(runs.together.finding_count, 0);
    finish(&runs);
}

/* Counts are added up, sizes are maxima; savings are told from least to most. */
static void numbers_are_of_all_runs(void **state)
{
    (void)state;
    static const struct scene scenes[RUNS_MAX] = {
        {"pool", SURE, 5, 5}, {"pool", SURE, 9, 9}, {"pool", SURE, 1, 1}};
    struct made_runs runs;
    struct tn_words words = {0};
    merge(scenes, &runs);
    const struct tn_runs_finding *merged = &runs.together.findings[0];
    assert_int_equal(tn_evidence_find(&merged->evidence, "blocks")->count, 15);
    assert_int_equal(tn_evidence_find(&merged->evidence, "block_bytes")->count, 90);
    assert_string_equal(tn_words_runs_saving(&words, merged), "saves 1 to 9 allocations a run");
    struct tn_runs_finding alike = {.least_removed = 1, .most_removed = 1};
    assert_string_equal(tn_words_runs_saving(&words, &alike), "saves 1 allocation a run");
    alike.least_removed = alike.most_removed = 1000;
    assert_string_equal(tn_words_runs_saving(&words, &alike), "saves 1,000 allocations a run");
    tn_words_finish(&words);
    finish(&runs);
}

static void words_are_as_agreed(void **state)
{
    (void)state;
    struct tn_words words = {0};
    assert_string_equal(tn_words_runs_heading(&words, TN_RUNS_ALL, 3), "Findings that hold in all 3 runs");
    assert_string_equal(tn_words_runs_heading(&words, TN_RUNS_REACHED, 3),
                        "Findings that hold in every run that reaches their lines");
    assert_string_equal(tn_words_runs_heading(&words, TN_RUNS_SOME, 3),
                        "Findings that hold in some runs only: what they depend on differs from run to run");
    assert_string_equal(tn_words_runs_heading(&words, TN_RUNS_REFUTED, 3),
                        "Not so after all: one run shows it, another one the contrary");
    assert_string_equal(tn_words_runs_programs(&words),
                        "These are recordings of different programs: what holds in all of them does so by "
                        "chance.");
    assert_string_equal(tn_words_runs_more(&words, 1), "and 1 more: --top N shows it");
    assert_string_equal(tn_words_runs_more(&words, 2), "and 2 more: --top N shows them");
    /* A finding about the whole program has no line to reach. */
    static enum tn_run_verdict silent[] = {TN_RUN_SILENT};
    static uint64_t none[] = {0};
    static const struct tn_finding whole = {.kind = "pool"};
    const struct tn_runs_finding merged = {.shown = &whole, .verdicts = silent, .site_allocations = none};
    const struct tn_runs one = {.run_count = 1};
    assert_string_equal(tn_words_runs_verdicts(&words, &one, &merged), "run 1 does not show it");
    tn_words_finish(&words);
}

static void text_has_a_line_of_each_run(void **state)
{
    (void)state;
    static const struct scene scenes[RUNS_MAX] = {
        {"pool", SURE, 5, 5}, {NULL, WEAK, 0, 0}, {"pool", SURE, 1, 1}};
    struct made_runs runs;
    struct tn_buffer text = {0};
    merge(scenes, &runs);
    assert_int_equal(tn_report_runs_text(&runs.together, 0, NULL, &text), 0);
    assert_int_equal(tn_buffer_append(&text, "", 1), 0);
    assert_string_equal((const char *)text.data,
                        "What was recorded\n"
                        "  run  allocations  peak  still live  log\n"
                        "    1            0   0 B           0  app.db\n"
                        "    2            0   0 B           0  app.db\n"
                        "    3            0   0 B           0  app.db\n"
                        "\n"
                        "Findings that hold in every run that reaches their lines\n"
                        "   1. Do it\n"
                        "      pool, key 00000abc; saves 1 to 5 allocations a run; run 2 does not reach it; "
                        "over all runs: 6\n"
                        "      blocks, at most 50 B\n");
    tn_buffer_finish(&text);
    finish(&runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_counts_only_where_the_line_is_reached),
        cmocka_unit_test(what_is_doubtful_everywhere_is_left_out),
        cmocka_unit_test(numbers_are_of_all_runs),
        cmocka_unit_test(words_are_as_agreed),
        cmocka_unit_test(text_has_a_line_of_each_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
