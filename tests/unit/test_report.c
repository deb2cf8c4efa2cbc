/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A summary owns its strings, so they are not const; nobody changes them here. */
#define S(text) ((char *)(text))

static const char *golden_path;

/* Two sites: many small short-lived blocks of one size, and a few large ones of many sizes that stay. */
static struct tn_summary_site sites[] = {
    {
        .site_id = 7,
        .function = S("read_line"),
        .file = S("/src/app/input.c"),
        .line = 42,
        .module = S("/usr/bin/app"),
        .via = S("malloc"),
        .allocations = 90000,
        .total_bytes = 90000 * 24,
        .usable_bytes = 90000 * 24,
        .min_size_bytes = 24,
        .max_size_bytes = 24,
        .mean_size_bytes = 24,
        .distinct_sizes = 1,
        .peak_live_count = 3,
        .peak_live_bytes = 72,
        .freed = 90000,
        .short_lived = 90000,
        .small_short_lived = 90000,
        .lifetime_ns = {1500, 2500, 9000, 50000},
        .lifetime_allocations = {1, 2, 3, 4},
        .lifetime_bytes = {24, 48, 72, 4096},
        .has_quantiles = true,
    },
    {
        .site_id = 9,
        .function =
            S("std::vector<std::pair<int, std::string>>::_M_realloc_insert<int&, std::string const&>"),
        .file = S(""),
        .module = S("/usr/lib/libstore.so.2"),
        .offset_bytes = 0x1f2c,
        .via = S("operator new"),
        .allocations = 10000,
        .total_bytes = 40960000,
        .usable_bytes = 41040000,
        .min_size_bytes = 64,
        .max_size_bytes = 65536,
        .mean_size_bytes = 4096,
        .distinct_sizes = 400,
        .peak_live_count = 8000,
        .peak_live_bytes = 32768000,
        .live_at_end = 4000,
        .freed = 6000,
        .freed_by_other_thread = 12,
        .lifetime_ns = {15000000, 250000000, 900000000, 950000000},
        .lifetime_allocations = {1000, 20000, 30000, 40000},
        .lifetime_bytes = {1000000, 2000000, 3000000, 4000000},
        .has_quantiles = true,
    },
    {
        .site_id = 11,
        .function = S("load_configuration"),
        .file = S("/src/app/configuration.c"),
        .line = 7,
        .module = S("/usr/bin/app"),
        .via = S("strdup"),
        .allocations = 1,
        .total_bytes = 100,
        .usable_bytes = 104,
        .min_size_bytes = 100,
        .max_size_bytes = 100,
        .mean_size_bytes = 100,
        .distinct_sizes = 1,
        .peak_live_count = 1,
        .peak_live_bytes = 100,
        .live_at_end = 1,
        .has_quantiles = true,
    },
};

static struct tn_summary_site by_peak[3];

static struct tn_summary_process processes[] = {
    {.id = 1,
     .pid = 4711,
     .executable = S("/usr/bin/app"),
     .command_line = S("app --once 'a b'"),
     .exit_kind = S("exit"),
     .exit_code = 0,
     .end_ns = 2000000000,
     .allocations = 100001,
     .frees = 96000},
    {.id = 2,
     .parent_id = 1,
     .pid = 4712,
     .executable = S("/bin/sh"),
     .command_line = S("sh -c 'true\ntrue'"),
     .exit_kind = S("signal"),
     .exit_code = 9,
     .end_ns = 1000000000,
     .allocations = 12,
     .frees = 10},
};

