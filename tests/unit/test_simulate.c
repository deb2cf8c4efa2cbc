/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyze_fixture.h"
#include "tenure/simulate.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define STACK_A 1
#define STACK_B 2

static void run_sql(const struct scene *scene, const char *sql)
{
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open_v2(scene->path, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(database));
    sqlite3_close(database);
}

/* What finishing the log would have found. */
static void name_sites(const struct scene *scene)
{
    run_sql(scene,
            "INSERT INTO site (id, function, via) VALUES (1, 'take', 'malloc'), (2, 'make', 'fopen');"
            "UPDATE stack SET site_id = id WHERE id IN (1, 2)");
}

static struct tn_log_source *open_source(struct tn_log *log)
{
    struct tn_log_source *source = NULL;
    struct tn_error error = {0};
    if (tn_log_source_open(log, 0, &source, &error) < 0)
        fail_msg("%s", error.text);
    return source;
}

/* All events, from the first. Returns how many. */
static size_t read_all(struct tn_log_source *log_source, struct tn_replay_event *events, size_t most)
{
    struct tn_replay_source source = tn_log_source_events(log_source);
    struct tn_error error = {0};
    size_t count = 0;
    int r = source.rewind(source.state, &error);
    while (r >= 0 && count < most && (r = source.next(source.state, &events[count], &error)) > 0)
        count++;
    assert_int_equal(r, 0);
    return count;
}

static void a_realloc_is_one_event(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, "simulate_realloc");
    uint64_t first = scene_birth(&scene, STACK_A, 10), other = scene_birth(&scene, STACK_B, 20);
    uint64_t second = scene_realloc(&scene, first, 30);
    uint64_t third = scene_realloc(&scene, second, 40);
    scene_death(&scene, other);
    scene_death(&scene, third);
    scene_close(&scene);
    name_sites(&scene);
    struct tn_log *log = fixture_open(scene.path);
    struct tn_log_source *source = open_source(log);
    struct tn_replay_event events[16];
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(read_all(source, events, 16), 6);
        static const enum tn_replay_kind kinds[] = {TN_REPLAY_PLACE,  TN_REPLAY_PLACE,   TN_REPLAY_RESIZE,
                                                    TN_REPLAY_RESIZE, TN_REPLAY_RELEASE, TN_REPLAY_RELEASE};
        const uint64_t ids[] = {first, other, first, first, other, first};
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(events[i].kind, kinds[i]);
            assert_int_equal(events[i].id, ids[i]);
        }
        assert_int_equal(events[3].size_bytes, 40);
        assert_int_equal(events[0].site_id, 1);
        assert_int_equal(events[1].site_id, 2);
    }
    tn_log_source_close(source);
    tn_log_close(log);
    scene_end(&scene);
}

static void a_process_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, "simulate_process");
    scene_birth(&scene, STACK_A, 10);
    scene_close(&scene);
    struct tn_log *log = fixture_open(scene.path);
    struct tn_log_source *source = NULL;
    struct tn_error error = {0};
    assert_int_equal(tn_log_source_open(log, 99, &source, &error), -ENOENT);
    assert_null(source);
    assert_non_null(strstr(error.text, "99"));
    tn_log_close(log);
    scene_end(&scene);
}

/* Two blocks of site 1, `take`, and one of site 2, a stream of the C library that `make` opened. */
static struct tn_log *make_two_sites(struct scene *scene, const char *name)
{
    scene_begin(scene, name);
    scene_birth(scene, STACK_A, 10);
    scene_birth(scene, STACK_A, 16);
    scene_birth(scene, STACK_B, 20);
    scene_close(scene);
    name_sites(scene);
    return fixture_open(scene->path);
}

static void what_the_library_keeps_is_left_out(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_log *log = make_two_sites(&scene, "simulate_runtime");
    struct tn_log_source *source = open_source(log);
    struct tn_overrides overrides = {0};
    struct tn_error error = {0};
    struct tn_replay_event events[8];
    assert_int_equal(tn_overrides_leave_runtime(&overrides, log, &error), 0);
    tn_log_source_assume(source, &overrides);
    assert_int_equal(read_all(source, events, 8), 2);
    assert_int_equal(overrides.allocations, 3);
    assert_int_equal(overrides.bytes, 46);
    assert_int_equal(overrides.left_out_allocations, 1);
    assert_int_equal(overrides.left_out_bytes, 20);
    tn_log_source_close(source);
    tn_overrides_finish(&overrides);
    tn_log_close(log);
    scene_end(&scene);
}

