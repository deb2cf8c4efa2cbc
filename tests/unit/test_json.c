/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/json.h"

#include <math.h>

static void expect(struct tn_buffer *out, const char *text)
{
    assert_int_equal(tn_buffer_append(out, "", 1), 0);
    assert_string_equal((const char *)out->data, text);
    tn_buffer_finish(out);
}

static void commas_stand_between_values_only(void **state)
{
    (void)state;
    struct tn_buffer out = {0};
    struct tn_json json = {.out = &out};
    tn_json_open_object(&json, NULL);
    tn_json_int(&json, "a", -1);
    tn_json_open_array(&json, "b");
    tn_json_open_object(&json, NULL);
    tn_json_close_object(&json);
    tn_json_uint(&json, NULL, UINT64_MAX);
    tn_json_open_array(&json, NULL);
    tn_json_close_array(&json);
    tn_json_close_array(&json);
    tn_json_bool(&json, "c", false);
    tn_json_null(&json, "d");
    tn_json_raw(&json, "e", "{\"f\": 1}");
    tn_json_close_object(&json);
    assert_int_equal(json.error, 0);
    expect(&out,
           "{\"a\": -1, \"b\": [{}, 18446744073709551615, []], \"c\": false, \"d\": null, "
           "\"e\": {\"f\": 1}}");
}

static void text_is_escaped(void **state)
{
    (void)state;
    struct tn_buffer out = {0};
    struct tn_json json = {.out = &out};
    tn_json_text(&json, NULL, "a\"b\\c\n\t\x01/\x7f");
    expect(&out, "\"a\\\"b\\\\c\\n\\t\\u0001/\\u007f\"");
    json = (struct tn_json){.out = &out};
    tn_json_text(&json, NULL, NULL);
    expect(&out, "null");
}

/* A terminal takes them for commands; a parser of JSON reads the same characters as before. */
static void what_steers_a_terminal_is_a_number(void **state)
{
    (void)state;
    struct tn_buffer out = {0};
    struct tn_json json = {.out = &out};
    tn_json_text(&json, NULL, "\xc2\x9b\xc2\xa0\xe2\x80\xae\xe2\x80\xaf\xe2\x81\xa6");
    expect(&out, "\"\\u009b\xc2\xa0\\u202e\xe2\x80\xaf\\u2066\"");
    assert_int_equal(tn_json_mend(&out, "{\"a\\n\": \"\xff\xc2\x9b\x7f\xc3\xa9\"}"), 0);
    expect(&out, "{\"a\\n\": \"\xef\xbf\xbd\\u009b\\u007f\xc3\xa9\"}");
}

/* A file name need not be UTF-8, the report must be. The sequences are those of the Unicode Standard, table
 * 3-7: overlong forms, surrogates, what lies above U+10FFFF, and what ends too early. */
static void bytes_that_are_no_text_are_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"\xff", "\"\xef\xbf\xbd\""},
        {"a\xc3", "\"a\xef\xbf\xbd\""},
        {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xe0\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tn_buffer out = {0};
        struct tn_json json = {.out = &out};
        tn_json_text(&json, NULL, cases[i].in);
        expect(&out, cases[i].out);
    }
}

static void numbers_that_json_lacks_are_null(void **state)
{
    (void)state;
    struct tn_buffer out = {0};
    struct tn_json json = {.out = &out};
    tn_json_open_array(&json, NULL);
    tn_json_real(&json, NULL, 0.5, 6);
    tn_json_real(&json, NULL, NAN, 6);
    tn_json_real(&json, NULL, INFINITY, 6);
    tn_json_real(&json, NULL, 1.0 / 3, 3);
    tn_json_real(&json, NULL, 1e-9, 6);
    tn_json_close_array(&json);
    expect(&out, "[0.5, null, null, 0.333, 1e-09]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_between_values_only),
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(what_steers_a_terminal_is_a_number),
        cmocka_unit_test(bytes_that_are_no_text_are_replaced),
        cmocka_unit_test(numbers_that_json_lacks_are_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
