/* SPDX-License-Identifier: MIT */
/* A trace for ui.perfetto.dev with one packet, the heap profile of a process (protos/perfetto/trace/profiling
 * in github.com/google/perfetto): strings, mappings, frames, call stacks, then a sample for each stack. */
#include "export_format.h"
#include "protobuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of fields. */
enum {
    TRACE_PACKET = 1,
    PACKET_TIMESTAMP = 8,
    PACKET_SEQUENCE_ID = 10,
    PACKET_PROFILE = 37,
    PROFILE_STRINGS = 1,
    PROFILE_FRAMES = 2,
    PROFILE_CALLSTACKS = 3,
    PROFILE_MAPPINGS = 4,
    PROFILE_PROCESS_DUMPS = 5,
    STRING_IID = 1,
    STRING_STR = 2,
    MAPPING_IID = 1,
    MAPPING_PATH_STRING_IDS = 7,
    FRAME_IID = 1,
    FRAME_FUNCTION_NAME_ID = 2,
    FRAME_MAPPING_ID = 3,
    FRAME_REL_PC = 4,
    CALLSTACK_IID = 1,
    CALLSTACK_FRAME_IDS = 2,
    DUMP_PID = 1,
    DUMP_SAMPLES = 2,
    DUMP_FROM_STARTUP = 3,
    DUMP_TIMESTAMP = 9,
    DUMP_HEAP_NAME = 11,
    DUMP_SAMPLING_INTERVAL_BYTES = 12,
    SAMPLE_CALLSTACK_ID = 1,
    SAMPLE_SELF_ALLOCATED = 2,
    SAMPLE_SELF_FREED = 3,
    SAMPLE_TIMESTAMP = 4,
    SAMPLE_ALLOC_COUNT = 5,
    SAMPLE_FREE_COUNT = 6,
    SAMPLE_SELF_MAX = 8,
};

struct perfetto_writer {
    struct tn_export_job *job;
    struct tn_buffer profile; /* the packet's content */
    struct tn_buffer dump;    /* of the process */
    struct tn_buffer message; /* the one that is being written */
    const char **modules;     /* owned; distinct ones; strings borrowed from the profile */
    size_t module_count;
};

static int write_string(struct perfetto_writer *writer, uint64_t iid, const char *text)
{
    int r = tn_protobuf_number(&writer->message, STRING_IID, iid);
    if (r == 0)
        r = tn_protobuf_text(&writer->message, STRING_STR, text);
    return r == 0 ? tn_protobuf_message(&writer->profile, PROFILE_STRINGS, &writer->message) : r;
}

/* The number of a module, from 1, as a mapping; its path is the string behind those of the places. A process
 * has some dozens. */
static int write_mapping(struct perfetto_writer *writer, const char *module, uint64_t *ret_iid)
{
    size_t i = 0;
    while (i < writer->module_count && strcmp(writer->modules[i], module) != 0)
        i++;
    *ret_iid = i + 1;
    if (i < writer->module_count)
        return 0;
    writer->modules[writer->module_count++] = module;
    uint64_t string_iid = writer->job->profile->places.count + i + 1;
    int r = write_string(writer, string_iid, module);
    if (r == 0)
        r = tn_protobuf_number(&writer->message, MAPPING_IID, i + 1);
    if (r == 0)
        r = tn_protobuf_number(&writer->message, MAPPING_PATH_STRING_IDS, string_iid);
    return r == 0 ? tn_protobuf_message(&writer->profile, PROFILE_MAPPINGS, &writer->message) : r;
}

static int write_frame(struct perfetto_writer *writer, size_t i)
{
    const struct tn_place *place = &writer->job->profile->places.items[i];
    uint64_t mapping_iid = 0;
    int r = write_string(writer, i + 1, place->function);
    if (r == 0)
        r = write_mapping(writer, place->module, &mapping_iid);
    if (r == 0)
        r = tn_protobuf_number(&writer->message, FRAME_IID, i + 1);
    if (r == 0)
        r = tn_protobuf_number(&writer->message, FRAME_FUNCTION_NAME_ID, i + 1);
    if (r == 0)
        r = tn_protobuf_number(&writer->message, FRAME_MAPPING_ID, mapping_iid);
    if (r == 0)
        r = tn_protobuf_number(&writer->message, FRAME_REL_PC, place->offset_bytes);
    return r == 0 ? tn_protobuf_message(&writer->profile, PROFILE_FRAMES, &writer->message) : r;
}

