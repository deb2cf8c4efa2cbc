/* SPDX-License-Identifier: MIT */
/* The beginning of a recording: name, create or replace the log, start its clock; under a bare preload,
 * find the recorder that already writes the log. Called by record.c and processes.c. */
#include "recording.h"

#include "tenure/finish.h"

#include "handshake.h"
#include "proc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Least distance between the two clock readings that the first slope is taken from. */
#define CLOCK_FIRST_NS UINT64_C(2000000)

/* A start stamp older than this is not believed: the process's counter is not ours. */
#define START_AGE_NS_MAX UINT64_C(60000000000)

/* Tries, 5 ms apart, to reach the recorder that has just created the log: it links the log a moment later. */
#define OTHER_RECORDER_ATTEMPTS 100

static const char *clock_name(enum tn_clock kind)
{
    static const char *const names[] = {"", "tsc", "monotonic", "counter"};
    return names[kind];
}

void tn_recording_start_clock(struct tn_recording *recording, enum tn_clock kind, uint64_t start_ticks)
{
    struct tn_clock_map *clock = &recording->shared.clock;
    struct tn_clock_pair first = recording->started[kind];
    struct tn_clock_pair second = tn_clock_read(kind);
    while (second.monotonic_ns - first.monotonic_ns < CLOCK_FIRST_NS) {
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
        second = tn_clock_read(kind);
    }
    tn_clock_begin(clock, kind, first, second, second.ticks);
    bool is_sane = start_ticks <= second.ticks &&
                   second.ticks - start_ticks < tn_clock_span_ticks(clock, START_AGE_NS_MAX);
    tn_clock_begin(clock, kind, first, second, is_sane ? start_ticks : first.ticks);
    recording->order.window_ticks = tn_clock_span_ticks(clock, TN_ORDER_WINDOW_NS);
    recording->has_clock = true;
}

/* Whether a file of this name exists; an empty one counts, too: it belongs to somebody. */
static bool log_exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

/* --force replaces regular files only, and their -wal, -shm and -journal files with them. */
static int replace_log(struct tn_recording *recording)
{
    struct stat status;
    const char *path = recording->log_path;
    if (lstat(path, &status) < 0)
        return 0;
    if (!S_ISREG(status.st_mode))
        return tn_error_set(recording->error, -EEXIST,
                            "cannot replace %s: it is not an ordinary file: name another log", path);
    int other = tn_session_dir_connect_log(&recording->session_dir, path);
    if (other >= 0) {
        close(other);
        return tn_error_set(recording->error, -EBUSY,
                            "cannot replace %s: another recording is writing it: name another log", path);
    }
    if (unlink(path) < 0)
        return tn_error_set(recording->error, -errno, "cannot replace %s: %s", path, strerror(errno));
    static const char *const companions[] = {"-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof(companions) / sizeof(companions[0]); i++) {
        char name[PATH_MAX + 16];
        snprintf(name, sizeof(name), "%s%s", path, companions[i]);
        unlink(name);
    }
    return 0;
}

/* So that whoever reads a log which is not finished can finish it as this recording was asked to. */
static int note_finish_options(struct tn_recording *recording)
{
    const struct tn_record_options *options = recording->options;
    struct tn_log_writer *writer = recording->shared.writer;
    char rows[24];
    snprintf(rows, sizeof(rows), "%llu", (unsigned long long)options->rows_max);
    int r = tn_log_set_meta(writer, TN_FINISH_META_ROWS, rows);
    if (r == 0)
        r = tn_log_set_meta(writer, TN_FINISH_META_KEEPS, options->keeps_wrappers ? "1" : "0");
    if (r == 0 && options->wrapper_regex != NULL)
        r = tn_log_set_meta(writer, TN_FINISH_META_WRAPPER, options->wrapper_regex);
    return r;
}

