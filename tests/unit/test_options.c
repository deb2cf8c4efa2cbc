/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct tn_option options[] = {
    {'o', "output", "FILE", "where it goes", "TEST_OUTPUT"},
    {0, "top", "N", "how many\nof them", NULL},
    {'q', "quiet", NULL, "say less", "TEST_QUIET"},
    {0, "only", "yes|no", "this alone", NULL},
};

static const struct tn_option_table table = {
    .options = options, .count = 4, .operand_min = 1, .operand_max = 2, .operands = "a LOG"};

static const struct tn_option_table record_table = {
    .options = options, .count = 4, .ends_at_operand = true, .operand_min = 1, .operand_max = SIZE_MAX};

#define WORDS_MAX 8

/* A command line, split at spaces, parsed by a table. The words live as long as the line. */
struct parsed {
    char line[128];
    char *argv[WORDS_MAX + 1];
    struct tn_arguments arguments;
    struct tn_error error;
    int result;
};

static void parse(struct parsed *parsed, const struct tn_option_table *with, const char *line)
{
    strcpy(parsed->line, line);
    int argc = 0;
    for (char *word = strtok(parsed->line, " "); word != NULL; word = strtok(NULL, " "))
        parsed->argv[argc++] = word;
    parsed->argv[argc] = NULL;
    parsed->error.text[0] = '\0';
    parsed->result = tn_options_parse("cmd", with, argc, parsed->argv, &parsed->arguments, &parsed->error);
}

static void values_come_in_all_spellings(void **state)
{
    (void)state;
    static const char *const lines[] = {"-o F L",       "-oF L",        "--output F L",
                                        "--output=F L", "L --output F", "-o X -o F L"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct parsed p;
        parse(&p, &table, lines[i]);
        assert_int_equal(p.result, 0);
        assert_string_equal(tn_option_text(&p.arguments, "output"), "F");
        assert_int_equal(p.arguments.operand_count, 1);
        assert_string_equal(p.arguments.operands[0], "L");
        assert_null(p.arguments.operands[1]);
        assert_false(tn_option_is_given(&p.arguments, "quiet"));
    }
}

static void a_lone_dash_is_an_operand(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, &table, "- -q");
    assert_int_equal(p.result, 0);
    assert_string_equal(p.arguments.operands[0], "-");
    assert_true(tn_option_is_given(&p.arguments, "quiet"));
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, &table, "A -- -q");
    assert_int_equal(p.result, 0);
    assert_int_equal(p.arguments.operand_count, 2);
    assert_string_equal(p.arguments.operands[1], "-q");
    assert_false(tn_option_is_given(&p.arguments, "quiet"));
}

static void the_first_operand_ends_them_for_another_program(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, &record_table, "-q prog -o x --nonsense --help");
    assert_int_equal(p.result, 0);
    assert_false(p.arguments.wants_help);
    assert_int_equal(p.arguments.operand_count, 5);
    assert_string_equal(p.arguments.operands[0], "prog");
    assert_string_equal(p.arguments.operands[4], "--help");
    assert_null(tn_option_text(&p.arguments, "output"));
}

static void help_wins_over_what_is_missing(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, &table, "--help");
    assert_int_equal(p.result, 0);
    assert_true(p.arguments.wants_help);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *line, *story;
    } cases[] = {
        {"--outptu F L",
         "unknown option '--outptu' of 'cmd': did you mean '--output'; see 'tenure cmd --help'"},
        {"--zzzzzz L",
         "unknown option '--zzzzzz' of 'cmd': there is no such option; see 'tenure cmd --help'"},
        {"-x L", "unknown option '-x' of 'cmd': there is no such option; see 'tenure cmd --help'"},
        {"L -o", "option '-o' of 'cmd': its value FILE is missing; see 'tenure cmd --help'"},
        {"--quiet=3 L", "option '--quiet=3' of 'cmd': it takes no value; see 'tenure cmd --help'"},
        {"-q", "'cmd' needs a LOG: none was given; see 'tenure cmd --help'"},
        {"A B C", "operand 'C' of 'cmd': one more than it takes; see 'tenure cmd --help'"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct parsed p;
        parse(&p, &table, cases[i].line);
        assert_int_equal(p.result, -EINVAL);
        assert_string_equal(p.error.text, cases[i].story);
    }
}

static void numbers_keep_their_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int result;
        uint64_t value;
    } cases[] = {
        {"L", 0, 10},
        {"--top 1 L", 0, 1},
        {"--top 99 L", 0, 99},
        {"--top 0 L", -EINVAL, 0},
        {"--top 100 L", -EINVAL, 0},
        {"--top -3 L", -EINVAL, 0},
        {"--top 5x L", -EINVAL, 0},
        {"--top 18446744073709551616 L", -EINVAL, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct parsed p;
        parse(&p, &table, cases[i].line);
        assert_int_equal(p.result, 0);
        uint64_t value = 12345;
        assert_int_equal(tn_option_count(&p.arguments, "top", 1, 99, 10, &value, &p.error), cases[i].result);
        assert_int_equal(value, cases[i].result == 0 ? cases[i].value : 12345);
    }
}

