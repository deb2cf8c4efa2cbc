/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/analyze.h"
#include "tenure/kinds.h"

#include <stdlib.h>
#include <string.h>

/* A finding about some of the sites a, b, c..., as the analyses make them. */
struct made {
    const char *kind, *sites;
    enum tn_confidence confidence;
    uint64_t allocations_removed;
    int64_t peak_bytes_delta;
};

#define SURE    TN_CONFIDENCE_CONSISTENT
#define IF      TN_CONFIDENCE_CONDITIONAL
#define WEAK    TN_CONFIDENCE_WEAK
#define PROVEN  TN_CONFIDENCE_PROVEN
#define NO_SITE ""

static void add(struct tn_findings *findings, const struct made *made)
{
    struct tn_finding finding = {.kind = made->kind, .confidence = made->confidence, .tactic = ""};
    finding.site_count = strlen(made->sites);
    finding.sites = calloc(finding.site_count + 1, sizeof(finding.sites[0]));
    assert_non_null(finding.sites);
    for (size_t i = 0; i < finding.site_count; i++) {
        finding.sites[i].function = strdup("f");
        finding.sites[i].file = strdup("f.c");
        finding.sites[i].module = strdup("app");
        finding.sites[i].via = strdup("malloc");
        finding.sites[i].line = (uint32_t)made->sites[i];
        finding.sites[i].site_id = (uint64_t)made->sites[i];
    }
    finding.title = strdup(made->kind);
    finding.apply = strcmp(made->kind, "arena") == 0 ? TN_APPLY_ARENA : TN_APPLY_NONE;
    finding.saving.allocations_removed = made->allocations_removed;
    finding.saving.peak_bytes_delta = made->peak_bytes_delta;
    assert_int_equal(tn_findings_add(findings, &finding), 0);
}

static void rank(struct tn_findings *findings, const struct made *made, size_t count)
{
    *findings = (struct tn_findings){.process_id = 1, .allocations = 1000, .peak_live_bytes = 10000};
    for (size_t i = 0; i < count; i++)
        add(findings, &made[i]);
    assert_int_equal(tn_findings_rank(findings, tn_kinds, NULL), 0);
    for (size_t i = 0; i < findings->count; i++)
        assert_int_equal(findings->items[i].rank, i + 1);
}

static void assert_item(const struct tn_findings *findings, size_t i, const char *kind, char site,
                        const char *alternatives)
{
    assert_true(i < findings->count);
    const struct tn_finding *finding = &findings->items[i];
    assert_string_equal(finding->kind, kind);
    assert_int_equal(finding->site_count != 0 ? finding->sites[0].site_id : 0, site);
    if (alternatives == NULL)
        assert_null(finding->alternatives);
    else
        assert_string_equal(finding->alternatives, alternatives);
}

#define RANK(findings, made) rank(findings, made, sizeof(made) / sizeof(made[0]))

static void the_strongest_leads_and_names_the_others(void **state)
{
    (void)state;
    static const struct made made[] = {
        {"overhead", "a", SURE, 500, 0}, {"preallocate", "a", SURE, 500, 0},
        {"pool", "a", SURE, 500, 0},     {"stack-buffer", "a", SURE, 500, 0},
        {"pool", "b", SURE, 100, 0},     {"fixed-maximum", "b", SURE, 100, 0},
    };
    struct tn_findings findings;
    RANK(&findings, made);
    assert_int_equal(findings.count, 3);
    assert_int_equal(findings.given_way, 3);
    assert_item(&findings, 0, "stack-buffer", 'a', "pool, preallocate, overhead");
    assert_item(&findings, 1, "pool", 'b', NULL);
    assert_item(&findings, 2, "fixed-maximum", 'b', NULL);
    tn_findings_finish(&findings);
}

static void doubtful_ones_displace_nothing_that_is_sure(void **state)
{
    (void)state;
    static const struct made made[] = {
        {"stack-buffer", "a", WEAK, 900, 0}, {"pool", "a", SURE, 100, 0},
        {"overhead", "a", WEAK, 100, 0},     {"stack-buffer", "b", WEAK, 800, 0},
        {"pool", "b", WEAK, 50, 0},          {"stack-buffer", "c", PROVEN, 70, 0},
        {"pool", "c", WEAK, 70, 0},
    };
    struct tn_findings findings;
    RANK(&findings, made);
    assert_int_equal(findings.count, 4);
    assert_item(&findings, 0, "stack-buffer", 'c', "pool");
    assert_item(&findings, 1, "pool", 'a', NULL);
    assert_item(&findings, 2, "stack-buffer", 'a', "overhead");
    assert_item(&findings, 3, "stack-buffer", 'b', "pool");
    tn_findings_finish(&findings);
}

