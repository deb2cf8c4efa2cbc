/* SPDX-License-Identifier: MIT */

/* Every sentence about findings that is not of one kind, as a reader sees it, in singular and plural. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

/* What the first findings bring together, where at least two of them were measured. */
static void first_findings_are_told_together(void **state)
{
    struct tn_finding_plan plan = {.finding_count = 3};
    plan.together = (struct tn_finding_saving){.allocations_removed = 100};
    plan.first = (struct tn_finding_saving){.allocations_removed = 50};
    assert_string_equal(tn_words_first_together(*state, &plan, 3, 1000),
                        "Together these save: 100 allocations (10.0 %).");
    assert_string_equal(tn_words_first_together(*state, &plan, 2, 1000), "");
    plan.first_count = 2;
    assert_string_equal(tn_words_first_together(*state, &plan, 2, 1000),
                        "Together these save: 50 allocations (5.0 %).");
    assert_string_equal(tn_words_first_together(*state, &plan, 3, 1000),
                        "The 2 of these that a replay can show save together: 50 allocations (5.0 %).");
    plan = (struct tn_finding_plan){.finding_count = 1};
    assert_string_equal(tn_words_first_together(*state, &plan, 3, 1000), "");
}

/* One figure for calls, one for memory: what was measured, or else what was estimated. */
static void effects_have_one_figure_of_each(void **state)
{
    struct tn_finding_saving saving = {0};
    assert_string_equal(tn_words_effect(*state, &saving, 0), "");
    saving.allocations_removed = 1;
    assert_string_equal(tn_words_effect(*state, &saving, 4), "1 allocation (25.0 %)");
    saving.bytes_removed = 16;
    saving.allocations_removed = 2000;
    saving.outside = "stack";
    saving.outside_bytes = 80;
    assert_string_equal(tn_words_effect(*state, &saving, 2000),
                        "2,000 allocations (100 %); 16 B of headers and rounding");
    saving.peak_bytes_delta = 24;
    assert_string_equal(tn_words_effect(*state, &saving, 2000),
                        "2,000 allocations (100 %); memory at the peak: 24 B more");
    assert_string_equal(tn_words_estimate(*state, &saving), "");
    saving.is_measured = true;
    saving.heap_median_bytes = -512;
    saving.replay_allocations_removed = 1000;
    assert_string_equal(tn_words_effect(*state, &saving, 2000),
                        "1,000 allocations (50.0 %); 432 B less memory (heap -512 B, stack +80 B)");
    assert_string_equal(tn_words_estimate(*state, &saving),
                        "2,000 allocations; 16 B of headers and rounding; memory at the peak: 24 B more");
    saving.replay_allocations_removed = 2000;
    assert_string_equal(tn_words_estimate(*state, &saving),
                        "16 B of headers and rounding; memory at the peak: 24 B more");
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
         "about as much memory (heap -24.2 KiB, stack +24.1 KiB)"},
        {{.is_measured = true, .heap_median_bytes = -512, .outside = "pool", .outside_bytes = 640},
         "128 B more memory (heap -512 B, pool +640 B)"},
        {{.is_measured = true,
          .heap_median_bytes = -512,
          .heap_noise_bytes = 128,
          .outside = "pool",
          .outside_bytes = 640},
         "about as much memory (heap -512 B, pool +640 B)"},
        {{.is_measured = true, .heap_median_bytes = -512, .outside = "mixed", .outside_bytes = 12},
         "500 B less memory (heap -512 B, elsewhere +12 B)"},
        {{.is_measured = true,
          .heap_median_bytes = -8,
          .heap_noise_bytes = 8,
          .outside = "static",
          .outside_bytes = 600},
         "592 B more memory (heap: no clear change, static +600 B)"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(tn_words_measured(*state, &cases[i].saving), cases[i].words);
}

static void plans_are_told_with_what_they_share(void **state)
{
    struct tn_finding_plan plan = {.finding_count = 3, .alone_allocations = 100};
    plan.together = (struct tn_finding_saving){.allocations_removed = 100, .is_measured = true};
    assert_string_equal(
        tn_words_plan(*state, &plan, 1000),
        "All 3 changes that a replay can show save together: 100 allocations (10.0 %); heap: no "
        "clear change.");
    plan.alone_allocations = 120;
    plan.sure_count = 2;
    plan.sure.allocations_removed = 60;
    assert_string_equal(
        tn_words_plan(*state, &plan, 1000),
        "All 3 changes that a replay can show save together: 100 allocations (10.0 %); heap: no "
        "clear change. One by one they would come to 120: 20 of these allocations can be saved "
        "by one change only, whichever is made. Without conditional ones (2 are left): 60 "
        "allocations (6.0 %).");
    plan.sure_count = 1;
    plan.alone_allocations = 0;
    assert_string_equal(
        tn_words_plan(*state, &plan, 1000),
        "All 3 changes that a replay can show save together: 100 allocations (10.0 %); heap: no "
        "clear change. Without conditional ones (1 is left): 60 allocations (6.0 %).");
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
    assert_string_equal(tn_words_minor_title(*state, &finding), "A pool (pool, proven)");
    assert_string_equal(tn_words_tag(*state, &finding), "[pool, proven]");
}

