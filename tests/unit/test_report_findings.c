/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/kinds.h"
#include "tenure/report.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Findings own their strings, so they are not const; nobody changes them here. */
#define S(text) ((char *)(text))

static const char *golden_text_path, *golden_json_path;

static struct tn_finding_site sites[] = {
    {.site_id = 7,
     .function = S("read_line"),
     .file = S("/src/app/input.c"),
     .line = 42,
     .module = S("/usr/bin/app"),
     .via = S("malloc"),
     .allocations = 90000},
    {.site_id = 9,
     .function = S("node_new"),
     .file = S("/src/app/list.c"),
     .line = 7,
     .module = S("/usr/bin/app"),
     .via = S("xmalloc"),
     .allocations = 4000},
    {.site_id = 10,
     .function = S(""),
     .file = S(""),
     .module = S("/usr/lib/libstore.so.2"),
     .offset_bytes = 0x1f2c,
     .via = S("operator new"),
     .allocations = 100},
};

static struct tn_finding_heap_delta heap_deltas[] = {{S("first-fit"), -512}, {S("freertos-heap4"), 64}};

static struct tn_finding_line limit_line = {
    .function = S("fill"), .file = S("/src/store/limit.c"), .line = 31, .module = S("/usr/bin/app")};

static struct tn_finding_release releases[] = {
    {.line =
         {.function = S("read_line"), .file = S("/src/app/input.c"), .line = 44, .module = S("/usr/bin/app")},
     .count = 78300,
     .share = 0.87},
    {.line = {.function = S(""), .file = S(""), .module = S("/usr/lib/libstore.so.2"), .offset_bytes = 0x2f4},
     .count = 11700,
     .share = 0.13,
     .other_sites = 12},
};

static struct tn_finding items[] = {
    {.kind = "stack-buffer",
     .rank = 1,
     .key = 0x5a0c91fe,
     .confidence = TN_CONFIDENCE_PROVEN,
     .title = S("90,000 buffers of at most 80 B never outlive read_line"),
     .sites = &sites[0],
     .site_count = 1,
     .tactic = "consider stack buffers",
     .advice = S("Declare char line[80] in read_line (input.c:30), and give it to read_line instead of what "
                 "malloc returns: each block is gone before the function returns."),
     .saving = {.allocations_removed = 90000,
                .bytes_removed = 16,
                .peak_bytes_delta = -24,
                .heap_deltas = heap_deltas,
                .heap_delta_count = 2,
                .is_measured = true,
                .replay_allocations_removed = 90000,
                .heap_median_bytes = -224,
                .heap_noise_bytes = 40,
                .outside_bytes = 80,
                .outside = "stack"},
     .query = S("SELECT 90000 AS instances"),
     .releases = releases,
     .release_count = 2,
     .alternatives = S("pool, preallocate")},
    {.kind = "pool",
     .rank = 2,
     .confidence = TN_CONFIDENCE_CONSISTENT,
     .title = S("A pool of 50 blocks of 24 B serves all 4,100 allocations of node_new (list.c:7) and of "
                "another line of it, which is in the library"),
     .sites = &sites[1],
     .site_count = 2,
     .tactic = "use memory pools",
     .advice = S("Take the blocks from a pool."),
     .saving = {.allocations_removed = 4100, .peak_bytes_delta = 2048},
     .query = S("SELECT 1 AS one"),
     .code =
         S("/* Plain C11 */\n#define NODES 50\n\n/* Zephyr: a slab */\nK_MEM_SLAB_DEFINE(node_slab, 24, 50, "
           "8);\n\n/* ThreadX */\nint node;\n"),
     .notes = S("The peak was reached once.\nOther sites ask for the same size.")},
    {.kind = "unheard-of",
     .rank = 3,
     .confidence = TN_CONFIDENCE_WEAK,
     .title = S("doubtful"),
     .tactic = "none",
     .advice = S("Look."),
     .condition = {.kind = "size-computed",
                   .text = S("a limit is set: the size is computed at run time"),
                   .lines = &limit_line,
                   .line_count = 1},
     .query = S("SELECT 2 AS two")},
};

static struct tn_findings findings = {.items = items, .count = 3, .process_id = 1, .given_way = 2};