/* Outermost frame first. */
static int write_stack(struct perfetto_writer *writer, uint64_t stack_id)
{
    const uint32_t *path;
    size_t count = 0;
    int r = tn_places_path(&writer->job->profile->places, stack_id, &path, &count);
    if (r == 0)
        r = tn_protobuf_number(&writer->message, CALLSTACK_IID, stack_id + 1);
    for (size_t i = count; i > 0 && r == 0; i--)
        r = tn_protobuf_number(&writer->message, CALLSTACK_FRAME_IDS, (uint64_t)path[i - 1] + 1);
    return r == 0 ? tn_protobuf_message(&writer->profile, PROFILE_CALLSTACKS, &writer->message) : r;
}

static int write_sample(struct perfetto_writer *writer, uint64_t stack_id)
{
    const struct tn_profile_figures *own = &writer->job->profile->stacks[stack_id];
    struct tn_buffer *out = &writer->message;
    bool is_peak = writer->job->options->metric == TN_EXPORT_PEAK;
    int r = tn_protobuf_number(out, SAMPLE_CALLSTACK_ID, stack_id + 1);
    if (r == 0)
        r = tn_protobuf_number(out, SAMPLE_TIMESTAMP, writer->job->profile->end_ns);
    if (r == 0 && is_peak)
        r = tn_protobuf_number(out, SAMPLE_SELF_MAX, own->peak_bytes);
    if (r == 0 && !is_peak)
        r = tn_protobuf_number(out, SAMPLE_SELF_ALLOCATED, own->total_bytes);
    if (r == 0 && !is_peak)
        r = tn_protobuf_number(out, SAMPLE_SELF_FREED, own->total_bytes - own->live_bytes);
    if (r == 0 && !is_peak)
        r = tn_protobuf_number(out, SAMPLE_ALLOC_COUNT, own->allocations);
    if (r == 0 && !is_peak)
        r = tn_protobuf_number(out, SAMPLE_FREE_COUNT, own->allocations - own->live_count);
    return r == 0 ? tn_protobuf_message(&writer->dump, DUMP_SAMPLES, out) : r;
}

static int write_dump(struct perfetto_writer *writer)
{
    struct tn_profile *profile = writer->job->profile;
    int r = tn_protobuf_number(&writer->dump, DUMP_PID, profile->pid);
    if (r == 0)
        r = tn_protobuf_number(&writer->dump, DUMP_FROM_STARTUP, 1);
    if (r == 0)
        r = tn_protobuf_number(&writer->dump, DUMP_TIMESTAMP, profile->end_ns);
    if (r == 0)
        r = tn_protobuf_text(&writer->dump, DUMP_HEAP_NAME, "malloc");
    if (r == 0)
        r = tn_protobuf_number(&writer->dump, DUMP_SAMPLING_INTERVAL_BYTES, 1);
    for (uint64_t id = 0; id < profile->stack_count && r == 0; id++) {
        if (profile->stacks[id].allocations == 0)
            continue;
        r = write_stack(writer, id);
        if (r == 0)
            r = write_sample(writer, id);
    }
    return r == 0 ? tn_protobuf_message(&writer->profile, PROFILE_PROCESS_DUMPS, &writer->dump) : r;
}

static int write_packet(struct perfetto_writer *writer)
{
    struct tn_buffer *packet = &writer->message;
    int r = tn_protobuf_number(packet, PACKET_TIMESTAMP, writer->job->profile->end_ns);
    if (r == 0)
        r = tn_protobuf_number(packet, PACKET_SEQUENCE_ID, 1);
    if (r == 0)
        r = tn_protobuf_message(packet, PACKET_PROFILE, &writer->profile);
    return r == 0 ? tn_protobuf_message(&writer->job->out, TRACE_PACKET, packet) : r;
}

static int write_perfetto(struct tn_export_job *job)
{
    struct perfetto_writer writer = {.job = job};
    writer.modules = calloc(job->profile->places.count, sizeof(writer.modules[0]));
    int r = writer.modules != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < job->profile->places.count && r == 0; i++)
        r = write_frame(&writer, i);
    if (r == 0)
        r = write_dump(&writer);
    if (r == 0)
        r = write_packet(&writer);
    tn_buffer_finish(&writer.profile);
    tn_buffer_finish(&writer.dump);
    tn_buffer_finish(&writer.message);
    free(writer.modules);
    return r;
}

const struct tn_export_format tn_export_perfetto = {.name = "perfetto", .write = write_perfetto};
