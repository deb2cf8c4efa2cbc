/* SPDX-License-Identifier: MIT */
/* One recorded process: its rows in the log, from the hello to the end, and the steps of a round, which its
 * source does. Called by record.c and processes.c. */
#include "process.h"

#include "links.h"
#include "own_pools.h"
#include "proc.h"
#include "ring_source.h"
#include "stream.h"

#include "tenure/event_body.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int tn_process_add_row(struct tn_log_writer *writer, pid_t pid, uint64_t parent_id, uint64_t start_ns,
                       uint64_t *ret_row)
{
    char executable[PATH_MAX], name[PATH_MAX];
    struct tn_buffer command_line = {0};
    tn_proc_executable(pid, executable, sizeof(executable));
    tn_proc_name(pid, name, sizeof(name));
    int r = tn_proc_command_line(pid, &command_line);
    if (r < 0)
        goto out;
    struct tn_log_process row = {
        .pid = (uint32_t)pid,
        .parent_id = parent_id,
        .executable = executable,
        .command_line = (const char *)command_line.data,
        .start_ns = start_ns,
        .name = name,
    };
    r = tn_log_add_process(writer, &row, ret_row);
out:
    tn_buffer_finish(&command_line);
    return r;
}

static int inherit(struct tn_process *process, const struct tn_process *parent, uint64_t start_ns)
{
    struct tn_mapping_context context = {
        .writer = process->shared->writer,
        .files = &process->shared->files,
        .process_id = process->matcher.process_id,
        .time_ns = start_ns,
        .pid = process->id.pid,
    };
    int r = tn_mappings_inherit(&process->mappings, &context, &parent->mappings);
    return r < 0 ? r : tn_match_inherit(&process->matcher, &parent->matcher);
}

static void begin(struct tn_process *process, struct tn_process_shared *shared,
                  const struct tn_handshake *handshake)
{
    *process = (struct tn_process){
        .shared = shared,
        .id = handshake->id,
        .pidfd = -1,
        .has_children_recorded = handshake->hello.children != 0,
        .matcher =
            {
                .writer = shared->writer,
                .totals = &shared->totals,
                .clock = &shared->clock,
                .last_ns = tn_clock_ns(&shared->clock, handshake->hello.start_ticks),
                .mappings = &process->mappings,
                .is_fork_child = handshake->hello.reason == TN_HELLO_FORK,
            },
    };
}

/* Where the process looks for links, what dies must be known for a while. */
static int prepare_links(struct tn_process *process, uint32_t wanted)
{
    struct tn_process_shared *shared = process->shared;
    if (wanted == TN_LINKS_NO)
        return 0;
    if (shared->dead == NULL)
        shared->dead = calloc(1, sizeof(*shared->dead));
    process->matcher.dead = shared->dead;
    return shared->dead != NULL ? 0 : -ENOMEM;
}

/* Thread ids mean something else where the process has another PID than we see. */
static int open_source(struct tn_process *process, const struct tn_handshake *handshake)
{
    uint64_t own_namespace = tn_proc_pid_namespace(getpid());
    const struct tn_process_id *id = &process->id;
    bool is_other = id->pid_namespace != 0 && id->pid_namespace != own_namespace;
    const struct tn_rings_owner owner = {
        .pid = id->pid,
        .has_other_namespace = is_other || id->own_pid != (uint32_t)id->pid,
    };
    return tn_rings_open(process->shared, &process->matcher, &owner, handshake->memory_fd,
                         handshake->hello.shared_bytes, &process->source);
}

int tn_process_create(struct tn_process_shared *shared, const struct tn_handshake *handshake,
                      uint64_t parent_id, const struct tn_process *parent, struct tn_process **ret_process)
{
    struct tn_process *process = malloc(sizeof(*process));
    if (process == NULL)
        return -ENOMEM;
    begin(process, shared, handshake);
    uint64_t start_ns = process->matcher.last_ns;
    int r = open_source(process, handshake);
    if (r == 0)
        r = prepare_links(process, handshake->hello.links);
    if (r == 0)
        r = tn_process_add_row(shared->writer, process->id.pid, parent_id, start_ns,
                               &process->matcher.process_id);
    if (r == 0 && process->matcher.is_fork_child && parent != NULL)
        r = inherit(process, parent, start_ns);
    if (r < 0) {
        tn_process_destroy(process);
        return r;
    }
    if (shared->pause.is_paused)
        r = tn_process_set_pause(process, TN_PAUSE_ALL);
    if (r < 0) {
        tn_process_destroy(process);
        return r;
    }
    process->pidfd = handshake->pidfd;
    process->is_pidfd_folder = handshake->is_pidfd_folder;
    process->source->calls->welcome(process->source);
    *ret_process = process;
    return 0;
}

