/* SPDX-License-Identifier: MIT */

/* Evidence as words: by the phrases of its kind, with units, in singular and plural. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "words.h"

#include <string.h>

/* What a kind with one key says of a value, which is released. */
static void assert_words(const struct tn_evidence_key *key, struct tn_evidence_set *evidence,
                         const char *expected)
{
    const struct tn_evidence_key keys[] = {*key, {.key = NULL}};
    struct tn_words words = {0};
    assert_int_equal(tn_evidence_error(evidence), 0);
    assert_string_equal(tn_words_evidence(&words, keys, evidence, false), expected);
    tn_words_finish(&words);
    tn_evidence_finish(evidence);
}

static void values_bear_their_unit(void **state)
{
    (void)state;
    static const struct {
        enum tn_unit unit;
        uint64_t value;
        const char *expected;
    } cases[] = {
        {TN_UNIT_COUNT, 90000, "90,000"},     {TN_UNIT_BYTES, 80, "80 B"},   {TN_UNIT_BYTES, 8432, "8,432 B"},
        {TN_UNIT_BYTES, 3145728, "3.00 MiB"}, {TN_UNIT_NS, 1500, "1.50 us"}, {TN_UNIT_NONE, 7, "7"},
    };
    const struct tn_evidence_key key = {.key = "k", .before = "", .after = ""};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tn_evidence_set evidence = {0};
        tn_evidence_add_number(&evidence, "k", cases[i].unit, cases[i].value);
        assert_words(&key, &evidence, cases[i].expected);
    }
}

/* As in the JSON report, which has so many digits. */
static void fractions_are_rounded_to_their_digits(void **state)
{
    (void)state;
    static const struct {
        enum tn_unit unit;
        double value;
        unsigned digits;
        const char *expected;
    } cases[] = {
        {TN_UNIT_COUNT, 7.3674, 3, "7.37"},      {TN_UNIT_COUNT, 4230.4, 6, "4,230"},
        {TN_UNIT_COUNT, 6308.4, 3, "6,310"},     {TN_UNIT_RATIO, 0.25, 6, "0.25"},
        {TN_UNIT_BYTES, 12345.6, 6, "12,346 B"}, {TN_UNIT_BYTES, 12.5, 6, "12.5 B"},
        {TN_UNIT_RATIO, 1e-7, 6, "1e-07"},
    };
    const struct tn_evidence_key key = {.key = "k", .before = "", .after = ""};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tn_evidence_set evidence = {0};
        tn_evidence_add_real(&evidence, "k", cases[i].unit, cases[i].value, cases[i].digits);
        assert_words(&key, &evidence, cases[i].expected);
    }
}

static void other_values_have_words(void **state)
{
    (void)state;
    const struct tn_evidence_key key = {.key = "k", .before = "it is ", .after = ""};
    struct tn_evidence_set evidence = {0};
    tn_evidence_add_bool(&evidence, "k", true);
    assert_words(&key, &evidence, "it is yes");
    tn_evidence_add_bool(&evidence, "k", false);
    assert_words(&key, &evidence, "it is no");
    tn_evidence_add_text(&evidence, "k", NULL);
    assert_words(&key, &evidence, "it is unknown");
    tn_evidence_add_text(&evidence, "k", "a \"b\"");
    assert_words(&key, &evidence, "it is a \"b\"");
    tn_evidence_add_signed(&evidence, "k", TN_UNIT_BYTES, -2048);
    assert_words(&key, &evidence, "it is -2,048 B");
    tn_evidence_add_signed(&evidence, "k", TN_UNIT_BYTES, 2048);
    assert_words(&key, &evidence, "it is 2,048 B");
    struct tn_evidence_set *list = tn_evidence_add_list(&evidence, "k");
    tn_evidence_add_count(list, NULL, 5);
    tn_evidence_add_count(list, NULL, 6);
    assert_words(&key, &evidence, "it is 2");
}

static void source_positions_have_what_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *function, *file;
        const char *expected;
    } cases[] = {
        {"main", "/src/app.c", "before the return of main (app.c:12)"},
        {"main", "app.c", "before the return of main (app.c:12)"},
        {"main", "", "before the return of main"},
        {"", "/src/app.c", "before the return of (app.c:12)"},
    };
    const struct tn_evidence_key key = {.key = "owner", .before = "before the return of ", .after = ""};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tn_evidence_set evidence = {0};
        struct tn_evidence_set *owner = tn_evidence_add_object(&evidence, "owner");
        tn_evidence_add_text(owner, "function", cases[i].function);
        tn_evidence_add_text(owner, "file", cases[i].file);
        tn_evidence_add_number(owner, "line", TN_UNIT_NONE, 12);
        assert_words(&key, &evidence, cases[i].expected);
    }
}

