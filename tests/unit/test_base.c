/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/base.h"

#include <errno.h>
#include <string.h>

static void counts_have_separators(void **state)
{
    (void)state;
    static const struct {
        uint64_t count;
        const char *text;
    } cases[] = {
        {0, "0"},
        {999, "999"},
        {1000, "1,000"},
        {12345678, "12,345,678"},
        {UINT64_MAX, "18,446,744,073,709,551,615"},
    };
    char text[TN_QUANTITY_TEXT_BYTES];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(tn_print_count(text, cases[i].count), cases[i].text);
}

static void bytes_keep_three_digits(void **state)
{
    (void)state;
    static const struct {
        uint64_t size_bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {1023, "1,023 B"},
        {1024, "1.00 KiB"},
        {1536, "1.50 KiB"},
        {100 * 1024, "100 KiB"},
        {UINT64_C(1023) * 1024, "1.00 MiB"},
        {UINT64_C(3435973837), "3.20 GiB"},
        {UINT64_MAX, "16.0 EiB"},
    };
    char text[TN_QUANTITY_TEXT_BYTES];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(tn_print_bytes(text, cases[i].size_bytes), cases[i].text);
}

static void durations_choose_their_unit(void **state)
{
    (void)state;
    static const struct {
        uint64_t duration_ns;
        const char *text;
    } cases[] = {
        {0, "0 ns"},
        {850, "850 ns"},
        {1200, "1.20 us"},
        {34000000, "34.0 ms"},
        {UINT64_C(12300000000), "12.3 s"},
        {UINT64_C(150000000000), "2 min 30 s"},
        {UINT64_C(7980000000000), "2 h 13 min"},
    };
    char text[TN_QUANTITY_TEXT_BYTES];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(tn_print_duration(text, cases[i].duration_ns), cases[i].text);
}

static void sizes_are_parsed_or_refused(void **state)
{
    (void)state;
    uint64_t size_bytes = 1;
    assert_int_equal(tn_parse_bytes("4096", &size_bytes), 0);
    assert_int_equal(size_bytes, 4096);
    assert_int_equal(tn_parse_bytes("64K", &size_bytes), 0);
    assert_int_equal(size_bytes, 65536);
    assert_int_equal(tn_parse_bytes("2MiB", &size_bytes), 0);
    assert_int_equal(size_bytes, 2097152);
    static const char *const refused[] = {
        "", "-1", "K", "1X", "1KX", "99999999999999999999", "18014398509481984K"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        size_bytes = 77;
        assert_int_equal(tn_parse_bytes(refused[i], &size_bytes), -EINVAL);
        assert_int_equal(size_bytes, 77);
    }
}

static void varints_come_back(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 1, 127, 128, 300, UINT64_C(1) << 35, UINT64_MAX};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        uint8_t bytes[10];
        size_t size_bytes = tn_varint_put(bytes, values[i]);
        uint64_t value = 0;
        assert_int_equal(tn_varint_get(bytes, bytes + size_bytes, &value), size_bytes);
        assert_int_equal(value, values[i]);
        value = 5;
        assert_int_equal(tn_varint_get(bytes, bytes + size_bytes - 1, &value), 0);
        assert_int_equal(value, 5);
    }
    static const int64_t signed_values[] = {0, -1, 1, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < sizeof(signed_values) / sizeof(signed_values[0]); i++)
        assert_int_equal(tn_unzigzag(tn_zigzag(signed_values[i])), signed_values[i]);
}

static void buffer_grows_and_prints(void **state)
{
    (void)state;
    struct tn_buffer buffer = {0};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(tn_buffer_print(&buffer, "%d ", i), 0);
    assert_int_equal(tn_buffer_append(&buffer, "end", 4), 0);
    assert_memory_equal(buffer.data, "0 1 2 3 ", 8);
    assert_string_equal((char *)buffer.data + buffer.size_bytes - 8, "999 end");
    tn_buffer_finish(&buffer);
    assert_null(buffer.data);
    tn_buffer_finish(NULL);
}

static void shown_text_steers_no_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *text, *kept, *shown;
    } cases[] = {
        {"", "", ""},
        {"plain, \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "", "plain, \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\x1b[31m\a", "", "\\x1b[31m\\x07"},
        {"a\nb\tc", "", "a\\x0ab\\x09c"},
        {"a\nb\tc", "\n", "a\nb\\x09c"},
        {"\x7f~ ", "", "\\x7f~ "},
        {"\x9b\xc2\x9b\xc2\xa0", "", "\\x9b\\xc2\\x9b\xc2\xa0"},
        {"\xe2\x80\xae\xe2\x80\xaf\xe2\x81\xa6\xe2\x81\xaa", "",
         "\\xe2\\x80\\xae\xe2\x80\xaf\\xe2\\x81\\xa6\xe2\x81\xaa"},
        {"cut \xe2\x80", "", "cut \\xe2\\x80"},
    };
    struct tn_buffer buffer = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buffer.size_bytes = 0;
        assert_int_equal(tn_buffer_show(&buffer, cases[i].text, cases[i].kept), 0);
        assert_string_equal((char *)buffer.data, cases[i].shown);
        assert_int_equal(buffer.size_bytes, strlen(cases[i].shown));
    }
    tn_buffer_finish(&buffer);
}

static void error_keeps_code_and_story(void **state)
{
    (void)state;
    struct tn_error error = {0};
    assert_int_equal(tn_error_set(&error, -ENOSPC, "cannot write %s", "x.db"), -ENOSPC);
    assert_int_equal(error.code, -ENOSPC);
    assert_string_equal(error.text, "cannot write x.db");
    assert_int_equal(tn_error_set(NULL, -EIO, "nobody listens"), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_have_separators),
        cmocka_unit_test(bytes_keep_three_digits),
        cmocka_unit_test(durations_choose_their_unit),
        cmocka_unit_test(sizes_are_parsed_or_refused),
        cmocka_unit_test(varints_come_back),
        cmocka_unit_test(buffer_grows_and_prints),
        cmocka_unit_test(shown_text_steers_no_terminal),
        cmocka_unit_test(error_keeps_code_and_story),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
