/* SPDX-License-Identifier: MIT */
/* usage: record_speed FOLDER [EVENTS [WORKLOAD]]
 *
 * What an event costs in the recorder, processor time on one core: taken from rings, put in order and
 * matched; packed, compressed and written; all together; all, when another core has written the rings (where
 * there is one); and read back from the log. The program is played by this one: batches of events in rings of
 * ordinary memory, made outside of the times that count. */

#include "match.h"
#include "order.h"
#include "stream.h"

#include "tenure/event.h"
#include "tenure/log.h"
#include "tenure/log_write.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RINGS_MAX   8u
#define RING_WORDS  (TN_RING_BYTES_DEFAULT / 8)
#define BATCH       24000u /* events a ring and round; a ring holds 32,768 */
#define EVENTS      UINT64_C(8000000)
#define GROUP       (512u * 1024u) /* four chunks */
#define STACKS      64u
#define CLASSES     16u
#define ROUND_TICKS UINT64_C(1000000000)

/* What the played program does. */
struct workload {
    const char *name;
    uint32_t ring_count;
    uint32_t live_count; /* blocks of each ring; 1: malloc and free in turn */
    bool is_handed_over; /* each block is released by the next ring */
    uint32_t turn;       /* events of a ring before the next one's follow */
};

static const struct workload workloads[] = {
    {"pairs", 1, 1, false, 100},
    {"churn, 10,000 live", 1, 10000, false, 100},
    {"churn, 1,000,000 live", 1, 1000000, false, 100},
    {"churn, 2 threads", 2, 10000, false, 100},
    {"churn, 2, event by event", 2, 10000, false, 1},
    {"churn, 8 threads", 8, 10000, false, 100},
    {"freed by the other thread", 2, 10000, true, 500},
};

struct block {
    uint64_t address, id; /* address 0: none */
    uint32_t size_class;
};

/* One played thread, with an allocator that hands out what was released last. */
struct player {
    struct block *live;
    uint64_t *free_addresses[CLASSES];
    uint32_t free_count[CLASSES];
    uint64_t top; /* of its heap */
    uint64_t seed;
    uint64_t ticks;
    bool is_birth_next;
    uint32_t slot; /* the block at hand */
};

struct stage {
    const struct workload *workload;
    struct tn_ring ring[RINGS_MAX];
    uint64_t *words[RINGS_MAX];
    struct tn_stream stream[RINGS_MAX];
    struct player player[RINGS_MAX];
    struct tn_matcher matcher;
    struct tn_totals totals;
    struct tn_clock_map clock;
    struct tn_order order;
    struct tn_log_writer *writer;
    uint64_t last_id; /* as the writer will give them, while it is not asked */
    cpu_set_t far;    /* the other processor */
};

enum part { PART_PACK, PART_ALL, PART_FAR };

static void stop(const char *what)
{
    fprintf(stderr, "record_speed: %s\n", what);
    exit(1);
}