static struct tn_summary make_summary(void)
{
    by_peak[0] = sites[1];
    by_peak[1] = sites[2];
    by_peak[2] = sites[0];
    struct tn_summary summary = {
        .path = S("tenure.app.4711.db"),
        .log_bytes = 345678,
        .program = S("/usr/bin/app"),
        .command_line = S("app --once 'a b'"),
        .started_at = S("2026-11-22T12:00:00Z"),
        .tool_version = S("0.1.0"),
        .duration_ns = 2000000000,
        .is_closed = true,
        .is_complete = true,
        .is_finished = true,
        .process_id = 1,
        .processes = processes,
        .process_count = 2,
        .totals = {.allocations = 100001,
                   .frees = 96000,
                   .reallocs = 5,
                   .total_bytes = 43120100,
                   .usable_bytes = 43200104,
                   .live_count = 4001,
                   .live_bytes = 16384100,
                   .peak_live_bytes = 32768172,
                   .peak_live_count = 8004,
                   .peak_ns = 1200000000,
                   .small_short_lived = 90000,
                   .threads = 2},
        .site_count = 3,
        .lists = {[TN_SUMMARY_BY_ALLOCATIONS] = {sites, 3},
                  [TN_SUMMARY_BY_SMALL_SHORT_LIVED] = {sites, 1},
                  [TN_SUMMARY_BY_PEAK_LIVE_BYTES] = {by_peak, 3}},
    };
    return summary;
}

/* The report as a string, to be freed. */
static char *report(const struct tn_summary *summary)
{
    struct tn_buffer text = {0};
    struct tn_report of = {.summary = summary, .least = TN_CONFIDENCE_CONSISTENT};
    assert_int_equal(tn_report_text(&of, &text), 0);
    assert_int_equal(tn_buffer_append(&text, "", 1), 0);
    return (char *)text.data;
}

static void assert_says(const struct tn_summary *summary, const char *words)
{
    char *text = report(summary);
    if (strstr(text, words) == NULL)
        fail_msg("'%s' is not in:\n%s", words, text);
    free(text);
}

static char *read_golden(void)
{
    static char text[16384];
    FILE *file = fopen(golden_path, "r");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[n] = '\0';
    return text;
}

static void a_whole_report_reads_as_agreed(void **state)
{
    (void)state;
    struct tn_summary summary = make_summary();
    char *text = report(&summary);
    if (strcmp(text, read_golden()) != 0) {
        FILE *actual = fopen("report.actual.txt", "w");
        assert_non_null(actual);
        fputs(text, actual);
        fclose(actual);
        fail_msg("differs from %s: see report.actual.txt", golden_path);
    }
    free(text);
}

static void lines_fit(void **state)
{
    (void)state;
    struct tn_summary summary = make_summary();
    char *text = report(&summary);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        if (strcspn(line, "\n") > 100)
            fail_msg("wider than 100 columns: %.*s", (int)strcspn(line, "\n"), line);
    free(text);
}

