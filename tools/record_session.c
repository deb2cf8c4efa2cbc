/* SPDX-License-Identifier: MIT */
/* Sees a recording through: waits for the child, the recorder and signals in one ppoll, shows progress, and
 * prints the summary. Invariant: the tool ends only when both the child and the recorder have. Called by
 * cmd_record.c. */
#include "record_session.h"

#include "message.h"
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

/* 5 ms apart: how long a recorder that has said its last word may take to end. */
#define REAP_ATTEMPTS 200

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* While the program runs, a terminal on stdout belongs to it: no progress is drawn there. */
static bool may_show_progress(const struct tn_record_session *session)
{
    if (session->is_quiet || !isatty(STDERR_FILENO))
        return false;
    if (!session->has_child_ended && isatty(STDOUT_FILENO))
        return false;
    return now_ns() - session->started_ns >= PROGRESS_AFTER_NS;
}

static void clear_progress(struct tn_record_session *session)
{
    if (session->is_progress_shown)
        fputs("\r\033[K", stderr);
    session->is_progress_shown = false;
}

static void show_progress(struct tn_record_session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void show_progress(struct tn_record_session *session, const char *format, ...)
{
    if (!may_show_progress(session))
        return;
    va_list arguments;
    va_start(arguments, format);
    fputs("\r\033[Ktenure: ", stderr);
    vfprintf(stderr, format, arguments);
    fflush(stderr);
    va_end(arguments);
    session->is_progress_shown = true;
}

static void take_progress(struct tn_record_session *session, const char *line)
{
    char count[TN_QUANTITY_TEXT_BYTES], live[TN_QUANTITY_TEXT_BYTES], size[TN_QUANTITY_TEXT_BYTES];
    show_progress(session, "%s allocations, %s live, log %s",
                  tn_print_count(count, tn_link_number(line, "allocations")),
                  tn_print_bytes(live, tn_link_number(line, "live_bytes")),
                  tn_print_bytes(size, tn_link_number(line, "log_bytes")));
}

/* "PERCENT STEP" */
static void take_finishing(struct tn_record_session *session, const char *fields)
{
    const char *step = strchr(fields, ' ');
    show_progress(session, "finishing the log: %s, %d %%", step != NULL ? step + 1 : "", atoi(fields));
}

/* Most processes left when the program ends are about to end, too: wait a moment before naming them. */
static void say_waiting(struct tn_record_session *session)
{
    if (session->is_quiet || session->has_said_waiting || session->waiting[0] == '\0' ||
        !session->has_child_ended || now_ns() - session->child_ended_ns < WAITING_AFTER_NS)
        return;
    clear_progress(session);
    tn_say(
        "'%s' has ended, but processes that it started still run and are recorded: %s; Ctrl-C closes the "
        "log, and they run on",
        session->program, session->waiting);
    session->has_said_waiting = true;
}

/* "ERRNO TEXT" */
static void take_error(struct tn_record_session *session, const char *fields)
{
    const char *space = strchr(fields, ' ');
    clear_progress(session);
    tn_say("recording stopped: %s", space != NULL ? space + 1 : fields);
    session->has_failed = true;
    session->has_recorder_ended = true;
}

static void take_line(struct tn_record_session *session, const char *line)
{
    size_t length = strcspn(line, " ");
    const char *fields = line + length + (line[length] == ' ');
    if (strncmp(line, "progress", length) == 0) {
        take_progress(session, fields);
    } else if (strncmp(line, "waiting", length) == 0) {
        snprintf(session->waiting, sizeof(session->waiting), "%s", fields);
    } else if (strncmp(line, "finishing", length) == 0) {
        session->waiting[0] = '\0';
        take_finishing(session, fields);
    } else if (strncmp(line, "warning", length) == 0) {
        clear_progress(session);
        tn_say("%s", fields);
    } else if (strncmp(line, "error", length) == 0) {
        take_error(session, fields);
    } else if (strncmp(line, "done", length) == 0 ||
               (strncmp(line, "closed", length) == 0 && session->is_background)) {
        snprintf(session->done, sizeof(session->done), "%s", fields);
        session->has_recorder_ended = true;
    }
}

/* Somebody has stopped the recorder: the program goes on, but the log is not closed before it goes on, too.
 */
static void say_stopped(struct tn_record_session *session)
{
    if (session->has_said_stopped)
        return;
    clear_progress(session);
    tn_say(
        "the recorder, process %d, was stopped by a signal: events may be lost, and the log is not closed "
        "until "
        "it "
        "goes on: kill -CONT %d",
        (int)session->link->pid, (int)session->link->pid);
    session->has_said_stopped = true;
}

/* Whether a child has changed, without waiting. The signal that tells of it comes once: to look is not given
 * up for EINTR, which a tracer or a filter of system calls may give even here. */
static bool has_changed(pid_t pid, int *ret_status, int options)
{
    pid_t found;
    do
        found = waitpid(pid, ret_status, WNOHANG | options);
    while (found < 0 && errno == EINTR);
    return found == pid;
}

/* Collect the recorder if it has ended. False: it has not. */
static bool reap_recorder(struct tn_record_session *session)
{
    int status;
    if (session->is_recorder_reaped || !has_changed(session->link->pid, &status, WUNTRACED))
        return session->is_recorder_reaped;
    if (WIFSTOPPED(status)) {
        say_stopped(session);
        return false;
    }
    session->recorder_status = status;
    session->is_recorder_reaped = true;
    return true;
}

/* Its end of the socket is closed a moment before it can be collected. */
static void wait_for_recorder(struct tn_record_session *session)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    for (int i = 0; i < REAP_ATTEMPTS && !reap_recorder(session); i++)
        nanosleep(&pause, NULL);
}

