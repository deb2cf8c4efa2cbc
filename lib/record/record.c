/* SPDX-License-Identifier: MIT */
/* The recorder's main loop. A round reads all rings, merges what is below the watermark and applies it;
 * once a second it commits. How long it rests between rounds follows how full the rings were. Also start-up
 * and release of the whole. Called by tenure-recorder. */
#include "control.h"
#include "handshake.h"
#include "links.h"
#include "own_pools.h"
#include "pause.h"
#include "recording.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS    UINT64_C(1000000000)
#define TRIM_SECONDS 4     /* how often memory that processes have left behind goes back to the system */
#define LINK_ROWS    2048u /* rows of links written each second at most: some milliseconds */
#define SLEEP_NS_MIN 250000
#define SLEEP_NS_MAX 4000000
#define YIELD_NS     1000000 /* with rests of this length or longer */

/* How full the fullest ring was, in 256 parts of it. */
#define FILL_SLACK 16u  /* below: rest, and if this was after a rest, make the next one longer */
#define FILL_BUSY  64u  /* from here on, after a rest: make the next one shorter */
#define FILL_LATE  192u /* from here on: as short as possible */

/* Full rings, but a round with fewer events than this: a thread was interrupted inside an event. Nothing
 * later can be applied until it goes on, and it may be waiting for our processor. */
#define STUCK_EVENTS 2000u
#define STUCK_NS     50000

#define QUEUE_BYTES_MAX (UINT64_C(64) << 20)

/* How long processes that run on are still read after they were told that recording is over: their last
 * stores arrive. */
#define LAST_ROUNDS_NS UINT64_C(2000000)

uint64_t tn_recording_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

int tn_recording_fail(struct tn_recording *recording, int code, const char *what)
{
    const struct tn_log_writer *writer = recording->shared.writer;
    if (recording->error->code != 0)
        return code;
    if (writer != NULL && tn_log_writer_error(writer)->code != 0) {
        *recording->error = *tn_log_writer_error(writer);
        return code;
    }
    return tn_error_set(recording->error, code, "cannot %s: %s", what, strerror(-code));
}

/* ring.h, order rule: the time, the marks, the heads of the threads' rings, the control ring; in this order.
 */
static int read_rings(struct tn_recording *recording, uint64_t *ret_watermark)
{
    const struct tn_clock_map *clock = &recording->shared.clock;
    uint64_t now_ticks = tn_clock_ticks(clock->kind);
    uint64_t low_ticks = now_ticks - tn_clock_span_ticks(clock, TN_ORDER_SLACK_NS);
    for (uint32_t i = 0; i < recording->process_count; i++)
        tn_process_read_marks(recording->processes[i], now_ticks, &low_ticks);
    recording->shared.fill = 0;
    for (uint32_t i = 0; i < recording->process_count; i++) {
        tn_process_read_heads(recording->processes[i]);
        int r = tn_control_read(recording->processes[i]);
        if (r < 0)
            return r;
    }
    uint64_t latest_ticks = now_ticks + tn_clock_span_ticks(clock, SECOND_NS);
    for (uint32_t i = 0; i < recording->process_count; i++) {
        int r = tn_process_offer_streams(recording->processes[i], &recording->order, latest_ticks);
        if (r < 0)
            return r;
    }
    *ret_watermark = low_ticks;
    return 0;
}

int tn_recording_round(struct tn_recording *recording, bool is_thorough, uint64_t *ret_events)
{
    uint64_t watermark;
    tn_keepers_note_progress(&recording->shared.keepers);
    int r = read_rings(recording, &watermark);
    if (r < 0)
        return r;
    r = tn_order_emit(&recording->order, watermark, ret_events);
    if (r < 0)
        return r;
    recording->watermark_ticks = watermark;
    recording->shared.queued_words = 0;
    for (uint32_t i = 0; i < recording->process_count; i++) {
        r = tn_process_reclaim(recording->processes[i], QUEUE_BYTES_MAX / 8, is_thorough);
        if (r < 0)
            return r;
    }
    return tn_recording_reap(recording);
}

static void send_progress(struct tn_recording *recording)
{
    const struct tn_totals *totals = &recording->shared.totals;
    tn_tool_link_try_send(&recording->tool,
                          "progress allocations=%llu frees=%llu bytes=%llu live=%llu lost=%llu processes=%u "
                          "log_bytes=%llu",
                          (unsigned long long)totals->births, (unsigned long long)totals->deaths,
                          (unsigned long long)totals->birth_bytes,
                          (unsigned long long)(totals->births - totals->deaths),
                          (unsigned long long)tn_recording_lost_count(recording), recording->process_count,
                          (unsigned long long)tn_recording_log_bytes(recording));
}

