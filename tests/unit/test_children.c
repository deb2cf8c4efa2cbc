/* SPDX-License-Identifier: MIT */
/* What parents tell of their children, matched with the hellos of these, in either order: who is silent, and
 * that nobody else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "children.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OURS   4026531836u
#define THEIRS 4026532999u
#define PARENT 7 /* its row */

static void tell(struct tn_children *children, uint32_t pid, uint64_t since_ticks, bool is_taken_back)
{
    const struct tn_event_child child = {pid, is_taken_back, since_ticks, "image", 5};
    assert_int_equal(tn_children_note(children, OURS, PARENT, &child), 0);
}

static void hear(struct tn_children *children, uint32_t pid, uint64_t parent_row, uint64_t start_ticks)
{
    assert_int_equal(tn_children_note_hello(children, pid, OURS, parent_row, start_ticks), 0);
}

/* The PIDs that a sweep has visited, added up; rows and names are as told. */
struct visit {
    uint32_t count, pids;
};

static int see(void *context, const struct tn_started_child *child)
{
    struct visit *visit = context;
    assert_int_equal(child->parent_row, PARENT);
    assert_string_equal(child->name, child->pid != 0 ? "image" : "sh");
    visit->count++;
    visit->pids += child->pid;
    return 0;
}

static struct visit sweep(struct tn_children *children, bool is_last)
{
    struct visit visit = {0, 0};
    assert_int_equal(tn_children_sweep(children, OURS, is_last, see, &visit), 0);
    return visit;
}

/* A PID that is nobody's for as long as this process does not wait for it. */
static pid_t zombie(void)
{
    pid_t pid = fork();
    siginfo_t info;
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    return pid;
}

static void a_child_that_says_hello_is_not_silent(void **state)
{
    (void)state;
    struct tn_children children = {0};
    tell(&children, 10, 100, false);
    hear(&children, 10, PARENT, 150);
    hear(&children, 11, PARENT, 150);
    tell(&children, 11, 100, false);
    hear(&children, 12, 0, 150); /* its parent has ended meanwhile */
    tell(&children, 12, 100, false);
    assert_int_equal(sweep(&children, true).count, 0);
    tn_children_finish(&children);
}

static void one_that_says_none_is_counted_once(void **state)
{
    (void)state;
    struct tn_children children = {0};
    for (uint32_t pid = 1; pid <= 100; pid++)
        tell(&children, pid, 100, false);
    for (uint32_t pid = 1; pid <= 100; pid += 2)
        hear(&children, pid, PARENT, 150);
    struct visit visit = sweep(&children, true);
    assert_int_equal(visit.count, 50);
    assert_int_equal(visit.pids, 2550);
    assert_int_equal(sweep(&children, true).count, 0);
    tn_children_finish(&children);
}

static void an_exec_that_failed_is_taken_back(void **state)
{
    (void)state;
    struct tn_children children = {0};
    for (int path = 0; path < 3; path++) {
        tell(&children, 10, 100, false);
        tell(&children, 10, 100, true);
    }
    tell(&children, 11, 100, true); /* of which nothing was told before */
    assert_int_equal(sweep(&children, true).count, 0);
    tell(&children, 10, 100, false);
    assert_int_equal(sweep(&children, true).pids, 10);
    tn_children_finish(&children);
}

/* The hello of a process that had the same PID before is not this child's. */
static void a_pid_may_be_used_again(void **state)
{
    (void)state;
    struct tn_children children = {0};
    hear(&children, 10, 0, 50);
    tell(&children, 10, 100, false);
    assert_int_equal(sweep(&children, true).pids, 10);
    tell(&children, 10, 200, false);
    tell(&children, 10, 300, false); /* the former one must have ended, silently */
    hear(&children, 10, PARENT, 350);
    assert_int_equal(sweep(&children, true).count, 0);
    assert_int_equal(children.nameless_silent, 1);
    tn_children_finish(&children);
}

/* A child that has ended may have said hello just before: that is handled before it counts. One that lives,
 * or of which nothing can be known, may still say it. */