static void sizes_are_replaced_by_site_and_size(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_log *log = make_two_sites(&scene, "simulate_sizes");
    struct tn_log_source *source = open_source(log);
    struct tn_overrides overrides = {0};
    struct tn_error error = {0};
    struct tn_replay_event events[8];
    char text[] = "# a comment\n\ntake 16 8\nmake 4 # all\n";
    assert_int_equal(tn_overrides_read(&overrides, log, "sizes", text, &error), 0);
    tn_log_source_assume(source, &overrides);
    assert_int_equal(read_all(source, events, 8), 3);
    assert_int_equal(events[0].size_bytes, 10);
    assert_int_equal(events[1].size_bytes, 8);
    assert_int_equal(events[2].size_bytes, 4);
    assert_int_equal(overrides.overridden_allocations, 2);
    assert_int_equal(overrides.overridden_bytes, 36);
    tn_log_source_close(source);
    tn_overrides_finish(&overrides);
    tn_log_close(log);
    scene_end(&scene);
}

static void bad_sizes_name_their_line(void **state)
{
    (void)state;
    static const char *const bad[] = {"take 8\ntake\n", "take 8\ntake 1 2 3\n", "take 8\ntake x\n",
                                      "take 8\nnowhere 8\n"};
    struct scene scene;
    struct tn_log *log = make_two_sites(&scene, "simulate_bad_sizes");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tn_overrides overrides = {0};
        struct tn_error error = {0};
        char text[64];
        strcpy(text, bad[i]);
        assert_int_equal(tn_overrides_read(&overrides, log, "sizes", text, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "line 2"));
        tn_overrides_finish(&overrides);
    }
    tn_log_close(log);
    scene_end(&scene);
}

/* Ten blocks of 100 bytes live at once, then ten more. */
static void make_rounds(struct scene *scene, const char *name)
{
    scene_begin(scene, name);
    for (int round = 0; round < 2; round++) {
        uint64_t blocks[10];
        for (int i = 0; i < 10; i++)
            blocks[i] = scene_birth(scene, STACK_A, 100);
        for (int i = 0; i < 10; i++)
            scene_death(scene, blocks[i]);
    }
    scene_close(scene);
}

static void a_policy_runs_in_its_smallest_region(void **state)
{
    (void)state;
    struct scene scene;
    make_rounds(&scene, "simulate_policy");
    struct tn_log *log = fixture_open(scene.path);
    struct tn_log_source *log_source = open_source(log);
    struct tn_replay_source source = tn_log_source_events(log_source);
    static const char *const names[] = {"first-fit", "pools"};
    static const uint64_t smallest[] = {1000, 1280};
    for (size_t i = 0; i < 2; i++) {
        struct tn_simulated_policy policy = {.label = NULL};
        struct tn_error error = {0};
        tn_replay_options_init(&policy.options, tn_policy_find(names[i]));
        assert_int_equal(tn_simulate_policy(&source, &policy, &error), 0);
        assert_true(policy.has_result && policy.result.has_survived);
        assert_int_equal(policy.result.minimum.safe_bytes, smallest[i]);
        assert_int_equal(policy.result.heap_bytes, smallest[i]);
        assert_int_equal(policy.pools != NULL, i == 1);
        tn_simulated_policy_finish(&policy);
    }
    tn_log_source_close(log_source);
    tn_log_close(log);
    scene_end(&scene);
}

/* What a test sees of the progress. */
static void note_progress(void *user, uint64_t done, uint64_t total)
{
    uint64_t *seen = user;
    seen[0] = done;
    seen[1] = total;
}

static void findings_are_measured_where_a_replay_can_show_them(void **state)
{
    (void)state;
    struct scene scene;
    make_rounds(&scene, "simulate_measure");
    struct tn_log *log = fixture_open(scene.path);
    struct tn_findings findings = {0};
    struct tn_error error = {0};
    uint64_t seen[2] = {0}, left = 0;
    scene_analyze(&scene, NULL, &findings);
    const struct tn_finding *chosen[TN_MEASURE_FINDINGS_MAX];
    size_t count = tn_what_if_choose(&findings, 1, NULL, chosen, &left);
    assert_int_equal(count, 1);
    assert_int_equal(count + left, tn_what_if_choose(&findings, TN_MEASURE_FINDINGS_MAX, NULL, chosen, NULL));
    struct tn_what_if_model model = {.name = "first-fit"};
    struct tn_what_if_effort effort = {
        .finding_max = TN_MEASURE_FINDINGS_MAX, .progress = note_progress, .user = seen};
    tn_replay_options_init(&model.options, tn_policy_find("first-fit"));
    assert_int_equal(tn_measure_findings(log, &model, 1, &effort, &findings, &error), 0);
    assert_int_equal(model.need.heap_bytes, 1000);
    assert_true(seen[0] > 1 && seen[0] == seen[1]);
    size_t measured = 0;
    for (size_t i = 0; i < findings.count; i++)
        measured += findings.items[i].saving.heap_delta_count;
    assert_int_equal(measured, count + left);
    tn_findings_finish(&findings);
    tn_log_close(log);
    scene_end(&scene);
}

