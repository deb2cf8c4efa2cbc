/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "say.h"
#include "tenure/log.h"
#include "tenure/report.h"
#include "tenure/summary.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TOP_DEFAULT 10
#define TOP_MAX     1000

struct request {
    const struct tn_report_format *format;
    const char *output; /* NULL: stdout */
    uint64_t top;
    uint64_t process_id; /* 0: the one with most allocations */
};

static int check_format(const struct tn_arguments *arguments, const struct tn_report_format **ret_format,
                        struct tn_error *error)
{
    const char *name = tn_option_text(arguments, "format");
    if (name == NULL)
        name = "text";
    *ret_format = tn_report_format_find(name);
    if (*ret_format != NULL)
        return 0;
    if (strcmp(name, "json") == 0 || strcmp(name, "html") == 0)
        return tn_error_set(error, -EINVAL,
                            "option '--format' of 'report': this version writes text only, not %s yet; "
                            "'tenure info --json' and 'tenure sql --json' print JSON",
                            name);
    return tn_error_set(error, -EINVAL,
                        "option '--format' of 'report': unknown format '%s': there is text; see 'tenure "
                        "report --help'",
                        name);
}

static int check_options(const struct tn_arguments *arguments, struct request *request,
                         struct tn_error *error)
{
    int r = check_format(arguments, &request->format, error);
    if (r == 0)
        r = tn_option_count(arguments, "top", 1, TOP_MAX, TOP_DEFAULT, &request->top, error);
    if (r == 0)
        r = tn_option_count(arguments, "process", 1, INT64_MAX, 0, &request->process_id, error);
    request->output = tn_option_text(arguments, "output");
    return r;
}

/* The log itself must not become the report by a slip of the hand. */
static bool is_same_file(const char *a, const char *b)
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

/* Written to a file beside it first, so that a full disk leaves no half report. */
static int write_file(const char *path, const struct tn_buffer *text)
{
    char temporary[PATH_MAX];
    if ((size_t)snprintf(temporary, sizeof(temporary), "%s.%d.part", path, (int)getpid()) >=
        sizeof(temporary)) {
        tn_say("cannot write the report '%s': its path is too long", path);
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
    tn_say("cannot write the report '%s': %s", path, strerror(-r));
    return TN_STATUS_MACHINE;
}

/* The newest recording of the working directory that has a name of ours; NULL if there is none. To be freed.
 */
static char *find_newest_log(void)
{
    glob_t found;
    if (glob("tenure.*.db", GLOB_NOSORT, NULL, &found) != 0)
        return NULL;
    const char *newest = NULL;
    struct timespec newest_time = {0};
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct stat status;
        if (stat(found.gl_pathv[i], &status) < 0)
            continue;
        struct timespec time = status.st_mtim;
        if (newest == NULL || time.tv_sec > newest_time.tv_sec ||
            (time.tv_sec == newest_time.tv_sec && time.tv_nsec > newest_time.tv_nsec)) {
            newest = found.gl_pathv[i];
            newest_time = time;
        }
    }
    char *path = newest != NULL ? strdup(newest) : NULL;
    globfree(&found);
    return path;
}

static int print_report(const struct request *request, const struct tn_summary *summary)
{
    struct tn_buffer text = {0};
    int status = TN_STATUS_MACHINE;
    if (request->format->write(summary, &text) < 0)
        tn_say("cannot write the report: out of memory");
    else if (request->output != NULL)
        status = write_file(request->output, &text);
    else
        status = tn_print_out(&text);
    tn_buffer_finish(&text);
    return status;
}

static int report_log(const struct request *request, const char *path)
{
    struct tn_error error;
    if (request->output != NULL && is_same_file(path, request->output)) {
        tn_say("option '--output' of 'report': '%s' is the log itself; name another file", request->output);
        return TN_STATUS_USAGE;
    }
    struct tn_log *log = NULL;
    if (tn_log_open(path, &log, &error) < 0)
        return tn_say_error(&error);
    struct tn_summary summary;
    int r = tn_summary_load(log, request->process_id, request->top, &summary, &error);
    tn_log_close(log);
    if (r < 0)
        return tn_say_error(&error);
    int status = print_report(request, &summary);
    tn_summary_finish(&summary);
    return status;
}

static int run(const struct tn_arguments *arguments)
{
    struct request request = {0};
    struct tn_error error;
    if (check_options(arguments, &request, &error) < 0) {
        tn_say("%s", error.text);
        return TN_STATUS_USAGE;
    }
    if (arguments->operand_count > 0)
        return report_log(&request, arguments->operands[0]);
    char *path = find_newest_log();
    if (path == NULL) {
        tn_say(
            "'report' needs a LOG: none was given, and there is no tenure.*.db in the working directory; "
            "record a program first, with 'tenure record PROGRAM'");
        return TN_STATUS_USAGE;
    }
    int status = report_log(&request, path);
    free(path);
    return status;
}

static const struct tn_option options[] = {
    {0, "format", "FORMAT", "how to write it: text (default)", NULL},
    {'o', "output", "FILE", "write it into FILE instead of stdout", NULL},
    {0, "top", "N", "sites in each list (default 10)", NULL},
    {0, "process", "ID",
     "the process to tell of, by its id in the log (default: the\none with most allocations)", NULL},
};

const struct tn_command tn_command_report = {
    .name = "report",
    .summary = "Say what a program does with its heap, and where",
    .usage = "[OPTIONS] [LOG]",
    .details =
        "The report says what was recorded (losses first, if any), the totals, and the sites with most\n"
        "allocations, most short-lived small allocations and the highest peaks. Without LOG it takes the\n"
        "newest tenure.*.db in the working directory.\n",
    .options = {.options = options,
                .count = sizeof(options) / sizeof(options[0]),
                .operand_max = 1,
                .operands = "a LOG"},
    .usage_status = TN_STATUS_USAGE,
    .run = run,
};
