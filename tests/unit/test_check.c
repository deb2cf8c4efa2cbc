/* SPDX-License-Identifier: MIT */

/* Limits, exceptions and their verdicts, on a summary and findings that are made up here. */

#include "check_fixture.h"

#include "tenure/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A summary owns its strings, so they are not const; nobody changes them here. */
#define S(text) ((char *)(text))

/* Ten seconds, two named sites and one without a line. */
static struct tn_summary_site sites[] = {
    {.site_id = 1,
     .function = S("parse"),
     .file = S("/src/app/data.c"),
     .line = 88,
     .module = S("/bin/app"),
     .via = S("malloc"),
     .allocations = 100,
     .small_short_lived = 50,
     .live_at_end = 3,
     .peak_live_bytes = 10},
    {.site_id = 2,
     .function = S("load"),
     .file = S("/src/app/cache.c"),
     .line = 7,
     .module = S("/bin/app"),
     .via = S("strdup"),
     .allocations = 60,
     .small_short_lived = 20,
     .live_at_end = 5,
     .peak_live_bytes = 4000},
    {.site_id = 3,
     .function = S(""),
     .file = S(""),
     .module = S("/lib/libx.so"),
     .offset_bytes = 0x1f0,
     .via = S("<new&>"),
     .allocations = 10,
     .small_short_lived = 10,
     .live_at_end = 0},
};

static struct tn_summary_process process = {.id = 1,
                                            .executable = S("/bin/app"),
                                            .command_line = S("app"),
                                            .exit_kind = S("exit"),
                                            .start_ns = 1000000000,
                                            .end_ns = 11000000000};

static struct tn_summary summary = {
    .path = S("a\"b<&>\n.db"),
    .program = S("/bin/app"),
    .command_line = S("app"),
    .started_at = S("2026-11-22T12:00:00Z"),
    .is_complete = true,
    .is_finished = true,
    .process_id = 1,
    .processes = &process,
    .process_count = 1,
    .totals = {.allocations = 170, .small_short_lived = 80, .live_count = 8, .peak_live_bytes = 4010},
    .lists = {[TN_SUMMARY_BY_ALLOCATIONS] = {sites, 3}},
};

static struct tn_finding_site at_parse = {.site_id = 1,
                                          .function = S("parse"),
                                          .file = S("/src/app/data.c"),
                                          .line = 88,
                                          .module = S("/bin/app"),
                                          .via = S("malloc")};
static struct tn_finding finding_items[] = {
    {.kind = "stack-buffer",
     .rank = 1,
     .confidence = TN_CONFIDENCE_CONSISTENT,
     .title = S("one"),
     .sites = &at_parse,
     .site_count = 1},
    {.kind = "pool", .rank = 2, .key = 0xab12, .confidence = TN_CONFIDENCE_PROVEN, .title = S("two")},
    {.kind = "pool",
     .rank = 3,
     .confidence = TN_CONFIDENCE_WEAK,
     .title = S("three"),
     .sites = &at_parse,
     .site_count = 1},
};
static struct tn_findings findings = {.items = finding_items, .count = 3, .process_id = 1};

static uint64_t after_by_site[] = {1, 40, 0, 9};
static struct tn_after_init after_init = {
    .has_mark = true, .init_ns = 5, .total = 50, .by_site = after_by_site, .site_count = 4};

static const struct tn_check_heap heaps[] = {{"tlsf", 70000, 12.5}, {"glibc:tcache=0", 90000, 3}};

static const struct tn_check_subject subject = {
    .summary = &summary, .findings = &findings, .after_init = &after_init, .heaps = heaps, .heap_count = 2};

/* ---------------------------------------------------------------------------------------- verdicts */

struct checked {
    struct tn_check_policy policy;
    struct tn_check_result result;
};

static void check(struct checked *checked, const char *text)
{
    char why[TN_ERROR_TEXT_BYTES];
    struct tn_error error = {0};
    *checked = (struct checked){0};
    if (read_policy(&checked->policy, text, why) < 0)
        fail_msg("%s", why);
    if (tn_check(&checked->policy, &subject, &checked->result, &error) < 0)
        fail_msg("%s", error.text);
}

