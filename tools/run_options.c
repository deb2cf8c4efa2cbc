/* SPDX-License-Identifier: MIT */
#include "run_options.h"

#include "command.h"
#include "message.h"
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_server(const struct tn_arguments *arguments, const char *name,
                       struct tn_fail_command *command, struct tn_error *error)
{
    command->drive = tn_option_text(arguments, "drive");
    command->ready = tn_option_text(arguments, "ready");
    if (command->drive == NULL && command->ready == NULL)
        return 0;
    if (command->drive == NULL || command->ready == NULL)
        return tn_error_set(
            error, -EINVAL,
            "'%s' needs '--drive' and '--ready' together: --ready port:8080 --drive 'curl ...'", name);
    if (tn_fail_ready_is_valid(command->ready))
        return 0;
    return tn_error_set(error, -EINVAL,
                        "option '--ready' of '%s': '%s' is not port:N, line:TEXT or time:SECONDS; see "
                        "'tenure %s --help'",
                        name, command->ready, name);
}

static int find_input(const char *path, struct tn_fail_command *command, char input[PATH_MAX],
                      struct tn_error *error)
{
    if (path == NULL)
        return 0;
    if (realpath(path, input) == NULL || access(input, R_OK) < 0)
        return tn_error_set(error, -errno, "cannot read '%s', the program's stdin: %s", path,
                            strerror(errno));
    command->input = input;
    return 0;
}

int tn_run_read_options(const struct tn_arguments *arguments, const char *name,
                        struct tn_fail_command *command, char input[PATH_MAX], struct tn_error *error)
{
    int r = tn_option_duration(arguments, "timeout", 0, &command->timeout_ns, error);
    if (r == 0)
        r = read_server(arguments, name, command, error);
    command->setup = tn_option_text(arguments, "setup");
    return r == 0 ? find_input(tn_option_text(arguments, "stdin"), command, input, error) : r;
}

int tn_run_find_program(struct tn_fail_command *command, char path[PATH_MAX])
{
    struct tn_error error;
    struct tn_program_abi abi;
    char whole[PATH_MAX];
    int r = tn_program_find(command->argv[0], getenv("PATH"), path, PATH_MAX, &error);
    if (r < 0) {
        tn_say("%s", error.text);
        return r == -EACCES ? TN_STATUS_NOT_EXECUTABLE : TN_STATUS_NOT_FOUND;
    }
    /* A run may have a folder of its own. */
    if (realpath(path, whole) != NULL && path[0] != '/')
        snprintf(path, PATH_MAX, "%s", whole);
    command->program = path;
    r = tn_program_read_abi("/proc/self/exe", &abi, &error);
    if (r == 0)
        r = tn_program_check(path, &abi, &error);
    return r < 0 ? tn_say_error(&error) : TN_STATUS_DONE;
}

int tn_run_make_folder(const char *name, struct tn_fail_command *command, char folder[PATH_MAX],
                       struct tn_error *error)
{
    const char *parent = getenv("TMPDIR");
    if (parent == NULL || parent[0] != '/')
        parent = "/tmp";
    int n = snprintf(folder, PATH_MAX, "%s/tenure-%s-XXXXXX", parent, name);
    if (n < 0 || n >= PATH_MAX || mkdtemp(folder) == NULL)
        return tn_error_set(error, -errno, "cannot make a folder in '%s': %s; set TMPDIR to another", parent,
                            strerror(errno));
    command->folder = folder;
    return 0;
}

int tn_run_write_file(const char *path, const void *data, size_t size_bytes, struct tn_error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int r = fd < 0 ? -errno : 0;
    for (const char *at = data; r == 0 && size_bytes > 0;) {
        ssize_t n = write(fd, at, size_bytes);
        if (n < 0 && errno != EINTR)
            r = -errno;
        at += n > 0 ? n : 0;
        size_bytes -= n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0 && close(fd) < 0 && r == 0)
        r = -errno;
    return r < 0 ? tn_error_set(error, r, "cannot write '%s': %s; set TMPDIR to another folder", path,
                                strerror(-r))
                 : 0;
}
