/* SPDX-License-Identifier: MIT */
/* Writes and reads the file that a run and the library in the program share: the head, then modules, steps
 * and places, of which only those of the run's subject go along. */
#include "fail_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int append_tables(struct tn_buffer *out, struct tn_inject_head *head,
                         const struct tn_fail_subjects *subjects, const struct tn_fail_subject *subject)
{
    head->module_count = (uint32_t)subjects->module_count;
    head->place_count = (uint32_t)subject->place_count;
    int r = tn_buffer_append(out, subjects->modules, subjects->module_count * sizeof(*subjects->modules));
    for (size_t i = 0; i < subject->place_count && r == 0; i++) {
        const struct tn_inject_place *place = &subjects->places[subject->first_place + i];
        head->step_count += place->step_count;
        r = tn_buffer_append(out, &subjects->steps[place->first_step],
                             place->step_count * sizeof(*subjects->steps));
    }
    uint32_t first = 0;
    for (size_t i = 0; i < subject->place_count && r == 0; i++) {
        struct tn_inject_place place = subjects->places[subject->first_place + i];
        place.first_step = first;
        first += place.step_count;
        r = tn_buffer_append(out, &place, sizeof(place));
    }
    return r;
}

static int write_all(int fd, const uint8_t *data, size_t size_bytes)
{
    while (size_bytes > 0) {
        ssize_t n = write(fd, data, size_bytes);
        if (n < 0 && errno != EINTR)
            return -errno;
        data += n > 0 ? n : 0;
        size_bytes -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int tn_fail_file_make(const char *path, const struct tn_fail_command *command,
                      const struct tn_fail_subjects *subjects, const struct tn_fail_subject *subject,
                      uint64_t occurrence)
{
    struct tn_buffer tables = {0};
    struct tn_inject_head head = {
        .magic = TN_INJECT_MAGIC,
        .head_bytes = sizeof(head),
        .is_persistent = command->is_persistent,
        .occurrence = subject != NULL ? occurrence : 0,
        .limit_bytes = command->limit_bytes,
        .pointer_bytes = command->pointer_bytes,
    };
    if (command->policy != NULL)
        snprintf(head.policy, sizeof(head.policy), "%s", command->policy);
    int r = subject != NULL ? append_tables(&tables, &head, subjects, subject) : 0;
    int fd = r == 0 ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (r == 0 && fd < 0)
        r = -errno;
    head.file_bytes = sizeof(head) + tables.size_bytes;
    if (r == 0)
        r = write_all(fd, (const uint8_t *)&head, sizeof(head));
    if (r == 0)
        r = write_all(fd, tables.data, tables.size_bytes);
    if (fd >= 0)
        close(fd);
    tn_buffer_finish(&tables);
    return r;
}

int tn_fail_file_read(const char *path, struct tn_inject_head *ret_head)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, ret_head, sizeof(*ret_head));
    int r = n == (ssize_t)sizeof(*ret_head) ? 0 : n < 0 ? -errno : -EBADMSG;
    close(fd);
    /* What a program told may be anything. */
    if (r == 0 && ret_head->failure.count > TN_INJECT_FRAMES_MAX)
        ret_head->failure.count = 0;
    if (r == 0 && ret_head->crash.count > TN_INJECT_FRAMES_MAX)
        ret_head->crash.count = 0;
    for (size_t i = 0; r == 0 && i < TN_INJECT_SEEN_MAX; i++)
        ret_head->seen[i].path[TN_INJECT_PATH_BYTES - 1] = '\0';
    return r;
}
