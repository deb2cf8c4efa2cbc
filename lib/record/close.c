/* SPDX-License-Identifier: MIT */
/* The end of a recording: totals into meta, close the log, run the finishing process, tell the tool; or,
 * after a failure, let the programs go and leave what was committed. Called by record.c. */
#include "pause.h"
#include "recording.h"

#include "tenure/finish.h"

#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKGROUND_NICE        10
#define FINISH_ARGUMENTS_FIXED 16

static int set_number(struct tn_recording *recording, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    return tn_log_set_meta(recording->shared.writer, key, text);
}

static uint64_t lost_in_totals(const struct tn_totals *totals)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < TN_LOSS_REASON_COUNT; i++)
        sum += totals->lost[i];
    return sum;
}

uint64_t tn_recording_lost_count(const struct tn_recording *recording)
{
    uint64_t lost = lost_in_totals(&recording->shared.totals);
    for (uint32_t i = 0; i < recording->process_count; i++)
        lost += tn_process_lost_count(recording->processes[i]);
    return lost;
}

static uint64_t file_bytes(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

uint64_t tn_recording_log_bytes(const struct tn_recording *recording)
{
    char wal[PATH_MAX + 8];
    snprintf(wal, sizeof(wal), "%s-wal", recording->log_path);
    return file_bytes(recording->log_path) + file_bytes(wal);
}

static uint64_t processes_unrecorded(const struct tn_process_shared *shared)
{
    uint64_t sum = shared->images_unreported;
    for (uint32_t i = 0; i < TN_CHILD_LOSS_COUNT; i++)
        sum += shared->counts.children_lost[i];
    return sum;
}

/* Whether events are missing whose loss is not by design: handlers inside the shim, and what comes before or
 * after it. */
static bool has_gaps(const struct tn_process_shared *shared)
{
    const struct tn_totals *totals = &shared->totals;
    uint64_t by_design = totals->lost[TN_LOSS_BIT(TN_LOSS_NESTED)] + totals->lost[TN_LOSS_BIT(TN_LOSS_EARLY)];
    return lost_in_totals(totals) != by_design || totals->damaged_rings != 0 ||
           shared->counts.damaged_headers != 0;
}

int tn_recording_write_totals(struct tn_recording *recording)
{
    const struct tn_process_shared *shared = &recording->shared;
    const struct tn_totals *totals = &shared->totals;
    const struct tn_shim_counts *counts = &shared->counts;
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        {"events_lost", tn_recording_lost_count(recording)},
        {"events_lost_ring", totals->lost[TN_LOSS_BIT(TN_LOSS_RING_FULL)]},
        {"events_lost_nested", totals->lost[TN_LOSS_BIT(TN_LOSS_NESTED)]},
        {"events_lost_no_slot", totals->lost[TN_LOSS_BIT(TN_LOSS_NO_SLOT)]},
        {"events_lost_early", totals->lost[TN_LOSS_BIT(TN_LOSS_EARLY)]},
        {"events_lost_stalled", totals->lost[TN_LOSS_BIT(TN_LOSS_STALLED)]},
        {"events_lost_no_memory", totals->lost[TN_LOSS_BIT(TN_LOSS_NO_MEMORY)]},
        {"processes_unrecorded", processes_unrecorded(shared)},
        {"processes_unrecorded_no_descriptor", counts->children_lost[TN_CHILD_NO_DESCRIPTOR]},
        {"processes_unrecorded_no_memory", counts->children_lost[TN_CHILD_NO_MEMORY]},
        {"processes_unrecorded_unreached", counts->children_lost[TN_CHILD_UNREACHED]},
        {"processes_unrecorded_refused", counts->children_lost[TN_CHILD_REFUSED]},
        {"processes_unrecorded_unanswered", counts->children_lost[TN_CHILD_UNANSWERED]},
        {"processes_unrecorded_forbidden", counts->children_lost[TN_CHILD_FORBIDDEN]},
        {"processes_unrecorded_own_malloc", counts->children_lost[TN_CHILD_OWN_MALLOC]},
        {"processes_unrecorded_silent", shared->images_unreported},
        {"tasks_refused", counts->tasks_refused},
        {"libraries_apart", counts->libraries_apart},
        {"stacks_lost", counts->stacks_lost},
        {"inherited_frees", totals->inherited_frees},
        {"pauses", shared->pause.count},
        {"paused_ns", tn_pause_total_ns(recording)},
        {"unrecorded_allocations", totals->unrecorded_births},
        {"unrecorded_frees", totals->unrecorded_frees},
        {"unmatched_frees", totals->unmatched_frees},
        {"unmatched_births", totals->unmatched_births},
        {"repaired_orders", totals->repaired_orders},
        {"unknown_stacks", totals->unknown_stacks},
        {"damaged_rings", totals->damaged_rings},
        {"links_dropped", totals->links_dropped},
        {"pool_events_dropped", totals->pool_events_dropped},
        {"damaged_headers", counts->damaged_headers},
        {"stacks_checked", counts->stacks_checked},
        {"stacks_different", counts->stacks_different},
        {"rules_learned", counts->rules_learned},
        {"frames_complex", counts->frames_complex},
        {"frames_unwalked", counts->frames_unwalked},
        {"threads_peak", shared->threads_peak},
        {"threads_room", shared->threads_room},
        {"recorder_peak_bytes", tn_proc_own_peak_bytes()},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        int r = set_number(recording, numbers[i].key, numbers[i].value);
        if (r < 0)
            return r;
    }
    return 0;
}

