/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../lib/symbol/symbol_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The programs that tell their own places; see symbol/truth.h. Paths from the command line. */
static struct {
    const char *debug, *table_only, *stripped, *linked, *split, *debug_directory, *mini, *cxx;
} programs;

/* One line of what a program says: an address, and "function@line" of up to three functions. */
struct truth {
    uint64_t offset_bytes;
    unsigned count;
    char names[3][128];
    uint32_t lines[3];
};

static unsigned read_truth(const char *program, struct truth *truths, unsigned capacity)
{
    FILE *output = popen(program, "r");
    assert_non_null(output);
    char line[512];
    unsigned count = 0;
    while (count < capacity && fgets(line, sizeof(line), output) != NULL) {
        struct truth *truth = &truths[count++];
        line[strcspn(line, "\n")] = '\0';
        char *field = strtok(line, "|");
        truth->offset_bytes = strtoull(field, NULL, 16);
        truth->count = 0;
        while ((field = strtok(NULL, "|")) != NULL) {
            char *at = strrchr(field, '@');
            assert_non_null(at);
            *at = '\0';
            truth->lines[truth->count] = (uint32_t)strtoul(at + 1, NULL, 10);
            strcpy(truth->names[truth->count++], field);
        }
    }
    assert_int_equal(pclose(output), 0);
    assert_true(count > 0);
    return count;
}

static struct tn_symbol_file *open_file(const char *path)
{
    struct tn_symbol_file *file = NULL;
    struct tn_error error = {0};
    if (tn_symbol_open(path, -1, "", &file, &error) < 0)
        fail_msg("%s", error.text);
    return file;
}

static const struct tn_symbol_frame *look_up(struct tn_symbol_file *file, uint64_t offset_bytes,
                                             unsigned *ret_count)
{
    const struct tn_symbol_frame *frames = NULL;
    *ret_count = 0;
    assert_int_equal(tn_symbol_look_up(file, offset_bytes, &frames, ret_count), 0);
    assert_true(*ret_count >= 1);
    return frames;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Every place of the program has exactly the functions, files and lines that the program says. */
static void check_whole_truth(const char *program, const char *named_by, const char *source)
{
    struct truth truths[8];
    unsigned truth_count = read_truth(program, truths, 8);
    struct tn_symbol_file *file = open_file(named_by);
    assert_int_equal(tn_symbol_file_detail(file), TN_SYMBOL_DEBUG);
    for (unsigned i = 0; i < truth_count; i++) {
        unsigned count;
        const struct tn_symbol_frame *frames = look_up(file, truths[i].offset_bytes, &count);
        assert_int_equal(count, truths[i].count);
        for (unsigned f = 0; f < count; f++) {
            assert_string_equal(frames[f].function, truths[i].names[f]);
            assert_int_equal(frames[f].line, truths[i].lines[f]);
            assert_true(frames[f].file[0] == '/');
            assert_string_equal(base_name(frames[f].file), source);
        }
    }
    tn_symbol_close(file);
}

static void debug_information_names_inlined_functions(void **state)
{
    (void)state;
    check_whole_truth(programs.debug, programs.debug, "places.c");
}

static void cxx_names_are_demangled_without_return_type(void **state)
{
    (void)state;
    if (programs.cxx == NULL)
        skip();
    check_whole_truth(programs.cxx, programs.cxx, "places.cc");
}

static void debug_link_is_followed(void **state)
{
    (void)state;
    check_whole_truth(programs.debug, programs.linked, "places.c");
}

static void build_id_finds_the_debug_file(void **state)
{
    (void)state;
    struct tn_symbol_file *file = open_file(programs.split);
    assert_int_equal(tn_symbol_file_detail(file), TN_SYMBOL_NONE);
    tn_symbol_close(file);
    char *path = realpath(programs.debug_directory, NULL);
    assert_non_null(path);
    tn_symbol_debug_path = path;
    check_whole_truth(programs.debug, programs.split, "places.c");
    tn_symbol_debug_path = NULL;
    free(path);
}

/* Physical functions have their names, and nothing else is known. */
static void check_table_names(const char *path)
{
    struct truth truths[8];
    unsigned truth_count = read_truth(programs.debug, truths, 8);
    struct tn_symbol_file *file = open_file(path);
    assert_int_equal(tn_symbol_file_detail(file), TN_SYMBOL_TABLE);
    for (unsigned i = 0; i < truth_count; i++) {
        unsigned count;
        const struct tn_symbol_frame *frames = look_up(file, truths[i].offset_bytes, &count);
        assert_int_equal(count, 1);
        assert_string_equal(frames[0].function, truths[i].names[truths[i].count - 1]);
        assert_null(frames[0].file);
        assert_int_equal(frames[0].line, 0);
    }
    tn_symbol_close(file);
}

static void symbol_table_names_physical_functions(void **state)
{
    (void)state;
    check_table_names(programs.table_only);
}

static void packed_symbols_name_physical_functions(void **state)
{
    (void)state;
    check_table_names(programs.mini);
}

static void stripped_file_names_nothing(void **state)
{
    (void)state;
    struct truth truths[8];
    unsigned truth_count = read_truth(programs.debug, truths, 8);
    struct tn_symbol_file *file = open_file(programs.stripped);
    assert_int_equal(tn_symbol_file_detail(file), TN_SYMBOL_NONE);
    for (unsigned i = 0; i < truth_count; i++) {
        unsigned count;
        const struct tn_symbol_frame *frames = look_up(file, truths[i].offset_bytes, &count);
        assert_int_equal(count, 1);
        assert_null(frames[0].function);
        assert_null(frames[0].file);
    }
    tn_symbol_close(file);
}

static void any_offset_has_an_answer(void **state)
{
    (void)state;
    struct tn_symbol_file *file = open_file(programs.debug);
    static const uint64_t offsets[] = {0, 1, 2, UINT64_MAX, UINT64_MAX / 2, 1u << 20};
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        unsigned count;
        const struct tn_symbol_frame *frames = look_up(file, offsets[i], &count);
        assert_int_equal(count, 1);
        assert_null(frames[0].function);
    }
    tn_symbol_close(file);
}