static void the_dead_are_silent_once_all_was_handled(void **state)
{
    (void)state;
    struct tn_children children = {0};
    pid_t dead = zombie(), heard = zombie();
    const struct tn_event_child foreign = {4194303, false, 100, "image", 5};
    tell(&children, (uint32_t)dead, 100, false);
    tell(&children, (uint32_t)heard, 100, false);
    tell(&children, (uint32_t)getpid(), 100, false);
    assert_int_equal(tn_children_note(&children, THEIRS, PARENT, &foreign), 0);
    assert_int_equal(sweep(&children, false).count, 0);
    assert_int_equal(sweep(&children, false).count, 0);
    hear(&children, (uint32_t)heard, PARENT, 150);
    tn_children_note_look(&children);
    struct visit visit = sweep(&children, false);
    assert_int_equal(visit.count, 1);
    assert_int_equal(visit.pids, dead);
    assert_int_equal(sweep(&children, true).pids, (uint32_t)getpid() + foreign.pid);
    waitpid(dead, NULL, 0);
    waitpid(heard, NULL, 0);
    tn_children_finish(&children);
}

/* Children of system and popen have no PID: who came without being told of is taken for one of them. */
static void nameless_children_are_counted_by_their_number(void **state)
{
    (void)state;
    struct tn_children children = {0};
    for (int i = 0; i < 5; i++)
        tell(&children, 0, 100, false);
    tell(&children, 0, 100, true);
    hear(&children, 20, PARENT, 150);
    hear(&children, 21, PARENT, 150);
    tell(&children, 21, 100, false); /* of posix_spawn, whose word came later */
    hear(&children, 22, 0, 150);     /* an orphan */
    assert_int_equal(sweep(&children, false).count, 0);
    struct visit visit = sweep(&children, true);
    assert_int_equal(visit.count, 2);
    assert_int_equal(visit.pids, 0);
    tn_children_finish(&children);
}

static void more_than_can_be_remembered_are_counted(void **state)
{
    (void)state;
    struct tn_children children = {0};
    for (uint32_t pid = 1; pid <= TN_CHILDREN_OPEN_MAX + 3; pid++)
        tell(&children, pid, 100, false);
    assert_int_equal(children.nameless_silent, 3);
    assert_int_equal(sweep(&children, true).count, TN_CHILDREN_OPEN_MAX);
    tn_children_finish(&children);
}

static void an_event_says_what_was_put_into_it(void **state)
{
    (void)state;
    uint64_t event[TN_EVENT_CHILD_WORDS + 8];
    struct tn_event_child got = {0};
    const struct tn_event_child child = {4711, true, 99, "a-name-of-12", 12};
    tn_event_put_child(event, &child);
    uint32_t words = tn_event_words_of(event[0]);
    assert_int_equal(words, TN_EVENT_CHILD_WORDS + 2);
    assert_true(tn_event_get_child(event, words, &got));
    assert_int_equal(got.pid, 4711);
    assert_true(got.is_taken_back);
    assert_int_equal(got.since_ticks, 99);
    assert_int_equal(got.name_bytes, 12);
    assert_memory_equal(got.name, "a-name-of-12", 12);
    assert_false(tn_event_get_child(event, words - 1, &got));
    assert_false(tn_event_get_child(event, TN_EVENT_CHILD_WORDS - 1, &got));
    event[4] = TN_EVENT_CHILD_NAME_BYTES + 1;
    assert_false(tn_event_get_child(event, TN_EVENT_CHILD_WORDS + 8, &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_that_says_hello_is_not_silent),
        cmocka_unit_test(one_that_says_none_is_counted_once),
        cmocka_unit_test(an_exec_that_failed_is_taken_back),
        cmocka_unit_test(a_pid_may_be_used_again),
        cmocka_unit_test(the_dead_are_silent_once_all_was_handled),
        cmocka_unit_test(nameless_children_are_counted_by_their_number),
        cmocka_unit_test(more_than_can_be_remembered_are_counted),
        cmocka_unit_test(an_event_says_what_was_put_into_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
