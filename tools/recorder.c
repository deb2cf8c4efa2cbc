/* SPDX-License-Identifier: MIT */
/* tenure-recorder: the other process of a recording; record.h says who starts it, and how. It parses its
 * arguments, detaches from the process that started it, and calls lib/record or lib/finish. It prints
 * nothing: messages go over the status descriptor, or in the welcome to the program. */

#include "recorder_stack.h"

#include "tenure/finish.h"
#include "tenure/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum job {
    JOB_NONE,
    JOB_ATTACH,
    JOB_LISTEN,
    JOB_FINISH,
};

struct call {
    enum job job;
    struct tn_record_options record;
    struct tn_module_file *files; /* owned */
    unsigned file_count;
};

/* State of the progress callback of finishing. */
struct progress {
    int fd;
    unsigned last_percent;
    char last_step[64];
};

static int parse_rows(const char *text, uint64_t *ret_rows)
{
    if (strcmp(text, "all") == 0)
        *ret_rows = TN_ROWS_ALL;
    else if (strcmp(text, "none") == 0)
        *ret_rows = TN_ROWS_NONE;
    else
        return tn_parse_bytes(text, ret_rows);
    return 0;
}

static int parse_fd(const char *text, int *ret_fd)
{
    char *end;
    long fd = strtol(text, &end, 10);
    if (end == text || *end != '\0' || fd < 0 || fd > INT_MAX || fcntl((int)fd, F_GETFD) < 0)
        return -EINVAL;
    *ret_fd = (int)fd;
    return 0;
}

/* ID:FD */
static int parse_module(struct call *call, const char *text)
{
    char *end;
    struct tn_module_file file = {.module_id = strtoull(text, &end, 10)};
    if (*end != ':' || parse_fd(end + 1, &file.fd) < 0)
        return -EINVAL;
    struct tn_module_file *files = realloc(call->files, (call->file_count + 1) * sizeof(files[0]));
    if (files == NULL)
        return -ENOMEM;
    files[call->file_count++] = file;
    call->files = files;
    return 0;
}

static int take_option(struct call *call, int option)
{
    switch (option) {
    case 'a':
        call->job = JOB_ATTACH;
        return parse_fd(optarg, &call->record.attach_fd);
    case 'l':
        call->job = JOB_LISTEN;
        return 0;
    case 'F':
        call->job = JOB_FINISH;
        return 0;
    case 'o':
        call->record.log_path = optarg;
        return 0;
    case 'r':
        return parse_rows(optarg, &call->record.rows_max);
    case 'f':
        call->record.is_replacing = true;
        return 0;
    case 'w':
        call->record.wrapper_regex = optarg;
        return 0;
    case 'k':
        call->record.keeps_wrappers = true;
        return 0;
    case 'b':
        call->record.is_background = true;
        return 0;
    case 'L':
        call->record.has_lock = true;
        return 0;
    case 'P':
        call->record.is_paused = true;
        return 0;
    case 'A':
        return tn_parse_bytes(optarg, &call->record.resume_after_ns);
    case 'M':
        call->record.resume_mark = optarg;
        return 0;
    case 'n':
        call->record.omits_command_lines = true;
        return 0;
    case 't':
        call->record.options_text = optarg;
        return 0;
    case 's':
        return parse_fd(optarg, &call->record.status_fd);
    case 'm':
        return parse_module(call, optarg);
    default:
        return -EINVAL;
    }
}

static int parse_arguments(struct call *call, int argc, char **argv)
{
    static const struct option options[] = {
        {"attach", required_argument, NULL, 'a'},
        {"listen", no_argument, NULL, 'l'},
        {"finish", no_argument, NULL, 'F'},
        {"log", required_argument, NULL, 'o'},
        {"rows", required_argument, NULL, 'r'},
        {"force", no_argument, NULL, 'f'},
        {"wrapper", required_argument, NULL, 'w'},
        {"keep-wrappers", no_argument, NULL, 'k'},
        {"options", required_argument, NULL, 't'},
        {"status-fd", required_argument, NULL, 's'},
        {"module", required_argument, NULL, 'm'},
        {"background", no_argument, NULL, 'b'},
        {"locked", no_argument, NULL, 'L'},
        {"no-command-line", no_argument, NULL, 'n'},
        {"paused", no_argument, NULL, 'P'},
        {"resume-after", required_argument, NULL, 'A'},
        {"resume-mark", required_argument, NULL, 'M'},
        {NULL, 0, NULL, 0},
    };
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        int r = take_option(call, option);
        if (r < 0)
            return r;
    }
    bool needs_log = call->job == JOB_LISTEN || call->job == JOB_FINISH;
    if (call->job == JOB_NONE || optind != argc || (needs_log && call->record.log_path == NULL))
        return -EINVAL;
    return 0;
}

/* On kernels without close_range (before 5.9). */
static void close_one_by_one(int kept_fd)
{
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        int fd = atoi(entry->d_name); /* 0 for "." and ".." */
        if (fd > 2 && fd != kept_fd && fd != dirfd(folder))
            close(fd);
    }
    closedir(folder);
}

/* Close all descriptors inherited from the program: a recorder that outlives it and keeps a pipe open would
 * hang its reader. */