static struct tn_summary_process process = {.id = 1,
                                            .pid = 4711,
                                            .executable = S("/usr/bin/app"),
                                            .command_line = S("app \"x\""),
                                            .exit_kind = S("running"),
                                            .exit_code = -1};

#define NO_PLACE 0, S(""), S(""), 0, S(""), 0, S("")
#define NODE     9, S("node_new"), S("/src/app/list.c"), 7, S("/usr/bin/app"), 0, S("xmalloc")
#define NAMELESS 10, S(""), S(""), 0, S("/usr/lib/libstore.so.2"), 7980, S("operator new")

static struct tn_summary_link links[] = {
    {{NODE}, S(""), 16, {NAMELESS}, 8, S("holder death"), 49, 50, 0.98, 12},
    {{NO_PLACE}, S("/usr/bin/app"), 0x4010, {NODE}, 0, S("event 4"), 1, 3, 1.0 / 3, 3},
};

static struct tn_summary summary = {
    .links = links,
    .link_count = 2,
    .path = S("tenure.app.4711.db"),
    .program = S("/usr/bin/app\xff"),
    .command_line = S("app \"x\""),
    .started_at = S("2026-11-22T12:00:00Z"),
    .tool_version = S("0.1.0"),
    .wrappers = S("grab, grab_object"),
    .wrappers_found = S("[{\"function\": \"grab\"}, {\"function\": \"grab_object\"}]"),
    .is_closed = true,
    .is_complete = true,
    .is_finished = true,
    .process_id = 1,
    .processes = &process,
    .process_count = 1,
    .totals = {.allocations = 100000, .frees = 99000, .peak_live_bytes = 5000},
};

static struct tn_report all = {
    .summary = &summary, .findings = &findings, .kinds = tn_kinds, .least = TN_CONFIDENCE_WEAK};

/* One of each type that a value can have. */
static void add_values(struct tn_evidence_set *evidence, bool is_deep)
{
    tn_evidence_add_real(evidence, "share", TN_UNIT_RATIO, 0.25, 6);
    tn_evidence_add_bytes(evidence, "depth_bytes", 3145728);
    tn_evidence_add_ns(evidence, "life_ns", 1500);
    struct tn_evidence_set *sizes = tn_evidence_add_list(evidence, "sizes");
    struct tn_evidence_set *first = is_deep ? tn_evidence_add_list(sizes, NULL) : sizes;
    tn_evidence_add_count(first, NULL, 1);
    if (is_deep)
        tn_evidence_add_count(first, NULL, 2);
    tn_evidence_add_count(tn_evidence_add_list(tn_evidence_add_object(sizes, NULL), "a"), NULL, 3);
    tn_evidence_add_text(sizes, NULL, "]");
    tn_evidence_add_list(evidence, "empty");
    tn_evidence_add_text(evidence, "none", NULL);
    tn_evidence_add_bool(evidence, "is_loop", false);
}

static int fill_evidence(void **state)
{
    (void)state;
    struct tn_evidence_set *evidence = &items[0].evidence;
    tn_evidence_add_bytes(evidence, "buffer_bytes", 80);
    struct tn_evidence_set *owner = tn_evidence_add_object(evidence, "owner");
    tn_evidence_add_text(owner, "function", "read \"it\"");
    tn_evidence_add_text(owner, "file", "/src/app/input.c");
    tn_evidence_add_number(owner, "line", TN_UNIT_NONE, 30);
    tn_evidence_add_count(evidence, "frames_down", 0);
    tn_evidence_add_count(evidence, "instances", 90000);
    tn_evidence_add_count(evidence, "exceptions", 0);
    add_values(evidence, true);
    add_values(&items[2].evidence, false);
    tn_evidence_add_text(&items[2].evidence, "word", "a \"b\"");
    return tn_evidence_error(evidence) + tn_evidence_error(&items[2].evidence);
}

static int drop_evidence(void **state)
{
    (void)state;
    for (size_t i = 0; i < findings.count; i++)
        tn_evidence_finish(&items[i].evidence);
    return 0;
}

/* A report as a string, to be freed. */
static char *write_report(const struct tn_report *report, const char *format)
{
    struct tn_buffer text = {0};
    assert_int_equal(tn_report_format_find(format)->write(report, &text), 0);
    assert_int_equal(tn_buffer_append(&text, "", 1), 0);
    return (char *)text.data;
}

