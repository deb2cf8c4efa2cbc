/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a task of 1,000 steps writes to a stderr that is a file. start_ns: when it began; 1: long ago. */
static void run_task(bool has_lines, uint64_t start_ns, char *ret_text, size_t text_bytes)
{
    FILE *file = tmpfile();
    int before = dup(STDERR_FILENO);
    assert_non_null(file);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    struct tn_progress progress = {.what = "working", .has_lines = has_lines, .start_ns = start_ns};
    for (uint64_t i = 0; i < 1000; i++)
        tn_progress_show(&progress, i, 1000);
    tn_progress_end(&progress);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(file);
    size_t length = fread(ret_text, 1, text_bytes - 1, file);
    ret_text[length] = '\0';
    fclose(file);
}

static void every_tenth_is_a_line(void **state)
{
    (void)state;
    char text[4096], wanted[4096] = "";
    for (int percent = 0; percent < 100; percent += 10)
        sprintf(wanted + strlen(wanted), "tenure: working, %d %%\n", percent);
    run_task(true, 1, text, sizeof(text));
    assert_string_equal(text, wanted);
}

static void nothing_is_written_unasked(void **state)
{
    (void)state;
    char text[4096];
    run_task(false, 1, text, sizeof(text));
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tenth_is_a_line),
        cmocka_unit_test(nothing_is_written_unasked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
