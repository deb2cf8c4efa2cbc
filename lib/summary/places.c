/* SPDX-License-Identifier: MIT */
/* From call stacks to places. Frames that show the same line of the same function are one place, whatever
 * their addresses; SQL numbers them. For exports, and for the HTML page. */
#include "tenure/places.h"

#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* How stacks are put together. Ids and numbers are below 2^32, as in the log's events. */
struct tn_places_code {
    uint32_t *frame_of_stack;  /* owned; by stack id: its innermost physical frame; 0: there is none */
    uint32_t *caller_of_stack; /* owned; by stack id; 0: the root */
    uint32_t *first_of_frame;  /* owned; by id of the physical frame: in place_of_row */
    uint32_t *rows_of_frame;   /* owned; by id of the physical frame: how many, with what is inlined there */
    uint32_t *place_of_row;    /* owned; places in the order of frames, the innermost first */
    uint64_t frame_count;      /* in first_of_frame and rows_of_frame */
    size_t row_count;          /* in place_of_row */
};

/* A function without a name is told as addr2line and gdb take it: module+0xOFFSET. */
static const char frames_sql[] =
    "SELECT physical_id, dense_rank() OVER (ORDER BY function, file, line, module) - 1, function, file, line,"
    " module, offset_bytes FROM (SELECT coalesce(f.inlined_into, f.id) AS physical_id,"
    " f.inlined_into IS NULL AS is_physical, f.inline_position,"
    " coalesce(f.function, ifnull(replace(m.path, rtrim(m.path, replace(m.path, '/', '')), '') || '+', '')"
    "  || printf('0x%x', f.offset_bytes)) AS function,"
    " coalesce(f.file, '') AS file, coalesce(f.line, 0) AS line, coalesce(m.path, '') AS module,"
    " f.offset_bytes FROM frame AS f LEFT JOIN module AS m ON m.id = f.module_id)"
    " ORDER BY physical_id, is_physical, inline_position";

static int fill_place(struct tn_place *place, struct sqlite3_stmt *row)
{
    if (place->function != NULL)
        return 0;
    *place = (struct tn_place){
        .function = tn_sql_copy_text(row, 2),
        .file = tn_sql_copy_text(row, 3),
        .line = (uint32_t)tn_sql_count(row, 4),
        .module = tn_sql_copy_text(row, 5),
        .offset_bytes = tn_sql_count(row, 6),
    };
    return place->function != NULL && place->file != NULL && place->module != NULL ? 0 : -ENOMEM;
}

static int see_frame(struct tn_places *places, struct sqlite3_stmt *row, size_t rows)
{
    struct tn_places_code *code = places->code;
    uint64_t id = tn_sql_count(row, 0), place = tn_sql_count(row, 1);
    if (id == 0 || id >= code->frame_count || place >= rows || code->row_count >= rows)
        return -EBADMSG;
    if (code->rows_of_frame[id]++ == 0)
        code->first_of_frame[id] = (uint32_t)code->row_count;
    code->place_of_row[code->row_count++] = (uint32_t)place;
    if (place >= places->count)
        places->count = place + 1;
    return fill_place(&places->items[place], row);
}

static int load_frames(struct tn_log *log, struct tn_places *places)
{
    struct tn_places_code *code = places->code;
    struct sqlite3 *database = tn_log_database(log);
    int r = tn_sql_id_count(database, "frame", &code->frame_count);
    if (r < 0)
        return r;
    /* One more, for the stack that is not known; see tn_places_load. */
    size_t rows = (size_t)tn_sql_int(database, "SELECT count(*) FROM frame", 0);
    code->first_of_frame = calloc(code->frame_count, sizeof(code->first_of_frame[0]));
    code->rows_of_frame = calloc(code->frame_count, sizeof(code->rows_of_frame[0]));
    code->place_of_row = calloc(rows + 1, sizeof(code->place_of_row[0]));
    places->items = calloc(rows + 1, sizeof(places->items[0]));
    if (code->first_of_frame == NULL || code->rows_of_frame == NULL || code->place_of_row == NULL ||
        places->items == NULL)
        return -ENOMEM;
    struct sqlite3_stmt *row;
    r = tn_sql_prepare(database, frames_sql, &row);
    if (r < 0)
        return r;
    while ((r = tn_sql_next(row)) == 1)
        if ((r = see_frame(places, row, rows)) < 0)
            break;
    sqlite3_finalize(row);
    return r;
}