/* "was killed by signal 9 (Killed)" */
static void describe_end(const struct tn_record_session *session, char *text, size_t text_bytes)
{
    int status = session->recorder_status;
    if (!session->is_recorder_reaped)
        snprintf(text, text_bytes, "does not answer");
    else if (WIFSIGNALED(status))
        snprintf(text, text_bytes, "was killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, text_bytes, "ended with status %d", WEXITSTATUS(status));
}

/* "holds 1,234 allocations of the first 2.0 s": the totals are renewed with every commit. */
static void describe_log(const struct tn_record_session *session, char *text, size_t text_bytes)
{
    struct tn_log *log = NULL;
    char count[TN_QUANTITY_TEXT_BYTES], duration[TN_QUANTITY_TEXT_BYTES];
    snprintf(text, text_bytes, "has what was recorded until then");
    if (tn_log_open(session->log, &log, NULL) < 0)
        return;
    int64_t allocations = tn_log_meta_int(log, "allocations", 0);
    int64_t duration_ns = tn_log_meta_int(log, "duration_ns", 0);
    tn_log_close(log);
    if (allocations > 0 && duration_ns > 0)
        snprintf(text, text_bytes, "holds %s allocations of the first %s",
                 tn_print_count(count, (uint64_t)allocations),
                 tn_print_duration(duration, (uint64_t)duration_ns));
    else
        snprintf(text, text_bytes, "holds no allocation yet");
}

static void say_recorder_died(struct tn_record_session *session)
{
    char end[128], holds[128];
    wait_for_recorder(session);
    describe_end(session, end, sizeof(end));
    describe_log(session, holds, sizeof(holds));
    clear_progress(session);
    if (session->has_child_ended)
        tn_say("recording stopped: the recorder %s; the log '%s' %s", end, session->log, holds);
    else
        tn_say("recording stopped: the recorder %s; '%s' runs on unrecorded, and the log '%s' %s", end,
               session->program, session->log, holds);
}

static void take_lines(struct tn_record_session *session)
{
    int r = tn_link_read(session->link);
    const char *line;
    while ((line = tn_link_next_line(session->link)) != NULL)
        take_line(session, line);
    if (r > 0 || session->has_recorder_ended)
        return;
    say_recorder_died(session);
    session->has_failed = true;
    session->has_recorder_ended = true;
}

static void reap_child(struct tn_record_session *session)
{
    int status;
    if (session->has_child_ended || !has_changed(session->child, &status, 0))
        return;
    session->has_child_ended = true;
    session->child_status = status;
    session->child_ended_ns = now_ns();
    clear_progress(session);
    tn_link_send(session->link, "exited %d", status);
}

/* The terminal has sent Ctrl-C to the program as well; signals sent to the tool alone are forwarded. Once the
 * program has ended, any of them closes the log. */
static void take_signals(struct tn_record_session *session)
{
    struct tn_signals signals = tn_signals_take();
    if (signals.has_child_changed) {
        reap_child(session);
        reap_recorder(session);
    }
    if (signals.to_forward != 0 && !session->has_child_ended)
        kill(session->child, signals.to_forward);
    if (session->has_child_ended && (signals.is_interrupted || signals.to_forward != 0))
        tn_link_send(session->link, "close");
}

/* Close the log when its time has passed; the program runs on. */
static void end_in_time(struct tn_record_session *session)
{
    char duration[TN_QUANTITY_TEXT_BYTES];
    if (session->duration_ns == 0 || session->is_over || session->has_recorder_ended ||
        now_ns() - session->started_ns < session->duration_ns)
        return;
    session->is_over = true;
    clear_progress(session);
    tn_link_send(session->link, "close");
    if (!session->is_quiet && !session->has_child_ended)
        tn_say("the log '%s' is closed after %s; '%s' runs on unrecorded", session->log,
               tn_print_duration(duration, session->duration_ns), session->program);
}

/* How long to wait for something to happen at most; NULL: for ever. */
static const struct timespec *choose_patience(const struct tn_record_session *session,
                                              struct timespec *patience)
{
    bool has_to_look = session->waiting[0] != '\0' && !session->has_said_waiting;
    bool has_end = session->duration_ns != 0 && !session->is_over && !session->has_recorder_ended;
    uint64_t wait_ns = UINT64_MAX;
    if (has_to_look)
        wait_ns = WAITING_AFTER_NS;
    if (has_end) {
        uint64_t passed_ns = now_ns() - session->started_ns;
        uint64_t left_ns = passed_ns < session->duration_ns ? session->duration_ns - passed_ns : 0;
        wait_ns = left_ns < wait_ns ? left_ns : wait_ns;
    }
    if (wait_ns == UINT64_MAX)
        return NULL;
    patience->tv_sec = (time_t)(wait_ns / 1000000000u);
    patience->tv_nsec = (long)(wait_ns % 1000000000u);
    return patience;
}

void tn_record_session_run(struct tn_record_session *session)
{
    session->started_ns = now_ns();
    /* The child may have ended before its SIGCHLD was waited for. */
    reap_child(session);
    while (!session->has_child_ended || !session->has_recorder_ended) {
        struct pollfd poll_fd = {.fd = session->has_recorder_ended ? -1 : session->link->fd,
                                 .events = POLLIN};
        struct timespec patience;
        int n = ppoll(&poll_fd, 1, choose_patience(session, &patience), tn_signals_wait_mask());
        take_signals(session);
        if (n > 0)
            take_lines(session);
        end_in_time(session);
        say_waiting(session);
    }
    if (!session->is_background || session->has_failed)
        wait_for_recorder(session);
    clear_progress(session);
}

/* As `done` says it in unable (record.h); 0: no process has said anything. */
static const char *const reasons[] = {
    "the shim was never loaded into it or what it executed; a static program, or one that clears LD_PRELOAD?",
    "it had no free descriptor (RLIMIT_NOFILE) to connect with",
    "it had no memory, address space or file size (RLIMIT_AS, RLIMIT_FSIZE) for a ring",
    "it could not reach the recorder",
    "the recorder refused it",
    "the recorder stood still",
    "a filter of system calls may forbid it",
    "it brings an allocator of its own, which calls nobody",
};

static void print_nothing(const struct tn_record_session *session)
{
    uint64_t why = tn_link_number(session->done, "unable");
    if (why >= sizeof(reasons) / sizeof(reasons[0]))
        why = 0;
    tn_say("nothing of '%s' was recorded and no log was written: %s", session->program, reasons[why]);
}

static void print_losses(const struct tn_record_session *session)
{
    uint64_t lost = tn_link_number(session->done, "lost");
    uint64_t unrecorded = tn_link_number(session->done, "unrecorded");
    char count[TN_QUANTITY_TEXT_BYTES];
    if (unrecorded != 0)
        tn_say("%s process%s that the program started could not be recorded; `tenure info` tells why",
               tn_print_count(count, unrecorded), unrecorded == 1 ? "" : "es");
    uint64_t refused = tn_link_number(session->done, "refused");
    if (refused != 0)
        tn_say(
            "the program was refused %s thread%s or process%s: a limit of processes (ulimit -u) counts "
            "tenure's "
            "two, too; allow it two more",
            tn_print_count(count, refused), refused == 1 ? "" : "s", refused == 1 ? "" : "es");
    if (tn_link_number(session->done, "apart") != 0)
        tn_say(
            "the program loaded libraries apart (RTLD_DEEPBIND, dlmopen): what they allocate themselves is "
            "not recorded");
    if (tn_link_number(session->done, "damaged") != 0)
        tn_say(
            "the program wrote over the memory of the recording: events are missing, and it is not known how "
            "many");
    if (lost != 0)
        tn_say(
            "%s events were lost: counts and lifetimes are too low where they are missing; `tenure info` "
            "tells why",
            tn_print_count(count, lost));
}

/* Live and peak bytes, which the recorder does not know (it keeps no sizes): from the finished log. "" if
 * that fails. */
static void describe_live(const struct tn_record_session *session, char *ret_live, char *ret_peak,
                          size_t text_bytes)
{
    struct tn_log *log = NULL;
    struct tn_summary summary;
    char size[TN_QUANTITY_TEXT_BYTES];
    ret_live[0] = ret_peak[0] = '\0';
    if (tn_link_number(session->done, "finished") == 0 || tn_log_open(session->log, &log, NULL) < 0)
        return;
    if (tn_summary_load(log, 0, 1, &summary, NULL) == 0) {
        snprintf(ret_live, text_bytes, " (%s)", tn_print_bytes(size, summary.all.live_bytes));
        snprintf(ret_peak, text_bytes, "; %s %s", summary.process_count > 1 ? "highest peak of one" : "peak",
                 tn_print_bytes(size, summary.all.peak_live_bytes));
        tn_summary_finish(&summary);
    }
    tn_log_close(log);
}

/* Whether the finished log has no plain rows. */
static bool is_packed(const struct tn_record_session *session)
{
    struct tn_log *log = NULL;
    if (tn_link_number(session->done, "finished") == 0 || tn_log_open(session->log, &log, NULL) < 0)
        return false;
    bool is_packed = tn_log_is_packed(log);
    tn_log_close(log);
    return is_packed;
}

static void print_totals(const struct tn_record_session *session)
{
    const char *done = session->done;
    char allocations[TN_QUANTITY_TEXT_BYTES], frees[TN_QUANTITY_TEXT_BYTES], live[TN_QUANTITY_TEXT_BYTES];
    char duration[TN_QUANTITY_TEXT_BYTES], log_bytes[TN_QUANTITY_TEXT_BYTES];
    char live_bytes[TN_QUANTITY_TEXT_BYTES + 24], peak[TN_QUANTITY_TEXT_BYTES + 24];
    uint64_t processes = tn_link_number(done, "processes");
    describe_live(session, live_bytes, peak, sizeof(live_bytes));
    tn_say("'%s' ran %s in %" PRIu64 " process%s: %s allocations, %s frees, %s still live%s%s",
           session->program, tn_print_duration(duration, tn_link_number(done, "duration_ns")), processes,
           processes == 1 ? "" : "es", tn_print_count(allocations, tn_link_number(done, "allocations")),
           tn_print_count(frees, tn_link_number(done, "frees")),
           tn_print_count(live, tn_link_number(done, "live")), live_bytes, peak);
    tn_print_bytes(log_bytes, tn_link_number(done, "log_bytes"));
    if (access(session->log, F_OK) < 0 && errno == ENOENT)
        tn_say(
            "the log %s was removed while it was written, and nothing is left of it; record again, with the "
            "log "
            "in a folder that nobody empties",
            session->log);
    else if (session->is_background)
        tn_say(
            "the log is %s (%s); names and summaries are added in the background, and whoever reads the log "
            "waits for them; next: tenure report %s",
            session->log, log_bytes, session->log);
    else if (is_packed(session))
        tn_say(
            "the log is %s (%s; its events are packed: `tenure sql` reads them, `tenure unpack` makes a copy "
            "with rows for other tools); next: tenure report %s",
            session->log, log_bytes, session->log);
    else
        tn_say("the log is %s (%s); next: tenure report %s", session->log, log_bytes, session->log);
}

/* What was left out because somebody asked for it. A pause that nobody ended lasts until the recorder closes
 * the log, a little longer than the program that the line before is about. */
static void print_pause(const struct tn_record_session *session)
{
    char duration[TN_QUANTITY_TEXT_BYTES], count[TN_QUANTITY_TEXT_BYTES];
    uint64_t paused_ns = tn_link_number(session->done, "paused_ns");
    uint64_t program_ns = tn_link_number(session->done, "duration_ns");
    if (paused_ns == 0)
        return;
    if (paused_ns > program_ns)
        paused_ns = program_ns;
    tn_say("recording was paused for %s of that%s: %s allocations in that time are not in the log",
           tn_print_duration(duration, paused_ns),
           tn_link_number(session->done, "is_paused") != 0 ? ", and to the end" : "",
           tn_print_count(count, tn_link_number(session->done, "left_out")));
}

void tn_record_session_print_summary(const struct tn_record_session *session)
{
    if (session->has_failed || session->done[0] == '\0')
        return;
    if (tn_link_number(session->done, "processes") == 0) {
        print_nothing(session);
        return;
    }
    print_losses(session);
    if (session->is_quiet)
        return;
    print_totals(session);
    print_pause(session);
}