void tn_recording_remove_log(const struct tn_recording *recording)
{
    static const char *const parts[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; recording->is_log_made && i < sizeof(parts) / sizeof(parts[0]); i++) {
        char name[PATH_MAX + 16];
        snprintf(name, sizeof(name), "%s%s", recording->log_path, parts[i]);
        unlink(name);
    }
}

/* Arguments of the finishing process; the texts are owned by the list. */
struct arguments {
    char **list;
    size_t count;
};

static int add_argument(struct arguments *arguments, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int add_argument(struct arguments *arguments, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int length = vasprintf(&arguments->list[arguments->count], format, values);
    va_end(values);
    if (length < 0) {
        arguments->list[arguments->count] = NULL;
        return -ENOMEM;
    }
    arguments->count++;
    return 0;
}

static int add_arguments(struct arguments *arguments, const struct tn_recording *recording, bool has_lock)
{
    const struct tn_record_options *options = recording->options;
    const struct tn_module_files *files = &recording->shared.files;
    int r = add_argument(arguments, "%s", options->self_path);
    r = r < 0 ? r : add_argument(arguments, "--finish");
    r = r < 0 ? r : add_argument(arguments, "--log");
    r = r < 0 ? r : add_argument(arguments, "%s", recording->log_path);
    r = r < 0 ? r : add_argument(arguments, "--rows");
    r = r < 0 ? r : add_argument(arguments, "%llu", (unsigned long long)options->rows_max);
    if (r == 0 && options->wrapper_regex != NULL) {
        r = add_argument(arguments, "--wrapper");
        r = r < 0 ? r : add_argument(arguments, "%s", options->wrapper_regex);
    }
    if (r == 0 && options->keeps_wrappers)
        r = add_argument(arguments, "--keep-wrappers");
    if (r == 0 && has_lock)
        r = add_argument(arguments, "--locked");
    if (r == 0 && recording->tool.fd >= 0) {
        r = add_argument(arguments, "--status-fd");
        r = r < 0 ? r : add_argument(arguments, "%d", recording->tool.fd);
    }
    for (uint32_t i = 0; i < files->count && r == 0; i++) {
        r = add_argument(arguments, "--module");
        r = r < 0 ? r
                  : add_argument(arguments, "%llu:%d", (unsigned long long)files->files[i].module_id,
                                 files->files[i].fd);
    }
    return r;
}

static void exec_finish(const struct tn_recording *recording, char **arguments, int lock_fd)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    const struct tn_module_files *files = &recording->shared.files;
    for (uint32_t i = 0; i < files->count; i++)
        fcntl(files->files[i].fd, F_SETFD, 0);
    if (recording->tool.fd >= 0)
        fcntl(recording->tool.fd, F_SETFD, 0);
    if (lock_fd >= 0)
        fcntl(lock_fd, F_SETFD, 0);
    if (recording->options->is_background)
        setpriority(PRIO_PROCESS, 0, BACKGROUND_NICE);
    execv(arguments[0], arguments);
    _exit(127);
}

/* Wait for the finishing process. -ECANCELED: it has already reported why it failed. */
static int wait_for_finish(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
        return WEXITSTATUS(status) == 0 ? 0 : -ECANCELED;
    return -ECHILD;
}

/* Symbolizing takes memory that the recorder must not take, so another image does it. Where a tool waits for
 * the totals, in a process of its own; else this one becomes it: one process less for a user who may have
 * few. Returns as wait_for_finish. */
static int run_finish(const struct tn_recording *recording, int lock_fd)
{
    size_t room = FINISH_ARGUMENTS_FIXED + 2 * (size_t)recording->shared.files.count;
    struct arguments arguments = {.list = calloc(room, sizeof(arguments.list[0]))};
    if (arguments.list == NULL)
        return -ENOMEM;
    int r = add_arguments(&arguments, recording, lock_fd >= 0);
    pid_t pid = r < 0 ? -1 : recording->tool.fd < 0 ? 0 : fork();
    if (pid == 0)
        exec_finish(recording, arguments.list, lock_fd);
    if (r == 0)
        r = pid < 0 ? -errno : wait_for_finish(pid);
    for (size_t i = 0; i < arguments.count; i++)
        free(arguments.list[i]);
    free(arguments.list);
    return r;
}