static void finish(struct checked *checked)
{
    tn_check_result_finish(&checked->result);
    tn_check_policy_finish(&checked->policy);
}

static void every_metric_is_counted(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double value;
        size_t parts;
    } cases[] = {
        {"allocations_after_init", 50, 2},
        {"small_short_lived_per_s", 8, 3},
        {"findings", 2, 2}, /* the weak one does not count */
        {"findings.pool", 1, 1},
        {"findings.growth", 0, 0},
        {"smallest_heap_bytes.tlsf", 70000, 1},
        {"smallest_heap_bytes.glibc:tcache=0", 90000, 1},
        {"fragmentation_percent.tlsf", 12.5, 1},
        {"peak_live_bytes", 4010, 1},
        {"live_at_end", 8, 2},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct checked checked;
        char text[128];
        snprintf(text, sizeof(text), "max %s=%.17g", cases[i].name, cases[i].value);
        check(&checked, text);
        assert_true(checked.result.verdicts[0].value == cases[i].value);
        assert_false(checked.result.verdicts[0].is_violated);
        assert_int_equal(checked.result.verdicts[0].part_count, cases[i].parts);
        finish(&checked);
        if (cases[i].value == 0)
            continue;
        snprintf(text, sizeof(text), "max %s=%.17g", cases[i].name, cases[i].value * 0.999);
        check(&checked, text);
        assert_true(checked.result.verdicts[0].is_violated);
        assert_int_equal(checked.result.violated_count, 1);
        finish(&checked);
    }
}

static void parts_are_ordered_and_what_is_whole_points_at_the_peak(void **state)
{
    (void)state;
    struct checked checked;
    check(&checked, "max live_at_end=0\nmax peak_live_bytes=0");
    const struct tn_check_verdict *live = &checked.result.verdicts[0], *peak = &checked.result.verdicts[1];
    assert_ptr_equal(live->parts[0].site, &sites[1]);
    assert_true(live->parts[0].amount == 5);
    assert_ptr_equal(live->parts[1].site, &sites[0]);
    assert_ptr_equal(peak->parts[0].site, &sites[1]);
    finish(&checked);
}

static void an_exception_takes_out_its_site_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *exception;
        double live_at_end, findings;
        bool is_used;
    } cases[] = {
        {"except live_at_end at load because x", 3, 2, true},
        {"except live_at_end at cache.c:7 because x", 3, 2, true},
        {"except live_at_end at app/cache.c:7 because x", 3, 2, true},
        {"except live_at_end at /src/app/cache.c:7 because x", 3, 2, true},
        {"except live_at_end at ache.c:7 because x", 8, 2, false},
        {"except live_at_end at cache.c:70 because x", 8, 2, false},
        {"except live_at_end at cache.c because x", 8, 2, false},
        {"except live_at_end at loa because x", 8, 2, false},
        {"except findings at parse because x", 8, 1, true},
        {"except findings.stack-buffer at data.c:88 because x", 8, 1, true},
        {"except findings.pool at parse because x", 8, 2, false},
        {"except findings.pool at program because x", 8, 1, true},
        {"except findings at 0000ab12 because x", 8, 1, true},
        {"except findings.stack-buffer at 0000ab12 because x", 8, 2, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct checked checked;
        char text[256];
        snprintf(text, sizeof(text), "max live_at_end=0\nmax findings=0\n%s", cases[i].exception);
        check(&checked, text);
        if (checked.result.verdicts[0].value != cases[i].live_at_end ||
            checked.result.verdicts[1].value != cases[i].findings ||
            checked.result.is_used[0] != cases[i].is_used)
            fail_msg("%s: %g live, %g findings, %s", cases[i].exception, checked.result.verdicts[0].value,
                     checked.result.verdicts[1].value, checked.result.is_used[0] ? "used" : "unused");
        assert_true(checked.result.verdicts[0].value + checked.result.verdicts[0].excepted == 8);
        finish(&checked);
    }
}