/* What speaks of several lines gives way only where it has nothing of its own left to say. */
static void a_group_gives_way_as_a_whole(void **state)
{
    (void)state;
    static const struct made made[] = {
        {"stack-buffer", "a", SURE, 300, 0}, {"stack-buffer", "b", SURE, 200, 0},
        {"combine", "ab", SURE, 500, 0},     {"combine", "bc", SURE, 400, 0},
        {"pool", "c", SURE, 90, 0},          {"pool", NO_SITE, SURE, 1000, 0},
    };
    struct tn_findings findings;
    RANK(&findings, made);
    assert_int_equal(findings.count, 4);
    assert_item(&findings, 0, "combine", 'b', "pool");
    assert_item(&findings, 1, "stack-buffer", 'a', "combine");
    assert_item(&findings, 2, "stack-buffer", 'b', "combine");
    assert_item(&findings, 3, "pool", 0, NULL);
    tn_findings_finish(&findings);
}

/* A count of blocks is no bound for what only grows; where there is no count, both are true. */
static void growth_displaces_counts_only(void **state)
{
    (void)state;
    static const struct made made[] = {
        {"growth", "a", SURE, 0, -9000},      {"pool", "a", SURE, 500, 0},
        {"preallocate", "a", SURE, 500, 0},   {"overhead", "b", SURE, 500, 0},
        {"fixed-maximum", "b", SURE, 300, 0}, {"growth", "b", SURE, 0, -8000},
    };
    struct tn_findings findings;
    RANK(&findings, made);
    assert_int_equal(findings.count, 3);
    assert_item(&findings, 0, "growth", 'a', "pool, preallocate");
    assert_item(&findings, 1, "growth", 'b', NULL);
    assert_item(&findings, 2, "fixed-maximum", 'b', "overhead");
    tn_findings_finish(&findings);
}

/* What has a condition and is a part of what an arena serves is said by the arena. What is sure stays, what
 * saves more, and what is about another line as well. */
static void parts_give_way_to_an_arena(void **state)
{
    (void)state;
    static const struct made made[] = {
        {"stack-buffer", "a", IF, 100, 0}, {"stack-buffer", "b", SURE, 90, 0},
        {"combine", "cd", IF, 80, 0},      {"combine", "ex", IF, 70, 0},
        {"stack-buffer", "f", IF, 700, 0}, {"arena", "abcdef", IF, 500, 0},
        {"arena", "yz", WEAK, 900, 0},     {"stack-buffer", "y", IF, 60, 0},
    };
    struct tn_findings findings;
    RANK(&findings, made);
    assert_int_equal(findings.given_way, 2);
    assert_item(&findings, 0, "stack-buffer", 'f', NULL);
    assert_item(&findings, 1, "arena", 'a', "stack-buffer, combine");
    assert_item(&findings, 2, "stack-buffer", 'b', NULL);
    assert_item(&findings, 3, "combine", 'e', NULL);
    assert_item(&findings, 4, "stack-buffer", 'y', NULL);
    tn_findings_finish(&findings);
}

/* Less than a hundredth of the calls and of the peak, or what costs more of the peak than it saves calls;
 * where the best one saves little, less than half of that. */
static void what_saves_little_is_small(void **state)
{
    (void)state;
    static const struct made much[] = {
        {"stack-buffer", "a", SURE, 500, 0}, {"stack-buffer", "b", SURE, 10, 0},
        {"stack-buffer", "c", SURE, 9, 0},   {"permanent", "d", SURE, 1, -100},
        {"permanent", "e", SURE, 1, -99},    {"growth", "f", SURE, 0, -1},
        {"pool", NO_SITE, SURE, 1, 0},       {"combine", "g", SURE, 100, 950},
        {"combine", "h", SURE, 100, 850},
    };
    static const struct made little[] = {{"stack-buffer", "a", SURE, 8, 0},
                                         {"stack-buffer", "b", SURE, 4, 0},
                                         {"permanent", "c", SURE, 0, -39}};
    struct tn_findings findings;
    RANK(&findings, much);
    for (size_t i = 0; i < findings.count; i++) {
        uint64_t site = findings.items[i].site_count != 0 ? findings.items[i].sites[0].site_id : 0;
        assert_int_equal(findings.items[i].is_small, site == 'c' || site == 'e' || site == 'g');
    }
    tn_findings_finish(&findings);
    RANK(&findings, little);
    assert_false(findings.items[0].is_small);
    assert_false(findings.items[1].is_small);
    assert_true(findings.items[2].is_small);
    tn_findings_finish(&findings);
}

