/* SPDX-License-Identifier: MIT */
/* Folded stacks, as flamegraph.pl, inferno and speedscope read them: a line a stack, "main;f;g 12", outermost
 * first. Functions only, so that stacks through other lines of them share a line where they are neighbours.
 */
#include "export_format.h"

/* A semicolon separates functions, and the last blank the figure. */
static int print_function(struct tn_buffer *out, const char *function)
{
    size_t from = out->size_bytes;
    int r = tn_buffer_print(out, "%s", function);
    for (size_t i = from; r == 0 && i < out->size_bytes; i++)
        if (out->data[i] == ';' || out->data[i] == '\n')
            out->data[i] = ',';
    return r;
}

static int write_folded(struct tn_export_job *job)
{
    struct tn_profile *profile = job->profile;
    int r = 0;
    for (uint64_t id = 0; id < profile->stack_count && r == 0; id++) {
        uint64_t value = tn_export_value(&profile->stacks[id], job->options->metric);
        const uint32_t *path;
        size_t count = 0;
        if (value == 0)
            continue;
        r = tn_places_path(&profile->places, id, &path, &count);
        for (size_t i = count; i > 0 && r == 0; i--) {
            r = print_function(&job->out, profile->places.items[path[i - 1]].function);
            if (r == 0)
                r = tn_buffer_print(&job->out, i > 1 ? ";" : " %llu\n", (unsigned long long)value);
        }
        if (r == 0)
            r = tn_export_drain(job);
    }
    return r;
}

const struct tn_export_format tn_export_folded = {.name = "folded", .write = write_folded};
