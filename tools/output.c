/* SPDX-License-Identifier: MIT */

/* Writes what a command has to say to stdout, or into a file all or nothing: into a new file beside it, which
 * is renamed when it is whole. Called by commands that print reports, and in parts by `export`. */

#include "output.h"

#include "command.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
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

int tn_output_open(const char *path, struct tn_output *ret_output)
{
    struct tn_output output = {.path = path, .fd = STDOUT_FILENO};
    struct stat status;
    if (path != NULL) {
        output.is_replacing = stat(path, &status) < 0 || S_ISREG(status.st_mode);
        if ((size_t)snprintf(output.temporary, sizeof(output.temporary), "%s.%d.part", path, (int)getpid()) >=
            sizeof(output.temporary)) {
            tn_say("cannot write '%s': its path is too long", path);
            return TN_STATUS_MACHINE;
        }
        output.fd = open(output.is_replacing ? output.temporary : path,
                         O_WRONLY | O_CREAT | O_CLOEXEC | (output.is_replacing ? O_TRUNC : 0), 0666);
        if (output.fd < 0) {
            tn_say("cannot write '%s': %s", path, strerror(errno));
            return TN_STATUS_MACHINE;
        }
    }
    *ret_output = output;
    return TN_STATUS_DONE;
}

int tn_output_append(void *user, const void *data, size_t size_bytes)
{
    struct tn_output *output = user;
    for (size_t done = 0; done < size_bytes;) {
        ssize_t n = write(output->fd, (const char *)data + done, size_bytes - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return output->error = -errno;
        done += (size_t)n;
    }
    return 0;
}

int tn_output_close(struct tn_output *output, bool is_whole)
{
    int r = output->error;
    if (output->path == NULL) {
        /* As in `tenure export LOG | head`. */
        if (r == 0 || r == -EPIPE)
            return TN_STATUS_DONE;
        tn_say("cannot write the output: %s", strerror(-r));
        return TN_STATUS_MACHINE;
    }
    if (close(output->fd) < 0 && r == 0)
        r = -errno;
    if (r == 0 && is_whole && output->is_replacing && rename(output->temporary, output->path) < 0)
        r = -errno;
    if (output->is_replacing && (r < 0 || !is_whole))
        unlink(output->temporary);
    if (r == 0)
        return TN_STATUS_DONE;
    tn_say("cannot write '%s': %s", output->path, strerror(-r));
    return TN_STATUS_MACHINE;
}

int tn_output_write(const char *path, const struct tn_buffer *text)
{
    struct tn_output output;
    if (path == NULL)
        return tn_print_out(text);
    int status = tn_output_open(path, &output);
    if (status != TN_STATUS_DONE)
        return status;
    tn_output_append(&output, text->data, text->size_bytes);
    return tn_output_close(&output, true);
}
