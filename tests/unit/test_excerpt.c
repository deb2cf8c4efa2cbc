/* SPDX-License-Identifier: MIT */
/* Lines of sources below a folder: which ones are shown, and that no path leads to anything else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/excerpt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder with folders "sources" and "beside" in it. */
static char folder[PATH_MAX];

static const char *path_of(const char *name)
{
    static char path[PATH_MAX + 256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *data, size_t size_bytes)
{
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size_bytes, file), size_bytes);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

static int make_files(void **state)
{
    (void)state;
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof(folder), "%s/excerpt-XXXXXX", temporary != NULL ? temporary : "/tmp");
    assert_non_null(mkdtemp(folder));
    static const char *const folders[] = {"sources", "sources/lib", "beside"};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(mkdir(path_of(folders[i]), 0700), 0);
    write_text("sources/ten.c", "1\n2\n3\n4\n5\n6\n7\n8\n9\nten");
    write_text("sources/lib/list.c", "list\n");
    write_text("sources/list.c", "another\n");
    write_text("beside/secret.c", "secret\n");
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    char command[PATH_MAX + 32];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

/* The text around a line, or NULL. It is the caller's. */
static char *text_around(const char *file, uint32_t line, uint32_t *ret_first_line)
{
    struct tn_excerpts excerpts;
    struct tn_error error;
    assert_int_equal(tn_excerpts_open(path_of("sources"), &excerpts, &error), 0);
    assert_int_equal(tn_excerpts_add(&excerpts, file, line), 0);
    assert_int_equal(tn_excerpts_add(&excerpts, file, line), 0);
    const struct tn_excerpt *excerpt = tn_excerpts_find(&excerpts, file, line);
    assert_int_equal(excerpts.count, excerpt != NULL);
    *ret_first_line = excerpt != NULL ? excerpt->first_line : 0;
    char *text = excerpt != NULL ? strdup(excerpt->text) : NULL;
    tn_excerpts_finish(&excerpts);
    return text;
}

static void assert_shown(const char *file, uint32_t line, uint32_t first_line, const char *wanted)
{
    uint32_t first;
    char *text = text_around(file, line, &first);
    assert_non_null(text);
    assert_string_equal(text, wanted);
    assert_int_equal(first, first_line);
    free(text);
}

static void assert_hidden(const char *file, uint32_t line)
{
    uint32_t first;
    char *text = text_around(file, line, &first);
    assert_null(text);
}

static void shows_three_lines_around(void **state)
{
    (void)state;
    assert_shown("ten.c", 5, 2, "2\n3\n4\n5\n6\n7\n8\n");
    assert_shown("ten.c", 1, 1, "1\n2\n3\n4\n");
    assert_shown("ten.c", 10, 7, "7\n8\n9\nten\n");
    assert_hidden("ten.c", 11);
    assert_hidden("ten.c", 0);
    assert_hidden("ten.c", UINT32_MAX);
    assert_hidden("", 1);
    assert_hidden("/", 1);
}

/* The longest end of the path that is there. */
static void finds_a_file_by_the_end_of_its_path(void **state)
{
    (void)state;
    assert_shown("/build/elsewhere/lib/list.c", 1, 1, "list\n");
    assert_shown("/build/elsewhere/list.c", 1, 1, "another\n");
    assert_shown("//build//lib//list.c", 1, 1, "list\n");
    assert_hidden("/build/elsewhere/none.c", 1);
    assert_hidden("lib", 1);
    assert_hidden("list.c/", 1);
}

static void never_leaves_the_folder(void **state)
{
    (void)state;
    char target[PATH_MAX + 256];
    snprintf(target, sizeof(target), "%s/beside/secret.c", folder);
    assert_int_equal(symlink(target, path_of("sources/link.c")), 0);
    assert_int_equal(symlink("../beside", path_of("sources/way")), 0);
    assert_int_equal(symlink("ten.c", path_of("sources/within.c")), 0);
    assert_int_equal(mkfifo(path_of("sources/pipe.c"), 0600), 0);
    assert_hidden(target, 1);
    assert_hidden("link.c", 1);
    assert_hidden("way/secret.c", 1);
    assert_hidden("within.c", 1);
    assert_hidden("../beside/secret.c", 1);
    assert_hidden("lib/../../beside/secret.c", 1);
    assert_hidden("pipe.c", 1);
    assert_hidden("/dev/zero", 1);
    assert_shown("../../sources/ten.c", 1, 1, "1\n2\n3\n4\n");
}

static void reads_no_large_or_binary_file(void **state)
{
    (void)state;
    char *data = malloc(TN_EXCERPT_FILE_BYTES_MAX + 1);
    assert_non_null(data);
    memset(data, 'x', TN_EXCERPT_FILE_BYTES_MAX + 1);
    data[TN_EXCERPT_FILE_BYTES_MAX] = '\n';
    write_file("sources/large.c", data, TN_EXCERPT_FILE_BYTES_MAX + 1);
    write_file("sources/just.c", data, TN_EXCERPT_FILE_BYTES_MAX);
    write_file("sources/binary.c", "a\0b\n", 4);
    assert_hidden("large.c", 1);
    assert_hidden("binary.c", 1);
    uint32_t first;
    char *text = text_around("just.c", 1, &first);
    assert_non_null(text);
    assert_int_equal(strlen(text), TN_EXCERPT_LINE_BYTES_MAX + 1);
    free(text);
    free(data);
}

static void says_why_a_folder_cannot_be_opened(void **state)
{
    (void)state;
    struct tn_excerpts excerpts = {0};
    struct tn_error error;
    assert_int_equal(tn_excerpts_open(path_of("none"), &excerpts, &error), -ENOENT);
    assert_non_null(strstr(error.text, "cannot open the folder of the sources"));
    assert_int_equal(tn_excerpts_open(path_of("sources/ten.c"), &excerpts, &error), -ENOTDIR);
    tn_excerpts_finish(&excerpts);
    tn_excerpts_finish(NULL);
    assert_null(tn_excerpts_find(NULL, "ten.c", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_three_lines_around),
        cmocka_unit_test(finds_a_file_by_the_end_of_its_path),
        cmocka_unit_test(never_leaves_the_folder),
        cmocka_unit_test(reads_no_large_or_binary_file),
        cmocka_unit_test(says_why_a_folder_cannot_be_opened),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
