/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyze_fixture.h"

#include "tenure/finish.h"
#include "tenure/kinds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SITE_A 2
#define SITE_B 3
#define SITE_C 4

static const struct tn_analyze_options pools_only = {.only = "pool"};

/* Waves of blocks: `kept` of each wave live until the next one has come. */
static void make_waves(struct scene *scene, uint64_t site, uint64_t size_bytes, int waves, int count,
                       int kept)
{
    uint64_t blocks[64], old[64];
    for (int wave = 0; wave < waves; wave++) {
        for (int i = 0; i < count; i++)
            blocks[i] = scene_birth(scene, site, size_bytes);
        for (int i = 0; i < kept && wave > 0; i++)
            scene_death(scene, old[i]);
        for (int i = kept; i < count; i++)
            scene_death(scene, blocks[i]);
        memcpy(old, blocks, (size_t)kept * sizeof(old[0]));
    }
}

/* The finding about the whole program. */
static const struct tn_finding *find_general(const struct tn_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].site_count == 0)
            return &findings->items[i];
    return NULL;
}

static void a_site_of_one_size_gets_a_pool(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    scene_begin(&scene, "purpose");
    make_waves(&scene, SITE_A, 50, 6, 20, 7);
    scene_close(&scene);
    scene_analyze(&scene, &pools_only, &findings);
    const struct tn_finding *finding = scene_find(&findings, "pool", SITE_A);
    assert_non_null(finding);
    assert_int_equal(scene_number(finding, "$.block_bytes"), 56);
    assert_int_equal(scene_number(finding, "$.block_count"), 27);
    assert_int_equal(scene_number(finding, "$.alignment_bytes"), 8);
    assert_int_equal(scene_number(finding, "$.waste_bytes"), 27 * 6);
    assert_int_equal(scene_number(finding, "$.allocations"), 120);
    assert_int_equal(finding->confidence, TN_CONFIDENCE_CONSISTENT);
    assert_int_equal(finding->saving.allocations_removed, 120);
    /* glibc gives 56 for 50, and keeps 8 beside it; all 27 live when most bytes do. */
    assert_int_equal(finding->saving.bytes_removed, 27 * (56 + 8 - 50));
    assert_int_equal(finding->saving.peak_bytes_delta, 27 * 56 - 27 * (56 + 8));
    assert_int_equal(finding->apply, TN_APPLY_POOL);
    assert_int_equal(finding->apply_bytes, 56);
    assert_int_equal(finding->apply_count, 27);
    assert_non_null(strstr(finding->code, "K_MEM_SLAB_DEFINE("));
    assert_string_equal(finding->code + strlen(finding->code) - 2, "}\n");
    tn_findings_finish(&findings);
    scene_end(&scene);
}

static void blocks_that_are_used_once_need_no_pool(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    scene_begin(&scene, "once");
    make_waves(&scene, SITE_A, 50, 1, 40, 0);
    scene_close(&scene);
    scene_analyze(&scene, &pools_only, &findings);
    const struct tn_finding *finding = scene_find(&findings, "pool", SITE_A);
    assert_non_null(finding);
    assert_int_equal(finding->confidence, TN_CONFIDENCE_WEAK);
    tn_findings_finish(&findings);
    scene_end(&scene);
}

static void several_sizes_singles_and_resized_blocks_get_none(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    scene_begin(&scene, "none");
    make_waves(&scene, SITE_A, 50, 4, 20, 5);
    make_waves(&scene, SITE_A, 51, 1, 1, 0);
    make_waves(&scene, SITE_B, 64, 50, 1, 0);
    for (int i = 0; i < 50; i++) {
        uint64_t id = scene_birth(&scene, SITE_C, 32);
        id = scene_realloc(&scene, id, 32);
        scene_birth(&scene, SITE_C, 32);
        scene_death(&scene, id);
    }
    scene_close(&scene);
    scene_analyze(&scene, &pools_only, &findings);
    assert_null(scene_find(&findings, "pool", SITE_A));
    assert_null(scene_find(&findings, "pool", SITE_B));
    assert_null(scene_find(&findings, "pool", SITE_C));
    tn_findings_finish(&findings);
    scene_end(&scene);
}

