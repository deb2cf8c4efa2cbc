/* SPDX-License-Identifier: MIT */
/* One recorded process: maps its shared memory, lists its rings, feeds them to the merge, frees slots of
 * threads that are gone, and writes its rows at the end. The memory is the program's and not trusted: sizes
 * are checked once and kept in our own memory. Called by record.c and processes.c. */
#include "process.h"

#include "proc.h"
#include "thread_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A mark this old belongs to a thread that is stopped, or that died while writing. Waiting for it would hold
 * up all others; its event, if it comes, is late. */
#define MARK_STALE_NS UINT64_C(1000000000)

/* Slots beyond the highest one in use whose state is read. */
#define SLOT_MARGIN 64u

/* The seal keeps a program from shrinking memory that we read; where it is refused, tn_shared_check and fstat
 * must do. */
static int map_memory(struct tn_process *process, const struct tn_handshake *handshake)
{
    struct stat status;
    int fd = handshake->memory_fd;
    uint64_t bytes = handshake->hello.shared_bytes;
    if (fstat(fd, &status) < 0 || (uint64_t)status.st_size < bytes || bytes < TN_SHARED_SLOTS_OFFSET)
        return -EBADMSG;
    (void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED)
        return -errno;
    process->header = base;
    process->mapped_bytes = bytes;
    process->slot_count = process->header->slot_count;
    process->ring_words = process->header->ring_words;
    struct tn_shared_header copy = *process->header;
    copy.slot_count = process->slot_count;
    copy.ring_words = process->ring_words;
    return tn_shared_check(&copy, bytes);
}

static int begin_streams(struct tn_process *process)
{
    process->streams = calloc(process->slot_count, sizeof(process->streams[0]));
    process->listed = calloc(process->slot_count, sizeof(process->listed[0]));
    return process->streams != NULL && process->listed != NULL ? 0 : -ENOMEM;
}

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
        .pid = process->pid,
    };
    int r = tn_mappings_inherit(&process->mappings, &context, &parent->mappings);
    return r < 0 ? r : tn_match_inherit(&process->matcher, &parent->matcher);
}

int tn_process_create(struct tn_process_shared *shared, const struct tn_handshake *handshake,
                      uint64_t parent_id, const struct tn_process *parent, struct tn_process **ret_process)
{
    bool is_fork = handshake->hello.reason == TN_HELLO_FORK;
    uint64_t start_ns = tn_clock_ns(&shared->clock, handshake->hello.start_ticks);
    struct tn_proc_stat stat = {0};
    struct tn_process *process = calloc(1, sizeof(*process));
    if (process == NULL)
        return -ENOMEM;
    process->shared = shared;
    process->pid = handshake->pid;
    process->own_pid = handshake->hello.pid;
    process->pidfd = -1;
    process->slot_bound = 1;
    process->has_children_recorded = handshake->hello.children != 0;
    process->matcher = (struct tn_matcher){
        .writer = shared->writer,
        .totals = &shared->totals,
        .clock = &shared->clock,
        .last_ns = start_ns,
        .is_fork_child = is_fork,
    };
    int r = map_memory(process, handshake);
    if (r == 0)
        r = begin_streams(process);
    if (r == 0)
        r = tn_process_add_row(shared->writer, process->pid, parent_id, start_ns,
                               &process->matcher.process_id);
    if (r == 0 && is_fork && parent != NULL)
        r = inherit(process, parent, start_ns);
    if (r < 0) {
        tn_process_destroy(process);
        return r;
    }
    if (tn_proc_read_stat(process->pid, &stat) == 0)
        process->start_time = stat.start_time;
    process->pidfd = handshake->pidfd;
    atomic_store_explicit(&process->header->recorder_pid, (uint32_t)getpid(), memory_order_relaxed);
    atomic_store_explicit(&process->header->recorder_state, TN_RECORDER_RUNNING, memory_order_release);
    *ret_process = process;
    return 0;
}

static void list_slot(struct tn_process *process, uint32_t slot)
{
    struct tn_stream *stream = &process->streams[slot];
    if (stream->ring == NULL) {
        const uint64_t *data =
            tn_shared_words(process->header, slot, process->slot_count, process->ring_words);
        tn_stream_begin(stream, tn_shared_ring(process->header, slot), data, process->ring_words, slot,
                        &process->matcher);
    }
    stream->is_listed = true;
    if (slot >= process->slot_bound)
        process->slot_bound = slot + 1;
    process->listed[process->listed_count++] = slot;
    if (process->listed_count > process->shared->threads_peak)
        process->shared->threads_peak = process->listed_count;
}

/* Whether a mark may still announce an event; a thread that died while writing leaves its mark standing.
 */
static bool mark_is_fresh(struct tn_process *process, struct tn_stream *stream, uint64_t mark, uint64_t now)
{
    if (mark != stream->mark_ticks) {
        stream->mark_ticks = mark;
        stream->mark_since = now;
        return true;
    }
    uint64_t stale_ticks = tn_clock_span_ticks(&process->shared->clock, MARK_STALE_NS);
    return now - stream->mark_since < stale_ticks;
}

