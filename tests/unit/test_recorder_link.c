/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "recorder_link.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A link whose other end is ours. */
static int open_link(struct tn_link *link)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    *link = (struct tn_link){.fd = ends[0]};
    return ends[1];
}

static void put(int peer, const char *text)
{
    assert_int_equal(write(peer, text, strlen(text)), strlen(text));
}

static void lines_are_whole_however_they_come(void **state)
{
    (void)state;
    struct tn_link link;
    int peer = open_link(&link);
    assert_null(tn_link_next_line(&link));
    put(peer, "ready /a b\nprog");
    assert_int_equal(tn_link_read(&link), 1);
    assert_string_equal(tn_link_next_line(&link), "ready /a b");
    assert_null(tn_link_next_line(&link));
    put(peer, "ress x=1\n\ndone\n");
    assert_int_equal(tn_link_read(&link), 1);
    assert_string_equal(tn_link_next_line(&link), "progress x=1");
    assert_string_equal(tn_link_next_line(&link), "");
    assert_string_equal(tn_link_next_line(&link), "done");
    assert_null(tn_link_next_line(&link));
    close(peer);
    assert_int_equal(tn_link_read(&link), 0);
    tn_link_finish(&link);
}

static void a_line_that_is_too_long_is_cut(void **state)
{
    (void)state;
    struct tn_link link;
    int peer = open_link(&link);
    char text[TN_RECORD_LINE_BYTES + 11];
    memset(text, 'x', sizeof(text));
    strcpy(text + sizeof(text) - 11, "tail\ndone\n");
    put(peer, text);
    assert_int_equal(tn_link_read(&link), 1);
    assert_int_equal(strlen(tn_link_next_line(&link)), TN_RECORD_LINE_BYTES - 1);
    while (tn_link_next_line(&link) == NULL)
        assert_int_equal(tn_link_read(&link), 1);
    assert_string_equal(tn_link_next_line(&link), "done");
    close(peer);
    tn_link_finish(&link);
}

static void sending_to_the_dead_does_no_harm(void **state)
{
    (void)state;
    struct tn_link link;
    char text[32] = "";
    int peer = open_link(&link);
    tn_link_send(&link, "child %d", 42);
    assert_int_equal(read(peer, text, sizeof(text) - 1), 9);
    assert_string_equal(text, "child 42\n");
    close(peer);
    tn_link_send(&link, "exited %d", 0);
    tn_link_finish(&link);
}

static void numbers_are_found_by_their_whole_key(void **state)
{
    (void)state;
    const char *line = "allocations=12 live_bytes=34 live=5 lost=18446744073709551615";
    assert_int_equal(tn_link_number(line, "allocations"), 12);
    assert_int_equal(tn_link_number(line, "live"), 5);
    assert_int_equal(tn_link_number(line, "live_bytes"), 34);
    assert_int_equal(tn_link_number(line, "lost"), UINT64_MAX);
    assert_int_equal(tn_link_number(line, "bytes"), 0);
    assert_int_equal(tn_link_number("", "live"), 0);
}

/* A recorder that cannot be executed says so itself, on the line. */
static void a_missing_recorder_is_named(void **state)
{
    (void)state;
    struct tn_link_options options = {
        .recorder = "/no/such/recorder", .log = "x.db", .rows = "all", .text = "", .wrapper = "a|b"};
    struct tn_link link;
    assert_int_equal(tn_link_start(&options, &link, NULL), 0);
    assert_int_equal(tn_link_read(&link), 1);
    assert_string_equal(tn_link_next_line(&link),
                        "error 2 cannot start the recorder '/no/such/recorder': No such file or directory");
    assert_int_equal(tn_link_read(&link), 0);
    tn_link_finish(&link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_whole_however_they_come),
        cmocka_unit_test(a_line_that_is_too_long_is_cut),
        cmocka_unit_test(sending_to_the_dead_does_no_harm),
        cmocka_unit_test(numbers_are_found_by_their_whole_key),
        cmocka_unit_test(a_missing_recorder_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
