/* SPDX-License-Identifier: MIT */
/* Walks through a stack by source frames, so that an inlined function is a step of its own, and decides which
 * runtime functions take no memory from their caller. Called when findings are stated, not for each event. */
#include "tenure/source_frames.h"
#include "tenure/sql.h"

#include "pass.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

/* Functions of the runtime that return a block which the caller disposes of: a buffer of the caller's could
 * take its place (strcpy for strdup, snprintf for asprintf, fgets for getline). */
static const char *const replaceable[] = {
    "strdup",
    "strndup",
    "wcsdup",
    "asprintf",
    "vasprintf",
    "getline",
    "getdelim",
    "realpath",
    "getcwd",
    "std::string",
    "std::vector",
    "std::basic_string",
    "std::make_unique",
    "std::make_shared",
    "std::unique_ptr",
    "std::shared_ptr",
    NULL,
};

const struct tn_source_frame *tn_source_cursor_frame(const struct tn_source_frames *frames,
                                                     const struct tn_pass *pass, struct tn_source_cursor at)
{
    return tn_source_frames_get(frames, pass->nodes[at.node].frame_id, at.position);
}

struct tn_source_cursor tn_source_cursor_outwards(const struct tn_source_frames *frames,
                                                  const struct tn_pass *pass, struct tn_source_cursor at)
{
    if (at.position + 1 < tn_source_frames_count(frames, pass->nodes[at.node].frame_id))
        return (struct tn_source_cursor){at.node, at.position + 1};
    return (struct tn_source_cursor){pass->nodes[at.node].caller_id, 0};
}

static bool is_site(const struct tn_source_frames *frames, const struct tn_source_frame *source,
                    const struct tn_finding_site *site)
{
    const char *name = frames->functions[source->function].name;
    if (strcmp(source->function != 0 ? name : "", site->function) != 0)
        return false;
    if (site->line != 0)
        return source->line == site->line;
    return source->frame_id < frames->frame_count &&
           frames->frames[source->frame_id].offset_bytes == site->offset_bytes;
}

struct tn_source_cursor tn_source_cursor_find_site(const struct tn_source_frames *frames,
                                                   const struct tn_pass *pass,
                                                   const struct tn_finding_site *site, uint32_t stack_id,
                                                   struct tn_source_cursor *ret_inside)
{
    struct tn_source_cursor at = {stack_id, 0}, inside = {0, 0};
    for (uint32_t steps = 0; at.node != 0 && steps < TN_SOURCE_STEPS_MAX; steps++) {
        if (is_site(frames, tn_source_cursor_frame(frames, pass, at), site)) {
            *ret_inside = inside;
            return at;
        }
        inside = at;
        at = tn_source_cursor_outwards(frames, pass, at);
    }
    *ret_inside = (struct tn_source_cursor){0, 0};
    return (struct tn_source_cursor){stack_id, 0};
}

bool tn_source_frames_is_opaque(const struct tn_source_frames *frames, const struct tn_pass *pass,
                                const struct tn_finding_site *site, uint32_t stack_id)
{
    struct tn_source_cursor inside;
    tn_source_cursor_find_site(frames, pass, site, stack_id, &inside);
    if (inside.node == 0)
        return false;
    const struct tn_return_address *frame = &frames->frames[pass->nodes[inside.node].frame_id];
    const struct tn_source_frame *source = tn_source_cursor_frame(frames, pass, inside);
    bool is_runtime =
        source->function != 0 ? frames->functions[source->function].is_runtime : frame->is_runtime;
    if (!is_runtime)
        return false;
    for (size_t i = 0; replaceable[i] != NULL; i++)
        if (strcmp(site->via, replaceable[i]) == 0)
            return false;
    for (int i = 1; i < TN_FUNCTION_COUNT; i++)
        if (strcmp(site->via, tn_function_name((enum tn_function)i)) == 0)
            return false;
    return true;
}

int tn_source_frames_line(const struct tn_pass *pass, uint32_t frame_id, char **ret_file, uint32_t *ret_line)
{
    sqlite3_stmt *row;
    int r = tn_pass_prepare(pass, "SELECT file, line FROM frame WHERE id = ?1", &row);
    if (r < 0)
        return r;
    sqlite3_bind_int64(row, 1, frame_id);
    bool has_row = tn_sql_next(row) == 1;
    const char *file = has_row ? tn_sql_text(row, 0) : NULL;
    *ret_file = strdup(file != NULL ? file : "");
    *ret_line = has_row ? (uint32_t)tn_sql_count(row, 1) : 0;
    sqlite3_finalize(row);
    return *ret_file != NULL ? 0 : -ENOMEM;
}