static void sizes_take_units(void **state)
{
    (void)state;
    struct parsed p;
    uint64_t size_bytes = 0;
    parse(&p, &table, "--top 2M L");
    assert_int_equal(tn_option_bytes(&p.arguments, "top", 1, UINT64_MAX, 0, &size_bytes, &p.error), 0);
    assert_int_equal(size_bytes, 2 * 1024 * 1024);
    assert_int_equal(tn_option_bytes(&p.arguments, "top", 1, 1024, 0, &size_bytes, &p.error), -EINVAL);
    assert_string_equal(p.error.text,
                        "option '--top' of 'cmd': '2M' is not a size (bytes, or with K, M, G) "
                        "from 1 to 1024; see 'tenure cmd --help'");
}

static void yes_and_no(void **state)
{
    (void)state;
    struct parsed p;
    bool value = false;
    parse(&p, &table, "--only yes L");
    assert_int_equal(tn_option_yes_no(&p.arguments, "only", false, &value, &p.error), 0);
    assert_true(value);
    parse(&p, &table, "--only 0 L");
    assert_int_equal(tn_option_yes_no(&p.arguments, "only", true, &value, &p.error), 0);
    assert_false(value);
    parse(&p, &table, "--only maybe L");
    assert_int_equal(tn_option_yes_no(&p.arguments, "only", true, &value, &p.error), -EINVAL);
    parse(&p, &table, "L");
    assert_int_equal(tn_option_yes_no(&p.arguments, "only", true, &value, &p.error), 0);
    assert_true(value);
}

static void variables_stand_in(void **state)
{
    (void)state;
    struct parsed p;
    setenv("TEST_OUTPUT", "V", 1);
    setenv("TEST_QUIET", "0", 1);
    parse(&p, &table, "L");
    assert_string_equal(tn_option_text(&p.arguments, "output"), "V");
    assert_false(tn_option_is_given(&p.arguments, "quiet"));
    parse(&p, &table, "-o F L");
    assert_string_equal(tn_option_text(&p.arguments, "output"), "F");
    setenv("TEST_OUTPUT", "", 1);
    setenv("TEST_QUIET", "1", 1);
    parse(&p, &table, "L");
    assert_false(tn_option_is_given(&p.arguments, "output"));
    assert_true(tn_option_is_given(&p.arguments, "quiet"));
    unsetenv("TEST_OUTPUT");
    unsetenv("TEST_QUIET");
}

static void help_comes_from_the_table(void **state)
{
    (void)state;
    struct tn_buffer text = {0};
    assert_int_equal(tn_options_print(&table, &text), 0);
    assert_string_equal((const char *)text.data,
                        "  -o, --output FILE       where it goes\n"
                        "      --top N             how many\n"
                        "                          of them\n"
                        "  -q, --quiet             say less\n"
                        "      --only yes|no       this alone\n"
                        "  -h, --help              show this text\n");
    tn_buffer_finish(&text);
}

static void help_shows_all_values_of_a_long_list(void **state)
{
    (void)state;
    static const struct tn_option listed[] = {
        {0, "fits-not", "a-value-1", "below", NULL}, /* 26 columns: one more than fit beside the help */
        {0, "just-fits", "value", "beside", NULL},
        {0, "to", "first-format|second-format|third-format|fourth-format|fifth-format|sixth-format",
         "far below", NULL},
    };
    const struct tn_option_table list = {.options = listed, .count = 3};
    struct tn_buffer text = {0};
    assert_int_equal(tn_options_print(&list, &text), 0);
    assert_string_equal(
        (const char *)text.data,
        "      --fits-not a-value-1\n"
        "                          below\n"
        "      --just-fits value   beside\n"
        "      --to first-format|second-format|third-format|fourth-format|fifth-format|sixth-format\n"
        "                          far below\n"
        "  -h, --help              show this text\n");
    tn_buffer_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_in_all_spellings),
        cmocka_unit_test(a_lone_dash_is_an_operand),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(the_first_operand_ends_them_for_another_program),
        cmocka_unit_test(help_wins_over_what_is_missing),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(numbers_keep_their_bounds),
        cmocka_unit_test(sizes_take_units),
        cmocka_unit_test(yes_and_no),
        cmocka_unit_test(variables_stand_in),
        cmocka_unit_test(help_comes_from_the_table),
        cmocka_unit_test(help_shows_all_values_of_a_long_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