/* Tell the tool which recorded processes outlive its child; again when the list changes. */
static void report_waiting(struct tn_recording *recording)
{
    char line[TN_RECORD_LINE_BYTES - 16];
    size_t length = 0;
    uint64_t digest = 0;
    if (!recording->tool.has_exited || recording->process_count == 0)
        return;
    for (uint32_t i = 0; i < recording->process_count && i < 32; i++) {
        int pid = (int)recording->processes[i]->id.pid;
        digest = tn_mix(digest ^ (uint64_t)pid);
        length += (size_t)snprintf(line + length, sizeof(line) - length, " %d", pid);
    }
    if (digest == recording->waiting_digest)
        return;
    recording->waiting_digest = digest;
    tn_tool_link_send(&recording->tool, "waiting%s", line);
}

int tn_recording_write_all(struct tn_recording *recording)
{
    if (recording->has_clock)
        tn_clock_adjust(&recording->shared.clock, tn_clock_read(recording->shared.clock.kind));
    int r = 0;
    uint32_t rows_max = LINK_ROWS / (recording->process_count + 1) + 1;
    for (uint32_t i = 0; i < recording->process_count; i++)
        tn_process_settle(recording->processes[i]);
    for (uint32_t i = 0; i < recording->process_count && r == 0; i++)
        r = tn_links_write(&recording->processes[i]->matcher, rows_max);
    for (uint32_t i = 0; i < recording->process_count && r == 0; i++)
        r = tn_pools_write(&recording->processes[i]->matcher);
    if (r == 0)
        r = tn_recording_detect_exec(recording);
    if (r == 0 && recording->has_clock)
        r = tn_recording_count_silent_children(recording, false);
    send_progress(recording);
    if (r == 0)
        r = tn_recording_write_totals(recording);
    r = r < 0 ? r : tn_log_commit(recording->shared.writer);
    if (recording->last_second_ns / SECOND_NS % TRIM_SECONDS == 0)
        malloc_trim(0);
    return r;
}

/* Sleep for the given time, or until epoll has an event. */
static void rest(const struct tn_recording *recording, long sleep_ns)
{
    struct pollfd poll_fd = {.fd = recording->epoll_fd, .events = POLLIN};
    struct timespec limit = {.tv_nsec = sleep_ns};
    ppoll(&poll_fd, 1, &limit, NULL);
}

/* How long to rest after a round. A program that fills its ring in a millisecond gets round after round
 * without rest, or it would have to wait for the recorder. A slower one gets as few rounds as possible: each
 * takes a processor from somebody and finds cold caches (redis-server: the recorder takes a quarter less time
 * with rests of 2 ms than of 0.25 ms).
 *
 * sleep_ns  in: the rest before this round, 0 for none; out: the rest after it
 * pace_ns   the current length of rests, adapted to what came in during one */
static void choose_rest(long *sleep_ns, long *pace_ns, uint32_t fill, uint64_t events)
{
    bool has_rested = *sleep_ns == *pace_ns;
    if (fill >= FILL_BUSY && events < STUCK_EVENTS) {
        *sleep_ns = STUCK_NS;
        return;
    }
    if (fill >= FILL_LATE)
        *pace_ns = SLEEP_NS_MIN;
    else if (fill >= FILL_BUSY && has_rested)
        *pace_ns = *pace_ns / 2 > SLEEP_NS_MIN ? *pace_ns / 2 : SLEEP_NS_MIN;
    else if (fill < FILL_SLACK && has_rested)
        *pace_ns = *pace_ns * 2 < SLEEP_NS_MAX ? *pace_ns * 2 : SLEEP_NS_MAX;
    *sleep_ns = fill < FILL_SLACK ? *pace_ns : 0;
}

/* While rings have room, run as SCHED_BATCH: a waking recorder then preempts no thread of the program (two
 * processes that answer each other, like redis-server and its benchmark, both stop when one is interrupted).
 * When rings fill up, go back: the thread that runs may be the one that will wait for us. A policy that
 * somebody chose is left alone. */
static void yield_to_programs(bool *is_yielding, long pace_ns)
{
    const struct sched_param none = {0};
    bool has_time = pace_ns >= YIELD_NS;
    if (has_time == *is_yielding || sched_getscheduler(0) != (has_time ? SCHED_OTHER : SCHED_BATCH))
        return;
    *is_yielding = has_time;
    sched_setscheduler(0, has_time ? SCHED_BATCH : SCHED_OTHER, &none);
}

/* Whether a process ends that takes this one along: PID 1 of the namespace that holds both. It waits until
 * the log is closed. */
static bool is_leaving(const struct tn_process *process)
{
    return process->id.pid == 1 && tn_process_is_leaving(process);
}