/* Unused slots are claimed in ascending order (ring.h): to miss one beyond this margin, as many threads would
 * have to be between finding a slot and claiming it. Memory of slots that were never used stays untouched. */
static uint32_t slots_to_look_at(const struct tn_process *process)
{
    uint32_t end = process->slot_bound + SLOT_MARGIN;
    return end < process->slot_count ? end : process->slot_count;
}

/* States are read before marks: a slot that is claimed later gets stamps above the time noted before. */
void tn_process_read_marks(struct tn_process *process, uint64_t now_ticks, uint64_t *low_ticks)
{
    for (uint32_t slot = 1; slot < slots_to_look_at(process); slot++) {
        struct tn_ring *ring = tn_shared_ring(process->header, slot);
        if (atomic_load_explicit(&ring->state, memory_order_acquire) == TN_SLOT_FREE)
            continue;
        if (!process->streams[slot].is_listed)
            list_slot(process, slot);
        uint64_t mark = atomic_load_explicit(&ring->mark_ticks, memory_order_acquire);
        if (mark == 0) {
            process->streams[slot].mark_ticks = 0;
            continue;
        }
        if (mark < *low_ticks && process->state == TN_PROCESS_ALIVE &&
            mark_is_fresh(process, &process->streams[slot], mark, now_ticks))
            *low_ticks = mark;
    }
}

void tn_process_read_heads(struct tn_process *process)
{
    for (uint32_t i = 0; i < process->listed_count; i++) {
        struct tn_stream *stream = &process->streams[process->listed[i]];
        tn_stream_read_head(stream);
        tn_process_note_fill(process, stream->limit_words - stream->released_words);
    }
}

