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
        [TN_WORDS_FINDINGS] = "Findings: what to change, the largest saving first",
        [TN_WORDS_NO_FINDINGS] = "Findings",
        [TN_WORDS_MOST_ALLOCATIONS] = "Most allocations",
        [TN_WORDS_MOST_SMALL_SHORT_LIVED] = "Most short-lived small allocations",
        [TN_WORDS_HIGHEST_PEAK] = "Highest peak (each site at its own time, so they do not add up)",
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
        [TN_WORDS_FREES_OF_REALLOC] = "a realloc ends one block and begins the next",
        [TN_WORDS_ALL_RELEASED] = "at the end: everything was released",
        [TN_WORDS_REALLOC_CONTINUES] = "of the allocations continue an older block",
        [TN_WORDS_FAILED_CALLS] = "returned NULL",
        [TN_WORDS_NONE_SHORT_LIVED] = "No site made any: nothing was released so early.",
        [TN_WORDS_NOTHING_FOUND] = "Nothing was found that is worth a change.",
        [TN_WORDS_NOTHING_FOUND_YET] = "Nothing was found that is worth a change, so far.",
        [TN_WORDS_MINOR] =
            "Each of these saves less than 0.1 % of the calls and 1 % of the peak (--format json "
            "tells all of them):",
        [TN_WORDS_MINOR_AGAIN] = "These save as little:",
        [TN_WORDS_QUERIES] =
            "The numbers of a finding come from the log again by the query that --format json "
            "gives with it.",
        [TN_WORDS_OTHER_CODE] = "(--code freertos, zephyr, threadx or all: for other systems; none: no code)",
        [TN_WORDS_STACKS] = "The call stacks behind the busiest site:",
        [TN_WORDS_CALLERS] =
            "If it allocates on behalf of its callers, what follows is true of no single one of "
            "them. To see each caller for itself, add to `tenure report`",
        [TN_WORDS_ANYTHING_ELSE] = "Anything else:",
        [TN_WORDS_TABLES] = "(tables and example queries: docs/log-format.md)",
    };
    for (unsigned i = 0; i < TN_WORDS_FIXED_COUNT; i++)
        assert_string_equal(tn_words_fixed((enum tn_fixed_words)i), expected[i]);
}