/* A finding that moves the blocks of a site out of the heap. */
static struct tn_finding make_removal(struct tn_finding_site *site, enum tn_confidence confidence)
{
    return (struct tn_finding){.kind = "stack-buffer",
                               .confidence = confidence,
                               .sites = site,
                               .site_count = 1,
                               .apply = TN_APPLY_REMOVE};
}

/* Blocks of site 1 that stay, and blocks of site 2 that come and go between them. */
static void make_mixture(struct scene *scene, const char *name)
{
    scene_begin(scene, name);
    for (uint64_t i = 0; i < 50; i++) {
        scene_birth(scene, STACK_A, 24 + 8 * (i % 5));
        uint64_t other = scene_birth(scene, STACK_B, 500);
        scene_death(scene, other);
    }
    scene_close(scene);
    name_sites(scene);
}

/* Calls are those of all events, whatever the model: a search that tries regions ends most of its replays at
 * a failure. */
static void calls_are_counted_to_the_end(void **state)
{
    (void)state;
    struct scene scene;
    make_mixture(&scene, "simulate_calls");
    struct tn_log *log = fixture_open(scene.path);
    struct tn_log_source *log_source = open_source(log);
    struct tn_replay_source source = tn_log_source_events(log_source);
    struct tn_finding_site sites[] = {{.site_id = 1}, {.site_id = 2}};
    struct tn_finding first = make_removal(&sites[0], TN_CONFIDENCE_CONSISTENT),
                      second = make_removal(&sites[1], TN_CONFIDENCE_CONDITIONAL);
    const struct tn_finding *findings[] = {&first, &second};
    static const char *const names[] = {"tlsf", "best-fit", "zephyr", "buddy", "first-fit"};
    for (size_t i = 0; i < 2 * sizeof(names) / sizeof(names[0]); i++) {
        const char *name = names[i / 2];
        struct tn_what_if_model models[2] = {{.name = "glibc"}, {.name = name}};
        struct tn_what_if what_if = {0};
        /* Whether the events are kept, or read anew. */
        struct tn_what_if_effort effort = {.finding_max = 2, .kept_events = i % 2 != 0 ? 10 : 0};
        struct tn_error error = {0};
        tn_replay_options_init(&models[0].options, tn_policy_find("glibc"));
        tn_replay_options_init(&models[1].options, tn_policy_find(name));
        for (size_t alone = 0; alone < 2; alone++) {
            assert_int_equal(
                tn_what_if_run(&source, models + alone, 2 - alone, findings, 2, &effort, &what_if, &error),
                0);
            assert_int_equal(what_if.count, 4);
            static const uint64_t calls[] = {50, 50, 100, 50};
            for (size_t c = 0; c < 4; c++)
                assert_int_equal(what_if.changes[c].allocations_removed, calls[c]);
            assert_true(what_if.changes[0].finding == &first && what_if.changes[1].finding == &second);
            assert_true(!what_if.changes[2].is_subtotal && what_if.changes[2].finding_count == 2);
            assert_true(what_if.changes[3].is_subtotal && what_if.changes[3].finding_count == 1);
            tn_what_if_finish(&what_if);
        }
    }
    tn_log_source_close(log_source);
    tn_log_close(log);
    scene_end(&scene);
}

/* Without the large blocks the heap needs 500 bytes less, whatever sizes the others have: that is clear. To
 * take out one block of many that is placed by chance is not. */
