/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_writer.h"
#include "mappings.h"
#include "proc.h"
#include "stacks.h"

#include "tenure/event_body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct world {
    struct fake_writer fake;
    struct tn_module_files files;
    struct tn_mappings modules;
    struct tn_stacks stacks;
    struct tn_mapping_context context;
};

static void begin(struct world *world)
{
    *world = (struct world){0};
    world->context = (struct tn_mapping_context){
        .writer = fake_writer_of(&world->fake),
        .files = &world->files,
        .process_id = 1,
        .pid = getpid(),
    };
}

static void finish(struct world *world)
{
    tn_mappings_finish(&world->modules);
    tn_module_files_finish(&world->files);
    tn_stacks_finish(&world->stacks);
    fake_writer_finish(&world->fake);
}

static uint32_t module_event(uint64_t *event, uint64_t bias, uint64_t start, uint64_t end, const char *path)
{
    size_t path_words = (strlen(path) + 7) / 8;
    uint32_t words = TN_EVENT_MODULE_WORDS + 1 + (uint32_t)path_words;
    memset(event, 0, words * 8);
    event[0] = tn_event_head(TN_EVENT_MODULE, words, TN_FUNCTION_NONE, 0, 0);
    event[2] = bias;
    event[3] = start;
    event[4] = end;
    event[5] = 5 | (uint64_t)strlen(path) << 32;
    memcpy(&event[6], "\x01\xab\x00\xff\x10", 5);
    memcpy(&event[7], path, strlen(path));
    return words;
}

static void map(struct world *world, uint64_t bias, uint64_t start, uint64_t end, const char *path)
{
    uint64_t event[64];
    uint32_t words = module_event(event, bias, start, end, path);
    assert_int_equal(tn_mappings_add(&world->modules, &world->context, event, words), 0);
}

static void test_mappings(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    map(&world, 0x5000, 0x6000, 0x7000, "/b");
    map(&world, 0x1000, 0x1000, 0x2000, "/a");
    map(&world, 0x9000, 0x9000, 0xa000, "/c");
    assert_int_equal(tn_mappings_find(&world.modules, 0x1fff)->bias, 0x1000);
    assert_null(tn_mappings_find(&world.modules, 0x2000));
    assert_int_equal(tn_mappings_find(&world.modules, 0x6000)->bias, 0x5000);
    assert_null(tn_mappings_find(&world.modules, 0xa000));
    assert_int_equal(world.fake.mappings, 3);
    map(&world, 0x1800, 0x1800, 0x6800, "/d");
    assert_int_equal(world.fake.mappings, 2);
    assert_int_equal(tn_mappings_find(&world.modules, 0x1900)->bias, 0x1800);
    assert_null(tn_mappings_find(&world.modules, 0x6900));
    uint64_t gone[4] = {tn_event_head(TN_EVENT_MODULE_GONE, 4, TN_FUNCTION_NONE, 0, 0), 0, 0x1800, 0x1800};
    assert_int_equal(tn_mappings_remove(&world.modules, &world.context, gone, 4), 0);
    assert_null(tn_mappings_find(&world.modules, 0x1900));
    assert_int_equal(world.fake.mappings, 1);
    assert_int_equal(tn_mappings_remove(&world.modules, &world.context, gone, 4), 0);
    assert_int_equal(tn_mappings_remove(&world.modules, &world.context, gone, 3), -EBADMSG);
    finish(&world);
}

static void test_module_files_are_held(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    char path[] = "/tmp/tenure-module-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "module", 6) == 6);
    close(fd);
    map(&world, 0, 0x1000, 0x2000, path);
    map(&world, 0, 0x3000, 0x4000, "/dev/zero");
    map(&world, 0, 0x5000, 0x6000, "[vdso]");
    unlink(path);
    assert_int_equal(world.files.count, 1);
    char text[8] = {0};
    assert_int_equal(pread(world.files.files[0].fd, text, 7, 0), 6);
    assert_string_equal(text, "module");
    finish(&world);
}

