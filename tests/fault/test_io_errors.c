/* SPDX-License-Identifier: MIT */
/* Writes a small log again and again, and lets the Nth call that SQLite makes of the operating system fail,
 * N = 1, 2, ... until nothing fails any more. Each time: no crash, the error is told, and what was committed
 * before can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka's header wants the four above before it. */
#include <cmocka.h>

#include "tenure/log.h"
#include "tenure/log_write.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMIT_COUNT      4
#define BIRTHS_PER_COMMIT 500
#define FAULTS_MAX        3000

/* A VFS in front of the real one. Its files hold the real file behind them. */
struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real;
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs faulty_vfs;
static sqlite3_io_methods methods;
static long countdown; /* calls until one fails; 0: none fails */
static int fault_code; /* what the failing call and all after it give */
static long calls;

/* Once something has failed, it stays so: a disk that is full does not empty itself. */
static int fault(void)
{
    calls++;
    if (countdown != 0 && calls >= countdown)
        return fault_code;
    return SQLITE_OK;
}

static sqlite3_file *real_file(sqlite3_file *file)
{
    return ((struct faulty_file *)file)->real;
}

static int faulty_close(sqlite3_file *file)
{
    sqlite3_file *real = real_file(file);
    int code = real->pMethods != NULL ? real->pMethods->xClose(real) : SQLITE_OK;
    sqlite3_free(real);
    return code;
}

static int faulty_read(sqlite3_file *file, void *data, int size_bytes, sqlite3_int64 offset)
{
    return real_file(file)->pMethods->xRead(real_file(file), data, size_bytes, offset);
}

static int faulty_write(sqlite3_file *file, const void *data, int size_bytes, sqlite3_int64 offset)
{
    int code = fault();
    return code ? code : real_file(file)->pMethods->xWrite(real_file(file), data, size_bytes, offset);
}

static int faulty_truncate(sqlite3_file *file, sqlite3_int64 size_bytes)
{
    int code = fault();
    return code ? code : real_file(file)->pMethods->xTruncate(real_file(file), size_bytes);
}

static int faulty_sync(sqlite3_file *file, int flags)
{
    int code = fault();
    return code ? code : real_file(file)->pMethods->xSync(real_file(file), flags);
}

static int faulty_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    return real_file(file)->pMethods->xFileSize(real_file(file), ret_size);
}

static int faulty_lock(sqlite3_file *file, int level)
{
    return real_file(file)->pMethods->xLock(real_file(file), level);
}

static int faulty_unlock(sqlite3_file *file, int level)
{
    return real_file(file)->pMethods->xUnlock(real_file(file), level);
}

static int faulty_reserved(sqlite3_file *file, int *ret_is_locked)
{
    return real_file(file)->pMethods->xCheckReservedLock(real_file(file), ret_is_locked);
}

static int faulty_control(sqlite3_file *file, int operation, void *argument)
{
    return real_file(file)->pMethods->xFileControl(real_file(file), operation, argument);
}

static int faulty_sector(sqlite3_file *file)
{
    return real_file(file)->pMethods->xSectorSize(real_file(file));
}

static int faulty_device(sqlite3_file *file)
{
    return real_file(file)->pMethods->xDeviceCharacteristics(real_file(file));
}

static int faulty_map(sqlite3_file *file, int page, int page_bytes, int extend, void volatile **ret_memory)
{
    int code = fault();
    return code ? code
                : real_file(file)->pMethods->xShmMap(real_file(file), page, page_bytes, extend, ret_memory);
}

static int faulty_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real_file(file)->pMethods->xShmLock(real_file(file), offset, n, flags);
}

static void faulty_barrier(sqlite3_file *file)
{
    real_file(file)->pMethods->xShmBarrier(real_file(file));
}

static int faulty_unmap(sqlite3_file *file, int is_deleting)
{
    return real_file(file)->pMethods->xShmUnmap(real_file(file), is_deleting);
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    struct faulty_file *own = (struct faulty_file *)file;
    (void)vfs;
    own->base.pMethods = NULL;
    int code = fault();
    if (code != SQLITE_OK)
        return SQLITE_CANTOPEN;
    own->real = sqlite3_malloc(real_vfs->szOsFile);
    memset(own->real, 0, (size_t)real_vfs->szOsFile);
    code = real_vfs->xOpen(real_vfs, name, own->real, flags, ret_flags);
    if (code != SQLITE_OK) {
        sqlite3_free(own->real);
        return code;
    }
    own->base.pMethods = &methods;
    return SQLITE_OK;
}

static int faulty_delete(sqlite3_vfs *vfs, const char *name, int is_synced)
{
    (void)vfs;
    return real_vfs->xDelete(real_vfs, name, is_synced);
}

static void install(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    methods = (sqlite3_io_methods){
        .iVersion = 2,
        .xClose = faulty_close,
        .xRead = faulty_read,
        .xWrite = faulty_write,
        .xTruncate = faulty_truncate,
        .xSync = faulty_sync,
        .xFileSize = faulty_size,
        .xLock = faulty_lock,
        .xUnlock = faulty_unlock,
        .xCheckReservedLock = faulty_reserved,
        .xFileControl = faulty_control,
        .xSectorSize = faulty_sector,
        .xDeviceCharacteristics = faulty_device,
        .xShmMap = faulty_map,
        .xShmLock = faulty_shm_lock,
        .xShmBarrier = faulty_barrier,
        .xShmUnmap = faulty_unmap,
    };
    faulty_vfs = *real_vfs;
    faulty_vfs.szOsFile = sizeof(struct faulty_file);
    faulty_vfs.zName = "faulty";
    faulty_vfs.xOpen = faulty_open;
    faulty_vfs.xDelete = faulty_delete;
    assert_int_equal(sqlite3_vfs_register(&faulty_vfs, 1), SQLITE_OK);
}