static void *make(size_t count, size_t bytes)
{
    void *memory = calloc(count, bytes);
    if (memory == NULL)
        stop("out of memory");
    return memory;
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* ---------------------------------------------------------------------------------------- the program */

static uint32_t random_of(struct player *player, uint32_t limit)
{
    player->seed = player->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((player->seed >> 32) * limit >> 32);
}

static uint32_t size_of(const struct block *block)
{
    return 16 * (block->size_class + 1) + 8;
}

/* Sizes are random, but for blocks that are released at once: a loop that goes through three sites. */
static void take(struct player *player, struct block *block, bool is_loop)
{
    block->size_class = is_loop ? (block->size_class + 1) % 3 : random_of(player, CLASSES);
    uint32_t *count = &player->free_count[block->size_class];
    if (*count != 0) {
        block->address = player->free_addresses[block->size_class][--*count];
        return;
    }
    block->address = player->top;
    player->top += size_of(block) + 8;
}

static void give(struct player *player, struct block *block, uint32_t capacity)
{
    if (player->free_count[block->size_class] < capacity)
        player->free_addresses[block->size_class][player->free_count[block->size_class]++] = block->address;
    block->address = 0;
}

/* The next event of a player: a block of those it may release is replaced. */
static void play(struct stage *stage, uint32_t index, uint64_t event[4], struct block **ret_block)
{
    struct player *player = &stage->player[index];
    uint32_t owner = stage->workload->is_handed_over ? (index + 1) % stage->workload->ring_count : index;
    if (!player->is_birth_next)
        player->slot = random_of(player, stage->workload->live_count);
    struct block *block =
        player->is_birth_next ? &player->live[player->slot] : &stage->player[owner].live[player->slot];
    bool is_birth = player->is_birth_next && block->address == 0;
    if (!is_birth && block->address == 0) { /* nothing to release there yet */
        block = &player->live[player->slot];
        is_birth = block->address == 0;
    }
    player->is_birth_next = !is_birth;
    player->ticks += 30 + random_of(player, 24);
    uint32_t stack = 1 + block->size_class % 4 + (is_birth ? 0 : 8);
    if (is_birth) {
        take(player, block, stage->workload->live_count == 1);
        stack = 1 + block->size_class % 4;
    }
    enum tn_event_kind kind = is_birth ? TN_EVENT_BIRTH : TN_EVENT_DEATH;
    enum tn_function function = is_birth ? TN_FUNCTION_MALLOC : TN_FUNCTION_FREE;
    event[0] = tn_event_head(kind, 4, function, 0, stack);
    event[1] = player->ticks;
    event[2] = block->address | (is_birth ? UINT64_C(4) << 48 : 0);
    event[3] = (UINT64_C(640) + stack * 16) << 32 | (size_of(block) - 4);
    *ret_block = block;
    if (!is_birth)
        give(player, block, stage->workload->live_count + 1);
}

/* ---------------------------------------------------------------------------------------- the stage */

static void begin_writer(struct stage *stage, const char *path)
{
    struct tn_error error;
    uint64_t id, frame;
    unlink(path);
    if (tn_log_create(&(struct tn_log_options){path, "", "tsc", false}, &stage->writer, &error) < 0)
        stop(error.text);
    tn_log_add_process(stage->writer,
                       &(struct tn_log_process){.pid = 1, .executable = "", .command_line = ""}, &id);
    tn_log_intern_frame(stage->writer, 0, 4096, &frame);
    stage->matcher = (struct tn_matcher){
        .writer = stage->writer, .totals = &stage->totals, .clock = &stage->clock, .process_id = id};
    for (uint32_t i = 1; i <= STACKS; i++) {
        uint64_t row;
        tn_log_intern_stack(stage->writer, frame, 0, i * 16, false, &row);
        tn_match_set_stack(&stage->matcher, i, row);
    }
}

static void begin(struct stage *stage, const struct workload *workload, const char *path)
{
    memset(stage, 0, sizeof(*stage));
    stage->workload = workload;
    struct tn_clock_pair pair = {0, 0};
    tn_clock_begin(&stage->clock, TN_CLOCK_MONOTONIC, pair, pair, 0);
    begin_writer(stage, path);
    stage->order.window_ticks = TN_ORDER_WINDOW_NS;
    for (uint32_t i = 0; i < workload->ring_count; i++) {
        struct player *player = &stage->player[i];
        stage->words[i] = make(RING_WORDS, 8);
        tn_stream_begin(&stage->stream[i], &stage->ring[i], stage->words[i], RING_WORDS, i, &stage->matcher);
        player->live = make(workload->live_count, sizeof(player->live[0]));
        for (uint32_t k = 0; k < CLASSES; k++)
            player->free_addresses[k] = make(workload->live_count + 1, 8);
        player->top = UINT64_C(0x555500000000) + ((uint64_t)i << 36);
        player->seed = i + 1;
        player->ticks = 1000 + i;
    }
}

static void end(struct stage *stage)
{
    struct tn_error error;
    if (tn_log_writer_close(stage->writer, 1, &error) < 0)
        stop(error.text);
    for (uint32_t i = 0; i < stage->workload->ring_count; i++) {
        tn_stream_finish(&stage->stream[i]);
        free(stage->words[i]);
        free(stage->player[i].live);
        for (uint32_t k = 0; k < CLASSES; k++)
            free(stage->player[i].free_addresses[k]);
    }
    tn_order_finish(&stage->order);
    tn_match_finish(&stage->matcher);
}

/* ---------------------------------------------------------------------------------------- what counts */

static void fill_ring(struct stage *stage, uint32_t index, uint32_t count)
{
    struct tn_ring *ring = &stage->ring[index];
    struct block *block;
    for (uint32_t n = 0; n < count; n++) {
        uint32_t pad;
        if (!tn_ring_has_room(ring, RING_WORDS, 4, &pad))
            stop("a ring is full");
        play(stage, index, tn_ring_reserve(ring, stage->words[index], RING_WORDS, pad), &block);
        tn_ring_commit(ring, pad + 4);
    }
}

/* Events of all players, each thread's own in order and not mixed: then the next one has its turn, from where
 * the time of the one before ended. */
static void fill(struct stage *stage, uint32_t count)
{
    uint32_t turn = stage->workload->turn;
    for (uint32_t done = 0; done < count; done += turn) {
        for (uint32_t i = 0; i < stage->workload->ring_count; i++) {
            uint32_t other = i == 0 ? stage->workload->ring_count - 1 : i - 1;
            if (stage->player[i].ticks < stage->player[other].ticks)
                stage->player[i].ticks = stage->player[other].ticks;
            fill_ring(stage, i, turn);
        }
    }
}

/* A round of the recorder. Returns events. */
static uint64_t round_of(struct stage *stage)
{
    uint64_t events = 0;
    for (uint32_t i = 0; i < stage->workload->ring_count; i++) {
        tn_stream_read_head(&stage->stream[i]);
        if (tn_order_add(&stage->order, &stage->stream[i]) < 0)
            stop("out of memory");
    }
    if (tn_order_emit(&stage->order, UINT64_MAX / 2, &events) < 0)
        stop("the recorder failed");
    for (uint32_t i = 0; i < stage->workload->ring_count; i++)
        tn_stream_release(&stage->stream[i]);
    return events;
}

/* An event as the matcher gives it. */
static struct tn_plain_event plain_of(const uint64_t event[4], uint64_t id)
{
    bool is_birth = tn_event_kind_of(event[0]) == TN_EVENT_BIRTH;
    uint32_t size_bytes = (uint32_t)event[3];
    return (struct tn_plain_event){
        .time_ns = event[1],
        .allocation_id = id,
        .address = event[2] & TN_ADDRESS_MASK,
        .thread_id = 1,
        .stack_id = tn_event_stack_of(event[0]),
        .depth_bytes = (uint32_t)(event[3] >> 32),
        .size_bytes = is_birth ? size_bytes : 0,
        .excess_bytes = is_birth ? 4 : 0,
        .size_class = (uint8_t)tn_log_size_class((uint64_t)size_bytes + 4),
        .function = (uint8_t)tn_event_function_of(event[0]),
        .is_birth = is_birth,
    };
}

/* The same events straight into the log, as many at once as the matcher gives. */
static double pack_round(struct stage *stage, struct tn_plain_event *events, uint32_t count)
{
    uint32_t made = 0;
    uint64_t event[4];
    struct block *block;
    for (uint32_t i = 0; i < stage->workload->ring_count; i++)
        for (uint32_t n = 0; n < count; n++, made++) {
            play(stage, i, event, &block);
            if (tn_event_kind_of(event[0]) == TN_EVENT_BIRTH)
                block->id = ++stage->last_id;
            events[made] = plain_of(event, block->id);
        }
    double start_ns = now_ns();
    for (uint32_t i = 0; i < made; i += TN_BATCH_EVENTS) {
        uint32_t part = made - i < TN_BATCH_EVENTS ? made - i : TN_BATCH_EVENTS;
        if (tn_log_add_plain(stage->writer, 1, &events[i], part) < 0)
            stop("the log refused events");
    }
    return now_ns() - start_ns;
}

static void *fill_far(void *argument)
{
    struct stage *stage = argument;
    if (sched_setaffinity(0, sizeof(stage->far), &stage->far) < 0)
        stop("cannot use another processor");
    fill(stage, BATCH);
    return NULL;
}

static double record_round(struct stage *stage, bool is_far)
{
    pthread_t thread;
    if (!is_far)
        fill(stage, BATCH);
    else if (pthread_create(&thread, NULL, fill_far, stage) != 0 || pthread_join(thread, NULL) != 0)
        stop("no thread");
    double start_ns = now_ns();
    if (round_of(stage) < (uint64_t)BATCH * stage->workload->ring_count)
        stop("events are missing");
    return now_ns() - start_ns;
}

/* Nanoseconds an event of one part of the work: of the best group of rounds, so that what else the machine
 * does spoils little. */
static double measure(const struct workload *workload, enum part part, const char *path, uint64_t events,
                      const cpu_set_t *far)
{
    static struct stage stage;
    begin(&stage, workload, path);
    stage.far = *far;
    struct tn_plain_event *batch = make((size_t)BATCH * workload->ring_count, sizeof(batch[0]));
    double best_ns = 1e18, spent_ns = 0;
    uint64_t done = 0, in_group = 0, counted = 0;
    while (counted < events) {
        bool is_warm = done >= 3 * (uint64_t)workload->live_count * workload->ring_count;
        double round_ns =
            part == PART_PACK ? pack_round(&stage, batch, BATCH) : record_round(&stage, part == PART_FAR);
        done += (uint64_t)BATCH * workload->ring_count;
        if (!is_warm)
            continue;
        spent_ns += round_ns;
        in_group += (uint64_t)BATCH * workload->ring_count;
        if (in_group < GROUP)
            continue;
        best_ns = spent_ns / (double)in_group < best_ns ? spent_ns / (double)in_group : best_ns;
        counted += in_group;
        in_group = 0;
        spent_ns = 0;
    }
    if (part != PART_PACK && stage.totals.unmatched_frees + stage.totals.unmatched_births != 0)
        stop("events were not matched");
    free(batch);
    end(&stage);
    return best_ns;
}

static double read_back(const char *path)
{
    struct tn_log *log;
    struct tn_error error;
    struct tn_event_cursor *cursor;
    const struct tn_log_event *event;
    uint64_t count = 0;
    if (tn_log_open(path, &log, &error) < 0)
        stop(error.text);
    double start_ns = now_ns();
    if (tn_event_cursor_open(tn_log_database(log), 1, &cursor) < 0)
        stop("cannot read the events");
    while (tn_event_cursor_next(cursor, &event) == 1)
        count++;
    tn_event_cursor_close(cursor);
    double each_ns = (now_ns() - start_ns) / (double)count;
    tn_log_close(log);
    return each_ns;
}

/* This thread onto the first processor that it may use. far: the second one, if there is one. */
static void part_processors(cpu_set_t *far)
{
    cpu_set_t all, here;
    CPU_ZERO(&here);
    CPU_ZERO(far);
    if (sched_getaffinity(0, sizeof(all), &all) < 0)
        return;
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(far) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, CPU_COUNT(&here) == 0 ? &here : far);
    if (sched_setaffinity(0, sizeof(here), &here) < 0)
        CPU_ZERO(far);
}

