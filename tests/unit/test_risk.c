/* SPDX-License-Identifier: MIT */
/* The risk card: the certificate against heaps that try to break it, the statistics against known values, and
 * refusals. */
#include "tenure/risk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../lib/replay/risk_levels.h"

#include <math.h>

#define LIVE_MAX 64

/* A small generator with a fixed seed: the same traces in every run. */
static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static void assess(const char *policy, const char *text, uint64_t heap_bytes, struct tn_risk_card *ret_card)
{
    struct tn_replay_script *script;
    struct tn_error error = {0};
    assert_int_equal(tn_replay_script_parse("test", text, strlen(text), &script, &error), 0);
    struct tn_replay_source source = tn_replay_script_source(script);
    struct tn_risk_options options;
    tn_risk_options_init(&options);
    options.policy = tn_policy_find(policy);
    options.heap.heap_bytes = heap_bytes;
    options.horizon_ns = 1000000;
    options.max_events = 400000;
    assert_int_equal(tn_risk_assess(&source, &options, ret_card, &error), 0);
    tn_replay_script_close(script);
}

/* Two blocks that stay, then epochs of three blocks of 10, 20 and 30 bytes. */
static char *steady_script(unsigned epochs)
{
    struct tn_buffer text = {0};
    tn_buffer_print(&text, "A s 100\nA t 50\n");
    for (unsigned i = 0; i < epochs; i++)
        tn_buffer_print(&text, "A a 10\nA b 20\nF a\nA c 30\nF b\nF c\n");
    return (char *)text.data;
}

static void a_steady_program_gets_all_three_levels(void **state)
{
    (void)state;
    char *text = steady_script(100);
    struct tn_risk_card card;
    assess("first-fit", text, 210, &card);
    free(text);
    assert_true(card.has_survived);
    assert_int_equal(card.bound_bytes, 200);
    assert_int_equal(card.bound_count, 4);
    assert_int_equal(card.bound_block_bytes, 100);
    assert_int_equal(card.certificate, TN_CERTIFICATE_GAPS);
    assert_int_equal(card.certified_bytes, 200 + 5 * 99);
    assert_false(card.is_certified);
    assert_int_equal(card.free_refusal, TN_REFUSAL_NO);
    /* 602 events a nanosecond apart, from 1 on; a mission of 1,000,000. */
    assert_int_equal(card.duration_ns, 601);
    assert_true(fabs(card.exceed_probability - 1000000.0 / 1000601) < 1e-9);
    assert_int_equal(card.missions_needed, 299);
    assert_int_equal(card.resample_refusal, TN_REFUSAL_NO);
    assert_int_equal(card.epoch_count, 98); /* the first is the start, the last one is cut off */
    assert_int_equal(card.failures, 0);
    assert_int_equal(card.need_max_bytes, card.need_median_bytes);
}

/* Place and release at random, and see each policy survive in what its certificate says. Sizes are drawn so
 * that small blocks pin large gaps: most small, some of the largest. */
static char *random_script(uint64_t seed)
{
    struct tn_buffer text = {0};
    unsigned live[LIVE_MAX], count = 0, next = 0;
    for (unsigned i = 0; i < 600; i++) {
        bool places = count == 0 || (count < LIVE_MAX && next_random(&seed) % 100 < 55);
        if (places) {
            uint64_t size = next_random(&seed) % 4 != 0 ? 1 + next_random(&seed) % 40 : 200;
            live[count++] = next;
            tn_buffer_print(&text, "A x%u %u\n", next++, (unsigned)size);
            continue;
        }
        unsigned which = (unsigned)(next_random(&seed) % count);
        tn_buffer_print(&text, "F x%u\n", live[which]);
        live[which] = live[--count];
    }
    return (char *)text.data;
}

static void no_random_program_breaks_a_certificate(void **state)
{
    (void)state;
    static const char *const policies[] = {"first-fit", "best-fit",       "next-fit",
                                           "worst-fit", "freertos-heap4", "buddy"};
    unsigned certified = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        char *text = random_script(seed);
        for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
            struct tn_risk_card bound, card;
            assess(policies[i], text, TN_HEAP_UNLIMITED - 1, &bound);
            assert_int_not_equal(bound.certificate, TN_CERTIFICATE_NONE);
            assert_true(bound.certified_bytes > bound.bound_bytes);
            assess(policies[i], text, bound.certified_bytes, &card);
            assert_true(card.has_survived);
            certified += card.is_certified;
        }
        free(text);
    }
    assert_int_equal(certified, 20 * 6);
}

