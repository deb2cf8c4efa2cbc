/* SPDX-License-Identifier: MIT */

/* `tenure view`: writes the HTML report into a new folder that only the user can read, and has the desktop
 * open it; where there is no desktop, it says where the page is. */

#include "command.h"
#include "message.h"
#include "newest_log.h"
#include "output.h"
#include "report_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Make the folder and the page's name in it. Returns 0 or a negative errno, with a message. */
static int make_path(char *ret_path, size_t path_bytes)
{
    const char *folder = getenv("TMPDIR");
    if (folder == NULL || folder[0] == '\0')
        folder = "/tmp";
    int length = snprintf(ret_path, path_bytes, "%s/tenure-XXXXXX", folder);
    if (length < 0 || (size_t)length + sizeof("/report.html") > path_bytes) {
        tn_say("cannot make a folder for the page in '%s': its path is too long; set TMPDIR to another",
               folder);
        return -ENAMETOOLONG;
    }
    if (mkdtemp(ret_path) == NULL) {
        int error = errno;
        tn_say("cannot make a folder for the page in '%s': %s; set TMPDIR to another, or name a file with -o",
               folder, strerror(error));
        return -error;
    }
    strcat(ret_path, "/report.html");
    return 0;
}

static bool has_variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

/* Have the desktop open a page. Returns whether something took it. */
static bool open_page(char *path)
{
    char program[] = "xdg-open";
    char *arguments[] = {program, path, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = -1;
    if (!has_variable("DISPLAY") && !has_variable("WAYLAND_DISPLAY"))
        return false;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    /* Browsers write about themselves. */
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int r = posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r != 0)
        return false;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int say_where(const char *path, bool is_open)
{
    struct tn_buffer text = {0};
    int r = tn_buffer_print(&text, is_open ? "opened %s\n" : "the page is %s: open it in a browser\n", path);
    int status = r == 0 ? tn_print_out(&text) : TN_STATUS_MACHINE;
    tn_buffer_finish(&text);
    return status;
}

static int view(const struct tn_arguments *arguments, const char *log)
{
    const struct tn_report_format *format = tn_report_format_find("html");
    struct tn_report_request request;
    struct tn_error error;
    char path[PATH_MAX];
    if (format->missing != NULL) {
        tn_say("this tenure cannot write html: %s", format->missing);
        return TN_STATUS_USAGE;
    }
    tn_report_request_init(&request, format);
    if (tn_option_count(arguments, "process", 1, INT64_MAX, 0, &request.analyze.process_id, &error) < 0) {
        tn_say("%s", error.text);
        return TN_STATUS_USAGE;
    }
    request.source_folder = tn_option_text(arguments, "source-dir");
    request.policies = tn_option_text(arguments, "policy");
    request.screen.output = path;
    if (make_path(path, sizeof(path)) < 0)
        return TN_STATUS_MACHINE;
    int status = tn_report_log(&request, log);
    if (status == TN_STATUS_DONE)
        return say_where(path, open_page(path));
    *strrchr(path, '/') = '\0';
    rmdir(path);
    return status;
}

static int run(const struct tn_arguments *arguments)
{
    if (arguments->operand_count > 0)
        return view(arguments, arguments->operands[0]);
    char *newest = tn_newest_log("view");
    int status = newest != NULL ? view(arguments, newest) : TN_STATUS_USAGE;
    free(newest);
    return status;
}

static const struct tn_option options[] = {
    {0, "process", "ID",
     "the process to tell of, by its id in the log (default: the\none with most allocations)", NULL},
    {0, "policy", "P,...",
     "measure what the findings change on these models of heaps;\nnone: do not (default: as report does)",
     NULL},
    {0, "source-dir", "DIR", "where the sources are: the page shows the lines that findings\nname", NULL},
};

const struct tn_command tn_command_view = {
    .name = "view",
    .summary = "Show the report as a page in the browser",
    .usage = "[OPTIONS] [LOG]",
    .details =
        "The page is one file that loads nothing: heap over time, findings as cards, lifetimes, sizes, who\n"
        "holds whom, call stacks, sites. It lies in a new folder below $TMPDIR, which only you can read; "
        "where\n"
        "there is no desktop, the command says where. `tenure report --format html -o FILE` writes the same\n"
        "page where you want it. Without LOG, the newest tenure.*.db of the working directory is shown.\n"
        "\n"
        "Example: tenure view app.db\n",
    .options = {.options = options,
                .count = sizeof(options) / sizeof(options[0]),
                .operand_max = 1,
                .operands = "a LOG"},
    .usage_status = TN_STATUS_USAGE,
    .run = run,
};
