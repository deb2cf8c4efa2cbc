/* SPDX-License-Identifier: MIT */

/* Which memory the recorder takes from a process. */

#include "ring_memory.h"

#include "control.h"
#include "fake_writer.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

static int create_with(int fd, uint64_t stated_bytes)
{
    struct fake_writer fake = {0};
    struct tn_process_shared shared = {.writer = fake_writer_of(&fake)};
    struct tn_process *process = NULL;
    struct tn_handshake handshake = {.memory_fd = fd, .pidfd = -1};
    handshake.id = (struct tn_process_id){.pid = getpid(), .own_pid = (uint32_t)getpid()};
    handshake.hello.shared_bytes = stated_bytes;
    int r = tn_process_create(&shared, &handshake, 0, NULL, &process);
    tn_process_destroy(process);
    tn_keepers_finish(&shared.keepers);
    fake_writer_finish(&fake);
    return r;
}

/* What could shrink under the recorder's hands is refused; what was accepted cannot shrink any more. */
static void memory_must_be_sealed(void **state)
{
    (void)state;
    uint64_t bytes = tn_shared_total_bytes(&sizes);
    int fd = make_memory(0);
    assert_int_equal(create_with(fd, bytes), -EBADMSG);
    close(fd);
    char path[] = "/tmp/tenure-rings-XXXXXX";
    fd = mkstemp(path);
    unlink(path);
    assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
    assert_int_equal(create_with(fd, bytes), -EBADMSG);
    close(fd);
    fd = make_memory(MFD_ALLOW_SEALING);
    assert_int_equal(create_with(fd, bytes), 0);
    assert_int_equal(ftruncate(fd, 4096), -1);
    assert_int_equal(errno, EPERM);
    close(fd);
    fd = make_memory(MFD_ALLOW_SEALING);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL), 0);
    assert_int_equal(create_with(fd, bytes), 0);
    assert_int_equal(create_with(fd, bytes - 65536), -EBADMSG);
    assert_int_equal(create_with(fd, bytes + 65536), -EBADMSG);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_must_be_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
