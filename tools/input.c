/* SPDX-License-Identifier: MIT */

/* Reads a whole text file that a user wrote, of bounded length, in pieces: it may be a pipe. Called by
 * `simulate` for scripts and sizes, and by `check` for policies. */

#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES 65536u

static int read_all(int fd, uint64_t max_bytes, struct tn_buffer *text)
{
    for (;;) {
        int r = tn_buffer_reserve(text, READ_BYTES);
        if (r < 0)
            return r;
        ssize_t n = read(fd, text->data + text->size_bytes, READ_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        text->size_bytes += (size_t)n;
        if (text->size_bytes > max_bytes)
            return -EFBIG;
    }
}

int tn_input_read(const char *path, uint64_t max_bytes, struct tn_buffer *text, struct tn_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tn_error_set(error, -errno, "cannot read %s: %s", path, strerror(errno));
    int r = read_all(fd, max_bytes, text);
    close(fd);
    if (r == 0 && (r = tn_buffer_append(text, "", 1)) == 0)
        text->size_bytes--;
    if (r < 0)
        return tn_error_set(error, r == -EFBIG ? -EBADMSG : r, "cannot read %s: %s", path, strerror(-r));
    return 0;
}
