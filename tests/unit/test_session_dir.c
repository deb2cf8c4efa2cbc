/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "handshake.h"
#include "proc.h"
#include "session_dir.h"
#include "tool_link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    char root[64];
    char session[80];
};

static int setup(void **state)
{
    static struct place place;
    strcpy(place.root, "/tmp/tenure-unit-XXXXXX");
    if (mkdtemp(place.root) == NULL)
        return -1;
    snprintf(place.session, sizeof(place.session), "%s/tenure", place.root);
    *state = &place;
    return setenv("XDG_RUNTIME_DIR", place.root, 1);
}

static int teardown(void **state)
{
    const struct place *place = *state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", place->root);
    return system(command);
}

static unsigned count_entries(const struct place *place)
{
    char command[128];
    snprintf(command, sizeof(command), "ls -A %s | wc -l", place->session);
    FILE *pipe = popen(command, "r");
    unsigned count = 0;
    assert_int_equal(fscanf(pipe, "%u", &count), 1);
    pclose(pipe);
    return count;
}

static void test_made_private(void **state)
{
    const struct place *place = *state;
    struct tn_session_dir directory;
    struct stat status;
    assert_int_equal(tn_session_dir_open(&directory, NULL), 0);
    assert_int_equal(stat(place->session, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(count_entries(place), 1);
    tn_session_dir_close(&directory);
    assert_int_equal(count_entries(place), 0);
    tn_session_dir_close(&directory);
}

/* Another place is taken, and why. */
static void check_passed_over(const struct place *place, const char *why)
{
    struct tn_session_dir directory;
    struct stat status;
    assert_int_equal(tn_session_dir_open(&directory, NULL), 0);
    assert_string_not_equal(directory.path, place->session);
    assert_true(directory.reason.code < 0);
    assert_non_null(strstr(directory.reason.text, place->root));
    assert_non_null(strstr(directory.reason.text, why));
    assert_int_equal(stat(directory.path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(status.st_uid, geteuid());
    tn_session_dir_close(&directory);
}

static void test_open_to_others_is_passed_over(void **state)
{
    const struct place *place = *state;
    assert_int_equal(chmod(place->session, 0755), 0);
    check_passed_over(place, "is open to others: chmod 700 it");
    assert_int_equal(chmod(place->session, 0700), 0);
}

static void test_session_folder_of_another_user_is_passed_over(void **state)
{
    const struct place *place = *state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(place->session, 12345, 12345), 0);
    check_passed_over(place, " belongs to another user");
    assert_int_equal(chown(place->session, 0, 0), 0);
}

/* As after `sudo -E`: root could write there, but its owner could replace what root puts there. */
static void test_runtime_folder_of_another_user_is_passed_over(void **state)
{
    const struct place *place = *state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(place->root, 12345, 12345), 0);
    check_passed_over(place, "belongs to another user, or does not exist");
    assert_int_equal(chown(place->root, 0, 0), 0);
}

static void test_missing_runtime_folder_is_passed_over(void **state)
{
    struct place place = *(const struct place *)*state;
    strcpy(place.root, "/tmp/tenure-no-such-folder");
    setenv("XDG_RUNTIME_DIR", place.root, 1);
    check_passed_over(&place, "belongs to another user, or does not exist");
    setenv("XDG_RUNTIME_DIR", ((const struct place *)*state)->root, 1);
}

/* The socket's path would not fit; so the place is none, which needs no word. */
static void test_long_runtime_folder_is_passed_over(void **state)
{
    const struct place *place = *state;
    struct tn_session_dir directory;
    char longer[sizeof(place->root) + TN_SESSION_PLACE_BYTES + 8];
    snprintf(longer, sizeof(longer), "%s/%080d", place->root, 0);
    assert_int_equal(mkdir(longer, 0700), 0);
    setenv("XDG_RUNTIME_DIR", longer, 1);
    assert_int_equal(tn_session_dir_open(&directory, NULL), 0);
    assert_null(strstr(directory.path, place->root));
    assert_true(strlen(directory.socket_path) < 108);
    tn_session_dir_close(&directory);
    setenv("XDG_RUNTIME_DIR", place->root, 1);
}

static void test_symbolic_link_is_passed_over(void **state)
{
    const struct place *place = *state;
    char other[96];
    snprintf(other, sizeof(other), "%s-other", place->session);
    assert_int_equal(rename(place->session, other), 0);
    assert_int_equal(symlink(other, place->session), 0);
    check_passed_over(place, "cannot open the session directory");
    assert_int_equal(unlink(place->session), 0);
    assert_int_equal(rename(other, place->session), 0);
}

/* What a killed recorder left is removed by the next one; what lives stays. */
static void test_sweeps_what_the_dead_left(void **state)
{
    const struct place *place = *state;
    struct tn_session_dir mine, other;
    pid_t pid = fork();
    if (pid == 0) {
        if (tn_session_dir_open(&other, NULL) < 0 || tn_session_dir_link_process(&other, 4242, 17) < 0)
            _exit(1);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(count_entries(place), 2);
    assert_int_equal(tn_session_dir_open(&mine, NULL), 0);
    assert_int_equal(count_entries(place), 1);
    assert_false(tn_session_dir_has_process(&mine, 4242, 17));
    tn_session_dir_close(&mine);
}

/* The children of a process that lives must find out that its recorder has died. */
static void test_links_of_the_living_stay(void **state)
{
    const struct place *place = *state;
    struct tn_session_dir mine, other;
    struct tn_proc_stat own;
    assert_int_equal(tn_proc_read_stat(getpid(), &own), 0);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        _exit(tn_session_dir_open(&other, NULL) < 0 ||
              tn_session_dir_link_process(&other, parent, own.start_time) < 0 ||
              tn_session_dir_link_process(&other, parent, own.start_time + 1) < 0);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(count_entries(place), 3);
    assert_int_equal(tn_session_dir_open(&mine, NULL), 0);
    assert_true(tn_session_dir_has_process(&mine, parent, own.start_time));
    assert_false(tn_session_dir_has_process(&mine, parent, own.start_time + 1));
    assert_int_equal(count_entries(place), 3); /* the link, the dead one's socket, and ours */
    tn_session_dir_unlink_process(&mine, parent, own.start_time);
    tn_session_dir_close(&mine);
    assert_int_equal(tn_session_dir_open(&mine, NULL), 0);
    tn_session_dir_close(&mine);
    assert_int_equal(count_entries(place), 0);
}

static void test_links_lead_to_the_socket(void **state)
{
    const struct place *place = *state;
    struct tn_session_dir directory;
    char log_path[96];
    snprintf(log_path, sizeof(log_path), "%s/some.db", place->root);
    int fd = open(log_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(tn_session_dir_open(&directory, NULL), 0);
    assert_int_equal(tn_session_dir_connect_log(&directory, log_path), -ENOENT);
    assert_int_equal(tn_session_dir_link_log(&directory, log_path), 0);
    int connection = tn_session_dir_connect_log(&directory, log_path);
    assert_true(connection >= 0);
    close(connection);
    assert_int_equal(tn_session_dir_link_process(&directory, 77, 5), 0);
    assert_true(tn_session_dir_has_process(&directory, 77, 5));
    assert_false(tn_session_dir_has_process(&directory, 77, 6));
    assert_int_equal(tn_session_dir_link_process(&directory, 77, 5), 0);
    tn_session_dir_unlink_process(&directory, 77, 5);
    assert_false(tn_session_dir_has_process(&directory, 77, 5));
    tn_session_dir_close(&directory);
    assert_int_equal(count_entries(place), 0);
}

/* Who asks looks where a recorder would be; what is open to others, and what a dead recorder left, is passed
 * over. */
static void test_recorders_are_found_in_private_places(void **state)
{
    const struct place *place = *state;
    struct tn_session_dir directory;
    assert_int_equal(tn_session_dir_open(&directory, NULL), 0);
    assert_int_equal(tn_session_dir_find_process(77, 5), -ENOENT);
    assert_int_equal(tn_session_dir_link_process(&directory, 77, 5), 0);
    int connection = tn_session_dir_find_process(77, 5);
    assert_true(connection >= 0);
    close(connection);
    assert_int_equal(tn_session_dir_find_process(77, 6), -ENOENT);
    assert_int_equal(tn_session_dir_find_log("/no/such/log"), -ENOENT);
    assert_int_equal(chmod(place->session, 0755), 0);
    assert_int_equal(tn_session_dir_find_process(77, 5), -ENOENT);
    assert_int_equal(chmod(place->session, 0700), 0);
    close(directory.listen_fd);
    directory.listen_fd = -1;
    assert_int_equal(tn_session_dir_find_process(77, 5), -ECONNREFUSED);
    tn_session_dir_close(&directory);
}

/* What is not a hello is told so, and never taken for one. */
static void test_hello_is_checked(void **state)
{
    (void)state;
    struct tn_handshake handshake;
    uint32_t status;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(tn_handshake_peek(pair[0], &handshake, &status), -EAGAIN);
    assert_int_equal(send(pair[1], "short", 5, 0), 5);
    assert_int_equal(tn_handshake_peek(pair[0], &handshake, &status), 0);
    assert_int_equal(status, TN_WELCOME_MISMATCH);
    tn_handshake_answer(pair[0], (struct tn_welcome){.status = status});
    struct tn_welcome welcome;
    assert_int_equal(recv(pair[1], &welcome, sizeof(welcome), 0), sizeof(welcome));
    assert_int_equal(welcome.status, TN_WELCOME_MISMATCH);
    struct tn_hello hello = {.magic = TN_SESSION_MAGIC, .reason = TN_HELLO_START};
    assert_int_equal(send(pair[1], &hello, sizeof(hello), 0), sizeof(hello));
    assert_int_equal(tn_handshake_peek(pair[0], &handshake, &status), 0);
    assert_int_equal(status, TN_WELCOME_REFUSED); /* no memory came along */
    assert_int_equal(tn_handshake_peek(pair[0], &handshake, &status), 0);
    assert_int_equal(handshake.id.pid, getpid());
    tn_handshake_answer(pair[0], (struct tn_welcome){.status = status});
    assert_int_equal(recv(pair[1], &welcome, sizeof(welcome), 0), sizeof(welcome));
    assert_int_equal(tn_handshake_peek(pair[0], &handshake, &status), -EAGAIN);
    close(pair[1]);
    assert_int_equal(tn_handshake_peek(pair[0], &handshake, &status), -EPIPE);
    close(pair[0]);
}

/* The other recorder: it sees the program's hello as if it had come to itself, and says that it has answered.
 */
static int adopt(int recorder_fd)
{
    struct tn_handshake handshake;
    uint32_t status;
    if (tn_handshake_peek(recorder_fd, &handshake, &status) != 0 || status != TN_WELCOME_OK ||
        handshake.hello.reason != TN_HELLO_ADOPT)
        return 1;
    int connection_fd = handshake.memory_fd;
    if (tn_handshake_peek(connection_fd, &handshake, &status) != 0 || handshake.hello.pid != 4711)
        return 2;
    tn_handshake_answer(connection_fd, (struct tn_welcome){.status = TN_WELCOME_IGNORED});
    tn_handshake_answer(recorder_fd, (struct tn_welcome){.status = TN_WELCOME_OK});
    return 0;
}

static void test_connection_is_handed_over(void **state)
{
    (void)state;
    int program[2], recorders[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, program), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, recorders), 0);
    struct tn_hello hello = {.magic = TN_SESSION_MAGIC, .reason = TN_HELLO_START, .pid = 4711};
    assert_int_equal(send(program[1], &hello, sizeof(hello), 0), sizeof(hello));
    pid_t pid = fork();
    if (pid == 0) {
        close(program[0]);
        close(program[1]);
        char byte;
        recv(recorders[1], &byte, 1, MSG_PEEK);
        _exit(adopt(recorders[1]));
    }
    close(recorders[1]);
    assert_int_equal(tn_handshake_hand_over(recorders[0], program[0]), 0);
    close(program[0]);
    struct tn_welcome welcome;
    assert_int_equal(recv(program[1], &welcome, sizeof(welcome), 0), sizeof(welcome));
    assert_int_equal(welcome.status, TN_WELCOME_IGNORED);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(tn_handshake_hand_over(recorders[0], program[1]) < 0);
    close(program[1]);
    close(recorders[0]);
}

static void test_lines_of_the_tool(void **state)
{
    (void)state;
    struct tn_tool_link status = {.fd = -1};
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    status.fd = pair[0];
    assert_int_equal(send(pair[1], "what\nchild 12", 13, 0), 13);
    tn_tool_link_read(&status);
    assert_false(status.has_child);
    assert_int_equal(send(pair[1], "34\nexited 256\nclo", 17, 0), 17);
    tn_tool_link_read(&status);
    assert_true(status.has_child && status.child_pid == 1234);
    assert_true(status.has_exited && status.child_status == 256);
    assert_false(status.is_to_close);
    char flood[5000];
    memset(flood, 'x', sizeof(flood) - 1);
    flood[sizeof(flood) - 1] = '\0';
    assert_int_equal(send(pair[1], flood, strlen(flood), 0), strlen(flood));
    assert_int_equal(send(pair[1], "\nclose\n", 7, 0), 7);
    tn_tool_link_send(&status, "%.*s", (int)sizeof(flood), flood);
    tn_tool_link_read(&status);
    assert_true(status.is_to_close);
    char line[2 * TN_RECORD_LINE_BYTES];
    ssize_t length = recv(pair[1], line, sizeof(line), 0);
    assert_in_range(length, 100, TN_RECORD_LINE_BYTES);
    assert_int_equal(line[length - 1], '\n');
    close(pair[1]);
    tn_tool_link_read(&status);
    assert_int_equal(status.fd, -1);
    tn_tool_link_send(&status, "nobody listens");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_private),
        cmocka_unit_test(test_open_to_others_is_passed_over),
        cmocka_unit_test(test_session_folder_of_another_user_is_passed_over),
        cmocka_unit_test(test_runtime_folder_of_another_user_is_passed_over),
        cmocka_unit_test(test_missing_runtime_folder_is_passed_over),
        cmocka_unit_test(test_long_runtime_folder_is_passed_over),
        cmocka_unit_test(test_symbolic_link_is_passed_over),
        cmocka_unit_test(test_sweeps_what_the_dead_left),
        cmocka_unit_test(test_links_of_the_living_stay),
        cmocka_unit_test(test_links_lead_to_the_socket),
        cmocka_unit_test(test_recorders_are_found_in_private_places),
        cmocka_unit_test(test_hello_is_checked),
        cmocka_unit_test(test_connection_is_handed_over),
        cmocka_unit_test(test_lines_of_the_tool),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