/* word: "closed" or "done". */
static void send_totals(struct tn_recording *recording, const char *word, uint64_t duration_ns,
                        bool is_finished)
{
    const struct tn_totals *totals = &recording->shared.totals;
    tn_tool_link_send(&recording->tool,
                      "%s allocations=%llu frees=%llu live=%llu bytes=%llu lost=%llu processes=%llu "
                      "duration_ns=%llu log_bytes=%llu finished=%d unrecorded=%llu unable=%u damaged=%llu "
                      "refused=%llu apart=%llu paused_ns=%llu left_out=%llu is_paused=%d",
                      word, (unsigned long long)totals->births, (unsigned long long)totals->deaths,
                      (unsigned long long)(totals->births - totals->deaths),
                      (unsigned long long)totals->birth_bytes, (unsigned long long)lost_in_totals(totals),
                      (unsigned long long)recording->process_total, (unsigned long long)duration_ns,
                      (unsigned long long)tn_recording_log_bytes(recording), is_finished,
                      (unsigned long long)processes_unrecorded(&recording->shared), recording->heard_loss,
                      (unsigned long long)(totals->damaged_rings + recording->shared.counts.damaged_headers),
                      (unsigned long long)recording->shared.counts.tasks_refused,
                      (unsigned long long)recording->shared.counts.libraries_apart,
                      (unsigned long long)tn_pause_total_ns(recording),
                      (unsigned long long)totals->unrecorded_births, recording->shared.pause.is_paused);
}

static int close_empty(struct tn_recording *recording, bool has_root_told)
{
    if (has_root_told && recording->heard_loss == 0)
        recording->heard_loss = TN_CHILD_UNREACHED + 1;
    tn_log_writer_abandon(recording->shared.writer);
    recording->shared.writer = NULL;
    tn_recording_remove_log(recording);
    send_totals(recording, "done", 0, false);
    return 0;
}

/* Programs that still run do so unrecorded; one may wait for just this. */
static void let_go(struct tn_recording *recording)
{
    for (uint32_t i = 0; i < recording->process_count; i++) {
        tn_process_refuse(recording->processes[i]);
        tn_process_destroy(recording->processes[i]);
    }
    recording->process_count = 0;
}

int tn_recording_close(struct tn_recording *recording)
{
    const struct tn_tool_link *tool = &recording->tool;
    bool has_root_told = tool->has_child && tn_session_dir_has_told(&recording->session_dir, tool->child_pid);
    tn_session_dir_close(&recording->session_dir);
    if (recording->process_total == 0 || tool->is_to_discard)
        return close_empty(recording, has_root_told);
    uint64_t duration_ns = tn_clock_ns(&recording->shared.clock, recording->last_event_ticks);
    recording->shared.pause.log_end_ns = duration_ns;
    int r = tn_recording_write_totals(recording);
    if (r < 0)
        return tn_recording_fail(recording, r, "write the totals");
    if (has_gaps(&recording->shared))
        tn_log_note_gaps(recording->shared.writer);
    /* Before readers see a closed log: they would finish it, without the files that are held open here. It is
     * released when this process and the finishing one have ended. */
    int lock_fd = tn_finish_lock(recording->log_path);
    r = tn_log_writer_close(recording->shared.writer, duration_ns, recording->error);
    recording->shared.writer = NULL;
    let_go(recording);
    if (r < 0)
        return tn_recording_fail(recording, r, "close the log");
    send_totals(recording, "closed", duration_ns, false);
    r = run_finish(recording, lock_fd);
    if (r < 0 && r != -ECANCELED)
        tn_tool_link_send(&recording->tool,
                          "warning the log is complete, but names and summaries could not be added to it: %s",
                          r == -ECHILD ? "the finishing process failed" : strerror(-r));
    send_totals(recording, "done", duration_ns, r == 0);
    return 0;
}

void tn_recording_abort(struct tn_recording *recording)
{
    for (uint32_t i = 0; i < recording->process_count; i++)
        tn_process_refuse(recording->processes[i]);
    tn_session_dir_close(&recording->session_dir);
    tn_log_writer_abandon(recording->shared.writer);
    recording->shared.writer = NULL;
    if (recording->process_total == 0)
        tn_recording_remove_log(recording);
    tn_tool_link_send(&recording->tool, "error %d %s", -recording->error->code, recording->error->text);
}
