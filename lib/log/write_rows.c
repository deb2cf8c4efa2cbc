/* SPDX-License-Identifier: MIT */

/* Adds the rows of the plain tables: processes, threads, modules, mappings, frames, stacks, failures and
 * marks. */

#include "writer.h"

#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>

/* Text of the recorded program: bytes as found, borrowed for one step; NULL is taken for "". */
/* ---------------------------------------------------------------------------------------- processes */

static const char *command_line_of(const struct tn_log_writer *writer, const char *command_line)
{
    return writer->omits_command_lines ? NULL : command_line;
}

int tn_log_add_process(struct tn_log_writer *writer, const struct tn_log_process *process, uint64_t *ret_id)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_PROCESS);
    if (statement == NULL)
        return writer->error.code;
    tn_sql_bind_count(statement, 1, writer->process_count + 1);
    tn_sql_bind_count(statement, 2, process->pid);
    tn_sql_bind_id(statement, 3, process->parent_id);
    int r = tn_writer_bind_text(writer, statement, 4, process->executable);
    if (r == 0)
        r = tn_writer_bind_text(writer, statement, 5, command_line_of(writer, process->command_line));
    if (r == 0)
        r = tn_writer_bind_text(writer, statement, 7, process->name);
    tn_sql_bind_count(statement, 6, process->start_ns);
    if (r == 0)
        r = tn_writer_step(writer, statement);
    if (r == 0)
        *ret_id = ++writer->process_count;
    return r;
}

int tn_log_name_process(struct tn_log_writer *writer, uint64_t process_id, const char *executable,
                        const char *command_line)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_PROCESS_NAME);
    if (statement == NULL)
        return writer->error.code;
    tn_sql_bind_count(statement, 1, process_id);
    int r = tn_writer_bind_text(writer, statement, 2, executable);
    if (r == 0)
        r = tn_writer_bind_text(writer, statement, 3, command_line_of(writer, command_line));
    return r < 0 ? r : tn_writer_step(writer, statement);
}

static const char *exit_kind_name(enum tn_exit_kind kind)
{
    switch (kind) {
    case TN_EXIT_EXIT:
        return "exit";
    case TN_EXIT_SIGNAL:
        return "signal";
    case TN_EXIT_EXEC:
        return "exec";
    case TN_EXIT_LOST:
        return "lost";
    case TN_EXIT_RUNNING:
        return "running";
    case TN_EXIT_UNRECORDED:
        return "not recorded";
    case TN_EXIT_UNKNOWN:
        break;
    }
    return "unknown";
}

int tn_log_end_process(struct tn_log_writer *writer, uint64_t process_id, uint64_t end_ns,
                       enum tn_exit_kind kind, int exit_code)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_PROCESS_END);
    if (statement == NULL)
        return writer->error.code;
    tn_sql_bind_count(statement, 1, process_id);
    tn_sql_bind_count(statement, 2, end_ns);
    if (kind == TN_EXIT_RUNNING || kind == TN_EXIT_UNRECORDED)
        sqlite3_bind_null(statement, 2);
    tn_sql_bind_text(statement, 3, exit_kind_name(kind));
    sqlite3_bind_int(statement, 4, exit_code);
    if (exit_code < 0)
        sqlite3_bind_null(statement, 4);
    int r = tn_writer_step(writer, statement);
    return r == 0 ? tn_writer_close_pack(writer, process_id) : r;
}

/* ---------------------------------------------------------------------------------------- threads */

int tn_log_add_thread(struct tn_log_writer *writer, const struct tn_log_thread *thread, uint64_t *ret_id)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_THREAD);
    if (statement == NULL)
        return writer->error.code;
    tn_sql_bind_count(statement, 1, writer->thread_count + 1);
    tn_sql_bind_id(statement, 2, thread->process_id);
    tn_sql_bind_count(statement, 3, thread->tid);
    int r = tn_writer_bind_text(writer, statement, 4, thread->name);
    tn_sql_bind_count(statement, 5, thread->stack_size_bytes);
    tn_sql_bind_count(statement, 6, thread->start_ns);
    if (r == 0)
        r = tn_writer_step(writer, statement);
    if (r == 0)
        *ret_id = ++writer->thread_count;
    return r;
}

/* Set the time at which a row's subject ended. */
static int end_row(struct tn_log_writer *writer, enum tn_writer_statement which, uint64_t id, uint64_t end_ns)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, which);
    if (statement == NULL)
        return writer->error.code;
    tn_sql_bind_count(statement, 1, id);
    tn_sql_bind_count(statement, 2, end_ns);
    return tn_writer_step(writer, statement);
}

int tn_log_end_thread(struct tn_log_writer *writer, uint64_t thread_id, uint64_t end_ns)
{
    return end_row(writer, TN_WRITER_THREAD_END, thread_id, end_ns);
}

int tn_log_lose_events(struct tn_log_writer *writer, uint64_t thread_id, uint64_t count)
{
    return end_row(writer, TN_WRITER_THREAD_LOSS, thread_id, count);
}

