/* SPDX-License-Identifier: MIT */
/* Loads what return addresses stand for: functions, lines and inlined frames. A function is one entry however
 * many frames name it, so that comparing two frames is comparing two numbers. The pass loads this when it
 * first needs it, `stack-buffer` and `combine` at their beginning. */
#include "tenure/source_frames.h"

#include "pass.h"

#include "tenure/map.h"
#include "tenure/site.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define NAME_HASH_SEED UINT64_C(0x9e3779b97f4a7c15)

struct loading {
    const struct tn_pass *pass;
    struct tn_source_frames *frames;
    struct tn_site_rules *rules;
    struct tn_map by_name; /* hash of module and name -> index in functions */
    size_t function_capacity;
};

static uint64_t hash_name(uint32_t module_id, const char *name)
{
    uint64_t hash = NAME_HASH_SEED ^ module_id;
    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
    return tn_mix(hash) | 1;
}

static struct tn_site_source source_of(const struct tn_log_frame *row)
{
    return (struct tn_site_source){row->function, row->file, row->line, row->module, row->offset_bytes};
}

static int add_function(struct loading *loading, const struct tn_log_frame *row, uint32_t *ret_function)
{
    struct tn_source_frames *frames = loading->frames;
    if (frames->function_count == loading->function_capacity) {
        size_t capacity = loading->function_capacity * 2;
        void *functions = realloc(frames->functions, capacity * sizeof(frames->functions[0]));
        if (functions == NULL)
            return -ENOMEM;
        frames->functions = functions;
        loading->function_capacity = capacity;
    }
    struct tn_site_class class;
    struct tn_site_source source = source_of(row);
    tn_site_classify(loading->rules, &source, &class);
    char *copy = strdup(row->function);
    if (copy == NULL)
        return -ENOMEM;
    *ret_function = (uint32_t)frames->function_count;
    frames->functions[frames->function_count++] = (struct tn_source_function){
        copy, (uint32_t)row->module_id, class.kind == TN_SITE_PROGRAM, class.kind == TN_SITE_RUNTIME};
    return 0;
}

/* Functions whose hashes are equal would be taken for one: with 64 bits and some ten thousand functions, one
 * log in 10^11. */
static int find_function(struct loading *loading, const struct tn_log_frame *row, uint32_t *ret_function)
{
    *ret_function = 0;
    if (row->function == NULL)
        return 0;
    uint64_t hash = hash_name((uint32_t)row->module_id, row->function);
    const uint64_t *known = tn_map_find(&loading->by_name, hash);
    if (known != NULL) {
        *ret_function = (uint32_t)*known;
        return 0;
    }
    int r = add_function(loading, row, ret_function);
    return r < 0 ? r : tn_map_put(&loading->by_name, hash, *ret_function);
}

static int add_frame(void *context, const struct tn_log_frame *row)
{
    struct loading *loading = context;
    struct tn_source_frames *frames = loading->frames;
    if (row->physical_id >= frames->frame_count)
        return 0;
    struct tn_return_address *frame = &frames->frames[row->physical_id];
    struct tn_source_frame source = {.line = row->line, .column = row->column, .frame_id = (uint32_t)row->id};
    int r = find_function(loading, row, &source.function);
    if (r < 0)
        return r;
    if (row->id != row->physical_id) {
        if (frame->inlined_count++ == 0)
            frame->first_inlined = (uint32_t)frames->inlined_count;
        frames->inlined[frames->inlined_count++] = source;
        return 0;
    }
    struct tn_site_class class;
    struct tn_site_source told = source_of(row);
    tn_site_classify(loading->rules, &told, &class);
    frame->source = source;
    frame->offset_bytes = row->offset_bytes;
    frame->is_runtime = class.kind == TN_SITE_RUNTIME;
    frame->is_tail_call = row->is_tail_call;
    return 0;
}

