/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *golden_text_path, *golden_json_path;

static void assert_golden(const char *format, const char *path, const char *actual_name)
{
    static char golden[16384];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    golden[fread(golden, 1, sizeof(golden) - 1, file)] = '\0';
    fclose(file);
    char *text = fixture_write_report(&fixture_report, format);
    if (strcmp(text, golden) != 0) {
        FILE *actual = fopen(actual_name, "w");
        assert_non_null(actual);
        fputs(text, actual);
        fclose(actual);
        fail_msg("differs from %s: see %s", path, actual_name);
    }
    free(text);
}

static void text_reads_as_agreed(void **state)
{
    (void)state;
    assert_golden("text", golden_text_path, "findings.actual.txt");
}

static void json_reads_as_agreed(void **state)
{
    (void)state;
    assert_golden("json", golden_json_path, "findings.actual.json");
}

static void doubtful_findings_are_counted_only(void **state)
{
    (void)state;
    struct tn_report sure = fixture_report;
    sure.least = TN_CONFIDENCE_CONSISTENT;
    fixture_assert_part(&sure, "text", "   3. doubtful", false);
    fixture_assert_part(&sure, "text", "1 that is doubtful (--confidence weak)", true);
    fixture_assert_part(&sure, "json",
                        "\"not_shown\": {\"too_weak\": 1, \"beyond_top\": 0, \"small\": 0, \"given_way\": 2}",
                        true);
    sure.least = TN_CONFIDENCE_PROVEN;
    fixture_assert_part(&sure, "text", "   2. A pool of 50", false);
    fixture_assert_part(&sure, "text", "2 that are doubtful (--confidence weak)", true);
}

/* No card, no number to follow, and a list of its own. */
static void refuted_findings_are_no_advice(void **state)
{
    (void)state;
    struct tn_finding refuted = fixture_items[0];
    struct tn_findings findings = fixture_findings;
    struct tn_report report = fixture_report;
    refuted.refuted_by = (struct tn_refutation){S("a block outlived read_line"),
                                                S("grab (a.c:1) < read_line (a.c:9)"),
                                                S("drop (a.c:30)"),
                                                S("Keep it on the heap."),
                                                S("./app x"),
                                                S("2026-11-22T12:00:00Z")};
    findings.items = fixture_items + 1;
    findings.count = 2;
    findings.refuted = &refuted;
    findings.refuted_count = 1;
    report.findings = &findings;
    fixture_assert_part(&fixture_report, "text", "Refuted:", false);
    fixture_assert_part(&fixture_report, "json", "\"refuted\": []", true);
    fixture_assert_part(&report, "text", "Refuted:", true);
    fixture_assert_part(&report, "text", "Not true (stack-buffer, 5a0c91fe)", true);
    fixture_assert_part(&report, "text", "seen in drop (a.c:30)", true);
    fixture_assert_part(&report, "text", "Declare char line[80]", false);
    fixture_assert_part(
        &report, "json",
        "\"refuted_by\": {\"what\": \"a block outlived read_line\", \"birth\": \"grab (a.c:1) < "
        "read_line (a.c:9)\", \"moment\": \"drop (a.c:30)\"",
        true);
    fixture_assert_part(&report, "json", "\"findings\": [{\"kind\": \"pool\"", true);
}

static void what_is_beyond_the_top_is_counted(void **state)
{
    (void)state;
    struct tn_report top = fixture_report;
    top.finding_max = 1;
    fixture_assert_part(&top, "text", "A pool of 50", false);
    fixture_assert_part(&top, "text", "2 that save less (--top N)", true);
    fixture_assert_part(&top, "json", "\"beyond_top\": 2", true);
    /* What speaks of the whole program does not drown in what speaks of lines. */
    top.has_whole = true;
    fixture_assert_part(&top, "json", "\"beyond_top\": 1", true);
    fixture_assert_part(&top, "text", "A pool of 50", false);
    fixture_assert_part(&top, "text", "   3. doubtful, if", true);
}

/* What came with the system is told in a line of its library, and counts neither as shown nor as hidden; JSON
 * has it. A place where people build makes it the reader's own. */