static void another_build_id_is_refused(void **state)
{
    (void)state;
    struct tn_symbol_file *file = NULL;
    struct tn_error error = {0};
    assert_int_equal(tn_symbol_open(programs.debug, -1, "00112233", &file, &error), -ESTALE);
    assert_null(file);
    assert_non_null(strstr(error.text, programs.debug));
    assert_non_null(strstr(error.text, "00112233"));
}

static void unusable_files_are_told_apart(void **state)
{
    (void)state;
    struct tn_symbol_file *file = NULL;
    struct tn_error error = {0};
    assert_int_equal(tn_symbol_open("/nonexistent/module", -1, "", &file, &error), -ENOENT);
    assert_int_equal(tn_symbol_open("/dev/null", -1, "", &file, &error), -ENOEXEC);
    assert_int_equal(tn_symbol_open("/etc/passwd", -1, "", &file, &error), -ENOEXEC);
    assert_null(file);
    tn_symbol_close(NULL);
}

/* The recorder holds a module's file; its path may be gone, or be another file by now. */
static void descriptor_stands_for_the_path(void **state)
{
    (void)state;
    struct truth truths[8];
    read_truth(programs.debug, truths, 8);
    int fd = open(programs.debug, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    struct tn_symbol_file *file = NULL;
    assert_int_equal(tn_symbol_open("/gone/since", fd, "", &file, NULL), 0);
    unsigned count;
    const struct tn_symbol_frame *frames = look_up(file, truths[0].offset_bytes, &count);
    assert_string_equal(frames[count - 1].function, "outer");
    tn_symbol_close(file);
    assert_true(fcntl(fd, F_GETFD) >= 0);
    close(fd);
}

static void network_client_is_never_loaded(void **state)
{
    (void)state;
    struct tn_symbol_file *file = open_file(programs.stripped);
    tn_symbol_file_detail(file);
    tn_symbol_close(file);
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    while (fgets(line, sizeof(line), maps) != NULL)
        assert_null(strstr(line, "debuginfod"));
    fclose(maps);
}

static void paths_are_joined_and_normalised(void **state)
{
    (void)state;
    static const struct {
        const char *directory, *path, *expected;
    } cases[] = {
        {"/home/me/build", "../src/main.c", "/home/me/src/main.c"},
        {"/home/me", "./a//b/./c.c", "/home/me/a/b/c.c"},
        {"/home/me", "/abs/../x.c", "/x.c"},
        {"/", "../../x.c", "/x.c"},
        {NULL, "../x.c", "../x.c"},
        {NULL, "../../a/../x.c", "../../x.c"},
        {NULL, "a/..", ""},
        {"/b", "", "/b"},
    };
    struct tn_symbol_file file = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *path = NULL;
        assert_int_equal(tn_symbol_keep_path(&file, cases[i].directory, cases[i].path, &path), 0);
        assert_string_equal(path, cases[i].expected);
    }
    tn_string_store_finish(&file.strings);
}