static void print_row(const struct workload *workload, const char *path, uint64_t events,
                      const cpu_set_t *far)
{
    double pack_ns = measure(workload, PART_PACK, path, events, far);
    double all_ns = measure(workload, PART_ALL, path, events, far);
    printf("%-26s %8.1f %8.1f %8.1f %10.1f", workload->name, all_ns - pack_ns, pack_ns, all_ns, 1e3 / all_ns);
    if (CPU_COUNT(far) != 0) {
        double far_ns = measure(workload, PART_FAR, path, events, far);
        printf(" %8.1f %10.1f", far_ns, 1e3 / far_ns);
    } else {
        printf(" %8s %10s", "-", "-");
    }
    double read_ns = read_back(path);
    printf(" %8.1f %10.1f\n", read_ns, 1e3 / read_ns);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: record_speed FOLDER [EVENTS [WORKLOAD]]\n");
        return 2;
    }
    uint64_t events = argc > 2 ? strtoull(argv[2], NULL, 10) : EVENTS;
    cpu_set_t far;
    char path[4096];
    part_processors(&far);
    snprintf(path, sizeof(path), "%s/record_speed.db", argv[1]);
    printf("%-26s %8s %8s %8s %10s %8s %10s %8s %10s\n", "ns an event", "match", "pack", "all", "million/s",
           "far", "million/s", "read", "million/s");
    for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++)
        if (argc <= 3 || strcmp(argv[3], workloads[i].name) == 0)
            print_row(&workloads[i], path, events, &far);
    unlink(path);
    return 0;
}