static void close_inherited(int kept_fd)
{
    int null_fd = open("/dev/null", O_RDWR);
    for (int fd = 0; fd <= 2 && null_fd >= 0; fd++)
        if (fd != kept_fd)
            dup2(null_fd, fd);
    bool is_closed = kept_fd <= 3 || syscall(SYS_close_range, 3, (unsigned)kept_fd - 1, 0) == 0;
    if (!is_closed || syscall(SYS_close_range, kept_fd > 2 ? (unsigned)kept_fd + 1 : 3u, ~0u, 0) != 0)
        close_one_by_one(kept_fd);
    if (kept_fd >= 0)
        fcntl(kept_fd, F_SETFD, FD_CLOEXEC);
}

/* The recorder must not be preloaded, join a session, or look for debug files in the network. */
static void clean_environment(void)
{
    static const char *const names[] = {
        "LD_PRELOAD",           "LD_AUDIT",
        "DEBUGINFOD_URLS",      "TENURE_LOG",
        "TENURE_SESSION",       "TENURE_DEPTH",
        "TENURE_ROWS",          "TENURE_RING_SIZE",
        "TENURE_RECORDER",      "TENURE_FREE_STACKS",
        "TENURE_CHILDREN",      "TENURE_CHECK_STACKS",
        "TENURE_BEHIND_FILTER", "TENURE_COMMAND_LINE",
        "TENURE_LINKS",         "TENURE_LINKS_PERCENT",
        "TENURE_PAUSED",        "TENURE_AFTER",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
}

/* In the root directory, so that no file system but the log's is kept busy. */
static int run(const struct call *call)
{
    clean_environment();
    if (chdir("/") < 0)
        return -errno;
    return tn_record_run(&call->record, NULL);
}

/* Whether recording begins paused, and until when. ret_mark: owned by the caller; NULL: no mark ends it. */
static void read_pause(struct call *call, char **ret_mark)
{
    const char *paused = getenv("TENURE_PAUSED"), *after = getenv("TENURE_AFTER");
    call->record.is_paused = paused != NULL && strcmp(paused, "1") == 0;
    *ret_mark = NULL;
    if (after != NULL && after[0] != '\0' && tn_parse_duration(after, &call->record.resume_after_ns) < 0)
        *ret_mark = strdup(after);
    call->record.resume_mark = *ret_mark;
}

static int attach(struct call *call)
{
    char *mark;
    const char *rows = getenv("TENURE_ROWS");
    const char *log = getenv("TENURE_LOG");
    if (rows != NULL && parse_rows(rows, &call->record.rows_max) < 0)
        call->record.rows_max = TN_ROWS_DEFAULT;
    const char *command_line = getenv("TENURE_COMMAND_LINE");
    call->record.omits_command_lines = command_line != NULL && strcmp(command_line, "0") == 0;
    char *log_path = log != NULL && log[0] != '\0' ? strdup(log) : NULL;
    call->record.log_path = log_path;
    read_pause(call, &mark);
    int r = run(call);
    free(log_path);
    free(mark);
    return r;
}

static int listen_for(struct call *call)
{
    char *log_path = call->record.log_path[0] == '/' ? strdup(call->record.log_path) : NULL;
    char directory[PATH_MAX];
    if (log_path == NULL && getcwd(directory, sizeof(directory)) != NULL &&
        asprintf(&log_path, "%s/%s", directory, call->record.log_path) < 0)
        return -ENOMEM;
    if (log_path == NULL)
        return -errno;
    call->record.log_path = log_path;
    int r = run(call);
    free(log_path);
    return r;
}

static void say_step(void *context, const char *step, unsigned percent)
{
    struct progress *progress = context;
    if (progress->fd < 0 || (percent == progress->last_percent && strcmp(step, progress->last_step) == 0))
        return;
    progress->last_percent = percent;
    snprintf(progress->last_step, sizeof(progress->last_step), "%s", step);
    dprintf(progress->fd, "finishing %u %s\n", percent, progress->last_step);
}

static int finish(struct call *call)
{
    struct progress progress = {.fd = call->record.status_fd, .last_percent = UINT_MAX};
    struct tn_error error = {0};
    struct tn_finish_options options = {
        .rows_max = call->record.rows_max,
        .wrapper_regex = call->record.wrapper_regex,
        .keeps_wrappers = call->record.keeps_wrappers,
        .is_locked = call->record.has_lock,
        .files = call->files,
        .file_count = call->file_count,
        .progress = say_step,
        .progress_context = &progress,
    };
    int r = tn_finish(call->record.log_path, &options, &error);
    if (r < 0 && progress.fd >= 0)
        dprintf(progress.fd, "warning %s\n", error.text);
    return r;
}

static int run_job(void *context)
{
    char self_path[PATH_MAX];
    struct call *call = context;
    ssize_t length = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);
    self_path[length > 0 ? length : 0] = '\0';
    call->record.self_path = self_path;
    if (call->job == JOB_FINISH)
        return finish(call);
    setsid();
    close_inherited(call->job == JOB_ATTACH ? call->record.attach_fd : call->record.status_fd);
    return call->job == JOB_ATTACH ? attach(call) : listen_for(call);
}

int main(int argc, char **argv)
{
    struct call call = {.record = {.attach_fd = -1, .status_fd = -1, .rows_max = TN_ROWS_DEFAULT}};
    if (parse_arguments(&call, argc, argv) < 0) {
        free(call.files);
        return 2;
    }
    int r = tn_recorder_run_on_stack(run_job, &call);
    free(call.files);
    return r < 0 ? 1 : 0;
}
