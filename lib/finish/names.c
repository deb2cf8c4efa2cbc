/* SPDX-License-Identifier: MIT */
/* The step `names`: adds the frames that tail calls removed, looks up function, file, line and column of
 * every frame, and adds the frames that were inlined. Frames are taken module by module. Called by finish.c.
 */
#include "module_files.h"

#include "tenure/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One physical frame without a name yet. */
struct unnamed {
    int64_t frame_id, module_id;
    uint64_t offset_bytes;
};

/* Counts for meta, so that a report can say why names are missing. */
struct name_counts {
    uint64_t frames_named, frames_unnamed, frames_with_line;
    uint64_t modules_with_lines, modules_without_lines, modules_without_names, modules_changed;
};

struct naming {
    struct tn_finish_job *job;
    struct unnamed *unnamed; /* owned; sorted by module and offset */
    size_t unnamed_count;
    sqlite3_stmt *set_name, *add_inlined; /* owned */
    bool has_columns;                     /* logs that an older release began have no place for them */
    struct name_counts counts;
};

static int load_unnamed(struct naming *naming)
{
    struct tn_finish_job *job = naming->job;
    int64_t count;
    int r = tn_finish_number(job, "SELECT count(*) FROM frame", 0, 0, &count);
    if (r < 0)
        return r;
    naming->unnamed = malloc(((size_t)count + 1) * sizeof(naming->unnamed[0]));
    if (naming->unnamed == NULL)
        return tn_finish_refuse(job, -ENOMEM, "cannot name frames");
    sqlite3_stmt *rows;
    r = tn_finish_prepare(job,
                          "SELECT id, coalesce(module_id, 0), offset_bytes FROM frame"
                          " WHERE inlined_into IS NULL ORDER BY 2, 3",
                          &rows);
    if (r < 0)
        return r;
    while ((r = tn_sql_next(rows)) == 1 && naming->unnamed_count < (size_t)count)
        naming->unnamed[naming->unnamed_count++] = (struct unnamed){
            sqlite3_column_int64(rows, 0), sqlite3_column_int64(rows, 1), tn_sql_count(rows, 2)};
    sqlite3_finalize(rows);
    return r < 0 ? tn_finish_fail(job, r, "cannot name frames") : 0;
}

/* Debug information may have names in another character set. NULL stays NULL. */
static int bind_name(sqlite3_stmt *statement, int index, const char *name)
{
    struct tn_buffer valid = {0};
    int r = name != NULL ? tn_buffer_append_utf8(&valid, name) : 0;
    if (r >= 0)
        sqlite3_bind_text(statement, index, (const char *)valid.data, (int)valid.size_bytes,
                          SQLITE_TRANSIENT);
    tn_buffer_finish(&valid);
    return r < 0 ? r : 0;
}

static int bind_frame(const struct naming *naming, sqlite3_stmt *statement,
                      const struct tn_symbol_frame *frame)
{
    int r = bind_name(statement, 2, frame->function);
    if (r == 0)
        r = bind_name(statement, 3, frame->file);
    if (frame->line != 0)
        sqlite3_bind_int64(statement, 4, frame->line);
    else
        sqlite3_bind_null(statement, 4);
    if (naming->has_columns && frame->column != 0)
        sqlite3_bind_int64(statement, 6, frame->column);
    else if (naming->has_columns)
        sqlite3_bind_null(statement, 6);
    return r;
}

static int write_names(struct naming *naming, const struct unnamed *place,
                       const struct tn_symbol_frame *frames, unsigned count)
{
    const struct tn_symbol_frame *physical = &frames[count - 1];
    if (physical->function != NULL)
        naming->counts.frames_named++;
    else
        naming->counts.frames_unnamed++;
    if (physical->line != 0)
        naming->counts.frames_with_line++;
    sqlite3_bind_int64(naming->set_name, 1, place->frame_id);
    int r = bind_frame(naming, naming->set_name, physical);
    if (r == 0)
        r = tn_finish_execute(naming->job, naming->set_name);
    for (unsigned i = 0; r == 0 && i + 1 < count; i++) {
        sqlite3_bind_int64(naming->add_inlined, 1, place->frame_id);
        r = bind_frame(naming, naming->add_inlined, &frames[i]);
        sqlite3_bind_int64(naming->add_inlined, 5, i);
        if (r == 0)
            r = tn_finish_execute(naming->job, naming->add_inlined);
    }
    return r;
}

