/* SPDX-License-Identifier: MIT */

/* Every sentence of a report for people as a reader sees it, in singular and plural where it has both. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sink.h"
#include "words.h"

#include <string.h>

/* Findings and summaries own their strings, so they are not const; nobody changes them here. */
#define S(text) ((char *)(text))

static int begin(void **state)
{
    static struct tn_words words;
    words = (struct tn_words){0};
    *state = &words;
    return 0;
}

static int end(void **state)
{
    struct tn_words *words = *state;
    assert_int_equal(words->result, 0);
    tn_words_finish(words);
    assert_null(words->newest);
    return 0;
}

static void fixed_words_are_all_there(void **state)
{
    (void)state;
    static const char *const expected[TN_WORDS_FIXED_COUNT] = {
        [TN_WORDS_RECORDED] = "What was recorded",
        [TN_WORDS_TOTALS] = "Totals",
        [TN_WORDS_FINDINGS] =
            "Findings, the largest saving first (all about one: tenure report LOG --finding NUMBER)",
        [TN_WORDS_NO_FINDINGS] = "Findings",
        [TN_WORDS_OVERVIEW] = "In short",
        [TN_WORDS_SITES] =
            "The busiest sites (short: share of short-lived ones; median: of lifetimes; peaks differ in "
            "time)",
        [TN_WORDS_VERIFY] = "Record again after a change, and compare: tenure diff OLD NEW",
        [TN_WORDS_NEXT] = "What to look at next",
        [TN_WORDS_INCOMPLETE] =
            "The log is not complete: it is still being written, or the recording was cut "
            "short. What follows is true of the time until then.",
        [TN_WORDS_UNFINISHED] = "Finishing the log was cut short: functions, files and lines are missing.",
        [TN_WORDS_NO_FREE_STACKS] =
            "Recorded without the stacks of releases (--free-stacks no): what could be "
            "a local buffer cannot be told.",
        [TN_WORDS_NO_PROCESS] = "No process was recorded in this log, so there is nothing to report.",
        [TN_WORDS_NO_ALLOCATION] = "No allocation was recorded, so there is nothing to report.",
        [TN_WORDS_NO_ALLOCATION_IN_PROCESS] =
            "No allocation was recorded in this process, so there is nothing to report.",
        [TN_WORDS_LABEL_PROGRAM] = "program",
        [TN_WORDS_LABEL_COMMAND] = "command",
        [TN_WORDS_LABEL_WHEN] = "when",
        [TN_WORDS_LABEL_PROCESS] = "process",
        [TN_WORDS_LABEL_PROCESSES] = "processes",
        [TN_WORDS_LABEL_WRAPPERS] = "wrappers",
        [TN_WORDS_LABEL_LOG] = "log",
        [TN_WORDS_LABEL_ALLOCATIONS] = "allocations",
        [TN_WORDS_LABEL_FREES] = "frees",
        [TN_WORDS_LABEL_LIVE] = "still live",
        [TN_WORDS_LABEL_PEAK] = "peak",
        [TN_WORDS_LABEL_RUNTIME] = "runtime",
        [TN_WORDS_LABEL_SHORT_LIVED] = "short-lived",
        [TN_WORDS_LABEL_ROUNDING] = "rounding",
        [TN_WORDS_LABEL_REALLOC] = "realloc",
        [TN_WORDS_LABEL_FAILED] = "failed calls",
        [TN_WORDS_TITLE_END] = "end",
        [TN_WORDS_TITLE_TOTAL] = "total",
        [TN_WORDS_TITLE_QUANTITY] = "quantity",
        [TN_WORDS_TITLE_MEANING] = "meaning",
        [TN_WORDS_TITLE_CALLS] = "calls",
        [TN_WORDS_TITLE_SHORT_LIVED] = "short",
        [TN_WORDS_TITLE_PEAK] = "peak",
        [TN_WORDS_TITLE_MEDIAN] = "median",
        [TN_WORDS_TITLE_SIZES] = "size",
        [TN_WORDS_TITLE_LINE] = "line",
        [TN_WORDS_FREES_OF_REALLOC] = "a realloc ends one block and begins the next",
        [TN_WORDS_ALL_RELEASED] = "at the end: everything was released",
        [TN_WORDS_REALLOC_CONTINUES] = "of the allocations continue an older block",
        [TN_WORDS_FAILED_CALLS] = "returned NULL",
        [TN_WORDS_DO_FIRST] = "Do these first:",
        [TN_WORDS_NO_RISK_MEASURED] =
            "How much memory fragmentation costs was not measured; by default it is for small logs only. "
            "`tenure report --policy first-fit,tlsf LOG` replays this one on models of small heaps.",
        [TN_WORDS_NOTHING_FOUND] = "Nothing was found that is worth a change.",
        [TN_WORDS_NOTHING_FOUND_YET] = "Nothing was found that is worth a change, so far.",
        [TN_WORDS_MINOR] = "Each of these saves little of the calls and of the peak:",
        [TN_WORDS_MINOR_AGAIN] = "These save as little:",
        [TN_WORDS_OTHER_CODE] = "(--code freertos, zephyr, threadx or all: for other systems; none: no code)",
        [TN_WORDS_STACKS] = "The call stacks behind the busiest site:",
        [TN_WORDS_CALLERS] =
            "If it allocates on behalf of its callers, what follows is true of no single one of "
            "them. To see each caller for itself, add to `tenure report`",
        [TN_WORDS_OWNERSHIP] = "Who holds whose address, under \"ownership\":",
        [TN_WORDS_ANYTHING_ELSE] = "Anything else:",
        [TN_WORDS_TABLES] = "(docs/queries.md)",
    };
    for (unsigned i = 0; i < TN_WORDS_FIXED_COUNT; i++)
        assert_string_equal(tn_words_fixed((enum tn_fixed_words)i), expected[i]);
}