static void what_the_log_does_not_give_is_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *limit, *why;
        struct tn_after_init after;
        struct tn_check_heap heap;
    } cases[] = {
        {"max allocations_after_init=0", "the process has no mark 'initialisation done'", {0}, {0}},
        {"max smallest_heap_bytes.tlsf=0", "no heap was found", {0}, {"tlsf", 0, 0}},
        {"max fragmentation_percent.tlsf=0", "no heap was found", {0}, {"tlsf", 0, 0}},
        {"max smallest_heap_bytes.tlsf=0", "this model was not measured", {0}, {"glibc", 1, 0}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tn_check_subject poor = subject;
        struct tn_check_policy policy = {0};
        struct tn_check_result result;
        struct tn_error error = {0};
        char why[TN_ERROR_TEXT_BYTES];
        assert_int_equal(read_policy(&policy, cases[i].limit, why), 0);
        poor.after_init = &cases[i].after;
        poor.heaps = &cases[i].heap;
        poor.heap_count = 1;
        assert_int_equal(tn_check(&policy, &poor, &result, &error), -ENODATA);
        assert_non_null(strstr(error.text, cases[i].why));
        tn_check_policy_finish(&policy);
    }
}

static void a_loss_of_any_kind_is_one(void **state)
{
    (void)state;
    assert_false(tn_check_is_lossy(&summary));
    struct tn_summary lossy = summary;
    lossy.losses.stacks_cut = 3;      /* sites behind them are right all the same */
    lossy.losses.inherited_frees = 3; /* no loss */
    assert_false(tn_check_is_lossy(&lossy));
    uint64_t *const counts[] = {&lossy.losses.events_lost, &lossy.losses.unmatched_frees,
                                &lossy.losses.unmatched_births};
    for (size_t i = 0; i < 3; i++) {
        *counts[i] = 1;
        assert_true(tn_check_is_lossy(&lossy));
        *counts[i] = 0;
    }
    lossy.is_finished = false;
    assert_true(tn_check_is_lossy(&lossy));
    lossy.is_finished = true;
    lossy.is_complete = false;
    assert_true(tn_check_is_lossy(&lossy));
}

/* ---------------------------------------------------------------------------------------- formats */

static void assert_has(const struct tn_buffer *text, const char *words)
{
    if (strstr((const char *)text->data, words) == NULL)
        fail_msg("'%s' is not in:\n%s", words, (const char *)text->data);
}

static const char policy_text[] =
    "max live_at_end=3\nmax findings=5\n"
    "except findings.stack-buffer at parse because <it> & \"that\"\n"
    "except findings.growth at nowhere because x\n";

static void text_tells_limits_exceptions_and_what_is_unused(void **state)
{
    (void)state;
    struct checked checked;
    struct tn_buffer text = {0};
    check(&checked, policy_text);
    assert_int_equal(tn_report_check_text(&checked.result, NULL, &text), 0);
    assert_has(&text, "1 of 2 limits violated");
    assert_has(&text,
               "Violated: live_at_end: 8, at most 3 allowed\n  - 5 by load at cache.c:7 via strdup\n"
               "  - 3 by parse at data.c:88 via malloc\n");
    assert_has(&text, "Kept\n  - findings: 1, at most 5 allowed\n");
    assert_has(&text, "because <it> & \"that\"");
    assert_has(&text,
               "The exception for findings.growth at nowhere, line 4 of the policy, applies to nothing: "
               "remove it.");
    tn_buffer_finish(&text);
    finish(&checked);
}

