/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "maps.h"
#include "sys.h"

#include <string.h>

static const char maps[] =
    "555555554000-555555558000 r--p 00000000 fe:01 1234   /usr/bin/a-b 7f-8 x\n"
    "555555558000-55555555f000 r-xp 00004000 fe:01 1234   /usr/bin/a\n"
    "7ffff7d00000-7ffff7d80000 rw-p 00000000 00:00 0 \n"
    "7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0      [stack]\n"
    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0   [vsyscall]\n";

static struct tn_maps_search search_for(uint64_t address, size_t piece_bytes)
{
    struct tn_maps_search search = {.address = address};
    size_t size_bytes = sizeof(maps) - 1;
    for (size_t at = 0; at < size_bytes; at += piece_bytes)
        if (tn_maps_feed(&search, maps + at, size_bytes - at < piece_bytes ? size_bytes - at : piece_bytes))
            break;
    return search;
}

static const char named[] =
    "1000-2000 r-xp 00000000 00:00 0 \n"
    "2000-3000 r-xp 00000000 fe:01 12                         /tmp/a b/lib c.so\n"
    "3000-4000 r-xp 00000000 fe:01 13                         /lib/gone.so (deleted)\n"
    "4000-5000 r-xp 00000000 00:00 0                          [vdso]\n"
    "5000-6000 r-xp 00000000 fe:01 14                         /123456789012345678901234\n"
    "6000-7000 r-xp 00000000 fe:01 15                         (deleted)\n";

/* The path of the mapping at an address, with room for size_bytes. */
static const char *path_at(uint64_t address, size_t size_bytes, size_t piece_bytes)
{
    static char path[64];
    struct tn_maps_search search = {.address = address, .path = path, .path_bytes = size_bytes};
    memset(path, 'x', sizeof(path));
    for (size_t at = 0; at < sizeof(named) - 1; at += piece_bytes) {
        size_t left = sizeof(named) - 1 - at;
        if (tn_maps_feed(&search, named + at, left < piece_bytes ? left : piece_bytes))
            break;
    }
    assert_true(search.is_found);
    return path;
}

static void a_path_is_read_whatever_the_pieces(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 3, 40, 4096};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        assert_string_equal(path_at(0x1000, 64, pieces[i]), "");
        assert_string_equal(path_at(0x2000, 64, pieces[i]), "/tmp/a b/lib c.so");
        assert_string_equal(path_at(0x3fff, 64, pieces[i]), "/lib/gone.so");
        assert_string_equal(path_at(0x4000, 64, pieces[i]), "");
        assert_string_equal(path_at(0x5000, 26, pieces[i]), "/123456789012345678901234");
        assert_string_equal(path_at(0x5000, 25, pieces[i]), "");
        assert_string_equal(path_at(0x6000, 64, pieces[i]), "");
    }
}

static void mapping_is_found_whatever_the_pieces(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 2, 13, 64, 4096};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct tn_maps_search search = search_for(UINT64_C(0x7ffffffff000) - 8, pieces[i]);
        assert_true(search.is_found);
        assert_int_equal(search.low, UINT64_C(0x7ffffffde000));
        assert_int_equal(search.high, UINT64_C(0x7ffffffff000));
    }
}

static void bounds_are_half_open(void **state)
{
    (void)state;
    assert_int_equal(search_for(UINT64_C(0x555555558000), 4096).high, UINT64_C(0x55555555f000));
    assert_int_equal(search_for(UINT64_C(0x555555557fff), 4096).low, UINT64_C(0x555555554000));
}

static void gaps_hold_nothing(void **state)
{
    (void)state;
    assert_false(search_for(UINT64_C(0x7ffff7d80000), 7).is_found);
    assert_false(search_for(0, 7).is_found);
}

static void numbers_are_parsed_or_refused(void **state)
{
    (void)state;
    uint64_t number = 1;
    assert_string_equal(tn_parse_number("18446744073709551615K", &number), "K");
    assert_true(number == UINT64_MAX);
    assert_null(tn_parse_number("18446744073709551616", &number));
    assert_null(tn_parse_number("", &number));
    assert_null(tn_parse_number("-1", &number));
    assert_true(number == UINT64_MAX);
}

static void texts_are_put_together_and_cut(void **state)
{
    (void)state;
    struct tn_shim_text text;
    memset(&text, 0, sizeof(text));
    tn_shim_text_add(&text, "/proc/");
    tn_shim_text_add_number(&text, 0);
    tn_shim_text_add_number(&text, UINT64_MAX);
    tn_shim_text_add(&text, " ");
    tn_shim_text_add_hex(&text, 0xbeef);
    assert_string_equal(text.text, "/proc/018446744073709551615 0xbeef");
    for (unsigned i = 0; i < 200; i++)
        tn_shim_text_add(&text, "0123456789");
    assert_int_equal(text.size, sizeof(text.text) - 1);
    assert_int_equal(strlen(text.text), text.size);
}

static void strings_are_compared(void **state)
{
    (void)state;
    assert_true(tn_has_prefix("LD_PRELOAD=x", "LD_PRELOAD="));
    assert_false(tn_has_prefix("LD_PRE", "LD_PRELOAD="));
    assert_int_equal(tn_length("four"), 4);
}

static void files_are_read_and_end_in_nul(void **state)
{
    (void)state;
    char text[64];
    memset(text, 'x', sizeof(text));
    long got = tn_read_file("/proc/self/stat", text, sizeof(text));
    assert_int_equal(got, sizeof(text) - 1);
    assert_int_equal(text[got], 0);
    assert_true(tn_read_file("/nonexistent/file", text, sizeof(text)) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mapping_is_found_whatever_the_pieces),
        cmocka_unit_test(a_path_is_read_whatever_the_pieces),
        cmocka_unit_test(bounds_are_half_open),
        cmocka_unit_test(gaps_hold_nothing),
        cmocka_unit_test(numbers_are_parsed_or_refused),
        cmocka_unit_test(texts_are_put_together_and_cut),
        cmocka_unit_test(strings_are_compared),
        cmocka_unit_test(files_are_read_and_end_in_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