int tn_recording_create_log(struct tn_recording *recording, const char *clock, const char *options)
{
    struct tn_log_options log_options = {.path = recording->log_path,
                                         .options = options,
                                         .clock = clock,
                                         .omits_command_lines = recording->options->omits_command_lines};
    if (recording->options->is_replacing) {
        int r = replace_log(recording);
        if (r < 0)
            return r;
    }
    if (log_exists(recording->log_path))
        return tn_error_set(recording->error, -EEXIST,
                            "cannot write the log %s: it exists: name another, or use --force",
                            recording->log_path);
    int r = tn_log_create(&log_options, &recording->shared.writer, recording->error);
    if (r < 0)
        return r;
    recording->is_log_made = true;
    r = note_finish_options(recording);
    if (r < 0)
        return tn_recording_fail(recording, r, "write the log");
    r = tn_session_dir_link_log(&recording->session_dir, recording->log_path);
    return r < 0 ? tn_error_set(recording->error, r, "cannot write into the session directory %s: %s",
                                recording->session_dir.path, strerror(-r))
                 : 0;
}

static void name_log(struct tn_recording *recording, const struct tn_handshake *handshake)
{
    char directory[PATH_MAX], executable[PATH_MAX];
    const char *asked = recording->options->log_path;
    char *path = recording->log_path;
    if (tn_proc_directory(handshake->id.pid, directory, sizeof(directory)) < 0)
        snprintf(directory, sizeof(directory), ".");
    tn_proc_executable(handshake->id.pid, executable, sizeof(executable));
    const char *slash = strrchr(executable, '/');
    int length;
    if (asked != NULL && asked[0] == '/')
        length = snprintf(path, PATH_MAX, "%s", asked);
    else if (asked != NULL)
        length = snprintf(path, PATH_MAX, "%s/%s", directory, asked);
    else
        length = snprintf(path, PATH_MAX, "%s/tenure.%s.%d.db", directory,
                          slash != NULL ? slash + 1 : "program", (int)handshake->id.pid);
    if (length >= PATH_MAX)
        path[0] = '\0';
}

/* Another recorder created the log first, as with two programs of a pipeline that name the same one. */
static int hand_over(struct tn_recording *recording, int connection_fd)
{
    for (int i = 0; i < OTHER_RECORDER_ATTEMPTS; i++) {
        int fd = tn_session_dir_connect_log(&recording->session_dir, recording->log_path);
        if (fd >= 0) {
            int r = tn_handshake_hand_over(fd, connection_fd);
            close(fd);
            return r < 0 ? r : 1;
        }
        struct stat status;
        if (stat(recording->log_path, &status) < 0 || status.st_mtime + 2 < time(NULL))
            return -EEXIST;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return -EEXIST;
}

static const char *links_name(uint32_t wanted)
{
    if (wanted == TN_LINKS_NO)
        return "no";
    return wanted == TN_LINKS_DEATH ? "death" : "yes";
}

int tn_recording_open_log_for(struct tn_recording *recording, int connection_fd,
                              const struct tn_handshake *handshake)
{
    char text[256], rows[24] = "all";
    if (recording->options->rows_max == 0)
        strcpy(rows, "none");
    else if (recording->options->rows_max != UINT64_MAX)
        snprintf(rows, sizeof(rows), "%llu", (unsigned long long)recording->options->rows_max);
    const struct tn_hello *hello = &handshake->hello;
    name_log(recording, handshake);
    if (recording->log_path[0] == '\0')
        return tn_error_set(recording->error, -ENAMETOOLONG, "the name of the log is too long");
    snprintf(text, sizeof(text), "depth=%u ring_size=%u free_stacks=%s children=%s links=%s rows=%s",
             hello->stack_depth, hello->ring_bytes, hello->free_stacks != 0 ? "yes" : "no",
             hello->children != 0 ? "yes" : "no", links_name(hello->links), rows);
    const char *options = recording->options->options_text;
    int r = tn_recording_create_log(recording, clock_name(TN_CLOCK_TSC), options != NULL ? options : text);
    if (r == -EEXIST && recording->options->log_path != NULL && hand_over(recording, connection_fd) == 1)
        return 1;
    return r;
}
