/* SPDX-License-Identifier: MIT */
/* Which row a process's parent has, across PID namespaces, and that nobody counts twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "process_rows.h"

#define OURS   4026531836u
#define THEIRS 4026532999u

/* A namespace whose PID 1 is our 500 and whose PID 2 is our 501; our own 1 and 2 are others. */
static void a_parent_is_found_by_its_own_name(void **state)
{
    (void)state;
    struct tn_process_rows rows = {0};
    const struct tn_process_id outer = {.pid = 2, .own_pid = 2, .pid_namespace = OURS, .start_time = 10};
    const struct tn_process_id first = {.pid = 500, .own_pid = 1, .pid_namespace = THEIRS, .start_time = 20};
    const struct tn_process_id second = {.pid = 501, .own_pid = 2, .pid_namespace = THEIRS, .start_time = 30};
    assert_int_equal(tn_process_rows_parent(&rows, &first, 0, 2), 0);
    assert_int_equal(tn_process_rows_add(&rows, &outer, 1), 0);
    /* Its parent is outside: it sees none, or one by the name that it had there. */
    assert_int_equal(tn_process_rows_parent(&rows, &first, 0, 2), 1);
    assert_int_equal(tn_process_rows_parent(&rows, &first, 2, 2), 1);
    assert_int_equal(tn_process_rows_add(&rows, &first, 2), 0);
    assert_int_equal(tn_process_rows_parent(&rows, &second, 1, 500), 2);
    assert_int_equal(tn_process_rows_add(&rows, &second, 3), 0);
    /* A parent that has ended: the kernel names another one, the child remembers. */
    const struct tn_process_id third = {.pid = 502, .own_pid = 3, .pid_namespace = THEIRS, .start_time = 40};
    assert_int_equal(tn_process_rows_parent(&rows, &third, 2, 500), 3);
    /* PID 2 of ours is not PID 2 of theirs. */
    const struct tn_process_id ours = {.pid = 3, .own_pid = 3, .pid_namespace = OURS, .start_time = 50};
    assert_int_equal(tn_process_rows_parent(&rows, &ours, 2, 2), 1);
    /* Whoever lost its parent is no child of a process that happens to be PID 1 here. */
    assert_int_equal(tn_process_rows_parent(&rows, &ours, 0, 1), 0);
    tn_process_rows_finish(&rows);
}

static void an_image_succeeds_its_own_process_only(void **state)
{
    (void)state;
    struct tn_process_rows rows = {0};
    const struct tn_process_id old = {.pid = 7, .own_pid = 7, .pid_namespace = OURS, .start_time = 10};
    const struct tn_process_id reused = {.pid = 7, .own_pid = 7, .pid_namespace = OURS, .start_time = 11};
    assert_int_equal(tn_process_rows_add(&rows, &old, 1), 0);
    assert_int_equal(tn_process_rows_own(&rows, &old), 1);
    assert_int_equal(tn_process_rows_own(&rows, &reused), 0);
    assert_int_equal(tn_process_rows_add(&rows, &old, 2), 0);
    assert_int_equal(tn_process_rows_own(&rows, &old), 2);
    tn_process_rows_finish(&rows);
}

static void a_process_is_counted_once(void **state)
{
    (void)state;
    struct tn_process_rows rows = {0};
    struct tn_process_shared shared = {0};
    const struct tn_process_id a = {.pid = 7, .own_pid = 7, .pid_namespace = OURS, .start_time = 10};
    const struct tn_process_id b = {.pid = 8, .own_pid = 8, .pid_namespace = OURS, .start_time = 10};
    for (int i = 0; i < 3; i++)
        tn_process_rows_note_unrecorded(&rows, &shared, &a, TN_CHILD_REFUSED);
    tn_process_rows_note_unrecorded(&rows, &shared, &a, TN_CHILD_SILENT);
    tn_process_rows_note_unrecorded(&rows, &shared, &b, TN_CHILD_SILENT);
    assert_int_equal(shared.counts.children_lost[TN_CHILD_REFUSED], 1);
    assert_int_equal(shared.images_unreported, 1);
    /* A silent image may have been loading; who was refused was refused. */
    tn_process_rows_note_recorded(&rows, &shared, &a);
    tn_process_rows_note_recorded(&rows, &shared, &b);
    tn_process_rows_note_recorded(&rows, &shared, &b);
    assert_int_equal(shared.counts.children_lost[TN_CHILD_REFUSED], 1);
    assert_int_equal(shared.images_unreported, 0);
    tn_process_rows_note_unrecorded(&rows, &shared, &b, TN_CHILD_SILENT);
    assert_int_equal(shared.images_unreported, 1);
    tn_process_rows_finish(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parent_is_found_by_its_own_name),
        cmocka_unit_test(an_image_succeeds_its_own_process_only),
        cmocka_unit_test(a_process_is_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