static void luck_is_told_from_effect(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, "simulate_luck");
    uint64_t live[40] = {0};
    uint32_t random = 12345;
    for (int i = 0; i < 4000; i++) {
        random = random * 1103515245 + 12345;
        size_t slot = (random >> 16) % 40;
        if (live[slot] != 0)
            scene_death(&scene, live[slot]);
        live[slot] = scene_birth(&scene, STACK_A, 16 + (random >> 8) % 400);
        if (i == 2000)
            scene_death(&scene, scene_birth(&scene, STACK_B, 40));
    }
    scene_close(&scene);
    name_sites(&scene);
    struct tn_log *log = fixture_open(scene.path);
    struct tn_log_source *log_source = open_source(log);
    struct tn_replay_source source = tn_log_source_events(log_source);
    struct tn_finding_site sites[] = {{.site_id = 1}, {.site_id = 2}};
    struct tn_finding all = make_removal(&sites[0], TN_CONFIDENCE_CONSISTENT),
                      one = make_removal(&sites[1], TN_CONFIDENCE_CONSISTENT);
    const struct tn_finding *findings[] = {&all, &one};
    struct tn_what_if_model models[] = {{.name = "first-fit"}, {.name = "tlsf"}, {.name = "glibc"}};
    for (size_t i = 0; i < 3; i++)
        tn_replay_options_init(&models[i].options, tn_policy_find(models[i].name));
    struct tn_what_if what_if = {0};
    struct tn_what_if_effort effort = {.finding_max = 2};
    struct tn_error error = {0};
    assert_int_equal(tn_what_if_run(&source, models, 3, findings, 2, &effort, &what_if, &error), 0);
    const struct tn_what_if_change *change = &what_if.changes[0];
    assert_true(change->is_measured && change->heap_median_bytes < 0);
    assert_true((uint64_t)-change->heap_median_bytes > change->heap_noise_bytes);
    change = &what_if.changes[1];
    int64_t median_bytes = change->heap_median_bytes;
    assert_true(change->is_measured);
    assert_true((uint64_t)(median_bytes < 0 ? -median_bytes : median_bytes) <= change->heap_noise_bytes);
    tn_what_if_finish(&what_if);
    tn_log_source_close(log_source);
    tn_log_close(log);
    scene_end(&scene);
}

/* A source of events in an array. */
struct array_source {
    const struct tn_replay_event *events;
    size_t count, next;
};

static int next_of_array(void *state, struct tn_replay_event *ret_event, struct tn_error *error)
{
    struct array_source *source = state;
    (void)error;
    if (source->next == source->count)
        return 0;
    *ret_event = source->events[source->next++];
    return 1;
}

static int rewind_array(void *state, struct tn_error *error)
{
    (void)error;
    ((struct array_source *)state)->next = 0;
    return 0;
}

/* Who holds the memory before each event: places used again, a resize keeps the site, a release of a block
 * that is not known changes nothing. */
static void test_live_before_an_event(void **state)
{
    (void)state;
    static const struct tn_replay_event events[] = {
        {.kind = TN_REPLAY_PLACE, .id = 1, .size_bytes = 100, .site_id = 7},
        {.kind = TN_REPLAY_PLACE, .id = 2, .size_bytes = 50, .site_id = 8},
        {.kind = TN_REPLAY_PLACE, .id = 3, .size_bytes = 60, .site_id = 8},
        {.kind = TN_REPLAY_RELEASE, .id = 2},
        {.kind = TN_REPLAY_PLACE, .id = 4, .size_bytes = 5, .site_id = 9},
        {.kind = TN_REPLAY_RESIZE, .id = 3, .size_bytes = 300},
        {.kind = TN_REPLAY_RELEASE, .id = 77},
        {.kind = TN_REPLAY_RELEASE, .id = 1},
    };
    static const struct {
        uint64_t event_number;
        size_t count;
        struct tn_site_live sites[3];
    } cases[] = {
        {1, 0, {{0, 0, 0}}},
        {2, 1, {{7, 1, 100}}},
        {4, 2, {{8, 2, 110}, {7, 1, 100}}},
        {5, 2, {{7, 1, 100}, {8, 1, 60}}},
        {8, 3, {{8, 1, 300}, {7, 1, 100}, {9, 1, 5}}},
        {9, 2, {{8, 1, 300}, {9, 1, 5}}},
        {1000, 2, {{8, 1, 300}, {9, 1, 5}}},
    };
    struct array_source array = {events, sizeof(events) / sizeof(events[0]), 0};
    struct tn_replay_source source = {&array, next_of_array, rewind_array};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tn_site_live *sites = NULL;
        size_t count = 0;
        struct tn_error error = {0};
        assert_int_equal(tn_simulate_live_before(&source, cases[i].event_number, &sites, &count, &error), 0);
        assert_int_equal(count, cases[i].count);
        for (size_t k = 0; k < count; k++) {
            assert_int_equal(sites[k].site_id, cases[i].sites[k].site_id);
            assert_int_equal(sites[k].live_count, cases[i].sites[k].live_count);
            assert_int_equal(sites[k].live_bytes, cases[i].sites[k].live_bytes);
        }
        free(sites);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live_before_an_event),
        cmocka_unit_test(a_realloc_is_one_event),
        cmocka_unit_test(a_process_that_is_not_there_is_an_error),
        cmocka_unit_test(what_the_library_keeps_is_left_out),
        cmocka_unit_test(sizes_are_replaced_by_site_and_size),
        cmocka_unit_test(bad_sizes_name_their_line),
        cmocka_unit_test(a_policy_runs_in_its_smallest_region),
        cmocka_unit_test(findings_are_measured_where_a_replay_can_show_them),
        cmocka_unit_test(calls_are_counted_to_the_end),
        cmocka_unit_test(luck_is_told_from_effect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
