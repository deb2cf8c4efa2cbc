/* SPDX-License-Identifier: MIT */
/* Call sites of a program whose functions end in jumps, as the compiler describes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/symbol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From the command line; see symbol/jumps.c. */
static const char *optimised[2], *unoptimised;

/* The place that the program gives this name. */
static uint64_t place_of(const char *program, const char *name)
{
    FILE *output = popen(program, "r");
    char line[256];
    uint64_t offset_bytes = 0;
    while (fgets(line, sizeof(line), output) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(strchr(line, '|') + 1, name) == 0)
            offset_bytes = strtoull(line, NULL, 16);
    }
    assert_int_equal(pclose(output), 0);
    assert_true(offset_bytes != 0);
    return offset_bytes;
}

static struct tn_symbol_file *open_file(const char *path)
{
    struct tn_symbol_file *file = NULL;
    struct tn_error error = {0};
    if (tn_symbol_open(path, -1, "", &file, &error) < 0)
        fail_msg("%s", error.text);
    return file;
}

static uint64_t function_of(struct tn_symbol_file *file, const char *symbol)
{
    uint64_t function;
    assert_int_equal(tn_symbol_function_named(file, symbol, &function), 0);
    assert_true(function != 0);
    return function;
}

/* The jumps of a function lead to these, in any order, and no other; "" is one of which nothing is known. */
static void expect_jumps(struct tn_symbol_file *file, const char *symbol, const char *one, const char *other)
{
    const struct tn_symbol_jump *jumps;
    size_t count, wanted = (one != NULL) + (other != NULL), found_one = 0, found_other = 0;
    bool is_complete;
    assert_int_equal(tn_symbol_jumps(file, function_of(file, symbol), &jumps, &count, &is_complete), 0);
    assert_true(is_complete);
    assert_int_equal(count, wanted);
    for (size_t i = 0; i < count; i++) {
        uint64_t function = jumps[i].target.function;
        bool is_nothing = function == 0 && jumps[i].target.symbol == NULL;
        found_one += one[0] == '\0' ? is_nothing : function == function_of(file, one);
        found_other += other != NULL && function == function_of(file, other);
    }
    assert_int_equal(found_one, one != NULL);
    assert_int_equal(found_other, other != NULL);
}

static void jumps_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tn_symbol_file *file = open_file(optimised[i]);
        expect_jumps(file, "one_way", "inner", NULL);
        expect_jumps(file, "inner", "leaf", NULL);
        expect_jumps(file, "either", "inner", "other");
        expect_jumps(file, "around", "leaf", "back");
        expect_jumps(file, "make", "pvalloc", NULL);
        expect_jumps(file, "from_pointer", "", NULL);
        expect_jumps(file, "plain", NULL, NULL);
        tn_symbol_close(file);
    }
}

static void a_jump_into_another_module_has_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tn_symbol_file *file = open_file(optimised[i]);
        const struct tn_symbol_jump *jumps;
        size_t count;
        bool is_complete;
        assert_int_equal(tn_symbol_jumps(file, function_of(file, "outside"), &jumps, &count, &is_complete),
                         0);
        assert_int_equal(count, 1);
        assert_int_equal(jumps[0].target.function, 0);
        assert_string_equal(jumps[0].target.symbol, "puts");
        tn_symbol_close(file);
    }
}

/* A jump's place is inside the function that jumps, on the line of the call in its source. */
static void a_jump_has_a_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tn_symbol_file *file = open_file(optimised[i]);
        const struct tn_symbol_jump *jumps;
        const struct tn_symbol_frame *frames;
        size_t count;
        unsigned frame_count;
        bool is_complete;
        uint64_t function = function_of(file, "one_way"), around;
        assert_int_equal(tn_symbol_jumps(file, function, &jumps, &count, &is_complete), 0);
        uint64_t offset_bytes = jumps[0].offset_bytes;
        assert_int_equal(tn_symbol_function_at(file, offset_bytes, &around), 0);
        assert_int_equal(around, function);
        assert_int_equal(tn_symbol_look_up(file, offset_bytes, &frames, &frame_count), 0);
        assert_string_equal(frames[frame_count - 1].function, "one_way");
        assert_true(frames[frame_count - 1].line != 0);
        tn_symbol_close(file);
    }
}

