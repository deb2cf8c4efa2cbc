/* SPDX-License-Identifier: MIT */
/* heaptrack's data file, version 1, which every heaptrack_print and heaptrack_gui since 1.0 reads: each birth
 * and each death in its order. Lines have a letter and numbers in hex; strings, code, stacks and kinds of
 * allocations are numbered from 1 (kinds from 0) as they come, and written before they are used. */
#include "export_format.h"

#include "tenure/log.h"
#include "tenure/map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define NS_PER_MS UINT64_C(1000000)

/* A kind of allocation is a stack and a size. Larger sizes get a kind of their own each time: 24 bits are
 * left for the stack in the key. */
#define SIZE_BITS 40

struct heaptrack_writer {
    struct tn_export_job *job;
    uint64_t *place_code;  /* owned; by place: number of its line of code; 0: none yet */
    uint64_t *stack_trace; /* owned; by stack id: number of its trace; 0: none yet */
    struct tn_map traces;  /* (caller's trace << 32 | code) -> number */
    struct tn_map kinds;   /* (trace << SIZE_BITS | size) + 1 -> number + 1 */
    uint64_t string_count, code_count, trace_count, kind_count;
    uint64_t time_ms; /* that was written last */
};

static int write_string(struct heaptrack_writer *writer, const char *text, uint64_t *ret_number)
{
    *ret_number = 0;
    if (text[0] == '\0')
        return 0;
    *ret_number = ++writer->string_count;
    return tn_buffer_print(&writer->job->out, "s %s\n", text);
}

static int code_of(struct heaptrack_writer *writer, uint32_t place_number, uint64_t *ret_code)
{
    const struct tn_place *place = &writer->job->profile->places.items[place_number];
    uint64_t module, function, file;
    *ret_code = writer->place_code[place_number];
    if (*ret_code != 0)
        return 0;
    int r = write_string(writer, place->module, &module);
    if (r == 0)
        r = write_string(writer, place->function, &function);
    if (r == 0)
        r = write_string(writer, place->file, &file);
    if (r == 0)
        r = tn_buffer_print(&writer->job->out, "i %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %x\n",
                            place->offset_bytes, module, function, file, place->line);
    *ret_code = writer->place_code[place_number] = ++writer->code_count;
    return r;
}

static int trace_of(struct heaptrack_writer *writer, uint64_t stack_id, uint64_t *ret_trace)
{
    uint64_t *known = &writer->stack_trace[stack_id < writer->job->profile->stack_count ? stack_id : 0];
    *ret_trace = *known;
    if (*known != 0)
        return 0;
    const uint32_t *path;
    size_t count = 0;
    uint64_t trace = 0, code = 0;
    int r = tn_places_path(&writer->job->profile->places, stack_id, &path, &count);
    for (size_t i = count; i > 0 && r == 0; i--) {
        r = code_of(writer, path[i - 1], &code);
        uint64_t key = trace << 32 | code;
        uint64_t *found = tn_map_find(&writer->traces, key);
        if (found != NULL) {
            trace = *found;
            continue;
        }
        if (r == 0)
            r = tn_buffer_print(&writer->job->out, "t %" PRIx64 " %" PRIx64 "\n", code, trace);
        trace = ++writer->trace_count;
        if (r == 0)
            r = tn_map_put(&writer->traces, key, trace);
    }
    *ret_trace = *known = trace;
    return r;
}

static int kind_of(struct heaptrack_writer *writer, const struct tn_allocation *allocation,
                   uint64_t *ret_kind)
{
    uint64_t trace;
    int r = trace_of(writer, allocation->stack_id, &trace);
    bool is_kept = allocation->size_bytes >> SIZE_BITS == 0 && trace >> (63 - SIZE_BITS) == 0;
    uint64_t key = (trace << SIZE_BITS | allocation->size_bytes) + 1;
    uint64_t *found = is_kept ? tn_map_find(&writer->kinds, key) : NULL;
    if (r < 0 || found != NULL) {
        *ret_kind = found != NULL ? *found - 1 : 0;
        return r;
    }
    *ret_kind = writer->kind_count++;
    r = tn_buffer_print(&writer->job->out, "a %" PRIx64 " %" PRIx64 "\n", allocation->size_bytes, trace);
    return r == 0 && is_kept ? tn_map_put(&writer->kinds, key, *ret_kind + 1) : r;
}

static int write_event(struct heaptrack_writer *writer, bool is_birth, const struct tn_allocation *allocation)
{
    uint64_t time_ms = (is_birth ? allocation->birth_ns : allocation->death_ns) / NS_PER_MS;
    struct tn_buffer *out = &writer->job->out;
    uint64_t kind = 0;
    int r = 0;
    if (time_ms > writer->time_ms)
        r = tn_buffer_print(out, "c %" PRIx64 "\n", time_ms);
    writer->time_ms = time_ms > writer->time_ms ? time_ms : writer->time_ms;
    if (r == 0)
        r = kind_of(writer, allocation, &kind);
    if (r == 0)
        r = tn_buffer_print(out, "%c %" PRIx64 "\n", is_birth ? '+' : '-', kind);
    return r == 0 ? tn_export_drain(writer->job) : r;
}

static int write_events(struct heaptrack_writer *writer)
{
    struct tn_allocation_cursor *cursor;
    const struct tn_allocation *allocation = NULL;
    enum tn_cursor_step step = TN_CURSOR_SURVIVOR;
    int r = tn_allocation_cursor_open(tn_log_database(writer->job->log), writer->job->profile->process_id,
                                      &cursor);
    if (r < 0)
        return r;
    while ((r = tn_allocation_cursor_step(cursor, &step, &allocation)) == 1) {
        if (step == TN_CURSOR_SURVIVOR)
            continue;
        r = write_event(writer, step == TN_CURSOR_BIRTH, allocation);
        if (r < 0)
            break;
    }
    tn_allocation_cursor_close(cursor);
    return r;
}

static int write_heaptrack(struct tn_export_job *job)
{
    struct tn_profile *profile = job->profile;
    struct heaptrack_writer writer = {.job = job};
    writer.place_code = calloc(profile->places.count, sizeof(writer.place_code[0]));
    writer.stack_trace = calloc(profile->stack_count, sizeof(writer.stack_trace[0]));
    int r = writer.place_code != NULL && writer.stack_trace != NULL ? 0 : -ENOMEM;
    if (r == 0)
        r = tn_buffer_print(&job->out, "v 10000 1\nX %s\n", profile->command_line);
    if (r == 0)
        r = write_events(&writer);
    if (r == 0)
        r = tn_buffer_print(&job->out, "c %" PRIx64 "\n", profile->end_ns / NS_PER_MS);
    free(writer.place_code);
    free(writer.stack_trace);
    tn_map_finish(&writer.traces);
    tn_map_finish(&writer.kinds);
    return r;
}

const struct tn_export_format tn_export_heaptrack = {.name = "heaptrack", .write = write_heaptrack};