static void look_for_leaving(struct tn_recording *recording)
{
    for (uint32_t i = 0; i < recording->process_count; i++)
        recording->is_leaving = recording->is_leaving || is_leaving(recording->processes[i]);
    recording->is_closing = recording->is_closing || recording->is_leaving;
}

static int loop(struct tn_recording *recording)
{
    long sleep_ns = 0, pace_ns = SLEEP_NS_MIN;
    bool is_yielding = false;
    recording->last_second_ns = tn_recording_monotonic_ns();
    while (!tn_recording_is_over(recording) && !recording->is_closing) {
        uint64_t events = 0;
        uint64_t now_ns = tn_recording_monotonic_ns();
        bool is_second = now_ns - recording->last_second_ns >= SECOND_NS;
        int r = recording->has_clock ? tn_recording_round(recording, is_second, &events) : 0;
        if (r == 0 && is_second) {
            recording->last_second_ns = now_ns;
            r = tn_recording_write_all(recording);
        }
        if (r < 0)
            return tn_recording_fail(recording, r, "record");
        choose_rest(&sleep_ns, &pace_ns, recording->shared.fill, events);
        yield_to_programs(&is_yielding, pace_ns);
        if (sleep_ns != 0)
            rest(recording, sleep_ns);
        r = tn_recording_handle_events(recording);
        if (r == 0)
            r = tn_pause_look(recording);
        if (r < 0)
            return tn_recording_fail(recording, r, "record a process");
        report_waiting(recording);
        look_for_leaving(recording);
    }
    return 0;
}

/* Processes that run on are told that recording is over; but who waits for the log's close is told after it.
 */
static void refuse_all(struct tn_recording *recording)
{
    for (uint32_t i = 0; i < recording->process_count && !recording->is_leaving; i++)
        tn_process_refuse(recording->processes[i]);
}