/* The phrases of the kinds' entries. */
static void one_is_singular(void **state)
{
    (void)state;
    static const struct {
        const char *after, *one, *two;
    } cases[] = {
        {" blocks seen", "1 block seen", "2 blocks seen"},
        {" exceptions", "1 exception", "2 exceptions"},
        {" at once", "1 at once", "2 at once"},
        {" allocations", "1 allocation", "2 allocations"},
        {" blocks live at once", "1 block live at once", "2 blocks live at once"},
        {" blocks", "1 block", "2 blocks"},
        {" buffers grown", "1 buffer grown", "2 buffers grown"},
        {" different sizes", "1 different sizes", "2 different sizes"},
        {" groups seen", "1 group seen", "2 groups seen"},
        {" in the last", "1 in the last", "2 in the last"},
        {" live at the end", "1 live at the end", "2 live at the end"},
        {" of exactly the largest", "1 of exactly the largest", "2 of exactly the largest"},
        {" pools", "1 pool", "2 pools"},
        {" sizes seen", "1 size seen", "2 sizes seen"},
        {" calls below it", "1 call below it", "2 calls below it"},
        {" in the first part of the run", "1 in the first part of the run", "2 in the first part of the run"},
        {" calls at once", "1 call at once", "2 calls at once"},
        {" groups at once", "1 group at once", "2 groups at once"},
        {" steps", "1 step", "2 steps"},
        {" lines", "1 line", "2 lines"},
        {" in use", "1 in use", "2 in use"},
        {" times", "1 time", "2 times"},
        {" threads", "1 thread", "2 threads"},
        {"", "1", "2"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct tn_evidence_key key = {.key = "k", .before = "", .after = cases[i].after};
        struct tn_evidence_set evidence = {0};
        tn_evidence_add_count(&evidence, "k", 1);
        assert_words(&key, &evidence, cases[i].one);
        tn_evidence_add_count(&evidence, "k", 2);
        assert_words(&key, &evidence, cases[i].two);
    }
}

static void what_goes_without_saying_is_left_out(void **state)
{
    (void)state;
    static const struct tn_evidence_key keys[] = {
        {.key = "min_bytes", .before = "at least ", .after = "", .unlike = "max_bytes"},
        {.key = "max_bytes", .before = "at most ", .after = ""},
        {.key = "copied_bytes", .before = "", .after = " copied", .is_silent_at_zero = true},
        {.key = "exceptions", .before = "", .after = " exceptions"},
        {.key = "for_programs"},
        {.key = "not_there", .before = "", .after = ""},
        {.key = NULL},
    };
    struct tn_evidence_set evidence = {0};
    tn_evidence_add_count(&evidence, "exceptions", 0);
    tn_evidence_add_bytes(&evidence, "copied_bytes", 0);
    tn_evidence_add_bytes(&evidence, "min_bytes", 16);
    tn_evidence_add_bytes(&evidence, "max_bytes", 16);
    tn_evidence_add_count(&evidence, "for_programs", 3);
    struct tn_words words = {0};
    assert_string_equal(tn_words_evidence(&words, keys, &evidence, false), "at most 16 B, 0 exceptions");
    tn_evidence_finish(&evidence);
    tn_evidence_add_bytes(&evidence, "min_bytes", 15);
    tn_evidence_add_bytes(&evidence, "max_bytes", 16);
    tn_evidence_add_bytes(&evidence, "copied_bytes", 1);
    assert_string_equal(tn_words_evidence(&words, keys, &evidence, false),
                        "at least 15 B, at most 16 B, 1 B copied");
    tn_evidence_finish(&evidence);
    assert_string_equal(tn_words_evidence(&words, keys, &evidence, false), "");
    tn_words_finish(&words);
}

/* What the title tells is not told again where space is short. */
static void details_are_left_out_where_space_is_short(void **state)
{
    (void)state;
    static const struct tn_evidence_key keys[] = {
        {.key = "blocks", .before = "", .after = " blocks", .is_detail = true},
        {.key = "groups", .before = "", .after = " groups"},
        {.key = NULL},
    };
    struct tn_evidence_set evidence = {0};
    struct tn_words words = {0};
    tn_evidence_add_count(&evidence, "blocks", 2);
    tn_evidence_add_count(&evidence, "groups", 1);
    assert_string_equal(tn_words_evidence(&words, keys, &evidence, false), "2 blocks, 1 group");
    assert_string_equal(tn_words_evidence(&words, keys, &evidence, true), "1 group");
    tn_evidence_finish(&evidence);
    tn_words_finish(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(details_are_left_out_where_space_is_short),
        cmocka_unit_test(values_bear_their_unit),
        cmocka_unit_test(fractions_are_rounded_to_their_digits),
        cmocka_unit_test(other_values_have_words),
        cmocka_unit_test(source_positions_have_what_is_known),
        cmocka_unit_test(one_is_singular),
        cmocka_unit_test(what_goes_without_saying_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