/* Sites that have nothing in common but a size keep pools of their own, each with its own peak. */
static void equal_sizes_alone_are_no_group(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    scene_begin(&scene, "equal");
    make_waves(&scene, SITE_A, 64, 4, 20, 0);
    make_waves(&scene, SITE_B, 64, 4, 30, 0);
    scene_close(&scene);
    scene_analyze(&scene, &pools_only, &findings);
    const struct tn_finding *a = scene_find(&findings, "pool", SITE_A);
    const struct tn_finding *b = scene_find(&findings, "pool", SITE_B);
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal(scene_number(a, "$.block_count"), 20);
    assert_int_equal(scene_number(b, "$.block_count"), 30);
    assert_non_null(strstr(a->notes, "1 other line asks for this size only"));
    tn_findings_finish(&findings);
    scene_end(&scene);
}

/* Two sites whose blocks one place releases share a pool; its count is the peak of both together. */
static void one_release_makes_a_group(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    uint64_t a[40], b[40];
    scene_begin(&scene, "group");
    for (int wave = 0; wave < 3; wave++) {
        for (int i = 0; i < 30; i++) {
            a[i] = scene_birth(&scene, SITE_A, 24);
            scene.stacks[a[i]] = SITE_C;
        }
        for (int i = 10; i < 30; i++)
            scene_death(&scene, a[i]);
        for (int i = 0; i < 15; i++) {
            b[i] = scene_birth(&scene, SITE_B, 24);
            scene.stacks[b[i]] = SITE_C;
        }
        for (int i = 0; i < 10; i++)
            scene_death(&scene, a[i]);
        for (int i = 0; i < 15; i++)
            scene_death(&scene, b[i]);
    }
    scene_close(&scene);
    /* Only a finished log knows the sites of releases. */
    struct tn_finish_options finish = {.rows_max = TN_ROWS_ALL};
    struct tn_error error = {0};
    assert_int_equal(tn_finish(scene.path, &finish, &error), 0);
    scene_analyze(&scene, &pools_only, &findings);
    const struct tn_finding *finding = scene_find(&findings, "pool", SITE_A);
    assert_non_null(finding);
    assert_int_equal(finding->site_count, 2);
    assert_int_equal(scene_number(finding, "$.block_count"), 30);
    assert_int_equal(scene_number(finding, "$.allocations"), 3 * 45);
    assert_null(scene_find(&findings, "pool", SITE_B));
    tn_findings_finish(&findings);
    scene_end(&scene);
}

/* A site that asks for another size at last was in the group until then: the group's peak is not that of the
 * sites that remain, and must not be given for theirs. */
static void a_site_that_leaves_leaves_no_peak(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    uint64_t a[40], b[40], c[40];
    scene_begin(&scene, "leaves");
    for (int i = 0; i < 30; i++) {
        a[i] = scene_birth(&scene, SITE_A, 24);
        b[i] = scene_birth(&scene, SITE_B, 24);
        c[i] = scene_birth(&scene, SITE_C, 24);
        scene.stacks[a[i]] = scene.stacks[b[i]] = scene.stacks[c[i]] = 5;
    }
    scene_birth(&scene, SITE_C, 25);
    for (int i = 0; i < 30; i++) {
        scene_death(&scene, a[i]);
        scene_death(&scene, b[i]);
        scene_death(&scene, c[i]);
    }
    scene_close(&scene);
    scene_analyze(&scene, &pools_only, &findings);
    const struct tn_finding *finding = scene_find(&findings, "pool", SITE_A);
    assert_non_null(finding);
    assert_int_equal(finding->site_count, 1);
    assert_int_equal(scene_number(finding, "$.block_count"), 30);
    assert_null(scene_find(&findings, "pool", SITE_C));
    tn_findings_finish(&findings);
    scene_end(&scene);
}