/* Births of one second's work, each with a stack of its own so that all tables grow. */
static int add_births(struct tn_log_writer *writer, uint64_t process_id, uint64_t thread_id,
                      uint64_t module_id, uint64_t first)
{
    for (uint64_t i = first; i < first + BIRTHS_PER_COMMIT; i++) {
        uint64_t frame_id = 0, stack_id = 0, id = 0;
        int error = tn_log_intern_frame(writer, module_id, 0x1000 + i * 16, &frame_id);
        if (error == 0)
            error = tn_log_intern_stack(writer, frame_id, 0, 32, false, &stack_id);
        struct tn_birth birth = {.process_id = process_id,
                                 .thread_id = thread_id,
                                 .stack_id = stack_id,
                                 .time_ns = 1000 + i,
                                 .size_bytes = i % 700,
                                 .usable_size_bytes = i % 700 + 8,
                                 .address = 0x10000 + i * 1024,
                                 .function = TN_FUNCTION_MALLOC};
        if (error == 0)
            error = tn_log_add_birth(writer, &birth, &id);
        if (error != 0)
            return error;
    }
    return 0;
}

static int begin(struct tn_log_writer *writer, uint64_t *ret_process, uint64_t *ret_thread,
                 uint64_t *ret_module)
{
    struct tn_log_process process = {.pid = 1, .executable = "/bin/x", .command_line = "x", .start_ns = 0};
    int error = tn_log_add_process(writer, &process, ret_process);
    if (error != 0)
        return error;
    struct tn_log_thread thread = {
        .process_id = *ret_process, .tid = 1, .name = "x", .stack_size_bytes = 8192};
    error = tn_log_add_thread(writer, &thread, ret_thread);
    if (error != 0)
        return error;
    return tn_log_add_module(writer, "/bin/x", "ab", ret_module);
}

/* Write a log, as far as it goes.
 *
 * ret_committed  births in commits that succeeded
 * Returns        0 when nothing failed, else the first error */
static int write_log(const char *path, uint64_t *ret_committed)
{
    struct tn_log_options options = {.path = path, .options = "", .clock = "monotonic"};
    struct tn_log_writer *writer = NULL;
    struct tn_error story = {0};
    uint64_t process_id = 0, thread_id = 0, module_id = 0;
    *ret_committed = 0;
    int error = tn_log_create(&options, &writer, &story);
    if (error != 0) {
        assert_int_not_equal(story.text[0], '\0');
        assert_int_not_equal(access(path, F_OK), 0);
        return error;
    }
    error = begin(writer, &process_id, &thread_id, &module_id);
    for (uint64_t n = 0; n < COMMIT_COUNT && error == 0; n++) {
        error = add_births(writer, process_id, thread_id, module_id, n * BIRTHS_PER_COMMIT);
        if (error == 0)
            error = tn_log_commit(writer);
        if (error == 0)
            *ret_committed += BIRTHS_PER_COMMIT;
    }
    if (error == 0)
        error = tn_log_end_process(writer, process_id, 100000, TN_EXIT_EXIT, 0);
    if (error == 0)
        return tn_log_writer_close(writer, 100000, &story);
    assert_int_equal(tn_log_writer_error(writer)->code, error);
    assert_int_equal(tn_log_commit(writer), error);
    tn_log_writer_abandon(writer);
    return error;
}

/* The births that a reader finds. A log that was never begun has none. */
static uint64_t read_log(const char *path)
{
    struct tn_log *log = NULL;
    struct tn_error story = {0};
    struct tn_event_cursor *cursor = NULL;
    const struct tn_log_event *event = NULL;
    uint64_t births = 0;
    if (access(path, F_OK) != 0)
        return 0;
    int error = tn_log_open(path, &log, &story);
    if (error != 0)
        return 0;
    assert_int_equal(tn_event_cursor_open(tn_log_database(log), 0, &cursor), 0);
    while ((error = tn_event_cursor_next(cursor, &event)) == 1)
        births += event->is_birth;
    assert_int_equal(error, 0);
    tn_event_cursor_close(cursor);
    tn_log_close(log);
    return births;
}

static void forget(const char *path)
{
    char name[300];
    const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

static void every_call_fails_once(int code)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/tenure-io-%d.db", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
             (int)getpid());
    int error = -1;
    long n = 0;
    while (error != 0 && n < FAULTS_MAX) {
        uint64_t committed = 0;
        n++;
        forget(path);
        calls = 0;
        countdown = n;
        fault_code = code;
        error = write_log(path, &committed);
        countdown = 0;
        if (error == 0)
            assert_int_equal(committed, COMMIT_COUNT * BIRTHS_PER_COMMIT);
        uint64_t found = read_log(path);
        if (found < committed)
            print_message("call %ld of %ld: %lu committed, %lu found\n", n, calls, (unsigned long)committed,
                          (unsigned long)found);
        assert_true(found >= committed);
    }
    forget(path);
    print_message("%ld calls failed in turn\n", n - 1);
    assert_int_equal(error, 0);
    assert_true(n > 20);
}

static void full_disk(void **state)
{
    (void)state;
    every_call_fails_once(SQLITE_FULL);
}

static void broken_disk(void **state)
{
    (void)state;
    every_call_fails_once(SQLITE_IOERR_WRITE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_disk),
        cmocka_unit_test(broken_disk),
    };
    install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