static void symbol_names_are_made_readable(void **state)
{
    (void)state;
    static const struct {
        const char *symbol, *expected;
    } cases[] = {
        {"malloc", "malloc"},
        {"memcpy@@GLIBC_2.14", "memcpy"},
        {"parse_line.part.0", "parse_line"},
        {"parse_line.constprop.0.isra.0", "parse_line"},
        {"parse_line.cold", "parse_line"},
        {"nested.0", "nested"},
        {"version.1.2", "version.1"},
        {"utf16", "utf16"},
        {".12", ".12"},
        {"_ZN3app3runEi.cold", "app::run(int)"},
        {"_ZN3app3getIiEET_S1_", "app::get<int>(int)"},
        {"_Z1fNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE", "f(std::string)"},
        {"_ZN5alloc3vec16Vec$LT$T$C$A$GT$4push17h0123456789abcdefE", "alloc::vec::Vec<T,A>::push"},
        {"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
        {"_Znonsense", "_Znonsense"},
        {".hidden", ".hidden"},
    };
    struct tn_symbol_file file = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *name = NULL;
        assert_int_equal(tn_symbol_name_entry(&file, cases[i].symbol, &name), 0);
        assert_string_equal(name, cases[i].expected);
    }
    tn_string_store_finish(&file.strings);
    tn_map_finish(&file.symbol_names);
}

/* The innermost of nested ranges is found, and gaps are gaps. */
static void ranges_are_found(void **state)
{
    (void)state;
    struct tn_symbol_range_list list = {0};
    static const struct tn_symbol_range ranges[] = {{100, 200, 1}, {120, 140, 2}, {200, 210, 3},
                                                    {0, 50, 4},    {300, 300, 5}, {100, 110, 6}};
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        assert_int_equal(tn_symbol_range_add(&list, ranges[i].low, ranges[i].high, ranges[i].index), 0);
    tn_symbol_range_sort(&list);
    assert_int_equal(list.count, 4);
    static const struct {
        uint64_t address;
        size_t index;
    } cases[] = {{99, 0},  {100, 6}, {109, 6}, {110, 1}, {119, 1}, {120, 2},
                 {139, 2}, {140, 1}, {199, 1}, {200, 3}, {210, 0}, {10, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct tn_symbol_range *range = tn_symbol_range_find(&list, cases[i].address);
        assert_int_equal(range != NULL ? range->index : 0, cases[i].index);
    }
    free(list.ranges);
}

int main(int argument_count, char **arguments)
{
    if (argument_count < 8)
        return 2;
    programs.debug = arguments[1];
    programs.table_only = arguments[2];
    programs.stripped = arguments[3];
    programs.linked = arguments[4];
    programs.split = arguments[5];
    programs.debug_directory = arguments[6];
    programs.mini = arguments[7];
    programs.cxx = argument_count > 8 ? arguments[8] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(debug_information_names_inlined_functions),
        cmocka_unit_test(cxx_names_are_demangled_without_return_type),
        cmocka_unit_test(debug_link_is_followed),
        cmocka_unit_test(build_id_finds_the_debug_file),
        cmocka_unit_test(symbol_table_names_physical_functions),
        cmocka_unit_test(packed_symbols_name_physical_functions),
        cmocka_unit_test(stripped_file_names_nothing),
        cmocka_unit_test(any_offset_has_an_answer),
        cmocka_unit_test(another_build_id_is_refused),
        cmocka_unit_test(unusable_files_are_told_apart),
        cmocka_unit_test(descriptor_stands_for_the_path),
        cmocka_unit_test(network_client_is_never_loaded),
        cmocka_unit_test(paths_are_joined_and_normalised),
        cmocka_unit_test(symbol_names_are_made_readable),
        cmocka_unit_test(ranges_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