static double price(const struct tn_finding *finding, const char *scheme, int pools)
{
    char path[48];
    for (int i = 0; i < 32; i++) {
        snprintf(path, sizeof(path), "$.pricing[%d].scheme", i);
        char *text = scene_text(finding, path);
        bool is_it = text != NULL && strcmp(text, scheme) == 0;
        free(text);
        snprintf(path, sizeof(path), "$.pricing[%d].pools", i);
        if (!is_it || (pools != 0 && (int)scene_number(finding, path) != pools))
            continue;
        snprintf(path, sizeof(path), "$.pricing[%d].bytes", i);
        return scene_number(finding, path);
    }
    return -1;
}

static void the_whole_program_gets_the_best_set(void **state)
{
    (void)state;
    struct scene scene;
    struct tn_findings findings;
    struct tn_analyze_options options = {.only = "pool", .pool_sizes = "2K,100"};
    scene_begin(&scene, "general");
    make_waves(&scene, SITE_A, 92, 4, 60, 0);
    make_waves(&scene, SITE_B, 112, 4, 50, 0);
    make_waves(&scene, SITE_C, 2000, 4, 2, 0);
    make_waves(&scene, SITE_C, 100000, 1, 1, 0);
    scene_close(&scene);
    scene_analyze(&scene, &options, &findings);
    const struct tn_finding *finding = find_general(&findings);
    assert_non_null(finding);
    assert_int_equal(scene_number(finding, "$.pool_count"), 2);
    assert_int_equal(scene_number(finding, "$.pools[0].block_bytes"), 112);
    assert_int_equal(scene_number(finding, "$.pools[0].block_count"), 60);
    assert_int_equal(scene_number(finding, "$.pools[0].allocations"), 440);
    assert_int_equal(scene_number(finding, "$.pools[1].from_bytes"), 113);
    assert_int_equal(scene_number(finding, "$.pools[1].block_count"), 2);
    assert_int_equal(scene_number(finding, "$.block_count"), 62);
    assert_int_equal(scene_number(finding, "$.pool_bytes"), 112 * 60 + 2000 * 2);
    assert_int_equal(scene_number(finding, "$.waste_bytes"), 112 * 60 + 2000 * 2 - 112 * 50);
    assert_int_equal(scene_number(finding, "$.covered_allocations"), 448);
    assert_int_equal(scene_number(finding, "$.excluded_allocations"), 1);
    assert_int_equal(price(finding, "best", 1), 2000 * 60 + 32);
    assert_int_equal(price(finding, "best", 2), 112 * 60 + 2000 * 2 + 2 * 32);
    assert_int_equal(price(finding, "best", 3), 96 * 60 + 112 * 50 + 2000 * 2 + 3 * 32);
    assert_int_equal(price(finding, "power-of-two", 0), 128 * 60 + 2048 * 2 + 2 * 32);
    assert_int_equal(price(finding, "given", 0), 104 * 60 + 2048 * 50 + 2 * 32);
    assert_int_equal(price(finding, "heap-without-holes", 0), 60 * (104 + 8));
    assert_int_equal(findings.items[findings.count - 1].site_count, 0);
    tn_findings_finish(&findings);
    scene_end(&scene);
}

static void bad_sizes_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "12,x", "0", "32,,64", "-5", "99999999999"};
    struct scene scene;
    scene_begin(&scene, "bad");
    make_waves(&scene, SITE_A, 92, 1, 2, 0);
    scene_close(&scene);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tn_analyze_options options = {.only = "pool", .pool_sizes = bad[i]};
        struct tn_findings findings = {0};
        struct tn_log *log = NULL;
        struct tn_error error = {0};
        assert_int_equal(tn_log_open(scene.path, &log, &error), 0);
        assert_int_equal(tn_analyze(log, tn_kinds, &options, &findings, &error), -EINVAL);
        assert_non_null(strstr(error.text, "is no block size"));
        assert_null(findings.items);
        tn_log_close(log);
    }
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_of_one_size_gets_a_pool),
        cmocka_unit_test(blocks_that_are_used_once_need_no_pool),
        cmocka_unit_test(several_sizes_singles_and_resized_blocks_get_none),
        cmocka_unit_test(equal_sizes_alone_are_no_group),
        cmocka_unit_test(one_release_makes_a_group),
        cmocka_unit_test(a_site_that_leaves_leaves_no_peak),
        cmocka_unit_test(the_whole_program_gets_the_best_set),
        cmocka_unit_test(bad_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
