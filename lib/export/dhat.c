/* SPDX-License-Identifier: MIT */
/* The file of valgrind's DHAT, version 2, for its viewer dh_view.html: a program point for each call stack.
 * Times are nanoseconds; accesses to blocks were not recorded, so bkacc is false. */
#include "export_format.h"

#include "tenure/json.h"

/* What the viewer calls short-lived: an average life of less than this; in DHAT it is 500 instructions. */
#define SHORT_LIFETIME_NS 10000

static int write_frame_table(struct tn_json *json, const struct tn_profile *profile)
{
    tn_json_open_array(json, "ftbl");
    tn_json_text(json, NULL, "[root]");
    for (size_t i = 0; i < profile->places.count; i++) {
        struct tn_buffer text = {0};
        int r = tn_export_print_place(&text, &profile->places.items[i]);
        tn_json_text(json, NULL, (const char *)text.data);
        tn_buffer_finish(&text);
        if (r < 0)
            return r;
    }
    tn_json_close_array(json);
    return 0;
}

static int write_point(struct tn_export_job *job, struct tn_json *json, uint64_t stack_id)
{
    const struct tn_profile_figures *own = &job->profile->stacks[stack_id];
    const uint32_t *path;
    size_t count;
    int r = tn_places_path(&job->profile->places, stack_id, &path, &count);
    if (r < 0)
        return r;
    tn_json_open_object(json, NULL);
    tn_json_uint(json, "tb", own->total_bytes);
    tn_json_uint(json, "tbk", own->allocations);
    tn_json_uint(json, "tl", own->lifetime_ns);
    tn_json_uint(json, "mb", own->own_max_bytes);
    tn_json_uint(json, "mbk", own->own_max_count);
    tn_json_uint(json, "gb", own->peak_bytes);
    tn_json_uint(json, "gbk", own->peak_count);
    tn_json_uint(json, "eb", own->live_bytes);
    tn_json_uint(json, "ebk", own->live_count);
    tn_json_open_array(json, "fs");
    for (size_t i = 0; i < count; i++)
        tn_json_uint(json, NULL, (uint64_t)path[i] + 1); /* 0 is the root */
    tn_json_close_array(json);
    tn_json_close_object(json);
    return tn_export_drain(job);
}

static int write_dhat(struct tn_export_job *job)
{
    struct tn_profile *profile = job->profile;
    struct tn_json json = {.out = &job->out};
    tn_json_open_object(&json, NULL);
    tn_json_uint(&json, "dhatFileVersion", 2);
    tn_json_text(&json, "mode", "heap");
    tn_json_text(&json, "verb", "Allocated");
    tn_json_bool(&json, "bklt", true);
    tn_json_bool(&json, "bkacc", false);
    tn_json_text(&json, "tu", "ns");
    tn_json_text(&json, "Mtu", "ms");
    tn_json_uint(&json, "tuth", SHORT_LIFETIME_NS);
    tn_json_text(&json, "cmd", profile->command_line);
    tn_json_uint(&json, "pid", profile->pid);
    tn_json_uint(&json, "tg", profile->peak_ns);
    tn_json_uint(&json, "te", profile->end_ns);
    tn_json_open_array(&json, "pps");
    int r = 0;
    for (uint64_t id = 0; id < profile->stack_count && r == 0; id++)
        if (profile->stacks[id].allocations > 0)
            r = write_point(job, &json, id);
    tn_json_close_array(&json);
    if (r == 0)
        r = write_frame_table(&json, profile);
    tn_json_close_object(&json);
    return r == 0 ? json.error : r;
}

const struct tn_export_format tn_export_dhat = {.name = "dhat", .write = write_dhat};