static int end_all_rows(struct tn_recording *recording)
{
    recording->last_event_ticks = tn_clock_ticks(recording->shared.clock.kind);
    for (uint32_t i = 0; i < recording->process_count; i++) {
        struct tn_process *process = recording->processes[i];
        enum tn_exit_kind kind = is_leaving(process) ? TN_EXIT_UNKNOWN : TN_EXIT_RUNNING;
        if (process->state == TN_PROCESS_ALIVE)
            tn_process_end(process, kind, -1, recording->last_event_ticks);
        int r = tn_process_end_rows(process);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The log is closed while processes still run: keep the events they wrote until then, end their rows. They
 * are released once the log is closed (close.c). */
static int release_processes(struct tn_recording *recording)
{
    uint64_t events, start_ns = tn_recording_monotonic_ns();
    int r = recording->has_clock ? tn_recording_note_last_images(recording) : 0;
    refuse_all(recording);
    while (r == 0 && recording->process_count != 0 && tn_recording_monotonic_ns() - start_ns < LAST_ROUNDS_NS)
        r = tn_recording_round(recording, false, &events);
    if (r == 0 && recording->has_clock)
        r = end_all_rows(recording);
    if (r == 0 && recording->has_clock)
        r = tn_recording_count_silent_children(recording, true);
    return r < 0 ? tn_recording_fail(recording, r, "record") : 0;
}

/* The program's limits are not meant for the recorder: descriptors (one a process and one a module), address
 * space (each process's rings are mapped), file size (the log), processes (the finishing one). Large blocks
 * always come from mmap, so that a table that shrinks gives its memory back. */
static void raise_limits(void)
{
    static const int resources[] = {RLIMIT_NOFILE, RLIMIT_AS,  RLIMIT_DATA,
                                    RLIMIT_FSIZE,  RLIMIT_CPU, RLIMIT_NPROC};
    for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++) {
        struct rlimit limit;
        if (getrlimit(resources[i], &limit) < 0)
            continue;
        limit.rlim_cur = limit.rlim_max;
        setrlimit(resources[i], &limit);
    }
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

static int open_signals(void)
{
    static const int ignored[] = {SIGINT,  SIGHUP,  SIGPIPE, SIGQUIT, SIGTSTP,
                                  SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGXFSZ};
    sigset_t blocked;
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    int fd = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd >= 0 ? fd : -errno;
}

static int open_descriptors(struct tn_recording *recording)
{
    raise_limits();
    prctl(PR_SET_TIMERSLACK, 1);
    recording->signal_fd = open_signals();
    recording->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (recording->signal_fd < 0 || recording->epoll_fd < 0)
        return tn_recording_fail(recording, -errno, "start");
    int r = tn_session_dir_open(&recording->session_dir, recording->error);
    if (r < 0)
        return r;
    r = tn_recording_watch(recording, TN_SOURCE_SIGNAL, recording->signal_fd);
    if (r == 0)
        r = tn_recording_watch(recording, TN_SOURCE_LISTEN, recording->session_dir.listen_fd);
    if (r == 0 && recording->tool.fd >= 0)
        r = tn_recording_watch(recording, TN_SOURCE_STATUS, recording->tool.fd);
    return r < 0 ? tn_recording_fail(recording, r, "start") : 0;
}

/* Under a bare preload the first process waits at the other end of attach_fd. Returns 1 when it was handed
 * over to another recorder. */
static int admit_first(struct tn_recording *recording)
{
    struct pollfd poll_fd = {.fd = recording->options->attach_fd, .events = POLLIN};
    if (poll(&poll_fd, 1, TN_WELCOME_TIMEOUT_MS) <= 0)
        return tn_error_set(recording->error, -ETIMEDOUT, "the program did not introduce itself");
    int r = tn_recording_admit(recording, recording->options->attach_fd);
    return r < 0 ? tn_recording_fail(recording, r, "record the program") : r;
}

/* The program that waits says it on its standard error. */
static void tell_unable(const struct tn_recording *recording)
{
    struct tn_welcome welcome = {.status = TN_WELCOME_UNABLE};
    snprintf(welcome.text, sizeof(welcome.text), "%.255s", recording->error->text);
    if (recording->options->attach_fd >= 0)
        tn_handshake_answer(recording->options->attach_fd, welcome);
}

static int begin(struct tn_recording *recording)
{
    tn_pause_begin(recording);
    for (int kind = TN_CLOCK_TSC; kind <= TN_CLOCK_COUNTER; kind++)
        recording->started[kind] = tn_clock_read((enum tn_clock)kind);
    int r = open_descriptors(recording);
    if (r < 0) {
        tell_unable(recording);
        return r;
    }
    if (recording->options->attach_fd >= 0)
        return admit_first(recording);
    if (strlen(recording->options->log_path) >= sizeof(recording->log_path))
        return tn_error_set(recording->error, -ENAMETOOLONG, "the name of the log is too long");
    strcpy(recording->log_path, recording->options->log_path);
    r = tn_recording_create_log(recording, "tsc", recording->options->options_text);
    if (r < 0)
        return r;
    tn_tool_link_send(&recording->tool, "ready %s", recording->session_dir.socket_path);
    if (recording->session_dir.reason.code != 0)
        tn_tool_link_send(&recording->tool, "warning %s; %s is used instead",
                          recording->session_dir.reason.text, recording->session_dir.path);
    return 0;
}

static void release(struct tn_recording *recording)
{
    for (uint32_t i = 0; i < recording->process_count; i++)
        tn_process_destroy(recording->processes[i]);
    free(recording->processes);
    tn_keepers_finish(&recording->shared.keepers);
    tn_order_finish(&recording->order);
    tn_process_rows_finish(&recording->rows);
    tn_children_finish(&recording->shared.children);
    tn_module_files_finish(&recording->shared.files);
    tn_buffer_finish(&recording->shared.scratch);
    free(recording->shared.dead);
    tn_tool_link_close(&recording->tool);
    tn_log_writer_abandon(recording->shared.writer);
    if (recording->epoll_fd >= 0)
        close(recording->epoll_fd);
    if (recording->signal_fd >= 0)
        close(recording->signal_fd);
    free(recording);
}

static int describe(struct tn_recording *recording)
{
    bool is_tool_there = recording->options->attach_fd < 0;
    struct tn_log_writer *writer = recording->shared.writer;
    int r = tn_log_set_meta(writer, "session", is_tool_there ? "record" : "preload");
    r = r < 0 ? r : tn_log_set_meta(writer, "recorder_version", TN_VERSION);
    r = r < 0 ? r : tn_log_commit(writer);
    return r < 0 ? tn_recording_fail(recording, r, "write the log") : 0;
}

int tn_record_run(const struct tn_record_options *options, struct tn_error *error)
{
    struct tn_error own_error = {0};
    struct tn_recording *recording = calloc(1, sizeof(*recording));
    if (recording == NULL)
        return tn_error_set(error, -ENOMEM, "out of memory");
    recording->options = options;
    recording->error = &own_error;
    recording->tool.fd = options->status_fd;
    recording->epoll_fd = -1;
    recording->signal_fd = -1;
    recording->session_dir = (struct tn_session_dir){.fd = -1, .listen_fd = -1};
    int r = begin(recording);
    if (r == 0 && recording->shared.writer != NULL)
        r = describe(recording);
    if (r == 0)
        r = loop(recording);
    if (r == 0)
        r = release_processes(recording);
    if (r == 0)
        r = tn_recording_close(recording);
    if (r < 0)
        tn_recording_abort(recording);
    if (r == 1)
        tn_session_dir_close(&recording->session_dir);
    release(recording);
    if (r < 0 && error != NULL)
        *error = own_error;
    return r < 0 ? r : 0;
}