static void cards_have_a_label_for_each_part(void **state)
{
    (void)state;
    static const char *const expected[TN_CARD_TEXT_COUNT] = {"change", "evidence", "released", "effect",
                                                             "but",    "instead",  "verify",   "kind"};
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
        {tn_words_unmatched_frees, "1 free was of blocks whose allocation was not seen.",
         "1,234 frees were of blocks whose allocation was not seen."},
        {tn_words_stacks_cut, "1 call stack was deeper than the depth limit and cut (see --depth).",
         "1,234 call stacks were deeper than the depth limit and cut (see --depth)."},
        {tn_words_more_processes, "and 1 more, a smaller one: tenure info lists it",
         "and 1234 more, smaller ones: tenure info lists them"},
        {tn_words_inherited_frees, "1 free in a forked child was of a block that a parent had made",
         "1,234 frees in forked children were of blocks that a parent had made"},
        {tn_words_small_short_lived, "1 of <= 1,024 bytes, gone within 32 KiB of later requests",
         "1,234 of <= 1,024 bytes, gone within 32 KiB of later requests"},
        {tn_words_left_out, "(left out: 1 of the C library and the loader themselves)",
         "(left out: 1234 of the C library and the loader themselves)"},
        {tn_words_more_sites, "and 1 more: --format json lists it",
         "and 1,234 more: --format json lists them"},
        {tn_words_beyond_top, "1 more finding saves less: --top N shows more.",
         "1234 more findings save less: --top N shows more."},
        {tn_words_too_weak, "1 doubtful finding is not shown: --confidence weak shows it.",
         "1234 doubtful findings are not shown: --confidence weak shows them."},
        {tn_words_given_way,
         "1 gave way to a stronger one about the same lines, which names it under \"instead\".",
         "1234 gave way to a stronger one about the same lines, which names them under \"instead\"."},
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

static void sites_are_told_by_what_their_list_is_about(void **state)
{
    const struct tn_summary_totals totals = {
        .allocations = 4000, .small_short_lived = 2000, .peak_live_bytes = 4096};
    struct tn_summary_site one = {.allocations = 1, .small_short_lived = 1};
    struct tn_summary_site many = {
        .allocations = 2000, .small_short_lived = 1000, .total_bytes = 1536, .peak_live_bytes = 1024};
    static const struct {
        enum tn_summary_list list;
        const char *one, *many;
    } cases[] = {
        {TN_SUMMARY_BY_ALLOCATIONS, "1 allocation, <0.1 % of all; 0 B",
         "2,000 allocations, 50.0 % of all; 1.50 KiB"},
        {TN_SUMMARY_BY_SMALL_SHORT_LIVED,
         "1 short-lived small allocation, <0.1 % of all such; 100 % of this site's",
         "1,000 short-lived small allocations, 50.0 % of all such; 50.0 % of this site's"},
        {TN_SUMMARY_BY_PEAK_LIVE_BYTES, "peak 0 B (the whole process: 4.00 KiB); 1 allocation",
         "peak 1.00 KiB (the whole process: 4.00 KiB); 2,000 allocations"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(tn_words_site_headline(*state, cases[i].list, &one, &totals), cases[i].one);
        assert_string_equal(tn_words_site_headline(*state, cases[i].list, &many, &totals), cases[i].many);
    }
}

static void facts_leave_out_what_is_not_known(void **state)
{
    struct tn_summary_site site = {.min_size_bytes = 1, .max_size_bytes = 1, .peak_live_count = 3};
    assert_string_equal(tn_words_site_facts(*state, &site), "1 byte each; at most 3 live");
    site.min_size_bytes = site.max_size_bytes = 24;
    site.live_at_end = 2;
    assert_string_equal(tn_words_site_facts(*state, &site), "24 bytes each; at most 3 live, 2 at the end");
    site.max_size_bytes = 4096;
    site.mean_size_bytes = 99.6;
    site.freed = 1;
    site.has_quantiles = true;
    site.lifetime_ns.p90 = 2500;
    assert_string_equal(
        tn_words_site_facts(*state, &site),
        "24 to 4,096 bytes, mean 100; at most 3 live, 2 at the end; 90 % gone within 2.50 us");
}

static void effects_are_joined(void **state)
{
    struct tn_finding_saving saving = {0};
    assert_string_equal(tn_words_effect(*state, &saving, 0), "");
    saving.allocations_removed = 1;
    assert_string_equal(tn_words_effect(*state, &saving, 4), "1 allocation less (25.0 % of all)");
    saving.peak_bytes_delta = 24;
    saving.bytes_removed = 16;
    saving.allocations_removed = 2000;
    saving.outside = "stack";
    saving.outside_bytes = 80;
    assert_string_equal(tn_words_effect(*state, &saving, 2000),
                        "2,000 allocations less (100 % of all); 16 B of headers and rounding less; memory at "
                        "the peak: 24 B more");
    saving.is_measured = true;
    saving.heap_median_bytes = -512;
    assert_string_equal(tn_words_effect(*state, &saving, 2000),
                        "2,000 allocations less (100 % of all); 16 B of headers and rounding less; memory at "
                        "the peak: 24 B more; heap -512 B, stack +80 B: 432 B less in all");
}

/* What the heap needs less and what is needed elsewhere are one number; what luck could do is no change. */
static void measured_effects_are_netted(void **state)
{
    static const struct {
        struct tn_finding_saving saving;
        const char *words;
    } cases[] = {
        {{.heap_median_bytes = -512}, ""},
        {{.is_measured = true, .heap_median_bytes = -512}, "heap -512 B"},
        {{.is_measured = true, .heap_median_bytes = 512, .heap_noise_bytes = 511}, "heap +512 B"},
        {{.is_measured = true, .heap_median_bytes = -512, .heap_noise_bytes = 512}, "heap: no clear change"},
        {{.is_measured = true}, "heap: no clear change"},
        {{.is_measured = true, .heap_median_bytes = -24781, .outside = "stack", .outside_bytes = 24678},
         "heap -24.2 KiB, stack +24.1 KiB: about even"},
        {{.is_measured = true, .heap_median_bytes = -512, .outside = "pool", .outside_bytes = 640},
         "heap -512 B, pool +640 B: 128 B more in all"},
        {{.is_measured = true,
          .heap_median_bytes = -512,
          .heap_noise_bytes = 128,
          .outside = "pool",
          .outside_bytes = 640},
         "heap -512 B, pool +640 B: about even"},
        {{.is_measured = true, .heap_median_bytes = -512, .outside = "mixed", .outside_bytes = 12},
         "heap -512 B, elsewhere +12 B: 500 B less in all"},
        {{.is_measured = true,
          .heap_median_bytes = -8,
          .heap_noise_bytes = 8,
          .outside = "static",
          .outside_bytes = 600},
         "heap: no clear change, static +600 B: 592 B more in all"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(tn_words_measured(*state, &cases[i].saving), cases[i].words);
}

static void plans_are_told_with_what_they_share(void **state)
{
    struct tn_finding_plan plan = {.finding_count = 3, .alone_allocations = 100};
    plan.together = (struct tn_finding_saving){.allocations_removed = 100, .is_measured = true};
    assert_string_equal(tn_words_plan(*state, &plan, 1000),
                        "The 3 changes that a replay can show, together: 100 allocations less (10.0 % of "
                        "all); heap: no clear change.");
    plan.alone_allocations = 120;
    plan.sure_count = 2;
    plan.sure.allocations_removed = 60;
    assert_string_equal(tn_words_plan(*state, &plan, 1000),
                        "The 3 changes that a replay can show, together: 100 allocations less (10.0 % of "
                        "all); heap: no clear change. Each alone, they add up to 120: 20 of these blocks can "
                        "be had by one change only. Those that no condition decides (2): 60 "
                        "allocations less (6.0 % of all).");
}

/* Settings are told of the library itself, not of one whose name begins alike. */
static void libraries_are_told_with_their_setting(void **state)
{
    assert_string_equal(tn_words_library_setting("libz.so.1"), "zalloc and zfree of z_stream");
    assert_string_equal(tn_words_library_setting("libpython3.11.so.1.0"), "PYTHONMALLOC, PyMem_SetAllocator");
    assert_string_equal(tn_words_library_setting("libcrypto.so.3"), "CRYPTO_set_mem_functions");
    assert_null(tn_words_library_setting("libzmq.so.5"));
    assert_null(tn_words_library_setting("libcryptopp.so.8"));
    assert_null(tn_words_library_setting("libfoo.so"));
    assert_string_equal(tn_words_library(*state, "libz.so.1", 2, "#3, #7", 1200),
                        "libz.so.1: 2 findings (#3, #7) about 1,200 allocations in code that came with the "
                        "system; look for zalloc and zfree of z_stream.");
    assert_string_equal(
        tn_words_library(*state, "libfoo.so", 1, "#3", 1),
        "libfoo.so: 1 finding (#3) about 1 allocation in code that came with the system; look "
        "in its documentation for a way to give it memory.");
}

static void findings_are_named_with_their_kind(void **state)
{
    const struct tn_finding finding = {.kind = "pool",
                                       .key = 0xa1b2,
                                       .confidence = TN_CONFIDENCE_PROVEN,
                                       .title = S("A pool"),
                                       .tactic = "use pools"};
    assert_string_equal(tn_words_kind(*state, &finding), "pool, proven; tactic: use pools; key 0000a1b2");
    assert_string_equal(tn_words_minor_title(*state, &finding), "A pool (pool)");
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
        cmocka_unit_test_setup_teardown(totals_say_what_they_mean, begin, end),
        cmocka_unit_test_setup_teardown(sites_are_told_by_what_their_list_is_about, begin, end),
        cmocka_unit_test_setup_teardown(facts_leave_out_what_is_not_known, begin, end),
        cmocka_unit_test_setup_teardown(effects_are_joined, begin, end),
        cmocka_unit_test_setup_teardown(measured_effects_are_netted, begin, end),
        cmocka_unit_test_setup_teardown(plans_are_told_with_what_they_share, begin, end),
        cmocka_unit_test_setup_teardown(libraries_are_told_with_their_setting, begin, end),
        cmocka_unit_test_setup_teardown(findings_are_named_with_their_kind, begin, end),
        cmocka_unit_test_setup_teardown(next_steps_are_told, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