static void assert_golden(const char *format, const char *path, const char *actual_name)
{
    static char golden[16384];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    golden[fread(golden, 1, sizeof(golden) - 1, file)] = '\0';
    fclose(file);
    char *text = write_report(&all, format);
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

static void assert_part(const struct tn_report *report, const char *format, const char *words, bool is_there)
{
    char *text = write_report(report, format);
    if ((strstr(text, words) != NULL) != is_there)
        fail_msg("'%s' is %sin:\n%s", words, is_there ? "not " : "", text);
    free(text);
}

static void doubtful_findings_are_counted_only(void **state)
{
    (void)state;
    struct tn_report sure = all;
    sure.least = TN_CONFIDENCE_CONSISTENT;
    assert_part(&sure, "text", "   3. doubtful", false);
    assert_part(&sure, "text", "1 doubtful finding is not shown: --confidence weak shows it.", true);
    assert_part(&sure, "json", "\"not_shown\": {\"too_weak\": 1, \"beyond_top\": 0, \"given_way\": 2}", true);
    sure.least = TN_CONFIDENCE_PROVEN;
    assert_part(&sure, "text", "   2. A pool of 50", false);
    assert_part(&sure, "text", "2 doubtful findings are not shown", true);
}

static void what_is_beyond_the_top_is_counted(void **state)
{
    (void)state;
    struct tn_report top = all;
    top.finding_max = 1;
    assert_part(&top, "text", "A pool of 50", false);
    assert_part(&top, "text", "2 more findings save less: --top N shows more.", true);
    assert_part(&top, "json", "\"beyond_top\": 2", true);
    /* What speaks of the whole program does not drown in what speaks of lines. */
    top.has_whole = true;
    assert_part(&top, "json", "\"beyond_top\": 1", true);
    assert_part(&top, "text", "A pool of 50", false);
    assert_part(&top, "text", "   3. doubtful, if", true);
}

/* What came with the system is told in a line of its library, and counts neither as shown nor as hidden; JSON
 * has it. A line, or a place where people build, makes it the reader's own. */
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
    struct tn_report folded = all;
    folded.findings = &one;
    folded.folds_libraries = true;
    assert_part(&folded, "text", "A pool for libz", false);
    assert_part(&folded, "text", "libz.so.1.2.13: 1 finding (#4) about 90 allocations", true);
    assert_part(&folded, "text", "zalloc and zfree", true);
    assert_part(&folded, "json", "\"library\": \"libz.so.1.2.13\"", true);
    assert_part(&folded, "json", "\"rank\": 4", true);
    site.line = 12;
    assert_part(&folded, "text", "A pool for libz", true);
    site.line = 0;
    site.module = S("/usr/local/lib/libz.so.1.2.13");
    assert_part(&folded, "text", "A pool for libz", true);
    assert_part(&folded, "json", "\"library\": null", true);
    site.module = S("/usr/lib/app/app");
    assert_part(&folded, "text", "A pool for libz", true);
}

/* By number or key, and nothing else; a key is 8 digits, so 5 is a number and 0000005a none. */
static void findings_are_shown_by_name(void **state)
{
    (void)state;
    struct tn_report named = all;
    named.least = TN_CONFIDENCE_PROVEN;
    named.finding_max = 1;
    named.named = "3,5a0c91fe";
    assert_part(&named, "text", "90,000 buffers of at most 80 B never outlive read_line", true);
    assert_part(&named, "text", "doubtful", true);
    assert_part(&named, "text", "A pool of 50", false);
    assert_part(&named, "json", "\"not_shown\": {\"too_weak\": 0, \"beyond_top\": 0, \"given_way\": 2}",
                true);
    assert_true(tn_finding_is_named(&items[1], "2"));
    assert_true(tn_finding_is_named(&items[0], "7,5A0C91FE"));
    static const char *const others[] = {"",   "3",  "5a0c91f",  "5a0c91fe0", "5a0c91fe 1",
                                         "-1", " 1", "0x000001", "1x"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(tn_finding_is_named(&items[0], others[i]));
    assert_ptr_equal(tn_findings_find(&findings, "5a0c91fe", 8), &items[0]);
    assert_ptr_equal(tn_findings_find(&findings, "2,3", 1), &items[1]);
    assert_null(tn_findings_find(&findings, "2,3", 3));
}

static void code_is_for_the_system_asked_for(void **state)
{
    (void)state;
    struct tn_report report = all;
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
        assert_part(&report, "text", "        #define NODES 50\n", cases[i].has_c);
        assert_part(&report, "text", "        K_MEM_SLAB_DEFINE(", cases[i].has_zephyr);
        assert_part(&report, "text", "        int node;\n", cases[i].has_threadx);
        assert_part(&report, "json", "K_MEM_SLAB_DEFINE(", true);
    }
    /* A finding that is asked for comes with its code. */
    report.code = NULL;
    report.named = "2";
    assert_part(&report, "text", "        #define NODES 50\n", true);
    assert_part(&report, "text", "What was recorded", false);
    assert_false(tn_report_knows_code("vxworks"));
}

