/* SPDX-License-Identifier: MIT */

/* Writes what a command has to say to stdout, or into a file all or nothing: into a new file beside it, which
 * is renamed when it is whole. Called by `report`. */

#include "output.h"

#include "command.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool tn_output_is_same(const char *a, const char *b)
{
    struct stat a_status, b_status;
    return stat(a, &a_status) == 0 && stat(b, &b_status) == 0 && a_status.st_dev == b_status.st_dev &&
           a_status.st_ino == b_status.st_ino;
}

static int write_all(int fd, const struct tn_buffer *text)
{
    for (size_t done = 0; done < text->size_bytes;) {
        ssize_t n = write(fd, text->data + done, text->size_bytes - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        done += (size_t)n;
    }
    return 0;
}

int tn_output_write(const char *path, const struct tn_buffer *text)
{
    if (path == NULL)
        return tn_print_out(text);
    char temporary[PATH_MAX];
    if ((size_t)snprintf(temporary, sizeof(temporary), "%s.%d.part", path, (int)getpid()) >=
        sizeof(temporary)) {
        tn_say("cannot write '%s': its path is too long", path);
        return TN_STATUS_MACHINE;
    }
    struct stat status;
    bool is_special = stat(path, &status) == 0 && !S_ISREG(status.st_mode);
    const char *target = is_special ? path : temporary;
    int fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC | (is_special ? 0 : O_TRUNC), 0666);
    int r = fd < 0 ? -errno : write_all(fd, text);
    if (fd >= 0 && close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0 && !is_special && rename(temporary, path) < 0)
        r = -errno;
    if (r == 0)
        return TN_STATUS_DONE;
    if (!is_special)
        unlink(temporary);
    tn_say("cannot write '%s': %s", path, strerror(-r));
    return TN_STATUS_MACHINE;
}