static void policies_without_a_bound_say_so(void **state)
{
    (void)state;
    char *text = steady_script(30);
    struct tn_risk_card card;
    assess("tlsf", text, 4096, &card);
    assert_int_equal(card.certificate, TN_CERTIFICATE_NONE);
    assert_false(card.is_certified);
    free(text);
    assess("first-fit", "A a 10 64\nF a\nA b 10\n", 4096, &card);
    assert_int_equal(card.certificate, TN_CERTIFICATE_NONE);
}

/* P, Q, R in this order need 1,110 bytes; Q before P leaves both blocks that stay so that R's 1,000 bytes fit
 * nowhere below: 2,010. */
static void the_order_of_epochs_matters(void **state)
{
    (void)state;
    struct tn_buffer text = {0};
    struct tn_risk_card card;
    for (unsigned i = 0; i < 60; i++)
        tn_buffer_print(&text, "A v 1000\nF v\n");
    tn_buffer_print(&text, "A t 100\nA p 10\nF t\nA u 1000\nA q 10\nF u\n");
    for (unsigned i = 0; i < 60; i++)
        tn_buffer_print(&text, "A v 1000\nF v\n");
    tn_buffer_print(&text, "A w 1\n");
    assess("first-fit", (const char *)text.data, 1110, &card);
    tn_buffer_finish(&text);
    assert_true(card.has_survived);
    assert_int_equal(card.resample_refusal, TN_REFUSAL_NO);
    assert_int_equal(card.need_max_bytes, 2010);
    assert_in_range(card.failures, card.replicas / 4, card.replicas * 3 / 4);
    assert_true(card.survival_low < card.survival && card.survival < card.survival_high);
}

static void what_grows_is_refused(void **state)
{
    (void)state;
    struct tn_buffer text = {0};
    struct tn_risk_card card;
    for (unsigned i = 0; i < 200; i++)
        tn_buffer_print(&text, "A leak%u 10\nA a 50\nF a\n", i);
    assess("first-fit", (const char *)text.data, 4096, &card);
    assert_int_equal(card.free_refusal, TN_REFUSAL_GROWTH);
    assert_int_equal(card.resample_refusal, TN_REFUSAL_GROWTH);
    tn_buffer_finish(&text);
    for (unsigned i = 0; i < 200; i++)
        tn_buffer_print(&text, "A a %u\nA b 10\nF a\nF b\n", 100 + i);
    assess("first-fit", (const char *)text.data, 4096, &card);
    assert_int_equal(card.free_refusal, TN_REFUSAL_TREND);
    assert_true(card.trend_z > 5 && card.trend_share > 0.5);
    tn_buffer_finish(&text);
}

static void too_little_is_refused(void **state)
{
    (void)state;
    struct tn_risk_card card;
    assess("first-fit", "A a 10\nF a\nA a 10\nF a\n", 4096, &card);
    assert_int_equal(card.free_refusal, TN_REFUSAL_TOO_FEW);
    assert_int_equal(card.resample_refusal, TN_REFUSAL_TOO_FEW);
    assess("first-fit", "A a 10\n", 4096, &card);
    assert_int_equal(card.resample_refusal, TN_REFUSAL_TOO_FEW);
    char *text = steady_script(100);
    assess("first-fit", text, 160, &card);
    free(text);
    assert_false(card.has_survived);
    assert_int_equal(card.free_refusal, TN_REFUSAL_DOES_NOT_FIT);
    assert_int_equal(card.resample_refusal, TN_REFUSAL_DOES_NOT_FIT);
}

/* Values of R's binom.test. */
static void intervals_are_clopper_and_pearsons(void **state)
{
    (void)state;
    static const struct {
        uint64_t successes, trials;
        double low, high;
    } cases[] = {{200, 200, 0.981725, 1},
                 {0, 10, 0, 0.308497},
                 {5, 10, 0.187086, 0.812914},
                 {9, 10, 0.554984, 0.997471}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double low, high;
        tn_risk_interval(cases[i].successes, cases[i].trials, &low, &high);
        assert_true(fabs(low - cases[i].low) < 1e-5);
        assert_true(fabs(high - cases[i].high) < 1e-5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_program_gets_all_three_levels),
        cmocka_unit_test(no_random_program_breaks_a_certificate),
        cmocka_unit_test(policies_without_a_bound_say_so),
        cmocka_unit_test(the_order_of_epochs_matters),
        cmocka_unit_test(what_grows_is_refused),
        cmocka_unit_test(too_little_is_refused),
        cmocka_unit_test(intervals_are_clopper_and_pearsons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