/* Of a kind that is known, in words what carries it; numbers that are 0 where that goes without saying are
 * left out. */
static void evidence_is_told_in_words(void **state)
{
    (void)state;
    struct tn_finding finding = items[0];
    struct tn_findings one = {.items = &finding, .count = 1};
    struct tn_report report = {.summary = &summary, .findings = &one, .kinds = tn_kinds};
    finding.kind = "overhead";
    finding.evidence = (struct tn_evidence_set){0};
    tn_evidence_add_count(&finding.evidence, "allocations", 1140);
    tn_evidence_add_list(&finding.evidence, "heaps");
    tn_evidence_add_bytes(&finding.evidence, "payload_bytes", 6593);
    tn_evidence_add_bytes(&finding.evidence, "overhead_bytes", 2097152);
    tn_evidence_add_count(&finding.evidence, "peak_count", 7);
    assert_part(&report, "text",
                "      why      1,140 allocations, of 6,593 B together, header and rounding 2.00 MiB, 7 live "
                "at once\n",
                true);
    tn_evidence_finish(&finding.evidence);
    finding.kind = "presize";
    tn_evidence_add_count(&finding.evidence, "chains", 1);
    tn_evidence_add_bytes(&finding.evidence, "copied_bytes", 0);
    report.named = "5a0c91fe";
    assert_part(&report, "text", "      why      1 buffer grown\n", true);
    report.named = NULL;
    tn_evidence_finish(&finding.evidence);
    finding.kind = "pool";
    tn_evidence_add_real(&finding.evidence, "mean_live_count", TN_UNIT_COUNT, 4230.4, 6);
    assert_part(&report, "text", "      why      on average 4,230 in use\n", true);
    tn_evidence_finish(&finding.evidence);
}

/* A finding that hardly saves anything gets a line. */
static void small_ones_are_told_briefly(void **state)
{
    (void)state;
    struct tn_finding three[3] = {items[0], items[1], items[1]};
    struct tn_findings some = {.items = three, .count = 3};
    struct tn_report report = {.summary = &summary, .findings = &some, .kinds = tn_kinds};
    three[2].rank = 3;
    three[1].saving = three[2].saving =
        (struct tn_finding_saving){.allocations_removed = 99, .bytes_removed = 49};
    assert_part(&report, "text", "  Each of these saves less than 0.1 % of the calls", true);
    assert_part(&report, "text", "in the library (pool, consistent)\n   3. A pool of 50", true);
    assert_part(&report, "text", "saves    99", false);
    three[2].saving.peak_bytes_delta = -51;
    assert_part(&report, "text", "in the library (pool, consistent)\n\n   3. A pool of 50", true);
    assert_part(&report, "text", "saves    99 allocations (<0.1 %); memory at the peak: 51 B less", true);
    three[0].saving = three[1].saving;
    three[1].saving.peak_bytes_delta = -51;
    three[2].saving = three[0].saving;
    assert_part(&report, "text", "\n  These save as little:\n   3. A pool of 50", true);
}