static void cards_have_a_label_for_each_part(void **state)
{
    (void)state;
    static const char *const expected[TN_CARD_TEXT_COUNT] = {
        "change", "why", "saves", "estimate", "released", "but", "or", "verify", "kind"};
    for (unsigned i = 0; i < TN_CARD_TEXT_COUNT; i++)
        assert_string_equal(tn_words_card_label(i), expected[i]);
    assert_string_equal(tn_words_card_sites_label(), "where");
    assert_string_equal(tn_words_card_code_label(), "code");
}

static void quantities_bear_their_unit(void **state)
{
    assert_string_equal(tn_words_count(*state, 1234567), "1,234,567");
    assert_string_equal(tn_words_bytes(*state, 1536), "1.50 KiB");
    assert_string_equal(tn_words_duration(*state, 1500), "1.50 us");
}

static void shares_are_round_only_when_they_are(void **state)
{
    static const struct {
        uint64_t part, whole;
        const char *expected;
    } cases[] = {
        {0, 0, "0 %"},         {0, 9, "0 %"},         {9, 9, "100 %"},
        {1, 3, "33.3 %"},      {1, 100000, "<0.1 %"}, {99999, 100000, ">99.9 %"},
        {999, 1000, "99.9 %"}, {1, 1000, "0.1 %"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(tn_words_share(*state, cases[i].part, cases[i].whole), cases[i].expected);
}

/* Sentences of one count: with 1, and with many. */
static void counts_have_singular_and_plural(void **state)
{
    static const struct {
        const char *(*make)(struct tn_words *words, uint64_t count);
        const char *one, *many;
    } cases[] = {
        {tn_words_processes_unrecorded,
         "1 process that the program started could not be recorded: what it allocated is not in this log; "
         "`tenure info` tells why.",
         "1,234 processes that the program started could not be recorded: what they allocated is not in this "
         "log; `tenure info` tells why."},
        {tn_words_damaged_parts,
         "The program wrote over the recording's memory, in 1 place: events are missing, and it is not known "
         "how many.",
         "The program wrote over the recording's memory, in 1,234 places: events are missing, and it is not "
         "known how "
         "many."},
        {tn_words_events_lost,
         "1 event was lost: counts are too low by as many, and a block whose free was lost looks live.",
         "1,234 events were lost: counts are too low by as many, and a block whose free was lost looks "
         "live."},
        {tn_words_unmatched_births,
         "1 block got an address that was still taken: a free before was not seen (by a function that is not "
         "recorded, say).",
         "1,234 blocks got an address that was still taken: a free before was not seen (by a function that "
         "is "
         "not recorded, say)."},
        {tn_words_unmatched_frees, "1 free was of a block whose allocation was not seen.",
         "1,234 frees were of blocks whose allocation was not seen."},
        {tn_words_stacks_cut, "1 call stack was deeper than the depth limit and cut (see --depth).",
         "1,234 call stacks were deeper than the depth limit and cut (see --depth)."},
        {tn_words_more_processes, "and 1 more, a smaller one: tenure info lists it",
         "and 1234 more, smaller ones: tenure info lists them"},
        {tn_words_inherited_frees, "1 free in a forked child was of a block that a parent had made",
         "1,234 frees in forked children were of blocks that a parent had made"},
        {tn_words_small_short_lived, "1 of <= 1,024 bytes, gone within 32 KiB of later requests",
         "1,234 of <= 1,024 bytes, gone within 32 KiB of later requests"},
        {tn_words_more_sites, "and 1 more: --format json lists it",
         "and 1,234 more: --format json lists them"},
        {tn_words_totals_of, "Totals of process 1", "Totals of process 1234"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(cases[i].make(*state, 1), cases[i].one);
        assert_string_equal(cases[i].make(*state, 1234), cases[i].many);
    }
}

static void a_process_ends_in_one_of_five_ways(void **state)
{
    static const struct {
        const char *kind;
        int code;
        const char *expected;
    } cases[] = {
        {"exit", 3, "exit 3"},    {"exit", -1, "ended"},   {"signal", 9, "signal 9"},
        {"exec", -1, "executed"}, {"running", -1, "runs"}, {"lost", -1, "ended"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tn_summary_process process = {.exit_kind = S(cases[i].kind), .exit_code = cases[i].code};
        assert_string_equal(tn_words_end(*state, &process), cases[i].expected);
    }
}

static void the_recording_is_told(void **state)
{
    struct tn_summary_process process = {.pid = 47, .exit_kind = S("exit")};
    assert_string_equal(tn_words_process(*state, &process, 1), "pid 47, exit 0, with 1 thread");
    assert_string_equal(tn_words_process(*state, &process, 2), "pid 47, exit 0, with 2 threads");
    assert_string_equal(tn_words_processes(*state, 12, 7),
                        "12; this report is about process 7 (--process ID for another)");
    assert_string_equal(tn_words_when(*state, "2026-11-22T12:00:00Z", 2000000000),
                        "2026-11-22T12:00:00Z, 2.00 s");
    assert_string_equal(tn_words_wrappers(*state, "grab, take"), "grab, take (their callers are the sites)");
    assert_string_equal(
        tn_words_wrappers(*state, "grab, join (by use), perhaps open"),
        "grab, join (by use), perhaps open (their callers are the sites; by use, and perhaps: may"
        " differ in another run)");
}

static void pauses_say_what_they_left_out(void **state)
{
    struct tn_summary_losses losses = {
        .pauses = 1, .paused_ns = 1500000000, .unrecorded_allocations = 1, .unrecorded_frees = 1};
    assert_string_equal(
        tn_words_paused(*state, &losses, 2000000000),
        "Recording was paused for 1.50 s of 2.00 s: 1 allocation in that time is not in the log, nor "
        "in any number here; none of them were still live at the end.");
    losses.unrecorded_allocations = 1235;
    losses.unrecorded_frees = 1234;
    assert_string_equal(
        tn_words_paused(*state, &losses, 2000000000),
        "Recording was paused for 1.50 s of 2.00 s: 1,235 allocations in that time are not in the "
        "log, nor in any number here; 1 of them was still live at the end.");
}

static void totals_say_what_they_mean(void **state)
{
    struct tn_summary_totals totals = {.allocations = 4, .total_bytes = 4096};
    assert_string_equal(tn_words_requests(*state, &totals, 1),
                        "4.00 KiB asked for, 1.00 KiB on average, at 1 site");
    assert_string_equal(tn_words_requests(*state, &totals, 1000),
                        "4.00 KiB asked for, 1.00 KiB on average, at 1,000 sites");
    totals = (struct tn_summary_totals){0};
    assert_string_equal(tn_words_requests(*state, &totals, 0), "0 B asked for, 0 B on average, at 0 sites");
    assert_string_equal(tn_words_still_live(*state, 16, true),
                        "with 16 B, when the process ended; by itself this is no leak");
    assert_string_equal(tn_words_still_live(*state, 16, false),
                        "with 16 B, when the log was last written; by itself this is no leak");
    assert_string_equal(tn_words_peak(*state, 1, 1500), "live at once, in 1 block, 1.50 us after the start");
    assert_string_equal(tn_words_peak(*state, 2000, 1500),
                        "live at once, in 2,000 blocks, 1.50 us after the start");
    assert_string_equal(tn_words_rounding(*state, 24, 20),
                        "the allocator gave 24 B for 20 B; its headers come on top");
}

static void sites_are_told_by_place_and_size(void **state)
{
    struct tn_summary_site site = {
        .function = S("push"), .file = S("/src/stack.c"), .line = 12, .module = S("/bin/app")};
    site.min_size_bytes = site.max_size_bytes = 1024;
    assert_string_equal(tn_words_site_sizes(*state, &site), "1,024 B");
    site.min_size_bytes = 1;
    assert_string_equal(tn_words_site_sizes(*state, &site), "1 to 1,024 B");
    assert_string_equal(tn_words_place(*state, &site), "stack.c:12 push");
    site.function = S("");
    assert_string_equal(tn_words_place(*state, &site), "stack.c:12");
    site.line = 0;
    site.offset_bytes = 0x1f2;
    assert_string_equal(tn_words_place(*state, &site), "app+0x1f2");
    site.function = S("push");
    assert_string_equal(tn_words_place(*state, &site), "app+0x1f2 push");
}

static void risks_are_told_with_their_reason(void **state)
{
    assert_string_equal(tn_words_risk_of_growth(*state, "Bound a", 3, 1),
                        "At risk in a long run: live blocks keep rising at one line (finding 3: Bound a).");
    assert_string_equal(
        tn_words_risk_of_growth(*state, "Bound a", 3, 2),
        "At risk in a long run: live blocks keep rising at 2 lines (first of them finding 3: Bound a).");
    struct tn_findings findings = {
        .peak_live_bytes = 1000, .heap_model_count = 1, .heap_least_bytes = 1090, .heap_most_bytes = 1090};
    assert_string_equal(
        tn_words_risk_of_holes(*state, &findings),
        "Little fragmentation: for 1,000 B in use at the peak, this run needs a small heap of 1.06 KiB (on "
        "1 model): 9 % more, for headers, rounding and holes.");
    findings.heap_model_count = 4;
    findings.heap_most_bytes = 1300;
    assert_string_equal(
        tn_words_risk_of_holes(*state, &findings),
        "Some fragmentation: for 1,000 B in use at the peak, this run needs a small heap of 1.06 KiB to "
        "1.27 KiB (on 4 models): 9 to 30 % more, for headers, rounding and holes.");
    findings.heap_most_bytes = 2000;
    assert_string_equal(
        tn_words_risk_of_holes(*state, &findings),
        "At risk of fragmentation: for 1,000 B in use at the peak, this run needs a small heap of 1.06 KiB "
        "to 1.95 KiB (on 4 models): 9 to 100 % more, for headers, rounding and holes.");
    const struct tn_summary_totals totals = {.allocations = 4, .small_short_lived = 3};
    assert_string_equal(tn_words_risk_of_churn(*state, &totals),
                        "75.0 % of the allocations are small and soon released: each leaves a hole that a "
                        "longer-lived block can break up.");
}

static void next_steps_are_told(void **state)
{
    assert_string_equal(tn_words_nameless(*state, 1, 4, "libz.so.1, app"),
                        "25.0 % of the allocations come from busy sites without file and line, in libz.so.1, "
                        "app: no debug information was found. Build with -g, or install the debug symbols of "
                        "the package (on Debian NAME-dbgsym or NAME-dbg), and record again.");
    assert_string_equal(tn_words_many_sizes(*state, 400),
                        "One place asks for most of the blocks, in 400 different sizes:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_words_are_all_there),
        cmocka_unit_test(cards_have_a_label_for_each_part),
        cmocka_unit_test_setup_teardown(quantities_bear_their_unit, begin, end),
        cmocka_unit_test_setup_teardown(shares_are_round_only_when_they_are, begin, end),
        cmocka_unit_test_setup_teardown(counts_have_singular_and_plural, begin, end),
        cmocka_unit_test_setup_teardown(a_process_ends_in_one_of_five_ways, begin, end),
        cmocka_unit_test_setup_teardown(the_recording_is_told, begin, end),
        cmocka_unit_test_setup_teardown(pauses_say_what_they_left_out, begin, end),
        cmocka_unit_test_setup_teardown(totals_say_what_they_mean, begin, end),
        cmocka_unit_test_setup_teardown(sites_are_told_by_place_and_size, begin, end),
        cmocka_unit_test_setup_teardown(risks_are_told_with_their_reason, begin, end),
        cmocka_unit_test_setup_teardown(next_steps_are_told, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
