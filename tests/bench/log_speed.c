/* SPDX-License-Identifier: MIT */
/* usage: log_speed LOG FOLDER
 *
 * What the log costs, on the events of a real recording: reads the events of LOG's main process, writes them
 * to a new log in FOLDER, and reads that one back by each cursor. Prints nanoseconds an event and bytes an
 * allocation. */

#include "tenure/log.h"
#include "tenure/log_write.h"
#include "tenure/map.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COMMIT_EVERY_NS UINT64_C(1000000000)
#define COLUMNS_MAX     32

struct recording {
    struct tn_log_event *events;
    size_t count, capacity;
    uint64_t births;
    size_t *birth_events; /* by id of the new log */
    size_t births_capacity;
    struct tn_map ids; /* id in the log -> id in a log of this process alone */
};

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void stop(const char *what)
{
    fprintf(stderr, "log_speed: %s\n", what);
    exit(1);
}

static void note_birth(struct recording *recording, size_t event)
{
    if (recording->births >= recording->births_capacity) {
        recording->births_capacity = recording->births * 2 + 65536;
        recording->birth_events =
            realloc(recording->birth_events, recording->births_capacity * sizeof(recording->birth_events[0]));
        if (recording->birth_events == NULL)
            stop("out of memory");
    }
    recording->birth_events[recording->births] = event;
}

/* Keep an event, with the ids that a log of this process alone would have. */
static void keep(struct recording *recording, const struct tn_log_event *event)
{
    if (recording->count == recording->capacity) {
        recording->capacity = recording->capacity != 0 ? recording->capacity * 2 : 65536;
        recording->events = realloc(recording->events, recording->capacity * sizeof(recording->events[0]));
        if (recording->events == NULL)
            stop("out of memory");
    }
    struct tn_log_event *kept = &recording->events[recording->count++];
    *kept = *event;
    recording->births += event->is_birth;
    if (event->is_birth)
        note_birth(recording, recording->count - 1);
    if (event->is_birth && tn_map_put(&recording->ids, event->allocation_id, recording->births) < 0)
        stop("out of memory");
    kept->allocation_id = *tn_map_find(&recording->ids, event->allocation_id);
    if (event->previous_id != 0)
        kept->previous_id = *tn_map_find(&recording->ids, event->previous_id);
    if (event->is_birth)
        return;
    const struct tn_log_event *birth = &recording->events[recording->birth_events[kept->allocation_id]];
    kept->address = birth->address;
    kept->usable_size_bytes = birth->usable_size_bytes;
}

static struct tn_log *open_log(const char *path)
{
    struct tn_log *log;
    struct tn_error error;
    if (tn_log_open(path, &log, &error) < 0)
        stop(error.text);
    return log;
}

static void read_recording(const char *path, struct recording *recording)
{
    struct tn_log *log = open_log(path);
    struct tn_event_cursor *cursor;
    const struct tn_log_event *event;
    if (tn_event_cursor_open(tn_log_database(log), tn_log_main_process(log), &cursor) < 0)
        stop("cannot read the events");
    while (tn_event_cursor_next(cursor, &event) == 1)
        keep(recording, event);
    tn_event_cursor_close(cursor);
    tn_log_close(log);
}

static int write_event(struct tn_log_writer *writer, const struct tn_log_event *event)
{
    uint64_t id;
    if (event->is_birth)
        return tn_log_add_birth(writer,
                                &(struct tn_birth){1, event->thread_id, event->stack_id, event->time_ns,
                                                   event->size_bytes, event->usable_size_bytes,
                                                   event->alignment_bytes, event->address, event->depth_bytes,
                                                   event->previous_id, event->function,
                                                   event->left_depth_bytes},
                                &id);
    return tn_log_add_death(
        writer, &(struct tn_death){1, event->allocation_id, event->thread_id, event->stack_id, event->time_ns,
                                   event->depth_bytes, event->function, event->left_depth_bytes,
                                   event->address, tn_log_size_class(event->usable_size_bytes)});
}

static void write_log(const char *path, const struct recording *recording)
{
    struct tn_log_writer *writer;
    struct tn_error error;
    uint64_t id;
    unlink(path);
    if (tn_log_create(&(struct tn_log_options){path, "", "tsc", false}, &writer, &error) < 0)
        stop(error.text);
    tn_log_add_process(writer, &(struct tn_log_process){.pid = 1}, &id);
    uint64_t committed_ns = 0;
    double begin_ns = now_ns();
    for (size_t i = 0; i < recording->count; i++) {
        const struct tn_log_event *event = &recording->events[i];
        if (write_event(writer, event) < 0)
            stop("an event was refused");
        if (event->time_ns - committed_ns < COMMIT_EVERY_NS)
            continue;
        committed_ns = event->time_ns;
        tn_log_commit(writer);
    }
    if (tn_log_writer_close(writer, committed_ns, &error) < 0)
        stop(error.text);
    double each_ns = (now_ns() - begin_ns) / (double)recording->count;
    printf("write             %6.1f ns an event, %5.1f million a second\n", each_ns, 1e3 / each_ns);
}