static void libraries_are_folded(void **state)
{
    (void)state;
    struct tn_finding_site site = {.function = S("inflateInit2_"),
                                   .file = S(""),
                                   .module = S("/usr/lib/x86_64-linux-gnu/libz.so.1.2.13"),
                                   .via = S("malloc"),
                                   .offset_bytes = 64,
                                   .allocations = 90};
    struct tn_finding finding = {.kind = "pool",
                                 .rank = 4,
                                 .confidence = TN_CONFIDENCE_CONSISTENT,
                                 .title = S("A pool for libz"),
                                 .sites = &site,
                                 .site_count = 1,
                                 .tactic = "use memory pools",
                                 .advice = S("Take them from a pool."),
                                 .saving = {.allocations_removed = 90},
                                 .query = S("SELECT 1")};
    struct tn_findings one = {.items = &finding, .count = 1, .process_id = 1};
    struct tn_report folded = fixture_report;
    folded.findings = &one;
    folded.folds_libraries = true;
    fixture_assert_part(&folded, "text", "A pool for libz", false);
    fixture_assert_part(&folded, "text", "libz.so.1.2.13: 1 finding (#4) about 90 allocations", true);
    fixture_assert_part(&folded, "text", "zalloc and zfree", true);
    fixture_assert_part(&folded, "json", "\"library\": \"libz.so.1.2.13\"", true);
    fixture_assert_part(&folded, "json", "\"rank\": 4", true);
    site.line = 12; /* its debug information is installed */
    fixture_assert_part(&folded, "text", "A pool for libz", false);
    site.line = 0;
    site.module = S("/usr/local/lib/libz.so.1.2.13");
    fixture_assert_part(&folded, "text", "A pool for libz", true);
    fixture_assert_part(&folded, "json", "\"library\": null", true);
    site.module = S("/usr/lib/app/app");
    fixture_assert_part(&folded, "text", "A pool for libz", true);
}

/* What the C library allocates at each call of a function is told with what stops it, from a hundredth of all
 * on. */
static void calls_of_the_library_are_told_with_their_setting(void **state)
{
    (void)state;
    struct tn_summary_site called[] = {
        {.function = S("write_line"),
         .file = S("/src/app/log.c"),
         .line = 393,
         .module = S("/usr/bin/app"),
         .via = S("ctime"),
         .allocations = 900},
        {.function = S("read_line"),
         .file = S("/src/app/input.c"),
         .line = 42,
         .module = S("/usr/bin/app"),
         .via = S("malloc"),
         .allocations = 800},
        {.function = S("rotate"),
         .file = S("/src/app/log.c"),
         .line = 17,
         .module = S("/usr/bin/app"),
         .via = S("ctime"),
         .allocations = 100},
        {.function = S("look_up"),
         .file = S("/src/app/user.c"),
         .line = 5,
         .module = S("/usr/bin/app"),
         .via = S("getpwnam"),
         .allocations = 5000},
        {.function = S("load"),
         .file = S("/src/app/load.c"),
         .line = 6,
         .module = S("/usr/bin/app"),
         .via = S("mktime"),
         .allocations = 999},
    };
    struct tn_summary summary = *fixture_report.summary;
    struct tn_report report = fixture_report;
    report.summary = &summary;
    summary.lists[TN_SUMMARY_BY_ALLOCATIONS] = (struct tn_summary_sites){called, 5};
    fixture_assert_part(&report, "text", "The C library: 1,000 allocations of its own (1.0 %) for ctime",
                        true);
    fixture_assert_part(&report, "text", "log.c:393", true);
    fixture_assert_part(&report, "text", "more line", true);
    fixture_assert_part(&report, "text", "set to :/etc/localtime", true);
    fixture_assert_part(&report, "text", "of its own (1.0 %) for mktime", false);
    fixture_assert_part(&report, "text", "for getpwnam", false);
    called[2].allocations = 99;
    fixture_assert_part(&report, "text", "The C library:", false);
}

