/* SPDX-License-Identifier: MIT */
/* pprof's profile.proto (github.com/google/pprof/proto), not compressed, which its readers take as well: a
 * sample for each call stack, with all metrics. Values are named as in Go's heap profiles where those have
 * them. */
#include "export_format.h"
#include "protobuf.h"

/* Numbers of fields. */
enum {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE = 2,
    PROFILE_LOCATION = 4,
    PROFILE_FUNCTION = 5,
    PROFILE_STRING_TABLE = 6,
    PROFILE_DURATION_NANOS = 10,
    PROFILE_DEFAULT_SAMPLE_TYPE = 14,
    VALUE_TYPE = 1,
    VALUE_UNIT = 2,
    SAMPLE_LOCATION_ID = 1,
    SAMPLE_VALUE = 2,
    LOCATION_ID = 1,
    LOCATION_LINE = 4,
    LINE_FUNCTION_ID = 1,
    LINE_LINE = 2,
    FUNCTION_ID = 1,
    FUNCTION_NAME = 2,
    FUNCTION_SYSTEM_NAME = 3,
    FUNCTION_FILENAME = 4,
};

/* The string table begins with "", the units, and a name for each value; then come two strings a place. */
enum {
    STRING_COUNT = 1,
    STRING_BYTES = 2,
    STRING_VALUES = 3,
};

static const struct {
    const char *name;
    enum tn_export_metric metric;
} values[] = {
    {"alloc_objects", TN_EXPORT_ALLOCATIONS},
    {"alloc_space", TN_EXPORT_BYTES},
    {"peak_space", TN_EXPORT_PEAK},
    {"inuse_space", TN_EXPORT_LIVE_AT_END},
    {"short_lived_objects", TN_EXPORT_SHORT_LIVED},
};

#define VALUE_COUNT   (sizeof(values) / sizeof(values[0]))
#define STRING_PLACES (STRING_VALUES + VALUE_COUNT)

static int write_types(struct tn_export_job *job, struct tn_buffer *message)
{
    int r = 0;
    for (size_t i = 0; i < VALUE_COUNT && r == 0; i++) {
        r = tn_protobuf_number(message, VALUE_TYPE, STRING_VALUES + i);
        if (r == 0)
            r = tn_protobuf_number(message, VALUE_UNIT,
                                   tn_export_is_bytes(values[i].metric) ? STRING_BYTES : STRING_COUNT);
        if (r == 0)
            r = tn_protobuf_message(&job->out, PROFILE_SAMPLE_TYPE, message);
        if (r == 0 && values[i].metric == job->options->metric)
            r = tn_protobuf_number(&job->out, PROFILE_DEFAULT_SAMPLE_TYPE, STRING_VALUES + i);
    }
    return r;
}

static int write_sample(struct tn_export_job *job, uint64_t stack_id, struct tn_buffer *message,
                        struct tn_buffer *packed)
{
    const uint32_t *path;
    size_t count = 0;
    int r = tn_places_path(&job->profile->places, stack_id, &path, &count);
    for (size_t i = 0; i < count && r == 0; i++)
        r = tn_protobuf_packed(packed, (uint64_t)path[i] + 1);
    if (r == 0)
        r = tn_protobuf_message(message, SAMPLE_LOCATION_ID, packed);
    for (size_t i = 0; i < VALUE_COUNT && r == 0; i++)
        r = tn_protobuf_packed(packed, tn_export_value(&job->profile->stacks[stack_id], values[i].metric));
    if (r == 0)
        r = tn_protobuf_message(message, SAMPLE_VALUE, packed);
    if (r == 0)
        r = tn_protobuf_message(&job->out, PROFILE_SAMPLE, message);
    return r == 0 ? tn_export_drain(job) : r;
}

/* A place as a location and a function; both have its number plus one. */
static int write_place(struct tn_export_job *job, size_t i, struct tn_buffer *message, struct tn_buffer *line)
{
    int r = tn_protobuf_number(line, LINE_FUNCTION_ID, i + 1);
    if (r == 0)
        r = tn_protobuf_number(line, LINE_LINE, job->profile->places.items[i].line);
    if (r == 0)
        r = tn_protobuf_number(message, LOCATION_ID, i + 1);
    if (r == 0)
        r = tn_protobuf_message(message, LOCATION_LINE, line);
    if (r == 0)
        r = tn_protobuf_message(&job->out, PROFILE_LOCATION, message);
    if (r == 0)
        r = tn_protobuf_number(message, FUNCTION_ID, i + 1);
    if (r == 0)
        r = tn_protobuf_number(message, FUNCTION_NAME, STRING_PLACES + 2 * i);
    if (r == 0)
        r = tn_protobuf_number(message, FUNCTION_SYSTEM_NAME, STRING_PLACES + 2 * i);
    if (r == 0)
        r = tn_protobuf_number(message, FUNCTION_FILENAME, STRING_PLACES + 2 * i + 1);
    if (r == 0)
        r = tn_protobuf_message(&job->out, PROFILE_FUNCTION, message);
    return r == 0 ? tn_export_drain(job) : r;
}

static int write_strings(struct tn_export_job *job)
{
    static const char *const first[STRING_VALUES] = {"", "count", "bytes"};
    const struct tn_profile *profile = job->profile;
    int r = 0;
    for (size_t i = 0; i < STRING_VALUES && r == 0; i++)
        r = tn_protobuf_text(&job->out, PROFILE_STRING_TABLE, first[i]);
    for (size_t i = 0; i < VALUE_COUNT && r == 0; i++)
        r = tn_protobuf_text(&job->out, PROFILE_STRING_TABLE, values[i].name);
    for (size_t i = 0; i < profile->places.count && r == 0; i++) {
        r = tn_protobuf_text(&job->out, PROFILE_STRING_TABLE, profile->places.items[i].function);
        if (r == 0)
            r = tn_protobuf_text(&job->out, PROFILE_STRING_TABLE, profile->places.items[i].file);
        if (r == 0)
            r = tn_export_drain(job);
    }
    return r;
}

static int write_pprof(struct tn_export_job *job)
{
    struct tn_buffer message = {0}, inner = {0};
    int r = write_types(job, &message);
    for (uint64_t id = 0; id < job->profile->stack_count && r == 0; id++)
        if (job->profile->stacks[id].allocations > 0)
            r = write_sample(job, id, &message, &inner);
    for (size_t i = 0; i < job->profile->places.count && r == 0; i++)
        r = write_place(job, i, &message, &inner);
    if (r == 0)
        r = write_strings(job);
    if (r == 0)
        r = tn_protobuf_number(&job->out, PROFILE_DURATION_NANOS, job->profile->end_ns);
    tn_buffer_finish(&message);
    tn_buffer_finish(&inner);
    return r;
}

const struct tn_export_format tn_export_pprof = {.name = "pprof", .write = write_pprof};