int tn_process_offer_streams(struct tn_process *process, struct tn_order *order, uint64_t latest_ticks)
{
    for (uint32_t i = 0; i < process->listed_count; i++) {
        struct tn_stream *stream = &process->streams[process->listed[i]];
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

/* A thread is gone when the kernel does not know it, or when its tid was reused by the owner of a slot that
 * was claimed later. A slot that is just being claimed has no tid yet. Tids of another PID namespace mean
 * nothing to us. */
static bool owner_is_gone(const struct tn_process *process, const struct tn_stream *stream)
{
    uint32_t tid = atomic_load_explicit(&stream->ring->tid, memory_order_relaxed);
    if (tid == 0 || process->own_pid != (uint32_t)process->pid)
        return false;
    if (tn_proc_thread_is_gone(process->pid, (pid_t)tid))
        return true;
    for (uint32_t i = 0; i < process->listed_count; i++) {
        const struct tn_stream *other = &process->streams[process->listed[i]];
        if (other != stream && other->thread_id > stream->thread_id &&
            atomic_load_explicit(&other->ring->tid, memory_order_relaxed) == tid)
            return true;
    }
    return false;
}

/* How many events a damaged ring held is not known, but at least one is lost. */
static void count_damage(struct tn_process_shared *shared, bool is_damaged)
{
    shared->totals.damaged_rings += is_damaged;
    shared->totals.lost_ring += is_damaged;
}

/* The head is read after the thread was found gone, so that its last events are not missed. */
static int free_slot(struct tn_process *process, uint32_t i, bool *ret_is_freed)
{
    struct tn_stream *stream = &process->streams[process->listed[i]];
    *ret_is_freed = false;
    if (!owner_is_gone(process, stream))
        return 0;
    tn_stream_read_head(stream);
    if (!tn_stream_is_drained(stream))
        return 0;
    tn_stream_release(stream);
    int r = tn_thread_end(stream, process->matcher.last_ns);
    count_damage(process->shared, stream->is_damaged);
    stream->is_damaged = false;
    stream->is_listed = false;
    process->listed[i] = process->listed[--process->listed_count];
    atomic_store_explicit(&stream->ring->mark_ticks, 0, memory_order_relaxed);
    atomic_store_explicit(&stream->ring->tid, 0, memory_order_relaxed);
    atomic_store_explicit(&stream->ring->state, TN_SLOT_FREE, memory_order_release);
    *ret_is_freed = true;
    return r;
}

static int free_slots(struct tn_process *process, bool is_thorough)
{
    bool is_scarce = process->listed_count * 4 >= process->slot_count * 3;
    for (uint32_t i = 0; i < process->listed_count;) {
        struct tn_stream *stream = &process->streams[process->listed[i]];
        uint32_t state = atomic_load_explicit(&stream->ring->state, memory_order_acquire);
        bool is_freed = false;
        if (tn_stream_is_drained(stream) && (state == TN_SLOT_ENDED || is_thorough || is_scarce)) {
            int r = free_slot(process, i, &is_freed);
            if (r < 0)
                return r;
        }
        if (!is_freed)
            i++;
    }
    return 0;
}

static void spill(struct tn_process *process, struct tn_stream *stream, uint64_t budget_words)
{
    uint64_t waiting = stream->limit_words - tn_stream_position(stream);
    if (waiting <= stream->ring_words / 2 || process->shared->queued_words + waiting > budget_words)
        return;
    tn_stream_spill(stream);
}

int tn_process_reclaim(struct tn_process *process, uint64_t budget_words, bool is_thorough)
{
    for (uint32_t i = 0; i < process->listed_count; i++) {
        struct tn_stream *stream = &process->streams[process->listed[i]];
        tn_stream_release(stream);
        spill(process, stream, budget_words);
        process->shared->queued_words += stream->queue.count_words;
    }
    if (process->state != TN_PROCESS_ALIVE)
        return 0;
    return free_slots(process, is_thorough);
}

bool tn_process_is_drained(const struct tn_process *process)
{
    for (uint32_t i = 0; i < process->listed_count; i++)
        if (!tn_stream_is_drained(&process->streams[process->listed[i]]))
            return false;
    return true;
}

uint64_t tn_process_activity(const struct tn_process *process)
{
    uint64_t sum = process->control_words;
    for (uint32_t slot = 1; slot < process->slot_bound; slot++)
        sum += process->streams[slot].limit_words;
    return sum;
}

void tn_process_end(struct tn_process *process, enum tn_exit_kind kind, int code, uint64_t end_ticks)
{
    process->state = TN_PROCESS_ENDED;
    process->exit_kind = kind;
    process->exit_code = code;
    process->end_ns = tn_clock_ns(&process->shared->clock, end_ticks);
}

void tn_process_heartbeat(struct tn_process *process)
{
    atomic_fetch_add_explicit(&process->header->heartbeat, 1, memory_order_relaxed);
}

/* Events that the rings' owners could not write. */
static uint64_t ring_losses(const struct tn_process *process)
{
    uint64_t sum = 0;
    for (uint32_t slot = 0; slot < process->slot_bound; slot++)
        sum += atomic_load_explicit(&tn_shared_ring(process->header, slot)->lost_count, memory_order_relaxed);
    return sum;
}

static uint64_t slotless_losses(const struct tn_process *process)
{
    return atomic_load_explicit(&process->header->lost_count, memory_order_relaxed);
}

void tn_process_refuse(struct tn_process *process)
{
    if (!process->is_refused) {
        process->refused_ring_losses = ring_losses(process);
        process->refused_slotless_losses = slotless_losses(process);
    }
    process->is_refused = true;
    atomic_store_explicit(&process->header->recorder_state, TN_RECORDER_CLOSED, memory_order_release);
}

/* Losses that LOSS events reported are in the totals by reason; the rest counts as a full ring. What a
 * program does after it was told that recording is over is not recorded, but not lost either. */
static uint64_t unreported_losses(const struct tn_process *process)
{
    uint64_t lost = process->is_refused ? process->refused_ring_losses : ring_losses(process);
    uint64_t said = 0;
    for (uint32_t slot = 0; slot < process->slot_bound; slot++)
        said += process->streams[slot].reported_lost_count;
    return lost > said ? lost - said : 0;
}

static uint64_t unreported_slotless(const struct tn_process *process)
{
    return process->is_refused ? process->refused_slotless_losses : slotless_losses(process);
}

uint64_t tn_process_lost_count(const struct tn_process *process)
{
    return unreported_losses(process) + unreported_slotless(process);
}

static void add_counts(struct tn_process *process)
{
    struct tn_process_shared *shared = process->shared;
    struct tn_shared_header *header = process->header;
    shared->totals.lost_ring += unreported_losses(process);
    shared->totals.lost_no_slot += unreported_slotless(process);
    shared->stacks_checked += atomic_load_explicit(&header->stacks_checked, memory_order_relaxed);
    shared->stacks_different += atomic_load_explicit(&header->stacks_different, memory_order_relaxed);
    shared->rules_learned += atomic_load_explicit(&header->rules_learned, memory_order_relaxed);
    shared->frames_complex += atomic_load_explicit(&header->frames_complex, memory_order_relaxed);
    for (uint32_t slot = 0; slot < process->slot_bound; slot++)
        count_damage(shared, process->streams[slot].is_damaged);
    count_damage(shared, process->is_control_damaged);
}

int tn_process_end_rows(struct tn_process *process)
{
    add_counts(process);
    uint64_t end_ns = process->end_ns > process->matcher.last_ns ? process->end_ns : process->matcher.last_ns;
    process->end_ns = end_ns;
    for (uint32_t i = 0; i < process->listed_count; i++) {
        if (process->exit_kind == TN_EXIT_RUNNING)
            break;
        int r = tn_thread_end(&process->streams[process->listed[i]], end_ns);
        if (r < 0)
            return r;
    }
    return tn_log_end_process(process->shared->writer, process->matcher.process_id, end_ns,
                              process->exit_kind, process->exit_code);
}

void tn_process_destroy(struct tn_process *process)
{
    if (process == NULL)
        return;
    for (uint32_t slot = 0; process->streams != NULL && slot < process->slot_bound; slot++)
        tn_stream_finish(&process->streams[slot]);
    tn_match_finish(&process->matcher);
    tn_mappings_finish(&process->mappings);
    tn_stacks_finish(&process->stacks);
    free(process->streams);
    free(process->listed);
    if (process->header != NULL)
        munmap(process->header, process->mapped_bytes);
    if (process->pidfd >= 0)
        close(process->pidfd);
    free(process);
}