/* What saves little is counted, unless everything is wanted, or it is asked for by name. */
static void small_findings_are_one_line(void **state)
{
    (void)state;
    struct tn_finding items[] = {fixture_items[0], fixture_items[1]};
    struct tn_findings two = {.items = items, .count = 2, .process_id = 1};
    struct tn_report small = fixture_report;
    items[1].is_small = true;
    items[1].saving.allocations_removed = 3;
    small.findings = &two;
    small.hides_small = true;
    fixture_assert_part(&small, "text", "A pool of 50", false);
    fixture_assert_part(&small, "text", "1 small one of 3 calls in all (--top 0)", true);
    fixture_assert_part(&small, "json", "\"small\": 1", true);
    small.finding_max = 1; /* what is small takes no place */
    fixture_assert_part(&small, "json", "\"beyond_top\": 0", true);
    small.hides_small = false;
    small.finding_max = 0;
    fixture_assert_part(&small, "json", "\"small\": 0", true);
    fixture_assert_part(&small, "text", "A pool of 50", true);
    small.hides_small = true;
    small.named = "2";
    fixture_assert_part(&small, "text", "A pool of 50", true);
}

/* By number or key, and nothing else; a key is 8 digits, so 5 is a number and 0000005a none. */
static void findings_are_shown_by_name(void **state)
{
    (void)state;
    struct tn_report named = fixture_report;
    named.least = TN_CONFIDENCE_PROVEN;
    named.finding_max = 1;
    named.named = "3,5a0c91fe";
    fixture_assert_part(&named, "text", "90,000 buffers of at most 80 B never outlive read_line", true);
    fixture_assert_part(&named, "text", "doubtful", true);
    fixture_assert_part(&named, "text", "A pool of 50", false);
    fixture_assert_part(&named, "json",
                        "\"not_shown\": {\"too_weak\": 0, \"beyond_top\": 0, \"small\": 0, \"given_way\": 2}",
                        true);
    assert_true(tn_finding_is_named(&fixture_items[1], "2"));
    assert_true(tn_finding_is_named(&fixture_items[0], "7,5A0C91FE"));
    static const char *const others[] = {"",   "3",  "5a0c91f",  "5a0c91fe0", "5a0c91fe 1",
                                         "-1", " 1", "0x000001", "1x"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(tn_finding_is_named(&fixture_items[0], others[i]));
    assert_ptr_equal(tn_findings_find(&fixture_findings, "5a0c91fe", 8), &fixture_items[0]);
    assert_ptr_equal(tn_findings_find(&fixture_findings, "2,3", 1), &fixture_items[1]);
    assert_null(tn_findings_find(&fixture_findings, "2,3", 3));
}

static void no_finding_is_said(void **state)
{
    (void)state;
    struct tn_findings none = {.process_id = 1};
    struct tn_report report = {.summary = &fixture_summary, .findings = &none};
    fixture_assert_part(&report, "text", "Findings\n  Nothing was found that is worth a change.\n", true);
    fixture_assert_part(&report, "json", "\"findings\": [], \"refuted\": [], \"plan\"", true);
    struct tn_summary unfinished = fixture_summary;
    unfinished.is_closed = false;
    report.summary = &unfinished;
    fixture_assert_part(&report, "text", "worth a change, so far.", true);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_reads_as_agreed),
        cmocka_unit_test(json_reads_as_agreed),
        cmocka_unit_test(doubtful_findings_are_counted_only),
        cmocka_unit_test(refuted_findings_are_no_advice),
        cmocka_unit_test(what_is_beyond_the_top_is_counted),
        cmocka_unit_test(libraries_are_folded),
        cmocka_unit_test(calls_of_the_library_are_told_with_their_setting),
        cmocka_unit_test(small_findings_are_one_line),
        cmocka_unit_test(findings_are_shown_by_name),
        cmocka_unit_test(no_finding_is_said),
    };
    if (argc != 3)
        return 2;
    golden_text_path = argv[1];
    golden_json_path = argv[2];
    return cmocka_run_group_tests(tests, fixture_fill_evidence, fixture_drop_evidence);
}