static void count_module(struct name_counts *counts, struct tn_symbol_file *file)
{
    enum tn_symbol_detail detail = file != NULL ? tn_symbol_file_detail(file) : TN_SYMBOL_NONE;
    if (detail == TN_SYMBOL_DEBUG)
        counts->modules_with_lines++;
    else if (detail == TN_SYMBOL_TABLE)
        counts->modules_without_lines++;
    else
        counts->modules_without_names++;
}

/* Name the frames [first, end), all of one module. */
static int name_module(struct naming *naming, size_t first, size_t end)
{
    struct tn_symbol_file *file = NULL;
    bool is_stale = false;
    int r = 0;
    if (naming->unnamed[first].module_id != 0)
        r = tn_finish_files_get(naming->job, (uint64_t)naming->unnamed[first].module_id, &file, &is_stale);
    if (r < 0)
        return r;
    naming->counts.modules_changed += is_stale;
    if (naming->unnamed[first].module_id != 0)
        count_module(&naming->counts, file);
    if (file == NULL)
        naming->counts.frames_unnamed += end - first;
    for (size_t i = first; file != NULL && r == 0 && i < end; i++) {
        const struct tn_symbol_frame *frames;
        unsigned count;
        r = tn_symbol_look_up(file, naming->unnamed[i].offset_bytes, &frames, &count);
        r = r == 0 ? write_names(naming, &naming->unnamed[i], frames, count)
                   : tn_finish_refuse(naming->job, r, "cannot name frames");
        if (i % 256 == 0)
            tn_finish_progress(naming->job, "names", i, naming->unnamed_count);
    }
    return r;
}

static int write_counts(struct naming *naming)
{
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {
        {"frames_named", naming->counts.frames_named},
        {"frames_unnamed", naming->counts.frames_unnamed},
        {"frames_with_line", naming->counts.frames_with_line},
        {"modules_with_lines", naming->counts.modules_with_lines},
        {"modules_without_lines", naming->counts.modules_without_lines},
        {"modules_without_names", naming->counts.modules_without_names},
        {"modules_changed", naming->counts.modules_changed},
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(counts) / sizeof(counts[0]); i++)
        r = tn_finish_set_meta(naming->job, counts[i].key, counts[i].value);
    return r;
}

static int prepare_all(struct naming *naming)
{
    struct tn_finish_job *job = naming->job;
    int64_t column_count = 0;
    int r =
        tn_finish_number(job, "SELECT count(*) FROM pragma_table_info('frame') WHERE name = 'column_number'",
                         0, 0, &column_count);
    naming->has_columns = column_count != 0;
    if (r == 0)
        r = tn_finish_prepare(job,
                              naming->has_columns
                                  ? "UPDATE frame SET function = ?2, file = ?3, line = ?4, column_number = ?6"
                                    " WHERE id = ?1"
                                  : "UPDATE frame SET function = ?2, file = ?3, line = ?4 WHERE id = ?1",
                              &naming->set_name);
    if (r == 0)
        r = tn_finish_prepare(
            job,
            naming->has_columns
                ? "INSERT INTO frame (module_id, offset_bytes, function, file, line, inlined_into,"
                  " inline_position, column_number)"
                  " SELECT module_id, offset_bytes, ?2, ?3, ?4, id, ?5, ?6 FROM frame WHERE id = ?1"
                : "INSERT INTO frame (module_id, offset_bytes, function, file, line, inlined_into,"
                  " inline_position)"
                  " SELECT module_id, offset_bytes, ?2, ?3, ?4, id, ?5 FROM frame WHERE id = ?1",
            &naming->add_inlined);
    return r;
}

static int name_all(struct naming *naming)
{
    int r = load_unnamed(naming);
    if (r == 0)
        r = prepare_all(naming);
    for (size_t first = 0, end; r == 0 && first < naming->unnamed_count; first = end) {
        for (end = first + 1; end < naming->unnamed_count; end++)
            if (naming->unnamed[end].module_id != naming->unnamed[first].module_id)
                break;
        r = name_module(naming, first, end);
    }
    return r < 0 ? r : write_counts(naming);
}

int tn_finish_names(struct tn_finish_job *job)
{
    struct naming naming = {.job = job};
    bool has_added;
    int r = tn_finish_tail_calls(job, &has_added);
    if (r == 0)
        r = name_all(&naming);
    if (r == 0 && has_added)
        r = tn_finish_run(job,
                          "UPDATE frame SET is_tail_call = 1 WHERE inlined_into IN"
                          " (SELECT id FROM frame WHERE is_tail_call = 1 AND inlined_into IS NULL)");
    sqlite3_finalize(naming.set_name);
    sqlite3_finalize(naming.add_inlined);
    free(naming.unnamed);
    return r;
}