/* The condition is told whole, or its first part and how many more there are; the title stands without it. */
static void conditions_are_told_with_the_title(void **state)
{
    struct tn_finding finding = {.kind = "pool",
                                 .title = S("Give a a pool, if b holds: it may not"),
                                 .alternatives = S("presize"),
                                 .condition = {.kind = "size", .text = S("b holds: it may not")}};
    assert_string_equal(tn_words_title(*state, &finding), "Give a a pool");
    assert_string_equal(tn_words_first_title(*state, &finding), "Give a a pool (on a condition)");
    assert_string_equal(tn_words_condition(*state, &finding, true), "if b holds");
    assert_string_equal(tn_words_condition(*state, &finding, false), "if b holds: it may not");
    assert_string_equal(tn_words_tag(*state, &finding), "[pool, weak]");
    finding.condition.text = S("b holds; and if c does: it may not");
    assert_string_equal(tn_words_condition(*state, &finding, true), "if b holds (and 1 more condition)");
    finding.condition.text = S("b::c holds; and if c does; and if d does");
    assert_string_equal(tn_words_condition(*state, &finding, true), "if b::c holds (and 2 more conditions)");
    finding.condition.text = NULL;
    assert_null(tn_words_condition(*state, &finding, true));
    assert_string_equal(tn_words_first_title(*state, &finding), finding.title);
}

/* Each reason to hide a finding, with what to type, in singular and plural; none is told where none is
 * hidden.
 */