static int load_stacks(struct tn_log *log, struct tn_places *places)
{
    struct tn_places_code *code = places->code;
    code->frame_of_stack = calloc(places->stack_count, sizeof(code->frame_of_stack[0]));
    code->caller_of_stack = calloc(places->stack_count, sizeof(code->caller_of_stack[0]));
    if (code->frame_of_stack == NULL || code->caller_of_stack == NULL)
        return -ENOMEM;
    struct sqlite3_stmt *row;
    int r = tn_sql_prepare(tn_log_database(log), "SELECT id, frame_id, caller_id FROM stack", &row);
    if (r < 0)
        return r;
    while ((r = tn_sql_next(row)) == 1) {
        uint64_t id = tn_sql_count(row, 0), frame = tn_sql_count(row, 1), caller = tn_sql_count(row, 2);
        if (id >= places->stack_count || frame >= code->frame_count || caller >= places->stack_count) {
            r = -EBADMSG;
            break;
        }
        code->frame_of_stack[id] = (uint32_t)frame;
        code->caller_of_stack[id] = (uint32_t)caller;
    }
    sqlite3_finalize(row);
    return r;
}

static int load(struct tn_log *log, struct tn_places *places)
{
    int r = tn_sql_id_count(tn_log_database(log), "stack", &places->stack_count);
    if (r < 0)
        return r;
    places->code = calloc(1, sizeof(*places->code));
    if (places->code == NULL)
        return -ENOMEM;
    r = load_frames(log, places);
    if (r == 0)
        r = load_stacks(log, places);
    if (r < 0)
        return r;
    struct tn_place *unknown = &places->items[places->count++];
    unknown->function = strdup("[no call stack]");
    unknown->file = strdup("");
    unknown->module = strdup("");
    return unknown->function != NULL && unknown->file != NULL && unknown->module != NULL ? 0 : -ENOMEM;
}

int tn_places_load(struct tn_log *log, struct tn_places *ret_places)
{
    struct tn_places places = {0};
    int r = load(log, &places);
    if (r < 0) {
        tn_places_finish(&places);
        return r;
    }
    *ret_places = places;
    return 0;
}

void tn_places_finish(struct tn_places *places)
{
    if (places == NULL)
        return;
    for (size_t i = 0; i < places->count; i++) {
        free(places->items[i].function);
        free(places->items[i].file);
        free(places->items[i].module);
    }
    free(places->items);
    free(places->path);
    struct tn_places_code *code = places->code;
    if (code != NULL) {
        free(code->frame_of_stack);
        free(code->caller_of_stack);
        free(code->first_of_frame);
        free(code->rows_of_frame);
        free(code->place_of_row);
        free(code);
    }
    *places = (struct tn_places){0};
}

static int make_room(struct tn_places *places, size_t count)
{
    if (count <= places->path_capacity)
        return 0;
    size_t capacity = count < 1024 ? 1024 : count * 2;
    uint32_t *path = realloc(places->path, capacity * sizeof(path[0]));
    if (path == NULL)
        return -ENOMEM;
    places->path = path;
    places->path_capacity = capacity;
    return 0;
}

int tn_places_path(struct tn_places *places, uint64_t stack_id, const uint32_t **ret_path, size_t *ret_count)
{
    const struct tn_places_code *code = places->code;
    size_t count = 0;
    uint64_t steps = 0;
    for (uint64_t id = stack_id; id != 0 && id < places->stack_count; id = code->caller_of_stack[id]) {
        uint32_t frame = code->frame_of_stack[id], rows = code->rows_of_frame[frame];
        if (++steps > places->stack_count)
            return -EBADMSG;
        int r = make_room(places, count + rows);
        if (r < 0)
            return r;
        for (uint32_t i = 0; i < rows; i++)
            places->path[count++] = code->place_of_row[code->first_of_frame[frame] + i];
    }
    if (count == 0) {
        int r = make_room(places, 1);
        if (r < 0)
            return r;
        places->path[count++] = (uint32_t)places->count - 1;
    }
    *ret_path = places->path;
    *ret_count = count;
    return 0;
}