/* From now on no birth is written but those that threads have begun. */
#define PAUSE_SLACK_NS UINT64_C(1000000)

int tn_process_set_pause(struct tn_process *process, enum tn_pause pause)
{
    struct tn_process_shared *shared = process->shared;
    struct tn_matcher *matcher = &process->matcher;
    const char *mark = shared->pause.awaited_mark;
    bool is_paused = pause != TN_PAUSE_NO;
    uint64_t awaited = is_paused && mark != NULL ? tn_mark_hash(mark, (uint32_t)strlen(mark)) : 0;
    process->source->calls->pause(process->source, pause, awaited);
    uint64_t now_ticks = tn_clock_ticks(shared->clock.kind);
    matcher->was_paused = matcher->was_paused || is_paused;
    matcher->paused_ticks = is_paused ? now_ticks + tn_clock_span_ticks(&shared->clock, PAUSE_SLACK_NS) : 0;
    uint64_t now_ns = pause == TN_PAUSE_ALL ? matcher->last_ns : tn_clock_ns(&shared->clock, now_ticks);
    return tn_log_add_mark(shared->writer, matcher->process_id, now_ns,
                           is_paused ? TN_MARK_PAUSED : TN_MARK_RESUMED);
}

/* ---------------------------------------------------------------------------------------- a round */

void tn_process_read_marks(struct tn_process *process, uint64_t now_ticks, uint64_t *low_ticks)
{
    process->source->calls->read_marks(process->source, now_ticks, low_ticks);
}

void tn_process_read_heads(struct tn_process *process)
{
    process->source->calls->read_heads(process->source);
}

int tn_process_offer_streams(struct tn_process *process, struct tn_order *order, uint64_t latest_ticks)
{
    for (uint32_t i = 0; i < process->source->stream_count; i++) {
        struct tn_stream *stream = process->source->streams[i];
        if (stream->is_parked || !tn_stream_peek(stream))
            continue;
        if (stream->stamp > latest_ticks) {
            tn_stream_mark_damaged(stream);
            continue;
        }
        int r = tn_order_add(order, stream);
        if (r < 0)
            return r;
    }
    return 0;
}

int tn_process_reclaim(struct tn_process *process, uint64_t budget_words, bool is_thorough)
{
    const struct tn_reclaim how = {.budget_words = budget_words, .is_thorough = is_thorough};
    return process->source->calls->reclaim(process->source, &how);
}

bool tn_process_is_drained(const struct tn_process *process)
{
    for (uint32_t i = 0; i < process->source->stream_count; i++)
        if (!tn_stream_is_drained(process->source->streams[i]))
            return false;
    return true;
}

uint64_t tn_process_activity(const struct tn_process *process)
{
    return process->source->calls->activity(process->source);
}

uint64_t tn_process_lost_count(const struct tn_process *process)
{
    return process->source->calls->lost_count(process->source);
}

bool tn_process_is_leaving(const struct tn_process *process)
{
    return process->source->calls->is_leaving(process->source);
}

bool tn_process_is_executing(const struct tn_process *process, char *name)
{
    return process->source->calls->is_executing(process->source, name);
}

void tn_process_settle(struct tn_process *process)
{
    process->source->calls->settle(process->source);
}

/* ---------------------------------------------------------------------------------------- the end */

void tn_process_end(struct tn_process *process, enum tn_exit_kind kind, int code, uint64_t end_ticks)
{
    process->state = TN_PROCESS_ENDED;
    process->source->has_ended = true;
    process->exit_kind = kind;
    process->exit_code = code;
    process->end_ns = tn_clock_ns(&process->shared->clock, end_ticks);
}

void tn_process_refuse(struct tn_process *process)
{
    process->source->calls->refuse(process->source);
}

int tn_process_end_rows(struct tn_process *process)
{
    uint64_t end_ns = process->end_ns > process->matcher.last_ns ? process->end_ns : process->matcher.last_ns;
    process->end_ns = end_ns;
    tn_process_settle(process);
    int r =
        process->source->calls->end_threads(process->source, end_ns, process->exit_kind == TN_EXIT_RUNNING);
    if (r == 0)
        r = tn_links_write(&process->matcher, UINT32_MAX);
    if (r == 0)
        r = tn_pools_write(&process->matcher);
    if (r < 0)
        return r;
    return tn_log_end_process(process->shared->writer, process->matcher.process_id, end_ns,
                              process->exit_kind, process->exit_code);
}

void tn_process_destroy(struct tn_process *process)
{
    if (process == NULL)
        return;
    if (process->source != NULL)
        process->source->calls->close(process->source);
    tn_match_finish(&process->matcher);
    tn_mappings_finish(&process->mappings);
    tn_stacks_finish(&process->stacks);
    if (process->pidfd >= 0)
        close(process->pidfd);
    free(process);
}