static void what_saves_most_comes_first(void **state)
{
    (void)state;
    static const struct made made[] = {
        {"stack-buffer", "a", SURE, 100, 0}, /* a tenth of the calls */
        {"permanent", "b", SURE, 1, -2000},  /* a fifth of the peak */
        {"pool", "c", SURE, 300, 5000},      /* half of three tenths; what it costs is no saving */
        {"overhead", "d", SURE, 300, 0},     /* a quarter of that */
        {"stack-buffer", "e", PROVEN, 99, -1}, {"never-heard-of", "f", SURE, 999, 0},
    };
    struct tn_findings findings;
    RANK(&findings, made);
    static const char order[] = "fbcaed";
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(findings.items[i].sites[0].site_id, order[i]);
    tn_findings_finish(&findings);
}

/* What is harder to do counts less, by as much as the kind says. */
static void discounts_are_taken_off(void **state)
{
    (void)state;
    static const struct made made[] = {{"stack-buffer", "a", SURE, 110, 0},
                                       {"stack-buffer", "b", SURE, 100, 0}};
    struct tn_findings findings;
    RANK(&findings, made);
    assert_item(&findings, 0, "stack-buffer", 'a', NULL);
    findings.items[0].discount = 0.25;
    assert_int_equal(tn_findings_rank(&findings, tn_kinds, NULL), 0);
    assert_item(&findings, 0, "stack-buffer", 'b', NULL);
    tn_findings_finish(&findings);
}

/* What rose counts by its rise, also where the peak came before it. */
static void rises_count_as_peaks_do(void **state)
{
    (void)state;
    static const struct made made[] = {{"growth", "a", SURE, 0, -10}, {"stack-buffer", "b", SURE, 0, -100}};
    struct tn_findings findings;
    RANK(&findings, made);
    assert_item(&findings, 0, "stack-buffer", 'b', NULL);
    findings.items[1].rise_bytes = 200;
    assert_int_equal(tn_findings_rank(&findings, tn_kinds, NULL), 0);
    assert_item(&findings, 0, "growth", 'a', NULL);
    tn_findings_finish(&findings);
}

/* What a replay measured is told beside a finding, and changes no number. */
static void measured_heaps_change_no_number(void **state)
{
    (void)state;
    static const struct made made[] = {{"stack-buffer", "a", SURE, 900, 0}, {"overhead", "b", SURE, 10, 0}};
    struct tn_findings findings;
    RANK(&findings, made);
    struct tn_finding_saving *saving = &findings.items[1].saving;
    saving->is_measured = true;
    saving->heap_median_bytes = -64000;
    assert_int_equal(tn_findings_rank(&findings, tn_kinds, NULL), 0);
    assert_item(&findings, 0, "stack-buffer", 'a', NULL);
    assert_int_equal(findings.items[1].rank, 2);
    tn_findings_finish(&findings);
}

/* A number belongs to a finding, whichever kinds are asked for. */
static void numbers_do_not_depend_on_what_is_asked_for(void **state)
{
    (void)state;
    static const struct made made[] = {{"pool", "a", SURE, 500, 0},
                                       {"stack-buffer", "a", SURE, 500, 0},
                                       {"overhead", "b", SURE, 10, 0},
                                       {"pool", "c", SURE, 300, 0}};
    struct tn_findings findings = {.process_id = 1, .allocations = 1000, .peak_live_bytes = 10000};
    for (size_t i = 0; i < 4; i++)
        add(&findings, &made[i]);
    assert_int_equal(tn_findings_rank(&findings, tn_kinds, "overhead,pool"), 0);
    assert_int_equal(findings.count, 3);
    assert_item(&findings, 0, "pool", 'c', NULL);
    assert_item(&findings, 1, "overhead", 'b', NULL);
    assert_item(&findings, 2, "pool", 'a', NULL);
    assert_int_equal(findings.items[0].rank, 2);
    assert_int_equal(findings.items[1].rank, 3);
    assert_int_equal(findings.items[2].rank, 4);
    assert_true(!findings.items[0].has_given_way && findings.items[2].has_given_way);
    assert_int_equal(findings.given_way, 0);
    tn_findings_finish(&findings);
}

/* The key of the only finding of a list that one change was made to. */
static uint32_t key_after(void (*change)(struct tn_finding *finding))
{
    static const struct made made[] = {{"combine", "ab", SURE, 5, 0}};
    struct tn_findings findings = {.process_id = 1, .allocations = 1000};
    add(&findings, &made[0]);
    change(&findings.items[0]);
    assert_int_equal(tn_findings_rank(&findings, tn_kinds, NULL), 0);
    uint32_t key = findings.items[0].key;
    tn_findings_finish(&findings);
    return key;
}