static int count_frames(struct loading *loading, size_t *ret_inlined)
{
    sqlite3_stmt *row;
    int r = tn_pass_prepare(loading->pass, TN_PASS_FRAME_COUNT ", count(inlined_into) FROM frame", &row);
    if (r < 0)
        return r;
    int next = tn_sql_next(row);
    int64_t highest = sqlite3_column_int64(row, 0), count = sqlite3_column_int64(row, 1);
    *ret_inlined = (size_t)tn_sql_count(row, 2);
    r = tn_pass_end_rows(loading->pass, row, next, "cannot load frames");
    if (r < 0)
        return r;
    if (highest < 0 || highest >= UINT32_MAX || highest / 4 > count + 1024)
        return tn_pass_refuse(loading->pass, -EBADMSG, "cannot load frames");
    loading->frames->frame_count = (size_t)highest + 1;
    return 0;
}

static int make_room(struct loading *loading, size_t inlined)
{
    struct tn_source_frames *frames = loading->frames;
    loading->function_capacity = 256;
    frames->frames = calloc(frames->frame_count, sizeof(frames->frames[0]));
    frames->inlined = calloc(inlined + 1, sizeof(frames->inlined[0]));
    frames->functions = calloc(loading->function_capacity, sizeof(frames->functions[0]));
    if (frames->frames == NULL || frames->inlined == NULL || frames->functions == NULL)
        return tn_pass_refuse(loading->pass, -ENOMEM, "cannot load frames");
    frames->function_count = 1;
    return 0;
}

static int load_frames(struct loading *loading)
{
    int r = tn_log_each_frame(tn_log_database(loading->pass->log), add_frame, loading);
    return r < 0 ? tn_pass_refuse(loading->pass, r, "cannot load frames") : 0;
}

int tn_source_frames_load(const struct tn_pass *pass, struct tn_source_frames *ret_frames)
{
    struct loading loading = {.pass = pass, .frames = ret_frames};
    size_t inlined = 0;
    *ret_frames = (struct tn_source_frames){0};
    int r = tn_pass_open_rules(pass, &loading.rules);
    if (r == 0)
        r = count_frames(&loading, &inlined);
    if (r == 0)
        r = make_room(&loading, inlined);
    if (r == 0)
        r = load_frames(&loading);
    tn_site_rules_close(loading.rules);
    tn_map_finish(&loading.by_name);
    return r;
}

void tn_source_frames_finish(struct tn_source_frames *frames)
{
    for (size_t i = 0; i < frames->function_count; i++)
        free(frames->functions[i].name);
    free(frames->functions);
    free(frames->inlined);
    free(frames->frames);
    *frames = (struct tn_source_frames){0};
}

const struct tn_source_frame *tn_source_frames_get(const struct tn_source_frames *frames, uint32_t frame_id,
                                                   uint32_t position)
{
    const struct tn_return_address *frame = &frames->frames[frame_id];
    return position < frame->inlined_count ? &frames->inlined[frame->first_inlined + position]
                                           : &frame->source;
}

/* The source frame `inwards` steps inwards from the physical one; NULL: there are not that many. */
static const struct tn_source_frame *frame_inwards(const struct tn_source_frames *frames, uint32_t frame_id,
                                                   uint32_t inwards)
{
    uint32_t count = frames->frames[frame_id].inlined_count;
    return inwards <= count ? tn_source_frames_get(frames, frame_id, count - inwards) : NULL;
}

uint32_t tn_source_frames_common_inlined(const struct tn_source_frames *frames, uint32_t one, uint32_t other)
{
    uint32_t common = 0;
    for (;;) {
        const struct tn_source_frame *a = frame_inwards(frames, one, common);
        const struct tn_source_frame *b = frame_inwards(frames, other, common);
        const struct tn_source_frame *inner_a = frame_inwards(frames, one, common + 1);
        const struct tn_source_frame *inner_b = frame_inwards(frames, other, common + 1);
        if (inner_a == NULL || inner_b == NULL || a->line != b->line || inner_a->function == 0 ||
            inner_a->function != inner_b->function)
            return common;
        common++;
    }
}

bool tn_source_frames_is_behind(const struct tn_source_frames *frames, uint32_t earlier, uint32_t later)
{
    uint32_t inwards = tn_source_frames_common_inlined(frames, earlier, later);
    const struct tn_source_frame *a = frame_inwards(frames, earlier, inwards);
    const struct tn_source_frame *b = frame_inwards(frames, later, inwards);
    if (a->line != 0 && b->line != 0 && a->line != b->line)
        return b->line > a->line;
    return frames->frames[later].offset_bytes > frames->frames[earlier].offset_bytes;
}