static void read_events(struct tn_log *log, const struct recording *recording)
{
    struct tn_event_cursor *cursor;
    const struct tn_log_event *event;
    size_t count = 0;
    double begin_ns = now_ns();
    if (tn_event_cursor_open(tn_log_database(log), 1, &cursor) < 0)
        stop("cannot read the events");
    while (tn_event_cursor_next(cursor, &event) == 1)
        count++;
    tn_event_cursor_close(cursor);
    double each_ns = (now_ns() - begin_ns) / (double)recording->count;
    printf("event cursor      %6.1f ns an event, %5.1f million a second\n", each_ns, 1e3 / each_ns);
    if (count != recording->count)
        stop("events are missing");
}

static void read_allocations(struct tn_log *log, const struct recording *recording)
{
    struct tn_allocation_cursor *cursor;
    const struct tn_allocation *allocation;
    size_t count = 0;
    double begin_ns = now_ns();
    if (tn_allocation_cursor_open(tn_log_database(log), 1, &cursor) < 0)
        stop("cannot read the allocations");
    while (tn_allocation_cursor_next(cursor, &allocation) == 1)
        count++;
    tn_allocation_cursor_close(cursor);
    printf("allocation cursor %6.1f ns an event\n", (now_ns() - begin_ns) / (double)recording->count);
    if (count != recording->births)
        stop("allocations are missing");
}

struct column {
    char name[24];
    double bytes;
};

/* Add one entry of chunk.codec, NAME:CODEC:BYTES:STORED_BYTES, to its column's sum. */
static void add_entry(struct column *columns, const char *entry)
{
    char name[24];
    unsigned long long stored_bytes;
    if (sscanf(entry, "%23[a-z_0-9]%*[+]:%*[a-z]:%*u:%llu", name, &stored_bytes) != 2 &&
        sscanf(entry, "%23[a-z_0-9]:%*[a-z]:%*u:%llu", name, &stored_bytes) != 2)
        stop("a codec makes no sense");
    while (columns->name[0] != '\0' && strcmp(columns->name, name) != 0)
        columns++;
    memcpy(columns->name, name, sizeof(name));
    columns->bytes += (double)stored_bytes;
}

static void print_sizes(struct tn_log *log, const struct recording *recording)
{
    struct column columns[COLUMNS_MAX] = {0};
    sqlite3_stmt *row;
    double total_bytes = 0;
    if (sqlite3_prepare_v2(tn_log_database(log), "SELECT codec FROM chunk", -1, &row, NULL) != SQLITE_OK)
        stop(sqlite3_errmsg(tn_log_database(log)));
    while (sqlite3_step(row) == SQLITE_ROW) {
        const char *entry = (const char *)sqlite3_column_text(row, 0);
        for (; entry != NULL; entry = strchr(entry, ' ') != NULL ? strchr(entry, ' ') + 1 : NULL)
            add_entry(columns, entry);
    }
    sqlite3_finalize(row);
    for (size_t i = 0; columns[i].name[0] != '\0'; i++) {
        total_bytes += columns[i].bytes;
        printf("%-17s %6.3f bytes an allocation\n", columns[i].name,
               columns[i].bytes / (double)recording->births);
    }
    printf("all columns       %6.3f bytes an allocation\n", total_bytes / (double)recording->births);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: log_speed LOG FOLDER\n");
        return 2;
    }
    struct recording recording = {0};
    char path[4096];
    snprintf(path, sizeof(path), "%s/log_speed.db", argv[2]);
    read_recording(argv[1], &recording);
    if (recording.count == 0)
        stop("the log has no events");
    printf("%zu events, %" PRIu64 " allocations\n", recording.count, recording.births);
    write_log(path, &recording);
    struct tn_log *log = open_log(path);
    read_events(log, &recording);
    read_allocations(log, &recording);
    print_sizes(log, &recording);
    tn_log_close(log);
    unlink(path);
    tn_map_finish(&recording.ids);
    free(recording.birth_events);
    free(recording.events);
    return 0;
}
