/* SPDX-License-Identifier: MIT */
/* Others look at a log while it is finished, and hold its locks for a moment. Here each attempt to lock the
 * file is refused once, the first, the second and so on, as if somebody had the lock just then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "finish_fixture.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static sqlite3_vfs *real_vfs;
static const sqlite3_io_methods *real_methods;
static sqlite3_io_methods methods; /* the real ones, but for the locks */
static int countdown;              /* attempts until one is refused; below 1: none is */

static bool is_refused(void)
{
    return --countdown == 0;
}

static int lock(sqlite3_file *file, int level)
{
    return is_refused() ? SQLITE_BUSY : real_methods->xLock(file, level);
}

static int lock_shared_memory(sqlite3_file *file, int offset, int count, int flags)
{
    if ((flags & SQLITE_SHM_LOCK) != 0 && is_refused())
        return SQLITE_BUSY;
    return real_methods->xShmLock(file, offset, count, flags);
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    (void)vfs;
    int code = real_vfs->xOpen(real_vfs, name, file, flags, ret_flags);
    if (code != SQLITE_OK || (flags & SQLITE_OPEN_MAIN_DB) == 0)
        return code;
    real_methods = file->pMethods;
    methods = *real_methods;
    methods.xLock = lock;
    methods.xShmLock = lock_shared_memory;
    file->pMethods = &methods;
    return code;
}

static void install(void)
{
    static sqlite3_vfs vfs;
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.zName = "refusing";
    vfs.xOpen = open_file;
    assert_int_equal(sqlite3_vfs_register(&vfs, 1), SQLITE_OK);
}

/* Returns whether there was an attempt of that number. */
static bool finish_refused_at(int number)
{
    char path[FIXTURE_PATH_BYTES];
    struct tn_allocation expected[EVENT_COUNT];
    struct tn_finish_options options = {.rows_max = TN_ROWS_ALL};
    struct tn_error error = {0};
    fixture_path(path, "locked");
    make_log(path, expected);
    countdown = number;
    if (tn_finish(path, &options, &error) != 0)
        fail_msg("refused lock %d: %s", number, error.text);
    bool is_reached = countdown <= 0;
    countdown = 0;
    expect(path, "SELECT value FROM meta WHERE key = 'finished'", "1\n");
    fixture_remove(path);
    return is_reached;
}

static void a_lock_that_is_held_is_waited_for(void **state)
{
    (void)state;
    int number = 1;
    install();
    while (finish_refused_at(number))
        number++;
    assert_true(number > 20);
}

int main(int argument_count, char **arguments)
{
    if (argument_count < 2)
        return 2;
    places_program = realpath(arguments[1], NULL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_lock_that_is_held_is_waited_for)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