static void test_bad_modules(void **state)
{
    (void)state;
    struct world world;
    uint64_t event[64];
    begin(&world);
    uint32_t words = module_event(event, 0, 0x1000, 0x2000, "/a/path");
    assert_int_equal(tn_mappings_add(&world.modules, &world.context, event, words - 1), -EBADMSG);
    assert_int_equal(tn_mappings_add(&world.modules, &world.context, event, 3), -EBADMSG);
    event[5] = 5 | UINT64_C(0xfffffff0) << 32;
    assert_int_equal(tn_mappings_add(&world.modules, &world.context, event, words), -EBADMSG);
    event[5] = 2000 | UINT64_C(3) << 32;
    assert_int_equal(tn_mappings_add(&world.modules, &world.context, event, words), -EBADMSG);
    words = module_event(event, 0, 0x2000, 0x2000, "/a");
    assert_int_equal(tn_mappings_add(&world.modules, &world.context, event, words), -EBADMSG);
    assert_int_equal(world.fake.modules, 0);
    finish(&world);
}

/* Frames, innermost first: the given ones, then 0x1100, 0x1110... outwards. */
static uint32_t stack_event(uint64_t *event, const struct tn_event_frame *inner, uint32_t inner_count,
                            uint32_t outer_count, bool is_cut)
{
    uint64_t frames[64];
    uint32_t words = 0;
    for (uint32_t i = 0; i < inner_count; i++)
        words += tn_frame_put(frames + words, inner[i].pc, inner[i].frame_bytes);
    for (uint32_t i = 0; i < outer_count; i++)
        words += tn_frame_put(frames + words, 0x1100 + i * 0x10, 32);
    event[1] = 0;
    tn_event_put_stack(event, 1, frames, words, inner_count + outer_count, is_cut);
    return TN_EVENT_STACK_WORDS + words;
}

static uint64_t take(struct world *world, const uint64_t *event, uint32_t words)
{
    uint64_t row = 0;
    assert_int_equal(
        tn_stacks_intern(&world->stacks, world->context.writer, &world->modules, event, words, &row), 0);
    return row;
}

static void test_stacks_share_their_callers(void **state)
{
    (void)state;
    struct world world;
    uint64_t event[64];
    begin(&world);
    map(&world, 0x1000, 0x1000, 0x2000, "/a");
    const struct tn_event_frame inner[] = {{0x1500, 16}, {0x1600, 48}};
    uint64_t first = take(&world, event, stack_event(event, inner, 1, 5, false));
    assert_int_equal(world.fake.stacks, 6);
    uint64_t second = take(&world, event, stack_event(event, inner + 1, 1, 5, false));
    assert_int_equal(world.fake.stacks, 7);
    assert_int_not_equal(first, second);
    assert_int_equal(take(&world, event, stack_event(event, inner, 1, 5, false)), first);
    uint64_t cut = take(&world, event, stack_event(event, inner, 1, 5, true));
    assert_int_not_equal(cut, first);
    assert_int_equal(take(&world, event, stack_event(event, inner, 1, 5, false)), first);
    tn_stacks_reset(&world.stacks);
    assert_int_equal(take(&world, event, stack_event(event, inner, 1, 5, false)), first);
    assert_int_equal(take(&world, event, stack_event(event, inner, 0, 0, false)), 0);
    finish(&world);
}

/* A frame larger than half a megabyte takes a word more. */
static void test_large_frames(void **state)
{
    (void)state;
    struct world world;
    uint64_t event[64];
    begin(&world);
    const struct tn_event_frame inner = {0x1500, 8 * UINT64_C(0x12345)};
    uint32_t words = stack_event(event, &inner, 1, 2, false);
    assert_int_equal(words, TN_EVENT_STACK_WORDS + 4);
    take(&world, event, words);
    assert_int_equal(world.fake.stacks, 3);
    assert_int_equal(world.stacks.last[2].frame_bytes, 8 * UINT64_C(0x12345));
    finish(&world);
}