static void calls_lead_to_functions(void **state)
{
    (void)state;
    static const char *const names[] = {"one_way", "either", "around", "make", "from_pointer"};
    for (size_t i = 0; i < 2; i++) {
        struct tn_symbol_file *file = open_file(optimised[i]);
        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
            struct tn_symbol_target target;
            uint64_t place = place_of(optimised[i], names[k]);
            assert_int_equal(tn_symbol_call_target(file, place, &target), 0);
            assert_int_equal(target.function, function_of(file, names[k]));
            assert_int_equal(tn_symbol_call_target(file, place + 1, &target), 0);
            assert_int_equal(target.function, 0);
            assert_null(target.symbol);
        }
        assert_int_equal(tn_symbol_is_named(file, place_of(optimised[i], "leaf"), "leaf"), 1);
        assert_int_equal(tn_symbol_is_named(file, place_of(optimised[i], "leaf"), "plain"), 0);
        assert_int_equal(tn_symbol_is_named(file, place_of(optimised[i], "leaf"), "no_such_name"), 0);
        tn_symbol_close(file);
    }
}

static void expect_result(struct tn_symbol_file *file, const char *symbol, enum tn_symbol_result expected)
{
    const struct tn_symbol_jump *jumps;
    size_t count;
    bool is_complete;
    enum tn_symbol_result result;
    assert_int_equal(tn_symbol_jumps(file, function_of(file, symbol), &jumps, &count, &is_complete), 0);
    assert_int_equal(count, 1);
    assert_int_equal(tn_symbol_result_at(file, jumps[0].offset_bytes, &result), 0);
    assert_int_equal(result, expected);
}

static void functions_return_something_or_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tn_symbol_file *file = open_file(optimised[i]);
        enum tn_symbol_result result;
        expect_result(file, "make", TN_SYMBOL_RESULT_WORD);
        expect_result(file, "long_size", TN_SYMBOL_RESULT_WORD);
        expect_result(file, "make_both", TN_SYMBOL_RESULT_OBJECT);
        expect_result(file, "one_way", TN_SYMBOL_RESULT_NOTHING);
        expect_result(file, "quiet", TN_SYMBOL_RESULT_NOTHING);
        assert_int_equal(tn_symbol_result_at(file, 1, &result), 0);
        assert_int_equal(result, TN_SYMBOL_RESULT_UNKNOWN);
        tn_symbol_close(file);
    }
}

/* Without optimisation compilers describe no calls: nothing is known, and nothing is claimed. */
static void nothing_is_known_without_call_sites(void **state)
{
    (void)state;
    struct tn_symbol_file *file = open_file(unoptimised);
    const struct tn_symbol_jump *jumps;
    struct tn_symbol_target target;
    size_t count;
    bool is_complete;
    assert_int_equal(tn_symbol_jumps(file, function_of(file, "either"), &jumps, &count, &is_complete), 0);
    assert_int_equal(count, 0);
    assert_int_equal(tn_symbol_call_target(file, place_of(unoptimised, "plain"), &target), 0);
    assert_int_equal(target.function, 0);
    assert_null(target.symbol);
    tn_symbol_close(file);
}

int main(int argc, char **argv)
{
    assert_int_equal(argc, 4);
    optimised[0] = argv[1];
    optimised[1] = argv[2];
    unoptimised = argv[3];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jumps_are_told),
        cmocka_unit_test(a_jump_into_another_module_has_its_name),
        cmocka_unit_test(a_jump_has_a_place),
        cmocka_unit_test(calls_lead_to_functions),
        cmocka_unit_test(functions_return_something_or_nothing),
        cmocka_unit_test(nothing_is_known_without_call_sites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
