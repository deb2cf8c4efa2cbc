/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report_fixture.h"

#include "tenure/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void code_is_for_the_system_asked_for(void **state)
{
    (void)state;
    struct tn_report report = fixture_report;
    static const struct {
        const char *code;
        bool has_c, has_zephyr, has_threadx;
    } cases[] = {
        {NULL, false, false, false},
        {"c", true, false, false},
        {"zephyr", false, true, false},
        {"all", true, true, true},
        {"none", false, false, false},
        {"threadx", false, false, true},
        /* The finding has no code for that system: better C than none. */
        {"freertos", true, false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        report.code = cases[i].code;
        assert_true(cases[i].code == NULL || tn_report_knows_code(cases[i].code));
        fixture_assert_part(&report, "text", "        #define NODES 50\n", cases[i].has_c);
        fixture_assert_part(&report, "text", "        K_MEM_SLAB_DEFINE(", cases[i].has_zephyr);
        fixture_assert_part(&report, "text", "        int node;\n", cases[i].has_threadx);
        fixture_assert_part(&report, "json", "K_MEM_SLAB_DEFINE(", true);
    }
    /* A finding that is asked for comes with its code. */
    report.code = NULL;
    report.named = "2";
    fixture_assert_part(&report, "text", "        #define NODES 50\n", true);
    fixture_assert_part(&report, "text", "What was recorded", false);
    assert_false(tn_report_knows_code("vxworks"));
}

/* Of a kind that is known, in words what carries it; numbers that are 0 where that goes without saying are
 * left out. */
static void evidence_is_told_in_words(void **state)
{
    (void)state;
    struct tn_finding finding = fixture_items[0];
    struct tn_findings one = {.items = &finding, .count = 1};
    struct tn_report report = {.summary = &fixture_summary, .findings = &one, .kinds = tn_kinds};
    finding.kind = "overhead";
    finding.evidence = (struct tn_evidence_set){0};
    finding.release_count = 0;
    tn_evidence_add_count(&finding.evidence, "allocations", 1140);
    tn_evidence_add_list(&finding.evidence, "heaps");
    tn_evidence_add_bytes(&finding.evidence, "payload_bytes", 6593);
    tn_evidence_add_bytes(&finding.evidence, "overhead_bytes", 2097152);
    tn_evidence_add_count(&finding.evidence, "peak_count", 7);
    fixture_assert_part(
        &report, "text",
        "      why      1,140 allocations, of 6,593 B together, header and rounding 2.00 MiB, 7 live "
        "at once\n",
        true);
    tn_evidence_finish(&finding.evidence);
    finding.kind = "presize";
    tn_evidence_add_count(&finding.evidence, "chains", 1);
    tn_evidence_add_bytes(&finding.evidence, "copied_bytes", 0);
    report.named = "5a0c91fe";
    fixture_assert_part(&report, "text", "      why      1 buffer grown\n", true);
    report.named = NULL;
    tn_evidence_finish(&finding.evidence);
    finding.kind = "pool";
    tn_evidence_add_real(&finding.evidence, "mean_live_count", TN_UNIT_COUNT, 4230.4, 6);
    fixture_assert_part(&report, "text", "      why      on average 4,230 in use\n", true);
    finding.release_count = 2;
    fixture_assert_part(&report, "text", "on average 4,230 in use; released at input.c:44 (87.0 %)", true);
    tn_evidence_finish(&finding.evidence);
}

/* A finding that hardly saves anything gets a line, where it is shown at all. */
static void small_ones_are_told_briefly(void **state)
{
    (void)state;
    struct tn_finding three[3] = {fixture_items[0], fixture_items[1], fixture_items[1]};
    struct tn_findings some = {.items = three, .count = 3};
    struct tn_report report = {.summary = &fixture_summary, .findings = &some, .kinds = tn_kinds};
    three[2].rank = 3;
    three[1].saving = three[2].saving = (struct tn_finding_saving){.allocations_removed = 99};
    three[1].is_small = three[2].is_small = true;
    fixture_assert_part(&report, "text", "  Each of these saves little of the calls", true);
    fixture_assert_part(&report, "text", "in the library (pool, consistent)\n   3. A pool of 50", true);
    fixture_assert_part(&report, "text", "saves    99", false);
    three[2].is_small = false;
    fixture_assert_part(&report, "text", "in the library (pool, consistent)\n\n   3. A pool of 50", true);
    fixture_assert_part(&report, "text", "saves    99 allocations (<0.1 %)", true);
    three[0].is_small = three[2].is_small = true;
    three[1].is_small = false;
    fixture_assert_part(&report, "text", "\n  These save as little:\n   3. A pool of 50", true);
}

/* Whatever there is to say, a finding has seven lines at the most. */
static void cards_have_seven_lines(void **state)
{
    (void)state;
    struct tn_finding finding = fixture_items[0];
    struct tn_findings one = {.items = &finding, .count = 1};
    struct tn_report report = {.summary = &fixture_summary, .findings = &one, .kinds = tn_kinds};
    char longest[2048] = "";
    for (size_t i = 0; i < 100; i++)
        strcat(longest, i % 10 == 9 ? "nine; and if " : "word ");
    finding.title = longest;
    finding.notes = longest;
    finding.alternatives = longest;
    finding.condition = (struct tn_finding_condition){.kind = "size", .text = longest};
    finding.confidence = TN_CONFIDENCE_WEAK;
    finding.evidence = (struct tn_evidence_set){0};
    tn_evidence_add_real(&finding.evidence, "mean_live_count", TN_UNIT_COUNT, 7, 3);
    tn_evidence_add_text(&finding.evidence, "threads", longest);
    finding.kind = "pool";
    char *text = fixture_write_report(&report, "text");
    const char *card = strstr(text, "\nFindings");
    assert_non_null(card);
    card = strchr(card + 1, '\n') + 1;
    size_t lines = 0;
    for (; *card != '\n' && *card != '\0'; card = strchr(card, '\n') + 1, lines++)
        if (strcspn(card, "\n") > 100)
            fail_msg("wider than 100 columns: %s", card);
    assert_int_equal(lines, 7);
    free(text);
    tn_evidence_finish(&finding.evidence);
}

/* The width is the terminal's, within reason; colours are there when they are asked for. */
static void text_fits_the_terminal(void **state)
{
    (void)state;
    static const size_t widths[] = {60, 80, 100, 132};
    struct tn_report report = fixture_report;
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        report.style.columns = widths[i];
        char *text = fixture_write_report(&report, "text");
        size_t widest = 0;
        for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
            widest = strcspn(line, "\n") > widest ? strcspn(line, "\n") : widest;
        assert_in_range(widest, widths[i] - 20, widths[i] < 80 ? 80 : widths[i]);
        assert_null(strchr(text, '\033'));
        free(text);
    }
    report.style.has_color = true;
    fixture_assert_part(&report, "text", "\033[1mWhat was recorded\033[0m\n", true);
    fixture_assert_part(&report, "text",
                        "   1. \033[1m90,000 buffers of at most 80 B never outlive read_line\033[0m"
                        "\033[2m [stack-buffer, proven]\033[0m\n",
                        true);
}

/* But for code, which is the user's to paste. */
static void lines_fit(void **state)
{
    (void)state;
    char *text = fixture_write_report(&fixture_report, "text");
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        if (strcspn(line, "\n") > 100)
            fail_msg("wider than 100 columns: %.*s", (int)strcspn(line, "\n"), line);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_is_for_the_system_asked_for), cmocka_unit_test(evidence_is_told_in_words),
        cmocka_unit_test(small_ones_are_told_briefly),      cmocka_unit_test(cards_have_seven_lines),
        cmocka_unit_test(text_fits_the_terminal),           cmocka_unit_test(lines_fit),
    };
    return cmocka_run_group_tests(tests, fixture_fill_evidence, fixture_drop_evidence);
}