static void test_bad_stacks(void **state)
{
    (void)state;
    struct world world;
    uint64_t event[64], row = 77;
    begin(&world);
    uint32_t words = stack_event(event, NULL, 0, 4, false);
    struct tn_log_writer *writer = world.context.writer;
    assert_int_equal(tn_stacks_intern(&world.stacks, writer, &world.modules, event, words - 1, &row),
                     -EBADMSG);
    assert_int_equal(tn_stacks_intern(&world.stacks, writer, &world.modules, event, 2, &row), -EBADMSG);
    event[2] = UINT32_MAX;
    assert_int_equal(tn_stacks_intern(&world.stacks, writer, &world.modules, event, words, &row), -EBADMSG);
    event[2] = 4;
    event[words - 1] |= TN_FRAME_BYTES_ESCAPE << 48;
    assert_int_equal(tn_stacks_intern(&world.stacks, writer, &world.modules, event, words, &row), -EBADMSG);
    assert_int_equal(row, 77);
    finish(&world);
}

/* What /proc tells of a process that this test knows well. */
static void test_proc(void **state)
{
    (void)state;
    struct tn_proc_stat stat;
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        close(pipe_fds[1]);
        _exit(read(pipe_fds[0], &byte, 1) == 0 ? 42 : 1);
    }
    char path[64];
    bool is_folder;
    int pidfd = tn_proc_open_pidfd(pid, &is_folder);
    assert_true(pidfd >= 0);
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    int folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(tn_proc_read_stat(pid, &stat), 0);
    assert_int_equal(stat.parent_pid, getpid());
    assert_true(stat.start_time != 0);
    assert_false(tn_proc_has_ended(pidfd, is_folder));
    assert_false(tn_proc_has_ended(folder_fd, true));
    assert_int_equal(tn_proc_has_rings(pid), 0);
    close(pipe_fds[1]);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_true(tn_proc_has_ended(pidfd, is_folder));
    assert_true(tn_proc_has_ended(folder_fd, true));
    enum tn_exit_kind kind;
    int code;
    tn_proc_exit_status(pid, pidfd, &kind, &code);
    assert_int_equal(kind, TN_EXIT_EXIT);
    assert_int_equal(code, 42);
    waitpid(pid, NULL, 0);
    assert_true(tn_proc_has_ended(folder_fd, true));
    close(folder_fd);
    assert_true(tn_proc_read_stat(pid, &stat) < 0);
    assert_true(tn_proc_thread_is_gone(pid, pid));
    assert_false(tn_proc_thread_is_gone(getpid(), getpid()));
    close(pidfd);
    close(pipe_fds[0]);
}

static void test_command_line_is_quoted(void **state)
{
    (void)state;
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipe_fds[0], 0);
        close(pipe_fds[1]);
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
        execl("/bin/cat", "cat", "-", "a b", "it's", "", "/nowhere/x=1", (char *)NULL);
        _exit(1);
    }
    struct tn_buffer text = {0};
    char executable[4096];
    /* The kernel shows the new executable a moment before its arguments. */
    do {
        tn_buffer_finish(&text);
        tn_proc_executable(pid, executable, sizeof(executable));
        assert_int_equal(tn_proc_command_line(pid, &text), 0);
    } while ((strstr(executable, "cat") == NULL || text.data[0] == '\0') &&
             !tn_proc_thread_is_gone(pid, pid));
    assert_string_equal((const char *)text.data, "cat - 'a b' 'it'\\''s' '' /nowhere/x=1");
    tn_buffer_finish(&text);
    close(pipe_fds[1]);
    waitpid(pid, NULL, 0);
    close(pipe_fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mappings),     cmocka_unit_test(test_module_files_are_held),
        cmocka_unit_test(test_bad_modules),  cmocka_unit_test(test_stacks_share_their_callers),
        cmocka_unit_test(test_large_frames), cmocka_unit_test(test_bad_stacks),
        cmocka_unit_test(test_proc),         cmocka_unit_test(test_command_line_is_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