static void leave(struct tn_finding *finding)
{
    (void)finding;
}

/* What another build changes: lines, folders, row ids, the order of the sites. */
static void rebuild(struct tn_finding *finding)
{
    for (size_t i = 0; i < 2; i++) {
        finding->sites[i].line += 40;
        finding->sites[i].site_id += 7;
        free(finding->sites[i].file);
        finding->sites[i].file = strdup("/elsewhere/f.c");
    }
    struct tn_finding_site first = finding->sites[0];
    finding->sites[0] = finding->sites[1];
    finding->sites[1] = first;
    finding->saving.allocations_removed = 77;
}

static void rename_function(struct tn_finding *finding)
{
    free(finding->sites[1].function);
    finding->sites[1].function = strdup("g");
}

static void reach_otherwise(struct tn_finding *finding)
{
    free(finding->sites[0].via);
    finding->sites[0].via = strdup("calloc");
}

static void lose_a_site(struct tn_finding *finding)
{
    struct tn_finding_site *site = &finding->sites[--finding->site_count];
    free(site->function);
    free(site->file);
    free(site->module);
    free(site->via);
}

static void keys_outlive_a_rebuild(void **state)
{
    (void)state;
    uint32_t key = key_after(leave);
    assert_int_equal(key_after(rebuild), key);
    assert_int_not_equal(key_after(rename_function), key);
    assert_int_not_equal(key_after(reach_otherwise), key);
    assert_int_not_equal(key_after(lose_a_site), key);
}

/* Two lines of one function differ in nothing that lasts but their order. */
static void lines_of_one_function_have_keys_of_their_own(void **state)
{
    (void)state;
    static const struct made made[] = {{"pool", "b", SURE, 300, 0}, {"pool", "a", SURE, 500, 0}};
    static const struct made later[] = {{"pool", "y", SURE, 900, 0}, {"pool", "x", SURE, 500, 0}};
    struct tn_findings first, second;
    RANK(&first, made);
    RANK(&second, later);
    assert_int_not_equal(first.items[0].key, first.items[1].key);
    assert_int_equal(first.items[0].key, second.items[1].key); /* a and x, the upper line */
    assert_int_equal(first.items[1].key, second.items[0].key);
    tn_findings_finish(&first);
    tn_findings_finish(&second);
}

/* Where a log has no rows for sites, lines are told apart by their names. */
static void sites_without_rows_compete_as_well(void **state)
{
    (void)state;
    static const struct made made[] = {
        {"stack-buffer", "a", SURE, 5, 0}, {"pool", "a", SURE, 5, 0}, {"pool", "b", SURE, 5, 0}};
    struct tn_findings findings = {.process_id = 1, .allocations = 1000};
    for (size_t i = 0; i < 3; i++) {
        add(&findings, &made[i]);
        findings.items[i].sites[0].site_id = 0;
    }
    assert_int_equal(tn_findings_rank(&findings, tn_kinds, NULL), 0);
    assert_int_equal(findings.count, 2);
    assert_string_equal(findings.items[0].alternatives, "pool");
    tn_findings_finish(&findings);
}

static void nothing_can_be_ranked(void **state)
{
    (void)state;
    struct tn_findings findings = {0};
    assert_int_equal(tn_findings_rank(&findings, tn_kinds, NULL), 0);
    assert_int_equal(findings.count, 0);
    tn_findings_finish(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_strongest_leads_and_names_the_others),
        cmocka_unit_test(doubtful_ones_displace_nothing_that_is_sure),
        cmocka_unit_test(a_group_gives_way_as_a_whole),
        cmocka_unit_test(growth_displaces_counts_only),
        cmocka_unit_test(parts_give_way_to_an_arena),
        cmocka_unit_test(what_saves_little_is_small),
        cmocka_unit_test(what_saves_most_comes_first),
        cmocka_unit_test(discounts_are_taken_off),
        cmocka_unit_test(rises_count_as_peaks_do),
        cmocka_unit_test(measured_heaps_change_no_number),
        cmocka_unit_test(numbers_do_not_depend_on_what_is_asked_for),
        cmocka_unit_test(keys_outlive_a_rebuild),
        cmocka_unit_test(lines_of_one_function_have_keys_of_their_own),
        cmocka_unit_test(sites_without_rows_compete_as_well),
        cmocka_unit_test(nothing_can_be_ranked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
