/* SPDX-License-Identifier: MIT */

/* Lines of the text report: broken at blanks, names shortened. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "text_layout.h"

#include <string.h>

#define TEN_WORDS                                                                                            \
    "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456"

/* What is on the page; it is empty again. */
static void assert_page(struct tn_text_page *page, const char *expected)
{
    assert_int_equal(page->result, 0);
    assert_int_equal(tn_buffer_append(page->out, "", 1), 0);
    assert_string_equal((const char *)page->out->data, expected);
    tn_buffer_finish(page->out);
}

static void words_are_broken_at_the_last_column(void **state)
{
    (void)state;
    struct tn_buffer out = {0};
    struct tn_text_page page = {.out = &out, .columns = TN_TEXT_COLUMNS};
    tn_page_paragraph(&page, "  - ", TEN_WORDS);
    assert_page(&page, "  - " TEN_WORDS "\n");
    tn_page_paragraph(&page, "  - ", TEN_WORDS "7  8");
    assert_page(&page,
                "  - 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
                "123456789\n    1234567 8\n");
}

static void newlines_begin_lines_but_not_at_the_end(void **state)
{
    (void)state;
    struct tn_buffer out = {0};
    struct tn_text_page page = {.out = &out, .columns = TN_TEXT_COLUMNS};
    tn_page_paragraph(&page, "! ", "one\ntwo \n");
    assert_page(&page, "! one\n  two\n");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    (void)state;
    struct tn_buffer out = {0};
    struct tn_text_page page = {.out = &out, .columns = TN_TEXT_COLUMNS};
    tn_page_paragraph(&page, "", "a\x1b[31mb\tc");
    assert_page(&page, "a [31mb c\n");
}

static void a_limited_paragraph_says_that_it_was_cut(void **state)
{
    (void)state;
    struct tn_buffer out = {0};
    struct tn_text_page page = {.out = &out, .columns = 20};
    tn_page_begin(&page, "  - ");
    tn_page_limit(&page, 2);
    tn_page_words(&page, "one two three four five six seven eight");
    tn_page_words(&page, "nine");
    tn_page_end_line(&page);
    assert_int_equal(page.line_count, 2);
    tn_page_paragraph(&page, "", "the next one is whole again, however long");
    assert_page(&page,
                "  - one two three\n    four five six...\nthe next one is\nwhole again, however\nlong\n");
}

/* What fits exactly is not cut. */
static void a_limit_that_is_not_reached_changes_nothing(void **state)
{
    (void)state;
    struct tn_buffer out = {0};
    struct tn_text_page page = {.out = &out, .columns = 20};
    tn_page_begin(&page, "");
    tn_page_limit(&page, 1);
    tn_page_words(&page, "one two three");
    tn_page_end_line(&page);
    assert_page(&page, "one two three\n");
}

/* Escape sequences take no column, and there are none without colour. */
static void styles_stand_out_in_colour_only(void **state)
{
    (void)state;
    struct tn_buffer out = {0};
    struct tn_text_page page = {.out = &out, .columns = 20, .has_color = true};
    for (int i = 0; i < 2; i++) {
        tn_page_begin(&page, "");
        tn_page_style(&page, TN_STYLE_STRONG);
        tn_page_words(&page, "123456789 123456789");
        tn_page_style(&page, TN_STYLE_PLAIN);
        tn_page_end_line(&page);
        assert_page(&page, i == 0 ? "\033[1m123456789 123456789\033[0m\n" : "123456789 123456789\n");
        page.has_color = false;
    }
}

static void a_solid_word_keeps_its_blanks(void **state)
{
    (void)state;
    struct tn_buffer out = {0};
    struct tn_text_page page = {.out = &out, .columns = TN_TEXT_COLUMNS};
    tn_page_begin(&page, "");
    tn_page_words(&page, "see");
    tn_page_solid(&page, "'a  b'");
    tn_page_words(&page, "now");
    tn_page_end_line(&page);
    assert_page(&page, "see 'a  b' now\n");
}

static void lines_are_moved_but_not_filled(void **state)
{
    (void)state;
    struct tn_buffer out = {0};
    struct tn_text_page page = {.out = &out, .columns = TN_TEXT_COLUMNS};
    tn_page_lines(&page, "int a;\n\n  int b;", 4);
    assert_page(&page, "    int a;\n\n      int b;\n");
}

static void cells_are_filled_up(void **state)
{
    (void)state;
    struct tn_buffer out = {0};
    struct tn_text_page page = {.out = &out, .columns = TN_TEXT_COLUMNS};
    tn_page_pad_left(&page, "7", 3);
    tn_page_pad_right(&page, "ab", 3);
    tn_page_pad_left(&page, "12345", 3);
    tn_page_pad_right(&page, "\x1b\xc2\x9b\xc3", 5);
    tn_page_end_line(&page);
    assert_page(&page, "  7ab 12345   ? \n");
}

static void names_lose_their_end_and_paths_their_beginning(void **state)
{
    (void)state;
    char name[TN_TEXT_NAME_BYTES];
    assert_string_equal(tn_text_name(name, "abcdefgh", 8), "abcdefgh");
    assert_string_equal(tn_text_name(name, "abcdefghi", 8), "abcde...");
    assert_string_equal(tn_text_name(name, "a\tb\x7f", 8), "a b ");
    assert_string_equal(tn_text_path(name, "/usr/lib/a.so", 13), "/usr/lib/a.so");
    assert_string_equal(tn_text_path(name, "/usr/lib/a.so", 12), ".../lib/a.so");
    assert_string_equal(tn_text_path(name, "/usr/lib/a.so", 11), ".../a.so");
    assert_string_equal(tn_text_path(name, "abcdefghijkl", 8), "...hijkl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_broken_at_the_last_column),
        cmocka_unit_test(newlines_begin_lines_but_not_at_the_end),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(a_limited_paragraph_says_that_it_was_cut),
        cmocka_unit_test(a_limit_that_is_not_reached_changes_nothing),
        cmocka_unit_test(styles_stand_out_in_colour_only),
        cmocka_unit_test(a_solid_word_keeps_its_blanks),
        cmocka_unit_test(lines_are_moved_but_not_filled),
        cmocka_unit_test(cells_are_filled_up),
        cmocka_unit_test(names_lose_their_end_and_paths_their_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
