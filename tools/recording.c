/* SPDX-License-Identifier: MIT */
#include "recording.h"

#include "say.h"
#include "tenure/log.h"
#include "tenure/summary.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_AFTER_NS UINT64_C(1000000000)
#define WAITING_AFTER_NS  UINT64_C(500000000)

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* While the program runs, a terminal on stdout is the program's: nothing is drawn over it. */
static bool may_show_progress(const struct tn_recording *recording)
{
    if (recording->is_quiet || !isatty(STDERR_FILENO))
        return false;
    if (!recording->has_child_ended && isatty(STDOUT_FILENO))
        return false;
    return now_ns() - recording->started_ns >= PROGRESS_AFTER_NS;
}

static void clear_progress(struct tn_recording *recording)
{
    if (recording->is_progress_shown)
        fputs("\r\033[K", stderr);
    recording->is_progress_shown = false;
}

static void show_progress(struct tn_recording *recording, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void show_progress(struct tn_recording *recording, const char *format, ...)
{
    if (!may_show_progress(recording))
        return;
    va_list arguments;
    va_start(arguments, format);
    fputs("\r\033[Ktenure: ", stderr);
    vfprintf(stderr, format, arguments);
    fflush(stderr);
    va_end(arguments);
    recording->is_progress_shown = true;
}

static void take_progress(struct tn_recording *recording, const char *line)
{
    char count[TN_QUANTITY_TEXT_BYTES], live[TN_QUANTITY_TEXT_BYTES], size[TN_QUANTITY_TEXT_BYTES];
    show_progress(recording, "%s allocations, %s live, log %s",
                  tn_print_count(count, tn_link_number(line, "allocations")),
                  tn_print_bytes(live, tn_link_number(line, "live_bytes")),
                  tn_print_bytes(size, tn_link_number(line, "log_bytes")));
}

/* "PERCENT STEP" */
static void take_finishing(struct tn_recording *recording, const char *fields)
{
    const char *step = strchr(fields, ' ');
    show_progress(recording, "finishing the log: %s, %d %%", step != NULL ? step + 1 : "", atoi(fields));
}

/* Most of those that are left when the program ends are about to end themselves. */
static void say_waiting(struct tn_recording *recording)
{
    if (recording->is_quiet || recording->has_said_waiting || recording->waiting[0] == '\0' ||
        !recording->has_child_ended || now_ns() - recording->child_ended_ns < WAITING_AFTER_NS)
        return;
    clear_progress(recording);
    tn_say(
        "'%s' has ended, but processes that it started still run and are recorded: %s; Ctrl-C closes the "
        "log, and they run on",
        recording->program, recording->waiting);
    recording->has_said_waiting = true;
}

/* "ERRNO TEXT" */
static void take_error(struct tn_recording *recording, const char *fields)
{
    const char *space = strchr(fields, ' ');
    clear_progress(recording);
    tn_say("recording stopped: %s", space != NULL ? space + 1 : fields);
    recording->has_failed = true;
    recording->has_recorder_ended = true;
}

static void take_line(struct tn_recording *recording, const char *line)
{
    size_t length = strcspn(line, " ");
    const char *fields = line + length + (line[length] == ' ');
    if (strncmp(line, "progress", length) == 0) {
        take_progress(recording, fields);
    } else if (strncmp(line, "waiting", length) == 0) {
        snprintf(recording->waiting, sizeof(recording->waiting), "%s", fields);
    } else if (strncmp(line, "finishing", length) == 0) {
        recording->waiting[0] = '\0';
        take_finishing(recording, fields);
    } else if (strncmp(line, "warning", length) == 0) {
        clear_progress(recording);
        tn_say("%s", fields);
    } else if (strncmp(line, "error", length) == 0) {
        take_error(recording, fields);
    } else if (strncmp(line, "done", length) == 0) {
        snprintf(recording->done, sizeof(recording->done), "%s", fields);
        recording->has_recorder_ended = true;
    }
}

static void take_lines(struct tn_recording *recording)
{
    int r = tn_link_read(recording->link);
    const char *line;
    while ((line = tn_link_next_line(recording->link)) != NULL)
        take_line(recording, line);
    if (r > 0 || recording->has_recorder_ended)
        return;
    clear_progress(recording);
    tn_say(
        "recording stopped: the recorder has died; '%s' runs on unrecorded, and what was recorded until "
        "then is in '%s'",
        recording->program, recording->log);
    recording->has_failed = true;
    recording->has_recorder_ended = true;
}

static void reap_child(struct tn_recording *recording)
{
    int status;
    if (recording->has_child_ended || waitpid(recording->child, &status, WNOHANG) != recording->child)
        return;
    recording->has_child_ended = true;
    recording->child_status = status;
    recording->child_ended_ns = now_ns();
    clear_progress(recording);
    tn_link_send(recording->link, "exited %d", status);
}

/* The program has got its Ctrl-C from the terminal already; what was sent to the tool alone is passed on.
 * With the program gone, each of them closes the log. */
static void take_signals(struct tn_recording *recording)
{
    struct tn_signals signals = tn_signals_take();
    if (signals.has_child_changed)
        reap_child(recording);
    if (signals.to_forward != 0 && !recording->has_child_ended)
        kill(recording->child, signals.to_forward);
    if (recording->has_child_ended && (signals.is_interrupted || signals.to_forward != 0))
        tn_link_send(recording->link, "close");
}

void tn_recording_run(struct tn_recording *recording)
{
    recording->started_ns = now_ns();
    /* It may have ended before anybody looked. */
    reap_child(recording);
    while (!recording->has_child_ended || !recording->has_recorder_ended) {
        struct pollfd poll_fd = {.fd = recording->has_recorder_ended ? -1 : recording->link->fd,
                                 .events = POLLIN};
        struct timespec soon = {.tv_nsec = WAITING_AFTER_NS};
        bool has_to_look = recording->waiting[0] != '\0' && !recording->has_said_waiting;
        int n = ppoll(&poll_fd, 1, has_to_look ? &soon : NULL, tn_signals_wait_mask());
        take_signals(recording);
        if (n > 0)
            take_lines(recording);
        say_waiting(recording);
    }
    clear_progress(recording);
}

static void print_losses(const struct tn_recording *recording)
{
    uint64_t lost = tn_link_number(recording->done, "lost");
    char count[TN_QUANTITY_TEXT_BYTES];
    if (lost != 0)
        tn_say(
            "%s events were lost: counts and lifetimes are too low where they are missing; `tenure info` "
            "tells why",
            tn_print_count(count, lost));
}

/* What the recorder does not know, because it keeps no sizes: from the finished log. "" where that fails. */
static void describe_live(const struct tn_recording *recording, char *ret_live, char *ret_peak,
                          size_t text_bytes)
{
    struct tn_log *log = NULL;
    struct tn_summary summary;
    char size[TN_QUANTITY_TEXT_BYTES];
    ret_live[0] = ret_peak[0] = '\0';
    if (tn_link_number(recording->done, "finished") == 0 || tn_log_open(recording->log, &log, NULL) < 0)
        return;
    if (tn_summary_load(log, 0, 1, &summary, NULL) == 0) {
        snprintf(ret_live, text_bytes, " (%s)", tn_print_bytes(size, summary.all.live_bytes));
        snprintf(ret_peak, text_bytes, "; %s %s", summary.process_count > 1 ? "highest peak of one" : "peak",
                 tn_print_bytes(size, summary.all.peak_live_bytes));
        tn_summary_finish(&summary);
    }
    tn_log_close(log);
}

static void print_totals(const struct tn_recording *recording)
{
    const char *done = recording->done;
    char allocations[TN_QUANTITY_TEXT_BYTES], frees[TN_QUANTITY_TEXT_BYTES], live[TN_QUANTITY_TEXT_BYTES];
    char duration[TN_QUANTITY_TEXT_BYTES], log_bytes[TN_QUANTITY_TEXT_BYTES];
    char live_bytes[TN_QUANTITY_TEXT_BYTES + 24], peak[TN_QUANTITY_TEXT_BYTES + 24];
    uint64_t processes = tn_link_number(done, "processes");
    describe_live(recording, live_bytes, peak, sizeof(live_bytes));
    tn_say("'%s' ran %s in %" PRIu64 " process%s: %s allocations, %s frees, %s still live%s%s",
           recording->program, tn_print_duration(duration, tn_link_number(done, "duration_ns")), processes,
           processes == 1 ? "" : "es", tn_print_count(allocations, tn_link_number(done, "allocations")),
           tn_print_count(frees, tn_link_number(done, "frees")),
           tn_print_count(live, tn_link_number(done, "live")), live_bytes, peak);
    tn_say("the log is %s (%s); next: tenure report %s", recording->log,
           tn_print_bytes(log_bytes, tn_link_number(done, "log_bytes")), recording->log);
}

void tn_recording_print_summary(const struct tn_recording *recording)
{
    if (recording->has_failed || recording->done[0] == '\0')
        return;
    if (tn_link_number(recording->done, "processes") == 0) {
        tn_say(
            "nothing was recorded and no log was written: the shim was never loaded into '%s' or what it "
            "executed; a static program, or one that clears LD_PRELOAD?",
            recording->program);
        return;
    }
    print_losses(recording);
    if (!recording->is_quiet)
        print_totals(recording);
}