/* The line that begins a report must be the loss, whatever it is. */
static void losses_come_first(void **state)
{
    (void)state;
    static const struct {
        struct tn_summary_losses losses;
        const char *start;
    } cases[] = {
        {{.processes_unrecorded = 1},
         "! 1 process that the program started could not be recorded: what it allocated"},
        {{.processes_unrecorded = 44},
         "! 44 processes that the program started could not be recorded: what they"},
        {{.events_lost = 1}, "! 1 event was lost"},
        {{.events_lost = 1234}, "! 1,234 events were lost"},
        {{.unmatched_frees = 2}, "! 2 frees were of blocks whose allocation was not seen."},
        {{.unmatched_births = 3}, "! 3 blocks got an address that was still taken"},
        {{.stacks_cut = 1}, "! 1 call stack was deeper"},
        {{.pauses = 1, .paused_ns = 1500000000, .unrecorded_allocations = 1},
         "! Recording was paused for 1.50 s of "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tn_summary summary = make_summary();
        summary.losses = cases[i].losses;
        char *text = report(&summary);
        assert_memory_equal(text, cases[i].start, strlen(cases[i].start));
        free(text);
    }
}

static void incomplete_logs_say_so_first(void **state)
{
    (void)state;
    struct tn_summary summary = make_summary();
    summary.is_closed = false;
    summary.is_finished = false;
    char *text = report(&summary);
    assert_memory_equal(text, "! The log is not complete", 25);
    assert_null(strstr(text, "process ended"));
    /* Whether something is ever released is not known before the end. */
    assert_null(strstr(text, "while the process ran"));
    free(text);
    summary.is_closed = true;
    assert_says(&summary, "! Finishing the log was cut short");
}

static void empty_recordings_have_nothing_to_report(void **state)
{
    (void)state;
    struct tn_summary summary = make_summary();
    summary.totals = (struct tn_summary_totals){0};
    assert_says(&summary, "No allocation was recorded in this process, so there is nothing to report.\n");
    summary.process_count = 0;
    char *text = report(&summary);
    assert_string_equal(text, "No process was recorded in this log, so there is nothing to report.\n");
    free(text);
}

/* Fourteen processes: the two with fewest allocations are left out, the reported one is not. */
static void many_processes_are_cut_short(void **state)
{
    (void)state;
    struct tn_summary summary = make_summary();
    struct tn_summary_process many[14];
    for (size_t i = 0; i < 14; i++) {
        many[i] = processes[1];
        many[i].id = i + 1;
        many[i].allocations = i + 100;
    }
    summary.processes = many;
    summary.process_count = 14;
    char *text = report(&summary);
    assert_non_null(strstr(text, "->    1          100 allocations"));
    assert_null(strstr(text, " 101 allocations"));
    assert_non_null(strstr(text, " 112 allocations"));
    assert_non_null(strstr(text, "and 2 more, smaller ones"));
    free(text);
}

static void long_places_are_cut_at_their_end(void **state)
{
    (void)state;
    static const struct {
        const char *function, *file, *line;
    } cases[] = {
        {"f", "/a/b.c", "  b.c:42 f\n"},
        {"dictionary_resize_and_keep_its_order_of_all_the_keys_that_it_had_in_the_beginning", "/a/b.c",
         "  b.c:42 dictionary_resize_and_keep_its_order_o...\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tn_summary summary = make_summary();
        struct tn_summary_site site = sites[0];
        site.function = S(cases[i].function);
        site.file = S(cases[i].file);
        summary.lists[TN_SUMMARY_BY_ALLOCATIONS] = (struct tn_summary_sites){&site, 1};
        assert_says(&summary, cases[i].line);
    }
}

static void shares_do_not_lie(void **state)
{
    (void)state;
    struct tn_summary summary = make_summary();
    summary.totals.allocations = 90000001;
    summary.totals.small_short_lived = 90000000;
    assert_says(&summary, ">99.9 %");
    summary.totals.small_short_lived = 90000;
    assert_says(&summary, "0.1 %");
    summary.totals.small_short_lived = 1;
    assert_says(&summary, "<0.1 %");
}

static void paths_are_quoted_for_the_shell(void **state)
{
    (void)state;
    struct tn_summary summary = make_summary();
    summary.path = S("it's a log.db");
    assert_says(&summary, "tenure sql 'it'\\''s a log.db' \\\n        \"SELECT");
}

static void one_place_for_all_may_be_a_wrapper(void **state)
{
    (void)state;
    struct tn_summary summary = make_summary();
    struct tn_summary_site busy = sites[1];
    busy.function = S("");
    busy.allocations = 60000;
    summary.totals.allocations = 100000;
    summary.lists[TN_SUMMARY_BY_ALLOCATIONS] = (struct tn_summary_sites){&busy, 1};
    assert_says(&summary, "in 400 different sizes:\n      libstore.so.2+0x1f2c via operator new\n");
    assert_says(&summary, "add to `tenure report`\n      --wrapper 'libstore\\.so\\.2\\+0x1f2c$'\n");
    busy.function = S("pool::get(int)");
    assert_says(&summary, "--wrapper 'pool::get\\(int\\)'\n");
    /* One size, or less than half of all, is a site like any other. */
    busy.distinct_sizes = 1;
    char *text = report(&summary);
    assert_null(strstr(text, "--wrapper"));
    free(text);
    busy.distinct_sizes = 400;
    busy.allocations = 40000;
    text = report(&summary);
    assert_null(strstr(text, "--wrapper"));
    free(text);
}

static void sites_of_the_c_library_are_left_out(void **state)
{
    (void)state;
    struct tn_summary summary = make_summary();
    struct tn_summary_site some[2] = {sites[0], sites[1]};
    some[0].module = S("/usr/lib/x86_64-linux-gnu/libc.so.6");
    summary.lists[TN_SUMMARY_BY_ALLOCATIONS] = (struct tn_summary_sites){some, 2};
    summary.lists[TN_SUMMARY_BY_SMALL_SHORT_LIVED].count = 0;
    summary.lists[TN_SUMMARY_BY_PEAK_LIVE_BYTES].count = 0;
    char *text = report(&summary);
    assert_null(strstr(text, "input.c:42"));
    assert_non_null(strstr(text, "libstore.so.2+0x1f2c"));
    free(text);
}

/* A peak that is mostly the runtime's own is no measure of the program. Near misses: it is the program's, it
 * was released, there were several, or it is less than half. */
static void a_block_of_the_runtime_is_named_in_the_totals(void **state)
{
    (void)state;
    struct tn_summary summary = make_summary();
    struct tn_summary_site pool = sites[0];
    pool.module = S("/lib/x86_64-linux-gnu/libstdc++.so.6");
    pool.allocations = pool.live_at_end = 1;
    pool.total_bytes = 72704;
    summary.totals.peak_live_bytes = 100000;
    summary.lists[TN_SUMMARY_BY_PEAK_LIVE_BYTES] = (struct tn_summary_sites){&pool, 1};
    assert_says(&summary,
                "  runtime             71.0 KiB  most of this peak is one block that libstdc++.so.6 ");
    struct tn_summary_site others[4] = {pool, pool, pool, pool};
    others[0].module = S("/usr/bin/app");
    others[1].live_at_end = 0;
    others[2].allocations = 2;
    others[3].total_bytes = 49999;
    for (size_t i = 0; i < 4; i++) {
        summary.lists[TN_SUMMARY_BY_PEAK_LIVE_BYTES] = (struct tn_summary_sites){&others[i], 1};
        char *text = report(&summary);
        assert_null(strstr(text, "most of this peak"));
        free(text);
    }
}

static void missing_debug_information_comes_before_advice(void **state)
{
    (void)state;
    struct tn_summary summary = make_summary();
    struct tn_summary_site nameless[3] = {sites[1], sites[1], sites[0]};
    nameless[2].line = 0;
    summary.totals.allocations = 110001;
    summary.lists[TN_SUMMARY_BY_ALLOCATIONS] = (struct tn_summary_sites){nameless, 3};
    assert_says(
        &summary,
        "\n  >99.9 % of the allocations come from busy sites without file and line, in libstore.so.2, app");
    /* A tenth in all is said, less is not. */
    nameless[2].line = 1;
    summary.totals.allocations = 200000;
    assert_says(&summary, "  10.0 % of the allocations");
    summary.totals.allocations = 300000;
    char *text = report(&summary);
    assert_null(strstr(text, "debug information"));
    free(text);
}

static void the_table_of_formats_has_three(void **state)
{
    (void)state;
    assert_ptr_equal(tn_report_format_find("text")->write, tn_report_text);
    assert_ptr_equal(tn_report_format_find("json")->write, tn_report_json);
    assert_true(tn_report_format_find("html")->has_charts);
    assert_null(tn_report_format_find("svg"));
    assert_null(tn_report_format_find(""));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_report_reads_as_agreed),
        cmocka_unit_test(lines_fit),
        cmocka_unit_test(losses_come_first),
        cmocka_unit_test(incomplete_logs_say_so_first),
        cmocka_unit_test(empty_recordings_have_nothing_to_report),
        cmocka_unit_test(many_processes_are_cut_short),
        cmocka_unit_test(long_places_are_cut_at_their_end),
        cmocka_unit_test(shares_do_not_lie),
        cmocka_unit_test(paths_are_quoted_for_the_shell),
        cmocka_unit_test(one_place_for_all_may_be_a_wrapper),
        cmocka_unit_test(sites_of_the_c_library_are_left_out),
        cmocka_unit_test(a_block_of_the_runtime_is_named_in_the_totals),
        cmocka_unit_test(missing_debug_information_comes_before_advice),
        cmocka_unit_test(the_table_of_formats_has_three),
    };
    if (argc != 2)
        return 2;
    golden_path = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