/* ---------------------------------------------------------------------------------------- modules */

int tn_log_add_module(struct tn_log_writer *writer, const char *path, const char *build_id, uint64_t *ret_id)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_MODULE);
    if (statement == NULL)
        return writer->error.code;
    if (tn_writer_bind_text(writer, statement, 1, path) < 0)
        return writer->error.code;
    tn_sql_bind_text(statement, 2, build_id != NULL ? build_id : "");
    if (sqlite3_step(statement) == SQLITE_ROW)
        *ret_id = tn_sql_count(statement, 0);
    /* The step that follows ends the statement, or meets the same failure again and reports it. */
    return tn_writer_step(writer, statement);
}

int tn_log_add_mapping(struct tn_log_writer *writer, uint64_t process_id, uint64_t module_id,
                       uint64_t base_address, uint64_t mapped_ns, uint64_t *ret_mapping_id)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_MAPPING);
    if (statement == NULL)
        return writer->error.code;
    tn_sql_bind_count(statement, 1, writer->mapping_count + 1);
    tn_sql_bind_id(statement, 2, process_id);
    tn_sql_bind_id(statement, 3, module_id);
    tn_sql_bind_count(statement, 4, base_address);
    tn_sql_bind_count(statement, 5, mapped_ns);
    int r = tn_writer_step(writer, statement);
    if (r == 0)
        *ret_mapping_id = ++writer->mapping_count;
    return r;
}

int tn_log_end_mapping(struct tn_log_writer *writer, uint64_t mapping_id, uint64_t unmapped_ns)
{
    return end_row(writer, TN_WRITER_MAPPING_END, mapping_id, unmapped_ns);
}

/* ---------------------------------------------------------------------------------------- stacks */

int tn_log_intern_frame(struct tn_log_writer *writer, uint64_t module_id, uint64_t offset_bytes,
                        uint64_t *ret_id)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_FRAME);
    if (statement == NULL)
        return writer->error.code;
    struct tn_intern_frame frame = {module_id, offset_bytes};
    uint64_t id;
    int r = tn_intern_frame(&writer->intern, &frame, &id);
    if (r < 0)
        return tn_writer_fail(writer, r);
    if (r == 1) {
        tn_sql_bind_count(statement, 1, id);
        tn_sql_bind_id(statement, 2, module_id);
        tn_sql_bind_count(statement, 3, offset_bytes);
        r = tn_writer_step(writer, statement);
    }
    if (r == 0)
        *ret_id = id;
    return r;
}

int tn_log_intern_stack(struct tn_log_writer *writer, uint64_t frame_id, uint64_t caller_id,
                        uint64_t frame_bytes, bool is_cut, uint64_t *ret_id)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_STACK);
    if (statement == NULL)
        return writer->error.code;
    if (frame_id > UINT32_MAX || caller_id > UINT32_MAX)
        return -EINVAL;
    struct tn_intern_stack node = {frame_bytes, (uint32_t)frame_id, (uint32_t)caller_id, 0, is_cut};
    uint64_t id;
    uint32_t depth;
    int r = tn_intern_stack(&writer->intern, &node, &id, &depth);
    if (r < 0)
        return r == -EINVAL ? r : tn_writer_fail(writer, r);
    if (r == 1) {
        tn_sql_bind_count(statement, 1, id);
        tn_sql_bind_count(statement, 2, frame_id);
        tn_sql_bind_id(statement, 3, caller_id);
        tn_sql_bind_count(statement, 4, frame_bytes);
        tn_sql_bind_count(statement, 5, depth);
        sqlite3_bind_int(statement, 6, is_cut);
        r = tn_writer_step(writer, statement);
    }
    if (r == 0)
        *ret_id = id;
    return r;
}

/* ---------------------------------------------------------------------------------------- notes */

int tn_log_add_failure(struct tn_log_writer *writer, uint64_t process_id, uint64_t thread_id,
                       uint64_t stack_id, enum tn_function function, uint64_t size_bytes, uint64_t time_ns)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_FAILURE);
    if (statement == NULL)
        return writer->error.code;
    tn_sql_bind_id(statement, 1, process_id);
    tn_sql_bind_id(statement, 2, thread_id);
    tn_sql_bind_id(statement, 3, stack_id);
    tn_sql_bind_text(statement, 4, tn_function_name(function));
    /* Sizes that fail may be absurd; SQL integers end at 2^63 - 1. */
    tn_sql_bind_count(statement, 5, size_bytes <= INT64_MAX ? size_bytes : INT64_MAX);
    tn_sql_bind_count(statement, 6, time_ns);
    return tn_writer_step(writer, statement);
}

int tn_log_add_mark(struct tn_log_writer *writer, uint64_t process_id, uint64_t time_ns, const char *text)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_MARK);
    if (statement == NULL)
        return writer->error.code;
    tn_sql_bind_id(statement, 1, process_id);
    tn_sql_bind_count(statement, 2, time_ns);
    int r = tn_writer_bind_text(writer, statement, 3, text);
    return r < 0 ? r : tn_writer_step(writer, statement);
}