static void junit_escapes_what_is_no_xml(void **state)
{
    (void)state;
    struct checked checked;
    struct tn_buffer text = {0};
    sites[1].function = S("\x01<l&\xff\xc3\xa9>");
    check(&checked, "max live_at_end=3");
    assert_int_equal(tn_check_write_junit(&checked.result, &text), 0);
    assert_has(&text,
               "name=\"a&quot;b&lt;&amp;&gt;&#10;.db\" timestamp=\"2026-11-22T12:00:00\" tests=\"1\""
               " failures=\"1\"");
    assert_has(&text, "5 by \xef\xbf\xbd&lt;l&amp;\xef\xbf\xbd\xc3\xa9&gt; at cache.c:7 via strdup\n");
    sites[1].function = S("load");
    tn_buffer_finish(&text);
    finish(&checked);
}

static void sarif_names_files_relative_to_the_root(void **state)
{
    (void)state;
    static const struct {
        const char *file, *root, *uri;
    } cases[] = {
        {"/src/app/cache.c", "/src", "{\"uri\": \"app/cache.c\", \"uriBaseId\": \"SRCROOT\"}"},
        {"/src/app/cache.c", "/src/ap", "{\"uri\": \"file:///src/app/cache.c\"}"},
        {"/src/app/cache.c", "", "{\"uri\": \"file:///src/app/cache.c\"}"},
        {"app/a b#1%.c", "/src", "{\"uri\": \"app/a%20b%231%25.c\", \"uriBaseId\": \"SRCROOT\"}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct checked checked;
        struct tn_buffer text = {0};
        sites[1].file = S(cases[i].file);
        check(&checked, "max live_at_end=3");
        assert_int_equal(tn_check_write_sarif(&checked.result, cases[i].root, &text), 0);
        assert_has(&text, cases[i].uri);
        assert_has(&text, "\"startLine\": 7");
        tn_buffer_finish(&text);
        finish(&checked);
    }
    sites[1].file = S("/src/app/cache.c");
}

static void sarif_suppresses_what_is_excepted(void **state)
{
    (void)state;
    struct checked checked;
    struct tn_buffer text = {0};
    check(&checked, policy_text);
    assert_int_equal(tn_check_write_sarif(&checked.result, "/src", &text), 0);
    assert_has(&text,
               "\"suppressions\": [{\"kind\": \"external\", \"justification\": \"<it> & \\\"that\\\"\"}]");
    tn_buffer_finish(&text);
    finish(&checked);
}

static void the_most_of_the_parts_are_kept(void **state)
{
    (void)state;
    static struct tn_summary_site many[30];
    struct tn_summary_sites before = summary.lists[TN_SUMMARY_BY_ALLOCATIONS];
    for (size_t i = 0; i < 30; i++) {
        many[i] = sites[0];
        many[i].line = (uint32_t)i + 1;
        many[i].live_at_end = i + 1;
    }
    summary.lists[TN_SUMMARY_BY_ALLOCATIONS] = (struct tn_summary_sites){many, 30};
    struct checked checked;
    check(&checked, "max live_at_end=0\nexcept live_at_end at data.c:1 because x");
    const struct tn_check_verdict *verdict = &checked.result.verdicts[0];
    assert_int_equal(verdict->part_count, TN_CHECK_PARTS_MAX + 1);
    assert_int_equal(verdict->parts_left, 29 - TN_CHECK_PARTS_MAX);
    assert_true(verdict->parts[0].amount == 30);
    assert_non_null(verdict->parts[TN_CHECK_PARTS_MAX].exception);
    finish(&checked);
    summary.lists[TN_SUMMARY_BY_ALLOCATIONS] = before;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_metric_is_counted),
        cmocka_unit_test(parts_are_ordered_and_what_is_whole_points_at_the_peak),
        cmocka_unit_test(an_exception_takes_out_its_site_and_nothing_else),
        cmocka_unit_test(what_the_log_does_not_give_is_an_error),
        cmocka_unit_test(a_loss_of_any_kind_is_one),
        cmocka_unit_test(text_tells_limits_exceptions_and_what_is_unused),
        cmocka_unit_test(junit_escapes_what_is_no_xml),
        cmocka_unit_test(sarif_names_files_relative_to_the_root),
        cmocka_unit_test(sarif_suppresses_what_is_excepted),
        cmocka_unit_test(the_most_of_the_parts_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