/* What grows comes to little in a short run, and is told in full. */
static void growth_is_never_told_briefly(void **state)
{
    (void)state;
    struct tn_finding finding = items[1];
    struct tn_findings one = {.items = &finding, .count = 1};
    struct tn_report report = {.summary = &summary, .findings = &one, .kinds = tn_kinds};
    finding.saving = (struct tn_finding_saving){0};
    assert_part(&report, "text", "  Each of these saves less than 0.1 % of the calls", true);
    finding.kind = "growth";
    finding.evidence = (struct tn_evidence_set){0};
    tn_evidence_add_count(&finding.evidence, "live_at_end", 500);
    tn_evidence_add_count(&finding.evidence, "rising_windows", 11);
    tn_evidence_add_bytes(&finding.evidence, "risen_bytes", 44000);
    assert_part(&report, "text", "  Each of these saves less than 0.1 % of the calls", false);
    assert_part(&report, "text", "500 live at the end, the low-water mark rose 11 times, ", true);
    tn_evidence_finish(&finding.evidence);
}

/* Whatever there is to say, a finding has eight lines at the most, and the last one says what to type. */
static void cards_have_eight_lines(void **state)
{
    (void)state;
    struct tn_finding finding = items[0];
    struct tn_findings one = {.items = &finding, .count = 1};
    struct tn_report report = {.summary = &summary, .findings = &one, .kinds = tn_kinds};
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
    char *text = write_report(&report, "text");
    const char *card = strstr(text, "\nFindings:");
    assert_non_null(card);
    card = strchr(card + 1, '\n') + 1;
    size_t lines = 0;
    for (; *card != '\n' && *card != '\0'; card = strchr(card, '\n') + 1, lines++)
        if (strcspn(card, "\n") > 100)
            fail_msg("wider than 100 columns: %s", card);
    assert_int_equal(lines, 8);
    assert_non_null(strstr(text, "      more     ... --finding 1 (pool, weak, key 5a0c91fe; or: word"));
    free(text);
    tn_evidence_finish(&finding.evidence);
}

/* The width is the terminal's, within reason; colours are there when they are asked for. */
static void text_fits_the_terminal(void **state)
{
    (void)state;
    static const size_t widths[] = {60, 80, 100, 132};
    struct tn_report report = all;
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        report.style.columns = widths[i];
        char *text = write_report(&report, "text");
        size_t widest = 0;
        for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
            widest = strcspn(line, "\n") > widest ? strcspn(line, "\n") : widest;
        assert_in_range(widest, widths[i] - 20, widths[i] < 80 ? 80 : widths[i]);
        assert_null(strchr(text, '\033'));
        free(text);
    }
    report.style.has_color = true;
    assert_part(&report, "text", "\033[1mWhat was recorded\033[0m\n", true);
    assert_part(&report, "text",
                "   1. \033[1m90,000 buffers of at most 80 B never outlive read_line\033[0m\n", true);
}

static void no_finding_is_said(void **state)
{
    (void)state;
    struct tn_findings none = {.process_id = 1};
    struct tn_report report = {.summary = &summary, .findings = &none};
    assert_part(&report, "text", "Findings\n  Nothing was found that is worth a change.\n", true);
    assert_part(&report, "json", "\"findings\": [], \"plan\"", true);
    struct tn_summary unfinished = summary;
    unfinished.is_closed = false;
    report.summary = &unfinished;
    assert_part(&report, "text", "worth a change, so far.", true);
}

/* But for code, which is the user's to paste. */
static void lines_fit(void **state)
{
    (void)state;
    char *text = write_report(&all, "text");
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        if (strcspn(line, "\n") > 100)
            fail_msg("wider than 100 columns: %.*s", (int)strcspn(line, "\n"), line);
    free(text);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_reads_as_agreed),
        cmocka_unit_test(json_reads_as_agreed),
        cmocka_unit_test(doubtful_findings_are_counted_only),
        cmocka_unit_test(what_is_beyond_the_top_is_counted),
        cmocka_unit_test(libraries_are_folded),
        cmocka_unit_test(findings_are_shown_by_name),
        cmocka_unit_test(code_is_for_the_system_asked_for),
        cmocka_unit_test(evidence_is_told_in_words),
        cmocka_unit_test(small_ones_are_told_briefly),
        cmocka_unit_test(growth_is_never_told_briefly),
        cmocka_unit_test(cards_have_eight_lines),
        cmocka_unit_test(text_fits_the_terminal),
        cmocka_unit_test(no_finding_is_said),
        cmocka_unit_test(lines_fit),
    };
    if (argc != 3)
        return 2;
    golden_text_path = argv[1];
    golden_json_path = argv[2];
    return cmocka_run_group_tests(tests, fill_evidence, drop_evidence);
}