static void hidden_findings_are_counted(void **state)
{
    static const struct {
        struct tn_words_hidden hidden;
        const char *words;
    } cases[] = {
        {{.beyond_top = 1}, "Not shown: 1 that saves less (--top N)."},
        {{.too_weak = 1}, "Not shown: 1 that is doubtful (--confidence weak)."},
        {{.given_way = 1},
         "Not shown: 1 that gave way to a better one about the same lines (--finding NUMBER names its "
         "kind)."},
        {{.small = 1, .small_allocations_removed = 1}, "Not shown: 1 small one of 1 call in all (--top 0)."},
        {{.small = 12, .small_allocations_removed = 1345, .too_weak = 1},
         "Not shown: 12 small ones of 1,345 calls in all (--top 0), 1 that is doubtful (--confidence weak)."},
        {{2, 3, 4, 0, 0},
         "Not shown: 2 that save less (--top N), 3 that are doubtful (--confidence weak), 4 that gave way to "
         "a "
         "better one about the same lines (--finding NUMBER names their kinds)."},
        {{2, 0, 1, 0, 0},
         "Not shown: 2 that save less (--top N), 1 that gave way to a better one about the same lines "
         "(--finding NUMBER names its kind)."},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(tn_words_hidden(*state, &cases[i].hidden), cases[i].words);
    assert_null(tn_words_hidden(*state, &(struct tn_words_hidden){0}));
}

/* Who looks for the function in a debugger's stack must know why it is not there. */
static void a_tail_call_is_told(void **state)
{
    struct tn_finding_site sites[] = {{.function = S("push")}, {.function = S("pop(int)")}};
    struct tn_finding finding = {
        .kind = "pool", .confidence = TN_CONFIDENCE_WEAK, .sites = sites, .site_count = 2};
    assert_string_equal(tn_words_tag(*state, &finding), "[pool, weak]");
    sites[1].is_tail_call = true;
    assert_string_equal(tn_words_tag(*state, &finding), "[pool, weak; pop by a tail call]");
}

/* Which part of a line's blocks a finding is about: a call of several, or who calls the function. */
static void roles_are_told(void **state)
{
    (void)state;
    char text[256];
    struct tn_finding_line caller = {
        .function = S("receive"), .file = S("/a/roles.c"), .line = 11, .module = S("")};
    struct tn_finding_site site = {
        .function = S("clone"), .file = S("/a/roles.c"), .line = 10, .via = S("malloc")};
    assert_false(tn_finding_site_is_role(&site));
    assert_string_equal(tn_finding_role_print(&site, text, sizeof(text)), "");
    static const struct {
        struct tn_finding_call call;
        const char *words;
    } cases[] = {
        {{true, 1, 14, 0}, "in the 1st call of malloc there (column 14)"},
        {{true, 2, 20, 0}, "in the 2nd call of malloc there (column 20)"},
        {{true, 3, 0, 0x11b2}, "in the 3rd call of malloc there (by address, +0x11b2)"},
        {{true, 12, 99, 0}, "in the 12th call of malloc there (column 99)"},
        {{true, 22, 99, 0}, "in the 22nd call of malloc there (column 99)"},
        {{true, 0, 0, 0}, "in the other calls of malloc there"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        site.call = cases[i].call;
        assert_true(tn_finding_site_is_role(&site));
        assert_string_equal(tn_finding_role_print(&site, text, sizeof(text)), cases[i].words);
    }
    site.callers = &caller;
    site.caller_count = 1;
    assert_string_equal(tn_finding_role_print(&site, text, sizeof(text)),
                        "in the other calls of malloc there, when called from receive (roles.c:11)");
    assert_string_equal(tn_finding_role_print(&site, text, 12), "in the othe");
    site.call.is_told = false;
    site.thread_id = 4;
    assert_string_equal(tn_finding_role_print(&site, text, sizeof(text)),
                        "when called from receive (roles.c:11), in one thread");
    site.thread_id = 0;
    assert_true(tn_finding_site_is_role(&site));
    assert_string_equal(tn_finding_role_print(&site, text, sizeof(text)),
                        "when called from receive (roles.c:11)");
}

/* All lines of release, or the first two and how many more; three are not worth a count. */
static void releases_are_told_with_their_share(void **state)
{
    struct tn_finding_release releases[] = {
        {.line = {.function = S("f"), .file = S("/a/data.c"), .line = 88, .module = S("")},
         .share = 0.875,
         .other_sites = 1},
        {.line = {.function = S("f"), .file = S("/a/data.c"), .line = 90, .module = S("")},
         .share = 0.1,
         .other_sites = 12},
        {.line = {.function = S("f"), .file = S("/a/data.c"), .line = 91, .module = S("")}, .share = 0.02},
        {.line = {.function = S("f"), .file = S("/a/data.c"), .line = 92, .module = S("")}, .share = 0.005},
    };
    struct tn_finding finding = {.releases = releases, .release_count = 4};
    assert_string_equal(tn_words_releases(*state, &finding, true),
                        "data.c:88 (87.5 %), :90 (10.0 %) and 2 more lines");
    assert_string_equal(
        tn_words_releases(*state, &finding, false),
        "data.c:88 (87.5 %; also blocks of 1 other line), data.c:90 (10.0 %; also blocks of 12 "
        "other lines), data.c:91 (2.0 %), data.c:92 (0.5 %)");
    releases[1].line.file = S("/a/list.c");
    assert_string_equal(tn_words_releases(*state, &finding, true),
                        "data.c:88 (87.5 %), list.c:90 (10.0 %) and 2 more lines");
    releases[1].line.file = S("/a/data.c");
    finding.release_count = 3;
    assert_string_equal(tn_words_releases(*state, &finding, true),
                        "data.c:88 (87.5 %), :90 (10.0 %), :91 (2.0 %)");
    releases[0].share = 1;
    finding.release_count = 1;
    assert_string_equal(tn_words_releases(*state, &finding, true), "data.c:88");
    assert_string_equal(tn_words_releases(*state, &finding, false),
                        "data.c:88 (all; also blocks of 1 other line)");
    assert_string_equal(tn_words_why_and_where(*state, "in 2 calls", "data.c:88"),
                        "in 2 calls; released at data.c:88");
    finding.release_count = 0;
    assert_string_equal(tn_words_releases(*state, &finding, true), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_findings_are_told_together, begin, end),
        cmocka_unit_test_setup_teardown(effects_have_one_figure_of_each, begin, end),
        cmocka_unit_test_setup_teardown(measured_effects_are_netted, begin, end),
        cmocka_unit_test_setup_teardown(plans_are_told_with_what_they_share, begin, end),
        cmocka_unit_test_setup_teardown(libraries_are_told_with_their_setting, begin, end),
        cmocka_unit_test_setup_teardown(findings_are_named_with_their_kind, begin, end),
        cmocka_unit_test_setup_teardown(conditions_are_told_with_the_title, begin, end),
        cmocka_unit_test_setup_teardown(hidden_findings_are_counted, begin, end),
        cmocka_unit_test_setup_teardown(a_tail_call_is_told, begin, end),
        cmocka_unit_test(roles_are_told),
        cmocka_unit_test_setup_teardown(releases_are_told_with_their_share, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
