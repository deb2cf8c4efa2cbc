/* SPDX-License-Identifier: MIT */
/* A table for spreadsheets (RFC 4180): a row for each call stack, with every metric, the line that called the
 * allocation function, and the functions of the stack, innermost first. */
#include "export_format.h"

#include <inttypes.h>

/* The inside of a quoted field. */
static int print_quoted(struct tn_buffer *out, const char *text)
{
    int r = 0;
    for (; *text != '\0' && r == 0; text++)
        r = tn_buffer_print(out, *text == '"' ? "\"\"" : "%c", *text);
    return r;
}

static int print_stack(struct tn_export_job *job, const uint32_t *path, size_t count)
{
    const struct tn_place *places = job->profile->places.items;
    int r = tn_buffer_print(&job->out, ",\"");
    if (r == 0)
        r = print_quoted(&job->out, places[path[0]].file);
    if (r == 0)
        r = tn_buffer_print(&job->out, "\",%" PRIu32 ",\"", places[path[0]].line);
    for (size_t i = 0; i < count && r == 0; i++) {
        r = print_quoted(&job->out, places[path[i]].function);
        if (r == 0)
            r = tn_buffer_print(&job->out, "%s", i + 1 < count ? " < " : "\"\r\n");
    }
    return r;
}

static int write_csv(struct tn_export_job *job)
{
    struct tn_profile *profile = job->profile;
    int r = tn_buffer_print(&job->out,
                            "stack_id,allocations,total_bytes,peak_count,peak_bytes,live_at_end,"
                            "live_at_end_bytes,short_lived,short_lived_bytes,file,line,stack\r\n");
    for (uint64_t id = 0; id < profile->stack_count && r == 0; id++) {
        const struct tn_profile_figures *own = &profile->stacks[id];
        const uint32_t *path;
        size_t count;
        if (own->allocations == 0)
            continue;
        r = tn_places_path(&profile->places, id, &path, &count);
        if (r == 0)
            r = tn_buffer_print(&job->out,
                                "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
                                ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
                                id, own->allocations, own->total_bytes, own->peak_count, own->peak_bytes,
                                own->live_count, own->live_bytes, own->short_lived, own->short_lived_bytes);
        if (r == 0)
            r = print_stack(job, path, count);
        if (r == 0)
            r = tn_export_drain(job);
    }
    return r;
}

const struct tn_export_format tn_export_csv = {.name = "csv", .write = write_csv};
